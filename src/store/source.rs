//! The bytes of a file: mapped, held in memory, or read through a window.
//!
//! A mapping is quickest where a file is visited at random and as quick as reading elsewhere, but a file that somebody
//! cuts while it is mapped ends the process with `SIGBUS`. So what may change under us is read instead.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::{Deref, Range};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::{Error, Item, ItemType};

/// The bytes of a whole file.
pub struct Source(Backing);

enum Backing {
    Held(Vec<u8>),
    Mapped(Mmap),
}

impl Source {
    /// Reads the file into memory.
    ///
    /// # Errors
    /// The file cannot be opened or read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut bytes = Vec::new();
        open(path)?
            .read_to_end(&mut bytes)
            .map_err(Error::io(path))?;
        Ok(bytes.into())
    }

    /// Maps the file.
    ///
    /// # Safety
    /// While the source lives, nobody may change the file's bytes or cut it: a changed byte is undefined behaviour by
    /// the letter of the language, and reading behind a new, nearer end raises `SIGBUS`. Closed segments are immutable
    /// by Kafka's design; the active segment only grows; preallocated indexes are rewritten in place.
    ///
    /// # Errors
    /// The file cannot be opened or mapped.
    #[expect(unsafe_code, reason = "the one mapping")]
    pub unsafe fn map(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = open(path)?;
        #[expect(clippy::disallowed_methods, reason = "this is store::source")]
        // SAFETY: the caller keeps the contract above.
        let map = unsafe { Mmap::map(&file) };
        map.map(|map| Self(Backing::Mapped(map)))
            .map_err(Error::io(path))
    }

    /// Gives the memory behind these bytes back; they are read anew if they are asked for again.
    #[expect(unsafe_code, reason = "the advice that keeps a long scan small")]
    fn release(&self, range: Range<u64>) {
        let Backing::Mapped(map) = &self.0 else {
            return;
        };
        let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end))
        else {
            return;
        };
        // The page at the start is let go with this range, the one at the end with the next.
        let start = start / PAGE_BYTES * PAGE_BYTES;
        let end = end.min(map.len()) / PAGE_BYTES * PAGE_BYTES;
        if start < end {
            let advice = memmap2::UncheckedAdvice::DontNeed;
            // SAFETY: a shared, read-only mapping of a file has no content of its own to lose: a page that is
            // touched again comes from the file. A refusal only costs memory.
            let _refused = unsafe { map.unchecked_advise_range(advice, start, end - start) };
        }
    }
}

/// The smallest page there is; a multiple of it is not required to be a page on every machine, but a range that the
/// kernel refuses is merely kept.
const PAGE_BYTES: usize = 4096;

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Backing::Held(bytes))
    }
}

impl Deref for Source {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Backing::Held(bytes) => bytes,
            Backing::Mapped(map) => map,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if matches!(self.0, Backing::Mapped(_)) {
            "mapped"
        } else {
            "held"
        };
        f.debug_struct("Source")
            .field("how", &how)
            .field("bytes", &self.len())
            .finish()
    }
}

/// A file read through a window: memory stays small whatever its size.
#[derive(Debug)]
pub struct Stream {
    file: File,
    path: PathBuf,
    len: u64,
    patches: Vec<Patch>,
}

/// Bytes that are taken to stand at a place of a file instead of those that do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where, from the start of the file.
    pub position: u64,
    /// What stands there.
    pub bytes: Vec<u8>,
}

impl Stream {
    /// Opens the file; it counts as long as it is now, even if it grows.
    ///
    /// # Errors
    /// The file cannot be opened, or is a directory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = open(path)?;
        let len = file.metadata().map_err(Error::io(path))?.len();
        Ok(Self {
            file,
            path: path.to_owned(),
            len,
            patches: Vec::new(),
        })
    }

    /// The same file as if `patches` had been applied to it.
    #[must_use]
    pub fn patched(self, patches: Vec<Patch>) -> Self {
        Self { patches, ..self }
    }

    /// Bytes of the file when it was opened.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.len
    }

    /// What there is to say of a file that has become shorter.
    pub(crate) fn shorter(&self) -> Error {
        Error::Shorter(self.path.clone())
    }

    /// Reads `range` into `buffer`; fewer bytes if the file has become shorter.
    fn fill(&self, range: Range<u64>, buffer: &mut Vec<u8>) -> Result<(), Error> {
        let want = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        buffer.resize(want, 0);
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self
                .file
                .read_at(room, range.start.saturating_add(filled as u64))
            {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(&self.path)(error)),
            }
        }
        buffer.truncate(filled);
        for patch in &self.patches {
            overlay(buffer, range.start, patch);
        }
        Ok(())
    }
}

