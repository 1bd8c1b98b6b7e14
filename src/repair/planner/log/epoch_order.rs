//! Leader epochs of single batches that do not fit between those around them: no checksum covers
//! them.
//!
//! Only the batches that belong into the segment count as neighbours, and what the leader epoch
//! checkpoint says as well is left as it is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::segment_log::SegmentLog;
use crate::format::layout::batch as layout;
use crate::format::{FileKind, LeaderEpochs};
use crate::repair::Odds;
use crate::repair::planner::diagnosis::small;
use crate::repair::planner::mended::{Change, Mended, MendedPart, add};
use crate::repair::planner::steps::Reason;
use crate::repair::planner::survey::{self, BatchRun, Home};
use crate::repair::proof::Between;
use crate::store::{Error, LogFile, Partition};
use crate::verify::evidence::Number;
use crate::verify::{CheckId, Evidence, Finding};

/// Leader epochs rise by one with every election: what is so far from the checkpoint is no election
/// that was not noted, but damage.
const FAR_EPOCHS: i64 = 1 << 16;

/// Findings by where the batches begin that they doubt, and whether an epoch is too far from the
/// checkpoint.
type Named<'a> = BTreeMap<u64, (&'a Finding, bool)>;

/// The leader epochs that the checkpoint of a partition has, by their first offsets, unless it
/// cannot be believed.
#[derive(Debug, Default)]
pub(super) struct NotedEpochs(BTreeMap<i64, i32>);

impl NotedEpochs {
    pub(super) fn of(partition: &Partition) -> Self {
        let item = partition.item(FileKind::LeaderEpochs);
        let bytes = item.and_then(|item| small(item.path()));
        let file = LeaderEpochs::parse(bytes.as_deref().unwrap_or_default());
        let rows = file.entries.iter();
        let rows: BTreeMap<i64, i32> = rows.map(|row| (row.start_offset.0, row.epoch.0)).collect();
        let is_whole = file.faults.is_empty() && rows.len() == file.entries.len();
        let is_rising = rows.values().is_sorted();
        Self(if is_whole && is_rising {
            rows
        } else {
            BTreeMap::new()
        })
    }

    fn at(&self, offset: i64) -> Option<i32> {
        let before = self.0.range(..=offset).next_back();
        before.map(|(_, epoch)| *epoch)
    }
}

/// Corrects the leader epochs of the batches that findings name, of those that were mended, and of
/// those that end a segment, next to which no finding looks.
///
/// # Errors
/// A file cannot be read.
pub(super) fn settle(
    logs: &mut [SegmentLog],
    homes: &[Home],
    findings: &[&Finding],
    noted: &NotedEpochs,
) -> Result<(), Error> {
    let mut named: BTreeMap<&Path, Named<'_>> = BTreeMap::new();
    for finding in findings {
        if let Some((at, is_far)) = doubtful(finding) {
            let here = named.entry(&finding.path).or_default();
            let (_, is_farther) = here.entry(at).or_insert((finding, is_far));
            *is_farther |= is_far;
        }
    }
    let mut after: Vec<Option<i32>> =
        logs.iter()
            .zip(homes)
            .rev()
            .fold(vec![None], |mut after, (log, home)| {
                let first = log.mended.parts.iter().find_map(|part| epochs(part, home));
                let behind = after.last().copied().flatten();
                after.push(first.map(|first| first.0).or(behind));
                after
            });
    // Nothing asks for an offset before the first of them.
    after.pop();
    let mut before = None;
    for ((log, home), after) in logs.iter_mut().zip(homes).zip(after.into_iter().rev()) {
        let named = named.remove(&*log.path).unwrap_or_default();
        before = segment(log, home, (&named, noted), (before, after))?;
    }
    Ok(())
}

/// Returns true if batches belong into the segment.
fn is_home(run: &BatchRun, home: &Home) -> bool {
    home.contains(&run.first) && home.contains(&run.last)
}

/// The leader epochs of batches that belong into the segment.
fn epochs(part: &MendedPart, home: &Home) -> Option<(i32, i32)> {
    match part {
        MendedPart::Batches { run, .. } if is_home(run, home) && run.epochs.0 >= 0 => {
            Some(run.epochs)
        }
        _ => None,
    }
}

