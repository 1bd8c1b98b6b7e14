//! Facts that a partition and its log dir exchange.

use std::path::Path;
use std::sync::Arc;

use super::setting::Stop;
use crate::decode::schema_ids::SchemaIds;
use crate::wire::{Offset, Uuid};

/// The facts about a partition in its log dir.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogDirContext {
    /// The kind of shutdown of the log dir.
    pub(super) stop: Stop,
    /// The recovery point: the offset up to which the partition was flushed.
    pub(super) recovery_point: Option<Offset>,
    /// The log start offset, if it is after the base offset of the first segment.
    pub(super) log_start: Option<Offset>,
    /// True if the checkpoint of log start offsets could be read.
    pub(super) knows_log_start: bool,
    /// True if the partition was ever compacted; `None` if its log dir has no checkpoints that show
    /// it.
    pub(super) was_compacted: Option<bool>,
    /// True if older segments may be in tiered storage; leader epochs include these.
    pub(super) may_be_tiered: bool,
}

impl LogDirContext {
    /// Returns true if a checkpoint shows that the partition had records.
    pub(super) fn knows_records(&self) -> bool {
        let mut offsets = [self.recovery_point, self.log_start].into_iter().flatten();
        offsets.any(|offset| offset.0 > 0)
    }

    /// A context in which only the kind of shutdown is known.
    #[must_use]
    pub(super) const fn unknown(stop: Stop) -> Self {
        Self {
            stop,
            recovery_point: None,
            log_start: None,
            knows_log_start: false,
            was_compacted: None,
            may_be_tiered: true,
        }
    }
}

/// The start and end of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogExtent {
    /// The first segment's base offset.
    pub start: Offset,
    /// The last segment's base offset.
    pub active: Offset,
    /// The offset after the last valid batch.
    pub end: Offset,
    /// The start offset of the first epoch in `leader-epoch-checkpoint`.
    pub epochs: Option<Offset>,
    /// True if everything in the last segment could be read.
    pub is_sure: bool,
}

/// The facts that became known about a partition.
#[derive(Debug, Clone, Default)]
pub(super) struct PartitionFacts {
    /// The start and end of its log, if it has one.
    pub(super) extent: Option<LogExtent>,
    /// The id of its topic, and the file that contains it.
    pub(super) topic_id: Option<(Uuid, Arc<Path>)>,
    /// The schema ids of its records.
    pub(super) schema_ids: SchemaIds,
}
