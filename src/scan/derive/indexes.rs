//! The indexes of a segment, derived from its batches.

use super::{CompletedTxn, IndexSettings, Violation, Way};
use crate::format::codec::Codec;
use crate::format::index;
use crate::format::offset_index::{self, OffsetEntry};
use crate::format::time_index::{self, TimeEntry};
use crate::format::{Batch, RecordBatch, Scratch, TimestampType, txn_index};
use crate::wire::{Offset, Release, Timestamp};

/// The first release whose offset index contains last offsets.
const LAST_OFFSETS: Release = Release::new(2, 0, 0);

/// The first release in which the time index of a leader has the last offset of the batch with the
/// largest timestamp, whatever its records.
const SHALLOW_TIMES: Release = Release::new(3, 7, 0);

/// The `.index`, `.timeindex` and `.txnindex` of a segment, which grow with its batches.
///
/// `Way::Recover` gives the bytes of Kafka's recovery. `Way::Append` gives the same from 4.1 on;
/// before that, brokers wrote one entry for each append, of any number of batches, and the time
/// index of a leader has the exact record of an uncompressed batch. A broker that restarts counts
/// the interval from the start again; when it did is not on the disk.
///
/// Source: `LogSegment.append`, `LogSegment.recover`, `OffsetIndex`, `TimeIndex`,
/// `TransactionIndex`.
#[derive(Debug, Clone)]
pub struct SegmentIndexes {
    settings: IndexSettings,
    base_offset: Offset,
    /// Bytes of the log so far.
    position: u64,
    /// The start of the interval to the next entry.
    counted_from: u64,
    /// The largest timestamp so far.
    largest: TimeEntry,
    last_offset: Option<Offset>,
    last_time: Option<TimeEntry>,
    last_abort: Option<Offset>,
    offset_index: Vec<u8>,
    time_index: Vec<u8>,
    txn_index: Vec<u8>,
}

impl SegmentIndexes {
    /// The empty indexes of the segment that begins at `base_offset`.
    #[must_use]
    pub fn new(settings: IndexSettings, base_offset: Offset) -> Self {
        Self {
            settings,
            base_offset,
            position: 0,
            counted_from: 0,
            largest: TimeEntry {
                timestamp: Timestamp(-1),
                offset: base_offset,
            },
            last_offset: None,
            last_time: None,
            last_abort: None,
            offset_index: Vec::new(),
            time_index: Vec::new(),
            txn_index: Vec::new(),
        }
    }

    /// Returns the base offset of the segment.
    #[must_use]
    pub fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// Bytes of the log so far: the position of the next batch.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The largest timestamp so far, and the offset that Kafka stores with it; −1 and the base
    /// offset if there is none.
    #[must_use]
    pub fn largest_timestamp(&self) -> TimeEntry {
        self.largest
    }

    /// The bytes of the `.index`.
    #[must_use]
    pub fn offset_index(&self) -> &[u8] {
        &self.offset_index
    }

    /// The bytes of the `.timeindex`, complete only after [`close`](Self::close).
    #[must_use]
    pub fn time_index(&self) -> &[u8] {
        &self.time_index
    }

    /// The bytes of the `.txnindex`; if there are none, a broker has no such file unless it
    /// recovered the segment.
    #[must_use]
    pub fn txn_index(&self) -> &[u8] {
        &self.txn_index
    }

    /// Skips bytes of the log that are not a batch.
    pub fn skip(&mut self, bytes: u64) {
        self.position = self.position.saturating_add(bytes);
    }

    /// Adds the next batch of the segment.
    ///
    /// # Errors
    /// Kafka would throw before it counts the batch as valid. If that is because an entry cannot be
    /// appended, the entry is left out; the batch counts for the positions of those after it in any
    /// case.
    pub fn add(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) -> Result<(), Violation> {
        let position = self.position;
        self.skip(batch.size_bytes() as u64);
        let last = batch.last_offset();
        let base = self.base_offset;
        if index::relative(last, base).is_none() {
            return Err(Violation::OffsetOverflow { offset: last, base });
        }
        let timestamp = batch.max_timestamp();
        if timestamp > self.largest.timestamp {
            let offset = self.offset_of_largest(batch, scratch);
            self.largest = TimeEntry { timestamp, offset };
        }
        if position - self.counted_from > u64::from(self.settings.index_interval_bytes) {
            self.counted_from = position;
            let offset = self.indexed_offset(batch, scratch);
            self.append_offset(offset, position)?;
            self.append_time(false)?;
        }
        Ok(())
    }

