//! What transaction indexes know of markers that are lost.

use std::collections::BTreeMap;

use crate::format::control::ControlType;
use crate::format::producer_snapshot::ProducerEntry;
use crate::format::txn_index::{self, AbortedTxn, ENTRY_BYTES, TxnIndex};
use crate::format::{Batch, FileKind, RecordBatch, Scratch};
use crate::repair::planner::diagnosis::small;
use crate::repair::planner::steps::{NewLog, NewSegment};
use crate::scan::derive::Producers;
use crate::scan::{NotedAborts, marker_type};
use crate::store::Partition;
use crate::wire::Offset;

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
pub(super) struct Aborted {
    entries: BTreeMap<i64, TxnEntry>,
    noted: NotedAborts,
}

impl Aborted {
    /// The entries of a partition; only if its log changes, those whose markers may be lost.
    pub(super) fn of(partition: &Partition, log: &NewLog) -> Self {
        let (mut entries, mut noted) = (BTreeMap::new(), NotedAborts::default());
        let is_changed = log.segments.iter().any(|segment| segment.is_changed);
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
                entries.extend(sound.filter(|_| is_changed).map(TxnEntry::of));
                noted.add(&index);
            }
        }
        Self { entries, noted }
    }

    /// Ends the transaction that the producer of `batch` has open, if it had ended before: its
    /// marker is lost.
    pub(super) fn end(&mut self, batch: &Batch<'_>, producers: &mut Producers) {
        self.noted.batch(batch);
        let Batch::V2(batch) = batch else { return };
        let open = open_txn(batch, producers);
        if open.is_some_and(|first| self.noted.has_ended(first, batch)) {
            producers.end_unmarked(batch.producer_id());
        }
    }

    /// Takes in a batch that is there: what it is, it says itself. Only the transaction of an abort
    /// marker may be lost.
    pub(super) fn settle(
        &mut self,
        batch: &Batch<'_>,
        producers: &Producers,
        scratch: &mut Scratch,
    ) {
        if let Batch::V2(batch) = batch
            && batch.is_control()
            && open_txn(batch, producers).is_none()
            && marker_type(batch, scratch) == Some(ControlType::Abort)
        {
            return;
        }
        let (first, last) = (batch.offset().0, batch.last_offset().0);
        if first <= last {
            let here: Vec<i64> = self
                .entries
                .range(first..=last)
                .map(|(at, _)| *at)
                .collect();
            for at in here {
                self.entries.remove(&at);
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
        let here = self.entries.range(segment.base..next);
        let entries = here.map(|(at, entry)| TxnEntry {
            is_lost: *at >= end,
            ..*entry
        });
        entries.filter(|_| segment.is_changed).collect()
    }
}

/// The first offset of the transaction that the producer of a batch has open.
fn open_txn(batch: &RecordBatch<'_>, producers: &Producers) -> Option<Offset> {
    let entry = producers.get(batch.producer_id());
    entry.and_then(ProducerEntry::open_txn)
}
