//! The `.log` files of a partition: mended one by one, then put in order together.

use std::ops::Range;
use std::path::PathBuf;

use super::Options;
use super::fall;
use super::layout::{Layout, is_kept};
use super::mend::{Change, Mended, Part, mend};
use super::order::{Fate, Look, Placed, beside_lost, is_in_order, place, renamed, renumbered};
use super::steps::{NewLog, Reason, Steps};
use super::survey::{self, Home, Run};
use crate::format::FileKind;
use crate::repair::PlanPath;
use crate::repair::error::Error;
use crate::repair::proof::EqualBytes;
use crate::store::Partition;
use crate::verify::{CheckId, Finding};

/// How often a segment is looked through for which of two batches is the right one.
const MOST_QUESTIONS: u32 = 64;

/// A segment on its way.
pub(super) struct Log {
    pub(super) path: PathBuf,
    pub(super) plan: PlanPath,
    pub(super) len_bytes: u64,
    /// The base offset in its name, and the one that it ought to have.
    pub(super) base: i64,
    pub(super) new_base: i64,
    pub(super) mended: Mended,
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
    let end = noted_end(partition);
    if let (Some(log), Some(end)) = (logs.last_mut(), end) {
        detach_last(log, end)?;
    }
    for (log, home) in logs.iter_mut().zip(&homes) {
        renumber(log, home, end);
    }
    let placed = order(&logs, &homes)?;
    let mut layout = Layout {
        logs: &logs,
        placed: &placed,
        steps,
    };
    let mut new = layout.write()?;
    let last = placed.iter().filter(|placed| is_kept(placed));
    let last = last.map(|placed| placed.run.last.saturating_add(1)).max();
    let base = logs.last().map_or(0, |log| log.new_base);
    new.end = new.end.max(last.unwrap_or(base)).max(base);
    Ok(new)
}

