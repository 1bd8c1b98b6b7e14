//! The exceptions that interrupt a step of a start.

use std::fmt;

use super::reason::Reason;
use crate::format::{Fault, name};
use crate::store;

/// The failure of a step of the start, by the kinds of exceptions that Kafka distinguishes.
#[derive(Debug)]
pub(super) enum Thrown {
    /// `CorruptRecordException`: the bytes are not a batch.
    Corrupt(Fault),
    /// `InvalidRecordException`: a record is invalid. The batch is already counted.
    Invalid(u64),
    /// `InvalidOffsetException`: an index entry does not follow the one before it.
    Disorder(u64),
    /// `LogSegmentOffsetOverflowException`: an offset is too far from the segment's.
    Overflow(i64),
    /// `IOException`: the log dir goes offline.
    Io(Reason),
    /// Any other: the broker does not start.
    Fatal(Reason),
    /// Not an exception of Kafka: kseg cannot read a file.
    Ours(store::Error),
}

/// A broker cannot read a file that kseg cannot read: `KafkaStorageException` for the log dir.
impl From<store::Error> for Thrown {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unreadable { path, unreadable } => Self::io(
                name::file_name(&path),
                format_args!("{unreadable} (KafkaStorageException)"),
            ),
            other => Self::Ours(other),
        }
    }
}

impl Thrown {
    /// An exception that Kafka does not handle.
    pub(super) fn fatal(file: &str, what: impl fmt::Display) -> Self {
        Self::Fatal(Reason::Unexpected {
            file: file.to_owned(),
            what: what.to_string(),
        })
    }

    /// An I/O error.
    pub(super) fn io(file: &str, what: impl fmt::Display) -> Self {
        Self::Io(Reason::Unexpected {
            file: file.to_owned(),
            what: what.to_string(),
        })
    }

    /// Converts exceptions that are not caught: those about bytes are as fatal as others.
    pub(super) fn escaped(self, file: &str) -> Self {
        match self {
            Self::Corrupt(fault) => Self::Fatal(Reason::BadBatch {
                file: file.to_owned(),
                fault,
            }),
            Self::Invalid(position) => Self::Fatal(Reason::BadMarker {
                file: file.to_owned(),
                position,
            }),
            Self::Disorder(position) => Self::Fatal(Reason::OffsetsGoBack {
                file: file.to_owned(),
                position,
            }),
            other => other,
        }
    }
}
