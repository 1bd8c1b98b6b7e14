//! What fills a hole.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::copy::{Copy, Single};
use crate::repair::error::Error;
use crate::store::{LogFile, Stream};

/// Something between two trusted batches of a segment.
pub(super) struct Hole<'a> {
    /// The file.
    pub(super) path: &'a Path,
    /// The range; empty if only offsets are missing.
    pub(super) range: Range<u64>,
    /// The last offset before it.
    pub(super) after: i64,
    /// The first offset after it; the largest of all at the end of the log.
    pub(super) before: i64,
    /// The leader epochs before and after it.
    pub(super) epochs: (i32, i32),
    /// The end of the log, as far as it is known.
    pub(super) end: i64,
}

impl Hole<'_> {
    /// Returns true if something is known to be missing. Offsets that are in no batch are not:
    /// compaction leaves such gaps.
    pub(super) fn is_any(&self) -> bool {
        let is_end = self.before == i64::MAX;
        self.range.start < self.range.end || is_end && self.after.saturating_add(1) < self.end
    }
}

/// The batches that fill a hole, by the index of their replica.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) front: Vec<(usize, Single)>,
    /// The bytes that stay between both.
    pub(super) rest: Range<u64>,
    pub(super) back: Vec<(usize, Single)>,
    /// True if nothing is missing then.
    pub(super) is_whole: bool,
}

/// Fills a hole from the replicas, whose batches around it are `theirs`.
///
/// # Errors
/// A file cannot be read.
pub(super) fn fill(
    hole: &Hole<'_>,
    replicas: &[Copy],
    theirs: &[Vec<Single>],
) -> Result<Filled, Error> {
    let (mut row, is_agreed) = candidates(hole, replicas, theirs);
    if hole.before == i64::MAX {
        cut_to(&mut row, hole);
    }
    let nothing = Filled {
        rest: hole.range.clone(),
        ..Filled::default()
    };
    if row.is_empty() {
        return Ok(nothing);
    }
    if is_agreed && is_whole(&row, hole, theirs) {
        return Ok(Filled {
            front: row,
            rest: 0..0,
            back: Vec::new(),
            is_whole: true,
        });
    }
    aligned(row, hole, replicas)
}

/// The batches of replicas that are in the hole, by their offsets, one for each; and whether the
/// replicas agree on all of them.
fn candidates(
    hole: &Hole<'_>,
    replicas: &[Copy],
    theirs: &[Vec<Single>],
) -> (Vec<(usize, Single)>, bool) {
    let mut groups: BTreeMap<i64, Vec<(usize, &Single)>> = BTreeMap::new();
    for (index, (replica, singles)) in replicas.iter().zip(theirs).enumerate() {
        let end = replica
            .parted
            .map_or(i64::MAX, |(at, _)| at)
            .min(hole.before);
        let first = singles.partition_point(|single| single.first <= hole.after);
        let inside = singles
            .iter()
            .skip(first)
            .take_while(|single| single.last < end);
        for single in inside {
            groups
                .entry(single.first)
                .or_default()
                .push((index, single));
        }
    }
    let mut is_agreed = true;
    let mut row: Vec<(usize, Single)> = Vec::new();
    for group in groups.into_values() {
        let Some((_, some)) = group.first() else {
            continue;
        };
        let is_one = group.iter().all(|(_, other)| other.has_content_of(some));
        let rises = row
            .last()
            .is_none_or(|(_, before)| before.last < some.first);
        let before = row.last().map_or(hole.epochs.0, |(_, before)| before.epoch);
        let fits = |(_, single): &&(usize, &Single)| {
            single.epoch == -1 || (before..=hole.epochs.1).contains(&single.epoch)
        };
        let count = |epoch: i32| {
            group
                .iter()
                .filter(|(_, other)| other.epoch == epoch)
                .count()
        };
        let best = group
            .iter()
            .filter(fits)
            .max_by_key(|(index, single)| (count(single.epoch), std::cmp::Reverse(*index)));
        match best {
            Some((index, single)) if is_one && rises => row.push((*index, (*single).clone())),
            _ => is_agreed = false,
        }
    }
    (row, is_agreed)
}

