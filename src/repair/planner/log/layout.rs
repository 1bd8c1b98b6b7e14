//! Where every batch of a partition goes, as steps: changes where they are, ranges cut out, files
//! combined again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use super::lost::Lost;
use super::order::{Fate, Placed};
use super::segment_log::{SegmentLog, changes_in, equal};
use crate::format::{Scratch, name};
use crate::repair::error::Error;
use crate::repair::plan::{Action, FilePart as Piece};
use crate::repair::planner::beside::pieces::each_batch;
use crate::repair::planner::mended::{Change, MendedPart};
use crate::repair::planner::steps::{LogPiece, NewLog, NewSegment, Reason, Steps};
use crate::repair::planner::survey::BatchRun;
use crate::repair::planner::wording::{counted, offsets};
use crate::repair::proof::{Between, Idle};
use crate::repair::{Content, Loss, Odds, PlanPath};
use crate::verify::CheckId;
use crate::wire::Offset;

/// The segments, and where their batches go.
pub(super) struct Layout<'a, 'steps, 'disk> {
    logs: &'a [SegmentLog],
    steps: &'steps mut Steps<'disk>,
    /// The batches of each segment, in offset order.
    here: Vec<Vec<&'a Placed>>,
    /// The batches that leave each file.
    gone: Vec<Vec<&'a Placed>>,
    /// The files by their paths.
    plans: BTreeMap<&'a Path, &'a PlanPath>,
}

impl<'a, 'steps, 'disk> Layout<'a, 'steps, 'disk> {
    pub(super) fn new(
        logs: &'a [SegmentLog],
        placed: &'a [Placed],
        steps: &'steps mut Steps<'disk>,
    ) -> Self {
        let (mut here, mut gone) = (vec![Vec::new(); logs.len()], vec![Vec::new(); logs.len()]);
        for one in placed {
            if one.is_kept()
                && let Some(here) = here.get_mut(one.target)
            {
                here.push(one);
            }
            if !(one.is_kept() && one.target == one.run.file)
                && let Some(gone) = gone.get_mut(one.run.file)
            {
                gone.push(one);
            }
        }
        let plans = logs.iter().map(|log| (log.path.as_path(), &log.plan));
        Self {
            logs,
            steps,
            here,
            gone,
            plans: plans.collect(),
        }
    }

    /// Adds the steps, and tells what they leave.
    pub(super) fn write(&mut self) -> Result<NewLog, Error> {
        let mut new = NewLog::default();
        for index in 0..self.logs.len() {
            let segment = self.segment(index, &mut new.end)?;
            new.segments.extend(segment);
        }
        self.rename()?;
        Ok(new)
    }

    /// Adds the steps for one file, and tells what it becomes.
    fn segment(&mut self, index: usize, end: &mut i64) -> Result<Option<NewSegment>, Error> {
        let logs = self.logs;
        let Some(log) = logs.get(index) else {
            return Ok(None);
        };
        let here = self.here.get(index).cloned().unwrap_or_default();
        let gone = self.gone.get(index).cloned().unwrap_or_default();
        let moved = here.iter().filter(|placed| placed.fate == Fate::Moves);
        let moved: u64 = moved.map(|placed| placed.run.batches).sum();
        let mut segment = NewSegment {
            base: log.new_base,
            pieces: Vec::new(),
            is_changed: moved > 0 || log.base != log.new_base,
        };
        for placed in &here {
            if let Some(from) = logs.get(placed.run.file) {
                segment.pieces.extend(pieces(from, &placed.run.range));
            }
        }
        segment.is_changed |= !gone.is_empty();
        if moved > 0 {
            self.arrange(log, (&here, &gone), &segment)?;
            return Ok(Some(segment));
        }
        segment.is_changed |= self.patch(log, &gone)?;
        for placed in gone {
            self.excise(log, placed)?;
        }
        let mut kept: Vec<&BatchRun> = here.iter().map(|placed| &placed.run).collect();
        kept.sort_unstable_by_key(|run| run.range.start);
        for lost in Lost::of(self.logs, index, &kept) {
            segment.is_changed = true;
            if let Some(batch) = lost.give_up(self.steps)? {
                *end = batch.base_offset.plus(batch.last_offset_delta).0 + 1;
                segment
                    .pieces
                    .push(LogPiece::Bytes(batch.encode().to_vec()));
            }
        }
        Ok(Some(segment))
    }

