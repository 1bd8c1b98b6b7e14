//! The `.log` files of a partition: mended one by one, then put in order together.

mod epoch_order;
mod fall;
mod layout;
mod lost;
mod order;
mod renumber;
mod segment_log;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use self::epoch_order::NotedEpochs;
use self::layout::Layout;
use self::order::{Fate, Placed, RunFacts, is_in_order, place, renamed};
use self::renumber::{detach_last, lose_zeroed, renumber, times};
use self::segment_log::{SegmentLog, changes_in, equal, homes, runs};
use crate::format::FileKind;
use crate::repair::error::Error;
use crate::repair::planner::coordinator::Coordinators;
use crate::repair::planner::mend::{OutsideFacts, mend};
use crate::repair::planner::options::PlanOptions;
use crate::repair::planner::steps::{NewLog, Steps};
use crate::repair::planner::survey::{self, BatchRun, Home, LEAP};
use crate::repair::planner::witness::noted_end;
use crate::store::Partition;
use crate::verify::Finding;

/// The limit of searches of a segment for the right one of two batches.
const MOST_QUESTIONS: u32 = 64;

/// Adds the steps for the `.log` files of a partition, and tells what they leave.
///
/// # Errors
/// A file cannot be read.
pub(super) fn steps(
    partition: &Partition,
    findings: &[&Finding],
    coordinators: &Coordinators,
    steps: &mut Steps<'_>,
    options: PlanOptions,
) -> Result<NewLog, Error> {
    let mut logs = read(partition, findings, coordinators, steps, options)?;
    name(&mut logs);
    let homes = homes(logs.iter().map(|log| log.new_base));
    let end = noted_end(partition);
    if let (Some(log), Some(end)) = (logs.last_mut(), end) {
        detach_last(log, end)?;
    }
    if let Some(log) = logs.first_mut() {
        lose_zeroed(log)?;
    }
    epoch_order::settle(&mut logs, &homes, findings, &NotedEpochs::of(partition))?;
    renumber(&mut logs, &homes, end)?;
    let mut placed = order(&logs, &homes)?;
    keep_times(&mut placed, &logs)?;
    keep_places(&mut placed, &logs);
    bound(&mut placed, &homes, end);
    let mut new = Layout::new(&logs, &placed, steps).write()?;
    let last = placed.iter().filter(|placed| placed.is_kept());
    let last = last.map(|placed| placed.run.last.saturating_add(1)).max();
    let base = logs.last().map_or(0, |log| log.new_base);
    new.end = new.end.max(last.unwrap_or(base)).max(base);
    Ok(new)
}

