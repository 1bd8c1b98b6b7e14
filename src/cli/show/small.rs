//! Checkpoints, properties, states: files that fit on a screen.

use kseg::decode::Decoder;
use kseg::format::clean_shutdown::CleanShutdown;
use kseg::format::remote_snapshot::RemoteSnapshot;
use kseg::format::{
    Fault, FileKind, LeaderEpochs, MetaProperties, OffsetCheckpoint, PartitionMetadata, Properties,
    QuorumState,
};
use kseg::wire::NumberFault;
use serde::Serialize;

use super::file::Facts;
use super::index::report;
use super::records;
use crate::cli::render::rows::{Cell, Column, Content, Row, uuid};
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

/// An offset of a partition in a checkpoint.
#[derive(Debug, Serialize)]
struct CheckpointRow {
    position: u64,
    topic: String,
    partition: i32,
    offset: i64,
}

impl Row for CheckpointRow {
    const SCHEMA: Schema = schema::CHECKPOINT_ENTRY;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Topic", |row: &Self| (&row.topic).into()).wraps(16),
        Column::right("Partition", |row: &Self| row.partition.into()),
        Column::right("Offset", |row: &Self| row.offset.into()),
    ];
}

/// The start offset of a leader epoch.
#[derive(Debug, Serialize)]
struct EpochRow {
    position: u64,
    epoch: i32,
    start_offset: i64,
}

impl Row for EpochRow {
    const SCHEMA: Schema = schema::LEADER_EPOCH;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Leader epoch", |row: &Self| row.epoch.into()),
        Column::right("Start offset", |row: &Self| row.start_offset.into()),
    ];
}

/// A line of a file of properties.
#[derive(Debug, Serialize)]
struct PropertyRow {
    position: u64,
    key: String,
    value: String,
}

impl Row for PropertyRow {
    const SCHEMA: Schema = schema::PROPERTY;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Name", |row: &Self| (&row.key).into()),
        Column::left("Value", |row: &Self| (&row.value).into()).wraps(16),
    ];
}

/// A segment in a snapshot of remote log metadata.
#[derive(Debug, Serialize)]
struct RemoteRow {
    position: u64,
    r#type: Option<String>,
    version: Option<i16>,
    value: Option<Content>,
}

impl Row for RemoteRow {
    const SCHEMA: Schema = schema::REMOTE_SEGMENT;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Position", |row: &Self| row.position.cast_signed().into()),
        Column::left("Type", |row: &Self| {
            Cell::maybe(row.r#type.as_deref(), Into::into)
        }),
        Column::left("Value", |row: &Self| {
            Cell::maybe(row.value.as_ref(), Cell::content)
        })
        .wraps(24),
    ];
}

/// The content of a small file, below its header.
#[derive(Default)]
pub(super) struct Page {
    rows: SmallFileRows,
    faults: Vec<Fault>,
}

#[derive(Default)]
enum SmallFileRows {
    #[default]
    None,
    Checkpoint(Vec<CheckpointRow>),
    Epochs(Vec<EpochRow>),
    Properties(Vec<PropertyRow>),
    Remote(Vec<RemoteRow>),
}

impl Page {
    fn new(rows: SmallFileRows, faults: Vec<Fault>) -> Self {
        Self { rows, faults }
    }

    /// Shows the rows below the heading.
    pub(super) fn show(self, writer: &mut Writer<'_>) {
        match self.rows {
            SmallFileRows::None => {}
            SmallFileRows::Checkpoint(rows) => writer.table(rows),
            SmallFileRows::Epochs(rows) => writer.table(rows),
            SmallFileRows::Properties(rows) => writer.table(rows),
            SmallFileRows::Remote(rows) => writer.table(rows),
        }
        for fault in self.faults {
            report(writer, fault);
        }
    }

    /// Reads a file of one of these kinds; `None` if it is of another.
    pub(super) fn of(kind: FileKind, bytes: &[u8]) -> Option<(Facts, Self)> {
        Some(match kind {
            FileKind::LeaderEpochs => epochs(LeaderEpochs::parse(bytes)),
            FileKind::RecoveryPoints
            | FileKind::HighWatermarks
            | FileKind::LogStarts
            | FileKind::CleanerOffsets => offsets(OffsetCheckpoint::parse(bytes)),
            FileKind::RemoteCommittedOffsets => {
                offsets(OffsetCheckpoint::parse_without_topic(bytes))
            }
            FileKind::MetaProperties => meta(bytes),
            FileKind::PartitionMetadata => partition(PartitionMetadata::parse(bytes)),
            FileKind::QuorumState => quorum(QuorumState::parse(bytes)),
            FileKind::CleanShutdown => {
                let marker = CleanShutdown::parse(bytes);
                let facts = Facts {
                    version: marker.version,
                    broker_epoch: marker.broker_epoch,
                    ..Facts::default()
                };
                (facts, Self::new(SmallFileRows::None, marker.faults))
            }
            FileKind::RemoteSnapshot => remote(bytes),
            FileKind::Lock => (Facts::default(), Self::default()),
            _ => return None,
        })
    }
}

