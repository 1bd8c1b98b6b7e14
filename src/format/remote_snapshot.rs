//! `remote_log_snapshot`: the segments of a partition in tiered storage, as brokers of 3.0 to 3.7
//! stored them.
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 2 | version | 0 |
//! | 2 | 4 | metadata partition | the partition of `__remote_log_metadata` |
//! | 6 | 8 | offset | how far it was read |
//! | 14 | 4 | entries | number of entries |
//!
//! An entry is its size (4 bytes) and a record as in `__remote_log_metadata`.
//!
//! Source: `RemoteLogMetadataSnapshotFile`; KIP-405.

use super::fault::{Fault, SchemaFault};
use super::layout::remote_snapshot::{self as layout, ENTRIES, OFFSET, PARTITION, VERSION};
use crate::wire::{NumberFault, Offset, Position, be};

/// Bytes before the first entry.
pub const HEADER_BYTES: usize = layout::BYTES;

/// Bytes before the record of an entry.
const SIZE_BYTES: usize = 4;

/// A snapshot.
#[derive(Debug, Clone, Copy)]
pub struct RemoteSnapshot<'map> {
    header: &'map [u8; HEADER_BYTES],
    body: &'map [u8],
}

impl<'map> RemoteSnapshot<'map> {
    /// Reads the header.
    ///
    /// # Errors
    /// The file is shorter than the header.
    pub fn parse(bytes: &'map [u8]) -> Result<Self, Fault> {
        let (header, body) = bytes
            .split_first_chunk()
            .ok_or(Fault::new(NumberFault::EndOfInput, bytes.len()))?;
        Ok(Self { header, body })
    }

    /// The version of the file.
    #[must_use]
    pub fn version(&self) -> i16 {
        i16::from_be_bytes(be(self.header, VERSION))
    }

    /// The partition of `__remote_log_metadata` that was read.
    #[must_use]
    pub fn metadata_partition(&self) -> i32 {
        i32::from_be_bytes(be(self.header, PARTITION))
    }

    /// Returns the offset up to which it was read.
    #[must_use]
    pub fn offset(&self) -> Offset {
        Offset(i64::from_be_bytes(be(self.header, OFFSET)))
    }

    /// Returns the entry count as stored.
    #[must_use]
    pub fn declared(&self) -> i32 {
        i32::from_be_bytes(be(self.header, ENTRIES))
    }

    /// The entries, up to the first fault: the position of each record, and its bytes.
    pub fn entries(&self) -> impl Iterator<Item = Result<(Position, &'map [u8]), Fault>> {
        let (mut rest, mut at) = (self.body, HEADER_BYTES);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let Some((size, after)) = rest.split_first_chunk::<SIZE_BYTES>() else {
                rest = &[];
                return Some(Err(Fault::new(NumberFault::EndOfInput, at)));
            };
            let length = i32::from_be_bytes(*size);
            let record = usize::try_from(length)
                .ok()
                .and_then(|length| after.split_at_checked(length));
            let Some((record, after)) = record else {
                let left = after.len();
                rest = &[];
                let kind = SchemaFault::FieldLength { length, left };
                return Some(Err(Fault::new(kind, at)));
            };
            let position = at.saturating_add(SIZE_BYTES);
            at = position.saturating_add(record.len());
            rest = after;
            Some(Ok((Position(position as u64), record)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_cut_out_by_their_size() {
        let mut bytes = vec![0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0, 2];
        bytes.extend([0, 0, 0, 2, 8, 9, 0, 0, 0, 9, 1]);
        let snapshot = RemoteSnapshot::parse(&bytes).unwrap();
        assert_eq!((snapshot.version(), snapshot.metadata_partition()), (0, 7));
        assert_eq!((snapshot.offset(), snapshot.declared()), (Offset(42), 2));
        let entries: Vec<_> = snapshot.entries().collect();
        assert_eq!(entries[0], Ok((Position(22), &[8, 9][..])));
        let kind = SchemaFault::FieldLength { length: 9, left: 1 };
        assert_eq!(entries[1], Err(Fault::new(kind, 24)));
        assert_eq!(entries.len(), 2);
        assert!(RemoteSnapshot::parse(&bytes[..17]).is_err());
    }
}
