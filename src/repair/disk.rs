//! Disks: a few operations, and the real disk, the only code here that changes one.
//!
//! What an operation did may be lost with the power until it was made durable: bytes with [`Output::sync`], names with
//! [`Disk::sync_dir`]. Every operation is a step of its own between which the power may go.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, FileTimes, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::{Access, SeekFrom as Extent};

/// A disk.
pub trait Disk: fmt::Debug {
    /// What is at a path; a symbolic link is not followed.
    ///
    /// # Errors
    /// It cannot be asked.
    fn look(&self, path: &Path) -> io::Result<Look>;

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

    /// Makes a file that does not exist.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output + '_>>;

    /// Opens a file to write at its end.
    ///
    /// # Errors
    /// It cannot be opened.
    fn append(&self, path: &Path) -> io::Result<Box<dyn Output + '_>>;

    /// Makes a file with the content and the attributes of another, durable but for its name.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    fn duplicate(&self, from: &Path, to: &Path, sharing: Sharing) -> io::Result<Duplicate>;

    /// Gives a file or directory attributes. Another owner is left if we may not change it.
    ///
    /// # Errors
    /// They cannot be given.
    fn dress(&self, path: &Path, attributes: Attributes) -> io::Result<()>;

    /// Gives a file or directory another name; a file or an empty directory that has it is replaced.
    ///
    /// # Errors
    /// It cannot be renamed.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// It cannot be removed.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory.
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

    /// Locks a file as brokers do, for everybody else; makes it if it is not there, and removes it again at the end.
    ///
    /// # Errors
    /// It cannot be opened for writing.
    fn lock(&self, path: &Path) -> io::Result<Locking>;

    /// Who holds the lock of a file, if somebody does; changes nothing.
    ///
    /// # Errors
    /// It cannot be asked.
    fn holder(&self, path: &Path) -> io::Result<Option<Holder>>;

    /// Whether something can be made in a directory, as far as can be told without doing so.
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
pub trait Output: Write {
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

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file.
    pub len_bytes: u64,
    /// What it carries beside its content.
    pub attributes: Attributes,
    /// Tells the file system from others.
    pub device: u64,
}

/// What something on a disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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

/// What a file or directory carries beside its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes {
    /// Permission bits.
    pub mode: u32,
    /// User and group.
    pub owner: (u32, u32),
    /// When its content was last changed; none to leave that as it is.
    pub modified: Option<SystemTime>,
}

/// How much a duplicate may have in common with its original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// It may be the same file under another name.
    File,
    /// It may share bytes as long as neither is changed.
    Blocks,
}

/// How a duplicate was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicate {
    /// The same file under another name: who writes to one writes to both.
    Linked,
    /// A file of its own that shares bytes until one is changed.
    Cloned,
    /// A file of its own.
    Copied,
}

/// Whether a lock was got.
#[derive(Debug)]
pub enum Locking {
    /// It is ours until this is dropped.
    Ours(Box<dyn Guard>),
    /// Somebody else holds it.
    Theirs(Holder),
}

/// A lock that is held.
pub trait Guard: fmt::Debug {}

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A process that locks as brokers do.
    Process(i32),
    /// One that locks as we do, or that is not on this machine.
    Unknown,
}