    /// The changes of a file whose batches stay where they are.
    fn patch(&mut self, log: &SegmentLog, gone: &[&Placed]) -> Result<bool, Error> {
        let mut changes = changes_in(log, &(0..u64::MAX));
        let mut ranges: Vec<&Range<u64>> = gone.iter().map(|placed| &placed.run.range).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        changes.retain(|change| {
            let at = change.range.start;
            let before = ranges.partition_point(|range| range.start <= at);
            let holder = before.checked_sub(1).and_then(|nth| ranges.get(nth));
            holder.is_none_or(|range| range.end <= at)
        });
        let is_same =
            |a: &&Change, b: &&Change| a.is_cut() && b.is_cut() && a.reason.why == b.reason.why;
        for same in changes.chunk_by(is_same) {
            let Some(change) = same.first() else { continue };
            let file = log.plan.clone();
            let action = if change.is_cut() {
                let ranges = same.iter().map(|change| change.range.clone());
                Action::Excise {
                    file,
                    ranges: ranges.collect(),
                }
            } else {
                Action::Patch {
                    file,
                    range: change.range.clone(),
                    content: Content::new(change.bytes.clone())?,
                }
            };
            self.steps.add(action, &[], change.reason.clone())?;
        }
        Ok(!changes.is_empty())
    }

    /// A file combined again: batches had to move within it, or into it.
    fn arrange(
        &mut self,
        log: &SegmentLog,
        (here, gone): (&[&Placed], &[&Placed]),
        segment: &NewSegment,
    ) -> Result<(), Error> {
        let is_moved = |placed: &&&Placed| placed.fate == Fate::Moves;
        let moved: u64 = here
            .iter()
            .filter(is_moved)
            .map(|placed| placed.run.batches)
            .sum();
        let (pieces, mut reads) = self.parts(segment)?;
        reads.retain(|file| *file != log.plan);
        let why = format!(
            "moves {} into the order of offsets",
            counted(moved, "batch")
        );
        let is_lost = |part: &&MendedPart| matches!(part, MendedPart::Lost { .. });
        let lost = log.mended.parts.iter().filter(is_lost).count();
        let checks = [CheckId::MisplacedBatches];
        let reason = if lost == 0 {
            Reason::proven_or_likely(&checks, why, proof_of_moves(here))
        } else {
            let why = format!(
                "{why}; removes {} of bytes that are not batches",
                counted(lost as u64, "range")
            );
            Reason::lossy(&checks, why, Loss::default())
        };
        let changes = changes_in(log, &(0..u64::MAX)).into_iter();
        let mut reason = changes.fold(reason, |reason, change| reason.and(&change.reason));
        for placed in gone {
            reason = reason.and(&self.reason_of(log, placed)?);
        }
        let Some(file) = self.new_path(log) else {
            return Ok(());
        };
        if file != log.plan {
            reads.push(log.plan.clone());
            let why = "its batches move to another segment";
            let action = Action::Quarantine {
                file: log.plan.clone(),
            };
            let gone = Reason::unused(&[CheckId::SegmentOverlap], why, Idle::File);
            self.steps.add(action, &[], gone)?;
        }
        self.steps
            .add(Action::Arrange { file, pieces }, &reads, reason)
    }

