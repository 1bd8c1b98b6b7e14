//! `.snapshot`: the state of idempotent producers when the log ended at the offset in its name
//! (since 0.11).
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 2 | version | 1, the only one ever written |
//! | 2 | 4 | crc | CRC-32C of everything from the entry count to the end of the file |
//! | 6 | 4 | entry count | |
//! | 10 | 46 each | entries | in no order |
//!
//! An entry:
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 8 | producer id | |
//! | 8 | 2 | producer epoch | |
//! | 10 | 4 | last sequence | of its last batch; −1 none |
//! | 14 | 8 | last offset | of its last batch of data; −1 none |
//! | 22 | 4 | offset delta | last − first offset of that batch |
//! | 26 | 8 | timestamp | ms; of that batch, or of its last marker |
//! | 34 | 4 | coordinator epoch | of its last marker; −1 none |
//! | 38 | 8 | first offset of the transaction | that is open; −1 none |
//!
//! Source: `ProducerStateManager`, `ProducerSnapshot.json`.

use super::fault::{Fault, SnapshotFault};
use super::layout::producer_entry::{
    self as layout, COORDINATOR_EPOCH, LAST_OFFSET, LAST_SEQUENCE, OFFSET_DELTA, PRODUCER_EPOCH,
    PRODUCER_ID, TIMESTAMP, TXN_FIRST_OFFSET,
};
use super::layout::producer_snapshot::{self as header, COUNT, CRC, VERSION};
use crate::wire::{NumberFault, Offset, OffsetDelta, ProducerId, Timestamp, be, crc, put};

/// Bytes before the entries.
pub const HEADER_BYTES: usize = header::BYTES;

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = layout::BYTES;

/// The version that is written and read.
pub const KNOWN_VERSION: i16 = 1;

/// A snapshot of the state of producers.
#[derive(Debug, Clone, Copy)]
pub struct ProducerSnapshot<'map> {
    header: &'map [u8; HEADER_BYTES],
    bytes: &'map [u8],
    entries: &'map [[u8; ENTRY_BYTES]],
    trailing: &'map [u8],
}

/// The state of a producer.
#[derive(Debug, Clone, Copy)]
pub struct ProducerState<'map>(&'map [u8; ENTRY_BYTES]);

/// The state of a producer, by value. −1 means none, as in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProducerEntry {
    /// The producer.
    pub producer_id: ProducerId,
    /// Its epoch.
    pub producer_epoch: i16,
    /// The last sequence number of its last batch.
    pub last_sequence: i32,
    /// The last offset of that batch.
    pub last_offset: Offset,
    /// Distance of that offset from the first of the batch.
    pub offset_delta: OffsetDelta,
    /// The time of its last activity.
    pub timestamp: Timestamp,
    /// Term of the coordinator that wrote its last marker.
    pub coordinator_epoch: i32,
    /// The first offset of its open transaction.
    pub txn_first_offset: Offset,
}

impl ProducerEntry {
    /// The state of a producer of which nothing is known.
    #[must_use]
    pub const fn unknown(producer_id: ProducerId) -> Self {
        Self {
            producer_id,
            producer_epoch: -1,
            last_sequence: -1,
            last_offset: Offset(-1),
            offset_delta: OffsetDelta(0),
            timestamp: Timestamp(-1),
            coordinator_epoch: -1,
            txn_first_offset: Offset(-1),
        }
    }

    /// Returns the first offset of its open transaction, if it has one.
    #[must_use]
    pub fn open_txn(&self) -> Option<Offset> {
        Some(self.txn_first_offset).filter(|offset| offset.0 >= 0)
    }

    fn encode(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        put(&mut bytes, PRODUCER_ID, self.producer_id.0.to_be_bytes());
        put(
            &mut bytes,
            PRODUCER_EPOCH,
            self.producer_epoch.to_be_bytes(),
        );
        put(&mut bytes, LAST_SEQUENCE, self.last_sequence.to_be_bytes());
        put(&mut bytes, LAST_OFFSET, self.last_offset.0.to_be_bytes());
        put(&mut bytes, OFFSET_DELTA, self.offset_delta.0.to_be_bytes());
        put(&mut bytes, TIMESTAMP, self.timestamp.0.to_be_bytes());
        let coordinator_epoch = self.coordinator_epoch.to_be_bytes();
        put(&mut bytes, COORDINATOR_EPOCH, coordinator_epoch);
        let txn_first_offset = self.txn_first_offset.0.to_be_bytes();
        put(&mut bytes, TXN_FIRST_OFFSET, txn_first_offset);
        bytes
    }
}

impl From<ProducerState<'_>> for ProducerEntry {
    fn from(state: ProducerState<'_>) -> Self {
        Self {
            producer_id: state.producer_id(),
            producer_epoch: state.producer_epoch(),
            last_sequence: state.last_sequence(),
            last_offset: state.last_offset(),
            offset_delta: state.offset_delta(),
            timestamp: state.timestamp(),
            coordinator_epoch: state.coordinator_epoch(),
            txn_first_offset: state.txn_first_offset(),
        }
    }
}

