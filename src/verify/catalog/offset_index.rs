//! O: offset indexes.

macro_rules! offset_index { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// the size of an offset index is no number of entries
///
/// **What** The length of the `.index` is not a multiple of 8.
/// **Why it happens** The file was cut, or something was appended.
/// **What Kafka does** From 2.3 on it ignores the rest; before, it rebuilt the index.
/// **Repair** Rebuild the index from the log.
/// **References** `OffsetIndex.sanityCheck`, KAFKA-7283.
OffsetIndex O101 OffsetIndexSize "offset-index-size" Warning Shape Safe;

/// the entries of an offset index don't ascend
///
/// **What** Offsets or positions of an `.index` don't rise from entry to entry, or are negative.
/// **Why it happens** The file was overwritten, or torn in a crash.
/// **What Kafka does** It searches the index by halves and gets wrong places, silently.
/// **Repair** Rebuild the index from the log.
/// **References** `AbstractIndex.indexSlotRangeFor`.
OffsetIndex O102 OffsetIndexOrder "offset-index-order" Error Shape Safe
    severity Warning "if the broker rebuilds the file at its next start"
    severity Note "if a broker runs on it";

/// an entry of an offset index points beyond the log
///
/// **What** An entry has a position beyond the end of the `.log`, or an offset beyond its last one.
/// **Why it happens** The log was cut without its index, or the index is of another segment.
/// **What Kafka does** The log end may fall back to the start of the segment, and offsets are given twice.
/// **Repair** Rebuild the index from the log.
/// **References** `LogSegment.readNextOffset`.
OffsetIndex O103 OffsetIndexBeyondLog "offset-index-beyond-log" Error Cross Safe
    severity Warning "if the broker rebuilds the file at its next start"
    severity Note "if a broker runs on it";

/// an entry of an offset index is not that of a batch
///
/// **What** An entry points into the middle of a batch, or at a batch that doesn't hold its offset.
/// **Why it happens** The log changed without its index, or the index is of another segment.
/// **What Kafka does** It reads from the middle of a batch: consumers get a corrupt record, or miss some.
/// **Repair** Rebuild the index from the log.
/// **References** `LogSegment.read`, `FileRecords.searchForOffsetWithSize`.
OffsetIndex O104 OffsetIndexMismatch "offset-index-mismatch" Error Cross Safe
    severity Warning "if the broker rebuilds the file at its next start, or an offset inside of a batch stands for its last one"
    severity Note "if a broker runs on it";

/// a segment has no offset index
///
/// **What** There is a `.log` but no `.index`.
/// **Why it happens** It was deleted, or the broker stopped before it was written.
/// **What Kafka does** It recovers the segment and builds the index; that reads the whole segment, cuts it at damage, and drops newer producer snapshots.
/// **Repair** Build the index from the log.
/// **References** `LogLoader.loadSegmentFiles`.
OffsetIndex O105 OffsetIndexMissing "offset-index-missing" Warning Cross Safe
    severity Note "if the broker rebuilds the file at its next start";

/// an offset index ends in zeros
///
/// **What** The preallocated room of an `.index` was not trimmed: of a closed segment, or after a clean shutdown.
/// **Why it happens** The broker was killed, or the files were copied while it ran.
/// **What Kafka does** It takes the zeros for entries: the index is full, searches go wrong, and the segment rolls at once.
/// **Repair** Truncate the zeros, or rebuild the index.
/// **References** `AbstractIndex.trimToValidSize`.
OffsetIndex O106 OffsetIndexUntrimmed "offset-index-untrimmed" Error Cross Safe;

/// an offset index leaves much of the log out
///
/// **What** Between two entries, or after the last one, lies much more of the log than the usual interval.
/// **Why it happens** The index was rebuilt with another interval, or is not complete.
/// **What Kafka does** It reads longer until it finds an offset.
/// **Repair** Rebuild the index from the log.
/// **References** `index.interval.bytes`.
OffsetIndex O107 OffsetIndexSparse "offset-index-sparse" Note Cross None
    severity Warning "where 2 MiB and more have no entry at all";

} } } }
