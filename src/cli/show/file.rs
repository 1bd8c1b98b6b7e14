//! The facts about a file, in the line above its rows.

use std::path::Path;

use kseg::format::{FileKind, FileName};
use kseg::scan::Extent;
use kseg::store::{LogFile, Segment, Stream};
use kseg::wire::Offset;
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row, text};
use crate::cli::schema::{self, Schema};

/// A file and its facts.
#[derive(Debug, Default, Serialize)]
pub(super) struct FileRow {
    pub(super) kind: String,
    pub(super) size_bytes: Option<u64>,
    #[serde(flatten)]
    pub(super) facts: Facts,
}

/// The facts from the name of a file, or its first lines; absent for kinds without them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Facts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base_offset: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_offset: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) epoch: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remote_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) declared: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) broker_epoch: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) topic_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) leader_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) leader_epoch: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) voted_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) voted_directory_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) applied_offset: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) voters: Vec<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata_partition: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offset: Option<i64>,
}

impl Row for FileRow {
    const SCHEMA: Schema = schema::FILE;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("", |row: &Self| (&row.kind).into()),
        Column::right("", |row: &Self| {
            Cell::maybe(row.size_bytes, |bytes| {
                Cell::Text(format!("{bytes} bytes").into())
            })
        }),
        Column::right("base offset", |row: &Self| (&row.facts.base_offset).into()),
        Column::right("end offset", |row: &Self| (&row.facts.end_offset).into()),
        Column::right("leader epoch", |row: &Self| (&row.facts.epoch).into()),
        Column::left("remote id", |row: &Self| {
            text(row.facts.remote_id.as_deref())
        }),
        Column::right("version", |row: &Self| (&row.facts.version).into()),
        Column::right("entries", |row: &Self| (&row.facts.declared).into()),
        Column::right("node", |row: &Self| (&row.facts.node_id).into()),
        Column::right("broker epoch", |row: &Self| {
            (&row.facts.broker_epoch).into()
        }),
        Column::left("topic id", |row: &Self| text(row.facts.topic_id.as_deref())),
        Column::right("leader", |row: &Self| (&row.facts.leader_id).into()),
        Column::right("leader epoch", |row: &Self| {
            (&row.facts.leader_epoch).into()
        }),
        Column::right("voted for", |row: &Self| (&row.facts.voted_id).into()),
        Column::left("in directory", |row: &Self| {
            text(row.facts.voted_directory_id.as_deref())
        }),
        Column::right("applied offset", |row: &Self| {
            (&row.facts.applied_offset).into()
        }),
        Column::left("voters", |row: &Self| Cell::list(&row.facts.voters)),
        Column::right("metadata partition", |row: &Self| {
            (&row.facts.metadata_partition).into()
        }),
        Column::right("read to offset", |row: &Self| (&row.facts.offset).into()),
    ];
}

impl Facts {
    /// Returns the facts in the name of the file at `path`.
    pub(super) fn of(path: &Path, name: &FileName<'_>) -> Self {
        Self::default().with_name(path, name)
    }

    /// The same with the facts in the name of the file at `path`.
    pub(super) fn with_name(self, path: &Path, name: &FileName<'_>) -> Self {
        let end = name.offset.filter(|_| {
            matches!(
                name.kind,
                FileKind::MetadataSnapshot | FileKind::ProducerSnapshot
            )
        });
        let end = match end {
            Some(_) if name.is_tiered() => segment_end(path),
            end => end,
        };
        Self {
            base_offset: name
                .offset
                .filter(|_| end.is_none())
                .map(kseg::wire::Offset::get),
            end_offset: end.map(kseg::wire::Offset::get),
            epoch: name.epoch.map(kseg::wire::LeaderEpoch::get),
            remote_id: name.remote_id.map(str::to_owned),
            ..self
        }
    }
}

/// The end offset of the segment in tiered storage of a file at `path`, if its `.log` is next to
/// it.
///
/// The producer snapshot that is uploaded with a segment is the one taken at its end
/// (`RemoteLogManager.copyLogSegment`).
fn segment_end(path: &Path) -> Option<Offset> {
    let segment = Segment::around(path).ok()?;
    segment.file(FileKind::Log)?;
    let extent = Extent::read(&segment, |path| Stream::open(path).map(LogFile::Windowed)).ok()?;
    let last = extent.last_offset?;
    Some(Offset::new(last.get().checked_add(1)?))
}
