//! Evidence about names, ids and small files.

use std::fmt;

/// A file or directory that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "reason", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Unopened {
    /// It is a directory.
    Directory,
    /// It is a link to nothing.
    BrokenLink,
    /// It is a pipe, a socket or a device.
    Special,
    /// The operating system refuses.
    Error {
        /// The message, with the path.
        error: String,
    },
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "it is a directory",
            Self::BrokenLink => "a broken link",
            Self::Special => "a pipe, a socket or a device",
            Self::Error { error } => error,
        })
    }
}

/// A name that is not in Kafka's form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "name", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum NameFault {
    /// Of the directory of a partition.
    Partition {
        /// The topic that Kafka reads.
        topic: String,
        /// The partition that Kafka reads.
        partition: i32,
        /// The name that Kafka would write.
        expected: String,
    },
    /// Of a topic.
    Topic {
        /// The topic.
        topic: String,
    },
    /// Of a file of a segment.
    Segment {
        /// The offset that Kafka reads.
        offset: i64,
        /// The expected beginning of the name.
        expected: String,
    },
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition {
                topic,
                partition,
                expected,
            } => write!(
                f,
                "Kafka reads it as partition {partition} of topic {topic}, but would write \
                 {expected}"
            ),
            Self::Topic { topic } => write!(f, "{topic:?} is not a valid topic name"),
            Self::Segment { offset, expected } => write!(
                f,
                "Kafka reads offset {offset}, and creates an empty segment named {expected}"
            ),
        }
    }
}

/// The reaction of a broker to an unknown name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "broker", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Unrecognised {
    /// It ignores the file.
    Ignores,
    /// It ignores the file where it is.
    IgnoresHere,
    /// It ignores directories in that of a partition.
    IgnoresDirectories,
    /// It does not start: the suffix is one of Kafka's, and the rest of the name is not.
    RefusesSuffix,
    /// It does not start: the name does not begin with an offset.
    RefusesName,
}

impl fmt::Display for Unrecognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ignores => "a broker ignores it",
            Self::IgnoresHere => "a broker ignores it here",
            Self::IgnoresDirectories => {
                "a broker ignores directories in the directory of a \
                                         partition"
            }
            Self::RefusesSuffix => {
                "Kafka does not start: it reads it as one of its files, and the name does not \
                 begin with an offset"
            }
            Self::RefusesName => "Kafka does not start: the name does not begin with an offset",
        })
    }
}

/// A leftover file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LeftoverFile {
    /// The file.
    pub file: &'static str,
    /// The state.
    pub state: &'static str,
}

impl fmt::Display for LeftoverFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.file, self.state)
    }
}

/// The fault of a swap.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "lacks", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SwapFault {
    /// Batches: it is empty.
    Batches,
    /// An end: zeros follow the last batch.
    End,
    /// Valid batches.
    Soundness {
        /// The damage of the first damaged one.
        damage: String,
    },
    /// The offset index.
    OffsetIndex,
    /// The `.log`.
    Log,
}

impl fmt::Display for SwapFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Batches => "it is empty",
            Self::End => "it ends in zeros",
            Self::Soundness { damage } => damage,
            Self::OffsetIndex => "it has no offset index",
            Self::Log => "it has no .log",
        })
    }
}

/// A duplicate partition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Twice {
    /// The partition.
    pub partition: String,
    /// The log dir of the first one; `None` means the same log dir.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub first: Option<String>,
}

impl fmt::Display for Twice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partition = &self.partition;
        match &self.first {
            Some(first) => write!(f, "{partition} is also in {first}"),
            None => write!(f, "{partition} is in this log dir twice"),
        }
    }
}

/// A missing file, by its consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "effect", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum MissingFile {
    /// A broker writes it again, or does not need it.
    None,
    /// A broker marks the partition as stray.
    StrayPartition,
    /// The vote of the node is lost.
    VoteForgotten,
}

impl fmt::Display for MissingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "it is missing",
            Self::StrayPartition => "it is missing: a broker marks the partition as stray",
            Self::VoteForgotten => "it is missing: the node has lost its vote",
        })
    }
}

/// An id that contradicts another one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "id", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum IdConflict {
    /// The cluster id differs from that in another file.
    Cluster {
        /// That file.
        other: String,
    },
    /// The node id differs from that in another file.
    Node {
        /// That file.
        other: String,
    },
    /// Another log dir has the same directory id.
    Directory {
        /// The other log dir.
        other: String,
    },
    /// The directory id is reserved.
    ReservedDirectory {
        /// As a number.
        number: u64,
    },
    /// The directory id is missing.
    NoDirectory {
        /// True if the metadata log has a directory id for the partitions here.
        is_registered: bool,
    },
    /// The broker epoch differs from that in another file.
    BrokerEpoch {
        /// The value here.
        stored: i64,
        /// The value in the other file.
        actual: i64,
        /// That file.
        other: String,
    },
    /// The topic id differs from that in another file.
    Topic {
        /// That file.
        other: String,
    },
    /// Another topic has the same topic id.
    OtherTopic {
        /// That topic.
        topic: String,
    },
    /// The metadata log does not have the topic id.
    UnknownTopic,
    /// In the metadata log the topic of this id was deleted.
    DeletedTopic,
    /// The topic id is that of another topic in the metadata log.
    NamedTopic {
        /// That topic.
        topic: String,
    },
    /// The topic has no such partition in the metadata log.
    UnknownPartition {
        /// The partition.
        partition: i32,
    },
    /// The partition is not on this node in the metadata log.
    OtherNodes {
        /// The nodes that have it.
        nodes: Vec<i32>,
        /// This node.
        node: i32,
    },
}

