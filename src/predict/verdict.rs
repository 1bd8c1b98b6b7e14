//! What a start comes to.

use super::conditions::Kafka;
use super::reason::Reason;
use crate::format::{Batch, Codec, Scratch};

/// How a start ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Outcome {
    /// As it lies on the disk.
    Loads,
    /// Behind recovery, or with changes on the disk.
    Recovers,
    /// The log dir goes offline: the broker lives on if it has others.
    Offline,
    /// The broker does not start.
    Refuses,
}

impl Outcome {
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
pub struct Truncation {
    /// The file.
    pub file: String,
    /// Bytes that stay.
    pub to: u64,
    /// The offset behind the last record that stays.
    pub next_offset: i64,
}

/// A file that gets another name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Renaming {
    /// The name it has.
    pub from: String,
    /// The name it gets.
    pub to: String,
}

/// Records that a start takes away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Lost {
    /// Records, those of control batches left out.
    pub records: u64,
    /// Batches whose checksum is right.
    pub batches: u64,
    /// Bytes.
    pub bytes: u64,
    /// Those of them that are but zeros at the end of a file: room that was never filled, or that never reached the disk.
    pub zeros: u64,
    /// The earliest timestamp, in milliseconds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub first_timestamp_ms: Option<i64>,
    /// The latest timestamp, in milliseconds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub last_timestamp_ms: Option<i64>,
}

impl Lost {
    /// Whether nothing is lost. Zeros are nothing to lose.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.batches == 0 && self.bytes <= self.zeros
    }

    /// Adds a batch.
    pub(super) fn add(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) {
        self.batches = self.batches.saturating_add(1);
        let (records, first, last) = match batch {
            Batch::V2(batch) => {
                let first = batch.base_timestamp().0;
                let count = u64::try_from(batch.records_count()).unwrap_or(0);
                (count, first, batch.max_timestamp().0)
            }
            Batch::Legacy(message) => {
                let at = message.timestamp().0;
                let inside = match message.codec() {
                    Ok(Codec::None) => 1,
                    _ => Batch::Legacy(*message)
                        .records(scratch)
                        .map_or(0, |records| records.flatten().count() as u64),
                };
                (inside, at, at)
            }
        };
        if batch.is_control() {
            return;
        }
        self.records = self.records.saturating_add(records);
        for at in [first, last].into_iter().filter(|&at| at >= 0) {
            let earliest = self.first_timestamp_ms.map_or(at, |before| before.min(at));
            let latest = self.last_timestamp_ms.map_or(at, |before| before.max(at));
            (self.first_timestamp_ms, self.last_timestamp_ms) = (Some(earliest), Some(latest));
        }
    }

    /// Adds what is lost elsewhere.
    pub(super) fn merge(&mut self, other: Self) {
        self.records = self.records.saturating_add(other.records);
        self.batches = self.batches.saturating_add(other.batches);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.zeros = self.zeros.saturating_add(other.zeros);
        let either = |a: Option<i64>, b: Option<i64>, pick: fn(i64, i64) -> i64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        };
        self.first_timestamp_ms =
            either(self.first_timestamp_ms, other.first_timestamp_ms, i64::min);
        self.last_timestamp_ms = either(self.last_timestamp_ms, other.last_timestamp_ms, i64::max);
    }
}

/// What becomes of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PartitionVerdict {
    /// The name of its directory.
    pub dir: String,
    /// How its start ends.
    pub outcome: Outcome,
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
    /// The indexes made anew.
    pub rebuilt: Vec<String>,
    /// The files renamed.
    pub renamed: Vec<Renaming>,
    /// The files made, such as snapshots of producers.
    pub created: Vec<String>,
    /// What is lost.
    pub lost: Lost,
    /// What of that stays in files, but where no reader gets: behind the end of the log, or in a stray's directory.
    pub unread: Lost,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// What becomes of a log dir.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DirVerdict {
    /// The log dir, as it was given.
    pub path: String,
    /// Whether the clean shutdown marker counts.
    pub clean: bool,
    /// How the start ends, the worst of its partitions included.
    pub outcome: Outcome,
    /// Why, where it is not a partition's fault.
    pub reasons: Vec<Reason>,
    /// Its partitions, by name.
    pub partitions: Vec<PartitionVerdict>,
}

/// What becomes of everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    /// The broker that starts.
    pub kafka: Kafka,
    /// The log dirs.
    pub dirs: Vec<DirVerdict>,
}

impl Verdict {
    /// What is lost in all.
    #[must_use]
    pub fn lost(&self) -> Lost {
        let mut all = Lost::default();
        for partition in self.dirs.iter().flat_map(|dir| &dir.partitions) {
            all.merge(partition.lost);
        }
        all
    }

    /// The worst outcome.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let outcomes = self.dirs.iter().map(|dir| dir.outcome);
        outcomes.max().unwrap_or(Outcome::Loads)
    }

    /// Whether nothing is lost and everything is served.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.outcome() < Outcome::Offline && self.lost().is_nothing()
    }
}
