//! A file byte by byte, with the name and value of each field.

use std::ops::{ControlFlow, Range};
use std::path::Path;

use anyhow::Result;
use kseg::format::dissect::{self, DissectedField};
use kseg::format::{FileKind, FileName, Scratch};
use kseg::scan::{Event, Output, Policy, ScanOptions, Visitor, follow};
use kseg::store::{Cap, LogFile, read_small};
use serde::Serialize;

use crate::cli::args::Reading;
use crate::cli::range::OffsetRange;
use crate::cli::render::rows::{Cell, Column, Row};
use crate::cli::render::time::rfc3339;
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

/// The number of bytes on a line.
const LINE: usize = 16;

/// The number of bytes that are shown of one field.
const SHOWN: u64 = 256;

/// The bytes to show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Batches with these offsets.
    pub(super) offsets: OffsetRange,
    /// Or the field at this position.
    pub(super) position: Option<u64>,
}

#[derive(Debug, Serialize)]
struct FieldRow {
    position: u64,
    size_bytes: u64,
    /// In hexadecimal, at most 256 bytes.
    hex: String,
    field: String,
    value: String,
    is_damaged: bool,
}

impl Row for FieldRow {
    const SCHEMA: Schema = schema::FIELD;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Position", |row: &Self| Cell::Count(row.position)),
        Column::left("Bytes", |row: &Self| (&row.hex).into()).usually(3 * LINE - 1),
        Column::left("", |row: &Self| {
            if row.is_damaged { "!" } else { "" }.into()
        }),
        Column::left("Field", |row: &Self| (&row.field).into()).usually(20),
        Column::left("Value", |row: &Self| (&row.value).into()).wraps(20),
    ];
}

/// Shows the fields of a file.
pub(super) fn show(
    writer: &mut Writer<'_>,
    path: &Path,
    name: &FileName<'_>,
    reading: Reading,
    wanted: Wanted,
) -> Result<()> {
    match name.kind {
        FileKind::Log | FileKind::MetadataSnapshot | FileKind::BootstrapSnapshot => {
            let log = reading.open(path)?;
            let options = ScanOptions {
                limits: reading.limits(),
                ..ScanOptions::of(Policy::Resume)
            };
            let mut dump = Dump {
                writer,
                log: &log,
                wanted,
                failed: Ok(()),
            };
            follow(&log, options, &mut dump, &mut |_| ControlFlow::Continue(()))?;
            dump.failed
        }
        kind => {
            let bytes = read_small(path, Cap::of(kind))?;
            let fields = dissect::small(kind, &bytes).unwrap_or_default();
            if fields.is_empty() {
                let all = 0..bytes.len() as u64;
                lines(writer, all, &bytes, "text", "", false);
            }
            for field in fields {
                let is_wanted = wanted.position.is_none_or(|at| field.range.contains(&at));
                if is_wanted && !shown(writer, &field, bytes_of(&bytes, 0, &field.range)) {
                    break;
                }
            }
            Ok(())
        }
    }
}

/// The part of `bytes`, which begin at `start`, in a range.
fn bytes_of<'b>(bytes: &'b [u8], start: u64, range: &Range<u64>) -> &'b [u8] {
    let at = |position: u64| usize::try_from(position.saturating_sub(start)).unwrap_or(usize::MAX);
    bytes
        .get(at(range.start)..at(range.end))
        .unwrap_or_default()
}

/// Shows a field. Returns false if no more are wanted.
fn shown(writer: &mut Writer<'_>, field: &DissectedField, bytes: &[u8]) -> bool {
    let mut value = field.value.clone();
    if field.name.contains("timestamp")
        && let Some(ms) = value
            .rsplit(' ')
            .next()
            .and_then(|ms| ms.parse::<i64>().ok())
        && ms >= 0
    {
        value = format!("{value} ({})", rfc3339(ms));
    }
    if field.is_wrong {
        writer.seen();
    }
    lines(
        writer,
        field.range.clone(),
        bytes,
        &field.name,
        &value,
        field.is_wrong,
    )
}

/// Shows bytes, for people [`LINE`] on a line.
fn lines(
    writer: &mut Writer<'_>,
    range: Range<u64>,
    bytes: &[u8],
    field: &str,
    value: &str,
    is_damaged: bool,
) -> bool {
    let most = usize::try_from(SHOWN)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    let head = bytes.get(..most).unwrap_or(bytes);
    let hex = |bytes: &[u8]| {
        let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        pairs.join(" ")
    };
    let size = range.end - range.start;
    let row = |position, hex, field: &str, value: &str| FieldRow {
        position,
        size_bytes: size,
        hex,
        field: field.to_owned(),
        value: value.to_owned(),
        is_damaged,
    };
    if !writer.is_text() {
        return writer.row(&row(range.start, hex(head), field, value));
    }
    let mut at = range.start;
    for (nth, line) in head.chunks(LINE).enumerate() {
        let (field, value) = if nth == 0 { (field, value) } else { ("", "") };
        if !writer.row(&row(at, hex(line), field, value)) {
            return false;
        }
        at = at.saturating_add(line.len() as u64);
    }
    if at < range.end {
        let more = format!("{} more bytes", range.end - at);
        return writer.row(&row(at, "...".to_owned(), "", &more));
    }
    true
}

/// The visit of a segment.
struct Dump<'a, 'w> {
    writer: &'a mut Writer<'w>,
    log: &'a LogFile,
    wanted: Wanted,
    failed: Result<()>,
}

impl Dump<'_, '_> {
    /// Shows bytes that are not a batch.
    fn damage(&mut self, range: Range<u64>, what: &str) -> bool {
        let mut buffer = Vec::new();
        let end = range.end.min(range.start.saturating_add(SHOWN));
        match self.log.window(range.start..end, &mut buffer) {
            Ok(bytes) => {
                self.writer.seen();
                lines(self.writer, range, bytes, "not a batch", what, true)
            }
            Err(error) => {
                self.failed = Err(error.into());
                false
            }
        }
    }
}

impl Visitor for Dump<'_, '_> {
    fn event(&mut self, event: Event<'_>, _: &mut Scratch, _: &mut Output<'_>) -> ControlFlow<()> {
        let range = event.range();
        match self.wanted.position {
            Some(at) if range.start > at => return ControlFlow::Break(()),
            Some(at) if !range.contains(&at) => return ControlFlow::Continue(()),
            _ => {}
        }
        let goes_on = match event {
            Event::Batch(batch) => {
                let (first, last) = (batch.offset().get(), batch.last_offset().get());
                if !self.wanted.offsets.overlaps(first, last) {
                    return ControlFlow::Continue(());
                }
                let mut buffer = Vec::new();
                match self.log.window(range.clone(), &mut buffer) {
                    Ok(bytes) => {
                        let mut fields = dissect::batch(&batch).into_iter();
                        fields.all(|field| {
                            let own = bytes_of(bytes, range.start, &field.range);
                            shown(self.writer, &field, own)
                        })
                    }
                    Err(error) => {
                        self.failed = Err(error.into());
                        false
                    }
                }
            }
            Event::Gap(gap) if self.wanted.offsets.is_everything() => {
                self.damage(range, &gap.kind().to_string())
            }
            Event::Malformed(_, fault) if self.wanted.offsets.is_everything() => {
                self.damage(range, &fault.to_string())
            }
            _ => true,
        };
        if goes_on {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}
