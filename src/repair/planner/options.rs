//! How a plan is made.

use crate::scan::Jobs;

/// How a plan is made.
#[derive(Debug, Clone, Copy)]
pub struct PlanOptions {
    /// Threads within a `.log`.
    pub jobs: Jobs,
    /// Whether records that nobody can vouch for stay in the log.
    pub keep_suspect: bool,
}
