//! The files of a partition that are neither its log nor derive from it: names that stop a broker,
//! leftovers, and whose partition it is.
//!
//! What a broker ignores stays, and so does what it deletes by itself without a loss.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::diagnosis::Proof;
use super::steps::{NewLog, Reason, Steps};
use crate::format::FileKind;
use crate::format::name::{FileState, PARTITION_METADATA};
use crate::format::properties::partition_metadata;
use crate::format::topic::NO_ID;
use crate::repair::Odds;
use crate::repair::error::Error;
use crate::repair::plan::Action;
use crate::repair::proof::{Idle, Origin};
use crate::repair::{Content, PlanPath};
use crate::repair::{Knowledge, Loss};
use crate::store::{Item, ItemType, Partition};
use crate::verify::{CheckId, Family, Finding, Severity};
use crate::wire::Uuid;

/// Adds the steps for what else is in the directory.
///
/// # Errors
/// A file cannot be read.
pub(super) fn steps(
    partition: &Partition,
    log: &NewLog,
    findings: &[&Finding],
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let items = partition.items().iter();
    let items: BTreeMap<&Path, &Item> = items.map(|item| (item.path(), item)).collect();
    for finding in findings
        .iter()
        .filter(|finding| finding.severity >= Severity::Warning)
    {
        let Some(item) = items.get(&*finding.path).copied() else {
            continue;
        };
        match (finding.check, item.kind()) {
            (CheckId::Unreadable, ItemType::Directory) => {
                empty_directory(item, finding.check, steps)?;
            }
            (CheckId::UnrecognisedFile, _) => {
                let why = "a broker reads it as one of its own files, and does not start";
                quarantine(item, &[finding.check], why, steps)?;
            }
            (CheckId::NameNotCanonical, _) => {
                let why = "a broker reads the name as an offset, and creates an empty segment for \
                           it";
                quarantine(item, &[finding.check], why, steps)?;
            }
            _ => {}
        }
    }
    orphans(partition, log, steps)?;
    snapshots(partition, log, findings, steps)
}

/// Indexes whose log is gone.
fn orphans(partition: &Partition, log: &NewLog, steps: &mut Steps<'_>) -> Result<(), Error> {
    let bases = log.bases();
    for segment in partition.segments() {
        if bases.contains(&segment.base_offset().0) {
            continue;
        }
        for (kind, item) in segment.files() {
            let is_index = !matches!(kind, FileKind::Log | FileKind::ProducerSnapshot);
            if is_index && item.is_file() {
                let why = "the segment's .log file is missing; a broker deletes this file";
                quarantine(item, &[CheckId::IndexWithoutLog], why, steps)?;
            }
        }
    }
    Ok(())
}

impl NewLog {
    /// The base offsets of its segments.
    pub(super) fn bases(&self) -> BTreeSet<i64> {
        self.segments.iter().map(|segment| segment.base).collect()
    }
}

/// Takes a file out of the log dir, unless a step is about it already.
pub(super) fn quarantine(
    item: &Item,
    checks: &[CheckId],
    why: &str,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    take_out(item, Reason::unused(checks, why, Idle::File), steps)
}

/// Takes a file out for this reason, unless another step is about it.
fn take_out(item: &Item, reason: Reason, steps: &mut Steps<'_>) -> Result<(), Error> {
    match steps.path(item.path()).filter(|file| !steps.writes(file)) {
        Some(file) => steps.add(Action::Quarantine { file }, &[], reason),
        None => Ok(()),
    }
}

/// A directory in place of a file: taken out if it is empty, else left to people.
pub(super) fn empty_directory(
    item: &Item,
    check: CheckId,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let Some(file) = steps.path(item.path()) else {
        return Ok(());
    };
    let is_empty = Item::list(item.path()).is_ok_and(|items| items.is_empty());
    if is_empty {
        let why = "an empty directory instead of a file";
        return steps.add(
            Action::Quarantine { file },
            &[],
            Reason::unused(&[check], why, Idle::EmptyDirectory),
        );
    }
    let why = "a directory instead of a file, and not empty: check its contents, and move it out \
               of the log dir";
    steps.add(
        Action::Describe { file },
        &[],
        Reason::manual(&[check], why),
    )
}

