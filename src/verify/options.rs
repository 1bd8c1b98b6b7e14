//! The options of verification: depth, threads and limits.

use std::fmt;
use std::path::Path;

use super::catalog::Depth;
use crate::format::Limits;
use crate::scan::Jobs;
use crate::store::{Error, LogFile, Stream};

/// Opens a `.log`: mapped or read.
pub type Open<'a> = &'a (dyn Fn(&Path) -> Result<LogFile, Error> + Sync);

/// The options of verification. By default: every check, on one thread, with nothing in the future,
/// and with `read` rather than a mapping.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The depth.
    pub depth: Depth,
    /// The number of threads.
    pub jobs: Jobs,
    /// The limits of a decompressed batch.
    pub limits: Limits,
    /// The time now, in milliseconds since 1970-01-01 UTC: later timestamps are in the future.
    /// `None`: no timestamp is in the future.
    pub now_ms: Option<i64>,
    /// Opens a `.log`.
    pub open: Open<'a>,
    /// Progress callback: receives the number of bytes of logs that were read. It may wait, to slow
    /// down.
    pub on_bytes: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            depth: Depth::Deep,
            jobs: Jobs::ONE,
            limits: Limits::default(),
            now_ms: None,
            open: &|path| Stream::open(path).map(LogFile::Windowed),
            on_bytes: None,
        }
    }
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("depth", &self.depth)
            .field("jobs", &self.jobs)
            .field("limits", &self.limits)
            .field("now_ms", &self.now_ms)
            .finish_non_exhaustive()
    }
}
