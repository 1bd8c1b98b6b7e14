//! The facts about batches of a `.log` that its siblings are compared with.

use std::ops::Range;

use crate::format::{RecordBatch, Scratch};
use crate::wire::{LeaderEpoch, Offset, Timestamp};

/// The header of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The position of its first byte.
    pub(super) position: u64,
    /// Its end.
    pub(super) end: u64,
    /// Its first offset; the only one that is known of a message of magic 0 or 1.
    pub(super) first: Offset,
    /// Its last offset.
    pub(super) last: Offset,
    /// Its largest timestamp; −1 means none.
    pub(super) max_timestamp: Timestamp,
    /// The term of its leader; `None` for magic 0 and 1.
    pub(super) epoch: Option<LeaderEpoch>,
}

impl Row {
    /// Returns true if it is of magic 0 or 1.
    pub(super) fn is_legacy(&self) -> bool {
        self.epoch.is_none()
    }
}

/// Checks that are shown the batches of a `.log` in file order.
pub(super) trait Beside {
    /// Takes the next valid batch, and the first offset of the one right after it. For a batch with
    /// a producer there is the header too, and for its control batches the records.
    fn batch(
        &mut self,
        row: &Row,
        next: Option<Offset>,
        batch: Option<&RecordBatch<'_>>,
        scratch: &mut Scratch,
    );

    /// Takes bytes that are not a batch.
    fn gap(&mut self, range: Range<u64>);
}
