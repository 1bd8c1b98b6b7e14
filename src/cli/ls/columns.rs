//! The rows of `kseg ls`.

use std::path::Path;
use std::time::UNIX_EPOCH;

use kseg::format::FileKind;
use kseg::format::name::{DirState, FileState};
use kseg::format::name::{LOG_SUFFIX, OFFSET_INDEX_SUFFIX};
use kseg::report::listing::{PartitionSummary, SegmentSummary, TopicSummary, Usage};
use kseg::store::{Item, ItemType, Standing};
use kseg::wire::{Offset, Timestamp};
use serde::Serialize;

use super::sort::{Sort, Sortable};
use crate::cli::render::rows::{Cell, Column, Content, Row};
use crate::cli::schema::{self, Schema};

/// A log dir, shown as lines above and below its partitions.
#[derive(Debug, Serialize)]
pub(super) struct LogDirRow {
    pub(super) path: Content,
    pub(super) state: &'static str,
    pub(super) node_id: Option<i32>,
    pub(super) cluster_id: Option<String>,
    pub(super) directory_id: Option<String>,
    pub(super) partitions: u64,
    pub(super) segments: u64,
    pub(super) records: Option<u64>,
    pub(super) log_bytes: u64,
    pub(super) size_bytes: u64,
    pub(super) disk_bytes: u64,
}

impl Row for LogDirRow {
    const SCHEMA: Schema = schema::LOG_DIR;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("log dir,", |row: &Self| row.state.into()),
        Column::right("node", |row: &Self| (&row.node_id).into()),
        Column::left("cluster", |row: &Self| {
            Cell::maybe(row.cluster_id.as_deref(), Into::into)
        }),
        Column::left("directory", |row: &Self| {
            Cell::maybe(row.directory_id.as_deref(), Into::into)
        }),
    ];
}

/// A partition: a line in a log dir, or the heading of its segments.
#[derive(Debug, Serialize)]
pub(super) struct PartitionRow {
    path: Content,
    topic: Option<String>,
    partition: Option<i32>,
    name: Content,
    log_start_offset: Option<i64>,
    noted_log_start_offset: Option<i64>,
    first_offset: Option<i64>,
    last_offset: Option<i64>,
    end_offset: Option<i64>,
    records: Option<u64>,
    log_bytes: u64,
    state: Vec<String>,
    size_bytes: u64,
    disk_bytes: u64,
    segments: usize,
    last_timestamp_ms: Option<i64>,
    first_timestamp_ms: Option<i64>,
    high_watermark: Option<i64>,
    recovery_point: Option<i64>,
    leader_epoch: Option<i32>,
    leftovers: usize,
    unknown: usize,
}

impl Row for PartitionRow {
    const SCHEMA: Schema = schema::PARTITION;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Partition", |row: &Self| Cell::content(&row.name)).usually(24),
        Column::right("Log start", |row: &Self| (&row.log_start_offset).into()).usually(10),
        Column::right("Log end", |row: &Self| (&row.end_offset).into()).usually(10),
        Column::right("Records", |row: &Self| {
            Cell::maybe(row.records, Cell::Count)
        })
        .usually(10),
        Column::right("In batches", |row: &Self| Cell::Size(row.log_bytes)).gives_way(1),
        Column::left("State", |row: &Self| Cell::list(&row.state))
            .usually(8)
            .wraps(16),
        Column::right("On disk", |row: &Self| Cell::Size(row.disk_bytes)).gives_way(3),
        Column::right("Segments", |row: &Self| Cell::Count(row.segments as u64)).gives_way(2),
        Column::left("First timestamp", |row: &Self| {
            Cell::maybe(row.first_timestamp_ms, Cell::Time)
        })
        .gives_way(7),
        Column::left("Last timestamp", |row: &Self| {
            Cell::maybe(row.last_timestamp_ms, Cell::Time)
        })
        .gives_way(4),
        Column::right("High watermark", |row: &Self| (&row.high_watermark).into()).gives_way(5),
        Column::right("Recovery point", |row: &Self| (&row.recovery_point).into()).gives_way(6),
        Column::right("Leader epoch", |row: &Self| (&row.leader_epoch).into()).gives_way(8),
        Column::right("Apparent size", |row: &Self| Cell::Size(row.size_bytes)).gives_way(9),
    ];
}

