//! The tables of `kseg ls`, and what is in their rows.

use std::path::Path;
use std::time::UNIX_EPOCH;

use kseg::format::FileKind;
use kseg::format::name::{DirState, FileState};
use kseg::format::name::{LOG_SUFFIX, OFFSET_INDEX_SUFFIX};
use kseg::report::listing::{PartitionSummary, SegmentSummary, TopicSummary, Usage};
use kseg::store::{Item, ItemType, Standing};
use kseg::wire::{Offset, Timestamp};

use crate::cli::render::rows::{Cell, Column, Table};

/// Log dirs. People see them as lines above and below their partitions.
pub(super) static LOG_DIRS: Table = Table {
    schema: "kseg.log-dir/1",
    title: "",
    columns: &[
        Column::hidden("path"),
        Column::hidden("state"),
        Column::hidden("node_id"),
        Column::hidden("cluster_id"),
        Column::hidden("directory_id"),
        Column::hidden("partitions"),
        Column::hidden("segments"),
        Column::hidden("records"),
        Column::hidden("log_bytes"),
        Column::hidden("size_bytes"),
        Column::hidden("disk_bytes"),
    ],
};

pub(super) static PARTITIONS: Table = Table {
    schema: "kseg.partition/1",
    title: "",
    columns: &[
        Column::hidden("path"),
        Column::hidden("topic"),
        Column::hidden("partition"),
        Column::new("name", "Partition", 24),
        Column::new("log_start_offset", "Start", 10),
        Column::hidden("noted_log_start_offset"),
        Column::hidden("first_offset"),
        Column::hidden("last_offset"),
        Column::new("end_offset", "End", 10),
        Column::new("records", "Records", 10),
        Column::new("log_bytes", "Log bytes", 12),
        Column::new("state", "State", 8),
        Column::hidden("size_bytes"),
        Column::new("disk_bytes", "On disk", 12),
        Column::new("segments", "Segments", 8),
        Column::new("last_timestamp_ms", "Until", 24),
        Column::new("first_timestamp_ms", "Since", 24),
        Column::new("high_watermark", "High watermark", 14),
        Column::new("recovery_point", "Recovery point", 14),
        Column::new("leader_epoch", "Epoch", 5),
        Column::hidden("leftovers"),
        Column::hidden("unknown"),
    ],
};

pub(super) static SEGMENTS: Table = Table {
    schema: "kseg.segment/1",
    title: "",
    columns: &[
        Column::hidden("path"),
        Column::new("partition", "Partition", 24),
        Column::new("base_offset", "Base", 10),
        Column::new("first_offset", "First", 10),
        Column::new("last_offset", "Last", 10),
        Column::hidden("end_offset"),
        Column::new("records", "Records", 10),
        Column::new("log_bytes", "Log bytes", 12),
        Column::new("state", "State", 8),
        Column::hidden("size_bytes"),
        Column::new("disk_bytes", "On disk", 12),
        Column::new("last_timestamp_ms", "Until", 24),
        Column::new("first_timestamp_ms", "Since", 24),
        Column::new("leader_epoch", "Epoch", 5),
        Column::hidden("batches"),
        Column::hidden("zero_bytes"),
        Column::hidden("damaged_bytes"),
        Column::hidden("fault_position"),
        Column::hidden("fault"),
    ],
};

pub(super) static TOPICS: Table = Table {
    schema: "kseg.topic/1",
    title: "",
    columns: &[
        Column::new("topic", "Topic", 24),
        Column::new("partitions", "Partitions", 10),
        Column::new("folders", "Folders", 7),
        Column::new("segments", "Segments", 8),
        Column::new("log_bytes", "Log bytes", 12),
        Column::hidden("size_bytes"),
        Column::new("disk_bytes", "On disk", 12),
        Column::new("records", "Records", 10),
        Column::new("last_timestamp_ms", "Until", 24),
        Column::new("first_timestamp_ms", "Since", 24),
    ],
};

pub(super) static ITEMS: Table = Table {
    schema: "kseg.item/1",
    title: "",
    columns: &[
        Column::hidden("path"),
        Column::new("name", "Name", 32),
        Column::new("what", "What", 24),
        Column::new("type", "Type", 9),
        Column::new("log_bytes", "Bytes", 12),
        Column::new("disk_bytes", "On disk", 12),
        Column::new("last_timestamp_ms", "Changed", 24),
    ],
};

/// A path: text if it is UTF-8.
pub(super) fn path(path: &Path) -> Cell {
    Cell::Bytes(path.as_os_str().as_encoded_bytes().to_vec())
}

fn maybe<T: TryInto<i64>>(number: Option<T>) -> Cell {
    number.map_or(Cell::None, Cell::int)
}

pub(super) fn offset(offset: Option<Offset>) -> Cell {
    offset.map_or(Cell::None, |offset| Cell::Int(offset.0))
}

fn time(timestamp: Option<Timestamp>) -> Cell {
    timestamp.map_or(Cell::None, |timestamp| Cell::Time(timestamp.0))
}

