//! The `.log` files of a partition: mended one by one, then put in order together.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::PlanOptions;
use super::fall;
use super::layout::{Layout, is_kept};
use super::mend::{Around, Change, Mended, Part, mend};
use super::order::{self, Fate, Look, Placed, beside_lost, is_in_order, place, renamed};
use super::steps::{NewLog, Reason, Steps};
use super::survey::{self, Home, LEAP, Run};
use super::witness::Witness;
use crate::format::FileKind;
use crate::repair::PlanPath;
use crate::repair::error::Error;
use crate::repair::proof::EqualBytes;
use crate::store::Partition;
use crate::verify::{CheckId, Finding, Severity};

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
    options: PlanOptions,
) -> Result<NewLog, Error> {
    let mut logs = read(partition, findings, steps, options)?;
    name(&mut logs);
    let homes = homes(logs.iter().map(|log| log.new_base));
    let end = noted_end(partition);
    if let (Some(log), Some(end)) = (logs.last_mut(), end) {
        detach_last(log, end)?;
    }
    let last = logs.len().saturating_sub(1);
    for (nth, (log, home)) in logs.iter_mut().zip(&homes).enumerate() {
        renumber(log, home, end.filter(|_| nth == last))?;
    }
    let mut placed = order(&logs, &homes)?;
    bound(&mut placed, &homes, end);
    let mut new = Layout::new(&logs, &placed, steps).write()?;
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
    // An index holds offsets of 4 bytes, from the base offset on: no broker writes a batch further away.
    let most = |base: i64| base.saturating_add(i64::from(i32::MAX));
    let end = bases.last().map_or(i64::MAX, |base| most(*base));
    let next = bases.iter().skip(1).copied().chain([end]);
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
    options: PlanOptions,
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
    let is_only = damaged_places(findings) <= 1;
    let mut by_file: BTreeMap<&Path, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        by_file.entry(&finding.path).or_default().push(finding);
    }
    let last = with_log.len().saturating_sub(1);
    let mut logs = Vec::new();
    for (file, (base, item, plan)) in with_log.into_iter().enumerate() {
        let here = by_file.remove(item.path()).unwrap_or_default();
        let home = homes.get(file).cloned().unwrap_or(0..i64::MAX);
        let around = Around {
            options,
            is_only,
            is_open: file == last,
        };
        let mut mended = mend(item.path(), file, &home, &here, around)?;
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

/// Takes batches out of the log that nothing but their own offset puts where they would go: no checksum covers it. What moves must
/// stand next to another batch there; what ends the log must follow the batch before it, or end before `end`.
fn bound(placed: &mut [Placed], homes: &[Home], end: Option<i64>) {
    let mut kept: Vec<usize> = (0..placed.len())
        .filter(|nth| placed.get(*nth).is_some_and(is_kept))
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
        let (Some((_, last, range, file)), true) = (before, is_kept(here)) else {
            break;
        };
        let leap = here.run.first.saturating_sub(last).saturating_sub(1);
        let between = here.run.range.start.saturating_sub(range.end);
        let is_noted = end.is_some_and(|end| here.run.last < end);
        let is_explained =
            file != here.run.file || i64::try_from(between).is_ok_and(|room| leap <= room);
        // The log ended between them once, after batches that are not here: this one is not the next.
        let is_passed = end.is_some_and(|end| last.saturating_add(1) < end && end < here.run.first);
        let is_near = leap <= LEAP && !is_passed;
        if is_noted || is_explained || is_near {
            break;
        }
        here.fate = Fate::Foreign;
    }
}

/// How many places in the logs are damaged: findings that touch each other are about one.
fn damaged_places(findings: &[&Finding]) -> usize {
    let place = |finding: &&Finding| {
        let is_log = finding.path.extension().is_some_and(|end| end == "log");
        let start = finding
            .position
            .filter(|_| is_log && finding.severity >= Severity::Error)?;
        let end = start.saturating_add(finding.length.unwrap_or(0));
        Some((Arc::clone(&finding.path), start, end))
    };
    let mut places: Vec<_> = findings.iter().filter_map(place).collect();
    places.sort_unstable();
    let is_one = |a: &(Arc<Path>, u64, u64), b: &(Arc<Path>, u64, u64)| a.0 == b.0 && b.1 <= a.2;
    places.chunk_by(is_one).count()
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
        && order::renumbered(rest.last, &last, end).is_some()
    {
        *run = rest;
        log.mended.parts.push(Part::Batches {
            run: last,
            changes: Vec::new(),
        });
    }
    Ok(())
}

