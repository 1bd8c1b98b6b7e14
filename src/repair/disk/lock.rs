//! Locks as brokers take them.
//!
//! Java locks with `fcntl`, which `flock` does not see. Ours belong to the open file, not to the
//! process: a process loses its own kind as soon as it closes any handle to the file, as a look at
//! the lock does.
//!
//! A file that is made for its lock is removed with it, and its directory keeps its time. If the
//! process is killed before that, the next repair knows the file by its content, which a broker's
//! never has, and removes it.

use std::fs::{File, FileTimes, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};

use super::{Guard, Holder, Locking};
use crate::store::lock::{holder_of, whole_file};

/// The content of a lock file created by a repair.
const OURS: &[u8] = b"created by kseg repair; removed when it ends\n";

/// A lock that is held.
#[derive(Debug)]
struct Lock {
    file: File,
    /// The file that was made for it.
    made: Option<PathBuf>,
}

impl Guard for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still held, so that the file never exists without the lock.
        if let Some(path) = &self.made {
            let _left = keeping_time(path, || gone(path));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the disk")]
pub(super) fn gone(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

pub(super) fn lock(path: &Path) -> io::Result<Locking> {
    loop {
        let (file, made) = match open_or_make(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            other => other?,
        };
        let wanted = whole_file();
        if let Err(error) = fcntl(&file, FcntlArg::F_OFD_SETLK(&wanted)) {
            return match error {
                nix::Error::EAGAIN | nix::Error::EACCES => {
                    let holder = holder_of(&file)?;
                    Ok(Locking::Theirs(holder.unwrap_or(Holder::Unknown)))
                }
                other => Err(other.into()),
            };
        }
        let ours = file.metadata()?;
        let mut lock = Lock { file, made };
        // The file may have been removed between opening and locking it.
        match path.metadata() {
            Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => {
                give_to_owner_of_dir(&lock, path);
                return Ok(Locking::Ours(Box::new(lock)));
            }
            _ => lock.made = None,
        }
    }
}

/// Opens a file for writing; says its path if it was made for that.
fn open_or_make(path: &Path) -> io::Result<(File, Option<PathBuf>)> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => {
            let is_ours = is_ours(&file)?;
            Ok((file, is_ours.then(|| path.to_owned())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            #[expect(clippy::disallowed_methods, reason = "this is the disk")]
            let mut made = keeping_time(path, || File::create_new(path))?;
            made.write_all(OURS)?;
            Ok((made, Some(path.to_owned())))
        }
        Err(error) => Err(error),
    }
}

/// Returns true if a file is one that a repair made and could not remove.
fn is_ours(file: &File) -> io::Result<bool> {
    let mut content = Vec::new();
    file.take(OURS.len() as u64 + 1).read_to_end(&mut content)?;
    Ok(content == OURS)
}

/// Makes or removes a name, and leaves its directory the time that it had.
fn keeping_time<T>(path: &Path, change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let dir = path.parent().and_then(|dir| File::open(dir).ok());
    let modified = dir
        .as_ref()
        .and_then(|dir| dir.metadata().ok()?.modified().ok());
    let done = change()?;
    if let (Some(dir), Some(modified)) = (dir, modified) {
        let _refused = dir.set_times(FileTimes::new().set_modified(modified));
    }
    Ok(done)
}

/// A broker must be able to open the lock even if we end before we can remove it.
fn give_to_owner_of_dir(lock: &Lock, path: &Path) {
    let dir = lock.made.as_ref().and(path.parent());
    if let Some(Ok(dir)) = dir.map(Path::metadata) {
        let _refused = std::os::unix::fs::fchown(&lock.file, Some(dir.uid()), Some(dir.gid()));
    }
}
