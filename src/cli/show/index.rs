//! Indexes and producer snapshots.

use kseg::format::{
    Fault, FileKind, OffsetIndex, ProducerSnapshot, TimeIndex, TxnIndex, offset_index,
    producer_snapshot, time_index, txn_index,
};
use kseg::wire::Offset;
use serde::Serialize;

use crate::cli::range::OffsetRange;
use crate::cli::render::rows::{Cell, Column, Row, known};
use crate::cli::render::table::counted;
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

/// An entry of an offset index, and its distance from the one before.
#[derive(Debug, Serialize)]
struct OffsetRow {
    entry: usize,
    offset: i64,
    log_position: i32,
    offset_gap: Option<i64>,
    position_gap_bytes: Option<i64>,
}

impl Row for OffsetRow {
    const SCHEMA: Schema = schema::OFFSET_INDEX_ENTRY;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Entry", |row: &Self| entry(row.entry)).usually(8),
        Column::right("Offset", |row: &Self| row.offset.into()).usually(12),
        Column::right("Log position", |row: &Self| row.log_position.into()),
        Column::right("Offsets since", |row: &Self| (&row.offset_gap).into()).gives_way(1),
        Column::right("Bytes since", |row: &Self| (&row.position_gap_bytes).into()).gives_way(1),
    ];
}

/// An entry of a time index, and its distance from the one before.
#[derive(Debug, Serialize)]
struct TimeRow {
    entry: usize,
    timestamp_ms: Option<i64>,
    offset: i64,
    timestamp_gap_ms: Option<i64>,
    offset_gap: Option<i64>,
}

impl Row for TimeRow {
    const SCHEMA: Schema = schema::TIME_INDEX_ENTRY;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Entry", |row: &Self| entry(row.entry)).usually(8),
        Column::left("Timestamp", |row: &Self| {
            Cell::maybe(row.timestamp_ms, Cell::Time)
        })
        .usually(24),
        Column::right("Offset", |row: &Self| row.offset.into()).usually(12),
        Column::right("Milliseconds since", |row: &Self| {
            (&row.timestamp_gap_ms).into()
        })
        .gives_way(2),
        Column::right("Offsets since", |row: &Self| (&row.offset_gap).into()).gives_way(1),
    ];
}

/// An aborted transaction.
#[derive(Debug, Serialize)]
struct AbortedRow {
    entry: usize,
    producer_id: i64,
    first_offset: i64,
    last_offset: i64,
    last_stable_offset: i64,
    version: i16,
}

impl Row for AbortedRow {
    const SCHEMA: Schema = schema::ABORTED_TRANSACTION;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Entry", |row: &Self| entry(row.entry)),
        Column::right("Producer", |row: &Self| row.producer_id.into()),
        Column::right("First offset", |row: &Self| row.first_offset.into()),
        Column::right("Last offset", |row: &Self| row.last_offset.into()),
        Column::right("Last stable offset", |row: &Self| {
            row.last_stable_offset.into()
        }),
    ];
}

/// The state of a producer.
#[derive(Debug, Serialize)]
struct ProducerRow {
    producer_id: i64,
    producer_epoch: i16,
    first_sequence: Option<i32>,
    last_sequence: Option<i32>,
    last_offset: Option<i64>,
    offset_delta: i32,
    timestamp_ms: Option<i64>,
    coordinator_epoch: Option<i32>,
    transaction_first_offset: Option<i64>,
}

impl Row for ProducerRow {
    const SCHEMA: Schema = schema::PRODUCER;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Producer", |row: &Self| row.producer_id.into()),
        Column::right("Producer epoch", |row: &Self| row.producer_epoch.into()).gives_way(1),
        Column::right("First sequence", |row: &Self| (&row.first_sequence).into()).gives_way(2),
        Column::right("Last sequence", |row: &Self| (&row.last_sequence).into()),
        Column::right("Last offset", |row: &Self| (&row.last_offset).into()),
        Column::left("Timestamp", |row: &Self| {
            Cell::maybe(row.timestamp_ms, Cell::Time)
        })
        .gives_way(3),
        Column::right("Coordinator epoch", |row: &Self| {
            (&row.coordinator_epoch).into()
        })
        .gives_way(4),
        Column::right("Transaction start", |row: &Self| {
            (&row.transaction_first_offset).into()
        }),
    ];
}

/// Unused entries.
#[derive(Debug, Serialize)]
struct UnusedRow {
    position: usize,
    entries: usize,
}

impl Row for UnusedRow {
    const SCHEMA: Schema = schema::UNUSED;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Position", |row: &Self| entry(row.position)),
        Column::right("Unused entries", |row: &Self| {
            Cell::Count(row.entries as u64)
        }),
    ];
}

fn entry(number: usize) -> Cell<'static> {
    Cell::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Shows the entries of an index or snapshot after its heading.
pub(super) fn show(
    writer: &mut Writer<'_>,
    kind: FileKind,
    bytes: &[u8],
    base: Offset,
    range: OffsetRange,
) {
    match kind {
        FileKind::OffsetIndex => offsets(writer, &OffsetIndex::new(bytes, base), range),
        FileKind::TimeIndex => times(writer, &TimeIndex::new(bytes, base), range),
        FileKind::TransactionIndex => aborted(writer, &TxnIndex::new(bytes), base, range),
        _ => match ProducerSnapshot::parse(bytes) {
            Ok(snapshot) => producers(writer, &snapshot),
            Err(fault) => report(writer, fault),
        },
    }
}

