//! What is wrong with some bytes.

use std::fmt;
use std::io;

/// A fault of some bytes, and its position: `Copy`, and without text until it is shown.
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

    /// Returns where: bytes from the start of the slice that was parsed. For records of a
    /// compressed batch that is a place in the decompressed bytes.
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

/// Returns what the operating system calls its error of this number: in lower case, and without the
/// number.
pub(crate) fn errno_text(errno: i32) -> String {
    error_text(&io::Error::from_raw_os_error(errno))
}

/// Returns what went wrong, in lower case and without the number that Rust appends.
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
    /// A frame announces fewer bytes than any message has.
    FrameSize {
        /// The size announced.
        size: i32,
    },
    /// A frame announces more bytes than the file has left.
    FrameBeyondEnd {
        /// Bytes announced, the 12 before the body included.
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
    /// A frame is in bytes that the operating system does not give, or reaches into them.
    Unreadable {
        /// The number of its error; 5 (`EIO`) is a bad sector.
        errno: i32,
    },
    /// The magic byte is none that Kafka ever wrote.
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
    /// A batch announces a negative number of records.
    RecordCount(i32),
    /// A batch holds fewer records than it announces.
    RecordsMissing {
        /// Records announced.
        declared: i32,
        /// Records there.
        found: i32,
    },
    /// Bytes are left after the last record announced.
    RecordsRemaining {
        /// Bytes left.
        left: usize,
    },
    /// A record announces more bytes than are left, or fewer than none.
    RecordLength {
        /// The length announced.
        length: i32,
        /// Bytes left.
        left: usize,
    },
    /// The fields of a record end before the record does.
    RecordLeftover {
        /// Bytes not used.
        left: usize,
    },
    /// A key, value or header announces more bytes than its record has left.
    FieldLength {
        /// The length announced.
        length: i32,
        /// Bytes left.
        left: usize,
    },
    /// A record announces a negative or impossible number of headers.
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
    /// A compressed payload holds more than we are ready to decompress.
    InflateLimit {
        /// The most bytes decompressed.
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
    /// A string of a message is longer than any may be.
    StringLength {
        /// Which string.
        field: FieldName,
        /// The length announced.
        length: i32,
    },
    /// An array of a message announces more elements than there are bytes left.
    ArrayLength {
        /// The number announced.
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
    /// The last entry of an index is there only in part.
    EntryCut {
        /// Bytes there.
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
        /// The number it ought to have.
        expected: usize,
        /// The number it has.
        found: usize,
    },
    /// Another number of entries is announced than there are.
    Entries {
        /// The number announced.
        declared: i32,
        /// The number there.
        found: usize,
    },
    /// The version is none that Kafka ever wrote.
    Version(i64),
    /// An entry follows whose number is not above the one before it.
    Order(&'static str),
    /// A UUID is not 16 bytes in base64.
    Uuid(&'static str),
    /// A property or field is missing.
    Missing(&'static str),
    /// An escape of properties is not finished.
    Escape,
    /// The text is no JSON.
    Json,
    /// The JSON is nested too deep.
    Depth,
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Encoding => write!(f, "not UTF-8"),
            Self::Number(what) => write!(f, "{what} is not a valid number"),
            Self::Negative(what) => write!(f, "{what} is negative"),
            Self::Words { expected, found } => {
                write!(f, "a line of {found} words, expected {expected}")
            }
            Self::Entries { declared, found } => {
                write!(
                    f,
                    "the entry count is {declared}, but {found} entries follow"
                )
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
    /// The stream is broken inside.
    Corrupt,
    /// The stream ends early.
    Truncated,
    /// A checksum inside the stream does not fit.
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
