//! What is in a directory.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Error;
use crate::format::name::{DirState, FileState};
use crate::format::{DirName, FileKind, FileName};

/// The unit in which file systems count the space of a file, whatever the size of their own blocks.
const BLOCK_BYTES: u64 = 512;

/// The type of a directory entry, after following links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ItemType {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A pipe, a socket or a device: never opened, because that may block forever.
    Special,
    /// A symbolic link to nothing, or in a circle.
    BrokenLink,
}

/// The standing of an entry in its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standing {
    /// In use.
    Current,
    /// A file that Kafka is about to rename or delete: `.swap`, `.cleaned`, `.deleted`, `.tmp`.
    Leftover,
    /// An entry that Kafka does not write there.
    Unknown,
}

/// An entry of a directory, as it was when the directory was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    path: PathBuf,
    kind: ItemType,
    len_bytes: u64,
    disk_bytes: u64,
    modified: Option<SystemTime>,
    is_link: bool,
}

impl Item {
    /// Returns the item at `path`.
    ///
    /// # Errors
    /// Nothing exists there, or its attributes cannot be read.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let own = path.symlink_metadata().map_err(Error::io(&path))?;
        let is_link = own.is_symlink();
        if !is_link {
            return Ok(Self::of(path, &own, is_link));
        }
        Ok(match path.metadata() {
            Ok(metadata) => Self::of(path, &metadata, is_link),
            Err(_) => Self {
                kind: ItemType::BrokenLink,
                ..Self::of(path, &own, is_link)
            },
        })
    }

    /// An open file with the name that it would have: a segment that was decompressed, or read from
    /// a pipe.
    #[must_use]
    pub fn named(path: impl Into<PathBuf>, metadata: &Metadata) -> Self {
        Self::of(path.into(), metadata, false)
    }

    fn of(path: PathBuf, metadata: &Metadata, is_link: bool) -> Self {
        let kind = metadata.file_type();
        let special =
            kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device();
        Self {
            path,
            kind: match () {
                () if kind.is_dir() => ItemType::Directory,
                () if special => ItemType::Special,
                () => ItemType::File,
            },
            len_bytes: metadata.len(),
            disk_bytes: metadata.blocks().saturating_mul(BLOCK_BYTES),
            modified: metadata.modified().ok(),
            is_link,
        }
    }

    /// Lists the directory, in the byte order of names. Entries that vanish before their attributes
    /// are read are left out.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(dir: &Path) -> Result<Vec<Self>, Error> {
        let mut items = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(Error::io(dir))? {
            let path = entry.map_err(Error::io(dir))?.path();
            match Self::at(path) {
                Ok(item) => items.push(item),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        items.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(items)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// Returns its kind.
    #[must_use]
    pub fn kind(&self) -> ItemType {
        self.kind
    }

    /// Returns true if it is a file that can be opened.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == ItemType::File
    }

    /// Returns true if it is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.kind == ItemType::Directory
    }

    /// Returns true if it was reached through a symbolic link.
    #[must_use]
    pub fn is_link(&self) -> bool {
        self.is_link
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Its size on the disk in bytes: less than its length if it has holes.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.disk_bytes
    }

    /// Returns its modification time.
    #[must_use]
    pub fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    /// Parses its name as that of a file; returns `None` if Kafka writes no file with such a name.
    #[must_use]
    pub fn file_name(&self) -> Option<FileName<'_>> {
        self.name().to_str().and_then(FileName::parse)
    }

    /// Parses its name as that of a directory; returns `None` if a broker would not start because
    /// of it.
    #[must_use]
    pub fn dir_name(&self) -> Option<DirName<'_>> {
        self.name().to_str().and_then(DirName::parse)
    }

    /// The topic, number and state of a partition, if its name is that of a partition's directory.
    #[must_use]
    pub fn partition_name(&self) -> Option<(&str, i32, DirState)> {
        match self.dir_name()? {
            DirName::Partition {
                topic,
                partition,
                state,
                ..
            } => Some((topic, partition, state)),
            DirName::RemoteIndexCache => None,
        }
    }

    /// Returns its standing in a directory with files of certain kinds.
    pub(super) fn standing(&self, belongs: impl FnOnce(&FileName<'_>) -> bool) -> Standing {
        match self.file_name().filter(|_| self.is_file()) {
            Some(name) if name.state != FileState::Current => Standing::Leftover,
            Some(name) if belongs(&name) => Standing::Current,
            _ => Standing::Unknown,
        }
    }

    /// Returns true if it is, by its name, a `kind` in use.
    #[must_use]
    pub fn is_current(&self, kind: FileKind) -> bool {
        self.file_name()
            .is_some_and(|name| name.kind == kind && name.state == FileState::Current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_listed_by_name_and_what_lies_in_it_is_told_apart() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let items = Item::list(root).unwrap();
        assert!(items.is_sorted_by(|a, b| a.name() < b.name()));
        let find = |name: &str| items.iter().find(|item| item.name() == name).unwrap();
        assert!(find("src").is_dir());
        let manifest = find("Cargo.toml");
        assert!(manifest.is_file() && !manifest.is_link());
        assert_eq!(
            manifest.len_bytes(),
            std::fs::metadata(root.join("Cargo.toml")).unwrap().len()
        );
        assert_eq!(Item::at("/dev/null").unwrap().kind(), ItemType::Special);
    }

    #[test]
    fn a_directory_that_is_none_is_an_error_with_its_path() {
        let error = Item::list(Path::new("/no/such")).unwrap_err().to_string();
        assert_eq!(error, "/no/such: no such file or directory");
    }
}
