//! `kseg ls`: what is on this disk.

mod columns;
mod output;
mod places;
mod sort;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::report::listing::{Depth, TopicSummary};
use kseg::store::{LogFile, Place};

use self::output::Output;
use self::sort::{Order, Sort};

use super::Context;
use super::args::Reading;
use super::exit::Outcome;
use super::input::Selection;
use super::render::rows::Format;

/// Lists what is on this disk: log dirs, partitions, segments, files
///
/// Of a log dir a line for each partition, of a partition a line for each segment, of a file one line; and what is left over
/// or not recognised. Only headers are read: of a log dir those of the first and the last segment of each partition with
/// something in it. So `Since` is the timestamp of the first record and `Until` the largest in the segments looked at, as
/// headers and a sound .timeindex say. `First` and `Last` are those of the first and the last batch, found by a sound .index
/// or by walking the headers. `Start` is what the log dir notes, or the first segment if that is later (the note of a
/// tiered topic is earlier and shown beside it); high watermark and recovery point are what the log dir noted last. With
/// --exact every record is read: records are counted, times are the smallest and the largest, and damage in the middle is
/// seen. `Log bytes` is what kafka-log-dirs tells; `On disk` is what all files take up, without the holes of preallocated
/// ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg ls /var/lib/kafka/*
  kseg ls --topic 'orders*' --partition 0..4 /var/lib/kafka/data
  kseg ls --topics --sort size /var/lib/kafka/data
  kseg ls --segments --sort time --reverse /var/lib/kafka/data
  kseg ls --exact orders-3
  kseg ls --format ndjson . | jq -r 'select(.end_offset > 0) | .name'

Exit status:
  0  everything was listed
  2  something could not be read (the rest is listed), or no partition is one that was asked for")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Ls {
    /// Log dirs, partitions or files [default: the current directory]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// A line for each segment, of log dirs too
    #[arg(long)]
    segments: bool,

    /// A line for each topic, of all paths together; folders in any state count
    #[arg(long = "topics", conflicts_with = "segments")]
    by_topic: bool,

    /// Read every record: count them, and take offsets and times from them
    #[arg(long)]
    exact: bool,

    /// Sort the lines of a path by this, the largest first but for names
    #[arg(long, value_name = "BY", value_enum, default_value_t = Sort::Name)]
    sort: Sort,

    /// Sort the other way round
    #[arg(long)]
    reverse: bool,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

/// What is being listed, and where to.
struct Lister<'a> {
    ls: &'a Ls,
    output: Output<'a>,
    topics: BTreeMap<String, TopicSummary>,
    /// Whether there was anything that the selection does not leave out.
    is_found: bool,
}

impl Ls {
    /// Lists the paths.
    pub(crate) fn run(self, context: &mut Context) -> Result<Outcome> {
        self.check()?;
        let order = Order {
            by: self.sort,
            reverse: self.reverse,
        };
        let mut lister = Lister {
            output: Output::new(context, self.format, order),
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
        for path in paths {
            match Place::at(path) {
                Ok(place) => lister.place(place),
                Err(error) => {
                    lister.is_found = true;
                    lister.output.fail(error);
                }
            }
            if !lister.output.is_heard() {
                break;
            }
        }
        lister.end()?;
        Ok(Outcome::Clean)
    }

    /// Refuses what makes no sense, before anything is opened.
    fn check(&self) -> Result<()> {
        if self.sort == Sort::Records && !self.exact {
            bail!("--sort records: records are counted with --exact only");
        }
        for (is_asked, flag, table) in [
            (self.by_topic, "--topics", &columns::TOPICS),
            (self.segments, "--segments", &columns::SEGMENTS),
        ] {
            if is_asked && !self.sort.is_in(table) {
                bail!("--sort: lines of {flag} have no such column");
            }
        }
        Ok(())
    }

    /// How much of a partition is read.
    fn depth(&self, segments: bool) -> Depth {
        match () {
            () if self.exact => Depth::Records(self.reading.limits()),
            () if segments => Depth::Segments,
            () => Depth::Ends,
        }
    }

    fn open(&self, path: &Path) -> Result<LogFile, kseg::store::Error> {
        self.reading.open(path)
    }
}

impl Lister<'_> {
    /// Shows what only all paths together amount to.
    fn end(mut self) -> Result<()> {
        if !self.is_found {
            bail!("no partition here is one that --topic and --partition ask for");
        }
        for (name, topic) in std::mem::take(&mut self.topics) {
            self.output
                .sortable(&columns::TOPICS, columns::topic(&name, &topic));
        }
        if self.ls.by_topic {
            self.output.release(&columns::TOPICS);
        }
        self.output.finish()
    }
}
