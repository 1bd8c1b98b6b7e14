//! Ways to break what was forged, and to make the checksum right again afterwards.

use std::ops::Range;

use super::bytes::{crc32, crc32c};
use super::field;

/// Inverts every bit of the byte at `position`.
pub(crate) fn flip(bytes: &mut [u8], position: usize) {
    bytes[position] ^= 0xff;
}

/// Drops everything from `position` on.
pub(crate) fn cut(bytes: &mut Vec<u8>, position: usize) {
    bytes.truncate(position);
}

/// Fills a range with zeros, as a lost page is.
pub(crate) fn zero(bytes: &mut [u8], range: Range<usize>) {
    bytes[range].fill(0);
}

/// Writes `new` over what is at `position`; see [`field`] for where things are in a batch.
pub(crate) fn overwrite(bytes: &mut [u8], position: usize, new: &[u8]) {
    bytes[position..position + new.len()].copy_from_slice(new);
}

/// Gives the frame at `position`, of any magic, the checksum of its bytes as they are now.
pub(crate) fn reseal(bytes: &mut [u8], position: usize) {
    let frame = &bytes[position..];
    let length = frame[field::LENGTH..].first_chunk().expect("a whole frame");
    let end = field::LOG_OVERHEAD + usize::try_from(i32::from_be_bytes(*length)).expect("a size");
    let (at, crc) = if frame[field::MAGIC] < 2 {
        (field::LEGACY_CRC, crc32(&frame[field::MAGIC..end]))
    } else {
        (field::CRC, crc32c(&frame[field::ATTRIBUTES..end]))
    };
    overwrite(bytes, position + at, &crc.to_be_bytes());
}

/// Inverts one bit of the byte at `position`, 0 the lowest.
pub(crate) fn flip_bit(bytes: &mut [u8], position: usize, bit: u8) {
    bytes[position] ^= 1 << bit;
}
