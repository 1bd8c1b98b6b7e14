//! What derives from the log of a partition: indexes and producer snapshots, computed from the
//! batches as the plan leaves them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::aborted::{Aborted, TxnEntry};
use super::pieces::each_batch;
use crate::format::defaults::INDEX_INTERVAL_BYTES;
use crate::format::txn_index::TxnIndex;
use crate::format::{Batch, FileKind, FileName, OffsetIndex, ProducerSnapshot, Scratch, name};
use crate::repair::error::Error;
use crate::repair::plan::{Action, Recipe};
use crate::repair::planner::diagnosis::small;
use crate::repair::planner::files::set;
use crate::repair::planner::frames::batch_of;
use crate::repair::planner::relevance::{is_missing_index, is_wrong};
use crate::repair::planner::steps::{LogPiece, NewLog, NewSegment, Reason, Steps};
use crate::repair::proof::{Idle, Origin};
use crate::repair::{Crc, Derive, Knowledge, Loss, PlanPath};
use crate::scan::derive::{IndexSettings, LogState, Producers, SegmentIndexes};
use crate::store::{Item, Partition, Stream};
use crate::verify::{CheckId, Family, Finding, Severity};
use crate::wire::Offset;

/// Adds the steps for the files that derive from `log`.
///
/// # Errors
/// A file cannot be read.
pub(in crate::repair::planner) fn steps(
    partition: &Partition,
    log: &NewLog,
    findings: &[&Finding],
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let settings = IndexSettings {
        index_interval_bytes: interval(partition, findings),
        ..IndexSettings::default()
    };
    let mut state = LogState::default();
    let mut scratch = Scratch::default();
    let wanted = Wanted::of(partition, log, findings);
    let there = partition.segments();
    let there: BTreeSet<i64> = there.iter().map(|one| one.base_offset().0).collect();
    let noted = Noted::of(partition, findings);
    let mut aborted = Aborted::of(partition, log);
    for (nth, segment) in log.segments.iter().enumerate() {
        let noted = noted.at(segment.base);
        if wanted.snapshots.contains(&segment.base) {
            if let Some(noted) = noted {
                state.producers = noted.with_times_of(&state.producers);
            }
            snapshot(partition, segment.base, &state, steps)?;
        } else if let Some(noted) = noted {
            // What it knows of batches that are lost is true all the same.
            state.producers = noted;
        }
        let is_rebuilt = segment.is_changed || wanted.indexes.contains(&segment.base);
        if !is_rebuilt && !wanted.needs_state() {
            continue;
        }
        let mut indexes = SegmentIndexes::new(settings, Offset(segment.base));
        each_batch(segment, |batch, unread| {
            aborted.end(batch, &mut state.producers);
            aborted.settle(batch, &state.producers, &mut scratch);
            // What a broker would refuse here, it refuses whatever the indexes say.
            let _refused = state.take(batch, &mut indexes, &mut scratch);
            indexes.skip(unread);
        })?;
        let _full = indexes.close();
        if is_rebuilt {
            let may_lack = !segment.is_changed && !wanted.lacking.contains(&segment.base);
            positions(partition, segment, &indexes, (settings, may_lack), steps)?;
        }
        // What had no segment of this name has none of its files.
        let is_new = !there.contains(&segment.base);
        if segment.is_changed || wanted.txn_indexes.contains(&segment.base) || is_new {
            let next = log.segments.get(nth + 1).map(|next| next.base);
            let entries = aborted.entries(segment, next, log.end);
            transactions(partition, segment, &indexes, &entries, steps)?;
        }
    }
    if wanted.snapshots.contains(&log.end) && !log.bases().contains(&log.end) {
        // It knows markers that are lost, but not what is written in place of a batch.
        let is_rewritten = log.segments.iter().any(NewSegment::is_rewritten);
        if let Some(noted) = noted.at(log.end).filter(|_| !is_rewritten) {
            state.producers = noted;
        }
        snapshot(partition, log.end, &state, steps)?;
    }
    obsolete(partition, log, steps)
}

/// Computes indexes again when a plan is applied, from the log as it is then.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rebuild;

