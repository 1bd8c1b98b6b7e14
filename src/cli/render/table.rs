//! Tables for people.

use comfy_table::{CellAlignment, presets};

use super::rows::{Cell, Table};
use super::time;

/// Appends the line above rows of fixed width.
pub(crate) fn heads(table: &Table, out: &mut Vec<u8>) {
    let mut line = String::new();
    for column in table.columns.iter().filter(|column| column.width > 0) {
        push(&mut line, column.head, column.width, false);
    }
    end(line, out);
}

/// Appends a row of fixed width; what is wider moves the rest of its line.
pub(crate) fn row(table: &Table, cells: &[Cell], out: &mut Vec<u8>) {
    let mut line = String::new();
    for (column, cell) in table.columns.iter().zip(cells) {
        if column.width > 0 {
            push(&mut line, &show(cell), column.width, is_number(cell));
        }
    }
    end(line, out);
}

/// Appends rows as a table as wide as they need.
pub(crate) fn short(table: &Table, rows: &[Vec<Cell>], out: &mut Vec<u8>) {
    let mut shown = comfy_table::Table::new();
    shown.load_style(presets::NOTHING);
    let seen = || table.columns.iter().filter(|column| column.width > 0);
    shown.set_header(seen().map(|column| column.head));
    for row in rows {
        let cells = table.columns.iter().zip(row);
        shown.add_row(
            cells
                .filter(|(column, _)| column.width > 0)
                .map(|(_, cell)| {
                    let text = comfy_table::Cell::new(show(cell));
                    if is_number(cell) {
                        text.set_alignment(CellAlignment::Right)
                    } else {
                        text
                    }
                }),
        );
    }
    for column in shown.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for line in shown.lines() {
        end(line, out);
    }
}

/// A cell as people read it.
pub(crate) fn show(cell: &Cell) -> String {
    match cell {
        Cell::None => "-".into(),
        Cell::List(cells) if cells.is_empty() => "-".into(),
        Cell::Int(number) => number.to_string(),
        Cell::Text(text) => plain(text),
        Cell::Time(ms) => time::rfc3339(*ms),
        Cell::Bool(is) => if *is { "yes" } else { "no" }.into(),
        Cell::Bytes(bytes) => std::str::from_utf8(bytes).map_or_else(
            |_| {
                let mut text = b"base64:".to_vec();
                kseg::decode::json::write_base64(bytes, &mut text);
                String::from_utf8_lossy(&text).into_owned()
            },
            plain,
        ),
        Cell::Json(json) => plain(&String::from_utf8_lossy(json)),
        Cell::List(cells) => {
            let shown: Vec<String> = cells.iter().map(show).collect();
            shown.join(",")
        }
    }
}

pub(super) fn is_number(cell: &Cell) -> bool {
    matches!(cell, Cell::Int(_))
}

/// A number of things, in words.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// A text that changes nothing on a terminal but where it stands.
pub(crate) fn plain(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Appends a line of texts, each with its width and whether it stands on the right.
pub(super) fn line(cells: impl Iterator<Item = (String, usize, bool)>, out: &mut Vec<u8>) {
    let mut line = String::new();
    for (text, width, is_right) in cells {
        push(&mut line, &text, width, is_right);
    }
    end(line, out);
}

fn push(line: &mut String, text: &str, width: usize, is_right: bool) {
    use std::fmt::Write as _;
    // Writing to a string does not fail.
    let _ = if is_right {
        write!(line, "{text:>width$}  ")
    } else {
        write!(line, "{text:<width$}  ")
    };
}

fn end(line: impl AsRef<str>, out: &mut Vec<u8>) {
    out.extend_from_slice(line.as_ref().trim_end().as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::super::rows::Column;
    use super::*;

    const TABLE: Table = Table {
        schema: "kseg.test/1",
        title: "",
        columns: &[
            Column::new("name", "Name", 6),
            Column::hidden("hidden"),
            Column::new("size", "Size", 4),
            Column::new("last", "Last", 4),
        ],
    };

    fn cells(name: &str, size: i64) -> Vec<Cell> {
        vec![Cell::text(name), Cell::None, Cell::Int(size), Cell::None]
    }

    #[test]
    fn numbers_stand_on_the_right_and_no_line_ends_with_blanks() {
        let mut out = Vec::new();
        heads(&TABLE, &mut out);
        row(&TABLE, &cells("a\u{1b}b", 7), &mut out);
        row(&TABLE, &cells("a", 123_456), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "Name    Size  Last\na\\u{1b}b     7  -\na       123456  -\n"
        );
        let mut out = Vec::new();
        short(&TABLE, &[cells("a", 7), cells("abc", 12)], &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "Name  Size  Last\na        7  -\nabc     12  -\n");
    }

    #[test]
    fn bytes_are_text_where_they_are_utf8() {
        assert_eq!(show(&Cell::Bytes(b"x\n".to_vec())), "x\\n");
        assert_eq!(show(&Cell::Bytes(vec![0xff])), "base64:/w==");
        assert_eq!(show(&Cell::ints([1, 2])), "1,2");
    }
}
