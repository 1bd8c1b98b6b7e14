//! Evidence in an index: its size, and entries that the log contradicts.

use std::fmt;

/// A file of entries of one size, with bytes left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PartialEntry {
    /// Bytes of the file.
    pub size_bytes: u64,
    /// Bytes of an entry.
    pub entry_bytes: u64,
    /// Bytes after the last whole entry.
    pub trailing_bytes: u64,
}

impl fmt::Display for PartialEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.size_bytes.checked_div(self.entry_bytes).unwrap_or(0);
        write!(
            f,
            "{} bytes are {entries} entries of {} bytes and {} bytes more",
            self.size_bytes, self.entry_bytes, self.trailing_bytes
        )
    }
}

/// Entries of zeros at the end of an index that should have been trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Untrimmed {
    /// The number of zero entries.
    pub zero_entries: u64,
    /// True if it is of the active segment, whose index a clean shutdown trims; others are trimmed
    /// when the segment rolls.
    pub is_active: bool,
}

impl fmt::Display for Untrimmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.is_active {
            "the broker stopped cleanly"
        } else {
            "the segment is closed"
        };
        match self.zero_entries {
            1 => write!(f, "the last entry is zeros, although {why}"),
            entries => write!(f, "the last {entries} entries are zeros, although {why}"),
        }
    }
}

/// An entry of an offset index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OffsetEntry {
    /// Its number.
    pub entry: u32,
    /// Its offset.
    pub entry_offset: i64,
    /// Its position.
    pub entry_position: i32,
    /// The fact that contradicts it.
    pub against: OffsetEntryAgainst,
}

/// The fact that contradicts an entry of an offset index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum OffsetEntryAgainst {
    /// An earlier entry that is not lower.
    Before {
        /// Its offset.
        offset: i64,
        /// Its position.
        position: i32,
    },
    /// The position is inside the batch that begins here.
    InsideBatch {
        /// The position of its first byte.
        position: u64,
    },
    /// The batch at the position has other offsets.
    Batch {
        /// Its first offset.
        first: i64,
        /// Its last offset.
        last: i64,
    },
    /// The offset is inside a batch, where the last one of a batch is expected.
    NotLast {
        /// The first offset of the batch.
        first: i64,
        /// Its last offset.
        last: i64,
    },
    /// The log ends before it.
    LogEnd {
        /// The log end offset.
        offset: i64,
        /// The size of the log.
        size_bytes: u64,
    },
}

impl fmt::Display for OffsetEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            entry,
            entry_offset,
            entry_position,
            against,
        } = self;
        write!(
            f,
            "entry {entry} has offset {entry_offset} at position {entry_position}, "
        )?;
        match against {
            OffsetEntryAgainst::Before { offset, position } => {
                write!(f, "after offset {offset} at position {position}")
            }
            OffsetEntryAgainst::InsideBatch { position } => {
                write!(f, "which is inside the batch at {position}")
            }
            OffsetEntryAgainst::Batch { first, last } => {
                write!(f, "where the batch of offsets {first}-{last} begins")
            }
            OffsetEntryAgainst::NotLast { first, last } => write!(
                f,
                "which is not the last offset of a batch, but inside offsets {first}-{last}"
            ),
            OffsetEntryAgainst::LogEnd { offset, size_bytes } => write!(
                f,
                "beyond the end of the log at offset {offset} and position {size_bytes}"
            ),
        }
    }
}

/// An entry of a time index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TimeEntry {
    /// Its number.
    pub entry: u32,
    /// Its timestamp, in milliseconds since 1970-01-01 UTC.
    pub entry_timestamp: i64,
    /// Its offset.
    pub entry_offset: i64,
    /// The fact that contradicts it.
    pub against: TimeEntryAgainst,
}

/// The fact that contradicts an entry of a time index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TimeEntryAgainst {
    /// A negative number.
    Negative,
    /// An earlier entry that is not lower.
    Before {
        /// Its timestamp.
        timestamp: i64,
        /// Its offset.
        offset: i64,
    },
    /// The largest timestamp up to its offset is another.
    Largest {
        /// The largest timestamp.
        timestamp: i64,
    },
    /// The log ends before it.
    LogEnd {
        /// The log end offset.
        offset: i64,
    },
}

impl fmt::Display for TimeEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entry, timestamp, offset) = (self.entry, self.entry_timestamp, self.entry_offset);
        write!(
            f,
            "entry {entry} has timestamp {timestamp} and offset {offset}, "
        )?;
        match self.against {
            TimeEntryAgainst::Negative => f.write_str("and neither can be negative"),
            TimeEntryAgainst::Before { timestamp, offset } => {
                write!(f, "after timestamp {timestamp} and offset {offset}")
            }
            TimeEntryAgainst::Largest { timestamp } => {
                write!(f, "up to which the largest timestamp is {timestamp}")
            }
            TimeEntryAgainst::LogEnd { offset } => {
                write!(f, "beyond the log end offset {offset}")
            }
        }
    }
}

/// A time index that ends before the largest timestamp of its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LastTimestamp {
    /// The timestamp of the last entry; `None` if there is no entry.
    pub stored: Option<i64>,
    /// The largest timestamp of the log.
    pub actual: i64,
}

impl fmt::Display for LastTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actual = self.actual;
        match self.stored {
            Some(stored) => write!(
                f,
                "the last entry has timestamp {stored}, but the largest timestamp of the log is \
                 {actual}"
            ),
            None => write!(
                f,
                "there is no entry, but the largest timestamp of the log is {actual}"
            ),
        }
    }
}

/// Bytes of a log that no entry of its offset index leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Unindexed {
    /// The number of bytes.
    pub bytes: u64,
    /// Their position in the log.
    pub log_position: u64,
}

impl fmt::Display for Unindexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bytes,
            log_position,
        } = self;
        write!(
            f,
            "{bytes} bytes of the log from position {log_position} on have no entry"
        )
    }
}
