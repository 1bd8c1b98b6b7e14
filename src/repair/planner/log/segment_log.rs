//! A segment's `.log` while it is planned.

use std::ops::Range;
use std::path::PathBuf;

use crate::repair::PlanPath;
use crate::repair::error::Error;
use crate::repair::planner::mended::{Change, Mended, MendedPart};
use crate::repair::planner::survey::{BatchRun, Home};
use crate::repair::proof::EqualBytes;
use crate::wire::units::MAX_RELATIVE_OFFSET;

/// A segment's `.log`, mended as far as possible.
pub(super) struct SegmentLog {
    pub(super) path: PathBuf,
    pub(super) plan: PlanPath,
    pub(super) len_bytes: u64,
    /// The base offset in its name, and the one that it ought to have.
    pub(super) base: i64,
    pub(super) new_base: i64,
    pub(super) mended: Mended,
}

/// The offsets that belong into each segment, by their base offsets.
pub(super) fn homes(bases: impl Iterator<Item = i64>) -> Vec<Home> {
    let bases: Vec<i64> = bases.collect();
    // An index holds offsets of 4 bytes, from the base offset on: no broker writes a batch further away.
    let most = |base: i64| base.saturating_add(MAX_RELATIVE_OFFSET);
    let end = bases.last().map_or(i64::MAX, |base| most(*base));
    let next = bases.iter().skip(1).copied().chain([end]);
    bases
        .iter()
        .copied()
        .zip(next)
        .map(|(base, next)| base..next)
        .collect()
}

/// The batches of a log.
pub(super) fn runs(log: &SegmentLog) -> Vec<BatchRun> {
    let run = |part: &MendedPart| match part {
        MendedPart::Batches { run, .. } => Some(run.clone()),
        MendedPart::Lost { .. } => None,
    };
    log.mended.parts.iter().filter_map(run).collect()
}

/// A proof that the bytes of a run are also at another place of the logs, if they are.
pub(super) fn equal(
    logs: &[SegmentLog],
    run: &BatchRun,
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
pub(super) fn changes_in<'a>(log: &'a SegmentLog, range: &Range<u64>) -> Vec<&'a Change> {
    let changes = |part: &'a MendedPart| match part {
        MendedPart::Batches { changes, .. } => changes.as_slice(),
        MendedPart::Lost { .. } => &[],
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
