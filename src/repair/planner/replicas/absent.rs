//! Partitions that are in the checkpoints of this log dir, but not in it, and that a replica has.
//!
//! Nothing shows whether such a partition was lost, or deleted or moved on purpose, so a person
//! decides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::diagnosis::{Diagnosis, small, topic_id};
use super::super::steps::{Reason, Steps};
use crate::format::{FileKind, OffsetCheckpoint};
use crate::repair::error::Error;
use crate::repair::plan::Action;
use crate::store::{LogDir, Partition, Place};
use crate::verify::CheckId;

/// Adds a step for each of them that describes what to copy.
///
/// # Errors
/// A replica cannot be read.
pub(in crate::repair::planner) fn steps(
    dir: &LogDir,
    seen: &Diagnosis,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    if seen.replicas.is_empty() {
        return Ok(());
    }
    let stray = seen.findings.iter();
    let stray = stray.filter(|finding| finding.check == CheckId::CheckpointStray);
    let files: BTreeSet<&Path> = stray.map(|finding| &*finding.path).collect();
    let mut absent = BTreeMap::new();
    for kind in [FileKind::RecoveryPoints, FileKind::HighWatermarks] {
        let item = dir.item(kind).filter(|item| files.contains(item.path()));
        let Some(bytes) = item.and_then(|item| small(item.path())) else {
            continue;
        };
        for entry in OffsetCheckpoint::parse(&bytes).entries {
            let partition = (entry.topic.to_owned(), entry.partition);
            if !seen.partitions.contains(&partition) {
                absent.entry(partition).or_insert(kind);
            }
        }
    }
    for ((topic, number), kind) in absent {
        let folder = format!("{topic}-{number}");
        let Some(replica) = find(&folder, &seen.replicas)? else {
            continue;
        };
        let cluster = seen.proof.cluster.as_ref();
        let is_deleted = |id| cluster.is_some_and(|image| image.deleted.contains(&id));
        let Some(file) = steps.path(&dir.path().join(&folder)) else {
            continue;
        };
        if topic_id(&replica).is_some_and(is_deleted) {
            continue;
        }
        let why = format!(
            "{} has a line for this partition, which is not here; the replica {} has it. Unless it \
             was deleted or moved on purpose, copy that directory here",
            kind.fixed_name().unwrap_or_default(),
            replica.path().display(),
        );
        let reason = Reason::manual(&[CheckId::CheckpointStray], why);
        steps.add(Action::Describe { file }, &[], reason)?;
    }
    Ok(())
}

/// The first replica that has a partition of this name.
fn find(folder: &str, replicas: &[Place]) -> Result<Option<Partition>, Error> {
    for place in replicas {
        let found = match place {
            Place::LogDir(dir) => {
                let item = dir.partition(folder.as_ref());
                item.map(|item| Partition::open(item.path())).transpose()?
            }
            Place::Partition(other) => (other.folder() == folder).then(|| other.clone()),
            Place::File(_) => None,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
