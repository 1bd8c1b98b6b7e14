//! Which records are wanted, as far as numbers tell, and which batches cannot hold any of them.
//!
//! A batch is passed over by its header, without being decompressed, only where the header is a
//! bound for what is inside: so the records chosen are those that would be chosen of all. What a
//! header says is believed where it does not contradict itself; its checksum is the walk's to
//! compare.

use crate::format::{Batch, Codec, Message, Record, RecordBatch, TimestampType};
use crate::wire::{LeaderEpoch, Offset, ProducerId, Timestamp};

/// Bounds of what is wanted. The default is everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// The first offset.
    pub first_offset: Offset,
    /// The last offset.
    pub last_offset: Offset,
    /// The earliest timestamp. With either bound of time, what has no timestamp is not wanted.
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

    /// Returns true if a batch may hold a record that is wanted.
    #[must_use]
    pub fn may_want(&self, batch: &Batch<'_>) -> bool {
        match batch {
            Batch::V2(batch) => self.may_want_v2(batch),
            Batch::Legacy(message) => self.may_want_message(message),
        }
    }

    /// Returns true if a record of a batch that may hold such is wanted.
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
            // The largest of its records'; nothing tells how small the others are.
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
        // A wrapper has the offset of the last message inside, unless it was left at 0. Its time is
        // a bound only if it is that of all messages inside.
        (offset >= self.first_offset || offset == Offset(0))
            && (message.timestamp_type() != TimestampType::LogAppendTime
                || self.wants_time(message.timestamp()))
    }
}
