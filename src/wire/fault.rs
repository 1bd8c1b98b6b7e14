//! What is wrong with some bytes.

use std::fmt;
use std::io;

/// A fault and its position: `Copy`, and without text until it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    at: usize,
}

impl Fault {
    /// A fault `at` bytes from the start of what was parsed.
    #[must_use]
    pub const fn new(kind: FaultKind, at: usize) -> Self {
        Self { kind, at }
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// Returns the position, counted from the start of the slice that was parsed. For records of a
    /// compressed batch it is a position in the decompressed bytes.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// The same fault, seen from `by` bytes earlier.
    #[must_use]
    pub const fn shifted(self, by: usize) -> Self {
        Self {
            kind: self.kind,
            at: self.at.saturating_add(by),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for Fault {}

/// Returns the operating system's text for this error number, in lower case and without the number.
pub(crate) fn errno_text(errno: i32) -> String {
    error_text(&io::Error::from_raw_os_error(errno))
}

/// Returns the text of an I/O error, in lower case and without the number that Rust appends.
pub(crate) fn error_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_lowercase().chain(chars).collect())
        .unwrap_or_default()
}

/// The kinds of wrong bytes. Numbers are as stored; sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// A field runs past the end of what holds it.
    EndOfInput,
    /// A variable-length integer has more bytes than its type allows.
    VarintTooLong {
        /// The most bytes it may have.
        width: usize,
    },
    /// The size of a frame is smaller than any message.
    FrameSize {
        /// The size in the frame.
        size: i32,
    },
    /// The size of a frame is more than the file has left.
    FrameBeyondEnd {
        /// The size in the frame, the 12 bytes before the body included.
        announced: u64,
        /// Bytes left in the file.
        left: u64,
    },
    /// Too few bytes are left to hold a frame.
    Tail {
        /// Bytes left.
        left: u64,
    },
    /// A frame is smaller than the header of its format.
    BatchTooSmall {
        /// Bytes of the frame.
        size: usize,
        /// Bytes the header needs.
        least: usize,
    },
    /// A frame is in bytes that cannot be read from the disk, or reaches into them.
    Unreadable {
        /// The error number of the operating system; 5 (`EIO`) is a bad sector.
        errno: i32,
    },
    /// Kafka never wrote this magic byte.
    UnknownMagic(i8),
    /// The attributes name a codec that does not exist.
    UnknownCodec(u8),
    /// The codec exists but is not allowed with this magic (zstd before magic 2).
    CodecForbidden {
        /// The codec's id.
        codec: u8,
        /// The magic of the batch.
        magic: i8,
    },
    /// The checksum stored is not that of the bytes.
    Crc {
        /// As stored.
        stored: u32,
        /// As computed.
        actual: u32,
    },
    /// The record count of a batch is negative.
    RecordCount(i32),
    /// A batch has fewer records than its record count.
    RecordsMissing {
        /// The record count.
        declared: i32,
        /// Records found.
        found: i32,
    },
    /// Bytes are left after the last record.
    RecordsRemaining {
        /// Bytes left.
        left: usize,
    },
    /// The length of a record is negative, or more than the bytes left.
    RecordLength {
        /// The length in the bytes.
        length: i32,
        /// Bytes left.
        left: usize,
    },
    /// The fields of a record end before the record does.
    RecordLeftover {
        /// Bytes not used.
        left: usize,
    },
    /// The length of a key, value or header is more than its record has left.
    FieldLength {
        /// The length in the bytes.
        length: i32,
        /// Bytes left.
        left: usize,
    },
    /// The number of headers of a record is negative or impossible.
    HeaderCount(i32),
    /// A record header has no key.
    HeaderKeyLength(i32),
    /// A compressed wrapper message has no value.
    WrapperWithoutValue,
    /// A compressed wrapper message holds no messages.
    WrapperEmpty,
    /// A message inside a compressed wrapper is compressed itself.
    WrapperNested,
    /// The offset of a compressed wrapper is before its last message.
    WrapperOffset {
        /// The wrapper's offset.
        offset: i64,
        /// The last relative offset inside.
        last_inner: i64,
    },
    /// A compressed payload cannot be read.
    Inflate(Inflate),
    /// A compressed payload decompresses to more than the limit.
    InflateLimit {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The key of a control record is missing or too short.
    ControlKey,
    /// The version of a control record is negative.
    ControlVersion(i16),
    /// The value of a control record is missing or cannot be read.
    ControlValue,
    /// A field of a message is null where it may not be.
    NullField(FieldName),
    /// A string of a message is longer than the maximum.
    StringLength {
        /// Which string.
        field: FieldName,
        /// The length in the bytes.
        length: i32,
    },
    /// The length of an array of a message is more than the bytes left.
    ArrayLength {
        /// The number in the file.
        length: i32,
        /// Bytes left.
        left: usize,
    },
    /// A tagged field does not exist in the version of its message.
    TagVersion {
        /// The tag.
        tag: u32,
        /// The version of the message.
        version: i16,
    },
    /// A structure inside a message does not exist in the version of the message.
    StructVersion {
        /// The structure.
        name: &'static str,
        /// The version of the message.
        version: i16,
    },
    /// The last entry of an index is incomplete.
    EntryCut {
        /// Bytes found.
        left: usize,
        /// Bytes of an entry.
        entry: usize,
    },
    /// An index ends with an offset before its segment.
    LastOffset {
        /// The offset.
        last: i64,
        /// The base offset of the segment.
        base: i64,
    },
    /// A time index ends with an earlier timestamp than it begins with.
    LastTimestamp {
        /// The last timestamp.
        last: i64,
        /// The first.
        first: i64,
    },
    /// A file, or an entry of it, is of a version that Kafka never wrote.
    FileVersion(i16),
    /// Something in a small file of text.
    Text(Text),
}

/// A field of a message schema, or one element of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldName {
    /// The name in the schema.
    pub name: &'static str,
    /// An element of this array is meant.
    pub element: bool,
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        f.write_str(if self.element { " element" } else { "" })
    }
}

