//! What a start comes to.

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

/// How a start ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum StartOutcome {
    /// As it lies on the disk.
    Loads,
    /// Behind recovery, or with changes on the disk.
    Recovers,
    /// The log dir goes offline: the broker lives on if it has others.
    Offline,
    /// The broker does not start.
    Refuses,
}

impl StartOutcome {
    /// Its name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loads => "loads",
            Self::Recovers => "recovers",
            Self::Offline => "offline",
            Self::Refuses => "refuses",
        }
    }
}

/// A `.log` cut short.
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

/// A file that gets another name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Renaming {
    /// The name it has.
    pub from: String,
    /// The name it gets.
    pub to: String,
}

/// What becomes of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PartitionVerdict {
    /// The name of its directory.
    pub dir: String,
    /// How its start ends.
    pub outcome: StartOutcome,
    /// Where the log starts, once it is loaded.
    pub log_start: Option<i64>,
    /// Where it ends: the offset of the next record.
    pub log_end: Option<i64>,
    /// The segments whose batches are checked, by their `.log`.
    pub recovered: Vec<String>,
    /// The `.log`s cut short.
    pub truncations: Vec<Truncation>,
    /// The files deleted.
    pub deleted: Vec<String>,
    /// The indexes that are rebuilt.
    pub rebuilt: Vec<String>,
    /// The files renamed.
    pub renamed: Vec<Renaming>,
    /// The files made, such as snapshots of producers.
    pub created: Vec<String>,
    /// What is lost.
    pub lost: Lost,
    /// What of that stays in files, but where no reader gets: beyond the end of the log, or in a stray's directory.
    pub unread: Lost,
    /// Why.
    #[cfg_attr(feature = "serde", serde(serialize_with = "document::reasons"))]
    pub reasons: Vec<Reason>,
    /// Whether a new, empty partition is served in place of a stray, if that is known.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub replaced: Option<bool>,
    /// What consumers get; none unless all batches were read.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub served: Option<Served>,
    /// The transactions that are open after the start: consumers of what is committed get nothing from the first on.
    pub open_transactions: Vec<OpenTransaction>,
    /// What follows in the first hour, in order.
    pub later: Vec<LaterEvent>,
    /// What cannot be known of it from what was given.
    pub unknown: Vec<Unknown>,
    /// The settings that are assumed to have Kafka's defaults, and decide something.
    pub assumed: BTreeSet<&'static str>,
}

impl PartitionVerdict {
    /// What consumers get of it, if that is not everything.
    fn unreadable(&self) -> Option<&Served> {
        self.served
            .as_ref()
            .filter(|served| served.unreadable_offsets > 0)
    }

    /// Notes that something rests on a setting.
    pub(super) fn rests_on(&mut self, name: &'static str, origin: SettingOrigin) {
        if origin == SettingOrigin::Assumed {
            self.assumed.insert(name);
        }
    }
}

