//! `kseg predict`: what a broker will do to a log dir at its next start, and in the hour after it.

mod consumers;
mod document;
mod events;
pub(crate) mod text;
mod words;

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use kseg::predict::{self, Conditions, Unknown, Verdict};
use kseg::store::Item;

use self::text::PartitionRow;
use super::exit::{ExitStatus, Failures};
use super::given::Given;
use super::input::{self, Selection};
use super::range::{self, Moment};
use super::render::json;
use super::render::rows::Format;
use super::writer::Writer;
use super::{Context, schema};

/// Predicts what a broker will do at its next start, and in the hour after it
///
/// Simulates the broker's start to the byte: what it loads, recovers, truncates, deletes, rebuilds
/// or renames, why it may not start, and which records are lost; then what retention and other
/// tasks delete in the first hour. A broker truncates and deletes without asking, and keeps no
/// copy.
///
/// Give all log dirs of the broker together, or --config with its server.properties. Topic settings
/// are read from the metadata log in these log dirs, broker settings from --config; for all others
/// Kafka's defaults are assumed, and the output names those that matter. The clean shutdown marker,
/// the checkpoints and meta.properties are read too, even for the folder of a single partition.
///
/// A start checks only the batches of the segments that it recovers; damage in other segments
/// stays, and fails when it is fetched. So predict reads all segments as a consumer would; --quick
/// skips that. Open transactions are looked up in `__transaction_state`, if it is in these log dirs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg predict /var/lib/kafka
  kseg predict --config /etc/kafka/server.properties
  kseg predict --unclean --no-recovery-points /disk1/kafka
  kseg predict --kafka 3.9 --topic orders --partition 0..4 /var/lib/kafka
  kseg predict --now 2026-12-24T08:00:00Z /var/lib/kafka
  kseg predict --set retention.ms=-1 /var/lib/kafka/orders-3
  kseg predict --cluster-id 4L6g3nShT-eMCtK--X86sw /restored/kafka
  kseg predict --format json /disk1/kafka /disk2/kafka

Exit status:
  0  the broker starts, all partitions are online, and nothing is lost, or
     deleted in the first hour
  1  something is lost, deleted or cannot be fetched, a partition comes back
     empty, a transaction hangs, a log dir goes offline, or the broker does not
     start
  2  a file could not be read, or the arguments are invalid")]
pub(crate) struct Predict {
    /// Log dirs of one broker, or folders of partitions [default: log.dirs of --config]
    #[arg(value_name = "PATH", required_unless_present = "config")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    given: Given,

    /// The time of the start: 2026-12-24T08:00:00Z, milliseconds since 1970, or 2h for two hours
    /// ago [default: now]
    #[arg(long, value_name = "TIME")]
    now: Option<Moment>,

    /// The cluster.id that the broker expects, if the log dirs don't have it
    #[arg(long, value_name = "ID")]
    cluster_id: Option<String>,

    /// Assume an unclean shutdown, as after a crash: logs are recovered from the recovery points
    /// on, and truncated at the first invalid batch
    #[arg(long)]
    unclean: bool,

    /// Assume that the recovery points are missing too: after an unclean shutdown all segments are
    /// recovered
    #[arg(long)]
    no_recovery_points: bool,

    /// Don't read segments that the start does not read; batches that fail when they are fetched
    /// stay unknown
    #[arg(long)]
    quick: bool,

    /// Output format; ndjson and csv have a row for each partition
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    selection: Selection,
}

impl Predict {
    /// Predicts, and shows it.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        let (verdict, lost) = self.verdict()?;
        let mut out = Vec::new();
        match self.format {
            Format::Text => text::render(&verdict, context.look(), &mut out),
            Format::Json => {
                json::value(&document::Document::of(&verdict), &mut out);
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
        context.print(&out)?;
        let unread = verdict.unknown.iter().filter_map(|unknown| match unknown {
            Unknown::Partition { what } => Some(anyhow!("{what}")),
            _ => None,
        });
        let mut failed = Failures::default();
        for error in lost.into_iter().chain(unread) {
            if let Some(earlier) = failed.add(error) {
                context.say(earlier.as_bytes());
            }
        }
        failed.result()?;
        Ok(if verdict.is_harmless() {
            ExitStatus::Clean
        } else {
            ExitStatus::Seen
        })
    }

    /// The verdict, and the errors of paths that are not in it.
    fn verdict(&self) -> Result<(Verdict, Vec<anyhow::Error>)> {
        let conditions = Conditions {
            unclean: self.unclean,
            no_recovery_points: self.no_recovery_points,
            cluster_id: self.cluster_id.clone(),
            reads_all: !self.quick,
            now_ms: Some(self.now.map_or_else(range::now_ms, |now| now.0)),
            ..self.given.conditions(&self.paths)?
        };
        let paths: Vec<PathBuf> = if self.paths.is_empty() {
            let named = conditions.settings.log_dirs();
            named.into_iter().map(PathBuf::from).collect()
        } else {
            self.paths.clone()
        };
        if paths.is_empty() {
            bail!("no log.dirs in the file of --config: give the log dirs as arguments");
        }
        let (places, lost) = input::folders(&paths)?;
        let wanted = |item: &Item| self.selection.includes_dir(item);
        let mut verdict = predict::predict(&places, wanted, &conditions)?;
        verdict.missing.retain(|one| {
            self.selection
                .includes(Some(&one.topic), Some(one.partition))
        });
        if verdict.partitions().next().is_none() && !self.selection.is_everything() {
            return Err(input::no_match(&paths));
        }
        Ok((verdict, lost))
    }
}
