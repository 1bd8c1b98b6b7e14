//! Kafka's `DumpLogSegments`, byte for byte, quirks included.
//!
//! Where the original stops with an exception, its line is finished here with the known values, a
//! note reports the fault and its position, and the dump continues after it.

mod contents;
mod control;
mod gaps;
pub(crate) mod index;
mod lines;
mod messages;
pub(crate) mod mismatch;
pub(crate) mod snapshot;
mod style;

use std::ops::ControlFlow;

use contents::Lead;
pub(crate) use contents::{Contents, TextDecoder};
pub(crate) use gaps::Gaps;
use kseg::format::fault::{FrameFault, RecordFault};
use kseg::format::{Batch, Codec, Fault, FaultKind, Frame, Message, Record, RecordBatch, Scratch};
use kseg::scan::{Event, Gap, Merge, Output, PieceVisitor, Visitor};
use lines::RecordLine;
use style::Layout;
pub(crate) use style::{NEWEST, OLDEST, Style};

use crate::cli::render::{Pages, Push};

/// The maximum number of bytes that Kafka's reader ignores at the end of a file.
const SILENT_TAIL_BYTES: u64 = 17;

/// The shown parts of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// A line for each record.
    pub(crate) deep: bool,
    /// Only keys and payloads.
    pub(crate) skip_record_metadata: bool,
    /// The decoders of keys and payloads.
    pub(crate) contents: Contents,
    /// The largest message that is read, in bytes after its size field (0.9 to 0.10.2).
    pub(crate) largest_message: Option<i32>,
}

/// Prints the contents of a `.log` as Kafka does.
#[derive(Debug)]
pub(crate) struct LogPrinter<'a> {
    style: &'a Style,
    options: Options,
    /// The file, for notes.
    file: &'a str,
    contents: contents::Printer<'a>,
    fold: LogFold,
}

/// The results of the dump of a `.log`.
#[derive(Debug)]
pub(crate) struct LogFold {
    /// The sequence of its offsets.
    pub(crate) gaps: Gaps,
    /// Bytes at the end that Kafka ignores.
    pub(crate) tail_bytes: u64,
    /// True if the original would have stopped.
    pub(crate) broke: bool,
}

impl Merge for LogFold {
    fn merge(&mut self, next: Self) {
        self.gaps.merge(next.gaps);
        self.tail_bytes += next.tail_bytes;
        self.broke |= next.broke;
    }
}

impl<'a> LogPrinter<'a> {
    /// A printer for `file`, or for a piece of it.
    pub(crate) fn new(style: &'a Style, options: Options, file: &'a str) -> Self {
        let fold = LogFold {
            gaps: Gaps::new(style.gaps),
            tail_bytes: 0,
            broke: false,
        };
        let lead = if options.skip_record_metadata {
            Lead::Nothing
        } else {
            Lead::Metadata
        };
        Self {
            style,
            options,
            file,
            contents: contents::Printer::new(style, options.contents, lead),
            fold,
        }
    }

    /// Writes a note about the fault at which the original stops.
    #[cold]
    fn note(&mut self, out: &mut Output<'_>, position: u64, what: &dyn std::fmt::Display) {
        self.fold.broke = true;
        out.notes()
            .text("kseg: ")
            .text(self.file)
            .text(": position ")
            .int(position);
        out.notes().text(": ").text(&what.to_string()).text("\n");
    }

    fn batch_lines(&self) -> bool {
        self.style.layout != Layout::Classic || !self.options.deep
    }

    fn batch(
        &mut self,
        batch: &Batch<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        if self.style.layout == Layout::Messages {
            return self.message_set(batch, scratch, out);
        }
        if self.batch_lines() {
            self.batch_line(batch, out);
        }
        match batch.codec() {
            Ok(Codec::Zstd) if !self.style.zstd => {
                let release = self.style.release;
                self.note(
                    out,
                    batch.position().get(),
                    &format_args!("zstd, which Kafka {release} cannot read"),
                );
            }
            Ok(_) => {}
            Err(fault) => {
                self.note(out, batch.position().get(), &fault);
                return ControlFlow::Continue(());
            }
        }
        if self.options.deep {
            self.records(batch, scratch, out)
        } else {
            ControlFlow::Continue(())
        }
    }

    fn batch_line(&mut self, batch: &Batch<'_>, out: &mut Output<'_>) {
        let valid = batch.check_crc().is_ok();
        match batch {
            Batch::V2(batch) => {
                lines::push_batch(out.text(), self.style, batch, valid);
            }
            Batch::Legacy(message) => lines::push_message(out.text(), self.style, message, valid),
            _ => {}
        }
    }

