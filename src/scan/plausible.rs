//! Rules for bytes that may be a batch, or the batch after another: they are applied before a
//! checksum is computed, and where none can be.

use crate::format::batch::HEADER_BYTES;
use crate::format::frame::FrameHeader;
use crate::format::{Codec, Message, RecordBatch};
use crate::wire::units::MAX_RELATIVE_OFFSET;
use crate::wire::{Offset, Position};

/// The position of the magic in an entry.
pub(super) use crate::format::layout::frame::MAGIC;

/// The smallest record of magic 2: its length and six fields of a byte each.
const MIN_RECORD_BYTES: usize = 7;

/// Returns true if a header may be that of the entry directly after one with the offset `before`: a
/// magic that exists, a possible size, and a higher offset, by no more than an index of the segment
/// can hold (relative offsets have 31 bits).
pub(crate) fn may_follow(before: Offset, next: FrameHeader<'_>) -> bool {
    let ahead = next.offset().0.checked_sub(before.0);
    (0..=2).contains(&next.magic())
        && next.frame_bytes().is_ok()
        && ahead.is_some_and(|ahead| (1..=MAX_RELATIVE_OFFSET).contains(&ahead))
}

/// Returns true if every field of the header is in its valid range. `bytes` contain the header, the
/// entry has `size`.
pub(super) fn is_plausible(bytes: &[u8], size: usize) -> bool {
    match bytes.get(MAGIC) {
        Some(2) => size >= HEADER_BYTES && is_plausible_batch(bytes, size),
        Some(_) => is_plausible_message(bytes, size),
        None => false,
    }
}

fn is_plausible_batch(bytes: &[u8], size: usize) -> bool {
    let Some(batch) = RecordBatch::of_header(bytes) else {
        return false;
    };
    let (count, span) = (
        i64::from(batch.records_count()),
        i64::from(batch.last_offset_delta().0),
    );
    let most = match batch.codec() {
        Ok(Codec::None) => i64::try_from(size / MIN_RECORD_BYTES).unwrap_or(i64::MAX),
        Ok(_) => MAX_RELATIVE_OFFSET,
        Err(_) => return false,
    };
    // Old producers left the last offset delta at 0.
    let fits = (0..=most).contains(&count) && span >= 0 && (count <= span + 1 || span == 0);
    fits && batch.base_offset().0 >= 0
        && batch.producer_id().0 >= -1
        && batch.producer_epoch() >= -1
        && batch.base_sequence() >= -1
}

fn is_plausible_message(bytes: &[u8], size: usize) -> bool {
    let whole = bytes.get(..size).unwrap_or(bytes);
    Message::parse(whole, Position(0)).is_ok_and(|message| {
        message.offset().0 >= 0
            && matches!(
                message.codec(),
                Ok(Codec::None | Codec::Gzip | Codec::Snappy | Codec::Lz4)
            )
            && message.is_filled(size)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_entry_is_ahead_but_no_further_than_a_segment_reaches() {
        let follows = |offset: i64, size: i32, magic: u8| {
            let bytes = [
                &offset.to_be_bytes()[..],
                &size.to_be_bytes(),
                &[0; 4],
                &[magic],
            ]
            .concat();
            may_follow(Offset(9), FrameHeader::read(&bytes).unwrap())
        };
        let furthest = 9 + i64::from(i32::MAX);
        for (offset, expected) in [
            (9, false),
            (8, false),
            (10, true),
            (furthest, true),
            (furthest + 1, false),
            (i64::MIN, false),
        ] {
            assert_eq!(follows(offset, 100, 2), expected, "{offset}");
        }
        assert!(!follows(10, 13, 2) && follows(10, 14, 2));
        assert!(!follows(10, 100, 3) && follows(10, 100, 0));
    }
}
