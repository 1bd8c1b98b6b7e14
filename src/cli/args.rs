//! Arguments that commands share.

use std::num::NonZero;
use std::path::Path;

use kseg::format::Limits;
use kseg::scan::Jobs;
use kseg::store::{Error, LogFile, Source, Stream, lock};

/// How files are read.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct Reading {
    /// Threads that read and render, beside the one that writes [default: one a core]; the output is the same for any
    /// number
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZero<usize>>,

    /// Read files instead of mapping them; chosen by itself where a broker holds the log dir
    #[arg(long)]
    no_mmap: bool,

    /// Give up a batch that unpacks to more than this many MiB
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    inflate_limit: u16,
}

impl Reading {
    /// Threads to work with.
    pub(crate) fn jobs(self) -> Jobs {
        self.jobs.map_or_else(Jobs::available, Jobs::new)
    }

    /// How much work a batch may make.
    pub(crate) fn limits(self) -> Limits {
        Limits::inflating(usize::from(self.inflate_limit) << 20)
    }

    /// Opens a `.log`.
    #[expect(unsafe_code, reason = "the one place that answers for mapped files")]
    pub(crate) fn open(self, path: &Path) -> Result<LogFile, Error> {
        if self.no_mmap || lock::is_live(path) {
            return Stream::open(path).map(LogFile::Windowed);
        }
        // SAFETY: no broker runs on this log dir, and only brokers change it. Of what they would change, closed
        // segments are immutable, the active segment grows, and preallocated indexes, which are rewritten in place,
        // are not read this way. Who cuts a file by hand while we read it ends us with SIGBUS; we hold no data to lose.
        match unsafe { Source::map(path) } {
            Ok(source) => Ok(LogFile::Whole(source)),
            // What cannot be mapped may still be read; if not, that error is the one to tell.
            Err(_) => Stream::open(path).map(LogFile::Windowed),
        }
    }
}
