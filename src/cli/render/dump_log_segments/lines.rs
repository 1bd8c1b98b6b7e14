//! The lines of batches and records. Each function appends to a line; its order of fields is the
//! release's.

use kseg::format::fault::CodecFault;
use kseg::format::{Batch, Codec, Fault, FaultKind, Frame, Message, Record, RecordBatch};
use kseg::wire::text::push_utf8;

use super::style::{CodecNames, Layout, Style};
use crate::cli::render::Push;
use crate::cli::render::fields::Fields;

/// The name of a codec, or a text for an unknown one, at which Kafka's tool stops.
pub(super) fn push_codec(line: &mut Vec<u8>, style: &Style, codec: Result<Codec, Fault>) {
    match codec.map_err(|fault| fault.kind()) {
        Ok(codec) => match style.codecs {
            CodecNames::Lower => drop(line.text(codec.name())),
            CodecNames::Upper => line.extend(codec.name().bytes().map(|b| b.to_ascii_uppercase())),
            CodecNames::Class => drop(line.text(match codec {
                Codec::None => "NoCompressionCodec",
                Codec::Gzip => "GZIPCompressionCodec",
                Codec::Snappy => "SnappyCompressionCodec",
                Codec::Lz4 => "LZ4CompressionCodec",
                Codec::Zstd => "unknown(4)",
            })),
        },
        Err(FaultKind::Codec(CodecFault::Unknown(id))) => {
            line.text("unknown(").int(id).text(")");
        }
        Err(_) => drop(line.text("unknown")),
    }
}

/// ` position: 0 CreateTime: 1528595323503 …`: the end of the line of every batch.
fn push_batch_end(line: &mut Vec<u8>, style: &Style, batch: &BatchEnd<'_>) {
    line.text(" position: ")
        .int(batch.position)
        .text(" ")
        .text(batch.timestamp_type)
        .text(": ");
    line.int(batch.timestamp);
    let valid_last = style.layout != Layout::Classic;
    if !valid_last {
        line.text(" isvalid: ").bool(batch.valid);
    }
    line.text(" size: ")
        .int(batch.size)
        .text(" magic: ")
        .int(batch.magic)
        .text(" compresscodec: ");
    push_codec(line, style, batch.codec);
    line.text(" crc: ").int(batch.crc);
    if valid_last {
        line.text(" isvalid: ").bool(batch.valid);
    }
    line.text("\n");
}

struct BatchEnd<'a> {
    position: u64,
    timestamp_type: &'a str,
    timestamp: i64,
    size: usize,
    magic: i8,
    codec: Result<Codec, Fault>,
    crc: u32,
    valid: bool,
}

/// The line of a batch of magic 2.
pub(crate) fn push_batch(line: &mut Vec<u8>, style: &Style, batch: &RecordBatch<'_>, valid: bool) {
    line.text("baseOffset: ")
        .int(batch.base_offset().get())
        .text(" lastOffset: ")
        .int(batch.last_offset().get());
    if style.count {
        line.text(" count: ").int(batch.records_count());
    }
    line.text(" baseSequence: ").int(batch.base_sequence());
    line.text(" lastSequence: ").int(batch.last_sequence());
    line.text(" producerId: ").int(batch.producer_id().get());
    line.text(" producerEpoch: ").int(batch.producer_epoch());
    line.text(" partitionLeaderEpoch: ")
        .int(batch.leader_epoch().get());
    line.text(" isTransactional: ")
        .bool(batch.is_transactional());
    if style.is_control {
        line.text(" isControl: ").bool(batch.is_control());
    }
    if style.delete_horizon {
        match batch.delete_horizon() {
            Some(horizon) => line
                .text(" deleteHorizonMs: OptionalLong[")
                .int(horizon.get())
                .text("]"),
            None => line.text(" deleteHorizonMs: OptionalLong.empty"),
        };
    }
    push_batch_end(
        line,
        style,
        &BatchEnd {
            position: batch.position().get(),
            timestamp_type: batch.timestamp_type().name(),
            timestamp: batch.max_timestamp().get(),
            size: batch.size_bytes(),
            magic: batch.magic(),
            codec: batch.codec(),
            crc: batch.stored_crc(),
            valid,
        },
    );
}

