//! Replicas heal: a batch that is damaged or missing here is taken from another copy of the
//! partition, byte for byte.
//!
//! Of this log those batches are trusted whose checksums are right and whose offsets rise (`copy`).
//! What is between them is a hole. A replica is believed up to where its history parts from this
//! one (`history`); a hole is filled with batches of replicas that are between its offsets
//! (`fill`). **Invariant:** bytes of a trusted batch stay, but for a leader epoch or base offset,
//! which no checksum covers, that the replicas contradict.

pub(super) mod absent;
mod copy;
mod fill;
mod history;

use std::collections::BTreeMap;
use std::ops::Range;

use self::copy::{Copy, Single};
use self::fill::{Filled, Hole, fill};
use super::diagnosis::{Diagnosis, small};
use super::options::PlanOptions;
use super::steps::{LogPiece, NewLog, NewSegment, Reason, Steps};
use super::wording::{counted, offsets};
use crate::format::{FileKind, OffsetCheckpoint, name};
use crate::repair::error::Error;
use crate::repair::plan::{Action, FilePart};
use crate::repair::proof::Replica;
use crate::repair::{Odds, PlanPath};
use crate::store::{LogDir, LogFile, Partition, Stream};
use crate::verify::{CheckId, Finding};

/// Ranges of offsets that are named one by one.
const NAMED: usize = 6;

/// The result of a repair with replicas for a partition.
pub(super) enum Healed {
    /// Nothing: there are none, or nothing is missing.
    Not,
    /// Some places; others have no intact copy.
    Partly,
    /// Everything; this is the log that the steps leave.
    Wholly(NewLog),
}

/// A segment while it is combined.
struct CombinedSegment {
    base: i64,
    pieces: Vec<LogPiece>,
    /// Batches of replicas, by the index of the replica.
    taken: Vec<(usize, Single)>,
}

/// The facts about missing batches in this log dir.
struct MissingFacts {
    /// The base offsets of segments of which only other files are left.
    lost: Vec<i64>,
    /// The end of the log by its snapshots and checkpoints.
    end: i64,
    /// The latest leader epoch by its checkpoint.
    epoch: i32,
}

/// Adds the steps that fill what is damaged or missing with batches of replicas.
///
/// # Errors
/// A file cannot be read.
pub(super) fn heal(
    partition: &Partition,
    findings: &[&Finding],
    seen: &Diagnosis,
    steps: &mut Steps<'_>,
    options: PlanOptions,
) -> Result<Healed, Error> {
    let mut replicas = Vec::new();
    for place in &seen.replicas {
        replicas.extend(Copy::find(place, partition, options.jobs)?);
    }
    if replicas.is_empty() {
        return Ok(Healed::Not);
    }
    let own = Copy::read(partition, options.jobs)?;
    for replica in &mut replicas {
        history::by_epochs(&own, replica);
    }
    let known = MissingFacts {
        lost: lost_logs(findings),
        end: known_end(partition),
        epoch: own.epochs.last().map_or(-1, |last| last.0),
    };
    let mut targets = BTreeMap::new();
    let (mut left, mut last) = (0, None);
    for index in 0..own.segments.len() {
        left += segment(&own, index, &mut last, &known, &mut replicas, &mut targets)?;
    }
    let is_any = targets
        .values()
        .any(|target: &CombinedSegment| !target.taken.is_empty());
    let parted: Vec<String> = replicas.iter().filter_map(Copy::parting).collect();
    if is_any {
        for target in targets.values().filter(|target| !target.taken.is_empty()) {
            arrange(partition, target, &replicas, findings, steps)?;
        }
    }
    if left > 0 && (is_any || !parted.is_empty()) {
        let mut why = format!(
            "the replicas have no intact batches for {}",
            counted(left as u64, "damaged range")
        );
        for parting in &parted {
            why.push_str("; ");
            why.push_str(parting);
        }
        if is_any {
            why.push_str("; apply this plan, then run kseg repair plan on the result");
        }
        let checks = checks(findings);
        if let Some(file) = steps
            .path(partition.path())
            .or_else(|| own.plan_path(steps))
        {
            steps.add(Action::Describe { file }, &[], Reason::manual(&checks, why))?;
        }
    }
    Ok(match (is_any, left) {
        (false, _) => Healed::Not,
        (true, 0) => Healed::Wholly(new_log(targets, own.end())),
        (true, _) => Healed::Partly,
    })
}

/// The base offsets of segments of which other files are left: that those were there is known.
fn lost_logs(findings: &[&Finding]) -> Vec<i64> {
    let lost = findings.iter();
    let lost = lost.filter(|finding| finding.check == CheckId::IndexWithoutLog);
    let base = |finding: &&Finding| {
        let name = finding.path.file_name()?.to_str()?;
        name::base_offset(name).map(|offset| offset.0)
    };
    let mut lost: Vec<i64> = lost.filter_map(base).collect();
    lost.sort_unstable();
    lost.dedup();
    lost
}

