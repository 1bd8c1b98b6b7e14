//! Evidence about producers: in batches, markers, snapshots and transaction indexes.

use std::fmt;

/// A number in a batch of a producer that contradicts its earlier batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ProducerConflict {
    /// The producer.
    pub producer_id: i64,
    /// The kind of number.
    pub number: ProducerNumber,
    /// The number in the batch.
    pub stored: i64,
    /// The number expected after the earlier batches.
    pub expected: i64,
}

/// A number of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ProducerNumber {
    /// The sequence number of the first record.
    Sequence,
    /// The producer epoch of data.
    Epoch,
    /// The producer epoch of a transaction marker.
    MarkerEpoch,
    /// The epoch of the coordinator that wrote a marker.
    CoordinatorEpoch,
}

impl fmt::Display for ProducerConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, stored, expected) = (self.producer_id, self.stored, self.expected);
        match self.number {
            ProducerNumber::Sequence => write!(
                f,
                "producer {id} begins with sequence number {stored}, expected {expected}"
            ),
            ProducerNumber::Epoch => {
                write!(
                    f,
                    "producer {id} has epoch {stored}, after epoch {expected}"
                )
            }
            ProducerNumber::MarkerEpoch => write!(
                f,
                "the marker of producer {id} has epoch {stored}, but its data has {expected}"
            ),
            ProducerNumber::CoordinatorEpoch => write!(
                f,
                "the marker of producer {id} has coordinator epoch {stored}, after {expected}"
            ),
        }
    }
}

/// A batch that contradicts the transactions of its producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OutOfTransaction {
    /// The producer.
    pub producer_id: i64,
    /// True if it is a marker that ends no transaction; otherwise it is data outside of the open
    /// transaction.
    pub is_marker: bool,
}

impl fmt::Display for OutOfTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.producer_id;
        if self.is_marker {
            write!(f, "the marker of producer {id} ends no transaction")
        } else {
            write!(
                f,
                "producer {id} has a transaction open, and the batch is not part of one"
            )
        }
    }
}

/// A transaction that is open at the end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OpenTransaction {
    /// The producer.
    pub producer_id: i64,
    /// Its first offset.
    pub first_offset: i64,
    /// The minimum time in milliseconds that it has been open, by its start or by the markers of
    /// later transactions; 0 if neither is known.
    pub open_ms: i64,
    /// Its transactional id, if `__transaction_state` is in the same log dirs.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub transactional_id: Option<String>,
    /// Its start in milliseconds since 1970, in the same way.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub start_ms: Option<i64>,
}

impl fmt::Display for OpenTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (producer, first) = (self.producer_id, self.first_offset);
        match &self.transactional_id {
            Some(id) => write!(f, "transaction {id} of producer {producer}")?,
            None => write!(f, "a transaction of producer {producer}")?,
        }
        write!(f, " is open from offset {first} on")?;
        match (self.open_ms, self.start_ms) {
            (0, _) => {}
            (lasted, Some(_)) => write!(f, ", for {}", Lasting(lasted))?,
            (lasted, None) => write!(f, ", for at least {}", Lasting(lasted))?,
        }
        if self.transactional_id.is_none() {
            f.write_str("; kseg txns over all log dirs shows its transactional id")?;
        }
        Ok(())
    }
}

/// A duration in milliseconds, for people: `2 h 5 min`.
struct Lasting(i64);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
            (0, 0, 0) => write!(f, "{} ms", self.0),
            (0, 0, seconds) => write!(f, "{seconds} s"),
            (0, minutes, seconds) => write!(f, "{minutes} min {seconds} s"),
            (hours, minutes, _) if hours < 48 => write!(f, "{hours} h {minutes} min"),
            (hours, ..) => write!(f, "{} d {} h", hours / 24, hours % 24),
        }
    }
}

/// A producer in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SnapshotProducer {
    /// The producer.
    pub producer_id: i64,
    /// The fact that contradicts the snapshot.
    pub against: SnapshotAgainst,
}

/// The fact that contradicts a snapshot about a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SnapshotAgainst {
    /// The log has no batch of it.
    NotInLog,
    /// The log has another number.
    Log {
        /// The kind of number.
        field: &'static str,
        /// The number in the snapshot.
        stored: i64,
        /// The number in the log.
        actual: i64,
    },
    /// An offset of it is not below that of the snapshot.
    SnapshotEnd {
        /// The field.
        field: &'static str,
        /// Its offset.
        offset: i64,
        /// The offset of the snapshot.
        end: i64,
    },
    /// It is not in the snapshot, although its transaction is open since this offset.
    Open {
        /// The first offset of the transaction.
        since: i64,
    },
    /// It is not in the snapshot, although it was active after others that are.
    Active,
}

