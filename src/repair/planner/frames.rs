//! Bytes cut into batches.

use std::ops::Range;

use super::salvage::is_time;
use super::survey::BatchRun;
use crate::format::batch::HEADER_BYTES;
use crate::format::frame::FrameHeader;
use crate::format::layout::batch as layout;
use crate::format::{Batch, Frame, RecordBatch};
use crate::wire::Position;

/// Offsets ahead among which nothing but a batch has one by chance: its eight bytes, a size, a magic and a leader epoch fit together.
const NARROW: i64 = 1 << 16;

/// Elections that no partition has seen.
const MOST_EPOCHS: i32 = 1 << 24;

/// A piece of bytes that are no batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remnant {
    pub(super) range: Range<usize>,
    /// The base offset of the damaged batch right after it.
    pub(super) next: Option<i64>,
}

/// Bytes that are no batches, between those that leave them `offsets`: cut where the sizes in them say that a batch ended, and where
/// a header begins that could be one of theirs.
pub(super) fn pieces_of(bytes: &[u8], offsets: &Range<i64>) -> Vec<Remnant> {
    let mut pieces: Vec<Remnant> = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let size = FrameHeader::read(rest).and_then(|header| header.frame_bytes().ok());
        let most = size.filter(|size| *size <= rest.len());
        let most = most.unwrap_or(rest.len());
        // The header at its own beginning is not the next one.
        let next = next_header(rest.get(1..).unwrap_or_default(), most, offsets);
        let end = next.map_or(most, |(skipped, _)| skipped.saturating_add(1));
        pieces.push(Remnant {
            range: at..at.saturating_add(end),
            next: next.map(|(_, base)| base),
        });
        at = at.saturating_add(end);
    }
    pieces
}

/// The first of so many places at which a header of magic 2 begins that could be of a batch with one of these offsets, and its base
/// offset.
fn next_header(bytes: &[u8], places: usize, offsets: &Range<i64>) -> Option<(usize, i64)> {
    let mut at = 0;
    while at < places {
        let magic = at.checked_add(layout::MAGIC)?;
        let skipped = bytes.get(magic..)?.iter().position(|byte| *byte == 2)?;
        at = at.checked_add(skipped)?;
        if at < places
            && let Some(base) = bytes.get(at..).and_then(|here| begun(here, offsets))
        {
            return Some((at, base));
        }
        at = at.saturating_add(1);
    }
    None
}

/// The base offset of the batch whose header `bytes` begin with, if it could be one with these offsets.
fn begun(bytes: &[u8], offsets: &Range<i64>) -> Option<i64> {
    let batch = RecordBatch::of_header(bytes)?;
    let size = FrameHeader::read(bytes)?.frame_bytes().ok()?;
    let base = batch.base_offset().0;
    let is_narrow = base.saturating_sub(offsets.start) <= NARROW;
    let is_timed = is_time(batch.base_timestamp().0) && is_time(batch.max_timestamp().0);
    let fits = offsets.contains(&base)
        && size >= HEADER_BYTES
        && (-1..MOST_EPOCHS).contains(&batch.leader_epoch().0)
        && (is_narrow || is_timed && batch.attributes() & !0x7f == 0);
    fits.then_some(base)
}

/// The next leader epoch after each of these batches.
pub(super) fn epochs_after(singles: &[BatchRun]) -> Vec<Option<i32>> {
    let mut next = None;
    let mut after: Vec<Option<i32>> = singles
        .iter()
        .rev()
        .map(|single| {
            let after = next;
            next = Some(single.epochs.0).filter(|epoch| *epoch >= 0).or(next);
            after
        })
        .collect();
    after.reverse();
    after
}

/// The batches in bytes that are nothing else.
pub(super) fn runs_of(bytes: &[u8], file: usize) -> Vec<BatchRun> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(run) = BatchRun::of_header(rest, file, at as u64) else {
            break;
        };
        at = usize::try_from(run.range.end).unwrap_or(usize::MAX);
        runs.push(run);
    }
    runs
}

/// The batch in `bytes`, all of which it takes.
pub(super) fn batch_of(bytes: &[u8]) -> Option<Batch<'_>> {
    let frame = Frame::parse(bytes, Position(0)).ok()?;
    Batch::parse(frame)
        .ok()
        .filter(|_| frame.size_bytes() == bytes.len())
}
