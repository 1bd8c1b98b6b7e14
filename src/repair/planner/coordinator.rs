//! How a transaction ended, by the log of its coordinator: `__transaction_state` in the log dirs of
//! the node.
//!
//! # References
//! `TransactionMetadata.prepareAbortOrCommit`, `TransactionCoordinator.endTransaction`: the end is in
//! the coordinator's log before a marker is written, and the next transaction of the transactional
//! id begins after all markers are.

use std::cell::Cell;

use crate::decode::Decoder;
use crate::decode::transaction_state::{Status, Transaction, TransactionalId};
use crate::format::control::ControlType;
use crate::format::name::DirState;
use crate::format::{Batch, Limits, Record, RecordBatch, topic};
use crate::report::{Image, fold};
use crate::store::{LogFile, Partition, Stream};
use crate::wire::{ProducerId, Timestamp};

/// The limit of markers that are looked up: each takes as long as reading the logs.
const MOST_QUESTIONS: u32 = 64;

/// The coordinators' logs.
#[derive(Debug, Default)]
pub(super) struct Coordinators {
    logs: Vec<Partition>,
    asked: Cell<u32>,
}

impl Coordinators {
    pub(super) fn of<'a>(partitions: impl IntoIterator<Item = &'a Partition>) -> Self {
        let is_it = |partition: &&Partition| {
            partition.topic() == Some(topic::TRANSACTION_STATE)
                && partition.state() == DirState::Current
        };
        Self {
            logs: partitions.into_iter().filter(is_it).cloned().collect(),
            asked: Cell::new(0),
        }
    }

    /// The end of the transaction to which a marker of this time belongs. `None` where no log has
    /// its producer, the log that has it is damaged, or the state at that time is not an end.
    pub(super) fn end(&self, marker: &RecordBatch<'_>, time: Timestamp) -> Option<ControlType> {
        let asked = self.asked.get();
        if asked >= MOST_QUESTIONS {
            return None;
        }
        self.asked.set(asked + 1);
        self.logs.iter().find_map(|log| {
            let mut last = LastState::before(marker, time);
            let open = |path: &_| Stream::open(path).map(LogFile::Windowed);
            let damage = fold::read(&mut last, log, Limits::default(), open);
            let is_whole = damage.is_ok_and(|damage| damage.is_empty()) && !last.has_unread;
            last.end.filter(|_| is_whole)
        })
    }
}

/// The state of a producer's transactional id at the time of a marker.
struct LastState {
    producer_id: ProducerId,
    producer_epoch: i16,
    time: Timestamp,
    end: Option<ControlType>,
    has_unread: bool,
}

impl LastState {
    fn before(marker: &RecordBatch<'_>, time: Timestamp) -> Self {
        Self {
            producer_id: marker.producer_id(),
            producer_epoch: marker.producer_epoch(),
            time,
            end: None,
            has_unread: false,
        }
    }

    fn end_of(&self, transaction: &Transaction<'_>) -> Option<ControlType> {
        match transaction.status? {
            // Another epoch has markers of its own.
            _ if transaction.producer_epoch != self.producer_epoch => None,
            Status::PrepareCommit | Status::CompleteCommit => Some(ControlType::Commit),
            Status::PrepareAbort | Status::CompleteAbort => Some(ControlType::Abort),
            _ => None,
        }
    }
}

impl Image for LastState {
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>) {
        if batch.is_control() {
            return;
        }
        let entry = Decoder::Transactions.decode(record.key(), record.value());
        let Some(id) = TransactionalId::of(&entry) else {
            self.has_unread = true;
            return;
        };
        let of_producer = id
            .transaction
            .filter(|transaction| transaction.producer_id == self.producer_id);
        if let Some(transaction) = of_producer.filter(|state| state.last_update <= self.time) {
            self.end = self.end_of(&transaction);
        }
    }
}
