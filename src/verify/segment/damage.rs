//! Bytes that are not a batch: their kind, and the facts about the batch that they were.

use std::ops::Range;

use crate::format::RecordBatch;
use crate::format::batch::HEADER_BYTES;
use crate::format::frame::FrameHeader;
use crate::format::layout::{batch, frame, message};
use crate::scan::may_follow;
use crate::store::Unreadable;
use crate::verify::evidence::{Field, FlippedBit};
use crate::wire::crc;
use crate::wire::units::{LOG_OVERHEAD, MAX_RELATIVE_OFFSET, MIN_FRAME_SIZE};

/// Bytes of a gap that are read; the end of a larger batch is not found.
pub(super) const LOOKED_AT: u64 = 8 << 20;

/// The length from which zeros were not written by a client.
const ZEROS_BYTES: usize = 256;

/// The maximum number of parts of a gap; the rest is one more.
pub(super) const PARTS: usize = 4096;

/// A part of a gap.
#[derive(Debug, Clone)]
pub(super) struct DamagePart {
    pub(super) range: Range<u64>,
    pub(super) kind: DamageKind,
    /// Its first bytes, up to the size of a header.
    pub(super) head: Vec<u8>,
    /// The longest range of zeros, if it is long.
    pub(super) zeros: Option<Range<u64>>,
    /// The ranges in it that cannot be read.
    pub(super) unreadable: Vec<Unreadable>,
}

impl DamagePart {
    /// Returns true if it is one batch, by its size, and nothing else.
    pub(super) fn is_one_batch(&self) -> bool {
        matches!(
            self.kind,
            DamageKind::Crc { .. }
                | DamageKind::Length { .. }
                | DamageKind::Magic { .. }
                | DamageKind::Unreadable { is_batch: true }
        )
    }
}

/// The kind of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DamageKind {
    /// A batch, by its size, whose checksum is wrong.
    Crc {
        stored: u32,
        actual: u32,
        flip: Option<(FlippedBit, Field)>,
    },
    /// A batch whose checksum is right with the real size.
    Length { stored: i32, actual: i32 },
    /// A batch whose checksum is right with another magic.
    Magic { stored: i8, actual: i8 },
    /// Bytes that cannot be read, and the rest of their batches.
    Unreadable {
        /// True if it is one batch, by its size.
        is_batch: bool,
    },
    /// Nothing but zeros.
    Zeros,
    /// Anything else.
    Rest,
    /// The rest of a gap that has too many parts: there may be batches in it.
    Unsplit,
}

/// The parts of a gap that covers `range`; `bytes` are the part at its start that is read.
pub(super) fn parts(bytes: &[u8], range: Range<u64>) -> Vec<DamagePart> {
    let mut parts = Vec::new();
    let mut at = 0;
    while (at as u64) < range.end - range.start {
        let start = range.start + at as u64;
        let rest = bytes.get(at..).unwrap_or_default();
        let left = range.end - start;
        let (kind, size) = match () {
            () if parts.len() >= PARTS => (DamageKind::Unsplit, left),
            () => identify(rest, left, start),
        };
        let part = usize::try_from(size).ok().and_then(|size| rest.get(..size));
        let part = part.unwrap_or(rest);
        parts.push(DamagePart {
            range: start..start + size,
            kind,
            head: part.get(..HEADER_BYTES).unwrap_or(part).to_vec(),
            zeros: longest_zeros(part, start),
            unreadable: Vec::new(),
        });
        at += usize::try_from(size).unwrap_or(usize::MAX - at);
    }
    parts
}

/// Identifies the bytes at the start of a gap, and returns their kind and number. `left` is the
/// whole rest.
fn identify(rest: &[u8], left: u64, start: u64) -> (DamageKind, u64) {
    if rest.len() as u64 == left && rest.iter().all(|&byte| byte == 0) {
        return (DamageKind::Zeros, left);
    }
    let header = FrameHeader::read(rest);
    if let Some(size) = header.and_then(|header| header.frame_bytes().ok())
        && let Some(frame) = rest.get(..size)
        && (size as u64 == left || is_followed(rest, size))
    {
        return (framed(frame, start), size as u64);
    }
    let whole = (rest.len() as u64 == left).then(|| resized(rest)).flatten();
    (whole.unwrap_or(DamageKind::Rest), left)
}

/// Returns true if the bytes after `size` bytes may be the header of the next batch.
fn is_followed(bytes: &[u8], size: usize) -> bool {
    let next = bytes.get(size..).and_then(FrameHeader::read);
    let header = FrameHeader::read(bytes);
    next.zip(header)
        .is_some_and(|(next, header)| may_follow(header.offset(), next))
}

