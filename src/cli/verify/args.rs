//! The options of `kseg verify`.

use std::path::PathBuf;

use kseg::verify::{Depth, Severity};

use super::levels::LevelArgs;
use super::report::{Format, Settings};
use crate::cli::args::{Reading, whole};
use crate::cli::input::Selection;
use crate::cli::range::{Moment, size};

/// Finds damage in log dirs, partitions and files, and says what it costs
///
/// The first line is the result, then a table of partitions with findings, the worst first, then
/// the findings of each file. Give all log dirs of one broker together. Batches after damage are
/// verified too, and every byte is accounted for.
///
/// An error means lost or wrong records; a warning is something that a broker repairs or works
/// around; a note is information.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kseg verify /var/lib/kafka
  kseg verify --depth deep --notes orders-3
  kseg verify --topic 'orders*' --partition 0..4 /disk1/kafka /disk2/kafka
  kseg verify --since-modified 24h --io-rate 50 -j 1 /var/lib/kafka
  kseg verify --format json orders-3 | jq '.summary'
  kseg verify --fail-on warning -A D102 -W B -D time-index-missing data
  kseg verify --write-baseline known.json data
  kseg verify --baseline known.json --format junit data > verify.xml
  kseg verify --sarif verify.sarif --junit verify.xml --json verify.json data
  kseg verify --format github --summary summary.md --fail-on none data
  kseg explain B101

Exit status:
  0  no finding at --fail-on or above, apart from the baseline
  1  something was
  2  a file could not be read, or the arguments are invalid")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) struct Verify {
    /// Log dirs, partitions or files
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// Depth of verification; each depth includes the ones before it [default: cross for log dirs,
    /// deep for partitions and files]
    #[arg(long, value_enum)]
    pub(super) depth: Option<DepthArg>,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,

    /// Exit with 1 if there is a finding of this severity or worse; with none, never
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Level::Error, help_heading = "For CI")]
    pub(super) fail_on: Level,

    /// Show notes too; without it, text only counts them and github leaves them out
    #[arg(long)]
    pub(super) notes: bool,

    /// Show the findings of N partitions, the worst first [default: 20; all with -v]: --limit 5
    #[arg(long, value_name = "N", value_parser = whole(0..=usize::MAX), allow_hyphen_values = true)]
    pub(super) limit: Option<usize>,

    /// Ignore the findings in this file, written by --write-baseline, for the exit status; they are
    /// marked as known
    #[arg(long, value_name = "FILE", help_heading = "For CI")]
    pub(super) baseline: Option<PathBuf>,

    /// Write all findings of this run to this file, for --baseline, and exit with 0
    #[arg(long, value_name = "FILE", help_heading = "For CI")]
    pub(super) write_baseline: Option<PathBuf>,

    /// Write SARIF 2.1.0 to this file too
    #[arg(long, value_name = "FILE", help_heading = "For CI")]
    pub(super) sarif: Option<PathBuf>,

    /// Write JUnit XML to this file too
    #[arg(long, value_name = "FILE", help_heading = "For CI")]
    pub(super) junit: Option<PathBuf>,

    /// Write the JSON document to this file too
    #[arg(long, value_name = "FILE", help_heading = "For CI")]
    pub(super) json: Option<PathBuf>,

    /// Append the result as a Markdown table to this file: --summary "$GITHUB_STEP_SUMMARY"
    #[arg(long, value_name = "FILE", help_heading = "For CI")]
    pub(super) summary: Option<PathBuf>,

    /// Only partitions with a file changed since then: 2026-11-20, "2026-11-20 10:00" (UTC),
    /// yesterday, or 2h for two hours before now
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) since_modified: Option<Moment>,

    /// Read at most this much per second, so that a running broker keeps its disk bandwidth: 50M; a
    /// number without a unit is in MiB
    #[arg(long, value_name = "SIZE", value_parser = size(1 << 20), allow_hyphen_values = true)]
    pub(super) io_rate: Option<u64>,

    #[command(flatten)]
    pub(super) levels: LevelArgs,

    #[command(flatten)]
    pub(super) selection: Selection,

    #[command(flatten)]
    pub(super) reading: Reading,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum DepthArg {
    /// Names of files and headers of batches
    Shape,
    /// And checksums of batches
    Sum,
    /// And indexes, snapshots and checkpoints against the log
    Cross,
    /// And records, decompressed and decoded
    Deep,
}

impl From<DepthArg> for Depth {
    fn from(depth: DepthArg) -> Self {
        match depth {
            DepthArg::Shape => Self::Shape,
            DepthArg::Sum => Self::Sum,
            DepthArg::Cross => Self::Cross,
            DepthArg::Deep => Self::Deep,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Level {
    Error,
    Warning,
    Note,
    None,
}

impl From<Level> for Option<Severity> {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Some(Severity::Error),
            Level::Warning => Some(Severity::Warning),
            Level::Note => Some(Severity::Note),
            Level::None => None,
        }
    }
}

impl Verify {
    pub(super) fn settings(&self) -> Settings {
        Settings {
            fails: self.fail_on.into(),
            with_notes: self.notes,
        }
    }
}
