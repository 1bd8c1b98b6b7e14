//! Work: what a plan comes to for each path, whatever the order of its steps.
//!
//! However many steps there are, a path ends in one of four ways: a new content is put there, it is
//! dropped, an empty directory is removed, or a directory gets another name. All contents are made
//! from the files as they were, so nothing waits for anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::invalid_plan::InvalidPlan;
use super::parts::{Crc, FilePart, PlanPath, Recipe, State, is_shown};
use super::proof::Proof;
use super::safety::Safety;
use super::splice::{Edit, Splice};
use super::step::{Action, Draft, Step};
use crate::format::name::FileState;
use crate::format::{FileKind, FileName};

/// The work of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Work {
    /// The states of everything changed or relied on, when the plan was made.
    pub(super) was: BTreeMap<PlanPath, State>,
    /// The states of files of replicas, when the plan was made.
    pub(super) replicas: BTreeMap<PathBuf, State>,
    /// Files that get a content.
    pub(super) puts: BTreeMap<PlanPath, Source>,
    /// Files that go.
    pub(super) drops: BTreeSet<PlanPath>,
    /// Directories that go; nothing is left in them by then.
    pub(super) removed_dirs: BTreeSet<PlanPath>,
    /// Directories that get another name.
    pub(super) renamed_dirs: BTreeMap<PlanPath, PlanPath>,
}

/// The source of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// From a file as it was; `None` if it only changes its name.
    File(PlanPath, Option<Splice>),
    /// From the plan.
    Bytes(Vec<u8>),
    /// From several files as they were.
    Parts(Vec<FilePart>),
    /// Computed from the log as it will be.
    Recipe(Recipe, State),
}

impl Work {
    /// Collects the changes of the steps.
    pub(super) fn of(draft: &Draft) -> Result<Self, InvalidPlan> {
        if !draft.root.starts_with('/') || !draft.root.chars().all(is_shown) {
            return Err(InvalidPlan::Root(draft.root.clone()));
        }
        check_text(&draft.tool)?;
        let mut gather = Gather::default();
        for (step, expected) in draft.steps.iter().zip(1..) {
            check(step, expected)?;
            gather.fingerprints(step, draft.scope.depth())?;
        }
        for step in &draft.steps {
            gather.step(step, draft.scope.depth())?;
        }
        gather.finish()
    }

    /// Returns true if there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.puts.is_empty()
            && self.drops.is_empty()
            && self.removed_dirs.is_empty()
            && self.renamed_dirs.is_empty()
    }

    /// Returns true if a directory makes room for a file of its name.
    pub(super) fn replaces(&self, dir: &PlanPath) -> bool {
        self.removed_dirs.contains(dir) && self.puts.contains_key(dir)
    }

    /// Returns true if a file is taken over as it is.
    pub(super) fn keeps(&self, path: &str) -> bool {
        // Paths too deep or too odd for a plan are in none.
        path.parse().map_or(true, |path: PlanPath| {
            !self.puts.contains_key(&path) && !self.drops.contains(&path)
        })
    }
}

/// The facts from the steps so far.
#[derive(Debug, Default)]
struct Gather {
    work: Work,
    edits: BTreeMap<PlanPath, Vec<Edit>>,
    renames: BTreeMap<PlanPath, PlanPath>,
    /// The new names of directories.
    renamed_to: BTreeSet<PlanPath>,
    contents: BTreeMap<PlanPath, Source>,
    /// Paths of `contents` at which there may be nothing, unless something takes it away.
    created: Vec<(u32, PlanPath)>,
}

