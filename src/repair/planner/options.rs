//! How a plan is made.

use crate::scan::Jobs;

/// The options of making a plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanOptions {
    /// Threads within a `.log`.
    pub jobs: Jobs,
    /// True if suspect records, which no checksum covers, stay in the log.
    pub keep_suspect: bool,
}
