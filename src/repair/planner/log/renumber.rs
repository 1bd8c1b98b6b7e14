//! Batches whose base offset is damaged: no checksum covers it.
//!
//! A batch gets the offset of the gap that it fills only if something beside the gap says that it
//! is a batch of this place: the sequence numbers of its producer, an index, or its own offset, if
//! that is one which no batch of this log can have and nearly the right one. A copy of another
//! batch, or one of another partition, fits a gap as well.

use std::ops::Range;

use super::fall::apart;
use super::order::{self, beside_lost, is_near, is_one_bit};
use super::segment_log::{SegmentLog, runs};
use crate::format::RecordBatch;
use crate::format::batch::HEADER_BYTES;
use crate::repair::error::Error;
use crate::repair::planner::mended::{Change, MendedPart, add};
use crate::repair::planner::steps::Reason;
use crate::repair::planner::survey::{self, BatchRun, Home, LEAP};
use crate::repair::planner::witness::Witness;
use crate::repair::planner::wording::offsets;
use crate::repair::proof::Between;
use crate::store::LogFile;
use crate::verify::CheckId;

/// The limit of header scans of a segment for one batch: each takes as long as reading the file.
const MOST_QUESTIONS: u32 = 64;

/// Takes the last batch of the log for itself, if it goes beyond where the log ended, and would
/// fill what is missing before that or begins only after it.
pub(super) fn detach_last(log: &mut SegmentLog, end: i64) -> Result<(), Error> {
    let is_beyond = |run: &BatchRun| log.base < end && end <= run.last && run.batches > 1;
    let is_batches = |part: &MendedPart| matches!(part, MendedPart::Batches { .. });
    let Some(nth) = log.mended.parts.iter().rposition(is_batches) else {
        return Ok(());
    };
    let Some(MendedPart::Batches { run, changes }) = log.mended.parts.get_mut(nth) else {
        return Ok(());
    };
    if !is_beyond(run) || !changes.iter().all(|change| change.is_within(&run.range)) {
        return Ok(());
    }
    let mut singles = survey::singles(&log.mended.log, run)?;
    let last = singles.pop();
    let rest = BatchRun::joined(singles);
    if let (Some(rest), Some(last)) = (rest, last)
        && (order::renumbered(rest.last, &last, end).is_some() || end < last.first)
    {
        let first = changes.partition_point(|change| change.range.start < last.range.start);
        let changes = changes.split_off(first);
        *run = rest;
        let last = MendedPart::Batches { run: last, changes };
        log.mended.parts.insert(nth + 1, last);
    }
    Ok(())
}

/// Sets aside the batches with offset 0 that follow lost bytes which end in zeros: they reach into
/// the offset, and no other batch comes before offset 0. Another one after that is no better.
pub(super) fn lose_zeroed(log: &mut SegmentLog) -> Result<(), Error> {
    let mut is_doubted = false;
    // More of them are no damage of a log that was one.
    for _ in 0..MOST_QUESTIONS {
        let parts = &log.mended.parts;
        let is_batches = |part: &MendedPart| matches!(part, MendedPart::Batches { .. });
        let Some(nth) = parts.iter().position(is_batches) else {
            return Ok(());
        };
        let Some(part @ MendedPart::Batches { run, changes }) = parts.get(nth) else {
            return Ok(());
        };
        let start = run.range.start;
        if run.first != 0 || !changes.is_empty() || start < HEADER_BYTES as u64 {
            return Ok(());
        }
        let mut buffer = Vec::new();
        let before = log.mended.log.window(start - 1..start, &mut buffer)?;
        if before != [0] && !is_doubted {
            return Ok(());
        }
        is_doubted = true;
        let mut parts = apart(&log.mended.log, part.clone(), |_| 1)?;
        if let Some(first) = parts.first_mut()
            && let MendedPart::Batches { run, .. } = first
        {
            *first = MendedPart::Lost {
                suspect: run.covered,
                range: run.range.clone(),
            };
        }
        log.mended.parts.splice(nth..=nth, parts);
    }
    Ok(())
}

/// A batch that gets another offset.
struct Renumbered {
    /// Which part of its log it is.
    index: usize,
    base: i64,
    proof: Option<Between>,
}

