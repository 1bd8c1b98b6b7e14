//! Spans and siblings to findings: what is wrong, where, and what it means.
//!
//! [`catalog`] has a row and a manual for every check. [`suite`] says which of them look at what, and drives them;
//! [`segment`] is one pass over a `.log`, on as many threads as wanted. What a piece of it shows by itself is checked where it is
//! read; what depends on the order is noted, and the notes are read out in file order:
//!
//! ```text
//! workers                                in file order
//! batch    headers of good batches   ─┐
//! record   what they unpack to        ├─▶ sequence ─▶ order   batches that don't fit in
//! damage   what is no batch          ─┘            └▶ gap     what damage means
//! ```
//!
//! [`partition`] compares the files of a partition: it is shown the batches of each segment. [`Node`] compares what lies beside
//! partitions with what became known of them:
//!
//! ```text
//! trace ─▶ chain ─┬▶ offset_index · time_index · txn      siblings of the .log
//!                 └▶ producer · history · epochs          from segment to segment
//! directory · meta · checkpoints · metadata_log · topics  names, ids and small files
//! ```
//!
//! A [`Finding`] holds what its check saw as [`Evidence`]: numbers in a struct a kind, from which its text and its JSON derive, and
//! which repair matches on. What is lost there is computed once, as [`Loss`](evidence::Loss).
//!
//! **Invariant:** every byte of every file is accounted for ([`Coverage`]); damage never hides what follows it; the same
//! findings in the same order at any number of threads. Absent on purpose: how to repair, what a broker would do with
//! the whole partition.

mod alone;
mod batch;
pub mod catalog;
mod chain;
mod checkpoints;
pub mod coverage;
mod damage;
mod directory;
mod entries;
mod epochs;
pub mod evidence;
pub mod finding;
mod gap;
mod history;
mod meta;
mod metadata_log;
mod node;
mod offset_index;
mod order;
pub mod partition;
mod producer;
mod record;
pub mod segment;
mod sequence;
mod setting;
mod siblings;
pub mod suite;
mod tally;
mod time_index;
pub mod topics;
mod trace;
mod txn;

pub use catalog::{CATALOG, Check, CheckId, Depth, Family, Fix, Otherwise, Severity};
pub use coverage::Coverage;
pub use evidence::{Evidence, Value};
pub use finding::{Finding, Findings};
pub use node::Node;
pub use partition::{Around, Extent, Known};
pub use segment::Subject;
pub use setting::Stop;
pub use suite::{Outcome, Suite};
