//! Records as rows: keys and values, or what they mean.

use kseg::decode::{Decoder, Part, Unread, control, json};
use kseg::format::control::{ControlType, coordinator_epoch};
use kseg::format::{Batch, Record};
use kseg::report::secrets;

use crate::cli::render::rows::{Cell, Column, Table};

pub(super) const RECORDS: Table = Table {
    schema: "kseg.entry/1",
    title: "",
    columns: &[
        Column::new("offset", "Offset", 10),
        Column::new("timestamp_ms", "Timestamp", 24),
        Column::new("type", "Type", 24),
        Column::hidden("version"),
        Column::new("key", "Key", 12),
        Column::new("value", "Value", 12),
        Column::hidden("headers"),
        Column::hidden("unread"),
    ],
};

/// The type of a control record.
pub(super) fn control_type(batch: &Batch<'_>, record: &Record<'_>) -> Option<i16> {
    let kind = batch.is_control().then(|| ControlType::parse(record.key()));
    kind?.ok().map(ControlType::id)
}

/// A record as a row, and why what it means could not be read.
pub(super) fn row(
    batch: &Batch<'_>,
    record: &Record<'_>,
    decoder: Option<Decoder>,
) -> (Vec<Cell>, Option<String>) {
    let (meaning, wrong) = if batch.is_control() {
        marker(record)
    } else if let Some(decoder) = decoder {
        entry(decoder, record.key(), record.value())
    } else {
        let plain = [
            Cell::None,
            Cell::None,
            bytes(record.key()),
            bytes(record.value()),
        ];
        (plain, None)
    };
    let headers = record
        .headers()
        .map(|header| Cell::List(vec![Cell::Bytes(header.key.to_vec()), bytes(header.value)]));
    let mut row = vec![
        Cell::Int(record.offset().0),
        Cell::time(record.timestamp().0),
    ];
    row.extend(meaning);
    row.push(Cell::List(headers.collect()));
    row.push(Cell::maybe(wrong.clone()));
    (row, wrong)
}

fn bytes(bytes: Option<&[u8]>) -> Cell {
    bytes.map_or(Cell::None, |bytes| Cell::Bytes(bytes.to_vec()))
}

type Meaning = ([Cell; 4], Option<String>);

/// Type, version, key and value of a control record.
fn marker(record: &Record<'_>) -> Meaning {
    let kind = match ControlType::parse(record.key()) {
        Ok(kind) => kind,
        Err(fault) => {
            let cells = [
                Cell::text("?"),
                Cell::None,
                Cell::None,
                bytes(record.value()),
            ];
            return (cells, Some(fault.to_string()));
        }
    };
    let (value, wrong) = match kind {
        ControlType::Abort | ControlType::Commit => match coordinator_epoch(record.value()) {
            Ok(epoch) => (
                Cell::Json(format!("{{\"coordinatorEpoch\":{epoch}}}").into_bytes()),
                None,
            ),
            Err(fault) => (bytes(record.value()), Some(fault.to_string())),
        },
        ControlType::Unknown(id) => (
            bytes(record.value()),
            Some(format!("unknown control record type {id}")),
        ),
        _ => {
            let mut json = Vec::new();
            let value = record.value().unwrap_or_default();
            match control::control_json(kind.id(), value, &mut json) {
                Ok(()) => (Cell::Json(json), None),
                Err(fault) => (bytes(record.value()), Some(fault.to_string())),
            }
        }
    };
    (
        [Cell::text(kind.name()), Cell::None, Cell::None, value],
        wrong,
    )
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
        Part::Decoded(decoded) => Cell::text(decoded.type_name()),
        Part::Null | Part::Unread { .. } => Cell::None,
    };
    let version = match &entry.value {
        Part::Decoded(decoded) => Cell::Int(decoded.version.into()),
        Part::Null | Part::Unread { .. } => Cell::None,
    };
    let mut wrong = None;
    for (what, part) in [("key", &entry.key), ("value", &entry.value)] {
        if let Part::Unread { why, .. } = part {
            // The value of a key that cannot be read has no meaning: that is no second fault.
            if wrong.is_none() || *why != Unread::NoMeaning {
                wrong.get_or_insert(format!("{what}: {why}"));
            }
        }
    }
    ([name, version, part(entry.key), part(entry.value)], wrong)
}

/// A part as JSON, without secrets.
fn part(part: Part<'_>) -> Cell {
    match part {
        Part::Null => Cell::None,
        Part::Decoded(mut decoded) => {
            secrets::redact(&mut decoded);
            let mut out = Vec::new();
            decoded.body.write_json(&mut out);
            Cell::Json(out)
        }
        Part::Unread { bytes, .. } => {
            let mut out = b"{\"base64\":\"".to_vec();
            json::write_base64(bytes, &mut out);
            out.extend_from_slice(b"\"}");
            Cell::Json(out)
        }
    }
}
