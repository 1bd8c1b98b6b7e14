//! What findings say of a `.log`: what is proven wrong in it, and where to look.

use super::mend::Change;
use super::steps::Reason;
use crate::format::layout::batch as layout;
use crate::store::{Error, LogFile};
use crate::verify::{CheckId, Finding, Severity, Value};

fn number(finding: &Finding, name: &str) -> Option<i64> {
    match finding.detail.get(name)? {
        Value::Int(number) => i64::try_from(*number).ok(),
        _ => None,
    }
}

/// The changes that a checksum proves, or the batches around: none of them makes the file longer or shorter.
pub(super) fn proven(log: &LogFile, findings: &[&Finding]) -> Result<Vec<Change>, Error> {
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
            CheckId::FrameSize if let Some(actual) = actual => (
                position + layout::LENGTH as u64,
                actual.to_be_bytes().to_vec(),
            ),
            CheckId::UnknownMagic
                if let Some(actual) = actual.and_then(|n| i8::try_from(n).ok()) =>
            {
                (
                    position + layout::MAGIC as u64,
                    actual.to_be_bytes().to_vec(),
                )
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
                (
                    position + layout::LEADER_EPOCH as u64,
                    epoch.to_be_bytes().to_vec(),
                )
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
