//! Whether a broker runs on a log dir.

use std::fs::File;
use std::path::Path;

/// The file in a log dir that a running broker keeps locked.
const LOCK_FILE: &str = ".lock";

/// Whether somebody holds the lock of the log dir that `path` (a file or directory in a partition, a partition, or the
/// log dir itself) lies in. Java locks with `fcntl`; asking changes nothing.
#[must_use]
pub fn is_live(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else {
        return false;
    };
    path.ancestors()
        .take(3)
        .any(|dir| is_locked(&dir.join(LOCK_FILE)))
}

fn is_locked(lock: &Path) -> bool {
    let Ok(file) = File::open(lock) else {
        return false;
    };
    let ours = rustix::process::Flock::from(rustix::process::FlockType::WriteLock);
    matches!(rustix::process::fcntl_getlk(&file, &ours), Ok(Some(_)))
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
