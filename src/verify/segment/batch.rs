//! Checks of the header of a valid batch, and the notes about batches and gaps.
//!
//! A file may be read in pieces on several threads, and what is compared depends on the order of
//! batches. So a piece only notes the facts about its batches, and the notes are read when the
//! pieces are taken in file order.

use std::collections::BTreeMap;

use super::damage::DamagePart;
use crate::decode::schema_ids::SchemaIds;
use crate::format::defaults::MESSAGE_TIMESTAMP_AFTER_MAX_MS;
use crate::format::layout::frame as layout;
use crate::format::topic::CLUSTER_METADATA;
use crate::format::{Batch, Codec, RecordBatch, Scratch};
use crate::scan::Merge;
use crate::verify::catalog::CheckId;
use crate::verify::evidence::{
    ControlFault, Field, FieldValue, FlippedBit, ProducerFields, RecordCount, ReservedBits,
};
use crate::verify::finding::{Finding, Findings};
use crate::verify::row::Row;
use crate::verify::subject::Subject;
use crate::wire::{LeaderEpoch, Offset, Timestamp};

/// Defined attribute bits: of magic 2, 1 and 0.
const KNOWN_V2: i16 = 0x7f;
const KNOWN_V1: u8 = 0x0f;
const KNOWN_V0: u8 = 0x07;

/// The position of the magic in a header.
const MAGIC: u64 = layout::MAGIC as u64;

/// The maximum number of bytes of a control batch that are kept; those that Kafka writes have fewer
/// than 200.
const CONTROL_BYTES: usize = 64 << 10;

/// The fields in the header of a valid batch that later batches are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) position: u64,
    pub(super) size: u64,
    /// The first offset; for a compressed set of magic 0 or 1 the last.
    pub(super) base: i64,
    pub(super) last: i64,
    /// True if `base` is the first offset.
    pub(super) is_whole: bool,
    /// The first offset, if it is known.
    pub(super) first: i64,
    pub(super) count: i64,
    /// Magic 2 has one.
    pub(super) epoch: Option<i32>,
    pub(super) max_timestamp: i64,
    pub(super) magic: i8,
}

impl Info {
    pub(super) fn of(batch: &Batch<'_>) -> Self {
        let (position, size) = (batch.position().0, batch.size_bytes() as u64);
        match batch {
            Batch::V2(batch) => Self {
                position,
                size,
                base: batch.base_offset().0,
                last: batch.last_offset().0,
                is_whole: true,
                first: batch.base_offset().0,
                count: i64::from(batch.records_count()),
                epoch: Some(batch.leader_epoch().0),
                max_timestamp: batch.max_timestamp().0,
                magic: batch.magic(),
            },
            Batch::Legacy(message) => Self {
                position,
                size,
                base: message.offset().0,
                last: message.offset().0,
                is_whole: message.codec() == Ok(Codec::None),
                first: message.offset().0,
                count: 1,
                epoch: None,
                max_timestamp: message.timestamp().0,
                magic: message.magic(),
            },
        }
    }

    /// The same with the first offset inside of a compressed set of magic 0 or 1, if its last one
    /// is that of the set: in irregular sets, which brokers accept too, the offsets inside are
    /// meaningless.
    pub(super) fn unpacked(self, batch: &Batch<'_>, scratch: &mut Scratch) -> Self {
        let Ok(records) = batch.records(scratch) else {
            return self;
        };
        let mut offsets = records.flatten().map(|record| record.offset().0);
        let Some(first) = offsets.next() else {
            return self;
        };
        let last = offsets.last().unwrap_or(first);
        let is_known = last == self.last && (0..=last).contains(&first);
        Self {
            first: if is_known { first } else { self.first },
            ..self
        }
    }

    /// Returns the row for the checks of other files.
    pub(super) fn row(&self) -> Row {
        Row {
            position: self.position,
            end: self.position.saturating_add(self.size),
            first: Offset(self.base),
            last: Offset(self.last),
            max_timestamp: Timestamp(self.max_timestamp),
            epoch: self.epoch.map(LeaderEpoch),
        }
    }

