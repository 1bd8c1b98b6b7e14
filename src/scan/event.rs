//! What a file consists of: batches, and gaps between them.
//!
//! Gaps are combined only here, by [`Walk`](super::Walk): the bytes between two batches are one
//! [`Gap`], whatever the windows and the number of threads. Its parts have the kinds of the bytes.
//! Bytes that cannot be read are added by the reader of the file, with `Walk::skip`.

use std::fmt;
use std::ops::Range;

use crate::format::frame::Frame;
use crate::format::{Batch, Fault, FaultKind};
use crate::store::Unreadable;
use crate::wire::text::errno_text;

/// The next piece of a file. The events of a file tile it.
#[derive(Debug, Clone)]
pub enum Event<'map> {
    /// A batch.
    Batch(Batch<'map>),
    /// An entry of a possible size that is not a batch, and its fault. Only a policy without
    /// checksums returns it.
    Malformed(Frame<'map>, Fault),
    /// Bytes that are not an entry, from the end of the entry before them to the start of the one
    /// after them.
    Gap(Gap),
}

impl<'map> Event<'map> {
    /// The bytes it covers.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        match self {
            Self::Batch(batch) => {
                let start = batch.position().0;
                start..start.saturating_add(batch.size_bytes() as u64)
            }
            Self::Malformed(frame, _) => frame.position().0..frame.end().0,
            Self::Gap(gap) => gap.range(),
        }
    }

    /// The size of an entry; for a gap there is none.
    #[inline]
    pub(super) fn size_bytes(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.size_bytes(),
            Self::Malformed(frame, _) => frame.size_bytes(),
            Self::Gap(_) => 0,
        }
    }

    /// Returns the batch, or a gap for visitors that handle only batches: a malformed entry is
    /// damage.
    ///
    /// # Errors
    /// The event is not a batch.
    pub fn into_batch(self) -> Result<Batch<'map>, Gap> {
        match self {
            Self::Batch(batch) => Ok(batch),
            Self::Gap(gap) => Err(gap),
            Self::Malformed(frame, fault) => {
                let range = frame.position().0..frame.end().0;
                Err(Gap::new(range, GapKind::Damage(fault)))
            }
        }
    }
}

/// Bytes between two entries, before the first or after the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    first: GapPart,
    /// The other parts, each of another kind than the one before it.
    more: Vec<GapPart>,
}

/// A part of a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GapPart {
    /// The position.
    pub range: Range<u64>,
    /// The kind.
    pub kind: GapKind,
}

/// The kind of bytes that are not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapKind {
    /// Only zeros: preallocated space, or pages that never reached the disk.
    Zeros,
    /// Other bytes, and the fault of the entry that was expected there.
    Damage(Fault),
    /// Bytes that cannot be read from the disk.
    Unreadable {
        /// The error number of the operating system; 5 (`EIO`) is a bad sector.
        errno: i32,
    },
}

impl GapKind {
    /// Returns true if bytes of this kind and bytes of the other kind directly after them are one
    /// part.
    fn goes_on_with(self, next: Self) -> bool {
        match (self, next) {
            (Self::Zeros, Self::Zeros) => true,
            // The rest of a partly unreadable entry is kept apart from other damage.
            (Self::Damage(one), Self::Damage(other)) => is_cut(one) == is_cut(other),
            (Self::Unreadable { errno: one }, Self::Unreadable { errno: other }) => one == other,
            _ => false,
        }
    }
}

impl fmt::Display for GapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zeros => {
                f.write_str("zeros: preallocated space, or pages that never reached the disk")
            }
            Self::Damage(fault) => fault.fmt(f),
            Self::Unreadable { errno } => {
                write!(f, "cannot be read: {}", errno_text(*errno))
            }
        }
    }
}

/// The fault of bytes that cannot be read, and of an entry that reaches into them.
pub(super) fn unreadable_fault(errno: i32) -> Fault {
    Fault::new(FaultKind::Unreadable { errno }, 0)
}

/// Returns true if it is the fault of a partly unreadable entry.
const fn is_cut(fault: Fault) -> bool {
    matches!(fault.kind(), FaultKind::Unreadable { .. })
}

