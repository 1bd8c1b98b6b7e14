//! Records that can be read in bytes that a plan loses, for people to look at: no checksum covers
//! them, and they are never put back by themselves.

use std::ops::Range;

use super::frames::{Remnant, batch_of, pieces_of};
use super::mend::tail_of;
use super::salvage::{Slot, salvage};
use crate::format::Scratch;
use crate::repair::proof::Checksum;

/// A batch with records that were removed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAside {
    /// Its position in the file.
    pub position: u64,
    /// The batch, with a right checksum, whatever it was before.
    pub bytes: Vec<u8>,
    /// True if its checksum was right as it was found.
    pub is_sound: bool,
    /// True if its records have their timestamps; without a header they have not.
    pub has_times: bool,
}

/// Reads what there is to read in `bytes`, which are at `position` of a `.log`, between batches
/// that leave them `offsets`.
#[must_use]
pub fn set_aside(bytes: &[u8], position: u64, offsets: Range<i64>) -> Vec<SetAside> {
    let mut scratch = Scratch::default();
    let mut found = Vec::new();
    for piece in pieces_of(bytes, &offsets) {
        let Remnant { range, next } = piece;
        let (Some(piece), at) = (bytes.get(range.clone()), position + range.start as u64) else {
            continue;
        };
        if batch_of(piece).is_some() && Checksum::of(piece, at).is_some() {
            found.push(SetAside {
                position: at,
                bytes: piece.to_vec(),
                is_sound: true,
                has_times: true,
            });
            continue;
        }
        let is_last = range.end == bytes.len();
        let slot = Slot {
            position: at,
            offsets: offsets.start..next.unwrap_or(offsets.end),
            epoch: -1,
            is_open: false,
        };
        let saved = salvage(piece, &slot, &mut scratch);
        let saved = saved.map(|saved| (saved, true));
        // Without a header, the batch after them says which offsets the last records have.
        let is_bounded = is_last && offsets.end < i64::MAX || next.is_some();
        let tail = || tail_of(piece, &slot, &mut scratch).map(|saved| (saved, false));
        let saved = saved.or_else(|| is_bounded.then(tail).flatten());
        found.extend(saved.map(|(saved, has_times)| SetAside {
            position: at + saved.from as u64,
            bytes: saved.bytes,
            is_sound: false,
            has_times,
        }));
    }
    found
}
