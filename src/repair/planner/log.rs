//! The `.log` files of a partition: mended one by one, then put in order together, then written down as steps.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Options;
use super::mend::{Change, Mended, Part, mend};
use super::order::{Fate, Placed, is_in_order, place, renamed, renumbered};
use super::steps::{LogPiece, NewLog, NewSegment, Reason, Steps};
use super::survey::{self, Home, Run};
use crate::format::{FileKind, Placeholder, RecordBatch};
use crate::repair::error::Error;
use crate::repair::plan::{Action, Loss, Part as Piece};
use crate::repair::{Content, PlanPath};
use crate::store::Partition;
use crate::verify::{CheckId, Finding};
use crate::wire::{LeaderEpoch, Offset, OffsetDelta, ProducerId, Timestamp};

/// A segment on its way.
struct Log {
    path: PathBuf,
    plan: PlanPath,
    len_bytes: u64,
    /// The base offset in its name, and the one that it ought to have.
    base: i64,
    new_base: i64,
    mended: Mended,
}

/// Adds the steps for the `.log` files of a partition, and tells what they leave.
///
/// # Errors
/// A file cannot be read.
pub(super) fn steps(
    partition: &Partition,
    findings: &[&Finding],
    steps: &mut Steps<'_>,
    options: Options,
) -> Result<NewLog, Error> {
    let mut logs = read(partition, findings, steps, options)?;
    name(&mut logs);
    let homes = homes(logs.iter().map(|log| log.new_base));
    for (log, home) in logs.iter_mut().zip(&homes) {
        renumber(log, home)?;
    }
    let placed = order(&logs, &homes)?;
    let mut new = NewLog::default();
    for index in 0..logs.len() {
        let segment = write(&logs, index, &placed, steps)?;
        new.segments.extend(segment);
    }
    rename(&logs, steps)?;
    let last = placed
        .iter()
        .filter(|placed| is_kept(placed))
        .map(|placed| placed.run.last.saturating_add(1))
        .max();
    let base = logs.last().map_or(0, |log| log.new_base);
    new.end = new.end.max(last.unwrap_or(base)).max(base);
    Ok(new)
}

fn homes(bases: impl Iterator<Item = i64>) -> Vec<Home> {
    let bases: Vec<i64> = bases.collect();
    let next = bases.iter().skip(1).copied().chain([i64::MAX]);
    bases
        .iter()
        .copied()
        .zip(next)
        .map(|(base, next)| base..next)
        .collect()
}

fn is_kept(placed: &Placed) -> bool {
    matches!(placed.fate, Fate::Stays | Fate::Moves)
}

fn read(
    partition: &Partition,
    findings: &[&Finding],
    steps: &Steps<'_>,
    options: Options,
) -> Result<Vec<Log>, Error> {
    let segments = partition.segments();
    let with_log: Vec<_> = segments
        .iter()
        .filter_map(|segment| {
            let item = segment.file(FileKind::Log).filter(|item| item.is_file())?;
            Some((segment.base_offset().0, item, steps.path(item.path())?))
        })
        .collect();
    let homes = homes(with_log.iter().map(|(base, ..)| *base));
    let mut logs = Vec::new();
    for (file, (base, item, plan)) in with_log.into_iter().enumerate() {
        let here = |finding: &&&Finding| *finding.path == *item.path();
        let here: Vec<&Finding> = findings.iter().filter(here).copied().collect();
        let home = homes.get(file).cloned().unwrap_or(0..i64::MAX);
        let mut mended = mend(item.path(), file, &home, &here, options.jobs)?;
        isolate(&mut mended)?;
        logs.push(Log {
            path: item.path().to_owned(),
            plan,
            len_bytes: item.len_bytes(),
            base,
            new_base: base,
            mended,
        });
    }
    Ok(logs)
}

