//! `.index`: positions of offsets in the `.log`, a few for each segment.
//!
//! A row of entries without header or checksum:
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 4 | relative offset | offset − base offset of the segment; rises from entry to entry |
//! | 4 | 4 | position | where in the `.log` a batch begins |
//!
//! Which offset is in an entry depends on the release: the first of what was appended (0.8 to 1.1),
//! the last of all that was appended at once (2.0 to 4.0), or the last of the batch at the
//! position.
//!
//! Brokers preallocate the file of the active segment, so that it may end in zeros; they never
//! index position 0. Kafka determines in three ways where they begin: a broker counts them as
//! entries ([`len`](OffsetIndex::len)), unless it is the one that wrote the file; `DumpLogSegments`
//! stops at the second offset that equals the base offset
//! ([`dumped_len`](OffsetIndex::dumped_len)); and what was never written is zero to the end
//! ([`written_len`](OffsetIndex::written_len)), which a broker truncates when it closes the file.
//!
//! Source: `OffsetIndex`, `AbstractIndex`.

use super::fault::{Fault, IndexFault};
use super::index::{self, Index, IndexEntry, relative};
use super::layout::offset_index::{self as layout, POSITION, RELATIVE_OFFSET};
use super::search::{largest_at_most, largest_at_most_cold};
use crate::wire::{Offset, be, put};

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = layout::BYTES;

/// The entries of an `.index`, zeros at its end included.
pub type OffsetIndex<'map> = Index<'map, OffsetEntry, ENTRY_BYTES>;

/// An entry of an `.index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OffsetEntry {
    /// The offset.
    pub offset: Offset,
    /// The position of the batch as stored; negative in damaged files only.
    pub position: i32,
}

impl OffsetEntry {
    /// The bytes of the entry in the index of the segment that begins at `base_offset`. `None` if
    /// the offset is not within 2³¹−1 from there on.
    #[must_use]
    pub fn encode(&self, base_offset: Offset) -> Option<[u8; ENTRY_BYTES]> {
        let relative = relative(self.offset, base_offset)?;
        let mut bytes = [0; ENTRY_BYTES];
        put(&mut bytes, RELATIVE_OFFSET, relative.to_be_bytes());
        put(&mut bytes, POSITION, self.position.to_be_bytes());
        Some(bytes)
    }
}

impl IndexEntry<ENTRY_BYTES> for OffsetEntry {
    const RELATIVE_OFFSET: usize = RELATIVE_OFFSET;

    fn read(bytes: &[u8; ENTRY_BYTES], base_offset: Offset) -> Self {
        Self {
            offset: index::offset(bytes, RELATIVE_OFFSET, base_offset),
            position: i32::from_be_bytes(be(bytes, POSITION)),
        }
    }
}

