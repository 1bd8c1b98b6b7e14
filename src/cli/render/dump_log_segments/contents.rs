//! Keys and payloads as text.

use kseg::format::Record;

use super::style::Style;
use crate::cli::render::coordinators::{Coordinators, Shown};
use crate::cli::render::{Page, Push, write_lossy};

/// The decoders of keys and payloads.
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
    /// Decoded, in an internal topic.
    Topic(Coordinators),
}

impl Contents {
    /// Returns true if neither keys nor payloads are shown.
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
    /// Appends `bytes` as text, or a note that they are too few for a number.
    #[inline]
    fn push(self, line: &mut impl Page, bytes: &[u8]) -> Result<(), String> {
        match self {
            Self::String => write_lossy(bytes, line),
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

/// Finishes a field at which the original stops.
#[cold]
fn too_few(line: &mut impl Page, bytes: &[u8], decoder: &str) -> String {
    line.text("<").int(bytes.len()).text(" bytes>");
    format!("{} bytes are too few for {decoder}", bytes.len())
}

/// The part of a line before its key or payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lead {
    /// The fields of the record.
    Metadata,
    /// No text yet.
    Nothing,
}

/// Appends key and payload to the line of a record, or, if there is no line yet, begins one with
/// them.
#[derive(Debug)]
pub(crate) struct Printer<'a> {
    style: &'a Style,
    contents: Contents,
    lead: Lead,
    /// The output of decoders of internal topics.
    key: Vec<u8>,
    payload: Vec<u8>,
}

impl<'a> Printer<'a> {
    /// A printer of lines that begin with `lead`.
    pub(crate) fn new(style: &'a Style, contents: Contents, lead: Lead) -> Self {
        Self {
            style,
            contents,
            lead,
            key: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Appends the contents of the record.
    ///
    /// # Errors
    /// The fault at which the original stops; the line is finished anyway.
    #[inline]
    pub(crate) fn push(&mut self, line: &mut impl Page, record: &Record<'_>) -> Result<(), String> {
        match self.contents {
            Contents::Hidden => Ok(()),
            Contents::Text { key, value } => self.push_text(line, key, value, record),
            Contents::Topic(topic) => self.push_topic(line, topic, record),
        }
    }

    fn push_text(
        &self,
        line: &mut impl Page,
        key: TextDecoder,
        value: TextDecoder,
        record: &Record<'_>,
    ) -> Result<(), String> {
        if self.style.tombstones_hide_keys && record.value().is_none() {
            return Ok(());
        }
        let mut reported = Ok(());
        if let Some(bytes) = record.key() {
            self.begin_key(line);
            reported = key.push(line, bytes);
        }
        if let Some(bytes) = record.value() {
            self.begin_payload(line, record.key().is_some());
            reported = reported.and(value.push(line, bytes));
        } else if self.style.null_payload {
            line.text(" payload: null");
        }
        reported
    }

    fn push_topic(
        &mut self,
        line: &mut impl Page,
        topic: Coordinators,
        record: &Record<'_>,
    ) -> Result<(), String> {
        self.key.clear();
        self.payload.clear();
        let (key, payload) = (&mut self.key, &mut self.payload);
        match topic.write(
            record.offset().get(),
            record.key(),
            record.value(),
            key,
            payload,
        ) {
            Ok(Shown { key, payload }) => {
                if key {
                    self.begin_key(line);
                    line.page().extend_from_slice(&self.key);
                }
                if payload {
                    self.begin_payload(line, key);
                    line.page().extend_from_slice(&self.payload);
                }
                Ok(())
            }
            Err(crash) => {
                self.begin_payload(line, false);
                line.text("<unreadable>");
                Err(crash.to_string())
            }
        }
    }

    fn begin_key(&self, line: &mut impl Page) {
        line.text(if self.lead == Lead::Nothing {
            "| key: "
        } else {
            " key: "
        });
    }

    fn begin_payload(&self, line: &mut impl Page, has_key: bool) {
        let bar = self.lead == Lead::Nothing && !has_key && self.style.bar_without_key;
        line.text(if bar { "| payload: " } else { " payload: " });
    }
}
