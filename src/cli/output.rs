//! The one place that writes files: beside their final name, and renamed when they are whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use kseg::format::name::file_name;
use kseg::format::{FileKind, FileName};
use kseg::store::{Item, ItemType};

/// A file in the making. Dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct OutputFile {
    /// Where it will be.
    path: PathBuf,
    /// Where it is until then; none for a device or a pipe, which is written as it is.
    beside: Option<PathBuf>,
    file: File,
}

impl OutputFile {
    /// Begins the file that will be at `path`, in place of what is there. Links are followed.
    ///
    /// # Errors
    /// A directory is there, or the file cannot be made.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let item = Item::at(&path).ok();
        let open = |at: &Path, is_new: bool| {
            let mut options = File::options();
            let opened = options.write(true).create_new(is_new).open(at);
            opened.map_err(|error| said(&path, &error))
        };
        match item.as_ref().map(Item::kind) {
            Some(ItemType::Directory) => bail!("{}: is a directory", path.display()),
            Some(ItemType::Special) => {
                let file = open(&path, false)?;
                return Ok(Self {
                    path,
                    beside: None,
                    file,
                });
            }
            _ => {}
        }
        let Some(name) = path.file_name() else {
            bail!("{}: not the name of a file", path.display());
        };
        if is_kafkas(&path) {
            bail!(
                "{}: not written, because Kafka's own files are named so",
                path.display()
            );
        }
        let own = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
        let beside = path.with_file_name(own);
        let file = open(&beside, true)?;
        Ok(Self {
            path,
            beside: Some(beside),
            file,
        })
    }

    /// Gives the file its name; whatever happens, it is whole under that name or not there.
    ///
    /// # Errors
    /// The disk does not take it.
    #[expect(clippy::disallowed_methods, reason = "this is the one output opener")]
    pub(crate) fn finish(mut self) -> Result<()> {
        let Some(beside) = &self.beside else {
            return Ok(());
        };
        let done = self.file.sync_all();
        done.and_then(|()| std::fs::rename(beside, &self.path))
            .map_err(|error| said(&self.path, &error))?;
        self.beside = None;
        // A name that the disk forgets again is as if it had been interrupted before.
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let _synced = File::open(dir.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all());
        Ok(())
    }

    /// What to say of an error in writing.
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

/// Whether a file of that name is a broker's. A name that only ends like that of a segment may be anybody's.
fn is_kafkas(path: &Path) -> bool {
    FileName::parse(file_name(path))
        .is_some_and(|name| name.kind != FileKind::Log || name.offset.is_some())
}

/// Makes a directory for output, if there is none.
///
/// # Errors
/// It cannot be made.
pub(crate) fn make_dir(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| said(path, &error))
}

/// The path and what the operating system says, without the number that Rust appends.
pub(crate) fn said(path: &Path, error: &io::Error) -> anyhow::Error {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    anyhow!("{}: {}", path.display(), text.to_lowercase())
}
