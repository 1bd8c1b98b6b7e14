//! The batches inside a gap: complete, but with a wrong checksum.

use std::ops::{ControlFlow, Range};

use crate::format::frame::{Frame, FrameHeader, HEADER_BYTES};
use crate::format::layout::{batch as batch_layout, message};
use crate::format::{Batch, Scratch};
use crate::scan::may_follow;
use crate::store::LogFile;
use crate::wire::{Position, crc};

/// The largest batch that is read. Brokers accept batches of 1 MiB by default; a damaged size field
/// claims up to 2 GiB, which would be read into memory.
const LARGEST_BYTES: u64 = 64 << 20;

/// The bit of a file that was flipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flip {
    /// The position of its byte.
    pub position: Position,
    /// Which bit of the byte, 0 the lowest.
    pub bit: u8,
}

/// A batch with a wrong checksum.
#[derive(Debug)]
pub struct DamagedBatch<'a> {
    /// The batch as it is in the file, or with the flipped bit turned back.
    pub batch: Batch<'a>,
    /// The one bit that explains the checksum, if there is one with which all records can be read.
    /// The probability that it is wrong is the number of bits of the batch in 2^32: other damage
    /// may happen to have the same checksum.
    pub flip: Option<Flip>,
}

/// Passes the batches in `range` of a log, none of which has a right checksum, to `visit`, until it
/// returns `Break` or the next bytes are not a batch by their size.
pub fn damaged_batches(
    log: &LogFile,
    range: Range<u64>,
    scratch: &mut Scratch,
    mut visit: impl FnMut(&DamagedBatch<'_>, &mut Scratch) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut at = range.start;
    let mut buffer = Vec::new();
    while let Some(size) = batch_bytes(log, at..range.end, &mut buffer) {
        // If the bytes can't be read again, the gap stays a gap.
        let Ok(bytes) = log.window(at..at + size, &mut buffer) else {
            break;
        };
        let turned = flipped_bit(bytes).and_then(|(byte, bit)| {
            let turned = with_bit_turned(bytes, byte, bit)?;
            let flip = Flip {
                position: Position(at + byte as u64),
                bit,
            };
            is_readable(&turned, scratch).then_some((turned, flip))
        });
        let (bytes, flip) = match &turned {
            Some((turned, flip)) => (turned.as_slice(), Some(*flip)),
            None => (bytes, None),
        };
        if let Some(batch) = parse(bytes, at) {
            visit(&DamagedBatch { batch, flip }, scratch)?;
        }
        at += size;
    }
    ControlFlow::Continue(())
}

/// The bytes of the batch at the start of `range`, if another or the end of the range follows it.
fn batch_bytes(log: &LogFile, range: Range<u64>, buffer: &mut Vec<u8>) -> Option<u64> {
    let header_at = |at: u64, buffer: &mut Vec<u8>| {
        let bytes = log.window(at..at + HEADER_BYTES as u64, buffer).ok()?;
        bytes.first_chunk::<HEADER_BYTES>().copied()
    };
    let bytes = header_at(range.start, buffer)?;
    let header = FrameHeader::read(&bytes)?;
    let size = header.frame_bytes().ok()? as u64;
    let left = range.end.checked_sub(range.start)?;
    if size > LARGEST_BYTES.min(left) {
        return None;
    }
    let mut is_followed = || {
        let next = header_at(range.start + size, buffer)?;
        Some(may_follow(header.offset(), FrameHeader::read(&next)?))
    };
    (size == left || is_followed() == Some(true)).then_some(size)
}

fn parse(bytes: &[u8], at: u64) -> Option<Batch<'_>> {
    Frame::parse(bytes, Position(at))
        .and_then(Batch::parse)
        .ok()
}

/// Returns true if the checksum is right and each record can be read.
fn is_readable(bytes: &[u8], scratch: &mut Scratch) -> bool {
    parse(bytes, 0).is_some_and(|batch| {
        batch.check_crc().is_ok()
            && batch
                .records(scratch)
                .is_ok_and(|mut records| records.all(|record| record.is_ok()))
    })
}

/// Returns the bit that explains a wrong checksum: its byte in the batch, and its number.
fn flipped_bit(bytes: &[u8]) -> Option<crc::Bit> {
    let (stored, actual, field, covered, find): (_, _, _, _, crc::FindBit) = match parse(bytes, 0)?
    {
        Batch::V2(batch) => (
            batch.stored_crc(),
            batch.actual_crc(),
            batch_layout::CRC,
            batch_layout::ATTRIBUTES,
            crc::flipped_bit_crc32c,
        ),
        Batch::Legacy(batch) => (
            batch.stored_crc(),
            batch.actual_crc(),
            message::CRC,
            message::MAGIC,
            crc::flipped_bit_crc32,
        ),
    };
    crc::flipped_bit(stored ^ actual, field, covered..bytes.len(), find)
}

fn with_bit_turned(bytes: &[u8], byte: usize, bit: u8) -> Option<Vec<u8>> {
    let mut turned = bytes.to_vec();
    *turned.get_mut(byte)? ^= 1 << bit;
    Some(turned)
}