/// Gives batches the offsets of the gaps that they fill, where something beside the gap says that
/// they are theirs. `end` is where the log is known to have ended.
///
/// # Errors
/// A file cannot be read.
pub(super) fn renumber(
    logs: &mut [SegmentLog],
    homes: &[Home],
    end: Option<i64>,
) -> Result<(), Error> {
    let mut all = Vec::new();
    let last = logs.len().saturating_sub(1);
    let extent = extent(logs, homes);
    for (nth, (log, home)) in logs.iter().zip(homes).enumerate() {
        let place = NumberedLog {
            log,
            home,
            logs,
            homes,
            runs: runs(log),
            extent: extent.clone(),
        };
        all.push(place.renumbered(end.filter(|_| nth == last))?);
    }
    for (log, found) in logs.iter_mut().zip(all) {
        for one in found {
            if let Some(MendedPart::Batches { run, changes }) = log.mended.parts.get_mut(one.index)
            {
                add(changes, one.change(run));
            }
        }
    }
    Ok(())
}

/// The offsets of all batches that are where their segments have room for them, and as many more as
/// a run may leave out.
fn extent(logs: &[SegmentLog], homes: &[Home]) -> Range<i64> {
    let start = homes.first().map_or(0, |home| home.start);
    let mut end = homes.last().map_or(start, |home| home.start);
    for (log, home) in logs.iter().zip(homes) {
        let runs = runs(log);
        let here = runs.iter().filter(|run| home.contains(&run.last));
        // A single batch at the end may be the one whose offset is damaged.
        let here = here.filter(|run| run.batches > 1 || run.last.saturating_sub(end) <= LEAP);
        end = here.map(|run| run.last).max().unwrap_or(end).max(end);
    }
    start..end.saturating_add(LEAP)
}

impl Renumbered {
    fn change(self, run: &mut BatchRun) -> Change {
        let width = run.last.saturating_sub(run.first);
        let last = self.base.saturating_add(width);
        let why = format!(
            "the batch has base offset {} but fills the gap of {}",
            run.first,
            offsets(self.base, last)
        );
        let start = run.range.start;
        run.first = self.base;
        run.last = last;
        Change {
            range: start..start + 8,
            bytes: self.base.to_be_bytes().to_vec(),
            reason: Reason::proven_or_likely(&[CheckId::OffsetOverlap], why, self.proof),
        }
    }
}

/// A log in which batches are renumbered.
struct NumberedLog<'a> {
    log: &'a SegmentLog,
    home: &'a Home,
    /// All of the partition.
    logs: &'a [SegmentLog],
    homes: &'a [Home],
    runs: Vec<BatchRun>,
    /// The offsets that a batch of these logs can have.
    extent: Range<i64>,
}

