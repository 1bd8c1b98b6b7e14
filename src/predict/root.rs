//! The start of a log dir: `LogManager.loadLogs`, and the checks of its files before.

use std::collections::BTreeMap;

use super::cluster::{Cluster, Standing};
use super::conditions::Conditions;
use super::epochs::{Failure, LARGEST_BYTES};
use super::hour::Hour;
use super::reason::{Reason, Stranger};
use super::release::Kafka;
use super::remains::Remains;
use super::start::Given;
use super::verdict::{PartitionVerdict, Renaming, StartOutcome};
use super::{partition, properties};
use crate::format::name::{self, DirName, DirState};
use crate::format::{Fault, FileKind, MetaProperties, OffsetCheckpoint, time_index};
use crate::store::{Error, Item, LogDir, Partition, read_known};

/// Offsets of partitions.
pub(super) type Offsets = BTreeMap<(String, i32), i64>;

/// The facts from a log dir's own files.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four facts that do not depend on each other"
)]
pub(super) struct Root {
    pub(super) clean: bool,
    /// True if there are no such files: partitions were given alone, or were copied.
    pub(super) is_unknown: bool,
    /// True if a node of a `KRaft` cluster is known to start.
    pub(super) is_kraft: bool,
    /// The content of `meta.properties`, if it can be read.
    pub(super) meta: Option<MetaProperties>,
    recovery_points: Offsets,
    log_starts: Offsets,
    cleaned: Offsets,
    pub(super) high_watermarks: Offsets,
    pub(super) reasons: Vec<Reason>,
    outcome: Option<StartOutcome>,
    /// True if the log dir goes offline only once its partitions are loaded.
    late: bool,
}

impl Root {
    /// A log dir of which only the conditions are known.
    pub(super) fn unknown(conditions: &Conditions) -> Self {
        Self {
            clean: !conditions.unclean,
            is_unknown: true,
            ..Self::default()
        }
    }

    /// Returns true if the broker shut down cleanly, as far as this partition shows: without the
    /// log dir, it did not if an index of the active segment still has preallocated space, which a
    /// clean shutdown trims.
    pub(super) fn is_clean(&self, partition: &Partition) -> bool {
        self.clean && !(self.is_unknown && has_untrimmed_index(partition))
    }

    /// Reads them.
    pub(super) fn read(dir: &LogDir, conditions: &Conditions) -> Result<Self, Error> {
        let mut root = Self {
            clean: dir.item(FileKind::CleanShutdown).is_some() && !conditions.unclean,
            ..Self::default()
        };
        if dir.has_own_files() {
            let checked = properties::check(dir, conditions)?;
            root.is_kraft = checked.is_kraft;
            root.meta = checked.meta;
            if let Some((outcome, reason)) = checked.wrong {
                root.fail(outcome, reason);
            }
        } else {
            // Folders of partitions that were copied.
            root = Self::unknown(conditions);
        }
        for item in dir.items().iter().filter(|item| item.is_dir()) {
            if !is_known(item, conditions.kafka) {
                let dir = item.name().to_string_lossy().into_owned();
                root.fail(StartOutcome::Refuses, Reason::ForeignDirectory { dir });
            }
        }
        if !conditions.no_recovery_points {
            root.recovery_points = root.checkpoint(dir, FileKind::RecoveryPoints, conditions)?;
        }
        root.log_starts = root.checkpoint(dir, FileKind::LogStarts, conditions)?;
        root.high_watermarks = root.checkpoint(dir, FileKind::HighWatermarks, conditions)?;
        root.cleaned = root.checkpoint(dir, FileKind::CleanerOffsets, conditions)?;
        Ok(root)
    }

    pub(super) fn fail(&mut self, outcome: StartOutcome, reason: Reason) {
        self.reasons.push(reason);
        self.outcome = self.outcome.max(Some(outcome));
    }

    /// Reads a checkpoint. One that cannot be read counts as empty, but a malformed line takes the
    /// log dir offline when everything is loaded.
    fn checkpoint(
        &mut self,
        dir: &LogDir,
        kind: FileKind,
        conditions: &Conditions,
    ) -> Result<Offsets, Error> {
        let Some(item) = dir.item(kind).filter(|item| item.is_file()) else {
            return Ok(Offsets::new());
        };
        let file = name::file_name(item.path()).to_owned();
        let failed = |fault: Option<Fault>, is_line: bool| {
            self.reasons.push(Reason::Checkpoint { file, fault });
            if is_line {
                self.late = true;
            }
            Ok(Offsets::new())
        };
        if item.len_bytes() > LARGEST_BYTES {
            return failed(None, true);
        }
        let bytes = read_known(item.path())?;
        let checkpoint = OffsetCheckpoint::parse(&bytes);
        if let Some((failure, fault)) = Failure::of(&checkpoint.faults, conditions.kafka) {
            return failed(Some(fault), failure == Failure::Line);
        }
        let entries = checkpoint.entries.iter();
        Ok(entries
            .map(|entry| ((entry.topic.to_owned(), entry.partition), entry.offset.0))
            .collect())
    }

    /// Returns the outcome of the start of the log dir, from its files and the outcomes of its
    /// partitions.
    pub(super) fn outcome(&self, worst: Option<StartOutcome>) -> StartOutcome {
        let own = self.outcome.max(self.late.then_some(StartOutcome::Offline));
        own.max(worst).unwrap_or(StartOutcome::Loads)
    }

