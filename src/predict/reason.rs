//! Why a start goes as it does, and how it is interrupted.

use std::fmt;

use crate::format::name;
use crate::store;
use crate::wire::Fault;

/// Why something happens at a start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A batch is wrong: the log is cut before it.
    BadBatch {
        /// The file.
        file: String,
        /// What is wrong with it, and where.
        fault: Fault,
    },
    /// A control record is wrong: the log is cut behind it.
    BadMarker {
        /// The file.
        file: String,
        /// Where its batch begins.
        position: u64,
    },
    /// Offsets go back where an index entry is due: the segment is emptied.
    OffsetsGoBack {
        /// The file.
        file: String,
        /// Where.
        position: u64,
    },
    /// A segment has no offset index, or an invalid transaction index: it is recovered.
    NoIndex {
        /// The segment's file.
        file: String,
    },
    /// The log ends before it starts: everything is deleted.
    EndsBeforeStart {
        /// Where the log ends.
        end: i64,
        /// Where it is to start.
        start: i64,
    },
    /// The log ends before bytes that could still be read.
    EndsEarly {
        /// The file.
        file: String,
        /// Where the reader stopped.
        position: u64,
    },
    /// A finished compaction is swapped in.
    Swap {
        /// The file.
        file: String,
    },
    /// All snapshots of producers are missing: empty ones are made.
    ProducersForgotten,
    /// A segment holds offsets too far apart: it is split.
    Split {
        /// The file.
        file: String,
    },
    /// Nobody knows the partition: its directory is renamed.
    Stray,
    /// The directory is about to be deleted.
    ToBeDeleted,
    /// The newest snapshot lies behind the end of the metadata log: the log starts anew there.
    SnapshotBeyondLog {
        /// The end of the snapshot.
        end: i64,
    },
    /// A checkpoint cannot be read.
    Checkpoint {
        /// The file.
        file: String,
        /// What is wrong.
        fault: Option<Fault>,
    },
    /// A file that says what a directory is cannot be read.
    Identity {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// An error that nobody expects.
    Unexpected {
        /// The file or directory.
        file: String,
        /// What is wrong.
        what: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadBatch { file, fault } => write!(f, "{file} at {}: {fault}", fault.at()),
            Self::BadMarker { file, position } => {
                write!(f, "{file} at {position}: invalid control record")
            }
            Self::OffsetsGoBack { file, position } => {
                write!(f, "{file} at {position}: offsets go back")
            }
            Self::NoIndex { file } => write!(f, "{file}: no usable index"),
            Self::EndsBeforeStart { end, start } => {
                write!(f, "the log ends at {end}, before its start at {start}")
            }
            Self::EndsEarly { file, position } => {
                write!(f, "{file} at {position}: the reader stops")
            }
            Self::Swap { file } => write!(f, "{file}: a finished compaction is swapped in"),
            Self::ProducersForgotten => f.write_str(
                "no producer snapshot: open transactions and sequence numbers are forgotten",
            ),
            Self::Split { file } => write!(f, "{file}: offsets too far apart, split"),
            Self::Stray => f.write_str("no topic id: set aside as a stray"),
            Self::ToBeDeleted => f.write_str("to be deleted"),
            Self::SnapshotBeyondLog { end } => {
                write!(
                    f,
                    "the newest metadata snapshot ends at {end}, beyond the log"
                )
            }
            Self::Checkpoint { file, fault: None } => write!(f, "{file}: cannot be read"),
            Self::Checkpoint {
                file,
                fault: Some(fault),
            } => write!(f, "{file}: {fault}"),
            Self::Identity { file, what } | Self::Unexpected { file, what } => {
                write!(f, "{file}: {what}")
            }
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How a step of the start-up ends that does not end well: the kinds of exceptions that Kafka tells apart.
#[derive(Debug)]
pub(super) enum Thrown {
    /// `CorruptRecordException`: the bytes are no batch.
    Corrupt(Fault),
    /// `InvalidRecordException`: a record is wrong. The batch counts already.
    Invalid(u64),
    /// `InvalidOffsetException`: an index entry does not follow the one before it.
    Disorder(u64),
    /// `LogSegmentOffsetOverflowException`: an offset is too far from the segment's.
    Overflow(i64),
    /// `IOException`: the log dir goes offline.
    Io(Reason),
    /// Any other: the broker does not start.
    Fatal(Reason),
    /// No exception of Kafka's: we cannot read.
    Ours(store::Error),
}

/// A broker cannot read what we cannot read either: `KafkaStorageException` for the log dir.
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
    /// An exception that nobody expects.
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

    /// Where nobody catches it: exceptions about bytes are as fatal as others.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn what_cannot_be_read_takes_the_log_dir_offline_and_other_errors_are_ours() {
        let path = || PathBuf::from("/data/t-0/00000000000000000000.log");
        let unreadable = store::Unreadable {
            range: 4096..8192,
            errno: 5,
        };
        let error = store::Error::Unreadable {
            path: path(),
            unreadable,
        };
        let Thrown::Io(Reason::Unexpected { file, what }) = Thrown::from(error) else {
            panic!("an I/O error");
        };
        assert_eq!(file, "00000000000000000000.log");
        assert_eq!(
            what,
            "bytes 4096..8192 cannot be read: input/output error (KafkaStorageException)"
        );
        let shorter = Thrown::from(store::Error::Shorter(path()));
        assert!(matches!(shorter, Thrown::Ours(_)));
    }
}
