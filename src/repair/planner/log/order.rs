//! Which batches belong where: the runs of all segments, put in the order of their offsets.
//!
//! What is in its place stays there. A run elsewhere is a copy of what is in its place (dropped:
//! nothing is lost), or is missing there (moved), or belongs to another log (removed).

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::repair::planner::survey::{BatchRun, Home, LEAP};
use crate::repair::proof::Between;

/// The fate of a run.
/// Bits of an offset that no log of any partition reaches.
const ABSURD: i64 = 1 << 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays where it is.
    Stays,
    /// Its place is elsewhere in its segment, or in another one.
    Moves,
    /// The same batches stand elsewhere.
    Copy,
    /// Other batches have its offsets, or it has no place between its neighbours.
    Foreign,
}

/// A run, the segment it is for, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) run: BatchRun,
    pub(super) target: usize,
    pub(super) fate: Fate,
    /// Of a copy, the file and the place of the one that is kept.
    pub(super) twin: Option<(usize, Range<u64>)>,
}

impl Placed {
    /// Returns true if the run is there afterwards.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.fate, Fate::Stays | Fate::Moves)
    }
}

/// Returns true if `run` is where its offsets say.
pub(super) fn is_home(run: &BatchRun, homes: &[Home]) -> bool {
    let home = homes.get(run.file);
    home.is_some_and(|home| home.contains(&run.first) && home.contains(&run.last))
}

/// The segment into which an offset belongs.
pub(super) fn segment_of(offset: i64, homes: &[Home]) -> Option<usize> {
    let after = homes.partition_point(|home| home.start <= offset);
    let nth = after.checked_sub(1)?;
    homes
        .get(nth)
        .filter(|home| home.contains(&offset))
        .map(|_| nth)
}

/// Returns true if all runs are in their places: then there is nothing to put in order.
pub(super) fn is_in_order(runs: &[BatchRun], homes: &[Home]) -> bool {
    let rises = |pair: &[BatchRun]| match pair {
        [before, after] => before.last < after.first,
        _ => true,
    };
    runs.iter()
        .all(|run| is_home(run, homes) && run.first <= run.last)
        && runs.windows(2).all(rises)
}

/// The base offset of a batch that fills exactly the gap it is in, between `before` and `after`,
/// though its own offset leads elsewhere.
pub(super) fn renumbered(before: i64, run: &BatchRun, after: i64) -> Option<Between> {
    let fits = before < run.first && run.first <= run.last && run.last < after;
    let offsets = run.last.checked_sub(run.first)?.checked_add(1)?;
    let gap = Between::fill(before, after, offsets)?;
    (run.batches == 1 && !fits).then_some(gap)
}

/// The base offset of a batch whose own was lost with the bytes before it, and which ends where the
/// batch at `after` begins.
pub(super) fn beside_lost(before: i64, run: &BatchRun, after: i64) -> Option<i64> {
    let width = run
        .last
        .checked_sub(run.first)
        .filter(|width| *width >= 0)?;
    let base = after.checked_sub(width)?.checked_sub(1)?;
    let fits = before < run.first && run.last < after;
    (run.batches == 1 && !fits && before < base && 0 < base).then_some(base)
}

/// Returns true if an offset that no batch of the log can have is the right one but for damage: it
/// differs in a bit, or in a byte above the lowest two, is zero, or is larger than any log reaches.
pub(super) fn is_near(stored: i64, base: i64) -> bool {
    let differ = stored ^ base;
    let byte = differ.trailing_zeros() / 8;
    let is_one_byte = 2 <= byte && differ & !(0xff_i64 << (byte.min(7) * 8)) == 0;
    let is_absurd = !(0..ABSURD).contains(&stored);
    is_one_bit(stored, base) || is_one_byte || is_absurd || stored == 0
}

/// Returns true if one flipped bit makes an offset the other.
pub(super) fn is_one_bit(stored: i64, base: i64) -> bool {
    (stored ^ base).cast_unsigned().is_power_of_two()
}

/// The base offset that a segment ought to be named after, if its batches belong between those of
/// the segments around it but not after the name it has. `next`: the base offset of the next
/// segment. No checksum covers the offset of a single batch, which is believed only if it is near
/// to what is before it, or before what follows.
pub(super) fn renamed(
    before: Option<i64>,
    base: i64,
    runs: &[BatchRun],
    next: Option<i64>,
) -> Option<i64> {
    let first = runs.first()?.first;
    let rises = |pair: &[BatchRun]| matches!(pair, [a, b] if a.last < b.first);
    if !runs.windows(2).all(rises) || before.is_some_and(|before| first <= before) {
        return None;
    }
    let is_late = first < base;
    let is_early = before.is_some_and(|before| base <= before);
    let batches: u64 = runs.iter().map(|run| run.batches).sum();
    let is_bounded = before.is_some_and(|before| first.saturating_sub(before) <= LEAP)
        || next.is_some_and(|next| first < next);
    let is_bounded = batches > 1 || is_bounded && !is_near(first, base);
    (is_bounded && (is_late || is_early)).then_some(first)
}

