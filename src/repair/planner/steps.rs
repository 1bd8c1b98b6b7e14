//! The steps of a plan while it is made, and the log that they leave.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::format::name::LOG_SUFFIX;
use crate::repair::disk::Disk;
use crate::repair::error::{Error, Refusal};
use crate::repair::parts::{is_nameable, shown};
use crate::repair::plan::{Action, Fingerprint, State, Step};
use crate::repair::proof::{Derived, Idle, Origin, Proof, Unused};
use crate::repair::{Loss, Odds, PlanPath, Safety, state_of};
use crate::verify::CheckId;

/// The steps so far, and what the files that they touch are.
pub(super) struct Steps<'a> {
    disk: &'a dyn Disk,
    root: &'a Path,
    states: BTreeMap<PlanPath, State>,
    /// The states of files outside of the root.
    elsewhere: BTreeMap<PathBuf, State>,
    row: Vec<Step>,
    about: About,
}

/// The files of the steps so far.
#[derive(Debug, Default)]
struct About {
    /// Files and directories, with the checks of each.
    files: BTreeMap<PlanPath, BTreeSet<CheckId>>,
    /// Those about which something is done.
    done: BTreeSet<PlanPath>,
    /// Directories in which a `.log` changes.
    logs: BTreeSet<String>,
    /// The checks for which something is done in a directory, by its name.
    checks: BTreeMap<String, BTreeSet<CheckId>>,
}

impl About {
    fn add(&mut self, step: &Step) {
        let file = step.action.file();
        let checks = || step.codes.iter().filter_map(|code| CheckId::find(code));
        self.files.entry(file.clone()).or_default().extend(checks());
        if step.safety != Safety::Manual {
            self.done.insert(file.clone());
            if file.name().ends_with(LOG_SUFFIX) {
                self.logs.insert(file.dir().to_owned());
            }
            let dir = self.checks.entry(file.dir().to_owned()).or_default();
            dir.extend(checks());
        }
    }
}

/// The reason of a step.
#[derive(Debug, Clone)]
pub(super) struct Reason {
    /// The checks whose findings are after it.
    pub(super) checks: Vec<CheckId>,
    /// A sentence or two.
    pub(super) why: String,
    pub(super) safety: Safety,
    pub(super) loss: Loss,
}

impl Reason {
    /// A step that is right, and loses nothing.
    pub(super) fn proven(
        checks: &[CheckId],
        why: impl Into<String>,
        proof: impl Into<Proof>,
    ) -> Self {
        Self {
            checks: checks.to_vec(),
            why: why.into(),
            safety: Safety::by_odds(proof.into()),
            loss: Loss::default(),
        }
    }

    /// A step that computes what it leaves from data that is intact.
    pub(super) fn derived(checks: &[CheckId], why: impl Into<String>, from: Origin) -> Self {
        Self::proven(checks, why, Derived::from(from))
    }

    /// A step that takes away what no broker reads.
    pub(super) fn unused(checks: &[CheckId], why: impl Into<String>, what: Idle) -> Self {
        Self::proven(checks, why, Unused::of(what))
    }

    /// A step for which there is evidence, but no proof.
    pub(super) fn likely(checks: &[CheckId], why: impl Into<String>, odds: Odds) -> Self {
        Self {
            safety: Safety::Likely(odds),
            ..Self::manual(checks, why)
        }
    }

    /// A step with this proof, or a likely one where there is none.
    pub(super) fn proven_or_likely(
        checks: &[CheckId],
        why: impl Into<String>,
        proof: Option<impl Into<Proof>>,
    ) -> Self {
        match proof {
            Some(proof) => Self::proven(checks, why, proof),
            None => Self::likely(checks, why, Odds::Unknown),
        }
    }

    /// A step that sets aside what no checksum covers.
    pub(super) fn suspect(checks: &[CheckId], why: impl Into<String>, loss: Loss) -> Self {
        Self {
            safety: Safety::Suspect,
            loss,
            ..Self::manual(checks, why)
        }
    }

