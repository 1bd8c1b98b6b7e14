//! Every transactional id, from `__transaction_state`.

use std::collections::BTreeMap;

use super::Image;
pub use crate::decode::transaction_state::Status;
use crate::decode::transaction_state::TransactionalId;
use crate::decode::{Decoder, Entry};
use crate::format::{Batch, Record};
use crate::wire::{Offset, ProducerId, Timestamp};

/// The transactional ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transactions {
    /// Each id with its last transaction.
    pub ids: BTreeMap<String, TransactionState>,
    /// Records that could not be read.
    pub unread: u64,
}

/// The last state of a transactional id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransactionState {
    /// Its offset.
    pub offset: Offset,
    /// The producer.
    pub producer_id: ProducerId,
    /// The producer epoch.
    pub producer_epoch: i16,
    /// The status of the transaction; `None` for an unknown number.
    pub status: Option<Status>,
    /// The timeout.
    pub timeout_ms: i32,
    /// The partitions it has written to, in order.
    pub partitions: Vec<(String, i32)>,
    /// The time of the last update.
    pub last_update: Timestamp,
    /// The start time; −1 if there is none.
    pub start: Timestamp,
}

impl TransactionState {
    /// Returns the time at which its coordinator aborts it, in milliseconds since 1970; `None` if
    /// no transaction is open.
    #[must_use]
    pub fn expires_ms(&self) -> Option<i64> {
        let is_ongoing = self.status == Some(Status::Ongoing) && self.start.0 >= 0;
        is_ongoing.then(|| self.start.0.saturating_add(self.timeout_ms.into()))
    }
}

impl Transactions {
    /// Adds the ids of another partition of the topic.
    pub fn join(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.unread = self.unread.saturating_add(other.unread);
    }
}

impl Image for Transactions {
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>) {
        if batch.is_control() {
            return;
        }
        let entry = Decoder::Transactions.decode(record.key(), record.value());
        self.entry(record.offset(), &entry);
    }
}

impl Transactions {
    fn entry(&mut self, offset: Offset, entry: &Entry<'_>) {
        let Some(id) = TransactionalId::of(entry) else {
            self.unread += 1;
            return;
        };
        let Some(transaction) = id.transaction else {
            self.ids.remove(&*id.id);
            return;
        };
        let mut partitions: Vec<_> = transaction
            .partitions
            .into_iter()
            .map(|(topic, partition)| (topic.into_owned(), partition))
            .collect();
        partitions.sort();
        let state = TransactionState {
            offset,
            producer_id: transaction.producer_id,
            producer_epoch: transaction.producer_epoch,
            status: transaction.status,
            timeout_ms: transaction.timeout_ms,
            partitions,
            last_update: transaction.last_update,
            start: transaction.start,
        };
        self.ids.insert(id.id.into_owned(), state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_record_of_an_id_counts_and_null_deletes_it() {
        let mut image = Transactions::default();
        let value = |status: u8| {
            let mut value = vec![0, 0];
            value.extend(7_i64.to_be_bytes());
            value.extend([0, 3, 0, 0, 0xea, 0x60, status]);
            value.extend([0xff, 0xff, 0xff, 0xff]);
            value.extend([0; 16]);
            value
        };
        let key = |id: u8| [0, 0, 0, 1, id];
        let mut take = |offset, id, value: Option<&[u8]>| {
            let key = key(id);
            let entry = Decoder::Transactions.decode(Some(&key), value);
            image.entry(Offset(offset), &entry);
        };
        take(0, b'a', Some(&value(1)));
        take(1, b'b', Some(&value(1)));
        take(2, b'a', Some(&value(4)));
        take(3, b'b', None);
        take(4, b'a', Some(&[0, 0, 1]));
        assert_eq!(image.unread, 1);
        let ids: Vec<_> = image.ids.iter().collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(ids[0].0, "a");
        assert_eq!(ids[0].1.status, Some(Status::CompleteCommit));
        assert_eq!((ids[0].1.offset, ids[0].1.producer_epoch), (Offset(2), 3));
    }
}
