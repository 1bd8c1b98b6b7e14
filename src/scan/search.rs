//! The search for the next entry after damage.
//!
//! A candidate is a magic byte with a plausible header around it; its CRC decides. The bytes that
//! are checksummed for wrong candidates are bounded, so that no file can make the search slow.

use std::ops::Range;

use super::plausible::{MAGIC, is_plausible, may_follow};
use crate::format::Batch;
use crate::format::batch::HEADER_BYTES;
use crate::format::frame::{Frame, FrameHeader};
use crate::wire::Position;

/// Bytes that may be checksummed for wrong candidates: at first, for each byte searched, and at
/// most at once. A file full of candidates takes a few times as long as another.
const ALLOWANCE_BYTES: u64 = 16 << 20;
const ALLOWANCE_RATIO: u64 = 4;
const LARGEST_ALLOWANCE: u64 = 64 << 20;

/// A larger entry counts only if another follows it: that check is cheap and takes no memory, while
/// a checksum needs a window of the size of the entry. Brokers take no batch above 1 MiB by default
/// (`message.max.bytes`).
const DEAR_BYTES: usize = 8 << 20;

/// The result of a search in a window.
pub(super) enum SearchResult {
    /// A valid entry begins `at` bytes into the window.
    At(usize),
    /// One may begin there, but the window is too short to decide: that needs `bytes` from there
    /// on.
    Unseen {
        /// Bytes into the window.
        at: usize,
        /// Bytes needed from there on.
        bytes: usize,
    },
    /// The window holds none.
    Nothing,
}

/// The state of a search: its remaining allowance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    allowance: u64,
    /// True if an entry counts only if another follows it, or the end of the file, as far as the
    /// window shows. That saves checksums, but after damage it would skip the last entry before
    /// further damage.
    chained: bool,
    /// The position up to which searched bytes were credited to the allowance.
    credited: u64,
}

impl Search {
    /// A search from `position` on.
    pub(super) const fn starting_at(position: u64) -> Self {
        Self {
            allowance: ALLOWANCE_BYTES,
            chained: false,
            credited: position,
        }
    }

    /// The same for a file that is assumed to be intact.
    pub(super) const fn in_sound_file(position: u64) -> Self {
        Self {
            chained: true,
            ..Self::starting_at(position)
        }
    }

    /// Searches an entry that begins in the range `among` of `window`, which begins at `position`
    /// of the file; `left` bytes of the file begin there.
    pub(super) fn next_entry(
        &mut self,
        window: &[u8],
        position: u64,
        among: Range<usize>,
        left: usize,
    ) -> SearchResult {
        let visible = window
            .get(..among.end.saturating_add(MAGIC))
            .unwrap_or(window);
        let mut at = among.start;
        while let Some(next) = next_magic(visible, at) {
            self.credit(position.saturating_add(next as u64));
            at = next;
            match self.judge(
                window.get(at..).unwrap_or_default(),
                left.saturating_sub(at),
            ) {
                Verdict::Entry => return SearchResult::At(at),
                Verdict::Unseen(bytes) => return SearchResult::Unseen { at, bytes },
                Verdict::Nothing => at += 1,
            }
        }
        // A header that begins in the last bytes has its magic after the window.
        let tail = window.len().saturating_sub(MAGIC).max(among.start);
        if window.len() < left && tail < among.end {
            return SearchResult::Unseen {
                at: tail.min(window.len()),
                bytes: HEADER_BYTES,
            };
        }
        SearchResult::Nothing
    }

    /// Credits the bytes before `position` to the allowance, once, so that the windows do not
    /// matter.
    fn credit(&mut self, position: u64) {
        let searched = position.saturating_sub(self.credited);
        self.allowance = self
            .allowance
            .saturating_add(searched.saturating_mul(ALLOWANCE_RATIO))
            .min(LARGEST_ALLOWANCE);
        self.credited = self.credited.max(position);
    }

    fn judge(&mut self, bytes: &[u8], left: usize) -> Verdict {
        let Some(size) = FrameHeader::read(bytes).and_then(|header| header.frame_bytes().ok())
        else {
            return Verdict::Nothing;
        };
        if size > left {
            return Verdict::Nothing;
        }
        if bytes.len() < size.min(HEADER_BYTES) {
            return Verdict::Unseen(HEADER_BYTES);
        }
        if !is_plausible(bytes, size) || size as u64 > self.allowance {
            return Verdict::Nothing;
        }
        if self.chained && !is_followed(bytes, size, left) {
            return Verdict::Nothing;
        }
        let is_dear = size > DEAR_BYTES;
        let reach = if is_dear { size + HEADER_BYTES } else { size };
        if bytes.len() < reach.min(left) {
            return Verdict::Unseen(reach.min(left));
        }
        if is_dear && !is_followed(bytes, size, left) {
            self.allowance -= size as u64;
            return Verdict::Nothing;
        }
        let checks = Frame::parse(bytes, Position(0))
            .and_then(Batch::parse)
            .is_ok_and(|batch| batch.check_crc().is_ok());
        if checks {
            return Verdict::Entry;
        }
        self.allowance -= size as u64;
        Verdict::Nothing
    }
}

enum Verdict {
    Entry,
    Unseen(usize),
    Nothing,
}

