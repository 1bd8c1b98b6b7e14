//! A virtual copy of a partition's directory: its files after the steps so far.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::format::name::{LOG_SUFFIX, PRODUCER_SNAPSHOT_SUFFIX, base_offset};
use crate::store::{Error, Item, ItemType, LogFile, Stream};

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// Bytes that are on the disk, perhaps under another name.
    Disk {
        /// The file that contains them.
        path: PathBuf,
        /// Their start in it.
        start: u64,
        /// The number of entries.
        len: u64,
    },
    /// Zeros: an index that was created and never written.
    Zeros(u64),
    /// Recomputed from the log.
    Rebuilt,
    /// The state of producers.
    Producers(Vec<Producer>),
}

/// The state of a producer in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Producer {
    pub(super) id: i64,
    /// The first offset of its open transaction; negative if there is none.
    pub(super) first_offset: i64,
    /// The timestamp of its last batch, in milliseconds.
    pub(super) last_timestamp_ms: i64,
}

impl Content {
    /// Its size in bytes, if it is known.
    pub(super) fn len_bytes(&self) -> u64 {
        match self {
            Self::Disk { len, .. } | Self::Zeros(len) => *len,
            Self::Rebuilt | Self::Producers(_) => 0,
        }
    }
}

/// An entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The type, after following links.
    pub(super) kind: ItemType,
    /// The content, if it is a file.
    pub(super) content: Content,
}

/// The directory.
#[derive(Debug, Clone)]
pub(super) struct VirtualDir {
    before: BTreeMap<String, Leaf>,
    files: BTreeMap<String, Leaf>,
    /// The snapshots of producers among `files`: they are needed for every segment that is
    /// recovered.
    snapshots: BTreeMap<i64, String>,
}

impl VirtualDir {
    /// The directory as it is on the disk.
    pub(super) fn of(items: &[Item]) -> Self {
        let leaf = |item: &Item| {
            let content = Content::Disk {
                path: item.path().to_owned(),
                start: 0,
                len: item.len_bytes(),
            };
            let kind = item.kind();
            (
                item.name().to_string_lossy().into_owned(),
                Leaf { kind, content },
            )
        };
        let before: BTreeMap<_, _> = items.iter().map(leaf).collect();
        let files = before.iter();
        let snapshots = files.filter(|(name, leaf)| is_snapshot(name, leaf));
        Self {
            snapshots: snapshots
                .filter_map(|(name, _)| Some((base_offset(name)?.0, name.clone())))
                .collect(),
            files: before.clone(),
            before,
        }
    }

    /// A snapshot of producers whose name does not begin with a number.
    pub(super) fn unnumbered_snapshot(&self) -> Option<&str> {
        let mut files = self.before.iter();
        files
            .find(|(name, leaf)| is_snapshot(name, leaf) && base_offset(name).is_none())
            .map(|(name, _)| name.as_str())
    }

    /// The snapshots of producers by their offset.
    pub(super) fn snapshots(&self) -> &BTreeMap<i64, String> {
        &self.snapshots
    }

    /// Returns the entry with this name.
    pub(super) fn get(&self, name: &str) -> Option<&Leaf> {
        self.files.get(name)
    }

    /// Returns true if something of this name exists; a broken link does not.
    pub(super) fn exists(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|leaf| leaf.kind != ItemType::BrokenLink)
    }

    /// Returns the content of a regular file.
    pub(super) fn file(&self, name: &str) -> Option<&Content> {
        self.get(name)
            .filter(|leaf| leaf.kind == ItemType::File)
            .map(|leaf| &leaf.content)
    }

    /// The names of the regular files, in Java's order.
    pub(super) fn names(&self) -> Vec<String> {
        let files = self.files.iter();
        files
            .filter(|(_, leaf)| leaf.kind == ItemType::File)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The `.log` of the last segment.
    pub(super) fn last_log(&self) -> Option<(&str, &Content)> {
        let logs = self
            .files
            .iter()
            .filter(|(name, leaf)| name.ends_with(LOG_SUFFIX) && leaf.kind == ItemType::File);
        logs.max_by_key(|(name, _)| base_offset(name))
            .map(|(name, leaf)| (name.as_str(), &leaf.content))
    }

    /// Deletes a file, if it exists.
    pub(super) fn delete(&mut self, name: &str) {
        self.take(name);
    }

    /// Renames a file, and replaces a file with the new name.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(leaf) = self.take(from) {
            self.insert(to, leaf);
        }
    }

    /// Creates or replaces a file.
    pub(super) fn put(&mut self, name: &str, content: Content) {
        let kind = ItemType::File;
        self.insert(name, Leaf { kind, content });
    }

    fn insert(&mut self, name: &str, leaf: Leaf) {
        if is_snapshot(name, &leaf)
            && let Some(offset) = base_offset(name)
        {
            self.snapshots.insert(offset.0, name.to_owned());
        }
        self.files.insert(name.to_owned(), leaf);
    }

    fn take(&mut self, name: &str) -> Option<Leaf> {
        let leaf = self.files.remove(name)?;
        if let Some(offset) = base_offset(name)
            && self
                .snapshots
                .get(&offset.0)
                .is_some_and(|known| known == name)
        {
            self.snapshots.remove(&offset.0);
        }
        Some(leaf)
    }

    /// The part of each file on the disk that is still in use, under any name.
    pub(super) fn kept(&self) -> HashMap<&Path, u64> {
        let mut ends = HashMap::new();
        for leaf in self.files.values() {
            if let Content::Disk { path, start, len } = &leaf.content {
                let end = start.saturating_add(*len);
                let kept = ends.entry(path.as_path()).or_insert(end);
                *kept = end.max(*kept);
            }
        }
        ends
    }

    /// The directory as it was.
    pub(super) fn before(&self) -> &BTreeMap<String, Leaf> {
        &self.before
    }

    /// The directory as it is.
    pub(super) fn after(&self) -> &BTreeMap<String, Leaf> {
        &self.files
    }
}

/// Returns true if it is a snapshot of producers by its name.
fn is_snapshot(name: &str, leaf: &Leaf) -> bool {
    leaf.kind == ItemType::File && name.ends_with(PRODUCER_SNAPSHOT_SUFFIX)
}

/// Opens a file to be read through a window; a pipe is not opened, since that may block.
pub(super) fn open(path: &Path) -> Result<LogFile, Error> {
    Stream::open(path).map(LogFile::Windowed)
}

/// The base offset of a `.log`, by its name.
pub(super) fn log_base(name: &str) -> Option<i64> {
    let base = base_offset(name).filter(|_| name.ends_with(LOG_SUFFIX));
    base.map(|base| base.0)
}

/// Returns true if it is a `.log`, by its name.
pub(super) fn is_log(name: &str) -> bool {
    log_base(name).is_some()
}
