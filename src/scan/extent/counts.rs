//! The facts about a segment.

use crate::format::{Batch, Fault, RecordBatch, TimestampType};
use crate::scan::event::Gap;
use crate::scan::visit::Merge;
use crate::wire::{LeaderEpoch, Offset, Position, Timestamp};

/// The extent of a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extent {
    /// The first offset of the first batch.
    pub first_offset: Option<Offset>,
    /// The last offset of the last batch.
    pub last_offset: Option<Offset>,
    /// The leader epoch of the last batch; `None` in magic 0 and 1.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The timestamp of the first record; after a scan, the smallest.
    pub first_timestamp: Option<Timestamp>,
    /// The largest timestamp.
    pub last_timestamp: Option<Timestamp>,
    /// Bytes of zeros between and after batches: preallocated space, or pages that never reached
    /// the disk.
    pub zero_bytes: u64,
    /// Bytes that are neither batch nor zeros.
    pub damaged_bytes: u64,
    /// The position of the first fault, and the fault.
    pub fault: Option<(Position, Fault)>,
    /// The counts that need a scan.
    pub counts: Option<ExtentCounts>,
}

/// The counts of a segment that was read completely.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtentCounts {
    /// Batches whose checksum is right; of magic 0 and 1, messages and compressed sets of them.
    pub batches: u64,
    /// Records, control records included.
    pub records: u64,
}

impl Extent {
    /// Adds the bytes after the last batch, or between batches.
    pub(super) fn gap(&mut self, gap: &Gap) {
        for part in gap.parts() {
            let bytes = part.range.end - part.range.start;
            match part.fault() {
                None => self.zero_bytes += bytes,
                Some(fault) => {
                    self.damaged_bytes += bytes;
                    let position = Position(part.range.start);
                    self.fault.get_or_insert((position, fault));
                }
            }
        }
    }

    /// Adds the offsets of the next batch.
    pub(super) fn batch(&mut self, batch: &Batch<'_>) {
        self.last_offset = Some(batch.last_offset());
        self.leader_epoch = match batch {
            Batch::V2(batch) => Some(batch.leader_epoch()).filter(|epoch| epoch.0 >= 0),
            Batch::Legacy(_) => None,
        };
    }

    /// Adds a timestamp.
    pub(super) fn until(&mut self, timestamp: Timestamp) {
        self.last_timestamp = self.last_timestamp.max(time(timestamp));
    }
}

/// Returns `None` for −1.
pub(super) fn time(timestamp: Timestamp) -> Option<Timestamp> {
    (timestamp.0 != -1).then_some(timestamp)
}

impl Merge for Extent {
    fn merge(&mut self, next: Self) {
        self.first_offset = self.first_offset.or(next.first_offset);
        if next.last_offset.is_some() {
            (self.last_offset, self.leader_epoch) = (next.last_offset, next.leader_epoch);
        }
        let times = [self.first_timestamp, next.first_timestamp];
        self.first_timestamp = times.into_iter().flatten().min();
        self.last_timestamp = self.last_timestamp.max(next.last_timestamp);
        self.zero_bytes += next.zero_bytes;
        self.damaged_bytes += next.damaged_bytes;
        self.fault = self.fault.or(next.fault);
        if let Some(counts) = next.counts {
            let own = self.counts.get_or_insert_default();
            own.batches += counts.batches;
            own.records += counts.records;
        }
    }
}

/// The largest timestamp of a batch, from its header.
pub(super) fn max_timestamp(batch: &Batch<'_>) -> Timestamp {
    match batch {
        Batch::V2(batch) => batch.max_timestamp(),
        Batch::Legacy(message) => message.timestamp(),
    }
}

/// Returns the timestamp of the first record of a batch, from its header.
pub(super) fn first_timestamp(batch: &RecordBatch<'_>) -> Timestamp {
    match batch.timestamp_type() {
        TimestampType::LogAppendTime => batch.max_timestamp(),
        _ => batch.base_timestamp(),
    }
}
