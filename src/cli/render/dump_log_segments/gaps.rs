//! Offsets that do not follow each other.

use std::collections::BTreeMap;

use kseg::scan::Merge;

use super::style::GapStyle;
use crate::cli::render::Push;

/// The number of pairs that are kept for a file; more are counted.
const MOST_PAIRS: usize = 1 << 20;

/// The sequence of offsets of a file, or of a piece of it.
#[derive(Debug)]
pub(crate) struct Gaps {
    style: GapStyle,
    /// The first offset, and true if it is compared with the one before the piece.
    first: Option<(i64, bool)>,
    last: i64,
    /// Neighbours that do not follow each other, in file order.
    pairs: Vec<(i64, i64)>,
    /// The number of pairs that are not kept.
    more: u64,
}

impl Gaps {
    /// No offsets yet.
    pub(crate) fn new(style: GapStyle) -> Self {
        Self {
            style,
            first: None,
            last: -1,
            pairs: Vec::new(),
            more: 0,
        }
    }

    /// Takes the next offset.
    #[inline]
    pub(crate) fn push(&mut self, offset: i64) {
        if self.first.is_none() {
            self.first = Some((offset, true));
        } else if offset != self.last.wrapping_add(1) {
            self.compare(offset);
        }
        self.last = offset;
    }

    /// Takes the next offset without comparing it: that of a compressed set, before 0.11.
    pub(crate) fn skip(&mut self, offset: i64) {
        self.first.get_or_insert((offset, false));
        self.last = offset;
    }

    /// Up to 4.2 an offset after −1 is treated as the first one.
    #[cold]
    fn compare(&mut self, offset: i64) {
        if offset == self.last.wrapping_add(1)
            || (self.last == -1 && self.style != GapStyle::Sorted)
        {
            return;
        }
        if self.pairs.len() < MOST_PAIRS {
            self.pairs.push((self.last, offset));
        } else {
            self.more += 1;
        }
    }

    /// Returns the state at the start of a whole file: from 4.3 on its first offset is compared
    /// with −1.
    pub(crate) fn start_of_file(style: GapStyle) -> Self {
        Self {
            first: Some((-1, false)),
            ..Self::new(style)
        }
    }

    /// Returns true if there are no pairs.
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Adds the pairs of the same file again.
    pub(crate) fn extend(&mut self, other: Self) {
        self.pairs.extend(other.pairs);
        self.more += other.more;
    }

    /// Writes the last lines of Kafka's tool; `path` is absolute.
    pub(crate) fn render(&self, path: &str, out: &mut Vec<u8>) {
        let heading = match self.style {
            GapStyle::Misspelt => "Non-secutive offsets in :",
            GapStyle::Colon => "Non-consecutive offsets in :",
            GapStyle::NewestFirst | GapStyle::Sorted => "Non-consecutive offsets in ",
        };
        out.text(heading).text(path).text("\n");
        let mut line = |(last, next): (i64, i64)| {
            out.text("  ")
                .int(last)
                .text(" is followed by ")
                .int(next)
                .text("\n");
        };
        if self.style == GapStyle::Sorted {
            let sorted: BTreeMap<i64, i64> = self.pairs.iter().copied().collect();
            sorted.into_iter().for_each(&mut line);
        } else {
            self.pairs.iter().rev().copied().for_each(&mut line);
        }
        if self.more > 0 {
            out.text("  and ").int(self.more).text(" more\n");
        }
    }
}

impl Merge for Gaps {
    fn merge(&mut self, next: Self) {
        let Some(first) = next.first else { return };
        if self.first.is_some() {
            if let (offset, true) = first {
                self.compare(offset);
            }
        } else {
            self.first = Some(first);
        }
        self.last = next.last;
        let room = MOST_PAIRS
            .saturating_sub(self.pairs.len())
            .min(next.pairs.len());
        self.more += next.more + (next.pairs.len() - room) as u64;
        self.pairs.extend(next.pairs.into_iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(style: GapStyle, pieces: &[&[i64]]) -> String {
        let mut total = Gaps::start_of_file(style);
        for offsets in pieces {
            let mut piece = Gaps::new(style);
            offsets.iter().for_each(|&offset| piece.push(offset));
            total.merge(piece);
        }
        let mut out = Vec::new();
        if !total.is_empty() {
            total.render("/f", &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_release_tells_gaps_its_way_wherever_the_file_was_cut() {
        let cuts: [&[&[i64]]; 3] = [
            &[&[3, 4, 6, 9]],
            &[&[3, 4], &[], &[6, 9]],
            &[&[3], &[4], &[6], &[9]],
        ];
        for pieces in cuts {
            let lines = "  6 is followed by 9\n  4 is followed by 6\n";
            let newest = format!("Non-consecutive offsets in /f\n{lines}");
            assert_eq!(reported(GapStyle::NewestFirst, pieces), newest);
            let oldest = format!("Non-consecutive offsets in :/f\n{lines}");
            assert_eq!(reported(GapStyle::Colon, pieces), oldest);
            let sorted = "Non-consecutive offsets in /f\n  -1 is followed by 3\n  4 is followed by 6\n  \
                          6 is followed by 9\n";
            assert_eq!(reported(GapStyle::Sorted, pieces), sorted);
        }
    }

    #[test]
    fn of_repeated_offsets_the_newest_pair_stays_in_4_3() {
        let sorted = "Non-consecutive offsets in /f\n  -1 is followed by 1\n  1 is followed by 4\n";
        assert_eq!(reported(GapStyle::Sorted, &[&[1, 1], &[1, 4]]), sorted);
        assert_eq!(reported(GapStyle::Sorted, &[&[0, 1, 2]]), "");
    }
}
