//! The order of rows.

use std::cmp::Ordering;

use crate::cli::render::rows::{Cell, Table};

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Sort {
    /// Topic and partition, base offset, name
    Name,
    /// Bytes of .log files
    Size,
    /// Bytes on the disk
    Disk,
    /// Segments
    Segments,
    /// Records (with --exact)
    Records,
    /// End offset
    End,
    /// Largest timestamp
    Time,
}

impl Sort {
    /// The field of rows; none where they come in the right order.
    fn field(self) -> Option<&'static str> {
        match self {
            Self::Name => None,
            Self::Size => Some("log_bytes"),
            Self::Disk => Some("disk_bytes"),
            Self::Segments => Some("segments"),
            Self::Records => Some("records"),
            Self::End => Some("end_offset"),
            Self::Time => Some("last_timestamp_ms"),
        }
    }

    /// Whether a table can be sorted by it.
    pub(super) fn is_in(self, table: &Table) -> bool {
        let mut columns = table.columns.iter();
        self.field()
            .is_none_or(|field| columns.any(|column| column.name == field))
    }
}

/// The order wanted: by name, or by a number with the largest first; and the other way round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) by: Sort,
    pub(super) reverse: bool,
}

impl Order {
    /// Whether rows can be shown as they come.
    pub(super) fn is_natural(self) -> bool {
        self.by == Sort::Name && !self.reverse
    }

    /// Sorts rows that are in the order of their names. Those without the number stand at the end.
    pub(super) fn sort(self, table: &Table, rows: &mut [Vec<Cell>]) {
        let field = self.by.field();
        let index = field.and_then(|field| {
            let mut columns = table.columns.iter();
            columns.position(|column| column.name == field)
        });
        match index {
            Some(index) => rows.sort_by(|a, b| self.compare(number(a, index), number(b, index))),
            None if self.reverse => rows.reverse(),
            None => {}
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

fn number(row: &[Cell], index: usize) -> Option<i64> {
    match row.get(index)? {
        Cell::Int(number) | Cell::Time(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::rows::Column;

    const TABLE: Table = Table {
        schema: "kseg.test/1",
        title: "",
        columns: &[Column::hidden("name"), Column::hidden("end_offset")],
    };

    fn sorted(by: Sort, reverse: bool) -> String {
        let row = |name: &str, end| vec![Cell::text(name), end];
        let mut rows = vec![
            row("a", Cell::Int(1)),
            row("b", Cell::None),
            row("c", Cell::Int(3)),
            row("d", Cell::Int(3)),
        ];
        Order { by, reverse }.sort(&TABLE, &mut rows);
        let name = |row: &Vec<Cell>| crate::cli::render::table::show(&row[0]);
        rows.iter().map(name).collect()
    }

    #[test]
    fn the_largest_comes_first_and_what_is_not_known_last() {
        assert_eq!(sorted(Sort::Name, false), "abcd");
        assert_eq!(sorted(Sort::Name, true), "dcba");
        assert_eq!(sorted(Sort::End, false), "cdab");
        assert_eq!(sorted(Sort::End, true), "acdb");
        assert_eq!(sorted(Sort::Size, false), "abcd");
        assert!(Sort::End.is_in(&TABLE) && !Sort::Size.is_in(&TABLE));
    }
}
