//! Offsets that were given already: a consumer skips records whose offset it has passed, so each
//! offset is shown once.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use kseg::format::{Batch, Codec, Scratch};
use kseg::scan::{Event, Merge, Output, PieceVisitor, ScanOptions, Visitor, scan};
use kseg::store::{Error, LogFile};

/// The maximum number of ranges. A compacted log has one for each gap; a record of a range that is
/// not kept is shown twice, not lost.
const RANGES: usize = 1 << 20;

/// The maximum number of ranges of one piece of a file.
const RANGES_OF_PIECE: usize = 1 << 16;

/// A set of offsets, as disjoint ranges: the first and the last offset of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offsets(BTreeMap<i64, i64>);

impl Offsets {
    pub(super) fn contains(&self, offset: i64) -> bool {
        let before = self.0.range(..=offset).next_back();
        before.is_some_and(|(_, last)| *last >= offset)
    }

    fn meets(&self, first: i64, last: i64) -> bool {
        self.contains(first) || self.0.range(first..=last).next().is_some()
    }

    /// Adds the offsets from `first` to `last`.
    pub(super) fn insert(&mut self, first: i64, last: i64) {
        let (mut first, mut last) = (first, last.max(first));
        let touching = |from: i64, to: i64| from <= last.saturating_add(1) && to >= first - 1;
        let before = self.0.range(..=first).next_back();
        let before = before.map(|(from, to)| (*from, *to));
        if let Some((from, to)) = before.filter(|(from, to)| touching(*from, *to)) {
            (first, last) = (from, last.max(to));
        }
        while let Some((&from, &to)) = self.0.range(first.saturating_add(1)..).next() {
            if from > last.saturating_add(1) {
                break;
            }
            self.0.remove(&from);
            last = last.max(to);
        }
        self.0.insert(first, last);
        if self.0.len() > RANGES {
            self.0.pop_first();
        }
    }
}

/// The offsets of a file, from its headers.
#[derive(Debug, Default)]
pub(super) struct Survey {
    ranges: Vec<(i64, i64)>,
    /// The first offset and the last.
    ends: Option<(i64, i64)>,
    /// True if offsets may decrease: a batch begins before the end of another, or its first offset
    /// is unknown (compressed, magic 0 or 1).
    may_fall: bool,
}

impl Survey {
    /// Reads the headers of the batches.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn of(log: &LogFile, options: ScanOptions) -> Result<Self, Error> {
        let nothing = &mut |_| ControlFlow::Continue(());
        scan(log, options, Self::default, nothing)
    }

    /// Returns true if every offset of the file is unique, and none of them is in `given`.
    pub(super) fn is_new_to(&self, given: &Offsets) -> bool {
        let mut ranges = self.ranges.iter();
        !self.may_fall && !ranges.any(|(first, last)| given.meets(*first, *last))
    }

    /// Adds all offsets of the file.
    pub(super) fn add_to(&self, given: &mut Offsets) {
        for (first, last) in &self.ranges {
            given.insert(*first, *last);
        }
    }

    fn range(&mut self, first: i64, last: i64) {
        self.may_fall |= last < first || self.ends.is_some_and(|(_, end)| first <= end);
        let start = self.ends.map_or(first, |(start, _)| start);
        self.ends = Some((start, last));
        let is_full = self.ranges.len() >= RANGES_OF_PIECE;
        match self.ranges.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(first) => *end = last,
            _ if is_full => {}
            _ => self.ranges.push((first, last)),
        }
    }
}

impl Visitor for Survey {
    fn event(&mut self, event: Event<'_>, _: &mut Scratch, _: &mut Output<'_>) -> ControlFlow<()> {
        if let Event::Batch(batch) = event {
            let is_set = matches!(batch, Batch::Legacy(_)) && batch.codec() != Ok(Codec::None);
            self.may_fall |= is_set;
            self.range(batch.offset().get(), batch.last_offset().get());
        }
        ControlFlow::Continue(())
    }
}

impl PieceVisitor for Survey {
    type Piece = Self;

    /// Nothing is rendered.
    const PIECE_BYTES: u64 = 2 << 20;

    fn end(self) -> Self {
        self
    }
}

impl Merge for Survey {
    fn merge(&mut self, next: Self) {
        let falls = |(_, end): (i64, i64), (start, _): (i64, i64)| start <= end;
        let is_fall = self.ends.zip(next.ends).is_some_and(|(a, b)| falls(a, b));
        self.may_fall |= next.may_fall || is_fall;
        self.ends = match (self.ends, next.ends) {
            (Some((start, _)), Some((_, end))) => Some((start, end)),
            (mine, its) => mine.or(its),
        };
        let room = RANGES.saturating_sub(self.ranges.len());
        self.ranges.extend(next.ranges.into_iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        let mut offsets = Offsets::default();
        for (first, last) in [(0, 3), (10, 12), (4, 4), (20, 20), (6, 9)] {
            offsets.insert(first, last);
        }
        let ranges: Vec<_> = offsets.0.clone().into_iter().collect();
        assert_eq!(ranges, [(0, 4), (6, 12), (20, 20)]);
        assert!(offsets.contains(4) && !offsets.contains(5) && offsets.contains(20));
        assert!(offsets.meets(5, 6) && !offsets.meets(13, 19) && offsets.meets(-5, 100));
        offsets.insert(0, 30);
        assert_eq!(offsets.0.into_iter().collect::<Vec<_>>(), [(0, 30)]);
    }

    #[test]
    fn a_batch_before_the_end_of_another_falls_in_whatever_piece_it_is() {
        let of = |ranges: &[(i64, i64)]| {
            let mut survey = Survey::default();
            for (first, last) in ranges {
                survey.range(*first, *last);
            }
            survey
        };
        let merged = |a: &[(i64, i64)], b: &[(i64, i64)]| {
            let mut all = of(a);
            all.merge(of(b));
            all
        };
        let rows = [(0, 4), (5, 9), (7, 12)];
        for cut in 0..=rows.len() {
            let (a, b) = rows.split_at(cut);
            assert!(merged(a, b).may_fall, "{cut}");
        }
        let rising = merged(&[(0, 4)], &[(5, 9), (20, 21)]);
        let mut given = Offsets::default();
        assert!(rising.is_new_to(&given));
        rising.add_to(&mut given);
        assert!(!of(&[(9, 15)]).is_new_to(&given));
        // Offsets in a gap do not count: a flipped bit may have put a later batch before it.
        assert!(of(&[(10, 15)]).is_new_to(&given));
    }
}
