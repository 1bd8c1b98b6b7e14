//! Steps that depend on each other.
//!
//! Where the log of a partition is repaired, all of its steps belong together: batches go from one
//! segment to another, and the other files are computed from the log as all of them leave it. The
//! checkpoints of a log dir have the ends of all logs.

use std::collections::{BTreeMap, BTreeSet};

use super::parts::PlanPath;
use super::step::{Action, Scope, Step};
use crate::format::name::LOG_SUFFIX;
use crate::format::{FileKind, FileName};

/// Returns the steps, besides the `skipped` ones, that must not be done without them.
pub(super) fn of(steps: &[Step], scope: Scope, skipped: &BTreeSet<u32>) -> Vec<u32> {
    let mut groups = Groups::default();
    for step in changing(steps) {
        groups.add(step, scope);
    }
    let mut broken = BTreeSet::new();
    for step in changing(steps).filter(|step| skipped.contains(&step.id)) {
        let group = dirs(step, scope).next().map(|dir| groups.of(dir));
        broken.extend(group.filter(|group| groups.with_log.contains(group)));
    }
    let depends = |step: &&Step| {
        let mut dirs = dirs(step, scope);
        dirs.any(|dir| broken.contains(&groups.of(dir)))
            || (!broken.is_empty() && is_checkpoint(step, scope))
    };
    let others = changing(steps).filter(|step| !skipped.contains(&step.id));
    others.filter(depends).map(|step| step.id).collect()
}

/// Directories whose steps belong together.
#[derive(Default)]
struct Groups<'a> {
    numbers: BTreeMap<&'a str, usize>,
    /// A directory of the same group; itself, if it is the first.
    parents: Vec<usize>,
    /// The groups in which a log changes.
    with_log: BTreeSet<usize>,
}

impl<'a> Groups<'a> {
    fn add(&mut self, step: &'a Step, scope: Scope) {
        let mut whole = None;
        for dir in dirs(step, scope) {
            let number = *self.numbers.entry(dir).or_insert_with(|| {
                self.parents.push(self.parents.len());
                self.parents.len() - 1
            });
            let root = self.shorten(number);
            let first = *whole.get_or_insert(root);
            if root != first {
                if let Some(parent) = self.parents.get_mut(root) {
                    *parent = first;
                }
                if self.with_log.remove(&root) {
                    self.with_log.insert(first);
                }
            }
        }
        if changes_log(step, scope) {
            self.with_log.extend(whole);
        }
    }

    /// Returns the group of a directory, and brings it nearer.
    fn shorten(&mut self, number: usize) -> usize {
        let root = self.root(number);
        if let Some(parent) = self.parents.get_mut(number) {
            *parent = root;
        }
        root
    }

    fn root(&self, mut number: usize) -> usize {
        while let Some(parent) = self.parents.get(number).filter(|it| **it != number) {
            number = *parent;
        }
        number
    }

    /// Returns the group of a directory.
    fn of(&self, dir: &str) -> usize {
        let number = self.numbers.get(dir).copied();
        number.map_or(usize::MAX, |number| self.root(number))
    }
}

/// The steps that change something.
fn changing(steps: &[Step]) -> impl Iterator<Item = &Step> {
    let describes = |step: &&Step| matches!(step.action, Action::Describe { .. });
    steps.iter().filter(move |step| !describes(step))
}

/// The partition directories that a step changes or reads.
fn dirs(step: &Step, scope: Scope) -> impl Iterator<Item = &str> {
    let read = step.fingerprints.iter().map(|print| &print.file);
    let paths = paths(step).chain(read);
    paths.filter_map(move |path| match (path.dir(), scope) {
        ("", Scope::LogDir) => is_directory(path, scope).then(|| path.name()),
        (dir, _) => Some(dir),
    })
}

/// Returns true if a step changes a `.log`, or the directory of a partition.
fn changes_log(step: &Step, scope: Scope) -> bool {
    paths(step).any(|path| path.name().ends_with(LOG_SUFFIX) || is_directory(path, scope))
}

/// Returns true if a path is the directory of a partition, and not a file of the log dir.
fn is_directory(path: &PlanPath, scope: Scope) -> bool {
    let is_in_log_dir = scope == Scope::LogDir && path.dir().is_empty();
    is_in_log_dir && FileName::parse(path.name()).is_none()
}

fn is_checkpoint(step: &Step, scope: Scope) -> bool {
    let name = FileName::parse(step.action.file().name());
    scope == Scope::LogDir
        && name.is_some_and(|name| {
            matches!(
                name.kind,
                FileKind::RecoveryPoints
                    | FileKind::HighWatermarks
                    | FileKind::LogStarts
                    | FileKind::CleanerOffsets
            )
        })
}

/// The paths that a step changes.
fn paths(step: &Step) -> impl Iterator<Item = &PlanPath> {
    let to = match &step.action {
        Action::Rename { to, .. } => Some(to),
        _ => None,
    };
    [step.action.file()].into_iter().chain(to)
}
