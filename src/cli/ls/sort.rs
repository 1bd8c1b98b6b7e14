//! The order of rows.

use std::cmp::Ordering;

/// The sort key of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Sort {
    /// Topic and partition, base offset, name
    Name,
    /// Size of the .log files
    Size,
    /// Size on disk
    Disk,
    /// Segments
    Segments,
    /// Records (with --exact)
    Records,
    /// Log end offset
    End,
    /// Largest timestamp
    Time,
}

/// Rows that can be sorted.
pub(super) trait Sortable {
    /// The sort keys that do not apply.
    const CANNOT: &'static [Sort] = &[];

    /// The number that they are sorted by, if it is known.
    fn key(&self, by: Sort) -> Option<i64>;
}

/// The order: by name, or by a number with the largest first; or reversed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) by: Sort,
    pub(super) reverse: bool,
}

impl Order {
    /// Returns true if rows can be shown as they come.
    pub(super) fn is_natural(self) -> bool {
        self.by == Sort::Name && !self.reverse
    }

    /// Sorts rows that are in the order of their names. Those without the number are at the end.
    pub(super) fn sort<R: Sortable>(self, rows: &mut [R]) {
        match self.by {
            Sort::Name if self.reverse => rows.reverse(),
            Sort::Name => {}
            by => rows.sort_by(|a, b| self.compare(a.key(by), b.key(by))),
        }
    }

    fn compare(self, a: Option<i64>, b: Option<i64>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.reverse => a.cmp(&b),
            _ if a.is_none() || b.is_none() => a.is_none().cmp(&b.is_none()),
            _ => b.cmp(&a),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Sortable for (&str, Option<i64>) {
        fn key(&self, by: Sort) -> Option<i64> {
            self.1.filter(|_| by == Sort::End)
        }
    }

    fn sorted(by: Sort, reverse: bool) -> String {
        let mut rows = vec![("a", Some(1)), ("b", None), ("c", Some(3)), ("d", Some(3))];
        Order { by, reverse }.sort(&mut rows);
        rows.iter().map(|row| row.0).collect()
    }

    #[test]
    fn the_largest_comes_first_and_what_is_not_known_last() {
        assert_eq!(sorted(Sort::Name, false), "abcd");
        assert_eq!(sorted(Sort::Name, true), "dcba");
        assert_eq!(sorted(Sort::End, false), "cdab");
        assert_eq!(sorted(Sort::End, true), "acdb");
        assert_eq!(sorted(Sort::Size, false), "abcd");
    }
}
