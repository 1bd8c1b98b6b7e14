//! Violations, at which Kafka throws, and its exceptions.

use std::fmt;

use crate::format::control::ControlType;
use crate::format::fault::CodecFault;
use crate::format::{Fault, FaultKind};
use crate::wire::{LeaderEpoch, Offset, ProducerId, Release};

/// The first release that reads a marker's value with a generated parser, which does not check its
/// length first.
const GENERATED_MARKER: Release = Release::new(4, 1, 0);

/// The reason why a batch cannot follow those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The indexes of its segment cannot hold its offset.
    OffsetOverflow {
        /// The last offset of the batch.
        offset: Offset,
        /// The base offset of the segment.
        base: Offset,
    },
    /// The offsets of the offset index would not rise.
    OffsetOrder {
        /// The offset of the new entry.
        offset: Offset,
        /// The offset of the entry before it.
        last: Offset,
    },
    /// The offsets of the time index would decrease.
    TimeOffsetOrder {
        /// The offset of the new entry.
        offset: Offset,
        /// The offset of the entry before it.
        last: Offset,
    },
    /// An index has no room for another entry.
    IndexFull,
    /// A leader epoch would begin before offset 0.
    EpochStart {
        /// The epoch.
        epoch: LeaderEpoch,
        /// The start offset.
        start_offset: Offset,
    },
    /// The records of a control batch cannot be read.
    Record(Fault),
    /// A control record has no key.
    NullKey,
    /// A transaction marker has no value.
    NullValue,
    /// The value of a transaction marker is too short.
    ShortValue,
    /// A control batch of a producer is not a transaction marker.
    NoMarker(ControlType),
    /// A producer with an open transaction wrote a batch outside of it.
    NotTransactional {
        /// The producer.
        producer_id: ProducerId,
        /// The first offset of its transaction.
        first_offset: Offset,
    },
    /// A transaction ends that the producer has, but not the log: another one began at the same
    /// offset.
    NotStarted {
        /// Its first offset.
        first_offset: Offset,
    },
    /// The markers of the transaction index would not rise.
    AbortOrder {
        /// The offset of the new marker.
        offset: Offset,
        /// The offset of the marker before it.
        last: Offset,
    },
    /// There are more producers than are kept here; Kafka has no such bound.
    TooManyProducers,
}

/// An exception of Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exception {
    /// `CorruptRecordException`, `InvalidRecordException`: recovery truncates the segment here.
    /// While the state of producers is rebuilt, the broker fails.
    InvalidRecord,
    /// `InvalidOffsetException`: recovery empties the segment. If the segment is recovered because
    /// its `.index` is missing, the broker fails.
    InvalidOffset,
    /// `LogSegmentOffsetOverflowException`: the segment is split.
    OffsetOverflow,
    /// `InvalidTxnStateException`: the broker fails.
    InvalidTxnState,
    /// `IllegalArgumentException`: the broker fails.
    IllegalArgument,
    /// `NullPointerException`: the broker fails.
    NullPointer,
    /// `BufferUnderflowException`: the broker fails.
    BufferUnderflow,
    /// `KafkaException`: the broker fails.
    Kafka,
    /// No exception: the bound is ours.
    Nothing,
}

impl Violation {
    /// Returns true if Kafka has counted the batch as valid when it throws: the segment is
    /// truncated after it.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        !matches!(
            self,
            Self::OffsetOverflow { .. }
                | Self::OffsetOrder { .. }
                | Self::TimeOffsetOrder { .. }
                | Self::IndexFull
        )
    }

    /// Returns the exception that `kafka` throws.
    #[must_use]
    pub fn exception(&self, kafka: Release) -> Exception {
        match self {
            Self::OffsetOverflow { .. } => Exception::OffsetOverflow,
            Self::OffsetOrder { .. } | Self::TimeOffsetOrder { .. } => Exception::InvalidOffset,
            Self::IndexFull
            | Self::EpochStart { .. }
            | Self::NoMarker(_)
            | Self::NotStarted { .. }
            | Self::AbortOrder { .. } => Exception::IllegalArgument,
            Self::Record(fault) => match fault.kind() {
                FaultKind::Codec(CodecFault::Unknown(_)) => Exception::IllegalArgument,
                FaultKind::Codec(_) => Exception::Kafka,
                _ => Exception::InvalidRecord,
            },
            Self::NullKey | Self::NullValue => Exception::NullPointer,
            Self::ShortValue if kafka.since(GENERATED_MARKER) => Exception::BufferUnderflow,
            Self::ShortValue => Exception::InvalidRecord,
            Self::NotTransactional { .. } => Exception::InvalidTxnState,
            Self::TooManyProducers => Exception::Nothing,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OffsetOverflow { offset, base } => {
                write!(f, "offset {offset} is too far from the base offset {base}")
            }
            Self::OffsetOrder { offset, last } => {
                write!(f, "offset {offset} follows the indexed offset {last}")
            }
            Self::TimeOffsetOrder { offset, last } => {
                write!(f, "offset {offset} follows offset {last} in the time index")
            }
            Self::IndexFull => f.write_str("an index is full"),
            Self::EpochStart {
                epoch,
                start_offset,
            } => {
                write!(f, "leader epoch {epoch} begins at offset {start_offset}")
            }
            Self::Record(fault) => write!(f, "a control batch cannot be read: {fault}"),
            Self::NullKey => f.write_str("a control record has no key"),
            Self::NullValue => f.write_str("a transaction marker has no value"),
            Self::ShortValue => f.write_str("the value of a transaction marker is too short"),
            Self::NoMarker(control) => {
                let id = control.id();
                write!(f, "a control record of a producer is of type {id}")
            }
            Self::NotTransactional {
                producer_id,
                first_offset,
            } => write!(
                f,
                "producer {producer_id} writes outside of its transaction, open since offset \
                 {first_offset}"
            ),
            Self::NotStarted { first_offset } => write!(
                f,
                "a transaction ends that does not begin at its offset {first_offset}"
            ),
            Self::AbortOrder { offset, last } => write!(
                f,
                "an abort marker at offset {offset} follows one at offset {last}"
            ),
            Self::TooManyProducers => f.write_str("there are too many producers"),
        }
    }
}

impl std::error::Error for Violation {}