/// At the end of a log nothing says how much is missing but the bytes that are damaged, and the end
/// that is noted beside it.
fn cut_to(row: &mut Vec<(usize, Single)>, hole: &Hole<'_>) {
    let most = hole.range.end - hole.range.start;
    let mut reached = 0;
    row.retain(|(_, single)| {
        let is_begun = reached < most || single.first < hole.end;
        reached += single.range.end - single.range.start;
        is_begun
    });
}

/// Returns true if nothing is missing between the batches, nor at either side.
fn is_whole(row: &[(usize, Single)], hole: &Hole<'_>, theirs: &[Vec<Single>]) -> bool {
    let mut next = hole.after.saturating_add(1);
    let mut is_dense = true;
    for (_, single) in row {
        is_dense &= single.first == next;
        next = single.last.saturating_add(1);
    }
    if is_dense && (next == hole.before || hole.before == i64::MAX) {
        return true;
    }
    let len: u64 = row
        .iter()
        .map(|(_, single)| single.range.end - single.range.start)
        .sum();
    if len == hole.range.end - hole.range.start {
        return true;
    }
    // Of a compacted log the offsets do not say it, but a replica does that has no damage there.
    theirs.iter().any(|singles| {
        let first = singles.partition_point(|single| single.first <= hole.after);
        let end = singles.partition_point(|single| single.last < hole.before);
        let inside = singles.get(first..end).unwrap_or_default();
        let is_row = inside.len() == row.len()
            && inside
                .iter()
                .zip(row)
                .all(|(a, (_, b))| a.has_content_of(b));
        let has_sides = first > 0 && (end < singles.len() || hole.before == i64::MAX);
        let is_intact = singles
            .get(first..=end.min(singles.len().saturating_sub(1)))
            .unwrap_or_default();
        is_row && has_sides && !is_intact.iter().any(|single| single.is_after_damage)
    })
}

/// Puts batches where their bytes stood, from both sides, as far as they follow each other without
/// a gap.
fn aligned(row: Vec<(usize, Single)>, hole: &Hole<'_>, replicas: &[Copy]) -> Result<Filled, Error> {
    let own = LogFile::Windowed(Stream::open(hole.path)?);
    let mut filled = Filled {
        rest: hole.range.clone(),
        ..Filled::default()
    };
    let mut next = hole.after.saturating_add(1);
    let mut row = row.into_iter().peekable();
    while let Some((replica, single)) = row.peek() {
        let start = filled.rest.start;
        if single.first != next
            || !is_like(&own, start, single, &filled.rest, replicas.get(*replica))?
        {
            break;
        }
        filled.rest.start += single.range.end - single.range.start;
        next = single.last.saturating_add(1);
        filled.front.extend(row.next());
    }
    let mut before = hole.before;
    let mut others: Vec<(usize, Single)> = row.collect();
    while let Some((replica, single)) = others.last() {
        let len = single.range.end - single.range.start;
        let Some(start) = filled
            .rest
            .end
            .checked_sub(len)
            .filter(|start| filled.rest.start <= *start)
        else {
            break;
        };
        let is_next = single.last.saturating_add(1) == before;
        if !is_next || !is_like(&own, start, single, &filled.rest, replicas.get(*replica))? {
            break;
        }
        filled.rest.end = start;
        before = single.first;
        filled.back.extend(others.pop());
    }
    filled.back.reverse();
    Ok(filled)
}

/// Returns true if a batch stood at `start`: more than half of its bytes do still. Random bytes
/// agree in one of 256.
fn is_like(
    own: &LogFile,
    start: u64,
    single: &Single,
    rest: &Range<u64>,
    replica: Option<&Copy>,
) -> Result<bool, Error> {
    let len = single.range.end - single.range.start;
    let segment = replica.and_then(|replica| replica.segments.get(single.segment));
    let Some(segment) = segment.filter(|_| start + len <= rest.end) else {
        return Ok(false);
    };
    let log = LogFile::Windowed(Stream::open(&segment.path)?);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let ours = own.window(start..start + len, &mut a)?;
    let theirs = log.window(single.range.clone(), &mut b)?;
    let equal = ours.iter().zip(theirs).filter(|(a, b)| a == b).count();
    Ok(equal as u64 > len / 2)
}
