//! Record batches: the 61-byte header of magic 2, and what batches of every magic have in common.
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 8 | base offset | offset of slot 0, kept when compaction removes the first record |
//! | 8 | 4 | batch length | bytes that follow this field, at least 49 |
//! | 12 | 4 | partition leader epoch | −1 unknown; not covered by the CRC |
//! | 16 | 1 | magic | 2 |
//! | 17 | 4 | crc | CRC-32C of everything from the attributes on |
//! | 21 | 2 | attributes | codec 0–2, timestamp type 3, transactional 4, control 5, delete horizon 6 |
//! | 23 | 4 | last offset delta | last offset = base offset + this |
//! | 27 | 8 | base timestamp | ms; the delete horizon when bit 6 is set |
//! | 35 | 8 | max timestamp | ms; the append time when bit 3 is set |
//! | 43 | 8 | producer id | −1 none |
//! | 51 | 2 | producer epoch | −1 none |
//! | 53 | 4 | base sequence | −1 none |
//! | 57 | 4 | records count | records stored |
//! | 61 | … | records | one compressed stream if there is a codec |
//!
//! Source: `DefaultRecordBatch`.

use super::codec::{Codec, Scratch};
use super::fault::{BatchFault, Fault};
use super::frame::Frame;
use super::layout::batch::{
    self as layout, ATTRIBUTES, BASE_OFFSET, BASE_SEQUENCE, BASE_TIMESTAMP, CRC, LAST_OFFSET_DELTA,
    LEADER_EPOCH, LENGTH, MAGIC, MAX_TIMESTAMP, PRODUCER_EPOCH, PRODUCER_ID, RECORDS_COUNT,
};
use super::layout::message;
use super::legacy::Message;
use super::records::Records;
use crate::wire::{LeaderEpoch, Offset, OffsetDelta, Position, ProducerId, Timestamp, be, crc};

/// Bytes before the records.
pub const HEADER_BYTES: usize = layout::BYTES;

/// The bits of the codec, and all bits in use.
pub(super) const CODEC_BITS: u8 = 0x07;
pub(super) const KNOWN_BITS: u8 = 0x7f;
const TIMESTAMP_TYPE_BIT: u8 = 0x08;
const TRANSACTIONAL_BIT: u8 = 0x10;
pub(super) const CONTROL_BIT: u8 = 0x20;
const DELETE_HORIZON_BIT: u8 = 0x40;

/// The type of the timestamps of a batch (`TimestampType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// Magic 0 has none.
    None,
    /// Given by the producer.
    CreateTime,
    /// Given by the broker, one for the whole batch.
    LogAppendTime,
}

impl TimestampType {
    pub(super) const fn of(attributes: u8) -> Self {
        if attributes & TIMESTAMP_TYPE_BIT == 0 {
            Self::CreateTime
        } else {
            Self::LogAppendTime
        }
    }

    /// Kafka's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NoTimestampType",
            Self::CreateTime => "CreateTime",
            Self::LogAppendTime => "LogAppendTime",
        }
    }
}