impl GapPart {
    /// Returns true if it belongs to an unreadable entry: unreadable bytes, and the rest of the
    /// entries that they cut.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        match self.kind {
            GapKind::Zeros => false,
            GapKind::Damage(fault) => is_cut(fault),
            GapKind::Unreadable { .. } => true,
        }
    }

    /// Returns its fault; zeros have none.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match self.kind {
            GapKind::Zeros => None,
            GapKind::Damage(fault) => Some(fault),
            GapKind::Unreadable { errno } => Some(unreadable_fault(errno)),
        }
    }

    /// The bytes, if they cannot be read.
    #[must_use]
    pub fn unreadable(&self) -> Option<Unreadable> {
        match self.kind {
            GapKind::Unreadable { errno } => Some(Unreadable {
                range: self.range.clone(),
                errno,
            }),
            GapKind::Zeros | GapKind::Damage(_) => None,
        }
    }
}

impl Gap {
    pub(super) const fn new(range: Range<u64>, kind: GapKind) -> Self {
        Self {
            first: GapPart { range, kind },
            more: Vec::new(),
        }
    }

    /// Adds the bytes that follow, up to `end`.
    pub(super) fn extend(&mut self, end: u64, kind: GapKind) {
        let last = self.more.last_mut().unwrap_or(&mut self.first);
        if last.kind.goes_on_with(kind) {
            last.range.end = end;
        } else {
            let range = last.range.end..end;
            self.more.push(GapPart { range, kind });
        }
    }

    /// Its range.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        let last = self.more.last().unwrap_or(&self.first);
        self.first.range.start..last.range.end
    }

    /// Returns its parts, in file order. The parts tile it.
    pub fn parts(&self) -> impl Iterator<Item = &GapPart> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// Returns true if it has only zeros.
    #[must_use]
    pub fn is_zeros(&self) -> bool {
        self.parts().all(|part| part.kind == GapKind::Zeros)
    }

    /// The first fault; `None` if there are only zeros.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.parts().find_map(GapPart::fault)
    }

    /// The ranges in it that cannot be read.
    pub fn unreadable(&self) -> impl Iterator<Item = Unreadable> {
        self.parts().filter_map(GapPart::unreadable)
    }

    /// Returns the unreadable bytes at which a sequential reader such as a broker stops, unless
    /// other damage stops it before.
    pub(crate) fn fatal(&self) -> Option<Unreadable> {
        self.unreadable().next().filter(|_| self.first.is_cut())
    }

    /// Returns its kind: unreadable if a part is, otherwise the kind of the first part that is not
    /// zeros.
    #[must_use]
    pub fn kind(&self) -> GapKind {
        let kinds = || self.parts().map(|part| part.kind);
        let unreadable = kinds().find(|kind| matches!(kind, GapKind::Unreadable { .. }));
        let other = || kinds().find(|kind| *kind != GapKind::Zeros);
        unreadable.or_else(other).unwrap_or(GapKind::Zeros)
    }
}

impl fmt::Display for Gap {
    /// Writes its kind, and which bytes cannot be read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut unreadable = self.unreadable();
        let Some(first) = unreadable.next() else {
            return self.kind().fmt(f);
        };
        first.fmt(f)?;
        match unreadable.count() {
            0 => Ok(()),
            1 => f.write_str(" (and 1 more range)"),
            more => write!(f, " (and {more} more ranges)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::NumberFault;

    #[test]
    fn bytes_of_a_kind_that_touch_are_one_part_with_the_first_fault() {
        let fault = |position| GapKind::Damage(Fault::new(NumberFault::EndOfInput, position));
        let mut gap = Gap::new(0..70, GapKind::Zeros);
        assert!(gap.is_zeros() && gap.fault().is_none());
        gap.extend(80, GapKind::Zeros);
        gap.extend(90, fault(1));
        gap.extend(99, fault(2));
        let parts: Vec<_> = gap
            .parts()
            .map(|part| (part.range.clone(), part.kind))
            .collect();
        assert_eq!(parts, [(0..80, GapKind::Zeros), (80..99, fault(1))]);
        assert_eq!((gap.range(), gap.kind()), (0..99, fault(1)));
        assert!(!gap.is_zeros());
    }
}
