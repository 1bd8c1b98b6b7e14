//! The batches of a `.log`, or the records in them.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Result;
use kseg::decode::Decoder;
use kseg::format::fault::BatchFault;
use kseg::format::{Batch, FaultKind, RecordBatch, Scratch, batch};
use kseg::scan::{
    Event, Gap, Jobs, Merge, Output, PieceVisitor, Policy, RenderedChunk, ScanOptions, Visitor,
    scan,
};
use kseg::store::LogFile;
use kseg::wire::units::MAX_RELATIVE_OFFSET;

use super::batch::{BatchRow, first_offset, records_count};
use super::records::{self, EntryRow};
use crate::cli::args::Reading;
use crate::cli::range::OffsetRange;
use crate::cli::render::rows::grouped;
use crate::cli::render::table::counted;
use crate::cli::writer::{Rendering, Writer};

/// The shown parts of a log.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// The records, not the batches.
    pub(super) records: bool,
    /// The decoder of the records.
    pub(super) decoder: Option<Decoder>,
    /// True if the file is a snapshot, which begins and ends with a control record.
    pub(super) snapshot: bool,
    /// The base offset of the segment, if it is in its name.
    pub(super) base: Option<i64>,
    /// The offsets shown.
    pub(super) range: OffsetRange,
}

/// The totals of a scan.
#[derive(Debug, Default)]
struct Totals {
    batches: u64,
    records: u64,
    damaged: u64,
    /// The first offset, and the position of its batch.
    first: Option<(i64, u64)>,
    last: Option<i64>,
    /// The offsets that do not follow those before them.
    disorder: Disorder,
    /// The types of the first and the last record, if they are control records.
    ends: Option<(Option<i16>, Option<i16>)>,
}

/// Places where offsets do not rise. They are known only when pieces are combined, so they are
/// reported at the end.
#[derive(Debug, Default)]
struct Disorder {
    places: Vec<(u64, i64, i64)>,
    more: u64,
}

impl Disorder {
    /// The maximum number that are reported for each file.
    const SHOWN: usize = 100;

    /// Compares the first offset of a batch with the last one before it.
    fn check(&mut self, before: Option<i64>, first: i64, position: u64) {
        let Some(before) = before.filter(|before| first <= *before) else {
            return;
        };
        if self.places.len() < Self::SHOWN {
            self.places.push((position, first, before));
        } else {
            self.more += 1;
        }
    }
}

impl Merge for Disorder {
    fn merge(&mut self, next: Self) {
        let room = Self::SHOWN.saturating_sub(self.places.len());
        let untold = next.places.len().saturating_sub(room);
        self.places.extend(next.places.into_iter().take(room));
        self.more += next.more + untold as u64;
    }
}

impl Merge for Totals {
    fn merge(&mut self, next: Self) {
        if let Some((first, position)) = next.first {
            self.disorder.check(self.last, first, position);
        }
        self.disorder.merge(next.disorder);
        self.batches += next.batches;
        self.records += next.records;
        self.damaged += next.damaged;
        self.first = self.first.or(next.first);
        self.last = next.last.or(self.last);
        self.ends = match (self.ends, next.ends) {
            (Some((first, _)), Some((_, last))) => Some((first, last)),
            (mine, theirs) => mine.or(theirs),
        };
    }
}

/// Shows a log after its heading.
pub(super) fn show(
    writer: &mut Writer<'_>,
    path: &Path,
    log: &LogFile,
    reading: Reading,
    view: View,
) -> Result<()> {
    let left = writer.left();
    let options = ScanOptions {
        // Rows are counted on one thread only.
        jobs: left.map_or(reading.jobs(), |_| Jobs::ONE),
        limits: reading.limits(),
        ..ScanOptions::of(Policy::Salvage)
    };
    let (batches, entries) = (writer.rendering(), writer.rendering());
    let visitor = || LogRows {
        batches: &batches,
        entries: &entries,
        view,
        log,
        left: left.unwrap_or(u64::MAX),
        totals: Totals::default(),
    };
    let mut sink = |RenderedChunk { text, notes }| {
        if view.records {
            writer.rendered::<EntryRow>(&text, &notes)
        } else {
            writer.rendered::<BatchRow>(&text, &notes)
        }
    };
    let totals = scan(log, options, visitor, &mut sink)?;
    if totals.damaged > 0 {
        writer.seen();
    }
    if view.snapshot && left.is_none() {
        check_ends(writer, path, log, totals.ends);
    }
    for (position, first, before) in totals.disorder.places {
        let what = format!("offset {first} follows offset {before}");
        writer.damage(position, &what);
    }
    if totals.disorder.more > 0 {
        let what = format!("offsets go back at {} more places", totals.disorder.more);
        writer.damage(0, &what);
    }
    let (batches, records) = (totals.batches, totals.records);
    let es = if batches == 1 { "" } else { "es" };
    let offsets = match (totals.first, totals.last) {
        (Some((first, _)), Some(last)) => format!(", offsets {first} to {last}"),
        _ => String::new(),
    };
    let damaged = match totals.damaged {
        0 => String::new(),
        n => format!("; {n} damaged"),
    };
    if left.is_none() && view.range.is_everything() {
        writer.remark(&format!(
            "{} batch{es}, {}{offsets}{damaged}",
            grouped(batches),
            counted(records, "record")
        ));
    }
    Ok(())
}

/// Reports a snapshot without a header or footer, which is incomplete.
fn check_ends(
    writer: &mut Writer<'_>,
    path: &Path,
    log: &LogFile,
    ends: Option<(Option<i16>, Option<i16>)>,
) {
    const HEADER: i16 = 3;
    const FOOTER: i16 = 4;
    let is_bootstrap = path.ends_with("bootstrap.checkpoint");
    let (first, last) = ends.unwrap_or_default();
    if first != Some(HEADER) {
        writer.damage(0, "the snapshot does not begin with its header");
    }
    if last != Some(FOOTER) && !(is_bootstrap && ends.is_some()) {
        writer.damage(log.len_bytes(), "the snapshot does not end with its footer");
    }
}