/// The end that the log had, by what is written beside it.
fn known_end(partition: &Partition) -> i64 {
    let noted = super::witness::noted_end(partition).unwrap_or(0);
    let (topic, number) = (partition.topic(), partition.number());
    let checkpoint = |kind: FileKind| {
        let dir = LogDir::open(partition.log_dir()?).ok()?;
        let bytes = small(dir.item(kind)?.path())?;
        let file = OffsetCheckpoint::parse(&bytes);
        let mut entries = file.entries.iter();
        let entry =
            entries.find(|entry| Some(entry.topic) == topic && Some(entry.partition) == number);
        entry.map(|entry| entry.offset.0)
    };
    let ends = [FileKind::RecoveryPoints, FileKind::HighWatermarks].map(checkpoint);
    ends.into_iter().flatten().fold(noted, i64::max)
}

/// Fills the holes of one segment; returns how many stay. `last` is the last trusted offset before
/// it.
fn segment(
    own: &Copy,
    index: usize,
    last: &mut Option<i64>,
    known: &MissingFacts,
    replicas: &mut [Copy],
    targets: &mut BTreeMap<i64, CombinedSegment>,
) -> Result<usize, Error> {
    let Some(segment) = own.segments.get(index) else {
        return Ok(0);
    };
    let end = own
        .segments
        .get(index + 1)
        .map_or(i64::MAX, |next| next.base);
    let start = last.map_or(segment.base, |last| {
        last.saturating_add(1).max(segment.base)
    });
    let mut singles = own.singles(index)?;
    let mut theirs = Vec::new();
    for replica in replicas.iter() {
        theirs.push(replica.window(start.min(segment.base), end)?);
    }
    for (replica, theirs) in replicas.iter_mut().zip(&theirs) {
        history::by_batches(&singles, theirs, replica);
    }
    history::drop_contradicted(&mut singles, &theirs, start);
    let mut targets_of = Targets {
        own_base: segment.base,
        known,
        row: targets,
    };
    targets_of.get(segment.base);
    let kept = |range: Range<u64>| LogPiece::Kept {
        path: segment.path.clone(),
        range,
    };
    let (mut at, mut before, mut left) = (0, None::<&Single>, 0);
    for next in singles.iter().map(Some).chain([None]) {
        let hole = Hole {
            path: &segment.path,
            range: at..next.map_or(segment.len_bytes, |next| next.range.start),
            after: before.map_or(start.saturating_sub(1), |before| before.last),
            before: next.map_or(end, |next| next.first),
            epochs: (
                before.map_or(-1, |before| before.epoch),
                match next {
                    Some(next) => next.epoch,
                    None if end < i64::MAX => i32::MAX,
                    None => before.map_or(known.epoch, |before| before.epoch.max(known.epoch)),
                },
            ),
            end: known.end,
        };
        let is_lost = |base: &i64| next.is_none() && hole.after < *base && *base < hole.before;
        if hole.is_any() || known.lost.iter().any(is_lost) {
            let filled = fill(&hole, replicas, &theirs)?;
            left += targets_of.take(filled, next.is_none(), replicas, &kept);
        }
        if let Some(next) = next {
            targets_of
                .get(segment.base)
                .pieces
                .push(kept(next.range.clone()));
            at = next.range.end;
            *last = Some(next.last);
            before = Some(next);
        }
    }
    Ok(left)
}

/// The segments to be, seen from one that is there.
struct Targets<'a> {
    own_base: i64,
    known: &'a MissingFacts,
    row: &'a mut BTreeMap<i64, CombinedSegment>,
}

impl Targets<'_> {
    fn get(&mut self, base: i64) -> &mut CombinedSegment {
        self.row.entry(base).or_insert_with(|| CombinedSegment {
            base,
            pieces: Vec::new(),
            taken: Vec::new(),
        })
    }

    /// Takes over what fills a hole; returns 1 if some of it stays.
    fn take(
        &mut self,
        filled: Filled,
        is_at_end: bool,
        replicas: &[Copy],
        kept: &dyn Fn(Range<u64>) -> LogPiece,
    ) -> usize {
        let is_left = !filled.rest.is_empty();
        for (replica, single) in filled.front {
            self.put(replica, single, is_at_end, replicas);
        }
        if is_left {
            self.get(self.own_base)
                .pieces
                .push(kept(filled.rest.clone()));
        }
        for (replica, single) in filled.back {
            self.put(replica, single, is_at_end, replicas);
        }
        usize::from(is_left || !filled.is_whole)
    }

    fn put(&mut self, replica: usize, single: Single, is_at_end: bool, replicas: &[Copy]) {
        let from = replicas
            .get(replica)
            .and_then(|copy| copy.segments.get(single.segment));
        let Some(from) = from else { return };
        let mut lost = self
            .known
            .lost
            .iter()
            .filter(|base| is_at_end && **base <= single.first);
        let base = lost
            .rfind(|base| **base > self.own_base)
            .copied()
            .unwrap_or(self.own_base);
        let piece = LogPiece::Kept {
            path: from.path.clone(),
            range: single.range.clone(),
        };
        let target = self.get(base);
        target.pieces.push(piece);
        target.taken.push((replica, single));
    }
}

