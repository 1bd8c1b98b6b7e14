//! R: records.

macro_rules! record { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// an invalid record length
///
/// **What** The length of a record is more than the bytes left in the batch, or more than its fields.
/// **Why it happens** A client with a bug, or records changed together with the checksum.
/// **What Kafka does** Brokers don't check; consumers, the cleaner and conversions fail on the batch.
/// **Repair** Remove the batch, or replace it with an empty one; the records before it can be saved.
/// **References** `DefaultRecord.readFrom`.
Record R101 RecordLength "record-length" Error Deep Lossy;

/// a varint is too long
///
/// **What** A variable-length number has more bytes than its type allows.
/// **Why it happens** Records changed together with the checksum.
/// **What Kafka does** Consumers fail on the batch.
/// **Repair** Remove the batch, or replace it with an empty one.
/// **References** `ByteUtils.readVarint`.
Record R102 VarintTooLong "varint-too-long" Error Deep Lossy;

/// bytes after the last record
///
/// **What** The batch has more bytes after the number of records in its header.
/// **Why it happens** A client with a bug, or a count changed together with the checksum.
/// **What Kafka does** Consumers fail at the end of the batch, after the number of records in the header.
/// **Repair** Remove the batch, or correct the count if records follow.
/// **References** `DefaultRecordBatch.RecordIterator`.
Record R103 TrailingBytes "trailing-bytes" Error Deep Lossy
    fix Lossless "where every record can still be read";

/// the records cannot be decompressed
///
/// **What** The payload of a compressed batch is not a stream of its codec, or is incomplete.
/// **Why it happens** A client with a bug; the checksum is right, so the bytes are those that were written.
/// **What Kafka does** Brokers don't check unless they recompress; consumers and the cleaner fail on the batch.
/// **Repair** Remove the batch, or replace it with an empty one; the records before the fault can be saved.
/// **References** `Compression.wrapForInput`.
Record R104 InflateFailed "inflate-failed" Error Deep Lossy
    fix Lossless "where every record can still be read";

/// the records decompress to more than the limit
///
/// **What** A batch decompresses to more bytes than the limit.
/// **Why it happens** A very large batch of very regular records, or a decompression bomb.
/// **What Kafka does** It decompresses the batch without a limit.
/// **Repair** None; raise `--inflate-limit` to check the records.
/// **References** `max.message.bytes` counts compressed bytes.
Record R105 InflateLimit "inflate-limit" Warning Deep None;

/// a record header without a key
///
/// **What** The key of a record header is null.
/// **Why it happens** A client with a bug.
/// **What Kafka does** Consumers fail on the batch.
/// **Repair** Remove the batch.
/// **References** `DefaultRecord.readHeaders`.
Record R106 NullHeaderKey "null-header-key" Error Deep Lossy;

/// records out of offset order
///
/// **What** The offset of a record is not above that of the record before it.
/// **Why it happens** A client with a bug (sarama before 1.16 sent every delta as 0), or records changed together with the checksum.
/// **What Kafka does** Consumers skip records with an offset below the one they want.
/// **Repair** None; the batch would have to be rewritten.
/// **References** `Fetcher.CompletedFetch.nextFetchedRecord`.
Record R107 DeltaOrder "delta-order" Error Deep None;

/// a malformed control record
///
/// **What** A control record has no key of four bytes, a type that doesn't exist, or a value that is too short for it.
/// **Why it happens** The control bit of a data batch was set, or the record was changed, together with the checksum.
/// **What Kafka does** Loading the producer state fails. Recovery truncates the log right after it, and fails again at every start.
/// **Repair** The transaction index or `__transaction_state` in the log dirs of the node may show whether the transaction was committed or aborted. Where neither does, decide which it was; an empty batch in its place leaves the transaction open.
/// **References** `ControlRecordType.parse`, `EndTransactionMarker.deserialize`.
Record R108 ControlRecord "control-record" Error Deep Manual
    severity Warning "where only its version is unknown"
    fix Lossy "where the transaction index or the log of the coordinator shows how the transaction ended";

/// fewer records than the header says
///
/// **What** The batch ends before the number of records in its header.
/// **Why it happens** A client with a bug, or a count changed together with the checksum.
/// **What Kafka does** Consumers fail after the last record.
/// **Repair** Remove the batch, or replace it with an empty one; the readable records can be saved.
/// **References** `DefaultRecordBatch.RecordIterator`.
Record R109 RecordsMissing "records-missing" Error Deep Lossy
    fix Lossless "where every record can still be read";

/// a field extends beyond its record
///
/// **What** The length of a key, value or header is more than its record has, or the number of headers is invalid.
/// **Why it happens** A client with a bug, or records changed together with the checksum.
/// **What Kafka does** Consumers fail on the batch.
/// **Repair** Remove the batch, or replace it with an empty one; the records before it can be saved.
/// **References** `DefaultRecord.readFrom`, `LegacyRecord`.
Record R110 FieldLength "field-length" Error Deep Lossy;

/// a malformed compressed message set
///
/// **What** A compressed message of magic 0 or 1 has no value, contains no messages or compressed ones, or its offset is below those inside.
/// **Why it happens** An old client with a bug.
/// **What Kafka does** Consumers fail on it; brokers up to 0.9 accept it.
/// **Repair** Remove the message.
/// **References** `AbstractLegacyRecordBatch.DeepRecordsIterator`.
Record R111 Wrapper "wrapper" Error Deep None;

/// a record outside of its batch's offsets
///
/// **What** The offset of a record is before the first or after the last of its batch.
/// **Why it happens** A client with a bug, or a header changed together with the checksum.
/// **What Kafka does** Records beyond the last offset are duplicates or hide those of the next batch.
/// **Repair** Correct the last offset delta, or remove the batch.
/// **References** `DefaultRecordBatch.lastOffset`.
Record R112 DeltaOutside "delta-outside" Error Deep Lossy
    fix Lossless "where every record can still be read";

/// the last offset does not match the last record
///
/// **What** A batch has bytes after its last record, or has fewer records than offsets.
/// **Why it happens** Compaction removes records and keeps the last offset; a client may count wrongly.
/// **What Kafka does** Nothing; readers continue after the batch.
/// **Repair** No repair is needed.
/// **References** `MemoryRecords.filterTo`.
Record R113 OffsetsUnused "offsets-unused" Note Shape None;

/// checksum mismatch of a message inside a compressed set
///
/// **What** A message of magic 0 or 1 inside a compressed one has a checksum that is not that of its bytes.
/// **Why it happens** A client with a bug; the checksum around it is right.
/// **What Kafka does** It checks the outer checksum only.
/// **Repair** No repair is needed.
/// **References** `AbstractLegacyRecordBatch.DeepRecordsIterator`, `ByteBufferLogInputStream`.
Record R114 InnerCrc "inner-crc" Warning Deep None;

/// a schema id without a schema
///
/// **What** Keys or values of a topic begin with a schema id that no schema in `_schemas` of the same log dirs has. A topic counts as using schemas if all of its keys, or all of its values, begin with a zero byte and an id, and at least one of the ids has a schema.
/// **Why it happens** The registry was restored from an older backup, or into one that assigned other ids; the records were copied from another cluster; or its topic was compacted or truncated after a hard delete of the schema.
/// **What Kafka does** It doesn't check records. Consumers that ask the registry for the id get an error.
/// **Repair** No repair is needed in the log. Find the schema in a backup of `_schemas` or another log dir, and register it under its id (mode `IMPORT`); `kseg cat --value-as avro --schema ID=FILE` reads the records without a registry.
/// **References** Confluent's wire format; `kseg schemas --usage`.
Record R115 SchemaIdUndefined "schema-id-undefined" Warning Deep None;

/// a schema id with several schemas
///
/// **What** `_schemas` has several schemas for one id: the meaning of a record with this id depends on the subject, or on the registry.
/// **Why it happens** Two registries wrote to one topic, or schemas were restored with ids that others had.
/// **What Kafka does** It doesn't check records. A registry serves the schema that it read last, so a restart may change it.
/// **Repair** No repair is needed in the log. Find out with which schema the records were written; `kseg schemas` lists them, and `kseg cat --value-as avro --schema ID=FILE` uses the one in a file.
/// **References** Confluent's `KafkaStore`; `kseg schemas`.
Record R116 SchemaIdAmbiguous "schema-id-ambiguous" Warning Deep None;

} } } }
