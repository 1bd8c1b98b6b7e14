//! Batches as rows.

use kseg::format::{Batch, RecordBatch, TimestampType, legacy};
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row, known};
use crate::cli::schema::{self, Schema};

/// A batch.
#[derive(Debug, Serialize)]
pub(super) struct BatchRow {
    pub(super) base_offset: Option<i64>,
    pub(super) last_offset: i64,
    pub(super) position: u64,
    pub(super) size_bytes: Option<u64>,
    pub(super) records: Option<i64>,
    pub(super) magic: i8,
    pub(super) codec: &'static str,
    pub(super) crc: &'static str,
    pub(super) timestamp_type: &'static str,
    pub(super) base_timestamp_ms: Option<i64>,
    pub(super) max_timestamp_ms: Option<i64>,
    pub(super) leader_epoch: Option<i32>,
    pub(super) producer_id: Option<i64>,
    pub(super) producer_epoch: Option<i16>,
    pub(super) base_sequence: Option<i32>,
    pub(super) delete_horizon_ms: Option<i64>,
    pub(super) flags: Vec<&'static str>,
}

impl Row for BatchRow {
    const SCHEMA: Schema = schema::BATCH;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Base offset", |row: &Self| (&row.base_offset).into()),
        Column::right("Last offset", |row: &Self| row.last_offset.into()),
        Column::right("Position", |row: &Self| row.position.cast_signed().into()).usually(10),
        Column::right("Bytes", |row: &Self| {
            Cell::maybe(row.size_bytes, |bytes| bytes.cast_signed().into())
        })
        .usually(7),
        Column::right("Records", |row: &Self| (&row.records).into()),
        Column::right("Magic", |row: &Self| row.magic.into()).gives_way(3),
        Column::left("Codec", |row: &Self| row.codec.into())
            .usually(6)
            .gives_way(1),
        Column::left("CRC", |row: &Self| row.crc.into()),
        Column::left("Last timestamp", |row: &Self| {
            Cell::maybe(row.max_timestamp_ms, Cell::Time)
        })
        .usually(24)
        .gives_way(2),
        Column::right("Leader epoch", |row: &Self| (&row.leader_epoch).into()).gives_way(4),
        Column::right("Producer", |row: &Self| (&row.producer_id).into()).gives_way(5),
        Column::right("Producer epoch", |row: &Self| (&row.producer_epoch).into()).gives_way(6),
        Column::right("Sequence", |row: &Self| (&row.base_sequence).into()).gives_way(6),
        Column::left("Flags", |row: &Self| Cell::list(&row.flags)).gives_way(5),
    ];
}

impl BatchRow {
    /// The row of a batch with the state of its checksum.
    pub(super) fn of(batch: &Batch<'_>, crc: &'static str) -> Self {
        let position = batch.position().get();
        let row = Self {
            base_offset: first_offset(batch),
            last_offset: batch.last_offset().get(),
            position,
            size_bytes: Some(batch.size_bytes() as u64),
            records: records_count(batch).map(u64::cast_signed),
            magic: 0,
            codec: batch.codec().map_or("?", kseg::format::Codec::name),
            crc,
            timestamp_type: "",
            base_timestamp_ms: None,
            max_timestamp_ms: None,
            leader_epoch: None,
            producer_id: None,
            producer_epoch: None,
            base_sequence: None,
            delete_horizon_ms: None,
            flags: Vec::new(),
        };
        match batch {
            Batch::V2(batch) => Self {
                records: Some(batch.records_count().into()),
                magic: batch.magic(),
                timestamp_type: batch.timestamp_type().name(),
                base_timestamp_ms: known(batch.base_timestamp().get()),
                max_timestamp_ms: known(batch.max_timestamp().get()),
                leader_epoch: known(batch.leader_epoch().get()),
                producer_id: known(batch.producer_id().get()),
                producer_epoch: known(batch.producer_epoch()),
                base_sequence: known(batch.base_sequence()),
                delete_horizon_ms: batch.delete_horizon().and_then(|time| known(time.get())),
                flags: flags(batch),
                ..row
            },
            Batch::Legacy(message) => Self {
                magic: message.magic(),
                timestamp_type: message.timestamp_type().name(),
                max_timestamp_ms: known(message.timestamp().get()),
                ..row
            },
            _ => row,
        }
    }
}

fn flags(batch: &RecordBatch<'_>) -> Vec<&'static str> {
    let flags = [
        (batch.is_transactional(), "transactional"),
        (batch.is_control(), "control"),
        (batch.delete_horizon().is_some(), "delete-horizon"),
        (
            batch.timestamp_type() == TimestampType::LogAppendTime,
            "append-time",
        ),
    ];
    let set = flags.into_iter().filter(|(is_set, _)| *is_set);
    set.map(|(_, name)| name).collect()
}

/// The first offset; unknown for a compressed message.
pub(super) fn first_offset(batch: &Batch<'_>) -> Option<i64> {
    match batch {
        Batch::V2(batch) => Some(batch.base_offset().get()),
        Batch::Legacy(message) if is_plain(message) => Some(message.offset().get()),
        _ => None,
    }
}

pub(super) fn records_count(batch: &Batch<'_>) -> Option<u64> {
    match batch {
        Batch::V2(batch) => u64::try_from(batch.records_count()).ok(),
        Batch::Legacy(message) if is_plain(message) => Some(1),
        _ => None,
    }
}

fn is_plain(message: &legacy::Message<'_>) -> bool {
    message.codec().is_ok_and(|codec| codec.name() == "none")
}
