//! One pass over a `.log`: every check that the file itself can answer.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use super::catalog::Depth;
use super::coverage::Coverage;
use super::finding::Findings;
use crate::format::{Batch, Limits, Scratch};
use crate::scan::{Jobs, Merge, Output, Policy, Span, Visitor, parallel};
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
    /// When it was last changed: milliseconds since 1970-01-01 UTC.
    pub modified_ms: Option<i64>,
}

/// How a pass is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How deep.
    pub depth: Depth,
    /// On how many threads.
    pub jobs: Jobs,
    /// Bounds of unpacking.
    pub limits: Limits,
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
    options: Options,
    witness: impl Fn() -> W + Sync,
) -> Result<Verified<W>, Error> {
    let plan = parallel::Plan {
        policy: Policy::Salvage,
        end: log.len_bytes(),
        jobs: options.jobs,
        limits: options.limits,
    };
    let visitor = || Pass {
        piece: Piece {
            findings: Findings::default(),
            coverage: Coverage::default(),
            witness: witness(),
        },
    };
    let _ = subject;
    let piece = parallel::scan(log, plan, visitor, &mut |_| ControlFlow::Continue(()))?;
    let mut coverage = Coverage::of_file(log.len_bytes());
    coverage.merge(piece.coverage);
    Ok(Verified {
        findings: piece.findings,
        coverage,
        witness: piece.witness,
    })
}

/// The visit of a piece.
struct Pass<W> {
    piece: Piece<W>,
}

/// What a piece amounts to.
struct Piece<W> {
    findings: Findings,
    coverage: Coverage,
    witness: W,
}

impl<W: Witness> Visitor for Pass<W> {
    type Fold = Piece<W>;

    fn span(
        &mut self,
        span: Span<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let range = span.range();
        let length = range.end - range.start;
        let coverage = &mut self.piece.coverage;
        match span {
            Span::Frame(frame) => {
                coverage.batch_bytes += length;
                if let Ok(batch) = Batch::parse(frame) {
                    self.piece.witness.batch(&batch, scratch);
                }
            }
            Span::Zeros(_) | Span::Damage { .. } => {
                coverage.damage_bytes += length;
                self.piece.witness.gap(range);
            }
        }
        ControlFlow::Continue(())
    }

    fn end(self, _: &mut Output<'_>) -> Piece<W> {
        self.piece
    }
}

impl<W: Witness> Merge for Piece<W> {
    fn merge(&mut self, next: Self) {
        self.findings.merge(next.findings);
        self.coverage.merge(next.coverage);
        self.witness.merge(next.witness);
    }
}