    /// A step that gives something up.
    pub(super) fn lossy(checks: &[CheckId], why: impl Into<String>, loss: Loss) -> Self {
        Self {
            safety: Safety::Lossy,
            loss,
            ..Self::manual(checks, why)
        }
    }

    /// Both reasons for one step: it is no better than the worse of them.
    #[must_use]
    pub(super) fn and(mut self, other: &Self) -> Self {
        if other.safety.grade() > self.safety.grade() {
            self.safety = other.safety.clone();
        }
        if !self.why.contains(&other.why) {
            self.why = format!("{}; {}", self.why, other.why);
        }
        self.checks.extend(&other.checks);
        self.checks.sort_unstable();
        self.checks.dedup();
        self.loss.records = self.loss.records.saturating_add(other.loss.records);
        self.loss.knowledge.extend(&other.loss.knowledge);
        self
    }

    /// Something that a person has to do.
    pub(super) fn manual(checks: &[CheckId], why: impl Into<String>) -> Self {
        Self {
            checks: checks.to_vec(),
            why: why.into(),
            safety: Safety::Manual,
            loss: Loss::default(),
        }
    }
}

impl<'a> Steps<'a> {
    pub(super) fn new(disk: &'a dyn Disk, root: &'a Path) -> Self {
        Self {
            disk,
            root,
            states: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            row: Vec::new(),
            about: About::default(),
        }
    }

    /// The path below the root, as a plan names it; `None` if a plan cannot name it.
    pub(super) fn path(&self, path: &Path) -> Option<PlanPath> {
        path.strip_prefix(self.root).ok()?.to_str()?.parse().ok()
    }

    /// The entry of the root that a path is in, with escapes for what a plan cannot name; `None` if
    /// it can name all of the path.
    pub(super) fn unnameable(&self, path: &Path) -> Option<PlanPath> {
        let below = path.strip_prefix(self.root).ok()?;
        if is_nameable(below) {
            return None;
        }
        let entry = below.components().next()?.as_os_str();
        shown(&entry.to_string_lossy()).parse().ok()
    }

