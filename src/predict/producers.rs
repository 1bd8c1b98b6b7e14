//! The state of producers during a start: open transactions, and the snapshots.
//!
//! Of the state in Kafka's `ProducerStateManager`, only open transactions influence a start:
//! sequence numbers and epochs are not checked when a log is read again.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::log::{SegmentEntry, SegmentWindow};
use super::thrown::Thrown;
use super::virtual_dir::{Content, Producer, VirtualDir};
use crate::format::control::{self, ControlType};
use crate::format::{Batch, Codec, Frame, ProducerSnapshot, RecordBatch, Scratch, name};
use crate::store::{ItemType, read_known};
use crate::wire::Offset;

/// The suffix of a snapshot.
const SUFFIX: &str = name::PRODUCER_SNAPSHOT_SUFFIX;

/// The maximum size of a snapshot: it would have five million producers.
const LARGEST_BYTES: u64 = 256 << 20;

/// The end of a transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completed {
    first: i64,
    /// The marker's offset, if the transaction was aborted.
    pub(super) aborted: Option<i64>,
}

/// The change that a batch makes to its producer.
#[derive(Debug, Clone, Default)]
struct Update {
    /// The first offset of its open transaction.
    open: Option<i64>,
    /// The transactions that it begins.
    started: Vec<i64>,
}

/// The state of producers up to an offset, and the snapshots in the directory.
#[derive(Debug, Default)]
pub(super) struct Producers {
    /// The snapshots as they were listed; `None` while they are those in the directory.
    listed: Option<BTreeMap<i64, String>>,
    /// The first offset of the open transaction, by producer.
    open: BTreeMap<i64, i64>,
    /// The timestamp of the last batch, by producer.
    seen: BTreeMap<i64, i64>,
    /// Transactions not completed, by their first offset.
    ongoing: BTreeMap<i64, i64>,
    /// The first offset of the earliest transaction that was completed since the snapshot.
    completed: Option<i64>,
    map_end: i64,
    snapshot_end: i64,
}

impl Producers {
    /// No producers yet, and a list of the snapshots that does not change with the directory.
    pub(super) fn listed(virtual_dir: &VirtualDir) -> Result<Self, Thrown> {
        if let Some(file) = virtual_dir.unnumbered_snapshot() {
            return Err(Thrown::fatal(file, "the name does not begin with a number"));
        }
        Ok(Self {
            listed: Some(virtual_dir.snapshots().clone()),
            ..Self::default()
        })
    }

    fn snapshots<'p>(&'p self, virtual_dir: &'p VirtualDir) -> &'p BTreeMap<i64, String> {
        self.listed.as_ref().unwrap_or(virtual_dir.snapshots())
    }

    /// The offset up to which the state is known.
    pub(super) fn map_end(&self) -> i64 {
        self.map_end
    }

    /// Sets the offset up to which the state is known.
    pub(super) fn advance(&mut self, offset: i64) {
        self.map_end = offset;
    }

    /// Returns true if there is no snapshot.
    pub(super) fn has_no_snapshot(&self, virtual_dir: &VirtualDir) -> bool {
        self.snapshots(virtual_dir).is_empty()
    }

    /// Deletes the snapshot at an offset.
    pub(super) fn remove(&mut self, virtual_dir: &mut VirtualDir, offset: i64) {
        let file = match &mut self.listed {
            Some(listed) => listed.remove(&offset),
            None => virtual_dir.snapshots().get(&offset).cloned(),
        };
        if let Some(file) = file {
            virtual_dir.delete(&file);
        }
    }

    /// Returns the first offset of the earliest transaction that may not be fully replicated yet.
    pub(super) fn first_unstable(&self) -> Option<i64> {
        let ongoing = self.ongoing.keys().next().copied();
        [ongoing, self.completed].into_iter().flatten().min()
    }

    /// The first offsets of open transactions, with their producers.
    pub(super) fn ongoing(&self) -> &BTreeMap<i64, i64> {
        &self.ongoing
    }

    /// The timestamps of the last batches of producers without an open transaction.
    pub(super) fn idle(&self) -> Vec<i64> {
        let idle = self
            .seen
            .iter()
            .filter(|(id, _)| !self.open.contains_key(id));
        idle.map(|(_, &last)| last).collect()
    }

    /// Removes everything and starts at `offset` (`truncateFullyAndStartAt`).
    pub(super) fn restart(&mut self, virtual_dir: &mut VirtualDir, offset: i64) {
        let all: Vec<i64> = self.snapshots(virtual_dir).keys().copied().collect();
        for at in all {
            self.remove(virtual_dir, at);
        }
        *self = Self {
            listed: self.listed.take(),
            map_end: offset,
            ..Self::default()
        };
    }

