//! C: checkpoints of a log dir.

macro_rules! checkpoint { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// a malformed checkpoint
///
/// **What** A line of a checkpoint file is invalid, or the number of lines is not the one in the file.
/// **Why it happens** The file was written incompletely, truncated or edited.
/// **What Kafka does** At start the log dir goes offline, or the checkpoint is treated as empty, depending on the file.
/// **Repair** Keep the valid lines, or write an empty checkpoint.
/// **References** `CheckpointFile.read`, `OffsetCheckpointFile`.
Checkpoint C101 CheckpointMalformed "checkpoint-malformed" Error Shape Lossless;

/// a duplicate partition in a checkpoint
///
/// **What** A checkpoint has two lines for one partition.
/// **Why it happens** The file was edited.
/// **What Kafka does** It uses the last line.
/// **Repair** Keep one line, the lower offset.
/// **References** `OffsetCheckpointFile.read`.
Checkpoint C102 CheckpointDuplicate "checkpoint-duplicate" Warning Shape Lossless;

/// a checkpoint entry for a missing partition
///
/// **What** A line is for a partition that has no directory in this log dir.
/// **Why it happens** The partition was deleted or moved after the last write.
/// **What Kafka does** It removes the line at the next write.
/// **Repair** No repair is needed.
/// **References** `LogManager.checkpointRecoveryOffsetsInDir`.
Checkpoint C103 CheckpointStray "checkpoint-stray" Note Cross None;

/// a recovery point beyond the log end
///
/// **What** `recovery-point-offset-checkpoint` has an offset beyond the log end offset.
/// **Why it happens** The end of the log was lost after it was flushed; or the topic was deleted and created again after the last write.
/// **What Kafka does** Recovery then checks only the last segment.
/// **Repair** Lower it to the end of the log, or to 0 for a full recovery.
/// **References** `LogLoader.recoverLog`.
Checkpoint C104 RecoveryPointBeyondLog "recovery-point-beyond-log" Warning Cross Lossy
    severity Note "where a broker runs";

/// a high watermark beyond the log end
///
/// **What** `replication-offset-checkpoint` has an offset beyond the log end offset.
/// **Why it happens** Committed records of the log were lost; or the topic was deleted and created again after the last write.
/// **What Kafka does** It lowers the high watermark to the log end offset. The records are lost unless a replica has them.
/// **Repair** Lower it to the end of the log.
/// **References** `UnifiedLog.updateHighWatermark`.
Checkpoint C105 HighWatermarkBeyondLog "high-watermark-beyond-log" Warning Cross Lossy
    severity Note "where a broker runs";

/// a log start offset beyond the log end
///
/// **What** `log-start-offset-checkpoint` has an offset beyond the log end offset.
/// **Why it happens** The end of the log was lost, or the file was edited.
/// **What Kafka does** It deletes every segment, and starts an empty log at that offset.
/// **Repair** Lower it to the log end offset or remove the line, before a broker starts.
/// **References** `LogLoader.load`, `deleteRetentionSegments`.
Checkpoint C106 LogStartBeyondLog "log-start-beyond-log" Error Cross Lossy
    severity Note "where a broker runs";

/// a cleaner offset outside of the log
///
/// **What** `cleaner-offset-checkpoint` has an offset before the log start or after the start of the active segment.
/// **Why it happens** The log was truncated, or the file edited.
/// **What Kafka does** It cleans the log from the log start on again.
/// **Repair** Remove the line.
/// **References** `LogCleanerManager.cleanableOffsets`.
Checkpoint C107 CleanerOffsetOutside "cleaner-offset-outside" Warning Cross Lossless
    severity Note "where the log begins after it, or a broker runs";

/// a checkpoint below the log start
///
/// **What** A line has an offset below the log start offset.
/// **Why it happens** Retention or a deletion of records raised the log start offset since then.
/// **What Kafka does** It raises the offset to the log start.
/// **Repair** No repair is needed.
/// **References** `LogLoader.load`.
Checkpoint C108 CheckpointBelowStart "checkpoint-below-start" Note Cross None;

/// a partition without a recovery point
///
/// **What** `recovery-point-offset-checkpoint` has no line for a partition that is here, and there is no clean shutdown marker.
/// **Why it happens** The partition is new, or the file was lost.
/// **What Kafka does** It recovers the whole log of the partition at its start.
/// **Repair** No repair is needed.
/// **References** `LogManager.loadLogs`.
Checkpoint C109 CheckpointLacking "checkpoint-lacking" Note Cross None;

/// a recovery point that is not the log end after a clean shutdown
///
/// **What** The clean shutdown marker is there, but a recovery point is not at the end of its log.
/// **Why it happens** The log was changed after the shutdown.
/// **What Kafka does** It doesn't check, and loads the log unchanged.
/// **Repair** Find out what changed the log; remove the marker for a full recovery.
/// **References** `LogManager.shutdown`.
Checkpoint C110 RecoveryPointNotAtEnd "recovery-point-not-at-end" Warning Cross Lossless;

/// a negative offset in a checkpoint
///
/// **What** A line of a checkpoint has an offset below 0.
/// **Why it happens** The file was edited.
/// **What Kafka does** It uses the number, or fails, depending on the file.
/// **Repair** Remove the line.
/// **References** `OffsetCheckpointFile`.
Checkpoint C111 CheckpointNegative "checkpoint-negative" Warning Shape Lossless;

/// a log start offset that hides records
///
/// **What** After a clean shutdown, the offset in `log-start-offset-checkpoint` is beyond records in the log, and beyond its first leader epoch.
/// **Why it happens** The file was edited or belongs to another log dir. A deletion of records would have raised the first leader epoch too.
/// **What Kafka does** It doesn't serve records before the log start, and deletes the segments before it.
/// **Repair** Unless the records were deleted on purpose, lower it to the first leader epoch, before a broker starts.
/// **References** `UnifiedLog.maybeIncrementLogStartOffset`, `LeaderEpochFileCache.truncateFromStart`.
Checkpoint C112 LogStartHides "log-start-hides" Warning Cross Lossy;

} } } }