/// Where offsets fall, takes the batches on both sides out of their runs: either may be the odd one.
fn isolate(mended: &mut Mended) -> Result<(), Error> {
    let mut parts: Vec<Part> = Vec::with_capacity(mended.parts.len());
    for part in mended.parts.drain(..) {
        let falls = match (parts.last(), &part) {
            (Some(Part::Batches { run: before, .. }), Part::Batches { run, .. }) => {
                run.first <= before.last
            }
            _ => false,
        };
        if !falls {
            parts.push(part);
            continue;
        }
        if let Some(before) = parts.pop() {
            parts.extend(apart(&mended.log, before, |singles| {
                singles.saturating_sub(1)
            })?);
        }
        parts.extend(apart(&mended.log, part, |_| 1)?);
    }
    mended.parts = parts;
    Ok(())
}

/// A run in two: so many batches, and the others. One with changes stays whole.
fn apart(
    log: &crate::store::LogFile,
    part: Part,
    count: impl Fn(usize) -> usize,
) -> Result<Vec<Part>, Error> {
    let Part::Batches { run, changes } = &part else {
        return Ok(vec![part]);
    };
    if run.batches < 2 || !changes.is_empty() {
        return Ok(vec![part]);
    }
    let singles = survey::singles(log, run)?;
    let (before, behind) = singles
        .split_at_checked(count(singles.len()))
        .unwrap_or((&singles, &[]));
    let join = |singles: &[Run]| {
        singles.iter().cloned().reduce(|mut all, next| {
            all.join(&next);
            all
        })
    };
    let whole = |run| Part::Batches {
        run,
        changes: Vec::new(),
    };
    Ok([join(before), join(behind)]
        .into_iter()
        .flatten()
        .map(whole)
        .collect())
}

fn runs(log: &Log) -> Vec<Run> {
    let run = |part: &Part| match part {
        Part::Batches { run, .. } => Some(run.clone()),
        Part::Lost { .. } => None,
    };
    log.mended.parts.iter().filter_map(run).collect()
}

/// Finds the right names of segments that have wrong ones.
fn name(logs: &mut [Log]) {
    let mut before: Option<i64> = None;
    for log in logs {
        let runs = runs(log);
        if let Some(base) = renamed(before, log.base, &runs) {
            log.new_base = base;
        }
        before = runs.last().map(|run| run.last).or(before);
    }
}

/// Gives batches the offsets of the gaps that they fill.
fn renumber(log: &mut Log, home: &Home) -> Result<(), Error> {
    let bounds: Vec<Option<(i64, i64)>> = log
        .mended
        .parts
        .iter()
        .map(|part| match part {
            Part::Batches { run, .. } if home.contains(&run.first) && home.contains(&run.last) => {
                Some((run.first, run.last))
            }
            _ => None,
        })
        .collect();
    for (index, part) in log.mended.parts.iter_mut().enumerate() {
        let Part::Batches { run, changes } = part else {
            continue;
        };
        let around = |bound: Option<&Option<(i64, i64)>>| bound.copied().flatten();
        let before = index
            .checked_sub(1)
            .and_then(|index| around(bounds.get(index)));
        let after = around(bounds.get(index + 1));
        let is_edge = index == 0;
        if before.is_none() && !is_edge {
            continue;
        }
        let before = before.map_or(home.start.saturating_sub(1), |(_, last)| last);
        let after = after.map_or(home.end, |(first, _)| first);
        let Some(base) = renumbered(before, run, after) else {
            continue;
        };
        let why = format!(
            "the batch says offset {}, but stands where {base} to {} are missing, which it fills exactly",
            run.first,
            after - 1
        );
        let start = run.range.start;
        run.last = base + (run.last - run.first);
        run.first = base;
        changes.push(Change {
            range: start..start + 8,
            bytes: base.to_be_bytes().to_vec(),
            reason: Reason::safe(&[CheckId::OffsetOverlap], why),
        });
    }
    Ok(())
}

fn order(logs: &[Log], homes: &[Home]) -> Result<Vec<Placed>, Error> {
    let all: Vec<Run> = logs.iter().flat_map(runs).collect();
    if is_in_order(&all, homes) {
        let stays = |run: Run| Placed {
            target: run.file,
            run,
            fate: Fate::Stays,
        };
        return Ok(all.into_iter().map(stays).collect());
    }
    place(all, homes, |run| {
        let log = logs.get(run.file);
        let is_mended = log.is_some_and(|log| !changes_in(log, &run.range).is_empty());
        match log.filter(|_| !is_mended && run.batches > 1) {
            Some(log) => survey::singles(&log.mended.log, run).map_err(Error::from),
            None => Ok(vec![run.clone()]),
        }
    })
}

