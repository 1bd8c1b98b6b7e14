//! What findings say of a `.log`: what is proven wrong in it, and where to look.

use super::mend::Change;
use super::steps::Reason;
use crate::store::{Error, LogFile};
use crate::verify::evidence::{EpochConflict, Field, FieldValue, Number};
use crate::verify::{CheckId, Evidence, Finding, Severity};

/// Where the fields of a header are that no checksum covers.
const LENGTH: u64 = 8;
const EPOCH: u64 = 12;
const MAGIC: u64 = 16;

/// The changes that a checksum proves, or the batches around: none of them makes the file longer or shorter.
pub(super) fn proven(log: &LogFile, findings: &[&Finding]) -> Result<Vec<Change>, Error> {
    let mut changes: Vec<Change> = Vec::new();
    for finding in findings {
        let Some((at, bytes)) = change(log, finding)? else {
            continue;
        };
        let range = at..at.saturating_add(bytes.len() as u64);
        let overlaps =
            |change: &Change| change.range.start < range.end && range.start < change.range.end;
        if !changes.iter().any(overlaps) {
            let reason = Reason::safe(&[finding.check], finding.message());
            changes.push(Change {
                range,
                bytes,
                reason,
            });
        }
    }
    Ok(changes)
}

/// What a finding proves to be other bytes: where they are, and what they must be.
fn change(log: &LogFile, finding: &Finding) -> Result<Option<(u64, Vec<u8>)>, Error> {
    if let Some(flip) = finding.evidence.flipped_bit() {
        let mut buffer = Vec::new();
        let range = flip.position..flip.position.saturating_add(1);
        let byte = log.window(range, &mut buffer)?.first().copied();
        let bit = 1_u8.checked_shl(flip.bit.into());
        return Ok(byte
            .zip(bit)
            .map(|(byte, bit)| (flip.position, vec![byte ^ bit])));
    }
    let Some(position) = finding.position else {
        return Ok(None);
    };
    let four = |field: u64, number: i32| {
        let at = position.saturating_add(field);
        (at, number.to_be_bytes().to_vec())
    };
    Ok(match (finding.check, &finding.evidence) {
        (
            CheckId::FrameSize,
            Evidence::Field(FieldValue {
                field: Field::BatchLength,
                actual,
                ..
            }),
        ) => i32::try_from(*actual)
            .ok()
            .map(|actual| four(LENGTH, actual)),
        (
            CheckId::UnknownMagic,
            Evidence::Field(FieldValue {
                field: Field::Magic,
                actual,
                ..
            }),
        ) => i8::try_from(*actual).ok().map(|actual| {
            let at = position.saturating_add(MAGIC);
            (at, actual.to_be_bytes().to_vec())
        }),
        (
            CheckId::EpochsMismatch,
            Evidence::EpochConflict(EpochConflict {
                stored: Some(stored @ 0..),
                ..
            }),
        ) => Some(four(0, *stored)),
        // One batch alone between others of one epoch.
        (CheckId::EpochRegression | CheckId::EpochJump, Evidence::Disorder(run))
            if run.number == Number::Epoch && run.batches == 1 =>
        {
            let before = run.before.and_then(|before| i32::try_from(before).ok());
            before.map(|before| four(EPOCH, before))
        }
        _ => None,
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
