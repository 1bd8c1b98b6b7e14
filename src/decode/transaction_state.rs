//! `__transaction_state`: the state of each transactional id.
//!
//! # References
//! `TransactionLog`, `TransactionState`; KIP-98, KIP-890.

use std::borrow::Cow;
use std::fmt;

use super::value::Struct;
use super::{Entry, EntryPart, SchemaFamily};
use crate::wire::{ProducerId, Timestamp};

/// The status of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// No transaction.
    Empty,
    /// Records are being written.
    Ongoing,
    /// Committed, but not every marker is written.
    PrepareCommit,
    /// Aborted, but not every marker is written.
    PrepareAbort,
    /// Committed.
    CompleteCommit,
    /// Aborted.
    CompleteAbort,
    /// Its transactional id has expired. Not expected on disk.
    Dead,
    /// Its producer is being fenced. Not expected on disk.
    PrepareEpochFence,
}

impl Status {
    /// The status with this number.
    #[must_use]
    pub fn of(id: i64) -> Option<Self> {
        Some(match id {
            0 => Self::Empty,
            1 => Self::Ongoing,
            2 => Self::PrepareCommit,
            3 => Self::PrepareAbort,
            4 => Self::CompleteCommit,
            5 => Self::CompleteAbort,
            6 => Self::Dead,
            7 => Self::PrepareEpochFence,
            _ => return None,
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The state of a transactional id, or its expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransactionalId<'buf> {
    /// The id.
    pub id: Cow<'buf, str>,
    /// Its last transaction; `None` if the id was deleted.
    pub transaction: Option<Transaction<'buf>>,
}

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transaction<'buf> {
    /// The producer.
    pub producer_id: ProducerId,
    /// The producer before this one; −1 means none.
    pub previous_producer_id: ProducerId,
    /// The producer that follows when the epochs of this one are used up; −1 means none.
    pub next_producer_id: ProducerId,
    /// The producer epoch.
    pub producer_epoch: i16,
    /// The status of the transaction; `None` for an unknown number.
    pub status: Option<Status>,
    /// The timeout.
    pub timeout_ms: i32,
    /// The partitions it has written to.
    pub partitions: Vec<(Cow<'buf, str>, i32)>,
    /// The time of the last update.
    pub last_update: Timestamp,
    /// The start time; −1 if there is none.
    pub start: Timestamp,
}

impl<'buf> TransactionalId<'buf> {
    /// Returns the content of a record; `None` if the record is of another kind or cannot be read.
    #[must_use]
    pub fn of(entry: &Entry<'buf>) -> Option<Self> {
        let key = entry.key.decoded()?;
        if key.message.family() != SchemaFamily::TransactionState {
            return None;
        }
        Some(Self {
            id: key.body.text("transactionalId")?,
            transaction: match &entry.value {
                EntryPart::Null => None,
                EntryPart::Decoded(value) => Some(Transaction::of(&value.body)?),
                EntryPart::Unread { .. } => return None,
            },
        })
    }
}

impl<'buf> Transaction<'buf> {
    /// The transaction that a `TransactionLogValue` describes.
    #[must_use]
    pub fn of(body: &Struct<'buf>) -> Option<Self> {
        let mut partitions = Vec::new();
        for topic in body.structures("transactionPartitions") {
            let name = topic.text("topic")?;
            partitions.extend(topic.numbers("partitionIds").map(|id| (name.clone(), id)));
        }
        Some(Self {
            producer_id: ProducerId(body.int("producerId")?),
            previous_producer_id: ProducerId(body.int("previousProducerId").unwrap_or(-1)),
            next_producer_id: ProducerId(body.int("nextProducerId").unwrap_or(-1)),
            producer_epoch: body.number("producerEpoch")?,
            status: Status::of(body.int("transactionStatus")?),
            timeout_ms: body.number("transactionTimeoutMs")?,
            partitions,
            last_update: Timestamp(body.int("transactionLastUpdateTimestampMs")?),
            start: Timestamp(body.int("transactionStartTimestampMs")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, hex};

    #[test]
    fn a_transaction_says_who_writes_what() {
        let key = hex("0000 0002 7478");
        let value = hex(
            "0000 00000000000003e8 0003 0000ea60 01 00000001 0006 6f7264657273 00000002 00000000 \
             00000001 0000018bcfe56864 0000018bcfe56800",
        );
        let entry = Decoder::Transactions.decode(Some(&key), Some(&value));
        let id = TransactionalId::of(&entry).unwrap();
        assert_eq!(id.id, "tx");
        let transaction = id.transaction.unwrap();
        assert_eq!(transaction.status, Some(Status::Ongoing));
        assert_eq!(transaction.next_producer_id, ProducerId(-1));
        assert_eq!(
            transaction.partitions,
            [("orders".into(), 0), ("orders".into(), 1)]
        );
        let expired = Decoder::Transactions.decode(Some(&key), None);
        assert_eq!(TransactionalId::of(&expired).unwrap().transaction, None);
        let group = hex("0002 0001 67");
        let other = Decoder::Offsets.decode(Some(&group), None);
        assert_eq!(TransactionalId::of(&other), None);
    }

    #[test]
    fn every_status_has_a_name() {
        assert_eq!(Status::of(4).unwrap().to_string(), "CompleteCommit");
        assert_eq!((0..9).filter_map(Status::of).count(), 8);
        assert_eq!(Status::of(-1), None);
    }
}
