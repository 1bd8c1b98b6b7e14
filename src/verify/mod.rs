//! Events and siblings to findings: what is wrong, where, and what it means.
//!
//! [`catalog`] has a row and a manual for every check. There are three submodules, each of which
//! uses only those before it:
//!
//! `segment` is one pass over a `.log` ([`verify_log`]), on as many threads as wanted. Facts of a
//! single piece are checked by its worker; facts that depend on the order are noted, and the notes
//! are read in file order:
//!
//! ```text
//! workers                                in file order
//! batch    headers of good batches   ─┐
//! record   their records              ├─▶ sequence ─▶ order   batches that don't fit in
//! damage   bytes that are no batch   ─┘            └▶ gap     what damage means
//! ```
//!
//! `partition` compares the files of a partition: it is shown the batches of each segment. `node`
//! compares the other files of log dirs with the facts about partitions:
//!
//! ```text
//! chain ─┬▶ offset_index · time_index · txn_index         siblings of the .log
//!        └▶ producer_snapshot · history · epochs          from segment to segment
//! names · topic_id · metadata_log                         the directory of a partition
//! names · identities · checkpoints · topics               log dirs
//! ```
//!
//! [`log_dirs`] is the entry; [`Units`] is the same for a choice of partitions and files:
//!
//! ```
//! use kseg::{store::LogDir, verify};
//! use std::ops::ControlFlow;
//!
//! let dirs = [LogDir::open("testdata/kafka-4.3.1/rp-nonnumeric/files")?];
//! let mut findings = Vec::new();
//! verify::log_dirs(&dirs, &verify::Options::default(), &mut |verified| {
//!     findings.extend(verified.outcome.findings.into_sorted().0);
//!     ControlFlow::Continue(())
//! });
//! assert_eq!(findings[0].check.code(), "C101");
//! # Ok::<(), kseg::store::Error>(())
//! ```
//!
//! A [`Finding`] has [`Evidence`]: a struct of numbers for each kind, from which its text and its
//! JSON derive, and which repair matches on. The loss at a finding is computed once, as
//! [`Loss`](evidence::Loss).
//!
//! **Invariant:** every byte of every file is accounted for ([`Coverage`]); damage never hides
//! bytes after it; the findings and their order are the same for any number of threads. Absent on
//! purpose: repair, and what a broker would do with the whole partition.

mod alone;
pub mod catalog;
pub mod coverage;
pub mod evidence;
mod extent;
pub mod finding;
mod names;
mod node;
mod options;
mod outcome;
mod partition;
mod row;
mod segment;
mod setting;
mod subject;
mod tally;
mod units;

pub use catalog::{CATALOG, Check, CheckId, Depth, Family, Fix, Otherwise, Severity};
pub use coverage::Coverage;
pub use evidence::Evidence;
pub use extent::LogExtent;
pub use finding::{Finding, Findings};
pub use options::{Open, Options};
pub use outcome::Outcome;
pub use segment::verify_log;
pub use setting::Stop;
pub use subject::Subject;
pub use units::{UnitKind, Units, Verified, log_dirs};
