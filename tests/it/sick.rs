//! A disk with bad sectors, as the kernel shows it to a reader.

use std::io;
use std::ops::Range;
use std::path::PathBuf;

use kseg::store::{LogFile, ReadAt, Stream};

/// The number of the error that a bad sector gives (`EIO`).
pub(crate) const EIO: i32 = 5;

/// Bytes of which some ranges cannot be read: a read ends before them, and fails at them.
#[derive(Debug)]
pub(crate) struct Sick {
    bytes: Vec<u8>,
    bad: Vec<Range<u64>>,
}

impl Sick {
    /// A file of these bytes, whose `bad` ranges cannot be read.
    pub(crate) fn log(path: impl Into<PathBuf>, bytes: &[u8], bad: &[Range<u64>]) -> LogFile {
        let sick = Self {
            bytes: bytes.to_vec(),
            bad: bad.to_vec(),
        };
        LogFile::Windowed(Stream::of(sick, path, bytes.len() as u64))
    }
}

impl ReadAt for Sick {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        if self.bad.iter().any(|bad| bad.contains(&position)) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let starts = self.bad.iter().map(|bad| bad.start);
        let end = starts.filter(|start| *start > position).min();
        let end = end.map_or(self.bytes.len(), |end| usize::try_from(end).expect("small"));
        let position = usize::try_from(position).expect("small");
        let rest = self.bytes.get(position..end.min(self.bytes.len()));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}
