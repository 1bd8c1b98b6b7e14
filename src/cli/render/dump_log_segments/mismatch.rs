//! Faults of indexes, reported at the end of a run.

use std::collections::BTreeMap;

use kseg::wire::Release;

use crate::cli::render::Push;

/// The number of pairs that are kept for a file; more are counted.
const MOST_PAIRS: usize = 1 << 20;

/// The faults of an entry, in the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mismatch {
    /// The offset is not that of the batch at the position: both.
    Offset,
    /// The timestamp is not the largest of the batch: both.
    Timestamp,
    /// The timestamp is not later than the one before: both.
    Order,
    /// No batch ends with the offset: the offset, and that at which the search ended.
    NotFound,
}

/// All faults of the indexes of a run, by kind and file.
#[derive(Debug)]
pub(crate) struct Mismatches {
    release: Release,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    kind: Mismatch,
    path: String,
    pairs: Vec<(i64, i64)>,
    more: u64,
}

impl Mismatches {
    /// No faults yet.
    pub(crate) fn new(release: Release) -> Self {
        Self {
            release,
            groups: Vec::new(),
        }
    }

    /// Keeps a pair for the index at `path`, an absolute one; a file that is dumped twice is
    /// reported once.
    pub(crate) fn push(&mut self, kind: Mismatch, path: &str, pair: (i64, i64)) {
        // The current file is one of the last.
        let known = self
            .groups
            .iter()
            .rposition(|group| group.kind == kind && group.path == path);
        let index = known.unwrap_or_else(|| {
            self.groups.push(Group {
                kind,
                path: path.to_owned(),
                pairs: Vec::new(),
                more: 0,
            });
            self.groups.len().saturating_sub(1)
        });
        let Some(group) = self.groups.get_mut(index) else {
            return;
        };
        if group.pairs.len() < MOST_PAIRS {
            group.pairs.push(pair);
        } else {
            group.more += 1;
        }
    }

    /// Writes the last lines of Kafka's tool.
    pub(crate) fn render(mut self, out: &mut Vec<u8>) {
        self.groups.sort_by_key(|group| group.kind);
        for group in &self.groups {
            group.render(self.release, out);
        }
    }
}

impl Group {
    fn render(&self, release: Release, out: &mut Vec<u8>) {
        let java = release.since(Release::new(4, 3, 0));
        match self.kind {
            Mismatch::Offset => drop(out.text("Mismatches in :").text(&self.path)),
            Mismatch::Timestamp => {
                out.text("Found timestamp mismatch in :").text(&self.path);
            }
            Mismatch::Order => {
                out.text("Found out of order timestamp in :")
                    .text(&self.path);
            }
            Mismatch::NotFound if java => {
                out.text("The following indexed offsets are not found in :")
                    .text(&self.path);
            }
            Mismatch::NotFound => {
                out.text("The following indexed offsets are not found in the log.");
            }
        }
        out.text("\n");
        let (first, second) = match self.kind {
            Mismatch::Offset => ("  Index offset: ", ", log offset: "),
            Mismatch::Timestamp => ("  Index timestamp: ", ", log timestamp: "),
            Mismatch::Order => ("  Index timestamp: ", ", Previously indexed timestamp: "),
            Mismatch::NotFound => ("Indexed offset: ", ", found log offset: "),
        };
        let mut line = |(a, b): (i64, i64)| {
            out.text(first).int(a).text(second).int(b).text("\n");
        };
        match self.kind {
            // From 4.3 on by offset, with the newest pair of each.
            Mismatch::Offset if java => {
                let sorted: BTreeMap<i64, i64> = self.pairs.iter().copied().collect();
                sorted.into_iter().rev().for_each(&mut line);
            }
            Mismatch::Offset => self.pairs.iter().rev().copied().for_each(&mut line),
            _ => self.pairs.iter().copied().for_each(&mut line),
        }
        if self.more > 0 {
            out.text("  and ").int(self.more).text(" more\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(release: Release) -> String {
        let mut all = Mismatches::new(release);
        all.push(Mismatch::NotFound, "/t", (9, -1));
        all.push(Mismatch::Offset, "/i", (5, 4));
        all.push(Mismatch::Order, "/t", (3, 3));
        all.push(Mismatch::Offset, "/j", (1, 2));
        all.push(Mismatch::Offset, "/i", (7, 4));
        all.push(Mismatch::Timestamp, "/t", (3, 4));
        all.push(Mismatch::Offset, "/i", (5, 6));
        let mut out = Vec::new();
        all.render(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn kinds_come_in_order_and_files_in_that_of_their_first_mismatch() {
        let rest = "Mismatches in :/j\n  Index offset: 1, log offset: 2\n\
                    Found timestamp mismatch in :/t\n  Index timestamp: 3, log timestamp: 4\n\
                    Found out of order timestamp in :/t\n  Index timestamp: 3, Previously indexed timestamp: 3\n";
        let scala = "Mismatches in :/i\n  Index offset: 5, log offset: 6\n  Index offset: 7, log offset: 4\n  \
                     Index offset: 5, log offset: 4\n";
        let missing = "Indexed offset: 9, found log offset: -1\n";
        assert_eq!(
            reported(Release::new(4, 2, 1)),
            format!(
                "{scala}{rest}The following indexed offsets are not found in the log.\n{missing}"
            )
        );
        let java = "Mismatches in :/i\n  Index offset: 7, log offset: 4\n  Index offset: 5, log offset: 6\n";
        assert_eq!(
            reported(Release::new(4, 3, 0)),
            format!("{java}{rest}The following indexed offsets are not found in :/t\n{missing}")
        );
    }
}
