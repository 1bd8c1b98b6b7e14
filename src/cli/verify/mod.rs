//! `kseg verify`: what is wrong with files, partitions and log dirs.

mod baseline;
mod document;
mod github;
mod junit;
mod levels;
mod report;
mod run;
mod sarif;
mod text;

use std::path::PathBuf;

use anyhow::Result;
use kseg::verify::{Depth, Severity};

use super::Context;
use super::args::Reading;
use super::exit::Outcome;
use super::input::Selection;
use super::range::{Moment, size};

/// Finds what is wrong in logs, and says where and what it means
///
/// Paths are log dirs, partitions or single files, in any number; log dirs that are given together are taken for those
/// of one broker. Damage hides nothing: what follows it is verified too. At the end every byte is accounted for.
///
/// An error loses records or makes them wrong, a warning works but not as it should, and a note is worth knowing.
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
  kseg verify --format sarif data > verify.sarif
  kseg explain B101

Exit status:
  0  nothing was found at --fail-on or above that is not in the baseline
  1  something was
  2  a file could not be read, or what was asked for makes no sense")]
pub(crate) struct Verify {
    /// Log dirs, partitions or files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// How deep to look; each depth includes those before it [default: cross for log dirs, deep for the rest]
    #[arg(long, value_enum)]
    depth: Option<DepthArg>,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Exit with 1 if there is a finding this bad, or worse
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Level::Error)]
    fail_on: Level,

    /// Show notes in full too; text only counts them otherwise
    #[arg(long)]
    notes: bool,

    /// Don't fail because of what is in this file, which --write-baseline made; it is shown as known
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write all findings of this run to this file, for --baseline
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,

    /// Only partitions with a file changed since: 2026-11-20, "2026-11-20 10:00" (UTC), yesterday, or 2h for two hours before now
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since_modified: Option<Moment>,

    /// Read no more than this a second, to leave a broker its disk: 50M; a bare number counts MiB
    #[arg(long, value_name = "SIZE", value_parser = size(1 << 20), allow_hyphen_values = true)]
    io_rate: Option<u64>,

    #[command(flatten)]
    levels: levels::LevelArgs,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum DepthArg {
    /// Headers and names
    Shape,
    /// Checksums
    Sum,
    /// Files against each other
    Cross,
    /// Batches unpacked, records decoded
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
enum Format {
    /// For people; notes are counted
    Text,
    /// One JSON document
    Json,
    /// JUnit's XML for CI servers, a test case a file
    Junit,
    /// SARIF 2.1.0 for code scanning
    Sarif,
    /// Annotations in a run of GitHub Actions
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Level {
    Error,
    Warning,
    Note,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warning => Self::Warning,
            Level::Note => Self::Note,
        }
    }
}

impl Verify {
    /// Verifies everything there.
    pub(crate) fn run(self, context: &mut Context) -> Result<Outcome> {
        run::run(&self, context)
    }
}
