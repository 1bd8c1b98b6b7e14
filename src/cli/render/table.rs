//! Tables for people: measured by their first rows, and no wider than the terminal.
//!
//! The columns and their widths are chosen once, from the first rows; a block of rows with these
//! widths is a table of `comfy_table`, which wraps and aligns.

use std::borrow::Cow;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};

use super::rows::{Cell, Row, Shape};
use super::wrap::{width, wrapped};

/// The number of rows that are measured before the first is shown, and laid out together: enough
/// for good widths, and available soon.
const BLOCK_ROWS: usize = 500;

/// Blanks between columns.
const GAP: usize = 2;

/// The separator of the cells of a rendered row. Cells have no control characters.
const BETWEEN: u8 = 0x1f;

/// The mark of a line that is not a row.
const REMARK: u8 = 0x1e;

/// The look of tables.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TableStyle {
    /// Characters of a line, if they are limited.
    pub(crate) room: Option<usize>,
    /// Sizes in bytes, not in a suitable unit.
    pub(crate) exact_bytes: bool,
    /// Headings are coloured.
    pub(crate) colour: bool,
}

/// Appends the cells of a row, to be laid out later.
pub(crate) fn cells<R: Row>(row: &R, look: TableStyle, out: &mut Vec<u8>) {
    for (index, column) in R::COLUMNS.iter().enumerate() {
        if index > 0 {
            out.push(BETWEEN);
        }
        let cell = (column.cell)(row);
        out.extend_from_slice(cell.show(look.exact_bytes).as_bytes());
    }
    out.push(b'\n');
}

/// Appends a line that is not a row, to be shown between the rows.
pub(crate) fn remark(text: &str, out: &mut Vec<u8>) {
    out.push(REMARK);
    out.extend_from_slice(super::plain(text).as_bytes());
    out.push(b'\n');
}

/// Appends a table of all its rows.
pub(crate) fn whole<R: Row>(
    rows: impl IntoIterator<Item = R>,
    look: TableStyle,
    out: &mut Vec<u8>,
) {
    let (mut table, mut rendered) = (Table::new::<R>(look), Vec::new());
    for row in rows {
        rendered.clear();
        cells(&row, look, &mut rendered);
        table.push(&rendered, out);
    }
    table.finish(out);
}

/// A row as one line: its known values, each with its heading.
pub(crate) fn line<R: Row>(row: &R, look: TableStyle) -> String {
    let mut parts = Vec::new();
    for column in R::COLUMNS {
        let cell = (column.cell)(row);
        if cell == Cell::None {
            continue;
        }
        let shown = cell.show(look.exact_bytes);
        parts.push(match column.shape.head {
            "" => shown.into_owned(),
            head => format!("{} {shown}", head.to_lowercase()),
        });
    }
    parts.join(", ")
}

/// A table that is being written.
#[derive(Debug)]
pub(crate) struct Table {
    shapes: Vec<Shape>,
    look: TableStyle,
    /// Rendered lines that are not yet shown.
    waiting: Vec<Vec<u8>>,
    layout: Option<Layout>,
}

/// The columns shown, by index, and their widths.
#[derive(Debug)]
struct Layout {
    columns: Vec<(usize, usize)>,
    /// The headings of those that the terminal has no room for.
    left_out: Vec<&'static str>,
}

impl Layout {
    /// Returns true if no cell of a row is wider than its column.
    fn has_room_for(&self, texts: &[Cow<'_, str>]) -> bool {
        let mut columns = self.columns.iter();
        columns.all(|(index, column)| texts.get(*index).is_none_or(|text| width(text) <= *column))
    }
}

impl Table {
    /// An empty one.
    pub(crate) fn new<R: Row>(look: TableStyle) -> Self {
        Self {
            shapes: R::COLUMNS.iter().map(|column| column.shape).collect(),
            look,
            waiting: Vec::new(),
            layout: None,
        }
    }

    /// Takes lines that were rendered as cells or remarks, and appends a block when it is full.
    pub(crate) fn push(&mut self, rendered: &[u8], out: &mut Vec<u8>) {
        for line in rendered.split_inclusive(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            self.waiting.push(line.to_vec());
            if self.waiting.len() >= BLOCK_ROWS {
                self.flush(false, out);
            }
        }
    }

