//! A `.log`, its siblings and the segments around it: the files derived from its batches are
//! compared with them.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::epochs::EpochsCheck;
use super::history::{Clock, History, ProducerStep};
use super::offset_index::{OffsetIndexCheck, Stretch};
use super::producer_snapshot::{KnownUpTo, SnapshotFile};
use super::time_index::TimeIndexCheck;
use super::txn_index::{SegmentReach, TxnCheck};
use crate::format::control::ControlType;
use crate::format::{ProducerSnapshot, RecordBatch, Scratch, topic};
use crate::scan::derive::{Epochs, Producers, Violation};
use crate::scan::marker_type;
use crate::verify::catalog::CheckId;
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{Gap, OutOfTransaction, Overlap};
use crate::verify::finding::{Finding, Findings};
use crate::verify::row::{Beside, Row};
use crate::wire::units::MAX_RELATIVE_OFFSET;
use crate::wire::{Offset, Timestamp};

/// Topics whose logs have special rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// No offset may be missing.
    Metadata,
    /// Coordinators always write sequence number 0.
    GroupOffsets,
    Other,
}

impl Topic {
    pub(super) fn of(name: Option<&str>) -> Self {
        match name {
            Some(topic::CLUSTER_METADATA) => Self::Metadata,
            Some(topic::CONSUMER_OFFSETS) => Self::GroupOffsets,
            _ => Self::Other,
        }
    }
}

/// The state that is passed from segment to segment.
#[derive(Debug)]
pub(super) struct Carried {
    /// The last offset so far.
    pub(super) last: Option<Offset>,
    /// True if nothing of the log is missing up to here since `producers` was complete.
    pub(super) is_complete: bool,
    /// The last offset gap; a snapshot may or may not include the lost records.
    pub(super) hole: Range<Offset>,
    /// The first segment's base offset.
    pub(super) log_start: Offset,
    pub(super) producers: Producers,
    pub(super) epochs: EpochsCheck,
    /// Snapshots that were not reached yet, by offset.
    pub(super) snapshots: VecDeque<SnapshotFile>,
    pub(super) findings: Findings,
    /// The largest timestamp.
    pub(super) largest: Timestamp,
    /// True if there is a batch of magic 2.
    pub(super) has_modern: bool,
    /// The end times of transactions.
    pub(super) clock: Clock,
    pub(super) topic: Topic,
    /// The epochs that the batches have.
    pub(super) seen: Epochs,
}

/// A `.log` that is being read, and those of its siblings that follow from it.
#[derive(Debug)]
pub(super) struct SegmentCheck {
    pub(super) log: Arc<Path>,
    pub(super) base: Offset,
    /// The base offset of the next segment.
    pub(super) next_base: Option<Offset>,
    pub(super) offsets: Option<OffsetIndexCheck>,
    pub(super) times: Option<TimeIndexCheck>,
    pub(super) txns: TxnCheck,
    pub(super) carried: Carried,
    /// The last offset in this segment.
    pub(super) last: Option<Offset>,
    /// True if it has no offset gap and no damage.
    pub(super) is_whole: bool,
    /// True if it has no damage.
    pub(super) is_sound: bool,
    pub(super) history: History,
    /// True if a batch that overlaps the next segment was reported.
    pub(super) overlaps: bool,
}

impl SegmentCheck {
    /// Returns true if a batch is where its offsets belong.
    fn is_in_place(&self, row: &Row, next: Option<Offset>) -> bool {
        let before = self.carried.last;
        let follows = before.is_none_or(|before| row.first > before);
        let is_jump = next.is_some_and(|next| {
            next <= row.last && before.is_none_or(|before| next > before) && next >= self.base
        });
        let is_within = row.first >= self.base
            && row.last >= row.first
            && row.last.0.saturating_sub(self.base.0) <= MAX_RELATIVE_OFFSET;
        follows && is_within && !is_jump
    }