/// A segment.
#[derive(Debug, Serialize)]
pub(super) struct SegmentRow {
    path: Content,
    partition: Content,
    base_offset: i64,
    first_offset: Option<i64>,
    last_offset: Option<i64>,
    end_offset: Option<i64>,
    records: Option<u64>,
    log_bytes: Option<u64>,
    state: Vec<String>,
    size_bytes: u64,
    disk_bytes: u64,
    last_timestamp_ms: Option<i64>,
    first_timestamp_ms: Option<i64>,
    min_timestamp_ms: Option<i64>,
    leader_epoch: Option<i32>,
    batches: Option<u64>,
    zero_bytes: Option<u64>,
    damaged_bytes: Option<u64>,
    fault_position: Option<u64>,
    fault: Option<String>,
}

impl Row for SegmentRow {
    const SCHEMA: Schema = schema::SEGMENT;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Partition", |row: &Self| Cell::content(&row.partition)).usually(24),
        Column::right("Base offset", |row: &Self| row.base_offset.into()),
        Column::right("First offset", |row: &Self| (&row.first_offset).into()).gives_way(8),
        Column::right("Last offset", |row: &Self| (&row.last_offset).into()),
        Column::right("Records", |row: &Self| {
            Cell::maybe(row.records, Cell::Count)
        })
        .usually(10),
        Column::right("In batches", |row: &Self| {
            Cell::maybe(row.log_bytes, Cell::Size)
        })
        .gives_way(1),
        Column::left("State", |row: &Self| Cell::list(&row.state))
            .usually(8)
            .wraps(16),
        Column::right("On disk", |row: &Self| Cell::Size(row.disk_bytes)).gives_way(3),
        Column::left("First timestamp", |row: &Self| {
            Cell::maybe(row.first_timestamp_ms, Cell::Time)
        })
        .gives_way(5),
        Column::left("Last timestamp", |row: &Self| {
            Cell::maybe(row.last_timestamp_ms, Cell::Time)
        })
        .gives_way(4),
        Column::right("Leader epoch", |row: &Self| (&row.leader_epoch).into()).gives_way(6),
        Column::right("Apparent size", |row: &Self| Cell::Size(row.size_bytes)).gives_way(9),
    ];
}

/// A topic, in all log dirs together.
#[derive(Debug, Serialize)]
pub(super) struct TopicRow {
    topic: String,
    partitions: usize,
    folders: u64,
    segments: u64,
    log_bytes: u64,
    size_bytes: u64,
    disk_bytes: u64,
    records: Option<u64>,
    last_timestamp_ms: Option<i64>,
    first_timestamp_ms: Option<i64>,
}

impl Row for TopicRow {
    const SCHEMA: Schema = schema::TOPIC;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Topic", |row: &Self| (&row.topic).into()).usually(24),
        Column::right("Partitions", |row: &Self| {
            Cell::Count(row.partitions as u64)
        }),
        Column::right("Folders", |row: &Self| Cell::Count(row.folders)).gives_way(4),
        Column::right("Segments", |row: &Self| Cell::Count(row.segments)).gives_way(2),
        Column::right("In batches", |row: &Self| Cell::Size(row.log_bytes)),
        Column::right("On disk", |row: &Self| Cell::Size(row.disk_bytes)),
        Column::right("Records", |row: &Self| {
            Cell::maybe(row.records, Cell::Count)
        }),
        Column::left("First timestamp", |row: &Self| {
            Cell::maybe(row.first_timestamp_ms, Cell::Time)
        })
        .gives_way(5),
        Column::left("Last timestamp", |row: &Self| {
            Cell::maybe(row.last_timestamp_ms, Cell::Time)
        })
        .gives_way(3),
        Column::right("Apparent size", |row: &Self| Cell::Size(row.size_bytes)).gives_way(9),
    ];
}

/// An item that is not a segment in use.
#[derive(Debug, Serialize)]
pub(super) struct ItemRow {
    path: Content,
    name: Content,
    what: String,
    r#type: &'static str,
    log_bytes: Option<u64>,
    disk_bytes: Option<u64>,
    last_timestamp_ms: Option<i64>,
}

impl Row for ItemRow {
    const SCHEMA: Schema = schema::ITEM;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Name", |row: &Self| Cell::content(&row.name))
            .usually(32)
            .wraps(24),
        Column::left("What", |row: &Self| (&row.what).into())
            .usually(24)
            .wraps(16),
        Column::left("Type", |row: &Self| row.r#type.into()).gives_way(3),
        Column::right("Apparent size", |row: &Self| {
            Cell::maybe(row.log_bytes, Cell::Size)
        }),
        Column::right("On disk", |row: &Self| {
            Cell::maybe(row.disk_bytes, Cell::Size)
        })
        .gives_way(2),
        Column::left("Modified", |row: &Self| {
            Cell::maybe(row.last_timestamp_ms, Cell::Time)
        })
        .gives_way(1),
    ];
}

