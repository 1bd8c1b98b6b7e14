//! `.txnindex`: the transactions that were aborted by a marker in this segment (since 0.11).
//!
//! A row of entries without header or checksum, in the order of the markers:
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 2 | version | 0 |
//! | 2 | 8 | producer id | whose transaction it was |
//! | 10 | 8 | first offset | of the transaction; may be in an earlier segment |
//! | 18 | 8 | last offset | of its abort marker |
//! | 26 | 8 | last stable offset | first offset of the oldest transaction still open, or last offset + 1 |
//!
//! Offsets are absolute, not relative to the base offset. Up to 4.3 Kafka reads only the first byte
//! of the version.
//!
//! Source: `TransactionIndex`, `AbortedTxn`.

use super::fault::{Fault, IndexFault};
use super::index::whole;
use super::layout::txn_index::{
    self as layout, FIRST_OFFSET, LAST_OFFSET, LAST_STABLE_OFFSET, PRODUCER_ID, VERSION,
};
use crate::wire::{Offset, ProducerId, be, put};

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = layout::BYTES;

/// The entries of a `.txnindex`.
#[derive(Debug, Clone, Copy)]
pub struct TxnIndex<'map> {
    entries: &'map [[u8; ENTRY_BYTES]],
    trailing: &'map [u8],
}

/// An aborted transaction.
#[derive(Debug, Clone, Copy)]
pub struct AbortedTxn<'map>(&'map [u8; ENTRY_BYTES]);

/// The bytes of an entry: a transaction of `producer_id` from `first_offset` to its abort marker at
/// `last_offset`, written when `last_stable_offset` was the last stable offset.
#[must_use]
pub fn encode(
    producer_id: ProducerId,
    first_offset: Offset,
    last_offset: Offset,
    last_stable_offset: Offset,
) -> [u8; ENTRY_BYTES] {
    let mut bytes = [0; ENTRY_BYTES];
    put(&mut bytes, PRODUCER_ID, producer_id.0.to_be_bytes());
    put(&mut bytes, FIRST_OFFSET, first_offset.0.to_be_bytes());
    put(&mut bytes, LAST_OFFSET, last_offset.0.to_be_bytes());
    put(
        &mut bytes,
        LAST_STABLE_OFFSET,
        last_stable_offset.0.to_be_bytes(),
    );
    bytes
}

impl<'map> TxnIndex<'map> {
    /// The index in `bytes`.
    #[must_use]
    pub fn new(bytes: &'map [u8]) -> Self {
        let (entries, trailing) = bytes.as_chunks();
        Self { entries, trailing }
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns true if there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes after the last whole entry. Kafka ignores them, and appends after them.
    #[must_use]
    pub fn trailing(&self) -> &'map [u8] {
        self.trailing
    }

    /// The entry at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<AbortedTxn<'map>> {
        self.entries.get(index).map(AbortedTxn)
    }

    /// The entries in the order of the file.
    #[must_use]
    pub fn entries(
        &self,
    ) -> impl ExactSizeIterator<Item = AbortedTxn<'map>> + DoubleEndedIterator + use<'map> {
        self.entries.iter().map(AbortedTxn)
    }

    /// Checks what brokers check when they open the file of the segment that begins at
    /// `base_offset`.
    ///
    /// # Errors
    /// An entry is of an unknown version, or its marker is before the segment.
    pub fn check(&self, base_offset: Offset) -> Result<(), Fault> {
        for (index, entry) in self.entries().enumerate() {
            let at = index.saturating_mul(ENTRY_BYTES);
            entry.check().map_err(|fault| fault.shifted(at))?;
            if entry.last_offset() < base_offset {
                let (last, base) = (entry.last_offset().0, base_offset.0);
                let kind = IndexFault::LastOffset { last, base };
                return Err(Fault::new(kind, at.saturating_add(LAST_OFFSET)));
            }
        }
        Ok(())
    }

    /// Checks whether the file ends with an entry.
    ///
    /// # Errors
    /// It does not.
    pub fn check_whole(&self) -> Result<(), Fault> {
        whole(self.trailing, ENTRY_BYTES, self.len())
    }
}

