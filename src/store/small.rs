//! Small files, which are read whole, and the maximum size of each kind.

use std::path::Path;

use super::{Error, LogFile, Source, Stream};
use crate::format::name;
use crate::format::{FileKind, FileName};

/// The maximum size of a file that is read whole.
///
/// ```
/// use kseg::format::FileKind;
/// use kseg::store::Cap;
///
/// assert_eq!(Cap::of(FileKind::MetaProperties).bytes(), 1 << 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cap(u64);

impl Cap {
    /// A few lines. The longest that Kafka writes has a few hundred bytes.
    const LINES: Self = Self(1 << 20);

    /// A line for each partition or leader epoch: room for a million lines, a quarter of them with
    /// topic names of the maximum length.
    const TABLE: Self = Self(64 << 20);

    /// Entries of a fixed size: a snapshot of a million producers has 46 MB, an index 10 MiB unless
    /// `segment.index.bytes` is set.
    const ENTRIES: Self = Self(256 << 20);

    /// The maximum size of a file of `kind`. Logs and snapshots of `KRaft` are read whole only to
    /// compare them with something in memory.
    #[must_use]
    pub const fn of(kind: FileKind) -> Self {
        match kind {
            FileKind::PartitionMetadata
            | FileKind::MetaProperties
            | FileKind::CleanShutdown
            | FileKind::Lock
            | FileKind::QuorumState => Self::LINES,
            FileKind::LeaderEpochs
            | FileKind::RecoveryPoints
            | FileKind::HighWatermarks
            | FileKind::LogStarts
            | FileKind::CleanerOffsets
            | FileKind::RemoteCommittedOffsets => Self::TABLE,
            FileKind::Log
            | FileKind::OffsetIndex
            | FileKind::TimeIndex
            | FileKind::TransactionIndex
            | FileKind::ProducerSnapshot
            | FileKind::BootstrapSnapshot
            | FileKind::MetadataSnapshot
            | FileKind::RemoteSnapshot => Self::ENTRIES,
        }
    }

    /// The maximum size of the file at `path`, by its name; an unknown file may be as large as an
    /// index.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        let name = FileName::parse(name::file_name(path));
        name.map_or(Self::ENTRIES, |name| Self::of(name.kind))
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// Reads a file whose size is at most the maximum for its name.
///
/// # Errors
/// It cannot be read, or is larger ([`Error::TooLarge`]).
pub fn read_known(path: &Path) -> Result<Source, Error> {
    read_small(path, Cap::at(path))
}

/// Reads a file whose size is at most `cap`.
///
/// # Errors
/// It cannot be read, or is larger ([`Error::TooLarge`]).
pub fn read_small(path: &Path, cap: Cap) -> Result<Source, Error> {
    let file = Stream::open(path)?;
    let len = file.len_bytes();
    if len > cap.0 {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            len,
            most: cap.0,
        });
    }
    let mut bytes = Vec::new();
    LogFile::Windowed(file).window(0..len, &mut bytes)?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_larger_than_its_kind_ever_is_is_not_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let len = std::fs::metadata(path).unwrap().len();
        let read = |cap| read_small(Path::new(path), Cap(cap)).map(|bytes| bytes.len() as u64);
        assert_eq!(read(len).unwrap(), len);
        let error = read(len - 1).unwrap_err().to_string();
        let expected = format!(
            "{path}: has {len} bytes, more than the {} that such a file may have",
            len - 1
        );
        assert_eq!(error, expected);
    }
}
