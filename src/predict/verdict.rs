//! The outcome of a start.

use std::collections::BTreeSet;
use std::fmt;

use super::fetch::Served;
use super::later::LaterEvent;
use super::lost::Lost;
use super::open::{OpenTransaction, TransactionEnd};
use super::reason::Reason;
#[cfg(feature = "serde")]
use super::reason::document;
use super::release::Kafka;
use super::settings::SettingOrigin;
use crate::format::properties::write_uuid;

/// The outcome of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum StartOutcome {
    /// Loaded without changes.
    #[cfg_attr(feature = "serde", serde(rename = "loaded"))]
    Loads,
    /// Loaded after recovery, or with changes on the disk.
    #[cfg_attr(feature = "serde", serde(rename = "recovered"))]
    Recovers,
    /// The log dir goes offline: the broker continues if it has others.
    Offline,
    /// The broker does not start.
    #[cfg_attr(feature = "serde", serde(rename = "refused"))]
    Refuses,
}

impl StartOutcome {
    /// Its name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loads => "loaded",
            Self::Recovers => "recovered",
            Self::Offline => "offline",
            Self::Refuses => "refused",
        }
    }
}

/// A truncated `.log`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Truncation {
    /// The file.
    pub file: String,
    /// Bytes that stay.
    pub to: u64,
    /// The offset after the last record that stays.
    pub next_offset: i64,
}

/// A renamed file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Renaming {
    /// The old name.
    pub from: String,
    /// The new name.
    pub to: String,
}

/// The predicted outcome of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PartitionVerdict {
    /// The name of its directory.
    pub dir: String,
    /// The outcome of its start.
    pub outcome: StartOutcome,
    /// The log start offset after loading.
    pub log_start: Option<i64>,
    /// The log end offset: that of the next record.
    pub log_end: Option<i64>,
    /// The segments whose batches are checked, by their `.log`.
    pub recovered: Vec<String>,
    /// The truncated `.log`s.
    pub truncations: Vec<Truncation>,
    /// The files deleted.
    pub deleted: Vec<String>,
    /// The indexes that are rebuilt.
    pub rebuilt: Vec<String>,
    /// The files renamed.
    pub renamed: Vec<Renaming>,
    /// The files created, such as producer snapshots.
    pub created: Vec<String>,
    /// The loss.
    pub lost: Lost,
    /// The part of the loss that stays in files but is unreachable: beyond the log end, or in a
    /// stray directory.
    pub unread: Lost,
    /// The number of offsets below the high watermark that the log did not reach before the start:
    /// records that are missing.
    pub missing_offsets: u64,
    /// The reason.
    #[cfg_attr(feature = "serde", serde(serialize_with = "document::reasons"))]
    pub reasons: Vec<Reason>,
    /// True if a new, empty partition is served in place of a stray, if that is known.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub replaced: Option<bool>,
    /// The records that consumers get; `None` unless all batches were read.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub served: Option<Served>,
    /// The transactions that are open after the start: `read_committed` consumers get nothing from
    /// the first on.
    pub open_transactions: Vec<OpenTransaction>,
    /// The events of the first hour, in order.
    pub later: Vec<LaterEvent>,
    /// The facts about it that the given files and settings do not show.
    pub unknown: Vec<Unknown>,
    /// The settings that are assumed to have Kafka's defaults, and decide something.
    pub assumed: BTreeSet<&'static str>,
}

impl PartitionVerdict {
    /// Returns the records that consumers get, if some are unreadable.
    fn unreadable(&self) -> Option<&Served> {
        self.served
            .as_ref()
            .filter(|served| served.unreadable_offsets > 0)
    }

    /// Notes that the verdict depends on a setting.
    pub(super) fn rests_on(&mut self, name: &'static str, origin: SettingOrigin) {
        if origin == SettingOrigin::Assumed {
            self.assumed.insert(name);
        }
    }
}

