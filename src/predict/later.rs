//! Events in the first hour after a start.

use super::retention::Breach;
use super::settings::{Setting, SettingOrigin};

/// The time after the start that is predicted.
pub(super) const HOUR_MS: i64 = 3_600_000;

/// Something that happens after the start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LaterEvent {
    /// The regular task of the broker.
    pub moment: Moment,
    /// The time after the start, in milliseconds.
    pub after_ms: i64,
    /// The change.
    pub change: Change,
    /// The setting that causes it.
    pub setting: Cause,
}

/// A regular task of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Moment {
    /// Loading has finished.
    Start,
    /// The log cleaner runs, which also deletes old segments of compacted topics.
    Cleaner,
    /// The first retention check.
    FirstRetentionCheck,
    /// A later one.
    RetentionCheck,
    /// Deleted directories are removed.
    DirectoryRemoval,
    /// The broker removes expired producers.
    ProducersCheck,
    /// The coordinator removes expired offsets.
    OffsetsCheck,
    /// The coordinator removes expired transactional ids.
    TransactionalIdsCheck,
}

/// The change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "change", rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Change {
    /// Retention deletes segments.
    SegmentsDeleted {
        /// The reason.
        breach: Breach,
        /// The number of segments.
        segments: u64,
        /// The number of segments at the start.
        of_segments: u64,
        /// The records in them, those of control batches left out.
        records: u64,
        /// The bytes of their `.log`s.
        bytes: u64,
        /// The log start offset afterwards.
        log_start: i64,
        /// The largest timestamp of the last one as the broker sees it, in milliseconds.
        largest_timestamp_ms: i64,
    },
    /// The directory is removed with everything in it.
    DirectoryRemoved {
        /// The records in it, those of control batches left out.
        records: u64,
        /// The bytes of its `.log`s.
        bytes: u64,
    },
    /// The cleaner drops records of a compacted topic.
    Compacted {
        /// Records that later ones of the same key replace.
        replaced: u64,
        /// Records without a key.
        without_key: u64,
        /// Tombstones that are old enough.
        tombstones: u64,
        /// Bytes of their keys and values.
        bytes: u64,
    },
    /// Committed offsets of groups without members expire.
    OffsetsExpired {
        /// The number of groups that lose offsets.
        groups: u64,
        /// The number of offsets.
        offsets: u64,
    },
    /// Transactional ids that were not used expire.
    TransactionalIdsExpired {
        /// The number of ids.
        ids: u64,
    },
    /// The state of idle producers expires: duplicates that they send again are not recognised.
    ProducersExpired {
        /// The number of producers.
        producers: u64,
    },
}

/// The setting that causes an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Cause {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: i64,
    /// The origin.
    pub origin: SettingOrigin,
}

impl From<Setting<i64>> for Cause {
    fn from(setting: Setting<i64>) -> Self {
        let Setting {
            name,
            value,
            origin,
        } = setting;
        Self {
            name,
            value,
            origin,
        }
    }
}

impl LaterEvent {
    /// The number of records that are deleted.
    #[must_use]
    pub fn records(&self) -> u64 {
        match self.change {
            Change::SegmentsDeleted { records, .. } | Change::DirectoryRemoved { records, .. } => {
                records
            }
            Change::Compacted {
                replaced,
                without_key,
                tombstones,
                ..
            } => replaced
                .saturating_add(without_key)
                .saturating_add(tombstones),
            _ => 0,
        }
    }

    /// Their size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self.change {
            Change::SegmentsDeleted { bytes, .. }
            | Change::DirectoryRemoved { bytes, .. }
            | Change::Compacted { bytes, .. } => bytes,
            _ => 0,
        }
    }

    /// Returns true if records or committed offsets are deleted that a user may still want.
    /// Segments before the log start offset are not read, and compaction is meant to remove
    /// replaced records, but not records without a key.
    #[must_use]
    pub fn deletes(&self) -> bool {
        match self.change {
            Change::SegmentsDeleted {
                breach, records, ..
            } => breach != Breach::LogStart && records > 0,
            Change::DirectoryRemoved { records, .. } => records > 0,
            Change::OffsetsExpired { .. } => true,
            Change::Compacted { without_key, .. } => without_key > 0,
            _ => false,
        }
    }
}