impl AbortedTxn<'_> {
    /// The version as stored.
    #[must_use]
    pub fn version(&self) -> i16 {
        i16::from_be_bytes(be(self.0, VERSION))
    }

    /// Returns the first byte of the version, which Kafka up to 4.3 reads as the version.
    #[must_use]
    pub fn version_byte(&self) -> i8 {
        i8::from_be_bytes(be(self.0, VERSION))
    }

    /// Returns the producer of the transaction.
    #[must_use]
    pub fn producer_id(&self) -> ProducerId {
        ProducerId(i64::from_be_bytes(be(self.0, PRODUCER_ID)))
    }

    /// The first offset of the transaction.
    #[must_use]
    pub fn first_offset(&self) -> Offset {
        Offset(i64::from_be_bytes(be(self.0, FIRST_OFFSET)))
    }

    /// The offset of its abort marker.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        Offset(i64::from_be_bytes(be(self.0, LAST_OFFSET)))
    }

    /// The last stable offset when the marker was written.
    #[must_use]
    pub fn last_stable_offset(&self) -> Offset {
        Offset(i64::from_be_bytes(be(self.0, LAST_STABLE_OFFSET)))
    }

    /// Checks whether the version is one that Kafka reads.
    ///
    /// # Errors
    /// It is not 0.
    pub fn check(&self) -> Result<(), Fault> {
        match self.version() {
            0 => Ok(()),
            version => Err(Fault::new(IndexFault::EntryVersion(version), VERSION)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::FaultKind;

    fn entry(version: i16, numbers: [i64; 4]) -> Vec<u8> {
        let mut bytes = version.to_be_bytes().to_vec();
        bytes.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        bytes
    }

    #[test]
    fn entries_are_read_and_what_follows_them_is_seen() {
        let mut bytes = entry(0, [7, -1, 20, 21]);
        bytes.extend(entry(0, [8, 3, 30, 4]));
        bytes.extend([1, 2, 3]);
        let index = TxnIndex::new(&bytes);
        let found: Vec<_> = index
            .entries()
            .map(|txn| {
                let offsets = (txn.first_offset().0, txn.last_offset().0);
                (txn.producer_id().0, offsets, txn.last_stable_offset().0)
            })
            .collect();
        assert_eq!(found, [(7, (-1, 20), 21), (8, (3, 30), 4)]);
        assert_eq!(index.trailing(), [1, 2, 3]);
        assert_eq!(
            index.get(1).map(|txn| txn.producer_id()),
            Some(ProducerId(8))
        );
        assert!(index.get(2).is_none() && !index.is_empty());
        let cut = FaultKind::Index(IndexFault::EntryCut { left: 3, entry: 34 });
        let fault = index.check_whole().unwrap_err();
        assert_eq!((fault.kind(), fault.at()), (cut, 68));
    }

    #[test]
    fn kafka_reads_half_of_the_version() {
        for (version, byte) in [(0, 0), (1, 0), (0x100, 1), (-1, -1), (i16::MIN, -128)] {
            let bytes = entry(version, [0; 4]);
            let txn = TxnIndex::new(&bytes).get(0).unwrap();
            assert_eq!((txn.version(), txn.version_byte()), (version, byte));
            assert_eq!(txn.check().is_ok(), version == 0);
        }
    }

    #[test]
    fn the_check_says_where() {
        let mut bytes = entry(0, [1, 2, 50, 4]);
        bytes.extend(entry(0, [1, 2, 41, 4]));
        let index = TxnIndex::new(&bytes);
        assert_eq!(index.check(Offset(41)), Ok(()));
        let fault = index.check(Offset(42)).unwrap_err();
        let before = FaultKind::Index(IndexFault::LastOffset { last: 41, base: 42 });
        assert_eq!((fault.kind(), fault.at()), (before, 34 + 18));
        bytes.extend(entry(3, [0; 4]));
        let fault = TxnIndex::new(&bytes).check(Offset(0)).unwrap_err();
        assert_eq!(
            (fault.kind(), fault.at()),
            (FaultKind::Index(IndexFault::EntryVersion(3)), 68)
        );
    }

    #[test]
    fn any_bytes_are_an_index() {
        for length in 0..150_u8 {
            let bytes: Vec<u8> = (0..length).map(|n| n.wrapping_mul(89)).collect();
            let index = TxnIndex::new(&bytes);
            assert_eq!(
                index.len() * ENTRY_BYTES + index.trailing().len(),
                usize::from(length)
            );
            let _any = index.check(Offset(0));
        }
    }
}
