//! Names in log dirs: unknown ones, and the reaction of a broker.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::format::name::{DirState, FileState};
use crate::format::topic;
use crate::format::{DirName, FileKind};
use crate::store::{Item, ItemType, LogDir};
use crate::verify::catalog::{CheckId, Severity};
use crate::verify::evidence::{NameFault, Twice, Unrecognised};
use crate::verify::finding::Finding;
use crate::verify::names::{account, leftover, special, unrecognised};
use crate::verify::outcome::Outcome;

/// Checks the names directly in a log dir.
pub(super) fn log_dir(dir: &LogDir, outcome: &mut Outcome) {
    let mut twice: BTreeMap<(&str, i32, DirState), &Item> = BTreeMap::new();
    for item in dir.items() {
        let path: Arc<Path> = Arc::from(item.path());
        match item.kind() {
            ItemType::Directory => {
                directory(item, &path, outcome);
                if let Some((topic, partition, state)) = item.partition_name()
                    && state == DirState::Future
                {
                    twice.insert((topic, partition, DirState::Current), item);
                }
            }
            ItemType::File => root_file(item, &path, outcome),
            _ => special(item, &path, outcome),
        }
    }
    // A partition is moved to another log dir, so both directories cannot be in one.
    for item in dir.partitions() {
        let Some((topic, partition, state)) = item.partition_name() else {
            continue;
        };
        if let Some(future) = twice.get(&(topic, partition, state)) {
            outcome.findings.add(
                Finding::new(CheckId::PartitionTwice, &Arc::from(future.path())).saw(Twice {
                    partition: format!("{topic}-{partition}"),
                    first: None,
                }),
            );
        }
    }
}

/// The name of a directory in a log dir.
fn directory(item: &Item, path: &Arc<Path>, outcome: &mut Outcome) {
    let finding = |id| Finding::new(id, path);
    let Some(name) = item.dir_name() else {
        outcome
            .findings
            .add(finding(CheckId::UnrecognisedDirectory));
        return;
    };
    let DirName::Partition {
        topic,
        partition,
        state,
        id,
    } = name
    else {
        return;
    };
    let plain = format!("{topic}-{partition}");
    let expected = match (state, id) {
        (DirState::Current, _) | (_, None) => plain,
        (DirState::Delete, Some(id)) => format!("{plain}.{id}-delete"),
        (DirState::Future, Some(id)) => format!("{plain}.{id}-future"),
        (DirState::Stray, Some(id)) => format!("{plain}.{id}-stray"),
    };
    if item.name().to_str() != Some(&expected) || partition < 0 {
        outcome.findings.add(
            finding(CheckId::NameNotCanonical).saw(NameFault::Partition {
                topic: topic.to_owned(),
                partition,
                expected,
            }),
        );
    }
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !topic.chars().all(is_legal)
        || topic.len() > topic::MAX_NAME_CHARS
        || matches!(topic, "." | "..")
    {
        outcome
            .findings
            .add(finding(CheckId::NameNotCanonical).saw(NameFault::Topic {
                topic: topic.to_owned(),
            }));
    }
    match state {
        DirState::Delete => outcome.findings.add(finding(CheckId::PendingDeletion)),
        DirState::Stray => outcome.findings.add(finding(CheckId::StrayPartition)),
        _ => {}
    }
}

/// The name of a file in a log dir.
fn root_file(item: &Item, path: &Arc<Path>, outcome: &mut Outcome) {
    match item
        .file_name()
        .filter(|name| LogDir::is_home_of(name.kind))
    {
        Some(name) if name.state == FileState::Current => {
            if matches!(name.kind, FileKind::Lock | FileKind::RemoteCommittedOffsets) {
                account(item, outcome);
            }
        }
        Some(name) => leftover(item, path, name, outcome),
        // A broker reads nothing else in a log dir.
        None => unrecognised(item, path, Severity::Note, Unrecognised::Ignores, outcome),
    }
}

/// Partitions that are in several log dirs, or several times in one.
pub(super) fn twice(dirs: &[LogDir], outcome: &mut Outcome) {
    let mut seen: BTreeMap<(String, i32, DirState), Arc<Path>> = BTreeMap::new();
    for item in dirs.iter().flat_map(LogDir::partitions) {
        let Some((topic, partition, state)) = item.partition_name() else {
            continue;
        };
        if !matches!(state, DirState::Current | DirState::Future) {
            continue;
        }
        let path: Arc<Path> = Arc::from(item.path());
        let Some(first) = seen.get(&(topic.to_owned(), partition, state)) else {
            seen.insert((topic.to_owned(), partition, state), path);
            continue;
        };
        let id = match topic {
            topic::CLUSTER_METADATA => CheckId::MetadataMisplaced,
            _ => CheckId::PartitionTwice,
        };
        let twice = Twice {
            partition: format!("{topic}-{partition}"),
            first: Some(first.display().to_string()),
        };
        outcome.findings.add(Finding::new(id, &path).saw(twice));
    }
}
