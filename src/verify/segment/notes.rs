//! Notes about a `.log` for the checks of other files: its batches in file order.
//!
//! A file may be read in pieces on several threads, and the derived files depend on the order of
//! batches. So a piece only notes the facts about its batches, and the notes are read when the
//! pieces are taken in file order.

use super::batch::Info;
use super::damage::Part;
use crate::format::batch::HEADER_BYTES;
use crate::format::{Batch, Frame, RecordBatch, Scratch};
use crate::verify::row::Beside;
use crate::wire::{Offset, Position};

/// The maximum number of bytes of a control batch that are kept; those that Kafka writes have fewer
/// than 200.
const CONTROL_BYTES: usize = 64 << 10;

/// A note about a batch or a gap.
#[derive(Debug)]
pub(super) enum Note {
    /// A batch, and the number of its bytes among the kept ones.
    Batch(Info, u32),
    /// A gap between batches, part by part.
    Gap(Vec<Part>),
}

/// The notes about a piece, in file order.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) notes: Vec<Note>,
    /// Headers of batches with a producer, and their control batches.
    kept: Vec<u8>,
}

impl Notes {
    pub(super) fn batch(&mut self, info: Info, batch: &Batch<'_>) {
        let before = self.kept.len();
        if let Batch::V2(batch) = batch
            && batch.producer_id().0 >= 0
        {
            self.kept.extend_from_slice(batch.header());
            if batch.is_control() && batch.size_bytes() <= CONTROL_BYTES {
                self.kept.extend_from_slice(batch.body());
            }
        }
        let kept = u32::try_from(self.kept.len() - before).unwrap_or(0);
        self.notes.push(Note::Batch(info, kept));
    }

    pub(super) fn gap(&mut self, parts: Vec<Part>) {
        self.notes.push(Note::Gap(parts));
    }
}

/// Passes notes to the checks of the other files. Only the next batch shows if a batch is in its
/// place, so the last one of a piece waits for the first one of the next.
pub(super) struct ReadOut<'c> {
    check: &'c mut dyn Beside,
    held: Option<(Info, Vec<u8>)>,
    scratch: Scratch,
}

impl<'c> ReadOut<'c> {
    pub(super) fn to(check: &'c mut dyn Beside) -> Self {
        Self {
            check,
            held: None,
            scratch: Scratch::default(),
        }
    }

    /// Passes on the notes of the next piece.
    pub(super) fn read(&mut self, piece: &Notes) {
        let mut kept = &piece.kept[..];
        let mut notes = piece.notes.iter().peekable();
        let next_of = |note: Option<&&Note>| match note {
            Some(Note::Batch(info, _)) => Some(Offset(info.base)),
            _ => None,
        };
        if notes.peek().is_none() {
            return;
        }
        if let Some((info, bytes)) = self.held.take() {
            self.batch(&info, next_of(notes.peek()), &bytes);
        }
        while let Some(note) = notes.next() {
            match note {
                Note::Batch(info, length) => {
                    let (own, rest) = kept.split_at_checked(*length as usize).unwrap_or_default();
                    kept = rest;
                    if notes.peek().is_none() {
                        self.held = Some((*info, own.to_vec()));
                    } else {
                        self.batch(info, next_of(notes.peek()), own);
                    }
                }
                Note::Gap(parts) => {
                    if let (Some(first), Some(last)) = (parts.first(), parts.last()) {
                        self.check.gap(first.range.start..last.range.end);
                    }
                }
            }
        }
    }

    /// Passes on the rest at the end of the file.
    pub(super) fn end(mut self) {
        if let Some((info, bytes)) = self.held.take() {
            self.batch(&info, None, &bytes);
        }
    }

    fn batch(&mut self, info: &Info, next: Option<Offset>, kept: &[u8]) {
        let batch = if kept.len() > HEADER_BYTES {
            Frame::parse(kept, Position(info.position))
                .and_then(RecordBatch::parse)
                .ok()
        } else {
            RecordBatch::of_header(kept)
        };
        self.check
            .batch(&info.row(), next, batch.as_ref(), &mut self.scratch);
    }
}
