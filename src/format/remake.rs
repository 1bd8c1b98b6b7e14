//! Batches rebuilt from the records that are left of damaged ones. A valid batch is never rebuilt.

use super::batch::{self, HEADER_BYTES};
use super::codec::Codec;
use super::layout::batch as layout;
use crate::wire::units::LOG_OVERHEAD;
use crate::wire::{LeaderEpoch, Offset, OffsetDelta, Timestamp, crc};

/// A batch being rebuilt: the header of the old one, with fields corrected, and records.
#[derive(Debug, Clone)]
pub struct Remake {
    bytes: Vec<u8>,
}

impl Remake {
    /// Begins with a header and no records.
    #[must_use]
    pub fn of(header: &[u8; HEADER_BYTES]) -> Self {
        Self {
            bytes: header.to_vec(),
        }
    }

    /// Sets its base offset and its leader epoch.
    pub fn place(&mut self, base: Offset, last: OffsetDelta, epoch: LeaderEpoch) {
        self.put(layout::BASE_OFFSET, &base.0.to_be_bytes());
        self.put(layout::LAST_OFFSET_DELTA, &last.0.to_be_bytes());
        self.put(layout::LEADER_EPOCH, &epoch.0.to_be_bytes());
    }

    /// Sets its base timestamp and its largest timestamp.
    pub fn times(&mut self, base: Timestamp, max: Timestamp) {
        self.put(layout::BASE_TIMESTAMP, &base.0.to_be_bytes());
        self.put(layout::MAX_TIMESTAMP, &max.0.to_be_bytes());
    }

    /// Sets the codec of its records, and clears unknown attributes.
    pub fn codec(&mut self, codec: Codec) {
        let Some([_, low]) = self.field::<2>(layout::ATTRIBUTES) else {
            return;
        };
        let kept = low & !batch::CODEC_BITS & batch::KNOWN_BITS;
        self.put(layout::ATTRIBUTES, &[0, kept | codec.id()]);
    }

    /// Clears the control bit.
    pub fn data(&mut self) {
        if let Some([high, low]) = self.field::<2>(layout::ATTRIBUTES) {
            self.put(layout::ATTRIBUTES, &[high, low & !batch::CONTROL_BIT]);
        }
    }

    /// Removes the producer.
    pub fn anonymous(&mut self) {
        self.put(layout::PRODUCER_ID, &(-1_i64).to_be_bytes());
        self.put(layout::PRODUCER_EPOCH, &(-1_i16).to_be_bytes());
        self.put(layout::BASE_SEQUENCE, &(-1_i32).to_be_bytes());
    }

    /// Adds records as they are stored.
    pub fn push(&mut self, records: &[u8]) {
        self.bytes.extend_from_slice(records);
    }

    /// Adds the record at the base offset, without headers.
    pub fn push_first(&mut self, time_delta: i64, key: &[u8], value: &[u8]) {
        let mut body = vec![0];
        put_varlong(&mut body, time_delta);
        body.push(0);
        for field in [key, value] {
            put_length(&mut body, field);
            body.extend(field);
        }
        body.push(0);
        put_length(&mut self.bytes, &body);
        self.bytes.extend(body);
    }

    /// Returns the batch in magic 2, with its length and checksum; `None` if it is longer than a
    /// batch can be.
    #[must_use]
    pub fn finish(mut self, records: i32) -> Option<Vec<u8>> {
        let length = i32::try_from(self.bytes.len().checked_sub(LOG_OVERHEAD)?).ok()?;
        self.put(layout::LENGTH, &length.to_be_bytes());
        self.put(layout::MAGIC, &[2]);
        self.put(layout::RECORDS_COUNT, &records.to_be_bytes());
        let crc = crc::crc32c(self.bytes.get(layout::ATTRIBUTES..)?);
        self.put(layout::CRC, &crc.to_be_bytes());
        Some(self.bytes)
    }

    fn field<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk().copied()
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        let end = at.saturating_add(bytes.len());
        if let Some(field) = self.bytes.get_mut(at..end) {
            field.copy_from_slice(bytes);
        }
    }
}

fn put_length(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varlong(out, i64::try_from(bytes.len()).unwrap_or(i64::MAX));
}

/// Adds a zigzag varint (`ByteUtils.writeVarlong`).
fn put_varlong(out: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push(low_byte(rest) | 0x80);
        rest >>= 7;
    }
    out.push(low_byte(rest));
}

fn low_byte(number: u64) -> u8 {
    let [.., low] = number.to_be_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::fault::finish;
    use crate::wire::varint::varlong;

    #[test]
    fn varints_are_read_as_they_were_written() {
        let edges =
            (0..63).flat_map(|bit| [(1_i64 << bit) - 1, 1 << bit, -(1 << bit), !(1 << bit)]);
        for number in edges.chain([i64::MIN, i64::MAX]) {
            let mut bytes = Vec::new();
            put_varlong(&mut bytes, number);
            assert_eq!(finish(&bytes, varlong(&bytes)).unwrap(), (&[][..], number));
        }
    }
}
