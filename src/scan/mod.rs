//! Drivers: files to [events](Event), events to visitors, on any number of threads. And
//! [`mod@derive`]: what brokers derive from batches.
//!
//! ```text
//! walk      bytes ─▶ Event::{Batch, Malformed, Gap}     search: after a fault · plausible: what may be a batch
//! worker    windows of a file ─▶ walk ─▶ Visitor
//! parallel  follow  one Visitor for all of a file, in order
//!           scan    a PieceVisitor for each piece, on threads; results taken in file order
//! ```
//!
//! **Invariant:** the events of a file tile it, a gap between two batches is one event, and both
//! are the same for any windows and any number of threads; the output of visitors is in file order;
//! memory is bounded whatever the file size. Absent on purpose: the meaning of damage.

pub mod derive;
mod event;
pub mod extent;
pub mod filter;
mod jobs;
mod large;
pub mod locate;
mod output;
mod parallel;
mod plausible;
mod search;
pub mod seek;
mod split;
mod transactions;
mod visit;
mod walk;
mod worker;

pub use event::{Event, Gap, GapKind, GapPart};
pub use extent::Extent;
pub use filter::Filter;
pub use jobs::{Jobs, Pace, in_order, in_order_of};
pub(crate) use jobs::{list_again, look_again};
pub(crate) use large::{LARGE_BYTES, fault_of_large};
pub use output::{ChunkText, Output, RenderedChunk};
pub(crate) use parallel::follow_with;
pub use parallel::{ScanOptions, follow, scan, scan_pieces};
pub(crate) use plausible::may_follow;
pub use split::{SplitPoint, split};
pub(crate) use transactions::marker_type;
pub use transactions::{NotedAborts, TransactionTracker};
pub use visit::{Merge, PieceVisitor, Visitor};
pub use walk::{Policy, Walk};
