//! P: producer snapshots.

macro_rules! producer { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// producer snapshot checksum mismatch
///
/// **What** The checksum of a `.snapshot` is not that of its bytes.
/// **Why it happens** A bit flipped, or the file was torn.
/// **What Kafka does** It deletes the snapshot and takes an older one, or reads the log.
/// **Repair** Rebuild the snapshot, or delete it.
/// **References** `ProducerStateManager.readSnapshot`.
Producer P101 SnapshotCrc "snapshot-crc" Warning Sum Safe;

/// a producer snapshot of an unknown version
///
/// **What** A `.snapshot` has a version that Kafka never wrote.
/// **Why it happens** A bit flipped, or a later release wrote it.
/// **What Kafka does** It deletes the snapshot and takes an older one.
/// **Repair** Rebuild the snapshot, or delete it.
/// **References** `ProducerStateManager.PRODUCER_SNAPSHOT_VERSION`.
Producer P102 SnapshotVersion "snapshot-version" Warning Shape Safe;

/// a producer snapshot disagrees with the log
///
/// **What** What a `.snapshot` says of a producer is not what the log up to its offset amounts to.
/// **Why it happens** The snapshot is of another partition or time, or the log changed.
/// **What Kafka does** It believes the snapshot: producers are refused, duplicates pass, the last stable offset is wrong.
/// **Repair** Rebuild the snapshot from the log.
/// **References** `ProducerStateManager.loadFromSnapshot`.
Producer P103 SnapshotMismatch "snapshot-mismatch" Error Cross Safe;

/// a producer snapshot beyond the log end
///
/// **What** A `.snapshot` carries an offset beyond the log end.
/// **Why it happens** The log was cut or lost its last segments.
/// **What Kafka does** It deletes the snapshot.
/// **Repair** Delete it.
/// **References** `ProducerStateManager.truncateAndReload`.
Producer P104 SnapshotBeyondLog "snapshot-beyond-log" Warning Cross Safe;

/// a producer snapshot that belongs to no segment
///
/// **What** The offset of a `.snapshot` is neither a segment's base nor the end of the log.
/// **Why it happens** Segments were merged or deleted, or the broker stopped in between.
/// **What Kafka does** It deletes all but the newest of them.
/// **Repair** None is needed.
/// **References** `ProducerStateManager.removeStraySnapshots`.
Producer P105 SnapshotStray "snapshot-stray" Note Cross None;

/// a segment without a producer snapshot
///
/// **What** A segment other than the first has no `.snapshot`.
/// **Why it happens** It was deleted, or a release before 2.8 wrote the log.
/// **What Kafka does** It reads more of the log at the next unclean start; tiered storage can't copy the segment before of it.
/// **Repair** Build the snapshot from the log.
/// **References** KIP-360; KAFKA-12520.
Producer P106 SnapshotMissing "snapshot-missing" Note Cross None;

/// no producer snapshot at the log end after a clean shutdown
///
/// **What** The clean-shutdown marker is there, but the newest `.snapshot` is not at the log's end, or there is none.
/// **Why it happens** The log or its snapshots were changed after the stop.
/// **What Kafka does** Without any snapshot it forgets all producers, silently.
/// **Repair** Build the snapshot from the log, or remove the marker.
/// **References** `UnifiedLog.rebuildProducerState`.
Producer P107 SnapshotNotAtEnd "snapshot-not-at-end" Error Cross Safe
    severity Warning "where there are older ones";

/// a producer snapshot with offsets beyond its own
///
/// **What** A producer's last offset, or the first of its open transaction, is not below the offset in the file's name.
/// **Why it happens** The file was renamed or changed.
/// **What Kafka does** It believes it: the last stable offset may stay put forever.
/// **Repair** Rebuild the snapshot from the log.
/// **References** `ProducerStateEntry`.
Producer P108 SnapshotOffsets "snapshot-offsets" Error Shape Safe;

/// a malformed producer snapshot
///
/// **What** The size of a `.snapshot` is not that of the entries it announces.
/// **Why it happens** The file was torn, emptied or overwritten.
/// **What Kafka does** It deletes the snapshot and takes an older one.
/// **Repair** Rebuild the snapshot, or delete it.
/// **References** `ProducerStateManager.readSnapshot`.
Producer P109 SnapshotMalformed "snapshot-malformed" Warning Shape Safe;

} } } }
