//! Bytes that are not a batch: truncated, removed, or kept as an empty batch where the end of the
//! log hangs on them.

use std::ops::Range;

use super::segment_log::SegmentLog;
use crate::format::frame::FrameHeader;
use crate::format::{Placeholder, RecordBatch};
use crate::repair::error::Error;
use crate::repair::plan::Action;
use crate::repair::planner::mended::MendedPart;
use crate::repair::planner::steps::{Reason, Steps};
use crate::repair::planner::survey::BatchRun;
use crate::repair::planner::wording::{counted, offsets, offsets_are};
use crate::repair::proof::Idle;
use crate::repair::{Knowledge, Loss};
use crate::verify::CheckId;
use crate::wire::{LeaderEpoch, Offset, OffsetDelta, ProducerId, Timestamp};

/// Bytes from which the header of a batch is read.
const HEAD_BYTES: u64 = 4096;

/// Bytes looked at in one go.
const WINDOW_BYTES: u64 = 1 << 20;

/// Bytes that are no batch, and what is around them.
pub(super) struct Lost<'a> {
    log: &'a SegmentLog,
    range: Range<u64>,
    /// Readable records in them that no checksum covers.
    suspect: u64,
    /// True if other bytes of the same gap are before them, which tell what is lost of it.
    is_rest: bool,
    /// The first offset that may be lost, and the first one after that is there.
    first: i64,
    after: Option<i64>,
    /// The leader epoch of the batch before.
    epoch: i32,
    /// True if the file ends with them, and whether the log does.
    is_tail: bool,
    is_end: bool,
}

/// The kind of removed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Zeros, all of them: room that was never filled, or that never reached the disk.
    Zeros,
    /// Some of them cannot be read.
    Unreadable,
    /// Anything else.
    Other,
}

impl<'a> Lost<'a> {
    /// Returns the lost ranges of segment number `index`, in which the batches of `kept` stay in
    /// place.
    pub(super) fn of(logs: &'a [SegmentLog], index: usize, kept: &[&BatchRun]) -> Vec<Self> {
        let mut row: Vec<Self> = Vec::new();
        let Some(log) = logs.get(index) else {
            return row;
        };
        let next = logs.get(index + 1).map(|next| next.new_base);
        let mut before_last = None;
        for part in &log.mended.parts {
            let MendedPart::Lost { range, suspect } = part else {
                continue;
            };
            let is_tail = range.end == log.len_bytes;
            let nth = kept.partition_point(|run| run.range.start < range.start);
            let before = nth.checked_sub(1).and_then(|nth| kept.get(nth));
            row.push(Self {
                log,
                range: range.clone(),
                suspect: *suspect,
                is_rest: before_last == Some(nth),
                first: before.map_or(log.new_base, |run| run.last.saturating_add(1)),
                after: kept.get(nth).map(|run| run.first).or(next),
                epoch: before.map_or(-1, |run| run.epochs.1),
                is_tail,
                is_end: is_tail && next.is_none(),
            });
            before_last = Some(nth);
        }
        row
    }

    /// Adds the step that gives the bytes up. Returns the batch that replaces them, if one does.
    pub(super) fn give_up(&self, steps: &mut Steps<'_>) -> Result<Option<Placeholder>, Error> {
        let mut buffer = Vec::new();
        let end = self.range.end.min(self.range.start + HEAD_BYTES);
        let head = self
            .log
            .mended
            .log
            .readable(self.range.start..end, &mut buffer);
        let placeholder = self.placeholder(head.bytes);
        let content = self.content();
        if let Some(batch) = placeholder {
            self.hold_place(batch, content, steps)?;
            return Ok(Some(batch));
        }
        self.cut(content, self.torn(head.bytes), steps)?;
        Ok(None)
    }

    /// Returns the kind of the bytes.
    fn content(&self) -> Content {
        let (mut buffer, mut at) = (Vec::new(), self.range.start);
        let mut content = Content::Zeros;
        while at < self.range.end {
            let end = self.range.end.min(at + WINDOW_BYTES);
            let window = self.log.mended.log.readable(at..end, &mut buffer);
            if window.unreadable.is_some() {
                return Content::Unreadable;
            }
            if window.bytes.iter().any(|byte| *byte != 0) {
                content = Content::Other;
            }
            at = end;
        }
        content
    }

    /// Returns the last offset of the incomplete batch at the end of the log, if its header can be
    /// believed.
    fn torn(&self, head: &[u8]) -> Option<i64> {
        let batch = self.last_batch(head).filter(|_| !self.is_rest)?;
        self.first.checked_add(batch.last_offset_delta().0.into())
    }

