//! `leader-epoch-checkpoint`: the epochs that the batches have, and what is left of the file where
//! no batch contradicts it.

use std::collections::BTreeSet;

use super::pieces::each_batch;
use crate::format::checkpoint::CheckpointEntry;
use crate::format::name::{LEADER_EPOCHS, LOG_STARTS};
use crate::format::{Batch, FileKind, LeaderEpochs, OffsetCheckpoint};
use crate::repair::error::Error;
use crate::repair::planner::diagnosis::small;
use crate::repair::planner::files::put;
use crate::repair::planner::steps::{NewLog, Reason, Steps};
use crate::repair::proof::Origin;
use crate::repair::{Knowledge, Loss};
use crate::scan::derive::Epochs;
use crate::store::Partition;
use crate::verify::{CheckId, Family, Finding, Severity};
use crate::wire::Offset;

/// Adds the step for the leader epochs of `log`, if the file has to be another.
///
/// # Errors
/// A file cannot be read.
pub(in crate::repair::planner) fn steps(
    partition: &Partition,
    log: &NewLog,
    findings: &[&Finding],
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let mut checks: Vec<CheckId> = findings
        .iter()
        .filter(|finding| finding.severity >= Severity::Warning && is_about_epochs(finding))
        .map(|finding| finding.check)
        .collect();
    checks.dedup();
    let is_changed = log.segments.iter().any(|segment| segment.is_changed);
    if checks.is_empty() && !is_changed {
        return Ok(());
    }
    let item = partition.item(FileKind::LeaderEpochs);
    let is_directory = item.is_some_and(|item| !item.is_file());
    let bytes = item.and_then(|item| small(item.path()));
    let file = LeaderEpochs::parse(bytes.as_deref().unwrap_or_default());
    let reported = reported(log)?;
    let kept = readable(&file, log.end);
    let mut epochs = reported.or_kept(&kept);
    if let Some(start) = log_start(partition, &epochs, &kept) {
        epochs.truncate_from_start(start);
    }
    let is_right = bytes.is_some()
        && file.faults.is_empty()
        && epochs.entries().eq(file
            .entries
            .iter()
            .filter(|entry| entry.start_offset.0 <= log.end)
            .map(|entry| (entry.epoch, entry.start_offset)));
    // A log of old messages has no epochs, and its file may be missing.
    let is_needless = bytes.is_none() && epochs.entries().len() == 0 && !is_directory;
    if is_right || is_needless {
        return Ok(());
    }
    if checks.is_empty() {
        checks.push(CheckId::EpochsMismatch);
    }
    let why = "rebuilt from the leader epochs of the batches; keeps the other entries where no \
               batch contradicts them";
    // An epoch that the file has and the result has not: nothing else shows that election.
    let remembered: BTreeSet<i32> = epochs.entries().map(|(epoch, _)| epoch.0).collect();
    let mut forgotten = kept.entries().map(|(epoch, _)| epoch.0);
    let reason = match forgotten.find(|epoch| !remembered.contains(epoch)) {
        None => Reason::derived(&checks, why, Origin::Log),
        Some(epoch) => {
            let why = format!("{why}; removes epoch {epoch}, which contradicts them");
            Reason::lossy(&checks, why, Loss::of(Knowledge::Epochs))
        }
    };
    put(partition, LEADER_EPOCHS, &epochs.encode(), reason, steps)
}

fn is_about_epochs(finding: &Finding) -> bool {
    finding.check.family() == Family::Epochs
        || finding.check == CheckId::Unreadable && finding.path.ends_with(LEADER_EPOCHS)
}

/// The offset before which records were deleted, while their segment is still there: by the
/// checkpoint of the log dir, and without it by the entries that are left, which begin there.
fn log_start(partition: &Partition, epochs: &Epochs, kept: &Epochs) -> Option<Offset> {
    let noted = partition
        .log_dir()
        .and_then(|dir| small(&dir.join(LOG_STARTS)));
    let noted = noted.as_deref().map(OffsetCheckpoint::parse);
    if let Some(noted) = noted.filter(|noted| noted.faults.is_empty()) {
        let of = |entry: &&CheckpointEntry<'_>| {
            Some((entry.topic, entry.partition)) == partition.topic().zip(partition.number())
        };
        return noted.entries.iter().find(of).map(|entry| entry.offset);
    }
    let (_, first) = epochs.entries().next()?;
    let (epoch, start) = kept.entries().next()?;
    (first < start && epochs.at(start) == Some(epoch)).then_some(start)
}

/// The epochs that the batches have.
fn reported(log: &NewLog) -> Result<Epochs, Error> {
    let mut epochs = Epochs::default();
    for segment in &log.segments {
        each_batch(segment, |batch, _| {
            if let Batch::V2(batch) = batch {
                // An epoch that cannot be one is not kept.
                let _refused = epochs.take(batch);
            }
        })?;
    }
    Ok(epochs)
}

/// The lines of a file that could be true, in order.
fn readable(file: &LeaderEpochs, end: i64) -> Epochs {
    let mut entries: Vec<_> = file
        .entries
        .iter()
        .map(|entry| (entry.epoch, entry.start_offset))
        .filter(|(epoch, start)| epoch.0 >= 0 && (0..=end).contains(&start.0))
        .collect();
    entries.sort_unstable();
    let mut epochs = Epochs::default();
    for (epoch, start) in entries {
        // What is not below what came before would remove it.
        if epochs.latest().is_none_or(|(_, last)| last < start) || start == Offset(0) {
            let _negative = epochs.assign(epoch, start);
        }
    }
    epochs
}
