//! Paths to handles: files are listed and opened, never changed.
//!
//! **Invariant:** nothing here creates, locks or modifies anything. Absent on purpose: what the
//! bytes mean.

pub mod item;
pub mod lock;
pub mod log_dir;
pub mod mapping;
pub mod partition;
pub mod read;
pub mod segment;
pub mod small;
pub mod source;
mod stream;

use std::io;
use std::path::{Path, PathBuf};

pub use item::{Item, ItemType, Standing};
pub use log_dir::{LogDir, Place};
pub use partition::Partition;
pub use read::{ReadAt, Unreadable};
pub use segment::Segment;
pub use small::{Cap, read_known, read_small};
pub use source::{LogFile, Source, Window};
pub use stream::{Patch, Stream};

use crate::wire::text::error_text;

/// The reason why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An I/O error.
    #[error("{}: {}", path.display(), reason(why))]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system, which is a part of the message and not its source.
        why: io::Error,
    },
    /// Some of its bytes cannot be read.
    #[error("{}: {unreadable}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Which bytes, and why.
        unreadable: Unreadable,
    },
    /// Opening it may block forever.
    #[error("{}: a pipe, a socket or a device, which is not opened", .0.display())]
    Special(PathBuf),
    /// It was truncated while it was read.
    #[error("{}: became shorter while it was read", .0.display())]
    Shorter(PathBuf),
    /// It is larger than a file of its kind can be, and is not read.
    #[error("{}: has {len} bytes, more than the {most} that such a file may have", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        len: u64,
        /// The maximum size.
        most: u64,
    },
    /// A file name does not contain an offset.
    #[error("{}: the name does not begin with a base offset, as 00000000000000000042.log does", .0.display())]
    Name(PathBuf),
}

impl Error {
    /// Returns true if there is nothing at the path.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { why, .. } if why.kind() == io::ErrorKind::NotFound)
    }

    /// Returns true if a file or directory is no longer where it was listed; a broken link is still
    /// there.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Io { path, .. } => {
                let own = path.symlink_metadata();
                self.is_not_found()
                    && own.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
            }
            _ => false,
        }
    }

    /// Returns true if some of a file's bytes cannot be read.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |why| Self::Io {
            path: path.to_owned(),
            why,
        }
    }
}

/// Returns a short text for an I/O error.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "is a directory".into(),
        _ => error_text(error),
    }
}
