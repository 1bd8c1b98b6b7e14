//! One pass over a `.log`: every check that the file itself can answer.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use super::batch::{self, Info, Sink, Tallies};
use super::catalog::Depth;
use super::coverage::Coverage;
use super::damage;
use super::finding::Findings;
use super::record;
use super::sequence::{Knot, Sequence};
use crate::format::{Batch, Limits, Scratch};
use crate::scan::{Jobs, Merge, Output, PieceVisitor, Policy, Span, Visitor, parallel};
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
pub struct Verified<W> {
    /// What is wrong.
    pub findings: Findings,
    /// What the bytes are.
    pub coverage: Coverage,
    /// Who looked at the batches on behalf of other checks.
    pub witness: W,
}

/// Looks at the good batches of a `.log` on behalf of checks that need more than the file: indexes, producers, epochs.
/// A file may be looked at in pieces, each by a witness of its own; they are merged in file order.
pub trait Witness: Sized + Send {
    /// Takes the next good batch: its frame and checksum are right, its order is not vouched for.
    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch);

    /// Takes bytes that are no batch: something may be missing here.
    fn gap(&mut self, range: Range<u64>) {
        let _ = range;
    }

    /// Takes in the witness of the piece that follows.
    fn merge(&mut self, next: Self);
}

/// Nobody looks.
impl Witness for () {
    fn batch(&mut self, _: &Batch<'_>, _: &mut Scratch) {}

    fn merge(&mut self, (): Self) {}
}

/// Two look.
impl<A: Witness, B: Witness> Witness for (A, B) {
    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) {
        self.0.batch(batch, scratch);
        self.1.batch(batch, scratch);
    }

    fn gap(&mut self, range: Range<u64>) {
        self.0.gap(range.clone());
        self.1.gap(range);
    }

    fn merge(&mut self, next: Self) {
        self.0.merge(next.0);
        self.1.merge(next.1);
    }
}

/// Verifies a `.log`, and shows its good batches to witnesses.
///
/// # Errors
/// The file cannot be read.
pub fn verify_log<W: Witness>(
    log: &LogFile,
    subject: &Subject,
    options: Options<'_>,
    witness: impl Fn() -> W + Sync,
) -> Result<Verified<W>, Error> {
    let plan = parallel::Plan {
        policy: Policy::Salvage,
        end: log.len_bytes(),
        jobs: options.jobs,
        limits: options.limits,
    };
    let visitor = || Pass {
        log,
        options,
        bytes: 0,
        gap: None,
        piece: Piece {
            subject,
            len_bytes: log.len_bytes(),
            knots: Vec::new(),
            findings: Findings::default(),
            tallies: Tallies::default(),
            sequence: None,
            witness: witness(),
        },
    };
    let piece = parallel::scan(log, plan, visitor, &mut |_| ControlFlow::Continue(()))?;
    let (sequence, witness) = piece.into_sequence();
    let (findings, coverage) = sequence.finish();
    Ok(Verified {
        findings,
        coverage,
        witness,
    })
}

/// The visit of a piece.
struct Pass<'a, W> {
    log: &'a LogFile,
    options: Options<'a>,
    bytes: u64,
    /// Bytes that are no batch, up to where the visit is.
    gap: Option<Range<u64>>,
    piece: Piece<'a, W>,
}

/// What a piece amounts to: what each batch shows by itself, and the row of them for the merge.
struct Piece<'a, W> {
    subject: &'a Subject,
    len_bytes: u64,
    knots: Vec<Knot>,
    findings: Findings,
    tallies: Tallies,
    /// What all pieces up to this one amount to, once they are merged.
    sequence: Option<Box<Sequence<'a>>>,
    witness: W,
}

impl<W: Witness> Pass<'_, W> {
    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) {
        let info = Info::of(batch);
        let piece = &mut self.piece;
        let mut sink = Sink {
            subject: piece.subject,
            findings: &mut piece.findings,
            tallies: &mut piece.tallies,
        };
        batch::check(batch, &info, self.options.now_ms, &mut sink);
        if self.options.depth >= Depth::Deep {
            record::check(batch, &info, scratch, &mut sink);
        }
        piece.witness.batch(batch, scratch);
        piece.knots.push(Knot::Batch(info));
    }

    /// Looks into the gap before the place where the visit is.
    fn close_gap(&mut self) {
        let Some(range) = self.gap.take() else { return };
        let end = range.end.min(range.start.saturating_add(damage::LOOKED_AT));
        let mut buffer = Vec::new();
        // What can't be read again is told of without a look into it.
        let bytes = self
            .log
            .window(range.start..end, &mut buffer)
            .unwrap_or_default();
        let parts = damage::parts(bytes, range.clone());
        self.piece.knots.push(Knot::Gap(parts));
        self.piece.witness.gap(range);
    }
}

impl<W: Witness> Visitor for Pass<'_, W> {
    fn span(
        &mut self,
        span: Span<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let range = span.range();
        self.bytes += range.end - range.start;
        if let Span::Frame(frame) = span {
            self.close_gap();
            if let Ok(batch) = Batch::parse(frame) {
                self.batch(&batch, scratch);
            }
        } else {
            self.gap.get_or_insert(range.start..range.start).end = range.end;
        }
        ControlFlow::Continue(())
    }
}

impl<'a, W: Witness> PieceVisitor for Pass<'a, W> {
    type Fold = Piece<'a, W>;

    /// Nothing is rendered, so a thread is quickly done; to wake the merge would take more time than it spares.
    const PIECE_BYTES: u64 = 2 << 20;

    fn end(mut self, _: &mut Output<'_>) -> Piece<'a, W> {
        self.close_gap();
        self.options.on_bytes.tell(self.bytes);
        self.piece
    }
}

impl<'a, W: Witness> Piece<'a, W> {
    /// The row up to the end of this piece.
    fn into_sequence(self) -> (Sequence<'a>, W) {
        let sequence = self.sequence;
        let mut sequence = sequence.map_or_else(
            || Sequence::new(self.subject, self.len_bytes),
            |boxed| *boxed,
        );
        sequence.take_in(self.findings, self.tallies);
        for knot in self.knots {
            sequence.take(knot);
        }
        (sequence, self.witness)
    }

    /// Hands what this piece has over to the row.
    fn settle(&mut self) {
        let (subject, len_bytes) = (self.subject, self.len_bytes);
        let sequence = self
            .sequence
            .get_or_insert_with(|| Box::new(Sequence::new(subject, len_bytes)));
        sequence.take_in(
            std::mem::take(&mut self.findings),
            std::mem::take(&mut self.tallies),
        );
        for knot in self.knots.drain(..) {
            sequence.take(knot);
        }
    }
}

impl<W: Witness> Merge for Piece<'_, W> {
    fn merge(&mut self, next: Self) {
        self.settle();
        self.knots = next.knots;
        self.findings = next.findings;
        self.tallies = next.tallies;
        self.settle();
        self.witness.merge(next.witness);
    }
}
