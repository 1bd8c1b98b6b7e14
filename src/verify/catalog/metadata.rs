//! M: the metadata log.

macro_rules! metadata { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// the metadata log has a gap
///
/// **What** Offsets are missing in `__cluster_metadata`, or a batch is damaged.
/// **Why it happens** Data was lost, or batches were removed.
/// **What Kafka does** It truncates the log there, and may lose metadata.
/// **Repair** Never remove batches; let the node fetch the metadata again from the quorum.
/// **References** `KafkaRaftLog`, `RecordsBatchReader`.
Metadata M101 MetadataGap "metadata-gap" Error Cross Manual;

/// an invalid quorum state
///
/// **What** `quorum-state` can't be read, or its epoch is below that of the log.
/// **Why it happens** It was written incompletely or edited, or belongs to an earlier state.
/// **What Kafka does** It doesn't start, or uses the epoch of the log.
/// **Repair** Never edit votes; delete it only on a node that joins the quorum again.
/// **References** `FileQuorumStateStore`.
Metadata M102 QuorumState "quorum-state" Error Cross Manual
    severity Warning "where its epoch is below that of the log"
    severity Note "where it is missing"
    fix Lossy "where it can't be read";

/// the snapshot before the metadata log is missing
///
/// **What** The metadata log doesn't begin at 0, and no snapshot reaches its start.
/// **Why it happens** The snapshot was deleted.
/// **What Kafka does** It doesn't start.
/// **Repair** Restore the snapshot, or let the node fetch it again.
/// **References** `KafkaRaftLog.recover`.
Metadata M103 MetadataSnapshotMissing "metadata-snapshot-missing" Error Cross Manual;

/// an incomplete metadata snapshot
///
/// **What** A `.checkpoint` has damaged batches, doesn't begin with a header, or doesn't end with a footer.
/// **Why it happens** It was written incompletely or overwritten.
/// **What Kafka does** It fails to load it; it accepts a missing footer.
/// **Repair** Use an older snapshot and the log after it.
/// **References** `RecordsSnapshotReader`, KIP-630.
Metadata M104 MetadataSnapshot "metadata-snapshot" Error Sum Manual
    severity Warning "where only its footer is missing"
    fix Lossy "where the log or an older snapshot has the same records";

/// a metadata snapshot disagrees with the log
///
/// **What** The epoch in a snapshot's name is not that of the log at its offset.
/// **Why it happens** It belongs to an earlier log or another node.
/// **What Kafka does** It may truncate the whole log, or hang.
/// **Repair** Let the node fetch the metadata again.
/// **References** `KafkaRaftLog.truncateToLatestSnapshot`.
Metadata M105 MetadataSnapshotMismatch "metadata-snapshot-mismatch" Warning Cross Lossy;

/// a wrong topic id in the metadata log
///
/// **What** The `partition.metadata` of `__cluster_metadata-0` doesn't have the id that Kafka reserves for it.
/// **Why it happens** The file was edited or copied.
/// **What Kafka does** It doesn't start.
/// **Repair** Write the reserved id.
/// **References** `Uuid.METADATA_TOPIC_ID`.
Metadata M106 MetadataTopicId "metadata-topic-id" Error Shape Lossless;

/// a leftover metadata snapshot
///
/// **What** There is a `.part` or `.checkpoint.deleted` file.
/// **Why it happens** The broker stopped before it had completed or deleted it.
/// **What Kafka does** It deletes it.
/// **Repair** No repair is needed.
/// **References** `KafkaRaftLog`.
Metadata M107 MetadataLeftover "metadata-leftover" Note Shape None;

} } } }
