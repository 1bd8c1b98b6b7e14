//! How a plan is made.

use crate::format::{Limits, Scratch};
use crate::scan::Jobs;

/// The options of making a plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanOptions {
    /// Threads within a `.log`.
    pub jobs: Jobs,
    /// The limits of a batch: one that needs more counts as damaged.
    pub limits: Limits,
    /// True if suspect records, which no checksum covers, stay in the log.
    pub keep_suspect: bool,
}

impl PlanOptions {
    /// Room for the records of a batch.
    pub(super) fn scratch(&self) -> Scratch {
        Scratch::with_limits(self.limits)
    }
}