    /// Appends the rest, and names the columns left out.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) {
        self.flush(true, out);
        let left_out = self.layout.map(|layout| layout.left_out);
        if let Some(left_out) = left_out.filter(|heads| !heads.is_empty()) {
            let line = format!("(no room for: {})", left_out.join(", "));
            out.extend_from_slice(wrapped(&line, self.look.room).as_bytes());
            out.push(b'\n');
        }
    }

    /// Appends the waiting lines, and the headings before the first row.
    fn flush(&mut self, is_whole: bool, out: &mut Vec<u8>) {
        let waiting = std::mem::take(&mut self.waiting);
        for lines in waiting.chunk_by(|a, b| is_remark(a) == is_remark(b)) {
            if lines.first().is_some_and(|line| is_remark(line)) {
                for line in lines {
                    out.extend_from_slice(line.get(1..).unwrap_or_default());
                    out.push(b'\n');
                }
                continue;
            }
            if self.layout.is_none() {
                let layout = self.measure(&waiting, is_whole);
                let heads: Vec<Cow<'_, str>> =
                    self.shapes.iter().map(|shape| shape.head.into()).collect();
                let start = out.len();
                self.rows(&layout, &[heads], out);
                if self.look.colour {
                    bold(start, out);
                }
                self.layout = Some(layout);
            }
            if let Some(layout) = &self.layout {
                let rows: Vec<_> = lines.iter().map(|line| texts(line)).collect();
                self.rows(layout, &rows, out);
            }
        }
    }

    /// Returns the columns to show and their widths.
    fn measure(&self, rows: &[Vec<u8>], is_whole: bool) -> Layout {
        let mut needs = vec![0; self.shapes.len()];
        let mut is_bare = vec![true; self.shapes.len()];
        for row in rows.iter().filter(|row| !is_remark(row)) {
            for ((need, bare), text) in needs.iter_mut().zip(&mut is_bare).zip(texts(row)) {
                *need = width(&text).max(*need);
                *bare &= text == "-";
            }
        }
        let mut columns: Vec<(usize, Shape, usize)> = Vec::new();
        for (index, ((shape, need), bare)) in self.shapes.iter().zip(needs).zip(is_bare).enumerate()
        {
            // A column without values is left out.
            if is_whole && bare && index > 0 {
                continue;
            }
            let usual = if is_whole { 0 } else { shape.usual };
            let need = need.max(width(shape.head)).max(usual);
            columns.push((index, *shape, need));
        }
        let Some(room) = self.look.room else {
            let columns = columns.into_iter().map(|(index, _, need)| (index, need));
            return Layout {
                columns: columns.collect(),
                left_out: Vec::new(),
            };
        };
        fit(columns, room)
    }

