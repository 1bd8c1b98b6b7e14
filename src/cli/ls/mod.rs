//! `kseg ls`: the contents of a disk.

mod columns;
pub(crate) mod places;
mod sort;
mod split;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::report::listing::{ListingDepth, TopicSummary};
use kseg::store::LogFile;

use self::columns::{PartitionRow, SegmentRow, TopicRow};
use self::sort::{Order, Sort, Sortable};
use super::args::Reading;
use super::exit::ExitStatus;
use super::input::{DistinctPlaces, Selection, no_log, no_match};
use super::range::size;
use super::render::rows::{Format, Row};
use super::writer::Writer;
use super::{Context, schema};

/// Lists log dirs, partitions, segments and files
///
/// Lists the partitions of a log dir and the segments of a partition, with leftover and unknown
/// files. It reads only batch headers at the beginning and end of each partition; --exact reads
/// every record, counts them and finds damage in the middle.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg ls /var/lib/kafka/*
  kseg ls --topic 'orders*' --partition 0..4 /var/lib/kafka/data
  kseg ls --topics --sort size /var/lib/kafka/data
  kseg ls --segments --sort time --reverse /var/lib/kafka/data
  kseg ls --exact --bytes orders-3
  kseg ls --segments --split 64MiB --format ndjson /var/lib/kafka
  kseg ls --format ndjson . | jq -r 'select(.end_offset > 0) | .name'

Exit status:
  0  everything was listed
  2  something could not be read (the rest is listed), or no partition matches")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Ls {
    /// Log dirs, partitions or files [default: the current directory]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// List segments of log dirs too
    #[arg(long)]
    segments: bool,

    /// List parts of segments of about this size, to read them in parallel: --split 64MiB. Parts
    /// begin at entries of the .index; a segment without a valid one is one part
    #[arg(long, value_name = "SIZE", requires = "segments", value_parser = split_size, conflicts_with = "sort")]
    split: Option<u64>,

    /// List topics, over all paths; partitions in any state (-delete, -stray, -future) count
    #[arg(long = "topics", conflicts_with = "segments")]
    by_topic: bool,

    /// Read every record: exact counts, offsets and timestamps
    #[arg(long)]
    exact: bool,

    /// Sort by this column, largest first; names in ascending order
    #[arg(long, value_name = "BY", value_enum, default_value_t = Sort::Name)]
    sort: Sort,

    /// Reverse the order
    #[arg(long)]
    reverse: bool,

    /// Show sizes in bytes
    #[arg(long)]
    bytes: bool,

    /// Output format; csv has partitions, segments or topics only
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

/// Parses the size of a part, with a minimum that bounds the number of parts.
fn split_size(text: &str) -> Result<u64, String> {
    let bytes = size(1 << 20)(text)?;
    if bytes < 1 << 20 {
        return Err("expected at least 1M".into());
    }
    Ok(bytes)
}

/// The state of a listing.
struct Lister<'a> {
    ls: &'a Ls,
    writer: Writer<'a>,
    topics: BTreeMap<String, TopicSummary>,
    /// True if anything matches the selection.
    is_found: bool,
}

impl Ls {
    /// Lists the paths.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        self.check()?;
        let writer = Writer::new(context, self.format, schema::LS);
        let mut lister = Lister {
            writer: writer.with_exact_bytes(self.bytes),
            topics: BTreeMap::new(),
            is_found: false,
            ls: &self,
        };
        let here = [PathBuf::from(".")];
        let paths = if self.paths.is_empty() {
            &here[..]
        } else {
            &self.paths
        };
        let mut distinct = DistinctPlaces::default();
        for path in paths {
            let places = if path == Path::new("-") {
                Err(no_log(path))
            } else {
                distinct.at(path)
            };
            match places {
                Ok(places) => places.into_iter().for_each(|place| lister.place(place)),
                Err(error) => {
                    lister.is_found = true;
                    lister.writer.fail(error);
                }
            }
            if !lister.writer.is_heard() {
                break;
            }
        }
        lister.end()?;
        Ok(ExitStatus::Clean)
    }

    /// Refuses invalid combinations of options, before anything is opened.
    fn check(&self) -> Result<()> {
        if self.sort == Sort::Records && !self.exact {
            bail!("--sort records needs --exact, which counts the records");
        }
        for (is_asked, flag, cannot) in [
            (self.by_topic, "--topics", TopicRow::CANNOT),
            (self.segments, "--segments", SegmentRow::CANNOT),
        ] {
            if is_asked && cannot.contains(&self.sort) {
                bail!("--sort: {flag} has no such column");
            }
        }
        Ok(())
    }

    /// Returns the depth of reading a partition.
    fn depth(&self, segments: bool) -> ListingDepth {
        match () {
            () if self.exact => ListingDepth::Records(self.reading.limits()),
            () if segments => ListingDepth::Segments,
            () => ListingDepth::Ends,
        }
    }

    fn order(&self) -> Order {
        Order {
            by: self.sort,
            reverse: self.reverse,
        }
    }

    fn open(&self, path: &Path) -> Result<LogFile, kseg::store::Error> {
        self.reading.open(path)
    }
}

impl Lister<'_> {
    /// Shows the rows over all paths.
    fn end(mut self) -> Result<()> {
        if !self.is_found {
            return Err(no_match(&self.ls.paths));
        }
        let topics = std::mem::take(&mut self.topics).into_iter();
        let mut rows: Vec<TopicRow> = topics
            .map(|(name, topic)| TopicRow::of(name, &topic))
            .collect();
        self.release(&mut rows);
        self.writer.finish().map(drop)
    }

    /// Shows a row, or holds it if rows are sorted.
    fn sortable<R: Row + Sortable>(&mut self, row: R, held: &mut Vec<R>) {
        if self.ls.order().is_natural() {
            self.writer.row(&row);
        } else {
            held.push(row);
        }
    }

    /// Shows the rows that waited.
    fn release<R: Row + Sortable>(&mut self, held: &mut Vec<R>) {
        self.ls.order().sort(held);
        self.writer.table(held.drain(..));
    }
}

/// Rows that wait to be sorted.
#[derive(Default)]
struct Held {
    partitions: Vec<PartitionRow>,
    segments: Vec<SegmentRow>,
}
