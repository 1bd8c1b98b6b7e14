//! Repair in place.
//!
//! Everything that can fail for want of room comes first: new contents are written beside what they
//! will replace, and originals are saved. Only then the journal is committed, and a short row of
//! renames and removals follows, each of which finds out by itself whether it was done before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::applied::{Applied, Derive};
use super::approve::Approved;
use super::disk::{Disk, ItemKind, Likeness, Sharing};
use super::error::{At, Error, Refusal};
use super::folder::{self, temporary};
use super::journal::{Journal, Op, Record, Stage};
use super::output::state_of;
use super::parts::{Crc, PlanPath};
use super::plan::State;
use super::work::{Source, order};
use super::write::{check_unchanged, write};

/// Carries a plan out in place.
pub(super) fn run(
    mut approved: Approved,
    quarantine: &Path,
    disk: &dyn Disk,
    derive: &dyn Derive,
) -> Result<Applied, Error> {
    let half_done = |why: Error| Error::HalfDone {
        folder: quarantine.to_owned(),
        why: Box::new(why),
    };
    let (ops, mut journal) = match approved.earlier.take() {
        Some(Record {
            stage: Stage::Committed,
            ops,
            ..
        }) => {
            check(disk, &approved.root, quarantine, &ops)?;
            let journal = Journal::resume(disk, quarantine)?;
            (ops, journal)
        }
        _ => begin(&mut approved, quarantine, disk, derive)?,
    };
    let yard = InPlaceExecutor {
        disk,
        root: &approved.root,
        digest: approved.begin.digest,
    };
    yard.forwards(&ops, &mut journal).map_err(half_done)?;
    journal.finished().map_err(half_done)?;
    Ok(Applied::InPlace {
        quarantine: quarantine.to_owned(),
        changed: ops.len(),
    })
}

/// Prepares and commits; takes everything back if that fails.
fn begin<'a>(
    approved: &mut Approved,
    quarantine: &Path,
    disk: &'a dyn Disk,
    derive: &dyn Derive,
) -> Result<(Vec<Op>, Journal<'a>), Error> {
    let digest = approved.begin.digest;
    let log_dir = folder::log_dir(&approved.root, approved.begin.scope);
    folder::clear_bare(disk, log_dir)?;
    folder::restore(disk, &approved.root, digest, &approved.dirs)?;
    let mut journal = folder::begin(disk, quarantine, &approved.begin, &approved.dirs)?;
    let guard = folder::hold_journal(disk, quarantine)?;
    approved.guards.extend(guard);
    let prepared = prepare(approved, quarantine, disk, derive);
    let committed = prepared.and_then(|ops| journal.commit(&ops).map(|()| ops));
    committed
        .map(|ops| (ops, journal))
        .map_err(|why| give_up(approved, quarantine, disk, why))
}

/// Takes back what was prepared. A commit that was written although its sync failed stays: by then
/// the repair can be finished as well as undone.
fn give_up(approved: &Approved, quarantine: &Path, disk: &dyn Disk, why: Error) -> Error {
    let is_open = matches!(
        Record::read(disk, quarantine),
        Ok(Some(Record {
            stage: Stage::Begun,
            ..
        }))
    );
    let root = &approved.root;
    let is_gone = is_open
        && folder::restore(disk, root, approved.begin.digest, &approved.dirs).is_ok()
        && folder::clear(disk, quarantine).is_ok();
    let why = Box::new(why);
    if is_gone {
        Error::Unprepared(why)
    } else {
        Error::HalfDone {
            folder: quarantine.to_owned(),
            why,
        }
    }
}

