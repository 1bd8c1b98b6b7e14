//! One `.log`: what can be set right in it, and what is lost.
//!
//! First what is proven, bit by bit, by a checksum or by the batches around it; the file is then read as if that were done. Of
//! what is still no batch, the records that can be read make one.

use std::ops::Range;
use std::path::Path;

use super::PlanOptions;
use super::beheaded::{Neighbours, beheaded};
use super::frames::{epochs_after, pieces_of, runs_of};
use super::marker::restored;
use super::proven::{proven, suspects};
use super::remake::{is_unreadable, remade};
use super::salvage::{Salvaged, Slot, salvage};
use super::solve::{Solved, Solver};
use super::steps::Reason;
use super::survey::{self, Home, Run, Sequence, Stretch};
use super::text::as_text;
use crate::format::batch::HEADER_BYTES;
use crate::format::frame::FrameHeader;
use crate::format::layout::batch as layout;
use crate::format::{RecordBatch, Scratch};
use crate::repair::parts::CONTENT_BYTES;
use crate::repair::proof::{Between, Checksum};
use crate::repair::{Loss, Odds};
use crate::store::{Error, LogFile, Patch, Stream};
use crate::verify::{CheckId, Finding};
use crate::wire::Offset;

/// Bytes of a gap in which records are sought; what is longer is lost.
const LARGEST_GAP: u64 = 16 << 20;

/// How often the headers of a file are read for what one batch lost: each time takes as long as the file.
const MOST_QUESTIONS: u32 = 64;

/// A change of a range of bytes, and why.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) range: Range<u64>,
    pub(super) bytes: Vec<u8>,
    pub(super) reason: Reason,
}

impl Change {
    /// Whether the range goes, and nothing comes in its place.
    pub(super) fn is_cut(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// A piece of a mended file.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Batches, of which these bytes change.
    Batches { run: Run, changes: Vec<Change> },
    /// What is none.
    Lost {
        range: Range<u64>,
        /// Records in it that can be read and that nobody can vouch for.
        suspect: u64,
    },
}

impl Part {
    pub(super) fn range(&self) -> Range<u64> {
        match self {
            Self::Batches { run, .. } => run.range.clone(),
            Self::Lost { range, .. } => range.clone(),
        }
    }
}

/// A `.log` as it could be.
#[derive(Debug)]
pub(super) struct Mended {
    /// The file, read as if the changes that keep its length had been made.
    pub(super) log: LogFile,
    pub(super) parts: Vec<Part>,
}

/// What is known beyond a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub(super) options: PlanOptions,
    /// Whether nothing else in the logs of the partition is damaged.
    pub(super) is_only: bool,
    /// Whether it is the last segment, and nothing says where the log ends.
    pub(super) is_open: bool,
}

/// Mends the `.log` at `path`, the segment number `file`, of which `findings` tell.
///
/// # Errors
/// It cannot be read.
pub(super) fn mend(
    path: &Path,
    file: usize,
    home: &Home,
    findings: &[&Finding],
    around: Around,
) -> Result<Mended, Error> {
    let log = LogFile::Windowed(Stream::open(path)?);
    let proven = proven(&log, findings)?;
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
        scratch: Scratch::default(),
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
        if let Some(Part::Batches { changes, .. }) = holder {
            changes.push(change);
        }
    }
    Ok(Mended { log, parts })
}

