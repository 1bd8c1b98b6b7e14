//! One `.log`: what can be set right in it, and what is lost.
//!
//! First what is proven, bit by bit, by a checksum or by the batches around it; the file is then
//! read as if that were done. Of what is still no batch, the records that can be read make one.

use std::ops::Range;
use std::path::Path;

use super::marker::restored;
use super::proven::{proven, suspects};
use super::solve::Solver;
use crate::format::Scratch;
use crate::format::layout::batch as layout;
use crate::repair::parts::CONTENT_BYTES;
use crate::repair::planner::coordinator::Coordinators;
use crate::repair::planner::frames::{epochs_after, runs_of};
use crate::repair::planner::mended::{Change, Mended, MendedPart};
use crate::repair::planner::options::PlanOptions;
use crate::repair::planner::remake::{is_unreadable, remade};
use crate::repair::planner::steps::Reason;
use crate::repair::planner::survey::{self, BatchRun, Home, Sequence, Stretch};
use crate::repair::proof::{Between, Checksum};
use crate::repair::{Loss, Odds};
use crate::store::{Error, LogFile, Patch, Stream};
use crate::verify::{CheckId, Finding};

/// The limit of header scans of a file for one batch: each takes as long as reading the file.
const MOST_QUESTIONS: u32 = 64;

/// The facts from outside of a file.
#[derive(Debug, Clone, Copy)]
pub(in crate::repair::planner) struct OutsideFacts<'a> {
    pub(in crate::repair::planner) options: PlanOptions,
    pub(in crate::repair::planner) coordinators: &'a Coordinators,
    /// True if it is the last segment, and nothing says where the log ends.
    pub(in crate::repair::planner) is_open: bool,
}

/// Mends the `.log` at `path`, the segment number `file`, of which `findings` tell.
///
/// # Errors
/// It cannot be read.
pub(in crate::repair::planner) fn mend(
    path: &Path,
    file: usize,
    home: &Home,
    findings: &[&Finding],
    around: OutsideFacts<'_>,
) -> Result<Mended, Error> {
    let log = LogFile::Windowed(Stream::open(path)?);
    let proven = proven(&log, findings, around.options.scratch())?;
    let patches = proven.iter().map(|change| Patch {
        position: change.range.start,
        bytes: change.bytes.clone(),
    });
    let log = LogFile::Windowed(Stream::open(path)?.patched(patches.collect()));
    let stretches = survey::survey(&log, file, home, around.options.jobs)?;
    let mut mender = Mender {
        path,
        log: &log,
        stretches: &stretches,
        file,
        home,
        around,
        suspects: suspects(findings),
        scratch: around.options.scratch(),
        parts: Vec::new(),
        before: None,
        made: Vec::new(),
        solver: Solver::default(),
        questions: MOST_QUESTIONS,
    };
    for (index, stretch) in stretches.iter().enumerate() {
        let next = stretches.get(index + 1..).unwrap_or_default();
        mender.stretch(stretch, next)?;
    }
    let mut parts = mender.parts;
    for change in proven {
        let after = parts.partition_point(|part| part.range().start <= change.range.start);
        let holder = after.checked_sub(1).and_then(|nth| parts.get_mut(nth));
        let holder = holder.filter(|part| change.range.end <= part.range().end);
        // A bit in bytes that are lost anyway changes nothing.
        if let Some(MendedPart::Batches { changes, .. }) = holder {
            changes.push(change);
        }
    }
    Ok(Mended { log, parts })
}

/// Mends a file stretch by stretch.
pub(super) struct Mender<'a> {
    pub(super) path: &'a Path,
    pub(super) log: &'a LogFile,
    pub(super) stretches: &'a [Stretch],
    pub(super) file: usize,
    pub(super) home: &'a Home,
    pub(super) around: OutsideFacts<'a>,
    pub(super) suspects: Vec<(u64, CheckId)>,
    pub(super) scratch: Scratch,
    pub(super) parts: Vec<MendedPart>,
    /// The last batches so far that have offsets of the segment.
    pub(super) before: Option<BatchRun>,
    /// Sequence numbers of batches written again, and where.
    pub(super) made: Vec<(u64, Sequence)>,
    pub(super) solver: Solver,
    /// The number of header scans still allowed for one batch.
    pub(super) questions: u32,
}