/// Puts as much of `patch` over `window`, which begins at `start` of the file, as lies in it.
fn overlay(window: &mut [u8], start: u64, patch: &Patch) {
    for (at, byte) in (patch.position..).zip(&patch.bytes) {
        let place = at
            .checked_sub(start)
            .and_then(|at| usize::try_from(at).ok());
        if let Some(there) = place.and_then(|place| window.get_mut(place)) {
            *there = *byte;
        }
    }
}

/// A `.log`, either way.
#[derive(Debug)]
pub enum LogFile {
    /// All of it at once.
    Whole(Source),
    /// A window at a time.
    Windowed(Stream),
}

impl LogFile {
    /// Bytes of the file.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        match self {
            Self::Whole(source) => source.len() as u64,
            Self::Windowed(stream) => stream.len,
        }
    }

    /// Bytes to look at in one go: few enough to stay in the second-level cache where they are copied, and few enough to
    /// be given back soon where they are mapped.
    #[must_use]
    pub const fn stride_bytes(&self) -> u64 {
        match self {
            Self::Whole(_) => 16 << 20,
            Self::Windowed(_) => 256 << 10,
        }
    }

    /// The bytes of `range`, as far as the file goes; `buffer` is for those that have to be read.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn window<'a>(
        &'a self,
        range: Range<u64>,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Error> {
        match self {
            Self::Whole(source) => {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(source.len());
                Ok(source
                    .get(place(range.start)..place(range.end))
                    .unwrap_or_default())
            }
            Self::Windowed(stream) => {
                stream.fill(range.start..range.end.min(stream.len), buffer)?;
                Ok(buffer)
            }
        }
    }

    /// Says that `range` is done with.
    pub fn release(&self, range: Range<u64>) {
        if let Self::Whole(source) = self {
            source.release(range);
        }
    }
}

/// Opens a file. To open a pipe or a device may wait for ever, or do something; a directory can be opened, but not read.
fn open(path: &Path) -> Result<File, Error> {
    match Item::at(path)?.kind() {
        ItemType::Special => Err(Error::Special(path.to_owned())),
        ItemType::Directory => Err(Error::io(path)(io::ErrorKind::IsADirectory.into())),
        ItemType::File | ItemType::BrokenLink => File::open(path).map_err(Error::io(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_what_the_file_holds_there() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let whole = std::fs::read(path).unwrap();
        let held = LogFile::Whole(Source::read(path).unwrap());
        let stream = LogFile::Windowed(Stream::open(path).unwrap());
        assert_eq!(held.len_bytes(), stream.len_bytes());
        let mut buffer = Vec::new();
        assert_eq!(stream.window(5..25, &mut buffer).unwrap(), &whole[5..25]);
        assert_eq!(held.window(5..25, &mut buffer).unwrap(), &whole[5..25]);
        for log in [held, stream] {
            assert_eq!(log.window(0..u64::MAX, &mut buffer).unwrap(), whole);
            let behind = whole.len() as u64 + 1;
            assert!(
                log.window(behind..u64::MAX, &mut buffer)
                    .unwrap()
                    .is_empty()
            );
        }
    }

    #[test]
    fn a_patched_file_reads_as_if_it_had_been_changed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let mut whole = std::fs::read(path).unwrap();
        whole[5..8].copy_from_slice(b"xyz");
        let change = Patch {
            position: 5,
            bytes: b"xyz".to_vec(),
        };
        let log = LogFile::Windowed(Stream::open(path).unwrap().patched(vec![change]));
        let mut buffer = Vec::new();
        assert_eq!(log.window(0..7, &mut buffer).unwrap(), &whole[..7]);
        assert_eq!(log.window(6..20, &mut buffer).unwrap(), &whole[6..20]);
        assert_eq!(log.window(9..20, &mut buffer).unwrap(), &whole[9..20]);
    }

    #[test]
    fn errors_name_the_path_in_lower_case() {
        let message = |path: &str| Stream::open(path).unwrap_err().to_string();
        assert_eq!(message("/no/such"), "/no/such: no such file or directory");
        assert_eq!(message("/"), "/: is a directory");
        assert_eq!(
            message("/dev/null"),
            "/dev/null: a pipe, a socket or a device, which is not opened"
        );
    }
}
