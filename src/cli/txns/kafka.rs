//! Transactions as `kafka-transactions.sh` shows them.
//!
//! # References
//! `TransactionsCommand` of Kafka 4.3.

use kseg::report::transactions::TransactionState;
use kseg::report::txn_view::{Coordinators, OpenOnPartition};
use kseg::scan::derive::Producers;
use kseg::wire::text::java_hash;

use crate::cli::render::kafka_table::pretty;

/// The mark in place of a coordinator, which is not on a disk.
const UNKNOWN: &str = "-";

/// The text of the tool for a missing value.
const NONE: &str = "None";

/// `find-hanging`.
pub(super) fn hanging<'a>(
    open: impl Iterator<Item = &'a OpenOnPartition<'a>>,
    coordinators: Coordinators<'_>,
) -> String {
    let rows: Vec<_> = open
        .map(|it| {
            let age = coordinators
                .now_ms
                .saturating_sub(it.producer.timestamp.get());
            [
                it.topic.to_owned(),
                it.partition.to_string(),
                it.producer.producer_id.to_string(),
                it.producer.producer_epoch.to_string(),
                it.producer.coordinator_epoch.to_string(),
                it.start.to_string(),
                it.producer.timestamp.get().to_string(),
                (age / 60_000).to_string(),
            ]
        })
        .collect();
    let head = [
        "Topic",
        "Partition",
        "ProducerId",
        "ProducerEpoch",
        "CoordinatorEpoch",
        "StartOffset",
        "LastTimestamp",
        "Duration(min)",
    ];
    let mut text = String::new();
    pretty(head, &rows, &mut text);
    text
}

/// `list`.
pub(super) fn list(ids: &[(&String, &TransactionState)]) -> String {
    let rows: Vec<_> = ids
        .iter()
        .map(|(id, state)| {
            [
                (*id).clone(),
                UNKNOWN.to_owned(),
                state.producer_id.to_string(),
                status(state),
            ]
        })
        .collect();
    let head = [
        "TransactionalId",
        "Coordinator",
        "ProducerId",
        "TransactionState",
    ];
    let mut text = String::new();
    pretty(head, &rows, &mut text);
    text
}

/// `describe`, one table for all.
pub(super) fn describe(ids: &[(&String, &TransactionState)], now_ms: i64) -> String {
    let rows: Vec<_> = ids
        .iter()
        .map(|(id, state)| {
            let start = (state.start.get() >= 0).then_some(state.start.get());
            let or_none = |number: Option<i64>| number.map_or(NONE.into(), |it| it.to_string());
            [
                UNKNOWN.to_owned(),
                (*id).clone(),
                state.producer_id.to_string(),
                state.producer_epoch.to_string(),
                status(state),
                state.timeout_ms.to_string(),
                or_none(start),
                or_none(start.map(|start| now_ms.saturating_sub(start))),
                partitions(state),
            ]
        })
        .collect();
    let head = [
        "CoordinatorId",
        "TransactionalId",
        "ProducerId",
        "ProducerEpoch",
        "TransactionState",
        "TransactionTimeoutMs",
        "CurrentTransactionStartTimeMs",
        "TransactionDurationMs",
        "TopicPartitions",
    ];
    let mut text = String::new();
    pretty(head, &rows, &mut text);
    text
}

/// `describe-producers`.
pub(super) fn producers(producers: &Producers) -> String {
    let rows: Vec<_> = producers
        .in_java_order()
        .iter()
        .map(|entry| {
            let open = entry.open_txn();
            [
                entry.producer_id.to_string(),
                entry.producer_epoch.to_string(),
                entry.coordinator_epoch.to_string(),
                entry.last_sequence.to_string(),
                entry.timestamp.get().to_string(),
                open.map_or(NONE.into(), |offset| offset.to_string()),
            ]
        })
        .collect();
    let head = [
        "ProducerId",
        "ProducerEpoch",
        "LatestCoordinatorEpoch",
        "LastSequence",
        "LastTimestamp",
        "CurrentTransactionStartOffset",
    ];
    let mut text = String::new();
    pretty(head, &rows, &mut text);
    text
}

fn status(state: &TransactionState) -> String {
    let status = state.status.map(|status| status.to_string());
    status.unwrap_or_else(|| "Unknown".to_owned())
}

/// The partitions in the order of a `java.util.HashSet` of `TopicPartition`s.
fn partitions(state: &TransactionState) -> String {
    let mut slots = 16_usize;
    while state.partitions.len() > slots / 4 * 3 {
        slots *= 2;
    }
    let slot = |(topic, partition): &(String, i32)| {
        let hash = 31_i32.wrapping_add(*partition).wrapping_mul(31);
        let hash = hash.wrapping_add(java_hash(topic)).cast_unsigned();
        (hash ^ (hash >> 16)) as usize & (slots - 1)
    };
    let mut partitions: Vec<_> = state.partitions.iter().collect();
    partitions.sort_by_key(|id| slot(id));
    let names = partitions
        .iter()
        .map(|(topic, number)| format!("{topic}-{number}"));
    names.collect::<Vec<_>>().join(",")
}
