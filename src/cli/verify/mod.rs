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
use super::args::{Reading, whole};
use super::exit::Outcome;
use super::input::Selection;
use super::range::Moment;

/// Finds what is wrong in logs, and says where and what it means.
///
/// Paths are log dirs, partitions or single files, in any number; log dirs that are given together are taken for those
/// of one broker. Damage hides nothing: what follows it is verified too. At the end every byte is accounted for.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kseg verify /var/lib/kafka/data
  kseg verify orders-3 --depth deep --format json
  kseg verify data1 data2 --topic 'orders*' -A note --baseline known.json
  kseg explain B101

Exit status: 0 nothing at --fail-on or above, 1 something, 2 not done")]
pub(crate) struct Verify {
    /// Log dirs, partitions or files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// How deep to look: shape (headers and names), sum (checksums), cross (files against each other), deep (batches
    /// unpacked, records decoded); each includes those before it [default: cross for log dirs, deep for the rest]
    #[arg(long, value_enum)]
    depth: Option<DepthArg>,

    /// How to show it: text, json (one document), junit (a test case a file), sarif (2.1.0), github (annotations)
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Exit with 1 if there is a finding this bad, or worse
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Level::Error)]
    fail_on: Level,

    /// Show notes in full as well; in text they are only counted otherwise
    #[arg(long)]
    notes: bool,

    /// Don't fail because of findings that are in this file
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write all findings of this run to a file for --baseline
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,

    /// Only partitions of which a file was changed since: 2026-01-31T00:00:00Z, milliseconds since
    /// 1970, or 90m, 36h, 7d ago
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since_modified: Option<Moment>,

    /// Read no more than this many MiB a second
    #[arg(long, value_name = "MIB", value_parser = whole(1..=u32::MAX), allow_hyphen_values = true)]
    io_rate: Option<u32>,

    #[command(flatten)]
    levels: levels::LevelArgs,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum DepthArg {
    Shape,
    Sum,
    Cross,
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
    Text,
    Json,
    Junit,
    Sarif,
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