/// Renders the contents of a log.
struct LogRows<'a> {
    batches: &'a Rendering<BatchRow>,
    entries: &'a Rendering<EntryRow>,
    view: View,
    log: &'a LogFile,
    left: u64,
    totals: Totals,
}

impl LogRows<'_> {
    fn damage(&mut self, position: u64, size: Option<u64>, what: &str, out: &mut Output<'_>) {
        self.batches.damage((position, size), what, out.text());
        let note = self.batches.note(position, what);
        out.notes().extend_from_slice(note.as_bytes());
        self.totals.damaged += 1;
    }

    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch, out: &mut Output<'_>) {
        let position = batch.position().get();
        if let Batch::V2(batch) = batch
            && batch.magic() > 2
        {
            let what = FaultKind::Batch(BatchFault::UnknownMagic(batch.magic())).to_string();
            self.damage(position, Some(batch.size_bytes() as u64), &what, out);
        }
        let (first, last) = (first_offset(batch), batch.last_offset().get());
        self.totals.batches += 1;
        // Kafka uses the last offset of a compressed message too.
        let (low, last_before) = (first.unwrap_or(last), self.totals.last);
        self.totals.disorder.check(last_before, low, position);
        self.totals.first.get_or_insert((low, position));
        self.totals.last = Some(last);
        if !self.view.records {
            self.totals.records += records_count(batch).unwrap_or_default();
        }
        if !self.view.range.overlaps(first.unwrap_or(i64::MIN), last) && !self.view.snapshot {
            return;
        }
        if self.view.records {
            self.records(batch, scratch, out);
        } else {
            self.batches.row(&BatchRow::of(batch, "ok"), out.text());
            self.left = self.left.saturating_sub(1);
        }
        for what in self.impossible(batch, low, last) {
            self.damage(position, None, &what, out);
        }
    }

    /// Returns a fault that no broker writes, although the checksum is right.
    fn impossible(&self, batch: &Batch<'_>, first: i64, last: i64) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Err(fault) = batch.codec() {
            wrong.push(fault.to_string());
        }
        if let Batch::V2(batch) = batch {
            let count = batch.records_count();
            if count < 0 {
                wrong.push(FaultKind::Batch(BatchFault::RecordCount(count)).to_string());
            }
            if batch.last_offset_delta().get() < 0 {
                wrong.push(format!("last offset {last} below the first, {first}"));
            }
        }
        if let Some(base) = self.view.base
            && (first < base || last.wrapping_sub(base) > MAX_RELATIVE_OFFSET)
        {
            wrong.push(format!(
                "offset {last} cannot be in a segment that begins at {base}"
            ));
        }
        wrong
    }

    fn records(&mut self, batch: &Batch<'_>, scratch: &mut Scratch, out: &mut Output<'_>) {
        let position = batch.position().get();
        let records = match batch.records(scratch) {
            Ok(records) => records,
            Err(fault) => return self.damage(position, None, &fault.to_string(), out),
        };
        for record in records {
            let record = match record {
                Ok(record) => record,
                Err(fault) => {
                    self.damage(position, None, &fault.to_string(), out);
                    continue;
                }
            };
            self.totals.records += 1;
            let kind = records::control_type(batch, &record);
            self.totals.ends.get_or_insert((kind, kind)).1 = kind;
            if self.left == 0 || !self.view.range.contains(record.offset().get()) {
                continue;
            }
            let (row, wrong) = records::row(batch, &record, self.view.decoder);
            self.entries.row(&row, out.text());
            self.left -= 1;
            if let Some(what) = wrong {
                let what = format!("offset {}: {what}", record.offset());
                self.damage(position, None, &what, out);
            }
            if out.poll().is_break() {
                return;
            }
        }
    }

    fn gap(&mut self, gap: &Gap, out: &mut Output<'_>) {
        let range = gap.range();
        let is_crc = gap
            .fault()
            .is_some_and(|fault| matches!(fault.kind(), FaultKind::Batch(BatchFault::Crc { .. })));
        if is_crc && !self.view.records {
            self.broken_batch(range.start, out);
        }
        let what = gap.to_string();
        self.damage(range.start, Some(range.end - range.start), &what, out);
    }

    /// The row of a batch with a wrong checksum and nothing else wrong.
    fn broken_batch(&mut self, position: u64, out: &mut Output<'_>) {
        let mut buffer = Vec::new();
        let range = position..position.saturating_add(batch::HEADER_BYTES as u64);
        let Ok(bytes) = self.log.window(range, &mut buffer) else {
            return;
        };
        let header = bytes.get(..batch::HEADER_BYTES).unwrap_or_default();
        let Some(batch) = RecordBatch::of_header(header).filter(|batch| batch.magic() == 2) else {
            return;
        };
        let size = bytes.get(8..12).and_then(|size| size.first_chunk::<4>());
        let row = BatchRow {
            position,
            size_bytes: size
                .and_then(|size| u64::try_from(i64::from(i32::from_be_bytes(*size)) + 12).ok()),
            ..BatchRow::of(&Batch::V2(batch), "bad")
        };
        self.batches.row(&row, out.text());
    }
}

impl Visitor for LogRows<'_> {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match event.into_batch() {
            Ok(batch) => self.batch(&batch, scratch, out),
            Err(gap) => self.gap(&gap, out),
        }
        if self.left == 0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl PieceVisitor for LogRows<'_> {
    type Piece = Totals;

    fn end(self) -> Totals {
        self.totals
    }
}