/// What a prediction cannot know by the files and settings that were given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "unknown", rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Unknown {
    /// The partition was given without its log dir.
    LogDir,
    /// The metadata log is not there: what the cluster knows, and the settings of topics.
    Cluster,
    /// Which partitions the broker has, and the settings of topics, are in `ZooKeeper`.
    ZooKeeper,
    /// A log dir that the cluster has for the broker was not given.
    OtherLogDir {
        /// Its `directory.id`.
        #[cfg_attr(feature = "serde", serde(serialize_with = "document::uuid"))]
        id: [u8; 16],
    },
    /// A broker runs on the log dir: what it has not written yet, and what it will write.
    Running,
    /// The topic is tiered: which of its segments are elsewhere too.
    Tiered,
    /// Whether a topic that was compacted is compacted still: nothing at hand has its `cleanup.policy`.
    Policy,
    /// What becomes of a partition that could not be read.
    Partition {
        /// Which file, and why.
        what: String,
    },
    /// When the broker starts.
    Now,
    /// Whether batches that the start does not read can be fetched.
    Unread,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogDir => f.write_str(
                "how the broker stopped, recovery points, log start offsets: the log dir was not given; a clean shutdown is assumed unless an index is untrimmed",
            ),
            Self::Cluster => f.write_str(
                "which partitions the cluster has here, and their settings: no metadata log was given; give all log dirs of the node",
            ),
            Self::ZooKeeper => f.write_str(
                "which partitions the cluster has here, and their settings: they are in ZooKeeper; give settings with --set",
            ),
            Self::OtherLogDir { id } => write!(
                f,
                "what is in this node's log dir with directory.id {}: it was not given",
                write_uuid(id)
            ),
            Self::Running => f.write_str(
                "what the running broker writes before it stops: this is a snapshot of files that change while they are read",
            ),
            Self::Tiered => f.write_str(
                "which local segments of tiered topics are deleted: that depends on what is uploaded",
            ),
            Self::Policy => f.write_str(
                "cleanup.policy of topics that cleaner-offset-checkpoint lists: compact is assumed; if they are deleted by age or size too, give it with --set cleanup.policy=compact,delete",
            ),
            Self::Partition { what } => write!(f, "what becomes of a partition: {what}"),
            Self::Now => f.write_str("the first hour after the start was not asked for"),
            Self::Unread => f.write_str(
                "whether all batches can be fetched: segments that the start does not read were not read",
            ),
        }
    }
}

/// What becomes of a log dir.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DirVerdict {
    /// The log dir, as it was given.
    pub path: String,
    /// Whether the clean shutdown marker counts.
    pub clean: bool,
    /// How the start ends, the worst of its partitions included.
    pub outcome: StartOutcome,
    /// Why, where it is not a partition's fault.
    #[cfg_attr(feature = "serde", serde(serialize_with = "document::reasons"))]
    pub reasons: Vec<Reason>,
    /// Its partitions, by name.
    pub partitions: Vec<PartitionVerdict>,
}

/// What becomes of everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Verdict {
    /// The broker that starts.
    pub kafka: Kafka,
    /// What keeps the node from starting, where it is no single log dir's fault.
    pub reasons: Vec<Reason>,
    /// The log dirs.
    pub dirs: Vec<DirVerdict>,
    /// The partitions that the cluster has here, and no log dir: they come back empty.
    pub missing: Vec<MissingPartition>,
    /// What cannot be known from what was given.
    pub unknown: Vec<Unknown>,
}

/// A partition that the cluster has on the node, and whose directory is not there: an empty one is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MissingPartition {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Up to where it was replicated, as a log dir's checkpoint says: it was there once.
    pub high_watermark: Option<i64>,
    /// Whether other nodes have it too, from which it is filled again.
    pub has_other_replicas: bool,
}

impl MissingPartition {
    /// The name that its directory has.
    #[must_use]
    pub fn dir(&self) -> String {
        format!("{}-{}", self.topic, self.partition)
    }

    /// Whether records were in it.
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

    /// What the start loses in all.
    #[must_use]
    pub fn lost(&self) -> Lost {
        let mut all = Lost::default();
        for partition in self.partitions() {
            all.merge(partition.lost);
        }
        all
    }

    /// Whether a broker ran while it was made.
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

    /// What is deleted in the hour after the start.
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

    /// The transactions that stay open until somebody aborts them.
    pub fn hanging(&self) -> impl Iterator<Item = (&PartitionVerdict, &OpenTransaction)> {
        self.partitions().flat_map(|one| {
            let open = one.open_transactions.iter();
            let hanging = open.filter(|open| open.end == TransactionEnd::Hangs);
            hanging.map(move |open| (one, open))
        })
    }

    /// Whether everything is served, and nothing is lost or deleted.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.outcome() < StartOutcome::Offline
            && self.lost().is_nothing()
            && self.deleted().next().is_none()
            && !self.missing.iter().any(MissingPartition::had_records)
            && self.unreadable().next().is_none()
            && self.hanging().next().is_none()
    }
}
