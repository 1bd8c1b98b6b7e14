//! Batches of producers against their earlier state: sequence numbers, epochs, transactions.

use std::path::Path;
use std::sync::Arc;

use crate::format::RecordBatch;
use crate::format::batch::sequence_after;
use crate::format::defaults::TRANSACTION_MAX_TIMEOUT_MS;
use crate::format::producer_snapshot::ProducerEntry;
use crate::scan::derive::Producers;
use crate::verify::catalog::CheckId;
use crate::verify::evidence::{
    Evidence, OpenTransaction, OutOfTransaction, ProducerConflict, ProducerNumber,
};
use crate::verify::finding::{Finding, Findings};
use crate::verify::row::Row;
use crate::verify::tally::Tally;
use crate::wire::{Offset, OffsetDelta, Timestamp};

/// The longest allowed transaction (`transaction.max.timeout.ms`), and five minutes for its
/// coordinator.
const LONGEST_TXN_MS: i64 = TRANSACTION_MAX_TIMEOUT_MS + 5 * 60 * 1000;

/// The minimum time between markers that are remembered.
const TICK_MS: i64 = 60 * 1000;

/// The maximum number of remembered markers: the minutes of two months.
const MOST_TICKS: usize = 100_000;

/// The contradictions between batches of a segment and the history of their producers.
#[derive(Debug, Default)]
pub(super) struct History {
    gaps: Tally,
    duplicates: Tally,
    epochs: Tally,
    markers: Tally,
    coordinators: Tally,
    bare: Tally,
}

/// A batch, its position, and the earlier state of its producer.
#[derive(Clone, Copy)]
pub(super) struct ProducerStep<'a> {
    pub(super) log: &'a Arc<Path>,
    pub(super) row: &'a Row,
    pub(super) batch: &'a RecordBatch<'a>,
    pub(super) known: Option<ProducerEntry>,
    /// True if nothing before it is missing.
    pub(super) is_complete: bool,
}

impl ProducerStep<'_> {
    fn finding(&self, check: CheckId, evidence: impl Into<Evidence>) -> Finding {
        Finding::new(check, self.log)
            .at(self.row.position, self.row.end - self.row.position)
            .offset(self.row.first.0)
            .saw(evidence)
    }

    fn conflict(
        &self,
        check: CheckId,
        number: ProducerNumber,
        stored: impl Into<i64>,
        expected: impl Into<i64>,
    ) -> Finding {
        self.finding(
            check,
            ProducerConflict {
                producer_id: self.batch.producer_id().0,
                number,
                stored: stored.into(),
                expected: expected.into(),
            },
        )
    }
}

impl History {
    /// Takes a batch of data. `counts` means that sequence numbers are used in this topic.
    pub(super) fn data(&mut self, step: ProducerStep<'_>, counts: bool) {
        let batch = step.batch;
        let known = step.known.filter(|known| known.producer_epoch >= 0);
        let epoch = batch.producer_epoch();
        if let Some(known) = known.filter(|known| epoch < known.producer_epoch) {
            self.epochs.add(|| {
                let check = CheckId::ProducerEpochRegression;
                step.conflict(check, ProducerNumber::Epoch, epoch, known.producer_epoch)
            });
            return;
        }
        let first = batch.base_sequence();
        // Brokers accept any batch of an unknown producer.
        if !counts || first < 0 || known.is_none() {
            return;
        }
        let known = known.filter(|known| known.producer_epoch == epoch && known.last_sequence >= 0);
        let expected = known.map_or(0, |known| {
            sequence_after(known.last_sequence, OffsetDelta(1))
        });
        if first == expected {
            return;
        }
        // Numbers wrap at 2³¹: a number less than half of that ahead is a gap.
        let ahead = first.wrapping_sub(expected) & i32::MAX;
        let conflict = |check| step.conflict(check, ProducerNumber::Sequence, first, expected);
        if ahead < i32::MAX / 2 {
            if step.is_complete {
                self.gaps.add(|| conflict(CheckId::SequenceGap));
            }
        } else if first != 0 || known.is_some_and(|k| k.last_sequence == batch.last_sequence()) {
            // Old producers begin with 0 again after their state has expired.
            self.duplicates.add(|| conflict(CheckId::SequenceDuplicate));
        }
    }

    /// Takes a transaction marker of a coordinator of this epoch, with the transaction that it
    /// ends, if any.
    pub(super) fn marker(&mut self, step: ProducerStep<'_>, coordinator: i32, ends: bool) {
        let batch = step.batch;
        if let Some(known) = step.known {
            let (epoch, before) = (batch.producer_epoch(), known.producer_epoch);
            if epoch < before {
                let check = CheckId::MarkerEpoch;
                self.markers
                    .add(|| step.conflict(check, ProducerNumber::MarkerEpoch, epoch, before));
            }
            let before = known.coordinator_epoch;
            if coordinator < before {
                let check = CheckId::CoordinatorEpoch;
                let number = ProducerNumber::CoordinatorEpoch;
                self.coordinators
                    .add(|| step.conflict(check, number, coordinator, before));
            }
        }
        if !ends && step.is_complete {
            let bare = OutOfTransaction {
                producer_id: batch.producer_id().0,
                is_marker: true,
            };
            self.bare
                .add(|| step.finding(CheckId::MarkerWithoutData, bare));
        }
    }

    /// Ends a segment.
    pub(super) fn finish(self, findings: &mut Findings) {
        for tally in [
            self.gaps,
            self.duplicates,
            self.epochs,
            self.markers,
            self.coordinators,
            self.bare,
        ] {
            tally.report(findings);
        }
    }
}

/// The end times of transactions, by the clocks of brokers: producers may set any timestamp.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Offsets and times of markers, each at least a minute after the one before.
    ticks: Vec<(Offset, Timestamp)>,
}

impl Clock {
    /// Takes a marker.
    pub(super) fn tick(&mut self, offset: Offset, time: Timestamp) {
        let last = self.ticks.last().map_or(i64::MIN, |(_, last)| last.0);
        if time.0 >= last.saturating_add(TICK_MS) && self.ticks.len() < MOST_TICKS {
            self.ticks.push((offset, time));
        }
    }

    /// Returns the minimum time span of the log after an offset.
    fn since(&self, offset: Offset) -> i64 {
        let after = self.ticks.partition_point(|(at, _)| *at <= offset);
        match (self.ticks.get(after), self.ticks.last()) {
            (Some((_, first)), Some((_, last))) => last.0.saturating_sub(first.0),
            _ => 0,
        }
    }
}

/// Transactions that are open at the end of the log.
pub(super) fn open(
    producers: &Producers,
    clock: &Clock,
    partition: &Arc<Path>,
    findings: &mut Findings,
) {
    for (first, id) in producers.open_txns() {
        let age = clock.since(first);
        let check = if age > LONGEST_TXN_MS {
            CheckId::HangingTransaction
        } else {
            CheckId::OpenTransaction
        };
        findings.add(
            Finding::new(check, partition)
                .offset(first.0)
                .saw(OpenTransaction {
                    producer_id: id.0,
                    first_offset: first.0,
                    open_ms: age,
                    transactional_id: None,
                    start_ms: None,
                }),
        );
    }
}
