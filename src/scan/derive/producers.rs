//! The state of producers, derived from batches.

use std::collections::BTreeMap;

use super::Violation;
use crate::format::control::{self, ControlType};
use crate::format::producer_snapshot::{self, ProducerEntry};
use crate::format::{ProducerSnapshot, Record, RecordBatch, Scratch};
use crate::wire::{Offset, OffsetDelta, ProducerId, Timestamp};

/// The maximum number of producers.
pub const MAX_PRODUCERS: usize = 10_000_000;

/// Slots of a new `java.util.HashMap`.
const JAVA_SLOTS: u64 = 16;

/// The expiry of producers when a broker loads a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// The time of loading.
    pub now: Timestamp,
    /// The time after which a producer without an open transaction expires
    /// (`producer.id.expiration.ms`).
    pub after_ms: i64,
}

/// The state of the idempotent producers of a log at an offset.
///
/// Source: `ProducerStateManager`, `ProducerAppendInfo`, with the checks that Kafka makes on
/// batches that were accepted before.
#[derive(Debug, Clone, Default)]
pub struct Producers {
    known: BTreeMap<ProducerId, TrackedProducer>,
    /// Open transactions by their first offsets.
    open: BTreeMap<Offset, ProducerId>,
    /// The number of producers seen so far.
    seen: u64,
}

#[derive(Debug, Clone, Copy)]
struct TrackedProducer {
    entry: ProducerEntry,
    /// The number of producers seen before it.
    order: u64,
}

/// A transaction that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompletedTxn {
    /// The producer.
    pub producer_id: ProducerId,
    /// The first offset.
    pub first_offset: Offset,
    /// The offset of its marker.
    pub last_offset: Offset,
    /// True if it was aborted.
    pub is_aborted: bool,
    /// The last stable offset at that time.
    pub last_stable_offset: Offset,
}

/// The content of a transaction marker.
struct Marker {
    is_abort: bool,
    coordinator_epoch: i32,
    timestamp: Timestamp,
}

impl Producers {
    /// The producers in a snapshot, without those that have expired. The caller checks the
    /// snapshot's checksum.
    ///
    /// # Errors
    /// There are more than [`MAX_PRODUCERS`].
    pub fn load(
        snapshot: &ProducerSnapshot<'_>,
        expiry: Option<Expiry>,
    ) -> Result<Self, Violation> {
        let mut producers = Self::default();
        for state in snapshot.entries() {
            let mut entry = ProducerEntry::from(state);
            if expiry.is_some_and(|expiry| expiry.forgets(&entry)) {
                continue;
            }
            if entry.last_offset.0 < 0 {
                let none = ProducerEntry::unknown(entry.producer_id);
                entry.last_sequence = none.last_sequence;
                entry.last_offset = none.last_offset;
                entry.offset_delta = none.offset_delta;
            }
            if let Some(first_offset) = entry.open_txn() {
                producers.open.insert(first_offset, entry.producer_id);
            } else {
                entry.txn_first_offset = Offset(-1);
            }
            producers.put(entry)?;
        }
        Ok(producers)
    }