    /// Compares the snapshots whose offsets were reached: the next batch begins at `offset`.
    fn reach(&mut self, offset: Offset) {
        let carried = &mut self.carried;
        while let Some(snapshot) = carried.snapshots.front() {
            if snapshot.offset > offset {
                return;
            }
            let Some(snapshot) = carried.snapshots.pop_front() else {
                return;
            };
            // A snapshot at an offset inside a batch can't be compared.
            if carried.last.is_some_and(|last| last >= snapshot.offset) {
                continue;
            }
            snapshot.compare(&carried.producers, carried.known(), &mut carried.findings);
            carried.trust(&snapshot);
            // The records between the snapshot and the batch are missing.
            carried.is_complete &= snapshot.offset >= offset;
        }
    }

    /// Offsets are missing before a batch of the metadata log.
    fn metadata_gap(&mut self, row: &Row, follows: Offset) {
        if self.carried.topic == Topic::Metadata {
            self.carried.findings.add(
                Finding::new(CheckId::MetadataGap, &self.log)
                    .at(row.position, row.end - row.position)
                    .offset(follows.0)
                    .saw(Gap::before(row.first.0, follows.0)),
            );
        }
    }

    fn overlap(&mut self, row: &Row) {
        let Some(next) = self.next_base.filter(|next| row.last >= *next) else {
            return;
        };
        if !std::mem::replace(&mut self.overlaps, true) {
            self.carried.findings.add(
                Finding::new(CheckId::SegmentOverlap, &self.log)
                    .at(row.position, row.end - row.position)
                    .offset(row.first.0)
                    .saw(Overlap {
                        first: row.first.0,
                        last: row.last.0,
                        next_base: next.0,
                    }),
            );
        }
    }

    /// Returns the producer fields of the batch.
    fn producer(&mut self, row: &Row, batch: &RecordBatch<'_>, scratch: &mut Scratch) {
        let carried = &mut self.carried;
        let known = carried.producers.get(batch.producer_id()).copied();
        let is_complete = known.map_or(carried.is_complete, |known| {
            carried.known().is_complete(known.last_offset)
        });
        let step = ProducerStep {
            log: &self.log,
            row,
            batch,
            known,
            is_complete,
        };
        let taken = carried.producers.take(batch, scratch);
        match &taken {
            Ok(_) if !batch.is_control() => self
                .history
                .data(step, carried.topic != Topic::GroupOffsets),
            Ok(txn) => {
                let now = carried.producers.get(batch.producer_id());
                let epoch = now.map_or(-1, |now| now.coordinator_epoch);
                carried.clock.tick(row.first, row.max_timestamp);
                self.history.marker(step, epoch, txn.is_some());
            }
            Err(_) => {}
        }
        match taken {
            Ok(Some(txn)) => {
                self.txns.completed(txn, carried.known());
            }
            Ok(None)
                if batch.is_control()
                    && marker_type(batch, scratch) == Some(ControlType::Abort) =>
            {
                let (offset, producer_id) = (batch.base_offset(), batch.producer_id());
                self.txns.bare_marker(offset, producer_id, carried.known());
            }
            Ok(None) => {}
            Err(violation) => {
                carried.is_complete = false;
                if let Violation::NotTransactional { .. } = violation {
                    carried.findings.add(
                        Finding::new(CheckId::ForeignInTransaction, &self.log)
                            .at(row.position, row.end - row.position)
                            .offset(row.first.0)
                            .saw(OutOfTransaction {
                                producer_id: batch.producer_id().0,
                                is_marker: false,
                            }),
                    );
                }
            }
        }
    }

    /// Ends the check of a log that could not be read: its siblings are checked by themselves. The
    /// log may reach up to the next segment.
    pub(super) fn lose(self) -> (Carried, Coverage) {
        use crate::scan::Merge;
        let (mut carried, mut coverage) = (self.carried, Coverage::default());
        let findings = &mut carried.findings;
        if let Some(check) = self.offsets {
            coverage.merge(check.alone(findings));
        }
        if let Some(check) = self.times {
            coverage.merge(check.alone(findings));
        }
        coverage.merge(self.txns.alone());
        carried.is_complete = false;
        let behind = self.next_base.map(|next| Offset(next.0.saturating_sub(1)));
        carried.last = behind.or(carried.last);
        (carried, coverage)
    }