/// Writes new contents beside the old ones, and saves those.
fn prepare(
    approved: &Approved,
    quarantine: &Path,
    disk: &dyn Disk,
    derive: &dyn Derive,
) -> Result<Vec<Op>, Error> {
    let (root, work) = (&approved.root, &approved.work);
    let mut paths: Vec<&PlanPath> = work.puts.keys().chain(&work.drops).collect();
    paths.sort_by_cached_key(|path| order(path));
    // Directories that make room for files go first.
    let in_the_way = work.removed_dirs.iter().filter(|dir| work.replaces(dir));
    let removal = |dir: &PlanPath| Op::RemoveDir { path: dir.clone() };
    let mut ops: Vec<Op> = in_the_way.map(removal).collect();
    let first = ops.len();
    let numbers: BTreeMap<&str, usize> = paths.iter().map(|path| path.as_str()).zip(0..).collect();
    let place = |path: &PlanPath, number| {
        let name = temporary(approved.begin.digest, first + number, "new");
        root.join(path.dir()).join(name)
    };
    let locate = |text: &str| {
        let number = numbers.get(text).copied();
        match number.and_then(|number| Some((paths.get(number)?, number))) {
            Some((path, number)) if work.puts.contains_key(*path) => place(path, number),
            _ => root.join(text),
        }
    };
    let mut news: Vec<State> = vec![State::Absent; paths.len()];
    // What is computed needs the log as it will be.
    for is_derived in [false, true] {
        for ((number, path), new) in paths.iter().enumerate().zip(&mut news) {
            let Some(source) = work.puts.get(*path) else {
                continue;
            };
            if matches!(source, Source::Recipe(..)) == is_derived {
                let to = place(path, number);
                *new = write(approved, disk, (path, source), &to, &|recipe, out| {
                    derive.derive(path, recipe, &locate, out)
                })?;
            }
        }
    }
    for (path, new) in paths.iter().zip(news) {
        let path = (*path).clone();
        let was = work.was.get(&path).copied();
        let old = was
            .filter(|_| !work.replaces(&path))
            .unwrap_or(State::Absent);
        ops.push(match new {
            State::Absent => Op::Drop { old, path },
            new => Op::Put { old, new, path },
        });
    }
    let others = work.removed_dirs.iter().filter(|dir| !work.replaces(dir));
    ops.extend(others.map(removal));
    let renamed = work.renamed_dirs.iter();
    ops.extend(renamed.map(|(from, to)| Op::RenameDir {
        from: from.clone(),
        to: to.clone(),
    }));
    save(disk, root, quarantine, &ops)?;
    check_unchanged(approved, disk)?;
    sync_dirs(disk, root, &ops)?;
    Ok(ops)
}

/// Makes the names of what lies ready durable.
fn sync_dirs(disk: &dyn Disk, root: &Path, ops: &[Op]) -> Result<(), Error> {
    let mut dirs: Vec<PathBuf> = ops
        .iter()
        .filter(|op| matches!(op, Op::Put { .. }))
        .map(|op| root.join(op.path().dir()))
        .collect();
    dirs.sort();
    dirs.dedup();
    dirs.iter().try_for_each(|dir| disk.sync_dir(dir).at(dir))
}

/// Saves what will be replaced or dropped, and of directories that go what they are like.
fn save(disk: &dyn Disk, root: &Path, quarantine: &Path, ops: &[Op]) -> Result<(), Error> {
    let original = folder::originals(quarantine);
    disk.make_dir(&original).at(&original)?;
    let mut dirs = vec![quarantine.to_owned(), original.clone()];
    let mut make = |dir: PathBuf| {
        if disk.look(&dir).at(&dir)?.kind == ItemKind::Absent {
            disk.make_dir(&dir).at(&dir)?;
            dirs.push(dir);
        }
        Ok::<(), Error>(())
    };
    for op in ops {
        let (old, path) = match op {
            Op::Put { old, path, .. } | Op::Drop { old, path } => (*old, path),
            Op::RemoveDir { path } => {
                make(original.join(path.as_str()))?;
                continue;
            }
            Op::RenameDir { .. } => continue,
        };
        if old == State::Absent {
            continue;
        }
        make(original.join(path.dir()))?;
        let (from, to) = (root.join(path.as_str()), original.join(path.as_str()));
        let _how = disk.duplicate(&from, &to, Sharing::File).at(&to)?;
    }
    for op in ops {
        if let Op::RemoveDir { path } = op {
            let (from, to) = (root.join(path.as_str()), original.join(path.as_str()));
            disk.dress(&to, &from, Likeness::Whole).at(&to)?;
        }
    }
    dirs.iter().try_for_each(|dir| disk.sync_dir(dir).at(dir))
}

/// Checks that every path is what it was, or what it becomes: nothing else changed it.
pub(super) fn check(
    disk: &dyn Disk,
    root: &Path,
    quarantine: &Path,
    ops: &[Op],
) -> Result<(), Error> {
    for op in ops {
        let (old, new) = match op {
            Op::Put { old, new, .. } => (*old, *new),
            Op::Drop { old, .. } => (*old, State::Absent),
            Op::RemoveDir { .. } | Op::RenameDir { .. } => continue,
        };
        let own = op.path();
        let path = locate(disk, root, ops, own)?;
        let found = state_of(disk, &path)?;
        let makes_room = |op: &Op| matches!(op, Op::RemoveDir { path } if path == own);
        let is_room =
            matches!(found, State::Directory { entries: 0, .. }) && ops.iter().any(makes_room);
        if found != old && found != new && !is_room {
            return Err(Refusal::Foreign {
                path,
                found: found.to_string(),
                original: folder::originals(quarantine),
            }
            .into());
        }
    }
    Ok(())
}