/// The changes of what begins in `range`.
fn changes_in<'a>(log: &'a Log, range: &Range<u64>) -> Vec<&'a Change> {
    let changes = |part: &'a Part| match part {
        Part::Batches { changes, .. } => changes.as_slice(),
        Part::Lost { .. } => &[],
    };
    let mut here: Vec<&Change> = log
        .mended
        .parts
        .iter()
        .flat_map(changes)
        .filter(|change| range.contains(&change.range.start))
        .collect();
    here.sort_by_key(|change| change.range.start);
    here
}

/// The pieces of a range with its changes made.
fn pieces(log: &Log, range: &Range<u64>) -> Vec<LogPiece> {
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
        pieces.push(LogPiece::Bytes(change.bytes.clone()));
        at = change.range.end;
    }
    if at < range.end {
        pieces.push(kept(at..range.end));
    }
    pieces
}

/// Adds the steps for one file, and tells what it becomes.
fn write(
    logs: &[Log],
    index: usize,
    placed: &[Placed],
    steps: &mut Steps<'_>,
) -> Result<Option<NewSegment>, Error> {
    let Some(log) = logs.get(index) else {
        return Ok(None);
    };
    let here: Vec<&Placed> = placed
        .iter()
        .filter(|placed| is_kept(placed) && placed.target == index)
        .collect();
    let is_arranged = here.iter().any(|placed| placed.fate == Fate::Moves);
    let mut segment = NewSegment {
        base: log.new_base,
        pieces: Vec::new(),
        is_changed: is_arranged || log.base != log.new_base,
    };
    for placed in &here {
        if let Some(from) = logs.get(placed.run.file) {
            segment.pieces.extend(pieces(from, &placed.run.range));
        }
    }
    if is_arranged {
        arrange(logs, log, &here, &segment, steps)?;
    } else {
        segment.is_changed |= patches(log, steps)?;
    }
    let dropped = placed
        .iter()
        .filter(|placed| placed.run.file == index && !(is_kept(placed) && placed.target == index));
    for gone in dropped {
        segment.is_changed = true;
        excise(log, gone, is_arranged, steps)?;
    }
    for (nth, part) in log.mended.parts.iter().enumerate() {
        if let Part::Lost { range } = part {
            segment.is_changed = true;
            if !is_arranged {
                lose(logs, index, nth, range, &mut segment, steps)?;
            }
        }
    }
    Ok(Some(segment))
}

/// The changes of a file whose batches stay where they are.
fn patches(log: &Log, steps: &mut Steps<'_>) -> Result<bool, Error> {
    let changes = changes_in(log, &(0..u64::MAX));
    for change in &changes {
        let action = Action::Patch {
            file: log.plan.clone(),
            range: change.range.clone(),
            content: Content::new(change.bytes.clone())?,
        };
        steps.add(action, &[], change.reason.clone())?;
    }
    Ok(!changes.is_empty())
}

