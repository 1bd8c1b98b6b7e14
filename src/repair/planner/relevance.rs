//! Which findings ask for a repair.

use crate::verify::{CheckId, Family, Finding, Severity};

/// Returns true if something is to be done about a finding. A missing index is, even where a broker would make it again: it would read
/// the whole segment for that before it serves anything.
pub(super) fn is_wrong(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning || is_missing_index(finding.check)
}

/// Returns true if a check is about an index that is not there.
pub(super) fn is_missing_index(check: CheckId) -> bool {
    matches!(
        check,
        CheckId::OffsetIndexMissing | CheckId::TimeIndexMissing
    )
}

/// Returns true if a check is about a file that derives from the log, and says nothing of the log itself.
pub(super) fn is_derived(check: CheckId) -> bool {
    match check.family() {
        Family::OffsetIndex | Family::TimeIndex | Family::TxnIndex | Family::Producer => true,
        // A batch may have the wrong epoch.
        Family::Epochs => check != CheckId::EpochsMismatch,
        _ => false,
    }
}
