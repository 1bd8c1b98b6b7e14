//! The account of bytes: the kind of every byte of a file.

use crate::scan::Merge;

/// Bytes by their kind. The kinds are disjoint, so they add up to the files' sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Coverage {
    /// Files read.
    pub files: u64,
    /// Bytes of them all.
    pub size_bytes: u64,
    /// Valid batches.
    pub batch_bytes: u64,
    /// Entries of indexes.
    pub entry_bytes: u64,
    /// Small files that could be read: checkpoints, snapshots, properties.
    pub small_bytes: u64,
    /// Zeros of preallocated space.
    pub padding_bytes: u64,
    /// Bytes that are neither batches nor entries.
    pub damage_bytes: u64,
    /// Unreadable bytes: bad sectors.
    pub unreadable_bytes: u64,
    /// Unknown files, and files that no check reads.
    pub unknown_bytes: u64,
}

impl Coverage {
    /// The account of a file of this size before it is read.
    #[must_use]
    pub fn of_file(size_bytes: u64) -> Self {
        Self {
            files: 1,
            size_bytes,
            ..Self::default()
        }
    }

    /// Bytes that are accounted for.
    #[must_use]
    pub fn accounted_bytes(&self) -> u64 {
        [
            self.batch_bytes,
            self.entry_bytes,
            self.small_bytes,
            self.padding_bytes,
            self.damage_bytes,
            self.unreadable_bytes,
            self.unknown_bytes,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// Returns true if every byte is accounted for, once.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.accounted_bytes() == self.size_bytes
    }
}

impl Merge for Coverage {
    fn merge(&mut self, next: Self) {
        for (mine, its) in [
            (&mut self.files, next.files),
            (&mut self.size_bytes, next.size_bytes),
            (&mut self.batch_bytes, next.batch_bytes),
            (&mut self.entry_bytes, next.entry_bytes),
            (&mut self.small_bytes, next.small_bytes),
            (&mut self.padding_bytes, next.padding_bytes),
            (&mut self.damage_bytes, next.damage_bytes),
            (&mut self.unreadable_bytes, next.unreadable_bytes),
            (&mut self.unknown_bytes, next.unknown_bytes),
        ] {
            *mine = mine.saturating_add(its);
        }
    }
}
