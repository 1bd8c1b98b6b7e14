//! `__remote_log_metadata`: the segments that were copied to tiered storage.
//!
//! # References
//! `RemoteLogMetadataSerde`, `RemoteLogSegmentState`, `RemotePartitionDeleteState`; KIP-405.

/// The record type of a segment's first record.
pub const SEGMENT: i16 = 0;

/// The record type of a change of state.
pub const SEGMENT_UPDATE: i16 = 1;

/// The record type of the deletion of a partition.
pub const PARTITION_DELETE: i16 = 2;

/// The record type of a segment in a broker's own snapshot file, not expected in the topic.
pub const SEGMENT_SNAPSHOT: i16 = 3;

/// The name of a segment's state.
#[must_use]
pub fn segment_state(id: i64) -> Option<&'static str> {
    Some(match id {
        0 => "COPY_SEGMENT_STARTED",
        1 => "COPY_SEGMENT_FINISHED",
        2 => "DELETE_SEGMENT_STARTED",
        3 => "DELETE_SEGMENT_FINISHED",
        _ => return None,
    })
}

/// The name of the state of a partition that is being deleted.
#[must_use]
pub fn delete_state(id: i64) -> Option<&'static str> {
    Some(match id {
        0 => "DELETE_PARTITION_MARKED",
        1 => "DELETE_PARTITION_STARTED",
        2 => "DELETE_PARTITION_FINISHED",
        _ => return None,
    })
}
