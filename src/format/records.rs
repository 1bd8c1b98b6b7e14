//! The records of a batch, one after the other.

use super::batch::{RecordBatch, TimestampType, sequence_after};
use super::codec::Codec;
use super::fault::{Fault, MessageFault, RecordsFault, finish};
use super::legacy::{Message, split_entry};
use super::record::{Record, StoredRecord, record};
use crate::wire::{Offset, Timestamp};

/// The records of a batch. An error is the last item, except after an incomplete message of magic 0
/// or 1: one whose value is outside it, or a compressed set inside a compressed set, which has one
/// offset for all of its messages. The error then follows the record, and the next record follows
/// the error.
#[derive(Debug)]
pub struct Records<'buf> {
    from: From<'buf>,
    /// The fault of decompression, returned after the records before it.
    unpacking: Option<Fault>,
    /// The fault of the last record.
    of_last: Option<Fault>,
}

#[derive(Debug)]
enum From<'buf> {
    Batch(StoredRecords<'buf>),
    Message(Message<'buf>),
    Wrapper {
        wrapper: Message<'buf>,
        rest: &'buf [u8],
        base: i64,
    },
    Nothing,
}

/// The records of a magic 2 batch.
#[derive(Debug)]
struct StoredRecords<'buf> {
    rest: &'buf [u8],
    bytes: usize,
    /// The position of the bytes in the batch; 0 if they were decompressed.
    start: usize,
    count: i32,
    index: i32,
    base_offset: Offset,
    base_timestamp: i64,
    append_time: Option<Timestamp>,
    base_sequence: i32,
}

impl<'buf> Records<'buf> {
    /// The records in `bytes`, which begin `start` bytes into the batch, or at 0 if they were
    /// decompressed from it.
    pub(super) fn of_batch(
        batch: RecordBatch<'_>,
        bytes: &'buf [u8],
        start: usize,
        unpacking: Option<Fault>,
    ) -> Self {
        let count = batch.records_count();
        if count == 0 {
            // Kafka ignores the bytes of an empty batch.
            return Self {
                from: From::Nothing,
                unpacking: None,
                of_last: None,
            };
        }
        let append_time =
            (batch.timestamp_type() == TimestampType::LogAppendTime).then(|| batch.max_timestamp());
        Self {
            from: From::Batch(StoredRecords {
                rest: bytes,
                bytes: bytes.len(),
                start,
                count,
                index: 0,
                base_offset: batch.base_offset(),
                base_timestamp: batch.base_timestamp().0,
                append_time,
                base_sequence: batch.base_sequence(),
            }),
            unpacking,
            of_last: None,
        }
    }

    pub(super) fn of_message(message: Message<'buf>) -> Self {
        Self {
            from: From::Message(message),
            unpacking: None,
            of_last: None,
        }
    }

    pub(super) fn of_wrapper(
        wrapper: Message<'buf>,
        set: &'buf [u8],
        base: i64,
        unpacking: Option<Fault>,
    ) -> Self {
        Self {
            from: From::Wrapper {
                wrapper,
                rest: set,
                base,
            },
            unpacking,
            of_last: None,
        }
    }

    /// Ends the iteration.
    #[cold]
    fn fail(&mut self, fault: Fault) -> Result<Record<'buf>, Fault> {
        self.from = From::Nothing;
        Err(self.unpacking.take().unwrap_or(fault))
    }

    /// Ends the iteration, with what went wrong while decompressing if anything did.
    fn end(&mut self) -> Option<Result<Record<'buf>, Fault>> {
        self.from = From::Nothing;
        self.unpacking.take().map(Err)
    }

    fn message_record(
        &mut self,
        message: Message<'buf>,
        offset: i64,
        timestamp: Timestamp,
    ) -> Result<Record<'buf>, Fault> {
        match message.fields() {
            Ok(fields) => {
                self.of_last = fields.value.err();
                Ok(Record::of_message(message, &fields, offset, timestamp))
            }
            Err(fault) => self.fail(fault),
        }
    }
}

impl<'buf> Iterator for Records<'buf> {
    type Item = Result<Record<'buf>, Fault>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let From::Batch(rows) = &mut self.from {
            return match rows.next() {
                Some(Ok(record)) => Some(Ok(record)),
                Some(Err(fault)) => Some(self.fail(fault)),
                None => self.end(),
            };
        }
        if let Some(fault) = self.of_last.take() {
            return Some(Err(fault));
        }
        match self.from {
            From::Message(message) => {
                self.from = From::Nothing;
                Some(self.message_record(message, message.offset().0, message.timestamp()))
            }
            From::Wrapper {
                wrapper,
                rest,
                base,
            } => match split_entry(rest) {
                Ok(Some((inner, rest))) => {
                    self.from = From::Wrapper {
                        wrapper,
                        rest,
                        base,
                    };
                    let timestamp = match (wrapper.timestamp_type(), inner.magic()) {
                        // A message of magic 0 has none, whatever is around it.
                        (TimestampType::LogAppendTime, 1..) => wrapper.timestamp(),
                        _ => inner.timestamp(),
                    };
                    let record =
                        self.message_record(inner, base.wrapping_add(inner.offset().0), timestamp);
                    if inner.codec() != Ok(Codec::None) {
                        self.of_last = Some(Fault::new(MessageFault::WrapperNested, 0));
                    }
                    Some(record)
                }
                Ok(None) => self.end(),
                Err(fault) => Some(self.fail(fault)),
            },
            From::Batch(_) | From::Nothing => None,
        }
    }
}

impl<'buf> StoredRecords<'buf> {
    #[inline]
    fn next(&mut self) -> Option<Result<Record<'buf>, Fault>> {
        if self.index == self.count {
            return self.surplus().map(Err);
        }
        if self.rest.is_empty() {
            return Some(Err(self.missing()));
        }
        match record(self.rest) {
            Ok((rest, row)) => {
                self.rest = rest;
                self.index = self.index.wrapping_add(1);
                Some(Ok(self.place(&row)))
            }
            Err(_) => Some(Err(self.broken())),
        }
    }

    /// Makes the deltas of a record absolute.
    #[inline]
    fn place(&self, row: &StoredRecord<'buf>) -> Record<'buf> {
        let created = Timestamp(self.base_timestamp.wrapping_add(row.timestamp_delta));
        let sequence = match self.base_sequence {
            ..0 => -1,
            base => sequence_after(base, row.offset_delta),
        };
        let offset = self.base_offset.plus(row.offset_delta);
        Record::of_row(row, offset, self.append_time.unwrap_or(created), sequence)
    }

    fn here(&self) -> usize {
        self.bytes
            .saturating_sub(self.rest.len())
            .saturating_add(self.start)
    }

    #[cold]
    fn surplus(&self) -> Option<Fault> {
        let left = self.rest.len();
        (left > 0).then(|| Fault::new(RecordsFault::Remaining { left }, self.here()))
    }

    #[cold]
    fn missing(&self) -> Fault {
        Fault::new(
            RecordsFault::Missing {
                declared: self.count,
                found: self.index,
            },
            self.here(),
        )
    }

    /// Reads the record again to find its fault and the position of the fault.
    #[cold]
    fn broken(&self) -> Fault {
        match finish(self.rest, record(self.rest)) {
            Ok(_) => self.missing(),
            Err(fault) => fault.shifted(self.here()),
        }
    }
}
