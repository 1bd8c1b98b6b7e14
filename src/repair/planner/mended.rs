//! A `.log` as it could be: its batches with what changes in them, and what is no batch.

use std::ops::Range;

use super::steps::Reason;
use super::survey::BatchRun;
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

/// Adds a change of a batch. If the batch is rewritten as a whole already, the new bytes are changed:
/// two steps for the same bytes are no plan.
pub(super) fn add(changes: &mut Vec<Change>, change: Change) {
    let Range { start, end } = change.range;
    let around = changes.iter_mut().find(|other| {
        let ends = other.range.start.saturating_add(other.bytes.len() as u64);
        other.range.start <= start && end <= ends.min(other.range.end)
    });
    let Some(around) = around else {
        return changes.push(change);
    };
    let at = usize::try_from(start - around.range.start).unwrap_or(usize::MAX);
    if let Some(bytes) = around
        .bytes
        .get_mut(at..at.saturating_add(change.bytes.len()))
    {
        bytes.copy_from_slice(&change.bytes);
    }
    around.reason = around.reason.clone().and(&change.reason);
}

/// A piece of a mended file.
#[derive(Debug, Clone)]
pub(super) enum MendedPart {
    /// Batches, and the bytes of them that change.
    Batches { run: BatchRun, changes: Vec<Change> },
    /// Bytes that are not a batch.
    Lost {
        range: Range<u64>,
        /// Suspect records in it: readable, and covered by no checksum.
        suspect: u64,
    },
}

impl MendedPart {
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
    pub(super) parts: Vec<MendedPart>,
}
