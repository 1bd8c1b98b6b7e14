//! Which records are wanted, by their numbers, and which batches cannot contain any of them.
//!
//! A batch is skipped by its header, without being decompressed, only if the header bounds its
//! records, so that no wanted record is skipped. A header is trusted unless it contradicts itself;
//! the walk compares its checksum.

use crate::format::{Batch, Codec, Message, Record, RecordBatch, TimestampType};
use crate::wire::{LeaderEpoch, Offset, ProducerId, Timestamp};

/// Bounds of what is wanted. The default is everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// The first offset.
    pub first_offset: Offset,
    /// The last offset.
    pub last_offset: Offset,
    /// The earliest timestamp. With either bound, records without a timestamp are not wanted.
    pub since: Option<Timestamp>,
    /// The exclusive upper bound of timestamps.
    pub until: Option<Timestamp>,
    /// The producer.
    pub producer_id: Option<ProducerId>,
    /// The term of the leader that appended it.
    pub leader_epoch: Option<LeaderEpoch>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            first_offset: Offset(i64::MIN),
            last_offset: Offset(i64::MAX),
            since: None,
            until: None,
            producer_id: None,
            leader_epoch: None,
        }
    }
}

impl Filter {
    /// Wants everything from an offset on.
    #[must_use]
    pub fn from_offset(first: Offset) -> Self {
        Self {
            first_offset: first,
            ..Self::default()
        }
    }

    /// Wants everything from a time on.
    #[must_use]
    pub fn from_time(first: Timestamp) -> Self {
        Self {
            since: Some(first),
            ..Self::default()
        }
    }

    /// Returns true if a batch may contain a wanted record.
    #[must_use]
    pub fn may_want(&self, batch: &Batch<'_>) -> bool {
        match batch {
            Batch::V2(batch) => self.may_want_v2(batch),
            Batch::Legacy(message) => self.may_want_message(message),
        }
    }

    /// Returns true if a record of such a batch is wanted.
    #[must_use]
    #[inline]
    pub fn wants(&self, record: &Record<'_>) -> bool {
        (self.first_offset..=self.last_offset).contains(&record.offset())
            && self.wants_time(record.timestamp())
    }

    /// Returns true if records of that time are wanted.
    #[inline]
    fn wants_time(&self, time: Timestamp) -> bool {
        match (self.since, self.until) {
            (None, None) => true,
            (since, until) => {
                time.0 >= 0
                    && since.is_none_or(|since| time >= since)
                    && until.is_none_or(|until| time < until)
            }
        }
    }

    fn may_want_v2(&self, batch: &RecordBatch<'_>) -> bool {
        let slots = i64::from(batch.last_offset_delta().0).saturating_add(1);
        // Some producers left the last offset at that of the first slot.
        let is_bound = i64::from(batch.records_count()) <= slots;
        let offsets = batch.base_offset() <= self.last_offset
            && (!is_bound || batch.last_offset() >= self.first_offset);
        let time = batch.max_timestamp();
        let times = if batch.timestamp_type() == TimestampType::LogAppendTime {
            self.wants_time(time)
        } else {
            // The largest timestamp of its records; the others may be of any size.
            self.since.is_none_or(|since| time >= since)
        };
        offsets
            && times
            && self.producer_id.is_none_or(|id| batch.producer_id() == id)
            && self
                .leader_epoch
                .is_none_or(|epoch| batch.leader_epoch() == epoch)
    }

    fn may_want_message(&self, message: &Message<'_>) -> bool {
        if self.producer_id.is_some() || self.leader_epoch.is_some() {
            return false;
        }
        let offset = message.offset();
        if message.codec() == Ok(Codec::None) {
            return (self.first_offset..=self.last_offset).contains(&offset)
                && self.wants_time(message.timestamp());
        }
        // A wrapper has the offset of the last message inside, unless it was left at 0. Its
        // timestamp is a bound only if all messages inside have it.
        (offset >= self.first_offset || offset == Offset(0))
            && (message.timestamp_type() != TimestampType::LogAppendTime
                || self.wants_time(message.timestamp()))
    }
}
