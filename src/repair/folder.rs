//! Folders of repairs: the quarantine of one in place, the incomplete copy of one into a directory.
//!
//! A folder is ours while its journal says so: the journal is the first thing made in it and the
//! last thing removed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::disk::{Disk, Guard, ItemKind, Locking};
use super::error::{At, Error, Refusal};
use super::journal::{self, Begin, DirTime, Journal, Record, Stage};
use super::output::remove_tree;
use super::parts::{Crc, OWN, PlanPath};
use super::plan::Scope;
use crate::format::name::LOCK;

/// The infix of the name of a quarantine folder, after that of its log dir.
const QUARANTINE: &str = ".kseg-";

/// The suffix of the name of an incomplete directory.
const PARTIAL: &str = ".kseg-partial";

/// The log dir that a root is in or is.
pub(super) fn log_dir(root: &Path, scope: Scope) -> &Path {
    match scope {
        Scope::LogDir => root,
        Scope::Partition => root.parent().unwrap_or(root),
    }
}

/// The lock of a log dir.
pub(super) fn lock_of(log_dir: &Path) -> PathBuf {
    log_dir.join(LOCK)
}

/// `path` with something after its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Returns the quarantine folder of a log dir.
pub(super) fn quarantine(log_dir: &Path, digest: Crc) -> PathBuf {
    beside(log_dir, &format!("{QUARANTINE}{digest}"))
}

/// Returns the folder of the originals in a quarantine folder.
pub(super) fn originals(quarantine: &Path) -> PathBuf {
    quarantine.join("original")
}

/// Returns the path of a directory until it is complete.
pub(super) fn partial(target: &Path) -> PathBuf {
    beside(target, PARTIAL)
}

/// The directory in the making. It has its name already, because of a partition the name says what
/// it is.
pub(super) fn tree(partial: &Path, target: &Path) -> PathBuf {
    partial.join(target.file_name().unwrap_or_default())
}

/// Removes folders at or beside `path` that a repair had only just made, or had all but removed,
/// when it was killed; returns how many.
pub(super) fn clear_bare(disk: &dyn Disk, path: &Path) -> Result<usize, Error> {
    let Some(parent) = path.parent() else {
        return Ok(0);
    };
    let own = path.file_name().unwrap_or_default();
    let prefix = beside(path, QUARANTINE);
    let prefix = prefix.file_name().unwrap_or_default().as_encoded_bytes();
    let is_ours = |name: &OsStr| {
        let text = name.to_string_lossy();
        let suffix = text.rsplit_once(QUARANTINE).map(|(_, suffix)| suffix);
        let is_named = suffix.is_some_and(|suffix| {
            suffix == "partial" || suffix.len() == 8 && suffix.parse::<Crc>().is_ok()
        });
        is_named && (name == own || name.as_encoded_bytes().starts_with(prefix))
    };
    let mut cleared = 0;
    for name in disk.list(parent).at(parent)? {
        let folder = parent.join(&name);
        if is_ours(&name) && is_bare(disk, &folder)? {
            clear(disk, &folder)?;
            cleared += 1;
        }
    }
    Ok(cleared)
}

/// Returns true if a folder is empty but for a journal that does not even say what it is of.
fn is_bare(disk: &dyn Disk, folder: &Path) -> Result<bool, Error> {
    if disk.look(folder).at(folder)?.kind != ItemKind::Directory
        || Record::read(disk, folder)?.is_some()
    {
        return Ok(false);
    }
    let journal = journal::path(folder);
    let names = disk.list(folder).at(folder)?;
    let mut names = names.iter();
    Ok(names.all(|name| Some(name.as_os_str()) == journal.file_name()))
}

/// The quarantine folders beside a log dir, with what their journals say.
pub(super) fn quarantines(
    disk: &dyn Disk,
    log_dir: &Path,
) -> Result<Vec<(PathBuf, Record)>, Error> {
    let prefix = beside(log_dir, QUARANTINE);
    let (Some(parent), Some(prefix)) = (log_dir.parent(), prefix.file_name()) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for name in disk.list(parent).at(parent)? {
        let is_ours = name
            .as_encoded_bytes()
            .starts_with(prefix.as_encoded_bytes());
        let folder = parent.join(name);
        if is_ours && let Some(record) = Record::read(disk, &folder)? {
            found.push((folder, record));
        }
    }
    Ok(found)
}

/// Returns the stage of a repair with this digest, from its folder.
pub(super) fn stage(
    disk: &dyn Disk,
    folder: &Path,
    begin: &Begin,
) -> Result<Option<Record>, Error> {
    match disk.look(folder).at(folder)?.kind {
        ItemKind::Absent => return Ok(None),
        ItemKind::Directory => {}
        _ => return Err(Refusal::NotOurs(folder.to_owned()).into()),
    }
    match Record::read(disk, folder)? {
        Some(record) if record.begin == *begin => Ok(Some(record)),
        Some(_) => Err(Refusal::Unfinished(folder.to_owned()).into()),
        // The power went before the journal was made: there is nothing else yet.
        None if is_bare(disk, folder)? => Ok(None),
        None => Err(Refusal::NotOurs(folder.to_owned()).into()),
    }
}

