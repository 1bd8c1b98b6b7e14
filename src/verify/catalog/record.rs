//! R: records.

macro_rules! record { ($next:ident $($after:ident)* { $($rows:tt)* }) => { $next! { $($after)* { $($rows)*

/// an invalid record length
///
/// **What** A record announces more bytes than the batch has left, or its fields end before it does.
/// **Why it happens** A client with a bug, or records changed together with the checksum.
/// **What Kafka does** Brokers don't look; consumers, the cleaner and conversions fail on the batch.
/// **Repair** Take the batch out, or put an empty one in its place; records in front of this one can be saved.
/// **References** `DefaultRecord.readFrom`.
Record R101 RecordLength "record-length" Error Deep Lossy;

/// a varint is too long
///
/// **What** A variable-length number has more bytes than its type allows.
/// **Why it happens** Records changed together with the checksum.
/// **What Kafka does** Consumers fail on the batch.
/// **Repair** Take the batch out, or put an empty one in its place.
/// **References** `ByteUtils.readVarint`.
Record R102 VarintTooLong "varint-too-long" Error Deep Lossy;

/// bytes after the last record
///
/// **What** The batch continues after the number of records in its header.
/// **Why it happens** A client with a bug, or a count changed together with the checksum.
/// **What Kafka does** Consumers fail at the end of the batch, after the records announced.
/// **Repair** Take the batch out, or correct the count if what follows is records.
/// **References** `DefaultRecordBatch.RecordIterator`.
Record R103 TrailingBytes "trailing-bytes" Error Deep Lossy
    fix Safe "where every record can be read all the same";

/// the records cannot be decompressed
///
/// **What** The payload of a compressed batch is not a stream of its codec, or breaks off.
/// **Why it happens** A client with a bug; the checksum is right, so the bytes are as they were written.
/// **What Kafka does** Brokers don't look unless they recompress; consumers and the cleaner fail on the batch.
/// **Repair** Take the batch out, or put an empty one in its place; records in front of the fault can be saved.
/// **References** `Compression.wrapForInput`.
Record R104 InflateFailed "inflate-failed" Error Deep Lossy
    fix Safe "where every record can be read all the same";

/// the records decompress to more than the limit
///
/// **What** A batch unpacks to more bytes than the limit.
/// **Why it happens** A very large batch of very regular records, or a bomb.
/// **What Kafka does** It unpacks as much as there is.
/// **Repair** None; raise `--inflate-limit` to look inside.
/// **References** `max.message.bytes` counts compressed bytes.
Record R105 InflateLimit "inflate-limit" Warning Deep None;

/// a record header without a key
///
/// **What** The key of a record header is null.
/// **Why it happens** A client with a bug.
/// **What Kafka does** Consumers fail on the batch.
/// **Repair** Take the batch out.
/// **References** `DefaultRecord.readHeaders`.
Record R106 NullHeaderKey "null-header-key" Error Deep Lossy;

/// records out of offset order
///
/// **What** The offset of a record doesn't lie above that of the record in front of it.
/// **Why it happens** A client with a bug (sarama before 1.16 sent every delta as 0), or records changed together with the checksum.
/// **What Kafka does** Consumers skip records whose offset lies below the one they want.
/// **Repair** None without a new batch.
/// **References** `Fetcher.CompletedFetch.nextFetchedRecord`.
Record R107 DeltaOrder "delta-order" Error Deep None;

/// a malformed control record
///
/// **What** A control record has no key of four bytes, a type that doesn't exist, or a value that is too short for it.
/// **Why it happens** The control bit of a data batch was set, or the record changed, together with the checksum.
/// **What Kafka does** Loading the producer state fails on it. Recovery truncates the log right after it, and fails again at every start.
/// **Repair** Put an empty batch in its place.
/// **References** `ControlRecordType.parse`, `EndTransactionMarker.deserialize`.
Record R108 ControlRecord "control-record" Error Deep Manual
    severity Warning "where only its version is another";

/// fewer records than the header says
///
/// **What** The bytes of a batch end before the number of records that it announces.
/// **Why it happens** A client with a bug, or a count changed together with the checksum.
/// **What Kafka does** Consumers fail after the last record.
/// **Repair** Take the batch out, or put an empty one in its place; the records there can be saved.
/// **References** `DefaultRecordBatch.RecordIterator`.
Record R109 RecordsMissing "records-missing" Error Deep Lossy
    fix Safe "where every record can be read all the same";

/// a field extends beyond its record
///
/// **What** A key, value or header announces more bytes than its record has, or a record an impossible number of headers.
/// **Why it happens** A client with a bug, or records changed together with the checksum.
/// **What Kafka does** Consumers fail on the batch.
/// **Repair** Take the batch out, or put an empty one in its place; records in front of this one can be saved.
/// **References** `DefaultRecord.readFrom`, `LegacyRecord`.
Record R110 FieldLength "field-length" Error Deep Lossy;

/// a malformed compressed message set
///
/// **What** A compressed message of magic 0 or 1 has no value, holds no messages or compressed ones, or an offset below those inside.
/// **Why it happens** An old client with a bug.
/// **What Kafka does** Consumers fail on it; brokers of 0.9 and before take it.
/// **Repair** Take the message out.
/// **References** `AbstractLegacyRecordBatch.DeepRecordsIterator`.
Record R111 Wrapper "wrapper" Error Deep None;

/// a record outside of its batch's offsets
///
/// **What** The offset of a record lies before the batch's first or after its last.
/// **Why it happens** A client with a bug, or a header changed together with the checksum.
/// **What Kafka does** Records beyond the last offset come twice or hide those of the next batch.
/// **Repair** Correct the last offset delta, or take the batch out.
/// **References** `DefaultRecordBatch.lastOffset`.
Record R112 DeltaOutside "delta-outside" Error Deep Lossy
    fix Safe "where every record can be read all the same";

/// the last offset does not match the last record
///
/// **What** A batch has bytes after its last record, or has fewer records than offsets.
/// **Why it happens** Compaction removes records and keeps the last offset; a client may count wrongly.
/// **What Kafka does** It works: readers continue after the batch.
/// **Repair** None is needed.
/// **References** `MemoryRecords.filterTo`.
Record R113 OffsetsUnused "offsets-unused" Note Shape None;

/// checksum mismatch of a message inside a compressed set
///
/// **What** A message of magic 0 or 1 inside a compressed one has a checksum that is not that of its bytes.
/// **Why it happens** A client with a bug; the checksum around it is right.
/// **What Kafka does** It checks the outer checksum only.
/// **Repair** None is needed.
/// **References** `AbstractLegacyRecordBatch.DeepRecordsIterator`, `ByteBufferLogInputStream`.
Record R114 InnerCrc "inner-crc" Warning Deep None;

/// a schema id without a schema
///
/// **What** Keys or values of a topic begin with a schema id that no schema in `_schemas` of the same log dirs has. A topic counts as one with
/// schemas where all of its keys, or all of its values, begin with a zero and an id, and a schema is known for one of the ids.
/// **Why it happens** The registry was restored from an older backup, or into one that assigned other ids; the records were copied from another
/// cluster; or its topic was compacted or cut after the schema was deleted for good.
/// **What Kafka does** It doesn't look into records. Consumers that ask the registry for the id get an error.
/// **Repair** None is needed in the log. Find the schema in a backup of `_schemas` or another log dir, and register it under its id
/// (mode `IMPORT`); `kseg cat --value-as avro --schema ID=FILE` reads the records without a registry.
/// **References** Confluent's wire format; `kseg schemas --usage`.
Record R115 SchemaIdUndefined "schema-id-undefined" Warning Deep None;

/// a schema id with several texts
///
/// **What** `_schemas` has several texts for one id: what a record with this id means depends on the subject, or on who is asked.
/// **Why it happens** Two registries wrote to one topic, or schemas were restored next to others that had their ids.
/// **What Kafka does** It doesn't look into records. A registry serves the text that it read last, so a restart may change it.
/// **Repair** None is needed in the log. Find out which text the records were written with; `kseg schemas` lists the texts, and
/// `kseg cat --value-as avro --schema ID=FILE` reads by the one in a file.
/// **References** Confluent's `KafkaStore`; `kseg schemas`.
Record R116 SchemaIdAmbiguous "schema-id-ambiguous" Warning Deep None;

} } } }
