//! A partition: its `.log` files, and the other files of its directory compared with them.

mod chain;
pub(super) mod directory;
mod entries;
pub(super) mod epochs;
mod history;
pub(super) mod metadata_log;
pub(super) mod offset_index;
pub(super) mod producer_snapshot;
mod siblings;
pub(super) mod time_index;
pub(super) mod txn_index;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use self::chain::{Carried, SegmentCheck, Topic, after};
use self::history::{Clock, History};
use self::metadata_log::MetadataLog;
use self::offset_index::{OffsetIndexCheck, Stretch};
use self::siblings::{open_txns, read_epochs, read_snapshots, sibling};
use self::time_index::TimeIndexCheck;
use super::catalog::{CheckId, Severity};
use super::evidence::{BeyondEnd, Gap, Lacking, Mark, MissingPart, NoSnapshotAtEnd, Unindexed};
use super::extent::{LogDirContext, LogExtent, PartitionFacts};
use super::finding::{Finding, Findings};
use super::options::Options;
use super::outcome::Outcome;
use super::segment;
use super::setting::{Setting, Stop};
use super::subject::Subject;
use crate::format::FileKind;
use crate::format::defaults::INDEX_INTERVAL_BYTES;
use crate::format::name::{self, DirState, FileState};
use crate::scan::derive::{Epochs, Producers};
use crate::scan::{Merge, look_again};
use crate::store::{Item, Partition, Segment};
use crate::wire::{Offset, Timestamp};

/// The maximum size of an append of a follower, which gets one index entry.
const LARGEST_APPEND_BYTES: u64 = 2 << 20;

/// Verifies everything in the directory of a partition, with the facts from its log dir. Returns
/// the facts that the log dir needs.
///
/// If a broker runs, files change: a finding is checked again, and only reported if it persists.
#[must_use]
pub(super) fn verify(
    partition: &Partition,
    around: LogDirContext,
    options: &Options<'_>,
) -> (Outcome, PartitionFacts) {
    let mut before: Option<Findings> = None;
    let look = || {
        let listed = match &before {
            None => Ok(partition.clone()),
            Some(_) => Partition::open(partition.path()),
        };
        let Ok(listed) = listed else {
            // It was deleted meanwhile.
            return (Outcome::default(), PartitionFacts::default());
        };
        let (mut outcome, known) = look(&listed, around, options);
        if let Some(before) = &before {
            outcome.findings = outcome.findings.seen_again(before);
        }
        before = Some(outcome.findings.clone());
        (outcome, known)
    };
    look_again(look, |(outcome, _)| {
        let mut findings = outcome.findings.kept().iter();
        around.stop == Stop::Live && findings.any(|one| one.severity >= Severity::Warning)
    })
}

/// Verifies a partition once.
fn look(
    partition: &Partition,
    around: LogDirContext,
    options: &Options<'_>,
) -> (Outcome, PartitionFacts) {
    let mut check = PartitionCheck::new(partition, around);
    let mut logs = Outcome::default();
    for index in 0..check.segments().len() {
        segment(partition, index, around, options, &mut check, &mut logs);
    }
    let (outcome, mut known) = check.finish(partition);
    logs.merge(outcome);
    known.schema_ids = std::mem::take(&mut logs.schema_ids);
    logs.findings = logs.findings.at_depth(options.depth);
    (logs, known)
}

/// Verifies a `.log`, and shows it to the checks of the files beside it.
fn segment(
    partition: &Partition,
    index: usize,
    around: LogDirContext,
    options: &Options<'_>,
    check: &mut PartitionCheck,
    outcome: &mut Outcome,
) {
    let log = check
        .segments()
        .get(index)
        .and_then(|segment| segment.file(FileKind::Log));
    let Some(item) = log.cloned() else { return };
    let subject = Subject {
        is_last: index + 1 == check.segments().len(),
        is_live: around.stop == Stop::Live,
        ..Subject::of(&item, partition.name())
    };
    let Some(mut segment) = check.begin(index) else {
        return;
    };
    if segment::log(&item, &subject, options, Some(&mut segment), outcome) {
        check.end(segment, item.len_bytes());
    } else {
        check.lose(segment);
    }
}

