//! Typed rows: a row is a struct that serde writes for machines and whose columns people read.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{plain, time};
use crate::cli::schema::Schema;

/// The output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Tables for people
    Text,
    /// One JSON document
    Json,
    /// One JSON object per line
    Ndjson,
    /// Comma-separated values
    Csv,
}

/// A kind of rows.
pub(crate) trait Row: Serialize + Sized + 'static {
    /// The name and version of the objects.
    const SCHEMA: Schema;
    /// The title of the table; empty if the output has only one.
    const TITLE: &'static str = "";
    /// The columns that people see.
    const COLUMNS: &'static [Column<Self>];
}

/// A column of a table.
pub(crate) struct Column<R> {
    /// The properties that do not depend on the row.
    pub(crate) shape: Shape,
    /// The content of the cell.
    pub(crate) cell: fn(&R) -> Cell<'_>,
}

impl<R> Column<R> {
    /// A column of texts.
    pub(crate) const fn left(head: &'static str, cell: fn(&R) -> Cell<'_>) -> Self {
        Self {
            shape: Shape::new(head, false),
            cell,
        }
    }

    /// A column of numbers.
    pub(crate) const fn right(head: &'static str, cell: fn(&R) -> Cell<'_>) -> Self {
        Self {
            shape: Shape::new(head, true),
            cell,
        }
    }

    /// The minimum width if rows are shown before all are known.
    pub(crate) const fn usually(mut self, width: usize) -> Self {
        self.shape.usual = width;
        self
    }

    /// A column that is left out if there is no room, the largest weight first.
    pub(crate) const fn gives_way(mut self, weight: u8) -> Self {
        self.shape.weight = weight;
        self
    }

    /// A column that is continued on the next line if there is no room, down to this number of
    /// characters a line.
    pub(crate) const fn wraps(mut self, least: usize) -> Self {
        self.shape.wrap = least;
        self
    }
}

/// The content of a cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Nothing, shown as a dash.
    None,
    /// An offset, a position, an id: digits as they are.
    Int(i64),
    /// A number of things: digits in groups.
    Count(u64),
    /// A size in bytes, shown in a suitable unit.
    Size(u64),
    /// Milliseconds since 1970: a date.
    Time(i64),
    /// A text.
    Text(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// Several texts or numbers.
    pub(crate) fn list<T: ToString>(values: &[T]) -> Self {
        if values.is_empty() {
            return Self::None;
        }
        let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
        Self::Text(texts.join(", ").into())
    }

    /// An optional value, as `show` shows it.
    pub(crate) fn maybe<T>(value: Option<T>, show: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::None, show)
    }

    /// A text of bytes.
    pub(crate) fn content(content: &'a Content) -> Self {
        Self::Text(content.text())
    }

    /// Returns the text for people.
    pub(crate) fn show(&self, exact_bytes: bool) -> Cow<'_, str> {
        match self {
            Self::None => "-".into(),
            Self::Int(number) => number.to_string().into(),
            Self::Count(count) => grouped(*count).into(),
            Self::Size(bytes) if exact_bytes => bytes.to_string().into(),
            Self::Size(bytes) => size(*bytes).into(),
            Self::Time(ms) => time::rfc3339(*ms).into(),
            Self::Text(text) => plain(text),
        }
    }
}

impl From<bool> for Cell<'_> {
    fn from(is: bool) -> Self {
        Self::Text(if is { "yes" } else { "no" }.into())
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        text.as_str().into()
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl From<$number> for Cell<'_> {
            fn from(number: $number) -> Self {
                Self::Int(number.into())
            }
        }
    )*};
}
numbers!(i8 i16 i32 i64 u8 u16 u32);

impl<'a, T: Clone + Into<Cell<'a>>> From<&Option<T>> for Cell<'a> {
    fn from(value: &Option<T>) -> Self {
        value.clone().map_or(Self::None, Into::into)
    }
}

/// An optional text.
pub(crate) fn text(text: Option<&str>) -> Cell<'_> {
    Cell::maybe(text, Into::into)
}

