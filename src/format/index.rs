//! What the offset index and the time index have in common: entries of one size, counted from the
//! base offset of their segment.

use std::marker::PhantomData;

use super::fault::{Fault, IndexFault};
use super::search::leading_nonzero;
use crate::wire::{Offset, OffsetDelta, be};

/// An entry of `N` bytes.
pub trait IndexEntry<const N: usize>: Sized {
    /// The position of the relative offset.
    const RELATIVE_OFFSET: usize;

    /// The entry in the index of the segment that begins at `base_offset`.
    fn read(bytes: &[u8; N], base_offset: Offset) -> Self;
}

/// The entries of an index, zeros at its end included.
#[derive(Debug)]
pub struct Index<'map, E, const N: usize> {
    base_offset: Offset,
    entries: &'map [[u8; N]],
    trailing: &'map [u8],
    entry: PhantomData<E>,
}

impl<E, const N: usize> Clone for Index<'_, E, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, const N: usize> Copy for Index<'_, E, N> {}

impl<'map, E: IndexEntry<N>, const N: usize> Index<'map, E, N> {
    /// The index in `bytes`, of the segment that begins at `base_offset`.
    #[must_use]
    pub fn new(bytes: &'map [u8], base_offset: Offset) -> Self {
        let (entries, trailing) = bytes.as_chunks();
        Self {
            base_offset,
            entries,
            trailing,
            entry: PhantomData,
        }
    }

    /// Returns the base offset, to which relative offsets are added.
    #[must_use]
    pub fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// The number of entries as a broker counts them in a file that it opens: zeros are entries
    /// too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns true if there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of entries before the first one, other than the very first, whose offset is the
    /// base offset.
    #[must_use]
    pub fn dumped_len(&self) -> usize {
        let again = self.entries.iter().skip(1).position(|entry| {
            let relative: [u8; 4] = be(entry, E::RELATIVE_OFFSET);
            relative == [0; 4]
        });
        again.map_or(self.len(), |index| index.saturating_add(1))
    }

    /// The number of entries before those that are zero to the end of the file.
    #[must_use]
    pub fn written_len(&self) -> usize {
        leading_nonzero(self.entries)
    }

    /// Bytes after the last whole entry.
    #[must_use]
    pub fn trailing(&self) -> &'map [u8] {
        self.trailing
    }

    /// The entry at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<E> {
        let entry = self.entries.get(index)?;
        Some(E::read(entry, self.base_offset))
    }

    /// The entries in the order of the file.
    #[must_use]
    pub fn entries(
        &self,
    ) -> impl ExactSizeIterator<Item = E> + DoubleEndedIterator + use<'map, E, N> {
        let base_offset = self.base_offset;
        self.entries
            .iter()
            .map(move |entry| E::read(entry, base_offset))
    }

    /// The entries as stored.
    pub(super) fn stored(&self) -> &'map [[u8; N]] {
        self.entries
    }

    /// Checks whether the file ends with an entry.
    pub(super) fn check_whole(&self) -> Result<(), Fault> {
        whole(self.trailing, N, self.len())
    }
}

/// Returns the distance of `offset` from the base offset of its segment; `None` if it does not fit
/// an index.
pub(crate) fn relative(offset: Offset, base_offset: Offset) -> Option<i32> {
    let relative = offset.0.checked_sub(base_offset.0)?;
    i32::try_from(relative)
        .ok()
        .filter(|relative| *relative >= 0)
}

/// Returns the offset at byte `at` of an entry, whose relative offset is added to `base_offset`.
pub(super) fn offset<const N: usize>(entry: &[u8; N], at: usize, base_offset: Offset) -> Offset {
    base_offset.plus(OffsetDelta(i32::from_be_bytes(be(entry, at))))
}

/// Checks whether nothing is left after the last of `count` entries.
pub(super) fn whole(trailing: &[u8], entry: usize, count: usize) -> Result<(), Fault> {
    match trailing.len() {
        0 => Ok(()),
        left => Err(Fault::new(
            IndexFault::EntryCut { left, entry },
            count.saturating_mul(entry),
        )),
    }
}