/// Returns the current location of a path: its directory may already have its new name.
fn locate(disk: &dyn Disk, root: &Path, ops: &[Op], path: &PlanPath) -> Result<PathBuf, Error> {
    for op in ops {
        if let Op::RenameDir { from, to } = op
            && from.as_str() == path.dir()
        {
            let from = root.join(from.as_str());
            if disk.look(&from).at(&from)?.kind == ItemKind::Absent {
                return Ok(root.join(to.as_str()).join(path.name()));
            }
        }
    }
    Ok(root.join(path.as_str()))
}

/// The executor of a repair in place.
pub(super) struct InPlaceExecutor<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) root: &'a Path,
    pub(super) digest: Crc,
}

impl InPlaceExecutor<'_> {
    pub(super) fn exists(&self, path: &Path) -> Result<bool, Error> {
        Ok(self.kind(path)? != ItemKind::Absent)
    }

    pub(super) fn kind(&self, path: &Path) -> Result<ItemKind, Error> {
        Ok(self.disk.look(path).at(path)?.kind)
    }

    /// Does everything that is not done yet, directory by directory.
    fn forwards(&self, ops: &[Op], journal: &mut Journal<'_>) -> Result<(), Error> {
        let mut number = 0;
        for group in ops.chunk_by(|a, b| group(a) == group(b)) {
            let numbers = number..number + group.len();
            number = numbers.end;
            journal.doing(numbers.clone())?;
            for (op, number) in group.iter().zip(numbers.clone()) {
                self.forward(op, number)?;
            }
            self.sync(group)?;
            journal.done(numbers)?;
        }
        Ok(())
    }

    /// Applies an operation again: one that was done before has no effect.
    fn forward(&self, op: &Op, number: usize) -> Result<(), Error> {
        let at = self.root.join(op.path().as_str());
        match op {
            Op::Put { path, new, .. } => {
                let dir = self.root.join(path.dir());
                let ready = dir.join(temporary(self.digest, number, "new"));
                if self.exists(&ready)? {
                    self.disk.rename(&ready, &at).at(&at)?;
                } else if self.exists(&dir)? {
                    self.check_done(&at, *new)?;
                }
            }
            Op::Drop { .. } => {
                if self.exists(&at)? {
                    self.disk.remove(&at).at(&at)?;
                }
            }
            Op::RemoveDir { .. } => {
                // A file in its place is one that it made room for.
                if self.kind(&at)? == ItemKind::Directory {
                    self.disk.remove_dir(&at).at(&at)?;
                }
            }
            Op::RenameDir { to, .. } => {
                if self.exists(&at)? {
                    let to = self.root.join(to.as_str());
                    self.disk.rename(&at, &to).at(&to)?;
                }
            }
        }
        Ok(())
    }

    /// Checks that a file that is not prepared is already in its place.
    fn check_done(&self, at: &Path, new: State) -> Result<(), Error> {
        let found = state_of(self.disk, at)?;
        if found == new {
            return Ok(());
        }
        Err(Refusal::Changed {
            path: at.to_owned(),
            expected: new.to_string(),
            found: found.to_string(),
        }
        .into())
    }

    /// Makes what was done in a directory durable, if it is there still.
    pub(super) fn sync(&self, group: &[Op]) -> Result<(), Error> {
        let Some(op) = group.first() else {
            return Ok(());
        };
        let dir = self.root.join(op.path().dir());
        if self.exists(&dir)? {
            self.disk.sync_dir(&dir).at(&dir)?;
        }
        Ok(())
    }
}

/// Operations of a group are made durable together: the marker that all is well alone, and each
/// directory's.
pub(super) fn group(op: &Op) -> (u8, &str) {
    let kind = match op {
        Op::Put { path, .. } | Op::Drop { path, .. } => order(path).0,
        Op::RemoveDir { .. } => 3,
        Op::RenameDir { .. } => 4,
    };
    (kind, op.path().dir())
}