    /// Returns the header of the last batch of the log, if it continues the batch before and its
    /// record count fits its offsets.
    fn last_batch<'b>(&self, head: &'b [u8]) -> Option<RecordBatch<'b>> {
        let batch = RecordBatch::of_header(head)?;
        let delta = batch.last_offset_delta().0;
        let is_believed = self.is_end
            && batch.magic() == 2
            && batch.base_offset().0 == self.first
            && delta >= 0
            && batch.records_count() == delta.saturating_add(1);
        is_believed.then_some(batch)
    }

    /// Takes the bytes out of the file; `torn` is the last offset of an incomplete batch.
    fn cut(&self, content: Content, torn: Option<i64>, steps: &mut Steps<'_>) -> Result<(), Error> {
        let is_zero = content == Content::Zeros;
        let gap = self.after.filter(|after| *after > self.first);
        let is_gap = gap.is_some();
        let gap = gap.filter(|_| !self.is_rest);
        let after = gap.or_else(|| torn?.checked_add(1));
        let missing = after.map_or(0, |after| u64::try_from(after - self.first).unwrap_or(0));
        // The step for the first bytes of the gap counts its records.
        let records = if is_gap && self.is_rest {
            0
        } else {
            missing.max(self.suspect)
        };
        // What came after it is unknown: an offset may be given out twice.
        let is_end_lost = self.is_end && !is_zero;
        let knowledge = is_end_lost.then_some(Knowledge::EndOffset);
        let knowledge = knowledge.into_iter().collect();
        let loss = Loss {
            bytes: Some(self.range.clone()),
            offsets: after.map(|after| (Offset(self.first), Offset(after - 1))),
            records,
            knowledge,
        };
        let what = if content == Content::Unreadable {
            "bytes here cannot be read from the disk"
        } else {
            "these bytes are not a valid batch"
        };
        let why = match (self.is_tail, gap) {
            (true, None) if content == Content::Unreadable => {
                format!("{what}; truncates the log after the last readable batch")
            }
            (true, None) => "truncates the incomplete batch at the end".to_owned(),
            (_, Some(after)) => format!(
                "{what}; {} lost, everything after that is kept",
                offsets_are(self.first, after - 1)
            ),
            (false, None) if is_gap => {
                format!("{what}; the step before counts what is lost here")
            }
            (false, None) => {
                format!("{what}, and no offsets are missing around them")
            }
        };
        let reason = match (self.is_tail, is_zero && gap.is_none()) {
            (true, true) => Reason::unused(&[CheckId::ZeroTail], why, Idle::Zeros),
            _ if content == Content::Unreadable => {
                Reason::lossy(&[CheckId::UnreadableBytes], why, loss)
            }
            _ if self.suspect > 0 => {
                let why = format!(
                    "{why}; lost+found gets {} that no checksum confirms",
                    counted(self.suspect, "readable record")
                );
                Reason::suspect(&[CheckId::CrcMismatch], why, loss)
            }
            (true, false) => Reason::lossy(&[CheckId::TruncatedTail], why, loss),
            // Zeros where offsets are missing were batches.
            (false, true) if !is_gap => Reason::unused(&[CheckId::ZeroPages], why, Idle::Zeros),
            (false, _) => Reason::lossy(&[CheckId::LostFrames], why, loss),
        };
        let file = self.log.plan.clone();
        let action = if self.is_tail {
            Action::Truncate {
                file,
                to: self.range.start,
            }
        } else {
            Action::Excise {
                file,
                ranges: vec![self.range.clone()],
            }
        };
        steps.add(action, &[], reason)
    }

    /// An empty batch for the last one of the log, if its header can be believed: so the log does
    /// not end earlier, and no offset is given out twice.
    fn placeholder(&self, head: &[u8]) -> Option<Placeholder> {
        let batch = self.last_batch(head)?;
        let size = FrameHeader::read(head)?.frame_bytes().ok()?;
        let delta = batch.last_offset_delta();
        let is_believed = size as u64 == self.range.end - self.range.start && !batch.is_control();
        is_believed.then_some(Placeholder {
            base_offset: Offset(self.first),
            last_offset_delta: OffsetDelta(delta.0),
            leader_epoch: LeaderEpoch(self.epoch),
            attributes: 0,
            base_timestamp: Timestamp(-1),
            max_timestamp: Timestamp(-1),
            producer_id: ProducerId(-1),
            producer_epoch: -1,
            base_sequence: -1,
        })
    }

    fn hold_place(
        &self,
        batch: Placeholder,
        content: Content,
        steps: &mut Steps<'_>,
    ) -> Result<(), Error> {
        let end = batch.base_offset.plus(batch.last_offset_delta);
        let why = format!(
            "the last batch is damaged; an empty batch in its place keeps {} from being assigned \
             again",
            offsets(batch.base_offset.0, end.0)
        );
        let loss = Loss {
            bytes: Some(self.range.clone()),
            offsets: Some((batch.base_offset, end)),
            records: u64::try_from(batch.last_offset_delta.0).unwrap_or(0) + 1,
            knowledge: Vec::new(),
        };
        let action = Action::Placeholder {
            file: self.log.plan.clone(),
            range: self.range.clone(),
            batch,
        };
        let checks = [match content {
            Content::Unreadable => CheckId::UnreadableBytes,
            Content::Zeros | Content::Other => CheckId::CrcMismatch,
        }];
        let reason = if self.suspect > 0 {
            Reason::suspect(&checks, why, loss)
        } else {
            Reason::lossy(&checks, why, loss)
        };
        steps.add(action, &[], reason)
    }
}
