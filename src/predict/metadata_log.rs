//! The start of the metadata log: `KafkaMetadataLog`.

use super::cluster::{self, Cluster};
use super::conditions::Conditions;
use super::partition;
use super::settings::Settings;
use super::snapshots;
use super::start::{Given, Start};
use super::verdict::{PartitionVerdict, StartOutcome};
use crate::format::topic::CLUSTER_METADATA;
use crate::report::MetadataImage;
use crate::store::{Error, Partition};

/// Predicts the outcome of the metadata log, and returns the cluster that results from it. It is
/// recovered from its first segment on, even after a clean shutdown, and has settings of its own.
pub(super) fn verdict(
    opened: &Partition,
    conditions: &Conditions,
) -> Result<(PartitionVerdict, Option<MetadataImage>), Error> {
    let conditions = Conditions {
        settings: Settings::default(),
        now_ms: None,
        // A node reads all of it; consumers don't.
        reads_all: false,
        ..conditions.clone()
    };
    let cluster = Cluster::default();
    let settings = cluster.settings(CLUSTER_METADATA, &conditions);
    let mut start = Start::new(opened.items(), &settings, &conditions);
    let loaded = start.load(Given::default());
    let mut image = None;
    let (mut verdict, _) = partition::conclude(
        &partition::dir_name(opened),
        start,
        loaded,
        &mut |start, bounds| {
            snapshots::recover(start, bounds)?;
            image = Some(cluster::image(start)?);
            Ok(())
        },
    )?;
    // A node does not start without its metadata log.
    if verdict.outcome == StartOutcome::Offline {
        verdict.outcome = StartOutcome::Refuses;
    }
    Ok((verdict, image))
}
