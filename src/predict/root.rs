//! The start of a log dir: `LogManager.loadLogs`, and what is asked of its files before.

use std::collections::BTreeMap;

use super::conditions::{Conditions, Kafka};
use super::epochs::Failure;
use super::reason::Reason;
use super::start::Given;
use super::verdict::{DirVerdict, Outcome, PartitionVerdict, Renaming};
use super::{metadata_log, partition, properties};
use crate::format::name::{self, DirName, DirState};
use crate::format::topic::CLUSTER_METADATA;
use crate::format::{FileKind, OffsetCheckpoint};
use crate::store::{Cap, read_small};
use crate::store::{Error, Item, LogDir, Partition};
use crate::wire::Fault;

/// Offsets of partitions.
type Offsets = BTreeMap<(String, i32), i64>;

/// What a log dir's own files say.
#[derive(Debug, Default)]
pub(super) struct Root {
    pub(super) clean: bool,
    /// Whether a node of a `KRaft` cluster is known to start.
    is_kraft: bool,
    recovery_points: Offsets,
    log_starts: Offsets,
    reasons: Vec<Reason>,
    outcome: Option<Outcome>,
    /// Whether the log dir goes offline only once its partitions are loaded.
    late: bool,
}

impl Root {
    /// Nothing is known but what the conditions say.
    pub(super) fn unknown(conditions: &Conditions) -> Self {
        Self {
            clean: !conditions.unclean,
            ..Self::default()
        }
    }

    /// Reads them.
    pub(super) fn read(dir: &LogDir, conditions: &Conditions) -> Result<Self, Error> {
        let mut root = Self {
            clean: dir.item(FileKind::CleanShutdown).is_some() && !conditions.unclean,
            ..Self::default()
        };
        if dir.items().iter().any(is_of_log_dir) {
            let checked = properties::check(dir, conditions)?;
            root.is_kraft = checked.is_kraft;
            if let Some((outcome, reason)) = checked.wrong {
                root.fail(outcome, reason);
            }
        } else {
            // Folders of partitions, copied from somewhere.
            root = Self::unknown(conditions);
        }
        for item in dir.items().iter().filter(|item| item.is_dir()) {
            if !is_known(item, conditions.kafka) {
                root.fail(
                    Outcome::Refuses,
                    Reason::Unexpected {
                        file: item.name().to_string_lossy().into_owned(),
                        what: "a directory whose name is not that of a partition".into(),
                    },
                );
            }
        }
        if !conditions.no_recovery_points {
            root.recovery_points = root.checkpoint(dir, FileKind::RecoveryPoints, conditions)?;
        }
        root.log_starts = root.checkpoint(dir, FileKind::LogStarts, conditions)?;
        root.checkpoint(dir, FileKind::HighWatermarks, conditions)?;
        root.checkpoint(dir, FileKind::CleanerOffsets, conditions)?;
        Ok(root)
    }

    fn fail(&mut self, outcome: Outcome, reason: Reason) {
        self.reasons.push(reason);
        self.outcome = self.outcome.max(Some(outcome));
    }

    /// Reads a checkpoint. What cannot be read is as good as empty, but a malformed line takes the log dir offline once
    /// everything is loaded.
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
        if item.len_bytes() > Cap::of(kind).bytes() {
            return failed(None, true);
        }
        let bytes = read_small(item.path(), Cap::of(kind))?;
        let checkpoint = OffsetCheckpoint::parse(&bytes);
        if let Some((failure, fault)) = Failure::of(&checkpoint.faults, conditions.kafka) {
            return failed(Some(fault), failure == Failure::Line);
        }
        let entries = checkpoint.entries.iter();
        Ok(entries
            .map(|entry| ((entry.topic.to_owned(), entry.partition), entry.offset.0))
            .collect())
    }

    /// What it says of a partition.
    pub(super) fn given(&self, topic: &str, number: i32, state: DirState) -> Given {
        let key = (topic.to_owned(), number);
        let of = |offsets: &Offsets| offsets.get(&key).copied().unwrap_or(0);
        Given {
            clean: self.clean,
            recovery_point: of(&self.recovery_points),
            log_start: of(&self.log_starts),
            to_be_deleted: state == DirState::Delete,
        }
    }
}

