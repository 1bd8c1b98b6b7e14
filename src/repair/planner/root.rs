//! What is in a log dir beside its partitions: checkpoints, the marker, whose it is, and
//! directories that keep a broker from starting.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use super::checkpoints::{self, Reaches};
use super::diagnosis::{Diagnosis, small, topic_id};
use super::files::{empty_directory, set};
use super::steps::{Reason, Steps};
use crate::format::name::{DirName, DirState, META_PROPERTIES};
use crate::format::properties::{meta_properties, parse_uuid};
use crate::format::topic::is_reserved_id;
use crate::format::{FileKind, MetaProperties, Properties};
use crate::repair::Loss;
use crate::repair::error::Error;
use crate::repair::plan::Action;
use crate::repair::proof::{Idle, Origin};
use crate::store::{Item, ItemType, LogDir, Partition};
use crate::verify::{CheckId, Finding, Severity};
use crate::wire::Uuid;

/// Adds the steps for what is in the log dir itself.
///
/// # Errors
/// A file cannot be read.
pub(super) fn steps(
    dir: &LogDir,
    reaches: &Reaches,
    seen: &Diagnosis,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let here: Vec<&Finding> = seen
        .findings
        .iter()
        .filter(|finding| {
            finding.severity >= Severity::Warning && finding.path.parent() == Some(dir.path())
        })
        .collect();
    owner(dir, &here, seen, steps)?;
    checkpoints::steps(dir, reaches, steps)?;
    let items = dir.items().iter();
    let items: BTreeMap<&Path, &Item> = items.map(|item| (item.path(), item)).collect();
    for finding in here {
        let Some(item) = items.get(&*finding.path).copied() else {
            continue;
        };
        match (finding.check, item.kind()) {
            (CheckId::CleanMarkerMalformed, _) => {
                let why = "an empty marker means the same: a clean shutdown with an unknown \
                           broker epoch";
                let reason = Reason::derived(&[finding.check], why, Origin::Name);
                if let Some(file) = steps.path(item.path()) {
                    set(item.path(), file, b"", reason, steps)?;
                }
            }
            (CheckId::UnrecognisedDirectory, ItemType::Directory) => {
                let why = "a broker does not start with a directory here that is not a partition";
                let holds_records =
                    Item::list(item.path())
                        .unwrap_or_default()
                        .iter()
                        .any(|item| {
                            let is_log = item
                                .file_name()
                                .is_some_and(|name| name.kind == FileKind::Log);
                            is_log && item.len_bytes() > 0
                        });
                let is_log_dir = LogDir::open(item.path()).is_ok_and(|dir| dir.is_likely());
                let checks = [finding.check];
                // No broker serves what is there, and nothing shows whose records they are.
                let reason = if holds_records || is_log_dir {
                    Reason::lossy(&checks, why, Loss::default())
                } else {
                    Reason::unused(&checks, why, Idle::File)
                };
                whole(item, reason, steps)?;
            }
            (CheckId::Unreadable, ItemType::Directory)
                if item.file_name().is_some()
                    && steps
                        .path(item.path())
                        .is_some_and(|file| !steps.writes(&file)) =>
            {
                empty_directory(item, finding.check, steps)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Takes a directory out with everything in it, if that is files only.
fn whole(item: &Item, reason: Reason, steps: &mut Steps<'_>) -> Result<(), Error> {
    let Some(dir) = steps.path(item.path()).filter(|dir| !steps.writes(dir)) else {
        return Ok(());
    };
    let inside = Item::list(item.path()).unwrap_or_default();
    let is_shallow = inside
        .iter()
        .all(|item| item.is_file() && !item.is_link() && steps.path(item.path()).is_some());
    if item.is_link() || !is_shallow {
        let why = format!("{}: move it out of the log dir", reason.why);
        return steps.add(
            Action::Describe { file: dir },
            &[],
            Reason::manual(&reason.checks, why),
        );
    }
    for item in &inside {
        if let Some(file) = steps.path(item.path()) {
            steps.add(Action::Quarantine { file }, &[], reason.clone())?;
        }
    }
    steps.add(Action::Quarantine { file: dir }, &[], reason)
}

/// Directories of partitions that are somewhere else too, or that no broker may take for one: adds
/// their steps and tells their names. Nothing else is done in them.
///
/// # Errors
/// A file cannot be read.
pub(super) fn duplicates_and_strays(
    dir: &LogDir,
    steps: &mut Steps<'_>,
) -> Result<BTreeSet<OsString>, Error> {
    let mut duplicates_and_strays = BTreeSet::new();
    let mut homes: BTreeMap<(&str, i32), Vec<&Item>> = BTreeMap::new();
    for item in dir.partitions() {
        let Some((topic, partition, state)) = item.partition_name() else {
            continue;
        };
        if matches!(state, DirState::Current | DirState::Future) && !item.is_link() {
            homes.entry((topic, partition)).or_default().push(item);
        }
    }
    for ((topic, number), mut items) in homes {
        let own = format!("{topic}-{number}");
        // The one with the name that Kafka would write stays, whatever else there is.
        items.sort_by_key(|item| item.name().to_str() != Some(&own));
        let Some((first, others)) = items.split_first() else {
            continue;
        };
        for other in others {
            twice(first, other, steps)?;
            duplicates_and_strays.insert(other.name().to_owned());
        }
        if first.name().to_str() != Some(&own) && others.is_empty() && renamed(first, &own, steps)?
        {
            duplicates_and_strays.insert(first.name().to_owned());
        }
    }
    Ok(duplicates_and_strays)
}

/// A directory whose name Kafka reads but does not write gets the name that it means.
fn renamed(item: &Item, own: &str, steps: &mut Steps<'_>) -> Result<bool, Error> {
    let is_current = matches!(
        item.dir_name(),
        Some(DirName::Partition {
            state: DirState::Current,
            ..
        })
    );
    let to = item.path().with_file_name(own);
    let (Some(file), Some(to), true) = (steps.path(item.path()), steps.path(&to), is_current)
    else {
        return Ok(false);
    };
    let why = "a broker reads the name as the same partition";
    let reason = Reason::derived(&[CheckId::NameNotCanonical], why, Origin::Name);
    steps.add(Action::Rename { file, to }, &[], reason)?;
    Ok(true)
}

/// Of two directories of one partition the `other` goes, if `kept` has everything that it has.
fn twice(kept: &Item, other: &Item, steps: &mut Steps<'_>) -> Result<(), Error> {
    let checks = [CheckId::PartitionTwice, CheckId::NameNotCanonical];
    let missing = lacks(kept, other)?;
    let kept = kept.name().to_string_lossy();
    if missing.is_empty() {
        let why = format!(
            "the same partition as {kept}, which has the same logs: a broker does not start with \
             both"
        );
        return whole(other, Reason::unused(&checks, why, Idle::File), steps);
    }
    let Some(file) = steps.path(other.path()) else {
        return Ok(());
    };
    let why = format!(
        "the same partition as {kept}, but the logs differ ({}): compare them, keep the one with \
         the higher leader epoch and log end, and move the other out of the log dir",
        missing.join(", ")
    );
    steps.add(Action::Describe { file }, &[], Reason::manual(&checks, why))
}

/// The logs of `other` that do not begin the logs of `kept`.
fn lacks(kept: &Item, other: &Item) -> Result<Vec<String>, Error> {
    let kept = Partition::open(kept.path())?;
    let mut missing = Vec::new();
    for segment in Partition::open(other.path())?.segments() {
        let Some(log) = segment.file(FileKind::Log).filter(|log| log.is_file()) else {
            continue;
        };
        let same = kept
            .items()
            .iter()
            .find(|item| item.name() == log.name() && item.is_file());
        let is_there = match same {
            Some(same) => begins(same, log)?,
            None => log.len_bytes() == 0,
        };
        if !is_there {
            missing.push(log.name().to_string_lossy().into_owned());
        }
    }
    Ok(missing)
}

/// Returns true if `whole` begins with all bytes of `part`.
fn begins(whole: &Item, part: &Item) -> Result<bool, Error> {
    use crate::store::{LogFile, Stream};
    const WINDOW: u64 = 1 << 20;
    if whole.len_bytes() < part.len_bytes() {
        return Ok(false);
    }
    let (a, b) = (
        LogFile::Windowed(Stream::open(whole.path())?),
        LogFile::Windowed(Stream::open(part.path())?),
    );
    let (mut one, mut two, mut at) = (Vec::new(), Vec::new(), 0);
    while at < part.len_bytes() {
        let range = at..part.len_bytes().min(at.saturating_add(WINDOW));
        if a.window(range.clone(), &mut one)? != b.window(range.clone(), &mut two)? {
            return Ok(false);
        }
        at = range.end;
    }
    Ok(true)
}

/// Whose log dir it is, where the metadata log proves it: it has the partitions here, by the ids of
/// their topics, in one log dir of one node.
fn owner(
    dir: &LogDir,
    findings: &[&Finding],
    seen: &Diagnosis,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let path = dir.path().join(META_PROPERTIES);
    let is_reported = findings.iter().any(|finding| *finding.path == *path);
    let Some(file) = steps.path(&path) else {
        return Ok(());
    };
    let item = dir.item(FileKind::MetaProperties);
    let bytes = item.and_then(|item| small(item.path()));
    let properties = bytes.map(|bytes| Properties::parse(&bytes));
    let meta = properties.as_ref().map(MetaProperties::of);
    let Some((node, cluster, directory)) = proven(dir, seen) else {
        let restated = properties.filter(|_| is_reported);
        return match restated.as_ref().and_then(restated_meta) {
            Some((bytes, why)) => set(
                &path,
                file,
                &bytes,
                Reason::derived(
                    &[CheckId::MetaMalformed, CheckId::DirectoryId],
                    why,
                    Origin::Lines,
                ),
                steps,
            ),
            None => Ok(()),
        };
    };
    let is_right = meta.as_ref().is_some_and(|meta| {
        meta.faults.is_empty()
            && meta.version == Some(1)
            && meta.node_id == Some(node)
            && meta.cluster_id.as_deref() == Some(cluster)
            && meta.directory_id == Some(directory)
    });
    if is_right || !is_reported && meta.is_none() {
        return Ok(());
    }
    let bytes = meta_properties(node, cluster, Some(&directory));
    let checks = [
        CheckId::MetaMalformed,
        CheckId::MetaMismatch,
        CheckId::DirectoryId,
        CheckId::TopicIdUnknown,
    ];
    let why = format!(
        "the metadata log has the partitions here (by their topic ids) on node {node}, in the log \
         dir with this id"
    );
    set(
        &path,
        file,
        &bytes,
        Reason::derived(&checks, why, Origin::MetadataLog),
        steps,
    )
}

/// `meta.properties` with its version right, or without a directory id that no broker accepts; and
/// why. None if more than that is wrong.
fn restated_meta(properties: &Properties) -> Option<(Vec<u8>, &'static str)> {
    let value = |key| properties.get(key).map(|entry| entry.value.as_str());
    let node = value("node.id")?.parse().ok().filter(|node| *node >= 0)?;
    let cluster = value("cluster.id").filter(|cluster| !cluster.is_empty())?;
    let directory =
        value("directory.id").map(|id| parse_uuid(id).filter(|id| !is_reserved_id(*id)));
    let why = match directory {
        Some(None) => "this id is reserved: without an id, a broker creates a new one",
        _ if value("version") == Some("1") => return None,
        _ => "its properties are those of version 1",
    };
    Some((
        meta_properties(node, cluster, directory.flatten().as_ref()),
        why,
    ))
}

/// The node, the cluster and the id of the log dir, if the metadata log agrees on them for all
/// partitions that it knows here.
fn proven<'a>(dir: &LogDir, seen: &'a Diagnosis) -> Option<(i32, &'a str, Uuid)> {
    let image = seen.proof.cluster.as_ref()?;
    let (cluster, node) = seen.proof.owner.as_ref()?;
    let mut directories = BTreeSet::new();
    for item in dir.partitions() {
        let Some((topic, partition, DirState::Current)) = item.partition_name() else {
            continue;
        };
        let stored = Partition::open(item.path())
            .ok()
            .as_ref()
            .and_then(topic_id);
        let known = stored.and_then(|id| image.topics.get(&id));
        let known = known.filter(|known| known.name == topic);
        let known = known.and_then(|known| known.partitions.get(&partition));
        directories.extend(known.and_then(|known| known.directory(*node)));
    }
    let directory = directories.pop_first().filter(|_| directories.is_empty())?;
    Some((*node, cluster, directory))
}
