//! The id of a partition's topic: `partition.metadata`.

use std::path::Path;
use std::sync::Arc;

use crate::format::fault::PropertiesFault;
use crate::format::{FaultKind, FileKind, PartitionMetadata, topic};
use crate::store::{Item, Partition};
use crate::verify::catalog::{CheckId, Severity};
use crate::verify::finding::Finding;
use crate::verify::outcome::Outcome;
use crate::wire::Uuid;

/// `partition.metadata` by itself.
pub(in crate::verify) fn check(
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
pub(super) fn of(partition: &Partition, outcome: &mut Outcome) -> Option<(Uuid, Arc<Path>)> {
    let item = partition.item(FileKind::PartitionMetadata)?;
    let (path, metadata) = check(item, outcome)?;
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