/// A path: text if it is UTF-8.
pub(super) fn path(path: &Path) -> Content {
    Content::Bytes(path.as_os_str().as_encoded_bytes().to_vec())
}

pub(super) fn offset(offset: Option<Offset>) -> Option<i64> {
    offset.map(kseg::wire::Offset::get)
}

pub(super) fn time(timestamp: Option<Timestamp>) -> Option<i64> {
    timestamp.map(kseg::wire::Timestamp::get)
}

/// A number for sorting.
fn key(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

impl PartitionRow {
    /// The row of a partition.
    pub(super) fn of(summary: &PartitionSummary) -> Self {
        let partition = &summary.partition;
        let usage = Usage::of(summary);
        let count = |standing| summary.items(standing).count();
        Self {
            path: path(partition.path()),
            topic: partition.topic().map(str::to_owned),
            partition: partition.number(),
            name: path(Path::new(summary.partition.folder())),
            log_start_offset: offset(summary.log_start),
            noted_log_start_offset: offset(summary.noted_log_start),
            first_offset: offset(summary.first_offset()),
            last_offset: offset(summary.last_offset()),
            end_offset: offset(summary.end_offset()),
            records: summary.records(),
            log_bytes: usage.log_bytes,
            state: partition_state(summary),
            size_bytes: usage.size_bytes,
            disk_bytes: usage.disk_bytes,
            segments: summary.segments.len(),
            last_timestamp_ms: time(summary.last_timestamp()),
            first_timestamp_ms: time(summary.first_timestamp()),
            high_watermark: offset(summary.high_watermark),
            recovery_point: offset(summary.recovery_point),
            leader_epoch: summary.leader_epoch.map(kseg::wire::LeaderEpoch::get),
            leftovers: count(Standing::Leftover),
            unknown: count(Standing::Unknown),
        }
    }
}

impl Sortable for PartitionRow {
    fn key(&self, by: Sort) -> Option<i64> {
        match by {
            Sort::Name => None,
            Sort::Size => Some(key(self.log_bytes)),
            Sort::Disk => Some(key(self.disk_bytes)),
            Sort::Segments => Some(key(self.segments)),
            Sort::Records => self.records.map(key),
            Sort::End => self.end_offset,
            Sort::Time => self.last_timestamp_ms,
        }
    }
}

impl Sortable for SegmentRow {
    const CANNOT: &'static [Sort] = &[Sort::Segments];

    fn key(&self, by: Sort) -> Option<i64> {
        match by {
            Sort::Name | Sort::Segments => None,
            Sort::Size => self.log_bytes.map(key),
            Sort::Disk => Some(key(self.disk_bytes)),
            Sort::Records => self.records.map(key),
            Sort::End => self.end_offset,
            Sort::Time => self.last_timestamp_ms,
        }
    }
}

impl Sortable for TopicRow {
    const CANNOT: &'static [Sort] = &[Sort::End];

    fn key(&self, by: Sort) -> Option<i64> {
        match by {
            Sort::Name | Sort::End => None,
            Sort::Size => Some(key(self.log_bytes)),
            Sort::Disk => Some(key(self.disk_bytes)),
            Sort::Segments => Some(key(self.segments)),
            Sort::Records => self.records.map(key),
            Sort::Time => self.last_timestamp_ms,
        }
    }
}

/// Returns the state of a partition.
fn partition_state(summary: &PartitionSummary) -> Vec<String> {
    let mut notes = Vec::new();
    match summary.partition.state() {
        DirState::Delete => notes.push("to be deleted".to_owned()),
        DirState::Future => notes.push("moving here".to_owned()),
        DirState::Stray => notes.push("stray".to_owned()),
        _ => {}
    }
    if let Some(noted) = summary
        .noted_log_start
        .filter(|noted| Some(*noted) < summary.log_start)
    {
        notes.push(format!("log start in the checkpoint {noted}"));
    }
    let sum = |of: fn(&kseg::scan::Extent) -> u64| {
        let extents = summary
            .segments
            .iter()
            .filter_map(|each| each.extent.as_ref());
        extents.map(of).sum::<u64>()
    };
    counted(&mut notes, sum(|extent| extent.zero_bytes), "zero byte");
    counted(
        &mut notes,
        sum(|extent| extent.damaged_bytes),
        "damaged byte",
    );
    if summary.segments.iter().any(|each| each.log().is_none()) {
        notes.push("segments without .log".to_owned());
    }
    for (standing, what) in [
        (Standing::Leftover, "leftover file"),
        (Standing::Unknown, "unknown file"),
    ] {
        counted(&mut notes, summary.items(standing).count() as u64, what);
    }
    notes
}

fn counted(notes: &mut Vec<String>, count: u64, what: &str) {
    if count > 0 {
        notes.push(crate::cli::render::table::counted(count, what));
    }
}

impl SegmentRow {
    /// The row of a segment.
    pub(super) fn of(summary: &PartitionSummary, each: &SegmentSummary) -> Self {
        let extent = each.extent.unwrap_or_default();
        let files = || each.segment.files().iter().map(|(_, item)| item);
        let usage = Usage::of_items(files());
        let read = |bytes: u64| each.extent.map(|_| bytes);
        Self {
            path: path(each.segment.log()),
            partition: path(Path::new(summary.partition.folder())),
            base_offset: each.segment.base_offset().get(),
            first_offset: offset(extent.first_offset),
            last_offset: offset(extent.last_offset),
            end_offset: offset(each.end_offset()),
            records: extent.counts.map(|counts| counts.records),
            log_bytes: each.log().map(Item::len_bytes),
            state: segment_state(each),
            size_bytes: usage.size_bytes,
            disk_bytes: usage.disk_bytes,
            last_timestamp_ms: time(extent.last_timestamp),
            first_timestamp_ms: time(extent.first_timestamp),
            min_timestamp_ms: time(extent.first_timestamp.filter(|_| extent.counts.is_some())),
            leader_epoch: extent.leader_epoch.map(kseg::wire::LeaderEpoch::get),
            batches: extent.counts.map(|counts| counts.batches),
            zero_bytes: read(extent.zero_bytes),
            damaged_bytes: read(extent.damaged_bytes),
            fault_position: extent.fault.map(|(position, _)| position.get()),
            fault: extent.fault.map(|(_, fault)| fault.to_string()),
        }
    }
}

/// Returns the state of a segment.
fn segment_state(each: &SegmentSummary) -> Vec<String> {
    let mut notes = Vec::new();
    if each.is_active {
        notes.push("active".to_owned());
    }
    for (kind, ending) in [
        (FileKind::Log, LOG_SUFFIX),
        (FileKind::OffsetIndex, OFFSET_INDEX_SUFFIX),
    ] {
        if each.segment.file(kind).is_none() {
            notes.push(format!("no {ending}"));
        }
    }
    for (kind, item) in each.segment.files() {
        if !item.is_file() {
            notes.push(format!("{} is a {}", kind.description(), type_of(item)));
        }
    }
    if let Some(extent) = each.extent {
        if each.log().is_some_and(|log| log.len_bytes() == 0) {
            notes.push("empty".to_owned());
        }
        counted(&mut notes, extent.zero_bytes, "zero byte");
        counted(&mut notes, extent.damaged_bytes, "damaged byte");
        if extent.damaged_bytes == 0 && extent.fault.is_some() {
            notes.push("damaged records".to_owned());
        }
    } else if each.log().is_some() {
        notes.push("unreadable".to_owned());
    }
    notes
}

fn type_of(item: &Item) -> &'static str {
    match item.kind() {
        ItemType::Directory => "folder",
        ItemType::Special => "special file",
        ItemType::BrokenLink => "broken link",
        _ => "file",
    }
}

