//! What transaction indexes know of markers that are lost.

use std::collections::BTreeMap;

use crate::format::txn_index::{self, AbortedTxn, ENTRY_BYTES, TxnIndex};
use crate::format::{Batch, FileKind};
use crate::repair::planner::diagnosis::small;
use crate::repair::planner::steps::{NewLog, NewSegment};
use crate::store::Partition;

/// An entry of a transaction index.
#[derive(Debug, Clone, Copy)]
pub(super) struct TxnEntry {
    /// The offset of the marker.
    pub(super) last: i64,
    pub(super) bytes: [u8; ENTRY_BYTES],
    /// True if the marker is beyond the end of the log as it will be.
    pub(super) is_lost: bool,
}

impl TxnEntry {
    pub(super) fn of(entry: AbortedTxn<'_>) -> (i64, Self) {
        let last = entry.last_offset();
        let bytes = txn_index::encode(
            entry.producer_id(),
            entry.first_offset(),
            last,
            entry.last_stable_offset(),
        );
        let of = Self {
            last: last.0,
            bytes,
            is_lost: false,
        };
        (last.0, of)
    }
}

/// The entries of transaction indexes whose markers are no longer in the log: without them, aborted
/// records would count as committed.
pub(super) struct Aborted(BTreeMap<i64, TxnEntry>);

impl Aborted {
    /// The entries of a partition whose log changes; `None` where it stays as it is.
    pub(super) fn of(partition: &Partition, log: &NewLog) -> Self {
        let mut entries = BTreeMap::new();
        if !log.segments.iter().any(|segment| segment.is_changed) {
            return Self(entries);
        }
        for segment in partition.segments() {
            let item = segment.file(FileKind::TransactionIndex);
            let Some(bytes) = item.and_then(|item| small(item.path())) else {
                continue;
            };
            let index = TxnIndex::new(&bytes);
            if index.check(segment.base_offset()).is_ok() {
                let sound = index.entries().filter(|entry| {
                    entry.producer_id().0 >= 0 && entry.first_offset() <= entry.last_offset()
                });
                entries.extend(sound.map(TxnEntry::of));
            }
        }
        Self(entries)
    }

    /// Takes in a batch that is there: what it is, it says itself.
    pub(super) fn settle(&mut self, batch: &Batch<'_>) {
        let (first, last) = (batch.offset().0, batch.last_offset().0);
        if first <= last {
            let here: Vec<i64> = self.0.range(first..=last).map(|(at, _)| *at).collect();
            for at in here {
                self.0.remove(&at);
            }
        }
    }

    /// The entries that belong into a segment, before the base offset of the `next` one, if the log
    /// ends at `end`.
    pub(super) fn entries(
        &self,
        segment: &NewSegment,
        next: Option<i64>,
        end: i64,
    ) -> Vec<TxnEntry> {
        let next = next.unwrap_or(i64::MAX).max(segment.base);
        let here = self.0.range(segment.base..next);
        let entries = here.map(|(at, entry)| TxnEntry {
            is_lost: *at >= end,
            ..*entry
        });
        entries.filter(|_| segment.is_changed).collect()
    }
}