impl Derive for Rebuild {
    fn derive(
        &self,
        file: &PlanPath,
        recipe: &Recipe,
        locate: &dyn Fn(&str) -> PathBuf,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let fail = |why: String| Error::Underived {
            file: file.clone(),
            why,
        };
        let (Recipe::OffsetIndex { interval_bytes } | Recipe::TimeIndex { interval_bytes }) =
            recipe;
        let base = FileName::parse(file.name()).and_then(|name| name.offset);
        let (stem, _) = file.as_str().rsplit_once('.').unwrap_or_default();
        let base = base.ok_or_else(|| fail("its name does not begin with an offset".into()))?;
        let path = locate(&format!("{stem}{}", name::LOG_SUFFIX));
        let log = Stream::open(&path)?;
        let segment = NewSegment {
            base: base.0,
            pieces: vec![LogPiece::Kept {
                range: 0..log.len_bytes(),
                path,
            }],
            is_changed: true,
        };
        let settings = IndexSettings {
            index_interval_bytes: *interval_bytes,
            ..IndexSettings::default()
        };
        let (mut scratch, mut indexes) = (Scratch::default(), SegmentIndexes::new(settings, base));
        each_batch(&segment, |batch, unread| {
            // Offsets that an index cannot hold stay out of it.
            let _refused = indexes.add(batch, &mut scratch);
            indexes.skip(unread);
        })?;
        let _full = indexes.close();
        let bytes = match recipe {
            Recipe::OffsetIndex { .. } => indexes.offset_index(),
            Recipe::TimeIndex { .. } => indexes.time_index(),
        };
        out.write_all(bytes).map_err(|why| fail(why.to_string()))
    }
}

/// Which files have to be made, by the offsets in their names.
struct Wanted {
    indexes: BTreeSet<i64>,
    /// Segments without an index that the next start does not make.
    lacking: BTreeSet<i64>,
    txn_indexes: BTreeSet<i64>,
    snapshots: BTreeSet<i64>,
    is_state_needed: bool,
}

impl Wanted {
    fn of(partition: &Partition, log: &NewLog, findings: &[&Finding]) -> Self {
        let mut wanted = Self {
            indexes: BTreeSet::new(),
            lacking: BTreeSet::new(),
            txn_indexes: BTreeSet::new(),
            snapshots: BTreeSet::new(),
            is_state_needed: false,
        };
        let bases = log.bases();
        for finding in findings.iter().filter(|finding| is_wrong(finding)) {
            let name = finding.path.file_name().and_then(|name| name.to_str());
            let name = name.and_then(FileName::parse);
            let offset = name.and_then(|name| name.offset).map(|offset| offset.0);
            match (finding.check.family(), offset) {
                (Family::OffsetIndex | Family::TimeIndex, Some(base)) if bases.contains(&base) => {
                    wanted.indexes.insert(base);
                    if is_missing_index(finding.check) && finding.severity >= Severity::Warning {
                        wanted.lacking.insert(base);
                    }
                }
                (Family::TxnIndex, Some(base)) if bases.contains(&base) => {
                    wanted.txn_indexes.insert(base);
                }
                (Family::Directory, Some(base))
                    if finding.check == CheckId::Unreadable && bases.contains(&base) =>
                {
                    match name.map(|name| name.kind) {
                        Some(FileKind::OffsetIndex | FileKind::TimeIndex) => {
                            wanted.indexes.insert(base);
                        }
                        Some(FileKind::TransactionIndex) => {
                            wanted.txn_indexes.insert(base);
                        }
                        _ => {}
                    }
                }
                (Family::Producer, offset) => {
                    let at = offset.filter(|at| bases.contains(at)).unwrap_or(log.end);
                    wanted.snapshots.insert(at);
                }
                _ => {}
            }
        }
        // A broker does not use a snapshot at another offset than the log end, but needs one there.
        let is_changed = log
            .segments
            .last()
            .is_some_and(|segment| segment.is_changed);
        let has_snapshots = partition
            .items()
            .iter()
            .any(|item| item.is_current(FileKind::ProducerSnapshot));
        if is_changed && has_snapshots {
            wanted.snapshots.insert(log.end);
        }
        // The transactions that end in a segment may begin before it.
        wanted.is_state_needed = log.segments.iter().any(|segment| segment.is_changed)
            && partition.items().iter().any(|item| {
                item.is_current(FileKind::ProducerSnapshot)
                    || item.is_current(FileKind::TransactionIndex)
            });
        // Those after a batch of a producer that is written again have the times of the old one.
        if let Some(first) = log.segments.iter().find(|segment| segment.is_rewritten()) {
            let behind = partition.items().iter().filter_map(|item| {
                let name = item
                    .file_name()
                    .filter(|_| item.is_current(FileKind::ProducerSnapshot))?;
                name.offset.map(|at| at.0).filter(|at| *at > first.base)
            });
            wanted.snapshots.extend(behind);
        }
        wanted
    }

