//! Names: what lies in log dirs and partitions, whether it belongs there, and what a broker does about it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::catalog::{CheckId, Severity};
use super::coverage::Coverage;
use super::finding::Finding;
use super::suite::Outcome;
use crate::format::name::{self, DirState, FileState};
use crate::format::topic;
use crate::format::{DirName, FileKind, FileName, Scratch};
use crate::scan::{Event, Merge, Output, Policy, ScanOptions, Visitor, follow};
use crate::store::{Item, ItemType, LogDir, LogFile, Partition, Stream};

/// Suffixes that a broker takes for its own, whatever stands before them.
const TAKEN: [&str; 7] = [
    name::LOG_SUFFIX,
    name::OFFSET_INDEX_SUFFIX,
    name::TIME_INDEX_SUFFIX,
    name::TXN_INDEX_SUFFIX,
    name::PRODUCER_SNAPSHOT_SUFFIX,
    name::SWAP_SUFFIX,
    name::CLEANED_SUFFIX,
];

/// Looks at what lies directly in a log dir.
pub(super) fn log_dir(dir: &LogDir, outcome: &mut Outcome) {
    let mut twice: BTreeMap<(&str, i32, DirState), &Item> = BTreeMap::new();
    for item in dir.items() {
        let path: Arc<Path> = Arc::from(item.path());
        match item.kind() {
            ItemType::Directory => {
                directory(item, &path, outcome);
                if let Some(DirName::Partition {
                    topic,
                    partition,
                    state,
                    ..
                }) = item.dir_name()
                    && state == DirState::Future
                {
                    twice.insert((topic, partition, DirState::Current), item);
                }
            }
            ItemType::File => root_file(item, &path, outcome),
            _ => special(item, &path, outcome),
        }
    }
    // A move ends in another log dir: both in one can't be.
    for item in dir.partitions() {
        let Some(DirName::Partition {
            topic,
            partition,
            state,
            ..
        }) = item.dir_name()
        else {
            continue;
        };
        if let Some(future) = twice.get(&(topic, partition, state)) {
            outcome.findings.add(
                Finding::new(CheckId::PartitionTwice, &Arc::from(future.path())).says(format!(
                    "{topic}-{partition} is in the same log dir already"
                )),
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
        outcome
            .findings
            .add(finding(CheckId::NameNotCanonical).says(format!(
            "Kafka reads it as partition {partition} of topic {topic}, and would write {expected}"
        )));
    }
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !topic.chars().all(is_legal)
        || topic.len() > topic::MAX_NAME_CHARS
        || matches!(topic, "." | "..")
    {
        outcome.findings.add(
            finding(CheckId::NameNotCanonical).says(format!("no topic can be called {topic:?}")),
        );
    }
    match state {
        DirState::Delete => outcome.findings.add(finding(CheckId::PendingDeletion)),
        DirState::Stray => outcome.findings.add(finding(CheckId::StrayPartition)),
        _ => {}
    }
}

/// The name of a file in a log dir.
fn root_file(item: &Item, path: &Arc<Path>, outcome: &mut Outcome) {
    let is_at_home = |name: &FileName<'_>| {
        matches!(
            name.kind,
            FileKind::RecoveryPoints
                | FileKind::HighWatermarks
                | FileKind::LogStarts
                | FileKind::CleanerOffsets
                | FileKind::MetaProperties
                | FileKind::CleanShutdown
                | FileKind::Lock
                | FileKind::BootstrapSnapshot
                | FileKind::RemoteCommittedOffsets
        )
    };
    match item.file_name().filter(is_at_home) {
        Some(name) if name.state == FileState::Current => {
            if matches!(name.kind, FileKind::Lock | FileKind::RemoteCommittedOffsets) {
                account(item, outcome);
            }
        }
        Some(name) => leftover(item, path, name, outcome),
        // A broker looks at nothing else in a log dir.
        None => unrecognised(item, path, Severity::Note, "a broker ignores it", outcome),
    }
}

/// Looks at what lies in the directory of a partition.
pub(super) fn partition(partition: &Partition, outcome: &mut Outcome) {
    let is_metadata = partition.topic() == Some(topic::CLUSTER_METADATA);
    for item in partition.items() {
        let path: Arc<Path> = Arc::from(item.path());
        match item.kind() {
            ItemType::File => file(item, &path, is_metadata, outcome),
            ItemType::Directory if is_known(item) => outcome
                .findings
                .add(Finding::new(CheckId::Unreadable, &path).says("it is a directory")),
            ItemType::Directory => outcome.findings.add(
                Finding::new(CheckId::UnrecognisedDirectory, &path)
                    .severity(Severity::Note)
                    .says("a broker ignores directories in that of a partition"),
            ),
            _ => special(item, &path, outcome),
        }
    }
    segments(partition, outcome);
    swaps(partition, outcome);
}

/// Whether a broker would open it.
fn is_known(item: &Item) -> bool {
    item.file_name()
        .is_some_and(|name| name.state == FileState::Current)
}

/// The name of a file in the directory of a partition.
fn file(item: &Item, path: &Arc<Path>, is_metadata: bool, outcome: &mut Outcome) {
    let text = item.name().to_str().unwrap_or_default();
    let is_taken = TAKEN.iter().any(|suffix| text.ends_with(suffix));
    let Some(name) = item.file_name() else {
        if is_taken {
            let says =
                "Kafka takes it for its own, and does not start because it begins with no offset";
            unrecognised(item, path, Severity::Error, says, outcome);
        } else {
            unrecognised(item, path, Severity::Note, "a broker ignores it", outcome);
        }
        return;
    };
    if is_taken && name.offset.is_none() {
        let says = "Kafka does not start because the name begins with no offset";
        unrecognised(item, path, Severity::Error, says, outcome);
        return;
    }
    if name.state != FileState::Current {
        leftover(item, path, name, outcome);
        return;
    }
    match name.kind {
        FileKind::LeaderEpochs | FileKind::PartitionMetadata => {}
        FileKind::QuorumState | FileKind::MetadataSnapshot if is_metadata => {}
        FileKind::RemoteSnapshot => account(item, outcome),
        _ if is_taken && !name.is_canonical() => {
            let offset = name.offset.unwrap_or_default();
            outcome.findings.add(
                Finding::new(CheckId::NameNotCanonical, path)
                    .offset(offset.0)
                    .says(format!(
                        "Kafka reads offset {offset}, and makes an empty segment of the name {}",
                        name::stem(offset)
                    )),
            );
            account(item, outcome);
        }
        _ if is_taken => {}
        _ => unrecognised(
            item,
            path,
            Severity::Note,
            "a broker ignores it here",
            outcome,
        ),
    }
}

/// A pipe, a socket, a device, or a link to nothing.
fn special(item: &Item, path: &Arc<Path>, outcome: &mut Outcome) {
    let what = match item.kind() {
        ItemType::BrokenLink => "a link that leads nowhere",
        _ => "a pipe, a socket or a device",
    };
    let id = if is_known(item) {
        CheckId::Unreadable
    } else {
        CheckId::SpecialFile
    };
    outcome.findings.add(Finding::new(id, path).says(what));
}

fn unrecognised(
    item: &Item,
    path: &Arc<Path>,
    severity: Severity,
    says: &str,
    outcome: &mut Outcome,
) {
    let finding = Finding::new(CheckId::UnrecognisedFile, path);
    outcome.findings.add(finding.severity(severity).says(says));
    account(item, outcome);
}

fn leftover(item: &Item, path: &Arc<Path>, name: FileName<'_>, outcome: &mut Outcome) {
    let id = match name.kind {
        FileKind::MetadataSnapshot => CheckId::MetadataLeftover,
        _ => CheckId::Leftover,
    };
    let says = format!("{}, {}", name.kind.description(), name.state.description());
    outcome.findings.add(Finding::new(id, path).says(says));
    account(item, outcome);
}

/// Nothing looks into it.
fn account(item: &Item, outcome: &mut Outcome) {
    outcome.files.push(Arc::from(item.path()));
    outcome.coverage.merge(Coverage {
        unknown_bytes: item.len_bytes(),
        ..Coverage::of_file(item.len_bytes())
    });
}

/// Segments that lack their `.log`, and partitions that lack segments.
fn segments(partition: &Partition, outcome: &mut Outcome) {
    let segments = partition.segments();
    let has_log = segments
        .iter()
        .any(|segment| segment.file(FileKind::Log).is_some());
    for segment in &segments {
        if segment.file(FileKind::Log).is_some() {
            continue;
        }
        for (kind, item) in segment.files() {
            if *kind != FileKind::ProducerSnapshot && item.is_file() {
                let finding = Finding::new(CheckId::IndexWithoutLog, &Arc::from(item.path()));
                outcome
                    .findings
                    .add(finding.offset(segment.base_offset().0));
                account(item, outcome);
            }
        }
    }
    if !has_log && partition.state() == DirState::Current && partition.name().is_some() {
        let path: Arc<Path> = Arc::from(partition.path());
        outcome
            .findings
            .add(Finding::new(CheckId::NoSegment, &path));
    }
}

/// Swaps that a broker would finish at its next start: it looks at none of them.
fn swaps(partition: &Partition, outcome: &mut Outcome) {
    let named = |kind, offset, state| {
        partition.items().iter().any(|item| {
            let name = item.file_name();
            name.is_some_and(|n| n.kind == kind && n.offset == Some(offset) && n.state == state)
        })
    };
    for item in partition.items().iter().filter(|item| item.is_file()) {
        let Some(name) = item
            .file_name()
            .filter(|name| name.state == FileState::Swap)
        else {
            continue;
        };
        let Some(offset) = name.offset else { continue };
        let path: Arc<Path> = Arc::from(item.path());
        let is_there =
            |kind| named(kind, offset, FileState::Swap) || named(kind, offset, FileState::Current);
        let finding = Finding::new(CheckId::SwapIncomplete, &path).offset(offset.0);
        if name.kind == FileKind::Log {
            if let Some((position, what)) = damage(item) {
                outcome.findings.add(finding.at(position, 0).says(what));
            } else if !is_there(FileKind::OffsetIndex) {
                outcome.findings.add(finding.says("it has no offset index"));
            }
        } else if name.kind != FileKind::TransactionIndex && !is_there(FileKind::Log) {
            outcome.findings.add(finding.says("it has no .log"));
        }
    }
}

/// Where a swapped `.log` stops being whole.
fn damage(item: &Item) -> Option<(u64, String)> {
    if item.len_bytes() == 0 {
        return Some((0, "it is empty".to_owned()));
    }
    let log = LogFile::Windowed(Stream::open(item.path()).ok()?);
    let mut first = First(None);
    let nobody = &mut |_| ControlFlow::Continue(());
    follow(&log, ScanOptions::of(Policy::Verify), &mut first, nobody).ok()?;
    first.0
}

/// The first damage of a file.
struct First(Option<(u64, String)>);

impl Visitor for First {
    fn event(&mut self, event: Event<'_>, _: &mut Scratch, _: &mut Output<'_>) -> ControlFlow<()> {
        self.0 = match event.or_gap() {
            Event::Gap(gap) if gap.is_zeros() => {
                Some((gap.range().start, "it ends in zeros".to_owned()))
            }
            Event::Gap(gap) => Some((gap.range().start, gap.kind().to_string())),
            _ => return ControlFlow::Continue(()),
        };
        ControlFlow::Break(())
    }
}

/// Partitions that are in several log dirs, or several times in one.
pub(super) fn twice(dirs: &[LogDir], outcome: &mut Outcome) {
    let mut seen: BTreeMap<(String, i32, DirState), Arc<Path>> = BTreeMap::new();
    for item in dirs.iter().flat_map(LogDir::partitions) {
        let Some(DirName::Partition {
            topic,
            partition,
            state,
            ..
        }) = item.dir_name()
        else {
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
        let says = format!("{topic}-{partition} is in {} already", first.display());
        outcome.findings.add(Finding::new(id, &path).says(says));
    }
}
