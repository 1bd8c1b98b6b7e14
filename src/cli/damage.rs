//! Records that consumers cannot read because of findings: one count for verify, check and repair
//! plan.

use kseg::verify::evidence::Records;
use kseg::verify::{CheckId, Finding, Severity};

use super::render::table::counted;

/// Returns the findings that make records unreadable for a consumer.
pub(crate) fn unreadable<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let findings = findings.into_iter();
    findings.filter(|found| is_unreadable(found)).collect()
}

/// Returns true if a consumer that reaches the position of a finding gets no records, or an error.
/// Most starts of a broker do not read the records, so a start may not truncate them.
fn is_unreadable(finding: &Finding) -> bool {
    let is_damage = matches!(
        finding.check,
        CheckId::CrcMismatch
            | CheckId::FrameSize
            | CheckId::UnknownMagic
            | CheckId::UnknownCodec
            | CheckId::ZeroPages
            | CheckId::LostFrames
            | CheckId::InflateFailed
            | CheckId::RecordsMissing
            | CheckId::FieldLength
    );
    let is_lost = finding
        .loss
        .as_ref()
        .is_some_and(|loss| loss.records.at_most() > 0);
    finding.severity >= Severity::Error && (is_damage || is_lost)
}

/// `at most 10 records`; `None` for no records.
pub(crate) fn amount(records: Records) -> Option<String> {
    match records {
        Records::Exactly(0) | Records::AtMost(0) => None,
        Records::Exactly(records) => Some(counted(records, "record")),
        Records::AtMost(records) => Some(format!("at most {}", counted(records, "record"))),
        Records::Unknown => Some("an unknown number of records".into()),
    }
}

/// Returns the sum of two losses.
pub(crate) fn sum(a: Records, b: Records) -> Records {
    match (a, b) {
        (Records::Unknown, _) | (_, Records::Unknown) => Records::Unknown,
        (Records::Exactly(a), Records::Exactly(b)) => Records::Exactly(a.saturating_add(b)),
        (a, b) => Records::AtMost(a.at_most().saturating_add(b.at_most())),
    }
}