    /// The producers, by id.
    #[must_use]
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &ProducerEntry> + '_ {
        self.known.values().map(|known| &known.entry)
    }

    /// Returns the state of a producer.
    #[must_use]
    pub fn get(&self, producer_id: ProducerId) -> Option<&ProducerEntry> {
        self.known.get(&producer_id).map(|known| &known.entry)
    }

    /// Open transactions: their first offsets, in order, and their producers.
    #[must_use]
    pub fn open_txns(&self) -> impl ExactSizeIterator<Item = (Offset, ProducerId)> + '_ {
        self.open
            .iter()
            .map(|(offset, producer_id)| (*offset, *producer_id))
    }

    /// Returns the first offset of the oldest open transaction, at which `read_committed` consumers
    /// stop.
    #[must_use]
    pub fn first_open_offset(&self) -> Option<Offset> {
        self.open.keys().next().copied()
    }

    /// The bytes of a snapshot, in [the order](Self::in_java_order) in which a broker writes it.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        producer_snapshot::encode(&self.in_java_order())
    }

    /// The producers in the order of Kafka's `HashMap`, which only depends on the order in which
    /// producers were added, unless some were removed.
    #[must_use]
    pub fn in_java_order(&self) -> Vec<ProducerEntry> {
        let slots = java_slots(self.known.len());
        let mut all: Vec<&TrackedProducer> = self.known.values().collect();
        all.sort_by_key(|known| (slot(known.entry.producer_id, slots), known.order));
        all.into_iter().map(|known| known.entry).collect()
    }

    /// These producers, with the timestamps of `other` for the same last batches: one of them may
    /// have been rewritten.
    #[must_use]
    pub fn with_times_of(mut self, other: &Self) -> Self {
        for (producer_id, known) in &mut self.known {
            let same = other.get(*producer_id);
            let same = same.filter(|same| same.last_offset == known.entry.last_offset);
            if let Some(same) = same {
                known.entry.timestamp = same.timestamp;
            }
        }
        self
    }

    /// Removes the producers that a broker would remove.
    pub fn expire(&mut self, expiry: Expiry) {
        self.known.retain(|_, known| !expiry.forgets(&known.entry));
    }

    /// Adds the next batch of the log. Returns the transaction that it ends, if it ends a known
    /// one.
    ///
    /// # Errors
    /// Kafka would throw. Unless it is [`Violation::NotStarted`], nothing has changed.
    ///
    /// # References
    /// `LogSegment.updateProducerState`, for batches that come with their offsets
    /// (`AppendOrigin.REPLICATION`).
    pub fn take(
        &mut self,
        batch: &RecordBatch<'_>,
        scratch: &mut Scratch,
    ) -> Result<Option<CompletedTxn>, Violation> {
        let producer_id = batch.producer_id();
        if producer_id.0 < 0 {
            return Ok(None);
        }
        if batch.is_control() {
            match marker(batch, scratch)? {
                Some(marker) => self.end(batch, &marker),
                None => Ok(None),
            }
        } else {
            self.write(batch).map(|()| None)
        }
    }

    /// A batch of data.
    fn write(&mut self, batch: &RecordBatch<'_>) -> Result<(), Violation> {
        let producer_id = batch.producer_id();
        let mut entry = self.of(producer_id);
        let open = entry.open_txn();
        if let Some(first_offset) = open
            && !batch.is_transactional()
        {
            return Err(Violation::NotTransactional {
                producer_id,
                first_offset,
            });
        }
        entry.producer_epoch = batch.producer_epoch();
        entry.last_sequence = batch.last_sequence();
        entry.last_offset = batch.last_offset();
        entry.offset_delta = batch.last_offset_delta();
        entry.timestamp = batch.max_timestamp();
        let begins = open.is_none() && batch.is_transactional();
        if begins {
            entry.txn_first_offset = batch.base_offset();
        }
        self.put(entry)?;
        if begins {
            self.open.insert(batch.base_offset(), producer_id);
        }
        Ok(())
    }

    /// A transaction marker.
    fn end(
        &mut self,
        batch: &RecordBatch<'_>,
        marker: &Marker,
    ) -> Result<Option<CompletedTxn>, Violation> {
        let producer_id = batch.producer_id();
        let mut entry = self.of(producer_id);
        let open = entry.open_txn();
        if entry.producer_epoch != batch.producer_epoch() {
            let none = ProducerEntry::unknown(producer_id);
            entry.producer_epoch = batch.producer_epoch();
            entry.last_sequence = none.last_sequence;
            entry.last_offset = none.last_offset;
            entry.offset_delta = none.offset_delta;
        }
        entry.coordinator_epoch = marker.coordinator_epoch;
        entry.timestamp = marker.timestamp;
        entry.txn_first_offset = Offset(-1);
        self.put(entry)?;
        let Some(first_offset) = open else {
            return Ok(None);
        };
        let others = self.open.iter().find(|(_, other)| **other != producer_id);
        let last_offset = batch.base_offset();
        let last_stable_offset = match others {
            Some((offset, _)) => *offset,
            None => last_offset.plus(OffsetDelta(1)),
        };
        if self.open.remove(&first_offset).is_none() {
            return Err(Violation::NotStarted { first_offset });
        }
        Ok(Some(CompletedTxn {
            producer_id,
            first_offset,
            last_offset,
            is_aborted: marker.is_abort,
            last_stable_offset,
        }))
    }

    /// Ends the open transaction of a producer whose marker is missing.
    pub fn end_unmarked(&mut self, producer_id: ProducerId) {
        if let Some(known) = self.known.get_mut(&producer_id) {
            self.open.remove(&known.entry.txn_first_offset);
            known.entry.txn_first_offset = Offset(-1);
        }
    }

    fn of(&self, producer_id: ProducerId) -> ProducerEntry {
        let known = self.get(producer_id).copied();
        known.unwrap_or(ProducerEntry::unknown(producer_id))
    }

    fn put(&mut self, entry: ProducerEntry) -> Result<(), Violation> {
        if let Some(known) = self.known.get_mut(&entry.producer_id) {
            known.entry = entry;
            return Ok(());
        }
        if self.known.len() >= MAX_PRODUCERS {
            return Err(Violation::TooManyProducers);
        }
        let order = self.seen;
        self.seen += 1;
        self.known
            .insert(entry.producer_id, TrackedProducer { entry, order });
        Ok(())
    }
}

