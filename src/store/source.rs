//! The bytes of a file: mapped, held in memory, or read through a window.
//!
//! A mapping is fastest for random access, and as fast as reading otherwise. No way of reading can
//! end the process: unreadable bytes are an error, or a range of their own.

use std::fmt;
use std::io::Read;
use std::ops::{Deref, Range};
use std::path::Path;

use super::mapping::Mapping;
use super::read::Unreadable;
use super::stream::{Stream, open};
use super::{Error, lock};

/// The bytes of a whole file, in memory.
pub struct Source(Vec<u8>);

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
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for Source {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("bytes", &self.len())
            .finish()
    }
}

/// An open file.
#[derive(Debug)]
pub enum LogFile {
    /// All of it in memory.
    Whole(Source),
    /// Mapped into memory.
    Mapped(Mapping),
    /// A window at a time.
    Windowed(Stream),
}

/// Bytes of a file, as far as they can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The unreadable bytes after them; the file continues after these.
    pub unreadable: Option<Unreadable>,
}

impl LogFile {
    /// Maps the file.
    ///
    /// # Safety
    /// While it lives, no one may change the file's bytes: a changed byte is undefined behavior by
    /// the letter of the language. Closed segments are immutable by Kafka's design; the active
    /// segment only grows; preallocated indexes are rewritten in place. A file that is truncated
    /// meanwhile is an error.
    ///
    /// # Errors
    /// The file cannot be opened or mapped.
    #[expect(unsafe_code, reason = "the contract of a mapping")]
    pub unsafe fn map(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = open(path)?;
        let len = file.metadata().map_err(Error::io(path))?.len();
        let again = file.try_clone().map_err(Error::io(path))?;
        // SAFETY: the caller keeps the contract above.
        let mapping = unsafe { Mapping::new(&file, Stream::of(again, path, len)) };
        mapping.map(Self::Mapped)
    }

    /// Bytes of the file.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        match self {
            Self::Whole(source) => source.len() as u64,
            Self::Mapped(mapping) => mapping.len_bytes(),
            Self::Windowed(stream) => stream.len,
        }
    }

    /// The number of bytes to read at once: few enough to stay in the second-level cache when they
    /// are copied, and to be released soon when they are mapped.
    #[must_use]
    pub const fn stride_bytes(&self) -> u64 {
        match self {
            Self::Whole(_) => 16 << 20,
            Self::Mapped(_) => 1 << 20,
            Self::Windowed(_) => 256 << 10,
        }
    }

    /// Returns the error for bytes that cannot be read.
    pub(crate) fn unreadable(&self, unreadable: Unreadable) -> Error {
        Error::Unreadable {
            path: self.path().to_owned(),
            unreadable,
        }
    }

    /// Returns true if a file that has become shorter is one that a running broker trims: when it
    /// rolls a segment, it truncates the preallocated space that it did not use.
    pub(crate) fn was_trimmed(&self) -> bool {
        lock::is_live(self.path())
    }

    /// Returns the error for a file that became shorter.
    pub(crate) fn shorter(&self) -> Error {
        Error::Shorter(self.path().to_owned())
    }

    fn path(&self) -> &Path {
        match self {
            Self::Whole(_) => Path::new(""),
            Self::Mapped(mapping) => mapping.stream().path(),
            Self::Windowed(stream) => stream.path(),
        }
    }

    /// The bytes of `range`, up to the end of the file; `buffer` is for those that have to be read.
    ///
    /// # Errors
    /// Some of them cannot be read.
    pub fn window<'a>(
        &'a self,
        range: Range<u64>,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Error> {
        let window = self.readable(range, buffer);
        match window.unreadable {
            None => Ok(window.bytes),
            Some(unreadable) => Err(self.unreadable(unreadable)),
        }
    }

    /// The bytes of `range`, up to the end of the file or the first unreadable byte; `buffer` is
    /// for those that have to be read.
    pub fn readable<'a>(&'a self, range: Range<u64>, buffer: &'a mut Vec<u8>) -> Window<'a> {
        let stream = match self {
            Self::Whole(source) => {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(source.len());
                let bytes = source.get(place(range.start)..place(range.end));
                return Window {
                    bytes: bytes.unwrap_or_default(),
                    unreadable: None,
                };
            }
            Self::Mapped(mapping) => match mapping.populated(range.clone()) {
                Some(bytes) => {
                    return Window {
                        bytes,
                        unreadable: None,
                    };
                }
                None => mapping.stream(),
            },
            Self::Windowed(stream) => stream,
        };
        let unreadable = stream.fill(range, buffer);
        Window {
            bytes: buffer,
            unreadable,
        }
    }

    /// Notes that `range` is not read again.
    pub fn release(&self, range: Range<u64>) {
        if let Self::Mapped(mapping) = self {
            mapping.release(range);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Patch;

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