    /// `removeStraySnapshots`: lists the snapshots again. Of those at no segment's base only the
    /// largest stays, if it is beyond the last segment's. The bases are in order.
    pub(super) fn remove_strays(&mut self, virtual_dir: &mut VirtualDir, bases: &[i64]) {
        self.listed = None;
        let offsets = virtual_dir.snapshots().keys().copied();
        let mut strays: Vec<i64> = offsets
            .filter(|offset| bases.binary_search(offset).is_err())
            .collect();
        let latest = strays.pop();
        for offset in strays {
            self.remove(virtual_dir, offset);
        }
        if let (Some(latest), Some(largest)) = (latest, bases.last())
            && latest < *largest
        {
            self.remove(virtual_dir, latest);
        }
    }

    /// `truncateAndReload`: drops snapshots out of range, and reads the newest valid one.
    pub(super) fn reload(
        &mut self,
        virtual_dir: &mut VirtualDir,
        log_start: i64,
        log_end: i64,
    ) -> Result<(), Thrown> {
        let known = self.snapshots(virtual_dir);
        let beyond = known.range((Bound::Excluded(log_end), Bound::Unbounded));
        let out: Vec<i64> = known
            .range(..=log_start)
            .chain(beyond)
            .map(|(&at, _)| at)
            .collect();
        for offset in out {
            self.remove(virtual_dir, offset);
        }
        if log_end == self.map_end {
            self.map_end = self.map_end.max(log_start);
            let last = self.snapshots(virtual_dir).keys().next_back();
            self.snapshot_end = last.map_or(log_start, |&at| at);
            return Ok(());
        }
        self.open.clear();
        self.seen.clear();
        self.ongoing.clear();
        self.completed = None;
        loop {
            let Some((&offset, file)) = self.snapshots(virtual_dir).last_key_value() else {
                (self.map_end, self.snapshot_end) = (log_start, log_start);
                return Ok(());
            };
            if let Some(known) = read(virtual_dir, file)? {
                for producer in known {
                    self.seen.insert(producer.id, producer.last_timestamp_ms);
                    if producer.first_offset >= 0 {
                        self.open.insert(producer.id, producer.first_offset);
                        self.ongoing.insert(producer.first_offset, producer.id);
                    }
                }
                (self.map_end, self.snapshot_end) = (offset, offset);
                return Ok(());
            }
            self.remove(virtual_dir, offset);
        }
    }

    /// Writes a snapshot, if the state has changed since the last one.
    pub(super) fn snapshot(&mut self, virtual_dir: &mut VirtualDir) -> Result<(), Thrown> {
        if self.map_end <= self.snapshot_end {
            return Ok(());
        }
        let file = format!(
            "{}{SUFFIX}",
            crate::format::name::stem(Offset(self.map_end))
        );
        if virtual_dir
            .get(&file)
            .is_some_and(|leaf| leaf.kind == ItemType::Directory)
        {
            return Err(Thrown::io(&file, "is a directory"));
        }
        let known = self.seen.iter().map(|(&id, &last)| Producer {
            id,
            first_offset: self.open.get(&id).copied().unwrap_or(-1),
            last_timestamp_ms: last,
        });
        virtual_dir.put(&file, Content::Producers(known.collect()));
        if let Some(listed) = &mut self.listed {
            listed.insert(self.map_end, file);
        }
        self.snapshot_end = self.map_end;
        Ok(())
    }

    /// Adds a single batch, as recovery does.
    pub(super) fn take(
        &mut self,
        log: &mut SegmentWindow,
        entry: SegmentEntry,
        scratch: &mut Scratch,
    ) -> Result<Option<Completed>, Thrown> {
        let Some(producer) = producer_of(log, entry)? else {
            return Ok(None);
        };
        self.seen
            .insert(producer, log.header(entry)?.max_timestamp().0);
        let mut update = self.begin(producer);
        let completed = append(&mut update, log, entry, scratch)?;
        self.apply(producer, update);
        if let Some(completed) = completed {
            self.complete(log, completed)?;
        }
        Ok(completed)
    }

    /// Reads the batches between `position` and `end` again (`loadProducersFromRecords`):
    /// transactions are completed only after all of them were read.
    pub(super) fn replay(
        &mut self,
        log: &mut SegmentWindow,
        mut position: u64,
        end: u64,
        scratch: &mut Scratch,
    ) -> Result<(), Thrown> {
        let mut updates: BTreeMap<i64, Update> = BTreeMap::new();
        let mut completed = Vec::new();
        while let Some(entry) = log.entry(position, end)? {
            position = entry.end();
            let Some(producer) = producer_of(log, entry)? else {
                continue;
            };
            self.seen
                .insert(producer, log.header(entry)?.max_timestamp().0);
            let update = updates
                .entry(producer)
                .or_insert_with(|| self.begin(producer));
            completed.extend(append(update, log, entry, scratch)?);
        }
        for (producer, update) in updates {
            self.apply(producer, update);
        }
        for one in completed {
            self.complete(log, one)?;
        }
        Ok(())
    }

    fn begin(&self, producer: i64) -> Update {
        Update {
            open: self.open.get(&producer).copied(),
            started: Vec::new(),
        }
    }