impl Expiry {
    fn forgets(self, entry: &ProducerEntry) -> bool {
        let age = self.now.0.wrapping_sub(entry.timestamp.0);
        entry.open_txn().is_none() && age >= self.after_ms
    }
}

/// The number of slots of a `java.util.HashMap` that has grown to this many entries.
fn java_slots(entries: usize) -> u64 {
    let mut slots = JAVA_SLOTS;
    while entries as u64 > slots / 4 * 3 {
        slots *= 2;
    }
    slots
}

/// Returns the slot of a `Long` in a `java.util.HashMap` of this capacity.
fn slot(producer_id: ProducerId, slots: u64) -> u64 {
    let id = producer_id.0.cast_unsigned();
    let hash = (id ^ (id >> 32)) & u64::from(u32::MAX);
    (hash ^ (hash >> 16)) & (slots - 1)
}

/// Parses the first record of a control batch; returns `None` if there is none left.
fn marker(batch: &RecordBatch<'_>, scratch: &mut Scratch) -> Result<Option<Marker>, Violation> {
    let mut records = batch.records(scratch).map_err(Violation::Record)?;
    let Some(record) = records.next() else {
        return Ok(None);
    };
    let record = record.map_err(Violation::Record)?;
    // At the last record Kafka notices bytes after it.
    if batch.records_count() == 1
        && let Some(Err(fault)) = records.next()
    {
        return Err(Violation::Record(fault));
    }
    read_marker(&record).map(Some)
}

fn read_marker(record: &Record<'_>) -> Result<Marker, Violation> {
    if record.key().is_none() {
        return Err(Violation::NullKey);
    }
    let control = ControlType::parse(record.key()).map_err(Violation::Record)?;
    let is_abort = match control {
        ControlType::Abort => true,
        ControlType::Commit => false,
        other => return Err(Violation::NoMarker(other)),
    };
    let value = record.value().ok_or(Violation::NullValue)?;
    if value.len() < control::MARKER_BYTES {
        return Err(Violation::ShortValue);
    }
    Ok(Marker {
        is_abort,
        coordinator_epoch: control::coordinator_epoch(Some(value)).map_err(Violation::Record)?,
        timestamp: record.timestamp(),
    })
}
