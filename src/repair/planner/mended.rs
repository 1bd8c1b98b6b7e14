//! A `.log` as it could be: its batches with what changes in them, and what is no batch.

use std::ops::Range;

use super::steps::Reason;
use super::survey::Run;
use crate::store::LogFile;

/// A change of a range of bytes, and why.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) range: Range<u64>,
    pub(super) bytes: Vec<u8>,
    pub(super) reason: Reason,
}

impl Change {
    /// Returns true if it keeps its length, and changes some of these bytes only.
    pub(super) fn is_within(&self, whole: &Range<u64>) -> bool {
        let len = self.range.end.checked_sub(self.range.start);
        len == Some(self.bytes.len() as u64) && self.range != *whole
    }

    /// Returns true if the range goes, and nothing comes in its place.
    pub(super) fn is_cut(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// A piece of a mended file.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Batches, and the bytes of them that change.
    Batches { run: Run, changes: Vec<Change> },
    /// Bytes that are not a batch.
    Lost {
        range: Range<u64>,
        /// Suspect records in it: readable, and covered by no checksum.
        suspect: u64,
    },
}

impl Part {
    pub(super) fn range(&self) -> Range<u64> {
        match self {
            Self::Batches { run, .. } => run.range.clone(),
            Self::Lost { range, .. } => range.clone(),
        }
    }
}

/// A `.log` as it could be.
#[derive(Debug)]
pub(super) struct Mended {
    /// The file, read as if the changes that keep its length had been made.
    pub(super) log: LogFile,
    pub(super) parts: Vec<Part>,
}