    /// A finding about it.
    pub(super) fn finding(&self, check: CheckId, subject: &Subject) -> Finding {
        Finding::new(check, &subject.path)
            .at(self.position, self.size)
            .offset(self.base)
    }
}

/// Findings that are counted: the first position of each check and their number.
#[derive(Debug, Default)]
pub(super) struct Tallies(BTreeMap<CheckId, BatchTally>);

/// A count of findings of a check.
#[derive(Debug)]
struct BatchTally {
    first: Info,
    count: u64,
}

impl Tallies {
    pub(super) fn count(&mut self, check: CheckId, info: &Info) {
        let tally = self.0.entry(check).or_insert(BatchTally {
            first: *info,
            count: 0,
        });
        tally.count += 1;
    }

    /// Returns the number of findings of a check.
    pub(super) fn count_of(&self, check: CheckId) -> u64 {
        self.0.get(&check).map_or(0, |tally| tally.count)
    }

    /// Returns the only finding of a check.
    pub(super) fn only(&self, check: CheckId) -> Option<u64> {
        let tally = self.0.get(&check).filter(|tally| tally.count == 1);
        tally.map(|tally| tally.first.position)
    }

    /// Drops the findings of a check.
    pub(super) fn forget(&mut self, check: CheckId) {
        self.0.remove(&check);
    }

    /// Returns one finding for each check.
    pub(super) fn into_findings(self, subject: &Subject, findings: &mut Findings) {
        for (check, BatchTally { first, count }) in self.0 {
            findings.add(first.finding(check, subject).counted(count));
        }
    }
}

impl Merge for Tallies {
    fn merge(&mut self, next: Self) {
        for (check, BatchTally { first, count }) in next.0 {
            let tally = self
                .0
                .entry(check)
                .or_insert(BatchTally { first, count: 0 });
            tally.count += count;
        }
    }
}

/// The sink of findings about batches.
pub(super) struct Sink<'a> {
    pub(super) subject: &'a Subject,
    pub(super) findings: &'a mut Findings,
    pub(super) tallies: &'a mut Tallies,
    pub(super) schema_ids: &'a mut SchemaIds,
}

impl Sink<'_> {
    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.add(finding);
    }
}

/// Checks the header of a batch whose frame and checksum are right.
pub(super) fn check(batch: &Batch<'_>, info: &Info, now_ms: Option<i64>, sink: &mut Sink<'_>) {
    if let Err(fault) = batch.codec() {
        let finding = info.finding(CheckId::UnknownCodec, sink.subject);
        sink.add(finding.saw(fault));
    }
    match batch {
        Batch::V2(batch) => {
            magic(batch, info, sink);
            attributes(info, (batch.attributes() & !KNOWN_V2).cast_unsigned(), sink);
            counts(batch, info, sink);
            producer(batch, info, sink);
            control(batch, info, sink);
        }
        Batch::Legacy(message) => {
            let known = if message.magic() == 0 {
                KNOWN_V0
            } else {
                KNOWN_V1
            };
            attributes(info, u16::from(message.attributes() & !known), sink);
            sink.tallies.count(CheckId::OldMagic, info);
        }
    }
    if now_ms
        .is_some_and(|now| info.max_timestamp > now.saturating_add(MESSAGE_TIMESTAMP_AFTER_MAX_MS))
    {
        sink.tallies.count(CheckId::TimestampInTheFuture, info);
    }
    if info.max_timestamp < -1 {
        sink.tallies.count(CheckId::NegativeTimestamp, info);
    }
}

fn magic(batch: &RecordBatch<'_>, info: &Info, sink: &mut Sink<'_>) {
    let magic = batch.magic();
    if magic != 2 {
        let finding = info.finding(CheckId::UnknownMagic, sink.subject);
        let at = info.position.saturating_add(MAGIC);
        sink.add(finding.saw(FieldValue {
            field: Field::Magic,
            stored: magic.into(),
            actual: 2,
            flip: FlippedBit::between(magic.into(), 2, at, 1),
        }));
    }
}

