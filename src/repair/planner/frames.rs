//! Bytes cut into batches.

use std::ops::Range;

use super::survey::Run;
use crate::format::frame::FrameHeader;
use crate::format::{Batch, Frame};
use crate::wire::Position;

/// Bytes that are no batches, cut where the sizes in them say that one ended; a piece without one is the rest.
pub(super) fn pieces_of(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let size = FrameHeader::read(rest).and_then(|header| header.frame_bytes().ok());
        let size = size.filter(|size| *size <= rest.len());
        let start = at;
        at += size.unwrap_or(rest.len());
        Some(start..at)
    })
}

/// The next leader epoch after each of these batches.
pub(super) fn epochs_after(singles: &[Run]) -> Vec<Option<i32>> {
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
pub(super) fn runs_of(bytes: &[u8], file: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(run) = Run::of_header(rest, file, at as u64) else {
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
