//! The records of a log dir before and after a repair.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

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
    // By directory, in one pass: a plan may have steps for many thousands.
    let mut by_dir: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    let mut renamed: BTreeMap<&str, &str> = BTreeMap::new();
    let steps = plan.steps().iter();
    for step in steps.filter(|step| step.safety.grade() != Grade::Manual) {
        let file = step.action.file();
        by_dir.entry(file.dir()).or_default().push(step);
        if let Action::Rename { to, .. } = &step.action {
            renamed.entry(file.as_str()).or_insert(to.as_str());
        }
    }
    let mut created: BTreeMap<&str, BTreeSet<OsString>> = BTreeMap::new();
    for was in plan.fingerprints().filter(|was| was.is == State::Absent) {
        let names = created.entry(was.file.dir()).or_default();
        names.insert(was.file.name().into());
    }
    let is_of_log = |step: &&Step| step.action.file().name().ends_with(LOG_SUFFIX);
    by_dir.retain(|_, steps| steps.iter().any(is_of_log));
    // The directory may have another name now. One that was taken out has nothing to compare: its
    // steps name all of it.
    let now = |dir: &str| result.join(renamed.get(dir).copied().unwrap_or(dir));
    by_dir.retain(|dir, _| now(dir).is_dir());
    if by_dir.is_empty() {
        return Ok(None);
    }
    let mut changes = Changes::default();
    for (dir, steps) in by_dir {
        let after = Partition::open(now(dir))?;
        let before = match &originals {
            Some(originals) => {
                let created = created.remove(dir).unwrap_or_default();
                before(created, after.clone(), &originals.join(dir))?
            }
            None => Partition::open(root.join(dir))?,
        };
        // In place of a log there may have been a directory.
        let files = before.items().iter().filter(|item| item.is_file());
        let files = files.cloned().collect();
        let before = before.with_items(files);
        changes.add(&compare_committed(&before, &after, limits)?, &steps);
    }
    Ok(Some(changes.said()))
}

/// The partition before the repair: the originals of changed files, and the unchanged files.
/// `replaced` has the names of files that were created.
fn before(mut replaced: BTreeSet<OsString>, now: Partition, originals: &Path) -> Result<Partition> {
    let mut items = Vec::new();
    if originals.is_dir() {
        items = Item::list(originals)?;
        replaced.extend(items.iter().map(|item| item.name().to_owned()));
    }
    let unchanged = now.items().iter();
    let unchanged = unchanged.filter(|item| !replaced.contains(item.name()));
    items.extend(unchanged.cloned());
    Ok(now.with_items(items))
}

impl Changes {
    fn add(&mut self, found: &Comparison, steps: &[&Step]) {
        let of = |kind: DifferenceKind| found.records.get(&kind).copied().unwrap_or(0);
        self.same += found.same;
        self.removed += of(DifferenceKind::OnlyFirst);
        self.restored += of(DifferenceKind::OnlySecond);
        self.changed += of(DifferenceKind::Records);
        self.uncommitted += found.committed.only_first;
        self.committed += found.committed.only_second;
        let losses: Vec<_> = steps
            .iter()
            .filter_map(|step| Some((step.loss.offsets?, step.safety.grade())))
            .collect();
        let mut unnamed = of(DifferenceKind::OnlyFirst);
        let ranges = found.ranges.iter();
        for range in ranges.filter(|range| range.kind == DifferenceKind::OnlyFirst) {
            let is_named =
                |((first, last), _): &&(_, _)| *first <= range.last && range.first <= *last;
            if let Some((_, grade)) = losses.iter().find(is_named) {
                *self.by_grade.entry(*grade).or_default() += range.records;
                unnamed -= range.records;
            }
        }
        // A step has no offsets if another batch has them too.
        let others = steps.iter();
        let others = others.filter(|step| step.loss.records > 0 && step.loss.offsets.is_none());
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
