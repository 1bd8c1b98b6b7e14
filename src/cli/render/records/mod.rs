//! Records as text, JSON, CSV, or what a template asks for.
//!
//! ```text
//! Rendering ─▶ RecordFormat ─▶ RecordRenderer ─▶ bytes
//! options      once a run      once a log        a record after the other
//! ```
//!
//! Bytes of keys, values and headers come through one place, [`content`], which knows what may be shown of them and how;
//! the formats only decide how that is written. So nothing that is to be hidden is seen by any of them.

mod content;
mod object;
mod options;

pub(crate) use options::{Form, Rendering};

use kseg::decode::Decoder;
use kseg::format::{Batch, Record};

use content::Contents;
use object::Objects;

/// What to render: one record and where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a, 'b> {
    /// Its topic, if that is known.
    pub(crate) topic: Option<&'a str>,
    /// Its partition, if that is known.
    pub(crate) partition: Option<i32>,
    /// The batch that holds it.
    pub(crate) batch: &'a Batch<'a>,
    /// The record.
    pub(crate) record: &'a Record<'b>,
    /// Whether the checksum of the batch is right; none: nobody looked.
    pub(crate) is_sound: Option<bool>,
}

/// How records are written: the same for a whole run, shared by workers.
#[derive(Debug)]
pub(crate) struct RecordFormat {
    form: Form,
    contents: Contents,
}

impl RecordFormat {
    /// Appends what stands before the first record: the header line of a CSV file, the `[` of an array.
    pub(crate) fn header(&self, out: &mut Vec<u8>) {
        if self.form == Form::Json {
            out.push(b'[');
        }
    }

    /// What to write of the text rendered first of all, which must not be empty.
    ///
    /// Each record of an array brings the comma before it, so that texts of several workers can be written one after the
    /// other; the very first has none before it.
    pub(crate) fn first<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        match self.form {
            Form::Json => text.strip_prefix(b",").unwrap_or(text),
            _ => text,
        }
    }

    /// Appends what stands behind the last record.
    pub(crate) fn footer(&self, out: &mut Vec<u8>) {
        if self.form == Form::Json {
            out.extend_from_slice(b"\n]\n");
        }
    }

    /// What renders the records of one log; `decoder` is that of its topic.
    pub(crate) fn renderer(&self, _decoder: Option<Decoder>) -> RecordRenderer<'_> {
        RecordRenderer {
            format: self,
            objects: Objects::default(),
        }
    }
}

/// Renders the records of a log.
#[derive(Debug)]
pub(crate) struct RecordRenderer<'a> {
    format: &'a RecordFormat,
    objects: Objects,
}

impl RecordRenderer<'_> {
    /// Appends a record.
    pub(crate) fn record(&mut self, entry: Entry<'_, '_>, out: &mut Vec<u8>) {
        if self.format.form == Form::Json {
            out.extend_from_slice(b",\n");
        }
        self.objects.record(&self.format.contents, entry, out);
        if self.format.form == Form::Ndjson {
            out.push(b'\n');
        }
    }
}
