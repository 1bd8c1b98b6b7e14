//! Indexes and producer snapshots.

use kseg::format::{FileKind, OffsetIndex, ProducerSnapshot, TimeIndex, TxnIndex};
use kseg::format::{offset_index, producer_snapshot, time_index, txn_index};
use kseg::wire::{Fault, Offset};

use super::printer::Printer;
use crate::cli::range::OffsetRange;
use crate::cli::render::rows::{Cell, Column, Table};

const OFFSETS: Table = Table {
    schema: "kseg.offset_index_entry/1",
    title: "",
    columns: &[
        Column::new("entry", "Entry", 8),
        Column::new("offset", "Offset", 12),
        Column::new("log_position", "Log position", 12),
        Column::new("offset_gap", "Offsets on", 10),
        Column::new("position_gap_bytes", "Bytes on", 10),
    ],
};

const TIMES: Table = Table {
    schema: "kseg.time_index_entry/1",
    title: "",
    columns: &[
        Column::new("entry", "Entry", 8),
        Column::new("timestamp_ms", "Timestamp", 24),
        Column::new("offset", "Offset", 12),
        Column::new("timestamp_gap_ms", "ms on", 12),
        Column::new("offset_gap", "Offsets on", 10),
    ],
};

const ABORTED: Table = Table {
    schema: "kseg.aborted_transaction/1",
    title: "",
    columns: &[
        Column::new("entry", "Entry", 8),
        Column::new("producer_id", "Producer", 8),
        Column::new("first_offset", "First offset", 12),
        Column::new("last_offset", "Last offset", 12),
        Column::new("last_stable_offset", "Last stable", 12),
        Column::hidden("version"),
    ],
};

const PRODUCERS: Table = Table {
    schema: "kseg.producer/1",
    title: "",
    columns: &[
        Column::new("producer_id", "Producer", 8),
        Column::new("producer_epoch", "Epoch", 5),
        Column::new("first_sequence", "First sequence", 14),
        Column::new("last_sequence", "Last sequence", 14),
        Column::new("last_offset", "Last offset", 12),
        Column::hidden("offset_delta"),
        Column::new("timestamp_ms", "Timestamp", 24),
        Column::new("coordinator_epoch", "Coordinator epoch", 17),
        Column::new("transaction_first_offset", "Transaction since", 17),
    ],
};

/// Shows the entries of an index or snapshot whose heading stands.
pub(super) fn show(
    printer: &mut Printer<'_>,
    kind: FileKind,
    bytes: &[u8],
    base: Offset,
    range: OffsetRange,
) {
    match kind {
        FileKind::OffsetIndex => offsets(printer, &OffsetIndex::new(bytes, base), range),
        FileKind::TimeIndex => times(printer, &TimeIndex::new(bytes, base), range),
        FileKind::TransactionIndex => aborted(printer, &TxnIndex::new(bytes), base, range),
        _ => match ProducerSnapshot::parse(bytes) {
            Ok(snapshot) => producers(printer, &snapshot),
            Err(fault) => tell(printer, fault),
        },
    }
}

fn offsets(printer: &mut Printer<'_>, index: &OffsetIndex<'_>, range: OffsetRange) {
    let mut last: Option<offset_index::OffsetEntry> = None;
    for (number, entry) in index.entries().take(index.written_len()).enumerate() {
        let gap = last.map(|last| {
            (
                entry.offset.0.wrapping_sub(last.offset.0),
                i64::from(entry.position) - i64::from(last.position),
            )
        });
        let at = (number * offset_index::ENTRY_BYTES) as u64;
        if range.contains(entry.offset.0) {
            let (offsets, bytes) = gap.map_or((Cell::None, Cell::None), |(offsets, bytes)| {
                (Cell::Int(offsets), Cell::Int(bytes))
            });
            let row = [
                Cell::int(number),
                Cell::Int(entry.offset.0),
                Cell::Int(entry.position.into()),
                offsets,
                bytes,
            ];
            if !printer.row(&OFFSETS, &row) {
                return;
            }
        }
        if gap.is_some_and(|(offsets, bytes)| offsets <= 0 || bytes <= 0) {
            printer.damage(at, "the entry is not above the one before");
        } else if entry.position < 0 || entry.offset < index.base_offset() {
            printer.damage(at, "the entry is below zero");
        }
        last = Some(entry);
    }
    unused(
        printer,
        index.len(),
        index.written_len(),
        offset_index::ENTRY_BYTES,
    );
    cut(
        printer,
        index.len() * offset_index::ENTRY_BYTES,
        index.trailing(),
    );
}