/// The first position from `from` on with a known magic where an entry would have it.
fn next_magic(window: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let from_magic = window.get(at.checked_add(MAGIC)?..)?;
        let next = at + memchr::memchr3(0, 1, 2, from_magic)?;
        // Zeros look like magic 0: in a long row of them a header can begin only at the very end.
        let zeros = leading_zeros(window.get(next..)?);
        if zeros <= MAGIC {
            return Some(next);
        }
        at = next + zeros - MAGIC;
    }
}

/// Returns true if what follows an entry of `size` may be another, as far as can be seen; `left`
/// bytes of the file begin with it.
fn is_followed(bytes: &[u8], size: usize, left: usize) -> bool {
    match bytes.get(size..).and_then(FrameHeader::read) {
        Some(next) => {
            FrameHeader::read(bytes).is_some_and(|entry| may_follow(entry.offset(), next))
        }
        None => left == size || bytes.len() < size.saturating_add(MAGIC),
    }
}

/// Returns the number of leading zero bytes.
pub(super) fn leading_zeros(bytes: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let blocks = bytes
        .chunks_exact(BLOCK)
        .take_while(|block| block.iter().fold(0, |or, b| or | b) == 0);
    let whole = blocks.count() * BLOCK;
    let rest = bytes.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|&&b| b == 0).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A candidate for a batch of `size` bytes, whose checksum is wrong.
    fn candidate(size: i32) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[8..12].copy_from_slice(&(size - 12).to_be_bytes());
        bytes[MAGIC] = 2;
        bytes[17] = 0xff;
        bytes
    }

    fn found(found: &SearchResult) -> Option<(usize, usize)> {
        match found {
            SearchResult::At(at) => Some((*at, 0)),
            SearchResult::Unseen { at, bytes } => Some((*at, *bytes)),
            SearchResult::Nothing => None,
        }
    }

    #[test]
    fn what_the_window_cannot_show_is_asked_for() {
        let bytes = [vec![0xee; 30], candidate(500)].concat();
        let look = |window: &[u8], left| {
            let mut search = Search::starting_at(0);
            found(&search.next_entry(window, 0, 1..usize::MAX, left))
        };
        assert_eq!(look(&bytes, 600), Some((30, 500)));
        assert_eq!(look(&bytes[..50], 600), Some((30, HEADER_BYTES)));
        assert_eq!(look(&bytes[..40], 600), Some((24, HEADER_BYTES)));
        // The file cannot hold it.
        assert_eq!(look(&bytes, bytes.len()), None);
    }

    #[test]
    fn a_large_candidate_that_nothing_follows_is_passed_over_unread() {
        let size = DEAR_BYTES + 1;
        let mut bytes = candidate(i32::try_from(size).unwrap());
        bytes.resize(size, 0);
        let crc = crate::wire::crc::crc32c(&bytes[21..]).to_be_bytes();
        bytes[17..21].copy_from_slice(&crc);
        let look = |bytes: &[u8], left| {
            let mut search = Search::starting_at(0);
            found(&search.next_entry(bytes, 0, 0..1, left))
        };
        // First the window does not show if another follows, then it does.
        let behind = size + 5000;
        assert_eq!(look(&bytes, behind), Some((0, size + HEADER_BYTES)));
        let follow = |next: &[u8]| {
            let mut whole = [&bytes[..], next].concat();
            whole.resize(behind, 0xee);
            look(&whole, behind)
        };
        let mut next = candidate(500);
        // An entry of the same offset doesn't follow.
        assert_eq!(follow(&next), None);
        next[7] = 1;
        assert_eq!(follow(&next), Some((0, 0)));
        assert_eq!(follow(&[0xee; 100]), None);
        // At the end of a file nothing has to follow.
        assert_eq!(look(&bytes, size), Some((0, 0)));
    }

    #[test]
    fn checksums_in_vain_come_to_an_end() {
        let size = 1 << 20;
        let mut bytes = candidate(size).repeat(200);
        let rest = usize::try_from(size).unwrap();
        bytes.resize(bytes.len() + rest, 0xee);
        let mut search = Search::starting_at(0);
        let nothing = search.next_entry(&bytes, 0, 0..usize::MAX, bytes.len());
        assert!(found(&nothing).is_none());
        let credit = search.credited * ALLOWANCE_RATIO;
        let spent = ALLOWANCE_BYTES + credit - search.allowance;
        assert!((1..=ALLOWANCE_BYTES + credit).contains(&spent), "{spent}");
        assert!(search.allowance < rest as u64);
    }

    #[test]
    fn what_is_searched_is_credited_once_whatever_the_windows() {
        let bytes = [vec![0xee; 5_000], candidate(70), vec![0xee; 5_000]].concat();
        let mut whole = Search::starting_at(0);
        assert!(found(&whole.next_entry(&bytes, 0, 1..usize::MAX, bytes.len())).is_none());
        let mut piecewise = Search::starting_at(0);
        let mut from = 1;
        for end in [1_000, 5_020, 5_080, bytes.len()] {
            let left = bytes.len() - from;
            let window = &bytes[from..end];
            let next = piecewise.next_entry(window, from as u64, 0..usize::MAX, left);
            from += found(&next).map_or(0, |(at, _)| at);
        }
        assert_eq!(piecewise.allowance, whole.allowance);
    }
}
