//! B: batches.

macro_rules! batch { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// batch checksum mismatch
///
/// **What** The checksum in the header of a batch is not that of its bytes. Where changing a single bit makes it right, byte and bit are reported.
/// **Why it happens** A bit flipped on the disk, in memory or on the way; or bytes were overwritten.
/// **What Kafka does** A consumer that checks checksums stops here, followers retry forever, the cleaner gives up on the partition. Recovery after an unclean shutdown truncates the segment at this batch: everything after it is lost.
/// **Repair** Where one bit explains it, turn it back: the checksum proves the result. Otherwise take the batch out, or from a healthy replica.
/// **References** `DefaultRecordBatch.ensureValid`, `LogSegment.recover`.
Batch B101 CrcMismatch "crc-mismatch" Error Sum Lossy
    fix Safe "where a single bit explains it, which the checksum proves";

/// unknown compression codec
///
/// **What** The attributes of a batch name a codec that doesn't exist, or not for its magic.
/// **Why it happens** A writer with a bug, or an attribute changed together with the checksum.
/// **What Kafka does** Brokers don't look; clients fail on the batch.
/// **Repair** Take the batch out, or correct the attribute if the payload shows its codec.
/// **References** `CompressionType.forId`.
Batch B102 UnknownCodec "unknown-codec" Error Shape Safe;

/// unknown attribute bits
///
/// **What** Bits of the attributes are set that no release of Kafka uses.
/// **Why it happens** A client with a bug, or a later release.
/// **What Kafka does** It ignores them.
/// **Repair** None is needed.
/// **References** `DefaultRecordBatch`: bits 7 to 15 are unused.
Batch B103 ReservedAttributes "reserved-attributes" Warning Shape None;

/// the record count does not match the offsets
///
/// **What** A batch announces a negative number of records, or more than it has offsets for.
/// **Why it happens** A client with a bug, or a header changed together with the checksum.
/// **What Kafka does** Brokers don't look; consumers fail on the batch or get fewer records.
/// **Repair** Take the batch out, or put an empty one in its place.
/// **References** `DefaultRecordBatch.count`, `LogValidator.validateBatch`.
Batch B104 RecordCount "record-count" Error Shape Lossy
    fix Safe "where every record can be read all the same";

/// the last offset delta is negative
///
/// **What** The last offset of a batch lies before its first.
/// **Why it happens** A header changed together with the checksum.
/// **What Kafka does** It works with the wrong last offset: the log end may go back, and offsets are given twice.
/// **Repair** Correct the field from the last record, or take the batch out.
/// **References** `DefaultRecordBatch.lastOffset`.
Batch B105 LastOffsetDelta "last-offset-delta" Error Shape Safe;

/// the largest timestamp is not that of any record
///
/// **What** The maximum timestamp in the header differs from the largest of the records.
/// **Why it happens** A client with a bug, or a header changed together with the checksum.
/// **What Kafka does** It searches by time and deletes by age with the wrong number.
/// **Repair** Set it to that of the records, with a new checksum; the records stay as they are.
/// **References** `DefaultRecordBatch.maxTimestamp`, `LogValidator`.
Batch B106 MaxTimestamp "max-timestamp" Warning Deep Safe;

/// an empty batch
///
/// **What** The header announces no records.
/// **Why it happens** Compaction removed them all, but keeps the last batch of a producer, for its sequence numbers.
/// **What Kafka does** It keeps the batch until the producer writes again or expires.
/// **Repair** None is needed.
/// **References** `LogCleaner`, `MemoryRecords.filterTo`.
Batch B107 EmptyBatch "empty-batch" Note Shape None;

/// an older magic after a newer one
///
/// **What** A batch of a lower magic follows one of a higher magic.
/// **Why it happens** `message.format.version` was lowered.
/// **What Kafka does** It reads each by its own magic.
/// **Repair** None is needed.
/// **References** `message.format.version`, KIP-724.
Batch B108 OlderMagic "older-magic" Note Shape None;

/// offsets overlap
///
/// **What** A batch begins at or before the last offset of the batch before it. Where one bit of an offset explains it, it is reported.
/// **Why it happens** A batch was written twice, batches changed places, or a bit of an offset, which the checksum doesn't cover, flipped.
/// **What Kafka does** It doesn't notice while it only reads: records come twice, or can't be reached. When it rebuilds an index here, it fails, or deletes all segments from here on.
/// **Repair** Turn the bit back, or take out what is there twice.
/// **References** `OffsetIndex.append`, `LogSegment.recover`.
Batch B201 OffsetOverlap "offset-overlap" Error Shape Lossy
    fix Safe "where a single bit explains it, or the batches are there twice";

/// an offset gap
///
/// **What** A batch doesn't begin at the offset after the batch before it. A warning where it is the last one, the only gap, large, and a single flipped bit would explain it.
/// **Why it happens** Compaction and transactions leave gaps; so does data that was lost.
/// **What Kafka does** Gaps are legal: readers continue at the next offset.
/// **Repair** None is needed.
/// **References** `LogCleaner`, KIP-98.
Batch B202 OffsetGap "offset-gap" Note Shape None
    severity Warning "where a single bit would explain it"
    fix Manual "where a single bit would explain it";

/// the leader epoch decreases
///
/// **What** A batch has a lower leader epoch than the batch before it. Where one bit explains it, it is reported.
/// **Why it happens** A bit of the field, which the checksum doesn't cover, flipped; or batches of another log are in here.
/// **What Kafka does** It ignores epochs that go back. Followers that compare epochs may truncate too much or too little.
/// **Repair** Turn the bit back where one explains it.
/// **References** `LeaderEpochFileCache.assign`, KIP-101.
Batch B203 EpochRegression "epoch-regression" Error Shape Safe;

/// a batch without a leader epoch among batches with one
///
/// **What** A batch of magic 2 has a negative leader epoch.
/// **Why it happens** A bit of the field flipped, or the batch came from a producer without passing a broker.
/// **What Kafka does** It takes the epoch for unknown, and followers truncate by the high watermark.
/// **Repair** Give it the epoch of the batches around it, if that is one.
/// **References** `RecordBatch.NO_PARTITION_LEADER_EPOCH`, KIP-101.
Batch B204 NegativeEpoch "negative-epoch" Warning Shape Safe;

/// a leader epoch out of order
///
/// **What** A batch has a higher leader epoch than the batches before and after it.
/// **Why it happens** A bit of the field, which the checksum doesn't cover, flipped.
/// **What Kafka does** The epoch cache takes the high epoch in and ignores the lower ones that follow; followers may truncate too much or too little.
/// **Repair** Turn the bit back where one explains it.
/// **References** `LeaderEpochFileCache.assign`, KIP-101.
Batch B205 EpochJump "epoch-jump" Error Shape Safe;

/// a gap in a producer's sequence numbers
///
/// **What** A batch of an idempotent producer doesn't begin with the sequence number after its last one.
/// **Why it happens** Batches of the producer are lost, or compaction or deletion removed them, or its state expired.
/// **What Kafka does** It doesn't check stored batches; a producer that continues may be refused.
/// **Repair** None; it tells that records are missing.
/// **References** `ProducerAppendInfo.checkSequence`, KIP-98.
Batch B301 SequenceGap "sequence-gap" Warning Cross None;

/// the producer epoch decreases
///
/// **What** A batch has a lower producer epoch than an earlier one of the same producer.
/// **Why it happens** Batches changed places, or an old producer wrote after a new one with the same id.
/// **What Kafka does** It logs a warning at load, and continues with the lower epoch.
/// **Repair** None.
/// **References** `ProducerAppendInfo.checkProducerEpoch`.
Batch B302 ProducerEpochRegression "producer-epoch-regression" Warning Cross None;

/// a malformed control batch
///
/// **What** A control batch has not exactly one record, no producer where it ends a transaction, or belongs to no transaction.
/// **Why it happens** The control bit of a data batch was set together with the checksum.
/// **What Kafka does** Loading the producer state fails on it, and with it the log dir, at every start.
/// **Repair** Look what the batch is before anything is changed: an empty batch in its place keeps the offsets.
/// **References** `ProducerAppendInfo.append`, `ControlRecordType.parse`.
Batch B303 ControlShape "control-shape" Error Shape Manual;

/// duplicate sequence numbers
///
/// **What** A producer's batch repeats sequence numbers that are in the log already.
/// **Why it happens** A batch was written twice.
/// **What Kafka does** It doesn't check stored batches; consumers get the records twice.
/// **Repair** Take the later batch out.
/// **References** `ProducerStateEntry.findDuplicateBatch`.
Batch B304 SequenceDuplicate "sequence-duplicate" Error Cross Manual;

/// a batch outside of its producer's transaction
///
/// **What** A batch without the transactional bit comes from a producer whose transaction is open.
/// **Why it happens** The bit was cleared together with the checksum, or batches of another log are in here.
/// **What Kafka does** Loading the producer state fails on it, and with it the log dir.
/// **Repair** Take the batch out.
/// **References** `ProducerAppendInfo.appendDataBatch`.
Batch B305 ForeignInTransaction "foreign-in-transaction" Error Cross Manual;

/// a transaction marker with a lower epoch than its transaction
///
/// **What** The producer epoch of a commit or abort marker lies below that of the data in front of it.
/// **Why it happens** Markers or batches changed places.
/// **What Kafka does** It logs a warning at load and continues with the lower epoch.
/// **Repair** None.
/// **References** `ProducerAppendInfo.checkProducerEpoch`, KIP-890.
Batch B306 MarkerEpoch "marker-epoch" Warning Cross None;

/// a transaction marker without records
///
/// **What** A transaction marker ends a transaction that has no records here.
/// **Why it happens** The transaction was empty, its records were refused, or compaction or deletion removed them.
/// **What Kafka does** It is used to that.
/// **Repair** None is needed.
/// **References** KIP-98, KIP-890.
Batch B307 MarkerWithoutData "marker-without-data" Note Cross None;

/// an open transaction at the log end
///
/// **What** Transactional records have no marker after them.
/// **Why it happens** The transaction was going on when the files were copied, or its marker is lost.
/// **What Kafka does** Consumers that read committed records wait in front of it until it ends.
/// **Repair** None is needed; the coordinator ends it.
/// **References** `ProducerStateManager.firstUnstableOffset`.
Batch B308 OpenTransaction "open-transaction" Note Cross None;

/// a hanging transaction
///
/// **What** A transaction is open, and records much later than any transaction may last follow it.
/// **Why it happens** Its marker is lost, or was never written (KAFKA-12671, before 2.8 and in the races that KIP-890 ends).
/// **What Kafka does** The last stable offset stays in front of it: consumers of committed records wait forever, and compaction stops there.
/// **Repair** `kafka-transactions.sh find-hanging` and `abort`, on the running cluster.
/// **References** KIP-664, KIP-890.
Batch B309 HangingTransaction "hanging-transaction" Warning Cross None;

/// contradictory producer fields
///
/// **What** A batch has a producer id without an epoch or a sequence, a negative id other than −1, or belongs to a transaction without a producer.
/// **Why it happens** A client with a bug, or a header changed together with the checksum.
/// **What Kafka does** Brokers before some check accept it; loading the producer state may fail.
/// **Repair** Take the batch out if a broker fails on it.
/// **References** `DefaultRecordBatch.writeHeader`, `LogValidator.validateBatch`.
Batch B310 ProducerFields "producer-fields" Warning Shape None;

/// the coordinator epoch of a marker decreases
///
/// **What** A transaction marker has a lower coordinator epoch than an earlier marker of the same producer.
/// **Why it happens** A coordinator that had been replaced wrote it, or the value was changed.
/// **What Kafka does** A leader refuses such markers; stored ones it takes.
/// **Repair** None.
/// **References** `ProducerAppendInfo.checkCoordinatorEpoch`.
Batch B311 CoordinatorEpoch "coordinator-epoch" Warning Cross None;

/// a timestamp in the future
///
/// **What** The largest timestamp of a batch is more than an hour later than the file's last change.
/// **Why it happens** A producer with a wrong clock, or in other units than milliseconds.
/// **What Kafka does** Retention by time keeps the segment until then. From 4.0 on such records are refused by default.
/// **Repair** None; delete records by offset, or let retention by size do it.
/// **References** KIP-937, `message.timestamp.after.max.ms`.
Batch B401 TimestampInTheFuture "timestamp-in-the-future" Warning Shape None;

/// a timestamp before the year 1970
///
/// **What** The largest timestamp of a batch is below −1.
/// **Why it happens** A client with a bug.
/// **What Kafka does** It refuses such records from clients; stored ones count as old for retention.
/// **Repair** None.
/// **References** `DefaultRecord`, `RecordBatch.NO_TIMESTAMP`.
Batch B402 NegativeTimestamp "negative-timestamp" Warning Shape None;

} } } }
