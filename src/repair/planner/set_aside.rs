//! What can be read of bytes that a plan gives up, for people to look at: no checksum vouches for it, and it is never put back by itself.

use std::ops::Range;

use super::beheaded;
use super::frames::{batch_of, pieces_of};
use super::salvage::{Slot, salvage};
use crate::format::Scratch;
use crate::repair::proof::Checksum;

/// A batch that holds records which were given up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAside {
    /// The batch, with a right checksum, whatever it was before.
    pub bytes: Vec<u8>,
    /// Whether its checksum was right as it was found.
    pub is_sound: bool,
    /// Whether its records have their timestamps; without a header they have not.
    pub has_times: bool,
}

/// Reads what there is to read in `bytes`, which lie at `position` of a `.log`, between batches that leave them `offsets`.
#[must_use]
pub fn set_aside(bytes: &[u8], position: u64, offsets: Range<i64>) -> Vec<SetAside> {
    let mut scratch = Scratch::default();
    let mut found = Vec::new();
    for range in pieces_of(bytes) {
        let (Some(piece), at) = (bytes.get(range.clone()), position + range.start as u64) else {
            continue;
        };
        if batch_of(piece).is_some() && Checksum::of(piece, at).is_some() {
            found.push(SetAside {
                bytes: piece.to_vec(),
                is_sound: true,
                has_times: true,
            });
            continue;
        }
        let slot = Slot {
            position: at,
            offsets: offsets.clone(),
            epoch: -1,
            is_torn: range.end == bytes.len(),
            is_open: false,
        };
        let saved = salvage(piece, &slot, &mut scratch).map(|saved| (saved, true));
        let is_last = range.end == bytes.len();
        let tail = || beheaded::tail_of(piece, &slot, &mut scratch).map(|saved| (saved, false));
        let saved = saved.or_else(|| is_last.then(tail).flatten());
        found.extend(saved.map(|(saved, has_times)| SetAside {
            bytes: saved.bytes,
            is_sound: false,
            has_times,
        }));
    }
    found
}
