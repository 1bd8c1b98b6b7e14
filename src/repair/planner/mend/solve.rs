//! Batches whose wrong checksum a few flipped bits explain: one, a burst, or two anywhere.
//!
//! A checksum of 32 bits tells 2^32 damages apart. Among so many that are tried, one fits by chance
//! the sooner the more they are; so the simplest kinds are tried first, and the chance of being
//! wrong follows from how many there were until then. A solution counts only if it is the one of
//! its kind with which the batch can be read and fits between its neighbours.

use super::flips::{self, CRC_BITS, Flips};
use crate::format::frame::FrameHeader;
use crate::format::layout::batch as layout;
use crate::format::{Batch, RecordBatch, Scratch};
use crate::repair::planner::frames::batch_of;
use crate::repair::planner::salvage::Slot;
use crate::repair::proof::Checksum;
use crate::wire::crc::{crc32c, flipped_bit_crc32c};

/// The number of damages that a checksum can distinguish.
const CHECKSUMS: u64 = 1 << 32;

/// Below so many to one a solution of several bits is no more than suspect: a batch damaged in some
/// other way is not that much rarer.
const LEAST_ONE_IN: u64 = 10_000;

/// Solutions that are tried of a batch.
const MOST_TRIED: usize = 256;

/// Bits of damaged batches that are searched for several flipped ones, in all: half a minute's
/// worth of batches of 1 KiB.
const EFFORT_BITS: usize = 1 << 27;

/// A batch with its bits turned back.
pub(super) struct Solved {
    pub(super) bytes: Vec<u8>,
    /// The bits, in words.
    pub(super) what: String,
    pub(super) records: u64,
    pub(super) proof: Checksum,
    /// True if it is too likely that other damage looks the same.
    pub(super) is_suspect: bool,
}

/// Solves batches, as long as that takes a bounded time.
pub(super) struct Solver {
    effort: usize,
}

impl Default for Solver {
    fn default() -> Self {
        Self {
            effort: EFFORT_BITS,
        }
    }
}

impl Solver {
    /// Turns back the bits of the damaged batch in `bytes`, if few explain its checksum.
    pub(super) fn solve(
        &mut self,
        bytes: &[u8],
        slot: &Slot,
        scratch: &mut Scratch,
    ) -> Option<Solved> {
        let header = FrameHeader::read(bytes)?;
        let is_whole = header.frame_bytes().ok() == Some(bytes.len());
        let batch = RecordBatch::of_header(bytes).filter(|_| is_whole && header.magic() == 2)?;
        let body = bytes.get(layout::ATTRIBUTES..)?;
        let syndrome = batch.stored_crc() ^ crc32c(body);
        if syndrome == 0 {
            return None;
        }
        let mut tried = 0_u64;
        for (cases, kind) in self.kinds(body.len(), syndrome) {
            tried = tried.saturating_add(cases);
            let fitting = kind.iter().filter_map(|flips| {
                let flipped = flipped(bytes, flips)?;
                let records = fits(&flipped, slot, scratch)?;
                Some((flips, flipped, records))
            });
            let mut fitting = fitting.take(2);
            let Some((flips, flipped, records)) = fitting.next() else {
                continue;
            };
            let is_only = fitting.next().is_none();
            let one_in = CHECKSUMS / tried.max(1);
            let range = slot.position..slot.position + bytes.len() as u64;
            let proof = Checksum::of_result(&flipped, range, one_in)?;
            return Some(Solved {
                what: said(flips, slot.position),
                is_suspect: !is_only || flips.len() > 1 && one_in < LEAST_ONE_IN,
                bytes: flipped,
                records,
                proof,
            });
        }
        None
    }

