//! `kseg compaction`: clean and dirty parts of compacted partitions, the records that the cleaner
//! would remove, and its obstacles.

mod rows;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Result;
use kseg::predict::Conditions;
use kseg::predict::settings::{COMPACTION_LAG_MS, MAX_DECOMPRESSED_BYTES, MOST_COMPACTION_LAG_MS};
use kseg::report::compaction::{self, CleanerRules};
use kseg::report::key_sample::SAMPLE_KEYS;
use kseg::report::listing::{ListingDepth, PartitionSummary};
use kseg::scan::{Jobs, in_order};
use kseg::store::{Error, Partition};

use self::rows::CleanerView;
use super::args::Reading;
use super::brokers::Brokers;
use super::exit::ExitStatus;
use super::given::Given;
use super::input::{Others, Selection, logs, only_partitions};
use super::internal::Trouble;
use super::range::{Moment, now_ms};
use super::render::rows::Format;
use super::render::table::counted;
use super::writer::Writer;
use super::{Context, schema};

/// Shows the clean and dirty parts of compacted partitions, what the log cleaner would remove, and
/// what stops it
///
/// For each partition with cleanup.policy=compact: the clean, dirty and uncleanable offsets, the
/// dirty ratio and min.cleanable.dirty.ratio, keys, replaced records and the bytes that removing
/// them saves, tombstones and when they can be removed. Obstacles to the cleaner are listed with
/// their position: damaged batches, and records over max.decompressed.message.bytes. Topic settings
/// are read from the metadata log in these log dirs, broker settings from --config.
///
/// All records are read. Up to 262,144 keys are counted exactly; for more, keys, duplicates and
/// savings are estimated from a sample of the keys, in 40 MiB of memory, and the error is shown.
/// --exact needs about 80 bytes of memory for each key.
///
/// Not on a disk: if the cleaner runs, and which partitions a running broker has marked as
/// uncleanable.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg compaction /var/lib/kafka
  kseg compaction --exact /var/lib/kafka/accounts-3
  kseg compaction --set cleanup.policy=compact copied/accounts-3
  kseg compaction --config /etc/kafka/server.properties --kafka 4.4 data
  kseg compaction --topic accounts --partition 0..4 --now 2026-12-24 data
  kseg compaction --format ndjson data | jq 'select(.stops > 0)'

Exit status:
  0  nothing stops the cleaner
  1  something does
  2  something could not be read, or the arguments are invalid")]
pub(crate) struct Compaction {
    /// Log dirs or partitions, a folder of log dirs, or a server.properties
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Count every key exactly
    #[arg(long)]
    exact: bool,

    #[command(flatten)]
    given: Given,

    /// The time of the cleaner's check: 2026-12-24T08:00:00Z, milliseconds since 1970, or 2h for
    /// two hours ago [default: now]
    #[arg(long, value_name = "TIME")]
    now: Option<Moment>,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

impl Compaction {
    /// Shows the partitions.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        let found = logs(&self.paths, &self.selection, Others::default())?;
        let mut trouble = Trouble::default();
        trouble.errors.extend(found.lost);
        let brokers = Brokers::around(&found.found, self.reading, &mut trouble);
        let conditions = self.given.conditions(&self.paths)?;
        let now_ms = self.now.map_or_else(now_ms, |now| now.0);
        let all = only_partitions(found.found)?;
        let count = all.len();
        let compacted: Vec<Partition> = all
            .into_iter()
            .filter(|it| brokers.settings(it, &conditions).policy().value.1)
            .collect();
        let others = count.saturating_sub(compacted.len());
        let look = |partition| self.look(partition, &brokers, &conditions, now_ms);
        let mut writer = Writer::new(context, self.format, schema::COMPACTION);
        let (mut is_stopped, mut stops) = (false, Vec::new());
        in_order(self.reading.jobs(), compacted, look, &mut |found| {
            match found {
                Ok(mut found) => {
                    trouble.fail(found.errors.drain(..));
                    is_stopped |= rows::show(&mut writer, &found, &mut stops);
                }
                Err(error) => trouble.fail([error]),
            }
            if writer.is_heard() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        rows::stops(&mut writer, stops);
        if others > 0 {
            let (are, they) = if others == 1 {
                ("is", "it is")
            } else {
                ("are", "they are")
            };
            writer.remark(&format!(
                "{} {are} not compacted by the settings; with --set cleanup.policy=compact {they} \
                 treated as compacted",
                counted(others as u64, "partition")
            ));
        }
        trouble.report(&mut writer);
        Ok(ExitStatus::of(writer.finish()? || is_stopped))
    }

    fn look(
        &self,
        partition: Partition,
        brokers: &Brokers,
        conditions: &Conditions,
        now_ms: i64,
    ) -> Result<CleanerView, Error> {
        let settings = brokers.settings(&partition, conditions);
        let most = settings.number(MAX_DECOMPRESSED_BYTES).value;
        let rules = CleanerRules {
            dirty_ratio: settings.dirty_ratio().value,
            min_lag_ms: settings.number(COMPACTION_LAG_MS).value,
            max_lag_ms: settings.number(MOST_COMPACTION_LAG_MS).value,
            max_record_bytes: u64::try_from(most).unwrap_or(u64::MAX),
            now_ms,
            sample_keys: if self.exact { usize::MAX } else { SAMPLE_KEYS },
        };
        let checkpoints = brokers.checkpoints(&partition);
        let open = |path: &Path| self.reading.open(path);
        let mut summary = PartitionSummary::open(partition.path(), &checkpoints)?;
        summary.look(ListingDepth::Segments, Jobs::ONE, open);
        let mut errors = std::mem::take(&mut summary.errors);
        errors.extend(summary.unopened());
        let transactions = compaction::transactions(&summary, open)?;
        let noted = partition.topic().zip(partition.number());
        let noted = noted.and_then(|id| checkpoints.cleaned_to(id));
        let ranges = compaction::ranges(&summary, noted, transactions.first_open(), &rules);
        let census = match &ranges {
            Some(ranges) => {
                let limits = self.reading.limits();
                let census =
                    compaction::census(&summary, ranges, &transactions, &rules, limits, open)?;
                Some(census)
            }
            None => None,
        };
        Ok(CleanerView {
            partition,
            rules,
            ranges,
            census,
            errors,
        })
    }
}
