//! One pass over a `.log`: every check that needs only the file itself.

mod batch;
mod damage;
mod gap;
mod order;
mod record;
mod sequence;
mod unreadable;

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use self::batch::{Info, Note, Notes, Sink, Tallies};
use self::sequence::Sequence;
use super::catalog::Depth;
use super::finding::Findings;
use super::options::Options;
use super::outcome::Outcome;
use super::row::Beside;
use super::subject::Subject;
use crate::decode::schema_ids::SchemaIds;
use crate::format::batch::HEADER_BYTES;
use crate::format::{Batch, Frame, RecordBatch, Scratch};
use crate::scan::{
    Event, Gap, GapPart, Merge, Output, PieceVisitor, Policy, ScanOptions, Visitor, scan_pieces,
};
use crate::store::{Error, Item, LogFile};
use crate::wire::{Offset, Position};

/// Verifies a `.log` by itself.
///
/// # Errors
/// The file cannot be read.
pub fn verify_log(
    log: &LogFile,
    subject: &Subject,
    options: &Options<'_>,
) -> Result<Outcome, Error> {
    verify_among(log, subject, options, None)
}

/// Verifies a `.log`, and passes its valid batches and gaps to the checks of its siblings.
///
/// # Errors
/// The file cannot be read.
fn verify_among(
    log: &LogFile,
    subject: &Subject,
    options: &Options<'_>,
    check: Option<&mut dyn Beside>,
) -> Result<Outcome, Error> {
    let scanned = ScanOptions {
        jobs: options.jobs,
        limits: options.limits,
        ..ScanOptions::of(Policy::Salvage)
    };
    let visitor = || SegmentPass {
        log,
        subject,
        options,
        bytes: 0,
        piece: PieceOutcome::default(),
    };
    let mut sequence = Sequence::new(subject, log.len_bytes());
    let mut schema_ids = SchemaIds::default();
    let mut others = check.map(ReadOut::to);
    let mut nobody = |_| ControlFlow::Continue(());
    scan_pieces(
        log,
        scanned,
        visitor,
        &mut nobody,
        &mut |piece: PieceOutcome| {
            if let Some(others) = &mut others {
                others.read(&piece.notes);
            }
            schema_ids.merge(piece.schema_ids);
            sequence.take_in(piece.findings, piece.tallies);
            for note in piece.notes.notes {
                sequence.take(note);
            }
        },
    )?;
    if let Some(others) = others {
        others.end();
    }
    let (findings, coverage) = sequence.finish();
    Ok(Outcome {
        findings,
        coverage,
        files: Vec::new(),
        schema_ids,
    })
}

/// Verifies a `.log`, and passes it to the checks of its siblings. Returns true if it could be
/// read.
pub(super) fn log(
    item: &Item,
    subject: &Subject,
    options: &Options<'_>,
    check: Option<&mut dyn Beside>,
    outcome: &mut Outcome,
) -> bool {
    outcome.files.push(Arc::clone(&subject.path));
    let verified =
        (options.open)(item.path()).and_then(|log| verify_among(&log, subject, options, check));
    match verified {
        Ok(verified) => {
            outcome.merge(verified);
            true
        }
        Err(error) => {
            if !error.is_not_found() {
                outcome.unknown(item);
            }
            outcome.unreadable(&subject.path, &error);
            false
        }
    }
}

/// The visit of a piece.
struct SegmentPass<'a> {
    log: &'a LogFile,
    subject: &'a Subject,
    options: &'a Options<'a>,
    bytes: u64,
    piece: PieceOutcome,
}

/// The result of a piece: the findings of single batches, and the sequence of batches and gaps.
#[derive(Default)]
struct PieceOutcome {
    notes: Notes,
    findings: Findings,
    tallies: Tallies,
    schema_ids: SchemaIds,
}