impl ItemRow {
    /// The row of an item that is not a segment.
    pub(super) fn of(item: &Item, standing: Standing) -> Self {
        let what = match item.file_name().filter(|_| standing != Standing::Unknown) {
            Some(name) if name.state != FileState::Current => {
                format!("{} ({})", name.kind.description(), name.state.description())
            }
            Some(name) => name.kind.description().to_owned(),
            None => "unknown".to_owned(),
        };
        let changed = item
            .modified()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let is_sized = item.is_file();
        Self {
            path: path(item.path()),
            name: path(Path::new(item.name())),
            what,
            r#type: type_of(item),
            log_bytes: is_sized.then(|| item.len_bytes()),
            disk_bytes: is_sized.then(|| item.disk_bytes()),
            last_timestamp_ms: changed
                .map(|since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        }
    }
}

impl TopicRow {
    /// The row of a topic.
    pub(super) fn of(topic: String, summary: &TopicSummary) -> Self {
        Self {
            topic,
            partitions: summary.partitions.len(),
            folders: summary.folders,
            segments: summary.segments,
            log_bytes: summary.usage.log_bytes,
            size_bytes: summary.usage.size_bytes,
            disk_bytes: summary.usage.disk_bytes,
            records: summary.records,
            last_timestamp_ms: time(summary.last_timestamp),
            first_timestamp_ms: time(summary.first_timestamp),
        }
    }
}