/// The bytes of a snapshot of `entries`, in their order.
#[must_use]
pub fn encode(entries: &[ProducerEntry]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes.extend(entries.iter().flat_map(ProducerEntry::encode));
    put(&mut bytes, VERSION, KNOWN_VERSION.to_be_bytes());
    let count = i32::try_from(entries.len()).unwrap_or(i32::MAX);
    put(&mut bytes, COUNT, count.to_be_bytes());
    let crc = crc::crc32c(bytes.get(COUNT..).unwrap_or_default());
    put(&mut bytes, CRC, crc.to_be_bytes());
    bytes
}

impl<'map> ProducerSnapshot<'map> {
    /// The snapshot in `bytes`, whatever its version and checksum, which [`check`](Self::check)
    /// compares.
    ///
    /// # Errors
    /// The bytes end inside the header.
    pub fn parse(bytes: &'map [u8]) -> Result<Self, Fault> {
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(Fault::new(NumberFault::EndOfInput, bytes.len()));
        };
        let count = i32::from_be_bytes(be(header, COUNT));
        let (all, _) = rest.as_chunks();
        let declared = usize::try_from(count).unwrap_or(0);
        let entries = all.get(..declared).unwrap_or(all);
        let trailing = rest.get(entries.as_flattened().len()..).unwrap_or_default();
        Ok(Self {
            header,
            bytes,
            entries,
            trailing,
        })
    }

    /// The version as stored.
    #[must_use]
    pub fn version(&self) -> i16 {
        i16::from_be_bytes(be(self.header, VERSION))
    }

    /// The checksum as stored.
    #[must_use]
    pub fn stored_crc(&self) -> u32 {
        u32::from_be_bytes(be(self.header, CRC))
    }

    /// The checksum of the bytes.
    #[must_use]
    pub fn actual_crc(&self) -> u32 {
        crc::crc32c(self.bytes.get(COUNT..).unwrap_or_default())
    }

    /// The entry count as stored.
    #[must_use]
    pub fn declared_len(&self) -> i32 {
        i32::from_be_bytes(be(self.header, COUNT))
    }

    /// The number of entries of the entry count that are in the file.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns true if there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes after the last entry; the checksum covers them.
    #[must_use]
    pub fn trailing(&self) -> &'map [u8] {
        self.trailing
    }

    /// Bytes after the header.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.bytes.len().saturating_sub(HEADER_BYTES)
    }

    /// The entries in the order of the file.
    #[must_use]
    pub fn entries(
        &self,
    ) -> impl ExactSizeIterator<Item = ProducerState<'map>> + DoubleEndedIterator + use<'map> {
        self.entries.iter().map(ProducerState)
    }

    /// Checks everything that a broker checks before it uses a snapshot.
    ///
    /// # Errors
    /// The version is unknown, entries are missing, or the checksum is wrong, in this order.
    pub fn check(&self) -> Result<(), Fault> {
        if self.version() != KNOWN_VERSION {
            let kind = SnapshotFault::Version(self.version());
            return Err(Fault::new(kind, VERSION));
        }
        let length = self.declared_len();
        if usize::try_from(length) != Ok(self.len()) {
            let left = self.body_bytes();
            let kind = SnapshotFault::Entries { length, left };
            return Err(Fault::new(kind, COUNT));
        }
        self.check_crc()
    }

    /// Compares the checksum stored with that of the bytes.
    ///
    /// # Errors
    /// They differ.
    pub fn check_crc(&self) -> Result<(), Fault> {
        let (stored, actual) = (self.stored_crc(), self.actual_crc());
        if stored == actual {
            Ok(())
        } else {
            Err(Fault::new(SnapshotFault::Crc { stored, actual }, CRC))
        }
    }
}