/// The fault of a small text file: a checkpoint, properties, a state in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Text {
    /// The bytes are not UTF-8.
    Encoding,
    /// An invalid number.
    Number(&'static str),
    /// A number is below zero that may not be.
    Negative(&'static str),
    /// A line has the wrong number of words.
    Words {
        /// The expected number.
        expected: usize,
        /// The number it has.
        found: usize,
    },
    /// The entry count is not the number of entries.
    Entries {
        /// The number in the file.
        declared: i32,
        /// The number of entries.
        found: usize,
    },
    /// Kafka never wrote this version.
    Version(i64),
    /// The number of an entry is not above that of the entry before it.
    Order(&'static str),
    /// A UUID is not 16 bytes in base64.
    Uuid(&'static str),
    /// A property or field is missing.
    Missing(&'static str),
    /// An escape of properties is not finished.
    Escape,
    /// The text is not JSON.
    Json,
    /// The JSON is nested too deeply.
    Depth,
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Encoding => write!(f, "not UTF-8"),
            Self::Number(what) => write!(f, "{what} is not a valid number"),
            Self::Negative(what) => write!(f, "{what} is negative"),
            Self::Words { expected, found } => {
                write!(f, "a line of {expected} words is expected, not of {found}")
            }
            Self::Entries { declared, found } => {
                let entries = if found == 1 {
                    "entry follows"
                } else {
                    "entries follow"
                };
                write!(f, "the entry count is {declared}, but {found} {entries}")
            }
            Self::Version(version) => write!(f, "unknown version {version}"),
            Self::Order(what) => write!(f, "{what} is not above the one before"),
            Self::Uuid(what) => write!(f, "{what} is not a UUID in base64"),
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::Escape => write!(f, "an incomplete \\u escape"),
            Self::Json => write!(f, "not JSON"),
            Self::Depth => write!(f, "JSON nested too deep"),
        }
    }
}

/// The reason why a compressed payload cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inflate {
    /// The header of the stream is not that of the codec.
    Header,
    /// The stream is damaged inside.
    Corrupt,
    /// The stream ends early.
    Truncated,
    /// A checksum inside the stream is wrong.
    Checksum,
    /// Bytes after the end of the stream are not part of it.
    Trailing,
}

impl fmt::Display for Inflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "its header is not that of the codec",
            Self::Corrupt => "the compressed data is invalid",
            Self::Truncated => "the compressed data is incomplete",
            Self::Checksum => "a checksum inside the compressed data does not match",
            Self::Trailing => "other bytes follow the compressed data",
        })
    }
}