    /// The solutions by kind, each with how many damages are of the kind, the rarest first.
    fn kinds(&mut self, len_bytes: usize, syndrome: u32) -> Vec<(u64, Vec<Flips>)> {
        let bits = len_bytes.saturating_mul(8).saturating_add(CRC_BITS);
        let cases = bits as u64;
        let mut kinds = vec![(cases, single(len_bytes, syndrome).into_iter().collect())];
        let Some(left) = self.effort.checked_sub(bits) else {
            return kinds;
        };
        self.effort = left;
        // Bursts as long as one that fits by chance is not to be expected.
        let most = (2..CRC_BITS).take_while(|span| cases << (span - 1) < CHECKSUMS / 4);
        let most = most.last().unwrap_or(1);
        let found = flips::bursts(len_bytes, syndrome, most, MOST_TRIED);
        for span in 2..=most {
            let of_span = found.iter().filter(|flips| width(flips) == span);
            kinds.push((cases << (span - 2), of_span.cloned().collect()));
        }
        let pairs = cases.saturating_mul(cases) / 2;
        if pairs < CHECKSUMS / 4 {
            let mut found = flips::pairs(len_bytes, syndrome, MOST_TRIED);
            found.retain(|flips| width(flips) > most);
            kinds.push((pairs, found));
        }
        kinds.sort_by_key(|(cases, _)| *cases);
        kinds
    }
}

/// The bit, of the message or of its checksum, that explains it alone.
fn single(len_bytes: usize, syndrome: u32) -> Option<Flips> {
    if syndrome.is_power_of_two() {
        let bit = usize::try_from(syndrome.trailing_zeros()).ok()?;
        return Some(vec![len_bytes * 8 + bit]);
    }
    let (byte, bit) = flipped_bit_crc32c(len_bytes, syndrome)?;
    Some(vec![byte * 8 + usize::from(bit)])
}

/// From the first flipped bit to the last.
fn width(flips: &Flips) -> usize {
    match (flips.first(), flips.last()) {
        (Some(first), Some(last)) => last - first + 1,
        _ => 0,
    }
}

/// Returns the byte and bit of a flipped bit in a batch of this many bytes.
fn place(len_bytes: usize, flip: usize) -> (usize, usize) {
    let of_message = (len_bytes - layout::ATTRIBUTES) * 8;
    match flip.checked_sub(of_message) {
        None => (layout::ATTRIBUTES + flip / 8, flip % 8),
        // The checksum is stored with its highest byte first.
        Some(bit) => (layout::CRC + 3 - bit / 8, bit % 8),
    }
}

fn flipped(bytes: &[u8], flips: &Flips) -> Option<Vec<u8>> {
    let mut flipped = bytes.to_vec();
    for flip in flips {
        let (byte, bit) = place(bytes.len(), *flip);
        *flipped.get_mut(byte)? ^= 1_u8 << bit;
    }
    Some(flipped)
}

/// The records of a batch, if all of them can be read and it fits between its neighbours.
fn fits(bytes: &[u8], slot: &Slot, scratch: &mut Scratch) -> Option<u64> {
    let Batch::V2(batch) = batch_of(bytes)? else {
        return None;
    };
    let (first, last) = (batch.base_offset().0, batch.last_offset().0);
    let is_between = slot.offsets.contains(&first) && slot.offsets.contains(&last);
    let is_plain = batch.attributes() & !0x7f == 0 && batch.codec().is_ok();
    if !is_between || first > last || !is_plain {
        return None;
    }
    let most = last.checked_sub(first)?.checked_add(1)?;
    let count = i64::from(batch.records_count());
    let mut read = 0;
    for record in batch.records(scratch).ok()? {
        let _record = record.ok()?;
        read += 1;
    }
    (read == count && count <= most).then(|| u64::try_from(read).unwrap_or(0))
}

/// The bits in words, for a batch at `position`.
fn said(flips: &Flips, position: u64) -> String {
    match flips.as_slice() {
        [_] => "batch checksum mismatch: one flipped bit explains it".to_owned(),
        _ => format!(
            "batch checksum mismatch: {} flipped bits explain it, {}, in the batch at {position}",
            flips.len(),
            match width(flips) {
                span if span <= CRC_BITS => format!("within {span} bits"),
                _ => "apart from each other".to_owned(),
            }
        ),
    }
}
