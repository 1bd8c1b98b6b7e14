//! Who looks at the events of a file, and what comes of it.

use std::ops::ControlFlow;

use super::event::Event;
use super::output::Output;
use crate::format::Scratch;

/// Looks at the events of a file in order. A visitor that needs to know what came before is one of
/// these and no
/// [`PieceVisitor`]: [`follow`](super::follow) takes it, and the driver of threads does not:
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
    /// Takes the next event. `Break` ends the scan: no one wants the output any more.
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()>;

    /// Renders what waited for more events, after the last one of the scan or piece.
    fn finish(&mut self, _out: &mut Output<'_>) {}
}

/// Looks at a piece of a file without knowing what came before: threads share a file, and each
/// piece has a visitor of its own. A piece is a row of events: gaps are whole.
pub trait PieceVisitor: Visitor {
    /// The result of the visit of a piece. The results of the pieces are taken in file order, on
    /// one thread.
    type Piece: Send;

    /// Bytes of a piece, where threads share a file: few where much is rendered of them, which has
    /// to wait for its turn.
    const PIECE_BYTES: u64 = 512 << 10;

    /// Ends the visit.
    fn end(self) -> Self::Piece;
}

/// Results of neighbouring pieces become the result of both: associative, in file order.
pub trait Merge {
    /// Takes in the result of the piece that follows.
    fn merge(&mut self, next: Self);
}

impl Merge for () {
    fn merge(&mut self, (): ()) {}
}
