//! The way back.

use std::path::{Path, PathBuf};

use super::approve::resolve;
use super::disk::{Disk, ItemKind, Likeness, Sharing};
use super::error::{At, Error, Refusal};
use super::folder::{self, temporary};
use super::in_place::{InPlaceExecutor, check, group};
use super::journal::{Journal, Mode, Op, Record, Stage};
use super::output::state_of;
use super::plan::State;

/// The result of an undo.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Undone {
    /// The root of the plan.
    pub root: PathBuf,
    /// The number of restored paths; 0 if nothing had been changed yet.
    pub paths: usize,
}

/// Brings back what a repair in place replaced, and removes its folder; of a repair into a
/// directory that never was finished, removes what there is of it. `path` is the folder, or the log
/// dir or partition that it is next to.
///
/// # Errors
/// There is nothing to undo, something was changed since, a broker runs, or something could not be
/// done: undoing again continues.
pub fn undo(path: &Path, disk: &dyn Disk) -> Result<Undone, Error> {
    let Some((folder, record)) = find(path, disk)? else {
        return Ok(Undone {
            root: path.to_owned(),
            paths: 0,
        });
    };
    let begin = &record.begin;
    let _lock = match begin.mode {
        Mode::InPlace => {
            let log_dir = folder::log_dir(&begin.root, begin.scope);
            Some(folder::hold(disk, &folder::lock_of(log_dir))?)
        }
        Mode::Into => None,
    };
    let _running = folder::hold_journal(disk, &folder)?;
    let mut undone = Undone {
        root: begin.root.clone(),
        paths: 0,
    };
    match (begin.mode, record.stage) {
        (Mode::Into, _) => {}
        (Mode::InPlace, Stage::Begun | Stage::Undone) => {
            folder::restore(disk, &begin.root, begin.digest, &record.dirs)?;
        }
        (Mode::InPlace, Stage::Committed | Stage::Finished | Stage::Undoing) => {
            backwards(disk, &folder, &record)?;
            undone.paths = record.ops.len();
        }
    }
    folder::clear(disk, &folder)?;
    Ok(undone)
}

/// The folder that a path leads to; `None` if there only was an empty one, which is gone then.
fn find(path: &Path, disk: &dyn Disk) -> Result<Option<(PathBuf, Record)>, Error> {
    let path = resolve(disk, path)?;
    if let Some(record) = Record::read(disk, &path)? {
        return Ok(Some((path, record)));
    }
    let mut found = Vec::new();
    let partial = folder::partial(&path);
    if let Some(record) = Record::read(disk, &partial)? {
        found.push((partial, record));
    }
    for log_dir in [Some(path.as_path()), path.parent()].into_iter().flatten() {
        let mut folders = folder::quarantines(disk, log_dir)?;
        folders.retain(|(_, record)| record.begin.root.starts_with(&path));
        found.append(&mut folders);
    }
    if found.len() > 1 {
        let folders = found.into_iter().map(|(folder, _)| folder).collect();
        return Err(Refusal::Several(folders).into());
    }
    if let Some(found) = found.pop() {
        return Ok(Some(found));
    }
    let mut cleared = 0;
    for dir in [Some(path.as_path()), path.parent()].into_iter().flatten() {
        cleared += folder::clear_bare(disk, dir)?;
    }
    if cleared > 0 {
        return Ok(None);
    }
    Err(Error::NothingToUndo(path))
}

fn backwards(disk: &dyn Disk, folder: &Path, record: &Record) -> Result<(), Error> {
    let begin = &record.begin;
    check(disk, &begin.root, folder, &record.ops)?;
    check_saved(disk, folder, &record.ops)?;
    let yard = InPlaceExecutor {
        disk,
        root: &begin.root,
        digest: begin.digest,
    };
    let mut journal = Journal::resume(disk, folder)?;
    journal.undoing()?;
    let back = all_back(&yard, folder, &record.ops)
        .and_then(|()| folder::restore(disk, &begin.root, begin.digest, &record.dirs))
        .and_then(|()| journal.undone());
    back.map_err(|why| Error::HalfUndone {
        folder: folder.to_owned(),
        why: Box::new(why),
    })
}

/// Takes everything back, last things first: the marker that all is well comes back at the very
/// end.
fn all_back(yard: &InPlaceExecutor<'_>, folder: &Path, ops: &[Op]) -> Result<(), Error> {
    let original = folder::originals(folder);
    let mut number = ops.len();
    let groups: Vec<&[Op]> = ops.chunk_by(|a, b| group(a) == group(b)).collect();
    for group in groups.into_iter().rev() {
        for op in group.iter().rev() {
            number -= 1;
            yard.backward(op, number, &original)?;
        }
        yard.sync(group)?;
    }
    Ok(())
}

/// Every original is there, and whole.
fn check_saved(disk: &dyn Disk, folder: &Path, ops: &[Op]) -> Result<(), Error> {
    for op in ops {
        let (Op::Put { old, path, .. } | Op::Drop { old, path }) = op else {
            continue;
        };
        let saved = folder::originals(folder).join(path.as_str());
        if *old != State::Absent && state_of(disk, &saved)? != *old {
            return Err(Refusal::Changed {
                path: saved,
                expected: old.to_string(),
                found: "something else".into(),
            }
            .into());
        }
    }
    Ok(())
}

impl InPlaceExecutor<'_> {
    /// Takes one operation back; what was not done, or is taken back already, stays as it is.
    fn backward(&self, op: &Op, number: usize, original: &Path) -> Result<(), Error> {
        let at = self.root.join(op.path().as_str());
        match op {
            Op::Put { old, path, .. } | Op::Drop { old, path } => {
                if *old == State::Absent {
                    // A directory has not made room yet.
                    if !matches!(self.kind(&at)?, ItemKind::Absent | ItemKind::Directory) {
                        self.disk.remove(&at).at(&at)?;
                    }
                    return Ok(());
                }
                let back = self
                    .root
                    .join(path.dir())
                    .join(temporary(self.digest, number, "old"));
                self.restore(&original.join(path.as_str()), &back, &at)
            }
            Op::RemoveDir { path } => {
                if !self.exists(&at)? {
                    self.disk.make_dir(&at).at(&at)?;
                }
                let saved = original.join(path.as_str());
                self.disk.dress(&at, &saved, Likeness::Whole).at(&at)
            }
            Op::RenameDir { to, .. } => {
                let to = self.root.join(to.as_str());
                if !self.exists(&at)? && self.exists(&to)? {
                    self.disk.rename(&to, &at).at(&at)?;
                }
                Ok(())
            }
        }
    }

    /// Puts a saved file back by way of `back`. The quarantine keeps it until everything is back.
    fn restore(&self, saved: &Path, back: &Path, at: &Path) -> Result<(), Error> {
        let (there, wanted) = (self.disk.look(at).at(at)?, self.disk.look(saved).at(saved)?);
        // The time too, because a content may have been replaced by its equal.
        if there == wanted && state_of(self.disk, at)? == state_of(self.disk, saved)? {
            return Ok(());
        }
        if self.exists(back)? {
            self.disk.remove(back).at(back)?;
        }
        let _how = self.disk.duplicate(saved, back, Sharing::File).at(back)?;
        self.disk.rename(back, at).at(at)
    }
}
