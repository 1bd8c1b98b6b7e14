//! Sentences, numbers and names of verdicts.

use kseg::predict::Lost;

use crate::cli::render::Push;
use crate::cli::render::rows::size;
use crate::cli::render::table::{TableStyle, counted, plain};
use crate::cli::render::wrap::{titled, wrapped};

/// The number of partitions that the answer names.
const NAMED: usize = 3;

/// The lines of a verdict, which fit the terminal.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    pub(super) look: TableStyle,
    pub(super) out: &'a mut Vec<u8>,
}

impl Lines<'_> {
    /// Appends a sentence after `start`.
    pub(super) fn line(&mut self, start: &str, text: &str) {
        let line = format!("{start}{}", plain(text));
        self.out.text(&wrapped(&line, self.look.room)).push(b'\n');
    }

    /// Appends `path: text`.
    pub(super) fn titled(&mut self, path: &str, text: &str) {
        let line = titled(&plain(path), text, self.look.room);
        self.out.text(&line).push(b'\n');
    }

    /// Appends a blank line.
    pub(super) fn blank(&mut self) {
        self.out.push(b'\n');
    }
}

/// Returns names of partitions, the first few of them.
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
