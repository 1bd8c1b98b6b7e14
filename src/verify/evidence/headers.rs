//! Evidence in the header of a valid batch, and about segments.

use std::fmt;

/// A batch with an impossible record count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RecordCount {
    /// The record count.
    pub records: i32,
    /// Offsets of the batch.
    pub offsets: i64,
    /// Bytes after the header.
    pub body_bytes: u64,
}

impl fmt::Display for RecordCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.records {
            0 => write!(
                f,
                "the record count is 0, but {} bytes of records follow",
                self.body_bytes
            ),
            records => write!(
                f,
                "the record count is {records}, but the batch has {} offsets",
                self.offsets
            ),
        }
    }
}

/// Undefined bits of the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ReservedBits {
    /// The bits.
    pub bits: u16,
}

/// The producer fields in the header of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ProducerFields {
    /// The producer; −1 means none.
    pub producer_id: i64,
    /// Its epoch; −1 means none.
    pub producer_epoch: i16,
    /// The sequence number of the first record; −1 means none.
    pub base_sequence: i32,
}

impl fmt::Display for ProducerFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.producer_id, self.producer_epoch) {
            (-1, _) => f.write_str("transactional without a producer"),
            (id @ ..-1, _) => write!(f, "producer id {id}"),
            (id, ..0) => write!(f, "producer {id} without an epoch"),
            (id, _) => write!(f, "producer {id} without a sequence number"),
        }
    }
}

/// A batch with offsets that belong to the next segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Overlap {
    /// Its first offset.
    pub first: i64,
    /// Its last offset.
    pub last: i64,
    /// The base offset of the next segment.
    pub next_base: i64,
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first,
            last,
            next_base,
        } = self;
        write!(
            f,
            "offsets {first}-{last}, but the next segment begins at {next_base}"
        )
    }
}

/// A compressed set of magic 0 or 1 with offsets that the set before it has too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RepeatedOffsets {
    /// The first offset.
    pub first: i64,
    /// The last offset.
    pub last: i64,
}

impl fmt::Display for RepeatedOffsets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "offsets {}-{} are in the compressed set before it too",
            self.first, self.last
        )
    }
}

/// A file that is larger than it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Size {
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// Segments or partitions that lack something.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Lacking {
    /// The missing part.
    pub what: MissingPart,
    /// The number of items that lack it.
    pub missing: u64,
    /// The number of entries.
    pub all: u64,
    /// The first that lacks it.
    pub first: String,
}

/// A part that may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum MissingPart {
    /// The producer snapshot of a segment.
    Snapshot,
    /// The line of a partition in a checkpoint.
    Line,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (missing, all, first) = (self.missing, self.all, &self.first);
        match self.what {
            MissingPart::Snapshot => write!(
                f,
                "no snapshot for {missing} of {all} segments, the first at offset {first}"
            ),
            MissingPart::Line => write!(
                f,
                "no line for {missing} of {all} partitions, the first is {first}"
            ),
        }
    }
}

/// The fault of a control batch or its record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "problem", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ControlFault {
    /// The batch has no producer.
    NoProducer,
    /// The batch has several records.
    Records {
        /// The number of records.
        records: i32,
    },
    /// The batch is outside of any transaction.
    NoTransaction,
    /// The record can't be parsed.
    Unparsed {
        /// The fault of its bytes.
        fault: String,
    },
    /// The record of a producer is not a transaction marker.
    Marker {
        /// Its type.
        control_type: i16,
    },
    /// The record has an unknown type.
    Type {
        /// Its type.
        control_type: i16,
    },
    /// The record has a version that no release writes.
    Version {
        /// The version.
        version: i16,
    },
}

impl fmt::Display for ControlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProducer => f.write_str("control batch without a producer"),
            Self::Records { records } => write!(f, "control batch of {records} records"),
            Self::NoTransaction => f.write_str("control batch outside of any transaction"),
            Self::Unparsed { fault } => f.write_str(fault),
            Self::Marker { control_type } => {
                write!(f, "transaction marker of type {control_type}")
            }
            Self::Type { control_type } => {
                write!(f, "control record of unknown type {control_type}")
            }
            Self::Version { version } => write!(
                f,
                "control record of version {version}, which no release writes"
            ),
        }
    }
}
