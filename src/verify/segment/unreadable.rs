//! Bytes that cannot be read, and the batches that they were part of.

use std::ops::Range;

use super::damage::{DamageKind, DamagePart, PARTS};
use crate::format::batch::HEADER_BYTES;
use crate::format::frame::FrameHeader;
use crate::scan::{GapPart, may_follow};
use crate::store::{LogFile, Unreadable};

/// The parts of a range that `cut` tile: a part for each batch whose header can be read and whose
/// end is confirmed by the bytes after it, and one for the rest, in which batches cannot be found.
pub(super) fn parts(log: &LogFile, cut: &[GapPart]) -> Vec<DamagePart> {
    let (Some(first), Some(last)) = (cut.first(), cut.last()) else {
        return Vec::new();
    };
    let stretch = first.range.start..last.range.end;
    let mut unreadable = cut.iter().filter_map(GapPart::unreadable).peekable();
    let (mut parts, mut at) = (Vec::new(), stretch.start);
    while at < stretch.end {
        let mut buffer = Vec::new();
        let header = at..at.saturating_add(HEADER_BYTES as u64).min(stretch.end);
        let head = log.readable(header, &mut buffer).bytes.to_vec();
        let is_last = parts.len() >= PARTS;
        let batch_end = batch_end(log, &head, at, &stretch).filter(|_| !is_last);
        let end = batch_end.unwrap_or(stretch.end);
        let mut own: Vec<Unreadable> = Vec::new();
        while let Some(next) = unreadable.next_if(|next| next.range.start < end) {
            own.push(next);
        }
        parts.push(DamagePart {
            range: at..end,
            kind: DamageKind::Unreadable {
                is_batch: batch_end.is_some(),
            },
            head: if batch_end.is_some() {
                head
            } else {
                Vec::new()
            },
            zeros: None,
            unreadable: own,
        });
        at = end;
    }
    parts
}

/// Returns the end of the batch with the header `head`, if it can be read completely and the end of
/// the range or another batch follows.
fn batch_end(log: &LogFile, head: &[u8], at: u64, stretch: &Range<u64>) -> Option<u64> {
    let header = FrameHeader::read(head)?;
    let size = header.frame_bytes().ok()?;
    if head.len() < size.min(HEADER_BYTES) {
        return None;
    }
    let end = at.checked_add(size as u64)?;
    if end >= stretch.end {
        return (end == stretch.end).then_some(end);
    }
    let mut buffer = Vec::new();
    let next = log.readable(end..end.saturating_add(HEADER_BYTES as u64), &mut buffer);
    let next = FrameHeader::read(next.bytes)?;
    may_follow(header.offset(), next).then_some(end)
}
