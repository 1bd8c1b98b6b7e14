//! The records of a log dir before and after a repair.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use kseg::format::Limits;
use kseg::format::name::LOG_SUFFIX;
use kseg::records::compare::{DifferenceKind, compare};
use kseg::repair::{Grade, Plan};
use kseg::store::Partition;

use crate::cli::render::rows::grouped;
use crate::cli::render::table::counted;

/// Compares what can be read of the partitions whose logs a plan changes, in its root and in the
/// `result`. None if it changes no log.
///
/// # Errors
/// A file cannot be read.
pub(super) fn records(plan: &Plan, result: &Path, limits: Limits) -> Result<Option<String>> {
    let changed = plan.steps().iter().filter(|step| {
        step.safety.grade() != Grade::Manual && step.action.file().name().ends_with(LOG_SUFFIX)
    });
    let dirs: BTreeSet<&str> = changed.map(|step| step.action.file().dir()).collect();
    if dirs.is_empty() {
        return Ok(None);
    }
    let (mut same, mut removed, mut restored, mut other) = (0, 0, 0, 0);
    for dir in dirs {
        let before = Partition::open(Path::new(plan.root()).join(dir))?;
        let after = Partition::open(result.join(dir))?;
        let compared = compare(&before, &after, limits)?;
        let of = |kind: DifferenceKind| compared.records.get(&kind).copied().unwrap_or(0);
        same += compared.same;
        removed += of(DifferenceKind::OnlyFirst);
        restored += of(DifferenceKind::OnlySecond);
        other += of(DifferenceKind::Records);
    }
    let same = counted(same, "record");
    let [removed, restored, other] = [removed, restored, other].map(grouped);
    Ok(Some(format!(
        "records compared with the source: {same} the same, {removed} removed, {restored} \
         restored, {other} changed\n"
    )))
}
