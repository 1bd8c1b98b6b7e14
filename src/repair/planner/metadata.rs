//! The log of the metadata: never cut, because a gap in it keeps the node from starting.
//!
//! What a checksum proves is turned back, and what derives from the log is computed. All else is
//! advice: the other controllers have the same log.

use super::beside::{derived, epochs};
use super::diagnosis::{Diagnosis, small};
use super::options::PlanOptions;
use super::steps::{NewLog, Reason, Steps};
use super::{files, log};
use crate::format::name::PARTITION_METADATA;
use crate::format::properties::partition_metadata;
use crate::format::topic::CLUSTER_METADATA_ID;
use crate::format::{FileKind, QuorumState};
use crate::repair::error::Error;
use crate::repair::plan::{Action, Step};
use crate::repair::proof::Origin;
use crate::repair::{Grade, Knowledge, Loss};
use crate::store::{Item, Partition};
use crate::verify::{CheckId, Finding, Severity};

/// Adds the steps for the directory of the metadata log.
///
/// # Errors
/// A file cannot be read.
pub(super) fn steps(
    partition: &Partition,
    findings: &[&Finding],
    seen: &Diagnosis,
    steps: &mut Steps<'_>,
    options: PlanOptions,
) -> Result<(), Error> {
    let mut tried = steps.aside();
    let mended = log::steps(partition, findings, &seen.coordinators, &mut tried, options)?;
    // A patch is proven, and after the last batch there is nothing to lose; anything else leaves a
    // gap.
    let is_whole = tried.steps().iter().all(|step| {
        let is_patch = matches!(step.action, Action::Patch { .. })
            && matches!(step.safety.grade(), Grade::Proven | Grade::Likely);
        is_patch || is_tail(step, partition)
    });
    let new = if is_whole {
        steps.append(tried);
        mended
    } else {
        advise(partition, findings, steps)?;
        NewLog::of(partition, seen)
    };
    if is_whole {
        derived::steps(partition, &new, findings, steps)?;
        epochs::steps(partition, &new, findings, steps)?;
    }
    snapshots(partition, findings, steps)?;
    quorum(findings, steps)?;
    files::steps(partition, &new, findings, steps)?;
    if findings
        .iter()
        .any(|finding| finding.check == CheckId::MetadataTopicId)
    {
        let reason = Reason::derived(
            &[CheckId::MetadataTopicId],
            "the id that Kafka reserves for it",
            Origin::Constant,
        );
        let bytes = partition_metadata(&CLUSTER_METADATA_ID);
        files::put(partition, PARTITION_METADATA, &bytes, reason, steps)?;
    }
    Ok(())
}

/// Returns true if a step cuts off what follows the last batch of the log, where a broker cuts too.
fn is_tail(step: &Step, partition: &Partition) -> bool {
    let segments = partition.segments();
    let last = segments.last().and_then(|last| last.file(FileKind::Log));
    let is_last = last.is_some_and(|item| item.name().to_str() == Some(step.action.file().name()));
    is_last && matches!(step.action, Action::Truncate { .. }) && step.loss.records == 0
}

/// Adds a manual step for a log that cannot be repaired.
fn advise(
    partition: &Partition,
    findings: &[&Finding],
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let mut checks: Vec<CheckId> = findings
        .iter()
        .filter(|finding| finding.severity >= Severity::Warning && is_about_log(finding.check))
        .map(|finding| finding.check)
        .collect();
    checks.sort_unstable();
    checks.dedup();
    let Some(file) = steps.path(partition.path()) else {
        return Ok(());
    };
    let why = "the metadata log must not have gaps, so nothing is removed from it. If other \
               controllers have it, move this directory away while the node is stopped; the node \
               fetches it again. If this is the only one, copy the directory first: at its start \
               the node truncates the log at the damage, and continues from the newest snapshot if \
               that one reaches further";
    steps.add(Action::Describe { file }, &[], Reason::manual(&checks, why))
}

fn is_about_log(check: CheckId) -> bool {
    check.family().is_of_log() || check == CheckId::MetadataGap
}

/// Snapshots that are not whole, where the log or an older one does without them.
fn snapshots(
    partition: &Partition,
    findings: &[&Finding],
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let is_reported = |item: &Item| {
        findings.iter().any(|finding| {
            matches!(
                finding.check,
                CheckId::MetadataSnapshot | CheckId::MetadataSnapshotMismatch
            ) && finding.severity >= Severity::Warning
                && *finding.path == *item.path()
        })
    };
    let offset = |item: &Item| item.file_name().and_then(|name| name.offset).map(|at| at.0);
    let files = || {
        let items = partition.items().iter();
        items.filter(|item| item.is_file() && item.is_current(FileKind::MetadataSnapshot))
    };
    let segments = partition.segments();
    let Some(start) = segments.first().map(|segment| segment.base_offset().0) else {
        return Ok(());
    };
    let is_spare = start == 0
        || files().any(|item| !is_reported(item) && offset(item).is_some_and(|at| at >= start));
    for item in files().filter(|item| is_reported(item)) {
        let Some(file) = steps.path(item.path()) else {
            continue;
        };
        let checks = [CheckId::MetadataSnapshot, CheckId::MetadataSnapshotMismatch];
        if is_spare {
            let why = "it cannot be loaded; the log, or an older snapshot and the log after it, \
                       have the same records. Offsets beyond the log end would be lost";
            let reason = Reason::lossy(&checks, why, Loss::of(Knowledge::Snapshot));
            steps.add(Action::Quarantine { file }, &[], reason)?;
        } else {
            let why = "it cannot be loaded, and the records before the log start are only in it: \
                       move the directory away and let the node fetch it from the other \
                       controllers";
            steps.add(Action::Describe { file }, &[], Reason::manual(&checks, why))?;
        }
    }
    Ok(())
}

/// A `quorum-state` that cannot be read: without it the node starts, but may vote twice in an
/// epoch.
fn quorum(findings: &[&Finding], steps: &mut Steps<'_>) -> Result<(), Error> {
    let is_reported = |finding: &&&Finding| {
        finding.check == CheckId::QuorumState && finding.severity >= Severity::Warning
    };
    let Some(finding) = findings.iter().find(is_reported) else {
        return Ok(());
    };
    // One that can be read, or none, does not keep the node from starting.
    let is_readable =
        small(&finding.path).is_none_or(|bytes| QuorumState::parse(&bytes).faults.is_empty());
    if is_readable {
        return Ok(());
    }
    let Some(file) = steps.path(&finding.path) else {
        return Ok(());
    };
    let why = "the node does not start with it; without it, the node takes the epoch of its log \
               and forgets its vote: confirm only if no election is running, or if this is the \
               only controller";
    let reason = Reason::lossy(&[finding.check], why, Loss::of(Knowledge::Vote));
    steps.add(Action::Quarantine { file }, &[], reason)
}