fn offsets(writer: &mut Writer<'_>, index: &OffsetIndex<'_>, range: OffsetRange) {
    let mut last: Option<offset_index::OffsetEntry> = None;
    for (number, entry) in index.entries().take(index.written_len()).enumerate() {
        let gap = last.map(|last| {
            (
                entry.offset.get().wrapping_sub(last.offset.get()),
                i64::from(entry.position) - i64::from(last.position),
            )
        });
        let at = (number * offset_index::ENTRY_BYTES) as u64;
        if range.contains(entry.offset.get()) {
            let row = OffsetRow {
                entry: number,
                offset: entry.offset.get(),
                log_position: entry.position,
                offset_gap: gap.map(|(offsets, _)| offsets),
                position_gap_bytes: gap.map(|(_, bytes)| bytes),
            };
            if !writer.row(&row) {
                return;
            }
        }
        if gap.is_some_and(|(offsets, bytes)| offsets <= 0 || bytes <= 0) {
            writer.damage(at, "the entry is not above the one before");
        } else if entry.position < 0 || entry.offset < index.base_offset() {
            writer.damage(at, "the entry is below zero");
        }
        last = Some(entry);
    }
    unused(
        writer,
        index.len(),
        index.written_len(),
        offset_index::ENTRY_BYTES,
    );
    cut(
        writer,
        index.len() * offset_index::ENTRY_BYTES,
        index.trailing(),
    );
}

fn times(writer: &mut Writer<'_>, index: &TimeIndex<'_>, range: OffsetRange) {
    let mut last: Option<time_index::TimeEntry> = None;
    for (number, entry) in index.entries().take(index.written_len()).enumerate() {
        let gap = last.map(|last| {
            (
                entry.timestamp.get().wrapping_sub(last.timestamp.get()),
                entry.offset.get().wrapping_sub(last.offset.get()),
            )
        });
        let at = (number * time_index::ENTRY_BYTES) as u64;
        if range.contains(entry.offset.get()) {
            let row = TimeRow {
                entry: number,
                timestamp_ms: known(entry.timestamp.get()),
                offset: entry.offset.get(),
                timestamp_gap_ms: gap.map(|(times, _)| times),
                offset_gap: gap.map(|(_, offsets)| offsets),
            };
            if !writer.row(&row) {
                return;
            }
        }
        if gap.is_some_and(|(times, offsets)| times <= 0 || offsets < 0) {
            writer.damage(at, "the entry is not above the one before");
        } else if entry.offset < index.base_offset() {
            writer.damage(at, "the entry lies before the base offset");
        }
        last = Some(entry);
    }
    unused(
        writer,
        index.len(),
        index.written_len(),
        time_index::ENTRY_BYTES,
    );
    cut(
        writer,
        index.len() * time_index::ENTRY_BYTES,
        index.trailing(),
    );
}

fn aborted(writer: &mut Writer<'_>, index: &TxnIndex<'_>, base: Offset, range: OffsetRange) {
    let mut last = None;
    for (number, entry) in index.entries().enumerate() {
        let at = number * txn_index::ENTRY_BYTES;
        if range.overlaps(entry.first_offset().get(), entry.last_offset().get()) {
            let row = AbortedRow {
                entry: number,
                producer_id: entry.producer_id().get(),
                first_offset: entry.first_offset().get(),
                last_offset: entry.last_offset().get(),
                last_stable_offset: entry.last_stable_offset().get(),
                version: entry.version(),
            };
            if !writer.row(&row) {
                return;
            }
        }
        if let Err(fault) = entry.check() {
            report(writer, fault.shifted(at));
        } else if last.is_some_and(|last| entry.last_offset() <= last) {
            writer.damage(at as u64, "the entry is not above the one before");
        } else if entry.last_offset() < base {
            writer.damage(at as u64, "the entry lies before the base offset");
        }
        last = Some(entry.last_offset());
    }
    cut(
        writer,
        index.len() * txn_index::ENTRY_BYTES,
        index.trailing(),
    );
}

fn producers(writer: &mut Writer<'_>, snapshot: &ProducerSnapshot<'_>) {
    for entry in snapshot.entries() {
        let last_sequence = known(entry.last_sequence());
        let row = ProducerRow {
            producer_id: entry.producer_id().get(),
            producer_epoch: entry.producer_epoch(),
            first_sequence: last_sequence.map(|_| entry.first_sequence()),
            last_sequence,
            last_offset: known(entry.last_offset().get()),
            offset_delta: entry.offset_delta().get(),
            timestamp_ms: known(entry.timestamp().get()),
            coordinator_epoch: known(entry.coordinator_epoch()),
            transaction_first_offset: known(entry.txn_first_offset().get()),
        };
        if !writer.row(&row) {
            return;
        }
    }
    if let Err(fault) = snapshot.check() {
        report(writer, fault);
    }
    let read = producer_snapshot::HEADER_BYTES + snapshot.len() * producer_snapshot::ENTRY_BYTES;
    cut(writer, read, snapshot.trailing());
}

/// Shows unused space at the end of an index.
fn unused(writer: &mut Writer<'_>, len: usize, written: usize, entry: usize) {
    if written < len {
        writer.row(&UnusedRow {
            position: written * entry,
            entries: len - written,
        });
    }
}

fn cut(writer: &mut Writer<'_>, at: usize, trailing: &[u8]) {
    if !trailing.is_empty() {
        let what = format!(
            "incomplete entry: {}",
            counted(trailing.len() as u64, "byte")
        );
        writer.damage(at as u64, &what);
    }
}

/// Reports a fault of the file.
pub(super) fn report(writer: &mut Writer<'_>, fault: Fault) {
    writer.damage(fault.at() as u64, &fault.to_string());
}