/// What becomes of a log dir, or of those of its partitions that `wanted` names.
pub(super) fn verdict(
    dir: &LogDir,
    wanted: &dyn Fn(&Item) -> bool,
    conditions: &Conditions,
) -> Result<DirVerdict, Error> {
    let mut root = Root::read(dir, conditions)?;
    duplicates(dir, conditions.kafka, &mut root);
    let mut partitions = Vec::new();
    let mut holds_metadata = false;
    for item in dir.partitions() {
        holds_metadata |= item.dir_name().and_then(|name| name.topic()) == Some(CLUSTER_METADATA);
        if wanted(item) {
            partitions.push(one(&root, &Partition::open(item.path())?, conditions)?);
        }
    }
    let mut outcome = root.outcome.unwrap_or(Outcome::Loads);
    if root.late {
        outcome = outcome.max(Outcome::Offline);
    }
    let worst = partitions.iter().map(|one| one.outcome).max();
    outcome = outcome.max(worst.unwrap_or(Outcome::Loads));
    if outcome == Outcome::Offline && holds_metadata && conditions.kafka > Kafka::V2_8 {
        // A node cannot do without its metadata log.
        outcome = Outcome::Refuses;
    }
    Ok(DirVerdict {
        path: dir.path().to_string_lossy().into_owned(),
        clean: root.clean,
        outcome,
        reasons: root.reasons,
        partitions,
    })
}

/// What becomes of one partition of a log dir.
pub(super) fn one(
    root: &Root,
    opened: &Partition,
    conditions: &Conditions,
) -> Result<PartitionVerdict, Error> {
    let Some(DirName::Partition {
        topic,
        partition: number,
        state,
        ..
    }) = opened.name()
    else {
        return partition::verdict(opened, root.given("", -1, DirState::Current), conditions);
    };
    if topic == CLUSTER_METADATA && state == DirState::Current {
        return metadata_log::verdict(opened, conditions);
    }
    let given = root.given(topic, number, state);
    let mut verdict = partition::verdict(opened, given, conditions)?;
    let settled = !matches!(state, DirState::Delete | DirState::Stray);
    if root.is_kraft
        && settled
        && verdict.outcome < Outcome::Offline
        && !partition::has_topic_id(opened)
    {
        // A new, empty partition is made and served in its place.
        partition::give_up(opened, &mut verdict)?;
        (verdict.log_start, verdict.log_end) = (Some(0), Some(0));
        verdict.reasons.push(Reason::Stray);
        verdict.outcome = Outcome::Recovers;
        verdict.renamed.push(Renaming {
            from: verdict.dir.clone(),
            to: format!("{topic}-{number}.<id>-stray"),
        });
    }
    Ok(verdict)
}

/// Whether it is a file that lies beside partitions.
pub(super) fn is_of_log_dir(item: &Item) -> bool {
    [
        FileKind::MetaProperties,
        FileKind::CleanShutdown,
        FileKind::RecoveryPoints,
        FileKind::HighWatermarks,
        FileKind::LogStarts,
        FileKind::CleanerOffsets,
    ]
    .into_iter()
    .any(|kind| item.is_current(kind))
}

/// Whether a broker knows what to do with a directory of this name.
fn is_known(item: &Item, kafka: Kafka) -> bool {
    match item.dir_name() {
        Some(DirName::Partition { state, .. }) => state != DirState::Stray || kafka > Kafka::V2_8,
        Some(_) => kafka > Kafka::V2_8,
        None => false,
    }
}

/// Two directories for one partition keep the broker from starting. So does one being moved in beside the current one.
fn duplicates(dir: &LogDir, kafka: Kafka, root: &mut Root) {
    let mut seen: BTreeMap<(&str, i32), Vec<(DirState, &Item)>> = BTreeMap::new();
    for item in dir.partitions() {
        if let Some(DirName::Partition {
            topic,
            partition,
            state: state @ (DirState::Current | DirState::Future),
            ..
        }) = item.dir_name()
        {
            seen.entry((topic, partition))
                .or_default()
                .push((state, item));
        }
    }
    for all in seen.values() {
        let [(first, one), (second, other), ..] = all.as_slice() else {
            continue;
        };
        let outcome = if first != second && kafka == Kafka::V2_8 {
            Outcome::Offline
        } else {
            Outcome::Refuses
        };
        let file = |item: &Item| item.name().to_string_lossy().into_owned();
        root.fail(
            outcome,
            Reason::Unexpected {
                file: file(other),
                what: format!("the same partition as {}", file(one)),
            },
        );
    }
}