/// The row of a partition.
pub(super) fn partition(summary: &PartitionSummary) -> Vec<Cell> {
    let partition = &summary.partition;
    let usage = Usage::of(summary);
    let count = |standing| summary.items(standing).count();
    vec![
        path(partition.path()),
        Cell::maybe(partition.topic()),
        maybe(partition.number()),
        path(Path::new(summary.partition.folder())),
        offset(summary.log_start),
        offset(summary.noted_log_start),
        offset(summary.first_offset()),
        offset(summary.last_offset()),
        offset(summary.end_offset()),
        maybe(summary.records()),
        Cell::int(usage.log_bytes),
        texts(partition_state(summary)),
        Cell::int(usage.size_bytes),
        Cell::int(usage.disk_bytes),
        Cell::int(summary.segments.len()),
        time(summary.last_timestamp()),
        time(summary.first_timestamp()),
        offset(summary.high_watermark),
        offset(summary.recovery_point),
        maybe(summary.leader_epoch.map(|epoch| epoch.0)),
        Cell::int(count(Standing::Leftover)),
        Cell::int(count(Standing::Unknown)),
    ]
}

/// What is special about a partition.
pub(super) fn partition_state(summary: &PartitionSummary) -> Vec<String> {
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
        notes.push(format!("start noted: {noted}"));
    }
    let sum = |of: fn(&kseg::scan::Extent) -> u64| {
        let extents = summary
            .segments
            .iter()
            .filter_map(|each| each.extent.as_ref());
        extents.map(of).sum::<u64>()
    };
    counted(&mut notes, sum(|extent| extent.zero_bytes), "zero bytes");
    counted(
        &mut notes,
        sum(|extent| extent.damaged_bytes),
        "damaged bytes",
    );
    if summary.segments.iter().any(|each| each.log().is_none()) {
        notes.push("segments without .log".to_owned());
    }
    for (standing, what) in [
        (Standing::Leftover, "left over"),
        (Standing::Unknown, "not recognised"),
    ] {
        counted(&mut notes, summary.items(standing).count() as u64, what);
    }
    notes
}

fn counted(notes: &mut Vec<String>, count: u64, what: &str) {
    if count > 0 {
        notes.push(format!("{what}: {count}"));
    }
}

fn texts(texts: Vec<String>) -> Cell {
    Cell::List(texts.into_iter().map(Cell::Text).collect())
}

/// The row of a segment.
pub(super) fn segment(summary: &PartitionSummary, each: &SegmentSummary) -> Vec<Cell> {
    let extent = each.extent.unwrap_or_default();
    let files = || each.segment.files().iter().map(|(_, item)| item);
    let usage = Usage::of_items(files());
    let read = |bytes: u64| each.extent.map_or(Cell::None, |_| Cell::int(bytes));
    vec![
        path(each.segment.log()),
        path(Path::new(summary.partition.folder())),
        Cell::Int(each.segment.base_offset().0),
        offset(extent.first_offset),
        offset(extent.last_offset),
        offset(each.end_offset()),
        maybe(extent.counts.map(|counts| counts.records)),
        maybe(each.log().map(Item::len_bytes)),
        texts(segment_state(each)),
        Cell::int(usage.size_bytes),
        Cell::int(usage.disk_bytes),
        time(extent.last_timestamp),
        time(extent.first_timestamp),
        maybe(extent.leader_epoch.map(|epoch| epoch.0)),
        maybe(extent.counts.map(|counts| counts.batches)),
        read(extent.zero_bytes),
        read(extent.damaged_bytes),
        maybe(extent.fault.map(|(position, _)| position.0)),
        Cell::maybe(extent.fault.map(|(_, fault)| fault.to_string())),
    ]
}

/// What is special about a segment.
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
        counted(&mut notes, extent.zero_bytes, "zero bytes");
        counted(&mut notes, extent.damaged_bytes, "damaged bytes");
        if extent.damaged_bytes == 0 && extent.fault.is_some() {
            notes.push("records damaged".to_owned());
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

/// The row of what is no segment.
pub(super) fn item(item: &Item, standing: Standing) -> Vec<Cell> {
    let what = match item.file_name().filter(|_| standing != Standing::Unknown) {
        Some(name) if name.state != FileState::Current => {
            format!("{} ({})", name.kind.description(), name.state.description())
        }
        Some(name) => name.kind.description().to_owned(),
        None => "not recognised".to_owned(),
    };
    let changed = item
        .modified()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let is_sized = item.is_file();
    vec![
        path(item.path()),
        path(Path::new(item.name())),
        Cell::Text(what),
        Cell::text(type_of(item)),
        maybe(is_sized.then(|| item.len_bytes())),
        maybe(is_sized.then(|| item.disk_bytes())),
        changed.map_or(Cell::None, |since| {
            Cell::Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        }),
    ]
}

/// The row of a topic.
pub(super) fn topic(name: &str, summary: &TopicSummary) -> Vec<Cell> {
    vec![
        Cell::text(name),
        Cell::int(summary.partitions.len()),
        Cell::int(summary.folders),
        Cell::int(summary.segments),
        Cell::int(summary.usage.log_bytes),
        Cell::int(summary.usage.size_bytes),
        Cell::int(summary.usage.disk_bytes),
        maybe(summary.records),
        time(summary.last_timestamp),
        time(summary.first_timestamp),
    ]
}
