//! Proofs of a document, checked again before anything is done: what a plan says of itself is never believed.
//!
//! What derives from a log is computed again when it is written. All other proofs are about bytes that are on the disk.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::disk::Disk;
use super::error::{At, Error, Refusal};
use super::parts::{FilePart, PlanPath};
use super::plan::{Action, Plan, Step};
use super::proof::{Between, Proof, is_batch};
use super::safety::Safety;
use super::splice::pump;
use crate::format::frame::FrameHeader;
use crate::format::name::LOG_SUFFIX;

/// The most bytes that are looked at for one proof; a batch is no longer.
const MOST_BYTES: u64 = 1 << 30;

/// Looks whether each step that says it is proven is.
///
/// # Errors
/// One is not, or a file cannot be read.
pub(super) fn check(plan: &Plan, root: &Path, disk: &dyn Disk) -> Result<(), Error> {
    let mut files = Files {
        root,
        disk,
        patches: BTreeMap::new(),
    };
    for step in plan.steps() {
        if let Action::Patch {
            file,
            range,
            content,
        } = &step.action
            && range.end.saturating_sub(range.start) == content.bytes().len() as u64
        {
            let patches = files.patches.entry(file).or_default();
            patches.insert(range.start, content.bytes());
        }
    }
    for step in plan.steps() {
        let Safety::Proven(proof) = &step.safety else {
            continue;
        };
        if !files.holds(step, proof)? {
            return Err(Refusal::NotProven(step.id).into());
        }
    }
    Ok(())
}

/// The files that proofs are about.
struct Files<'a> {
    root: &'a Path,
    disk: &'a dyn Disk,
    /// The patches of steps, by position.
    patches: BTreeMap<&'a PlanPath, BTreeMap<u64, &'a [u8]>>,
}

impl Files<'_> {
    fn holds(&self, step: &Step, proof: &Proof) -> Result<bool, Error> {
        match (proof, &step.action) {
            (
                Proof::Checksum(checksum),
                Action::Patch {
                    file,
                    range,
                    content,
                },
            ) => {
                let batch = checksum.batch();
                let (before, after) = (batch.start..range.start, range.end..batch.end);
                if before.start > before.end || after.start > after.end {
                    return Ok(false);
                }
                let mut result = self.read(file, before)?;
                result.extend_from_slice(content.bytes());
                result.extend(self.read(file, after)?);
                Ok(are_batches(&result))
            }
            // A log that was copied as text: nothing goes but the carriage return of a line end.
            (Proof::Checksum(_), Action::Excise { file, ranges }) => {
                for range in ranges {
                    let ends = self.read(file, range.start..range.end.saturating_add(1))?;
                    if ends != b"\r\n" {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Proof::EqualBytes(equal), Action::Excise { file, ranges }) => {
                let [range] = ranges.as_slice() else {
                    return Ok(false);
                };
                let (there, other) = equal.place();
                let is_apart =
                    there != file || other.end <= range.start || range.end <= other.start;
                let len = |range: &Range<u64>| range.end.saturating_sub(range.start);
                Ok(is_apart
                    && len(range) == len(other)
                    && self.read(file, range.clone())? == self.read(there, other.clone())?)
            }
            (
                Proof::Neighbours(between),
                Action::Patch {
                    file,
                    range,
                    content,
                },
            ) => Ok(is_value(file, range, content.bytes(), *between)),
            (Proof::Replica(_), Action::Arrange { pieces, .. }) => {
                let theirs = pieces.iter().filter_map(|piece| match piece {
                    FilePart::Replica { path, range, .. } => Some((Path::new(path), range)),
                    _ => None,
                });
                for (path, range) in theirs {
                    if !are_batches(&self.read_at(path, range.clone())?) {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Proof::Unused(unused), Action::Truncate { .. } | Action::Excise { .. })
                if unused.is_zeros() =>
            {
                self.are_zeros(step)
            }
            _ => Ok(true),
        }
    }

    /// Returns true if what a step takes out is zeros.
    fn are_zeros(&self, step: &Step) -> Result<bool, Error> {
        let (file, ranges) = match &step.action {
            Action::Truncate { file, to } => {
                let path = self.root.join(file.as_str());
                let len_bytes = self.disk.look(&path).at(&path)?.len_bytes;
                let tail = *to..len_bytes;
                (file, Vec::from([tail]))
            }
            Action::Excise { file, ranges } => (file, ranges.clone()),
            _ => return Ok(false),
        };
        let path = self.root.join(file.as_str());
        let input = self.disk.open(&path).at(&path)?;
        let mut is_zero = true;
        for range in ranges {
            pump(&*input, range, &mut Vec::new(), |bytes| {
                is_zero &= bytes.iter().all(|byte| *byte == 0);
                Ok(())
            })
            .at(&path)?;
        }
        Ok(is_zero)
    }

    /// A range of a file with the patches in it made.
    fn read(&self, file: &PlanPath, range: Range<u64>) -> Result<Vec<u8>, Error> {
        let mut bytes = self.read_at(&self.root.join(file.as_str()), range.clone())?;
        let patches = self.patches.get(file).into_iter();
        for (at, patch) in patches.flat_map(|patches| patches.range(range.clone())) {
            let start = usize::try_from(at - range.start).unwrap_or(usize::MAX);
            let end = start.saturating_add(patch.len());
            if let Some(target) = bytes.get_mut(start..end) {
                target.copy_from_slice(patch);
            }
        }
        Ok(bytes)
    }

    fn read_at(&self, path: &Path, range: Range<u64>) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        if range.end.saturating_sub(range.start) > MOST_BYTES {
            return Ok(all);
        }
        let input = self.disk.open(path).at(path)?;
        pump(&*input, range, &mut Vec::new(), |bytes| {
            all.extend_from_slice(bytes);
            Ok(())
        })
        .at(path)?;
        Ok(all)
    }
}

/// Returns true if a field of a log gets the value that the batches on both sides leave.
fn is_value(file: &PlanPath, range: &Range<u64>, content: &[u8], between: Between) -> bool {
    let int = || {
        content
            .first_chunk()
            .map(|bytes| i32::from_be_bytes(*bytes))
    };
    let long = || {
        content
            .first_chunk()
            .map(|bytes| i64::from_be_bytes(*bytes))
    };
    let value = match content.len() {
        4 => int().map(i64::from),
        8 => long(),
        _ => None,
    };
    let is_field = range.end.saturating_sub(range.start) == content.len() as u64;
    is_field && file.name().ends_with(LOG_SUFFIX) && value == Some(between.value())
}

/// Returns true if bytes are batches with right checksums, and nothing else.
fn are_batches(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        let size = FrameHeader::read(rest).and_then(|header| header.frame_bytes().ok());
        let Some((batch, after)) = size.and_then(|size| rest.split_at_checked(size)) else {
            return false;
        };
        if !is_batch(batch) {
            return false;
        }
        rest = after;
    }
    !bytes.is_empty()
}
