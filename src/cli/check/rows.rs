//! Partitions with findings or losses, as rows.

use std::path::Path;

use kseg::verify::evidence::Records;
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row, grouped};
use crate::cli::schema::{self, Schema};
use crate::cli::verify::overview::PlaceRow;
use crate::cli::verify::report::UnitKind;

/// A partition with a finding or a loss.
#[derive(Debug, Serialize)]
pub(super) struct CheckedRow {
    log_dir: String,
    /// `None` for files of the log dir itself.
    pub(super) partition: Option<String>,
    severity: Option<&'static str>,
    code: Option<&'static str>,
    finding: Option<&'static str>,
    unreadable_records: Option<u64>,
    unreadable: Option<String>,
    /// The outcome of the next start.
    pub(super) start: Option<&'static str>,
    pub(super) start_loses_records: u64,
    pub(super) start_loses_bytes: u64,
    pub(super) start_deletes_records: u64,
    pub(super) plan_loses_records: u64,
}

impl Row for CheckedRow {
    const SCHEMA: Schema = schema::CHECKED;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Partition", |row: &Self| {
            row.partition.as_deref().unwrap_or("(log dir)").into()
        })
        .wraps(14),
        Column::left("Worst", |row: &Self| Cell::maybe(row.code, Into::into)),
        Column::left("Finding", |row: &Self| Cell::maybe(row.finding, Into::into)).gives_way(1),
        Column::right("Unreadable", |row: &Self| {
            Cell::maybe(row.unreadable.as_deref(), Into::into)
        }),
        Column::right("At start", |row: &Self| row.start_loses()),
        Column::right("By plan", |row: &Self| match row.plan_loses_records {
            0 => Cell::None,
            lost => Cell::Count(lost),
        }),
    ];
}

impl CheckedRow {
    /// The row of a partition or file at `path`, with its findings.
    pub(super) fn of(path: &Path, found: Option<&PlaceRow>) -> Self {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let check = found.map(|row| row.worst().check());
        let unreadable = found.map(|row| row.unreadable);
        let is_log_dir = found.is_some_and(|row| row.kind == UnitKind::LogDirs);
        let log_dir = if is_log_dir {
            Some(path)
        } else {
            path.parent()
        };
        let name = path.file_name().map_or(path, Path::new);
        Self {
            log_dir: log_dir.map(text).unwrap_or_default(),
            partition: (!is_log_dir).then(|| text(name)),
            severity: found.map(|row| row.severity().name()),
            code: check.map(|check| check.code),
            finding: check.map(|check| check.name),
            unreadable_records: unreadable.and_then(|records| match records {
                Records::Unknown => None,
                records => Some(records.at_most()),
            }),
            unreadable: unreadable.and_then(|records| match records {
                Records::Exactly(0) | Records::AtMost(0) => None,
                Records::Exactly(records) => Some(grouped(records)),
                Records::AtMost(records) => Some(format!("at most {}", grouped(records))),
                Records::Unknown => Some("unknown".into()),
            }),
            start: None,
            start_loses_records: 0,
            start_loses_bytes: 0,
            start_deletes_records: 0,
            plan_loses_records: 0,
        }
    }

    fn start_loses(&self) -> Cell<'_> {
        match self.start {
            Some("offline") => "offline".into(),
            Some("refused") => "no start".into(),
            _ if self.start_loses_records > 0 => Cell::Count(self.start_loses_records),
            _ if self.start_loses_bytes > 0 => Cell::Size(self.start_loses_bytes),
            _ => Cell::None,
        }
    }
}
