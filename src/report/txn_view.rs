//! Open transactions of partitions, compared with the state of the transaction coordinator: which
//! of them hang.
//!
//! # References
//! `TransactionsCommand.FindHangingTransactionsCommand`; KIP-664.

use std::collections::BTreeMap;

use super::Transactions;
use super::transactions::TransactionState;
use crate::decode::transaction_state::Status;
use crate::format::producer_snapshot::ProducerEntry;
use crate::scan::derive::Producers;
use crate::wire::{Offset, ProducerId};

/// The state of the transaction coordinators.
#[derive(Debug, Clone, Copy)]
pub struct Coordinators<'a> {
    /// The transactional ids of all partitions of `__transaction_state` at hand.
    pub image: &'a Transactions,
    /// True if all its partitions are at hand: only then no other coordinator can know of a
    /// transaction.
    pub is_complete: bool,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
    /// The maximum duration of a transaction in milliseconds; a younger one may not be registered
    /// yet.
    pub max_timeout_ms: i64,
}

/// The state of an open transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TxnStanding {
    /// Its coordinator knows it, and waits for the producer.
    Ongoing,
    /// Its coordinator knows it and waits longer than the transaction may last: it aborts it after
    /// its next start.
    TimedOut,
    /// It is committed or aborted; the marker of this partition is not yet written.
    Ending,
    /// No coordinator knows it, and its last record is old: no coordinator ends it.
    Hanging,
    /// No coordinator knows it, but its last record is younger than a transaction may last.
    Unregistered,
    /// No coordinator at hand knows it, and some partitions of `__transaction_state` are not at
    /// hand.
    Unknown,
}

impl TxnStanding {
    /// A name for people and machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ongoing => "ongoing",
            Self::TimedOut => "timed out",
            Self::Ending => "ending",
            Self::Hanging => "hanging",
            Self::Unregistered => "unregistered",
            Self::Unknown => "unknown",
        }
    }
}

/// An open transaction of a partition.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenOnPartition<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// Its first offset.
    pub start: Offset,
    /// Its producer.
    pub producer: ProducerEntry,
    /// True if it determines the last stable offset of the partition.
    pub is_first: bool,
    /// The transactional id of the producer.
    pub id: Option<(&'a str, &'a TransactionState)>,
    /// The end of the transaction.
    pub standing: TxnStanding,
}

impl<'a> OpenOnPartition<'a> {
    /// The open transactions of a partition, by their first offsets.
    #[must_use]
    pub fn of(
        (topic, partition): (&'a str, i32),
        producers: &Producers,
        ids: &BTreeMap<ProducerId, (&'a str, &'a TransactionState)>,
        coordinators: Coordinators<'_>,
    ) -> Vec<Self> {
        let open = producers.open_txns().enumerate();
        open.filter_map(|(nth, (start, producer_id))| {
            let producer = *producers.get(producer_id)?;
            let id = ids.get(&producer_id).copied();
            Some(Self {
                topic,
                partition,
                start,
                producer,
                is_first: nth == 0,
                id,
                standing: coordinators.standing((topic, partition), &producer, id),
            })
        })
        .collect()
    }
}

impl<'a> Coordinators<'a> {
    /// The transactional ids by their producers.
    #[must_use]
    pub fn by_producer(&self) -> BTreeMap<ProducerId, (&'a str, &'a TransactionState)> {
        let ids = self.image.ids.iter();
        ids.map(|(id, state)| (state.producer_id, (&**id, state)))
            .collect()
    }

    fn standing(
        &self,
        (topic, partition): (&str, i32),
        producer: &ProducerEntry,
        id: Option<(&str, &TransactionState)>,
    ) -> TxnStanding {
        let in_it = |state: &TransactionState| {
            let mut partitions = state.partitions.iter();
            partitions.any(|(name, number)| name == topic && *number == partition)
        };
        match id {
            Some((_, state)) if in_it(state) => match state.status {
                Some(Status::PrepareCommit | Status::PrepareAbort) => TxnStanding::Ending,
                _ if state.expires_ms().is_some_and(|end| end < self.now_ms) => {
                    TxnStanding::TimedOut
                }
                _ => TxnStanding::Ongoing,
            },
            None if !self.is_complete => TxnStanding::Unknown,
            _ => {
                let age = self.now_ms.saturating_sub(producer.timestamp.0);
                if age > self.max_timeout_ms {
                    TxnStanding::Hanging
                } else {
                    TxnStanding::Unregistered
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Timestamp;

    fn state(status: Status, timeout_ms: i32) -> TransactionState {
        TransactionState {
            offset: Offset(0),
            producer_id: ProducerId(7),
            producer_epoch: 0,
            status: Some(status),
            timeout_ms,
            partitions: vec![("t".into(), 0)],
            last_update: Timestamp(1_000),
            start: Timestamp(1_000),
        }
    }

    #[test]
    fn a_transaction_hangs_if_no_coordinator_can_know_it_and_it_is_old() {
        let image = Transactions::default();
        let standing = |partition, id: Option<&TransactionState>, is_complete, now_ms| {
            let coordinators = Coordinators {
                image: &image,
                is_complete,
                now_ms,
                max_timeout_ms: 900_000,
            };
            let producer = ProducerEntry {
                timestamp: Timestamp(1_000),
                ..ProducerEntry::unknown(ProducerId(7))
            };
            coordinators.standing(("t", partition), &producer, id.map(|state| ("id", state)))
        };
        let ongoing = state(Status::Ongoing, 60_000);
        let (young, late, old) = (2_000, 61_001, 901_001);
        for (partition, id, is_complete, now, expected) in [
            (0, Some(&ongoing), true, young, TxnStanding::Ongoing),
            (0, Some(&ongoing), false, late, TxnStanding::TimedOut),
            (0, None, true, young, TxnStanding::Unregistered),
            (0, None, true, old, TxnStanding::Hanging),
            (0, None, false, old, TxnStanding::Unknown),
            // Its transactional id is known, and its transaction does not include this partition.
            (1, Some(&ongoing), false, old, TxnStanding::Hanging),
        ] {
            assert_eq!(standing(partition, id, is_complete, now), expected);
        }
        let ending = state(Status::PrepareCommit, 60_000);
        assert_eq!(standing(0, Some(&ending), true, old), TxnStanding::Ending);
    }
}
