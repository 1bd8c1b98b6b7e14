//! E: leader epochs.

macro_rules! epochs { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// a leader epoch checkpoint that can't be read
///
/// **What** A line of `leader-epoch-checkpoint` is not as it should be, or their number is not the one announced.
/// **Why it happens** The file was torn, emptied or edited.
/// **What Kafka does** The partition fails to load, and the log dir goes offline; a wrong number of lines too.
/// **Repair** Write it anew from the batches.
/// **References** `CheckpointFile.read`, `LeaderEpochCheckpointFile`.
Epochs E101 EpochsMalformed "epochs-malformed" Error Shape Safe;

/// leader epochs don't ascend
///
/// **What** Epochs or their start offsets don't rise from line to line.
/// **Why it happens** The file was edited.
/// **What Kafka does** It keeps some of the lines; followers may truncate too much or too little.
/// **Repair** Write it anew from the batches.
/// **References** `LeaderEpochFileCache`.
Epochs E102 EpochsOrder "epochs-order" Error Shape Safe;

/// leader epochs disagree with the batches
///
/// **What** A batch carries another epoch than the checkpoint has for its offset.
/// **Why it happens** The file is of another partition or time.
/// **What Kafka does** Followers may truncate too much or too little.
/// **Repair** Write it anew from the batches.
/// **References** `LeaderEpochFileCache.endOffsetFor`, KIP-101.
Epochs E103 EpochsMismatch "epochs-mismatch" Error Cross Safe
    fix Lossy "where the file has an epoch that the batches contradict";

/// a leader epoch that begins behind the log
///
/// **What** The last line begins at or behind the end of the log.
/// **Why it happens** The leader changed and nobody wrote since, or the log was cut.
/// **What Kafka does** It drops the line.
/// **Repair** None is needed.
/// **References** `LeaderEpochFileCache.truncateFromEnd`.
Epochs E104 EpochsBeyondLog "epochs-beyond-log" Note Cross None;

/// no leader epochs though the batches have them
///
/// **What** `leader-epoch-checkpoint` is missing or empty, and the log has batches of magic 2.
/// **Why it happens** It was deleted, or the log was copied without it.
/// **What Kafka does** A follower truncates to the high watermark instead of by epoch.
/// **Repair** Write it anew from the batches.
/// **References** `UnifiedLog.initializeLeaderEpochCache`, KIP-101.
Epochs E105 EpochsMissing "epochs-missing" Error Cross Safe;

/// the first leader epoch begins behind the log's start
///
/// **What** There is no epoch for the first offsets of the log.
/// **Why it happens** The file is of another time, or lines are lost.
/// **What Kafka does** Followers that ask for those offsets fall back.
/// **Repair** Write it anew from the batches.
/// **References** `LeaderEpochFileCache.truncateFromStart`.
Epochs E106 EpochsStartLate "epochs-start-late" Warning Cross Safe
    severity Note "where the log may have begun without leader epochs";

} } } }
