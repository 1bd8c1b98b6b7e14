//! What a file consists of: batches, and gaps between them.
//!
//! Gaps are put together here and nowhere else, by [`Walk`](super::Walk): what lies between two batches is one [`Gap`], in
//! whichever windows and by however many threads the file is read. Its parts say what the bytes are. A further kind of bytes is
//! one more [`GapKind`] with its text in `Display`; whoever meets the bytes adds them with `Walk::skip`, which also
//! makes the walk seek the next batch behind them.

use std::fmt;
use std::ops::Range;

use crate::format::Batch;
use crate::format::frame::Frame;
use crate::wire::Fault;

/// What comes next in a file. The events of a file tile it.
#[derive(Debug, Clone)]
pub enum Event<'map> {
    /// A batch.
    Batch(Batch<'map>),
    /// An entry of a possible size that is no batch, and why. Only a policy that compares no checksums lets it pass.
    Malformed(Frame<'map>, Fault),
    /// Bytes that are no entry, from the end of the entry before them to the beginning of the one after.
    Gap(Gap),
}

impl Event<'_> {
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

    /// Bytes of an entry; a gap has no size of its own.
    #[inline]
    pub(super) fn size_bytes(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.size_bytes(),
            Self::Malformed(frame, _) => frame.size_bytes(),
            Self::Gap(_) => 0,
        }
    }

    /// What it is to those who take only batches: an entry that is none is a gap.
    #[must_use]
    pub fn or_gap(self) -> Self {
        match self {
            Self::Malformed(frame, fault) => {
                let range = frame.position().0..frame.end().0;
                Self::Gap(Gap::new(range, GapKind::Damage(fault)))
            }
            other => other,
        }
    }
}

/// Bytes between two entries, before the first or behind the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    first: GapPart,
    /// What follows, each part of another kind than the one before it.
    more: Vec<GapPart>,
}

/// A part of a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapPart {
    /// Where.
    pub range: Range<u64>,
    /// What it is.
    pub kind: GapKind,
}

/// What bytes are that are no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapKind {
    /// Nothing but zeros: room preallocated, or pages that never reached the disk.
    Zeros,
    /// Anything else, and why the entry expected there is none.
    Damage(Fault),
}

impl GapKind {
    /// Whether bytes of this kind and, right behind them, of the other are one part.
    const fn goes_on_with(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Zeros, Self::Zeros) | (Self::Damage(_), Self::Damage(_))
        )
    }
}

impl fmt::Display for GapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zeros => {
                f.write_str("zeros: preallocated room, or pages that never reached the disk")
            }
            Self::Damage(fault) => fault.fmt(f),
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

    /// Takes in the bytes that follow, up to `end`.
    pub(super) fn extend(&mut self, end: u64, kind: GapKind) {
        let last = self.more.last_mut().unwrap_or(&mut self.first);
        if last.kind.goes_on_with(kind) {
            last.range.end = end;
        } else {
            let range = last.range.end..end;
            self.more.push(GapPart { range, kind });
        }
    }

    /// All bytes of it.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        let last = self.more.last().unwrap_or(&self.first);
        self.first.range.start..last.range.end
    }

    /// What it consists of, in file order. The parts tile it.
    pub fn parts(&self) -> impl Iterator<Item = &GapPart> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// Whether there is nothing in it but zeros.
    #[must_use]
    pub fn is_zeros(&self) -> bool {
        self.parts().all(|part| part.kind == GapKind::Zeros)
    }

    /// The first fault; none if there are only zeros.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.parts().find_map(|part| match part.kind {
            GapKind::Damage(fault) => Some(fault),
            GapKind::Zeros => None,
        })
    }

    /// What it is in a word: of the first part that is not zeros, if there is one.
    #[must_use]
    pub fn kind(&self) -> GapKind {
        let mut kinds = self.parts().map(|part| part.kind);
        kinds
            .find(|kind| *kind != GapKind::Zeros)
            .unwrap_or(GapKind::Zeros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FaultKind;

    #[test]
    fn bytes_of_a_kind_that_touch_are_one_part_with_the_first_fault() {
        let fault = |position| GapKind::Damage(Fault::new(FaultKind::EndOfInput, position));
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
