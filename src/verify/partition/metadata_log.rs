//! `__cluster_metadata-0`: snapshots and `quorum-state`, compared with the log.

use std::path::Path;
use std::sync::Arc;

use crate::format::control::ControlType;
use crate::format::{Batch, FileKind, QuorumState, Scratch, name};
use crate::scan::derive::Epochs;
use crate::scan::{Merge, Policy, Walk};
use crate::store::{Cap, Item, Partition, read_small};
use crate::verify::catalog::{CheckId, Severity};
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{BeyondEnd, Mark, MetadataFault, MissingFile};
use crate::verify::extent::LogExtent;
use crate::verify::finding::Finding;
use crate::verify::outcome::Outcome;
use crate::wire::Offset;

/// The facts from the batches of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct MetadataLog<'a> {
    pub(super) extent: LogExtent,
    /// The epochs of its batches.
    pub(super) epochs: &'a Epochs,
}

/// Checks the files that only the metadata log has.
pub(super) fn check(partition: &Partition, log: Option<MetadataLog<'_>>, outcome: &mut Outcome) {
    let is_snapshot = |item: &&Item| item.is_file() && item.is_current(FileKind::MetadataSnapshot);
    let mut reach: Option<Offset> = None;
    for item in partition.items().iter().filter(is_snapshot) {
        let path: Arc<Path> = Arc::from(item.path());
        outcome.files.push(Arc::clone(&path));
        let name = item.file_name();
        let named = name.and_then(|name| Some((name.offset?, name.epoch?)));
        if named.is_none() || item.name().len() < 31 {
            let finding = Finding::new(CheckId::MetadataSnapshot, &path);
            outcome
                .findings
                .add(finding.saw(MetadataFault::SnapshotName));
        }
        snapshot(&path, outcome);
        if let (Some((offset, epoch)), Some(log)) = (named, log) {
            reach = reach.max(Some(offset));
            compare(&path, offset, epoch.0, log, outcome);
        }
    }
    if let Some(log) = log {
        let start = log.extent.start;
        if start.0 > 0 && reach.is_none_or(|reach| reach < start) {
            let path: Arc<Path> = Arc::from(partition.path());
            let finding = Finding::new(CheckId::MetadataSnapshotMissing, &path).offset(start.0);
            outcome.findings.add(finding.saw(MetadataFault::NoSnapshot {
                log_start: start.0,
                newest: reach.map(|reach| reach.0),
            }));
        }
    }
    quorum(partition, log, outcome);
}

/// Compares the name of a snapshot with the log.
fn compare(
    path: &Arc<Path>,
    offset: Offset,
    epoch: i32,
    log: MetadataLog<'_>,
    outcome: &mut Outcome,
) {
    let finding = Finding::new(CheckId::MetadataSnapshotMismatch, path).offset(offset.0);
    let end = log.extent.end;
    if offset > end {
        outcome.findings.add(finding.saw(BeyondEnd {
            what: Mark::Snapshot,
            offset: offset.0,
            log_end: end.0,
        }));
        return;
    }
    let last = Offset(offset.0.saturating_sub(1));
    let Some(actual) = log
        .epochs
        .at(last)
        .filter(|_| last >= log.extent.start && offset.0 > 0)
    else {
        return;
    };
    if actual.0 != epoch {
        outcome
            .findings
            .add(finding.saw(MetadataFault::SnapshotEpoch {
                stored: epoch,
                actual: actual.0,
                last_offset: last.0,
            }));
    }
}

