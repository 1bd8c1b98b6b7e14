//! The real disk.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, FileTimes, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Access, SeekFrom as Extent};

use super::dress::dress;
use super::lock::{gone, lock};
use super::{
    Attributes, Disk, DiskItem, Duplicate, DurableOutput, Holder, Input, ItemKind, Likeness,
    Locking, Sharing,
};
use crate::store::lock::holder;

/// The real disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn look(&self, path: &Path) -> io::Result<DiskItem> {
        let metadata = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(DiskItem::absent());
            }
            other => other?,
        };
        let kind = metadata.file_type();
        Ok(DiskItem {
            kind: match () {
                () if kind.is_symlink() => ItemKind::Link,
                () if kind.is_dir() => ItemKind::Directory,
                () if kind.is_file() => ItemKind::File,
                () => ItemKind::Special,
            },
            len_bytes: metadata.len(),
            attributes: Attributes {
                mode: metadata.mode() & 0o7777,
                owner: (metadata.uid(), metadata.gid()),
                modified: metadata.modified().ok(),
            },
            device: metadata.dev(),
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let names = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name()));
        let mut names: Vec<OsString> = names.collect::<io::Result<_>>()?;
        names.sort();
        Ok(names)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        path.canonicalize()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Input + '_>> {
        Ok(Box::new(Open(File::open(path)?)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DurableOutput + '_>> {
        Ok(Box::new(Open(create(path)?)))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DurableOutput + '_>> {
        Ok(Box::new(Open(OpenOptions::new().append(true).open(path)?)))
    }

    fn duplicate(&self, from: &Path, to: &Path, sharing: Sharing) -> io::Result<Duplicate> {
        if clone(from, to)? {
            return Ok(Duplicate::Cloned);
        }
        // A file system without links, or one that does not let us link what is not ours: then the
        // bytes are copied.
        if sharing == Sharing::File && link(from, to)? {
            return Ok(Duplicate::Linked);
        }
        copy(from, to).map(|()| Duplicate::Copied)
    }

    fn dress(&self, path: &Path, model: &Path, how: Likeness) -> io::Result<()> {
        dress(&File::open(path)?, &File::open(model)?, how)
    }

    fn touch(&self, path: &Path, modified: SystemTime) -> io::Result<()> {
        File::open(path)?.set_times(FileTimes::new().set_modified(modified))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Locking> {
        lock(path)
    }

    fn holder(&self, path: &Path) -> io::Result<Option<Holder>> {
        holder(path)
    }

    fn check_writable(&self, dir: &Path) -> io::Result<()> {
        Ok(rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK)?)
    }
}

/// An open file.
#[derive(Debug)]
struct Open(File);

impl Input for Open {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.0.read_at(buffer, position)
    }
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl DurableOutput for Open {
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// Makes a file that only its owner can read.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// Copies by letting both files have the same blocks, where the file system can.
fn clone(from: &Path, to: &Path) -> io::Result<bool> {
    let original = File::open(from)?;
    let file = create(to)?;
    if rustix::fs::ioctl_ficlone(&file, &original).is_err() {
        gone(to)?;
        return Ok(false);
    }
    let finished = finish(&original, &file);
    keep(to, finished).map(|()| true)
}

fn link(from: &Path, to: &Path) -> io::Result<bool> {
    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    match std::fs::hard_link(from, to) {
        Ok(()) => Ok(true),
        // These no copy would get past.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists
            ) =>
        {
            Err(error)
        }
        Err(_) => Ok(false),
    }
}

/// Copies what is in a file and leaves its holes holes.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let original = File::open(from)?;
    let file = create(to)?;
    let copied = copy_extents(&original, &file).and_then(|()| finish(&original, &file));
    keep(to, copied)
}

fn copy_extents(mut original: &File, mut file: &File) -> io::Result<()> {
    let len = original.metadata()?.len();
    let mut at = 0;
    while at < len {
        let start = match rustix::fs::seek(original, Extent::Data(at)) {
            Ok(start) => start,
            // Only a hole is left.
            Err(rustix::io::Errno::NXIO) => break,
            // Holes are not told here.
            Err(_) => at,
        };
        let end = rustix::fs::seek(original, Extent::Hole(start)).unwrap_or(len);
        original.seek(SeekFrom::Start(start))?;
        file.seek(SeekFrom::Start(start))?;
        let copied = io::copy(&mut original.take(end - start), &mut file)?;
        if copied < end - start {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        at = end;
    }
    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    file.set_len(len)
}

/// Gives the attributes of the original to its copy and makes the copy durable.
fn finish(original: &File, file: &File) -> io::Result<()> {
    dress(file, original, Likeness::Whole)?;
    file.sync_all()
}

/// Leaves no half a file after.
fn keep(path: &Path, result: io::Result<()>) -> io::Result<()> {
    if result.is_err() {
        let _left = gone(path);
    }
    result
}
