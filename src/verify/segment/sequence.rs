//! The batches of a `.log` in their order, and the gaps between them.

use std::path::Path;
use std::sync::Arc;

use super::batch::{Info, Note, Tallies};
use super::damage::DamagePart;
use super::gap::GapBetween;
use super::order::{DisorderedRun, Link, Order, Way};
use crate::format::layout::batch as layout;
use crate::scan::Merge;
use crate::verify::catalog::{CheckId, Fix, Severity};
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{
    Disorder, Field, FieldValue, FlippedBit, Loss, Number, Records, RepeatedOffsets, Size,
    SuspectedBit,
};
use crate::verify::finding::{Finding, Findings};
use crate::verify::subject::Subject;
use crate::wire::units::MAX_RELATIVE_OFFSET;

/// The position of the leader epoch in a header.
const EPOCH: u64 = layout::LEADER_EPOCH as u64;

/// The maximum number of runs in a file; more are damage of another kind.
const RUNS: usize = 10_000;

/// The minimum size of a gap that a flipped bit may explain; smaller ones are common.
const LEAST_GAP: u64 = 1 << 8;

/// Takes the notes about a file, in its order.
#[derive(Debug)]
pub(super) struct Sequence<'a> {
    subject: &'a Subject,
    len_bytes: u64,
    pub(super) findings: Findings,
    pub(super) coverage: Coverage,
    pub(super) tallies: Tallies,
    offsets: Order,
    epochs: Order,
    offset_runs: Vec<DisorderedRun>,
    epoch_runs: Vec<DisorderedRun>,
    last: Option<Info>,
    /// The batch before the last one.
    second_last: Option<Info>,
    pending: Vec<DamagePart>,
    /// The first batch too far from the base offset, and their number.
    too_far: Option<(Info, u64)>,
    newest_magic: i8,
    has_epochs: bool,
}

impl<'a> Sequence<'a> {
    pub(super) fn new(subject: &'a Subject, len_bytes: u64) -> Self {
        let start = subject.base_offset.map(|base| Link::start(base.0));
        Self {
            subject,
            len_bytes,
            findings: Findings::default(),
            coverage: Coverage::of_file(len_bytes),
            tallies: Tallies::default(),
            offsets: Order::new(64, start),
            epochs: Order::new(32, Some(Link::start(0))),
            offset_runs: Vec::new(),
            epoch_runs: Vec::new(),
            last: None,
            second_last: None,
            pending: Vec::new(),
            too_far: None,
            newest_magic: 0,
            has_epochs: false,
        }
    }

    /// Takes the next batch or gap.
    pub(super) fn take(&mut self, note: Note) {
        match note {
            Note::Batch(info, _) => self.batch(info),
            Note::Gap(parts) => self.pending.extend(parts),
        }
    }

    fn batch(&mut self, info: Info) {
        let is_behind_gap = !self.pending.is_empty();
        self.gap(Some(&info));
        self.coverage.batch_bytes += info.size;
        if let Some(last) = self.last {
            self.neighbours(&last, &info, is_behind_gap);
        }
        let is_far = |base: i64| info.last.saturating_sub(base) > MAX_RELATIVE_OFFSET;
        if self.subject.base_offset.is_some_and(|base| is_far(base.0)) {
            self.too_far.get_or_insert((info, 0)).1 += 1;
        }
        self.overlap(&info);
        let run = self.offsets.push(offset_link(&info));
        keep(&mut self.offset_runs, run);
        match info.epoch {
            Some(-1) => self.tallies.count(CheckId::NegativeEpoch, &info),
            Some(epoch) => {
                self.has_epochs = true;
                let run = self.epochs.push(epoch_link(&info, epoch));
                keep(&mut self.epoch_runs, run);
            }
            None => {}
        }
        self.newest_magic = self.newest_magic.max(info.magic.min(2));
        self.second_last = self.last.replace(info);
    }

    /// Compares two successive batches.
    fn neighbours(&mut self, last: &Info, info: &Info, is_behind_gap: bool) {
        if info.magic < self.newest_magic {
            self.tallies.count(CheckId::OlderMagic, info);
        }
        let reaches_into = info.is_whole && last.is_whole && info.base <= last.last;
        if reaches_into && last.count > 0 && last.base.checked_add(last.count) == Some(info.base) {
            let finding = last.finding(CheckId::LastOffsetDelta, self.subject);
            self.findings.add(finding.saw(FieldValue {
                field: Field::LastOffsetDelta,
                stored: last.last.saturating_sub(last.base),
                actual: last.count.saturating_sub(1),
                flip: None,
            }));
            self.offsets.amend(last.position, info.base);
        } else if info.is_whole && !is_behind_gap && info.base > last.last.saturating_add(1) {
            self.tallies.count(CheckId::OffsetGap, info);
        }
    }

