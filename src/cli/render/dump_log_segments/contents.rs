//! Keys and payloads as text.

use kseg::format::Record;
use kseg::wire::text::push_utf8;

use super::style::Style;
use crate::cli::render::Push;

/// How keys and payloads become text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Contents {
    /// They are not shown.
    Hidden,
    /// By Kafka's stock decoders.
    Text {
        /// For keys.
        key: TextDecoder,
        /// For values.
        value: TextDecoder,
    },
}

impl Contents {
    /// Whether neither keys nor payloads are shown.
    pub(crate) fn is_none(self) -> bool {
        matches!(self, Self::Hidden)
    }
}

/// Kafka's stock decoders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextDecoder {
    /// `StringDecoder`: UTF-8.
    String,
    /// `IntegerDecoder`: the first 4 bytes as a number.
    Integer,
    /// `LongDecoder`: the first 8 bytes as a number.
    Long,
}

impl TextDecoder {
    /// Appends `bytes` as text, or says that they are too few for a number.
    #[inline]
    fn push(self, line: &mut Vec<u8>, bytes: &[u8]) -> Result<(), String> {
        match self {
            Self::String => push_utf8(line, bytes),
            Self::Integer => match bytes.first_chunk() {
                Some(number) => drop(line.int(i32::from_be_bytes(*number))),
                None => return Err(too_few(line, bytes, "IntegerDecoder")),
            },
            Self::Long => match bytes.first_chunk() {
                Some(number) => drop(line.int(i64::from_be_bytes(*number))),
                None => return Err(too_few(line, bytes, "LongDecoder")),
            },
        }
        Ok(())
    }
}

/// Finishes a field that the original breaks off at.
#[cold]
fn too_few(line: &mut Vec<u8>, bytes: &[u8], decoder: &str) -> String {
    line.text("<").int(bytes.len()).text(" bytes>");
    format!("{} bytes are too few for {decoder}", bytes.len())
}

/// What a line holds before its key or payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lead {
    /// The fields of the record.
    Metadata,
    /// Nothing yet.
    Nothing,
}

/// Appends key and payload.
///
/// # Errors
/// What the original would have broken off at; the line is finished all the same.
#[inline]
pub(crate) fn push(
    line: &mut Vec<u8>,
    style: &Style,
    contents: Contents,
    lead: Lead,
    record: &Record<'_>,
) -> Result<(), String> {
    let Contents::Text { key, value } = contents else {
        return Ok(());
    };
    if style.tombstones_hide_keys && record.value().is_none() {
        return Ok(());
    }
    let mut told = Ok(());
    let bar = |line: &mut Vec<u8>, bar: bool| {
        if lead == Lead::Nothing && bar {
            line.text("|");
        }
    };
    if let Some(bytes) = record.key() {
        bar(line, true);
        line.text(" key: ");
        told = key.push(line, bytes);
    }
    if let Some(bytes) = record.value() {
        bar(line, record.key().is_none() && style.bar_without_key);
        line.text(" payload: ");
        told = told.and(value.push(line, bytes));
    }
    told
}