    /// The pieces of a segment as a plan names them, and the files that they come from.
    fn parts(&self, segment: &NewSegment) -> Result<(Vec<Piece>, Vec<PlanPath>), Error> {
        let (mut parts, mut reads): (Vec<Piece>, BTreeSet<&PlanPath>) = Default::default();
        for piece in &segment.pieces {
            let (path, range) = match piece {
                LogPiece::Bytes(bytes) => {
                    parts.push(Piece::Bytes(Content::new(bytes.clone())?));
                    continue;
                }
                LogPiece::Kept { path, range } => (path, range.clone()),
            };
            let Some(file) = self.plans.get(path.as_path()).copied() else {
                continue;
            };
            reads.insert(file);
            match parts.last_mut() {
                Some(Piece::Range {
                    file: last,
                    range: before,
                }) if last == file && before.end == range.start => before.end = range.end,
                _ => parts.push(Piece::Range {
                    file: file.clone(),
                    range,
                }),
            }
        }
        Ok((parts, reads.into_iter().cloned().collect()))
    }

    /// The reason why a run goes: it is a copy, it is in another file now, or it belongs nowhere.
    fn reason_of(&self, log: &SegmentLog, gone: &Placed) -> Result<Reason, Error> {
        let (first, last) = (gone.run.first, gone.run.last);
        Ok(match gone.fate {
            Fate::Stays | Fate::Moves => {
                let why = format!(
                    "moves {} to the segment where they belong",
                    offsets(first, last)
                );
                let proof = self.here.get(gone.target);
                let proof = proof.and_then(|here| proof_of_moves(here));
                Reason::proven_or_likely(&[CheckId::MisplacedBatches], why, proof)
            }
            Fate::Copy if let Some((from, to)) = missing_at(log, gone) => {
                let why = format!(
                    "removes a duplicate of {}; its place lacks {}",
                    offsets(first, last),
                    offsets(from, to)
                );
                let loss = Loss {
                    bytes: Some(gone.run.range.clone()),
                    offsets: Some((Offset(from), Offset(to))),
                    records: to.abs_diff(from).saturating_add(1),
                    knowledge: Vec::new(),
                };
                Reason::lossy(&[CheckId::OffsetOverlap], why, loss)
            }
            Fate::Copy => {
                let why = format!("removes a duplicate of {}", offsets(first, last));
                // Bytes are compared as they are on the disk: a batch with a bit turned back is not
                // there twice.
                let is_as_stored = |file: usize, range: &Range<u64>| {
                    let log = self.logs.get(file);
                    log.is_some_and(|log| changes_in(log, range).is_empty())
                };
                let proof = match &gone.twin {
                    Some((file, range))
                        if is_as_stored(*file, range)
                            && is_as_stored(gone.run.file, &gone.run.range) =>
                    {
                        equal(self.logs, &gone.run, (*file, range))?
                    }
                    _ => None,
                };
                Reason::proven_or_likely(&[CheckId::OffsetOverlap], why, proof)
            }
            Fate::Foreign => {
                let why = format!(
                    "removes batches that don't belong here ({}): the batches around them have other \
                     offsets, or another batch has these",
                    offsets(first, last)
                );
                let loss = Loss {
                    bytes: Some(gone.run.range.clone()),
                    offsets: None,
                    records: records_of(log, &gone.run)?,
                    knowledge: Vec::new(),
                };
                Reason::lossy(&[CheckId::OffsetOverlap], why, loss)
            }
        })
    }

    /// Takes a run out of a file.
    fn excise(&mut self, log: &SegmentLog, gone: &Placed) -> Result<(), Error> {
        let reason = self.reason_of(log, gone)?;
        let action = Action::Excise {
            file: log.plan.clone(),
            ranges: vec![gone.run.range.clone()],
        };
        self.steps.add(action, &[], reason)
    }

    /// Gives segments their right names. The files that derive from them follow elsewhere.
    fn rename(&mut self) -> Result<(), Error> {
        for log in self.logs {
            let to = self.new_path(log).filter(|to| *to != log.plan);
            let Some(to) = to.filter(|to| !self.steps.writes(to)) else {
                continue;
            };
            let why = format!(
                "its batches begin at offset {}, but its name is that of offset {}: lookups would \
                 miss them",
                log.new_base, log.base
            );
            let action = Action::Rename {
                file: log.plan.clone(),
                to,
            };
            self.steps.add(
                action,
                &[],
                Reason::likely(&[CheckId::SegmentOverlap], why, Odds::Unknown),
            )?;
        }
        Ok(())
    }

