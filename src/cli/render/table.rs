//! Tables for people: measured by their first rows, and no wider than the terminal.

use std::borrow::Cow;

use super::rows::{Cell, Row};

/// Rows that are measured before the first is shown: enough to be right about nearly all, and soon there.
const MEASURED_ROWS: usize = 500;

/// Blanks between columns.
const GAP: usize = 2;

/// Between the cells of a row that was rendered elsewhere. Cells have no control characters.
const BETWEEN: u8 = 0x1f;

/// Before a line that is no row.
const REMARK: u8 = 0x1e;

/// What a column is for the layout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// What stands above it.
    pub(crate) head: &'static str,
    /// Whether its cells are numbers, which stand on the right.
    pub(crate) is_right: bool,
    /// How wide it usually is.
    pub(crate) usual: usize,
    /// How readily it gives way where there is no room; 0 is never.
    pub(crate) weight: u8,
    /// The fewest characters a line where it may be continued on the next; 0 where it may not.
    pub(crate) wrap: usize,
}

impl Shape {
    pub(crate) const fn new(head: &'static str, is_right: bool) -> Self {
        Self {
            head,
            is_right,
            usual: 0,
            weight: 0,
            wrap: 0,
        }
    }
}

/// How tables look.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look {
    /// Characters of a line; none if nobody cares.
    pub(crate) room: Option<usize>,
    /// Sizes in bytes, not in the unit that suits.
    pub(crate) exact_bytes: bool,
    /// Headings stand out.
    pub(crate) colour: bool,
}

/// Appends the cells of a row, to be laid out later.
pub(crate) fn cells<R: Row>(row: &R, look: Look, out: &mut Vec<u8>) {
    for (index, column) in R::COLUMNS.iter().enumerate() {
        if index > 0 {
            out.push(BETWEEN);
        }
        let cell = (column.cell)(row);
        out.extend_from_slice(cell.show(look.exact_bytes).as_bytes());
    }
    out.push(b'\n');
}

/// Appends a line that is no row, to be shown between the rows.
pub(crate) fn remark(text: &str, out: &mut Vec<u8>) {
    out.push(REMARK);
    out.extend_from_slice(super::plain(text).as_bytes());
    out.push(b'\n');
}

/// Appends a table of all its rows.
pub(crate) fn whole<R: Row>(rows: impl IntoIterator<Item = R>, look: Look, out: &mut Vec<u8>) {
    let (mut table, mut rendered) = (Table::new::<R>(look), Vec::new());
    for row in rows {
        rendered.clear();
        cells(&row, look, &mut rendered);
        table.push(&rendered, out);
    }
    table.finish(out);
}