fn times(printer: &mut Printer<'_>, index: &TimeIndex<'_>, range: OffsetRange) {
    let mut last: Option<time_index::TimeEntry> = None;
    for (number, entry) in index.entries().take(index.written_len()).enumerate() {
        let gap = last.map(|last| {
            (
                entry.timestamp.0.wrapping_sub(last.timestamp.0),
                entry.offset.0.wrapping_sub(last.offset.0),
            )
        });
        let at = (number * time_index::ENTRY_BYTES) as u64;
        if range.contains(entry.offset.0) {
            let (times, offsets) = gap.map_or((Cell::None, Cell::None), |(times, offsets)| {
                (Cell::Int(times), Cell::Int(offsets))
            });
            let row = [
                Cell::int(number),
                Cell::time(entry.timestamp.0),
                Cell::Int(entry.offset.0),
                times,
                offsets,
            ];
            if !printer.row(&TIMES, &row) {
                return;
            }
        }
        if gap.is_some_and(|(times, offsets)| times <= 0 || offsets < 0) {
            printer.damage(at, "the entry is not above the one before");
        } else if entry.offset < index.base_offset() {
            printer.damage(at, "the entry lies before the base offset");
        }
        last = Some(entry);
    }
    unused(
        printer,
        index.len(),
        index.written_len(),
        time_index::ENTRY_BYTES,
    );
    cut(
        printer,
        index.len() * time_index::ENTRY_BYTES,
        index.trailing(),
    );
}

fn aborted(printer: &mut Printer<'_>, index: &TxnIndex<'_>, base: Offset, range: OffsetRange) {
    let mut last = None;
    for (number, entry) in index.entries().enumerate() {
        let at = number * txn_index::ENTRY_BYTES;
        if range.overlaps(entry.first_offset().0, entry.last_offset().0) {
            let row = [
                Cell::int(number),
                Cell::Int(entry.producer_id().0),
                Cell::Int(entry.first_offset().0),
                Cell::Int(entry.last_offset().0),
                Cell::Int(entry.last_stable_offset().0),
                Cell::Int(entry.version().into()),
            ];
            if !printer.row(&ABORTED, &row) {
                return;
            }
        }
        if let Err(fault) = entry.check() {
            tell(printer, fault.shifted(at));
        } else if last.is_some_and(|last| entry.last_offset() <= last) {
            printer.damage(at as u64, "the entry is not above the one before");
        } else if entry.last_offset() < base {
            printer.damage(at as u64, "the entry lies before the base offset");
        }
        last = Some(entry.last_offset());
    }
    cut(
        printer,
        index.len() * txn_index::ENTRY_BYTES,
        index.trailing(),
    );
}

fn producers(printer: &mut Printer<'_>, snapshot: &ProducerSnapshot<'_>) {
    for entry in snapshot.entries() {
        let row = [
            Cell::Int(entry.producer_id().0),
            Cell::Int(entry.producer_epoch().into()),
            match entry.last_sequence() {
                -1 => Cell::None,
                _ => Cell::Int(entry.first_sequence().into()),
            },
            Cell::id(entry.last_sequence()),
            Cell::id(entry.last_offset().0),
            Cell::Int(entry.offset_delta().0.into()),
            Cell::time(entry.timestamp().0),
            Cell::id(entry.coordinator_epoch()),
            Cell::id(entry.txn_first_offset().0),
        ];
        if !printer.row(&PRODUCERS, &row) {
            return;
        }
    }
    if let Err(fault) = snapshot.check() {
        tell(printer, fault);
    }
    let read = producer_snapshot::HEADER_BYTES + snapshot.len() * producer_snapshot::ENTRY_BYTES;
    cut(printer, read, snapshot.trailing());
}

/// Room at the end of an index that a broker has not used yet.
fn unused(printer: &mut Printer<'_>, len: usize, written: usize, entry: usize) {
    const UNUSED: Table = Table {
        schema: "kseg.unused/1",
        title: "",
        columns: &[
            Column::new("position", "Position", 10),
            Column::new("entries", "Unused", 10),
        ],
    };
    if written < len {
        let row = [Cell::int(written * entry), Cell::int(len - written)];
        printer.row(&UNUSED, &row);
    }
}

fn cut(printer: &mut Printer<'_>, at: usize, trailing: &[u8]) {
    if !trailing.is_empty() {
        let what = format!("{} bytes that are no entry", trailing.len());
        printer.damage(at as u64, &what);
    }
}

/// Tells a fault of the file.
pub(super) fn tell(printer: &mut Printer<'_>, fault: Fault) {
    printer.damage(fault.at() as u64, &fault.to_string());
}
