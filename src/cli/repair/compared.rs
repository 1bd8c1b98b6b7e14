//! The records of a log dir before and after a repair.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use kseg::format::Limits;
use kseg::format::name::LOG_SUFFIX;
use kseg::records::compare::{Comparison, DifferenceKind, compare_committed};
use kseg::repair::{Action, Applied, Grade, Plan, State, Step};
use kseg::store::{Item, Partition};

use crate::cli::render::rows::grouped;
use crate::cli::render::table::counted;

/// The records of the logs that a plan changes, by their fate.
#[derive(Debug, Default)]
struct Changes {
    same: u64,
    removed: u64,
    /// Removed records by the grade of the step that names their offsets.
    by_grade: BTreeMap<Grade, u64>,
    restored: u64,
    changed: u64,
    /// Records that exist before and after, and are no longer committed, or only now.
    uncommitted: u64,
    committed: u64,
}

/// Compares the readable records of the partitions whose logs a plan changed, before and after.
/// `None` if it changed no log.
///
/// # Errors
/// A file cannot be read.
pub(super) fn records(plan: &Plan, applied: &Applied, limits: Limits) -> Result<Option<String>> {
    let root = Path::new(plan.root());
    let result = match applied {
        Applied::Into { dir, .. } => dir,
        Applied::InPlace { .. } => root,
        Applied::Nothing => return Ok(None),
    };
    let originals = applied.originals();
    let done = || {
        let steps = plan.steps().iter();
        steps.filter(|step| step.safety.grade() != Grade::Manual)
    };
    let of_logs = done().filter(|step| step.action.file().name().ends_with(LOG_SUFFIX));
    let dirs: BTreeSet<&str> = of_logs.map(|step| step.action.file().dir()).collect();
    if dirs.is_empty() {
        return Ok(None);
    }
    // A directory may have another name now.
    let renamed = |dir: &str| {
        let to = done().find_map(|step| match &step.action {
            Action::Rename { file, to } if file.as_str() == dir => Some(to.as_str()),
            _ => None,
        });
        result.join(to.unwrap_or(dir))
    };
    let mut changes = Changes::default();
    for dir in dirs {
        let after = Partition::open(renamed(dir))?;
        let before = match &originals {
            Some(originals) => before(plan, after.clone(), &originals.join(dir), dir)?,
            None => Partition::open(root.join(dir))?,
        };
        let steps = done().filter(|step| step.action.file().dir() == dir);
        changes.add(&compare_committed(&before, &after, limits)?, steps);
    }
    Ok(Some(changes.said()))
}

/// The partition before the repair: the originals of changed files, and the unchanged files.
fn before(plan: &Plan, now: Partition, originals: &Path, dir: &str) -> Result<Partition> {
    let created = plan.fingerprints().filter(|was| was.is == State::Absent);
    let created: BTreeSet<&str> = created
        .filter(|was| was.file.dir() == dir)
        .map(|was| was.file.name())
        .collect();
    let items = now.items().iter().filter(|item| {
        let name = item.name().to_str();
        !name.is_some_and(|name| created.contains(name))
    });
    let mut items: BTreeMap<PathBuf, Item> = items
        .map(|item| (item.name().into(), item.clone()))
        .collect();
    if originals.is_dir() {
        let originals = Item::list(originals)?.into_iter();
        items.extend(originals.map(|item| (item.name().into(), item)));
    }
    Ok(now.with_items(items.into_values().collect()))
}

impl Changes {
    fn add<'s>(&mut self, found: &Comparison, steps: impl Iterator<Item = &'s Step> + Clone) {
        let of = |kind: DifferenceKind| found.records.get(&kind).copied().unwrap_or(0);
        self.same += found.same;
        self.removed += of(DifferenceKind::OnlyFirst);
        self.restored += of(DifferenceKind::OnlySecond);
        self.changed += of(DifferenceKind::Records);
        self.uncommitted += found.committed.only_first;
        self.committed += found.committed.only_second;
        let mut unnamed = of(DifferenceKind::OnlyFirst);
        let ranges = found.ranges.iter();
        for range in ranges.filter(|range| range.kind == DifferenceKind::OnlyFirst) {
            let mut named = steps.clone().filter(|step| {
                let offsets = step.loss.offsets;
                offsets.is_some_and(|(first, last)| first <= range.last && range.first <= last)
            });
            if let Some(step) = named.next() {
                *self.by_grade.entry(step.safety.grade()).or_default() += range.records;
                unnamed -= range.records;
            }
        }
        // A step has no offsets if another batch has them too.
        let others = steps.filter(|step| step.loss.records > 0 && step.loss.offsets.is_none());
        let grades: BTreeSet<Grade> = others.map(|step| step.safety.grade()).collect();
        if let (1.., Some(grade), 1) = (unnamed, grades.first(), grades.len()) {
            *self.by_grade.entry(*grade).or_default() += unnamed;
        }
    }

    fn said(&self) -> String {
        let same = counted(self.same, "record");
        let grades = self.by_grade.iter();
        let grades = grades.map(|(grade, count)| format!("{} {}", grouped(*count), grade.name()));
        let grades: Vec<String> = grades.collect();
        let of_grades = match grades.join(", ") {
            grades if grades.is_empty() => String::new(),
            grades => format!(" ({grades})"),
        };
        let [removed, restored, changed] = [self.removed, self.restored, self.changed].map(grouped);
        let mut said = format!(
            "records before and after: {same} the same, {removed} removed{of_grades}, {restored} \
             restored, {changed} changed\n"
        );
        if self.committed + self.uncommitted > 0 {
            let [more, fewer] = [self.committed, self.uncommitted].map(grouped);
            said = format!(
                "{said}for consumers with read_committed, of the same records: {more} visible \
                 only now, {fewer} no longer\n"
            );
        }
        said
    }
}