/// Bits of an offset that no log of any partition reaches.
const ABSURD: i64 = 1 << 48;

/// Gives batches the offsets of the gaps that they fill, where something beside the gap says that they are theirs. `end` is where
/// the log is known to have ended, if this is its last segment.
fn renumber(log: &mut Log, home: &Home, end: Option<i64>) -> Result<(), Error> {
    let ends: Vec<Neighbour> = log
        .mended
        .parts
        .iter()
        .map(|part| Neighbour::of(part, home))
        .collect();
    let behind = end.unwrap_or(home.end);
    let all = runs(log);
    let mut questions = MOST_QUESTIONS;
    let mut last_before = home.start.saturating_sub(1);
    let mut renumbered = Vec::new();
    let mut witness = None;
    for (index, part) in log.mended.parts.iter().enumerate() {
        let (before, after) = ends.split_at(index);
        // What is right after it bounds it; where other bytes are, nothing does.
        let next = match after.get(1) {
            Some(Neighbour::Batches { first, .. }) => Some(*first),
            Some(_) => None,
            None => Some(behind),
        };
        let place = match (part, before.last(), next) {
            (Part::Batches { run, .. }, Some(Neighbour::Lost), Some(next)) => {
                beside_lost(last_before, run, next).map(|base| (base, next, None))
            }
            (Part::Batches { run, .. }, Some(Neighbour::Batches { .. }) | None, Some(next)) => {
                let gap = order::renumbered(last_before, run, next);
                gap.map(|gap| (gap.value(), next, Some(gap)))
            }
            _ => None,
        };
        if let (Some((base, next, gap)), Part::Batches { run, .. }) = (place, part)
            && questions > 0
        {
            questions -= 1;
            let fit = survey::continuity(&log.mended.log, &all, run)?;
            let proof = gap.filter(|_| fit == 2);
            let last = base.saturating_add(run.last.saturating_sub(run.first));
            let witness = witness.get_or_insert_with(|| Witness::beside(&log.path, log.base));
            let is_known = fit == 0 && witness.has(&log.mended.log, run, last)?;
            if is_known || is_own(run.first, base, fit) && is_of_leader(log, index) {
                renumbered.push((index, base, next, proof));
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
    for (index, base, next, proof) in renumbered {
        let Some(Part::Batches { run, changes }) = log.mended.parts.get_mut(index) else {
            continue;
        };
        let why = format!(
            "the batch has base offset {} but fills the gap {base}..={}",
            run.first,
            next - 1
        );
        let start = run.range.start;
        run.last = base + (run.last - run.first);
        run.first = base;
        changes.push(Change {
            range: start..start + 8,
            bytes: base.to_be_bytes().to_vec(),
            reason: Reason::proven_or_likely(&[CheckId::OffsetOverlap], why, proof),
        });
    }
    Ok(())
}

/// Whether a batch with another offset than its place is one of this place: the sequence numbers of its producer go on there, or they
/// say nothing and the offset is one bit away, or one that no log has. A copy of another batch, or one of another partition, is none.
fn is_own(stored: i64, base: i64, fit: i32) -> bool {
    let is_absurd = !(0..ABSURD).contains(&stored);
    let is_one_bit = (stored ^ base).cast_unsigned().is_power_of_two();
    match fit {
        0 => is_absurd || is_one_bit || stored == 0,
        fit => fit > 0,
    }
}

/// Whether the leader epoch of part number `index` lies between those of the batches next to it: a batch of another place has another one
/// sooner than one whose offset alone is damaged.
fn is_of_leader(log: &Log, index: usize) -> bool {
    let epoch = |part: Option<&Part>| match part {
        Some(Part::Batches { run, .. }) => Some(run.epochs),
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
    let parts = &log.mended.parts;
    let first = parts.partition_point(|part| part.range().end <= range.start);
    let parts = parts.iter().skip(first);
    let mut here: Vec<&Change> = parts
        .take_while(|part| part.range().start < range.end)
        .flat_map(changes)
        .filter(|change| range.contains(&change.range.start))
        .collect();
    here.sort_by_key(|change| change.range.start);
    here
}
