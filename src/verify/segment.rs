//! One pass over a `.log`: every check that the file itself can answer.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use super::batch::{self, Info, Sink, Tallies};
use super::catalog::Depth;
use super::chain::SegmentCheck;
use super::coverage::Coverage;
use super::damage;
use super::finding::Findings;
use super::record;
use super::sequence::Sequence;
use super::trace::{Notes, ReadOut};
use crate::format::{Batch, Limits, Scratch};
use crate::scan::{Event, Jobs, Output, PieceVisitor, Policy, ScanOptions, Visitor, scan_pieces};
use crate::store::{Error, LogFile};
use crate::wire::Offset;

/// A `.log`, and what is known about it from outside.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Where it is, as it can be opened.
    pub path: Arc<Path>,
    /// The offset in its name.
    pub base_offset: Option<Offset>,
    /// The topic, by the directory's name.
    pub topic: Option<String>,
    /// The partition, by the directory's name.
    pub partition: Option<i32>,
    /// Whether no segment of the partition has a higher base offset.
    pub is_last: bool,
    /// Whether a broker runs on it.
    pub is_live: bool,
}

impl Subject {
    /// A `.log` of which nothing is known but where it is.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: Arc::from(path),
            base_offset: None,
            topic: None,
            partition: None,
            is_last: true,
            is_live: false,
        }
    }
}

/// Whom to tell of bytes that were read: for progress, and to slow down.
#[derive(Clone, Copy, Default)]
pub struct OnBytes<'a>(pub Option<&'a (dyn Fn(u64) + Sync)>);

impl OnBytes<'_> {
    fn tell(self, bytes: u64) {
        if let Some(tell) = self.0 {
            tell(bytes);
        }
    }
}

impl std::fmt::Debug for OnBytes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OnBytes").field(&self.0.is_some()).finish()
    }
}

/// How a pass is made.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// How deep.
    pub depth: Depth,
    /// On how many threads.
    pub jobs: Jobs,
    /// Bounds of unpacking.
    pub limits: Limits,
    /// The time now, in milliseconds since 1970-01-01 UTC: what is later lies in the future.
    pub now_ms: Option<i64>,
    /// Whom to tell of bytes.
    pub on_bytes: OnBytes<'a>,
}

/// What a pass found.
#[derive(Debug)]
pub struct Verified {
    /// What is wrong.
    pub findings: Findings,
    /// What the bytes are.
    pub coverage: Coverage,
}

/// Verifies a `.log` by itself.
///
/// # Errors
/// The file cannot be read.
pub fn verify_log(
    log: &LogFile,
    subject: &Subject,
    options: Options<'_>,
) -> Result<Verified, Error> {
    verify_among(log, subject, options, None)
}

/// Verifies a `.log`, and shows its good batches and what lies between them to the check of the files beside it.
///
/// # Errors
/// The file cannot be read.
pub(super) fn verify_among(
    log: &LogFile,
    subject: &Subject,
    options: Options<'_>,
    check: Option<&mut SegmentCheck>,
) -> Result<Verified, Error> {
    let scanned = ScanOptions {
        jobs: options.jobs,
        limits: options.limits,
        ..ScanOptions::of(Policy::Salvage)
    };
    let visitor = || Pass {
        log,
        subject,
        options,
        bytes: 0,
        piece: Piece::default(),
    };
    let mut sequence = Sequence::new(subject, log.len_bytes());
    let mut others = check.map(ReadOut::to);
    let mut nobody = |_| ControlFlow::Continue(());
    scan_pieces(log, scanned, visitor, &mut nobody, &mut |piece: Piece| {
        if let Some(others) = &mut others {
            others.read(&piece.notes);
        }
        sequence.take_in(piece.findings, piece.tallies);
        for note in piece.notes.notes {
            sequence.take(note);
        }
    })?;
    if let Some(others) = others {
        others.end();
    }
    let (findings, coverage) = sequence.finish();
    Ok(Verified { findings, coverage })
}

/// The visit of a piece.
struct Pass<'a> {
    log: &'a LogFile,
    subject: &'a Subject,
    options: Options<'a>,
    bytes: u64,
    piece: Piece,
}

/// What a piece amounts to: what each batch shows by itself, and what there is in which order.
#[derive(Default)]
struct Piece {
    notes: Notes,
    findings: Findings,
    tallies: Tallies,
}

impl Pass<'_> {
    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) {
        let info = Info::of(batch);
        let piece = &mut self.piece;
        let mut sink = Sink {
            subject: self.subject,
            findings: &mut piece.findings,
            tallies: &mut piece.tallies,
        };
        batch::check(batch, &info, self.options.now_ms, &mut sink);
        if self.options.depth >= Depth::Deep {
            record::check(batch, &info, scratch, &mut sink);
        }
        piece.notes.batch(info, batch);
    }

    /// Looks into a gap.
    #[cold]
    fn gap(&mut self, range: Range<u64>) {
        let end = range.end.min(range.start.saturating_add(damage::LOOKED_AT));
        let mut buffer = Vec::new();
        // What can't be read again is told of without a look into it.
        let bytes = self
            .log
            .window(range.start..end, &mut buffer)
            .unwrap_or_default();
        self.piece.notes.gap(damage::parts(bytes, range));
    }
}

impl Visitor for Pass<'_> {
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
            Event::Malformed(..) | Event::Gap(_) => self.gap(range),
        }
        ControlFlow::Continue(())
    }
}

impl PieceVisitor for Pass<'_> {
    type Piece = Piece;

    /// Nothing is rendered, so a thread is quickly done; to wake the merge would take more time than it spares.
    const PIECE_BYTES: u64 = 2 << 20;

    fn end(self) -> Piece {
        self.options.on_bytes.tell(self.bytes);
        self.piece
    }
}
