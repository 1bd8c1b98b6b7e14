//! `leader-epoch-checkpoint` against the leader epochs of the batches.

use std::path::Path;
use std::sync::Arc;

use crate::format::fault::CheckpointFault;
use crate::format::layout::batch as layout;
use crate::format::{FaultKind, FileKind, LeaderEpochs};
use crate::store::{Cap, Error, read_small};
use crate::verify::catalog::{CheckId, Severity};
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{BeyondEnd, EpochConflict, EpochsReach, Mark};
use crate::verify::extent::LogExtent;
use crate::verify::finding::{Finding, Findings};
use crate::verify::row::Row;
use crate::wire::{LeaderEpoch, Offset};

/// The check of the leader epochs of a partition, which gets its batches in order.
#[derive(Debug)]
pub(in crate::verify) struct EpochsCheck {
    /// The path of the file, which may not exist.
    path: Arc<Path>,
    /// In the order of the file; `None` if it can't be read in order.
    entries: Vec<(LeaderEpoch, Offset)>,
    file: File,
    /// The log start offset, if there is a checkpoint entry.
    log_start: Option<Offset>,
    /// Batches in a row that disagree.
    run: Option<EpochRun>,
    /// The epoch of the previous batch.
    before: Option<LeaderEpoch>,
    /// The highest epoch of a batch.
    highest: Option<LeaderEpoch>,
    /// The first batch that has an epoch.
    first: Option<(Offset, LeaderEpoch)>,
    /// True if the last batch is of magic 0 or 1; true if any batch is.
    ends_legacy: bool,
    has_legacy: bool,
}

/// The state of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    Missing,
    /// It can't be read, or not in order.
    Broken,
    Sound,
}

/// Batches of one epoch that disagree with the file.
#[derive(Debug, Clone)]
struct EpochRun {
    log: Arc<Path>,
    position: u64,
    first: Offset,
    last: Offset,
    stored: Option<LeaderEpoch>,
    actual: LeaderEpoch,
    batches: u64,
    /// The epoch of the batch before it.
    before: Option<LeaderEpoch>,
    /// The highest epoch of the batches before it.
    highest: Option<LeaderEpoch>,
}