impl NumberedLog<'_> {
    fn renumbered(&self, end: Option<i64>) -> Result<Vec<Renumbered>, Error> {
        let parts = &self.log.mended.parts;
        let ends = parts.iter().map(|part| Neighbour::of(part, self.home));
        let ends: Vec<Neighbour> = ends.collect();
        let behind = end.unwrap_or(self.home.end);
        let mut questions = MOST_QUESTIONS;
        let mut last_before = self.home.start.saturating_sub(1);
        let mut found = Vec::new();
        let mut witness = None;
        for (index, part) in parts.iter().enumerate() {
            let (before, after) = ends.split_at(index);
            // What is right after it bounds it; where other bytes are, nothing does.
            let next = match after.get(1) {
                Some(Neighbour::Batches { first, .. }) => Some(*first),
                Some(_) => None,
                None => Some(behind),
            };
            if let MendedPart::Batches { run, .. } = part
                && let Some((base, gap)) = self.gap((index, run), last_before, before.last(), next)
                && questions > 0
            {
                questions -= 1;
                let witness =
                    witness.get_or_insert_with(|| Witness::beside(&self.log.path, self.log.base));
                let fit = survey::continuity(&self.log.mended.log, &self.runs, run)?;
                if self.is_own(index, run, (base, fit), witness)? {
                    let proof = gap.filter(|_| fit == 2);
                    found.push(Renumbered { index, base, proof });
                    last_before = base.saturating_add(run.last.saturating_sub(run.first));
                    continue;
                }
            }
            if let Some(Neighbour::Batches { first, last }) = after.first()
                && last_before < *first
            {
                last_before = *last;
            }
        }
        Ok(found)
    }

    /// The base offset that a batch would have by its place, and whether that leaves nothing of a
    /// gap.
    fn gap(
        &self,
        (index, run): (usize, &BatchRun),
        last_before: i64,
        before: Option<&Neighbour>,
        next: Option<i64>,
    ) -> Option<(i64, Option<Between>)> {
        match (before, next) {
            (Some(Neighbour::Lost), Some(next))
                if self.is_sure(index + 1) && !self.is_compacted() =>
            {
                beside_lost(last_before, run, next).map(|base| (base, None))
            }
            (Some(Neighbour::Batches { .. }) | None, Some(next)) => {
                let gap = order::renumbered(last_before, run, next)?;
                Some((gap.value(), Some(gap)))
            }
            // It is right after the batch before; nothing else bounds it.
            (Some(Neighbour::Batches { .. }) | None, None) => {
                let base = last_before.checked_add(1)?;
                let is_alone = run.batches == 1;
                (is_alone && self.is_damaged(run.first, base)).then_some((base, None))
            }
            _ => None,
        }
    }

    /// Returns true if the offset of the batches at `index`, which no checksum covers, is confirmed
    /// by those that follow it without a gap.
    fn is_sure(&self, index: usize) -> bool {
        let run_at = |index: usize| match self.log.mended.parts.get(index) {
            Some(MendedPart::Batches { run, .. }) => Some(run),
            _ => None,
        };
        let Some(run) = run_at(index) else {
            return false;
        };
        let width = run.last.saturating_sub(run.first).saturating_add(1);
        let is_dense = u64::try_from(width).is_ok_and(|width| width == run.covered);
        let after = run_at(index + 1).map(|after| after.first);
        is_dense && (run.batches > 1 || after == run.last.checked_add(1))
    }

    /// Returns true if records or batches were removed from this log: then a batch does not begin
    /// where the one before it ends.
    fn is_compacted(&self) -> bool {
        let is_thinned = |part: &MendedPart| match part {
            // What is rewritten has lost records to the damage.
            MendedPart::Batches { run, changes } if changes.is_empty() => {
                let width = run.last.saturating_sub(run.first).saturating_add(1);
                run.records < run.covered
                    || u64::try_from(width).is_ok_and(|width| run.covered < width)
            }
            _ => false,
        };
        self.log.mended.parts.iter().any(is_thinned)
    }

    /// Returns true if no batch of this log can have an offset, and it is the one at `base` but for
    /// damage.
    fn is_damaged(&self, stored: i64, base: i64) -> bool {
        if !self.extent.contains(&stored) {
            return is_near(stored, base);
        }
        // The log would have to be longer than its other batches say.
        self.extent.end.saturating_sub(LEAP) < stored && is_one_bit(stored, base)
    }

    /// Returns true if the batch of `run` is one of this place, if it `fit`s its producer's others
    /// so well.
    fn is_own(
        &self,
        index: usize,
        run: &BatchRun,
        (base, fit): (i64, i32),
        witness: &Witness,
    ) -> Result<bool, Error> {
        let log = &self.log.mended.log;
        let last = base.saturating_add(run.last.saturating_sub(run.first));
        let there = self.other_there(run)?;
        // An index has an offset of this place, and says nothing about which batch had it.
        if there == Some(Other::Copy) {
            return Ok(false);
        }
        let is_own = match fit {
            0 if witness.has(log, run, last)? => return Ok(true),
            // An offset that the log has room for may be right: then the batch was moved here, or
            // copied.
            0 => self.is_damaged(run.first, base) && self.is_timely(index, run)?,
            // On one side only, the producer may continue from a place that the batch was copied
            // from.
            1 => {
                let is_bit = is_one_bit(run.first, base);
                is_bit || !self.extent.contains(&run.first) || there == Some(Other::Batch)
            }
            fit => fit > 1,
        };
        Ok(is_own && is_of_leader(self.log, index))
    }

    /// Returns what else has the offsets that a batch says.
    fn other_there(&self, run: &BatchRun) -> Result<Option<Other>, Error> {
        let overlaps = |other: &BatchRun| other.first <= run.last && run.first <= other.last;
        let is_itself =
            |other: &BatchRun| other.file == run.file && other.range.start == run.range.start;
        let there = order::segment_of(run.first, self.homes).and_then(|nth| self.logs.get(nth));
        let mut found = None;
        for log in std::iter::once(self.log).chain(there) {
            for runs in runs(log).iter().filter(|other| overlaps(other)) {
                let singles = survey::singles(&log.mended.log, runs)?.into_iter();
                for other in singles.filter(|other| overlaps(other) && !is_itself(other)) {
                    if other.crc == run.crc && other.first == run.first {
                        return Ok(Some(Other::Copy));
                    }
                    found = Some(Other::Batch);
                }
            }
        }
        Ok(found)
    }

    /// Returns true if the batch was written between those before and after it, by its timestamps.
    fn is_timely(&self, index: usize, run: &BatchRun) -> Result<bool, Error> {
        let log = &self.log.mended.log;
        let Some((first, latest)) = times(log, run)? else {
            return Ok(true);
        };
        let parts = &self.log.mended.parts;
        let run_at = |nth: Option<usize>| match parts.get(nth?) {
            Some(MendedPart::Batches { run, .. }) => Some(run),
            _ => None,
        };
        if let Some(before) = run_at(index.checked_sub(1))
            && let Some(before) = survey::singles(log, before)?.last()
            && let Some((before, _)) = times(log, before)?
            && latest < before
        {
            return Ok(false);
        }
        if let Some(after) = run_at(index.checked_add(1))
            && let Some((_, after)) = times(log, after)?
            && after < first
        {
            return Ok(false);
        }
        Ok(true)
    }
}

