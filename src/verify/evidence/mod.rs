//! Evidence of checks, as numbers: the text of a finding and its JSON detail derive from it, and
//! repair reads it.

mod entries;
mod files;
mod headers;
mod impact;
mod log;
mod names;
mod producers;
mod schemas;
mod unreadable;

use std::fmt::{self, Display as _};

pub use entries::{
    LastTimestamp, OffsetEntry, OffsetEntryAgainst, PartialEntry, TimeEntry, TimeEntryAgainst,
    Unindexed, Untrimmed,
};
pub use files::{Against, BeyondEnd, CheckpointLine, Gap, Mark, Unparsed};
pub use headers::{
    ControlFault, Lacking, MissingPart, Overlap, ProducerFields, RecordCount, RepeatedOffsets,
    ReservedBits, Size,
};
pub use impact::{BrokerAction, Impact, Loss, Records, Resume};
pub use log::{
    Checksum, Disorder, EpochConflict, Field, FieldValue, FlippedBit, Number, SuspectedBit, Torn,
    Zeros,
};
pub use names::{
    EpochsReach, IdConflict, LeftoverFile, MetadataFault, MissingFile, NameFault, NoSnapshotAtEnd,
    SwapFault, Twice, Unopened, Unrecognised,
};
pub use producers::{
    OpenTransaction, OutOfTransaction, ProducerConflict, ProducerNumber, SnapshotAgainst,
    SnapshotProducer, SnapshotShape, TxnEntry, TxnEntryAgainst, UnindexedAbort,
};
pub use schemas::SchemaIdFault;
pub use unreadable::{Unreadable, UnreadableRange};

use super::catalog::Check;
use crate::format::Fault;

/// The evidence of a finding. Checks share kinds; their meaning depends on the check.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "kind", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Evidence {
    /// Nothing but the check.
    Bare,
    /// A wrong checksum.
    Checksum(Checksum),
    /// A field with a wrong value.
    Field(FieldValue),
    /// Zeros where batches should be.
    Zeros(Zeros),
    /// An incomplete batch.
    Torn(Torn),
    /// Unknown bytes.
    Foreign,
    /// Batches whose numbers don't fit those around them.
    Disorder(Disorder),
    /// A gap that a flipped bit would explain, without proof.
    SuspectedBit(SuspectedBit),
    /// A batch with another leader epoch than `leader-epoch-checkpoint` has for it.
    EpochConflict(EpochConflict),
    /// Bytes that can't be parsed.
    Unparsed(Unparsed),
    /// Offsets that are in no segment.
    Gap(Gap),
    /// Something at an offset beyond the end of the log.
    BeyondEnd(BeyondEnd),
    /// A line of a checkpoint that the log contradicts.
    CheckpointLine(CheckpointLine),
    /// An index with bytes left over after its last entry.
    PartialEntry(PartialEntry),
    /// An index with zeros at the end that should not be there.
    Untrimmed(Untrimmed),
    /// An entry of an offset index that something contradicts.
    OffsetEntry(OffsetEntry),
    /// An entry of a time index that something contradicts.
    TimeEntry(TimeEntry),
    /// A time index that ends too early.
    LastTimestamp(LastTimestamp),
    /// Bytes of a log without an index entry.
    Unindexed(Unindexed),
    /// A number of a producer that contradicts its earlier batches.
    ProducerConflict(ProducerConflict),
    /// A batch that contradicts the transactions of its producer.
    OutOfTransaction(OutOfTransaction),
    /// A transaction that is open at the end of the log.
    OpenTransaction(OpenTransaction),
    /// A producer whose state in a snapshot is not that of the log.
    SnapshotProducer(SnapshotProducer),
    /// A snapshot whose header does not fit its bytes.
    SnapshotShape(SnapshotShape),
    /// An aborted transaction without an entry in the index.
    UnindexedAbort(UnindexedAbort),
    /// An entry of a transaction index that something contradicts.
    TxnEntry(TxnEntry),
    /// A batch with an impossible record count.
    RecordCount(RecordCount),
    /// Undefined attributes.
    ReservedBits(ReservedBits),
    /// Fields of a producer that contradict each other.
    ProducerFields(ProducerFields),
    /// A batch with offsets that belong to the next segment.
    Overlap(Overlap),
    /// A compressed set with offsets that the set before it has too.
    RepeatedOffsets(RepeatedOffsets),
    /// A file that is larger than it can be.
    Size(Size),
    /// Segments or partitions that lack something.
    Lacking(Lacking),
    /// Bytes that cannot be read.
    Unreadable(Unreadable),
    /// A file or directory that cannot be read.
    Unopened(Unopened),
    /// A name that is not in Kafka's form.
    Name(NameFault),
    /// A name that a broker does not know.
    Unrecognised(Unrecognised),
    /// A leftover file.
    Leftover(LeftoverFile),
    /// A swap that lacks something.
    Swap(SwapFault),
    /// A duplicate partition.
    Twice(Twice),
    /// A file that is missing.
    Missing(MissingFile),
    /// An id that contradicts another one.
    Id(IdConflict),
    /// An invalid file of the metadata log.
    Metadata(MetadataFault),
    /// A log with producers and no snapshot at its end.
    NoSnapshotAtEnd(NoSnapshotAtEnd),
    /// Leader epochs that don't cover the log.
    EpochsReach(EpochsReach),
    /// A malformed control batch or record.
    Control(ControlFault),
    /// Schema ids with no schema or several.
    SchemaId(SchemaIdFault),
}