    /// Adds the end of an aborted transaction, whose marker is in the last added batch.
    ///
    /// # Errors
    /// Its marker is not after that of the previous transaction.
    pub fn abort(&mut self, txn: &CompletedTxn) -> Result<(), Violation> {
        let offset = txn.last_offset;
        if let Some(last) = self.last_abort.filter(|last| *last >= offset) {
            return Err(Violation::AbortOrder { offset, last });
        }
        self.last_abort = Some(offset);
        self.txn_index.extend(txn_index::encode(
            txn.producer_id,
            txn.first_offset,
            txn.last_offset,
            txn.last_stable_offset,
        ));
        Ok(())
    }

    /// Ends the segment, like a roll, a clean shutdown and the end of recovery: the time index gets
    /// the largest timestamp.
    ///
    /// # Errors
    /// Its offset is below that of the previous entry.
    pub fn close(&mut self) -> Result<(), Violation> {
        self.append_time(true)
    }

    fn append_offset(&mut self, offset: Offset, position: u64) -> Result<(), Violation> {
        let most = self.settings.max_index_bytes as usize / offset_index::ENTRY_BYTES;
        let Ok(position) = i32::try_from(position) else {
            return Err(Violation::IndexFull);
        };
        if self.offset_index.len() / offset_index::ENTRY_BYTES >= most {
            return Err(Violation::IndexFull);
        }
        if let Some(last) = self.last_offset.filter(|last| *last >= offset) {
            return Err(Violation::OffsetOrder { offset, last });
        }
        let base = self.base_offset;
        let entry = OffsetEntry { offset, position }.encode(base);
        let entry = entry.ok_or(Violation::OffsetOverflow { offset, base })?;
        self.offset_index.extend(entry);
        self.last_offset = Some(offset);
        Ok(())
    }

    /// The last entry that fits is reserved for the end.
    fn append_time(&mut self, at_end: bool) -> Result<(), Violation> {
        let most = self.settings.max_index_bytes as usize / time_index::ENTRY_BYTES;
        if !at_end && self.time_index.len() / time_index::ENTRY_BYTES >= most.saturating_sub(1) {
            return Err(Violation::IndexFull);
        }
        let TimeEntry { timestamp, offset } = self.largest;
        if let Some(last) = self.last_time.filter(|last| last.offset > offset) {
            let last = last.offset;
            return Err(Violation::TimeOffsetOrder { offset, last });
        }
        let last = self.last_time.map_or(Timestamp(-1), |last| last.timestamp);
        if timestamp > last {
            let base = self.base_offset;
            let entry = self.largest.encode(base);
            self.time_index
                .extend(entry.ok_or(Violation::OffsetOverflow { offset, base })?);
            self.last_time = Some(self.largest);
        }
        Ok(())
    }

    /// The offset of `batch` in the offset index.
    fn indexed_offset(&self, batch: &Batch<'_>, scratch: &mut Scratch) -> Offset {
        if self.settings.kafka.since(LAST_OFFSETS) {
            return batch.last_offset();
        }
        match batch {
            Batch::V2(batch) => batch.base_offset(),
            Batch::Legacy(message) if message.codec() == Ok(Codec::None) => message.offset(),
            Batch::Legacy(message) => {
                let first = batch
                    .records(scratch)
                    .ok()
                    .and_then(|mut records| records.next());
                first
                    .and_then(Result::ok)
                    .map_or(message.offset(), |record| record.offset())
            }
        }
    }

    /// The offset of the largest timestamp in `batch`.
    fn offset_of_largest(&self, batch: &Batch<'_>, scratch: &mut Scratch) -> Offset {
        match batch {
            Batch::V2(batch)
                if self.settings.way == Way::Append
                    && !self.settings.kafka.since(SHALLOW_TIMES)
                    && batch.codec() == Ok(Codec::None)
                    && batch.timestamp_type() == TimestampType::CreateTime =>
            {
                record_of_largest(batch, scratch).unwrap_or(batch.last_offset())
            }
            _ => batch.last_offset(),
        }
    }
}

/// The offset of the first record with the largest timestamp of its batch.
fn record_of_largest(batch: &RecordBatch<'_>, scratch: &mut Scratch) -> Option<Offset> {
    let mut records = batch.records(scratch).ok()?.map_while(Result::ok);
    let record = records.find(|record| record.timestamp() == batch.max_timestamp())?;
    Some(record.offset())
}
