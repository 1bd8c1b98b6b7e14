//! The only code that writes output files: under a temporary name, and renamed when they are
//! complete.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use kseg::format::name::{self, file_name};
use kseg::format::{FileKind, FileName};
use kseg::store::{Item, ItemType};

/// A file that is being written. Dropped before it is finished, it is removed.
#[derive(Debug)]
pub(crate) struct OutputFile {
    /// The final path.
    path: PathBuf,
    /// The temporary path; `None` for a device or a pipe, which is written directly.
    beside: Option<PathBuf>,
    file: File,
}

impl OutputFile {
    /// Begins the file at `path`, which replaces an existing one. Links are followed.
    ///
    /// # Errors
    /// It is a directory, or the file cannot be created.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let item = Item::at(&path).ok();
        match item.as_ref().map(Item::kind) {
            Some(ItemType::Directory) => bail!("{}: is a directory", path.display()),
            Some(ItemType::Special) => {
                let opened = File::options().write(true).open(&path);
                let file = opened.map_err(|error| said(&path, &error))?;
                return Ok(Self {
                    path,
                    beside: None,
                    file,
                });
            }
            _ => {}
        }
        let Some(beside) = beside(&path) else {
            bail!("{}: not a file name", path.display());
        };
        if is_kafkas(&path) {
            bail!(
                "{}: not written: it is the name of one of Kafka's files",
                path.display()
            );
        }
        check_place(&path)?;
        let file = claim(&beside, &path)?;
        Ok(Self {
            path,
            beside: Some(beside),
            file,
        })
    }

    /// Opens the file at `path` to append to it. It is not renamed: others append to it too.
    ///
    /// # Errors
    /// It is a directory, or the file cannot be opened.
    pub(crate) fn append(path: &Path) -> Result<Self> {
        if is_kafkas(path) {
            bail!(
                "{}: not written: it is the name of one of Kafka's files",
                path.display()
            );
        }
        check_place(path)?;
        let opened = File::options().append(true).create(true).open(path);
        Ok(Self {
            path: path.to_owned(),
            beside: None,
            file: opened.map_err(|error| said(path, &error))?,
        })
    }

    /// Removes the temporary file of a killed run for `path`.
    pub(crate) fn sweep(path: &Path) {
        if beside(path).is_some_and(|beside| Item::at(beside).is_ok()) {
            drop(Self::create(path));
        }
    }

    /// Renames the file to its final name: under that name it is complete or does not exist.
    ///
    /// # Errors
    /// It cannot be written.
    #[expect(clippy::disallowed_methods, reason = "this is the one output opener")]
    pub(crate) fn finish(mut self) -> Result<()> {
        let Some(beside) = &self.beside else {
            return Ok(());
        };
        let done = self.file.sync_all();
        done.and_then(|()| std::fs::rename(beside, &self.path))
            .map_err(|error| said(&self.path, &error))?;
        self.beside = None;
        // If the rename is lost in a crash, it is as if the run had been interrupted before.
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let _synced = File::open(dir.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all());
        Ok(())
    }

    /// Returns the error for a failed write.
    pub(crate) fn failed(&self, error: &io::Error) -> anyhow::Error {
        said(&self.path, error)
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for OutputFile {
    #[expect(clippy::disallowed_methods, reason = "this is the one output opener")]
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _gone = std::fs::remove_file(beside);
        }
    }
}

/// Returns the path of a file until it is complete.
fn beside(path: &Path) -> Option<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name()?);
    name.push(".part");
    Some(path.with_file_name(name))
}

/// Opens the empty temporary file for `path`. That of a killed run is reused; a running one holds
/// its lock.
///
/// # Errors
/// Another run writes it, or it cannot be created.
#[expect(clippy::disallowed_methods, reason = "this is the one output opener")]
fn claim(beside: &Path, path: &Path) -> Result<File> {
    let failed = |error: io::Error| said(path, &error);
    loop {
        let there = Item::at(beside).ok();
        if there.is_some_and(|item| !item.is_file() || item.is_link()) {
            bail!("{}: already exists, and is not a file", beside.display());
        }
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        let file = options.open(beside).map_err(failed)?;
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            bail!("{}: another kseg is writing it", path.display());
        }
        // Before it was locked, the other run may have ended and renamed it.
        let (own, there) = (file.metadata().map_err(failed)?, beside.symlink_metadata());
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino())) {
            file.set_len(0).map_err(failed)?;
            return Ok(file);
        }
    }
}

/// Returns true if a file of that name is a broker's. A name that only has the suffix of a segment
/// may be another's.
fn is_kafkas(path: &Path) -> bool {
    FileName::parse(file_name(path))
        .is_some_and(|name| name.kind != FileKind::Log || name.offset.is_some())
}

/// Files by which a directory is known as a log dir. Partitions do not make it one: people keep
/// copies of them next to other things.
const OF_LOG_DIRS: [&str; 6] = [
    name::RECOVERY_POINTS,
    name::HIGH_WATERMARKS,
    name::LOG_STARTS,
    name::CLEANER_OFFSETS,
    name::META_PROPERTIES,
    name::CLEAN_SHUTDOWN,
];

/// Refuses output inside a log dir: a broker does not start if its log dir contains a directory
/// that is not a partition.
///
/// # Errors
/// The path is inside one.
fn check_place(path: &Path) -> Result<()> {
    let absolute = std::path::absolute(path).map_err(|error| said(path, &error))?;
    // Directories that do not exist yet are created.
    let mut around = absolute.ancestors();
    let existing = around.find_map(|dir| dir.canonicalize().ok());
    let mut dirs = existing.iter().flat_map(|path| path.ancestors());
    let is_log_dir = |dir: &&Path| OF_LOG_DIRS.iter().any(|name| dir.join(name).is_file());
    match dirs.find(is_log_dir) {
        Some(dir) => bail!(
            "{}: not written: {} is a log dir; give a path outside of it",
            path.display(),
            dir.display()
        ),
        None => Ok(()),
    }
}

/// Creates a directory for output, unless it exists.
///
/// # Errors
/// It is inside a log dir, or cannot be created.
pub(crate) fn make_dir(path: &Path) -> Result<()> {
    check_place(path)?;
    std::fs::create_dir_all(path).map_err(|error| said(path, &error))
}

/// Creates a directory with mode 0700 unless it exists.
///
/// # Errors
/// It cannot be created.
pub(crate) fn make_private_dir(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(|error| said(path, &error))
}

/// Removes a directory of output with its contents.
pub(crate) fn remove_dir(path: &Path) {
    let _gone = std::fs::remove_dir_all(path);
}

/// Returns the error for a failed write to standard output.
pub(crate) fn unwritten(error: &io::Error) -> anyhow::Error {
    said(Path::new("standard output"), error)
}

/// Returns the path and the text of the I/O error.
pub(crate) fn said(path: &Path, error: &io::Error) -> anyhow::Error {
    anyhow!("{}: {}", path.display(), error_text(error))
}

/// Returns the text of an I/O error, as that of [`kseg::store::Error`]: in lower case, and without
/// the number that Rust appends.
pub(crate) fn error_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}