    /// Appends rows, each with as many lines as its longest cell needs.
    fn rows(&self, layout: &Layout, rows: &[Vec<Cow<'_, str>>], out: &mut Vec<u8>) {
        if rows.iter().all(|texts| layout.has_room_for(texts)) {
            for texts in rows {
                self.line(layout, texts, out);
            }
        } else {
            self.wrapped(layout, rows, out);
        }
    }

    /// Appends a row whose cells all fit, which takes a tenth of the time.
    fn line(&self, layout: &Layout, texts: &[Cow<'_, str>], out: &mut Vec<u8>) {
        let mut line = String::new();
        for (index, column) in &layout.columns {
            let text = texts.get(*index).map_or("", AsRef::as_ref);
            let spare = column.saturating_sub(width(text));
            let is_right = self.shapes.get(*index).is_some_and(|shape| shape.is_right);
            let (before, after) = if is_right { (spare, 0) } else { (0, spare) };
            line.extend(std::iter::repeat_n(' ', before));
            line.push_str(text);
            line.extend(std::iter::repeat_n(' ', after + GAP));
        }
        out.extend_from_slice(line.trim_end().as_bytes());
        out.push(b'\n');
    }

    /// Appends rows, some of whose cells are wider than their columns.
    fn wrapped(&self, layout: &Layout, rows: &[Vec<Cow<'_, str>>], out: &mut Vec<u8>) {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        for texts in rows {
            let columns = layout.columns.iter();
            table.add_row(columns.map(|(index, _)| texts.get(*index).map_or("", AsRef::as_ref)));
        }
        let gap = u16::try_from(GAP).unwrap_or_default();
        for (column, (index, width)) in table.column_iter_mut().zip(&layout.columns) {
            let shape = self.shapes.get(*index);
            column.set_padding((0, gap));
            let width = Width::Fixed(u16::try_from(width.saturating_add(GAP)).unwrap_or(u16::MAX));
            // A cell that is not wrapped and is wider than measured shifts the rest of its line.
            column.set_constraint(if shape.is_some_and(|shape| shape.wrap > 0) {
                ColumnConstraint::Absolute(width)
            } else {
                ColumnConstraint::LowerBoundary(width)
            });
            if shape.is_some_and(|shape| shape.is_right) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for line in table.lines() {
            out.extend_from_slice(line.trim_end().as_bytes());
            out.push(b'\n');
        }
    }
}

/// Returns true if a rendered line is not a row.
fn is_remark(line: &[u8]) -> bool {
    line.first() == Some(&REMARK)
}

/// The cells of a rendered row.
fn texts(row: &[u8]) -> Vec<Cow<'_, str>> {
    row.split(|&byte| byte == BETWEEN)
        .map(String::from_utf8_lossy)
        .collect()
}

/// The width of a name that is not wrapped as long as another column can be left out:
/// `__consumer_offsets` has 18.
const NAME: usize = 20;

/// Leaves columns out until the rest fits, and divides the remaining room among those that wrap.
fn fit(mut columns: Vec<(usize, Shape, usize)>, room: usize) -> Layout {
    let least = |(_, shape, need): &(usize, Shape, usize), wrap: usize| match shape.wrap {
        0 => *need,
        _ => wrap.max(shape.wrap).max(width(shape.head)).min(*need),
    };
    let taken = |columns: &[(usize, Shape, usize)], wrap: usize| {
        let widths: usize = columns.iter().map(|column| least(column, wrap)).sum();
        widths + GAP * columns.len().saturating_sub(1)
    };
    let mut left_out = Vec::new();
    while taken(&columns, NAME) > room {
        let is_short_of_room = taken(&columns, 0) > room;
        let may_go = columns
            .iter()
            .enumerate()
            .filter(|(_, (_, shape, _))| is_short_of_room || shape.wrap == 0);
        let Some((nth, 1..)) = may_go
            .map(|(nth, (_, shape, _))| (nth, shape.weight))
            .max_by_key(|(_, weight)| *weight)
        else {
            break;
        };
        let (index, shape, _) = columns.remove(nth);
        left_out.push((index, shape.head));
    }
    let wrap = if taken(&columns, NAME) > room {
        0
    } else {
        NAME
    };
    let mut spare = room.saturating_sub(taken(&columns, wrap));
    let columns = columns.iter().map(|column| {
        let least = least(column, wrap);
        let more = (column.2 - least).min(spare);
        spare -= more;
        (column.0, least + more)
    });
    let columns = columns.collect();
    left_out.sort_unstable();
    Layout {
        columns,
        left_out: left_out.into_iter().map(|(_, head)| head).collect(),
    }
}

/// Makes what was appended since `start` bold, line by line.
fn bold(start: usize, out: &mut Vec<u8>) {
    let heads = out.split_off(start);
    for line in heads.split_inclusive(|&byte| byte == b'\n') {
        out.extend_from_slice(b"\x1b[1m");
        out.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        out.extend_from_slice(b"\x1b[0m\n");
    }
}

/// A text with hidden characters escaped.
pub(crate) fn plain(text: &str) -> String {
    super::plain(text).into_owned()
}

/// A number and a noun: `1 record`, `2 records`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", super::rows::grouped(count))
}

/// The verb after as many things.
pub(crate) const fn are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::super::rows::Column;
    use super::*;
    use crate::cli::schema::{self, Schema};