impl fmt::Display for IdConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster { other } => write!(f, "its cluster.id differs from that in {other}"),
            Self::Node { other } => write!(f, "its node id differs from that in {other}"),
            Self::Directory { other } => write!(f, "{other} has the same directory.id"),
            Self::ReservedDirectory { number } => {
                write!(f, "the directory.id is reserved (number {number})")
            }
            Self::NoDirectory { is_registered } => f.write_str(if *is_registered {
                "it has no directory.id, but the metadata log has one for the partitions here"
            } else {
                "it has no directory.id; nodes of 3.7 and later have one"
            }),
            Self::BrokerEpoch {
                stored,
                actual,
                other,
            } => write!(f, "broker epoch {stored}, but {other} has {actual}"),
            Self::Topic { other } => write!(f, "the topic id differs from that in {other}"),
            Self::OtherTopic { topic } => write!(f, "topic {topic} has the same topic id"),
            Self::UnknownTopic => f.write_str("the metadata log has no topic with this id"),
            Self::DeletedTopic => f.write_str("in the metadata log this topic was deleted"),
            Self::NamedTopic { topic } => {
                write!(f, "in the metadata log this is the id of topic {topic}")
            }
            Self::UnknownPartition { partition } => {
                write!(
                    f,
                    "in the metadata log the topic has no partition {partition}"
                )
            }
            Self::OtherNodes { nodes, node } => write!(
                f,
                "in the metadata log its replicas are on nodes {nodes:?}, but this is node {node}"
            ),
        }
    }
}

/// The fault of a file of the metadata log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "problem", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum MetadataFault {
    /// The name of a snapshot is not that of one.
    SnapshotName,
    /// A snapshot has zeros where batches should be.
    Zeros,
    /// A snapshot is empty.
    Empty,
    /// A snapshot does not begin with a header.
    NoHeader,
    /// A snapshot does not end with a footer.
    NoFooter,
    /// The name of a snapshot has another epoch than the log.
    SnapshotEpoch {
        /// The epoch in the name.
        stored: i32,
        /// That of the log.
        actual: i32,
        /// The offset in the log.
        last_offset: i64,
    },
    /// No snapshot reaches the start of the log.
    NoSnapshot {
        /// The log start offset.
        log_start: i64,
        /// The end offset of the newest snapshot.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        newest: Option<i64>,
    },
    /// The leader is not a voter.
    Leader {
        /// The leader.
        leader: i32,
    },
    /// The epoch of the quorum is older than that of the log.
    QuorumEpoch {
        /// The epoch of the quorum.
        stored: i32,
        /// That of the log.
        actual: i32,
    },
}

impl fmt::Display for MetadataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SnapshotName => {
                f.write_str("the node does not start: its name is not that of a snapshot")
            }
            Self::Zeros => f.write_str("zeros where batches should be"),
            Self::Empty => f.write_str("it is empty"),
            Self::NoHeader => f.write_str("it does not begin with a header"),
            Self::NoFooter => f.write_str("it does not end with a footer"),
            Self::SnapshotEpoch {
                stored,
                actual,
                last_offset,
            } => write!(
                f,
                "its epoch is {stored}, but offset {last_offset} of the log has {actual}"
            ),
            Self::NoSnapshot {
                log_start,
                newest: Some(newest),
            } => write!(
                f,
                "the log begins at offset {log_start}, but the newest snapshot ends at {newest}"
            ),
            Self::NoSnapshot { log_start, .. } => write!(
                f,
                "the log begins at offset {log_start}, but there is no snapshot"
            ),
            Self::Leader { leader } => write!(f, "the leader {leader} is not one of the voters"),
            Self::QuorumEpoch { stored, actual } => {
                write!(f, "the epoch is {stored}, but the log has {actual}")
            }
        }
    }
}

/// A log with producers and no snapshot at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct NoSnapshotAtEnd {
    /// The log end offset.
    pub log_end: i64,
    /// True if there are snapshots.
    pub has_snapshots: bool,
}

impl fmt::Display for NoSnapshotAtEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.log_end;
        if self.has_snapshots {
            write!(f, "there is no snapshot at the log end offset {end}")
        } else {
            f.write_str("there is no snapshot, but the log has producers")
        }
    }
}

/// The part of the log without leader epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "problem", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EpochsReach {
    /// There are none.
    None {
        /// True if the file exists.
        exists: bool,
        /// The first offset of the first batch that has an epoch.
        batch_offset: i64,
        /// That epoch.
        actual: i32,
    },
    /// They begin after the log does.
    Late {
        /// Their start offset.
        stored: i64,
        /// The log start offset.
        actual: i64,
    },
    /// They begin before the log does.
    Early {
        /// Their start offset.
        stored: i64,
        /// The log start offset.
        actual: i64,
    },
}

impl fmt::Display for EpochsReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None {
                exists,
                batch_offset,
                actual,
            } => {
                let what = if *exists { "empty" } else { "missing" };
                write!(
                    f,
                    "it is {what}, but the batch at offset {batch_offset} has epoch {actual}"
                )
            }
            Self::Late { stored, actual } => {
                write!(
                    f,
                    "it begins at offset {stored}, but the log begins at {actual}"
                )
            }
            Self::Early { stored, actual } => write!(
                f,
                "the leader epochs begin at offset {stored}, but the log begins at {actual}"
            ),
        }
    }
}