/// The line of a message of magic 0 or 1.
pub(crate) fn push_message(line: &mut Vec<u8>, style: &Style, message: &Message<'_>, valid: bool) {
    line.text("offset: ").int(message.offset().get());
    push_batch_end(
        line,
        style,
        &BatchEnd {
            position: message.position().get(),
            timestamp_type: message.timestamp_type().name(),
            timestamp: message.timestamp().get(),
            size: message.bytes().len(),
            magic: message.magic(),
            codec: message.codec(),
            crc: message.stored_crc(),
            valid,
        },
    );
}

/// The line of an entry at whose magic Kafka's tool stops.
pub(crate) fn push_unknown(line: &mut Vec<u8>, frame: &Frame<'_>) {
    line.text("offset: ")
        .int(frame.offset().get())
        .text(" position: ")
        .int(frame.position().get());
    line.text(" size: ")
        .int(frame.size_bytes())
        .text(" magic: ")
        .int(frame.magic())
        .text(" (unknown)\n");
}

/// The common part of the lines of all records of a batch.
#[derive(Debug)]
pub(crate) struct RecordLine<'a> {
    style: &'a Style,
    timestamp_type: &'static str,
    /// The fields of the batch that the layout repeats in each of its records.
    batch: Vec<u8>,
    /// Further fields, later in the line.
    producer: Vec<u8>,
}

impl<'a> RecordLine<'a> {
    /// Prepares the lines for the records of `batch`, the first of which has the offset `first`.
    pub(crate) fn new(style: &'a Style, batch: &Batch<'_>, first: impl FnOnce() -> i64) -> Self {
        let (mut fields, mut producer) = (Vec::new(), Vec::new());
        match style.layout {
            Layout::Classic => classic_fields(style, batch, &mut fields, &mut producer),
            Layout::Flooded => flooded_fields(style, batch, first, &mut fields),
            Layout::Messages | Layout::Indented | Layout::Current => {}
        }
        Self {
            style,
            timestamp_type: batch.timestamp_type().name(),
            batch: fields,
            producer,
        }
    }

    /// The line of a record up to its contents.
    #[inline]
    pub(crate) fn push(&self, line: &mut Vec<u8>, position: u64, record: &Record<'_>) {
        match self.style.layout {
            Layout::Current => self.push_current(line, record),
            Layout::Indented => self.push_indented(line, record),
            Layout::Flooded => self.push_flooded(line, record),
            Layout::Messages | Layout::Classic => self.push_classic(line, position, record),
        }
    }

    fn push_time(&self, line: &mut Vec<u8>, record: &Record<'_>) {
        line.text(" ")
            .text(self.timestamp_type)
            .text(": ")
            .int(record.timestamp().get());
    }

    #[inline]
    fn push_current(&self, line: &mut Vec<u8>, record: &Record<'_>) {
        let mut fields = Fields::at_end_of(line);
        fields.text("| offset: ").int(record.offset().get());
        fields
            .text(" ")
            .text(self.timestamp_type)
            .text(": ")
            .int(record.timestamp().get());
        fields.text(" keySize: ").int(record.key_size());
        fields.text(" valueSize: ").int(record.value_size());
        let Some(message) = record.message() else {
            fields.text(" sequence: ").int(record.sequence());
            fields.finish();
            push_header_keys(line, record);
            return;
        };
        fields
            .text(" isValid: ")
            .text(if is_valid(&message) { "true" } else { "false" });
        fields.text(" crc: ").int(message.stored_crc());
        if self.style.stray_brace {
            fields.text("}");
        }
        fields.finish();
    }

    fn push_indented(&self, line: &mut Vec<u8>, record: &Record<'_>) {
        line.text("| offset: ").int(record.offset().get());
        self.push_time(line, record);
        line.text(" keysize: ")
            .int(record.key_size())
            .text(" valuesize: ")
            .int(record.value_size());
        match record.message() {
            None => push_sequence(line, record),
            Some(message) => push_crc_and_valid(line, &message),
        }
    }