/// The facts about runs that need a look at the log.
pub(super) trait RunFacts {
    /// The error.
    type Error;

    /// The batches of a run.
    fn open(&mut self, run: &BatchRun) -> Result<Vec<BatchRun>, Self::Error>;

    /// Returns true if two runs are the same bytes.
    fn is_same(&mut self, run: &BatchRun, other: &BatchRun) -> Result<bool, Self::Error>;

    /// Returns a score of how well a batch continues the sequence of its producer.
    fn continuity(&mut self, run: &BatchRun) -> Result<i32, Self::Error>;
}

/// Puts runs in order.
///
/// # Errors
/// What `look` says.
pub(super) fn place<L: RunFacts>(
    runs: Vec<BatchRun>,
    homes: &[Home],
    look: &mut L,
) -> Result<Vec<Placed>, L::Error> {
    let mut sorted = runs;
    sorted.sort_by_key(|run| (run.first, Reverse(run.last)));
    let mut pieces = Vec::with_capacity(sorted.len());
    for cluster in clusters(&sorted) {
        match cluster {
            [run] => pieces.push(run.clone()),
            overlapping => {
                for run in overlapping {
                    pieces.extend(look.open(run)?);
                }
            }
        }
    }
    pieces.sort_by_key(|run| (run.first, !is_home(run, homes), run.file, run.range.start));
    Ok(settle(contest(pieces, homes, look)?, homes))
}

/// Runs of which each overlaps with one before it in the same cluster.
fn clusters(sorted: &[BatchRun]) -> impl Iterator<Item = &[BatchRun]> {
    let mut reach = i64::MIN;
    sorted.chunk_by(move |before, after| {
        reach = reach.max(before.last);
        let overlaps = after.first <= reach;
        if !overlaps {
            reach = i64::MIN;
        }
        overlaps
    })
}

/// Of batches that want the same offsets one wins: the one in its place before others, then that of
/// the later leader, then the one that fits its producer's others, then the one that continues the
/// batches that touch it, then the one right after the batch before it. If none of this
/// decides, neither stays.
fn contest<L: RunFacts>(
    pieces: Vec<BatchRun>,
    homes: &[Home],
    look: &mut L,
) -> Result<Vec<Placed>, L::Error> {
    let mut row: Vec<Placed> = Vec::with_capacity(pieces.len());
    let mut losers = Vec::new();
    let neighbours = Neighbours::of(&pieces, homes);
    let merit = |run: &BatchRun| (is_home(run, homes), run.epochs.0);
    for run in pieces {
        let target = segment_of(run.first, homes);
        let mut placed = Placed {
            target: target.unwrap_or(run.file),
            run,
            fate: Fate::Stays,
            twin: None,
        };
        // No segment has room for such offsets.
        let is_odd = placed.run.last < placed.run.first || target.is_none();
        while let Some(best) = row.last().filter(|best| placed.run.first <= best.run.last) {
            let (ours, theirs) = (&placed.run, &best.run);
            let is_same = (ours.first, ours.last) == (theirs.first, theirs.last)
                && look.is_same(ours, theirs)?;
            // Of two copies the one that is right after the batch before it is in its place.
            let follows = |run: &BatchRun| {
                let before = row.len().checked_sub(2).and_then(|nth| row.get(nth));
                before.is_some_and(|before| {
                    before.run.file == run.file && before.run.range.end == run.range.start
                })
            };
            let mut is_tie = false;
            let is_better = match merit(ours).cmp(&merit(theirs)) {
                _ if is_odd => false,
                _ if is_same => follows(ours) && !follows(theirs),
                Ordering::Equal => {
                    let mut fit = |run: &BatchRun| {
                        let continuity = look.continuity(run)?;
                        Ok((continuity, neighbours.joined(run), follows(run)))
                    };
                    let (ours, theirs) = (fit(ours)?, fit(theirs)?);
                    is_tie = ours == theirs;
                    ours > theirs
                }
                other => other == Ordering::Greater,
            };
            if !is_better {
                placed.fate = if is_same { Fate::Copy } else { Fate::Foreign };
                placed.twin = is_same.then(|| (theirs.file, theirs.range.clone()));
                if is_tie && let Some(best) = row.last_mut() {
                    best.fate = Fate::Foreign;
                }
                break;
            }
            let twin = is_same.then(|| (ours.file, ours.range.clone()));
            losers.extend(row.pop().map(|loser| Placed {
                fate: if twin.is_some() {
                    Fate::Copy
                } else {
                    Fate::Foreign
                },
                twin,
                ..loser
            }));
        }
        if is_odd && placed.fate == Fate::Stays {
            placed.fate = Fate::Foreign;
        }
        match placed.fate {
            Fate::Stays => row.push(placed),
            _ => losers.push(placed),
        }
    }
    row.extend(losers);
    Ok(row)
}