impl ProducerState<'_> {
    /// Returns the producer.
    #[must_use]
    pub fn producer_id(&self) -> ProducerId {
        ProducerId(i64::from_be_bytes(be(self.0, PRODUCER_ID)))
    }

    /// Its epoch.
    #[must_use]
    pub fn producer_epoch(&self) -> i16 {
        i16::from_be_bytes(be(self.0, PRODUCER_EPOCH))
    }

    /// The last sequence number of its last batch; −1 none.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        i32::from_be_bytes(be(self.0, LAST_SEQUENCE))
    }

    /// The last offset of its last batch; −1 none.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        Offset(i64::from_be_bytes(be(self.0, LAST_OFFSET)))
    }

    /// Distance of the last offset of that batch from its first.
    #[must_use]
    pub fn offset_delta(&self) -> OffsetDelta {
        OffsetDelta(i32::from_be_bytes(be(self.0, OFFSET_DELTA)))
    }

    /// The first sequence number of that batch; numbers wrap from 2³¹−1 to 0
    /// (`BatchMetadata.firstSeq`).
    #[must_use]
    pub fn first_sequence(&self) -> i32 {
        let (last, OffsetDelta(delta)) = (self.last_sequence(), self.offset_delta());
        if last >= delta {
            last.wrapping_sub(delta)
        } else {
            i32::MAX
                .wrapping_sub(delta.wrapping_sub(last))
                .wrapping_add(1)
        }
    }

    /// Returns the time of its last activity.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        Timestamp(i64::from_be_bytes(be(self.0, TIMESTAMP)))
    }

    /// Term of the coordinator that wrote its last marker; −1 none.
    #[must_use]
    pub fn coordinator_epoch(&self) -> i32 {
        i32::from_be_bytes(be(self.0, COORDINATOR_EPOCH))
    }

    /// Returns the first offset of its open transaction, as stored; −1 none.
    #[must_use]
    pub fn txn_first_offset(&self) -> Offset {
        Offset(i64::from_be_bytes(be(self.0, TXN_FIRST_OFFSET)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::FaultKind;

    /// One producer, as a broker wrote it.
    const ONE: [u8; 56] = [
        0, 1, 0x64, 0xc4, 0x78, 0x16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0xe8, 0, 0, 0, 0, 0, 4, 0,
        0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 1, 0x8b, 0xcf, 0xe5, 0x68, 0, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ];

    fn kind(bytes: &[u8]) -> Result<(), FaultKind> {
        ProducerSnapshot::parse(bytes)
            .and_then(|snapshot| snapshot.check())
            .map_err(|fault| fault.kind())
    }

    #[test]
    fn a_snapshot_of_a_broker_is_read() {
        let snapshot = ProducerSnapshot::parse(&ONE).unwrap();
        assert_eq!(snapshot.check(), Ok(()));
        let states: Vec<_> = snapshot.entries().collect();
        let [state] = states[..] else {
            panic!("{states:?}")
        };
        assert_eq!((state.producer_id().0, state.producer_epoch()), (1000, 0));
        assert_eq!((state.first_sequence(), state.last_sequence()), (0, 4));
        assert_eq!((state.last_offset().0, state.offset_delta().0), (4, 4));
        assert_eq!(state.timestamp().0, 1_700_000_000_000);
        assert_eq!(
            (state.coordinator_epoch(), state.txn_first_offset().0),
            (-1, -1)
        );
        let empty = [0, 1, 0x48, 0x67, 0x4b, 0xc7, 0, 0, 0, 0];
        assert_eq!(kind(&empty), Ok(()));
    }

    #[test]
    fn a_snapshot_is_written_as_it_was_read() {
        let snapshot = ProducerSnapshot::parse(&ONE).unwrap();
        let entries: Vec<_> = snapshot.entries().map(ProducerEntry::from).collect();
        assert_eq!(encode(&entries), ONE);
        assert_eq!(encode(&[]), [0, 1, 0x48, 0x67, 0x4b, 0xc7, 0, 0, 0, 0]);
    }

    #[test]
    fn the_first_sequence_wraps() {
        let mut bytes = ONE;
        bytes[20..24].copy_from_slice(&1_i32.to_be_bytes());
        let snapshot = ProducerSnapshot::parse(&bytes).unwrap();
        let state = snapshot.entries().next().unwrap();
        assert_eq!(
            (state.last_sequence(), state.first_sequence()),
            (1, i32::MAX - 2)
        );
    }

    #[test]
    fn what_is_wrong_is_told_and_the_rest_still_read() {
        for cut in 0..HEADER_BYTES {
            assert_eq!(
                kind(&ONE[..cut]),
                Err(FaultKind::Number(NumberFault::EndOfInput)),
                "{cut}"
            );
        }
        for cut in HEADER_BYTES..ONE.len() {
            let missing = FaultKind::ProducerSnapshot(SnapshotFault::Entries {
                length: 1,
                left: cut - HEADER_BYTES,
            });
            assert_eq!(kind(&ONE[..cut]), Err(missing), "{cut}");
        }
        let mut version = ONE;
        version[1] = 2;
        assert_eq!(
            kind(&version),
            Err(FaultKind::ProducerSnapshot(SnapshotFault::Version(2)))
        );
        let longer = [&ONE[..], &[9]].concat();
        assert!(matches!(
            kind(&longer),
            Err(FaultKind::ProducerSnapshot(SnapshotFault::Crc { .. }))
        ));
        let snapshot = ProducerSnapshot::parse(&longer).unwrap();
        assert_eq!((snapshot.len(), snapshot.trailing()), (1, &[9][..]));
        for count in [-1, i32::MIN, i32::MAX, 2] {
            let mut bytes = ONE;
            bytes[6..10].copy_from_slice(&count.to_be_bytes());
            let missing = FaultKind::ProducerSnapshot(SnapshotFault::Entries {
                length: count,
                left: ENTRY_BYTES,
            });
            assert_eq!(kind(&bytes), Err(missing));
            let snapshot = ProducerSnapshot::parse(&bytes).unwrap();
            assert_eq!(snapshot.len(), usize::from(count > 0));
        }
    }

    #[test]
    fn any_flipped_bit_is_a_fault() {
        for bit in 0..ONE.len() * 8 {
            let mut bytes = ONE;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(kind(&bytes).is_err(), "{bit}");
        }
    }
}