    /// The path of a segment by the name that it gets.
    fn new_path(&self, log: &SegmentLog) -> Option<PlanPath> {
        let name = name::of_segment(Offset(log.new_base), name::LOG_SUFFIX);
        self.steps.path(&log.path.with_file_name(name))
    }
}

/// Returns the number of records of a run, at most. The header of a compressed set of messages does
/// not have it.
fn records_of(log: &SegmentLog, run: &BatchRun) -> Result<u64, Error> {
    if run.is_modern {
        return Ok(run.covered);
    }
    let segment = NewSegment {
        base: log.base,
        pieces: vec![LogPiece::Kept {
            path: log.path.clone(),
            range: run.range.clone(),
        }],
        is_changed: false,
    };
    let (mut count, mut scratch) = (0_u64, Scratch::default());
    each_batch(&segment, |batch, _| {
        let records = batch.records(&mut scratch);
        let records = records.map_or(0, |records| records.flatten().count());
        count = count.saturating_add(records as u64);
    })?;
    Ok(count.max(run.covered))
}

/// The offsets that are missing where a copy is, between the batches before and after it. Next to
/// the same batch again, nothing says which of the two is the copy: it may mean what is
/// missing on either side of both.
fn missing_at(log: &SegmentLog, gone: &Placed) -> Option<(i64, i64)> {
    let (parts, range) = (&log.mended.parts, &gone.run.range);
    let nth = parts.partition_point(|part| part.range().start < range.start);
    // Next to other bytes that are lost, those say what is missing.
    let offsets = |nth: Option<usize>| match parts.get(nth?)? {
        MendedPart::Batches { run, .. } => Some((run.first, run.last)),
        MendedPart::Lost { .. } => None,
    };
    let own = (gone.run.first, gone.run.last);
    let (before, after) = (nth.checked_sub(1), nth.checked_add(1));
    let is_again = |nth| offsets(nth) == Some(own);
    let sides = if is_again(before) {
        [
            offsets(nth.checked_sub(2)).zip(Some(own)),
            Some(own).zip(offsets(after)),
        ]
    } else if is_again(after) {
        [
            offsets(before).zip(Some(own)),
            Some(own).zip(offsets(nth.checked_add(2))),
        ]
    } else {
        [offsets(before).zip(offsets(after)), None]
    };
    let between = |((_, last), (first, _)): ((i64, i64), (i64, i64))| {
        let from = last.checked_add(1)?;
        // An offset that no segment has beside the other bounds nothing.
        let is_near = i32::try_from(first.checked_sub(from)?).is_ok();
        (from < first && is_near).then(|| (from, first - 1))
    };
    sides.into_iter().flatten().find_map(between)
}

/// A proof that batches belong where they are moved to: each fills what is missing between those
/// around it.
fn proof_of_moves(here: &[&Placed]) -> Option<Between> {
    let mut proof = None;
    for (nth, placed) in here.iter().enumerate() {
        if placed.fate != Fate::Moves {
            continue;
        }
        let (first, last) = (placed.run.first, placed.run.last);
        let before = here.get(nth.checked_sub(1)?)?.run.last;
        let after = here.get(nth + 1)?.run.first;
        let offsets = last.checked_sub(first)?.checked_add(1)?;
        proof = Some(Between::fill(before, after, offsets)?);
    }
    proof
}

/// The pieces of a range with its changes made.
fn pieces(log: &SegmentLog, range: &Range<u64>) -> Vec<LogPiece> {
    let mut pieces = Vec::new();
    let mut at = range.start;
    let kept = |range: Range<u64>| LogPiece::Kept {
        path: log.path.clone(),
        range,
    };
    for change in changes_in(log, range) {
        if at < change.range.start {
            pieces.push(kept(at..change.range.start));
        }
        if !change.is_cut() {
            pieces.push(LogPiece::Bytes(change.bytes.clone()));
        }
        at = change.range.end;
    }
    if at < range.end {
        pieces.push(kept(at..range.end));
    }
    pieces
}
