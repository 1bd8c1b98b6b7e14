//! Drivers: files to spans, spans to whoever visits them, on as many threads as wanted. And [`mod@derive`]: what brokers make
//! of the batches that come by.
//!
//! **Invariant:** the spans of a file tile it, and what visitors produce comes out in file order, the same bytes at any
//! thread count; memory is bounded whatever the file size. Absent on purpose: what is wrong, only where it was looked.

pub mod derive;
pub mod extent;
pub mod filter;
pub mod locate;
pub mod parallel;
mod search;
pub mod seek;
pub mod transactions;
pub mod visit;
pub mod walk;

pub use extent::Extent;
pub use filter::Filter;
pub use parallel::{Jobs, scan};
pub use transactions::Transactions;
pub use visit::{Merge, Output, Parcel, PieceVisitor, Visitor};
pub use walk::{Policy, Span, Walk};
