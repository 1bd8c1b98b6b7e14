//! Counts over time in a bounded number of steps, whose length grows with the time that they cover.

use std::collections::VecDeque;

/// The maximum number of steps.
const STEPS: usize = 60;

/// The number of records in each time step. The length of a step is a power of two of milliseconds,
/// so that counts of parts can be added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The logarithm to base 2 of the length of a step in milliseconds.
    shift: u32,
    /// The number of the first step: a timestamp shifted right.
    first: i64,
    counts: VecDeque<u64>,
}

impl Timeline {
    /// Counts records at a time.
    pub fn add(&mut self, ms: i64, count: u64) {
        if self.counts.is_empty() {
            self.first = ms >> self.shift;
        }
        while !self.reach(ms >> self.shift) {
            self.coarsen();
        }
        let at = usize::try_from((ms >> self.shift) - self.first);
        if let Some(known) = at.ok().and_then(|at| self.counts.get_mut(at)) {
            *known += count;
        }
    }

    /// Adds other counts.
    pub fn merge(&mut self, other: &Self) {
        while !self.counts.is_empty() && self.shift < other.shift {
            self.coarsen();
        }
        for (count, step) in other.counts.iter().zip(other.first..) {
            if *count > 0 {
                self.add(step << other.shift, *count);
            }
        }
    }

    /// The beginning of the first step, and the length of a step, in milliseconds; `None` if
    /// nothing was counted.
    #[must_use]
    pub fn start_and_step(&self) -> Option<(i64, i64)> {
        (!self.counts.is_empty()).then(|| (self.first << self.shift, 1 << self.shift))
    }

    /// The counts of the steps.
    #[must_use]
    pub fn counts(&self) -> impl ExactSizeIterator<Item = u64> {
        self.counts.iter().copied()
    }

    /// Makes room for a step; returns true if there is.
    fn reach(&mut self, step: i64) -> bool {
        let length = i64::try_from(self.counts.len()).unwrap_or(i64::MAX);
        let last = self.first.saturating_add(length - 1);
        let (first, last) = (self.first.min(step), last.max(step));
        let length = usize::try_from(last.saturating_sub(first)).unwrap_or(usize::MAX);
        if length >= STEPS {
            return false;
        }
        while self.first > first {
            self.counts.push_front(0);
            self.first -= 1;
        }
        while self.counts.len() <= length {
            self.counts.push_back(0);
        }
        true
    }

    /// Makes steps twice as long.
    fn coarsen(&mut self) {
        let first = self.first >> 1;
        let mut counts = VecDeque::new();
        for (count, step) in self.counts.iter().zip(self.first..) {
            let at = usize::try_from((step >> 1) - first).unwrap_or(0);
            if counts.len() <= at {
                counts.push_back(0);
            }
            if let Some(known) = counts.get_mut(at) {
                *known += count;
            }
        }
        (self.first, self.counts) = (first, counts);
        self.shift += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_to_all_and_nothing_is_lost() {
        let times = [
            1_700_000_000_000_i64,
            5,
            1_700_000_360_000,
            0,
            1_700_009_000_000,
        ];
        for cut in 0..times.len() {
            let of = |times: &[i64]| {
                let mut line = Timeline::default();
                for ms in times {
                    line.add(*ms, 2);
                }
                line
            };
            let (before, after) = times.split_at(cut);
            let mut joined = of(before);
            joined.merge(&of(after));
            assert_eq!(joined, of(&times), "{cut}");
            assert_eq!(joined.counts().sum::<u64>(), 10);
            assert!(joined.counts().len() <= STEPS);
        }
        let mut line = Timeline::default();
        for ms in 0..90 {
            line.add(ms, 1);
        }
        assert_eq!(line.start_and_step(), Some((0, 2)));
        assert!(line.counts().all(|count| count == 2));
        assert_eq!(Timeline::default().start_and_step(), None);
    }

    #[test]
    fn the_ends_of_time_are_counted_too() {
        let mut line = Timeline::default();
        for ms in [i64::MIN, 0, i64::MAX] {
            line.add(ms, 1);
        }
        assert_eq!(line.counts().sum::<u64>(), 3);
    }
}
