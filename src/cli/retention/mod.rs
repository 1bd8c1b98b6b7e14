//! `kseg retention`: which segments retention deletes, when, and what keeps the others.

mod rows;
mod segments;

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use kseg::format::topic::CLUSTER_METADATA;
use kseg::predict::retention::{Rules, fates};
use kseg::predict::settings::{
    CHECK_MS, LOCAL_RETENTION_BYTES, LOCAL_RETENTION_MS, RETENTION_BYTES, RETENTION_MS,
};
use kseg::predict::{Conditions, TopicSettings};
use kseg::report::RemoteSegments;
use kseg::report::listing::{ListingDepth, PartitionSummary};
use kseg::report::reach::Reaches;
use kseg::scan::{Jobs, in_order};
use kseg::store::{Error, Partition};

use self::rows::Verdict;
use self::segments::largest;
use super::args::Reading;
use super::brokers::Brokers;
use super::exit::ExitStatus;
use super::given::Given;
use super::input::{LogSource, Others, Selection, log_dirs_of, logs, only_partitions};
use super::internal::{Trouble, images};
use super::range::{Moment, now_ms};
use super::render::rows::Format;
use super::writer::Writer;
use super::{Context, schema};

/// Shows which segments retention deletes, when, and what keeps the others
///
/// A broker checks the segments of a partition from the oldest on, every five minutes, and stops at
/// the first that retention keeps: one record with a timestamp in the future keeps its segment and
/// all after it. The largest timestamp of a segment is that of the last entry of its .timeindex, or
/// the modification time of the file if no record has one. Topic settings are read from the
/// metadata log in these log dirs, broker settings from --config; for all others Kafka's defaults
/// are assumed, and marked.
///
/// Not on a disk: records that are written or replicated after the shutdown. The simulation assumes
/// that no records are written, and that all replicas have all records.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg retention /var/lib/kafka
  kseg retention --config /etc/kafka/server.properties /var/lib/kafka/orders-3
  kseg retention --topic orders --partition 0..4 --set retention.ms=3600000 data
  kseg retention --kafka 3.9 --now 2026-12-24T08:00:00Z data
  kseg retention --format ndjson data | jq 'select(.fate == \"deleted\")'

Exit status:
  0  no segment is kept by a timestamp in the future
  1  at least one segment is
  2  something could not be read, or the arguments are invalid")]
pub(crate) struct Retention {
    /// Log dirs or partitions, a folder of log dirs, or a server.properties
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    given: Given,