    /// An entry that is too small for its header, or of unknown magic. The original shows the
    /// former with the bytes that follow it, if there are enough, and stops at its records.
    #[cold]
    fn malformed(&mut self, frame: Frame<'_>, fault: Fault, out: &mut Output<'_>) {
        if frame.magic() < 0 {
            lines::push_unknown(out.text(), &frame);
        } else if let Some(header) = RecordBatch::overlapping(frame) {
            if self.batch_lines() {
                lines::push_batch(out.text(), self.style, &header, false);
            }
            if !self.options.deep {
                return;
            }
        }
        self.note(out, frame.position().get(), &fault);
    }

    #[expect(
        clippy::explicit_counter_loop,
        reason = "enumerate() copies every record once more"
    )]
    fn records(
        &mut self,
        batch: &Batch<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let position = batch.position().get();
        let line = RecordLine::new(self.style, batch, || first_offset(batch, scratch));
        let records = match batch.records(scratch) {
            Ok(records) => records,
            Err(fault) => {
                self.note(out, position, &fault);
                return ControlFlow::Continue(());
            }
        };
        let mut index = 0_u32;
        for record in records {
            // By reference: moving a record is too slow for millions of them.
            match &record {
                Ok(record) => self.record(batch, &line, record, out),
                // Kafka reads a message's value only to show it.
                Err(fault)
                    if self.options.contents.is_none() && is_value_missing(batch, *fault) => {}
                Err(fault) => self.note(out, position, &format_args!("record {index}: {fault}")),
            }
            index += 1;
            out.poll()?;
        }
        ControlFlow::Continue(())
    }

    #[inline]
    fn record(
        &mut self,
        batch: &Batch<'_>,
        line: &RecordLine<'_>,
        record: &Record<'_>,
        out: &mut Output<'_>,
    ) {
        self.fold.gaps.push(record.offset().get());
        let with_metadata = !self.options.skip_record_metadata;
        if with_metadata {
            line.push(out.text(), batch.position().get(), record);
        }
        let reported = if batch.is_control() {
            if with_metadata {
                control::push(out.text(), self.style.release, record)
            } else {
                Ok(())
            }
        } else {
            self.contents.push(&mut Pages(out), record)
        };
        out.text().push(b'\n');
        if let Err(what) = reported {
            let what = format!("offset {}: {what}", record.offset());
            self.note(out, batch.position().get(), &what);
        }
    }

    /// Handles bytes that are not an entry. The original stops at an impossible size and at
    /// unreadable bytes; an incomplete entry ends the file, and so do a few bytes.
    fn gap(&mut self, gap: &Gap, out: &mut Output<'_>) {
        let (range, fault) = (gap.range(), gap.fault());
        let length = range.end - range.start;
        if gap.unreadable().next().is_some() {
            self.note(out, range.start, &gap.to_string());
            return;
        }
        let breaks = match fault.map(|fault| fault.kind()) {
            Some(kind) => matches!(kind, FaultKind::Frame(FrameFault::Size { .. })),
            None => length > SILENT_TAIL_BYTES,
        };
        if !breaks || self.style.ends_at_zeros {
            self.fold.tail_bytes += length;
            return;
        }
        let what = match fault {
            Some(fault) => format!("{length} bytes that are not a batch: {fault}"),
            None => format!(
                "{length} zero bytes: preallocated space, or pages that never reached the disk"
            ),
        };
        self.note(out, range.start, &what);
    }
}

/// The offset of the first record of a batch.
fn first_offset(batch: &Batch<'_>, scratch: &mut Scratch) -> i64 {
    let first = batch
        .records(scratch)
        .ok()
        .and_then(|mut records| records.next());
    first
        .and_then(Result::ok)
        .map_or(-1, |record| record.offset().get())
}

/// Returns true if the fault is that of a message whose value is outside it.
fn is_value_missing(batch: &Batch<'_>, fault: Fault) -> bool {
    matches!(
        (batch, fault.kind()),
        (
            Batch::Legacy(Message { .. }),
            FaultKind::Record(RecordFault::FieldLength { .. })
        )
    )
}

impl Visitor for LogPrinter<'_> {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match event {
            Event::Batch(batch) => self.batch(&batch, scratch, out),
            Event::Malformed(frame, fault) => {
                self.malformed(frame, fault, out);
                ControlFlow::Continue(())
            }
            Event::Gap(gap) => {
                self.gap(&gap, out);
                ControlFlow::Continue(())
            }
        }
    }
}

impl PieceVisitor for LogPrinter<'_> {
    type Piece = LogFold;

    fn end(self) -> LogFold {
        self.fold
    }
}
