//! Transactions as rows.

use kseg::report::txn_view::{OpenOnPartition, TxnStanding};
use kseg::scan::derive::Producers;
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row, known, text};
use crate::cli::render::table::{self, counted};
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

#[derive(Debug, Serialize)]
struct OpenRow {
    topic: String,
    partition: i32,
    start_offset: i64,
    /// True if it determines the last stable offset of the partition.
    is_last_stable_offset: bool,
    /// Offsets from here to the log end.
    held_back_offsets: i64,
    state: &'static str,
    producer_id: i64,
    producer_epoch: i16,
    coordinator_epoch: Option<i32>,
    last_offset: Option<i64>,
    last_timestamp_ms: Option<i64>,
    transactional_id: Option<String>,
    transaction_state: Option<String>,
    start_timestamp_ms: Option<i64>,
    timeout_ms: Option<i32>,
    /// The command that ends it, if it hangs.
    abort_command: Option<String>,
}

impl Row for OpenRow {
    const SCHEMA: Schema = schema::OPEN_TRANSACTION;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Topic", |row: &Self| (&row.topic).into()).wraps(12),
        Column::right("Partition", |row: &Self| row.partition.into()),
        Column::right("Start offset", |row: &Self| row.start_offset.into()),
        Column::right("Held back", |row: &Self| {
            Cell::Count(u64::try_from(row.held_back_offsets).unwrap_or(0))
        })
        .gives_way(3),
        Column::left("State", |row: &Self| row.state.into()).gives_way(2),
        Column::left("Transactional id", |row: &Self| {
            text(row.transactional_id.as_deref())
        })
        .wraps(12),
        Column::right("Producer id", |row: &Self| row.producer_id.into()).gives_way(1),
        Column::right("Producer epoch", |row: &Self| row.producer_epoch.into()).gives_way(4),
        Column::left("Last record", |row: &Self| {
            Cell::maybe(row.last_timestamp_ms, Cell::Time)
        })
        .gives_way(1),
        Column::left("Started", |row: &Self| {
            Cell::maybe(row.start_timestamp_ms, Cell::Time)
        })
        .gives_way(5),
        Column::right("Timeout ms", |row: &Self| (&row.timeout_ms).into()).gives_way(6),
    ];
}

impl OpenRow {
    fn of(open: &OpenOnPartition<'_>, log_end: i64) -> Self {
        let (producer, state) = (&open.producer, open.id.map(|(_, state)| state));
        Self {
            topic: open.topic.to_owned(),
            partition: open.partition,
            start_offset: open.start.get(),
            is_last_stable_offset: open.is_first,
            held_back_offsets: log_end.saturating_sub(open.start.get()),
            state: open.standing.name(),
            producer_id: producer.producer_id.get(),
            producer_epoch: producer.producer_epoch,
            coordinator_epoch: known(producer.coordinator_epoch),
            last_offset: known(producer.last_offset.get()),
            last_timestamp_ms: known(producer.timestamp.get()),
            transactional_id: open.id.map(|(id, _)| id.to_owned()),
            transaction_state: state.and_then(|it| Some(it.status?.to_string())),
            start_timestamp_ms: state.and_then(|it| known(it.start.get())),
            timeout_ms: state.map(|it| it.timeout_ms),
            abort_command: (open.standing == TxnStanding::Hanging).then(|| abort(open)),
        }
    }
}

/// The command that ends it, of Kafka 3.0 and later.
fn abort(open: &OpenOnPartition<'_>) -> String {
    format!(
        "kafka-transactions.sh --bootstrap-server HOST:9092 abort --topic {} --partition {} --start-offset {}",
        open.topic, open.partition, open.start
    )
}

/// Shows open transactions, each with the end of its log.
pub(super) fn open(writer: &mut Writer<'_>, open: &[(OpenOnPartition<'_>, i64)]) {
    writer.table(open.iter().map(|(open, end)| OpenRow::of(open, *end)));
}

/// `1 transaction is`, `2 transactions are`.
fn are(count: usize) -> String {
    let count = count as u64;
    format!("{} {}", counted(count, "transaction"), table::are(count))
}

/// Writes remarks about the table.
pub(super) fn remarks(writer: &mut Writer<'_>, open: &[(OpenOnPartition<'_>, i64)]) {
    let of = |standing| open.iter().filter(move |(it, _)| it.standing == standing);
    if !open.is_empty() {
        writer.remark(
            "read_committed consumers get no further than the first start offset of each partition",
        );
    }
    let timed_out = of(TxnStanding::TimedOut).count();
    if timed_out > 0 {
        writer.remark(&format!(
            "{} open longer than the timeout: the coordinator aborts them after its next start",
            are(timed_out)
        ));
    }
    let unknown = of(TxnStanding::Unknown).count();
    if unknown > 0 {
        writer.remark(&format!(
            "{unknown} of them may hang: not all partitions of __transaction_state are in these log dirs"
        ));
    }
    for (it, _) in of(TxnStanding::Hanging) {
        writer.line(&format!("Hangs; to end it: {}", abort(it)));
    }
}

#[derive(Debug, Serialize)]
struct ProducerRow {
    topic: String,
    partition: i32,
    producer_id: i64,
    producer_epoch: i16,
    coordinator_epoch: Option<i32>,
    last_sequence: Option<i32>,
    last_offset: Option<i64>,
    last_timestamp_ms: Option<i64>,
    transaction_start_offset: Option<i64>,
}

impl Row for ProducerRow {
    const SCHEMA: Schema = schema::PARTITION_PRODUCER;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Topic", |row: &Self| (&row.topic).into()).wraps(12),
        Column::right("Partition", |row: &Self| row.partition.into()),
        Column::right("Producer id", |row: &Self| row.producer_id.into()),
        Column::right("Producer epoch", |row: &Self| row.producer_epoch.into()),
        Column::right("Coordinator epoch", |row: &Self| {
            (&row.coordinator_epoch).into()
        })
        .gives_way(2),
        Column::right("Last sequence", |row: &Self| (&row.last_sequence).into()),
        Column::right("Last offset", |row: &Self| (&row.last_offset).into()).gives_way(3),
        Column::left("Last record", |row: &Self| {
            Cell::maybe(row.last_timestamp_ms, Cell::Time)
        })
        .gives_way(1),
        Column::right("Transaction start", |row: &Self| {
            (&row.transaction_start_offset).into()
        }),
    ];
}

/// Shows the producers of a partition.
pub(super) fn producers(
    writer: &mut Writer<'_>,
    (topic, partition): (&str, i32),
    producers: &Producers,
) {
    writer.table(producers.entries().map(|entry| ProducerRow {
        topic: topic.to_owned(),
        partition,
        producer_id: entry.producer_id.get(),
        producer_epoch: entry.producer_epoch,
        coordinator_epoch: known(entry.coordinator_epoch),
        last_sequence: known(entry.last_sequence),
        last_offset: known(entry.last_offset.get()),
        last_timestamp_ms: known(entry.timestamp.get()),
        transaction_start_offset: entry.open_txn().map(kseg::wire::Offset::get),
    }));
}
