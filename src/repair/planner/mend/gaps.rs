//! Bytes of a `.log` that are no batches: what was one is restored, rewritten or set aside.

use std::ops::Range;

use super::headerless::{Neighbours, headerless, tail_of};
use super::mender::Mender;
use super::solve::Solved;
use super::text::as_text;
use crate::format::RecordBatch;
use crate::format::batch::HEADER_BYTES;
use crate::repair::Loss;
use crate::repair::planner::frames::pieces_of;
use crate::repair::planner::mended::{Change, MendedPart};
use crate::repair::planner::salvage::{Salvaged, Slot, salvage};
use crate::repair::planner::steps::Reason;
use crate::repair::planner::survey::BatchRun;
use crate::repair::planner::wording::{counted, offsets};
use crate::store::Error;
use crate::verify::CheckId;
use crate::wire::Offset;

/// Bytes of a gap in which records are sought; what is longer is lost.
const LARGEST_GAP: u64 = 16 << 20;

impl Mender<'_> {
    /// A gap, with the offset of the batch after it.
    pub(super) fn gap(&mut self, range: Range<u64>, next: Option<&BatchRun>) -> Result<(), Error> {
        let log = self.log;
        if let Some(text) = as_text(log, &range, self.file)? {
            self.add(text.run, text.changes);
            return Ok(());
        }
        if range.end - range.start > LARGEST_GAP {
            self.lose(range);
            return Ok(());
        }
        let mut buffer = Vec::new();
        let bytes = log.window(range.clone(), &mut buffer)?;
        let offsets = self.offsets_before(next);
        for piece in pieces_of(bytes, &offsets) {
            let position = range.start + piece.range.start as u64;
            let bytes = bytes.get(piece.range).unwrap_or_default();
            self.damaged(bytes, position, (next, piece.next))?;
        }
        Ok(())
    }

    /// The offsets between the batches so far and the `next` one.
    fn offsets_before(&self, next: Option<&BatchRun>) -> Range<i64> {
        let start = self
            .before
            .as_ref()
            .map_or(self.home.start, |run| run.last.saturating_add(1));
        start..next.map_or(self.home.end, |run| run.first)
    }

    /// Bytes that may have been a batch, before the batch `next`; `begun`: where the damaged one
    /// right after them says that it begins.
    fn damaged(
        &mut self,
        bytes: &[u8],
        position: u64,
        (next, begun): (Option<&BatchRun>, Option<i64>),
    ) -> Result<(), Error> {
        let range = position..position + bytes.len() as u64;
        let before = self.before.as_ref();
        let slot = Slot {
            position,
            offsets: self.offsets_before(next),
            epoch: match (before, next) {
                (Some(before), _) => before.epochs.1,
                (None, next) => next.map_or(-1, |run| run.epochs.0),
            },
            is_open: next.is_none() && self.around.is_open,
        };
        if let Some(solved) = self.solver.solve(bytes, &slot, &mut self.scratch) {
            self.solved(bytes, range, solved);
            return Ok(());
        }
        let saved = match salvage(bytes, &slot, &mut self.scratch) {
            None => self.headerless(bytes, &slot, next)?,
            saved => saved,
        };
        if let Some(saved) = saved {
            self.saved(range, saved);
            return Ok(());
        }
        let slot = Slot {
            offsets: slot.offsets.start..begun.unwrap_or(slot.offsets.end),
            ..slot
        };
        let is_bounded = begun.is_some() || next.is_some_and(|next| next.range.start == range.end);
        let tail = is_bounded.then(|| tail_of(bytes, &slot, &mut self.scratch));
        match tail.flatten() {
            Some(tail) => self.set_aside(range, &tail),
            None => self.lose(range),
        }
        Ok(())
    }

    /// Adds what is left of a batch. Its records are suspect even where the damage shows somewhere
    /// else in it: no checksum says that this is all of the damage.
    fn saved(&mut self, range: Range<u64>, saved: Salvaged) {
        if !self.around.options.keep_suspect {
            return self.set_aside(range, &saved);
        }
        let kept = self.lose_before(range, &saved);
        let loss = Loss {
            bytes: Some(kept.clone()),
            offsets: Some(saved.offsets),
            records: saved.lost,
            knowledge: Vec::new(),
        };
        let (Offset(first), Offset(last)) = saved.offsets;
        let why = format!(
            "rewrites the damaged batch of {}: keeps {}, drops {}",
            offsets(first, last),
            counted(saved.records, "readable record"),
            saved.lost
        );
        let reason = Reason::suspect(&[CheckId::CrcMismatch], why, loss);
        self.replace(kept, saved.bytes, reason);
    }

    /// Gives up what comes before the bytes that `saved` is made of; returns where those are.
    fn lose_before(&mut self, range: Range<u64>, saved: &Salvaged) -> Range<u64> {
        let kept = range.start + saved.from as u64..range.end;
        if range.start < kept.start {
            self.lose(range.start..kept.start);
        }
        kept
    }

    /// Takes records out of the log that no checksum confirms.
    fn set_aside(&mut self, range: Range<u64>, saved: &Salvaged) {
        let range = self.lose_before(range, saved);
        self.parts.push(MendedPart::Lost {
            range,
            suspect: saved.records.max(1),
        });
    }

    /// A batch with its bits turned back.
    fn solved(&mut self, bytes: &[u8], range: Range<u64>, solved: Solved) {
        if solved.is_suspect && !self.around.options.keep_suspect {
            self.parts.push(MendedPart::Lost {
                range,
                suspect: solved.records.max(1),
            });
            return;
        }
        let differs = |at: &usize| bytes.get(*at) != solved.bytes.get(*at);
        let first = (0..bytes.len()).find(differs).unwrap_or(0);
        let last = (0..bytes.len()).rfind(differs).unwrap_or(first);
        let checks = [CheckId::CrcMismatch];
        let reason = if solved.is_suspect {
            Reason::suspect(&checks, solved.what, Loss::default())
        } else {
            Reason::proven(&checks, solved.what, solved.proof)
        };
        let Some(run) = BatchRun::of_header(&solved.bytes, self.file, range.start) else {
            return self.lose(range);
        };
        let content = solved.bytes.get(first..=last).unwrap_or_default().to_vec();
        let change = Change {
            range: range.start + first as u64..range.start + last as u64 + 1,
            bytes: content,
            reason,
        };
        self.add(run, vec![change]);
    }

    /// Bytes that are dropped as a whole.
    pub(super) fn lose(&mut self, range: Range<u64>) {
        match self.parts.last_mut() {
            Some(MendedPart::Lost {
                range: lost,
                suspect: 0,
            }) if lost.end == range.start => lost.end = range.end,
            _ => self.parts.push(MendedPart::Lost { range, suspect: 0 }),
        }
    }

    /// Finds the rest of a batch without its header, directly before the batch `next`.
    fn headerless(
        &mut self,
        bytes: &[u8],
        slot: &Slot,
        next: Option<&BatchRun>,
    ) -> Result<Option<Salvaged>, Error> {
        let end = slot.position + bytes.len() as u64;
        if next.is_none_or(|next| next.range.start != end) || self.questions == 0 {
            return Ok(None);
        }
        self.questions -= 1;
        let mut buffer = Vec::new();
        let header = end..end + HEADER_BYTES as u64;
        let header = self.log.window(header, &mut buffer)?;
        let around = Neighbours {
            log: self.log,
            stretches: self.stretches,
            made: &self.made,
            position: slot.position,
            path: self.path,
            base: Offset(self.home.start),
        };
        let next = RecordBatch::of_header(header);
        Ok(next.and_then(|next| headerless(bytes, slot, &next, &around, &mut self.scratch)))
    }
}
