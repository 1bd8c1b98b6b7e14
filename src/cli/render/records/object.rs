//! Records as JSON objects of schema `kseg.record/1`.

use kseg::decode::json::write_string;
use kseg::format::{Batch, Record};

use super::Entry;
use super::content::Contents;
use crate::cli::render::Push;

/// Writes objects; what all records of a batch have in common is made once.
#[derive(Debug, Default)]
pub(super) struct Objects {
    batch: Option<Identity>,
    topic: Option<String>,
    /// From the brace to the offset.
    head: Vec<u8>,
    /// From the timestamp to the key.
    middle: Vec<u8>,
    /// From the sizes to the sequence number.
    tail: Vec<u8>,
    /// From the sequence number to the brace.
    end: Vec<u8>,
}

/// What tells batches apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    partition: Option<i32>,
    position: u64,
    offset: i64,
    leader_epoch: Option<i32>,
    crc: u32,
    is_sound: Option<bool>,
}

impl Identity {
    fn of(entry: &Entry<'_, '_>) -> Self {
        let (offset, leader_epoch, crc) = match entry.batch {
            Batch::V2(batch) => (
                batch.base_offset().0,
                Some(batch.leader_epoch().0),
                batch.stored_crc(),
            ),
            Batch::Legacy(message) => (message.offset().0, None, message.stored_crc()),
            _ => (entry.batch.last_offset().0, None, 0),
        };
        Self {
            partition: entry.partition,
            position: entry.batch.position().0,
            offset,
            leader_epoch,
            crc,
            is_sound: entry.is_sound,
        }
    }
}

impl Objects {
    /// Appends a record.
    pub(super) fn record(&mut self, contents: &Contents, entry: Entry<'_, '_>, out: &mut Vec<u8>) {
        let batch = Some(Identity::of(&entry));
        if self.batch != batch || self.topic.as_deref() != entry.topic {
            self.batch = batch;
            self.enter(&entry);
        }
        let record = entry.record;
        out.extend_from_slice(&self.head);
        out.int(record.offset().0)
            .text(",\"timestamp\":")
            .int(record.timestamp().0);
        out.extend_from_slice(&self.middle);
        contents.value(record.key(), out);
        out.text(",\"value\":");
        contents.value(record.value(), out);
        headers(contents, record, out);
        out.text(",\"serialized_key_size\":")
            .int(size(record.key()))
            .text(",\"serialized_value_size\":")
            .int(size(record.value()));
        out.extend_from_slice(&self.tail);
        id(record.sequence(), out);
        out.extend_from_slice(&self.end);
        out.push(b'}');
    }

    /// Makes what all records of the batch have in common.
    fn enter(&mut self, entry: &Entry<'_, '_>) {
        self.topic = entry.topic.map(str::to_owned);
        let batch = entry.batch;
        let head = &mut self.head;
        head.clear();
        head.text("{\"schema\":\"kseg.record/1\",\"topic\":");
        match entry.topic {
            Some(topic) => write_string(topic.as_bytes(), head),
            None => drop(head.text("null")),
        }
        head.text(",\"partition\":");
        number(entry.partition, head);
        head.text(",\"offset\":");

        let of_v2 = match batch {
            Batch::V2(batch) => Some(batch),
            _ => None,
        };
        let middle = &mut self.middle;
        middle.clear();
        middle
            .text(",\"timestamp_type\":\"")
            .text(batch.timestamp_type().name())
            .text("\",\"leader_epoch\":");
        let epoch = of_v2.map(|batch| batch.leader_epoch().0);
        number(epoch.filter(|epoch| *epoch >= 0), middle);
        middle.text(",\"key\":");

        let tail = &mut self.tail;
        tail.clear();
        tail.text(",\"position\":")
            .int(batch.position().0)
            .text(",\"batch_base_offset\":");
        number(base_offset(batch), tail);
        tail.text(",\"codec\":");
        match batch.codec() {
            Ok(codec) => tail.text("\"").text(codec.name()).text("\""),
            Err(_) => tail.text("null"),
        };
        tail.text(",\"producer_id\":");
        id(of_v2.map_or(-1, |batch| batch.producer_id().0), tail);
        tail.text(",\"producer_epoch\":");
        id(of_v2.map_or(-1, |batch| batch.producer_epoch()), tail);
        tail.text(",\"sequence\":");

        let end = &mut self.end;
        end.clear();
        end.text(",\"transactional\":")
            .bool(of_v2.is_some_and(|batch| batch.is_transactional()))
            .text(",\"control\":")
            .bool(batch.is_control())
            .text(",\"crc\":")
            .text(match entry.is_sound {
                Some(true) => "\"ok\"",
                Some(false) => "\"wrong\"",
                None => "null",
            })
            .text(",\"magic\":")
            .int(magic(batch));
    }
}

/// The offset of slot 0. A compressed set of magic 0 or 1 has only that of its last message.
fn base_offset(batch: &Batch<'_>) -> Option<i64> {
    match batch {
        Batch::V2(batch) => Some(batch.base_offset().0),
        Batch::Legacy(message) => message
            .codec()
            .is_ok_and(|codec| codec.name() == "none")
            .then(|| message.offset().0),
        _ => None,
    }
}

fn magic(batch: &Batch<'_>) -> i8 {
    match batch {
        Batch::Legacy(message) => message.magic(),
        Batch::V2(batch) => batch.magic(),
        _ => -1,
    }
}

fn headers(contents: &Contents, record: &Record<'_>, out: &mut Vec<u8>) {
    out.text(",\"headers\":[");
    for (index, header) in record.headers().enumerate() {
        out.text(if index > 0 { ",{\"key\":" } else { "{\"key\":" });
        contents.value(Some(header.key), out);
        out.text(",\"value\":");
        contents.value(header.value, out);
        out.push(b'}');
    }
    out.push(b']');
}

/// Bytes of a key or value as a consumer tells them: −1 for null.
fn size(bytes: Option<&[u8]>) -> i64 {
    bytes.map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX))
}

/// A number, or null.
fn number(number: Option<impl itoa::Integer>, out: &mut Vec<u8>) {
    match number {
        Some(number) => out.int(number),
        None => out.text("null"),
    };
}

/// A number; −1 is none.
fn id(id: impl Into<i64>, out: &mut Vec<u8>) {
    number(Some(id.into()).filter(|id| *id != -1), out);
}
