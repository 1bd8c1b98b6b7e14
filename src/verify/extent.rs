//! What a partition and its log dir know of each other.

use std::path::Path;
use std::sync::Arc;

use super::setting::Stop;
use crate::decode::schema_ids::SchemaIds;
use crate::wire::{Offset, Uuid};

/// What a log dir says of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogDirContext {
    /// How the broker left the log dir.
    pub(super) stop: Stop,
    /// Up to where the partition was flushed.
    pub(super) recovery_point: Option<Offset>,
    /// Where the partition begins, if behind its first segment's base offset.
    pub(super) log_start: Option<Offset>,
    /// Whether the partition was ever compacted, if its log dir has checkpoints that tell.
    pub(super) was_compacted: Option<bool>,
    /// Whether older segments may be in tiered storage, of which leader epochs tell too.
    pub(super) may_be_tiered: bool,
}

impl LogDirContext {
    /// Nothing but how the broker stopped is known.
    #[must_use]
    pub(super) const fn unknown(stop: Stop) -> Self {
        Self {
            stop,
            recovery_point: None,
            log_start: None,
            was_compacted: None,
            may_be_tiered: true,
        }
    }
}

/// Where a log begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogExtent {
    /// The first segment's base offset.
    pub start: Offset,
    /// The last segment's base offset.
    pub active: Offset,
    /// Behind the last good batch.
    pub end: Offset,
    /// Where the first leader epoch begins, as `leader-epoch-checkpoint` has it.
    pub epochs: Option<Offset>,
    /// Whether everything in the last segment could be read.
    pub is_sure: bool,
}

/// What became known of a partition.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Where its log begins and ends, if it has one.
    pub(super) extent: Option<LogExtent>,
    /// The id of its topic, and the file that says so.
    pub(super) topic_id: Option<(Uuid, Arc<Path>)>,
    /// The schema ids of its records.
    pub(super) schema_ids: SchemaIds,
}