    /// Adds a step. `reads` are paths it relies on beside its own. A step that would touch a link
    /// or a special file is only described.
    ///
    /// # Errors
    /// What it touches cannot be read.
    pub(super) fn add(
        &mut self,
        mut action: Action,
        reads: &[PlanPath],
        mut reason: Reason,
    ) -> Result<(), Error> {
        let mut fingerprints = Vec::new();
        // Nothing depends on what a file was about which a person decides.
        if !matches!(action, Action::Describe { .. }) {
            match self.fingerprints(&action, reads) {
                Err(Error::Refused(Refusal::Odd(path))) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    let why = format!(
                        "{}: {name} is a symbolic link or a special file, which a repair does not \
                         follow",
                        reason.why
                    );
                    reason = Reason::manual(&reason.checks, why);
                    let file = action.file().clone();
                    action = Action::Describe { file };
                }
                found => fingerprints = found?,
            }
        }
        self.push(Step {
            id: self.next_id(),
            codes: reason
                .checks
                .iter()
                .map(|check| check.code().to_owned())
                .collect(),
            action,
            safety: reason.safety,
            loss: reason.loss,
            why: reason.why,
            fingerprints,
        });
        Ok(())
    }

    /// The fingerprints of everything that an action touches, and of what it relies on.
    fn fingerprints(
        &mut self,
        action: &Action,
        reads: &[PlanPath],
    ) -> Result<Vec<Fingerprint>, Error> {
        let mut touched = vec![action.file().clone()];
        if let Action::Rename { to, .. } = action {
            touched.push(to.clone());
        }
        touched.extend_from_slice(reads);
        let of = |file: PlanPath| {
            let is = self.state(&file)?;
            Ok(Fingerprint { file, is })
        };
        touched.into_iter().map(of).collect()
    }

    /// Returns true if a step is about `file` already.
    pub(super) fn writes(&self, file: &PlanPath) -> bool {
        self.about.files.contains_key(file)
    }

    /// Returns true if a step is about what `check` found in `file`, if only to describe it.
    pub(super) fn tells(&self, check: CheckId, file: &PlanPath) -> bool {
        let checks = self.about.files.get(file);
        checks.is_some_and(|checks| checks.contains(&check))
    }

    fn push(&mut self, step: Step) {
        self.about.add(&step);
        self.row.push(step);
    }

    /// Returns true if a step does something about what `check` found in `file`: to the file
    /// itself, to the directory that it is in, or for the same reason beside it.
    pub(super) fn covers(&self, check: CheckId, file: &PlanPath) -> bool {
        let About { done, checks, .. } = &self.about;
        let in_dir = |dir: &str, is_it: &dyn Fn(CheckId) -> bool| {
            let mut here = checks.get(dir).into_iter().flatten();
            here.any(|other| is_it(*other))
        };
        let is_same = |other: CheckId| other == check;
        let is_of_family = |other: CheckId| other.family() == check.family();
        let is_around = |dir: &PlanPath| done.contains(dir);
        done.contains(file)
            || file.dir().parse().is_ok_and(|dir| is_around(&dir))
            || in_dir(file.dir(), &is_same)
            || in_dir("", &is_same)
            || in_dir(file.as_str(), &is_of_family)
    }

    /// Returns true if a step changes a `.log` beside `file`.
    pub(super) fn changes_logs_of(&self, file: &PlanPath) -> bool {
        self.about.logs.contains(file.dir())
    }

    /// The steps so far.
    pub(super) fn steps(&self) -> &[Step] {
        &self.row
    }

    /// Steps of their own for the same root, to be looked at before they are taken over.
    pub(super) fn aside(&self) -> Self {
        Self::new(self.disk, self.root)
    }

    /// Takes over steps from [`aside`](Self::aside).
    pub(super) fn append(&mut self, other: Self) {
        for mut step in other.row {
            step.id = self.next_id();
            self.push(step);
        }
    }

    fn next_id(&self) -> u32 {
        let steps = u32::try_from(self.row.len());
        steps.unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Records the fingerprint of a file outside of the root.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn elsewhere(&mut self, path: &Path) -> Result<State, Error> {
        if let Some(state) = self.elsewhere.get(path) {
            return Ok(*state);
        }
        let state = state_of(self.disk, path)?;
        self.elsewhere.insert(path.to_owned(), state);
        Ok(state)
    }

    fn state(&mut self, file: &PlanPath) -> Result<State, Error> {
        if let Some(state) = self.states.get(file) {
            return Ok(*state);
        }
        let state = state_of(self.disk, &self.root.join(file.as_str()))?;
        self.states.insert(file.clone(), state);
        Ok(state)
    }

    /// The steps, in the order in which they were added.
    pub(super) fn finish(self) -> Vec<Step> {
        self.row
    }
}

/// The log of a partition as the plan leaves it.
#[derive(Debug, Clone, Default)]
pub(super) struct NewLog {
    /// The segments by base offset.
    pub(super) segments: Vec<NewSegment>,
    /// The offset after the last batch; the last base offset if it has none.
    pub(super) end: i64,
}

/// A segment as the plan leaves it.
#[derive(Debug, Clone)]
pub(super) struct NewSegment {
    pub(super) base: i64,
    /// The pieces of its `.log`.
    pub(super) pieces: Vec<LogPiece>,
    /// True if its `.log` differs from what is there under this name.
    pub(super) is_changed: bool,
}

/// A piece of a `.log` to be.
#[derive(Debug, Clone)]
pub(super) enum LogPiece {
    /// A range of a file as it is.
    Kept { path: PathBuf, range: Range<u64> },
    /// New bytes.
    Bytes(Vec<u8>),
}