/// Snapshots after the log, and unreadable ones that nothing replaces.
fn snapshots(
    partition: &Partition,
    log: &NewLog,
    findings: &[&Finding],
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let bases = log.bases();
    let reported = findings.iter().filter(|finding| {
        finding.severity >= Severity::Warning && finding.check.family() == Family::Producer
    });
    let reported: BTreeSet<&Path> = reported.map(|finding| &*finding.path).collect();
    for item in partition.items().iter().filter(|item| item.is_file()) {
        let name = item.file_name().filter(|name| {
            name.kind == FileKind::ProducerSnapshot && name.state == FileState::Current
        });
        let Some(at) = name.and_then(|name| name.offset) else {
            continue;
        };
        let is_reported = reported.contains(item.path());
        if at.0 > log.end {
            let why = format!(
                "it is beyond the log end offset {}, and a broker deletes it. If the records up to \
                 offset {at} are lost, copy them from a replica or a backup first: nothing else may \
                 show that they existed",
                log.end
            );
            let loss = Loss::of(Knowledge::EndOffset);
            let reason = Reason::lossy(&[CheckId::SnapshotBeyondLog], why, loss);
            take_out(item, reason, steps)?;
        } else if is_reported && at.0 != log.end && !bases.contains(&at.0) {
            let why = "it is damaged, and no segment begins at its offset";
            quarantine(item, &[CheckId::SnapshotStray], why, steps)?;
        }
    }
    Ok(())
}

/// The id of the topic, where another file proves it.
///
/// # Errors
/// A file cannot be read.
pub(super) fn identity(
    partition: &Partition,
    findings: &[&Finding],
    proof: &Proof,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let path = partition.path().join(PARTITION_METADATA);
    let mut checks: Vec<CheckId> = findings
        .iter()
        .filter(|finding| finding.severity >= Severity::Warning && *finding.path == *path)
        .map(|finding| finding.check)
        .collect();
    checks.dedup();
    let (Some(topic), false) = (partition.topic(), checks.is_empty()) else {
        return Ok(());
    };
    let stored = super::diagnosis::topic_id(partition);
    let written = stored.or_else(|| whole_id(&path));
    let Some((id, from)) = proof.topic_id(topic) else {
        // Of a version that brokers read all the same only the number is wrong.
        return match written {
            Some(id) if checks == [CheckId::PartitionMetadataMalformed] => {
                let reason = Reason::derived(
                    &checks,
                    "keeps the topic id, written as version 0",
                    Origin::Lines,
                );
                put(
                    partition,
                    PARTITION_METADATA,
                    &partition_metadata(&id),
                    reason,
                    steps,
                )
            }
            _ => Ok(()),
        };
    };
    if stored == Some(id) {
        return Ok(());
    }
    let by = match from {
        Origin::MetadataLog => "the metadata log",
        _ => "another partition of the topic",
    };
    let why = format!("the id of topic {topic} in {by}");
    let reason = match written.filter(|other| *other != id) {
        None => Reason::derived(&checks, why, from),
        // A topic that was deleted and created again has another id too.
        Some(_) => Reason::likely(
            &checks,
            format!(
                "{why}. The id here may be right: of a topic of this name that was deleted, whose \
                 records come back as those of the new one"
            ),
            Odds::Unknown,
        ),
    };
    put(
        partition,
        PARTITION_METADATA,
        &partition_metadata(&id),
        reason,
        steps,
    )
}

/// The id in a file whose id can be read, whatever else is wrong with it.
fn whole_id(path: &Path) -> Option<Uuid> {
    let bytes = super::diagnosis::small(path)?;
    let metadata = crate::format::PartitionMetadata::parse(&bytes);
    metadata.topic_id.filter(|id| *id != NO_ID)
}

/// A small file of this name and content: made, or given another content; `None` if it has it.
pub(super) fn put(
    partition: &Partition,
    name: &str,
    bytes: &[u8],
    reason: Reason,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let path = partition.path().join(name);
    let Some(file) = steps.path(&path) else {
        return Ok(());
    };
    set(&path, file, bytes, reason, steps)
}

/// Likewise, by its path.
pub(super) fn set(
    path: &Path,
    file: PlanPath,
    bytes: &[u8],
    reason: Reason,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let is_file = Item::at(path).is_ok_and(|item| item.is_file());
    if is_file && super::diagnosis::small(path).is_some_and(|there| there[..] == *bytes) {
        return Ok(());
    }
    let content = Content::new(bytes)?;
    let action = if is_file {
        Action::Replace { file, content }
    } else {
        Action::Create { file, content }
    };
    steps.add(action, &[], reason)
}
