//! T: time indexes.

macro_rules! time_index { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// the size of a time index is not a multiple of 12
///
/// **What** The length of the `.timeindex` is not a multiple of 12.
/// **Why it happens** The file was truncated, or bytes were appended.
/// **What Kafka does** Since 2.3 it ignores the remaining bytes; before, it rebuilt the index.
/// **Repair** Rebuild the index from the log.
/// **References** `TimeIndex.sanityCheck`.
TimeIndex T101 TimeIndexSize "time-index-size" Warning Shape Lossless;

/// the entries of a time index don't ascend
///
/// **What** Timestamps of a `.timeindex` don't ascend from entry to entry, or offsets descend.
/// **Why it happens** The file was overwritten, or written incompletely in a crash.
/// **What Kafka does** It searches by time and gets wrong offsets; an append may fail.
/// **Repair** Rebuild the index from the log.
/// **References** `TimeIndex.maybeAppend`.
TimeIndex T102 TimeIndexOrder "time-index-order" Error Shape Lossless
    severity Warning "if the broker rebuilds the file at its next start"
    severity Note "if a broker runs on it";

/// an entry of a time index points beyond the log
///
/// **What** An entry has an offset beyond the last one of the segment.
/// **Why it happens** The log was truncated without its index, or the index belongs to another segment.
/// **What Kafka does** Searches by time end after the data.
/// **Repair** Rebuild the index from the log.
/// **References** `LogSegment.findOffsetByTimestamp`.
TimeIndex T103 TimeIndexBeyondLog "time-index-beyond-log" Error Cross Lossless
    severity Warning "if the broker rebuilds the file at its next start"
    severity Note "if a broker runs on it";

/// an entry of a time index disagrees with the log
///
/// **What** The timestamp of an entry is not the largest of the log up to its offset.
/// **Why it happens** The log changed without its index, or the index belongs to another segment.
/// **What Kafka does** Searches by time give wrong offsets; retention deletes too early or too late.
/// **Repair** Rebuild the index from the log.
/// **References** `TimeIndex.lookup`.
TimeIndex T104 TimeIndexMismatch "time-index-mismatch" Error Cross Lossless
    severity Warning "if the broker rebuilds the file at its next start, or the entry is larger than the log"
    severity Note "if a broker runs on it";

/// a segment has no time index
///
/// **What** There is a `.log` but no `.timeindex`, though its format has timestamps.
/// **Why it happens** It was deleted, or the log was written before 0.10.1.
/// **What Kafka does** It creates an empty one; retention then uses the modification time of the file.
/// **Repair** Build the index from the log.
/// **References** `LogLoader.loadSegmentFiles`.
TimeIndex T105 TimeIndexMissing "time-index-missing" Warning Cross Lossless
    severity Note "if the broker rebuilds the file at its next start";

/// a time index ends in zeros
///
/// **What** The preallocated space of a `.timeindex` was not trimmed, although the segment is closed or the shutdown was clean.
/// **Why it happens** The broker was killed, or the files were copied while it ran.
/// **What Kafka does** It reads 0 as the last timestamp: retention deletes the segment at once.
/// **Repair** Truncate the zeros, or rebuild the index.
/// **References** `TimeIndex.lastEntry`, `UnifiedLog.deleteRetentionMsBreachedSegments`.
TimeIndex T106 TimeIndexUntrimmed "time-index-untrimmed" Error Cross Lossless;

/// a time index doesn't end with the largest timestamp
///
/// **What** The last entry of a closed segment's `.timeindex` is not its largest timestamp.
/// **Why it happens** The broker was killed before the segment was closed.
/// **What Kafka does** Retention deletes the segment too early or too late.
/// **Repair** Rebuild the index from the log.
/// **References** `LogSegment.onBecomeInactiveSegment`.
TimeIndex T107 TimeIndexLastEntry "time-index-last-entry" Warning Cross Lossless;

} } } }