/// The runs that end and begin at each position of a file.
struct Neighbours<'a> {
    homes: &'a [Home],
    /// The last offsets of runs, by where they end.
    before: BTreeMap<(usize, u64), i64>,
    /// The first offsets of runs, by where they begin.
    after: BTreeMap<(usize, u64), i64>,
}

impl<'a> Neighbours<'a> {
    fn of(runs: &[BatchRun], homes: &'a [Home]) -> Self {
        let ends = runs.iter().map(|run| ((run.file, run.range.end), run.last));
        let starts = runs
            .iter()
            .map(|run| ((run.file, run.range.start), run.first));
        Self {
            homes,
            before: ends.collect(),
            after: starts.collect(),
        }
    }

    /// Returns how many of the batches next to a run in its file it continues without a gap in the
    /// offsets.
    fn joined(&self, run: &BatchRun) -> usize {
        let before = self.before.get(&(run.file, run.range.start));
        let after = self.after.get(&(run.file, run.range.end));
        // The first batch of a segment continues its name.
        let home = self.homes.get(run.file);
        let is_first = run.range.start == 0 && home.is_some_and(|home| home.start == run.first);
        let joins_before = before.map_or(is_first, |last| last.checked_add(1) == Some(run.first));
        let joins_after = after.is_some_and(|first| run.last.checked_add(1) == Some(*first));
        usize::from(joins_before) + usize::from(joins_after)
    }
}

/// Tells which of those that were placed have to move for it.
fn settle(mut row: Vec<Placed>, homes: &[Home]) -> Vec<Placed> {
    let mut by_target: Vec<Vec<usize>> = vec![Vec::new(); homes.len()];
    for (index, placed) in row.iter().enumerate() {
        if placed.fate == Fate::Stays
            && let Some(here) = by_target.get_mut(placed.target)
        {
            here.push(index);
        }
    }
    for (file, here) in by_target.into_iter().enumerate() {
        let staying = longest_rise(&here, &row, file);
        for index in here {
            if !staying.contains(&index)
                && let Some(placed) = row.get_mut(index)
            {
                placed.fate = Fate::Moves;
            }
        }
    }
    row
}

