//! O: offset indexes.

macro_rules! offset_index { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// the size of an offset index is not a multiple of 8
///
/// **What** The length of the `.index` is not a multiple of 8.
/// **Why it happens** The file was truncated, or bytes were appended.
/// **What Kafka does** Since 2.3 it ignores the remaining bytes; before, it rebuilt the index.
/// **Repair** Rebuild the index from the log.
/// **References** `OffsetIndex.sanityCheck`, KAFKA-7283.
OffsetIndex O101 OffsetIndexSize "offset-index-size" Warning Shape Lossless;

/// the entries of an offset index don't ascend
///
/// **What** Offsets or positions of an `.index` don't ascend from entry to entry, or are negative.
/// **Why it happens** The file was overwritten, or written incompletely in a crash.
/// **What Kafka does** Its binary search finds wrong positions, without an error.
/// **Repair** Rebuild the index from the log.
/// **References** `AbstractIndex.indexSlotRangeFor`.
OffsetIndex O102 OffsetIndexOrder "offset-index-order" Error Shape Lossless
    severity Warning "if the broker rebuilds the file at its next start"
    severity Note "if a broker runs on it";

/// an entry of an offset index points beyond the log
///
/// **What** An entry has a position beyond the end of the `.log`, or an offset beyond its last one.
/// **Why it happens** The log was truncated without its index, or the index belongs to another segment.
/// **What Kafka does** The log end offset may go back to the start of the segment, and offsets are assigned twice.
/// **Repair** Rebuild the index from the log.
/// **References** `LogSegment.readNextOffset`.
OffsetIndex O103 OffsetIndexBeyondLog "offset-index-beyond-log" Error Cross Lossless
    severity Warning "if the broker rebuilds the file at its next start"
    severity Note "if a broker runs on it";

/// an entry of an offset index is not that of a batch
///
/// **What** An entry points into the middle of a batch, or at a batch that doesn't contain its offset.
/// **Why it happens** The log changed without its index, or the index belongs to another segment.
/// **What Kafka does** It reads from the middle of a batch: consumers get a corrupt record, or miss some.
/// **Repair** Rebuild the index from the log.
/// **References** `LogSegment.read`, `FileRecords.searchForOffsetWithSize`.
OffsetIndex O104 OffsetIndexMismatch "offset-index-mismatch" Error Cross Lossless
    severity Warning "if the broker rebuilds the file at its next start, or the entry has an offset inside of a batch instead of its last one"
    severity Note "if a broker runs on it";

/// a segment has no offset index
///
/// **What** There is a `.log` but no `.index`.
/// **Why it happens** It was deleted, or the broker stopped before it was written.
/// **What Kafka does** It recovers the segment and rebuilds the index: it reads the whole segment, truncates it at damage, and deletes newer producer snapshots.
/// **Repair** Build the index from the log.
/// **References** `LogLoader.loadSegmentFiles`.
OffsetIndex O105 OffsetIndexMissing "offset-index-missing" Warning Cross Lossless
    severity Note "if the broker rebuilds the file at its next start";

/// an offset index ends in zeros
///
/// **What** The preallocated space of an `.index` was not trimmed, although the segment is closed or the shutdown was clean.
/// **Why it happens** The broker was killed, or the files were copied while it ran.
/// **What Kafka does** It reads the zeros as entries: the index is full, searches find wrong positions, and the segment rolls at once.
/// **Repair** Truncate the zeros, or rebuild the index.
/// **References** `AbstractIndex.trimToValidSize`.
OffsetIndex O106 OffsetIndexUntrimmed "offset-index-untrimmed" Error Cross Lossless;

/// an offset index has few entries
///
/// **What** Between two entries, or after the last one, there is much more of the log than index.interval.bytes.
/// **Why it happens** The index was rebuilt with another interval, or is incomplete.
/// **What Kafka does** It reads more of the log to find an offset.
/// **Repair** Rebuild the index from the log.
/// **References** `index.interval.bytes`.
OffsetIndex O107 OffsetIndexSparse "offset-index-sparse" Note Cross None
    severity Warning "where 2 MiB or more have no entry";

} } } }