/// Returns the fault of a batch with a right size.
fn framed(bytes: &[u8], start: u64) -> DamageKind {
    let stored = bytes
        .get(frame::MAGIC)
        .map_or(0, |&byte| byte.cast_signed());
    let v2 = Sum::of(bytes, batch::CRC, batch::ATTRIBUTES, crc::crc32c);
    let legacy = Sum::of(bytes, message::CRC, message::MAGIC, crc::crc32);
    let is_v2 = bytes.len() >= HEADER_BYTES;
    if is_v2 && v2.is_right() && stored != 2 {
        return DamageKind::Magic { stored, actual: 2 };
    }
    let v2_flip = || v2.flip(start, &FIELDS_V2, crc::flipped_bit_crc32c);
    let legacy_flip = || legacy.flip(start, &FIELDS_LEGACY, crc::flipped_bit_crc32);
    let (own, other) = match stored {
        0 | 1 => (legacy, v2),
        _ => (v2, legacy),
    };
    let flip = match stored {
        2 => v2_flip().or_else(legacy_flip),
        _ => legacy_flip(),
    };
    // A flip that belongs to the other format is in the magic, which that format's checksum covers.
    let sum = if stored == 2 && flip.is_some_and(|(_, field)| field == Field::Magic) {
        other
    } else {
        own
    };
    DamageKind::Crc {
        stored: sum.stored,
        actual: sum.actual,
        flip,
    }
}

/// The checksum of a batch.
#[derive(Debug, Clone, Copy)]
struct Sum {
    stored: u32,
    actual: u32,
    field_at: usize,
    covered_at: usize,
    len_bytes: usize,
}

/// The names of fields, by their ends.
type Fields = [(usize, Field)];

const FIELDS_V2: [(usize, Field); 12] = [
    (batch::LEADER_EPOCH, Field::BatchLength),
    (batch::MAGIC, Field::LeaderEpoch),
    (batch::CRC, Field::Magic),
    (batch::ATTRIBUTES, Field::Crc),
    (batch::LAST_OFFSET_DELTA, Field::Attributes),
    (batch::BASE_TIMESTAMP, Field::LastOffsetDelta),
    (batch::MAX_TIMESTAMP, Field::BaseTimestamp),
    (batch::PRODUCER_ID, Field::MaxTimestamp),
    (batch::PRODUCER_EPOCH, Field::ProducerId),
    (batch::BASE_SEQUENCE, Field::ProducerEpoch),
    (batch::RECORDS_COUNT, Field::BaseSequence),
    (batch::BYTES, Field::RecordsCount),
];

const FIELDS_LEGACY: [(usize, Field); 4] = [
    (message::CRC, Field::BatchLength),
    (message::MAGIC, Field::Crc),
    (message::ATTRIBUTES, Field::Magic),
    (message::BYTES, Field::Attributes),
];

impl Sum {
    fn of(bytes: &[u8], field_at: usize, covered_at: usize, sum: fn(&[u8]) -> u32) -> Self {
        let field = bytes.get(field_at..).and_then(<[u8]>::first_chunk);
        let covered = bytes.get(covered_at..).unwrap_or_default();
        Self {
            stored: field.copied().map_or(0, u32::from_be_bytes),
            actual: sum(covered),
            field_at,
            covered_at,
            len_bytes: covered.len(),
        }
    }

    fn is_right(&self) -> bool {
        self.stored == self.actual && self.len_bytes > 0
    }

    /// The single bit that explains the difference: of the checksum itself, or of the covered
    /// bytes.
    fn flip(&self, start: u64, fields: &Fields, find: crc::FindBit) -> Option<(FlippedBit, Field)> {
        let syndrome = self.stored ^ self.actual;
        let covered = self.covered_at..self.covered_at + self.len_bytes;
        let (at, bit) = crc::flipped_bit(syndrome, self.field_at, covered, find)?;
        let field = fields.iter().find(|(end, _)| at < *end);
        let position = start.saturating_add(at as u64);
        let field = field.map_or(Field::Records, |(_, field)| *field);
        Some((FlippedBit { position, bit }, field))
    }
}

/// Returns true if all of these bytes are one batch, except for its size.
fn resized(bytes: &[u8]) -> Option<DamageKind> {
    let header = FrameHeader::read(bytes)?;
    let stored = i32::from_be_bytes(*bytes.get(frame::SIZE..)?.first_chunk()?);
    let actual = i32::try_from(bytes.len().checked_sub(LOG_OVERHEAD)?).ok()?;
    let is_right = match header.magic() {
        0 | 1 => Sum::of(bytes, message::CRC, message::MAGIC, crc::crc32).is_right(),
        2 => {
            bytes.len() >= HEADER_BYTES
                && Sum::of(bytes, batch::CRC, batch::ATTRIBUTES, crc::crc32c).is_right()
        }
        _ => false,
    };
    is_right.then_some(DamageKind::Length { stored, actual })
}

