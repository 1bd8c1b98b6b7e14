//! Checkpoints, properties, states: files that fit on a screen.

use kseg::decode::Decoder;
use kseg::format::clean_shutdown::CleanShutdown;
use kseg::format::remote_snapshot::RemoteSnapshot;
use kseg::format::{
    FileKind, LeaderEpochs, MetaProperties, OffsetCheckpoint, PartitionMetadata, Properties,
    QuorumState,
};
use kseg::wire::{Fault, FaultKind};

use super::index::tell;
use super::printer::{Fact, Printer};
use super::records;
use crate::cli::render::rows::{Cell, Column, Table};

const OFFSETS: Table = Table {
    schema: "kseg.checkpoint_entry/1",
    title: "",
    columns: &[
        Column::hidden("position"),
        Column::new("topic", "Topic", 24),
        Column::new("partition", "Partition", 9),
        Column::new("offset", "Offset", 12),
    ],
};

const EPOCHS: Table = Table {
    schema: "kseg.leader_epoch/1",
    title: "",
    columns: &[
        Column::hidden("position"),
        Column::new("epoch", "Epoch", 6),
        Column::new("start_offset", "Start offset", 12),
    ],
};

const PROPERTIES: Table = Table {
    schema: "kseg.property/1",
    title: "",
    columns: &[
        Column::hidden("position"),
        Column::new("key", "Name", 16),
        Column::new("value", "Value", 24),
    ],
};

const REMOTE: Table = Table {
    schema: "kseg.remote_segment/1",
    title: "",
    columns: &[
        Column::new("position", "Position", 8),
        Column::new("type", "Type", 24),
        Column::hidden("version"),
        Column::new("value", "Value", 24),
    ],
};

/// What a small file says.
#[derive(Default)]
pub(super) struct Page {
    /// In its heading.
    pub(super) facts: Vec<Fact>,
    /// Below.
    rows: Option<(&'static Table, Vec<Vec<Cell>>)>,
    faults: Vec<Fault>,
}

impl Page {
    /// Shows what stands below the heading.
    pub(super) fn show(self, printer: &mut Printer<'_>) {
        if let Some((table, rows)) = self.rows {
            printer.table(table, &rows);
        }
        for fault in self.faults {
            tell(printer, fault);
        }
    }

    /// Reads a file of one of these kinds; none if it is of another.
    pub(super) fn of(kind: FileKind, bytes: &[u8]) -> Option<Self> {
        Some(match kind {
            FileKind::LeaderEpochs => epochs(&LeaderEpochs::parse(bytes)),
            FileKind::RecoveryPoints
            | FileKind::HighWatermarks
            | FileKind::LogStarts
            | FileKind::CleanerOffsets => offsets(OffsetCheckpoint::parse(bytes)),
            FileKind::RemoteCommittedOffsets => {
                offsets(OffsetCheckpoint::parse_without_topic(bytes))
            }
            FileKind::MetaProperties => meta(bytes),
            FileKind::PartitionMetadata => partition(&PartitionMetadata::parse(bytes)),
            FileKind::QuorumState => quorum(QuorumState::parse(bytes)),
            FileKind::CleanShutdown => {
                let marker = CleanShutdown::parse(bytes);
                Self {
                    facts: vec![
                        number("version", "version", marker.version),
                        number("broker_epoch", "broker epoch", marker.broker_epoch),
                    ],
                    faults: marker.faults,
                    rows: None,
                }
            }
            FileKind::RemoteSnapshot => remote(bytes),
            FileKind::Lock => Self::default(),
            _ => return None,
        })
    }
}

fn number(name: &'static str, label: &'static str, number: Option<impl Into<i64>>) -> Fact {
    let cell = number.map_or(Cell::None, |number| Cell::Int(number.into()));
    (name, label, cell)
}

fn epochs(epochs: &LeaderEpochs) -> Page {
    let row = |entry: &kseg::format::leader_epochs::EpochEntry| {
        vec![
            Cell::int(entry.position.0),
            Cell::Int(entry.epoch.0.into()),
            Cell::Int(entry.start_offset.0),
        ]
    };
    Page {
        facts: vec![
            number("version", "version", epochs.version),
            number("declared", "entries", epochs.declared),
        ],
        rows: Some((&EPOCHS, epochs.entries.iter().map(row).collect())),
        faults: epochs.faults.clone(),
    }
}

fn offsets(checkpoint: OffsetCheckpoint<'_>) -> Page {
    let row = |entry: &kseg::format::checkpoint::OffsetEntry<'_>| {
        vec![
            Cell::int(entry.position.0),
            Cell::text(entry.topic),
            Cell::Int(entry.partition.into()),
            Cell::Int(entry.offset.0),
        ]
    };
    Page {
        facts: vec![
            number("version", "version", checkpoint.version),
            number("declared", "entries", checkpoint.declared),
        ],
        rows: Some((&OFFSETS, checkpoint.entries.iter().map(row).collect())),
        faults: checkpoint.faults,
    }
}