impl Evidence {
    /// Returns the single flipped bit that explains the finding.
    #[must_use]
    pub fn flipped_bit(&self) -> Option<FlippedBit> {
        match self {
            Self::Checksum(checksum) => checksum.flip,
            Self::Field(field) => field.flip,
            Self::Disorder(disorder) => disorder.flip,
            _ => None,
        }
    }

    /// Writes the message of a finding of `check`.
    pub(super) fn describe(&self, check: &Check, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = check.title();
        match self {
            Self::Bare | Self::Foreign | Self::Size(_) | Self::ReservedBits(_) => {
                f.write_str(title)
            }
            Self::Checksum(checksum) => write!(f, "{title}{checksum}"),
            Self::Field(field) => field.fmt(f),
            Self::Zeros(zeros) => write!(f, "{title}: {zeros}"),
            Self::Torn(torn) => match torn.zeros {
                Some(zeros) => write!(f, "{title}, with {zeros}"),
                None => f.write_str(title),
            },
            Self::Disorder(disorder) => write!(f, "{title}{disorder}"),
            Self::SuspectedBit(SuspectedBit { suspected, .. }) => {
                write!(f, "{title}, unless {suspected}")
            }
            Self::EpochConflict(conflict) => conflict.fmt(f),
            Self::Unparsed(unparsed) => unparsed.fmt(f),
            Self::Gap(gap) => gap.fmt(f),
            Self::BeyondEnd(beyond) => beyond.fmt(f),
            Self::CheckpointLine(line) => line.fmt(f),
            Self::PartialEntry(it) => it.fmt(f),
            Self::Untrimmed(it) => it.fmt(f),
            Self::OffsetEntry(it) => it.fmt(f),
            Self::TimeEntry(it) => it.fmt(f),
            Self::LastTimestamp(it) => it.fmt(f),
            Self::Unindexed(it) => it.fmt(f),
            Self::ProducerConflict(it) => it.fmt(f),
            Self::OutOfTransaction(it) => it.fmt(f),
            Self::OpenTransaction(it) => it.fmt(f),
            Self::SnapshotProducer(it) => it.fmt(f),
            Self::SnapshotShape(it) => it.fmt(f),
            Self::UnindexedAbort(it) => it.fmt(f),
            Self::TxnEntry(it) => it.fmt(f),
            Self::RecordCount(it) => it.fmt(f),
            Self::ProducerFields(it) => it.fmt(f),
            Self::Overlap(it) => it.fmt(f),
            Self::RepeatedOffsets(it) => it.fmt(f),
            Self::Lacking(it) => it.fmt(f),
            Self::Unreadable(it) => it.fmt(f),
            Self::Unopened(it) => it.fmt(f),
            Self::Name(it) => it.fmt(f),
            Self::Unrecognised(it) => it.fmt(f),
            Self::Leftover(it) => it.fmt(f),
            Self::Swap(it) => it.fmt(f),
            Self::Twice(it) => it.fmt(f),
            Self::Missing(it) => it.fmt(f),
            Self::Id(it) => it.fmt(f),
            Self::Metadata(it) => it.fmt(f),
            Self::NoSnapshotAtEnd(it) => it.fmt(f),
            Self::EpochsReach(it) => it.fmt(f),
            Self::Control(it) => it.fmt(f),
            Self::SchemaId(it) => it.fmt(f),
        }
    }
}

macro_rules! from_kinds {
    ($($kind:ident),*) => { $(
        impl From<$kind> for Evidence {
            fn from(kind: $kind) -> Self {
                Self::$kind(kind)
            }
        }
    )* };
}

from_kinds!(
    Unopened,
    Unrecognised,
    Twice,
    NoSnapshotAtEnd,
    EpochsReach,
    RecordCount,
    ReservedBits,
    ProducerFields,
    Overlap,
    RepeatedOffsets,
    Size,
    Lacking,
    ProducerConflict,
    OutOfTransaction,
    OpenTransaction,
    SnapshotProducer,
    SnapshotShape,
    UnindexedAbort,
    TxnEntry,
    PartialEntry,
    Untrimmed,
    OffsetEntry,
    TimeEntry,
    LastTimestamp,
    Unindexed,
    Checksum,
    Zeros,
    Torn,
    Disorder,
    SuspectedBit,
    EpochConflict,
    Unparsed,
    Gap,
    BeyondEnd,
    CheckpointLine
);

macro_rules! from_named_kinds {
    ($($variant:ident $kind:ident),*) => { $(
        impl From<$kind> for Evidence {
            fn from(kind: $kind) -> Self {
                Self::$variant(kind)
            }
        }
    )* };
}

from_named_kinds!(
    Name NameFault, Leftover LeftoverFile, Swap SwapFault, Missing MissingFile, Id IdConflict,
    Metadata MetadataFault, Control ControlFault, SchemaId SchemaIdFault
);

impl From<Fault> for Evidence {
    fn from(fault: Fault) -> Self {
        Self::Unparsed(fault.into())
    }
}

impl From<FieldValue> for Evidence {
    fn from(field: FieldValue) -> Self {
        Self::Field(field)
    }
}