/// Of the places `here` of `row`, which are in order of offsets, those whose runs are in `file` at
/// rising positions: as many batches as possible.
fn longest_rise(here: &[usize], row: &[Placed], file: usize) -> BTreeSet<usize> {
    /// A chain by its end: what it ends with, the chain before that, and the batches in all of it.
    struct Chain {
        end: usize,
        before: Option<usize>,
        batches: u64,
    }
    let mut chains: Vec<Chain> = Vec::new();
    // Of chains of as many batches, the one whose offsets end first: an offset that leaps is the
    // damaged one.
    let mut best: Option<(u64, usize)> = None;
    // The best chains, by the position of their ends: those that end later are longer.
    let mut front: BTreeMap<u64, usize> = BTreeMap::new();
    let length =
        |chains: &[Chain], chain: usize| chains.get(chain).map_or(0, |chain| chain.batches);
    for &end in here {
        let Some(placed) = row.get(end).filter(|placed| placed.run.file == file) else {
            continue;
        };
        let at = placed.run.range.start;
        let before = front.range(..at).next_back().map(|(_, chain)| *chain);
        let batches = before.map_or(0, |before| length(&chains, before)) + placed.run.batches;
        while let Some((&later, &chain)) = front.range(at..).next()
            && length(&chains, chain) <= batches
        {
            front.remove(&later);
        }
        if best.is_none_or(|(most, _)| most < batches) {
            best = Some((batches, chains.len()));
        }
        front.insert(at, chains.len());
        chains.push(Chain {
            end,
            before,
            batches,
        });
    }
    let mut chosen = BTreeSet::new();
    let mut next = best.map(|(_, chain)| chain);
    while let Some(chain) = next.and_then(|chain| chains.get(chain)) {
        chosen.insert(chain.end);
        next = chain.before;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: u64 = 100;

    /// Runs of single batches of two offsets each, one after the other in each file, by base
    /// offset.
    fn files(files: &[&[i64]]) -> Vec<BatchRun> {
        let mut runs = Vec::new();
        for (file, bases) in files.iter().enumerate() {
            for (nth, base) in bases.iter().enumerate() {
                let start = nth as u64 * BATCH;
                runs.push(BatchRun {
                    file,
                    range: start..start + BATCH,
                    first: *base,
                    last: base + 1,
                    epochs: (0, 0),
                    batches: 1,
                    covered: 2,
                    records: 2,
                    is_modern: true,
                    crc: u32::try_from(*base).unwrap(),
                });
            }
        }
        runs
    }

    /// Nothing but the batches that fit their producers.
    struct Fitting(Vec<u32>);

    impl RunFacts for Fitting {
        type Error = ();

        fn open(&mut self, run: &BatchRun) -> Result<Vec<BatchRun>, ()> {
            Ok(vec![run.clone()])
        }

        fn is_same(&mut self, run: &BatchRun, other: &BatchRun) -> Result<bool, ()> {
            Ok(run.crc == other.crc)
        }

        fn continuity(&mut self, run: &BatchRun) -> Result<i32, ()> {
            Ok(self.0.contains(&run.crc).into())
        }
    }

    fn fates(runs: Vec<BatchRun>, homes: &[Home]) -> Vec<(i64, usize, Fate)> {
        let placed = place(runs, homes, &mut Fitting(Vec::new())).unwrap();
        let row = placed.iter().filter(|placed| placed.fate != Fate::Stays);
        row.map(|placed| (placed.run.first, placed.target, placed.fate))
            .collect()
    }

    #[test]
    fn what_stands_in_its_place_stays() {
        let homes = [0..10, 10..i64::MAX];
        let runs = files(&[&[0, 2, 6], &[10, 14]]);
        assert!(is_in_order(&runs, &homes));
        assert_eq!(fates(runs, &homes), []);
    }

    #[test]
    fn of_swapped_batches_one_moves_and_of_exchanged_segments_both_do() {
        let homes = [0..10, 10..i64::MAX];
        let swapped = files(&[&[0, 4, 2, 6], &[10]]);
        assert!(!is_in_order(&swapped, &homes));
        assert_eq!(fates(swapped, &homes).len(), 1);
        let exchanged = files(&[&[10, 12], &[0, 2]]);
        let moves = [
            (0, 0, Fate::Moves),
            (2, 0, Fate::Moves),
            (10, 1, Fate::Moves),
            (12, 1, Fate::Moves),
        ];
        assert_eq!(fates(exchanged, &homes), moves);
    }

    #[test]
    fn a_copy_is_dropped_and_so_is_what_others_have_the_offsets_of() {
        let homes = [0..10, 10..i64::MAX];
        let copied = files(&[&[0, 2, 4], &[4, 10]]);
        assert_eq!(fates(copied, &homes), [(4, 0, Fate::Copy)]);
        let mut foreign = files(&[&[0, 2, 4], &[10, 2]]);
        foreign[4].crc = 77;
        assert_eq!(fates(foreign, &homes), [(2, 0, Fate::Foreign)]);
    }

    #[test]
    fn of_two_batches_for_one_place_that_of_the_right_producer_wins() {
        let homes = [0..10, 10..i64::MAX];
        let mut runs = files(&[&[0, 2, 3, 5]]);
        runs[1].crc = 77;
        let fates = |fitting: &[u32]| {
            let placed = place(runs.clone(), &homes, &mut Fitting(fitting.to_vec())).unwrap();
            let lost = placed
                .into_iter()
                .filter(|placed| placed.fate == Fate::Foreign);
            lost.map(|placed| placed.run.first).collect::<Vec<i64>>()
        };
        // It continues the batch before it.
        assert_eq!(fates(&[]), [3]);
        assert_eq!(fates(&[77]), [3]);
        assert_eq!(fates(&[3]), [2]);
    }

    #[test]
    fn a_batch_whose_offset_is_lost_gets_that_of_the_gap_it_fills() {
        let run = |first: i64, last: i64| BatchRun {
            first,
            last,
            ..files(&[&[0]]).remove(0)
        };
        let base = |last, run, next| renumbered(last, &run, next).map(Between::value);
        assert_eq!(base(41, run(46, 48), 45), Some(42));
        assert_eq!(base(41, run(42, 44), 45), None);
        assert_eq!(base(41, run(46, 48), 47), None);
    }

    #[test]
    fn a_batch_whose_offset_went_with_what_was_before_it_ends_where_the_next_begins() {
        let run = files(&[&[0]]).remove(0);
        assert_eq!(beside_lost(106, &run, 116), Some(114));
        assert_eq!(beside_lost(115, &run, 116), None);
        let there = files(&[&[110]]).remove(0);
        assert_eq!(beside_lost(106, &there, 116), None);
    }

    #[test]
    fn a_segment_is_named_after_its_first_batch_where_its_name_cannot_be_right() {
        let runs = files(&[&[26, 28]]);
        assert_eq!(renamed(Some(25), 31, &runs, None), Some(26));
        assert_eq!(renamed(Some(25), 21, &runs, None), Some(26));
        assert_eq!(renamed(Some(20), 21, &runs, None), None);
        assert_eq!(renamed(Some(27), 31, &runs, None), None);
    }
}