    /// Returns the number of offsets below the high watermark of a partition that its log did not
    /// reach. If the start takes some of the log away, nothing shows where it ended.
    fn missing_offsets(&self, (topic, number): (&str, i32), verdict: &PartitionVerdict) -> u64 {
        let high_watermark = self.high_watermarks.get(&(topic.to_owned(), number));
        let missing = high_watermark
            .zip(verdict.log_end)
            .map(|(at, end)| at.saturating_sub(end));
        let missing = missing.filter(|_| verdict.lost.is_nothing());
        missing
            .and_then(|missing| u64::try_from(missing).ok())
            .unwrap_or(0)
    }

    /// Returns the entry for a partition.
    pub(super) fn given(&self, topic: &str, number: i32, state: DirState) -> Given {
        let key = (topic.to_owned(), number);
        let of = |offsets: &Offsets| offsets.get(&key).copied().unwrap_or(0);
        Given {
            clean: self.clean,
            recovery_point: of(&self.recovery_points),
            log_start: of(&self.log_starts),
            cleaned: self.cleaned.get(&key).copied(),
            to_be_deleted: state == DirState::Delete,
        }
    }
}

/// Predicts the outcome of one partition of a log dir that is not the metadata log.
pub(super) fn one(
    root: &Root,
    opened: &Partition,
    cluster: &Cluster,
    conditions: &Conditions,
) -> Result<PartitionVerdict, Error> {
    let Some(DirName::Partition {
        topic,
        partition: number,
        state,
        ..
    }) = opened.name()
    else {
        let given = root.given("", -1, DirState::Current);
        let settings = cluster.settings("", conditions);
        return Ok(partition::verdict(opened, given, &settings, conditions)?.0);
    };
    let given = Given {
        clean: root.is_clean(opened),
        ..root.given(topic, number, state)
    };
    let settings = cluster.settings(topic, conditions);
    let (mut verdict, remains) = partition::verdict(opened, given, &settings, conditions)?;
    if verdict.outcome >= StartOutcome::Offline {
        return Ok(verdict);
    }
    let hour = Hour {
        topic,
        number,
        state,
        cleaned: given.cleaned,
        cluster,
        conditions,
    };
    let settled = !matches!(state, DirState::Delete | DirState::Stray);
    let standing = if root.is_kraft && settled {
        cluster.standing(topic, number, remains.topic_id)
    } else {
        Standing::Served
    };
    match standing {
        Standing::Served => {
            if state == DirState::Current {
                verdict.missing_offsets = root.missing_offsets((topic, number), &verdict);
            }
            hour.report(&remains, &mut verdict)?;
        }
        Standing::OtherTopic(topic) => {
            verdict.outcome = StartOutcome::Offline;
            verdict.reasons.push(Reason::OtherTopic { topic });
        }
        Standing::Stray(why, replaced) => {
            let stray = Stray { why, replaced };
            stray.set_aside(opened, &hour, &remains, &mut verdict)?;
        }
    }
    Ok(verdict)
}

/// A partition that the cluster does not assign to this node.
struct Stray {
    why: Stranger,
    /// True if a new partition is served in its place, if that is known.
    replaced: Option<bool>,
}

impl Stray {
    fn set_aside(
        self,
        opened: &Partition,
        hour: &Hour<'_>,
        remains: &Remains,
        verdict: &mut PartitionVerdict,
    ) -> Result<(), Error> {
        let kafka = hour.conditions.kafka;
        verdict.reasons.push(Reason::Stray { why: self.why });
        if self.why == Stranger::NoTopicId && !kafka.keeps_strays() {
            verdict.outcome = StartOutcome::Refuses;
            return Ok(());
        }
        partition::give_up(opened, verdict)?;
        verdict.served = None;
        verdict.open_transactions.clear();
        verdict.outcome = StartOutcome::Recovers;
        // If that is unknown, the replica is assumed to be assigned to the broker.
        let bound = (self.replaced != Some(false)).then_some(0);
        (verdict.log_start, verdict.log_end) = (bound, bound);
        verdict.replaced = self.replaced;
        let suffix = if kafka.keeps_strays() {
            "stray"
        } else {
            let settings = hour.cluster.settings(hour.topic, hour.conditions);
            if hour.conditions.now_ms.is_some() {
                verdict.later.push(Hour::removal(remains, &settings)?);
            }
            "delete"
        };
        verdict.renamed.push(Renaming {
            from: verdict.dir.clone(),
            to: format!("{}-{}.<id>-{suffix}", hour.topic, hour.number),
        });
        Ok(())
    }
}

/// Returns true if an index of the active segment ends in an entry of zeros. An unreadable index
/// does not count.
fn has_untrimmed_index(partition: &Partition) -> bool {
    let segments = partition.segments();
    let Some(active) = segments.last() else {
        return false;
    };
    [FileKind::OffsetIndex, FileKind::TimeIndex]
        .into_iter()
        .filter_map(|kind| active.file(kind))
        .filter_map(|item| read_known(item.path()).ok())
        .any(|bytes| bytes.ends_with(&[0; time_index::ENTRY_BYTES]))
}

/// Returns true if a broker accepts a directory of this name.
fn is_known(item: &Item, kafka: Kafka) -> bool {
    match item.dir_name() {
        Some(DirName::Partition { state, .. }) => state != DirState::Stray || kafka.knows_strays(),
        Some(_) => kafka.has_index_cache(),
        None => false,
    }
}
