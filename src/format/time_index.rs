//! `.timeindex`: the largest timestamp up to an offset, a few for each segment (since 0.10.1).
//!
//! A row of entries without header or checksum:
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 8 | timestamp | ms; the largest in the segment up to the offset; rises from entry to entry |
//! | 8 | 4 | relative offset | offset − base offset of the segment; never falls from entry to entry |
//!
//! Brokers preallocate the file of the active segment, so that it may end in zeros. Kafka
//! determines in three ways where they begin, as for the [`.index`](super::offset_index). If they
//! count as entries, the last timestamp of the segment is 0, and retention deletes it as very old.
//!
//! Source: `TimeIndex`, `AbstractIndex`.

use super::fault::{Fault, IndexFault};
use super::index::{self, Index, IndexEntry, relative};
use super::layout::time_index::{self as layout, RELATIVE_OFFSET, TIMESTAMP};
use super::search::largest_at_most;
use crate::wire::{Offset, Timestamp, be, put};

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = layout::BYTES;

/// The entries of a `.timeindex`, zeros at its end included.
pub type TimeIndex<'map> = Index<'map, TimeEntry, ENTRY_BYTES>;

/// An entry of a `.timeindex`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeEntry {
    /// The largest timestamp up to the offset.
    pub timestamp: Timestamp,
    /// The offset.
    pub offset: Offset,
}

impl TimeEntry {
    /// The bytes of the entry in the index of the segment that begins at `base_offset`. `None` if
    /// the offset is not within 2³¹−1 from there on.
    #[must_use]
    pub fn encode(&self, base_offset: Offset) -> Option<[u8; ENTRY_BYTES]> {
        let relative = relative(self.offset, base_offset)?;
        let mut bytes = [0; ENTRY_BYTES];
        put(&mut bytes, TIMESTAMP, self.timestamp.0.to_be_bytes());
        put(&mut bytes, RELATIVE_OFFSET, relative.to_be_bytes());
        Some(bytes)
    }
}

impl IndexEntry<ENTRY_BYTES> for TimeEntry {
    const RELATIVE_OFFSET: usize = RELATIVE_OFFSET;

    fn read(bytes: &[u8; ENTRY_BYTES], base_offset: Offset) -> Self {
        Self {
            timestamp: Timestamp(i64::from_be_bytes(be(bytes, TIMESTAMP))),
            offset: index::offset(bytes, RELATIVE_OFFSET, base_offset),
        }
    }
}

impl TimeIndex<'_> {
    /// The entry with the largest timestamp that is not above `target`, as a broker finds it: by
    /// binary search, in the last 8 KiB first. If the entries are not in order, it is some entry,
    /// or none.
    #[must_use]
    pub fn lookup(&self, target: Timestamp) -> Option<TimeEntry> {
        let base = self.base_offset();
        let order = |entry: &[u8; ENTRY_BYTES]| TimeEntry::read(entry, base).timestamp.cmp(&target);
        let found = largest_at_most::<ENTRY_BYTES, _>(self.stored(), order)?;
        self.get(found)
    }

    /// Checks what brokers up to 2.2 checked when they opened the file, as `--index-sanity-check`
    /// does.
    ///
    /// # Errors
    /// The last timestamp is before the first, or the last offset before the base offset, or the
    /// file does not end with an entry.
    pub fn check(&self) -> Result<(), Fault> {
        let at = self.len().saturating_sub(1).saturating_mul(ENTRY_BYTES);
        if let (Some(first), Some(last)) = (self.entries().next(), self.entries().next_back()) {
            let base = self.base_offset().0;
            if last.timestamp < first.timestamp {
                let (first, last) = (first.timestamp.0, last.timestamp.0);
                return Err(Fault::new(IndexFault::LastTimestamp { last, first }, at));
            }
            if last.offset.0 < base {
                let last = last.offset.0;
                return Err(Fault::new(IndexFault::LastOffset { last, base }, at));
            }
        }
        self.check_whole()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::FaultKind;

    fn bytes(entries: &[(i64, i32)]) -> Vec<u8> {
        let word = |&(timestamp, offset): &(i64, i32)| {
            [&timestamp.to_be_bytes()[..], &offset.to_be_bytes()].concat()
        };
        entries.iter().flat_map(word).collect()
    }

    #[test]
    fn entries_are_signed_and_counted_from_the_base() {
        let bytes = bytes(&[(-1, 3), (i64::MIN, -3)]);
        let index = TimeIndex::new(&bytes, Offset(10));
        let found: Vec<_> = index
            .entries()
            .map(|e| (e.timestamp.0, e.offset.0))
            .collect();
        assert_eq!(found, [(-1, 13), (i64::MIN, 7)]);
        assert_eq!(
            (index.get(1), index.get(2)),
            (index.entries().next_back(), None)
        );
    }

    #[test]
    fn zeros_at_the_end_are_told_in_three_ways() {
        for (entries, len, dumped, written) in [
            (&[][..], 0, 0, 0),
            (&[(0, 0)], 1, 1, 0),
            (&[(50, 7), (80, 9), (0, 0), (0, 0)], 4, 2, 2),
            // Real entries may point at the base offset, and a real timestamp may be 0.
            (&[(50, 0), (80, 0), (90, 4)], 3, 1, 3),
            (&[(0, 3), (0, 0)], 2, 1, 1),
        ] {
            let bytes = bytes(entries);
            let index = TimeIndex::new(&bytes, Offset(5));
            let reported = (index.len(), index.dumped_len(), index.written_len());
            assert_eq!(reported, (len, dumped, written), "{entries:?}");
        }
    }

    #[test]
    fn a_lookup_goes_by_the_timestamp() {
        let bytes = bytes(&[(100, 1), (200, 2), (300, 3)]);
        let index = TimeIndex::new(&bytes, Offset(0));
        for (target, offset) in [
            (99, None),
            (100, Some(1)),
            (299, Some(2)),
            (i64::MAX, Some(3)),
        ] {
            let found = index.lookup(Timestamp(target)).map(|entry| entry.offset.0);
            assert_eq!(found, offset, "{target}");
        }
    }

    #[test]
    fn the_check_minds_timestamps_then_offsets_then_the_length() {
        let kind = |bytes: &[u8]| {
            TimeIndex::new(bytes, Offset(5))
                .check()
                .map_err(|f| f.kind())
        };
        assert_eq!(kind(&[]), Ok(()));
        assert_eq!(kind(&bytes(&[(7, 1), (7, 0)])), Ok(()));
        let fell = FaultKind::Index(IndexFault::LastTimestamp { last: 6, first: 7 });
        assert_eq!(kind(&bytes(&[(7, 1), (6, -1)])), Err(fell));
        let before = FaultKind::Index(IndexFault::LastOffset { last: 4, base: 5 });
        assert_eq!(kind(&bytes(&[(7, 1), (7, -1)])), Err(before));
        let cut = FaultKind::Index(IndexFault::EntryCut {
            left: 11,
            entry: 12,
        });
        assert_eq!(kind(&[0; 23]), Err(cut));
    }

    #[test]
    fn any_bytes_are_an_index() {
        for length in 0..100_u8 {
            let bytes: Vec<u8> = (0..length).map(|n| n.wrapping_mul(167)).collect();
            let index = TimeIndex::new(&bytes, Offset(i64::MIN));
            let whole = index.len() * ENTRY_BYTES;
            assert_eq!(whole + index.trailing().len(), usize::from(length));
            let _any = (
                index.lookup(Timestamp(0)),
                index.check(),
                index.dumped_len(),
            );
        }
    }
}