    fn needs_state(&self) -> bool {
        self.is_state_needed || !self.txn_indexes.is_empty() || !self.snapshots.is_empty()
    }
}

impl NewSegment {
    /// Returns true if a batch of a producer is written again.
    fn is_rewritten(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            LogPiece::Bytes(bytes) => {
                matches!(batch_of(bytes), Some(Batch::V2(batch)) if batch.producer_id().0 >= 0)
            }
            LogPiece::Kept { .. } => false,
        })
    }
}

/// The interval between entries by which the sound indexes of the partition were written: never
/// more bytes than are between any two of them.
fn interval(partition: &Partition, findings: &[&Finding]) -> u32 {
    let reported: BTreeSet<&Path> = findings.iter().map(|finding| &*finding.path).collect();
    let is_reported = |item: &Item| reported.contains(item.path());
    let mut least = u64::MAX;
    for segment in partition.segments() {
        let Some(item) = segment
            .file(FileKind::OffsetIndex)
            .filter(|item| !is_reported(item))
        else {
            continue;
        };
        let is_log_reported = segment.file(FileKind::Log).is_some_and(is_reported);
        let Some(bytes) = (!is_log_reported).then(|| small(item.path())).flatten() else {
            continue;
        };
        let index = OffsetIndex::new(&bytes, segment.base_offset());
        let mut before = 0;
        for entry in index.entries().take(index.written_len()) {
            let Ok(position) = u64::try_from(entry.position) else {
                break;
            };
            least = least.min(position.saturating_sub(before));
            before = position;
        }
    }
    let power = least.saturating_sub(1).checked_ilog2().unwrap_or(0);
    1_u32
        .checked_shl(power)
        .unwrap_or(INDEX_INTERVAL_BYTES)
        .min(INDEX_INTERVAL_BYTES)
}

/// The place of a segment's file of `kind`, there or not.
fn sibling(partition: &Partition, base: i64, suffix: &str, steps: &Steps<'_>) -> Option<PlanPath> {
    steps.path(
        &partition
            .path()
            .join(name::of_segment(Offset(base), suffix)),
    )
}

/// The offset and the time index of a segment, where they are to be others. `may_lack`: without
/// entries they need not be there; a broker makes the index of its active segment with the first
/// entry.
fn positions(
    partition: &Partition,
    segment: &NewSegment,
    indexes: &SegmentIndexes,
    (settings, may_lack): (IndexSettings, bool),
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let interval_bytes = settings.index_interval_bytes;
    let offsets = (
        name::OFFSET_INDEX_SUFFIX,
        indexes.offset_index(),
        Recipe::OffsetIndex { interval_bytes },
    );
    let times = (
        name::TIME_INDEX_SUFFIX,
        indexes.time_index(),
        Recipe::TimeIndex { interval_bytes },
    );
    for (suffix, bytes, recipe) in [offsets, times] {
        let Some(file) = sibling(partition, segment.base, suffix, steps) else {
            continue;
        };
        if is_same(&partition.path().join(file.name()), bytes) {
            continue;
        }
        let is_offsets = matches!(recipe, Recipe::OffsetIndex { .. });
        let is_there = Item::at(partition.path().join(file.name())).is_ok();
        if !is_there && may_lack && indexes.offset_index().is_empty() {
            continue;
        }
        // Before 0.10.1 there were none.
        if !is_there && !is_offsets && bytes.is_empty() && !has_time_indexes(partition) {
            continue;
        }
        let check = match (is_offsets, is_there) {
            (true, true) => CheckId::OffsetIndexMismatch,
            (true, false) => CheckId::OffsetIndexMissing,
            (false, true) => CheckId::TimeIndexMismatch,
            (false, false) => CheckId::TimeIndexMissing,
        };
        let why = "rebuilt from the repaired log";
        let action = Action::Rebuild {
            file,
            recipe,
            len_bytes: bytes.len() as u64,
            crc: Crc::of(bytes),
        };
        steps.add(action, &[], Reason::derived(&[check], why, Origin::Log))?;
    }
    Ok(())
}

fn has_time_indexes(partition: &Partition) -> bool {
    let mut items = partition.items().iter();
    items.any(|item| item.is_current(FileKind::TimeIndex))
}

/// The snapshots that nothing is wrong with, by their offsets.
struct Noted<'a>(BTreeMap<i64, &'a Item>);

