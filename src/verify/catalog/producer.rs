//! P: producer snapshots.

macro_rules! producer { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// producer snapshot checksum mismatch
///
/// **What** The checksum of a `.snapshot` is not that of its bytes.
/// **Why it happens** A bit flipped, or the file was written incompletely.
/// **What Kafka does** It deletes the snapshot and uses an older one, or reads the log.
/// **Repair** Rebuild the snapshot, or delete it.
/// **References** `ProducerStateManager.readSnapshot`.
Producer P101 SnapshotCrc "snapshot-crc" Warning Sum Lossless;

/// a producer snapshot of an unknown version
///
/// **What** A `.snapshot` has a version that Kafka never wrote.
/// **Why it happens** A bit flipped, or a later release wrote it.
/// **What Kafka does** It deletes the snapshot and uses an older one.
/// **Repair** Rebuild the snapshot, or delete it.
/// **References** `ProducerStateManager.PRODUCER_SNAPSHOT_VERSION`.
Producer P102 SnapshotVersion "snapshot-version" Warning Shape Lossless;

/// a producer snapshot disagrees with the log
///
/// **What** The state of a producer in a `.snapshot` is not that of the log up to its offset.
/// **Why it happens** The snapshot belongs to another partition or an earlier log, or the log changed.
/// **What Kafka does** It trusts the snapshot: producers are refused, duplicates are accepted, the last stable offset is wrong.
/// **Repair** Rebuild the snapshot from the log.
/// **References** `ProducerStateManager.loadFromSnapshot`.
Producer P103 SnapshotMismatch "snapshot-mismatch" Error Cross Lossless;

/// a producer snapshot beyond the log end
///
/// **What** The offset of a `.snapshot` is beyond the log end.
/// **Why it happens** The log was truncated, or its last segments are lost.
/// **What Kafka does** It deletes the snapshot.
/// **Repair** Delete it.
/// **References** `ProducerStateManager.truncateAndReload`.
Producer P104 SnapshotBeyondLog "snapshot-beyond-log" Warning Cross Lossy;

/// a producer snapshot that belongs to no segment
///
/// **What** The offset of a `.snapshot` is neither a segment's base nor the end of the log.
/// **Why it happens** Segments were merged or deleted, or the broker stopped while it did so.
/// **What Kafka does** It deletes all but the newest of them.
/// **Repair** No repair is needed.
/// **References** `ProducerStateManager.removeStraySnapshots`.
Producer P105 SnapshotStray "snapshot-stray" Note Cross None;

/// a segment without a producer snapshot
///
/// **What** A segment other than the first has no `.snapshot`.
/// **Why it happens** It was deleted, or a release before 2.8 wrote the log.
/// **What Kafka does** It reads more of the log at the next unclean start; tiered storage can't upload the segment before it.
/// **Repair** Build the snapshot from the log.
/// **References** KIP-360; KAFKA-12520.
Producer P106 SnapshotMissing "snapshot-missing" Note Cross None;

/// no producer snapshot at the log end after a clean shutdown
///
/// **What** The clean shutdown marker is there, but the newest `.snapshot` is not at the log's end, or there is none.
/// **Why it happens** The log or its snapshots were changed after the shutdown.
/// **What Kafka does** Without any snapshot it loses the state of all producers, without an error.
/// **Repair** Build the snapshot from the log, or remove the marker.
/// **References** `UnifiedLog.rebuildProducerState`.
Producer P107 SnapshotNotAtEnd "snapshot-not-at-end" Error Cross Lossless
    severity Warning "where there are older ones";

/// a producer snapshot with offsets beyond its own
///
/// **What** A producer's last offset, or the first of its open transaction, is not below the offset in the file's name.
/// **Why it happens** The file was renamed or changed.
/// **What Kafka does** It trusts the snapshot: the last stable offset may never advance.
/// **Repair** Rebuild the snapshot from the log.
/// **References** `ProducerStateEntry`.
Producer P108 SnapshotOffsets "snapshot-offsets" Error Shape Lossless;

/// a malformed producer snapshot
///
/// **What** The size of a `.snapshot` doesn't match its number of entries.
/// **Why it happens** The file was written incompletely, truncated or overwritten.
/// **What Kafka does** It deletes the snapshot and uses an older one.
/// **Repair** Rebuild the snapshot, or delete it.
/// **References** `ProducerStateManager.readSnapshot`.
Producer P109 SnapshotMalformed "snapshot-malformed" Warning Shape Lossless;

} } } }
