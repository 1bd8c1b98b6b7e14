//! Transactional ids as `__transaction_state` has them, for findings about open transactions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::decode::Decoder;
use crate::decode::transaction_state::TransactionalId;
use crate::format::name::DirState;
use crate::format::{Batch, DirName, FileKind, Scratch, topic};
use crate::scan::{Event, Output, PieceVisitor, Policy, RenderedChunk, ScanOptions, Visitor, scan};
use crate::store::{Error, Item, LogDir, Partition, Segment};
use crate::verify::evidence::{Evidence, OpenTransaction};
use crate::verify::options::Options;
use crate::verify::outcome::Outcome;
use crate::wire;

/// Bytes before a record in the output of [`Reader`]: the lengths of its key and value.
const PREFIX_BYTES: usize = 8;

/// The length of a value that is null.
const NULL: u32 = u32::MAX;

/// The last transaction of each producer with a transactional id.
#[derive(Debug, Default)]
pub(in crate::verify) struct TransactionalIds {
    by_id: BTreeMap<String, Last>,
}

#[derive(Debug)]
struct Last {
    producer_id: i64,
    start_ms: i64,
    partitions: Vec<(String, i32)>,
}

impl TransactionalIds {
    /// Reads the partitions of `__transaction_state` in `dirs`. Unreadable partitions are findings
    /// of their own; here their ids are unknown.
    pub(in crate::verify) fn read(dirs: &BTreeSet<PathBuf>, options: &Options<'_>) -> Self {
        let mut ids = Self::default();
        for dir in dirs.iter().filter_map(|path| LogDir::open(path).ok()) {
            let is_it = |item: &&Item| match item.dir_name() {
                Some(DirName::Partition { topic, state, .. }) => {
                    topic == topic::TRANSACTION_STATE && state == DirState::Current
                }
                _ => false,
            };
            let partitions = dir.partitions().filter(is_it);
            for partition in partitions.filter_map(|item| Partition::open(item.path()).ok()) {
                ids.partition(&partition, options);
            }
        }
        ids
    }

    fn partition(&mut self, partition: &Partition, options: &Options<'_>) {
        for segment in partition.segments() {
            if segment.file(FileKind::Log).is_some_and(Item::is_file) {
                let _unread = self.take(&segment, options);
            }
        }
    }

    /// Names the transactional id in findings about open transactions of `partition`.
    pub(in crate::verify) fn name(
        &self,
        outcome: &mut Outcome,
        partition: &Partition,
        now_ms: Option<i64>,
    ) {
        let (Some(topic), Some(number)) = (partition.topic(), partition.number()) else {
            return;
        };
        for finding in outcome.findings.kept_mut() {
            if let Evidence::OpenTransaction(open) = &mut finding.evidence {
                self.complete(open, topic, number, now_ms);
            }
        }
    }

    fn complete(&self, open: &mut OpenTransaction, topic: &str, number: i32, now_ms: Option<i64>) {
        let is_it = |(_, last): &(&String, &Last)| {
            let mut partitions = last.partitions.iter();
            last.producer_id == open.producer_id
                && partitions.any(|(name, id)| name == topic && *id == number)
        };
        let Some((id, last)) = self.by_id.iter().find(is_it) else {
            return;
        };
        open.transactional_id = Some(id.clone());
        if last.start_ms >= 0 {
            open.start_ms = Some(last.start_ms);
            let lasted = now_ms.map_or(0, |now| now.saturating_sub(last.start_ms));
            open.open_ms = open.open_ms.max(lasted);
        }
    }

    fn take(&mut self, segment: &Segment, options: &Options<'_>) -> Result<(), Error> {
        let log = (options.open)(segment.log())?;
        let scanned = ScanOptions {
            jobs: options.jobs,
            limits: options.limits,
            ..ScanOptions::of(Policy::Salvage)
        };
        let mut sink = |chunk: RenderedChunk| {
            let mut rest = chunk.text.as_slice();
            while let Some((prefix, after)) = rest.split_first_chunk::<PREFIX_BYTES>() {
                let key = u32::from_be_bytes(wire::be(prefix, 0)) as usize;
                let value = u32::from_be_bytes(wire::be(prefix, 4));
                let Some((key, after)) = after.split_at_checked(key) else {
                    break;
                };
                let length = if value == NULL { 0 } else { value as usize };
                let Some((bytes, next)) = after.split_at_checked(length) else {
                    break;
                };
                self.record(key, (value != NULL).then_some(bytes));
                rest = next;
            }
            ControlFlow::Continue(())
        };
        scan(&log, scanned, || Reader, &mut sink)
    }

    fn record(&mut self, key: &[u8], value: Option<&[u8]>) {
        let entry = Decoder::Transactions.decode(Some(key), value);
        let Some(id) = TransactionalId::of(&entry) else {
            return;
        };
        let Some(transaction) = id.transaction else {
            self.by_id.remove(&*id.id);
            return;
        };
        let partitions = transaction.partitions.into_iter();
        let last = Last {
            producer_id: transaction.producer_id.0,
            start_ms: transaction.start.0,
            partitions: partitions
                .map(|(topic, number)| (topic.into_owned(), number))
                .collect(),
        };
        self.by_id.insert(id.id.into_owned(), last);
    }
}

/// Passes on keys and values of records.
struct Reader;

impl Reader {
    fn batch(batch: &Batch<'_>, scratch: &mut Scratch, out: &mut Output<'_>) -> ControlFlow<()> {
        let Ok(records) = batch.records(scratch) else {
            return ControlFlow::Continue(());
        };
        for record in records.map_while(Result::ok) {
            let key = record.key().unwrap_or_default();
            let value = record.value();
            let length = |bytes: &[u8]| u32::try_from(bytes.len()).ok();
            let lengths = (length(key), value.map_or(Some(NULL), length));
            let (Some(key_bytes), Some(value_bytes)) = lengths else {
                continue;
            };
            let text = out.text();
            text.extend_from_slice(&key_bytes.to_be_bytes());
            text.extend_from_slice(&value_bytes.to_be_bytes());
            text.extend_from_slice(key);
            text.extend_from_slice(value.unwrap_or_default());
            out.poll()?;
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Reader {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match event {
            Event::Batch(batch) if !batch.is_control() => Self::batch(&batch, scratch, out),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl PieceVisitor for Reader {
    type Piece = ();

    fn end(self) {}
}
