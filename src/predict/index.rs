//! An offset index as a broker sees it: every 8 bytes are an entry, zeros included.

use super::thrown::Thrown;
use super::virtual_dir::{self, Content};
use crate::store::LogFile;

/// Bytes of an entry.
pub(super) const ENTRY_BYTES: u64 = 8;

/// Bytes of an entry of the time index.
pub(super) const TIME_ENTRY_BYTES: u64 = 12;

/// The entries at the end that are searched first (`AbstractIndex.warmEntries`).
const WARM_ENTRIES: u64 = 8192 / ENTRY_BYTES;

/// An entry: an offset and the position of its batch.
pub(super) type Place = (i64, i64);

/// An offset index.
#[derive(Debug)]
pub(super) struct Index {
    base: i64,
    entries: Entries,
}

#[derive(Debug)]
enum Entries {
    /// In a file.
    Stored { file: LogFile, len: u64 },
    /// Never written: all of them zeros.
    Zeros(u64),
    /// Rebuilt.
    Built(Vec<Place>),
}

impl Index {
    /// Opens the index with this content.
    pub(super) fn open(name: &str, base: i64, content: &Content) -> Result<Self, Thrown> {
        if content.len_bytes() > i32::MAX.unsigned_abs().into() {
            return Err(Thrown::fatal(name, "too large to be mapped"));
        }
        let len = content.len_bytes() / ENTRY_BYTES;
        let entries = match content {
            Content::Disk { path, .. } => Entries::Stored {
                file: virtual_dir::open(path)?,
                len,
            },
            Content::Zeros(_) => Entries::Zeros(len),
            Content::Rebuilt | Content::Producers(_) => Entries::Built(Vec::new()),
        };
        Ok(Self { base, entries })
    }

    /// An index without entries.
    pub(super) fn empty(base: i64) -> Self {
        let entries = Entries::Built(Vec::new());
        Self { base, entries }
    }

    /// The number of entries.
    pub(super) fn len(&self) -> u64 {
        match &self.entries {
            Entries::Stored { len, .. } | Entries::Zeros(len) => *len,
            Entries::Built(entries) => entries.len() as u64,
        }
    }

    fn get(&self, slot: u64) -> Result<Place, Thrown> {
        let none = (self.base, 0);
        Ok(match &self.entries {
            Entries::Stored { file, .. } => {
                let mut buffer = Vec::new();
                let start = slot.saturating_mul(ENTRY_BYTES);
                let bytes = file.window(start..start.saturating_add(ENTRY_BYTES), &mut buffer)?;
                let Some((offset, rest)) = bytes.split_first_chunk() else {
                    return Ok(none);
                };
                let Some(position) = rest.first_chunk() else {
                    return Ok(none);
                };
                let relative = i64::from(i32::from_be_bytes(*offset));
                (
                    self.base.wrapping_add(relative),
                    i32::from_be_bytes(*position).into(),
                )
            }
            Entries::Zeros(_) => none,
            Entries::Built(entries) => usize::try_from(slot)
                .ok()
                .and_then(|slot| entries.get(slot))
                .copied()
                .unwrap_or(none),
        })
    }

    /// The last offset in it; the base offset if it is empty.
    pub(super) fn last_offset(&self) -> Result<i64, Thrown> {
        match self.len().checked_sub(1) {
            Some(last) => Ok(self.get(last)?.0),
            None => Ok(self.base),
        }
    }

    /// The offset of the first entry above `target`.
    pub(super) fn above(&self, target: i64) -> Result<Option<i64>, Thrown> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.get(middle)?.0 > target {
                high = middle;
            } else {
                low = middle.saturating_add(1);
            }
        }
        let entry = if low < self.len() {
            Some(self.get(low)?.0)
        } else {
            None
        };
        Ok(entry.filter(|offset| *offset > target))
    }

    /// Returns the start of the search for `target` (`OffsetIndex.lookup`): the position of the
    /// last entry not above it, or that at which the binary search ends if the entries are out of
    /// order.
    pub(super) fn lookup(&self, target: i64) -> Result<i64, Thrown> {
        let Some(last) = self.len().checked_sub(1) else {
            return Ok(0);
        };
        let warm = last.saturating_sub(WARM_ENTRIES);
        if self.get(warm)?.0 < target {
            return self.search(target, warm, last);
        }
        if self.get(0)?.0 > target {
            return Ok(0);
        }
        self.search(target, 0, warm)
    }

    fn search(&self, target: i64, mut low: u64, mut high: u64) -> Result<i64, Thrown> {
        while low < high {
            let middle = (low + high).div_ceil(2);
            let (offset, position) = self.get(middle)?;
            match offset.cmp(&target) {
                std::cmp::Ordering::Greater => high = middle.saturating_sub(1),
                std::cmp::Ordering::Less => low = middle,
                std::cmp::Ordering::Equal => return Ok(position),
            }
        }
        Ok(self.get(low)?.1)
    }

    /// Appends an entry to an index that is rebuilt. Returns false if it does not follow the last
    /// one.
    pub(super) fn append(&mut self, place: Place) -> Result<bool, Thrown> {
        if self.len() > 0 && place.0 <= self.last_offset()? {
            return Ok(false);
        }
        if let Entries::Built(entries) = &mut self.entries {
            entries.push(place);
        }
        Ok(true)
    }

    /// Drops entries that the next steps do not need: entries only make searches faster.
    pub(super) fn forget(&mut self) {
        if let Entries::Built(entries) = &mut self.entries {
            *entries = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_not_above_is_found_and_order_is_asked_of_a_new_one() {
        let mut index = Index::empty(10);
        assert_eq!(index.lookup(99).unwrap(), 0);
        for place in [(12, 100), (15, 200), (19, 300)] {
            assert!(index.append(place).unwrap());
        }
        assert!(!index.append((19, 400)).unwrap());
        for (target, position) in [(11, 0), (12, 100), (14, 100), (18, 200), (99, 300)] {
            assert_eq!(index.lookup(target).unwrap(), position, "{target}");
        }
        assert_eq!(index.last_offset().unwrap(), 19);
    }
}