/// A parsed frame: a record batch (magic 2) or a message (magic 0 or 1), which counts as a batch of
/// its own.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Batch<'map> {
    /// Magic 2.
    V2(RecordBatch<'map>),
    /// Magic 0 or 1: one message, or a compressed set of them.
    Legacy(Message<'map>),
}

impl<'map> Batch<'map> {
    /// Reads the header of the batch in `frame`; the CRC is not checked. A magic above 2 is read as
    /// 2, as Kafka does.
    ///
    /// # Errors
    /// The magic is negative, or the frame is smaller than the header of its format.
    ///
    /// # References
    /// `FileLogInputStream.nextBatch`, `AbstractLegacyRecordBatch`, `DefaultRecordBatch`.
    pub fn parse(frame: Frame<'map>) -> Result<Self, Fault> {
        match frame.magic() {
            magic @ ..0 => Err(Fault::new(BatchFault::UnknownMagic(magic), MAGIC)),
            0 | 1 => Message::parse(frame.bytes(), frame.position()).map(Self::Legacy),
            2.. => RecordBatch::parse(frame).map(Self::V2),
        }
    }

    /// Returns where the batch begins in its file.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::V2(batch) => batch.position(),
            Self::Legacy(message) => message.position(),
        }
    }

    /// Bytes of the batch.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::V2(batch) => batch.size_bytes(),
            Self::Legacy(message) => message.bytes().len(),
        }
    }

    /// The offset field as stored: the first offset of magic 2, and of a compressed set of magic 0
    /// or 1 the last.
    #[must_use]
    pub fn offset(&self) -> Offset {
        match self {
            Self::V2(batch) => batch.base_offset(),
            Self::Legacy(message) => message.offset(),
        }
    }

    /// The last offset of the batch.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        match self {
            Self::V2(batch) => batch.last_offset(),
            Self::Legacy(message) => message.offset(),
        }
    }

    /// The largest timestamp of the batch, from its header; −1 in magic 0.
    #[must_use]
    pub fn max_timestamp(&self) -> Timestamp {
        match self {
            Self::V2(batch) => batch.max_timestamp(),
            Self::Legacy(message) => message.timestamp(),
        }
    }

    /// Returns the type of its timestamps.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        match self {
            Self::V2(batch) => batch.timestamp_type(),
            Self::Legacy(message) => message.timestamp_type(),
        }
    }

    /// Returns true if its records are control records, which no consumer gets.
    #[must_use]
    pub fn is_control(&self) -> bool {
        matches!(self, Self::V2(batch) if batch.is_control())
    }

    /// Returns the codec of its records.
    ///
    /// # Errors
    /// There is no such codec.
    pub fn codec(&self) -> Result<Codec, Fault> {
        match self {
            Self::V2(batch) => batch.codec(),
            Self::Legacy(message) => message.codec(),
        }
    }

    /// Compares the checksum stored with that of the bytes.
    ///
    /// # Errors
    /// They differ.
    pub fn check_crc(&self) -> Result<(), Fault> {
        let (stored, actual, at) = match self {
            Self::V2(batch) => (batch.stored_crc(), batch.actual_crc(), CRC),
            Self::Legacy(message) => (message.stored_crc(), message.actual_crc(), message::CRC),
        };
        if stored == actual {
            Ok(())
        } else {
            Err(Fault::new(BatchFault::Crc { stored, actual }, at))
        }
    }

    /// The records, decompressed into `scratch` if they are compressed.
    ///
    /// # Errors
    /// The codec is unknown, or a compressed set cannot be read. A fault further inside is an item
    /// of the iterator, after the records that could be read before it.
    pub fn records<'buf>(&self, scratch: &'buf mut Scratch) -> Result<Records<'buf>, Fault>
    where
        'map: 'buf,
    {
        match self {
            Self::V2(batch) => batch.records(scratch),
            Self::Legacy(message) => message.records(scratch),
        }
    }
}

/// A batch of magic 2.
#[derive(Debug, Clone, Copy)]
pub struct RecordBatch<'map> {
    position: Position,
    header: &'map [u8; HEADER_BYTES],
    /// The whole batch.
    bytes: &'map [u8],
}

impl<'map> RecordBatch<'map> {
    /// Parses the frame as a batch of magic 2.
    ///
    /// # Errors
    /// It is smaller than the header.
    pub fn parse(frame: Frame<'map>) -> Result<Self, Fault> {
        let (bytes, size) = (frame.bytes(), frame.size_bytes());
        match bytes.first_chunk() {
            Some(header) => Ok(Self {
                position: frame.position(),
                header,
                bytes,
            }),
            None => Err(Fault::new(
                BatchFault::TooSmall {
                    size,
                    least: HEADER_BYTES,
                },
                LENGTH,
            )),
        }
    }

    /// Parses the header at the start of `bytes`; the batch has no records.
    #[must_use]
    pub fn of_header(bytes: &'map [u8]) -> Option<Self> {
        let header = bytes.first_chunk()?;
        Some(Self {
            position: Position(0),
            header,
            bytes: header,
        })
    }

    /// The header that Kafka shows for a frame smaller than a header: it continues into the bytes
    /// after the frame. `None` if the file ends before that.
    #[must_use]
    pub fn overlapping(frame: Frame<'map>) -> Option<Self> {
        let header = frame.window().first_chunk()?;
        Some(Self {
            position: frame.position(),
            header,
            bytes: frame.bytes(),
        })
    }