/// A file put together anew: batches had to move within it, or into it.
fn arrange(
    logs: &[Log],
    log: &Log,
    here: &[&Placed],
    segment: &NewSegment,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let plan_of = |path: &Path| {
        logs.iter()
            .find(|log| log.path == path)
            .map(|log| log.plan.clone())
    };
    let mut parts: Vec<Piece> = Vec::new();
    let mut reads = Vec::new();
    for piece in &segment.pieces {
        match piece {
            LogPiece::Bytes(bytes) => parts.push(Piece::Bytes(Content::new(bytes.clone())?)),
            LogPiece::Kept { path, range } => {
                let Some(file) = plan_of(path) else { continue };
                if file != log.plan && !reads.contains(&file) {
                    reads.push(file.clone());
                }
                match parts.last_mut() {
                    Some(Piece::Range {
                        file: last,
                        range: before,
                    }) if *last == file && before.end == range.start => {
                        before.end = range.end;
                    }
                    _ => parts.push(Piece::Range {
                        file,
                        range: range.clone(),
                    }),
                }
            }
        }
    }
    let moved: u64 = here
        .iter()
        .filter(|placed| placed.fate == Fate::Moves)
        .map(|placed| placed.run.batches)
        .sum();
    let mut why =
        format!("{moved} batches did not stand where their offsets belong and are put there");
    for change in changes_in(log, &(0..u64::MAX)) {
        why.push_str("; ");
        why.push_str(&change.reason.why);
    }
    let lost = log
        .mended
        .parts
        .iter()
        .filter(|part| matches!(part, Part::Lost { .. }))
        .count();
    let checks = [CheckId::MisplacedBatches];
    let reason = if lost == 0 {
        Reason::safe(&checks, why)
    } else {
        let why = format!("{why}; {lost} ranges that are no batches are left out");
        Reason::lossy(&checks, why, Loss::default())
    };
    let Some(file) = plan_path(log, steps) else {
        return Ok(());
    };
    if file != log.plan {
        reads.push(log.plan.clone());
        let reason = Reason::safe(
            &[CheckId::SegmentOverlap],
            "its batches are under another name then",
        );
        let action = Action::Quarantine {
            file: log.plan.clone(),
        };
        steps.add(action, &[], reason)?;
    }
    let action = Action::Arrange {
        file,
        pieces: parts,
    };
    steps.add(action, &reads, reason)
}

/// The path of a segment by the name that it gets.
fn plan_path(log: &Log, steps: &Steps<'_>) -> Option<PlanPath> {
    let name = format!("{:020}{}", log.new_base, crate::format::name::LOG_SUFFIX);
    steps.path(&log.path.with_file_name(name))
}

/// A run that goes: a copy, one that stands in another file now, or one that nobody knows.
fn excise(log: &Log, gone: &Placed, is_arranged: bool, steps: &mut Steps<'_>) -> Result<(), Error> {
    let Run { first, last, .. } = gone.run;
    let (checks, why) = match gone.fate {
        Fate::Stays | Fate::Moves => (
            [CheckId::MisplacedBatches],
            format!("offsets {first} to {last} belong into another segment and are put there"),
        ),
        Fate::Copy => (
            [CheckId::OffsetOverlap],
            format!("offsets {first} to {last} are there twice; this copy goes"),
        ),
        Fate::Foreign => (
            [CheckId::OffsetOverlap],
            format!(
                "another batch has the place of offsets {first} to {last}; this one belongs elsewhere"
            ),
        ),
    };
    if is_arranged {
        return Ok(());
    }
    let reason = if gone.fate == Fate::Foreign {
        let loss = Loss {
            bytes: Some(gone.run.range.clone()),
            offsets: None,
            records: gone.run.covered,
        };
        Reason::lossy(&checks, why, loss)
    } else {
        Reason::safe(&checks, why)
    };
    let action = Action::Excise {
        file: log.plan.clone(),
        ranges: vec![gone.run.range.clone()],
    };
    steps.add(action, &[], reason)
}

