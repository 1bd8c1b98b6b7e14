//! Records as rows: keys and values, or their meaning.

use kseg::decode::{Decoder, EntryPart, Unread, control, json};
use kseg::format::control::{ControlType, coordinator_epoch};
use kseg::format::{Batch, Record};
use kseg::report::secrets;

use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Content, Row, known};
use crate::cli::schema::{self, Schema};

/// A record: its contents, or their meaning.
#[derive(Debug, Serialize)]
pub(super) struct EntryRow {
    offset: i64,
    timestamp_ms: Option<i64>,
    r#type: Option<String>,
    version: Option<i16>,
    key: Option<Content>,
    value: Option<Content>,
    headers: Vec<(Content, Option<Content>)>,
    unread: Option<String>,
}

impl Row for EntryRow {
    const SCHEMA: Schema = schema::ENTRY;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Offset", |row: &Self| row.offset.into()).usually(10),
        Column::left("Timestamp", |row: &Self| {
            Cell::maybe(row.timestamp_ms, Cell::Time)
        })
        .usually(24)
        .gives_way(1),
        Column::left("Type", |row: &Self| {
            Cell::maybe(row.r#type.as_deref(), Into::into)
        }),
        Column::left("Key", |row: &Self| {
            Cell::maybe(row.key.as_ref(), Cell::content)
        })
        .wraps(12),
        Column::left("Value", |row: &Self| {
            Cell::maybe(row.value.as_ref(), Cell::content)
        })
        .wraps(12),
    ];
}

/// The meaning of a record.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    pub(super) r#type: Option<String>,
    pub(super) version: Option<i16>,
    key: Option<Content>,
    pub(super) value: Option<Content>,
    /// The reason why it could not be read.
    pub(super) wrong: Option<String>,
}

/// The type of a control record.
pub(super) fn control_type(batch: &Batch<'_>, record: &Record<'_>) -> Option<i16> {
    let kind = batch.is_control().then(|| ControlType::parse(record.key()));
    kind?.ok().map(ControlType::id)
}

/// A record as a row, and the reason why its meaning could not be read.
pub(super) fn row(
    batch: &Batch<'_>,
    record: &Record<'_>,
    decoder: Option<Decoder>,
) -> (EntryRow, Option<String>) {
    let meaning = if batch.is_control() {
        marker(record)
    } else if let Some(decoder) = decoder {
        entry(decoder, record.key(), record.value())
    } else {
        Meaning {
            key: bytes(record.key()),
            value: bytes(record.value()),
            ..Meaning::default()
        }
    };
    let headers = record
        .headers()
        .map(|header| (Content::start(header.key), bytes(header.value)));
    let parts = [("key", &meaning.key), ("value", &meaning.value)];
    let rest = parts
        .into_iter()
        .find_map(|(name, part)| Some(format!("{name}: {}", part.as_ref()?.rest()?)));
    let row = EntryRow {
        offset: record.offset().get(),
        timestamp_ms: known(record.timestamp().get()),
        r#type: meaning.r#type,
        version: meaning.version,
        key: meaning.key,
        value: meaning.value,
        headers: headers.collect(),
        unread: meaning.wrong.clone().or(rest),
    };
    (row, meaning.wrong)
}

fn bytes(bytes: Option<&[u8]>) -> Option<Content> {
    bytes.map(Content::start)
}

/// Type and value of a control record.
fn marker(record: &Record<'_>) -> Meaning {
    let as_it_is = |kind: &str, wrong: String| Meaning {
        r#type: Some(kind.to_owned()),
        value: bytes(record.value()),
        wrong: Some(wrong),
        ..Meaning::default()
    };
    let kind = match ControlType::parse(record.key()) {
        Ok(kind) => kind,
        Err(fault) => return as_it_is("?", fault.to_string()),
    };
    let mut json = Vec::new();
    let read = match kind {
        ControlType::Abort | ControlType::Commit => {
            coordinator_epoch(record.value()).map(|epoch| {
                json = format!("{{\"coordinatorEpoch\":{epoch}}}").into_bytes();
            })
        }
        ControlType::Unknown(id) => {
            return as_it_is(kind.name(), format!("unknown control record type {id}"));
        }
        _ => {
            let value = record.value().unwrap_or_default();
            control::control_json(kind.id(), value, &mut json)
        }
    };
    match read {
        Ok(()) => Meaning {
            r#type: Some(kind.name().to_owned()),
            value: Some(Content::json(json)),
            ..Meaning::default()
        },
        Err(fault) => as_it_is(kind.name(), fault.to_string()),
    }
}

/// Type, version, key and value of a record of an internal topic.
pub(super) fn entry(topic: Decoder, key: Option<&[u8]>, value: Option<&[u8]>) -> Meaning {
    let entry = topic.decode(key, value);
    let says = if topic.is_keyed() {
        &entry.key
    } else {
        &entry.value
    };
    let name = match says {
        EntryPart::Decoded(decoded) => Some(decoded.type_name().to_string()),
        EntryPart::Null | EntryPart::Unread { .. } => None,
    };
    let version = match &entry.value {
        EntryPart::Decoded(decoded) => Some(decoded.version),
        EntryPart::Null | EntryPart::Unread { .. } => None,
    };
    let mut wrong = None;
    for (what, part) in [("key", &entry.key), ("value", &entry.value)] {
        if let EntryPart::Unread { why, .. } = part {
            // The value of an unreadable key has no meaning, which is not another fault.
            if wrong.is_none() || *why != Unread::NoMeaning {
                wrong.get_or_insert(format!("{what}: {why}"));
            }
        }
    }
    Meaning {
        r#type: name,
        version,
        key: part(entry.key),
        value: part(entry.value),
        wrong,
    }
}

/// A part as JSON, without secrets.
fn part(part: EntryPart<'_>) -> Option<Content> {
    let mut out = Vec::new();
    match part {
        EntryPart::Null => return None,
        EntryPart::Decoded(mut decoded) => {
            secrets::redact(&mut decoded);
            decoded.body.write_json(&mut out);
        }
        EntryPart::Unread { bytes, .. } => {
            out.extend_from_slice(b"{\"base64\":\"");
            json::write_base64(bytes, &mut out);
            out.extend_from_slice(b"\"}");
        }
    }
    Some(Content::json(out))
}
