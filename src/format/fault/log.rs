//! The faults of a `.log`: entries, batches, messages, records, and what is in them.

/// A fault of the header that entries share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameFault {
    /// The size is smaller than any message.
    #[error("batch size {size} is below the smallest possible, 14")]
    Size {
        /// The size in the frame.
        size: i32,
    },
    /// The size is more than the file has left.
    #[error("batch of {announced} bytes, but only {left} are left in the file")]
    BeyondEnd {
        /// The size in the frame, the 12 bytes before the body included.
        announced: u64,
        /// Bytes left in the file.
        left: u64,
    },
    /// Too few bytes are left to hold a frame.
    #[error("{left} bytes at the end, too few for a batch")]
    Tail {
        /// Bytes left.
        left: u64,
    },
}

/// A fault of a batch, or of a message as a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchFault {
    /// It is smaller than the header of its format.
    #[error("batch of {size} bytes, less than its header of {least}")]
    TooSmall {
        /// Its bytes.
        size: usize,
        /// Bytes the header needs.
        least: usize,
    },
    /// Kafka never wrote this magic byte.
    #[error("unknown magic {0}")]
    UnknownMagic(i8),
    /// The checksum stored is not that of the bytes.
    #[error("checksum mismatch: stored {stored:#010x}, actual {actual:#010x}")]
    Crc {
        /// As stored.
        stored: u32,
        /// As computed.
        actual: u32,
    },
    /// The record count is negative.
    #[error("negative record count {0}")]
    RecordCount(i32),
}

/// A fault of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageFault {
    /// The codec exists but is not allowed with this magic (zstd before magic 2).
    #[error("compression codec {codec} does not exist in magic {magic}")]
    CodecForbidden {
        /// The codec's id.
        codec: u8,
        /// The magic of the batch.
        magic: i8,
    },
    /// A compressed wrapper has no value.
    #[error("compressed message without a value")]
    WrapperWithoutValue,
    /// A compressed wrapper holds no messages.
    #[error("compressed message without messages inside")]
    WrapperEmpty,
    /// A message inside a compressed wrapper is compressed itself.
    #[error("a compressed message inside a compressed message")]
    WrapperNested,
    /// The offset of a compressed wrapper is before its last message.
    #[error(
        "offset {offset} of the compressed message is below its last relative offset {last_inner}"
    )]
    WrapperOffset {
        /// The wrapper's offset.
        offset: i64,
        /// The last relative offset inside.
        last_inner: i64,
    },
}

/// A fault of the records of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsFault {
    /// There are fewer than the record count.
    #[error("the record count is {declared}, but the batch ends after {found}")]
    Missing {
        /// The record count.
        declared: i32,
        /// Records found.
        found: i32,
    },
    /// Bytes are left after the last one.
    #[error("{left} bytes follow the last record")]
    Remaining {
        /// Bytes left.
        left: usize,
    },
}

/// A fault of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// The length is negative, or more than the bytes left.
    #[error("record of {length} bytes, but only {left} are left")]
    Length {
        /// The length in the bytes.
        length: i32,
        /// Bytes left.
        left: usize,
    },
    /// The fields end before the record does.
    #[error("{left} bytes of the record are not part of any field")]
    Leftover {
        /// Bytes not used.
        left: usize,
    },
    /// The length of a key, value or header is more than the record has left.
    #[error("field of {length} bytes, but only {left} are left in the record")]
    FieldLength {
        /// The length in the bytes.
        length: i32,
        /// Bytes left.
        left: usize,
    },
    /// The number of headers is negative or impossible.
    #[error("invalid number of record headers {0}")]
    HeaderCount(i32),
    /// A header has no key.
    #[error("record header with a key of length {0}")]
    HeaderKeyLength(i32),
}

/// A fault of a compressed payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecFault {
    /// The attributes name a codec that does not exist.
    #[error("unknown compression codec {0}")]
    Unknown(u8),
    /// The header of the stream is not that of the codec.
    #[error("cannot decompress: its header is not that of the codec")]
    Header,
    /// The stream is damaged inside.
    #[error("cannot decompress: the compressed data is invalid")]
    Corrupt,
    /// The stream ends early.
    #[error("cannot decompress: the compressed data is incomplete")]
    Truncated,
    /// A checksum inside the stream is wrong.
    #[error("cannot decompress: a checksum inside the compressed data does not match")]
    Checksum,
    /// Bytes after the end of the stream are not part of it.
    #[error("cannot decompress: other bytes follow the compressed data")]
    Trailing,
    /// It decompresses to more than the limit.
    #[error("decompresses to more than the limit of {limit} bytes")]
    Limit {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// A fault of a control record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlRecordFault {
    /// The key is missing or too short.
    #[error("control record without a key of at least 4 bytes")]
    Key,
    /// The version is negative.
    #[error("control record of version {0}")]
    Version(i16),
    /// The value is missing or cannot be read.
    #[error("control record whose value cannot be read")]
    Value,
}