impl fmt::Display for SnapshotProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.producer_id;
        match self.against {
            SnapshotAgainst::NotInLog => write!(f, "the log has no batch of producer {id}"),
            SnapshotAgainst::Log {
                field,
                stored,
                actual,
            } => write!(
                f,
                "producer {id}: {field} {stored}, but {actual} in the log"
            ),
            SnapshotAgainst::SnapshotEnd { field, offset, end } => write!(
                f,
                "the {field} of producer {id} is {offset}, but the snapshot ends before {end}"
            ),
            SnapshotAgainst::Open { since } => write!(
                f,
                "producer {id} is missing; it has an open transaction from offset {since} on"
            ),
            SnapshotAgainst::Active => write!(
                f,
                "producer {id} is missing; it was active after others that are in the snapshot"
            ),
        }
    }
}

/// A snapshot whose header does not fit its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SnapshotShape {
    /// It is shorter than a header.
    Header {
        /// Bytes of the file.
        size_bytes: u64,
        /// Bytes of a header.
        header_bytes: u64,
    },
    /// Its version is not known.
    Version {
        /// The stored version.
        version: i16,
        /// The known version.
        known: i16,
    },
    /// The size does not match the entry count.
    Entries {
        /// The entry count.
        declared: i64,
        /// Bytes after the header.
        body_bytes: u64,
    },
}

impl fmt::Display for SnapshotShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header {
                size_bytes,
                header_bytes,
            } => write!(f, "{size_bytes} bytes, but a header has {header_bytes}"),
            Self::Version { version, known } => write!(f, "version {version}, expected {known}"),
            Self::Entries {
                declared,
                body_bytes,
            } => write!(
                f,
                "the entry count is {declared}, but {body_bytes} bytes follow the header"
            ),
        }
    }
}

/// An aborted transaction without an entry in the transaction index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct UnindexedAbort {
    /// The producer.
    pub producer_id: i64,
    /// The first offset of the transaction.
    pub first_offset: i64,
    /// Its last offset.
    pub last_offset: i64,
}

impl fmt::Display for UnindexedAbort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            producer_id,
            first_offset,
            last_offset,
        } = self;
        write!(
            f,
            "producer {producer_id} aborted offsets {first_offset}-{last_offset}, but there is no \
             entry for it"
        )
    }
}

/// An entry of a transaction index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TxnEntry {
    /// Which one.
    pub entry: u64,
    /// The producer.
    pub producer_id: i64,
    /// The first offset of the transaction.
    pub first_offset: i64,
    /// Its last offset.
    pub last_offset: i64,
    /// The fact that contradicts it.
    pub against: TxnEntryAgainst,
}

/// The fact that contradicts an entry of a transaction index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TxnEntryAgainst {
    /// Its version is not known.
    Version(i16),
    /// Its offsets decrease, or are not above those of an earlier entry, which ends here.
    Order(Option<i64>),
    /// It ends outside of the segment, which has these offsets.
    Segment(Option<(i64, i64)>),
    /// No aborted transaction ends there.
    NoMarker,
    /// The transaction has another first offset.
    FirstOffset(i64),
    /// The last stable offset was another.
    LastStable {
        /// The offset in the entry.
        stored: i64,
        /// The offset of the log.
        actual: i64,
    },
}

impl fmt::Display for TxnEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            entry,
            producer_id,
            first_offset,
            last_offset,
            against,
        } = self;
        match against {
            TxnEntryAgainst::Version(version) => write!(f, "entry {entry} has version {version}"),
            TxnEntryAgainst::Order(before) => {
                write!(f, "entry {entry} has offsets {first_offset}-{last_offset}")?;
                match before {
                    Some(before) => write!(f, ", after one that ends at {before}"),
                    None => Ok(()),
                }
            }
            TxnEntryAgainst::Segment(Some((from, to))) => write!(
                f,
                "entry {entry} ends at offset {last_offset}, but the segment has offsets \
                 {from}-{to}"
            ),
            TxnEntryAgainst::Segment(None) => write!(
                f,
                "entry {entry} ends at offset {last_offset}, but the segment is empty"
            ),
            TxnEntryAgainst::NoMarker => write!(
                f,
                "entry {entry}: no aborted transaction of producer {producer_id} ends at offset {last_offset}"
            ),
            TxnEntryAgainst::FirstOffset(actual) => write!(
                f,
                "entry {entry} begins at offset {first_offset}, but the transaction begins at \
                 {actual}"
            ),
            TxnEntryAgainst::LastStable { stored, actual } => write!(
                f,
                "entry {entry} has last stable offset {stored}, expected {actual}"
            ),
        }
    }
}