/// A fact that the given files and settings do not show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "unknown", rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Unknown {
    /// The partition was given without its log dir.
    LogDir,
    /// The metadata log is missing: the partitions of the cluster, and the settings of topics.
    Cluster,
    /// The partitions of the broker and the settings of topics are in `ZooKeeper`.
    ZooKeeper,
    /// A log dir that the cluster has for the broker was not given.
    OtherLogDir {
        /// Its `directory.id`.
        #[cfg_attr(feature = "serde", serde(serialize_with = "document::uuid"))]
        id: [u8; 16],
    },
    /// A broker runs on the log dir: data that it has not written yet.
    Running,
    /// The topic is tiered: the segments in tiered storage.
    Tiered,
    /// The current `cleanup.policy` of a topic that was compacted.
    Policy,
    /// The outcome of a partition that could not be read.
    Partition {
        /// The file and the error.
        what: String,
    },
    /// The time of the start.
    Now,
    /// Batches that the start does not read: they may not be readable.
    Unread,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogDir => f.write_str(
                "the kind of shutdown, recovery points and log start offsets: they are in the log \
                 dir, which was not given; a clean shutdown is assumed unless an index ends in \
                 zeros",
            ),
            Self::Cluster => f.write_str(
                "the partitions that the cluster assigns to this broker, and their settings: no \
                 metadata log was given; give all log dirs of the node",
            ),
            Self::ZooKeeper => f.write_str(
                "the partitions that the cluster assigns to this broker, and their settings: they \
                 are in ZooKeeper; give settings with --set",
            ),
            Self::OtherLogDir { id } => write!(
                f,
                "the log dir with directory.id {} of this node: it was not given",
                write_uuid(id)
            ),
            Self::Running => f.write_str(
                "the files at the shutdown: a broker is running, and changes them while they are \
                 read",
            ),
            Self::Tiered => f.write_str(
                "which local segments of tiered topics are deleted: that depends on which are \
                 uploaded",
            ),
            Self::Policy => f.write_str(
                "cleanup.policy of topics in cleaner-offset-checkpoint: compact is assumed; if \
                 retention applies too, give --set cleanup.policy=compact,delete",
            ),
            Self::Partition { what } => write!(f, "the outcome of a partition: {what}"),
            Self::Now => f.write_str("the first hour after the start: it was not simulated"),
            Self::Unread => f.write_str(
                "whether all batches can be fetched: with --quick, segments that the start does \
                 not read are not read",
            ),
        }
    }
}

/// The outcome of a log dir.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DirVerdict {
    /// The log dir, as it was given.
    pub path: String,
    /// True if the clean shutdown marker counts, or a clean shutdown is assumed.
    pub clean: bool,
    /// True if the kind of shutdown is assumed: the files of the log dir are not there.
    pub is_shutdown_assumed: bool,
    /// The outcome of the start, including that of its partitions.
    pub outcome: StartOutcome,
    /// The reasons that do not concern a partition.
    #[cfg_attr(feature = "serde", serde(serialize_with = "document::reasons"))]
    pub reasons: Vec<Reason>,
    /// Its partitions, by name.
    pub partitions: Vec<PartitionVerdict>,
}

/// The outcomes of all log dirs and partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Verdict {
    /// The broker that starts.
    pub kafka: Kafka,
    /// The reasons why the node does not start that concern several log dirs.
    pub reasons: Vec<Reason>,
    /// The log dirs.
    pub dirs: Vec<DirVerdict>,
    /// The partitions that the cluster assigns to this node and no log dir has: they come back
    /// empty.
    pub missing: Vec<MissingPartition>,
    /// The facts that the given files and settings do not show.
    pub unknown: Vec<Unknown>,
}

/// A partition that the cluster assigns to the node, and whose directory is missing: an empty one
/// is created.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MissingPartition {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Its high watermark in the checkpoint of a log dir: it existed before.
    pub high_watermark: Option<i64>,
    /// True if other nodes have it too, from which it is replicated again.
    pub has_other_replicas: bool,
}

