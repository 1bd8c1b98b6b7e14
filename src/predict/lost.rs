//! A count of records that a start takes away.

use crate::format::{Batch, Codec, RecordBatch, Scratch};

/// Records that are lost at a start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Lost {
    /// Records, without those of control batches.
    pub records: u64,
    /// Batches whose checksum is right.
    pub batches: u64,
    /// Bytes.
    pub bytes: u64,
    /// Those of them that are zeros at the end of a file: preallocated space, or pages that never
    /// reached the disk.
    pub zeros: u64,
    /// The earliest timestamp, in milliseconds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub first_timestamp_ms: Option<i64>,
    /// The latest timestamp, in milliseconds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub last_timestamp_ms: Option<i64>,
}

impl Lost {
    /// Returns true if nothing is lost, apart from zeros.
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
                (records_of(batch), first, batch.max_timestamp().0)
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

    /// Adds another loss.
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

/// The bytes of the shortest record: its length, attributes, two deltas, two lengths of fields, and
/// the number of headers, a byte each.
const SHORTEST_RECORD_BYTES: usize = 7;

/// The record count in a header, as far as the batch can have so many: no checksum has been checked.
fn records_of(batch: &RecordBatch<'_>) -> u64 {
    let offsets = i64::from(batch.last_offset_delta().0).saturating_add(1);
    let room = match batch.codec() {
        Ok(Codec::None) => batch.body().len() / SHORTEST_RECORD_BYTES,
        _ => usize::MAX,
    };
    let count = u64::try_from(i64::from(batch.records_count()).min(offsets)).unwrap_or(0);
    count.min(room as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::frame::Frame;
    use crate::wire::Position;

    #[test]
    fn a_header_counts_no_more_records_than_its_batch_can_have() {
        for (count, last_delta, codec, body, records) in [
            (3, 2, 0, 21, 3),
            (3, 2, 0, 20, 2),
            (3, 1, 0, 70, 2),
            (3, 2, 4, 7, 3),
            (167_772_160, i32::MAX, 0, 70, 10),
            (-1, 2, 0, 70, 0),
            (3, -1, 0, 70, 0),
        ] {
            let mut bytes = vec![0; 61 + body];
            let length = i32::try_from(bytes.len() - 12).unwrap();
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
            bytes[16] = 2;
            bytes[22] = codec;
            bytes[23..27].copy_from_slice(&last_delta.to_be_bytes());
            bytes[57..61].copy_from_slice(&i32::to_be_bytes(count));
            let frame = Frame::parse(&bytes, Position(0)).unwrap();
            let Batch::V2(batch) = Batch::parse(frame).unwrap() else {
                unreachable!("magic 2");
            };
            assert_eq!(records_of(&batch), records);
        }
    }
}