fn read(
    partition: &Partition,
    findings: &[&Finding],
    coordinators: &Coordinators,
    steps: &Steps<'_>,
    options: PlanOptions,
) -> Result<Vec<SegmentLog>, Error> {
    let segments = partition.segments();
    let with_log: Vec<_> = segments
        .iter()
        .filter_map(|segment| {
            let item = segment.file(FileKind::Log).filter(|item| item.is_file())?;
            Some((segment.base_offset().0, item, steps.path(item.path())?))
        })
        .collect();
    let homes = homes(with_log.iter().map(|(base, ..)| *base));
    let mut by_file: BTreeMap<&Path, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        by_file.entry(&finding.path).or_default().push(finding);
    }
    let last = with_log.len().saturating_sub(1);
    let mut logs = Vec::new();
    for (file, (base, item, plan)) in with_log.into_iter().enumerate() {
        let here = by_file.remove(item.path()).unwrap_or_default();
        let home = homes.get(file).cloned().unwrap_or(0..i64::MAX);
        let around = OutsideFacts {
            options,
            coordinators,
            is_open: file == last,
        };
        let mut mended = mend(item.path(), file, &home, &here, around)?;
        fall::settle(&mut mended)?;
        logs.push(SegmentLog {
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

/// Takes batches out of the log that would move to where others were written at another time: no
/// checksum covers the offset that sends them there.
fn keep_times(placed: &mut [Placed], logs: &[SegmentLog]) -> Result<(), Error> {
    let mut kept: Vec<usize> = (0..placed.len())
        .filter(|nth| placed.get(*nth).is_some_and(Placed::is_kept))
        .collect();
    kept.sort_by_key(|nth| placed.get(*nth).map(|placed| placed.run.first));
    let of = |placed: &[Placed], nth: Option<&usize>| {
        let run = nth.and_then(|nth| placed.get(*nth)).map(|one| &one.run);
        match run.and_then(|run| Some((logs.get(run.file)?, run))) {
            Some((log, run)) => times(&log.mended.log, run),
            None => Ok(None),
        }
    };
    for (at, nth) in kept.iter().enumerate() {
        if placed.get(*nth).is_none_or(|one| one.fate != Fate::Moves) {
            continue;
        }
        let before = of(
            placed,
            at.checked_sub(1).and_then(|before| kept.get(before)),
        )?;
        let after = of(placed, kept.get(at + 1))?;
        let Some((first, latest)) = of(placed, Some(nth))? else {
            continue;
        };
        let is_early = before.is_some_and(|(before, _)| latest < before);
        let is_late = after.is_some_and(|(_, after)| after < first);
        if (is_early || is_late)
            && let Some(one) = placed.get_mut(*nth)
            // Lost bytes leave zeros: an offset of zero is no better than one that leads into
            // another file.
            && (one.target != one.run.file || one.run.first == 0)
        {
            one.fate = Fate::Foreign;
        }
    }
    Ok(())
}

/// Takes batches out of the log that would move, and whose offset is a bit away from one that fits
/// where they are: either the bit or the place is wrong, and nothing shows which.
fn keep_places(placed: &mut [Placed], logs: &[SegmentLog]) {
    let kept = placed.iter().filter(|one| one.is_kept());
    let kept: BTreeSet<i64> = kept.map(|one| one.run.first).collect();
    let runs: Vec<Vec<BatchRun>> = logs.iter().map(runs).collect();
    for one in placed.iter_mut().filter(|one| one.fate == Fate::Moves) {
        let Some(runs) = runs.get(one.run.file) else {
            continue;
        };
        let nth = runs.partition_point(|run| run.range.start < one.run.range.start);
        let before = nth.checked_sub(1).and_then(|nth| runs.get(nth));
        let (Some(before), Some(after)) = (before, runs.get(nth + 1)) else {
            continue;
        };
        let width = one.run.last.saturating_sub(one.run.first);
        let fits = |first: i64| {
            let last = first.saturating_add(width);
            let is_free = kept.range(first..=last).next().is_none();
            before.last < first && last < after.first && is_free
        };
        let mut flipped = (0..63).map(|bit| one.run.first ^ (1 << bit));
        if one.run.batches == 1 && width >= 0 && flipped.any(fits) {
            one.fate = Fate::Foreign;
        }
    }
}

/// Takes batches out of the log that nothing but their own offset puts where they would go: no
/// checksum covers it. What moves must be next to another batch there; what ends the log must
/// follow the batch before it, or end before `end`.
fn bound(placed: &mut [Placed], homes: &[Home], end: Option<i64>) {
    let mut kept: Vec<usize> = (0..placed.len())
        .filter(|nth| placed.get(*nth).is_some_and(Placed::is_kept))
        .collect();
    kept.sort_by_key(|nth| placed.get(*nth).map(|placed| placed.run.first));
    let run = |placed: &[Placed], nth: Option<&usize>| {
        let run = nth
            .and_then(|nth| placed.get(*nth))
            .map(|placed| &placed.run);
        run.map(|run| (run.first, run.last, run.range.clone(), run.file))
    };
    for at in 0..kept.len() {
        let before = at
            .checked_sub(1)
            .and_then(|before| run(placed, kept.get(before)));
        let after = run(placed, kept.get(at + 1));
        let Some(here) = kept.get(at).and_then(|nth| placed.get_mut(*nth)) else {
            continue;
        };
        let home = homes.get(here.target);
        let follows = match &before {
            Some((_, last, ..)) => last.checked_add(1) == Some(here.run.first),
            None => home.is_some_and(|home| home.start == here.run.first),
        };
        let precedes = after.is_some_and(|(first, ..)| here.run.last.checked_add(1) == Some(first));
        if here.fate == Fate::Moves && !follows && !precedes {
            here.fate = Fate::Foreign;
        }
    }
    // From the end: an offset that leaps, with fewer bytes lost before it than offsets.
    while let Some(nth) = kept.pop() {
        let before = run(placed, kept.last());
        let Some(here) = placed.get_mut(nth) else {
            continue;
        };
        // Batches that agree with each other bound themselves where nothing is before them.
        if !here.is_kept() || before.is_none() && here.run.batches > 1 {
            break;
        }
        // The first batch of a segment is bounded by the name of its file.
        let home = homes.get(here.target).map_or(0, |home| home.start);
        let end_before = before.as_ref().map(|before| before.1.saturating_add(1));
        let (least, from) = match (before, end_before) {
            (Some((.., range, file)), Some(end)) if file == here.run.file => (end, range.end),
            (_, end) => (end.map_or(home, |end| end.max(home)), 0),
        };
        let leap = here.run.first.saturating_sub(least);
        let between = here.run.range.start.saturating_sub(from);
        let is_noted = end.is_some_and(|end| here.run.last < end);
        let is_explained = i64::try_from(between).is_ok_and(|room| leap <= room);
        // The log ended between them once, after batches that are not here: this one is not the
        // next.
        let is_passed = end.is_some_and(|end| least < end && end < here.run.first);
        let is_near = leap <= LEAP && !is_passed;
        if is_noted || is_explained || is_near {
            break;
        }
        here.fate = Fate::Foreign;
    }
}

/// Finds the right names of segments that have wrong ones.
fn name(logs: &mut [SegmentLog]) {
    let mut before: Option<i64> = None;
    let bases: Vec<i64> = logs.iter().map(|log| log.base).collect();
    let mut taken: BTreeSet<i64> = bases.iter().copied().collect();
    for (nth, log) in logs.iter_mut().enumerate() {
        let runs = runs(log);
        let next = bases.get(nth + 1).copied();
        let base = renamed(before, log.base, &runs, next);
        // What belongs into another segment is moved there.
        if let Some(base) = base.filter(|base| taken.insert(*base)) {
            log.new_base = base;
        }
        before = runs.last().map(|run| run.last).or(before);
    }
}

fn order(logs: &[SegmentLog], homes: &[Home]) -> Result<Vec<Placed>, Error> {
    let all: Vec<BatchRun> = logs.iter().flat_map(runs).collect();
    if is_in_order(&all, homes) {
        let stays = |run: BatchRun| Placed {
            target: run.file,
            run,
            fate: Fate::Stays,
            twin: None,
        };
        return Ok(all.into_iter().map(stays).collect());
    }
    place(
        all,
        homes,
        &mut RunLookup {
            logs,
            questions: MOST_QUESTIONS,
        },
    )
}

/// The logs of a partition, in which runs are looked up.
struct RunLookup<'a> {
    logs: &'a [SegmentLog],
    /// The number of segment scans still allowed.
    questions: u32,
}

impl RunFacts for RunLookup<'_> {
    type Error = Error;

    fn open(&mut self, run: &BatchRun) -> Result<Vec<BatchRun>, Error> {
        let log = self.logs.get(run.file);
        let is_mended = log.is_some_and(|log| !changes_in(log, &run.range).is_empty());
        match log.filter(|_| !is_mended && run.batches > 1) {
            Some(log) => survey::singles(&log.mended.log, run).map_err(Error::from),
            None => Ok(vec![run.clone()]),
        }
    }

    fn is_same(&mut self, run: &BatchRun, other: &BatchRun) -> Result<bool, Error> {
        Ok(equal(self.logs, run, (other.file, &other.range))?.is_some())
    }

    fn continuity(&mut self, run: &BatchRun) -> Result<i32, Error> {
        let Some(log) = self.logs.get(run.file).filter(|_| self.questions > 0) else {
            return Ok(0);
        };
        self.questions -= 1;
        Ok(survey::continuity(&log.mended.log, &runs(log), run)?)
    }
}
