//! Numbers and names as verdicts put them.

use kseg::predict::Lost;

use crate::cli::render::Push;
use crate::cli::render::rows::size;
use crate::cli::render::table::{self, counted};

/// As many partitions are named in the answer.
const NAMED: usize = 3;

pub(super) fn line(indent: &str, text: &str, out: &mut Vec<u8>) {
    out.text(indent).text(&table::plain(text)).push(b'\n');
}

/// Names of partitions, the first few of them.
pub(super) fn named<'a>(all: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut names: Vec<&str> = all.collect();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let names = names.join(", ");
    match (names.is_empty(), more) {
        (true, _) => None,
        (_, 0) => Some(names),
        (_, more) => Some(format!("{names} and {more} more")),
    }
}

/// `offset 41`, `offsets 41-46`.
pub(super) fn offsets(first: i64, last: i64) -> String {
    if first == last {
        format!("offset {first}")
    } else {
        format!("offsets {first}-{last}")
    }
}

/// Formats a loss: `82 records (9.0 KiB)`.
pub(super) fn amount(lost: &Lost) -> String {
    let bytes = size(lost.bytes);
    match lost.records {
        0 => bytes,
        records => format!("{} ({bytes})", counted(records, "record")),
    }
}

/// `30 s`, `5 min 30 s`.
pub(super) fn duration(ms: i64) -> String {
    let seconds = ms.saturating_add(500) / 1000;
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
