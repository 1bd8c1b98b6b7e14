//! What no step repairs: told to people.

use std::collections::{BTreeMap, BTreeSet};

use super::links::Unfollowed;
use super::steps::{Reason, Steps};
use crate::repair::PlanPath;
use crate::repair::error::Error;
use crate::repair::plan::Action;
use crate::verify::{CheckId, Family, Finding, Severity};

/// Adds a step that describes each finding that no other step is after, one a file and check.
///
/// # Errors
/// A file cannot be read.
pub(super) fn steps(
    findings: &[Finding],
    unfollowed: &Unfollowed,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let mut unnameable: BTreeMap<PlanPath, BTreeSet<CheckId>> = BTreeMap::new();
    for finding in findings
        .iter()
        .filter(|finding| finding.severity >= Severity::Warning && is_left(finding))
        .filter(|finding| !unfollowed.holds(&finding.path))
    {
        let Some(file) = steps.path(&finding.path) else {
            if let Some(entry) = steps.unnameable(&finding.path) {
                unnameable.entry(entry).or_default().insert(finding.check);
            }
            continue;
        };
        let is_reported = steps.tells(finding.check, &file) || steps.covers(finding.check, &file);
        // What a producer did follows from the batches that the other steps leave.
        let is_of_producer = is_about_producer(finding.check) && steps.changes_logs_of(&file);
        if is_reported || is_of_producer {
            continue;
        }
        let repair = finding.check.check().manual().find_map(|line| {
            let line = line.trim().strip_prefix("**Repair**")?;
            Some(line.trim().to_owned())
        });
        let why = format!("{}. {}", finding.message(), repair.unwrap_or_default());
        let reason = Reason::manual(&[finding.check], why.trim());
        steps.add(Action::Describe { file }, &[], reason)?;
    }
    for (file, checks) in unnameable {
        let checks: Vec<CheckId> = checks.into_iter().collect();
        let why = "kseg cannot repair a path with control characters, direction marks or bytes \
                   that are not UTF-8. Rename it, and make a new plan.";
        steps.add(Action::Describe { file }, &[], Reason::manual(&checks, why))?;
    }
    Ok(())
}

/// Returns true if a batch is wrong only next to those of its producer.
fn is_about_producer(check: CheckId) -> bool {
    matches!(
        check,
        CheckId::SequenceDuplicate | CheckId::ForeignInTransaction
    )
}

/// Returns true if something is wrong that cannot be computed: what derives from the log was
/// computed again, and is right or has a step. What is merely odd in a log, and served all the
/// same, is nothing to repair; neither is a batch as a client made it that no rewriting makes
/// right.
fn is_left(finding: &Finding) -> bool {
    let family = finding.check.family();
    let is_of_client = matches!(
        finding.check,
        CheckId::RecordCount | CheckId::Wrapper | CheckId::DeltaOrder | CheckId::DeltaOutside
    );
    let is_in_log = family.is_of_log() && !is_of_client;
    matches!(family, Family::Directory | Family::Metadata)
        || is_in_log && finding.severity == Severity::Error
}