impl OffsetIndex<'_> {
    /// The entry with the largest offset that is not above `target`, as a broker finds it: by
    /// binary search, in the last 8 KiB first. If the entries are not in order, it is some entry,
    /// or none.
    #[must_use]
    pub fn lookup(&self, target: Offset) -> Option<OffsetEntry> {
        let base = self.base_offset();
        let order = |entry: &[u8; ENTRY_BYTES]| OffsetEntry::read(entry, base).offset.cmp(&target);
        let found = largest_at_most::<ENTRY_BYTES, _>(self.stored(), order)?;
        self.get(found)
    }

    /// The same as brokers up to 2.0 found it: by binary search in all entries at once.
    #[must_use]
    pub fn lookup_cold(&self, target: Offset) -> Option<OffsetEntry> {
        let base = self.base_offset();
        let order = |entry: &[u8; ENTRY_BYTES]| OffsetEntry::read(entry, base).offset.cmp(&target);
        self.get(largest_at_most_cold(self.stored(), order)?)
    }

    /// Checks what brokers up to 2.2 checked when they opened the file, as `--index-sanity-check`
    /// does.
    ///
    /// # Errors
    /// The last offset is before the base offset, or the file does not end with an entry. Up to 1.1
    /// the last offset had to be above the base offset.
    pub fn check(&self) -> Result<(), Fault> {
        let base = self.base_offset();
        let at = self.len().saturating_sub(1).saturating_mul(ENTRY_BYTES);
        match self.entries().next_back() {
            Some(last) if last.offset < base => {
                let last = last.offset.0;
                Err(Fault::new(
                    IndexFault::LastOffset { last, base: base.0 },
                    at,
                ))
            }
            _ => self.check_whole(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::FaultKind;

    fn bytes(entries: &[(i32, i32)]) -> Vec<u8> {
        let word = |&(offset, position): &(i32, i32)| {
            [offset.to_be_bytes(), position.to_be_bytes()].concat()
        };
        entries.iter().flat_map(word).collect()
    }

    #[test]
    fn entries_are_signed_and_counted_from_the_base() {
        let bytes = bytes(&[(1, 100), (-3, -5), (i32::MAX, i32::MIN)]);
        let index = OffsetIndex::new(&bytes, Offset(1000));
        let found: Vec<_> = index.entries().map(|e| (e.offset.0, e.position)).collect();
        let top = 1000 + i64::from(i32::MAX);
        assert_eq!(found, [(1001, 100), (997, -5), (top, i32::MIN)]);
        assert_eq!(index.get(1), index.entries().nth(1));
        assert_eq!(index.get(3), None);
        let far = OffsetIndex::new(&bytes, Offset(i64::MAX));
        assert_eq!(far.get(0).unwrap().offset, Offset(i64::MIN));
    }

    #[test]
    fn zeros_at_the_end_are_told_in_three_ways() {
        for (entries, len, dumped, written) in [
            (&[][..], 0, 0, 0),
            (&[(0, 0)], 1, 1, 0),
            (&[(0, 0), (0, 0)], 2, 1, 0),
            (&[(7, 50), (9, 80), (0, 0), (0, 0)], 4, 2, 2),
            (&[(7, 50), (0, 0), (9, 80), (0, 0)], 4, 1, 3),
            (&[(0, 50), (0, 80)], 2, 1, 2),
        ] {
            let bytes = bytes(entries);
            let index = OffsetIndex::new(&bytes, Offset(5));
            let reported = (index.len(), index.dumped_len(), index.written_len());
            assert_eq!(reported, (len, dumped, written), "{entries:?}");
            assert_eq!(index.is_empty(), len == 0);
        }
    }

    #[test]
    fn a_lookup_finds_the_last_entry_not_above() {
        let entries: Vec<_> = (0..3000).map(|n| (n * 2 + 1, n)).collect();
        let bytes = bytes(&entries);
        let index = OffsetIndex::new(&bytes, Offset(10));
        for (target, position) in [
            (10, None),
            (11, Some(0)),
            (12, Some(0)),
            (13, Some(1)),
            (4000, Some(1994)),
            (6009, Some(2999)),
            (9_999_999, Some(2999)),
            (i64::MIN, None),
        ] {
            let found = index.lookup(Offset(target)).map(|entry| entry.position);
            assert_eq!(found, position, "{target}");
            assert_eq!(
                index.lookup(Offset(target)),
                index.lookup_cold(Offset(target))
            );
        }
        assert_eq!(OffsetIndex::new(&[], Offset(0)).lookup(Offset(5)), None);
    }

    #[test]
    fn releases_disagree_where_the_entries_are_not_in_order() {
        let bytes = bytes(&[(18, 1112), (4, 315), (9, 623), (29, 1638)]);
        let index = OffsetIndex::new(&bytes, Offset(0));
        let position = |found: Option<OffsetEntry>| found.map(|entry| entry.position);
        assert_eq!(position(index.lookup(Offset(18))), Some(1112));
        assert_eq!(position(index.lookup_cold(Offset(18))), Some(623));
    }

    #[test]
    fn the_check_minds_the_last_offset_before_the_length() {
        let kind = |bytes: &[u8]| {
            OffsetIndex::new(bytes, Offset(5))
                .check()
                .map_err(|f| f.kind())
        };
        assert_eq!(kind(&[]), Ok(()));
        assert_eq!(kind(&bytes(&[(-9, 1), (0, 0)])), Ok(()));
        let mut bad = bytes(&[(1, 1), (-1, 1)]);
        bad.push(0);
        let last = FaultKind::Index(IndexFault::LastOffset { last: 4, base: 5 });
        assert_eq!(kind(&bad), Err(last));
        let cut = FaultKind::Index(IndexFault::EntryCut { left: 3, entry: 8 });
        assert_eq!(kind(&[0; 11]), Err(cut));
        let index = OffsetIndex::new(&bad, Offset(5));
        assert_eq!((index.trailing(), index.len()), (&[0][..], 2));
    }

    #[test]
    fn any_bytes_are_an_index() {
        let mut noise = 1_u32;
        for length in 0..200 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    noise.to_be_bytes()[0]
                })
                .collect();
            let index = OffsetIndex::new(&bytes, Offset(i64::MAX - 1));
            assert_eq!(index.len() * ENTRY_BYTES + index.trailing().len(), length);
            assert!(index.dumped_len() <= index.len() && index.written_len() <= index.len());
            let target = index
                .entries()
                .next()
                .map_or(Offset(0), |entry| entry.offset);
            let _any = (index.lookup(target), index.check());
        }
    }
}
