//! S: segment files.

macro_rules! segment { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// the file ends inside a batch
///
/// **What** The file ends with an incomplete batch.
/// **Why it happens** The machine or the broker crashed while the batch was being written, or the file was truncated.
/// **What Kafka does** After an unclean shutdown it truncates the segment here. After a clean one it doesn't check: later batches are appended after the incomplete one, and no client can read them.
/// **Repair** Truncate the file at the start of the incomplete batch. Its records are lost; a healthy replica has them.
/// **References** `LogSegment.recover`, `FileLogInputStream.nextBatch`.
Segment S101 TruncatedTail "truncated-tail" Error Shape Lossy;

/// the file ends in zeros
///
/// **What** Only zeros follow the last batch.
/// **Why it happens** The machine crashed when the file system had extended the file but not yet written the data, or a preallocated file was not trimmed.
/// **What Kafka does** After an unclean shutdown it truncates the zeros. After a clean one it doesn't check, and fails when it reads them.
/// **Repair** Truncate the zeros; nothing is lost.
/// **References** `LogSegment.recover`; `log.preallocate`.
Segment S102 ZeroTail "zero-tail" Error Shape Lossless;

/// garbage after the last batch
///
/// **What** The bytes after the last batch are neither zeros nor the beginning of a valid batch.
/// **Why it happens** Other data was written to the file in a crash, or by another program.
/// **What Kafka does** After an unclean shutdown it truncates the segment after the last valid batch. After a clean one, later batches are appended after the garbage, and no client can read them.
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
/// **What** A batch is complete and its checksum right, but its length field has another number of bytes.
/// **Why it happens** A bit flipped in the field, which the checksum doesn't cover.
/// **What Kafka does** It looks for the next batch where the field says, and fails there. Recovery truncates the segment at this batch.
/// **Repair** Correct the length; the checksum proves it.
/// **References** `DefaultRecordBatch`: the CRC covers the bytes from the attributes on.
Segment S105 FrameSize "frame-size" Error Sum Lossless;

/// unknown magic byte
///
/// **What** A batch has a magic other than 0, 1 and 2, or not the one of its format. The checksum of magic 2 doesn't cover the magic.
/// **Why it happens** A bit flipped in the byte.
/// **What Kafka does** A broker reads any magic above 2 as 2; clients and followers refuse the batch. At a negative magic, recovery truncates the segment.
/// **Repair** Correct the magic if the checksum proves it.
/// **References** `FileLogInputStream.nextBatch`, `RecordBatch.CURRENT_MAGIC_VALUE`.
Segment S106 UnknownMagic "unknown-magic" Error Shape Lossless;

/// an offset below the base offset of the segment
///
/// **What** A batch has a lower offset than the number in the file's name.
/// **Why it happens** The file was renamed, the batch came from another segment, or a bit of its offset flipped.
/// **What Kafka does** Recovery fails, and the log dir goes offline; otherwise the records can't be found by offset.
/// **Repair** Rename the file, or remove the batch; the batches around it show which.
/// **References** `OffsetIndex.relativeOffset`, `IndexOffsetOverflowException`.
Segment S107 OffsetBelowBase "offset-below-base" Error Shape Lossy
    fix Lossless "where a single bit explains it, or the offsets belong into another segment";

/// an offset too far from the base offset of the segment
///
/// **What** A batch has an offset of more than 2³¹−1 above the number in the file's name, which no index can hold.
/// **Why it happens** A bit of the offset flipped, or the file was renamed. Brokers before 1.1 could write such segments when they compacted.
/// **What Kafka does** It splits the segment at start, or fails to.
/// **Repair** Split the segment, or correct the offset where a single bit explains it.
/// **References** KAFKA-6264, `LogLoader.retryOnOffsetOverflow`.
Segment S108 OffsetTooFar "offset-too-far" Error Shape Lossy
    fix Lossless "where a single bit explains it";

/// zeros inside the file
///
/// **What** A range of zeros is where batches should be; valid batches follow it.
/// **Why it happens** Pages never reached the disk before the machine crashed, or sectors of the disk failed.
/// **What Kafka does** Recovery after an unclean shutdown truncates the segment here, and the valid batches after are lost. Otherwise the broker fails when it reads the zeros.
/// **Repair** Remove the damaged batches; everything after them is kept. A healthy replica has the records.
/// **References** `FileLogInputStream.nextBatch`: a size below 14 is a `CorruptRecordException`.
Segment S109 ZeroPages "zero-pages" Error Shape Lossy;

/// misplaced batches
///
/// **What** Batches with right checksums have offsets that don't belong here: without them the order is right.
/// **Why it happens** Sectors or pages of another file, or of another part of this one, were written here.
/// **What Kafka does** It notices only if it rebuilds the index here. Consumers get duplicate records, records of other topics, or miss some.
/// **Repair** Remove the batches. If they replaced others, a healthy replica has those.
/// **References** `LogSegment.recover`, `OffsetIndex.append`.
Segment S110 MisplacedBatches "misplaced-batches" Error Shape Lossy
    fix Lossless "where the batches are duplicates";

/// an empty segment that is not the last
///
/// **What** The `.log` is empty, and segments with higher offsets follow.
/// **Why it happens** Two rolls without a write between them, or compaction that removed everything.
/// **What Kafka does** Nothing; empty segments work.
/// **Repair** No repair is needed.
/// **References** `LogSegment.size`.
Segment S111 EmptyLog "empty-log" Note Shape None;

/// the file is larger than a segment can be
///
/// **What** The `.log` has more than 2³¹−1 bytes.
/// **Why it happens** Files were concatenated by hand.
/// **What Kafka does** It refuses to open the segment, and the log dir goes offline.
/// **Repair** Split the file between two batches, and name the second part after its first offset.
/// **References** `FileRecords`: the size of a segment is an `int`.
Segment S112 LogTooLarge "log-too-large" Error Shape Manual;

/// preallocated space after the last batch
///
/// **What** The last segment ends in zeros, like that of a topic with `preallocate=true` while a broker runs.
/// **Why it happens** The broker didn't shut down cleanly; a clean shutdown trims the file.
/// **What Kafka does** It truncates the zeros when it starts after an unclean shutdown.
/// **Repair** No repair is needed before a start after an unclean shutdown; otherwise truncate the zeros.
/// **References** `log.preallocate`, `FileRecords.trim`.
Segment S113 PreallocatedTail "preallocated-tail" Note Shape None;

/// the tail is being written
///
/// **What** A broker runs on this log dir, and the active segment ends with an incomplete batch.
/// **Why it happens** The batch was being written while it was read.
/// **What Kafka does** It completes the batch.
/// **Repair** None. To be sure, verify again, or stop the broker first.
/// **References** `Log.append`.
Segment S114 TailInMotion "tail-in-motion" Note Shape None;

/// batches in an old format
///
/// **What** The file has messages of magic 0 or 1.
/// **Why it happens** They were written before 0.11, or under an old `message.format.version`.
/// **What Kafka does** Every broker can read them, but 4.x writes only magic 2. Clients of 4.x read only magic 2, unless the broker still converts; they may fail on old messages.
/// **Repair** No repair is needed. Retention or compaction removes them over time.
/// **References** KIP-724, KIP-896.
Segment S115 OldMagic "old-magic" Note Shape None;

/// the file became shorter while it was read
///
/// **What** The file is shorter than when it was opened.
/// **Why it happens** A broker or another program truncated the file.
/// **What Kafka does** Nothing.
/// **Repair** None. Verify again.
/// **References** `FileRecords.truncateTo`.
Segment S116 ShrankMeanwhile "shrank-meanwhile" Warning Shape None;

/// bytes that cannot be read from the disk
///
/// **What** The operating system returns an error for some bytes of the file, even in small reads. The ranges are exact to a block or a sector; the batches that contain them are lost.
/// **Why it happens** Bad sectors, a failing disk or controller, or a file system on a device that became too small.
/// **What Kafka does** Fetches that reach them fail, and so does recovery after an unclean shutdown.
/// **Repair** Write nothing to the disk. First take an image with `ddrescue -d DEVICE IMAGE MAPFILE`, which retries bad sectors many times; kseg tries each once. Then mount the image read-only (`mount -o ro,loop IMAGE DIR`; after `fsck` on a copy, if it does not mount) and verify it: bytes that `ddrescue` could not read are zeros in the image, and are reported as zeros. Repair the disk or the image with `repair apply --into` a directory on another disk, which copies everything but the unreadable batches; `--in-place` is refused. A healthy replica has the records.
/// **References** `read(2)`: `EIO`; GNU ddrescue.
Segment S117 UnreadableBytes "unreadable-bytes" Error Shape Lossy;

} } } }