/// Corrects those of one segment, between these of the ones around it; returns the last.
fn segment(
    log: &mut SegmentLog,
    home: &Home,
    (named, noted): (&Named<'_>, &NotedEpochs),
    (mut before, behind): (Option<i32>, Option<i32>),
) -> Result<Option<i32>, Error> {
    let Mended { log: file, parts } = &mut log.mended;
    let last = parts
        .iter()
        .filter_map(|part| epochs(part, home))
        .next_back();
    let is_last_odd = last
        .zip(behind)
        .is_some_and(|(last, behind)| last.1 > behind);
    let mut split = Vec::with_capacity(parts.len());
    let end = parts.iter().rposition(|part| epochs(part, home).is_some());
    for (nth, part) in parts.drain(..).enumerate() {
        let is_end = is_last_odd && Some(nth) == end;
        split.extend(apart(file, part, named, is_end)?);
    }
    *parts = split;
    let end = parts.iter().rposition(|part| epochs(part, home).is_some());
    let mut after = Vec::with_capacity(parts.len());
    let mut next = behind;
    for part in parts.iter().rev() {
        after.push(next);
        next = epochs(part, home).map(|epochs| epochs.0).or(next);
    }
    for ((nth, part), after) in parts.iter_mut().enumerate().zip(after.into_iter().rev()) {
        if let MendedPart::Batches { run, changes } = part
            && is_home(run, home)
            && run.batches == 1
        {
            let (finding, is_far) = match named.get(&run.range.start) {
                Some((finding, is_far)) => (Some(*finding), *is_far),
                None => (None, false),
            };
            let is_end = is_last_odd && Some(nth) == end;
            let is_above = after.is_some_and(|after| run.epochs.0 > after);
            let is_impossible = run.epochs.0 < -1;
            let is_doubtful =
                finding.is_some() || !changes.is_empty() || is_end || is_above || is_impossible;
            let found = is_doubtful.then(|| between(run, (before, after), noted, is_far));
            if let Some((epoch, proof)) = found.flatten() {
                let why = finding.map_or_else(
                    || format!("the leader epoch {} is out of order", run.epochs.0),
                    Finding::message,
                );
                let check = finding.map_or(CheckId::EpochJump, |finding| finding.check);
                add(changes, change(run, epoch, proof, (check, why)));
            }
        }
        before = epochs(part, home).map(|epochs| epochs.1).or(before);
    }
    Ok(before)
}

/// The batch whose leader epoch a finding doubts, and whether it is too far from the checkpoint to
/// be one.
fn doubtful(finding: &Finding) -> Option<(u64, bool)> {
    let at = finding.position?;
    match (finding.check, &finding.evidence) {
        (CheckId::EpochRegression | CheckId::EpochJump, Evidence::Disorder(run))
            if run.number == Number::Epoch && run.batches == 1 =>
        {
            Some((at, false))
        }
        (CheckId::EpochsMismatch, Evidence::EpochConflict(conflict)) => {
            let noted = conflict.stored.filter(|noted| *noted >= 0)?;
            let (noted, actual) = (i64::from(noted), i64::from(conflict.actual));
            let is_far = actual < noted || noted.checked_add(FAR_EPOCHS)? < actual;
            let start = at.checked_sub(layout::LEADER_EPOCH as u64)?;
            is_far.then_some((start, true))
        }
        _ => None,
    }
}

/// A run, with the batches that are named or mended by themselves. One that was rewritten stays
/// whole.
fn apart(
    log: &LogFile,
    part: MendedPart,
    named: &Named<'_>,
    is_end: bool,
) -> Result<Vec<MendedPart>, Error> {
    let MendedPart::Batches { run, changes } = &part else {
        return Ok(vec![part]);
    };
    let is_in_place = |change: &Change| change.is_within(&run.range);
    let is_named_within = named.range(run.range.clone()).next().is_some();
    let is_doubtful = is_named_within || is_end || !changes.is_empty();
    if run.batches < 2 || !is_doubtful || !changes.iter().all(is_in_place) {
        return Ok(vec![part]);
    }
    let end = run.range.end;
    // No finding looks at the leader epoch of a batch whose checksum was wrong.
    let is_mended = |run: &BatchRun| {
        let nth = changes.partition_point(|change| change.range.start < run.range.start);
        changes
            .get(nth)
            .is_some_and(|change| change.range.start < run.range.end)
    };
    let is_named = |run: &BatchRun| {
        let is_doubtful = is_end && run.range.end == end || is_mended(run);
        named.contains_key(&run.range.start) || run.batches == 1 && is_doubtful
    };
    let mut runs: Vec<BatchRun> = Vec::new();
    for single in survey::singles(log, run)? {
        match runs.last_mut() {
            Some(before) if !is_named(&single) && !is_named(before) => before.join(&single),
            _ => runs.push(single),
        }
    }
    let mut left = changes.iter().cloned().peekable();
    let parts = runs.into_iter().map(|run| {
        let is_here = |change: &Change| change.range.start < run.range.end;
        let changes = std::iter::from_fn(|| left.next_if(is_here)).collect();
        MendedPart::Batches { run, changes }
    });
    Ok(parts.collect())
}

/// The leader epoch that a batch must have between these, and the proof of it; `None` if its own
/// may be right.
fn between(
    run: &BatchRun,
    (before, after): (Option<i32>, Option<i32>),
    noted: &NotedEpochs,
    is_far: bool,
) -> Option<(i32, Option<Between>)> {
    let stored = run.epochs.0;
    let fits = |epoch: &i32| {
        before.is_none_or(|before| before <= *epoch) && after.is_none_or(|after| *epoch <= after)
    };
    let known = noted.at(run.first);
    // Batches may have none, -1.
    let may_be_right = stored == -1 || stored >= 0 && fits(&stored) && !is_far;
    if !run.is_modern || may_be_right || known == Some(stored) {
        return None;
    }
    if let Some(proof) = Between::agree(before.map(i64::from), after.map(i64::from)) {
        return before.map(|epoch| (epoch, Some(proof)));
    }
    let one_bit = || {
        let mut near = (0..31).map(|bit| stored ^ (1 << bit)).filter(fits);
        near.next().filter(|_| near.next().is_none())
    };
    let epoch = known.filter(fits).or_else(one_bit).or(after).or(before);
    epoch.filter(fits).map(|epoch| (epoch, None))
}

fn change(
    run: &mut BatchRun,
    epoch: i32,
    proof: Option<Between>,
    (check, why): (CheckId, String),
) -> Change {
    let at = run.range.start + layout::LEADER_EPOCH as u64;
    let range: Range<u64> = at..at + 4;
    run.epochs = (epoch, epoch);
    let checks = [check];
    let reason = match proof {
        Some(proof) => Reason::proven(&checks, why, proof),
        None => Reason::likely(&checks, why, Odds::Unknown),
    };
    Change {
        range,
        bytes: epoch.to_be_bytes().to_vec(),
        reason,
    }
}