    #[derive(Serialize)]
    struct Line {
        name: String,
        size: i64,
        last: Option<i64>,
        why: String,
    }

    impl Row for Line {
        const SCHEMA: Schema = schema::ITEM;
        const COLUMNS: &'static [Column<Self>] = &[
            Column::left("Name", |row: &Self| (&row.name).into()).usually(6),
            Column::right("Size", |row: &Self| row.size.into()),
            Column::right("Last", |row: &Self| (&row.last).into()).gives_way(2),
            Column::left("Why", |row: &Self| (&row.why).into())
                .gives_way(1)
                .wraps(6),
        ];
    }

    fn row(name: &str, size: i64, last: Option<i64>, why: &str) -> Line {
        Line {
            name: name.into(),
            size,
            last,
            why: why.into(),
        }
    }

    fn shown(rows: &[Line], room: Option<usize>) -> String {
        let look = TableStyle {
            room,
            ..TableStyle::default()
        };
        let (mut table, mut out) = (Table::new::<Line>(look), Vec::new());
        for row in rows {
            let mut rendered = Vec::new();
            cells(row, look, &mut rendered);
            table.push(&rendered, &mut out);
        }
        table.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_stand_on_the_right_and_no_line_ends_with_blanks() {
        let rows = [
            row("a\u{1b}b", 7, Some(1), "x"),
            row("a", 12_345, None, "y"),
        ];
        let text =
            "Name       Size  Last  Why\na\\u{1b}b      7     1  x\na         12345     -  y\n";
        assert_eq!(shown(&rows, None), text);
        assert_eq!(shown(&[], None), "");
    }

    #[test]
    fn columns_with_nothing_in_them_and_those_without_room_are_left_out() {
        let long = "no usable index at all";
        let rows = [row("a", 7, None, long), row("b", 8, None, "-")];
        let all = format!("Name  Size  Why\na        7  {long}\nb        8  -\n");
        assert_eq!(shown(&rows, None), all);
        assert_eq!(shown(&rows, Some(34)), all);
        let wrapped = "Name  Size  Why\na        7  no usable\n            index at\n            all\nb        8  -\n";
        assert_eq!(shown(&rows, Some(21)), wrapped);
        let narrow = "Name  Size\na        7\nb        8\n(no room for:\n    Why)\n";
        assert_eq!(shown(&rows, Some(15)), narrow);
    }

    #[test]
    fn rows_that_fit_look_as_if_they_had_been_wrapped() {
        let table = Table::new::<Line>(TableStyle::default());
        let columns = [(0, 6), (1, 5), (2, 4), (3, 8)].to_vec();
        let layout = Layout {
            columns,
            left_out: Vec::new(),
        };
        let rows = [
            ["a", "7", "-", "x y z"],
            ["", "12345", "", "y "],
            ["\u{e9}\u{4e16}", "", "1", " b"],
        ];
        let rows = rows.map(|row| row.map(Cow::Borrowed).to_vec());
        let (mut fitted, mut wrapped) = (Vec::new(), Vec::new());
        table.rows(&layout, &rows, &mut fitted);
        table.wrapped(&layout, &rows, &mut wrapped);
        assert_eq!(
            String::from_utf8(fitted).unwrap(),
            String::from_utf8(wrapped).unwrap()
        );
    }

    #[test]
    fn rows_are_shown_before_the_last_one_is_there() {
        let look = TableStyle::default();
        let (mut table, mut out, mut rendered) = (Table::new::<Line>(look), Vec::new(), Vec::new());
        cells(&row("a", 1, None, "-"), look, &mut rendered);
        for _ in 0..BLOCK_ROWS {
            assert!(out.is_empty());
            table.push(&rendered, &mut out);
        }
        let lines = String::from_utf8_lossy(&out).lines().count();
        assert_eq!(lines, BLOCK_ROWS + 1);
        out.clear();
        remark("! damage", &mut rendered);
        table.push(&rendered, &mut out);
        table.finish(&mut out);
        assert_eq!(out, b"a          1     -  -\n! damage\n");
    }
}
