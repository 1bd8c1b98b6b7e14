//! What findings say of a `.log`: what is proven wrong in it, and where to look.

use crate::format::Scratch;
use crate::format::layout::batch as layout;
use crate::repair::planner::frames::batch_of;
use crate::repair::planner::mended::Change;
use crate::repair::planner::steps::Reason;
use crate::repair::proof::Checksum;
use crate::store::{Error, LogFile};
use crate::verify::evidence::{Field, FieldValue};
use crate::verify::{CheckId, Evidence, Finding, Severity};

/// The changes that a checksum proves: none of them makes the file longer or shorter.
pub(super) fn proven(
    log: &LogFile,
    findings: &[&Finding],
    mut scratch: Scratch,
) -> Result<Vec<Change>, Error> {
    let mut changes: Vec<Change> = Vec::new();
    for finding in findings {
        let Some(position) = finding.position else {
            continue;
        };
        let change = match (finding.check, &finding.evidence) {
            (CheckId::FrameSize | CheckId::UnknownMagic, Evidence::Field(value)) => {
                field(value, position)
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

/// Returns true if all records of a batch can be read.
pub(super) fn is_readable(bytes: &[u8], scratch: &mut Scratch) -> bool {
    let Some(batch) = batch_of(bytes) else {
        return false;
    };
    let records = batch.records(scratch);
    records.is_ok_and(|mut records| records.all(|record| record.is_ok()))
}

/// Returns the positions of batches with a right checksum but wrong content, with the check.
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
