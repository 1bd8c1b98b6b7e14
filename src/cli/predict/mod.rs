//! `kseg predict`: what a broker will do to a log dir at its next start.

mod text;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use kseg::predict::{self, Conditions, DirVerdict, Kafka, Lost, Outcome as Fate, PartitionVerdict};
use kseg::predict::{Reason, Verdict};
use kseg::store::{Item, Place};

use self::text::PartitionRow;
use super::Context;
use super::args::setting;
use super::exit::Outcome;
use super::input::{self, Selection};
use super::render::rows::Format;
use super::schema;
use super::writer::Writer;

/// Says what a broker will do to a log dir at its next start
///
/// The broker's own start-up is followed on paper, down to the byte: what it loads as it is, recovers, cuts, deletes, rebuilds,
/// renames, or refuses, and which records are gone afterwards. A broker asks nobody before it cuts, and keeps no copy.
///
/// Of a log dir the clean shutdown marker, recovery points, log starts and meta.properties are taken into account; for the
/// folder of one partition those of the log dir around it. Where there are none a clean shutdown is assumed.
///
/// A start reads the records of the segments that it recovers, and of no others: what is damaged there stays, and fails when it is
/// fetched. kseg verify finds it, kseg repair plan counts it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg predict /var/lib/kafka
  kseg predict --unclean /var/lib/kafka
  kseg predict --unclean --no-recovery-points /var/lib/kafka/orders-3
  kseg predict --kafka 3.9 --topic orders --partition 0..4 /var/lib/kafka
  kseg predict --index-bytes 1M --index-interval 1K /var/lib/kafka
  kseg predict --format json /disk1/kafka /disk2/kafka

Exit status:
  0  everything loads, and nothing is lost
  1  something is lost, a log dir goes offline, or the broker does not start
  2  a file could not be read, or what was asked for makes no sense")]
pub(crate) struct Predict {
    /// Log dirs, or folders of partitions; log dirs given together are taken for those of one broker
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// The broker that starts: 2.8 (stands for 2.3 to 2.8), 3.9 (for 3.7 to 3.9) or 4.3 (for 4.1 and later)
    #[arg(long, value_name = "VERSION", default_value_t)]
    kafka: Kafka,

    /// As if the clean shutdown marker were missing: what if the broker had crashed? Then what is behind the recovery points
    /// is checked, and cut at the first bad batch
    #[arg(long)]
    unclean: bool,

    /// As if the recovery points were missing too: without the marker everything is checked
    #[arg(long)]
    no_recovery_points: bool,

    /// The broker's segment.index.bytes, if it is another than usual: how far an index may grow
    #[arg(long, value_name = "SIZE", default_value_t = Conditions::default().index_bytes, value_parser = setting)]
    index_bytes: u32,

    /// The broker's index.interval.bytes, if it is another than usual: how dense an index is that it makes anew
    #[arg(long, value_name = "SIZE", default_value_t = Conditions::default().index_interval_bytes, value_parser = setting)]
    index_interval: u32,

    /// How to show it; ndjson and csv have a row for each partition
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    selection: Selection,
}

/// The document.
#[derive(serde::Serialize)]
struct Document<'a> {
    schema: &'static str,
    kafka: Kafka,
    outcome: Fate,
    lost: Lost,
    log_dirs: Vec<DirFields<'a>>,
    partitions: Vec<PartitionFields<'a>>,
}

/// A log dir in it.
#[derive(serde::Serialize)]
struct DirFields<'a> {
    path: &'a str,
    clean: bool,
    outcome: Fate,
    reasons: &'a [Reason],
}

/// A partition in it.
#[derive(serde::Serialize)]
struct PartitionFields<'a> {
    log_dir: &'a str,
    #[serde(flatten)]
    verdict: &'a PartitionVerdict,
}

impl<'a> Document<'a> {
    fn of(verdict: &'a Verdict) -> Self {
        let dirs = || verdict.dirs.iter();
        let inside = |dir: &'a DirVerdict| {
            let log_dir = dir.path.as_str();
            dir.partitions
                .iter()
                .map(move |verdict| PartitionFields { log_dir, verdict })
        };
        Self {
            schema: schema::VERDICT.id,
            kafka: verdict.kafka,
            outcome: verdict.outcome(),
            lost: verdict.lost(),
            log_dirs: dirs()
                .map(|dir| DirFields {
                    path: &dir.path,
                    clean: dir.clean,
                    outcome: dir.outcome,
                    reasons: &dir.reasons,
                })
                .collect(),
            partitions: dirs().flat_map(inside).collect(),
        }
    }
}

impl Predict {
    /// Predicts, and shows it.
    pub(crate) fn run(self, context: &mut Context) -> Result<Outcome> {
        let verdict = self.verdict()?;
        let mut out = Vec::new();
        match self.format {
            Format::Text => text::render(&verdict, context.look(), &mut out),
            Format::Json => {
                serde_json::to_writer(&mut out, &Document::of(&verdict))?;
                out.push(b'\n');
            }
            Format::Ndjson | Format::Csv => {
                let mut writer = Writer::new(context, self.format, schema::PREDICTION);
                for dir in &verdict.dirs {
                    let rows = dir.partitions.iter();
                    writer.table(rows.map(|row| PartitionRow::of(&dir.path, row)));
                }
                writer.finish()?;
            }
        }
        match context.out.write_all(&out) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                return Err(error).context("standard output");
            }
            _ => {}
        }
        Ok(if verdict.is_harmless() {
            Outcome::Clean
        } else {
            Outcome::Seen
        })
    }

    fn verdict(&self) -> Result<Verdict> {
        let conditions = Conditions {
            kafka: self.kafka,
            unclean: self.unclean,
            no_recovery_points: self.no_recovery_points,
            index_bytes: self.index_bytes,
            index_interval_bytes: self.index_interval,
            node: None,
        };
        let mut places = Vec::new();
        for path in &self.paths {
            for place in input::places(path)? {
                match place {
                    Place::File(_) => bail!(
                        "{}: a file; what becomes of it shows in the folder of its partition",
                        path.display()
                    ),
                    place => places.push(place),
                }
            }
        }
        let wanted = |item: &Item| self.selection.includes_dir(item);
        let verdict = predict::predict(&places, wanted, &conditions)?;
        let chosen = verdict.dirs.iter().any(|dir| !dir.partitions.is_empty());
        if !chosen && !self.selection.is_everything() {
            bail!("no partition here is one that --topic and --partition ask for");
        }
        Ok(verdict)
    }
}