    fn push_flooded(&self, line: &mut Vec<u8>, record: &Record<'_>) {
        line.text("| offset: ")
            .int(record.offset().get())
            .text(" isValid: ");
        match record.message() {
            None => line.text("true crc: null"),
            Some(message) => line
                .bool(is_valid(&message))
                .text(" crc: ")
                .int(message.stored_crc()),
        };
        line.text(" keySize: ")
            .int(record.key_size())
            .text(" valueSize: ")
            .int(record.value_size());
        self.push_time(line, record);
        line.extend_from_slice(&self.batch);
        match record.message() {
            None => push_sequence(line, record),
            Some(message) => push_crc_and_valid(line, &message),
        }
    }

    fn push_classic(&self, line: &mut Vec<u8>, position: u64, record: &Record<'_>) {
        line.text("offset: ")
            .int(record.offset().get())
            .text(" position: ")
            .int(position);
        self.push_time(line, record);
        line.text(" isvalid: ")
            .bool(record.message().is_none_or(|message| is_valid(&message)));
        line.text(" keysize: ")
            .int(record.key_size())
            .text(" valuesize: ")
            .int(record.value_size());
        line.extend_from_slice(&self.batch);
        match record.message() {
            None => {
                line.text(" sequence: ").int(record.sequence());
                line.extend_from_slice(&self.producer);
                push_header_keys(line, record);
            }
            Some(message) => {
                line.text(" crc: ").int(message.stored_crc());
            }
        }
    }
}

pub(super) fn is_valid(message: &Message<'_>) -> bool {
    message.stored_crc() == message.actual_crc()
}

#[inline]
fn push_sequence(line: &mut Vec<u8>, record: &Record<'_>) {
    line.text(" sequence: ").int(record.sequence());
    push_header_keys(line, record);
}

fn push_crc_and_valid(line: &mut Vec<u8>, message: &Message<'_>) {
    line.text(" crc: ")
        .int(message.stored_crc())
        .text(" isvalid: ")
        .bool(is_valid(message));
}

#[inline]
fn push_header_keys(line: &mut Vec<u8>, record: &Record<'_>) {
    line.text(" headerKeys: [");
    for (index, header) in record.headers().enumerate() {
        if index > 0 {
            line.text(",");
        }
        push_utf8(line, header.key);
    }
    line.text("]");
}

fn classic_fields(style: &Style, batch: &Batch<'_>, fields: &mut Vec<u8>, producer: &mut Vec<u8>) {
    match batch {
        Batch::V2(batch) => {
            fields
                .text(" magic: ")
                .int(batch.magic())
                .text(" compresscodec: ");
            push_codec(fields, style, batch.codec());
            fields.text(" producerId: ").int(batch.producer_id().get());
            if style.producer_epoch {
                fields.text(" producerEpoch: ").int(batch.producer_epoch());
            }
            producer
                .text(" isTransactional: ")
                .bool(batch.is_transactional());
        }
        Batch::Legacy(message) => {
            fields
                .text(" magic: ")
                .int(message.magic())
                .text(" compresscodec: ");
            push_codec(fields, style, message.codec());
        }
        _ => {}
    }
}

fn flooded_fields(
    style: &Style,
    batch: &Batch<'_>,
    first: impl FnOnce() -> i64,
    fields: &mut Vec<u8>,
) {
    match batch {
        Batch::V2(batch) => {
            fields.text(" baseOffset: ").int(batch.base_offset().get());
            fields.text(" lastOffset: ").int(batch.last_offset().get());
            fields.text(" baseSequence: ").int(batch.base_sequence());
            fields.text(" lastSequence: ").int(batch.last_sequence());
            fields.text(" producerEpoch: ").int(batch.producer_epoch());
            fields
                .text(" partitionLeaderEpoch: ")
                .int(batch.leader_epoch().get());
            fields
                .text(" batchSize: ")
                .int(batch.size_bytes())
                .text(" magic: ")
                .int(batch.magic());
        }
        Batch::Legacy(message) => {
            fields
                .text(" baseOffset: ")
                .int(first())
                .text(" lastOffset: ")
                .int(message.offset().get());
            fields.text(
                " baseSequence: -1 lastSequence: -1 producerEpoch: -1 partitionLeaderEpoch: -1",
            );
            fields
                .text(" batchSize: ")
                .int(message.bytes().len())
                .text(" magic: ")
                .int(message.magic());
        }
        _ => {}
    }
    fields.text(" compressType: ");
    push_codec(fields, style, batch.codec());
    fields.text(" position: ").int(batch.position().get());
}
