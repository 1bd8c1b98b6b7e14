//! The faults of the files beside a `.log`, and of those of a log dir.

/// A fault of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexFault {
    /// The last entry is incomplete.
    #[error("{left} bytes at the end, too few for an entry of {entry}")]
    EntryCut {
        /// Bytes found.
        left: usize,
        /// Bytes of an entry.
        entry: usize,
    },
    /// It ends with an offset before its segment.
    #[error("the last offset {last} is before the base offset {base}")]
    LastOffset {
        /// The offset.
        last: i64,
        /// The base offset of the segment.
        base: i64,
    },
    /// It ends with an earlier timestamp than it begins with.
    #[error("the last timestamp {last} is earlier than the first, {first}")]
    LastTimestamp {
        /// The last timestamp.
        last: i64,
        /// The first.
        first: i64,
    },
    /// An entry is of a version that Kafka never wrote.
    #[error("unknown version {0}")]
    EntryVersion(i16),
}

/// A fault of a producer snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotFault {
    /// Kafka never wrote this version.
    #[error("unknown version {0}")]
    Version(i16),
    /// The checksum stored is not that of the bytes.
    #[error("checksum mismatch: stored {stored:#010x}, actual {actual:#010x}")]
    Crc {
        /// As stored.
        stored: u32,
        /// As computed.
        actual: u32,
    },
    /// The entry count is more than the bytes left hold.
    #[error("array of {length} elements, but only {left} bytes are left")]
    Entries {
        /// The number in the file.
        length: i32,
        /// Bytes left.
        left: usize,
    },
}

/// A fault of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointFault {
    /// The bytes are not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// Kafka never wrote this version.
    #[error("unknown version {0}")]
    Version(i32),
    /// The version or the entry count is not a number.
    #[error("{0} is not a valid number")]
    Head(&'static str),
    /// The entry count is not the number of entries.
    #[error(
        "the entry count is {declared}, but {found} {}",
        if *found == 1 { "entry follows" } else { "entries follow" }
    )]
    Entries {
        /// The number in the file.
        declared: i32,
        /// The number of entries.
        found: usize,
    },
    /// A line has the wrong number of words.
    #[error("a line of {expected} words is expected, not of {found}")]
    Words {
        /// The expected number.
        expected: usize,
        /// The number it has.
        found: usize,
    },
    /// A number of an entry is invalid.
    #[error("{0} is not a valid number")]
    Number(&'static str),
    /// A number of an entry is below zero.
    #[error("{0} is negative")]
    Negative(&'static str),
    /// A number of an entry is not above that of the entry before it.
    #[error("{0} is not above the one before")]
    Order(&'static str),
}

/// A fault of a file of properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PropertiesFault {
    /// The bytes are not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// An escape is not finished.
    #[error("an incomplete \\u escape")]
    Escape,
    /// A line has the wrong number of words.
    #[error("a line of {expected} words is expected, not of {found}")]
    Words {
        /// The expected number.
        expected: usize,
        /// The number it has.
        found: usize,
    },
    /// Kafka never wrote this version.
    #[error("unknown version {0}")]
    Version(i64),
    /// An invalid number.
    #[error("{0} is not a valid number")]
    Number(&'static str),
    /// A UUID is not 16 bytes in base64.
    #[error("{0} is not a UUID in base64")]
    Uuid(&'static str),
    /// A property is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
}

/// A fault of JSON, or of a file whose fields are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFault {
    /// The bytes are not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// The text is not JSON, or not that of an object.
    #[error("not JSON")]
    Syntax,
    /// The JSON is nested too deeply.
    #[error("JSON nested too deep")]
    Depth,
    /// A field is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Kafka never wrote this version.
    #[error("unknown version {0}")]
    Version(i64),
}