fn attributes(info: &Info, unknown: u16, sink: &mut Sink<'_>) {
    if unknown != 0 {
        let finding = info.finding(CheckId::ReservedAttributes, sink.subject);
        sink.add(finding.saw(ReservedBits { bits: unknown }));
    }
}

fn counts(batch: &RecordBatch<'_>, info: &Info, sink: &mut Sink<'_>) {
    let (count, delta) = (batch.records_count(), batch.last_offset_delta().0);
    let offsets = i64::from(delta) + 1;
    let counted = RecordCount {
        records: count,
        offsets,
        body_bytes: batch.body().len() as u64,
    };
    if count == 0 && counted.body_bytes == 0 {
        sink.tallies.count(CheckId::EmptyBatch, info);
    } else if count == 0 {
        let finding = info.finding(CheckId::RecordCount, sink.subject);
        sink.add(finding.saw(counted));
    }
    if delta < 0 {
        let finding = info.finding(CheckId::LastOffsetDelta, sink.subject);
        sink.add(finding.saw(FieldValue {
            field: Field::LastOffsetDelta,
            stored: delta.into(),
            actual: i64::from(count).saturating_sub(1),
            flip: None,
        }));
    } else if count < 0 || i64::from(count) > offsets {
        let finding = info.finding(CheckId::RecordCount, sink.subject);
        sink.add(finding.saw(counted));
    } else if i64::from(count) <= i64::from(delta) && count > 0 {
        sink.tallies.count(CheckId::OffsetsUnused, info);
    }
}

fn producer(batch: &RecordBatch<'_>, info: &Info, sink: &mut Sink<'_>) {
    let (id, epoch) = (batch.producer_id().0, batch.producer_epoch());
    let sequence = batch.base_sequence();
    let is_odd = id < -1
        || id >= 0 && epoch < 0
        || id >= 0 && sequence < 0 && !batch.is_control()
        || id < 0 && batch.is_transactional();
    if is_odd {
        let finding = info.finding(CheckId::ProducerFields, sink.subject);
        sink.add(finding.saw(ProducerFields {
            producer_id: id,
            producer_epoch: epoch,
            base_sequence: sequence,
        }));
    }
}

fn control(batch: &RecordBatch<'_>, info: &Info, sink: &mut Sink<'_>) {
    if !batch.is_control() {
        return;
    }
    let (id, count) = (batch.producer_id().0, batch.records_count());
    let is_metadata = sink
        .subject
        .topic
        .as_deref()
        .is_none_or(|topic| topic == CLUSTER_METADATA);
    let what = match () {
        () if id < 0 && is_metadata => return,
        () if id < 0 => ControlFault::NoProducer,
        () if count > 1 => ControlFault::Records { records: count },
        () if !batch.is_transactional() => ControlFault::NoTransaction,
        () => return,
    };
    let finding = info.finding(CheckId::ControlShape, sink.subject);
    sink.add(finding.saw(what));
}

/// A note about a batch or a gap.
#[derive(Debug)]
pub(super) enum Note {
    /// A batch, and the number of its bytes among the kept ones.
    Batch(Info, u32),
    /// A gap between batches, part by part.
    Gap(Vec<DamagePart>),
}

/// The notes about a piece, in file order.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) notes: Vec<Note>,
    /// Headers of batches with a producer, and their control batches.
    pub(super) kept: Vec<u8>,
}

impl Notes {
    pub(super) fn batch(&mut self, info: Info, batch: &Batch<'_>) {
        let before = self.kept.len();
        if let Batch::V2(batch) = batch
            && batch.producer_id().0 >= 0
        {
            self.kept.extend_from_slice(batch.header());
            if batch.is_control() && batch.size_bytes() <= CONTROL_BYTES {
                self.kept.extend_from_slice(batch.body());
            }
        }
        let kept = u32::try_from(self.kept.len() - before).unwrap_or(0);
        self.notes.push(Note::Batch(info, kept));
    }

    pub(super) fn gap(&mut self, parts: Vec<DamagePart>) {
        self.notes.push(Note::Gap(parts));
    }
}