impl Mender<'_> {
    fn stretch(&mut self, stretch: &Stretch, next: &[Stretch]) -> Result<(), Error> {
        match stretch {
            Stretch::Run(run) => self.run(run),
            // Nothing proves what a batch was of which a part is missing.
            Stretch::Gap {
                range,
                is_cut: true,
                ..
            } => {
                self.lose(range.clone());
                Ok(())
            }
            Stretch::Gap { range, .. } => {
                let next = next.iter().find_map(|stretch| match stretch {
                    Stretch::Run(run) if self.home.contains(&run.first) => Some(run),
                    _ => None,
                });
                self.gap(range.clone(), next)
            }
        }
    }

    /// A run, taken apart where the content of a batch is wrong.
    fn run(&mut self, run: &BatchRun) -> Result<(), Error> {
        if self.suspects_in(&run.range).is_empty() {
            self.add(run.clone(), Vec::new());
            return Ok(());
        }
        let singles = survey::singles(self.log, run)?;
        let after = epochs_after(&singles);
        let (mut joined, mut before): (Option<BatchRun>, Option<i32>) = (None, None);
        for (index, single) in singles.iter().enumerate() {
            let check = self.suspicion(run, single);
            if check != Some(CheckId::NegativeEpoch) && single.epochs.0 >= 0 {
                before = Some(single.epochs.0);
            }
            let Some(check) = check else {
                match &mut joined {
                    Some(before) if before.goes_on_with(single, self.home) => before.join(single),
                    _ => {
                        self.add_whole(joined.replace(single.clone()));
                    }
                }
                continue;
            };
            self.add_whole(joined.take());
            if check == CheckId::NegativeEpoch {
                let after = after.get(index).copied().flatten();
                self.epoch(single, before, after);
            } else {
                self.content(single, check, singles.get(index + 1).map(|next| next.first))?;
            }
        }
        self.add_whole(joined);
        Ok(())
    }

    /// Returns the suspicion against one batch of a run.
    fn suspicion(&self, run: &BatchRun, single: &BatchRun) -> Option<CheckId> {
        let here = self.suspects_in(&single.range).first();
        // Of batches without a leader epoch the finding names the first.
        let lacks_epoch = single.is_modern && single.epochs.0 < 0;
        let is_of_many = |(_, check): &&(u64, CheckId)| *check == CheckId::NegativeEpoch;
        let of_many = || {
            let of_run = self.suspects_in(&run.range).iter();
            of_run.filter(|_| lacks_epoch).find(is_of_many)
        };
        here.or_else(of_many).map(|(_, check)| *check)
    }

    /// The suspects in a range.
    fn suspects_in(&self, range: &Range<u64>) -> &[(u64, CheckId)] {
        let first = self.suspects.partition_point(|(at, _)| *at < range.start);
        let end = self.suspects.partition_point(|(at, _)| *at < range.end);
        self.suspects.get(first..end).unwrap_or_default()
    }

    /// A batch without a leader epoch, among those of one leader.
    fn epoch(&mut self, single: &BatchRun, before: Option<i32>, after: Option<i32>) {
        let is_between = |before: &i32| after.is_none_or(|after| after == *before);
        let Some(epoch) = before.filter(is_between) else {
            return self.add(single.clone(), Vec::new());
        };
        let at = single.range.start + layout::LEADER_EPOCH as u64;
        let change = Change {
            range: at..at + 4,
            bytes: epoch.to_be_bytes().to_vec(),
            reason: Reason::proven_or_likely(
                &[CheckId::NegativeEpoch],
                format!("no leader epoch; the batches around it have epoch {epoch}"),
                Between::agree(Some(epoch.into()), after.map(i64::from)),
            ),
        };
        let led = BatchRun {
            epochs: (epoch, epoch),
            ..single.clone()
        };
        self.add(led, vec![change]);
    }

    /// A batch whose content is wrong.
    fn content(
        &mut self,
        single: &BatchRun,
        check: CheckId,
        next: Option<i64>,
    ) -> Result<(), Error> {
        let mut buffer = Vec::new();
        let bytes = self.log.window(single.range.clone(), &mut buffer)?;
        let marker = restored(
            bytes,
            self.path,
            self.around.coordinators,
            &mut self.scratch,
        );
        let Some(remade) = marker.or_else(|| remade(bytes, next, &mut self.scratch)) else {
            if says_unreadable(check) && is_unreadable(bytes, &mut self.scratch) {
                self.lose(single.range.clone());
            } else {
                self.add(single.clone(), Vec::new());
            }
            return Ok(());
        };
        let reason = if remade.is_guess {
            Reason::likely(&[check], remade.what, Odds::Unknown)
        } else if remade.lost == 0 {
            Reason::proven_or_likely(
                &[check],
                remade.what,
                Checksum::of(bytes, single.range.start),
            )
        } else {
            let loss = Loss {
                bytes: Some(single.range.clone()),
                offsets: None,
                records: remade.lost,
                knowledge: Vec::new(),
            };
            Reason::lossy(&[check], remade.what, loss)
        };
        self.replace(single.range.clone(), remade.bytes, reason);
        Ok(())
    }

    pub(super) fn add(&mut self, run: BatchRun, changes: Vec<Change>) {
        if self.home.contains(&run.last) {
            self.before = Some(run.clone());
        }
        self.parts.push(MendedPart::Batches { run, changes });
    }

    pub(super) fn add_whole(&mut self, run: Option<BatchRun>) {
        if let Some(run) = run {
            self.add(run, Vec::new());
        }
    }

    /// New batches in place of a range.
    pub(super) fn replace(&mut self, range: Range<u64>, bytes: Vec<u8>, reason: Reason) {
        let joined = BatchRun::joined(runs_of(&bytes, self.file));
        let Some(mut run) = joined.filter(|_| bytes.len() <= CONTENT_BYTES) else {
            self.lose(range);
            return;
        };
        run.range = range.clone();
        let sequence = Sequence::of_header(&bytes);
        self.made.extend(sequence.map(|made| (range.start, made)));
        self.add(
            run,
            vec![Change {
                range,
                bytes,
                reason,
            }],
        );
    }
}

/// Returns true if a check says that consumers fail on records: not that they are too many or
/// packed in a way that is not known here.
fn says_unreadable(check: CheckId) -> bool {
    matches!(
        check,
        CheckId::RecordLength
            | CheckId::VarintTooLong
            | CheckId::FieldLength
            | CheckId::InflateFailed
            | CheckId::RecordsMissing
            | CheckId::NullHeaderKey
    )
}
