//! Segments and their fate, as rows.

use std::fmt::Write as _;

use kseg::predict::retention::{Breach, Fate, Rules, Stay};
use kseg::store::{Error, Partition};
use serde::Serialize;

use super::segments::Largest;
use crate::cli::render::rows::{Cell, Column, Row, size};
use crate::cli::render::time::rfc3339;
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

/// A partition, its rules, and the fate of its segments.
pub(super) struct Verdict {
    pub(super) partition: Partition,
    pub(super) rules: Rules,
    /// True if `cleanup.policy` has `compact`.
    pub(super) compacts: bool,
    pub(super) assumed: Vec<&'static str>,
    pub(super) segments: Vec<(i64, Largest)>,
    pub(super) sizes: Vec<u64>,
    pub(super) fates: Vec<Fate>,
    /// The interval of retention checks, in milliseconds.
    pub(super) check_ms: i64,
    pub(super) errors: Vec<Error>,
}

#[derive(Debug, Serialize)]
struct SegmentRow {
    path: String,
    topic: Option<String>,
    partition: Option<i32>,
    base_offset: i64,
    size_bytes: u64,
    is_active: bool,
    largest_timestamp_ms: i64,
    /// The first record with the largest timestamp; `None` if that is the modification time of the
    /// file.
    largest_timestamp_offset: Option<i64>,
    /// `deleted` by the next check, or `kept`.
    fate: &'static str,
    why: String,
    /// The time of the check that deletes it, if no more records are written.
    deleted_after_ms: Option<i64>,
    /// The segment before it that keeps it.
    kept_by_base_offset: Option<i64>,
    /// The number of further bytes at which the partition becomes too large for this segment.
    bytes_until_size: Option<u64>,
    retention_ms: i64,
    retention_bytes: i64,
    /// The settings that are assumed.
    assumed: Vec<&'static str>,
}

impl Row for SegmentRow {
    const SCHEMA: Schema = schema::RETENTION_SEGMENT;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Base offset", |row: &Self| row.base_offset.into()),
        Column::right("Size", |row: &Self| Cell::Size(row.size_bytes)).gives_way(1),
        Column::left("Largest timestamp", |row: &Self| {
            Cell::Time(row.largest_timestamp_ms)
        }),
        Column::right("At offset", |row: &Self| {
            (&row.largest_timestamp_offset).into()
        })
        .gives_way(2),
        Column::left("Fate", |row: &Self| row.fate.into()),
        Column::left("Why", |row: &Self| (&row.why).into()).wraps(16),
        Column::right("Size limit after", |row: &Self| {
            Cell::maybe(row.bytes_until_size, Cell::Size)
        })
        .gives_way(1),
    ];
}

/// Shows a partition. Returns true if a record with a timestamp in the future keeps a segment.
pub(super) fn show(writer: &mut Writer<'_>, verdict: &Verdict, now_ms: i64) -> bool {
    let partition = &verdict.partition;
    let path = partition.path().display().to_string();
    if writer.is_text() {
        writer.titled(&path, &heading(verdict));
    }
    let base = |index: usize| verdict.segments.get(index).map(|(base, _)| *base);
    let last = verdict.segments.len().saturating_sub(1);
    let total: u64 = verdict.sizes.iter().sum();
    let mut until = 0_u64;
    let (mut is_seen, mut rows) = (false, Vec::new());
    for (index, (offset, largest)) in verdict.segments.iter().enumerate() {
        let size_bytes = verdict.sizes.get(index).copied().unwrap_or(0);
        until = until.saturating_add(size_bytes);
        let fate = verdict.fates.get(index).copied();
        let is_future = largest.is_record && largest.ms > now_ms;
        let is_deleted = matches!(fate, Some(Fate::Goes(_)));
        is_seen |= is_future && matches!(fate, Some(Fate::GoesAt(_)));
        let (deleted_after_ms, kept_by) = match fate {
            Some(Fate::Goes(_)) => (Some(now_ms), None),
            Some(Fate::GoesAt(at)) => (Some(at), None),
            Some(Fate::After(before, at)) => (Some(at), base(before)),
            Some(Fate::Stays(Stay::Behind(before))) => (None, base(before)),
            _ => (None, None),
        };
        let limit = u64::try_from(verdict.rules.retention_bytes).ok();
        let limit = limit.filter(|_| verdict.rules.deletes && !is_deleted);
        rows.push(SegmentRow {
            path: path.clone(),
            topic: partition.topic().map(str::to_owned),
            partition: partition.number(),
            base_offset: *offset,
            size_bytes,
            is_active: index == last,
            largest_timestamp_ms: largest.ms,
            largest_timestamp_offset: largest.offset,
            fate: if is_deleted { "deleted" } else { "kept" },
            why: fate.map_or_else(String::new, |fate| {
                why(fate, largest.is_record, is_future, kept_by)
            }),
            deleted_after_ms,
            kept_by_base_offset: kept_by,
            bytes_until_size: limit.map(|limit| limit.saturating_add(until).saturating_sub(total)),
            retention_ms: verdict.rules.retention_ms,
            retention_bytes: verdict.rules.retention_bytes,
            assumed: verdict.assumed.clone(),
        });
    }
    writer.table(rows);
    is_seen
}

/// The settings of a partition.
fn heading(verdict: &Verdict) -> String {
    let rules = &verdict.rules;
    let policy = match (verdict.compacts, rules.deletes) {
        (true, true) => "compact,delete",
        (true, false) => "compact",
        _ => "delete",
    };
    let mut text = format!(
        "cleanup.policy={policy}, retention.ms={}, retention.bytes={}, checked every {} s",
        rules.retention_ms,
        rules.retention_bytes,
        verdict.check_ms / 1000
    );
    if let Some(copied) = rules.copied_to {
        let _ = write!(text, ", copied to tiered storage up to offset {copied}");
    }
    if !verdict.assumed.is_empty() {
        let _ = write!(text, "; assumed: {}", verdict.assumed.join(", "));
    }
    let total: u64 = verdict.sizes.iter().sum();
    text + &format!("; {}", size(total))
}

fn why(fate: Fate, is_record: bool, is_future: bool, kept_by: Option<i64>) -> String {
    let by = kept_by.map_or_else(String::new, |base| base.to_string());
    match fate {
        Fate::Goes(Breach::Time) if is_record => {
            "largest timestamp is older than retention.ms".into()
        }
        Fate::Goes(Breach::Time) => "file was changed last before retention.ms".into(),
        Fate::Goes(Breach::Size) => "partition is larger than retention.bytes".into(),
        Fate::Goes(Breach::LogStart) => "all of it is before the log start".into(),
        Fate::GoesAt(at) if is_future => {
            format!("until {}: the timestamp is in the future", rfc3339(at))
        }
        Fate::GoesAt(at) => format!("until {}", rfc3339(at)),
        Fate::After(_, at) => format!("until {}, with segment {by} before it", rfc3339(at)),
        Fate::Stays(stay) => match stay {
            Stay::CompactOnly => "cleanup.policy=compact".into(),
            Stay::NoTimeLimit => "retention.ms=-1".into(),
            Stay::NotReplicated => "beyond the high watermark".into(),
            Stay::NotCopied => "not copied to tiered storage yet".into(),
            Stay::Empty => "empty".into(),
            Stay::Behind(_) => format!("segment {by} before it stays"),
            _ => String::new(),
        },
        _ => String::new(),
    }
}