/// Checks the batches of a snapshot, from header to footer.
pub(in crate::verify) fn snapshot(path: &Arc<Path>, outcome: &mut Outcome) {
    let bytes = match read_small(path, Cap::of(FileKind::MetadataSnapshot)) {
        Ok(bytes) => bytes,
        Err(error) => return outcome.unreadable(path, &error),
    };
    let finding = || Finding::new(CheckId::MetadataSnapshot, path);
    let mut coverage = Coverage::of_file(bytes.len() as u64);
    let mut scratch = Scratch::default();
    let (mut first, mut last, mut is_sound) = (None, None, true);
    for (index, event) in Walk::new(&bytes, Policy::Salvage).enumerate() {
        let range = event.range();
        let length = range.end - range.start;
        match event.into_batch() {
            Err(gap) => {
                let finding = finding().at(range.start, length);
                outcome.findings.add(match gap.fault() {
                    Some(fault) => finding.saw(fault),
                    None => finding.saw(MetadataFault::Zeros),
                });
                coverage.damage_bytes += length;
                is_sound = false;
            }
            Ok(batch) => {
                coverage.batch_bytes += length;
                last = control(&batch, &mut scratch);
                if index == 0 {
                    first = last;
                }
            }
        }
    }
    outcome.coverage.merge(coverage);
    if bytes.is_empty() {
        outcome.findings.add(finding().saw(MetadataFault::Empty));
    } else if is_sound && first.is_none_or(|(first, _)| first != ControlType::SnapshotHeader) {
        outcome
            .findings
            .add(finding().at(0, 0).saw(MetadataFault::NoHeader));
    } else if is_sound && last.is_none_or(|(_, last)| last != ControlType::SnapshotFooter) {
        // Kafka reads it anyway.
        let end = bytes.len() as u64;
        let finding = finding().severity(Severity::Warning).at(end, 0);
        outcome.findings.add(finding.saw(MetadataFault::NoFooter));
    }
}

/// The first and the last record of a control batch.
fn control(batch: &Batch<'_>, scratch: &mut Scratch) -> Option<(ControlType, ControlType)> {
    if !batch.is_control() {
        return None;
    }
    let mut ends: Option<(ControlType, ControlType)> = None;
    for record in batch.records(scratch).ok()? {
        let kind = ControlType::parse(record.ok()?.key()).ok()?;
        ends = Some((ends.map_or(kind, |(first, _)| first), kind));
    }
    ends
}

/// `quorum-state` by itself.
pub(in crate::verify) fn quorum_state(
    item: &Item,
    outcome: &mut Outcome,
) -> Option<(Arc<Path>, QuorumState)> {
    let (path, bytes) = outcome.read_small(item)?;
    let state = QuorumState::parse(&bytes);
    for fault in &state.faults {
        let finding = Finding::new(CheckId::QuorumState, &path);
        outcome
            .findings
            .add(finding.at(fault.at() as u64, 0).saw(*fault));
    }
    Some((path, state))
}

/// `quorum-state` against the log.
fn quorum(partition: &Partition, log: Option<MetadataLog<'_>>, outcome: &mut Outcome) {
    let Some(item) = partition.item(FileKind::QuorumState) else {
        let path: Arc<Path> = Arc::from(partition.path().join(name::QUORUM_STATE));
        if log.is_some_and(|log| log.extent.end.0 > 0) {
            let finding = Finding::new(CheckId::QuorumState, &path).severity(Severity::Note);
            outcome
                .findings
                .add(finding.saw(MissingFile::VoteForgotten));
        }
        return;
    };
    let Some((path, state)) = quorum_state(item, outcome) else {
        return;
    };
    let finding = || Finding::new(CheckId::QuorumState, &path);
    if let Some(leader) = state.leader_id
        && leader >= 0
        && !state.voters.is_empty()
        && !state.voters.contains(&leader)
    {
        outcome
            .findings
            .add(finding().saw(MetadataFault::Leader { leader }));
    }
    let newest = log.and_then(|log| log.epochs.latest());
    if let (Some(stored), Some((actual, _))) = (state.leader_epoch, newest)
        && stored < actual
    {
        outcome
            .findings
            .add(
                finding()
                    .severity(Severity::Warning)
                    .saw(MetadataFault::QuorumEpoch {
                        stored: stored.0,
                        actual: actual.0,
                    }),
            );
    }
}
