//! One `.log`: what can be set right in it, and what is lost.
//!
//! First what is proven, bit by bit, by a checksum or by the batches around it; the file is then read as if that were done. Of
//! what is still no batch, the records that can be read make one.

use std::ops::Range;
use std::path::Path;

use super::Options;
use super::beheaded::{Neighbours, beheaded};
use super::marker::restored;
use super::proven::{proven, suspects};
use super::remake::{is_unreadable, remade};
use super::salvage::{Salvaged, Slot, salvage};
use super::steps::Reason;
use super::survey::{self, Home, Run, Sequence, Stretch};
use super::text::as_text;
use crate::format::batch::HEADER_BYTES;
use crate::format::frame::FrameHeader;
use crate::format::layout::batch as layout;
use crate::format::{Batch, Frame, RecordBatch, Scratch};
use crate::repair::parts::CONTENT_BYTES;
use crate::repair::proof::{Between, Checksum};
use crate::repair::{Loss, Odds};
use crate::store::{Error, LogFile, Patch, Stream};
use crate::verify::{CheckId, Finding};
use crate::wire::{Offset, Position};

/// Bytes of a gap in which records are sought; what is longer is lost.
const LARGEST_GAP: u64 = 16 << 20;

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
    pub(super) options: Options,
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
    };
    for (index, stretch) in stretches.iter().enumerate() {
        let next = stretches.get(index + 1..).unwrap_or_default();
        mender.stretch(stretch, next)?;
    }
    let mut parts = mender.parts;
    for change in proven {
        let holds = |part: &&mut Part| {
            let range = part.range();
            range.start <= change.range.start && change.range.end <= range.end
        };
        // A bit in bytes that are lost anyway changes nothing.
        if let Some(Part::Batches { changes, .. }) = parts.iter_mut().find(holds) {
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
}

impl Mender<'_> {
    fn stretch(&mut self, stretch: &Stretch, next: &[Stretch]) -> Result<(), Error> {
        match stretch {
            Stretch::Run(run) => self.run(run),
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
        let has_suspects = self
            .suspects
            .iter()
            .any(|(position, _)| run.range.contains(position));
        if !has_suspects {
            self.add(run.clone(), Vec::new());
            return Ok(());
        }
        let singles = survey::singles(self.log, run)?;
        let mut joined: Option<Run> = None;
        for (index, single) in singles.iter().enumerate() {
            let Some(check) = self.suspicion(run, single) else {
                match &mut joined {
                    Some(before) if before.goes_on_with(single, self.home) => before.join(single),
                    _ => {
                        self.parts.extend(joined.take().map(whole));
                        joined = Some(single.clone());
                    }
                }
                continue;
            };
            self.parts.extend(joined.take().map(whole));
            let (before, behind) = singles.split_at(index);
            let behind = behind.get(1..).unwrap_or_default();
            if check == CheckId::NegativeEpoch {
                self.epoch(single, before, behind);
            } else {
                self.content(single, check, behind.first().map(|next| next.first))?;
            }
        }
        self.parts.extend(joined.map(whole));
        Ok(())
    }

    /// What is wrong with one batch of a run.
    fn suspicion(&self, run: &Run, single: &Run) -> Option<CheckId> {
        let here = self
            .suspects
            .iter()
            .find(|(position, _)| single.range.contains(position));
        // Of batches without a leader epoch the finding names the first.
        let lacks_epoch = single.is_modern && single.epochs.0 < 0;
        let is_of_many = |(position, check): &(u64, CheckId)| {
            lacks_epoch && *check == CheckId::NegativeEpoch && run.range.contains(position)
        };
        let of_many = || self.suspects.iter().find(|suspect| is_of_many(suspect));
        here.or_else(of_many).map(|(_, check)| *check)
    }

    /// A batch without a leader epoch, among those of one leader.
    fn epoch(&mut self, single: &Run, before: &[Run], behind: &[Run]) {
        let has_epoch = |run: &&Run| run.epochs.0 >= 0;
        let led_before = before.iter().rev().find(has_epoch);
        let led_behind = behind.iter().find(has_epoch);
        let is_between = led_before.is_some_and(|before| {
            led_behind.is_none_or(|behind| behind.epochs.0 == before.epochs.0)
        });
        let Some(before) = led_before.filter(|_| is_between) else {
            return self.add(single.clone(), Vec::new());
        };
        let epoch = before.epochs.0;
        let led_after = led_behind.map(|behind| behind.epochs.0.into());
        let at = single.range.start + layout::LEADER_EPOCH as u64;
        let change = Change {
            range: at..at + 4,
            bytes: epoch.to_be_bytes().to_vec(),
            reason: Reason::proven_or_likely(
                &[CheckId::NegativeEpoch],
                format!("no leader epoch, among batches of epoch {epoch}"),
                Between::agree(Some(epoch.into()), led_after),
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
        let is_marker = marker.is_some();
        let Some(remade) = marker.or_else(|| remade(bytes, next, &mut self.scratch)) else {
            if says_unreadable(check) && is_unreadable(bytes, &mut self.scratch) {
                self.lose(single.range.clone());
            } else {
                self.add(single.clone(), Vec::new());
            }
            return Ok(());
        };
        let reason = if is_marker {
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
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let zeros = rest.iter().take_while(|byte| **byte == 0).count();
            let size = FrameHeader::read(rest).and_then(|header| header.frame_bytes().ok());
            let size = size
                .filter(|size| *size <= rest.len() && zeros < 8)
                .unwrap_or(rest.len());
            let piece = rest.get(..size).unwrap_or(rest);
            self.damaged(piece, range.start + at as u64, next)?;
            at += size;
        }
        Ok(())
    }

    /// Bytes that may have been a batch.
    fn damaged(&mut self, bytes: &[u8], position: u64, next: Option<&Run>) -> Result<(), Error> {
        let range = position..position + bytes.len() as u64;
        let before = self.parts.iter().rev().find_map(|part| match part {
            Part::Batches { run, .. } if self.home.contains(&run.last) => Some(run),
            _ => None,
        });
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
        let is_likely = self.around.is_only && saved.is_located && saved.lost > 0;
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
        let reason = if is_likely {
            Reason::lossy(&[CheckId::CrcMismatch], why, loss)
        } else {
            Reason::suspect(&[CheckId::CrcMismatch], why, loss)
        };
        self.replace(kept, saved.bytes, reason);
        Ok(())
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
        if next.is_none_or(|next| next.range.start != end) {
            return Ok(None);
        }
        let mut buffer = Vec::new();
        let header = end..end + HEADER_BYTES as u64;
        let header = self.log.window(header, &mut buffer)?;
        let around = Neighbours {
            log: self.log,
            stretches: self.stretches,
            made: self.parts.iter().filter_map(made).collect(),
            position: slot.position,
            path: self.path,
            base: Offset(self.home.start),
        };
        let next = RecordBatch::of_header(header);
        Ok(next.and_then(|next| beheaded(bytes, slot, &next, &around, &mut self.scratch)))
    }

    fn add(&mut self, run: Run, changes: Vec<Change>) {
        self.parts.push(Part::Batches { run, changes });
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

/// The sequence numbers of a batch that is written anew, and where.
fn made(part: &Part) -> Option<(u64, Sequence)> {
    let Part::Batches { run, changes } = part else {
        return None;
    };
    let whole = changes.iter().find(|change| change.range == run.range)?;
    Some((run.range.start, Sequence::of_header(&whole.bytes)?))
}

fn whole(run: Run) -> Part {
    Part::Batches {
        run,
        changes: Vec::new(),
    }
}

/// The batches in bytes that are nothing else.
fn runs_of(bytes: &[u8], file: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(run) = Run::of_header(rest, file, at as u64) else {
            break;
        };
        at = usize::try_from(run.range.end).unwrap_or(usize::MAX);
        runs.push(run);
    }
    runs
}

/// The batch in `bytes`, all of which it takes.
pub(super) fn batch_of(bytes: &[u8]) -> Option<Batch<'_>> {
    let frame = Frame::parse(bytes, Position(0)).ok()?;
    Batch::parse(frame)
        .ok()
        .filter(|_| frame.size_bytes() == bytes.len())
}