    fn apply(&mut self, producer: i64, update: Update) {
        match update.open {
            Some(first) => self.open.insert(producer, first),
            None => self.open.remove(&producer),
        };
        for first in update.started {
            self.ongoing.insert(first, producer);
        }
    }

    fn complete(&mut self, log: &SegmentWindow, completed: Completed) -> Result<(), Thrown> {
        match self.ongoing.remove(&completed.first) {
            Some(_) => {
                let earliest = self.completed.unwrap_or(i64::MAX);
                self.completed = Some(earliest.min(completed.first));
                Ok(())
            }
            None => Err(Thrown::fatal(
                log.name(),
                format_args!(
                    "a transaction that began at offset {} has two markers",
                    completed.first
                ),
            )),
        }
    }
}

/// The producer of an entry, if it has one.
fn producer_of(log: &mut SegmentWindow, entry: SegmentEntry) -> Result<Option<i64>, Thrown> {
    if entry.is_legacy() {
        return Ok(None);
    }
    let id = log.header(entry)?.producer_id().0;
    Ok((id > -1).then_some(id))
}

/// `ProducerAppendInfo.append`.
fn append(
    update: &mut Update,
    log: &mut SegmentWindow,
    entry: SegmentEntry,
    scratch: &mut Scratch,
) -> Result<Option<Completed>, Thrown> {
    let header = log.header(entry)?;
    let (is_control, is_transactional) = (header.is_control(), header.is_transactional());
    if is_control {
        let name = log.name().to_owned();
        let frame = log.frame(entry)?;
        let Some(end) = marker(&name, frame, scratch)? else {
            return Ok(None);
        };
        let aborted = (end == ControlType::Abort).then_some(entry.offset);
        return Ok(update.open.take().map(|first| Completed { first, aborted }));
    }
    match (update.open, is_transactional) {
        (Some(_), false) => Err(Thrown::fatal(
            log.name(),
            format_args!(
                "the batch at offset {} is outside of its producer's open transaction",
                entry.offset
            ),
        )),
        (None, true) => {
            update.open = Some(entry.offset);
            update.started.push(entry.offset);
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Parses the first record of a control batch; returns `None` if the batch is empty.
fn marker(
    name: &str,
    frame: Frame<'_>,
    scratch: &mut Scratch,
) -> Result<Option<ControlType>, Thrown> {
    let position = frame.position().0;
    let wrong =
        |what: &str| Thrown::fatal(name, format_args!("the control batch at {position} {what}"));
    let batch = RecordBatch::parse(frame).map_err(|_| wrong("is truncated"))?;
    if batch.records_count() == 0 {
        return Ok(None);
    }
    let packed = match batch.codec() {
        Ok(codec) => codec != Codec::None,
        Err(_) => return Err(wrong("has an unknown codec")),
    };
    if batch.records_count() < 0 {
        return Err(Thrown::Invalid(position));
    }
    let unreadable = |_| {
        if packed {
            wrong("cannot be decompressed")
        } else {
            Thrown::Invalid(position)
        }
    };
    let mut records = Batch::V2(batch).records(scratch).map_err(unreadable)?;
    let record = match records.next() {
        Some(record) => record.map_err(unreadable)?,
        None => return Ok(None),
    };
    // A record after the last one, or an unreadable one, is noticed at once if there is one record,
    // or if all are decompressed.
    if batch.records_count() == 1 || packed {
        for rest in records {
            rest.map_err(unreadable)?;
        }
    }
    let Some(key) = record.key() else {
        return Err(wrong("has a record without a key"));
    };
    let kind = ControlType::parse(Some(key)).map_err(|_| Thrown::Invalid(position))?;
    if !matches!(kind, ControlType::Abort | ControlType::Commit) {
        return Err(wrong("is not a transaction marker"));
    }
    match record.value() {
        Some(value) if value.len() >= 6 => {
            control::coordinator_epoch(Some(value)).map_err(|_| Thrown::Invalid(position))?;
            Ok(Some(kind))
        }
        _ => Err(wrong("has a value that is too short")),
    }
}

/// The producers in a snapshot; `None` if it is invalid.
fn read(virtual_dir: &VirtualDir, file: &str) -> Result<Option<Vec<Producer>>, Thrown> {
    match virtual_dir.file(file) {
        Some(Content::Producers(known)) => Ok(Some(known.clone())),
        Some(Content::Disk { path, len, .. }) if *len <= LARGEST_BYTES => {
            let bytes = read_known(path)?;
            let Ok(snapshot) = ProducerSnapshot::parse(&bytes) else {
                return Ok(None);
            };
            if snapshot.check().is_err() {
                return Ok(None);
            }
            let known = snapshot.entries().map(|state| Producer {
                id: state.producer_id().0,
                first_offset: state.txn_first_offset().0,
                last_timestamp_ms: state.timestamp().0,
            });
            Ok(Some(known.collect()))
        }
        _ => Ok(None),
    }
}