/// The longest range of zeros, if it is long enough to count.
fn longest_zeros(bytes: &[u8], start: u64) -> Option<Range<u64>> {
    let mut longest = 0..0;
    let mut at = 0;
    // A long range contains a byte at every multiple of its minimum length.
    while let Some(&byte) = bytes.get(at + ZEROS_BYTES - 1) {
        if byte != 0 {
            at += ZEROS_BYTES;
            continue;
        }
        let before = bytes.get(..at + ZEROS_BYTES).unwrap_or_default();
        let from = before
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last + 1);
        let behind = bytes.get(from..).unwrap_or_default();
        let length = behind
            .iter()
            .position(|&byte| byte != 0)
            .unwrap_or(behind.len());
        if length > longest.len() {
            longest = from..from + length;
        }
        at = (from + length).max(at + 1);
    }
    (longest.len() >= ZEROS_BYTES).then(|| start + longest.start as u64..start + longest.end as u64)
}

/// The plausible fields in the header of a damaged batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) base: i64,
    pub(super) last: i64,
    /// The record count, if it is the number of offsets.
    pub(super) records: Option<u64>,
    pub(super) times: Option<(i64, i64)>,
}

impl Claim {
    /// Reads the header of a batch between two offsets, both exclusive.
    pub(super) fn read(head: &[u8], after: Option<i64>, before: Option<i64>) -> Option<Self> {
        let header = FrameHeader::read(head)?;
        let claim = match (header.magic(), RecordBatch::of_header(head)) {
            (2, Some(batch)) => {
                let count = u64::try_from(batch.records_count()).ok();
                let span = i64::from(batch.last_offset_delta().0) + 1;
                let times = (batch.base_timestamp().0, batch.max_timestamp().0);
                Self {
                    base: batch.base_offset().0,
                    last: batch.last_offset().0,
                    records: count.filter(|&count| i64::try_from(count) == Ok(span)),
                    times: (times.0 <= times.1).then_some(times),
                }
            }
            _ => Self {
                base: header.offset().0,
                last: header.offset().0,
                records: None,
                times: None,
            },
        };
        let fits = claim.base <= claim.last
            && after.map_or(claim.base >= 0, |after| claim.base > after)
            && before.is_none_or(|before| claim.last < before)
            && after.is_none_or(|after| {
                // The name of a file and a header may have any offset.
                let ahead = claim.last.checked_sub(after);
                ahead.is_some_and(|ahead| ahead <= MAX_RELATIVE_OFFSET)
            });
        fits.then_some(claim)
    }
}

/// Returns true if the first bytes of a tail are those of the batch that would follow offset
/// `last`.
pub(super) fn is_torn(head: &[u8], left: u64, last: Option<i64>) -> bool {
    let Some(bytes) = head.first_chunk::<8>() else {
        let expected = last.map_or(0, |last| last.wrapping_add(1)).to_be_bytes();
        return expected.starts_with(head);
    };
    let offset = i64::from_be_bytes(*bytes);
    let from = last.map_or(0, |last| last.saturating_add(1));
    let in_line = (from..=from.saturating_add(MAX_RELATIVE_OFFSET)).contains(&offset);
    let size = head.get(frame::SIZE..).and_then(<[u8]>::first_chunk::<4>);
    let size = size.is_none_or(|size| {
        let announced = u64::try_from(i32::from_be_bytes(*size)).unwrap_or(0);
        announced >= u64::from(MIN_FRAME_SIZE.unsigned_abs())
            && announced + LOG_OVERHEAD as u64 > left
    });
    let magic = head.get(frame::MAGIC).is_none_or(|&magic| magic <= 2);
    in_line && size && magic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_row_of_zeros_is_found_wherever_it_lies() {
        let row = |before: usize, zeros: usize, behind: usize| {
            let bytes = [vec![1; before], vec![0; zeros], vec![1; behind]].concat();
            longest_zeros(&bytes, 1000)
        };
        for before in [0, 1, 255, 256, 257, 600] {
            for behind in [0, 1, 255, 300] {
                let start = 1000 + before as u64;
                assert_eq!(row(before, 255, behind), None);
                assert_eq!(row(before, 256, behind), Some(start..start + 256));
                assert_eq!(row(before, 1000, behind), Some(start..start + 1000));
            }
        }
    }

    #[test]
    fn a_header_may_claim_any_offset_behind_any() {
        let mut head = vec![0; HEADER_BYTES];
        head[..8].copy_from_slice(&i64::MAX.to_be_bytes());
        head[16] = 2;
        for after in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(Claim::read(&head, Some(after), None), None);
        }
        assert!(Claim::read(&head, Some(i64::MAX - 1), None).is_some());
        assert!(!is_torn(&head, 100, Some(i64::MAX)));
    }

    #[test]
    fn parts_tile_the_gap_whatever_the_bytes() {
        let noise = (0..5000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]);
        let mut bytes: Vec<u8> = noise.collect();
        bytes[1000..2000].fill(0);
        for end in [0, 1, 17, 61, 3000, 5000] {
            let parts = parts(&bytes[..end], 7..7 + end as u64);
            let mut at = 7;
            for part in &parts {
                assert_eq!(part.range.start, at);
                at = part.range.end;
            }
            assert_eq!(at, 7 + end as u64);
        }
    }
}
