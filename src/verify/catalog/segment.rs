//! S: segment files.

macro_rules! segment { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// the file ends inside a batch
///
/// **What** The last bytes are the beginning of a batch whose rest is missing.
/// **Why it happens** The machine or the broker went down while the batch was on its way to the disk, or the file was cut.
/// **What Kafka does** After an unclean shutdown it truncates the segment here. After a clean one it doesn't look: later batches are appended after the torn one, and no client can reach them.
/// **Repair** Cut the file at the start of the torn batch. Its records are lost; a healthy replica has them.
/// **References** `LogSegment.recover`, `FileLogInputStream.nextBatch`.
Segment S101 TruncatedTail "truncated-tail" Error Shape Lossy;

/// the file ends in zeros
///
/// **What** Nothing but zeros follow the last batch.
/// **Why it happens** The file system made the file longer before the data arrived, and the machine went down; or a preallocated file was not trimmed.
/// **What Kafka does** After an unclean shutdown it cuts the zeros off. After a clean one it doesn't look, and fails on them when it reads that far.
/// **Repair** Truncate the zeros; they hold nothing.
/// **References** `LogSegment.recover`; `log.preallocate`.
Segment S102 ZeroTail "zero-tail" Error Shape Safe;

/// garbage after the last batch
///
/// **What** The bytes after the last batch are neither zeros nor the beginning of a batch that would fit.
/// **Why it happens** Pages of other data reached the file in a crash, or something else wrote to it.
/// **What Kafka does** After an unclean shutdown it truncates the segment after the last valid batch. After a clean one, later batches are appended after the garbage, and no client can reach them.
/// **Repair** Truncate the segment after the last valid batch.
/// **References** `LogSegment.recover`.
Segment S103 GarbageTail "garbage-tail" Error Shape Lossy;

/// invalid bytes between batches
///
/// **What** A range of bytes is not valid batches; valid batches follow it.
/// **Why it happens** Sectors went bad or were overwritten, a length field was changed, or bytes were inserted or lost.
/// **What Kafka does** Recovery after an unclean shutdown truncates the segment at the start of the range, and all valid batches after it are lost. Otherwise fetches fail there, and consumers stop.
/// **Repair** Remove the invalid bytes; everything after them is kept. Its offsets become a gap, which is legal. A healthy replica has the records.
/// **References** `LogSegment.recover`, `FileRecords.searchForOffsetWithSize`.
Segment S104 LostFrames "lost-frames" Error Shape Lossy;

/// a wrong batch length
///
/// **What** A batch is whole and its checksum right, but for its length field, which announces another number of bytes.
/// **Why it happens** A bit flipped in the 4 bytes of the field, which the checksum doesn't cover.
/// **What Kafka does** It takes the next batch to begin where the field says, and fails there. Recovery truncates the segment at this batch.
/// **Repair** Write the right length, which the checksum proves.
/// **References** `DefaultRecordBatch`: the CRC covers the bytes from the attributes on.
Segment S105 FrameSize "frame-size" Error Sum Safe;

/// unknown magic byte
///
/// **What** A batch has a magic other than 0, 1 and 2, or one that its bytes are not of. The checksum of magic 2 doesn't cover the magic.
/// **Why it happens** A bit flipped in the byte.
/// **What Kafka does** A broker takes any magic above 2 for 2 and doesn't notice; clients and followers refuse the batch. A negative one ends recovery here, and all that follows is cut off.
/// **Repair** Write the right magic where the checksum proves it.
/// **References** `FileLogInputStream.nextBatch`, `RecordBatch.CURRENT_MAGIC_VALUE`.
Segment S106 UnknownMagic "unknown-magic" Error Shape Safe;

/// an offset below the base offset of the segment
///
/// **What** A batch has a lower offset than the number in the file's name.
/// **Why it happens** The file was renamed, the batch came from another segment, or a bit of its offset flipped.
/// **What Kafka does** Recovery fails on it, and the log dir with it; otherwise the records can't be found by offset.
/// **Repair** Rename the file, or take the batch out; which one, the neighbours tell.
/// **References** `OffsetIndex.relativeOffset`, `IndexOffsetOverflowException`.
Segment S107 OffsetBelowBase "offset-below-base" Error Shape Lossy
    fix Safe "where a single bit explains it, or the offsets belong into another segment";

/// an offset too far from the base offset of the segment
///
/// **What** A batch has an offset of more than 2³¹−1 above the number in the file's name, which no index can hold.
/// **Why it happens** A bit of the offset flipped, or the file was renamed. Brokers before 1.1 could write such segments when they compacted.
/// **What Kafka does** It splits the segment at start, or fails to.
/// **Repair** Split the segment, or correct the offset where a single bit explains it.
/// **References** KAFKA-6264, `LogLoader.retryOnOffsetOverflow`.
Segment S108 OffsetTooFar "offset-too-far" Error Shape Lossy
    fix Safe "where a single bit explains it";

/// zeros inside the file
///
/// **What** A range of zeros is where batches should be; valid batches follow it.
/// **Why it happens** Pages never reached the disk before the machine went down, or the disk gave up sectors.
/// **What Kafka does** Recovery after an unclean shutdown truncates the segment here, and the valid batches after are lost. Otherwise the broker fails when it reads the zeros.
/// **Repair** Remove the damaged batches; everything after them is kept. A healthy replica has the records.
/// **References** `FileLogInputStream.nextBatch`: a size below 14 is a `CorruptRecordException`.
Segment S109 ZeroPages "zero-pages" Error Shape Lossy;

/// misplaced batches
///
/// **What** Batches whose checksums are right have offsets that don't belong here: without them the order is right.
/// **Why it happens** Sectors or pages of another file, or of another place in this one, were written here.
/// **What Kafka does** It doesn't notice unless it rebuilds the index here. Consumers get records twice, of other topics, or not at all.
/// **Repair** Take the batches out. If they stand in the place of others, a healthy replica has those.
/// **References** `LogSegment.recover`, `OffsetIndex.append`.
Segment S110 MisplacedBatches "misplaced-batches" Error Shape Lossy
    fix Safe "where the batches are there twice";

/// an empty segment that is not the last
///
/// **What** The `.log` is empty, and segments with higher offsets follow.
/// **Why it happens** A roll right after a roll, or compaction that left nothing.
/// **What Kafka does** Nothing; it works with empty segments.
/// **Repair** None is needed.
/// **References** `LogSegment.size`.
Segment S111 EmptyLog "empty-log" Note Shape None;

/// the file is larger than a segment can be
///
/// **What** The `.log` has more than 2³¹−1 bytes.
/// **Why it happens** Files were put together by hand.
/// **What Kafka does** It refuses to open the segment, and the log dir goes offline.
/// **Repair** Split the file between two batches, and name the second part after the offset that it begins with.
/// **References** `FileRecords`: the size of a segment is an `int`.
Segment S112 LogTooLarge "log-too-large" Error Shape Manual;

/// preallocated space after the last batch
///
/// **What** The last segment ends in zeros as those of a topic with `preallocate=true` do while a broker runs.
/// **Why it happens** The broker didn't stop cleanly, which would have trimmed the file.
/// **What Kafka does** It cuts the zeros off when it starts after an unclean shutdown.
/// **Repair** None is needed before a start after an unclean shutdown; else cut the zeros off.
/// **References** `log.preallocate`, `FileRecords.trim`.
Segment S113 PreallocatedTail "preallocated-tail" Note Shape None;

/// the tail is being written
///
/// **What** A broker runs on this log dir, and the last bytes of its active segment are not a whole batch yet.
/// **Why it happens** The batch was being written while it was read.
/// **What Kafka does** It finishes the batch.
/// **Repair** None. Verify again, or stop the broker first, to be sure.
/// **References** `Log.append`.
Segment S114 TailInMotion "tail-in-motion" Note Shape None;

/// batches in an old format
///
/// **What** The file holds messages of magic 0 or 1.
/// **Why it happens** They were written before 0.11, or under an old `message.format.version`.
/// **What Kafka does** Every broker still reads them, though 4.x writes magic 2 only. Clients of 4.x read magic 2 only after a broker that still converts; old messages may keep a topic from being read by them.
/// **Repair** None is needed. Retention or compaction rewrites them in time.
/// **References** KIP-724, KIP-896.
Segment S115 OldMagic "old-magic" Note Shape None;

/// the file became shorter while it was read
///
/// **What** The bytes end before the length that the file had when it was opened.
/// **Why it happens** A broker or somebody else cut the file meanwhile.
/// **What Kafka does** Nothing.
/// **Repair** None. Verify again.
/// **References** `FileRecords.truncateTo`.
Segment S116 ShrankMeanwhile "shrank-meanwhile" Warning Shape None;

/// bytes that cannot be read from the disk
///
/// **What** The operating system returns an error for some bytes of the file, and for every smaller read of them. The ranges are exact, to a block or a sector; what is left of the batches that they cut is given up with them.
/// **Why it happens** Bad sectors, a failing disk or controller, or a file system on a device that became too small.
/// **What Kafka does** A fetch that reaches them fails, and so does recovery after an unclean stop.
/// **Repair** Write nothing to the disk. First take an image with `ddrescue -d DEVICE IMAGE MAPFILE`, which reads around bad sectors and tries them again for as long as it takes: kseg tries each once. Then mount the image read-only (`mount -o ro,loop IMAGE DIR`; after `fsck` on a copy, if it does not mount) and verify it: what `ddrescue` could not read is zeros there, and is reported as zeros. The repair of either copies what can be read into a directory on another disk (`repair apply --into`), without the batches that are cut; it is not done in place. A healthy replica has the records.
/// **References** `read(2)`: `EIO`; GNU ddrescue.
Segment S117 UnreadableBytes "unreadable-bytes" Error Shape Lossy;

} } } }
