//! Kafka's internal topics, and the ids that it reserves.

use crate::wire::Uuid;

/// The topic of group metadata and committed offsets (`Topic.GROUP_METADATA_TOPIC_NAME`).
pub const CONSUMER_OFFSETS: &str = "__consumer_offsets";

/// The topic of the transaction coordinator (`Topic.TRANSACTION_STATE_TOPIC_NAME`).
pub const TRANSACTION_STATE: &str = "__transaction_state";

/// The topic of the share coordinator (`Topic.SHARE_GROUP_STATE_TOPIC_NAME`).
pub const SHARE_GROUP_STATE: &str = "__share_group_state";

/// The metadata log of a `KRaft` cluster (`Topic.CLUSTER_METADATA_TOPIC_NAME`).
pub const CLUSTER_METADATA: &str = "__cluster_metadata";

/// The topic of segments in tiered storage (`TopicBasedRemoteLogMetadataManagerConfig`).
pub const REMOTE_LOG_METADATA: &str = "__remote_log_metadata";

/// All of them.
pub const INTERNAL: [&str; 5] = [
    CONSUMER_OFFSETS,
    TRANSACTION_STATE,
    CLUSTER_METADATA,
    SHARE_GROUP_STATE,
    REMOTE_LOG_METADATA,
];

/// Those that brokers create with `cleanup.policy=compact` (`AutoTopicCreationManager`).
pub const COMPACTED: [&str; 2] = [CONSUMER_OFFSETS, TRANSACTION_STATE];

/// The id that means "none" (`Uuid.ZERO_UUID`).
pub const NO_ID: Uuid = [0; 16];

/// The id of [`CLUSTER_METADATA`] (`Uuid.METADATA_TOPIC_ID`).
pub const CLUSTER_METADATA_ID: Uuid = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// Ids below this number are reserved (`DirectoryId.RESERVED`: the first hundred).
const RESERVED_IDS: u128 = 100;

/// Returns true if Kafka reserves `id`: no topic or directory gets such an id.
#[must_use]
pub const fn is_reserved_id(id: Uuid) -> bool {
    u128::from_be_bytes(id) < RESERVED_IDS
}

/// The longest name of a topic, in characters (`Topic.MAX_NAME_LENGTH`).
pub const MAX_NAME_CHARS: usize = 249;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hundred_ids_are_reserved() {
        let id = |number: u128| number.to_be_bytes();
        assert!(is_reserved_id(NO_ID) && is_reserved_id(CLUSTER_METADATA_ID));
        assert!(is_reserved_id(id(99)) && !is_reserved_id(id(100)));
        assert!(!is_reserved_id([1; 16]));
    }
}
