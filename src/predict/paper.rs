//! A partition's directory on paper: what its files are after the steps so far.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::format::name::{LOG_SUFFIX, base_offset};
use crate::store::{Error, Item, ItemType, LogFile, Stream};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// Bytes that are on the disk, perhaps under another name.
    Disk {
        /// The file that holds them.
        path: PathBuf,
        /// Where they begin in it.
        start: u64,
        /// How many there are.
        len: u64,
    },
    /// Zeros: an index that was created and never written.
    Zeros(u64),
    /// Recomputed from the log.
    Rebuilt,
    /// The state of producers: those with an open transaction, and its first offset.
    Producers(Vec<(i64, i64)>),
}

impl Content {
    /// Bytes of it, where they are known.
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
    /// What it is, links followed.
    pub(super) kind: ItemType,
    /// What it holds, if it is a file.
    pub(super) content: Content,
}

/// The directory.
#[derive(Debug, Clone)]
pub(super) struct Paper {
    before: BTreeMap<String, Leaf>,
    files: BTreeMap<String, Leaf>,
}

impl Paper {
    /// The directory as it lies on the disk.
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
        Self {
            files: before.clone(),
            before,
        }
    }

    /// What is there, by name.
    pub(super) fn get(&self, name: &str) -> Option<&Leaf> {
        self.files.get(name)
    }

    /// Whether something of this name exists; a link that leads nowhere does not.
    pub(super) fn exists(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|leaf| leaf.kind != ItemType::BrokenLink)
    }

    /// What a regular file holds.
    pub(super) fn file(&self, name: &str) -> Option<&Content> {
        self.get(name)
            .filter(|leaf| leaf.kind == ItemType::File)
            .map(|leaf| &leaf.content)
    }

    /// The names of the regular files, in Java's order.
    pub(super) fn names(&self) -> Vec<String> {
        self.names_with("")
    }

    /// The names of the regular files that end with `suffix`.
    pub(super) fn names_with(&self, suffix: &str) -> Vec<String> {
        let files = self.files.iter();
        files
            .filter(|(name, leaf)| leaf.kind == ItemType::File && name.ends_with(suffix))
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

    /// Deletes a file, if it is there.
    pub(super) fn delete(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// Renames a file, over what has the new name.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(leaf) = self.files.remove(from) {
            self.files.insert(to.to_owned(), leaf);
        }
    }

    /// Makes or replaces a file.
    pub(super) fn put(&mut self, name: &str, content: Content) {
        let kind = ItemType::File;
        self.files.insert(name.to_owned(), Leaf { kind, content });
    }

    /// Up to where the bytes of a file on the disk are still in use, under whatever name; none if they are not.
    pub(super) fn kept(&self, of: &Path) -> Option<u64> {
        let ends = self.files.values().filter_map(|leaf| match &leaf.content {
            Content::Disk { path, start, len } if path == of => Some(start.saturating_add(*len)),
            _ => None,
        });
        ends.max()
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

/// Opens a file to be read through a window, and never waits for a pipe to be written.
pub(super) fn open(path: &Path) -> Result<LogFile, Error> {
    Stream::open(path).map(LogFile::Windowed)
}
