//! Rows of named cells: what tables and JSON objects are made of.

use super::{json, table};
use kseg::wire::Uuid;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Tables for people
    Text,
    /// One JSON document
    Json,
    /// A JSON object a line
    Ndjson,
}

/// A value in a row.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    /// Nothing: a dash, or null.
    None,
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
    /// Milliseconds since 1970; as a date for people.
    Time(i64),
    /// Yes or no.
    Bool(bool),
    /// Bytes of a record: text where they are UTF-8.
    Bytes(Vec<u8>),
    /// JSON as it is.
    Json(Vec<u8>),
    /// Several values.
    List(Vec<Cell>),
}

impl Cell {
    /// A text that never changes.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// A number that may be too large for a cell only on disks that do not exist.
    pub(crate) fn int(number: impl TryInto<i64>) -> Self {
        Self::Int(number.try_into().unwrap_or(i64::MAX))
    }

    /// A number; −1 is none.
    pub(crate) fn id(number: impl Into<i64>) -> Self {
        match number.into() {
            -1 => Self::None,
            number => Self::Int(number),
        }
    }

    /// A time; −1 is none.
    pub(crate) fn time(ms: i64) -> Self {
        if ms == -1 { Self::None } else { Self::Time(ms) }
    }

    /// A text, or nothing.
    pub(crate) fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::None, |text| Self::Text(text.into()))
    }

    /// A UUID as Kafka writes it.
    pub(crate) fn uuid(uuid: &Uuid) -> Self {
        let mut text = Vec::new();
        kseg::decode::json::write_uuid(uuid, &mut text);
        Self::Text(String::from_utf8_lossy(&text).into_owned())
    }

    /// Several numbers.
    pub(crate) fn ints(numbers: impl IntoIterator<Item = i32>) -> Self {
        Self::List(numbers.into_iter().map(Self::int).collect())
    }
}

/// A column of a table, a field of an object.
#[derive(Debug)]
pub(crate) struct Column {
    /// The name of the field.
    pub(crate) name: &'static str,
    /// What stands above the column; nothing if people do not see it.
    pub(crate) head: &'static str,
    /// How wide it usually is.
    pub(crate) width: usize,
}

impl Column {
    pub(crate) const fn new(name: &'static str, head: &'static str, width: usize) -> Self {
        Self { name, head, width }
    }

    /// One for machines only.
    pub(crate) const fn hidden(name: &'static str) -> Self {
        Self::new(name, "", 0)
    }
}

/// What rows of one kind have in common.
#[derive(Debug)]
pub(crate) struct Table {
    /// The name and version of the objects.
    pub(crate) schema: &'static str,
    /// What stands above the table; nothing if the file has only this one.
    pub(crate) title: &'static str,
    /// Its columns.
    pub(crate) columns: &'static [Column],
}

/// How rows of one file are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowStyle<'a> {
    pub(crate) format: Format,
    /// The file, which stands in each object of a stream.
    pub(crate) path: &'a str,
}

impl RowStyle<'_> {
    /// Appends a row.
    pub(crate) fn row(self, table: &Table, cells: &[Cell], out: &mut Vec<u8>) {
        let fields = || table.columns.iter().zip(cells);
        match self.format {
            Format::Text => table::row(table, cells, out),
            Format::Json => {
                out.extend_from_slice(b",\n");
                json::object(table.schema, None, fields(), out);
            }
            Format::Ndjson => {
                json::object(table.schema, Some(self.path), fields(), out);
                out.push(b'\n');
            }
        }
    }

    /// Appends a damaged place as a row.
    pub(crate) fn damage(self, position: u64, size: Option<u64>, what: &str, out: &mut Vec<u8>) {
        const COLUMNS: [Column; 3] = [
            Column::hidden("position"),
            Column::hidden("size_bytes"),
            Column::hidden("what"),
        ];
        if self.format == Format::Text {
            let size = size.map_or(String::new(), |size| format!("{size} bytes: "));
            let line = format!("! position {position}: {size}{what}\n");
            out.extend_from_slice(line.as_bytes());
            return;
        }
        let cells = [
            Cell::int(position),
            size.map_or(Cell::None, Cell::int),
            Cell::text(what),
        ];
        let damage = Table {
            schema: "kseg.damage/1",
            title: "",
            columns: const { &COLUMNS },
        };
        self.row(&damage, &cells, out);
    }
}
