//! Tables that need not be complete to be shown: measured by their first rows, and no wider than the terminal.

use super::rows::{Cell, Table};
use super::table;

/// Rows that are measured before the first is shown.
const MEASURED_ROWS: usize = 500;

/// Blanks between columns.
const GAP: usize = 2;

/// A table in the making.
#[derive(Debug)]
pub(crate) struct Listing {
    table: &'static Table,
    /// Columns that the terminal has; none if nobody cares.
    room: Option<usize>,
    /// Rows not shown yet.
    waiting: Vec<Vec<Cell>>,
    /// The columns shown, by index, and how wide they are; none before that is known.
    layout: Option<Vec<(usize, usize)>>,
    /// The heads of those that the terminal has no room for.
    left_out: Vec<&'static str>,
}

impl Listing {
    /// An empty one.
    pub(crate) fn new(table: &'static Table, room: Option<usize>) -> Self {
        Self {
            table,
            room,
            waiting: Vec::new(),
            layout: None,
            left_out: Vec::new(),
        }
    }

    /// Its table.
    pub(crate) fn table(&self) -> &'static Table {
        self.table
    }

    /// Takes a row, and appends what can be shown by now.
    pub(crate) fn push(&mut self, row: Vec<Cell>, out: &mut Vec<u8>) {
        self.waiting.push(row);
        if self.layout.is_some() || self.waiting.len() >= MEASURED_ROWS {
            self.show(false, out);
        }
    }

    /// Appends the rest, and names the columns left out.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) {
        if !self.waiting.is_empty() {
            self.show(true, out);
        }
        if !self.left_out.is_empty() {
            let line = format!("(too narrow for: {})\n", self.left_out.join(", "));
            out.extend_from_slice(line.as_bytes());
        }
    }

    fn show(&mut self, is_whole: bool, out: &mut Vec<u8>) {
        let rows = std::mem::take(&mut self.waiting);
        let layout = if let Some(layout) = self.layout.take() {
            layout
        } else {
            let layout = self.measure(&rows, is_whole);
            let heads = layout.iter().map(|&(index, width)| {
                let column = self.table.columns.get(index);
                (
                    column.map_or("", |column| column.head).to_owned(),
                    width,
                    false,
                )
            });
            table::line(heads, out);
            layout
        };
        for row in &rows {
            let cells = layout.iter().map(|&(index, width)| {
                let cell = row.get(index).unwrap_or(&Cell::None);
                (table::show(cell), width, table::is_number(cell))
            });
            table::line(cells, out);
        }
        self.layout = Some(layout);
    }

    /// Which columns are shown, and how wide. Those without anything in them are left out if these are all rows, and
    /// those on the right if the terminal has no room for them.
    fn measure(&mut self, rows: &[Vec<Cell>], is_whole: bool) -> Vec<(usize, usize)> {
        let mut layout = Vec::new();
        let mut taken = 0;
        for (index, column) in self.table.columns.iter().enumerate() {
            let cells = || rows.iter().filter_map(|row| row.get(index));
            let is_bare = is_whole && cells().all(is_nothing);
            if column.width == 0 || (is_bare && !layout.is_empty()) {
                continue;
            }
            let least = if is_whole { 0 } else { column.width };
            let widths = cells().map(|cell| table::show(cell).chars().count());
            let width = widths.max().unwrap_or(0).max(column.head.len()).max(least);
            taken += width + if layout.is_empty() { 0 } else { GAP };
            if layout.is_empty() || self.room.is_none_or(|room| taken <= room) {
                layout.push((index, width));
            } else {
                self.left_out.push(column.head);
                taken = usize::MAX / 2;
            }
        }
        layout
    }
}

fn is_nothing(cell: &Cell) -> bool {
    match cell {
        Cell::None => true,
        Cell::List(cells) => cells.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::Column;
    use super::*;

    static TABLE: Table = Table {
        schema: "kseg.test/1",
        title: "",
        columns: &[
            Column::new("name", "Name", 6),
            Column::new("bare", "Bare", 4),
            Column::hidden("hidden"),
            Column::new("size", "Size", 4),
            Column::new("last", "Last", 4),
        ],
    };

    fn row(name: &str, last: i64) -> Vec<Cell> {
        let bare = Cell::List(Vec::new());
        vec![
            Cell::text(name),
            bare,
            Cell::Int(1),
            Cell::Int(7),
            Cell::Int(last),
        ]
    }

    fn shown(rows: usize, room: Option<usize>) -> String {
        let (mut listing, mut out) = (Listing::new(&TABLE, room), Vec::new());
        for _ in 0..rows {
            listing.push(row("a", 12_345), &mut out);
        }
        listing.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_without_anything_and_those_without_room_are_left_out() {
        assert_eq!(shown(1, None), "Name  Size  Last\na        7  12345\n");
        assert_eq!(shown(1, Some(17)), shown(1, None));
        let narrow = "Name  Size\na        7\n(too narrow for: Last)\n";
        assert_eq!(shown(1, Some(16)), narrow);
        assert_eq!(shown(1, Some(0)), "Name\na\n(too narrow for: Size, Last)\n");
        assert_eq!(shown(0, None), "");
    }

    #[test]
    fn rows_are_shown_before_the_last_one_is_there() {
        let (mut listing, mut out) = (Listing::new(&TABLE, None), Vec::new());
        for _ in 0..MEASURED_ROWS {
            assert!(out.is_empty());
            listing.push(row("a", 1), &mut out);
        }
        assert_eq!(
            String::from_utf8_lossy(&out).lines().count(),
            MEASURED_ROWS + 1
        );
        out.clear();
        listing.push(row("abcdefgh", 1), &mut out);
        assert_eq!(out, b"abcdefgh  -        7     1\n");
    }
}
