//! What findings say of a `.log`: what is proven wrong in it, and where to look.

use super::frames::batch_of;
use super::mend::Change;
use super::steps::Reason;
use crate::format::Scratch;
use crate::format::layout::batch as layout;
use crate::repair::Odds;
use crate::repair::proof::{Between, Checksum};
use crate::store::{Error, LogFile};
use crate::verify::evidence::{Disorder, EpochConflict, Field, FieldValue, Number};
use crate::verify::{CheckId, Evidence, Finding, Severity};

/// Leader epochs rise by one with every election: what is so far from the checkpoint is no election that was not noted, but damage.
const FAR_EPOCHS: i64 = 1 << 16;

/// The changes that a checksum speaks for, or the batches around: none of them makes the file longer or shorter.
pub(super) fn proven(log: &LogFile, findings: &[&Finding]) -> Result<Vec<Change>, Error> {
    let mut changes: Vec<Change> = Vec::new();
    let mut scratch = Scratch::default();
    for finding in findings {
        let Some(position) = finding.position else {
            continue;
        };
        let change = match (finding.check, &finding.evidence) {
            (CheckId::FrameSize | CheckId::UnknownMagic, Evidence::Field(value)) => {
                field(value, position)
            }
            (CheckId::EpochsMismatch, Evidence::EpochConflict(conflict)) => {
                changes.extend(far_epoch(finding, conflict, position));
                continue;
            }
            // One batch alone.
            (CheckId::EpochRegression | CheckId::EpochJump, Evidence::Disorder(run))
                if run.number == Number::Epoch && run.batches == 1 =>
            {
                changes.extend(epoch_between(finding, run, position));
                continue;
            }
            (CheckId::CrcMismatch, evidence) => flipped(log, evidence)?,
            _ => None,
        };
        let Some((at, bytes)) = change else { continue };
        changes.extend(checked(log, finding, at, bytes, &mut scratch)?);
    }
    changes.sort_by_key(|change| change.range.start);
    let mut end = 0;
    changes.retain(|change| {
        let is_apart = end <= change.range.start;
        end = end.max(change.range.end);
        is_apart
    });
    Ok(changes)
}

/// The bytes of a field that has to have another value.
fn field(value: &FieldValue, position: u64) -> Option<(u64, Vec<u8>)> {
    let bytes = match value.field {
        Field::BatchLength => i32::try_from(value.actual).ok()?.to_be_bytes().to_vec(),
        Field::Magic => i8::try_from(value.actual).ok()?.to_be_bytes().to_vec(),
        _ => return None,
    };
    let at = match value.field {
        Field::Magic => layout::MAGIC as u64,
        _ => layout::LENGTH as u64,
    };
    Some((position.checked_add(at)?, bytes))
}

/// The byte with the bit that a finding says is flipped.
fn flipped(log: &LogFile, evidence: &Evidence) -> Result<Option<(u64, Vec<u8>)>, Error> {
    let Some(flip) = evidence.flipped_bit() else {
        return Ok(None);
    };
    let at = flip.position;
    let mut buffer = Vec::new();
    let byte = log.window(at..at.saturating_add(1), &mut buffer)?;
    let bit = 1_u8.checked_shl(flip.bit.into());
    let byte = byte.first().copied().zip(bit);
    Ok(byte.map(|(byte, bit)| (at, vec![byte ^ bit])))
}

/// The change of a batch, if its checksum is right then and all of its records can be read.
fn checked(
    log: &LogFile,
    finding: &Finding,
    at: u64,
    bytes: Vec<u8>,
    scratch: &mut Scratch,
) -> Result<Option<Change>, Error> {
    let (Some(start), Some(length)) = (finding.position, finding.length) else {
        return Ok(None);
    };
    let range = start..start.saturating_add(length);
    let mut buffer = Vec::new();
    let mut batch = log.window(range.clone(), &mut buffer)?.to_vec();
    let place = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
    let Some(target) = place
        .checked_add(bytes.len())
        .and_then(|end| batch.get_mut(place..end))
    else {
        return Ok(None);
    };
    target.copy_from_slice(&bytes);
    let one_in = match finding.check {
        CheckId::CrcMismatch => one_bit_in(length),
        // One size, or one magic, was tried.
        _ => 1 << 32,
    };
    let proof = Checksum::of_result(&batch, range, one_in);
    let proof = proof.filter(|_| is_readable(&batch, scratch));
    Ok(proof.map(|proof| Change {
        range: at..at + bytes.len() as u64,
        bytes,
        reason: Reason::proven(&[finding.check], finding.message(), proof),
    }))
}

/// Of how many batches of so many bytes that are damaged in some other way one has a checksum that a single bit explains: there are as
/// many bits as are covered, and 2^32 checksums.
fn one_bit_in(length: u64) -> u64 {
    (1_u64 << 32) / length.saturating_mul(8).max(1)
}

/// Whether all records of a batch can be read.
pub(super) fn is_readable(bytes: &[u8], scratch: &mut Scratch) -> bool {
    let Some(batch) = batch_of(bytes) else {
        return false;
    };
    let records = batch.records(scratch);
    records.is_ok_and(|mut records| records.all(|record| record.is_ok()))
}

/// The leader epoch that the checkpoint has for a batch whose own cannot be one.
fn far_epoch(finding: &Finding, conflict: &EpochConflict, position: u64) -> Option<Change> {
    let epoch = conflict.stored.filter(|stored| *stored >= 0)?;
    let (stored, actual) = (i64::from(epoch), i64::from(conflict.actual));
    let is_far = actual < stored || stored.checked_add(FAR_EPOCHS)? < actual;
    is_far.then(|| Change {
        range: position..position + 4,
        bytes: epoch.to_be_bytes().to_vec(),
        reason: Reason::likely(&[finding.check], finding.message(), Odds::Unknown),
    })
}

/// The leader epoch of a single batch that does not fit between those around it: theirs where they agree, else the one that is a bit
/// away, else that of the batch after it.
fn epoch_between(finding: &Finding, run: &Disorder, position: u64) -> Option<Change> {
    let fits = |epoch: &i64| {
        let is_late = run.before.is_none_or(|before| before <= *epoch);
        is_late && run.after.is_none_or(|after| *epoch <= after)
    };
    let one_bit = run.actual.filter(fits);
    let epoch = one_bit.or(run.after).or(run.before)?;
    let epoch = i32::try_from(epoch).ok()?;
    let at = position + layout::LEADER_EPOCH as u64;
    Some(Change {
        range: at..at + 4,
        bytes: epoch.to_be_bytes().to_vec(),
        reason: Reason::proven_or_likely(
            &[finding.check],
            finding.message(),
            Between::agree(run.before, run.after),
        ),
    })
}

/// Where batches begin whose checksums are right and whose content is not, with the check that says so.
pub(super) fn suspects(findings: &[&Finding]) -> Vec<(u64, CheckId)> {
    let is_content = |finding: &&&Finding| {
        finding.severity >= Severity::Warning
            && matches!(
                finding.check,
                CheckId::UnknownMagic
                    | CheckId::UnknownCodec
                    | CheckId::NegativeEpoch
                    | CheckId::MaxTimestamp
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
