//! `.timeindex`: up to which offset a segment holds no later timestamp, a few for each segment (since 0.10.1).
//!
//! A row of entries without header or checksum:
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 8 | timestamp | ms; the largest in the segment up to the offset; rises from entry to entry |
//! | 8 | 4 | relative offset | offset − base offset of the segment; never falls from entry to entry |
//!
//! Brokers preallocate the file of the active segment, so that it may end in zeros. Kafka has three ways of telling where
//! they begin, which are those of the [`.index`](super::offset_index). Counting them as entries has consequences here: the
//! last timestamp of the segment is then 0, and retention takes it for very old.
//!
//! Source: `TimeIndex`, `AbstractIndex`.

use super::offset_index::{relative, whole};
use super::search::{largest_at_most, leading_nonzero};
use crate::wire::{Fault, FaultKind, Offset, OffsetDelta, Timestamp, be, put};

const TIMESTAMP: usize = 0;
const RELATIVE_OFFSET: usize = 8;

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = 12;

const _: () = assert!(TIMESTAMP + 8 == RELATIVE_OFFSET && RELATIVE_OFFSET + 4 == ENTRY_BYTES);

/// The entries of a `.timeindex`, zeros at its end included.
#[derive(Debug, Clone, Copy)]
pub struct TimeIndex<'map> {
    base_offset: Offset,
    entries: &'map [[u8; ENTRY_BYTES]],
    trailing: &'map [u8],
}

/// An entry of a `.timeindex`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeEntry {
    /// The largest timestamp up to the offset.
    pub timestamp: Timestamp,
    /// The offset.
    pub offset: Offset,
}

impl TimeEntry {
    /// The bytes of the entry in the index of the segment that begins at `base_offset`. `None` if the offset is not
    /// within 2³¹−1 from there on.
    #[must_use]
    pub fn encode(&self, base_offset: Offset) -> Option<[u8; ENTRY_BYTES]> {
        let relative = relative(self.offset, base_offset)?;
        let mut bytes = [0; ENTRY_BYTES];
        put(&mut bytes, TIMESTAMP, self.timestamp.0.to_be_bytes());
        put(&mut bytes, RELATIVE_OFFSET, relative.to_be_bytes());
        Some(bytes)
    }
}

impl<'map> TimeIndex<'map> {
    /// The index in `bytes`, of the segment that begins at `base_offset`.
    #[must_use]
    pub fn new(bytes: &'map [u8], base_offset: Offset) -> Self {
        let (entries, trailing) = bytes.as_chunks();
        Self {
            base_offset,
            entries,
            trailing,
        }
    }

    /// What relative offsets are counted from.
    #[must_use]
    pub fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// The number of entries as a broker counts them in a file it finds: zeros are entries too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of entries before the first one, other than the very first, whose offset is the base offset.
    #[must_use]
    pub fn dumped_len(&self) -> usize {
        let again = self.entries.iter().skip(1).position(|entry| {
            let relative: [u8; 4] = be(entry, RELATIVE_OFFSET);
            relative == [0; 4]
        });
        again.map_or(self.len(), |index| index.saturating_add(1))
    }

    /// The number of entries before those that are zero to the end of the file.
    #[must_use]
    pub fn written_len(&self) -> usize {
        leading_nonzero(self.entries)
    }

    /// Bytes behind the last whole entry.
    #[must_use]
    pub fn trailing(&self) -> &'map [u8] {
        self.trailing
    }

    /// The entry at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<TimeEntry> {
        self.entries.get(index).map(|entry| self.entry(*entry))
    }

    /// The entries in the order of the file.
    #[must_use]
    pub fn entries(
        &self,
    ) -> impl ExactSizeIterator<Item = TimeEntry> + DoubleEndedIterator + use<'map> {
        let index = *self;
        self.entries.iter().map(move |entry| index.entry(*entry))
    }

    /// The entry with the largest timestamp that is not above `target`, as a broker finds it: by halving, the last 8 KiB
    /// first. Where the entries are not in order, that is some entry, or none.
    #[must_use]
    pub fn lookup(&self, target: Timestamp) -> Option<TimeEntry> {
        let order = |entry: &[u8; ENTRY_BYTES]| self.entry(*entry).timestamp.cmp(&target);
        let found = largest_at_most::<ENTRY_BYTES, _>(self.entries, order)?;
        self.get(found)
    }

    /// What brokers up to 2.2 checked when they opened the file, and `--index-sanity-check` does.
    ///
    /// # Errors
    /// The last timestamp lies before the first, or the last offset before the base offset, or the file does not end with an
    /// entry.
    pub fn check(&self) -> Result<(), Fault> {
        let at = self.len().saturating_sub(1).saturating_mul(ENTRY_BYTES);
        if let (Some(first), Some(last)) = (self.entries().next(), self.entries().next_back()) {
            let base = self.base_offset.0;
            if last.timestamp < first.timestamp {
                let (first, last) = (first.timestamp.0, last.timestamp.0);
                return Err(Fault::new(FaultKind::LastTimestamp { last, first }, at));
            }
            if last.offset.0 < base {
                let last = last.offset.0;
                return Err(Fault::new(FaultKind::LastOffset { last, base }, at));
            }
        }
        whole(self.trailing, ENTRY_BYTES, self.len())
    }

    fn entry(&self, bytes: [u8; ENTRY_BYTES]) -> TimeEntry {
        let relative = OffsetDelta(i32::from_be_bytes(be(&bytes, RELATIVE_OFFSET)));
        TimeEntry {
            timestamp: Timestamp(i64::from_be_bytes(be(&bytes, TIMESTAMP))),
            offset: self.base_offset.plus(relative),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let told = (index.len(), index.dumped_len(), index.written_len());
            assert_eq!(told, (len, dumped, written), "{entries:?}");
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
        let fell = FaultKind::LastTimestamp { last: 6, first: 7 };
        assert_eq!(kind(&bytes(&[(7, 1), (6, -1)])), Err(fell));
        let before = FaultKind::LastOffset { last: 4, base: 5 };
        assert_eq!(kind(&bytes(&[(7, 1), (7, -1)])), Err(before));
        let cut = FaultKind::EntryCut {
            left: 11,
            entry: 12,
        };
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
