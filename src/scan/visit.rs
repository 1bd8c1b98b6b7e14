//! Visitors of the events of a file, and their results.

use std::ops::ControlFlow;

use super::event::Event;
use super::output::Output;
use crate::format::Scratch;

/// Looks at the events of a file in order. A visitor that depends on earlier events implements only
/// this trait, and not [`PieceVisitor`]: [`follow`](super::follow) accepts it, and the parallel
/// driver does not:
///
/// ```compile_fail,E0277
/// use kseg::scan::{Policy, ScanOptions, TransactionTracker, scan};
/// use kseg::store::LogFile;
///
/// # fn read(log: &LogFile) {
/// // Which transactions are open is known only of all that came before.
/// scan(log, ScanOptions::of(Policy::Trust), TransactionTracker::default, &mut |_| std::ops::ControlFlow::Continue(()));
/// # }
/// ```
pub trait Visitor {
    /// Takes the next event. `Break` ends the scan.
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()>;

    /// Renders the rest, after the last event of the scan or piece.
    fn finish(&mut self, _out: &mut Output<'_>) {}
}

/// Visits a piece of a file without knowing earlier events: threads share a file, and each piece
/// has a visitor of its own. A piece is a sequence of complete events.
pub trait PieceVisitor: Visitor {
    /// The result of the visit of a piece. The results of the pieces are taken in file order, on
    /// one thread.
    type Piece: Send;

    /// Bytes of a piece if threads share a file: few if much is rendered of them, since the output
    /// waits for its turn.
    const PIECE_BYTES: u64 = 512 << 10;

    /// Ends the visit.
    fn end(self) -> Self::Piece;
}

/// Merges results of neighbouring pieces: associative, in file order.
pub trait Merge {
    /// Adds the result of the piece that follows.
    fn merge(&mut self, next: Self);
}

impl Merge for () {
    fn merge(&mut self, (): ()) {}
}
