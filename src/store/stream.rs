//! A file read through a window.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::read::{self, ReadAt, Unreadable, UnreadableRanges};
use super::{Error, Item, ItemType};

/// A file read through a window: memory stays small whatever its size.
#[derive(Debug, Clone)]
pub struct Stream {
    pub(super) file: Arc<dyn ReadAt>,
    pub(super) path: PathBuf,
    pub(super) len: u64,
    patches: Patches,
    /// The ranges that could not be read so far.
    pub(super) unreadable: Arc<UnreadableRanges>,
}

/// Bytes that replace those at a position of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The position in the file.
    pub position: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Stream {
    /// Opens the file; its size is the current one, even if it grows.
    ///
    /// # Errors
    /// The file cannot be opened, or is a directory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = open(path)?;
        let len = file.metadata().map_err(Error::io(path))?.len();
        Ok(Self::of(file, path, len))
    }

    /// A stream that is read like a file of `len` bytes at `path`.
    #[must_use]
    pub fn of(file: impl ReadAt + 'static, path: impl Into<PathBuf>, len: u64) -> Self {
        Self {
            file: Arc::new(file),
            path: path.into(),
            len,
            patches: Patches::default(),
            unreadable: Arc::default(),
        }
    }

    /// The same file as if `patches`, which do not overlap, had been applied to it.
    #[must_use]
    pub fn patched(self, patches: Vec<Patch>) -> Self {
        Self {
            patches: Patches::of(patches),
            ..self
        }
    }

    /// Returns the path with which it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file when it was opened.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.len
    }

    /// Reads `range`, as far as the file goes, into `buffer`, up to what cannot be read; fewer
    /// bytes if the file has become shorter.
    pub(super) fn fill(&self, range: Range<u64>, buffer: &mut Vec<u8>) -> Option<Unreadable> {
        let range = range.start..range.end.min(self.len);
        let read = |room: &mut [u8], at| self.file.read_at(room, at);
        let unreadable = read::fill(&read, &self.unreadable, range.clone(), buffer);
        self.patches.overlay(buffer, range);
        unreadable
    }
}

/// The patches of a file, by position, so that a window costs no more than those in it.
#[derive(Debug, Clone, Default)]
struct Patches(Arc<[Patch]>);

impl Patches {
    fn of(mut patches: Vec<Patch>) -> Self {
        patches.sort_by_key(|patch| patch.position);
        Self(patches.into())
    }

    /// Applies the parts of the patches that are in `range` to `window`, which has these bytes of
    /// the file.
    fn overlay(&self, window: &mut [u8], range: Range<u64>) {
        let end = |patch: &Patch| patch.position.saturating_add(patch.bytes.len() as u64);
        let first = self.0.partition_point(|patch| end(patch) <= range.start);
        let inside = self.0.iter().skip(first);
        for patch in inside.take_while(|patch| patch.position < range.end) {
            for (at, byte) in (patch.position..).zip(&patch.bytes) {
                let place = at
                    .checked_sub(range.start)
                    .and_then(|at| usize::try_from(at).ok());
                if let Some(there) = place.and_then(|place| window.get_mut(place)) {
                    *there = *byte;
                }
            }
        }
    }
}

/// Opens a file. Opening a pipe or a device may block forever, or have an effect; a directory can
/// be opened, but not read.
pub(super) fn open(path: &Path) -> Result<File, Error> {
    match Item::at(path)?.kind() {
        ItemType::Special => Err(Error::Special(path.to_owned())),
        ItemType::Directory => Err(Error::io(path)(io::ErrorKind::IsADirectory.into())),
        ItemType::File | ItemType::BrokenLink => File::open(path).map_err(Error::io(path)),
    }
}
