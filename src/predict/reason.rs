//! The reasons for the events of a start.

use std::fmt;

use crate::format::Fault;
use crate::format::properties::write_uuid;

/// The reason for an event of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "reason", rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Reason {
    /// A batch is invalid: the log is truncated before it.
    BadBatch {
        /// The file.
        file: String,
        /// The fault and its position.
        #[cfg_attr(feature = "serde", serde(serialize_with = "document::fault"))]
        fault: Fault,
    },
    /// A control record is invalid: the log is truncated after it.
    BadMarker {
        /// The file.
        file: String,
        /// The position of its batch.
        position: u64,
    },
    /// Offsets go back where an index entry is due: the segment is emptied.
    OffsetsGoBack {
        /// The file.
        file: String,
        /// The position.
        position: u64,
    },
    /// A segment has no offset index, or an invalid transaction index: it is recovered.
    NoIndex {
        /// The segment's file.
        file: String,
    },
    /// The log ends before it starts: everything is deleted.
    EndsBeforeStart {
        /// The log end offset.
        end: i64,
        /// The log start offset.
        start: i64,
    },
    /// The log ends before bytes that could still be read.
    EndsEarly {
        /// The file.
        file: String,
        /// The position at which the reader stopped.
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
    /// The cluster does not know the partition here: its directory is renamed, or deleted before
    /// 3.7.
    Stray {
        /// The reason.
        why: Stranger,
    },
    /// The directory has the id of another existing topic: the broker fails at it when it applies
    /// the cluster's topics, and may not load those after it.
    OtherTopic {
        /// The topic of that id.
        topic: String,
    },
    /// The directory is about to be deleted.
    ToBeDeleted,
    /// The newest snapshot is beyond the end of the metadata log: the log restarts there.
    SnapshotBeyondLog {
        /// The end of the snapshot.
        end: i64,
    },
    /// A checkpoint cannot be read.
    Checkpoint {
        /// The file.
        file: String,
        /// The fault.
        #[cfg_attr(feature = "serde", serde(serialize_with = "document::faults"))]
        fault: Option<Fault>,
    },
    /// A file with the identity of a directory cannot be read, or is invalid.
    Identity {
        /// The file.
        file: String,
        /// The fault.
        what: String,
    },
    /// Several directories of one node are the same partition.
    PartitionTwice {
        /// The directories.
        dirs: Vec<String>,
    },
    /// The name of a directory is not that of a partition.
    ForeignDirectory {
        /// Its name.
        dir: String,
    },
    /// The metadata log is in a log dir that is not `metadata.log.dir`.
    MetadataElsewhere {
        /// Its log dir.
        dir: String,
        /// The place where it is expected.
        expected: String,
    },
    /// A feature of the cluster is at a level that the release does not know.
    FeatureLevel {
        /// The feature: `metadata.version`.
        feature: String,
        /// Its level.
        level: i16,
        /// The lowest level that the release knows.
        least: i16,
        /// The highest one.
        most: i16,
    },
    /// A setting of a topic has a value that the release does not accept.
    Setting {
        /// The topic.
        topic: String,
        /// The setting.
        setting: String,
        /// Its value.
        value: i64,
        /// The minimum that is accepted.
        least: i64,
    },
    /// An error that Kafka does not handle.
    Unexpected {
        /// The file or directory.
        file: String,
        /// The fault.
        what: String,
    },
}

/// The reason why the broker does not serve a partition's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Stranger {
    /// It has no topic id.
    NoTopicId,
    /// The cluster knows no topic of its id.
    UnknownId {
        /// Its topic id.
        #[cfg_attr(feature = "serde", serde(serialize_with = "document::uuid"))]
        id: [u8; 16],
        /// The id that the cluster has for a topic of this name.
        #[cfg_attr(feature = "serde", serde(serialize_with = "document::uuids"))]
        current: Option<[u8; 16]>,
    },
    /// The topic has no partition with its number.
    NoPartition,
    /// The partition is on other brokers.
    NotReplica,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTopicId => f.write_str("it has no topic id"),
            Self::UnknownId { id, current: None } => {
                write!(f, "the cluster has no topic with its id {}", write_uuid(id))
            }
            Self::UnknownId {
                id,
                current: Some(current),
            } => write!(
                f,
                "its topic id is {}, but the cluster's topic of this name has {}",
                write_uuid(id),
                write_uuid(current)
            ),
            Self::NoPartition => f.write_str("the topic does not have this partition"),
            Self::NotReplica => f.write_str("the cluster does not assign it to this broker"),
        }
    }
}