impl SegmentPass<'_> {
    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) {
        let mut info = Info::of(batch);
        if !info.is_whole && self.options.depth >= Depth::Cross {
            info = info.unpacked(batch, scratch);
        }
        let piece = &mut self.piece;
        let mut sink = Sink {
            subject: self.subject,
            findings: &mut piece.findings,
            tallies: &mut piece.tallies,
            schema_ids: &mut piece.schema_ids,
        };
        batch::check(batch, &info, self.options.now_ms, &mut sink);
        if self.options.depth >= Depth::Deep {
            record::check(batch, &info, scratch, &mut sink);
        }
        piece.notes.batch(info, batch);
    }

    /// Examines a gap.
    #[cold]
    fn gap(&mut self, gap: &Gap) {
        let parts: Vec<GapPart> = gap.parts().cloned().collect();
        for stretch in parts.chunk_by(|one, next| one.is_cut() == next.is_cut()) {
            match stretch {
                [first, ..] if first.is_cut() => {
                    let parts = unreadable::parts(self.log, stretch);
                    self.piece.notes.gap(parts);
                }
                [first, .., last] => self.damage(first.range.start..last.range.end),
                [only] => self.damage(only.range.clone()),
                [] => {}
            }
        }
    }

    /// Examines damage.
    fn damage(&mut self, range: Range<u64>) {
        let end = range.end.min(range.start.saturating_add(damage::LOOKED_AT));
        let mut buffer = Vec::new();
        // Bytes that can't be read again are reported without being examined.
        let bytes = self
            .log
            .window(range.start..end, &mut buffer)
            .unwrap_or_default();
        self.piece.notes.gap(damage::parts(bytes, range));
    }
}

impl Visitor for SegmentPass<'_> {
    #[inline]
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let range = event.range();
        self.bytes += range.end - range.start;
        match event {
            Event::Batch(batch) => self.batch(&batch, scratch),
            Event::Gap(gap) => self.gap(&gap),
            Event::Malformed(..) => self.damage(range),
        }
        ControlFlow::Continue(())
    }
}

impl PieceVisitor for SegmentPass<'_> {
    type Piece = PieceOutcome;

    /// Nothing is rendered, so a piece takes little time; with smaller pieces, waking the merge
    /// would cost more than it saves.
    const PIECE_BYTES: u64 = 2 << 20;

    fn end(self) -> PieceOutcome {
        if let Some(on_bytes) = self.options.on_bytes {
            on_bytes(self.bytes);
        }
        self.piece
    }
}

/// Passes notes to the checks of the other files. Only the next batch shows if a batch is in its
/// place, so the last one of a piece waits for the first one of the next.
struct ReadOut<'c> {
    check: &'c mut dyn Beside,
    held: Option<(Info, Vec<u8>)>,
    scratch: Scratch,
}

impl<'c> ReadOut<'c> {
    fn to(check: &'c mut dyn Beside) -> Self {
        Self {
            check,
            held: None,
            scratch: Scratch::default(),
        }
    }

    /// Passes on the notes of the next piece.
    fn read(&mut self, piece: &Notes) {
        let mut kept = &piece.kept[..];
        let mut notes = piece.notes.iter().peekable();
        let next_of = |note: Option<&&Note>| match note {
            Some(Note::Batch(info, _)) => Some(Offset(info.base)),
            _ => None,
        };
        if notes.peek().is_none() {
            return;
        }
        if let Some((info, bytes)) = self.held.take() {
            self.batch(&info, next_of(notes.peek()), &bytes);
        }
        while let Some(note) = notes.next() {
            match note {
                Note::Batch(info, length) => {
                    let (own, rest) = kept.split_at_checked(*length as usize).unwrap_or_default();
                    kept = rest;
                    if notes.peek().is_none() {
                        self.held = Some((*info, own.to_vec()));
                    } else {
                        self.batch(info, next_of(notes.peek()), own);
                    }
                }
                Note::Gap(parts) => {
                    if let (Some(first), Some(last)) = (parts.first(), parts.last()) {
                        self.check.gap(first.range.start..last.range.end);
                    }
                }
            }
        }
    }

    /// Passes on the rest at the end of the file.
    fn end(mut self) {
        if let Some((info, bytes)) = self.held.take() {
            self.batch(&info, None, &bytes);
        }
    }

    fn batch(&mut self, info: &Info, next: Option<Offset>, kept: &[u8]) {
        let batch = if kept.len() > HEADER_BYTES {
            Frame::parse(kept, Position(info.position))
                .and_then(RecordBatch::parse)
                .ok()
        } else {
            RecordBatch::of_header(kept)
        };
        self.check
            .batch(&info.row(), next, batch.as_ref(), &mut self.scratch);
    }
}