fn meta(bytes: &[u8]) -> Page {
    let properties = Properties::parse(bytes);
    let meta = MetaProperties::of(&properties);
    let row = |entry: &kseg::format::properties::Property| {
        vec![
            Cell::int(entry.position.0),
            Cell::text(&entry.key),
            Cell::text(&entry.value),
        ]
    };
    Page {
        facts: vec![
            number("version", "version", meta.version),
            number("node_id", "node", meta.node_id),
        ],
        rows: Some((&PROPERTIES, properties.entries.iter().map(row).collect())),
        faults: meta.faults,
    }
}

fn partition(metadata: &PartitionMetadata) -> Page {
    let id = metadata.topic_id.as_ref().map_or(Cell::None, Cell::uuid);
    Page {
        facts: vec![
            number("version", "version", metadata.version),
            ("topic_id", "topic id", id),
        ],
        rows: None,
        faults: metadata.faults.clone(),
    }
}

fn quorum(state: QuorumState) -> Page {
    let mut facts = vec![
        number("version", "version", state.version),
        number("leader_id", "leader", state.leader_id),
        number(
            "leader_epoch",
            "epoch",
            state.leader_epoch.map(|epoch| epoch.0),
        ),
        number("voted_id", "voted for", state.voted_id),
    ];
    if let Some(directory) = state.voted_directory_id {
        facts.push(("voted_directory_id", "in directory", Cell::Text(directory)));
    }
    if let Some(offset) = state.applied_offset {
        facts.push(("applied_offset", "applied offset", Cell::Int(offset.0)));
    }
    if !state.voters.is_empty() {
        facts.push(("voters", "voters", Cell::ints(state.voters)));
    }
    Page {
        facts,
        rows: None,
        faults: state.faults,
    }
}

fn remote(bytes: &[u8]) -> Page {
    let snapshot = match RemoteSnapshot::parse(bytes) {
        Ok(snapshot) => snapshot,
        Err(fault) => {
            return Page {
                faults: vec![fault],
                ..Page::default()
            };
        }
    };
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for entry in snapshot.entries() {
        match entry {
            Ok((position, record)) => {
                let ([kind, version, _, value], wrong) =
                    records::entry(Decoder::RemoteLogMetadata, None, Some(record));
                rows.push(vec![Cell::int(position.0), kind, version, value]);
                if wrong.is_some() {
                    let at = usize::try_from(position.0).unwrap_or(usize::MAX);
                    faults.push(Fault::new(FaultKind::EndOfInput, at));
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    Page {
        facts: vec![
            number("version", "version", Some(snapshot.version())),
            number(
                "metadata_partition",
                "metadata partition",
                Some(snapshot.metadata_partition()),
            ),
            ("offset", "read to offset", Cell::Int(snapshot.offset().0)),
            number("declared", "entries", Some(snapshot.declared())),
        ],
        rows: Some((&REMOTE, rows)),
        faults,
    }
}