/// The state of the check of a partition, while its segments are read.
#[derive(Debug)]
struct PartitionCheck {
    path: Arc<Path>,
    around: LogDirContext,
    state: DirState,
    segments: Vec<Segment>,
    carried: Option<Carried>,
    outcome: Outcome,
    stretches: Vec<(Arc<Path>, Stretch)>,
    /// Segments that have no time index.
    untimed: Vec<(Arc<Path>, bool)>,
    has_times: bool,
    /// Offsets of the snapshots, and true if a broker would use them.
    snapshots: BTreeMap<Offset, bool>,
    /// True if everything in the last segment could be read.
    is_sure: bool,
    /// True if the last segment could not be read: the log end is unknown.
    is_lost: bool,
}

fn is_swap(item: &Item) -> bool {
    item.file_name()
        .is_some_and(|name| name.state == FileState::Swap)
}

impl PartitionCheck {
    /// Reads the small files of the directory.
    #[must_use]
    fn new(partition: &Partition, around: LogDirContext) -> Self {
        let mut outcome = Outcome::default();
        let path: Arc<Path> = Arc::from(partition.path());
        let segments: Vec<Segment> = partition
            .segments()
            .into_iter()
            .filter(|segment| segment.file(FileKind::Log).is_some_and(Item::is_file))
            .collect();
        let first = segments.first().map(Segment::base_offset);
        let snapshots = read_snapshots(partition, &mut outcome);
        let epochs = read_epochs(partition, around.log_start, &mut outcome);
        let mut carried = Carried {
            last: None,
            is_complete: first == Some(Offset(0)),
            hole: Offset(0)..Offset(0),
            log_start: first.unwrap_or(Offset(0)),
            producers: Producers::default(),
            epochs,
            snapshots: VecDeque::new(),
            findings: std::mem::take(&mut outcome.findings),
            largest: Timestamp(-1),
            has_modern: false,
            clock: Clock::default(),
            topic: Topic::of(partition.topic()),
            seen: Epochs::default(),
        };
        let offsets = snapshots.iter().map(|file| (file.offset, file.is_sound));
        let offsets = offsets.collect();
        for snapshot in snapshots {
            if first.is_some_and(|first| snapshot.offset > first) {
                carried.snapshots.push_back(snapshot);
            } else if Some(snapshot.offset) == first {
                carried.trust(&snapshot);
            }
        }
        let mut around = around;
        if partition.items().iter().any(is_swap) {
            // Segments that a compaction replaces may be deleted before the new one is swapped in.
            around.was_compacted = Some(true);
        }
        Self {
            path,
            around,
            state: partition.state(),
            segments,
            carried: Some(carried),
            outcome,
            stretches: Vec::new(),
            untimed: Vec::new(),
            has_times: false,
            snapshots: offsets,
            is_sure: true,
            is_lost: false,
        }
    }

    /// The segments that have a `.log`, in order.
    #[must_use]
    fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Begins the next segment; `None` if there is none.
    fn begin(&mut self, index: usize) -> Option<SegmentCheck> {
        let segment = self.segments.get(index)?.clone();
        let next_base = self.segments.get(index + 1).map(Segment::base_offset);
        let mut carried = self.carried.take()?;
        let base = segment.base_offset();
        // Whatever the end of the previous segment, this one begins at the offset in its name.
        let before = Offset(base.0.saturating_sub(1));
        let next = carried.last.map_or(Offset(0), after);
        let next = Some(next).filter(|next| index > 0 && *next < base);
        if let Some(next) = next {
            carried.is_complete = false;
            carried.hole = next..base;
            let is_lost =
                self.state == DirState::Current && self.around.was_compacted == Some(false);
            Self::gap(&segment, next, is_lost, &mut carried);
        }
        carried.last = (base.0 > 0).then_some(before);
        let setting = Setting {
            stop: self.around.stop,
            state: self.state,
            is_last: next_base.is_none(),
            is_metadata: carried.topic == Topic::Metadata,
        };
        let log: Arc<Path> = Arc::from(segment.log());
        let outcome = &mut self.outcome;
        let offsets = sibling(&segment, FileKind::OffsetIndex, outcome, |path| {
            OffsetIndexCheck::open(path, base, setting)
        });
        let times = sibling(&segment, FileKind::TimeIndex, outcome, |path| {
            TimeIndexCheck::open(path, base, setting)
        });
        let txns = open_txns(&segment, outcome);
        if segment.file(FileKind::OffsetIndex).is_none() {
            let finding = Finding::new(CheckId::OffsetIndexMissing, &log);
            carried.findings.add(if setting.is_recovered() {
                finding.severity(Severity::Note)
            } else {
                finding
            });
        }
        match segment.file(FileKind::TimeIndex) {
            Some(_) => self.has_times = true,
            None => self
                .untimed
                .push((Arc::clone(&log), setting.is_recovered())),
        }
        Some(SegmentCheck {
            log,
            base,
            next_base,
            offsets,
            times,
            txns,
            carried,
            last: None,
            is_whole: true,
            is_sound: true,
            history: History::default(),
            overlaps: false,
        })
    }