    /// Reports the gap before `next`, or the tail.
    fn gap(&mut self, next: Option<&Info>) {
        if self.pending.is_empty() {
            return;
        }
        let parts = std::mem::take(&mut self.pending);
        let gap = GapBetween {
            subject: self.subject,
            len_bytes: self.len_bytes,
            last: self.last.as_ref(),
            next,
        };
        gap.report(&parts, &mut self.findings, &mut self.coverage);
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> (Findings, Coverage) {
        self.gap(None);
        let run = self.offsets.finish();
        keep(&mut self.offset_runs, run);
        let run = self.epochs.finish();
        keep(&mut self.epoch_runs, run);
        self.tell_runs();
        self.tell_too_far();
        self.tell_last_gap();
        self.tell_file();
        if !self.has_epochs {
            self.tallies.forget(CheckId::NegativeEpoch);
        }
        self.tallies.into_findings(self.subject, &mut self.findings);
        (self.findings, self.coverage)
    }

    /// A compressed set of magic 0 or 1 whose header, which has its last offset, fits, and whose
    /// first offset does not.
    fn overlap(&mut self, info: &Info) {
        let Some(last) = self.last.filter(|last| info.base > last.last) else {
            return;
        };
        if info.first <= last.last {
            let (first, end) = (info.first, last.last);
            self.findings.add(
                Finding::new(CheckId::OffsetOverlap, &self.subject.path)
                    .at(info.position, info.size)
                    .offset(first)
                    .saw(RepeatedOffsets { first, last: end }),
            );
        }
    }

    fn tell_runs(&mut self) {
        let base = self.subject.base_offset.map(|base| base.0);
        for run in &self.offset_runs {
            self.findings
                .add(offset_finding(run, base, &self.subject.path));
        }
        let is_reported = |run: &DisorderedRun| {
            let mut reported = self.offset_runs.iter().map(DisorderedRun::range);
            reported.any(|reported| reported.start < run.end && run.first.position < reported.end)
        };
        for run in self.epoch_runs.iter().filter(|run| !is_reported(run)) {
            let check = match run.way {
                Way::Ahead => CheckId::EpochJump,
                Way::Behind => CheckId::EpochRegression,
            };
            let finding = of_run(check, run, &self.subject.path);
            self.findings.add(finding_of(finding, run, Number::Epoch));
        }
    }

    /// Batches too far from the base offset that no run explains.
    fn tell_too_far(&mut self) {
        let Some((first, count)) = self.too_far else {
            return;
        };
        let is_reported = |run: &DisorderedRun| run.range().contains(&first.position);
        if self.offset_runs.iter().any(is_reported) {
            return;
        }
        let finding = first.finding(CheckId::OffsetTooFar, self.subject);
        let expected = match self.second_last {
            Some(before) if count == 1 => before.last.checked_add(1),
            None => self.subject.base_offset.map(|base| base.0),
            Some(_) => None,
        };
        let flip = expected
            .and_then(|expected| FlippedBit::between(first.base, expected, first.position, 8));
        let finding = finding.saw(Disorder {
            number: Number::Offset,
            batches: count,
            stored: first.base,
            before: None,
            after: None,
            flip,
            actual: expected.filter(|_| flip.is_some()),
        });
        self.findings.add(match flip {
            Some(_) => finding.fix(Fix::Lossless),
            None => finding,
        });
    }

    /// A gap before the last batch that a single bit explains, in a file without any other sign of
    /// compaction.
    fn tell_last_gap(&mut self) {
        let (Some(last), Some(before)) = (self.last, self.second_last) else {
            return;
        };
        let is_compacted =
            [CheckId::OffsetsUnused, CheckId::EmptyBatch].map(|check| self.tallies.count_of(check));
        let is_only = self.tallies.only(CheckId::OffsetGap) == Some(last.position);
        let expected = before.last.checked_add(1);
        let flip = expected
            .and_then(|expected| FlippedBit::between(last.base, expected, last.position, 8))
            .filter(|flip| flip.value(last.position, 8) >= LEAST_GAP);
        let is_reported = self.too_far.is_some() || is_compacted != [0, 0] || !is_only;
        let Some(flip) = flip.filter(|_| !is_reported) else {
            return;
        };
        self.tallies.forget(CheckId::OffsetGap);
        self.findings.add(
            last.finding(CheckId::OffsetGap, self.subject)
                .severity(Severity::Warning)
                .saw(SuspectedBit {
                    last_offset_before: before.last,
                    suspected: flip,
                })
                .fix(Fix::Manual),
        );
    }

    /// Reports findings about the whole file.
    fn tell_file(&mut self) {
        let of_file = |check| Finding::new(check, &self.subject.path);
        if self.len_bytes == 0 && !self.subject.is_last {
            self.findings.add(of_file(CheckId::EmptyLog));
        }
        if self.len_bytes > i32::MAX as u64 {
            let finding = of_file(CheckId::LogTooLarge).saw(Size {
                size_bytes: self.len_bytes,
            });
            self.findings.add(finding);
        }
        let missing = self
            .len_bytes
            .saturating_sub(self.coverage.accounted_bytes());
        if missing > 0 {
            self.coverage.unknown_bytes += missing;
            let at = self.len_bytes - missing;
            self.findings
                .add(of_file(CheckId::ShrankMeanwhile).at(at, missing));
        }
    }

    /// Adds findings about single batches.
    pub(super) fn take_in(&mut self, findings: Findings, tallies: Tallies) {
        self.findings.merge(findings);
        self.tallies.merge(tallies);
    }
}

fn keep(runs: &mut Vec<DisorderedRun>, run: Option<DisorderedRun>) {
    if runs.len() < RUNS {
        runs.extend(run);
    }
}

fn offset_link(info: &Info) -> Link {
    Link {
        position: info.position,
        size: info.size,
        low: info.base,
        next: info.last.max(info.base).saturating_add(1),
        offset: info.base,
    }
}

/// Epochs as unsigned numbers: a flipped sign bit is a jump up.
fn epoch_link(info: &Info, epoch: i32) -> Link {
    let epoch = i64::from(epoch.cast_unsigned());
    Link {
        position: info.position,
        size: info.size,
        low: epoch,
        next: epoch,
        offset: info.base,
    }
}

fn of_run(check: CheckId, run: &DisorderedRun, path: &Arc<Path>) -> Finding {
    let length = run.end.saturating_sub(run.first.position);
    Finding::new(check, path)
        .at(run.first.position, length)
        .offset(run.first.offset)
}

fn offset_finding(run: &DisorderedRun, base: Option<i64>, path: &Arc<Path>) -> Finding {
    let distance = |base: i64| run.first.next.saturating_sub(1).saturating_sub(base);
    let check = match base {
        Some(base) if run.first.low < base => CheckId::OffsetBelowBase,
        Some(base) if distance(base) > MAX_RELATIVE_OFFSET => CheckId::OffsetTooFar,
        _ if run.flip.is_none() && run.way == Way::Ahead => CheckId::MisplacedBatches,
        _ => CheckId::OffsetOverlap,
    };
    let mut finding = finding_of(of_run(check, run, path), run, Number::Offset);
    let before = run.before.next.saturating_sub(1);
    finding.loss = run.after.and_then(|after| {
        // Batches between these offsets may have been where the misplaced batches are now.
        let last = after.low.checked_sub(1)?;
        let missing = u64::try_from(last.checked_sub(before)?).ok()?;
        (missing > 0).then(|| {
            Box::new(Loss {
                last_offset_before: Some(before),
                next_offset_after: Some(after.low),
                offsets: Some((run.before.next, last)),
                records: Records::AtMost(missing),
                times_ms: None,
            })
        })
    });
    finding
}

/// Returns the finding of a run.
fn finding_of(finding: Finding, run: &DisorderedRun, number: Number) -> Finding {
    let (at, width, before) = match number {
        Number::Offset => (run.first.position, 8, run.before.next.saturating_sub(1)),
        Number::Epoch => (run.first.position.saturating_add(EPOCH), 4, run.before.low),
    };
    let finding = finding.saw(Disorder {
        number,
        batches: run.batches,
        stored: run.first.low,
        before: Some(before),
        after: run.after.map(|after| after.low),
        flip: run.flip.map(|bit| FlippedBit::of_number(at, width, bit)),
        actual: run
            .flip
            .map(|bit| run.first.low ^ 1_i64.wrapping_shl(u32::from(bit))),
    });
    match run.flip {
        Some(_) => finding.fix(Fix::Lossless),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of the findings about a file of this size with these `notes`.
    fn codes(len_bytes: u64, is_last: bool, notes: Vec<Note>) -> Vec<&'static str> {
        let subject = Subject {
            is_last,
            ..Subject::at(Path::new("t-0/00000000000000000000.log"))
        };
        let mut sequence = Sequence::new(&subject, len_bytes);
        for note in notes {
            sequence.take(note);
        }
        let (findings, coverage) = sequence.finish();
        assert!(coverage.is_complete());
        let (kept, _) = findings.into_sorted();
        kept.iter().map(|finding| finding.check.code()).collect()
    }

    fn batch(position: u64, size: u64, base: i64) -> Note {
        let info = Info {
            position,
            size,
            base,
            last: base,
            is_whole: true,
            first: base,
            count: 1,
            epoch: Some(0),
            max_timestamp: 0,
            magic: 2,
        };
        Note::Batch(info, 0)
    }

    #[test]
    fn a_file_may_be_too_large_or_empty_and_become_shorter_while_it_is_read() {
        let large = 1 << 31;
        assert_eq!(codes(large, true, vec![batch(0, large, 0)]), ["S112"]);
        assert_eq!(codes(100, true, vec![batch(0, 70, 0)]), ["S116"]);
        assert_eq!(codes(0, false, vec![]), ["S111"]);
        assert!(codes(0, true, vec![]).is_empty());
    }

    #[test]
    fn a_batch_that_reaches_into_the_next_is_not_taken_for_two_that_overlap() {
        let Note::Batch(reaching, _) = batch(0, 70, 0) else {
            unreachable!("a batch");
        };
        let reaching = Note::Batch(
            Info {
                last: 4,
                ..reaching
            },
            0,
        );
        assert_eq!(
            codes(
                210,
                true,
                vec![reaching, batch(70, 70, 1), batch(140, 70, 2)]
            ),
            ["B105"]
        );
    }
}
