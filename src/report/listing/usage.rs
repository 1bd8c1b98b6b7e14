//! The disk usage of partitions and topics.

use std::collections::BTreeSet;

use super::{PartitionSummary, SegmentSummary};
use crate::store::Item;
use crate::wire::Timestamp;

/// The space of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Bytes of the `.log` files of segments, as `kafka-log-dirs` shows.
    pub log_bytes: u64,
    /// Bytes of all files, holes included.
    pub size_bytes: u64,
    /// Bytes that they use on the disk.
    pub disk_bytes: u64,
}

impl Usage {
    /// Returns the space of the files of a partition.
    #[must_use]
    pub fn of(summary: &PartitionSummary) -> Self {
        let logs = summary.segments.iter().filter_map(SegmentSummary::log);
        Self {
            log_bytes: logs.map(Item::len_bytes).sum(),
            ..Self::of_items(summary.partition.items())
        }
    }

    /// Returns the space of these files.
    #[must_use]
    pub fn of_items<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut usage = Self::default();
        for item in items.into_iter().filter(|item| item.is_file()) {
            usage.size_bytes += item.len_bytes();
            usage.disk_bytes += item.disk_bytes();
        }
        usage
    }

    /// Adds another usage.
    pub fn add(&mut self, other: Self) {
        self.log_bytes += other.log_bytes;
        self.size_bytes += other.size_bytes;
        self.disk_bytes += other.disk_bytes;
    }
}

/// The totals of a topic on these disks.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TopicSummary {
    /// Its partitions: one that is in several log dirs is counted once.
    pub partitions: BTreeSet<i32>,
    /// Their folders, in any state.
    pub folders: u64,
    /// Segments.
    pub segments: u64,
    /// Their space.
    pub usage: Usage,
    /// Records, if all segments of all partitions were scanned.
    pub records: Option<u64>,
    /// The smallest timestamp.
    pub first_timestamp: Option<Timestamp>,
    /// The largest timestamp.
    pub last_timestamp: Option<Timestamp>,
}

impl TopicSummary {
    /// Adds a partition.
    pub fn add(&mut self, summary: &PartitionSummary) {
        self.records = match (self.folders, self.records, summary.records()) {
            (0, _, records) => records,
            (_, Some(own), Some(records)) => Some(own.saturating_add(records)),
            _ => None,
        };
        self.partitions.extend(summary.partition.number());
        self.folders += 1;
        self.segments += summary.segments.len() as u64;
        self.usage.add(Usage::of(summary));
        let first = [self.first_timestamp, summary.first_timestamp()];
        self.first_timestamp = first.into_iter().flatten().min();
        self.last_timestamp = self.last_timestamp.max(summary.last_timestamp());
    }
}