impl fmt::Display for Reason {
    #[expect(
        clippy::too_many_lines,
        reason = "one match: none is left without its text"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadBatch { file, fault } => write!(f, "{file} at byte {}: {fault}", fault.at()),
            Self::BadMarker { file, position } => {
                write!(f, "{file} at byte {position}: invalid control record")
            }
            Self::OffsetsGoBack { file, position } => {
                write!(f, "{file} at byte {position}: offsets go back")
            }
            Self::NoIndex { file } => write!(f, "{file}: its index is missing or invalid"),
            Self::EndsBeforeStart { end, start } => write!(
                f,
                "the log ends at offset {end}, before the log start offset {start}"
            ),
            Self::EndsEarly { file, position } => {
                write!(
                    f,
                    "{file} at byte {position}: incomplete batch, at which the broker stops reading"
                )
            }
            Self::Swap { file } => write!(f, "{file}: the start completes a compaction"),
            Self::ProducersForgotten => {
                f.write_str("no producer snapshot: open transactions and sequence numbers are lost")
            }
            Self::Split { file } => {
                write!(f, "{file}: split, because its offsets are too far apart")
            }
            Self::Stray { why } => write!(f, "stray: {why}"),
            Self::OtherTopic { topic } => write!(
                f,
                "partition.metadata has the id of topic {topic}: the broker cannot lead the \
                 partition, and may fail to load others"
            ),
            Self::ToBeDeleted => f.write_str("marked for deletion"),
            Self::SnapshotBeyondLog { end } => write!(
                f,
                "the newest metadata snapshot ends at {end}, beyond the log"
            ),
            Self::Checkpoint { file, fault: None } => write!(f, "{file}: cannot be read"),
            Self::Checkpoint {
                file,
                fault: Some(fault),
            } => write!(f, "{file}: {fault}"),
            Self::Identity { file, what } | Self::Unexpected { file, what } => {
                write!(f, "{file}: {what}")
            }
            Self::PartitionTwice { dirs } => {
                write!(f, "the same partition is in {}", dirs.join(" and "))
            }
            Self::ForeignDirectory { dir } => {
                write!(
                    f,
                    "{dir}: a directory whose name is not that of a partition"
                )
            }
            Self::MetadataElsewhere { dir, expected } => write!(
                f,
                "{dir} holds the metadata log, which belongs in {expected}"
            ),
            Self::FeatureLevel {
                feature,
                level,
                least,
                most,
            } => write!(
                f,
                "{feature} has level {level}, and this release supports {least} to {most}"
            ),
            Self::Setting {
                topic,
                setting,
                value,
                least,
            } => write!(
                f,
                "topic {topic} has {setting}={value}, and this release needs {least} or more"
            ),
        }
    }
}

/// The forms of reasons in documents.
#[cfg(feature = "serde")]
pub(super) mod document {
    use serde::ser::{Serialize, SerializeStruct as _, Serializer};

    use super::Reason;
    use crate::format::Fault;
    use crate::format::properties::write_uuid;

    /// A reason, and its text.
    #[derive(serde::Serialize)]
    struct ReasonRow<'a> {
        #[serde(flatten)]
        reason: &'a Reason,
        text: String,
    }

    /// Reasons with their text.
    pub(in super::super) fn reasons<S: Serializer>(
        reasons: &[Reason],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(reasons.iter().map(|reason| ReasonRow {
            reason,
            text: reason.to_string(),
        }))
    }

    pub(super) fn fault<S: Serializer>(fault: &Fault, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Fault", 2)?;
        out.serialize_field("position", &fault.at())?;
        out.serialize_field("text", &fault.to_string())?;
        out.end()
    }

    #[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
    pub(super) fn faults<S: Serializer>(
        of: &Option<Fault>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match of {
            Some(one) => fault(one, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn uuid<S: Serializer>(
        id: &[u8; 16],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&write_uuid(id))
    }

    #[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
    pub(super) fn uuids<S: Serializer>(
        id: &Option<[u8; 16]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        id.as_ref().map(write_uuid).serialize(serializer)
    }
}