impl fmt::Display for FaultKind {
    #[expect(
        clippy::too_many_lines,
        reason = "one arm a kind: none can be left without its text"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::EndOfInput => write!(f, "a field ends after the end of the data"),
            Self::VarintTooLong { width } => write!(f, "a varint is longer than {width} bytes"),
            Self::FrameSize { size } => {
                write!(f, "batch size {size} is below the smallest possible, 14")
            }
            Self::FrameBeyondEnd { announced, left } => {
                write!(
                    f,
                    "batch of {announced} bytes, but only {left} are left in the file"
                )
            }
            Self::Tail { left } => write!(f, "{left} bytes at the end, too few for a batch"),
            Self::BatchTooSmall { size, least } => {
                write!(f, "batch of {size} bytes, less than its header of {least}")
            }
            Self::Unreadable { errno } => write!(f, "cannot be read: {}", errno_text(errno)),
            Self::UnknownMagic(magic) => write!(f, "unknown magic {magic}"),
            Self::UnknownCodec(id) => write!(f, "unknown compression codec {id}"),
            Self::CodecForbidden { codec, magic } => {
                write!(
                    f,
                    "compression codec {codec} does not exist in magic {magic}"
                )
            }
            Self::Crc { stored, actual } => {
                write!(
                    f,
                    "checksum mismatch: stored {stored:#010x}, actual {actual:#010x}"
                )
            }
            Self::RecordCount(count) => write!(f, "negative record count {count}"),
            Self::RecordsMissing { declared, found } => {
                write!(
                    f,
                    "the record count is {declared}, but the batch ends after {found}"
                )
            }
            Self::RecordsRemaining { left } => {
                write!(f, "{left} bytes follow the last record")
            }
            Self::RecordLength { length, left } => {
                write!(f, "record of {length} bytes, but only {left} are left")
            }
            Self::RecordLeftover { left } => {
                write!(f, "{left} bytes of the record are not part of any field")
            }
            Self::FieldLength { length, left } => {
                write!(
                    f,
                    "field of {length} bytes, but only {left} are left in the record"
                )
            }
            Self::HeaderCount(count) => write!(f, "invalid number of record headers {count}"),
            Self::HeaderKeyLength(length) => {
                write!(f, "record header with a key of length {length}")
            }
            Self::WrapperWithoutValue => write!(f, "compressed message without a value"),
            Self::WrapperEmpty => write!(f, "compressed message without messages inside"),
            Self::WrapperNested => write!(f, "a compressed message inside a compressed message"),
            Self::WrapperOffset { offset, last_inner } => {
                write!(
                    f,
                    "offset {offset} of the compressed message is below its last relative offset \
                     {last_inner}"
                )
            }
            Self::Inflate(why) => write!(f, "cannot decompress: {why}"),
            Self::InflateLimit { limit } => {
                write!(f, "decompresses to more than the limit of {limit} bytes")
            }
            Self::ControlKey => write!(f, "control record without a key of at least 4 bytes"),
            Self::ControlVersion(version) => write!(f, "control record of version {version}"),
            Self::ControlValue => write!(f, "control record whose value cannot be read"),
            Self::NullField(field) => write!(f, "null in field {field}, which may not be null"),
            Self::StringLength { field, length } => {
                write!(f, "string {field} has the invalid length {length}")
            }
            Self::ArrayLength { length, left } => {
                write!(
                    f,
                    "array of {length} elements, but only {left} bytes are left"
                )
            }
            Self::TagVersion { tag, version } => {
                write!(f, "tagged field {tag}, unknown in version {version}")
            }
            Self::StructVersion { name, version } => {
                write!(f, "{name} does not exist in version {version}")
            }
            Self::EntryCut { left, entry } => {
                write!(
                    f,
                    "{left} bytes at the end, too few for an entry of {entry}"
                )
            }
            Self::LastOffset { last, base } => {
                write!(f, "the last offset {last} is before the base offset {base}")
            }
            Self::LastTimestamp { last, first } => {
                write!(
                    f,
                    "the last timestamp {last} is earlier than the first, {first}"
                )
            }
            Self::FileVersion(version) => write!(f, "unknown version {version}"),
            Self::Text(text) => fmt::Display::fmt(&text, f),
        }
    }
}