impl EpochsCheck {
    /// Reads the file, if it `exists`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(in crate::verify) fn open(
        path: &Arc<Path>,
        exists: bool,
        log_start: Option<Offset>,
        findings: &mut Findings,
    ) -> Result<(Self, Coverage), Error> {
        let mut check = Self {
            log_start,
            ..Self::none(path)
        };
        if !exists {
            return Ok((check, Coverage::default()));
        }
        let bytes = read_small(path, Cap::of(FileKind::LeaderEpochs))?;
        let file = LeaderEpochs::parse(&bytes);
        for fault in &file.faults {
            let is_order = matches!(
                fault.kind(),
                FaultKind::Checkpoint(CheckpointFault::Order(_))
            );
            let id = if is_order {
                CheckId::EpochsOrder
            } else {
                CheckId::EpochsMalformed
            };
            findings.add(Finding::new(id, path).at(fault.at() as u64, 0).saw(*fault));
        }
        check.file = if file.faults.is_empty() {
            File::Sound
        } else {
            File::Broken
        };
        let entries = file
            .entries
            .iter()
            .map(|entry| (entry.epoch, entry.start_offset));
        check.entries = entries.collect();
        let len = bytes.len() as u64;
        let coverage = Coverage {
            small_bytes: len,
            ..Coverage::of_file(len)
        };
        Ok((check, coverage))
    }

    /// A check without a file.
    pub(super) fn none(path: &Arc<Path>) -> Self {
        Self {
            path: Arc::clone(path),
            entries: Vec::new(),
            file: File::Missing,
            log_start: None,
            run: None,
            before: None,
            highest: None,
            first: None,
            ends_legacy: false,
            has_legacy: false,
        }
    }

    /// Returns the start offset of the first epoch.
    pub(super) fn start(&self) -> Option<Offset> {
        let first = self.entries.first().map(|(_, start)| *start);
        first.filter(|_| self.file == File::Sound)
    }

    /// Returns the entry for an offset.
    fn stored(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.entries.partition_point(|(_, start)| *start <= offset);
        let (epoch, _) = self.entries.get(after.checked_sub(1)?)?;
        Some(*epoch)
    }

    /// Takes the next batch, of the file `log`.
    pub(super) fn batch(&mut self, log: &Arc<Path>, row: &Row, findings: &mut Findings) {
        self.ends_legacy = row.is_legacy();
        self.has_legacy |= row.is_legacy();
        let Some(actual) = row.epoch.filter(|epoch| epoch.0 >= 0) else {
            return;
        };
        let is_deleted = self.log_start.is_some_and(|start| row.last < start);
        if is_deleted {
            return;
        }
        self.first.get_or_insert((row.first, actual));
        if self.file != File::Sound || self.entries.is_empty() {
            return;
        }
        let at = self
            .log_start
            .map_or(row.first, |start| row.first.max(start));
        let stored = self.stored(at);
        if stored.is_some_and(|stored| stored != actual) {
            match &mut self.run {
                Some(run) if run.actual == actual && run.stored == stored => {
                    (run.last, run.batches) = (row.last, run.batches + 1);
                }
                _ => {
                    self.end_run(Some(actual), findings);
                    self.run = Some(EpochRun {
                        log: Arc::clone(log),
                        position: row.position,
                        first: row.first,
                        last: row.last,
                        stored,
                        actual,
                        batches: 1,
                        before: self.before,
                        highest: self.highest,
                    });
                }
            }
        } else {
            self.end_run(Some(actual), findings);
        }
        self.before = Some(actual);
        self.highest = self.highest.max(Some(actual));
    }

    /// Reports batches that disagree, before one with the epoch `after`. A single batch that
    /// neither the file nor its neighbours support is wrong; otherwise the file is.
    fn end_run(&mut self, after: Option<LeaderEpoch>, findings: &mut Findings) {
        let Some(run) = self.run.take() else { return };
        let is_known = self.entries.iter().any(|(epoch, _)| *epoch == run.actual);
        let is_between = run.before == after || after.is_none() || run.before.is_none();
        let is_odd = run.batches == 1
            && run.before != Some(run.actual)
            && after != Some(run.actual)
            && (is_between || !is_known);
        // The file is as it would be made of these batches: they are out of order.
        let is_decrease = run.highest == run.stored && run.stored > Some(run.actual);
        if is_decrease && !is_odd {
            return;
        }
        let finding = if is_odd {
            // The four bytes of the epoch in the header.
            Finding::new(CheckId::EpochsMismatch, &run.log)
                .at(run.position + layout::LEADER_EPOCH as u64, 4)
        } else {
            Finding::new(CheckId::EpochsMismatch, &self.path)
        };
        findings.add(finding.offset(run.first.0).saw(EpochConflict {
            first: run.first.0,
            last: run.last.0,
            stored: run.stored.map(|epoch| epoch.0),
            actual: run.actual.0,
        }));
    }

    /// Reports epochs that begin before the log does. A broker that shuts down cleanly lets the
    /// first one begin at the log start.
    fn begins_earlier(&self, extent: LogExtent, may_be_gone: bool, findings: &mut Findings) {
        if let Some(start) = self.start()
            && start < extent.start
        {
            // The file may be newer than the last change of the log start offset.
            let is_explained = self.log_start.is_some_and(|at| at >= extent.start);
            let severity = if is_explained || may_be_gone {
                Severity::Note
            } else {
                Severity::Warning
            };
            findings.add(
                Finding::new(CheckId::SegmentGap, &self.path)
                    .severity(severity)
                    .offset(start.0)
                    .saw(EpochsReach::Early {
                        stored: start.0,
                        actual: extent.start.0,
                    }),
            );
        }
    }

    /// Ends the check of a log with this extent. `is_left`: the broker has released the partition,
    /// and emptied the file; `is_clean`: it shut down cleanly; `is_start_known`: it stored the log
    /// start offset; `may_be_gone`: missing segments may be in tiered storage, or are deleted.
    pub(super) fn finish(
        mut self,
        extent: LogExtent,
        (is_left, is_clean, is_start_known, may_be_gone): (bool, bool, bool, bool),
        findings: &mut Findings,
    ) {
        self.end_run(None, findings);
        if let Some((first, epoch)) = self.first
            && self.entries.is_empty()
            && self.file != File::Broken
            && !self.ends_legacy
            && !is_left
        {
            findings.add(
                Finding::new(CheckId::EpochsMissing, &self.path).saw(EpochsReach::None {
                    exists: self.file == File::Sound,
                    batch_offset: first.0,
                    actual: epoch.0,
                }),
            );
        }
        if let (File::Sound, Some((stored, start)), Some((first, epoch))) =
            (self.file, self.entries.first(), self.first)
            && *start
                > self
                    .log_start
                    .map_or(first, |log_start| first.max(log_start))
        {
            // A log that was upgraded may have begun without epochs, and records may have been
            // deleted since. Epochs that are higher than later ones come from a cluster that the
            // log was copied from.
            let is_sure = is_start_known && !is_left && !self.has_legacy && epoch <= *stored;
            let severity = if is_sure {
                Severity::Warning
            } else {
                Severity::Note
            };
            findings.add(
                Finding::new(CheckId::EpochsStartLate, &self.path)
                    .severity(severity)
                    .offset(first.0)
                    .saw(EpochsReach::Late {
                        stored: start.0,
                        actual: first.0,
                    }),
            );
        }
        if is_clean {
            self.begins_earlier(extent, may_be_gone, findings);
        }
        let end = extent.end;
        for (_, start) in &self.entries {
            if self.file == File::Sound && *start > end {
                findings.add(
                    Finding::new(CheckId::EpochsBeyondLog, &self.path)
                        .offset(start.0)
                        .saw(BeyondEnd {
                            what: Mark::LeaderEpoch,
                            offset: start.0,
                            log_end: end.0,
                        }),
                );
            }
        }
    }
}