    /// Reports missing offsets between this segment and the one before it; `is_lost` means that
    /// compaction did not remove them.
    fn gap(segment: &Segment, next: Offset, is_lost: bool, carried: &mut Carried) {
        let base = segment.base_offset();
        let check = if carried.topic == Topic::Metadata {
            CheckId::MetadataGap
        } else {
            CheckId::SegmentGap
        };
        let finding = Finding::new(check, &Arc::from(segment.log()))
            .offset(next.0)
            .saw(Gap::before(base.0, next.0));
        carried
            .findings
            .add(if is_lost && check == CheckId::SegmentGap {
                finding.severity(Severity::Error)
            } else {
                finding
            });
    }

    /// Ends a segment whose `.log` of `len_bytes` was read completely.
    fn end(&mut self, segment: SegmentCheck, len_bytes: u64) {
        let log = Arc::clone(&segment.log);
        (self.is_sure, self.is_lost) = (segment.is_sound, false);
        let (carried, stretch, coverage) = segment.finish(len_bytes);
        self.carried = Some(carried);
        self.outcome.coverage.merge(coverage);
        self.stretches.extend(stretch.map(|stretch| (log, stretch)));
    }

    /// Ends a segment whose `.log` could not be read: it is not compared with its siblings or later
    /// segments.
    fn lose(&mut self, segment: SegmentCheck) {
        self.is_lost = true;
        let (carried, coverage) = segment.lose();
        self.carried = Some(carried);
        self.outcome.coverage.merge(coverage);
    }

    /// Ends the check, after the last segment. Returns the extent of the log.
    #[must_use]
    fn finish(mut self, partition: &Partition) -> (Outcome, PartitionFacts) {
        let extent = self.extent();
        let Some(mut carried) = self.carried.take() else {
            return (self.outcome, PartitionFacts::default());
        };
        let seen = std::mem::take(&mut carried.seen);
        let is_metadata = carried.topic == Topic::Metadata;
        if let Some(extent) = extent {
            self.snapshots(&mut carried, extent);
            history::open(
                &carried.producers,
                &carried.clock,
                &self.path,
                &mut carried.findings,
            );
            let epochs = carried.epochs;
            if extent.is_sure {
                let is_left = matches!(self.state, DirState::Delete | DirState::Stray);
                let is_clean = self.around.stop == Stop::Clean;
                let is_start_known = is_clean && self.around.knows_log_start;
                let may_be_gone =
                    self.around.may_be_tiered || siblings::deletes(partition, extent.start);
                let about = (is_left, is_clean, is_start_known, may_be_gone);
                epochs.finish(extent, about, &mut carried.findings);
            }
            self.outcome.findings.merge(carried.findings);
            self.untimed(carried.has_modern && carried.largest.0 >= 0);
            self.sparse();
        } else {
            self.outcome.findings.merge(carried.findings);
        }
        if is_metadata {
            let log = extent.map(|extent| MetadataLog {
                extent,
                epochs: &seen,
            });
            metadata_log::check(partition, log, &mut self.outcome);
        }
        directory::check(partition, &self.around, &mut self.outcome);
        let topic_id = directory::topic_id(partition, &mut self.outcome);
        let known = PartitionFacts {
            extent,
            topic_id,
            ..PartitionFacts::default()
        };
        (self.outcome, known)
    }

    fn extent(&self) -> Option<LogExtent> {
        if self.is_lost {
            return None;
        }
        let (first, last) = (self.segments.first()?, self.segments.last()?);
        let carried = self.carried.as_ref()?;
        let active = last.base_offset();
        let end = carried.last.map_or(active, after);
        Some(LogExtent {
            start: first.base_offset(),
            active,
            end: end.max(active),
            epochs: carried.epochs.start(),
            is_sure: self.is_sure,
        })
    }