    /// Returns where the batch begins in its file.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Bytes of the batch, header included.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of the header.
    #[must_use]
    pub fn header(&self) -> &'map [u8; HEADER_BYTES] {
        self.header
    }

    /// The bytes after the header: records, compressed if there is a codec.
    #[must_use]
    pub fn body(&self) -> &'map [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// Offset of slot 0.
    #[must_use]
    pub fn base_offset(&self) -> Offset {
        Offset(i64::from_be_bytes(be(self.header, BASE_OFFSET)))
    }

    /// Base offset + last offset delta.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        self.base_offset().plus(self.last_offset_delta())
    }

    /// Distance of the last slot from the first.
    #[must_use]
    pub fn last_offset_delta(&self) -> OffsetDelta {
        OffsetDelta(i32::from_be_bytes(be(self.header, LAST_OFFSET_DELTA)))
    }

    /// Term of the leader that appended it.
    #[must_use]
    pub fn leader_epoch(&self) -> LeaderEpoch {
        LeaderEpoch(i32::from_be_bytes(be(self.header, LEADER_EPOCH)))
    }

    /// The magic byte as stored.
    #[must_use]
    pub fn magic(&self) -> i8 {
        i8::from_be_bytes(be(self.header, MAGIC))
    }

    /// The checksum as stored.
    #[must_use]
    pub fn stored_crc(&self) -> u32 {
        u32::from_be_bytes(be(self.header, CRC))
    }

    /// The checksum of the bytes from the attributes on.
    #[must_use]
    pub fn actual_crc(&self) -> u32 {
        crc::crc32c(self.bytes.get(ATTRIBUTES..).unwrap_or_default())
    }

    /// The 16 attribute bits as stored; Kafka uses the low 7.
    #[must_use]
    pub fn attributes(&self) -> i16 {
        i16::from_be_bytes(be(self.header, ATTRIBUTES))
    }

    fn low_attributes(&self) -> u8 {
        let [_, low] = be(self.header, ATTRIBUTES);
        low
    }

    /// Returns the codec of the records.
    ///
    /// # Errors
    /// There is no such codec.
    pub fn codec(&self) -> Result<Codec, Fault> {
        Codec::of(self.low_attributes()).map_err(|kind| Fault::new(kind, ATTRIBUTES))
    }

    /// Returns the type of the timestamps.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        TimestampType::of(self.low_attributes())
    }

    /// Returns true if the batch belongs to a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.low_attributes() & TRANSACTIONAL_BIT != 0
    }

    /// Returns true if the records are control records.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.low_attributes() & CONTROL_BIT != 0
    }

    /// Returns the time from which compaction may drop the tombstones and markers in the batch
    /// (KIP-534).
    #[must_use]
    pub fn delete_horizon(&self) -> Option<Timestamp> {
        (self.low_attributes() & DELETE_HORIZON_BIT != 0).then(|| self.base_timestamp())
    }

    /// Returns the base timestamp, to which timestamp deltas are added.
    #[must_use]
    pub fn base_timestamp(&self) -> Timestamp {
        Timestamp(i64::from_be_bytes(be(self.header, BASE_TIMESTAMP)))
    }

    /// The largest timestamp of its records, or the append time.
    #[must_use]
    pub fn max_timestamp(&self) -> Timestamp {
        Timestamp(i64::from_be_bytes(be(self.header, MAX_TIMESTAMP)))
    }

    /// Returns the producer.
    #[must_use]
    pub fn producer_id(&self) -> ProducerId {
        ProducerId(i64::from_be_bytes(be(self.header, PRODUCER_ID)))
    }

    /// The producer's epoch; −1 none.
    #[must_use]
    pub fn producer_epoch(&self) -> i16 {
        i16::from_be_bytes(be(self.header, PRODUCER_EPOCH))
    }

    /// The producer's sequence number of slot 0; −1 none.
    #[must_use]
    pub fn base_sequence(&self) -> i32 {
        i32::from_be_bytes(be(self.header, BASE_SEQUENCE))
    }

    /// The sequence number of the last slot; −1 where there is none.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        match self.base_sequence() {
            -1 => -1,
            base => sequence_after(base, self.last_offset_delta()),
        }
    }

    /// The record count as stored.
    #[must_use]
    pub fn records_count(&self) -> i32 {
        i32::from_be_bytes(be(self.header, RECORDS_COUNT))
    }

    /// The records, decompressed into `scratch` if they are compressed.
    ///
    /// # Errors
    /// The codec is unknown, or the number of records is negative.
    pub fn records<'buf>(&self, scratch: &'buf mut Scratch) -> Result<Records<'buf>, Fault>
    where
        'map: 'buf,
    {
        let count = self.records_count();
        if count < 0 {
            return Err(Fault::new(BatchFault::RecordCount(count), RECORDS_COUNT));
        }
        let codec = self.codec()?;
        if codec == Codec::None || count == 0 {
            return Ok(Records::of_batch(*self, self.body(), HEADER_BYTES, None));
        }
        let (bytes, fault) = scratch.inflate(codec, self.magic(), self.body());
        Ok(Records::of_batch(*self, bytes, 0, fault))
    }
}

/// The sequence number `delta` after `base`: it wraps from 2³¹−1 to 0
/// (`DefaultRecordBatch.incrementSequence`).
#[must_use]
pub fn sequence_after(base: i32, delta: OffsetDelta) -> i32 {
    let OffsetDelta(delta) = delta;
    if base > i32::MAX.wrapping_sub(delta) {
        delta
            .wrapping_sub(i32::MAX.wrapping_sub(base))
            .wrapping_sub(1)
    } else {
        base.wrapping_add(delta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_wraps_to_zero() {
        assert_eq!(sequence_after(i32::MAX - 1, OffsetDelta(1)), i32::MAX);
        assert_eq!(sequence_after(i32::MAX - 1, OffsetDelta(2)), 0);
        assert_eq!(sequence_after(-2, OffsetDelta(5)), 3);
    }
}
