//! Arguments that commands share.

use std::fmt::Display;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

use kseg::format::Limits;
use kseg::scan::Jobs;
use kseg::store::{Error, LogFile, Stream, lock};

/// How files are read.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct Reading {
    /// Threads that read, beside the one that writes: -j 2; the output is the same for any number [default: one a core]
    #[arg(short, long, value_name = "N", value_parser = jobs, allow_hyphen_values = true)]
    jobs: Option<Jobs>,

    /// Read files piece by piece, where they would be mapped into memory; chosen by itself where a broker holds the log dir,
    /// so --no-mmap is for files that something else may cut meanwhile
    #[arg(long)]
    no_mmap: bool,

    /// Take a batch that unpacks to more than this many MiB for damage: --inflate-limit 1024
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = whole(1..=u16::MAX), allow_hyphen_values = true)]
    inflate_limit: u16,
}

/// A number of threads.
fn jobs(text: &str) -> Result<Jobs, String> {
    let number: Result<NonZero<usize>, _> = text.parse();
    number
        .map(Jobs::new)
        .map_err(|_| "no number of threads; 1, 2 and more are taken".into())
}

/// Reads whole numbers of a range, and says which it takes where it does not.
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
            format!("whole numbers from {first} to {last} are taken")
        })
    }
}

impl Reading {
    /// Threads to work with.
    pub(crate) fn jobs(self) -> Jobs {
        self.jobs.unwrap_or_else(Jobs::available)
    }

    /// How much work a batch may make.
    pub(crate) fn limits(self) -> Limits {
        Limits::inflating(usize::from(self.inflate_limit) << 20)
    }

    /// The same on as many threads.
    pub(crate) fn with_jobs(self, jobs: Jobs) -> Self {
        Self {
            jobs: Some(jobs),
            ..self
        }
    }

    /// The same without mapping: where little of a file is looked at, the kernel reads less around it; and where much is
    /// done with the bytes, a mapping is no quicker, and ends in `SIGBUS` if somebody cuts the file.
    pub(crate) fn unmapped(self) -> Self {
        Self {
            no_mmap: true,
            ..self
        }
    }

    /// Opens a `.log`.
    #[expect(unsafe_code, reason = "the one place that answers for mapped files")]
    pub(crate) fn open(self, path: &Path) -> Result<LogFile, Error> {
        if self.no_mmap || lock::is_live(path) {
            return Stream::open(path).map(LogFile::Windowed);
        }
        // SAFETY: no broker runs on this log dir, and only brokers change it. Of what they would change, closed
        // segments are immutable, the active segment grows, and preallocated indexes, which are rewritten in place,
        // are not read this way.
        match unsafe { LogFile::map(path) } {
            Ok(mapped) => Ok(mapped),
            // What cannot be mapped may still be read; if not, that error is the one to tell.
            Err(_) => Stream::open(path).map(LogFile::Windowed),
        }
    }
}
