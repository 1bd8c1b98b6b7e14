//! The start of the metadata log: `KafkaMetadataLog`.

use super::conditions::Conditions;
use super::partition;
use super::snapshots;
use super::start::{Given, Start};
use super::verdict::{Outcome, PartitionVerdict};
use crate::store::{Error, Partition};

/// What becomes of the metadata log. It is recovered from its first segment on, whatever marker there is.
pub(super) fn verdict(
    opened: &Partition,
    conditions: &Conditions,
) -> Result<PartitionVerdict, Error> {
    let conditions = Conditions {
        index_bytes: Conditions::default().index_bytes,
        index_interval_bytes: Conditions::default().index_interval_bytes,
        ..conditions.clone()
    };
    let mut start = Start::new(opened.items(), &conditions);
    let loaded = start.load(Given::default());
    let mut verdict = partition::conclude(
        &partition::dir_name(opened),
        start,
        loaded,
        &mut snapshots::recover,
    )?;
    // Without its metadata log a node cannot live.
    if verdict.outcome == Outcome::Offline {
        verdict.outcome = Outcome::Refuses;
    }
    Ok(verdict)
}
