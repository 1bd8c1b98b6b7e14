//! Arguments that commands share.

use std::fmt::Display;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

use kseg::format::{Budget, Limits};
use kseg::scan::Jobs;
use kseg::store::{Error, LogFile, Stream, lock};

use super::range::size;
use super::spool;

/// The options of reading files.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Reading")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) struct Reading {
    /// Number of worker threads: -j 2; the output is the same for any number [default: one per
    /// core]
    #[arg(short, long, value_name = "N", value_parser = jobs, allow_hyphen_values = true)]
    jobs: Option<Jobs>,

    /// Read with read() instead of mmap; automatic for a log dir that a broker uses
    #[arg(long)]
    no_mmap: bool,

    /// Treat a batch that decompresses to more than this as damaged: --inflate-limit 1G; a number
    /// without a unit is in MiB
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = inflate_limit, allow_hyphen_values = true)]
    inflate_limit: u64,
}

/// A number of threads.
fn jobs(text: &str) -> Result<Jobs, String> {
    let number = whole(NonZero::<usize>::MIN..=NonZero::<usize>::MAX)(text);
    number.map(Jobs::new)
}

/// The maximum size of a decompressed batch: at most 64 GiB.
fn inflate_limit(text: &str) -> Result<u64, String> {
    let bytes = size(1 << 20)(text)?;
    if bytes > 64 << 30 {
        return Err("expected at most 64G".into());
    }
    Ok(bytes)
}

/// Parses whole numbers of a range; the error names the range.
pub(crate) fn whole<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (first, last) = (range.start(), range.end());
            format!("expected a whole number from {first} to {last}")
        })
    }
}

impl Reading {
    /// Returns the number of threads.
    pub(crate) fn jobs(self) -> Jobs {
        self.jobs.unwrap_or_else(Jobs::available)
    }

    /// Returns the limits of a batch, for all threads together.
    pub(crate) fn limits(self) -> Limits {
        static BUDGET: Budget = Budget::new();
        self.own_limits().within(&BUDGET)
    }

    /// Returns the limits of a batch that is kept while others are read.
    pub(crate) fn own_limits(self) -> Limits {
        Limits::inflating(usize::try_from(self.inflate_limit).unwrap_or(usize::MAX))
    }

    /// The same with this number of threads.
    pub(crate) fn with_jobs(self, jobs: Jobs) -> Self {
        Self {
            jobs: Some(jobs),
            ..self
        }
    }

    /// The same without mapping: if little of a file is read, the kernel reads less around it; and
    /// if much is done with the bytes, a mapping is no faster.
    pub(crate) fn unmapped(self) -> Self {
        Self {
            no_mmap: true,
            ..self
        }
    }

    /// Opens a `.log`.
    #[expect(unsafe_code, reason = "the one place that answers for mapped files")]
    pub(crate) fn open(self, path: &Path) -> Result<LogFile, Error> {
        if let Some(spooled) = spool::opened(path) {
            return Stream::open(spooled).map(LogFile::Windowed);
        }
        if self.no_mmap || lock::is_live(path) {
            return Stream::open(path).map(LogFile::Windowed);
        }
        // SAFETY: no broker runs on this log dir, and only brokers change it. Closed segments are
        // immutable, the active segment only grows, and preallocated indexes, which are rewritten
        // in place, are not mapped.
        match unsafe { LogFile::map(path) } {
            Ok(mapped) => Ok(mapped),
            // A file that cannot be mapped may still be read; if not, that error is reported.
            Err(_) => Stream::open(path).map(LogFile::Windowed),
        }
    }
}
