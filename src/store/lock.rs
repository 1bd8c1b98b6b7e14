//! The lock that shows if a broker runs on a log dir.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::format::name;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// The holder of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A process that locks as brokers do.
    Process(i32),
    /// One that locks open files, as a repair does, or that is not on this machine.
    Unknown,
}

/// Returns true if a process holds the lock of the log dir that `path` (a file or directory in a
/// partition, a partition, or the log dir itself) is in. Java locks with `fcntl`; the query changes
/// nothing.
#[must_use]
pub fn is_live(path: &Path) -> bool {
    // A file may be gone by now.
    let Ok(path) = path.canonicalize().or_else(|_| std::path::absolute(path)) else {
        return false;
    };
    path.ancestors()
        .take(3)
        .any(|dir| is_locked(&dir.join(name::LOCK)))
}

fn is_locked(lock: &Path) -> bool {
    matches!(holder(lock), Ok(Some(_)))
}

/// Returns the holder of the lock of a file, if there is one. The query changes nothing.
///
/// # Errors
/// The file cannot be opened, or its lock cannot be queried.
pub fn holder(lock: &Path) -> io::Result<Option<Holder>> {
    match File::open(lock) {
        Ok(file) => holder_of(&file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the holder of the lock of an open file.
pub(crate) fn holder_of(file: &File) -> io::Result<Option<Holder>> {
    let mut asked = whole_file();
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut asked))?;
    Ok(match asked.l_pid {
        _ if libc::c_int::from(asked.l_type) == libc::F_UNLCK => None,
        pid @ 1.. => Some(Holder::Process(pid)),
        _ => Some(Holder::Unknown),
    })
}

/// The lock that a broker takes: exclusive, on the whole file.
pub(crate) fn whole_file() -> libc::flock {
    let short = |number: libc::c_int| libc::c_short::try_from(number).unwrap_or_default();
    libc::flock {
        l_type: short(libc::F_WRLCK),
        l_whence: short(libc::SEEK_SET),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_without_a_held_lock_is_not_live() {
        assert!(!is_live(Path::new(env!("CARGO_MANIFEST_DIR"))));
        assert!(!is_live(Path::new("/no/such/dir")));
    }
}
