//! Evidence about bytes that cannot be read from the disk.

use std::fmt;

use crate::store;

/// The number of ranges of a finding that are listed; more are counted.
const LISTED: usize = 1000;

/// Bytes of a `.log` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Unreadable {
    /// The first ranges, in file order.
    pub unreadable: Vec<UnreadableRange>,
    /// The number of further ranges.
    pub more_ranges: u64,
    /// Bytes of all of them.
    pub unreadable_bytes: u64,
}

/// Bytes that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct UnreadableRange {
    /// Their position in the file.
    pub from: u64,
    /// Their end.
    pub to: u64,
    /// The number of the operating system's error.
    pub errno: i32,
}

impl Unreadable {
    /// The evidence of these ranges, which do not overlap.
    pub(crate) fn of(ranges: &[store::Unreadable]) -> Self {
        let listed = ranges.iter().take(LISTED).map(|bad| UnreadableRange {
            from: bad.range.start,
            to: bad.range.end,
            errno: bad.errno,
        });
        let bytes = ranges.iter().map(|bad| bad.range.end - bad.range.start);
        Self {
            unreadable: listed.collect(),
            more_ranges: ranges.len().saturating_sub(LISTED) as u64,
            unreadable_bytes: bytes.sum(),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.unreadable.first() else {
            return f.write_str("bytes cannot be read");
        };
        let text = store::Unreadable {
            range: first.from..first.to,
            errno: first.errno,
        };
        text.fmt(f)?;
        let others = self.unreadable.len().saturating_sub(1) as u64;
        match others.saturating_add(self.more_ranges) {
            0 => Ok(()),
            1 => write!(
                f,
                "; 1 more range, {} bytes together",
                self.unreadable_bytes
            ),
            more => write!(
                f,
                "; {more} more ranges, {} bytes together",
                self.unreadable_bytes
            ),
        }
    }
}
