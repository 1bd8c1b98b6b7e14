//! Records as JSON objects of schema `kseg.record/1`.

use kseg::decode::json::write_text;
use kseg::decode::registry::Registered;
use kseg::format::Batch;

use super::content::View;
use super::entry::{Facts, LocatedRecord, crc_name};
use crate::cli::render::{Page, Push};
use crate::cli::schema;

/// Writes objects; the common parts of all records of a batch are rendered once.
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

/// The identity of a batch.
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
    fn of(entry: &LocatedRecord<'_, '_>) -> Self {
        let (offset, leader_epoch, crc) = match entry.batch {
            Batch::V2(batch) => (
                batch.base_offset().get(),
                Some(batch.leader_epoch().get()),
                batch.stored_crc(),
            ),
            Batch::Legacy(message) => (message.offset().get(), None, message.stored_crc()),
            _ => (entry.batch.last_offset().get(), None, 0),
        };
        Self {
            partition: entry.partition,
            position: entry.batch.position().get(),
            offset,
            leader_epoch,
            crc,
            is_sound: entry.is_sound,
        }
    }
}

impl Objects {
    /// Appends a record.
    pub(super) fn record(
        &mut self,
        entry: &LocatedRecord<'_, '_>,
        view: &View<'_>,
        scratch: &mut Vec<u8>,
        out: &mut impl Page,
    ) {
        let batch = Some(Identity::of(entry));
        if self.batch != batch || self.topic.as_deref() != entry.topic {
            self.batch = batch;
            self.enter(entry);
        }
        let record = entry.record;
        out.page().extend_from_slice(&self.head);
        out.int(record.offset().get())
            .text(",\"timestamp\":")
            .int(record.timestamp().get());
        out.page().extend_from_slice(&self.middle);
        view.key(scratch).write_json(out);
        out.text(",\"value\":");
        view.value(scratch).write_json(out);
        for (name, schema) in [
            ("key_schema", view.key_schema()),
            ("value_schema", view.value_schema()),
        ] {
            if let Some(schema) = schema {
                write_schema(name, schema, out);
            }
        }
        out.text(",\"headers\":");
        write_headers(view, out);
        out.text(",\"serialized_key_size\":");
        number(view.key_size(), out);
        out.text(",\"serialized_value_size\":");
        number(view.value_size(), out);
        out.page().extend_from_slice(&self.tail);
        number(Some(record.sequence()).filter(|n| *n != -1), out);
        out.page().extend_from_slice(&self.end);
        if let Some(name) = view.control_type() {
            out.text(",\"control_type\":\"").text(name).text("\"");
        }
        if let Some(name) = view.type_name() {
            out.text(",\"type\":\"").text(name).text("\"");
        }
        if let Some(version) = view.version() {
            out.text(",\"version\":").int(version);
        }
        out.text("}");
    }

    /// Renders the common parts of all records of the batch.
    #[cold]
    fn enter(&mut self, entry: &LocatedRecord<'_, '_>) {
        self.topic = entry.topic.map(str::to_owned);
        let facts = Facts::of(entry.batch);
        let head = &mut self.head;
        head.clear();
        head.text("{\"schema\":\"").text(schema::RECORD.id);
        head.text("\",\"topic\":");
        match entry.topic {
            Some(topic) => write_text(topic, head),
            None => drop(head.text("null")),
        }
        head.text(",\"partition\":");
        number(entry.partition, head);
        head.text(",\"offset\":");

        let middle = &mut self.middle;
        middle.clear();
        middle
            .text(",\"timestamp_type\":\"")
            .text(entry.batch.timestamp_type().name())
            .text("\",\"leader_epoch\":");
        number(facts.leader_epoch, middle);
        middle.text(",\"key\":");

        let tail = &mut self.tail;
        tail.clear();
        tail.text(",\"position\":")
            .int(entry.batch.position().get())
            .text(",\"batch_base_offset\":");
        number(facts.base_offset, tail);
        tail.text(",\"codec\":");
        word(facts.codec, tail);
        tail.text(",\"producer_id\":");
        number(facts.producer_id, tail);
        tail.text(",\"producer_epoch\":");
        number(facts.producer_epoch, tail);
        tail.text(",\"sequence\":");

        let end = &mut self.end;
        end.clear();
        end.text(",\"transactional\":")
            .bool(facts.is_transactional)
            .text(",\"control\":")
            .bool(entry.batch.is_control())
            .text(",\"crc\":");
        word(crc_name(entry.is_sound), end);
        end.text(",\"magic\":").int(facts.magic);
    }
}

/// Appends the schema with which a key or a value was decoded.
fn write_schema(name: &str, schema: &Registered, out: &mut impl Page) {
    out.text(",\"").text(name).text("\":{\"id\":");
    out.int(schema.id).text(",\"subject\":");
    write_text(&schema.subject, out.page());
    out.text(",\"version\":").int(schema.version).text("}");
}

/// Appends the headers as an array of objects.
pub(super) fn write_headers<P: Page + ?Sized>(view: &View<'_>, out: &mut P) {
    out.text("[");
    for (index, (name, value)) in view.headers().enumerate() {
        out.text(if index > 0 { ",{\"key\":" } else { "{\"key\":" });
        name.write_json(out);
        out.text(",\"value\":");
        value.write_json(out);
        out.text("}");
        out.turn();
    }
    out.text("]");
}

/// A number, or null.
fn number(number: Option<impl itoa::Integer>, out: &mut impl Page) {
    match number {
        Some(number) => out.int(number),
        None => out.text("null"),
    };
}

/// A word that needs no escapes, or null.
fn word(word: Option<&str>, out: &mut impl Page) {
    match word {
        Some(word) => out.text("\"").text(word).text("\""),
        None => out.text("null"),
    };
}
