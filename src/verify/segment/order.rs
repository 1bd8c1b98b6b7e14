//! A sequence of numbers that should rise, and the shortest runs that don't fit.
//!
//! Offsets and leader epochs rise along a log. If one decreases, either the numbers before it are
//! too high, or those from it on are too low. The shorter of the two runs is reported; a run that a
//! single bit explains is preferred.

use std::collections::VecDeque;
use std::ops::Range;

/// The number of jumps that are remembered: a run of high numbers that began earlier is not found.
const JUMPS: usize = 64;

/// A batch as an element of the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// Its position in the file, and its size.
    pub(super) position: u64,
    pub(super) size: u64,
    /// Its number.
    pub(super) low: i64,
    /// The minimum number that may follow.
    pub(super) next: i64,
    /// Its first offset, by which it is reported.
    pub(super) offset: i64,
}

impl Link {
    /// Returns the state before the first batch.
    pub(super) fn start(next: i64) -> Self {
        Self {
            position: 0,
            size: 0,
            low: next,
            next,
            offset: next,
        }
    }

    /// The same with one bit of its number flipped.
    fn flipped(self, bit: u8) -> Option<Self> {
        let low = self.low ^ 1_i64.wrapping_shl(u32::from(bit));
        let next = low.checked_add(self.next.checked_sub(self.low)?)?;
        Some(Self { low, next, ..self })
    }
}

/// The direction in which a run doesn't fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Ahead,
    Behind,
}

/// Batches that don't fit: without them the sequence is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DisorderedRun {
    pub(super) way: Way,
    pub(super) first: Link,
    /// The position of its end in the file.
    pub(super) end: u64,
    pub(super) batches: u64,
    /// The neighbour before it, and the one after it.
    pub(super) before: Link,
    pub(super) after: Option<Link>,
    /// The flipped bit of the first one's number, without which it fits.
    pub(super) flip: Option<u8>,
}

impl DisorderedRun {
    /// The bytes it covers.
    pub(super) fn range(&self) -> Range<u64> {
        self.first.position..self.end
    }
}

/// A position at which the numbers jump up.
#[derive(Debug, Clone, Copy)]
struct Jump {
    before: Link,
    first: Link,
    /// The number of links before it.
    index: u64,
}

/// A run of low numbers so far.
#[derive(Debug, Clone, Copy)]
struct Fall {
    before: Link,
    first: Link,
    last: Link,
    batches: u64,
}

/// Finds the runs of a sequence.
#[derive(Debug)]
pub(super) struct Order {
    /// The number of bits.
    bits: u8,
    last: Option<Link>,
    /// The one before it.
    second: Option<Link>,
    count: u64,
    jumps: VecDeque<Jump>,
    fall: Option<Fall>,
}

impl Order {
    /// A sequence of numbers of this many bits, after `start` if it is known.
    pub(super) fn new(bits: u8, start: Option<Link>) -> Self {
        Self {
            bits,
            last: start,
            second: None,
            count: 0,
            jumps: VecDeque::new(),
            fall: None,
        }
    }

    /// Corrects the minimum number after the link at `position`, if it is the last one in order.
    pub(super) fn amend(&mut self, position: u64, next: i64) {
        if let Some(last) = self.last.as_mut().filter(|last| last.position == position) {
            last.next = next;
        }
    }

    /// Takes the next link. Returns a run when it is over.
    pub(super) fn push(&mut self, link: Link) -> Option<DisorderedRun> {
        self.count += 1;
        let Some(last) = self.last else {
            self.last = Some(link);
            return None;
        };
        if let Some(fall) = self.fall {
            return self.fallen(fall, link);
        }
        if link.low >= last.next {
            if link.low > last.next {
                self.jump(last, link);
            }
            self.second = self.last.replace(link);
            return None;
        }
        let fall = Fall {
            before: last,
            first: link,
            last: link,
            batches: 1,
        };
        // A high run that a bit explains, or after which the log continues where it was, is
        // settled.
        if let Some(run) = self.ahead(&fall)
            && (run.flip.is_some() || run.batches == 1 && run.before.next == link.low)
        {
            self.settle(&fall, &run);
            return Some(run);
        }
        self.fall = Some(fall);
        None
    }

    /// Ends the sequence.
    pub(super) fn finish(&mut self) -> Option<DisorderedRun> {
        let fall = self.fall.take()?;
        let behind = self.behind(&fall, None);
        match self.ahead(&fall) {
            Some(ahead) if behind.flip.is_none() && ahead.batches <= fall.batches => Some(ahead),
            _ => Some(behind),
        }
    }

    fn jump(&mut self, before: Link, first: Link) {
        if self.jumps.len() == JUMPS {
            self.jumps.pop_front();
        }
        let index = self.count - 1;
        self.jumps.push_back(Jump {
            before,
            first,
            index,
        });
    }

    /// Takes the next link during a run of low numbers.
    fn fallen(&mut self, fall: Fall, link: Link) -> Option<DisorderedRun> {
        if link.low >= fall.before.next {
            self.fall = None;
            if let Some(run) = self.intruder(&fall, link) {
                self.settle(&fall, &run);
                self.second = self.last.replace(link);
                return Some(run);
            }
            let run = self.behind(&fall, Some(link));
            if link.low > fall.before.next {
                self.jump(fall.before, link);
            }
            self.second = self.last.replace(link);
            return Some(run);
        }
        let fall = Fall {
            last: link,
            batches: fall.batches + 1,
            ..fall
        };
        match self.ahead(&fall) {
            Some(run) if run.batches < fall.batches && link.low >= fall.last.low => {
                self.settle(&fall, &run);
                Some(run)
            }
            _ => {
                self.fall = Some(fall);
                None
            }
        }
    }

