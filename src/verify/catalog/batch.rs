//! B: batches.

macro_rules! batch { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// batch checksum mismatch
///
/// **What** The checksum in the header of a batch is not that of its bytes. If flipping a single bit makes it right, the byte and bit are reported.
/// **Why it happens** A bit flipped on the disk, in memory or on the network; or bytes were overwritten.
/// **What Kafka does** A consumer that checks checksums stops here, followers retry forever, and the cleaner marks the partition as uncleanable. Recovery after an unclean shutdown truncates the segment at this batch: everything after it is lost.
/// **Repair** If one bit explains it, flip it back: the checksum proves the result. Otherwise remove the batch, or copy it from a healthy replica.
/// **References** `DefaultRecordBatch.ensureValid`, `LogSegment.recover`.
Batch B101 CrcMismatch "crc-mismatch" Error Sum Lossy
    fix Lossless "where a single bit explains it, which the checksum proves";

/// unknown compression codec
///
/// **What** The attributes of a batch have a codec that doesn't exist, or not in its magic.
/// **Why it happens** A client with a bug, or the attributes were changed together with the checksum.
/// **What Kafka does** Brokers don't check; clients fail on the batch.
/// **Repair** Remove the batch, or correct the attribute if the payload shows its codec.
/// **References** `CompressionType.forId`.
Batch B102 UnknownCodec "unknown-codec" Error Shape Lossless;

/// unknown attribute bits
///
/// **What** Bits of the attributes are set that no release of Kafka uses.
/// **Why it happens** A client with a bug, or a later release.
/// **What Kafka does** It ignores them.
/// **Repair** No repair is needed.
/// **References** `DefaultRecordBatch`: bits 7 to 15 are unused.
Batch B103 ReservedAttributes "reserved-attributes" Warning Shape None;

/// the record count does not match the offsets
///
/// **What** The record count of a batch is negative, or larger than its number of offsets.
/// **Why it happens** A client with a bug, or a header changed together with the checksum.
/// **What Kafka does** Brokers don't check; consumers fail on the batch or get fewer records.
/// **Repair** Remove the batch, or replace it with an empty one.
/// **References** `DefaultRecordBatch.count`, `LogValidator.validateBatch`.
Batch B104 RecordCount "record-count" Error Shape Lossy
    fix Lossless "where every record can still be read";

/// the last offset delta is negative
///
/// **What** The last offset of a batch is before its first.
/// **Why it happens** A header changed together with the checksum.
/// **What Kafka does** It uses the wrong last offset: the log end offset may go back, and offsets are assigned twice.
/// **Repair** Correct the field from the last record, or remove the batch.
/// **References** `DefaultRecordBatch.lastOffset`.
Batch B105 LastOffsetDelta "last-offset-delta" Error Shape Lossless;

/// the largest timestamp is not that of any record
///
/// **What** The maximum timestamp in the header differs from the largest of the records.
/// **Why it happens** A client with a bug, or a header changed together with the checksum.
/// **What Kafka does** It uses the wrong timestamp for searches by time and for retention.
/// **Repair** Set it to the largest of the records, with a new checksum; the records don't change.
/// **References** `DefaultRecordBatch.maxTimestamp`, `LogValidator`.
Batch B106 MaxTimestamp "max-timestamp" Warning Deep Lossless;

/// an empty batch
///
/// **What** The record count in the header is 0.
/// **Why it happens** Compaction removed all its records, but keeps the last batch of a producer for its sequence numbers.
/// **What Kafka does** It keeps the batch until the producer writes again or expires.
/// **Repair** No repair is needed.
/// **References** `LogCleaner`, `MemoryRecords.filterTo`.
Batch B107 EmptyBatch "empty-batch" Note Shape None;

/// an older magic after a newer one
///
/// **What** A batch of a lower magic follows one of a higher magic.
/// **Why it happens** `message.format.version` was lowered.
/// **What Kafka does** It reads each batch by its own magic.
/// **Repair** No repair is needed.
/// **References** `message.format.version`, KIP-724.
Batch B108 OlderMagic "older-magic" Note Shape None;

/// offsets overlap
///
/// **What** A batch begins at or before the last offset of the batch before it. If one bit of an offset explains it, it is reported.
/// **Why it happens** A batch was written twice, batches were reordered, or a bit of an offset, which the checksum doesn't cover, flipped.
/// **What Kafka does** Reads don't check it: consumers skip the later batch, or can't reach records. When it rebuilds an index here, it fails, or deletes all segments from here on.
/// **Repair** Flip the bit back, or remove the duplicates.
/// **References** `OffsetIndex.append`, `LogSegment.recover`.
Batch B201 OffsetOverlap "offset-overlap" Error Shape Lossy
    fix Lossless "where a single bit explains it, or the batches are duplicates";

/// an offset gap
///
/// **What** A batch doesn't begin at the offset after the batch before it. A warning where it is the last one, the only gap, large, and a single flipped bit would explain it.
/// **Why it happens** Compaction, transactions and lost data leave gaps.
/// **What Kafka does** Gaps are legal: readers continue at the next offset.
/// **Repair** No repair is needed.
/// **References** `LogCleaner`, KIP-98.
Batch B202 OffsetGap "offset-gap" Note Shape None
    severity Warning "where a single bit would explain it"
    fix Manual "where a single bit would explain it";

/// the leader epoch decreases
///
/// **What** A batch has a lower leader epoch than the batch before it. If one bit explains it, it is reported.
/// **Why it happens** A bit of the field, which the checksum doesn't cover, flipped; or batches of another log are here.
/// **What Kafka does** It ignores epochs that go back. Followers that compare epochs may truncate too much or too little.
/// **Repair** Flip the bit back if one explains it.
/// **References** `LeaderEpochFileCache.assign`, KIP-101.
Batch B203 EpochRegression "epoch-regression" Error Shape Lossless;

/// a batch without a leader epoch among batches with one
///
/// **What** A batch of magic 2 has a negative leader epoch.
/// **Why it happens** A bit of the field flipped, or the batch came from a producer without passing a broker.
/// **What Kafka does** It treats the epoch as unknown, and followers truncate to the high watermark.
/// **Repair** Set it to the epoch of the batches around it, if they agree.
/// **References** `RecordBatch.NO_PARTITION_LEADER_EPOCH`, KIP-101.
Batch B204 NegativeEpoch "negative-epoch" Warning Shape Lossless;

/// a leader epoch out of order
///
/// **What** A batch has a higher leader epoch than the batches before and after it.
/// **Why it happens** A bit of the field, which the checksum doesn't cover, flipped.
/// **What Kafka does** The epoch cache adds the high epoch and ignores the lower ones after it; followers may truncate too much or too little.
/// **Repair** Flip the bit back if one explains it.
/// **References** `LeaderEpochFileCache.assign`, KIP-101.
Batch B205 EpochJump "epoch-jump" Error Shape Lossless;

/// a gap in a producer's sequence numbers
///
/// **What** A batch of an idempotent producer doesn't begin with the sequence number after its last one.
/// **Why it happens** Batches of the producer are lost, or were compacted or deleted, or its state expired.
/// **What Kafka does** It doesn't check stored batches; a producer that continues may be refused.
/// **Repair** None; it shows that records are missing.
/// **References** `ProducerAppendInfo.checkSequence`, KIP-98.
Batch B301 SequenceGap "sequence-gap" Warning Cross None;

/// the producer epoch decreases
///
/// **What** A batch has a lower producer epoch than an earlier one of the same producer.
/// **Why it happens** Batches were reordered, or an old producer wrote after a new one with the same id.
/// **What Kafka does** It logs a warning at load, and continues with the lower epoch.
/// **Repair** None.
/// **References** `ProducerAppendInfo.checkProducerEpoch`.
Batch B302 ProducerEpochRegression "producer-epoch-regression" Warning Cross None;

/// a malformed control batch
///
/// **What** A control batch doesn't have exactly one record, ends a transaction without a producer, or is outside of any transaction.
/// **Why it happens** The control bit of a data batch was set together with the checksum.
/// **What Kafka does** Loading the producer state fails, and the log dir goes offline at every start.
/// **Repair** Find out what the batch is before you change anything; an empty batch in its place keeps the offsets.
/// **References** `ProducerAppendInfo.append`, `ControlRecordType.parse`.
Batch B303 ControlShape "control-shape" Error Shape Manual;

/// duplicate sequence numbers
///
/// **What** A producer's batch repeats sequence numbers that are in the log already.
/// **Why it happens** A batch was written twice.
/// **What Kafka does** It doesn't check stored batches; consumers get duplicate records.
/// **Repair** Remove the later batch.
/// **References** `ProducerStateEntry.findDuplicateBatch`.
Batch B304 SequenceDuplicate "sequence-duplicate" Error Cross Manual;

/// a batch outside of its producer's transaction
///
/// **What** A batch without the transactional bit comes from a producer with an open transaction.
/// **Why it happens** The bit was cleared together with the checksum, or batches of another log are here.
/// **What Kafka does** Loading the producer state fails, and the log dir goes offline.
/// **Repair** Remove the batch.
/// **References** `ProducerAppendInfo.appendDataBatch`.
Batch B305 ForeignInTransaction "foreign-in-transaction" Error Cross Manual;

/// a transaction marker with a lower epoch than its transaction
///
/// **What** The producer epoch of a commit or abort marker is lower than that of its data.
/// **Why it happens** Markers or batches were reordered.
/// **What Kafka does** It logs a warning at load and continues with the lower epoch.
/// **Repair** None.
/// **References** `ProducerAppendInfo.checkProducerEpoch`, KIP-890.
Batch B306 MarkerEpoch "marker-epoch" Warning Cross None;

/// a transaction marker without records
///
/// **What** A transaction marker ends a transaction that has no records here.
/// **Why it happens** The transaction was empty, its records were refused, or compaction or deletion removed them.
/// **What Kafka does** Nothing; it is normal.
/// **Repair** No repair is needed.
/// **References** KIP-98, KIP-890.
Batch B307 MarkerWithoutData "marker-without-data" Note Cross None;

/// an open transaction at the log end
///
/// **What** Transactional records have no marker after them. If `__transaction_state` is in the same log dirs, the finding has the transactional id and the duration.
/// **Why it happens** The transaction was open when the files were copied, or its marker is lost.
/// **What Kafka does** `read_committed` consumers wait at its first offset until it ends.
/// **Repair** No repair is needed; the coordinator ends it.
/// **References** `ProducerStateManager.firstUnstableOffset`.
Batch B308 OpenTransaction "open-transaction" Note Cross None;

/// a hanging transaction
///
/// **What** A transaction is open, and later records are newer than the longest allowed transaction.
/// **Why it happens** Its marker is lost, or was never written (KAFKA-12671, before 2.8 and in the races that KIP-890 fixes).
/// **What Kafka does** The last stable offset stays at its first offset: `read_committed` consumers wait forever, and compaction stops there.
/// **Repair** `kafka-transactions.sh find-hanging` and `abort`, on the running cluster.
/// **References** KIP-664, KIP-890.
Batch B309 HangingTransaction "hanging-transaction" Warning Cross None;

/// contradictory producer fields
///
/// **What** A batch has a producer id without an epoch or a sequence, a negative id other than −1, or belongs to a transaction without a producer.
/// **Why it happens** A client with a bug, or a header changed together with the checksum.
/// **What Kafka does** Some brokers accept it; loading the producer state may fail.
/// **Repair** Remove the batch if a broker fails on it.
/// **References** `DefaultRecordBatch.writeHeader`, `LogValidator.validateBatch`.
Batch B310 ProducerFields "producer-fields" Warning Shape None;

/// the coordinator epoch of a marker decreases
///
/// **What** A transaction marker has a lower coordinator epoch than an earlier marker of the same producer.
/// **Why it happens** A former coordinator wrote it, or the value was changed.
/// **What Kafka does** A leader refuses such markers, but accepts stored ones.
/// **Repair** None.
/// **References** `ProducerAppendInfo.checkCoordinatorEpoch`.
Batch B311 CoordinatorEpoch "coordinator-epoch" Warning Cross None;

/// a timestamp in the future
///
/// **What** The largest timestamp of a batch is more than an hour after the modification time of the file.
/// **Why it happens** A producer with a wrong clock, or with a unit other than milliseconds.
/// **What Kafka does** Retention by time keeps the segment until then. Since 4.0, such records are refused by default.
/// **Repair** None; delete the records by offset (kafka-delete-records.sh), or by size (retention.bytes).
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
