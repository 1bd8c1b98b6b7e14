//! Locks as brokers take them.
//!
//! Java locks with `fcntl`, which `flock` does not see. Ours belong to the open file, not to the process: a process loses its own
//! kind as soon as it closes any handle to the file, as a look at the lock does.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};

use super::real::gone;
use super::{Guard, Holder, Locking};
use crate::store::lock::{holder_of, whole_file};

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
        // While it is still held, so that nobody sees the file without the lock.
        if let Some(path) = &self.made {
            let _left = gone(path);
        }
    }
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
        // Somebody may have removed the file between our opening and our locking it.
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
        Ok(file) => Ok((file, None)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            #[expect(clippy::disallowed_methods, reason = "this is the disk")]
            let made = File::create_new(path)?;
            Ok((made, Some(path.to_owned())))
        }
        Err(error) => Err(error),
    }
}

/// A broker must be able to open the lock even if we end before we can remove it.
fn give_to_owner_of_dir(lock: &Lock, path: &Path) {
    let dir = lock.made.as_ref().and(path.parent());
    if let Some(Ok(dir)) = dir.map(Path::metadata) {
        let _refused = std::os::unix::fs::fchown(&lock.file, Some(dir.uid()), Some(dir.gid()));
    }
}