/// The real disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn look(&self, path: &Path) -> io::Result<Look> {
        let metadata = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Look::absent());
            }
            other => other?,
        };
        let kind = metadata.file_type();
        Ok(Look {
            kind: match () {
                () if kind.is_symlink() => Kind::Link,
                () if kind.is_dir() => Kind::Directory,
                () if kind.is_file() => Kind::File,
                () => Kind::Special,
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

    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output + '_>> {
        Ok(Box::new(Open(File::create_new(path)?)))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Output + '_>> {
        Ok(Box::new(Open(OpenOptions::new().append(true).open(path)?)))
    }

    fn duplicate(&self, from: &Path, to: &Path, sharing: Sharing) -> io::Result<Duplicate> {
        if clone(from, to)? {
            return Ok(Duplicate::Cloned);
        }
        // A file system without links, or one that does not let us link what is not ours: then the bytes are copied.
        if sharing == Sharing::File && link(from, to)? {
            return Ok(Duplicate::Linked);
        }
        copy(from, to).map(|()| Duplicate::Copied)
    }

    fn dress(&self, path: &Path, attributes: Attributes) -> io::Result<()> {
        let file = File::open(path)?;
        dress(&file, attributes)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
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
        match File::open(path) {
            Ok(file) => holder(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn check_writable(&self, dir: &Path) -> io::Result<()> {
        Ok(rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK)?)
    }
}

impl Look {
    /// What is where nothing is.
    #[must_use]
    pub fn absent() -> Self {
        Self {
            kind: Kind::Absent,
            len_bytes: 0,
            attributes: Attributes::default(),
            device: 0,
        }
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

impl Output for Open {
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// Copies by letting both files have the same blocks, where the file system can.
fn clone(from: &Path, to: &Path) -> io::Result<bool> {
    let original = File::open(from)?;
    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    let file = File::create_new(to)?;
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
    #[expect(clippy::disallowed_methods, reason = "this is the disk")]
    let file = File::create_new(to)?;
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
    let metadata = original.metadata()?;
    dress(
        file,
        Attributes {
            mode: metadata.mode() & 0o7777,
            owner: (metadata.uid(), metadata.gid()),
            modified: metadata.modified().ok(),
        },
    )?;
    file.sync_all()
}

fn dress(file: &File, attributes: Attributes) -> io::Result<()> {
    let metadata = file.metadata()?;
    let (uid, gid) = attributes.owner;
    if (metadata.uid(), metadata.gid()) != attributes.owner {
        // Only root may give files away; who is not works on files of his own.
        let _refused = std::os::unix::fs::fchown(file, Some(uid), Some(gid));
    }
    if metadata.mode() & 0o7777 != attributes.mode {
        file.set_permissions(Permissions::from_mode(attributes.mode))?;
    }
    match attributes.modified {
        Some(modified) => file.set_times(FileTimes::new().set_modified(modified)),
        None => Ok(()),
    }
}

/// Leaves no half a file behind.
fn keep(path: &Path, result: io::Result<()>) -> io::Result<()> {
    if result.is_err() {
        let _left = gone(path);
    }
    result
}

#[expect(clippy::disallowed_methods, reason = "this is the disk")]
fn gone(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// A lock of an open file: not lost, as those of processes are, when another handle to the file is closed.
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

fn lock(path: &Path) -> io::Result<Locking> {
    loop {
        let (file, made) = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => (file, None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match File::create_new(path) {
                Ok(file) => (file, Some(path.to_owned())),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error),
        };
        let wanted = whole_file(libc::F_WRLCK);
        if let Err(error) = fcntl(&file, FcntlArg::F_OFD_SETLK(&wanted)) {
            return match error {
                nix::Error::EAGAIN | nix::Error::EACCES => {
                    let holder = holder(&file)?;
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

/// A lock of every byte there is or will be.
fn whole_file(kind: libc::c_int) -> libc::flock {
    let short = |number: libc::c_int| libc::c_short::try_from(number).unwrap_or_default();
    libc::flock {
        l_type: short(kind),
        l_whence: short(libc::SEEK_SET),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// A broker must be able to open the lock even if we end before we can remove it.
fn give_to_owner_of_dir(lock: &Lock, path: &Path) {
    let dir = lock.made.as_ref().and(path.parent());
    if let Some(Ok(dir)) = dir.map(Path::metadata) {
        let _refused = std::os::unix::fs::fchown(&lock.file, Some(dir.uid()), Some(dir.gid()));
    }
}

fn holder(file: &File) -> io::Result<Option<Holder>> {
    let mut asked = whole_file(libc::F_WRLCK);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut asked))?;
    Ok(match asked.l_pid {
        _ if libc::c_int::from(asked.l_type) == libc::F_UNLCK => None,
        pid @ 1.. => Some(Holder::Process(pid)),
        _ => Some(Holder::Unknown),
    })
}