impl Gather {
    fn fingerprints(&mut self, step: &Step, depth: usize) -> Result<(), InvalidPlan> {
        for fingerprint in &step.fingerprints {
            let path = fingerprint.file.clone();
            if path.depth() > depth {
                return Err(InvalidPlan::Depth(path.to_string()));
            }
            let earlier = self.work.was.insert(path, fingerprint.is);
            if earlier.is_some_and(|earlier| earlier != fingerprint.is) {
                return Err(InvalidPlan::TwoFingerprints(fingerprint.file.to_string()));
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &Step, depth: usize) -> Result<(), InvalidPlan> {
        let path = step.action.file();
        if path.depth() > depth {
            return Err(InvalidPlan::Depth(path.to_string()));
        }
        if matches!(step.action, Action::Describe { .. }) {
            return Ok(());
        }
        let was = was(step, path)?;
        match (&step.action, was) {
            (Action::Create { content, .. }, _) => {
                self.created.push((step.id, path.clone()));
                self.content(path, Source::Bytes(content.bytes().to_vec()))
            }
            (
                Action::Rebuild {
                    recipe,
                    len_bytes,
                    crc,
                    ..
                },
                _,
            ) => {
                if matches!(was, State::Directory { .. }) {
                    self.created.push((step.id, path.clone()));
                }
                let becomes = State::File {
                    len_bytes: *len_bytes,
                    crc: *crc,
                };
                self.content(path, Source::Recipe(recipe.clone(), becomes))
            }
            (Action::Arrange { pieces, .. }, State::File { .. } | State::Absent) => {
                for piece in pieces {
                    check_part(step, path, piece)?;
                    self.replica(piece)?;
                }
                self.content(path, Source::Parts(pieces.clone()))
            }
            (Action::Replace { content, .. }, State::File { .. }) => {
                self.content(path, Source::Bytes(content.bytes().to_vec()))
            }
            (Action::Quarantine { .. }, State::File { .. }) => {
                once(self.work.drops.insert(path.clone()), path)
            }
            (Action::Quarantine { .. }, State::Directory { .. }) => {
                once(self.work.removed_dirs.insert(path.clone()), path)
            }
            (Action::Rename { to, .. }, State::File { .. } | State::Directory { .. }) => {
                self.rename(step, was, path, to, depth)
            }
            (action, State::File { len_bytes, .. }) => {
                let edits = self.edits.entry(path.clone()).or_default();
                edits.append(&mut edits_of(action, len_bytes));
                Ok(())
            }
            (action, is) => Err(kind(step.id, action.name(), path, is)),
        }
    }

    fn replica(&mut self, piece: &FilePart) -> Result<(), InvalidPlan> {
        let FilePart::Replica { path, was, .. } = piece else {
            return Ok(());
        };
        let earlier = self.work.replicas.insert(path.into(), *was);
        if earlier.is_some_and(|earlier| earlier != *was) {
            return Err(InvalidPlan::Replica(path.clone()));
        }
        Ok(())
    }

    fn content(&mut self, path: &PlanPath, source: Source) -> Result<(), InvalidPlan> {
        let earlier = self.contents.insert(path.clone(), source);
        once(earlier.is_none(), path)
    }

    fn rename(
        &mut self,
        step: &Step,
        is: State,
        path: &PlanPath,
        to: &PlanPath,
        depth: usize,
    ) -> Result<(), InvalidPlan> {
        if to.depth() > depth {
            return Err(InvalidPlan::Depth(to.to_string()));
        }
        let target = was(step, to)?;
        match (is, target) {
            (State::File { .. }, State::File { .. } | State::Absent) => {
                let earlier = self.renames.insert(path.clone(), to.clone());
                once(earlier.is_none() && path != to, path)
            }
            (State::Directory { .. }, State::Absent) if path.dir() == to.dir() => {
                let renamed = &mut self.work.renamed_dirs;
                once(self.renamed_to.insert(to.clone()), to)?;
                once(renamed.insert(path.clone(), to.clone()).is_none(), path)
            }
            _ => Err(kind(step.id, "rename", to, target)),
        }
    }

    fn finish(mut self) -> Result<Work, InvalidPlan> {
        // A file is edited, renamed, given another content, or dropped; edited and renamed at once
        // if need be.
        let mut sources: BTreeSet<&PlanPath> = self.edits.keys().collect();
        sources.extend(self.renames.keys());
        for path in sources {
            once(
                !self.contents.contains_key(path) && !self.work.drops.contains(path),
                path,
            )?;
            let splice = match self.edits.get(path) {
                Some(edits) => Some(self.splice(path, edits)?),
                None => None,
            };
            let to = self.renames.get(path).unwrap_or(path);
            let source = Source::File(path.clone(), splice);
            once(
                self.work.puts.insert(to.clone(), source).is_none()
                    && !self.contents.contains_key(to),
                to,
            )?;
        }
        self.work.drops.extend(self.renames.into_keys());
        for (step, path) in self.created {
            let is = self.work.was.get(&path).copied().unwrap_or(State::Absent);
            let Work {
                drops,
                removed_dirs,
                ..
            } = &self.work;
            let is_gone = drops.contains(&path) || removed_dirs.contains(&path);
            if is != State::Absent && !is_gone {
                return Err(kind(step, "create", &path, is));
            }
        }
        self.work.puts.extend(self.contents);
        let Work { puts, drops, .. } = &mut self.work;
        drops.retain(|path| !puts.contains_key(path));
        self.work.check_dirs()?;
        Ok(self.work)
    }

    fn splice(&self, path: &PlanPath, edits: &[Edit]) -> Result<Splice, InvalidPlan> {
        let len_bytes = match self.work.was.get(path) {
            Some(State::File { len_bytes, .. }) => *len_bytes,
            _ => 0,
        };
        Splice::new(len_bytes, edits.to_vec()).map_err(|at| InvalidPlan::Range {
            file: path.to_string(),
            at,
        })
    }
}

impl Work {
    /// Directories that go, or change their names, are not the ones that something is put into.
    fn check_dirs(&self) -> Result<(), InvalidPlan> {
        let filled: BTreeSet<&str> = self.puts.keys().map(PlanPath::dir).collect();
        for dir in &self.removed_dirs {
            let is_filled = filled.contains(dir.as_str());
            let is_renamed = self.renamed_dirs.contains_key(dir);
            once(!is_filled && !is_renamed, dir)?;
        }
        for to in self.renamed_dirs.values() {
            let is_filled = filled.contains(to.as_str());
            once(!is_filled && !self.puts.contains_key(to), to)?;
        }
        Ok(())
    }
}

/// Returns true if a piece of `path` is one of a file that the step knows.
fn check_part(step: &Step, path: &PlanPath, piece: &FilePart) -> Result<(), InvalidPlan> {
    let (range, is) = match piece {
        FilePart::Range { file, range } => (range, was(step, file)?),
        // Only records come from elsewhere, whatever a document says.
        FilePart::Replica { path: from, .. } if !is_replica(from) => {
            return Err(InvalidPlan::Replica(from.chars().take(300).collect()));
        }
        FilePart::Replica { was, range, .. } => (range, *was),
        FilePart::Bytes(_) => return Ok(()),
    };
    let is_inside = match is {
        State::File { len_bytes, .. } => range.start <= range.end && range.end <= len_bytes,
        _ => false,
    };
    if is_inside {
        return Ok(());
    }
    Err(InvalidPlan::Range {
        file: path.to_string(),
        at: range.start,
    })
}

/// Returns true if a path can be one of a replica's records.
fn is_replica(path: &str) -> bool {
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    let name = name.and_then(FileName::parse);
    let is_log = name.is_some_and(|name| name.kind == FileKind::Log);
    is_log && path.starts_with('/') && path.chars().all(is_shown)
}

/// Returns true if a proof can be one of `action`: what derives from a log proves nothing of the
/// log.
fn fits(proof: &Proof, action: &Action) -> bool {
    let name = FileName::parse(action.file().name());
    let is_log = name.is_some_and(|name| name.kind == FileKind::Log);
    match proof {
        Proof::Derived(_) => !is_log,
        Proof::Checksum(_) => is_log,
        Proof::Replica(_) => is_log && matches!(action, Action::Arrange { .. }),
        _ => true,
    }
}

/// Checks a step by itself.
fn check(step: &Step, expected: u32) -> Result<(), InvalidPlan> {
    let found = step.id;
    if found != expected {
        return Err(InvalidPlan::Number { found, expected });
    }
    check_text(&step.why)?;
    step.codes.iter().try_for_each(|code| check_text(code))?;
    let describes = matches!(step.action, Action::Describe { .. });
    if describes != (step.safety == Safety::Manual) {
        return Err(InvalidPlan::Manual(found));
    }
    if let Safety::Proven(proof) = &step.safety {
        if !step.loss.is_nothing() {
            return Err(InvalidPlan::NotProven(found));
        }
        if !fits(proof, &step.action) {
            return Err(InvalidPlan::Grade(found, step.safety.grade().name()));
        }
    }
    Ok(())
}

/// Refuses text that is displayed differently from its content.
fn check_text(text: &str) -> Result<(), InvalidPlan> {
    if text.chars().all(is_shown) {
        return Ok(());
    }
    Err(InvalidPlan::Text(text.chars().take(300).collect()))
}

fn edits_of(action: &Action, len_bytes: u64) -> Vec<Edit> {
    let cut = |range| Edit {
        range,
        with: Vec::new(),
    };
    match action {
        Action::Truncate { to, .. } => vec![cut(*to..len_bytes)],
        Action::Excise { ranges, .. } => ranges.iter().cloned().map(cut).collect(),
        Action::Placeholder { range, batch, .. } => vec![Edit {
            range: range.clone(),
            with: batch.encode().to_vec(),
        }],
        Action::Patch { range, content, .. } => vec![Edit {
            range: range.clone(),
            with: content.bytes().to_vec(),
        }],
        _ => Vec::new(),
    }
}

/// Returns the fingerprint of a path in a step.
fn was(step: &Step, path: &PlanPath) -> Result<State, InvalidPlan> {
    let own = step.fingerprints.iter().find(|own| own.file == *path);
    own.map(|own| own.is).ok_or(InvalidPlan::NoFingerprint {
        step: step.id,
        file: path.to_string(),
    })
}

fn once(is_first: bool, path: &PlanPath) -> Result<(), InvalidPlan> {
    if is_first {
        Ok(())
    } else {
        Err(InvalidPlan::Twice(path.to_string()))
    }
}

fn kind(step: u32, action: &'static str, file: &PlanPath, is: State) -> InvalidPlan {
    InvalidPlan::Kind {
        step,
        action,
        file: file.to_string(),
        is: is.to_string(),
    }
}

/// The order in which files of a directory are changed: a marker that says that all is well goes
/// first, then segments, then what derives from them.
pub(super) fn rank(path: &PlanPath) -> u8 {
    let name = FileName::parse(path.name());
    match name.map(|name| (name.kind, name.state)) {
        Some((FileKind::CleanShutdown, _)) => 0,
        Some((FileKind::Log, FileState::Current)) => 1,
        Some((FileKind::OffsetIndex | FileKind::TimeIndex | FileKind::TransactionIndex, _)) => 2,
        _ => 3,
    }
}

/// The key that work is sorted by: the marker, then directory by directory, then what is in the
/// root.
pub(super) fn order(path: &PlanPath) -> (u8, String, u8, PlanPath) {
    let rank = rank(path);
    let group = match path.dir() {
        _ if rank == 0 => 0,
        "" => 2,
        _ => 1,
    };
    (group, path.dir().to_owned(), rank, path.clone())
}

/// The checksum of names of a directory, in order.
pub(super) fn listing<'a>(names: impl Iterator<Item = &'a str>) -> State {
    let (mut entries, mut text) = (0, String::new());
    for name in names {
        entries += 1;
        text += name;
        text.push('\0');
    }
    State::Directory {
        entries,
        crc: Crc::of(text.as_bytes()),
    }
}
