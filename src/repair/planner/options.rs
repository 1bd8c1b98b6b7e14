//! How a plan is made.

use crate::scan::Jobs;

/// How a plan is made.
#[derive(Debug, Clone, Copy)]
pub struct PlanOptions {
    /// Threads within a `.log`.
    pub jobs: Jobs,
    /// Whether suspect records, which no checksum covers, stay in the log.
    pub keep_suspect: bool,
}