/// A row as one line: what is known of it, each with its heading.
pub(crate) fn line<R: Row>(row: &R, look: Look) -> String {
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

/// A table in the making.
#[derive(Debug)]
pub(crate) struct Table {
    shapes: Vec<Shape>,
    look: Look,
    /// Lines not shown yet, as they were rendered.
    waiting: Vec<Vec<u8>>,
    layout: Option<Layout>,
}

/// The columns shown, by index, and how wide they are.
#[derive(Debug)]
struct Layout {
    columns: Vec<(usize, usize)>,
    /// The headings of those that the terminal has no room for.
    left_out: Vec<&'static str>,
}

impl Table {
    /// An empty one.
    pub(crate) fn new<R: Row>(look: Look) -> Self {
        Self {
            shapes: R::COLUMNS.iter().map(|column| column.shape).collect(),
            look,
            waiting: Vec::new(),
            layout: None,
        }
    }

    /// Takes lines that were rendered as cells or remarks, and appends what can be shown by now.
    pub(crate) fn push(&mut self, rendered: &[u8], out: &mut Vec<u8>) {
        for line in rendered.split_inclusive(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if let Some(layout) = &self.layout {
                self.show(layout, line, out);
                continue;
            }
            self.waiting.push(line.to_vec());
            if self.waiting.len() >= MEASURED_ROWS {
                self.begin(false, out);
            }
        }
    }

    /// Appends the rest, and names the columns left out.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) {
        if !self.waiting.is_empty() {
            self.begin(true, out);
        }
        let left_out = self.layout.map(|layout| layout.left_out);
        if let Some(left_out) = left_out.filter(|heads| !heads.is_empty()) {
            let line = format!("(too narrow for: {})\n", left_out.join(", "));
            out.extend_from_slice(line.as_bytes());
        }
    }

    /// Chooses the layout, and appends the headings and the rows that waited.
    fn begin(&mut self, is_whole: bool, out: &mut Vec<u8>) {
        let waiting = std::mem::take(&mut self.waiting);
        let layout = self.measure(&waiting, is_whole);
        let has_rows = waiting.iter().any(|line| line.first() != Some(&REMARK));
        if has_rows {
            let heads: Vec<&str> = self.shapes.iter().map(|shape| shape.head).collect();
            let start = out.len();
            self.lines(&layout, &heads, out);
            if self.look.colour {
                bold(start, out);
            }
        }
        for line in &waiting {
            self.show(&layout, line, out);
        }
        // Nothing is known about rows as long as there was none.
        self.layout = Some(layout).filter(|_| has_rows);
    }

    fn show(&self, layout: &Layout, line: &[u8], out: &mut Vec<u8>) {
        if let Some(remark) = line.strip_prefix(&[REMARK]) {
            out.extend_from_slice(remark);
            out.push(b'\n');
            return;
        }
        let texts = texts(line);
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        self.lines(layout, &texts, out);
    }

    /// Which columns are shown, and how wide.
    fn measure(&self, rows: &[Vec<u8>], is_whole: bool) -> Layout {
        let mut needs = vec![0; self.shapes.len()];
        let mut is_bare = vec![true; self.shapes.len()];
        for row in rows.iter().filter(|row| row.first() != Some(&REMARK)) {
            for ((need, bare), text) in needs.iter_mut().zip(&mut is_bare).zip(texts(row)) {
                *need = width(&text).max(*need);
                *bare &= text == "-";
            }
        }
        let mut columns: Vec<(usize, Shape, usize)> = Vec::new();
        for (index, ((shape, need), bare)) in self.shapes.iter().zip(needs).zip(is_bare).enumerate()
        {
            // What holds nothing at all is not worth a column.
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

    /// Appends one row: as many lines as its longest cell needs.
    fn lines(&self, layout: &Layout, texts: &[&str], out: &mut Vec<u8>) {
        let mut rests: Vec<&str> = layout
            .columns
            .iter()
            .map(|(index, _)| texts.get(*index).copied().unwrap_or_default())
            .collect();
        let mut is_first = true;
        while std::mem::take(&mut is_first) || rests.iter().any(|rest| !rest.is_empty()) {
            let start = out.len();
            for (nth, (&(index, width), rest)) in layout.columns.iter().zip(&mut rests).enumerate()
            {
                let Some(shape) = self.shapes.get(index) else {
                    continue;
                };
                let text = if shape.wrap > 0 {
                    wrapped(rest, width)
                } else {
                    std::mem::take(rest)
                };
                if nth > 0 {
                    out.extend([b' '; GAP]);
                }
                pad(text, width, shape.is_right, out);
            }
            let blanks = out.get(start..).unwrap_or_default();
            let blanks = blanks
                .iter()
                .rev()
                .take_while(|byte| **byte == b' ')
                .count();
            out.truncate(out.len() - blanks);
            out.push(b'\n');
        }
    }
}

/// The cells of a rendered row.
fn texts(row: &[u8]) -> Vec<Cow<'_, str>> {
    row.split(|&byte| byte == BETWEEN)
        .map(String::from_utf8_lossy)
        .collect()
}

/// Leaves columns out until the rest fits, and gives those that wrap what room there is.
fn fit(mut columns: Vec<(usize, Shape, usize)>, room: usize) -> Layout {
    let least = |(_, shape, need): &(usize, Shape, usize)| match shape.wrap {
        0 => *need,
        wrap => wrap.max(width(shape.head)).min(*need),
    };
    let gaps = |count: usize| GAP * count.saturating_sub(1);
    let mut left_out = Vec::new();
    loop {
        let taken = columns.iter().map(least).sum::<usize>() + gaps(columns.len());
        let mut weights = columns.iter().map(|(_, shape, _)| shape.weight).enumerate();
        let heaviest = weights.by_ref().max_by_key(|(_, weight)| *weight);
        match heaviest {
            Some((nth, weight)) if taken > room && weight > 0 => {
                let (index, shape, _) = columns.remove(nth);
                left_out.push((index, shape.head));
            }
            _ => break,
        }
    }
    let fixed = columns.iter().map(least).sum::<usize>() + gaps(columns.len());
    let mut spare = room.saturating_sub(fixed);
    let columns = columns.iter().map(|column| {
        let more = (column.2 - least(column)).min(spare);
        spare -= more;
        (column.0, least(column) + more)
    });
    let columns = columns.collect();
    left_out.sort_unstable();
    Layout {
        columns,
        left_out: left_out.into_iter().map(|(_, head)| head).collect(),
    }
}

/// Takes a line of at most `width` characters from the front: whole words where there are any.
fn wrapped<'a>(rest: &mut &'a str, width: usize) -> &'a str {
    let text = *rest;
    let Some((end, _)) = text.char_indices().nth(width.max(1)) else {
        return std::mem::take(rest);
    };
    let (head, tail) = text.split_at(end);
    let cut = if tail.starts_with(' ') {
        end
    } else {
        head.rfind(' ').filter(|at| *at > 0).unwrap_or(end)
    };
    let (line, after) = text.split_at(cut);
    *rest = after.trim_start_matches(' ');
    line
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn pad(text: &str, to: usize, is_right: bool, out: &mut Vec<u8>) {
    let blanks = to.saturating_sub(width(text));
    let end = out.len() + blanks;
    if is_right {
        out.resize(end, b' ');
    }
    out.extend_from_slice(text.as_bytes());
    if !is_right {
        out.resize(end + text.len(), b' ');
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

/// A text in which what is hidden is escaped.
pub(crate) fn plain(text: &str) -> String {
    super::plain(text).into_owned()
}

/// A number of things, in words.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", super::rows::grouped(count))
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
        let look = Look {
            room,
            ..Look::default()
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
        let narrow = "Name  Size\na        7\nb        8\n(too narrow for: Why)\n";
        assert_eq!(shown(&rows, Some(12)), narrow);
        assert_eq!(shown(&rows, Some(0)), narrow);
    }

    #[test]
    fn rows_are_shown_before_the_last_one_is_there() {
        let look = Look::default();
        let (mut table, mut out, mut rendered) = (Table::new::<Line>(look), Vec::new(), Vec::new());
        cells(&row("a", 1, None, "-"), look, &mut rendered);
        for _ in 0..MEASURED_ROWS {
            assert!(out.is_empty());
            table.push(&rendered, &mut out);
        }
        let lines = String::from_utf8_lossy(&out).lines().count();
        assert_eq!(lines, MEASURED_ROWS + 1);
        out.clear();
        remark("! damage", &mut rendered);
        table.push(&rendered, &mut out);
        assert_eq!(out, b"a          1     -  -\n! damage\n");
    }

    #[test]
    fn words_that_are_too_long_are_cut_where_the_line_ends() {
        let mut rest = "abcdefgh ij";
        let mut lines = Vec::new();
        while !rest.is_empty() {
            lines.push(wrapped(&mut rest, 4));
        }
        assert_eq!(lines, ["abcd", "efgh", "ij"]);
    }
}