    /// Compares the snapshots at the end of the log, and reports missing and stray ones.
    fn snapshots(&mut self, carried: &mut Carried, extent: LogExtent) {
        for snapshot in std::mem::take(&mut carried.snapshots) {
            if snapshot.offset == extent.end {
                snapshot.compare(&carried.producers, carried.known(), &mut carried.findings);
            } else if snapshot.offset > extent.end {
                let finding = Finding::new(CheckId::SnapshotBeyondLog, &snapshot.path);
                carried
                    .findings
                    .add(finding.offset(snapshot.offset.0).saw(BeyondEnd {
                        what: Mark::Snapshot,
                        offset: snapshot.offset.0,
                        log_end: extent.end.0,
                    }));
            }
        }
        let bases: Vec<Offset> = self.segments.iter().map(Segment::base_offset).collect();
        for offset in self.snapshots.keys() {
            if *offset < extent.end && bases.binary_search(offset).is_err() {
                let path = self
                    .path
                    .join(name::of_segment(*offset, name::PRODUCER_SNAPSHOT_SUFFIX));
                carried
                    .findings
                    .add(Finding::new(CheckId::SnapshotStray, &Arc::from(path)).offset(offset.0));
            }
        }
        let has_producers = carried.producers.entries().next().is_some();
        if !has_producers {
            return;
        }
        let missing = bases
            .iter()
            .skip(1)
            .filter(|base| !self.snapshots.contains_key(*base));
        let missing: Vec<_> = missing.collect();
        if let Some(first) = missing.first() {
            let finding = Finding::new(CheckId::SnapshotMissing, &self.path);
            carried.findings.add(finding.offset(first.0).saw(Lacking {
                what: MissingPart::Snapshot,
                missing: missing.len() as u64,
                all: bases.len() as u64,
                first: first.to_string(),
            }));
        }
        self.newest_snapshot(carried, extent);
    }

    /// Checks that the newest snapshot is at the log end after a clean shutdown.
    fn newest_snapshot(&self, carried: &mut Carried, extent: LogExtent) {
        if self.around.stop != Stop::Clean || self.state != DirState::Current {
            return;
        }
        let finding = Finding::new(CheckId::SnapshotNotAtEnd, &self.path).offset(extent.end.0);
        let seen = NoSnapshotAtEnd {
            log_end: extent.end.0,
            has_snapshots: !self.snapshots.is_empty(),
        };
        if self.snapshots.is_empty() {
            carried.findings.add(finding.saw(seen));
        } else if extent.is_sure && !self.snapshots.contains_key(&extent.end) {
            carried
                .findings
                .add(finding.severity(Severity::Warning).saw(seen));
        }
    }

    /// Reports segments without a time index that should have one.
    fn untimed(&mut self, has_timestamps: bool) {
        if !has_timestamps && !self.has_times {
            return;
        }
        for (log, is_recovered) in std::mem::take(&mut self.untimed) {
            let finding = Finding::new(CheckId::TimeIndexMissing, &log);
            self.outcome.findings.add(if is_recovered {
                finding.severity(Severity::Note)
            } else {
                finding
            });
        }
    }

    /// Reports sparse offset indexes, compared with the densest one of the partition.
    fn sparse(&mut self) {
        let least = self
            .stretches
            .iter()
            .filter_map(|(_, stretch)| stretch.least)
            .min();
        for (log, stretch) in std::mem::take(&mut self.stretches) {
            let usual = 2 * least.unwrap_or(INDEX_INTERVAL_BYTES.into()) + stretch.largest_batch;
            if stretch.most <= usual {
                continue;
            }
            let is_useless = !stretch.has_entries && stretch.most > LARGEST_APPEND_BYTES;
            let severity = if is_useless {
                Severity::Warning
            } else {
                Severity::Note
            };
            let path: Arc<Path> = Arc::from(log.with_extension("index"));
            self.outcome.findings.add(
                Finding::new(CheckId::OffsetIndexSparse, &path)
                    .severity(severity)
                    .saw(Unindexed {
                        bytes: stretch.most,
                        log_position: stretch.at,
                    }),
            );
        }
    }
}
