//! Disks: a few operations, and the real disk, whose files are the only code here that changes one.
//!
//! What an operation did may be lost with the power until it was made durable: bytes with
//! [`DurableOutput::sync`], names with [`Disk::sync_dir`]. Every operation is a step of its own
//! between which the power may go.

mod dress;
mod lock;
mod real;
mod stoppable;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use real::RealDisk;
pub use stoppable::Stoppable;

pub use crate::store::lock::Holder;

/// A disk.
pub trait Disk: fmt::Debug {
    /// Returns the item at a path; doesn't follow a symbolic link.
    ///
    /// # Errors
    /// It cannot be asked.
    fn look(&self, path: &Path) -> io::Result<DiskItem>;

    /// The names in a directory, in order.
    ///
    /// # Errors
    /// It cannot be read.
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>>;

    /// The path without links and dots.
    ///
    /// # Errors
    /// There is nothing.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Input + '_>>;

    /// Makes a file that does not exist, for its owner alone.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DurableOutput + '_>>;

    /// Opens a file to write at its end.
    ///
    /// # Errors
    /// It cannot be opened.
    fn append(&self, path: &Path) -> io::Result<Box<dyn DurableOutput + '_>>;

    /// Makes a file with the content and the attributes of another, durable but for its name.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    fn duplicate(&self, from: &Path, to: &Path, sharing: Sharing) -> io::Result<Duplicate>;

    /// Gives a file or directory the owner, group, permissions, extended attributes and access
    /// control lists of `model`. An owner that may not be set stays; the
    /// permissions then allow no more than before.
    ///
    /// # Errors
    /// They cannot be given.
    fn dress(&self, path: &Path, model: &Path, how: Likeness) -> io::Result<()>;

    /// Sets when the content of a file or directory was last changed.
    ///
    /// # Errors
    /// It cannot be set.
    fn touch(&self, path: &Path, modified: SystemTime) -> io::Result<()>;

    /// Gives a file or directory another name; a file or an empty directory that has it is
    /// replaced.
    ///
    /// # Errors
    /// It cannot be renamed.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// It cannot be removed.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory, for its owner alone.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    fn make_dir(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// It cannot be removed.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// They may not be.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Locks a file as brokers do, for everybody else; makes it if it is not there, and removes it
    /// again at the end.
    ///
    /// # Errors
    /// It cannot be opened for writing.
    fn lock(&self, path: &Path) -> io::Result<Locking>;

    /// Returns the holder of the lock of a file, if there is one; changes nothing.
    ///
    /// # Errors
    /// It cannot be asked.
    fn holder(&self, path: &Path) -> io::Result<Option<Holder>>;

    /// Returns true if something can be made in a directory, as far as can be reported without
    /// doing so.
    ///
    /// # Errors
    /// It cannot.
    fn check_writable(&self, dir: &Path) -> io::Result<()>;
}

/// A file open for reading.
pub trait Input {
    /// Reads some bytes at a position; none at the end.
    ///
    /// # Errors
    /// They cannot be read.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;
}

/// A file open for writing.
pub trait DurableOutput: Write {
    /// Makes its content durable.
    ///
    /// # Errors
    /// It may not be.
    fn sync(&mut self) -> io::Result<()>;
}

impl Input for &[u8] {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        self.get(position..).unwrap_or_default().read(buffer)
    }
}

/// The item at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskItem {
    /// The kind.
    pub kind: ItemKind,
    /// Bytes of a file.
    pub len_bytes: u64,
    /// Its attributes.
    pub attributes: Attributes,
    /// Tells the file system from others.
    pub device: u64,
}

/// The kind of an item on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// Nothing.
    Absent,
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe, a socket or a device.
    Special,
}

/// The attributes of a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes {
    /// Permission bits.
    pub mode: u32,
    /// User and group.
    pub owner: (u32, u32),
    /// The modification time.
    pub modified: Option<SystemTime>,
}

/// The likeness of a file to its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// Everything, the time of its last change too: it takes the model's place, or is its copy.
    Whole,
    /// Everything but the time: it is new beside the model, or in it if that is a directory.
    New,
}

/// The way in which a duplicate may share blocks with its original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// It may be the same file under another name.
    File,
    /// It may share bytes as long as neither is changed.
    Blocks,
}

/// The kind of a duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicate {
    /// The same file under another name: who writes to one writes to both.
    Linked,
    /// A file of its own that shares bytes until one is changed.
    Cloned,
    /// A file of its own.
    Copied,
}

/// True if a lock was got.
#[derive(Debug)]
pub enum Locking {
    /// It is ours until this is dropped.
    Ours(Box<dyn Guard>),
    /// Another process holds it.
    Theirs(Holder),
}

/// A lock that is held.
pub trait Guard: fmt::Debug {}

impl DiskItem {
    /// The state of a path where there is nothing.
    #[must_use]
    pub fn absent() -> Self {
        Self {
            kind: ItemKind::Absent,
            len_bytes: 0,
            attributes: Attributes::default(),
            device: 0,
        }
    }
}