impl<'a> Noted<'a> {
    fn of(partition: &'a Partition, findings: &[&Finding]) -> Self {
        let wrong = findings.iter().filter(|finding| is_wrong(finding));
        let wrong: BTreeSet<&Path> = wrong.map(|finding| &*finding.path).collect();
        let snapshots = partition.items().iter().filter_map(|item| {
            let name = item.file_name().filter(FileName::is_canonical)?;
            let is_one = item.is_current(FileKind::ProducerSnapshot);
            let at = name.offset.filter(|_| is_one)?;
            (!wrong.contains(item.path())).then_some((at.0, item))
        });
        Self(snapshots.collect())
    }

    /// The producers by the snapshot at `base`: it knows those whose batches the log no longer has.
    fn at(&self, base: i64) -> Option<Producers> {
        let bytes = small(self.0.get(&base)?.path())?;
        let snapshot = ProducerSnapshot::parse(&bytes).ok()?;
        snapshot.check().ok()?;
        Producers::load(&snapshot, None).ok()
    }
}

fn is_same(path: &Path, bytes: &[u8]) -> bool {
    let is_as_long =
        Item::at(path).is_ok_and(|item| item.is_file() && item.len_bytes() == bytes.len() as u64);
    is_as_long && small(path).is_some_and(|there| there[..] == *bytes)
}

/// The transaction index of a segment: by the markers in it, and what is `noted` of markers that
/// are lost.
fn transactions(
    partition: &Partition,
    segment: &NewSegment,
    indexes: &SegmentIndexes,
    noted: &[TxnEntry],
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let suffix = name::TXN_INDEX_SUFFIX;
    let Some(file) = sibling(partition, segment.base, suffix, steps) else {
        return Ok(());
    };
    let of_log = TxnIndex::new(indexes.txn_index());
    let mut entries: BTreeMap<i64, TxnEntry> = of_log.entries().map(TxnEntry::of).collect();
    let lost: Vec<i64> = noted
        .iter()
        .filter(|entry| entry.is_lost)
        .map(|entry| entry.last)
        .collect();
    for entry in noted.iter().filter(|entry| !entry.is_lost) {
        entries.entry(entry.last).or_insert(*entry);
    }
    let bytes: Vec<u8> = entries.values().flat_map(|entry| entry.bytes).collect();
    let why = "rebuilt from the abort markers in the segment, and the entries of markers that are \
               lost";
    let reason = match lost.first() {
        None => Reason::derived(&[CheckId::TxnIndexLacking], why, Origin::Log),
        Some(first) => {
            let why = format!(
                "{why}; removes entries whose abort marker is beyond the new log end (the first \
                 at {first}): those transactions are open again"
            );
            Reason::lossy(
                &[CheckId::TxnIndexOutside],
                why,
                Loss::of(Knowledge::TransactionEnd),
            )
        }
    };
    put(partition, file, &bytes, reason, steps)
}

fn snapshot(
    partition: &Partition,
    at: i64,
    state: &LogState,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let suffix = name::PRODUCER_SNAPSHOT_SUFFIX;
    let Some(file) = sibling(partition, at, suffix, steps) else {
        return Ok(());
    };
    let why = format!("rebuilt from the batches before offset {at}");
    let bytes = state.producers.snapshot();
    put(
        partition,
        file,
        &bytes,
        Reason::derived(&[CheckId::SnapshotMismatch], why, Origin::Log),
        steps,
    )
}

/// A small file with this content, unless it has it or is not there and would be empty.
fn put(
    partition: &Partition,
    file: PlanPath,
    bytes: &[u8],
    reason: Reason,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let path = partition.path().join(file.name());
    if bytes.is_empty() && !Item::at(&path).is_ok_and(|item| item.is_file()) {
        return Ok(());
    }
    set(&path, file, bytes, reason, steps)
}

/// The files of segments that have another name now.
fn obsolete(partition: &Partition, log: &NewLog, steps: &mut Steps<'_>) -> Result<(), Error> {
    let bases = log.bases();
    for segment in partition.segments() {
        let has_log = segment.file(FileKind::Log).is_some_and(Item::is_file);
        if bases.contains(&segment.base_offset().0) || !has_log {
            continue;
        }
        for (kind, item) in segment.files() {
            let is_derived = !matches!(kind, FileKind::Log | FileKind::ProducerSnapshot);
            let Some(file) = steps.path(item.path()).filter(|_| is_derived) else {
                continue;
            };
            let reason = Reason::unused(
                &[CheckId::IndexWithoutLog],
                "its segment is renamed",
                Idle::File,
            );
            steps.add(Action::Quarantine { file }, &[], reason)?;
        }
    }
    Ok(())
}