    /// The time of the retention check: 2026-12-24T08:00:00Z, milliseconds since 1970, or 2h for
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

impl Retention {
    /// Shows the fate of the segments.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        let found = logs(&self.paths, &self.selection, Others::default())?;
        let mut trouble = Trouble::default();
        trouble.errors.extend(found.lost);
        let brokers = Brokers::around(&found.found, self.reading, &mut trouble);
        let remote = self.remote(&found.found, &mut trouble);
        let conditions = self.given.conditions(&self.paths)?;
        let now = self.now.map_or_else(now_ms, |now| now.0);
        let mut partitions = only_partitions(found.found)?;
        partitions.retain(|partition| partition.topic() != Some(CLUSTER_METADATA));
        let look = |partition: Partition| self.look(partition, &brokers, &remote, &conditions, now);
        let mut writer = Writer::new(context, self.format, schema::RETENTION);
        let mut is_seen = false;
        in_order(self.reading.jobs(), partitions, look, &mut |verdict| {
            match verdict {
                Ok(mut verdict) => {
                    trouble.fail(verdict.errors.drain(..));
                    is_seen |= rows::show(&mut writer, &verdict, now);
                }
                Err(error) => trouble.fail([error]),
            }
            if writer.is_heard() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        trouble.report(&mut writer);
        Ok(ExitStatus::of(writer.finish()? || is_seen))
    }

    /// The segments in tiered storage, if the log dirs have their topic.
    fn remote(&self, logs: &[LogSource], trouble: &mut Trouble) -> RemoteSegments {
        let dirs = log_dirs_of(logs);
        let topic = kseg::format::topic::REMOTE_LOG_METADATA;
        let mut reaches = Reaches::only(&dirs, |name| name == topic);
        trouble.fail(reaches.errors.drain(..));
        let mut all = RemoteSegments::default();
        match reaches.copies_of(topic) {
            Ok(copies) => images(
                copies,
                self.reading,
                trouble,
                &mut |_, part: RemoteSegments| {
                    all.join(part);
                },
            ),
            Err(error) => trouble.fail([error]),
        }
        all
    }

    fn look(
        &self,
        partition: Partition,
        brokers: &Brokers,
        remote: &RemoteSegments,
        conditions: &Conditions,
        now_ms: i64,
    ) -> Result<Verdict, Error> {
        let checkpoints = brokers.checkpoints(&partition);
        let mut summary = PartitionSummary::open(partition.path(), &checkpoints)?;
        summary.look(ListingDepth::Segments, Jobs::ONE, |path| {
            self.reading.open(path)
        });
        let mut errors = std::mem::take(&mut summary.errors);
        errors.extend(summary.unopened());
        let end = summary.end_offset().map_or(0, kseg::wire::Offset::get);
        let settings = brokers.settings(&partition, conditions);
        let id = partition.topic().zip(partition.number());
        let copied = id
            .map(|id| remote.copied_to(id))
            .filter(|_| settings.is_tiered());
        let (mut rules, assumed) = rules(&settings, copied);
        rules.log_start = summary.log_start.map_or(0, kseg::wire::Offset::get);
        (rules.log_end, rules.high_watermark) = (end, end);
        rules.time_first = !conditions.kafka.retains_by_size_first();
        let (mut segments, mut sizes, mut candidates) = (Vec::new(), Vec::new(), Vec::new());
        for each in summary.segments.iter().filter(|each| each.log().is_some()) {
            let bytes = each.log().map_or(0, kseg::store::Item::len_bytes);
            let largest = match largest(each, now_ms) {
                Ok(largest) => largest,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            candidates.push(kseg::predict::retention::Candidate {
                base: each.segment.base_offset().get(),
                bytes,
                largest_timestamp_ms: largest.ms,
            });
            sizes.push(bytes);
            segments.push((each.segment.base_offset().get(), largest));
        }
        let fates = fates(&candidates, &rules, now_ms);
        let check_ms = settings.number(CHECK_MS).value;
        let compacts = settings.policy().value.1;
        Ok(Verdict {
            partition,
            rules,
            compacts,
            assumed,
            segments,
            sizes,
            fates,
            check_ms,
            errors,
        })
    }
}

/// The rules of a topic, and its assumed settings. In tiered storage the local limits are used.
fn rules(settings: &TopicSettings<'_>, copied_to: Option<i64>) -> (Rules, Vec<&'static str>) {
    let policy = settings.policy();
    // -2 means the limit of the whole log.
    let number = |local, whole| {
        let own = settings.number(local);
        if copied_to.is_some() && own.value != -2 {
            own
        } else {
            settings.number(whole)
        }
    };
    let time = number(LOCAL_RETENTION_MS, RETENTION_MS);
    let size = number(LOCAL_RETENTION_BYTES, RETENTION_BYTES);
    let origins = [
        (policy.name, policy.origin),
        (time.name, time.origin),
        (size.name, size.origin),
    ];
    let assumed = origins
        .into_iter()
        .filter(|(_, origin)| *origin == kseg::predict::SettingOrigin::Assumed);
    let rules = Rules {
        deletes: policy.value.0,
        retention_ms: time.value,
        retention_bytes: size.value,
        log_start: 0,
        log_end: 0,
        high_watermark: 0,
        time_first: false,
        copied_to,
    };
    (rules, assumed.map(|(name, _)| name).collect())
}
