//! Log dirs: partitions, checkpoints, and unknown files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Error, Item, Partition, Standing, lock};
use crate::format::FileKind;
use crate::format::name::{DirName, FileState};

/// One entry of `log.dirs`, as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDir {
    path: PathBuf,
    items: Vec<Item>,
}

impl LogDir {
    /// Lists the directory, but none of its partitions.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let items = Item::list(&path)?;
        Ok(Self { path, items })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything in the directory, by name.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The directories of partitions, in any state, by name.
    pub fn partitions(&self) -> impl Iterator<Item = &Item> {
        let is_partition =
            |item: &&Item| matches!(item.dir_name(), Some(DirName::Partition { .. }));
        self.items
            .iter()
            .filter(|item| item.is_dir())
            .filter(is_partition)
    }

    /// The directory of the partition with this name.
    #[must_use]
    pub fn partition(&self, folder: &OsStr) -> Option<&Item> {
        // They are sorted.
        let nth = self.items.binary_search_by(|item| item.name().cmp(folder));
        let item = self.items.get(nth.ok()?).filter(|item| item.is_dir());
        item.filter(|item| matches!(item.dir_name(), Some(DirName::Partition { .. })))
    }

    /// The file of `kind` in use, for kinds of which there is one file.
    #[must_use]
    pub fn item(&self, kind: FileKind) -> Option<&Item> {
        self.items.iter().find(|item| item.is_current(kind))
    }

    /// Returns the standing of one of its items: directories of partitions, in any state, are
    /// current.
    #[must_use]
    pub fn standing(item: &Item) -> Standing {
        match item.dir_name() {
            Some(_) if item.is_dir() => Standing::Current,
            _ => item.standing(|name| Self::is_home_of(name.kind)),
        }
    }

    /// Returns true if a broker runs on it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        lock::is_live(&self.path)
    }

    /// Returns true if it looks like a log dir: it contains a partition, or a file that is only in
    /// log dirs.
    #[must_use]
    pub fn is_likely(&self) -> bool {
        let names = || self.items.iter().filter_map(Item::file_name);
        self.partitions().next().is_some() || names().any(|name| Self::is_home_of(name.kind))
    }

    /// Returns true if it has files of a log dir. Without them it is a folder of partitions, and
    /// nothing says how their broker stopped.
    #[must_use]
    pub fn has_own_files(&self) -> bool {
        let is_own = |kind| Self::is_home_of(kind) && kind != FileKind::Lock;
        let mut names = self.items.iter().filter_map(Item::file_name);
        names.any(|name| name.state == FileState::Current && is_own(name.kind))
    }

    /// Returns true if files of `kind` are directly in log dirs, and nowhere else.
    #[must_use]
    pub const fn is_home_of(kind: FileKind) -> bool {
        matches!(
            kind,
            FileKind::RecoveryPoints
                | FileKind::HighWatermarks
                | FileKind::LogStarts
                | FileKind::CleanerOffsets
                | FileKind::MetaProperties
                | FileKind::CleanShutdown
                | FileKind::Lock
                | FileKind::BootstrapSnapshot
                | FileKind::RemoteCommittedOffsets
        )
    }
}

/// A log dir, partition or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A log dir.
    LogDir(LogDir),
    /// The directory of a partition.
    Partition(Partition),
    /// A file, or something that is neither a file nor a directory.
    File(Item),
}

impl Place {
    /// Returns the place at `path`. A directory is a log dir if it contains partitions or files of
    /// log dirs, otherwise a partition.
    ///
    /// # Errors
    /// Nothing is there, or it cannot be read.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let item = Item::at(path)?;
        if !item.is_dir() {
            return Ok(Self::File(item));
        }
        let dir = LogDir::open(item.path())?;
        if dir.is_likely() {
            return Ok(Self::LogDir(dir));
        }
        let partition = Partition::open(item.path())?;
        // An empty directory that is not named like a partition has no partitions either.
        Ok(
            if partition.name().is_some() || !partition.segments().is_empty() {
                Self::Partition(partition)
            } else {
                Self::LogDir(dir)
            },
        )
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::LogDir(dir) => dir.path(),
            Self::Partition(partition) => partition.path(),
            Self::File(item) => item.path(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn testdata(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata/kafka-4.3.1")
            .join(path)
    }

    #[test]
    fn what_a_path_is_shows_in_what_lies_there() {
        let place = |path: &str| Place::at(testdata(path)).unwrap();
        let Place::LogDir(dir) = place("rp-nonnumeric/files") else {
            unreachable!("a log dir");
        };
        assert!(dir.item(FileKind::RecoveryPoints).is_some());
        assert!(!dir.is_live());
        let partition = place("txns-4.3.1/files/willow.ledger-0");
        assert!(matches!(partition, Place::Partition(_)));
        let file = place("txns-4.3.1/files/willow.ledger-0/leader-epoch-checkpoint");
        assert!(matches!(file, Place::File(_)));
        assert!(matches!(place("."), Place::LogDir(_)));
    }
}