struct Mender<'a> {
    path: &'a Path,
    log: &'a LogFile,
    stretches: &'a [Stretch],
    file: usize,
    home: &'a Home,
    around: Around,
    suspects: Vec<(u64, CheckId)>,
    scratch: Scratch,
    parts: Vec<Part>,
    /// The last batches so far that have offsets of the segment.
    before: Option<Run>,
    /// Sequence numbers of batches written anew, and where.
    made: Vec<(u64, Sequence)>,
    solver: Solver,
    /// How often the headers of the file may still be read for one batch.
    questions: u32,
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
    fn run(&mut self, run: &Run) -> Result<(), Error> {
        if self.suspects_in(&run.range).is_empty() {
            self.add(run.clone(), Vec::new());
            return Ok(());
        }
        let singles = survey::singles(self.log, run)?;
        let after = epochs_after(&singles);
        let (mut joined, mut before): (Option<Run>, Option<i32>) = (None, None);
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

    /// What is wrong with one batch of a run.
    fn suspicion(&self, run: &Run, single: &Run) -> Option<CheckId> {
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
    fn epoch(&mut self, single: &Run, before: Option<i32>, after: Option<i32>) {
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
                format!("no leader epoch, among batches of epoch {epoch}"),
                Between::agree(Some(epoch.into()), after.map(i64::from)),
            ),
        };
        let led = Run {
            epochs: (epoch, epoch),
            ..single.clone()
        };
        self.add(led, vec![change]);
    }

    /// A batch whose content is wrong.
    fn content(&mut self, single: &Run, check: CheckId, next: Option<i64>) -> Result<(), Error> {
        let mut buffer = Vec::new();
        let bytes = self.log.window(single.range.clone(), &mut buffer)?;
        let marker = restored(bytes, self.path, &mut self.scratch);
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

    /// A gap, with the offset of the batch behind it.
    fn gap(&mut self, range: Range<u64>, next: Option<&Run>) -> Result<(), Error> {
        let log = self.log;
        if let Some(text) = as_text(log, &range, self.file)? {
            self.add(text.run, text.changes);
            return Ok(());
        }
        if range.end - range.start > LARGEST_GAP {
            self.lose(range);
            return Ok(());
        }
        let mut buffer = Vec::new();
        let bytes = log.window(range.clone(), &mut buffer)?;
        for piece in pieces_of(bytes) {
            let position = range.start + piece.start as u64;
            self.damaged(bytes.get(piece).unwrap_or_default(), position, next)?;
        }
        Ok(())
    }

    /// Bytes that may have been a batch.
    fn damaged(&mut self, bytes: &[u8], position: u64, next: Option<&Run>) -> Result<(), Error> {
        let range = position..position + bytes.len() as u64;
        let before = self.before.as_ref();
        let slot = Slot {
            position,
            offsets: before.map_or(self.home.start, |run| run.last + 1)
                ..next.map_or(self.home.end, |run| run.first),
            epoch: match (before, next) {
                (Some(before), _) => before.epochs.1,
                (None, next) => next.map_or(-1, |run| run.epochs.0),
            },
            is_torn: range.end == self.log.len_bytes()
                && FrameHeader::read(bytes)
                    .and_then(|header| header.frame_bytes().ok())
                    .is_some_and(|size| size > bytes.len()),
            is_open: next.is_none() && self.around.is_open,
        };
        if let Some(solved) = self.solver.solve(bytes, &slot, &mut self.scratch) {
            self.solved(bytes, range, solved);
            return Ok(());
        }
        let saved = match salvage(bytes, &slot, &mut self.scratch) {
            None => self.beheaded(bytes, &slot, next)?,
            saved => saved,
        };
        let Some(saved) = saved else {
            self.lose(range);
            return Ok(());
        };
        let kept = range.start + saved.from as u64..range.end;
        if range.start < kept.start {
            self.lose(range.start..kept.start);
        }
        let is_likely = self.around.is_only && saved.is_located;
        if !is_likely && !self.around.options.keep_suspect {
            self.parts.push(Part::Lost {
                range: kept,
                suspect: saved.records.max(1),
            });
            return Ok(());
        }
        let loss = Loss {
            bytes: Some(kept.clone()),
            offsets: Some(saved.offsets),
            records: saved.lost,
            knowledge: Vec::new(),
        };
        let (Offset(first), Offset(last)) = saved.offsets;
        let why = format!(
            "of a damaged batch (offsets {first} to {last}) the records that can still be read are kept: {}; lost: {}",
            saved.records, saved.lost
        );
        let reason = if is_likely && saved.lost == 0 {
            Reason::likely(&[CheckId::CrcMismatch], why, Odds::Unknown)
        } else if is_likely {
            Reason::lossy(&[CheckId::CrcMismatch], why, loss)
        } else {
            Reason::suspect(&[CheckId::CrcMismatch], why, loss)
        };
        self.replace(kept, saved.bytes, reason);
        Ok(())
    }

    /// A batch with its bits turned back.
    fn solved(&mut self, bytes: &[u8], range: Range<u64>, solved: Solved) {
        if solved.is_suspect && !self.around.options.keep_suspect {
            self.parts.push(Part::Lost {
                range,
                suspect: solved.records.max(1),
            });
            return;
        }
        let differs = |at: &usize| bytes.get(*at) != solved.bytes.get(*at);
        let first = (0..bytes.len()).find(differs).unwrap_or(0);
        let last = (0..bytes.len()).rfind(differs).unwrap_or(first);
        let checks = [CheckId::CrcMismatch];
        let reason = if solved.is_suspect {
            Reason::suspect(&checks, solved.what, Loss::default())
        } else {
            Reason::proven(&checks, solved.what, solved.proof)
        };
        let Some(run) = Run::of_header(&solved.bytes, self.file, range.start) else {
            return self.lose(range);
        };
        let content = solved.bytes.get(first..=last).unwrap_or_default().to_vec();
        let change = Change {
            range: range.start + first as u64..range.start + last as u64 + 1,
            bytes: content,
            reason,
        };
        self.add(run, vec![change]);
    }

    /// Bytes of which nothing can be kept.
    fn lose(&mut self, range: Range<u64>) {
        match self.parts.last_mut() {
            Some(Part::Lost {
                range: lost,
                suspect: 0,
            }) if lost.end == range.start => lost.end = range.end,
            _ => self.parts.push(Part::Lost { range, suspect: 0 }),
        }
    }

    /// What is left of a batch without its header, right in front of the batch `next`.
    fn beheaded(
        &mut self,
        bytes: &[u8],
        slot: &Slot,
        next: Option<&Run>,
    ) -> Result<Option<Salvaged>, Error> {
        let end = slot.position + bytes.len() as u64;
        if next.is_none_or(|next| next.range.start != end) || self.questions == 0 {
            return Ok(None);
        }
        self.questions -= 1;
        let mut buffer = Vec::new();
        let header = end..end + HEADER_BYTES as u64;
        let header = self.log.window(header, &mut buffer)?;
        let around = Neighbours {
            log: self.log,
            stretches: self.stretches,
            made: &self.made,
            position: slot.position,
            path: self.path,
            base: Offset(self.home.start),
        };
        let next = RecordBatch::of_header(header);
        Ok(next.and_then(|next| beheaded(bytes, slot, &next, &around, &mut self.scratch)))
    }

    fn add(&mut self, run: Run, changes: Vec<Change>) {
        if self.home.contains(&run.last) {
            self.before = Some(run.clone());
        }
        self.parts.push(Part::Batches { run, changes });
    }

    fn add_whole(&mut self, run: Option<Run>) {
        if let Some(run) = run {
            self.add(run, Vec::new());
        }
    }

    /// New batches in place of a range.
    fn replace(&mut self, range: Range<u64>, bytes: Vec<u8>, reason: Reason) {
        let joined = runs_of(&bytes, self.file)
            .into_iter()
            .reduce(|mut all, next| {
                all.join(&next);
                all
            });
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

/// Whether a check says that consumers fail on records: not that they are too many or packed in a way that is not known here.
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