/// The log that the steps leave.
fn new_log(targets: BTreeMap<i64, CombinedSegment>, end: i64) -> NewLog {
    let last = targets.values().flat_map(|target| &target.taken);
    let last = last.map(|(_, single)| single.last.saturating_add(1)).max();
    let segments = targets.into_values().map(|target| NewSegment {
        base: target.base,
        is_changed: !target.taken.is_empty(),
        pieces: joined(target.pieces),
    });
    NewLog {
        segments: segments.collect(),
        end: last.map_or(end, |last| last.max(end)),
    }
}

/// Pieces that follow each other in a file are one.
fn joined(pieces: Vec<LogPiece>) -> Vec<LogPiece> {
    let mut row: Vec<LogPiece> = Vec::new();
    for piece in pieces {
        if let (
            Some(LogPiece::Kept { path, range }),
            LogPiece::Kept {
                path: other,
                range: next,
            },
        ) = (row.last_mut(), &piece)
            && path == other
            && range.end == next.start
        {
            range.end = next.end;
            continue;
        }
        row.push(piece);
    }
    row
}

/// Adds the step that puts a segment together.
fn arrange(
    partition: &Partition,
    target: &CombinedSegment,
    replicas: &[Copy],
    findings: &[&Finding],
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let path = partition
        .path()
        .join(format!("{:020}{}", target.base, name::LOG_SUFFIX));
    let Some(file) = steps.path(&path) else {
        return Ok(());
    };
    let mut pieces = Vec::new();
    let mut reads: Vec<PlanPath> = Vec::new();
    for piece in joined(target.pieces.clone()) {
        let LogPiece::Kept { path: from, range } = piece else {
            continue;
        };
        match steps.path(&from) {
            Some(own) => {
                if own != file && !reads.contains(&own) {
                    reads.push(own.clone());
                }
                pieces.push(FilePart::Range { file: own, range });
            }
            None => pieces.push(FilePart::Replica {
                was: steps.elsewhere(&from)?,
                path: from.to_string_lossy().into_owned(),
                range,
            }),
        }
    }
    let here: Vec<&Finding> = findings
        .iter()
        .filter(|found| *found.path == path)
        .copied()
        .collect();
    let checks = checks(if here.is_empty() { findings } else { &here });
    let why = sources(target, replicas);
    let reason = match proof(target, replicas)? {
        Some(proof) => Reason::proven(&checks, why, proof),
        None => Reason::likely(&checks, why, Odds::Unknown),
    };
    steps.add(Action::Arrange { file, pieces }, &reads, reason)
}

/// The checks of findings, each once.
fn checks(findings: &[&Finding]) -> Vec<CheckId> {
    let mut checks: Vec<CheckId> = findings.iter().map(|finding| finding.check).collect();
    checks.sort_unstable();
    checks.dedup();
    checks
}

/// Describes the sources of the batches.
fn sources(target: &CombinedSegment, replicas: &[Copy]) -> String {
    let mut ranges: Vec<(usize, i64, i64)> = Vec::new();
    for (replica, single) in &target.taken {
        match ranges.last_mut() {
            Some((before, _, last))
                if before == replica && last.saturating_add(1) == single.first =>
            {
                *last = single.last;
            }
            _ => ranges.push((*replica, single.first, single.last)),
        }
    }
    let name = |replica: usize| {
        let copy = replicas.get(replica);
        copy.map_or_else(String::new, |copy| copy.path.display().to_string())
    };
    let shown = ranges.iter().take(NAMED);
    let shown: Vec<String> = shown
        .map(|(replica, first, last)| {
            format!("copies {} from {}", offsets(*first, *last), name(*replica))
        })
        .collect();
    let more = match ranges.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {} more", counted(more as u64, "range")),
    };
    format!("{}{more}, byte for byte", shown.join(", "))
}

/// That the batches taken are whole where they are.
fn proof(target: &CombinedSegment, replicas: &[Copy]) -> Result<Option<Replica>, Error> {
    let mut proof: Option<Replica> = None;
    let mut open = None;
    for (replica, single) in &target.taken {
        let copy = replicas
            .get(*replica)
            .and_then(|copy| copy.segments.get(single.segment));
        let Some(copy) = copy else { return Ok(None) };
        let log = match &open {
            Some((path, log)) if *path == &copy.path => log,
            _ => {
                let log = LogFile::Windowed(Stream::open(&copy.path)?);
                &open.insert((&copy.path, log)).1
            }
        };
        let Some(next) = Replica::of(log, single.range.clone(), &copy.path)? else {
            return Ok(None);
        };
        proof = Some(match proof {
            Some(proof) => proof.and(&next),
            None => next,
        });
    }
    Ok(proof)
}
