//! The directory of a partition: unknown names and the reaction of a broker, and the topic id.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::format::fault::PropertiesFault;
use crate::format::name::{self, DirState, FileState};
use crate::format::{FaultKind, FileKind, PartitionMetadata, Scratch, topic};
use crate::scan::{Event, Output, Policy, ScanOptions, Visitor, follow};
use crate::store::{Item, ItemType, LogFile, Partition, Stream};
use crate::verify::catalog::{CheckId, Severity};
use crate::verify::evidence::{NameFault, SwapFault, Unopened, Unrecognised};
use crate::verify::extent::LogDirContext;
use crate::verify::finding::Finding;
use crate::verify::names::{account, is_known, leftover, special, unrecognised};
use crate::verify::outcome::Outcome;
use crate::wire::Uuid;

/// Suffixes that a broker treats as its own, whatever is before them.
const TAKEN: [&str; 7] = [
    name::LOG_SUFFIX,
    name::OFFSET_INDEX_SUFFIX,
    name::TIME_INDEX_SUFFIX,
    name::TXN_INDEX_SUFFIX,
    name::PRODUCER_SNAPSHOT_SUFFIX,
    name::SWAP_SUFFIX,
    name::CLEANED_SUFFIX,
];

/// Checks the names in the directory of a partition.
pub(super) fn check(partition: &Partition, around: &LogDirContext, outcome: &mut Outcome) {
    let is_metadata = partition.topic() == Some(topic::CLUSTER_METADATA);
    for item in partition.items() {
        let path: Arc<Path> = Arc::from(item.path());
        match item.kind() {
            ItemType::File => file(item, &path, is_metadata, outcome),
            ItemType::Directory if is_known(item) => outcome
                .findings
                .add(Finding::new(CheckId::Unreadable, &path).saw(Unopened::Directory)),
            ItemType::Directory => outcome.findings.add(
                Finding::new(CheckId::UnrecognisedDirectory, &path)
                    .severity(Severity::Note)
                    .saw(Unrecognised::IgnoresDirectories),
            ),
            _ => special(item, &path, outcome),
        }
    }
    segments(partition, around, outcome);
    swaps(partition, outcome);
}

/// The name of a file in the directory of a partition.
fn file(item: &Item, path: &Arc<Path>, is_metadata: bool, outcome: &mut Outcome) {
    let text = item.name().to_str().unwrap_or_default();
    let is_taken = TAKEN.iter().any(|suffix| text.ends_with(suffix));
    let Some(name) = item.file_name() else {
        if is_taken {
            let broker = Unrecognised::RefusesSuffix;
            unrecognised(item, path, Severity::Error, broker, outcome);
        } else {
            unrecognised(item, path, Severity::Note, Unrecognised::Ignores, outcome);
        }
        return;
    };
    if is_taken && name.offset.is_none() {
        let broker = Unrecognised::RefusesName;
        unrecognised(item, path, Severity::Error, broker, outcome);
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
                    .saw(NameFault::Segment {
                        offset: offset.0,
                        expected: name::stem(offset),
                    }),
            );
            account(item, outcome);
        }
        _ if is_taken => {}
        _ => unrecognised(
            item,
            path,
            Severity::Note,
            Unrecognised::IgnoresHere,
            outcome,
        ),
    }
}

/// Segments that lack their `.log`, and partitions that lack segments.
fn segments(partition: &Partition, around: &LogDirContext, outcome: &mut Outcome) {
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
        let finding = Finding::new(CheckId::NoSegment, &path);
        // A broker creates the directory first, and stopped then.
        let is_new = partition.items().is_empty() && !around.knows_records();
        outcome.findings.add(if is_new {
            finding.severity(Severity::Note)
        } else if around.knows_records() {
            finding.severity(Severity::Error)
        } else {
            finding
        });
    }
}

/// Checks swap files that a broker would rename at its next start without a check.
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
                outcome.findings.add(finding.at(position, 0).saw(what));
            } else if !is_there(FileKind::OffsetIndex) {
                outcome.findings.add(finding.saw(SwapFault::OffsetIndex));
            }
        } else if name.kind != FileKind::TransactionIndex && !is_there(FileKind::Log) {
            outcome.findings.add(finding.saw(SwapFault::Log));
        }
    }
}

/// Returns the first damage of a swapped `.log`.
fn damage(item: &Item) -> Option<(u64, SwapFault)> {
    if item.len_bytes() == 0 {
        return Some((0, SwapFault::Batches));
    }
    let log = LogFile::Windowed(Stream::open(item.path()).ok()?);
    let mut first = First(None);
    let nobody = &mut |_| ControlFlow::Continue(());
    follow(&log, ScanOptions::of(Policy::Verify), &mut first, nobody).ok()?;
    first.0
}

/// The first damage of a file.
struct First(Option<(u64, SwapFault)>);

impl Visitor for First {
    fn event(&mut self, event: Event<'_>, _: &mut Scratch, _: &mut Output<'_>) -> ControlFlow<()> {
        self.0 = match event.into_batch() {
            Err(gap) if gap.is_zeros() => Some((gap.range().start, SwapFault::End)),
            Err(gap) => Some((
                gap.range().start,
                SwapFault::Soundness {
                    damage: gap.to_string(),
                },
            )),
            Ok(_) => return ControlFlow::Continue(()),
        };
        ControlFlow::Break(())
    }
}

/// `partition.metadata` by itself.
pub(in crate::verify) fn metadata(
    item: &Item,
    outcome: &mut Outcome,
) -> Option<(Arc<Path>, PartitionMetadata)> {
    let (path, bytes) = outcome.read_small(item)?;
    let metadata = PartitionMetadata::parse(&bytes);
    for fault in &metadata.faults {
        // Kafka reads any version that is not negative.
        let is_read = match fault.kind() {
            FaultKind::Properties(PropertiesFault::Version(version)) => version >= 0,
            _ => false,
        };
        let severity = if is_read {
            Severity::Warning
        } else {
            Severity::Error
        };
        outcome.findings.add(
            Finding::new(CheckId::PartitionMetadataMalformed, &path)
                .severity(severity)
                .at(fault.at() as u64, 0)
                .saw(*fault),
        );
    }
    Some((path, metadata))
}

/// The id of a partition's topic in `partition.metadata`; `None` for the metadata log, whose id is
/// reserved.
pub(super) fn topic_id(partition: &Partition, outcome: &mut Outcome) -> Option<(Uuid, Arc<Path>)> {
    let item = partition.item(FileKind::PartitionMetadata)?;
    let (path, metadata) = metadata(item, outcome)?;
    let id = metadata.topic_id.filter(|id| *id != topic::NO_ID)?;
    if partition.topic() != Some(topic::CLUSTER_METADATA) {
        return Some((id, path));
    }
    if id != topic::CLUSTER_METADATA_ID {
        outcome
            .findings
            .add(Finding::new(CheckId::MetadataTopicId, &path));
    }
    None
}
