//! What the checks of other files are shown of a `.log`: its batches in file order, whoever reads them first.
//!
//! A file may be read in pieces on several threads, and what follows from its batches depends on their order. So a piece
//! only notes what its batches say, and the notes are read out when the pieces are put together.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::segment::Witness;
use crate::format::{Batch, Frame, RecordBatch, Scratch};
use crate::wire::{LeaderEpoch, Offset, Position, Timestamp};

/// The most bytes of a control batch that are kept; those that Kafka writes have fewer than 200.
const CONTROL_BYTES: usize = 64 << 10;

/// What the header of a batch says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Where it begins.
    pub(super) position: u64,
    /// Where it ends.
    pub(super) end: u64,
    /// Its first offset; the only one that is known of a message of magic 0 or 1.
    pub(super) first: Offset,
    /// Its last offset.
    pub(super) last: Offset,
    /// Its largest timestamp; −1 for none.
    pub(super) max_timestamp: Timestamp,
    /// The term of its leader; none of magic 0 and 1.
    pub(super) epoch: Option<LeaderEpoch>,
}

impl Row {
    fn of(batch: &Batch<'_>) -> Self {
        let position = batch.position().0;
        let (first, epoch) = match batch {
            Batch::V2(batch) => (batch.base_offset(), Some(batch.leader_epoch())),
            Batch::Legacy(message) => (message.offset(), None),
        };
        Self {
            position,
            end: position.saturating_add(batch.size_bytes() as u64),
            first,
            last: batch.last_offset(),
            max_timestamp: batch.max_timestamp(),
            epoch,
        }
    }

    /// Whether it is of magic 0 or 1.
    pub(super) fn is_legacy(&self) -> bool {
        self.epoch.is_none()
    }
}

/// Takes what a `.log` consists of, in file order.
pub(super) trait Follow: Send {
    /// Takes the next good batch, and the first offset of the one right behind it. Of a batch with a producer there is the
    /// header too, and of its control batches the records.
    fn batch(
        &mut self,
        row: &Row,
        next: Option<Offset>,
        batch: Option<&RecordBatch<'_>>,
        scratch: &mut Scratch,
    );

    /// Takes bytes that are no batch.
    fn gap(&mut self, range: Range<u64>);
}

/// What is noted of a batch or a gap.
#[derive(Debug)]
enum Note {
    Batch { row: Row, kept: Range<usize> },
    Gap(Range<u64>),
}

/// Notes what the batches of a piece say, for those who follow the file.
pub(super) struct Trace<F> {
    follower: Arc<Mutex<F>>,
    notes: Vec<Note>,
    /// Headers and control batches.
    kept: Vec<u8>,
}

impl<F: Follow> Trace<F> {
    pub(super) fn new(follower: &Arc<Mutex<F>>) -> Self {
        Self {
            follower: Arc::clone(follower),
            notes: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Reads out what was noted, but for the last note: whether a batch is in its place shows in the next one.
    fn read_out(&mut self) {
        let kept = self.notes.len().saturating_sub(1);
        self.read(kept);
    }

    /// Reads out all that is left: the file has ended.
    pub(super) fn end(&mut self) {
        self.read(self.notes.len());
    }

    fn read(&mut self, count: usize) {
        let mut follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = Scratch::default();
        for (index, note) in self.notes.iter().enumerate().take(count) {
            let (row, kept) = match note {
                Note::Gap(range) => {
                    follower.gap(range.clone());
                    continue;
                }
                Note::Batch { row, kept } => (row, kept.clone()),
            };
            let next = match self.notes.get(index + 1) {
                Some(Note::Batch { row, .. }) => Some(row.first),
                _ => None,
            };
            let bytes = self.kept.get(kept).unwrap_or_default();
            let batch = Frame::parse(bytes, Position(row.position))
                .and_then(RecordBatch::parse)
                .ok()
                .or_else(|| RecordBatch::of_header(bytes));
            follower.batch(row, next, batch.as_ref(), &mut scratch);
        }
        self.notes.drain(..count);
        if self.notes.is_empty() {
            self.kept.clear();
        }
    }

    /// Puts the notes of the piece that follows behind these.
    fn append(&mut self, next: Self) {
        if self.notes.len() <= 1 {
            self.forget();
        }
        let by = self.kept.len();
        self.kept.extend_from_slice(&next.kept);
        self.notes
            .extend(next.notes.into_iter().map(|note| match note {
                Note::Batch { row, kept } => Note::Batch {
                    row,
                    kept: kept.start + by..kept.end + by,
                },
                gap @ Note::Gap(_) => gap,
            }));
    }

    /// Lets go of bytes that no note is about any more.
    fn forget(&mut self) {
        let Some(Note::Batch { kept, .. }) = self.notes.first_mut() else {
            self.kept.clear();
            return;
        };
        self.kept.drain(..kept.start);
        *kept = 0..kept.end - kept.start;
    }
}

impl<F: Follow> Witness for Trace<F> {
    fn batch(&mut self, batch: &Batch<'_>, _: &mut Scratch) {
        let row = Row::of(batch);
        let start = self.kept.len();
        if let Batch::V2(batch) = batch
            && batch.producer_id().0 >= 0
        {
            self.kept.extend_from_slice(batch.header());
            if batch.is_control() && batch.size_bytes() <= CONTROL_BYTES {
                self.kept.extend_from_slice(batch.body());
            }
        }
        let kept = start..self.kept.len();
        self.notes.push(Note::Batch { row, kept });
    }

    fn gap(&mut self, range: Range<u64>) {
        self.notes.push(Note::Gap(range));
    }

    fn merge(&mut self, next: Self) {
        self.read_out();
        self.append(next);
        self.read_out();
    }
}

impl<F> std::fmt::Debug for Trace<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trace")
            .field("notes", &self.notes.len())
            .finish_non_exhaustive()
    }
}
