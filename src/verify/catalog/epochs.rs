//! E: leader epochs.

macro_rules! epochs { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// a malformed leader epoch checkpoint
///
/// **What** A line of `leader-epoch-checkpoint` is invalid, or the number of lines is not the one in the file.
/// **Why it happens** The file was written incompletely, truncated or edited.
/// **What Kafka does** The partition fails to load, and the log dir goes offline.
/// **Repair** Rewrite it from the batches.
/// **References** `CheckpointFile.read`, `LeaderEpochCheckpointFile`.
Epochs E101 EpochsMalformed "epochs-malformed" Error Shape Lossless;

/// leader epochs out of order
///
/// **What** Epochs or their start offsets don't ascend from line to line.
/// **Why it happens** The file was edited.
/// **What Kafka does** It keeps some of the lines; followers may truncate too much or too little.
/// **Repair** Rewrite it from the batches.
/// **References** `LeaderEpochFileCache`.
Epochs E102 EpochsOrder "epochs-order" Error Shape Lossless;

/// leader epochs disagree with the batches
///
/// **What** The epoch of a batch is not the one that the checkpoint has for its offset.
/// **Why it happens** The file belongs to another partition or an earlier log.
/// **What Kafka does** Followers may truncate too much or too little.
/// **Repair** Rewrite it from the batches.
/// **References** `LeaderEpochFileCache.endOffsetFor`, KIP-101.
Epochs E103 EpochsMismatch "epochs-mismatch" Error Cross Lossless
    fix Lossy "where the file has an epoch that the batches contradict";

/// a leader epoch that begins beyond the log end
///
/// **What** The last line begins at or beyond the log end.
/// **Why it happens** The leader changed and wrote nothing yet, or the log was truncated.
/// **What Kafka does** It removes the line.
/// **Repair** No repair is needed.
/// **References** `LeaderEpochFileCache.truncateFromEnd`.
Epochs E104 EpochsBeyondLog "epochs-beyond-log" Note Cross None;

/// missing leader epochs
///
/// **What** `leader-epoch-checkpoint` is missing or empty, but the log has batches of magic 2.
/// **Why it happens** It was deleted, or the log was copied without it.
/// **What Kafka does** A follower truncates to the high watermark instead of by epoch.
/// **Repair** Rewrite it from the batches.
/// **References** `UnifiedLog.initializeLeaderEpochCache`, KIP-101.
Epochs E105 EpochsMissing "epochs-missing" Error Cross Lossless;

/// the first leader epoch begins after the log start
///
/// **What** There is no epoch for the first offsets of the log.
/// **Why it happens** The file belongs to an earlier log, or lines are lost.
/// **What Kafka does** Followers that ask for those offsets truncate to the high watermark instead.
/// **Repair** Rewrite it from the batches.
/// **References** `LeaderEpochFileCache.truncateFromStart`.
Epochs E106 EpochsStartLate "epochs-start-late" Warning Cross Lossless
    severity Note "where the log may have begun without leader epochs";

} } } }