impl MissingPartition {
    /// The name of its directory.
    #[must_use]
    pub fn dir(&self) -> String {
        format!("{}-{}", self.topic, self.partition)
    }

    /// Returns true if it had records.
    #[must_use]
    pub fn had_records(&self) -> bool {
        self.high_watermark.is_some_and(|at| at > 0)
    }
}

impl Verdict {
    /// The partitions of all log dirs.
    pub fn partitions(&self) -> impl Iterator<Item = &PartitionVerdict> {
        self.dirs.iter().flat_map(|dir| &dir.partitions)
    }

    /// Returns the total loss of the start.
    #[must_use]
    pub fn lost(&self) -> Lost {
        let mut all = Lost::default();
        for partition in self.partitions() {
            all.merge(partition.lost);
        }
        all
    }

    /// The unknown facts that could change the verdict.
    pub fn doubts(&self) -> impl Iterator<Item = &Unknown> {
        let inside = self.partitions().flat_map(|one| &one.unknown);
        self.unknown.iter().chain(inside)
    }

    /// Returns the number of partitions that could not be read.
    #[must_use]
    pub fn unread(&self) -> usize {
        let unread = self.doubts();
        unread
            .filter(|unknown| matches!(unknown, Unknown::Partition { .. }))
            .count()
    }

    /// Returns true if a broker ran during the prediction.
    #[must_use]
    pub fn is_of_running(&self) -> bool {
        self.unknown.contains(&Unknown::Running)
    }

    /// The worst outcome.
    #[must_use]
    pub fn outcome(&self) -> StartOutcome {
        if !self.reasons.is_empty() {
            return StartOutcome::Refuses;
        }
        let outcomes = self.dirs.iter().map(|dir| dir.outcome);
        outcomes.max().unwrap_or(StartOutcome::Loads)
    }

    /// Returns the deletions in the hour after the start.
    pub fn deleted(&self) -> impl Iterator<Item = (&PartitionVerdict, &LaterEvent)> {
        self.partitions().flat_map(|one| {
            let deletes = one.later.iter().filter(|event| event.deletes());
            deletes.map(move |event| (one, event))
        })
    }

    /// The settings that are assumed to have Kafka's defaults, and decide something.
    #[must_use]
    pub fn assumed(&self) -> BTreeSet<&'static str> {
        let of = |partition: &PartitionVerdict| partition.assumed.clone();
        self.partitions().flat_map(of).collect()
    }

    /// The partitions of which consumers do not get everything.
    pub fn unreadable(&self) -> impl Iterator<Item = (&PartitionVerdict, &Served)> {
        let of = |one| Some((one, PartitionVerdict::unreadable(one)?));
        self.partitions().filter_map(of)
    }

    /// The partitions whose high watermark is beyond the end of the log. None if a broker runs,
    /// because it changes both while they are read.
    pub fn incomplete(&self) -> impl Iterator<Item = &PartitionVerdict> {
        let is_of_running = self.is_of_running();
        let partitions = self.partitions();
        partitions.filter(move |one| one.missing_offsets > 0 && !is_of_running)
    }

    /// The transactions that stay open until an operator aborts them.
    pub fn hanging(&self) -> impl Iterator<Item = (&PartitionVerdict, &OpenTransaction)> {
        self.partitions().flat_map(|one| {
            let open = one.open_transactions.iter();
            let hanging = open.filter(|open| open.end == TransactionEnd::Hangs);
            hanging.map(move |open| (one, open))
        })
    }

    /// Returns true if everything is there and served, and nothing is lost or deleted.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.outcome() < StartOutcome::Offline
            && self.lost().is_nothing()
            && self.deleted().next().is_none()
            && !self.missing.iter().any(MissingPartition::had_records)
            && self.incomplete().next().is_none()
            && self.unreadable().next().is_none()
            && self.hanging().next().is_none()
    }
}