/// A number with a comma between groups of three digits, from five digits on: 9999, 10,000.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the largest unit that leaves a number of at least one, with a digit after the point.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let bytes = u128::from(bytes);
    for (nth, unit) in (1_u32..).zip(UNITS) {
        let whole = 1_u128 << (10 * nth);
        let tenths = (bytes * 10 + whole / 2) / whole;
        // A size that would be 1024.0 of this unit is 1.0 of the next.
        if tenths < 10_240 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    grouped(u64::MAX)
}

/// Bytes of a record, or their meaning.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Text if they are UTF-8, otherwise marked base64.
    Bytes(Vec<u8>),
    /// The first bytes, and the number of all.
    Start(Vec<u8>, usize),
    /// JSON.
    Json(Box<RawValue>),
}

impl Content {
    /// JSON as the library writes it.
    pub(crate) fn json(json: Vec<u8>) -> Self {
        let raw = String::from_utf8(json)
            .map_err(std::string::FromUtf8Error::into_bytes)
            .and_then(|json| RawValue::from_string(json.clone()).map_err(|_| json.into_bytes()));
        raw.map_or_else(Self::Bytes, Self::Json)
    }

    /// The bytes, or the first of them if a row with all of them would take much more memory.
    pub(crate) fn start(bytes: &[u8]) -> Self {
        const SHOWN: usize = 1 << 20;
        let Some(start) = bytes.get(..SHOWN).filter(|_| bytes.len() > SHOWN) else {
            return Self::Bytes(bytes.to_vec());
        };
        // Don't split a character.
        let whole = match std::str::from_utf8(start) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => SHOWN,
        };
        Self::Start(start.get(..whole).unwrap_or(start).to_vec(), bytes.len())
    }

    /// Returns a text about the missing part.
    pub(crate) fn rest(&self) -> Option<String> {
        match self {
            Self::Start(start, all) => Some(format!(
                "the first {} of {all} bytes; kseg cat shows all",
                start.len()
            )),
            _ => None,
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Json(json) => json.get().into(),
            Self::Bytes(bytes) => said(bytes),
            Self::Start(bytes, all) => format!("{}... ({all} bytes)", said(bytes)).into(),
        }
    }
}

/// Bytes as text if they are UTF-8, otherwise in base64.
fn said(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => format!("base64:{}", base64(bytes)).into(),
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(json) => json.serialize(serializer),
            Self::Bytes(bytes) | Self::Start(bytes, _) => match std::str::from_utf8(bytes) {
                Ok(text) => serializer.serialize_str(text),
                Err(_) => serializer.collect_map([("base64", base64(bytes))]),
            },
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    kseg::decode::json::write_base64(bytes, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A UUID as Kafka writes it.
pub(crate) fn uuid(uuid: &[u8; 16]) -> String {
    let mut text = Vec::new();
    kseg::decode::json::write_uuid(uuid, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// An id or a time of a format in which −1 means none.
pub(crate) fn known<T: Copy + Into<i64>>(number: T) -> Option<T> {
    (number.into() != -1).then_some(number)
}

/// The properties of a column for the layout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// The heading.
    pub(crate) head: &'static str,
    /// True if its cells are numbers, which are on the right.
    pub(crate) is_right: bool,
    /// The usual width.
    pub(crate) usual: usize,
    /// The weight by which columns are left out if there is no room; 0 means never.
    pub(crate) weight: u8,
    /// The minimum number of characters of a line if it may be continued on the next; 0 if it may
    /// not.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_from_five_digits_on() {
        let table = [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10,000"),
            (123_456, "123,456"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ];
        for (number, text) in table {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn sizes_have_a_unit_and_never_1024_of_one() {
        let table = [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (12_768, "12.5 KiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (bytes, text) in table {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn bytes_are_text_where_they_are_utf8() {
        let show = |bytes: &[u8]| {
            let content = Content::Bytes(bytes.to_vec());
            let text = Cell::content(&content).show(false).into_owned();
            (text, serde_json::to_string(&content).unwrap())
        };
        assert_eq!(show(b"x\n"), ("x\\n".into(), r#""x\n""#.into()));
        let hidden = ("base64:/w==".into(), r#"{"base64":"/w=="}"#.into());
        assert_eq!(show(&[0xff]), hidden);
    }
}
