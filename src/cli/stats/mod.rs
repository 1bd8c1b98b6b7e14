//! `kseg stats`: counts and sizes of records by group.

mod grouping;
mod rows;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Result, bail};
use kseg::records::files;
use kseg::report::stats::{Stats, StatsVisitor};
use kseg::scan::{Merge as _, Policy, ScanOptions, in_order, scan};
use kseg::store::Error;
use kseg::wire::Offset;

use self::grouping::Grouping;
use super::args::{Reading, whole};
use super::exit::ExitStatus;
use super::input::{Others, Selection, logs};
use super::pick::LogFiles;
use super::render::rows::Format;
use super::writer::Writer;
use super::{Context, schema};

/// Counts records, their sizes and their compression, by topic, key, header, producer, codec, hour
/// or size
///
/// Reads every record from the log start offset on, without control records. Sizes are those of
/// key, value and headers together; stored bytes are those of the file, and the bytes of a batch
/// are divided among its records by their size. Percentiles are accurate to 3 percent.
///
/// Memory is bounded: if there are more than 65,536 keys, prefixes or header names, the smaller
/// ones are counted together as others, and the output shows by how many bytes at most a line may
/// be too low.
///
/// Not on a disk: records that were deleted or compacted before.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg stats /var/lib/kafka
  kseg stats --by key --top 10 /var/lib/kafka/orders-3
  kseg stats --by header --topic 'orders*' --partition 0..4 data
  kseg stats --by key-prefix --prefix-bytes 4 orders-3
  kseg stats --by hour orders-3
  kseg stats --by partition --format csv data > sizes.csv

Exit status:
  0  everything was read
  1  something is damaged; the readable part is counted
  2  something could not be read, or the arguments are invalid")]
pub(crate) struct StatsCommand {
    /// Log dirs, partitions or segments; a folder of log dirs, or a server.properties
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Group records by
    #[arg(long, value_enum, default_value_t = Grouping::Topic)]
    by: Grouping,

    /// Show only the N largest groups [default: 20 keys, prefixes, headers or producers; all
    /// others]
    #[arg(long, value_name = "N", value_parser = whole(1..=usize::MAX))]
    top: Option<usize>,

    /// Bytes of a key prefix [default: up to the first punctuation mark]
    #[arg(long, value_name = "N", value_parser = whole(1..=usize::MAX))]
    prefix_bytes: Option<usize>,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

/// The number of groups shown, if there may be many.
const TOP: usize = 20;

impl StatsCommand {
    /// Shows the counts.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        if self.prefix_bytes.is_some() && self.by != Grouping::KeyPrefix {
            bail!("--prefix-bytes is for --by key-prefix");
        }
        let found = logs(&self.paths, &self.selection, Others::default())?;
        let (tracks, mut errors) = LogFiles::all(found);
        let (outer, inner) = self.reading.jobs().share(tracks.len());
        let read = |track: LogFiles| {
            let name = match (self.by, &track.topic, track.partition) {
                (Grouping::Topic, Some(topic), _) => topic.clone(),
                (Grouping::Partition, Some(topic), Some(number)) => format!("{topic}-{number}"),
                (Grouping::Topic | Grouping::Partition, ..) => track.path.display().to_string(),
                _ => String::new(),
            };
            self.track(&track, inner).map(|stats| (name, stats))
        };
        let mut named = BTreeMap::<String, Stats>::new();
        in_order(outer, tracks, read, &mut |result| {
            match result {
                Ok((name, stats)) => named.entry(name).or_default().merge(stats),
                Err(error) => errors.push(error.into()),
            }
            ControlFlow::Continue(())
        });
        let mut writer = Writer::new(context, self.format, schema::STATS);
        let is_nothing_read = named.is_empty() && !errors.is_empty();
        let is_damaged = !is_nothing_read && rows::show(&mut writer, named, self.by, self.most());
        for error in errors {
            writer.fail(error);
        }
        Ok(ExitStatus::of(writer.finish()? || is_damaged))
    }

    /// Returns the limit of groups.
    fn most(&self) -> usize {
        self.top.unwrap_or(if self.by.is_open_ended() {
            TOP
        } else {
            usize::MAX
        })
    }

    fn track(&self, track: &LogFiles, jobs: kseg::scan::Jobs) -> Result<Stats, Error> {
        let mut all = Stats::default();
        let from = kseg::scan::Filter::from_offset(track.log_start);
        for (index, part) in track.files().iter().enumerate() {
            if !files::may_hold(track.files(), index, &from) {
                continue;
            }
            let log = self.reading.open(part.log())?;
            let options = ScanOptions {
                jobs,
                limits: self.reading.limits(),
                ..ScanOptions::of(Policy::Salvage)
            };
            let visitor = || {
                StatsVisitor::new(
                    self.by.by(self.prefix_bytes),
                    Offset::new(track.log_start.get()),
                )
            };
            let ignored = &mut |_| ControlFlow::Continue(());
            all.merge(scan(&log, options, visitor, ignored)?);
        }
        Ok(all)
    }
}