/// Where the log ended when the state of its producers was last noted.
pub(super) fn noted_end(partition: &Partition) -> Option<i64> {
    let snapshot = |item: &crate::store::Item| {
        let name = item.file_name()?;
        let is_one = name.kind == FileKind::ProducerSnapshot && name.is_canonical();
        name.offset.filter(|_| is_one).map(|offset| offset.0)
    };
    partition.items().iter().filter_map(snapshot).max()
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
        fall::settle(&mut mended)?;
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

/// Takes the last batch of the log for itself, if it goes beyond where the log ended and would fill what is missing before that.
fn detach_last(log: &mut Log, end: i64) -> Result<(), Error> {
    let is_beyond = |run: &Run| log.base < end && end <= run.last && run.batches > 1;
    let Some(Part::Batches { run, changes }) = log.mended.parts.last_mut() else {
        return Ok(());
    };
    if !is_beyond(run) || !changes.is_empty() {
        return Ok(());
    }
    let mut singles = survey::singles(&log.mended.log, run)?;
    let last = singles.pop();
    let rest = singles.into_iter().reduce(|mut all, next| {
        all.join(&next);
        all
    });
    if let (Some(rest), Some(last)) = (rest, last)
        && renumbered(rest.last, &last, end).is_some()
    {
        *run = rest;
        log.mended.parts.push(Part::Batches {
            run: last,
            changes: Vec::new(),
        });
    }
    Ok(())
}

/// Gives batches the offsets of the gaps that they fill. `end` is where the log is known to have ended.
fn renumber(log: &mut Log, home: &Home, end: Option<i64>) {
    let ends: Vec<Neighbour> = log
        .mended
        .parts
        .iter()
        .map(|part| Neighbour::of(part, home))
        .collect();
    let behind = match end {
        Some(end) if home.end == i64::MAX => end,
        _ => home.end,
    };
    for (index, part) in log.mended.parts.iter_mut().enumerate() {
        let Part::Batches { run, changes } = part else {
            continue;
        };
        let (before, after) = ends.split_at(index);
        let after = match after.get(1) {
            Some(Neighbour::Batches { first, .. }) => *first,
            _ => behind,
        };
        let last_before = before.iter().rev().find_map(|part| match part {
            Neighbour::Batches { last, .. } => Some(*last),
            _ => None,
        });
        let last_before = last_before.unwrap_or(home.start.saturating_sub(1));
        let base = match before.last() {
            Some(Neighbour::Odd) => None,
            Some(Neighbour::Lost) => beside_lost(last_before, run, after).map(|base| (base, None)),
            Some(Neighbour::Batches { .. }) | None => {
                renumbered(last_before, run, after).map(|gap| (gap.value(), Some(gap)))
            }
        };
        let Some((base, gap)) = base else { continue };
        let why = format!(
            "the batch says offset {}, but stands where {base} to {} are missing",
            run.first,
            after - 1
        );
        let start = run.range.start;
        run.last = base + (run.last - run.first);
        run.first = base;
        changes.push(Change {
            range: start..start + 8,
            bytes: base.to_be_bytes().to_vec(),
            reason: Reason::proven_or_likely(&[CheckId::OffsetOverlap], why, gap),
        });
    }
}

/// What is next to a batch.
enum Neighbour {
    /// Batches that may be here.
    Batches { first: i64, last: i64 },
    /// Batches that belong elsewhere.
    Odd,
    /// No batch.
    Lost,
}

impl Neighbour {
    fn of(part: &Part, home: &Home) -> Self {
        match part {
            Part::Batches { run, .. } if home.contains(&run.first) && home.contains(&run.last) => {
                Self::Batches {
                    first: run.first,
                    last: run.last,
                }
            }
            Part::Batches { .. } => Self::Odd,
            Part::Lost { .. } => Self::Lost,
        }
    }
}

fn order(logs: &[Log], homes: &[Home]) -> Result<Vec<Placed>, Error> {
    let all: Vec<Run> = logs.iter().flat_map(runs).collect();
    if is_in_order(&all, homes) {
        let stays = |run: Run| Placed {
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
        &mut Shelf {
            logs,
            questions: MOST_QUESTIONS,
        },
    )
}

/// The logs of a partition, in which runs are looked up.
struct Shelf<'a> {
    logs: &'a [Log],
    /// How often the whole of a segment may still be looked through.
    questions: u32,
}

impl Look for Shelf<'_> {
    type Error = Error;

    fn open(&mut self, run: &Run) -> Result<Vec<Run>, Error> {
        let log = self.logs.get(run.file);
        let is_mended = log.is_some_and(|log| !changes_in(log, &run.range).is_empty());
        match log.filter(|_| !is_mended && run.batches > 1) {
            Some(log) => survey::singles(&log.mended.log, run).map_err(Error::from),
            None => Ok(vec![run.clone()]),
        }
    }

    fn is_same(&mut self, run: &Run, other: &Run) -> Result<bool, Error> {
        Ok(equal(self.logs, run, (other.file, &other.range))?.is_some())
    }

    fn continuity(&mut self, run: &Run) -> Result<i32, Error> {
        let Some(log) = self.logs.get(run.file).filter(|_| self.questions > 0) else {
            return Ok(0);
        };
        self.questions -= 1;
        Ok(survey::continuity(&log.mended.log, &runs(log), run)?)
    }
}

/// A proof that the bytes of a run are also at another place of the logs, if they are.
pub(super) fn equal(
    logs: &[Log],
    run: &Run,
    (file, range): (usize, &Range<u64>),
) -> Result<Option<EqualBytes>, Error> {
    let (Some(here), Some(there)) = (logs.get(run.file), logs.get(file)) else {
        return Ok(None);
    };
    let here = (&here.mended.log, run.range.clone());
    let other = (&there.mended.log, range.clone());
    Ok(EqualBytes::of(here, other, there.plan.clone())?)
}

/// The changes of what begins in `range`.
pub(super) fn changes_in<'a>(log: &'a Log, range: &Range<u64>) -> Vec<&'a Change> {
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
