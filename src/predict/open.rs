//! Transactions that are open when the logs are loaded: until they end, `read_committed` consumers
//! get nothing from the first of them on.
//!
//! # References
//! `TransactionCoordinator`, `TransactionStateManager.loadTransactionsForTxnTopicPartition`;
//! KIP-664 for hanging ones.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::virtual_dir;
use crate::format::Limits;
use crate::report::fold;
use crate::report::transactions::{Status, TransactionState, Transactions};
use crate::scan::list_again;
use crate::store::Partition;

/// A transaction that is open after the start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OpenTransaction {
    /// The producer.
    pub producer_id: i64,
    /// Its first offset here.
    pub first_offset: i64,
    /// The timestamp of its first batch in milliseconds, as set by the producer.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub first_timestamp_ms: Option<i64>,
    /// The transactional id, if the coordinator's log has it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub transactional_id: Option<String>,
    /// The end of the transaction.
    pub end: TransactionEnd,
}

/// The end of an open transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "end", rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum TransactionEnd {
    /// The coordinator finishes committing it at the start.
    Committed,
    /// The coordinator finishes aborting it at the start.
    Aborted,
    /// The coordinator aborts it after its timeout, unless its producer ends it before.
    TimesOut {
        /// The time after the start in milliseconds, if the time of the start is given.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        after_ms: Option<i64>,
    },
    /// The coordinator does not know it, so it stays open until an operator aborts it.
    Hangs,
    /// The coordinator's log is missing or incomplete.
    Unknown,
}

impl fmt::Display for TransactionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Committed => "its coordinator completes the commit at the start",
            Self::Aborted => "its coordinator completes the abort at the start",
            Self::TimesOut { .. } => {
                "the coordinator aborts it at its timeout, unless the \
                                      producer ends it before"
            }
            Self::Hangs => {
                "it hangs: its coordinator does not know it, and it stays open until \
                            you abort it (kafka-transactions.sh abort)"
            }
            Self::Unknown => {
                "it is unknown when it ends: the __transaction_state partition of \
                              its coordinator is not here"
            }
        })
    }
}

/// The transactions of coordinators, from their logs.
#[derive(Debug)]
pub(super) struct Coordinators {
    known: BTreeMap<i64, (String, TransactionState)>,
    /// True if all of their logs were read.
    pub(super) all: bool,
}

impl Coordinators {
    /// No transactions, before any log is read.
    pub(super) fn none() -> Self {
        Self {
            known: BTreeMap::new(),
            all: true,
        }
    }

    /// Reads the log of one coordinator. Files of a running broker change; any other unreadable
    /// file makes the result incomplete.
    pub(super) fn read(&mut self, path: &Path) {
        let read = list_again(|| {
            let (mut image, log) = (Transactions::default(), Partition::open(path)?);
            let damage = fold::read(&mut image, &log, Limits::default(), virtual_dir::open)?;
            Ok((image, damage))
        });
        let Ok((image, damage)) = read else {
            self.all = false;
            return;
        };
        self.all &= image.unread == 0 && damage.is_empty();
        for (id, state) in image.ids {
            self.known.insert(state.producer_id.0, (id, state));
        }
    }

    /// Determines the end of an open transaction.
    pub(super) fn judge(
        &self,
        open: &mut OpenTransaction,
        partition: (&str, i32),
        now_ms: Option<i64>,
    ) {
        let known = self.known.get(&open.producer_id);
        let covers = |state: &TransactionState| {
            let mut partitions = state.partitions.iter();
            partitions.any(|(topic, number)| (topic.as_str(), *number) == partition)
        };
        open.transactional_id = known.map(|(id, _)| id.clone());
        open.end = match known
            .filter(|(_, state)| covers(state))
            .map(|(_, state)| (state.status, state))
        {
            Some((Some(Status::PrepareCommit), _)) => TransactionEnd::Committed,
            Some((Some(Status::PrepareAbort), _)) => TransactionEnd::Aborted,
            Some((Some(Status::Ongoing), state)) => {
                let due = state.start.0.saturating_add(i64::from(state.timeout_ms));
                let after_ms = now_ms.map(|now| due.saturating_sub(now).max(0));
                TransactionEnd::TimesOut { after_ms }
            }
            _ if self.all => TransactionEnd::Hangs,
            _ => TransactionEnd::Unknown,
        };
    }
}