fn versioned(version: Option<impl Into<i64>>, declared: Option<impl Into<i64>>) -> Facts {
    Facts {
        version: version.map(Into::into),
        declared: declared.map(Into::into),
        ..Facts::default()
    }
}

fn epochs(epochs: LeaderEpochs) -> (Facts, Page) {
    let row = |entry: &kseg::format::leader_epochs::EpochEntry| EpochRow {
        position: entry.position.get(),
        epoch: entry.epoch.get(),
        start_offset: entry.start_offset.get(),
    };
    let rows = SmallFileRows::Epochs(epochs.entries.iter().map(row).collect());
    let facts = versioned(epochs.version, epochs.declared);
    (facts, Page::new(rows, epochs.faults))
}

fn offsets(checkpoint: OffsetCheckpoint<'_>) -> (Facts, Page) {
    let row = |entry: &kseg::format::checkpoint::CheckpointEntry<'_>| CheckpointRow {
        position: entry.position.get(),
        topic: entry.topic.to_owned(),
        partition: entry.partition,
        offset: entry.offset.get(),
    };
    let rows = SmallFileRows::Checkpoint(checkpoint.entries.iter().map(row).collect());
    let facts = versioned(checkpoint.version, checkpoint.declared);
    (facts, Page::new(rows, checkpoint.faults))
}

fn meta(bytes: &[u8]) -> (Facts, Page) {
    let properties = Properties::parse(bytes);
    let meta = MetaProperties::of(&properties);
    let row = |entry: &kseg::format::properties::Property| PropertyRow {
        position: entry.position.get(),
        key: entry.key.clone(),
        value: entry.value.clone(),
    };
    let facts = Facts {
        version: meta.version.map(Into::into),
        node_id: meta.node_id,
        ..Facts::default()
    };
    let rows = SmallFileRows::Properties(properties.entries.iter().map(row).collect());
    (facts, Page::new(rows, meta.faults))
}

fn partition(metadata: PartitionMetadata) -> (Facts, Page) {
    let facts = Facts {
        version: metadata.version.map(Into::into),
        topic_id: metadata.topic_id.as_ref().map(uuid),
        ..Facts::default()
    };
    (facts, Page::new(SmallFileRows::None, metadata.faults))
}

fn quorum(state: QuorumState) -> (Facts, Page) {
    let facts = Facts {
        version: state.version,
        leader_id: state.leader_id,
        leader_epoch: state.leader_epoch.map(kseg::wire::LeaderEpoch::get),
        voted_id: state.voted_id,
        voted_directory_id: state.voted_directory_id,
        applied_offset: state.applied_offset.map(kseg::wire::Offset::get),
        voters: state.voters,
        ..Facts::default()
    };
    (facts, Page::new(SmallFileRows::None, state.faults))
}

fn remote(bytes: &[u8]) -> (Facts, Page) {
    let snapshot = match RemoteSnapshot::parse(bytes) {
        Ok(snapshot) => snapshot,
        Err(fault) => {
            return (
                Facts::default(),
                Page::new(SmallFileRows::None, vec![fault]),
            );
        }
    };
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for entry in snapshot.entries() {
        match entry {
            Ok((position, record)) => {
                let meaning = records::entry(Decoder::RemoteLogMetadata, None, Some(record));
                rows.push(RemoteRow {
                    position: position.get(),
                    r#type: meaning.r#type,
                    version: meaning.version,
                    value: meaning.value,
                });
                if meaning.wrong.is_some() {
                    let at = usize::try_from(position.get()).unwrap_or(usize::MAX);
                    faults.push(Fault::new(NumberFault::EndOfInput, at));
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    let facts = Facts {
        version: Some(snapshot.version().into()),
        declared: Some(snapshot.declared().into()),
        metadata_partition: Some(snapshot.metadata_partition().into()),
        offset: Some(snapshot.offset().get()),
        ..Facts::default()
    };
    (facts, Page::new(SmallFileRows::Remote(rows), faults))
}
