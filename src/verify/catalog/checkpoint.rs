//! C: checkpoints of a log dir.

macro_rules! checkpoint { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// a malformed checkpoint
///
/// **What** A line of a checkpoint file is not as it should be, or their number is not the one announced.
/// **Why it happens** The file was torn, emptied or edited.
/// **What Kafka does** At start the log dir goes offline, or the checkpoint is treated as empty, which depends on the file.
/// **Repair** Write the lines that can be read, or an empty checkpoint.
/// **References** `CheckpointFile.read`, `OffsetCheckpointFile`.
Checkpoint C101 CheckpointMalformed "checkpoint-malformed" Error Shape Safe;

/// a duplicate partition in a checkpoint
///
/// **What** A checkpoint has two lines for one partition.
/// **Why it happens** The file was edited.
/// **What Kafka does** The last line counts.
/// **Repair** Keep one line, the lower offset.
/// **References** `OffsetCheckpointFile.read`.
Checkpoint C102 CheckpointDuplicate "checkpoint-duplicate" Warning Shape Safe;

/// a checkpoint entry for a missing partition
///
/// **What** A line names a partition that has no directory in this log dir.
/// **Why it happens** The partition was deleted or moved after the last write.
/// **What Kafka does** It drops the line at the next write.
/// **Repair** None is needed.
/// **References** `LogManager.checkpointRecoveryOffsetsInDir`.
Checkpoint C103 CheckpointStray "checkpoint-stray" Note Cross None;

/// a recovery point beyond the log end
///
/// **What** `recovery-point-offset-checkpoint` has a higher offset than the log's end.
/// **Why it happens** The log lost its end after it was written to disk.
/// **What Kafka does** Recovery then looks at the last segment only.
/// **Repair** Lower it to the end of the log, or to 0 for a full recovery.
/// **References** `LogLoader.recoverLog`.
Checkpoint C104 RecoveryPointBeyondLog "recovery-point-beyond-log" Warning Cross Safe;

/// a high watermark beyond the log end
///
/// **What** `replication-offset-checkpoint` has a higher offset than the log's end.
/// **Why it happens** The log lost records that were committed.
/// **What Kafka does** It lowers the mark to the log's end. The records are lost unless a replica has them.
/// **Repair** Lower it to the end of the log.
/// **References** `UnifiedLog.updateHighWatermark`.
Checkpoint C105 HighWatermarkBeyondLog "high-watermark-beyond-log" Warning Cross Safe;

/// a log start offset beyond the log end
///
/// **What** `log-start-offset-checkpoint` has a higher offset than the log's end.
/// **Why it happens** The log lost its end, or the file was edited.
/// **What Kafka does** It deletes every segment and begins an empty log there.
/// **Repair** Lower it to the log's end or remove the line, before a broker starts.
/// **References** `LogLoader.load`, `deleteRetentionSegments`.
Checkpoint C106 LogStartBeyondLog "log-start-beyond-log" Error Cross Lossy;

/// a cleaner offset outside of the log
///
/// **What** `cleaner-offset-checkpoint` has an offset before the log's start or after the active segment's.
/// **Why it happens** The log was cut, or the file edited.
/// **What Kafka does** It begins to clean at the log's start again.
/// **Repair** Remove the line.
/// **References** `LogCleanerManager.cleanableOffsets`.
Checkpoint C107 CleanerOffsetOutside "cleaner-offset-outside" Warning Cross Safe
    severity Note "where the log begins after it";

/// a checkpoint below the log start
///
/// **What** A line has a lower offset than the log's first one.
/// **Why it happens** Retention or deletion raised the start since.
/// **What Kafka does** It raises the offset.
/// **Repair** None is needed.
/// **References** `LogLoader.load`.
Checkpoint C108 CheckpointBelowStart "checkpoint-below-start" Note Cross None;

/// a partition without a recovery point
///
/// **What** `recovery-point-offset-checkpoint` has no line for a partition that is here, and there is no clean-shutdown marker.
/// **Why it happens** The partition is new, or the file was lost.
/// **What Kafka does** It reads the whole log of the partition at start.
/// **Repair** None is needed.
/// **References** `LogManager.loadLogs`.
Checkpoint C109 CheckpointLacking "checkpoint-lacking" Note Cross None;

/// a recovery point that is not the log end after a clean shutdown
///
/// **What** The clean-shutdown marker is there, but a recovery point is not at the end of its log.
/// **Why it happens** Something changed the log after the stop.
/// **What Kafka does** It doesn't look, and takes the log as it is.
/// **Repair** Find out what changed the log; remove the marker for a full recovery.
/// **References** `LogManager.shutdown`.
Checkpoint C110 RecoveryPointNotAtEnd "recovery-point-not-at-end" Warning Cross Safe;

/// a negative offset in a checkpoint
///
/// **What** A line of a checkpoint has an offset below 0.
/// **Why it happens** The file was edited.
/// **What Kafka does** It works with the number, or fails, which depends on the file.
/// **Repair** Remove the line.
/// **References** `OffsetCheckpointFile`.
Checkpoint C111 CheckpointNegative "checkpoint-negative" Warning Shape Safe;

/// a log start offset that hides records
///
/// **What** After a clean shutdown `log-start-offset-checkpoint` begins a log after records that are there, and after its first leader epoch.
/// **Why it happens** The file was edited or is another's. When records are deleted on request, the first leader epoch is moved too.
/// **What Kafka does** It serves nothing before the log start, and deletes the segments before it.
/// **Repair** Unless the records were deleted on purpose, lower it to the first leader epoch, before a broker starts.
/// **References** `UnifiedLog.maybeIncrementLogStartOffset`, `LeaderEpochFileCache.truncateFromStart`.
Checkpoint C112 LogStartHides "log-start-hides" Warning Cross Lossy;

} } } }