    /// Ends the check of a log of `len_bytes`. Returns the state for the next segment, how much the
    /// offset index leaves out, and the account of the siblings.
    pub(super) fn finish(mut self, len_bytes: u64) -> (Carried, Option<Stretch>, Coverage) {
        use crate::scan::Merge;
        let mut coverage = Coverage::default();
        let findings = &mut self.carried.findings;
        self.history.finish(findings);
        let mut stretch = None;
        if let Some(check) = self.offsets {
            let (left_out, bytes) = check.finish(len_bytes, self.last, self.is_sound, findings);
            stretch = Some(left_out);
            coverage.merge(bytes);
        }
        if let Some(check) = self.times {
            coverage.merge(check.finish(self.last, findings));
        }
        let reach = SegmentReach {
            base: self.base,
            last: self.last,
            next: self.next_base,
            is_whole: self.is_whole,
            log_start: self.carried.log_start,
        };
        coverage.merge(self.txns.finish(reach, findings));
        (self.carried, stretch, coverage)
    }
}

impl Beside for SegmentCheck {
    fn batch(
        &mut self,
        row: &Row,
        next: Option<Offset>,
        batch: Option<&RecordBatch<'_>>,
        scratch: &mut Scratch,
    ) {
        self.carried.has_modern |= !row.is_legacy();
        if !self.is_in_place(row, next) {
            self.gap(row.position..row.end);
            return;
        }
        self.overlap(row);
        let follows = self.carried.last.map_or(self.base, after);
        self.reach(follows);
        if row.first > follows && !row.is_legacy() {
            self.is_whole = false;
            self.carried.is_complete = false;
            self.carried.hole = follows..row.first;
            self.reach(row.first);
            self.metadata_gap(row, follows);
        }
        if let Some(check) = &mut self.offsets {
            check.batch(row, self.last);
        }
        if let Some(check) = &mut self.times {
            check.batch(row, self.last);
        }
        let carried = &mut self.carried;
        carried.epochs.batch(&self.log, row, &mut carried.findings);
        let epoch = row.epoch.filter(|epoch| epoch.0 >= 0);
        if let Some(epoch) =
            epoch.filter(|epoch| carried.seen.latest().is_none_or(|(last, _)| *epoch > last))
        {
            // Neither is negative.
            let _taken = carried.seen.assign(epoch, row.first);
        }
        if let Some(batch) = batch {
            self.producer(row, batch, scratch);
        }
        self.last = Some(row.last);
        self.carried.last = Some(row.last);
        self.carried.largest = self.carried.largest.max(row.max_timestamp);
    }

    fn gap(&mut self, range: Range<u64>) {
        (self.is_whole, self.is_sound) = (false, false);
        self.carried.is_complete = false;
        if let Some(check) = &mut self.offsets {
            check.pass(range.end);
        }
        if let Some(check) = &mut self.times {
            check.pass();
        }
    }
}

impl Carried {
    /// Returns the part of the earlier log that is known.
    pub(super) fn known(&self) -> KnownUpTo {
        KnownUpTo {
            is_complete: self.is_complete,
            hole_start: self.hole.start,
            hole_end: self.hole.end,
        }
    }

    /// Uses this snapshot for the producers that the log does not show, if the log is incomplete.
    pub(super) fn trust(&mut self, snapshot: &SnapshotFile) {
        if self.is_complete {
            return;
        }
        let bytes = snapshot.bytes();
        let view = bytes.as_deref().map(ProducerSnapshot::parse);
        if let Some(Ok(view)) = view
            && let Ok(producers) = Producers::load(&view, None)
        {
            (self.producers, self.is_complete) = (producers, true);
        }
    }
}

/// The offset after this one.
pub(super) fn after(offset: Offset) -> Offset {
    Offset(offset.0.saturating_add(1))
}
