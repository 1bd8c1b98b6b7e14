//! Findings to a plan: what to change, so that a broker serves everything that can still be read.
//!
//! A partition's log comes first ([`log`]): which batches there are, which can be mended, where they belong. What is around it
//! then follows from the log as it will be: what derives from it ([`derived`]), its other files ([`files`]), and what lies in
//! the log dir ([`root`]).
//!
//! **Invariant:** equal disks make equal plans; a disk without findings makes an empty one. Absent on purpose: changing
//! anything.

mod derived;
mod log;
mod mend;
mod order;
mod remake;
mod salvage;
mod steps;
mod survey;

use crate::scan::Jobs;

/// How a plan is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Threads within a `.log`.
    pub jobs: Jobs,
}