/// Makes the folder again and begins its journal.
pub(super) fn begin<'a>(
    disk: &'a dyn Disk,
    folder: &Path,
    begin: &Begin,
    dirs: &[DirTime],
) -> Result<Journal<'a>, Error> {
    clear(disk, folder)?;
    let made = disk.make_dir(folder).at(folder);
    let named = made.and_then(|()| sync_parent(disk, folder));
    let journal = named.and_then(|()| Journal::begin(disk, folder, begin, dirs));
    journal.map_err(|why| match clear(disk, folder) {
        Ok(()) => Error::Unprepared(Box::new(why)),
        Err(_) => why,
    })
}

/// Removes the folder: its journal last, so that it is ours as long as there is something in it.
pub(super) fn clear(disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
    if disk.look(folder).at(folder)?.kind == ItemKind::Absent {
        return Ok(());
    }
    let journal = journal::path(folder);
    for name in disk.list(folder).at(folder)? {
        if Some(name.as_os_str()) != journal.file_name() {
            remove_tree(disk, &folder.join(name))?;
        }
    }
    disk.sync_dir(folder).at(folder)?;
    remove_tree(disk, folder)?;
    sync_parent(disk, folder)
}

/// Makes the name of something durable.
pub(super) fn sync_parent(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) => disk.sync_dir(parent).at(parent),
        None => Ok(()),
    }
}

/// The name of a file that a repair writes beside what it is to replace.
pub(super) fn temporary(digest: Crc, number: usize, suffix: &str) -> String {
    format!("{OWN}{digest}-{number}.{suffix}")
}

/// Removes what a repair left beside the files of `root`, so that its directories are as they were,
/// their times too.
pub(super) fn restore(
    disk: &dyn Disk,
    root: &Path,
    digest: Crc,
    dirs: &[DirTime],
) -> Result<(), Error> {
    sweep(disk, root, digest)?;
    for DirTime { modified, dir } in dirs {
        let dir = root.join(dir.as_ref().map_or("", PlanPath::as_str));
        if disk.look(&dir).at(&dir)?.kind == ItemKind::Directory {
            disk.touch(&dir, *modified).at(&dir)?;
        }
    }
    Ok(())
}

fn sweep(disk: &dyn Disk, root: &Path, digest: Crc) -> Result<(), Error> {
    let prefix = format!("{OWN}{digest}-");
    let is_ours = |name: &OsStr| {
        let name = name.as_encoded_bytes();
        name.starts_with(prefix.as_bytes()) && (name.ends_with(b".new") || name.ends_with(b".old"))
    };
    let mut dirs = vec![root.to_owned()];
    for name in disk.list(root).at(root)? {
        let path = root.join(name);
        if disk.look(&path).at(&path)?.kind == ItemKind::Directory {
            dirs.push(path);
        }
    }
    for dir in dirs {
        let mut names = disk.list(&dir).at(&dir)?;
        names.retain(|name| is_ours(name));
        for name in &names {
            let path = dir.join(name);
            disk.remove(&path).at(&path)?;
        }
        if !names.is_empty() {
            disk.sync_dir(&dir).at(&dir)?;
        }
    }
    Ok(())
}

/// Takes a lock, or says who holds it.
pub(super) fn hold(disk: &dyn Disk, path: &Path) -> Result<Box<dyn Guard>, Error> {
    match disk.lock(path).at(path)? {
        Locking::Ours(guard) => Ok(guard),
        Locking::Theirs(by) => Err(Refusal::Live {
            path: path.to_owned(),
            by,
        }
        .into()),
    }
}

/// Takes the lock of a folder's journal, if it has one: two processes never work on the same
/// repair.
pub(super) fn hold_journal(
    disk: &dyn Disk,
    folder: &Path,
) -> Result<Option<Box<dyn Guard>>, Error> {
    let journal = journal::path(folder);
    if disk.look(&journal).at(&journal)?.kind != ItemKind::File {
        return Ok(None);
    }
    match disk.lock(&journal).at(&journal)? {
        Locking::Ours(guard) => Ok(Some(guard)),
        Locking::Theirs(_) => Err(Refusal::Running(folder.to_owned()).into()),
    }
}

/// Returns true if a repair still has something to do, forwards or backwards.
pub(super) fn is_unfinished(record: &Record) -> bool {
    matches!(
        record.stage,
        Stage::Begun | Stage::Committed | Stage::Undoing
    )
}