/// A range that is no batch: cut off, cut out, or kept as a placeholder where the end of the log hangs on it.
fn lose(
    logs: &[Log],
    index: usize,
    nth: usize,
    range: &Range<u64>,
    segment: &mut NewSegment,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let Some(log) = logs.get(index) else {
        return Ok(());
    };
    let run_of = |part: &Part| match part {
        Part::Batches { run, .. } => Some((run.first, run.last, run.epochs.1)),
        Part::Lost { .. } => None,
    };
    let before = log
        .mended
        .parts
        .get(..nth)
        .unwrap_or_default()
        .iter()
        .rev()
        .find_map(run_of);
    let after = log
        .mended
        .parts
        .get(nth + 1..)
        .unwrap_or_default()
        .iter()
        .find_map(run_of);
    let after = after
        .map(|(first, ..)| first)
        .or_else(|| logs.get(index + 1).map(|next| next.new_base));
    let first = before.map_or(log.new_base, |(_, last, _)| last + 1);
    let is_tail = range.end == log.len_bytes;
    let mut buffer = Vec::new();
    let head = log
        .mended
        .log
        .window(range.start..range.end.min(range.start + 4096), &mut buffer)?;
    let is_zero =
        head.iter().all(|byte| *byte == 0) && range.end - range.start <= head.len() as u64;
    if is_tail
        && index + 1 == logs.len()
        && let Some(batch) = placeholder(head, range, first, before.map_or(-1, |(.., epoch)| epoch))
    {
        segment
            .pieces
            .push(LogPiece::Bytes(batch.encode().to_vec()));
        return place_holder(log, range, batch, steps);
    }
    let lost = after
        .and_then(|after| after.checked_sub(first))
        .and_then(|lost| u64::try_from(lost).ok());
    let loss = Loss {
        bytes: Some(range.clone()),
        offsets: after
            .filter(|after| *after > first)
            .map(|after| (Offset(first), Offset(after - 1))),
        records: lost.unwrap_or(0),
    };
    let why = match (is_tail, loss.offsets) {
        (true, None) => "what follows the last batch is none and is cut off".to_owned(),
        (_, Some((Offset(first), Offset(last)))) => format!(
            "these bytes are no batch; offsets {first} to {last} are lost, everything behind them stays"
        ),
        (false, None) => {
            "these bytes are no batch, and no offset is missing around them".to_owned()
        }
    };
    let check = if is_tail {
        CheckId::TruncatedTail
    } else {
        CheckId::LostFrames
    };
    let reason = if is_tail && is_zero && loss.offsets.is_none() {
        Reason::safe(&[CheckId::ZeroTail], why)
    } else {
        Reason::lossy(&[check], why, loss)
    };
    let file = log.plan.clone();
    let action = if is_tail {
        Action::Truncate {
            file,
            to: range.start,
        }
    } else {
        Action::Excise {
            file,
            ranges: vec![range.clone()],
        }
    };
    steps.add(action, &[], reason)
}

/// An empty batch for a last one whose header can be believed and whose records are lost: so the log does not end earlier, and
/// no offset is given out twice.
fn placeholder(head: &[u8], range: &Range<u64>, first: i64, epoch: i32) -> Option<Placeholder> {
    let batch = RecordBatch::of_header(head)?;
    let size = crate::format::frame::FrameHeader::read(head)?
        .frame_bytes()
        .ok()?;
    let delta = batch.last_offset_delta();
    let is_plain = batch.magic() == 2
        && batch.base_offset().0 == first
        && size as u64 == range.end - range.start
        && delta.0 >= 0
        && batch.records_count() == delta.0.saturating_add(1)
        && !batch.is_control();
    is_plain.then_some(Placeholder {
        base_offset: Offset(first),
        last_offset_delta: OffsetDelta(delta.0),
        leader_epoch: LeaderEpoch(epoch),
        attributes: 0,
        base_timestamp: Timestamp(-1),
        max_timestamp: Timestamp(-1),
        producer_id: ProducerId(-1),
        producer_epoch: -1,
        base_sequence: -1,
    })
}

fn place_holder(
    log: &Log,
    range: &Range<u64>,
    batch: Placeholder,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let Offset(first) = batch.base_offset;
    let last = batch.base_offset.plus(batch.last_offset_delta);
    let why = format!(
        "the last batch cannot be read; an empty one keeps offsets {first} to {last} from being given out again"
    );
    let loss = Loss {
        bytes: Some(range.clone()),
        offsets: Some((batch.base_offset, last)),
        records: u64::try_from(batch.last_offset_delta.0).unwrap_or(0) + 1,
    };
    let action = Action::Placeholder {
        file: log.plan.clone(),
        range: range.clone(),
        batch,
    };
    steps.add(
        action,
        &[],
        Reason::lossy(&[CheckId::CrcMismatch], why, loss),
    )
}

/// Gives segments their right names. The files that derive from them follow elsewhere.
fn rename(logs: &[Log], steps: &mut Steps<'_>) -> Result<(), Error> {
    for log in logs {
        let Some(to) = plan_path(log, steps).filter(|to| *to != log.plan && !steps.writes(to))
        else {
            continue;
        };
        let why = format!(
            "its batches begin at offset {}, and the name says {}: lookups would miss them",
            log.new_base, log.base
        );
        let action = Action::Rename {
            file: log.plan.clone(),
            to,
        };
        steps.add(action, &[], Reason::safe(&[CheckId::SegmentOverlap], why))?;
    }
    Ok(())
}
