//! One `.log`: what can be set right in it, and what is lost.
//!
//! First what is proven, bit by bit, by a checksum or by the batches around it; the file is then read as if that were done. Of
//! what is still no batch, the records that can be read make one.

use std::ops::Range;
use std::path::Path;

use super::marker::restored;
use super::remake::remade;
use super::salvage::{Slot, salvage};
use super::steps::Reason;
use super::survey::{self, Home, Run, Stretch};
use super::text::as_text;
use crate::format::frame::FrameHeader;
use crate::format::{Batch, Frame, Scratch};
use crate::repair::parts::CONTENT_BYTES;
use crate::repair::plan::Loss;
use crate::scan::Jobs;
use crate::store::{Error, LogFile, Patch, Stream};
use crate::verify::{CheckId, Finding, Severity, Value};
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
    Lost { range: Range<u64> },
}

impl Part {
    pub(super) fn range(&self) -> Range<u64> {
        match self {
            Self::Batches { run, .. } => run.range.clone(),
            Self::Lost { range } => range.clone(),
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

/// Mends the `.log` at `path`, the segment number `file`, of which `findings` tell.
///
/// # Errors
/// It cannot be read.
pub(super) fn mend(
    path: &Path,
    file: usize,
    home: &Home,
    findings: &[&Finding],
    jobs: Jobs,
) -> Result<Mended, Error> {
    let log = LogFile::Windowed(Stream::open(path)?);
    let proven = proven(&log, findings)?;
    let patches = proven.iter().map(|change| Patch {
        position: change.range.start,
        bytes: change.bytes.clone(),
    });
    let log = LogFile::Windowed(Stream::open(path)?.patched(patches.collect()));
    let stretches = survey::survey(&log, file, home, jobs)?;
    let mut mender = Mender {
        path,
        log: &log,
        file,
        home,
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

fn number(finding: &Finding, name: &str) -> Option<i64> {
    match finding.detail.get(name)? {
        Value::Int(number) => i64::try_from(*number).ok(),
        _ => None,
    }
}

/// The changes that a checksum proves, or the batches around: none of them makes the file longer or shorter.
fn proven(log: &LogFile, findings: &[&Finding]) -> Result<Vec<Change>, Error> {
    const LENGTH: u64 = 8;
    const EPOCH: u64 = 12;
    const MAGIC: u64 = 16;
    let mut changes: Vec<Change> = Vec::new();
    let mut buffer = Vec::new();
    for finding in findings {
        let Some(position) = finding.position else {
            continue;
        };
        let epoch =
            number(finding, "epoch_before").filter(|_| number(finding, "batches") == Some(1));
        let actual = number(finding, "actual").and_then(|actual| i32::try_from(actual).ok());
        let flipped = number(finding, "flipped_position").and_then(|at| u64::try_from(at).ok());
        let (at, bytes) = match finding.check {
            _ if let (Some(at), Some(bit)) = (flipped, number(finding, "flipped_bit")) => {
                let byte = log.window(at..at + 1, &mut buffer)?.first().copied();
                let bit = 1_u8.checked_shl(u32::try_from(bit).unwrap_or(8));
                let Some((byte, bit)) = byte.zip(bit) else {
                    continue;
                };
                (at, vec![byte ^ bit])
            }
            CheckId::FrameSize if let Some(actual) = actual => {
                (position + LENGTH, actual.to_be_bytes().to_vec())
            }
            CheckId::UnknownMagic
                if let Some(actual) = actual.and_then(|n| i8::try_from(n).ok()) =>
            {
                (position + MAGIC, actual.to_be_bytes().to_vec())
            }
            CheckId::EpochsMismatch
                if let Some(stored) = number(finding, "stored")
                    .and_then(|stored| i32::try_from(stored).ok())
                    .filter(|stored| *stored >= 0) =>
            {
                (position, stored.to_be_bytes().to_vec())
            }
            CheckId::EpochRegression | CheckId::EpochJump
                if let Some(epoch) = epoch.and_then(|epoch| i32::try_from(epoch).ok()) =>
            {
                (position + EPOCH, epoch.to_be_bytes().to_vec())
            }
            _ => continue,
        };
        let range = at..at + bytes.len() as u64;
        let overlaps =
            |change: &Change| change.range.start < range.end && range.start < change.range.end;
        if !changes.iter().any(overlaps) {
            let reason = Reason::safe(&[finding.check], finding.message.clone());
            changes.push(Change {
                range,
                bytes,
                reason,
            });
        }
    }
    Ok(changes)
}

/// Where batches begin whose checksums are right and whose content is not, with the check that says so.
fn suspects(findings: &[&Finding]) -> Vec<(u64, CheckId)> {
    let is_content = |finding: &&&Finding| {
        finding.severity >= Severity::Warning
            && matches!(
                finding.check,
                CheckId::UnknownMagic
                    | CheckId::UnknownCodec
                    | CheckId::RecordCount
                    | CheckId::LastOffsetDelta
                    | CheckId::ControlShape
                    | CheckId::ControlRecord
                    | CheckId::OffsetOverlap
                    | CheckId::RecordLength
                    | CheckId::VarintTooLong
                    | CheckId::TrailingBytes
                    | CheckId::InflateFailed
                    | CheckId::NullHeaderKey
                    | CheckId::RecordsMissing
                    | CheckId::FieldLength
                    | CheckId::DeltaOrder
                    | CheckId::DeltaOutside
            )
    };
    let mut suspects: Vec<(u64, CheckId)> = findings
        .iter()
        .filter(is_content)
        .filter_map(|finding| Some((finding.position?, finding.check)))
        .collect();
    suspects.sort_unstable();
    suspects.dedup_by_key(|(position, _)| *position);
    suspects
}

struct Mender<'a> {
    path: &'a Path,
    log: &'a LogFile,
    file: usize,
    home: &'a Home,
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
                    Stretch::Run(run) if self.home.contains(&run.first) => Some(run.first),
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
            let suspect = self
                .suspects
                .iter()
                .find(|(position, _)| single.range.contains(position));
            let Some((_, check)) = suspect.copied() else {
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
            let next = singles.get(index + 1).map(|next| next.first);
            self.content(single, check, next)?;
        }
        self.parts.extend(joined.map(whole));
        Ok(())
    }

    /// A batch whose content is wrong.
    fn content(&mut self, single: &Run, check: CheckId, next: Option<i64>) -> Result<(), Error> {
        let mut buffer = Vec::new();
        let bytes = self.log.window(single.range.clone(), &mut buffer)?;
        let marker = restored(bytes, self.path, &mut self.scratch)?;
        let Some(remade) = marker.or_else(|| remade(bytes, next, &mut self.scratch)) else {
            self.add(single.clone(), Vec::new());
            return Ok(());
        };
        let reason = if remade.lost == 0 {
            Reason::safe(&[check], remade.what)
        } else {
            let loss = Loss {
                bytes: Some(single.range.clone()),
                offsets: None,
                records: remade.lost,
            };
            Reason::lossy(&[check], remade.what, loss)
        };
        self.replace(single.range.clone(), remade.bytes, reason);
        Ok(())
    }

    /// A gap, with the offset of the batch behind it.
    fn gap(&mut self, range: Range<u64>, next: Option<i64>) -> Result<(), Error> {
        let log = self.log;
        if let Some(text) = as_text(log, &range, self.file)? {
            self.add(text.run, text.changes);
            return Ok(());
        }
        if range.end - range.start > LARGEST_GAP {
            self.parts.push(Part::Lost { range });
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
            self.damaged(piece, range.start + at as u64, next);
            at += size;
        }
        Ok(())
    }

    /// Bytes that may have been a batch.
    fn damaged(&mut self, bytes: &[u8], position: u64, next: Option<i64>) {
        let range = position..position + bytes.len() as u64;
        let before = self.parts.iter().rev().find_map(|part| match part {
            Part::Batches { run, .. } if self.home.contains(&run.last) => Some(run),
            _ => None,
        });
        let slot = Slot {
            position,
            offsets: before.map_or(self.home.start, |run| run.last + 1)
                ..next.unwrap_or(self.home.end),
            epoch: before.map_or(-1, |run| run.epochs.1),
        };
        let Some(saved) = salvage(bytes, &slot, &mut self.scratch) else {
            match self.parts.last_mut() {
                Some(Part::Lost { range: lost }) if lost.end == range.start => lost.end = range.end,
                _ => self.parts.push(Part::Lost { range }),
            }
            return;
        };
        let loss = Loss {
            bytes: Some(range.clone()),
            offsets: Some(saved.offsets),
            records: saved.lost,
        };
        let (Offset(first), Offset(last)) = saved.offsets;
        let why = format!(
            "of a damaged batch (offsets {first} to {last}) the records that can still be read are kept: {}; lost: {}",
            saved.records, saved.lost
        );
        let reason = Reason::lossy(&[CheckId::CrcMismatch], why, loss);
        self.replace(range, saved.bytes, reason);
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
            self.parts.push(Part::Lost { range });
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
