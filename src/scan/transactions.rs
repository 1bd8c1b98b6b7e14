//! The records that a `read_committed` consumer does not get.
//!
//! The control records of the log determine them: a `.txnindex` is derived from them, and only they
//! show that one of its entries is missing. So batches are read by their headers, which takes a
//! small part of the time of reading the records. An index is used only for transactions whose end
//! is not in the batches at hand: then it has the end of an aborted one, and the first offset of a
//! later one of the same producer, before which the one at hand must have ended.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::event::Event;
use super::output::Output;
use super::visit::Visitor;
use crate::format::control::ControlType;
use crate::format::{Batch, RecordBatch, Scratch, TxnIndex};
use crate::wire::{Offset, OffsetDelta, ProducerId};

/// The transactions of a log. It gets all batches in the order of the log, and then answers queries
/// about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionTracker {
    /// The first offsets of open transactions.
    open: BTreeMap<ProducerId, Offset>,
    /// First offsets of aborted transactions and offsets of their markers, in order.
    aborted: BTreeMap<ProducerId, Vec<(Offset, Offset)>>,
    /// The same by the indexes.
    noted: NotedAborts,
}

/// The aborted transactions of transaction indexes: where offsets are missing, and with them the
/// marker of a transaction, they show that it has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotedAborts {
    /// First offsets and offsets of the markers.
    entries: BTreeMap<ProducerId, BTreeMap<Offset, Offset>>,
    /// The offset after the last batch.
    next: Option<Offset>,
    /// The first of the offsets that were missing last.
    missing: Option<Offset>,
}

impl NotedAborts {
    /// Adds the entries of an index.
    pub fn add(&mut self, index: &TxnIndex<'_>) {
        for entry in index.entries() {
            let (first, last) = (entry.first_offset(), entry.last_offset());
            if entry.check().is_ok() && entry.producer_id().0 >= 0 && last > first {
                let noted = self.entries.entry(entry.producer_id()).or_default();
                noted.insert(first, last);
            }
        }
    }

    /// Returns the offset of the abort marker of the transaction that begins at `first`.
    #[must_use]
    pub fn end_of(&self, id: ProducerId, first: Offset) -> Option<Offset> {
        self.entries.get(&id)?.get(&first).copied()
    }

    /// Takes in the next batch of the log.
    pub fn batch(&mut self, batch: &Batch<'_>) {
        let next = self.next.replace(batch.last_offset().plus(OffsetDelta(1)));
        if let Some(next) = next.filter(|next| *next < batch.offset()) {
            self.missing = Some(next);
        }
    }

    /// Returns true if the transaction that a producer began at `first` had ended when it wrote
    /// `batch`, the last one taken in: it was aborted before, or an aborted one begins with the
    /// batch.
    #[must_use]
    pub fn has_ended(&self, first: Offset, batch: &RecordBatch<'_>) -> bool {
        let (id, base) = (batch.producer_id(), batch.base_offset());
        let is_noted = self.end_of(id, first).is_some_and(|last| last < base)
            || !batch.is_control() && first < base && self.end_of(id, base).is_some();
        is_noted && self.missing.is_some_and(|missing| missing > first)
    }
}

impl TransactionTracker {
    /// Takes in the next batch of the log.
    pub fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) {
        self.noted.batch(batch);
        let Batch::V2(batch) = batch else { return };
        if !batch.is_transactional() {
            return;
        }
        let (id, base) = (batch.producer_id(), batch.base_offset());
        if let Some(first) = self.open.get(&id).copied()
            && self.noted.has_ended(first, batch)
        {
            self.end_noted(id, first);
        }
        if !batch.is_control() {
            self.open.entry(id).or_insert(base);
            return;
        }
        let end = marker_type(batch, scratch);
        if !matches!(end, Some(ControlType::Abort | ControlType::Commit)) {
            return;
        }
        if let Some(first) = self.open.remove(&id)
            && end == Some(ControlType::Abort)
        {
            self.abort(id, first, base);
        }
    }

    /// Takes in an index, before the batches.
    pub fn index(&mut self, index: &TxnIndex<'_>) {
        self.noted.add(index);
    }

    /// Ends the log: an open transaction has ended if an index has its end.
    pub fn finish(&mut self) {
        for (id, first) in self.open.clone() {
            if self.noted.end_of(id, first).is_some() {
                self.end_noted(id, first);
            }
        }
        self.noted = NotedAborts::default();
    }

    /// Ends a transaction whose marker is missing.
    fn end_noted(&mut self, id: ProducerId, first: Offset) {
        self.open.remove(&id);
        if let Some(last) = self.noted.end_of(id, first) {
            self.abort(id, first, last);
        }
    }

    fn abort(&mut self, id: ProducerId, first: Offset, last: Offset) {
        self.aborted.entry(id).or_default().push((first, last));
    }

    /// The last stable offset: the first of the oldest transaction that has not ended. A
    /// `read_committed` consumer gets nothing from there on. `None` if all have ended.
    #[must_use]
    pub fn first_open(&self) -> Option<Offset> {
        self.open.values().min().copied()
    }

    /// Returns true if the records of a batch belong to a transaction that was aborted.
    #[must_use]
    pub fn is_aborted(&self, batch: &Batch<'_>) -> bool {
        let Batch::V2(batch) = batch else {
            return false;
        };
        if !batch.is_transactional() || batch.is_control() {
            return false;
        }
        let Some(aborted) = self.aborted.get(&batch.producer_id()) else {
            return false;
        };
        let base = batch.base_offset();
        let next = aborted.partition_point(|(_, end)| *end < base);
        aborted.get(next).is_some_and(|(first, _)| *first <= base)
    }
}

impl Visitor for TransactionTracker {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        if let Event::Batch(batch) = event {
            self.batch(&batch, scratch);
        }
        ControlFlow::Continue(())
    }
}

/// Returns the type of the marker in a control batch.
pub(crate) fn marker_type(batch: &RecordBatch<'_>, scratch: &mut Scratch) -> Option<ControlType> {
    let record = batch.records(scratch).ok()?.next()?.ok()?;
    ControlType::parse(record.key()).ok()
}