/// The first and the largest timestamp of the batch that a run begins with; `None` if it says
/// neither.
pub(super) fn times(log: &LogFile, run: &BatchRun) -> Result<Option<(i64, i64)>, Error> {
    let mut buffer = Vec::new();
    let end = run.range.start.saturating_add(HEADER_BYTES as u64);
    let header = log.window(run.range.start..end.min(run.range.end), &mut buffer)?;
    let batch = RecordBatch::of_header(header).filter(|_| run.is_modern);
    let times = batch.map(|batch| (batch.base_timestamp().0, batch.max_timestamp().0));
    Ok(times.filter(|(first, latest)| 0 <= *first && 0 <= *latest))
}

/// Returns true if the leader epoch of part number `index` lies between those of the batches next
/// to it: a batch of another place has another one sooner than one whose offset alone is damaged.
fn is_of_leader(log: &SegmentLog, index: usize) -> bool {
    let epoch = |part: Option<&MendedPart>| match part {
        Some(MendedPart::Batches { run, .. }) => Some(run.epochs),
        _ => None,
    };
    let parts = &log.mended.parts;
    let Some(own) = epoch(parts.get(index)) else {
        return false;
    };
    let before = index
        .checked_sub(1)
        .and_then(|before| epoch(parts.get(before)));
    let after = epoch(parts.get(index.saturating_add(1)));
    before.is_none_or(|before| before.1 <= own.0) && after.is_none_or(|after| own.1 <= after.0)
}

/// Another batch with the offsets of a batch.
#[derive(PartialEq, Eq)]
enum Other {
    /// The same batch: one of both is a copy of the other.
    Copy,
    /// Another one: the offsets of one of both are wrong.
    Batch,
}

/// The neighbour of a batch.
enum Neighbour {
    /// Batches that may be here.
    Batches { first: i64, last: i64 },
    /// Batches that belong elsewhere.
    Odd,
    /// No batch.
    Lost,
}

impl Neighbour {
    fn of(part: &MendedPart, home: &Home) -> Self {
        match part {
            MendedPart::Batches { run, .. }
                if home.contains(&run.first) && home.contains(&run.last) =>
            {
                Self::Batches {
                    first: run.first,
                    last: run.last,
                }
            }
            MendedPart::Batches { .. } => Self::Odd,
            MendedPart::Lost { .. } => Self::Lost,
        }
    }
}