    /// Accepts the low run as the log, and removes the high run from it.
    fn settle(&mut self, fall: &Fall, run: &DisorderedRun) {
        self.fall = None;
        self.last = Some(fall.last);
        self.jumps
            .retain(|jump| jump.first.position < run.first.position);
    }

    /// The batch before a low run, if the low run continues into the log and that batch doesn't
    /// fit.
    fn intruder(&self, fall: &Fall, after: Link) -> Option<DisorderedRun> {
        let goes_on = fall.last.next == after.low && fall.before.next != after.low;
        let before = self
            .second
            .filter(|second| second.next <= fall.first.low && goes_on)?;
        Some(DisorderedRun {
            way: Way::Ahead,
            first: fall.before,
            end: fall.before.position + fall.before.size,
            batches: 1,
            before,
            after: Some(fall.first),
            flip: None,
        })
    }

    fn behind(&self, fall: &Fall, after: Option<Link>) -> DisorderedRun {
        let fits = |link: Link| {
            let exact = link.low == fall.before.next;
            link.low >= fall.before.next
                && after.map_or(exact, |after| {
                    link.next <= after.low && (exact || link.next == after.low)
                })
        };
        DisorderedRun {
            way: Way::Behind,
            first: fall.first,
            end: fall.last.position + fall.last.size,
            batches: fall.batches,
            before: fall.before,
            after,
            flip: self.flip(fall.first, fall.batches, fits),
        }
    }

    /// The high run before the decrease, if the log continues after it where it was.
    fn ahead(&self, fall: &Fall) -> Option<DisorderedRun> {
        let after = fall.first;
        let jump = self
            .jumps
            .iter()
            .rev()
            .find(|jump| jump.before.next <= after.low)?;
        let batches = (self.count - fall.batches).saturating_sub(jump.index);
        let fits = |link: Link| {
            let exact = link.low == jump.before.next;
            link.low >= jump.before.next
                && link.next <= after.low
                && (exact || link.next == after.low)
        };
        Some(DisorderedRun {
            way: Way::Ahead,
            first: jump.first,
            end: fall.before.position + fall.before.size,
            batches,
            before: jump.before,
            after: Some(after),
            flip: self.flip(jump.first, batches, fits),
        })
    }

    /// The flipped bit of a single batch's number, without which it fits.
    fn flip(&self, link: Link, batches: u64, fits: impl Fn(Link) -> bool) -> Option<u8> {
        let mut bits = 0..self.bits;
        bits.find(|&bit| batches == 1 && link.flipped(bit).is_some_and(&fits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs found in a sequence of batches of one offset each, as direction, first number, batches
    /// and bit.
    fn runs(start: Option<i64>, lows: &[i64]) -> Vec<(Way, i64, u64, Option<u8>)> {
        let mut order = Order::new(63, start.map(Link::start));
        let mut found = Vec::new();
        for (index, &low) in lows.iter().enumerate() {
            found.extend(order.push(Link {
                position: index as u64 * 100,
                size: 100,
                low,
                next: low + 1,
                offset: low,
            }));
        }
        found.extend(order.finish());
        let reported = found.iter();
        reported
            .map(|run| (run.way, run.first.low, run.batches, run.flip))
            .collect()
    }

    #[test]
    fn rising_numbers_are_in_order_whatever_the_gaps() {
        assert_eq!(runs(None, &[1, 2, 5, 900, 901]), []);
        assert_eq!(runs(Some(0), &[]), []);
    }

    #[test]
    fn the_shorter_run_is_the_one_that_does_not_fit() {
        use Way::{Ahead, Behind};
        assert_eq!(runs(None, &[1, 2, 3, 3, 4, 5]), [(Behind, 3, 1, None)]);
        assert_eq!(runs(None, &[1, 2, 3, 1, 2, 4, 5]), [(Behind, 1, 2, None)]);
        assert_eq!(
            runs(None, &[1, 2, 90, 91, 3, 4, 5, 6]),
            [(Ahead, 90, 2, None)]
        );
        assert_eq!(runs(None, &[1, 2, 900, 3, 4]), [(Ahead, 900, 1, None)]);
        assert_eq!(runs(Some(10), &[3, 11, 12]), [(Behind, 3, 1, None)]);
    }

    #[test]
    fn a_flipped_bit_is_told_whichever_way_it_went() {
        use Way::{Ahead, Behind};
        assert_eq!(runs(None, &[1, 2, 3 + 64, 4, 5]), [(Ahead, 67, 1, Some(6))]);
        assert_eq!(runs(None, &[7, 8, 1, 10, 11]), [(Behind, 1, 1, Some(3))]);
        assert_eq!(
            runs(Some(0), &[1 << 40, 1, 2]),
            [(Ahead, 1 << 40, 1, Some(40))]
        );
        assert_eq!(runs(None, &[7, 8, 1]), [(Behind, 1, 1, Some(3))]);
    }
}
