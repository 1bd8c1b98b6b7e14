//! Placeholders: batches without records, which keep offsets whose records are lost.
//!
//! A placeholder is a header of magic 2 ([`batch`](super::batch) has its layout) with a records
//! count of 0 and no codec: the form that compaction keeps of a producer's last batch, for its
//! sequence numbers, so brokers, followers and consumers accept it.
//!
//! Source: `DefaultRecordBatch.writeEmptyHeader`.

use super::batch::HEADER_BYTES;
use super::layout::batch as layout;
use crate::wire::units::LOG_OVERHEAD;
use crate::wire::{LeaderEpoch, Offset, OffsetDelta, ProducerId, Timestamp, crc, put};

const MAGIC: u8 = 2;

/// Bytes after the length field of a batch without records.
const LENGTH: i32 = 49;

const _: () = assert!(LENGTH as usize + LOG_OVERHEAD == HEADER_BYTES);

/// The bits of the codec, which are 0.
const CODEC_BITS: i16 = 0x07;

/// The fields of a batch without records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Placeholder {
    /// The first offset.
    pub base_offset: Offset,
    /// The distance of the last offset.
    pub last_offset_delta: OffsetDelta,
    /// The leader epoch of the records that are lost.
    pub leader_epoch: LeaderEpoch,
    /// The attributes; the bits of the codec are left out.
    pub attributes: i16,
    /// The base timestamp.
    pub base_timestamp: Timestamp,
    /// The highest timestamp.
    pub max_timestamp: Timestamp,
    /// The producer.
    pub producer_id: ProducerId,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Its sequence number at the base offset.
    pub base_sequence: i32,
}

impl Placeholder {
    /// The bytes of the batch, with its checksum.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let attributes = self.attributes & !CODEC_BITS;
        put(
            &mut bytes,
            layout::BASE_OFFSET,
            self.base_offset.0.to_be_bytes(),
        );
        put(&mut bytes, layout::LENGTH, LENGTH.to_be_bytes());
        put(
            &mut bytes,
            layout::LEADER_EPOCH,
            self.leader_epoch.0.to_be_bytes(),
        );
        put(&mut bytes, layout::MAGIC, [MAGIC]);
        put(&mut bytes, layout::ATTRIBUTES, attributes.to_be_bytes());
        put(
            &mut bytes,
            layout::LAST_OFFSET_DELTA,
            self.last_offset_delta.0.to_be_bytes(),
        );
        put(
            &mut bytes,
            layout::BASE_TIMESTAMP,
            self.base_timestamp.0.to_be_bytes(),
        );
        put(
            &mut bytes,
            layout::MAX_TIMESTAMP,
            self.max_timestamp.0.to_be_bytes(),
        );
        put(
            &mut bytes,
            layout::PRODUCER_ID,
            self.producer_id.0.to_be_bytes(),
        );
        put(
            &mut bytes,
            layout::PRODUCER_EPOCH,
            self.producer_epoch.to_be_bytes(),
        );
        put(
            &mut bytes,
            layout::BASE_SEQUENCE,
            self.base_sequence.to_be_bytes(),
        );
        let crc = crc::crc32c(bytes.get(layout::ATTRIBUTES..).unwrap_or_default());
        put(&mut bytes, layout::CRC, crc.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Batch, Frame, Scratch};
    use super::*;
    use crate::wire::Position;

    #[test]
    fn a_placeholder_is_a_batch_that_checks_and_holds_nothing() {
        let placeholder = Placeholder {
            base_offset: Offset(41),
            last_offset_delta: OffsetDelta(6),
            leader_epoch: LeaderEpoch(3),
            attributes: 0x34,
            base_timestamp: Timestamp(-1),
            max_timestamp: Timestamp(77),
            producer_id: ProducerId(9),
            producer_epoch: 2,
            base_sequence: 5,
        };
        let bytes = placeholder.encode();
        let frame = Frame::parse(&bytes, Position(0)).unwrap();
        let batch = Batch::parse(frame).unwrap();
        batch.check_crc().unwrap();
        let Batch::V2(header) = batch else {
            unreachable!("magic 2");
        };
        assert_eq!(header.base_offset(), Offset(41));
        assert_eq!(header.last_offset(), Offset(47));
        assert_eq!(header.leader_epoch(), LeaderEpoch(3));
        assert_eq!(header.max_timestamp(), Timestamp(77));
        assert_eq!(header.producer_id(), ProducerId(9));
        assert!(header.is_control() && header.is_transactional());
        assert_eq!(batch.codec().unwrap(), super::super::Codec::None);
        let mut scratch = Scratch::with_limits(super::super::Limits::default());
        assert_eq!(batch.records(&mut scratch).unwrap().count(), 0);
    }
}
