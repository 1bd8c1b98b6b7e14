//! A disk on which nothing new is made after a request to stop.
//!
//! That is as if it were full: what a repair has prepared is taken back, what it has committed is
//! finished, because that makes nothing new. A file that was begun is written to its end.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::{Disk, DiskItem, Duplicate, DurableOutput, Holder, Input, Likeness, Locking, Sharing};

/// A disk that can be reported to stop.
#[derive(Debug, Clone, Copy)]
pub struct Stoppable<'a> {
    disk: &'a dyn Disk,
    stop: &'a AtomicBool,
}

impl<'a> Stoppable<'a> {
    /// `disk`, until `stop` is set.
    #[must_use]
    pub fn new(disk: &'a dyn Disk, stop: &'a AtomicBool) -> Self {
        Self { disk, stop }
    }

    fn check(&self) -> io::Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            // Not of the kind `Interrupted`, after which one tries again.
            return Err(io::Error::other("interrupted"));
        }
        Ok(())
    }
}

impl Disk for Stoppable<'_> {
    fn look(&self, path: &Path) -> io::Result<DiskItem> {
        self.disk.look(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.disk.list(dir)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.disk.canonical(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Input + '_>> {
        self.disk.open(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DurableOutput + '_>> {
        self.check()?;
        self.disk.create(path)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DurableOutput + '_>> {
        self.disk.append(path)
    }

    fn duplicate(&self, from: &Path, to: &Path, sharing: Sharing) -> io::Result<Duplicate> {
        self.check()?;
        self.disk.duplicate(from, to, sharing)
    }

    fn dress(&self, path: &Path, model: &Path, how: Likeness) -> io::Result<()> {
        self.disk.dress(path, model, how)
    }

    fn touch(&self, path: &Path, modified: SystemTime) -> io::Result<()> {
        self.disk.touch(path, modified)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.check()?;
        self.disk.make_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Locking> {
        self.disk.lock(path)
    }

    fn holder(&self, path: &Path) -> io::Result<Option<Holder>> {
        self.disk.holder(path)
    }

    fn check_writable(&self, dir: &Path) -> io::Result<()> {
        self.disk.check_writable(dir)
    }
}
