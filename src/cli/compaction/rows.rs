//! Compacted partitions as rows.

use kseg::report::compaction::{Census, CleanerRules, CleanerStop, Limit, Ranges, StopKind};
use kseg::store::{Error, Partition};
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row, text};
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

/// A partition from the cleaner's view.
pub(super) struct CleanerView {
    pub(super) partition: Partition,
    pub(super) rules: CleanerRules,
    pub(super) ranges: Option<Ranges>,
    pub(super) census: Option<Census>,
    pub(super) errors: Vec<Error>,
}

#[derive(Debug, Serialize)]
struct PartitionRow {
    path: String,
    topic: Option<String>,
    partition: Option<i32>,
    log_start_offset: i64,
    first_dirty_offset: i64,
    /// True if it is from cleaner-offset-checkpoint.
    is_dirty_offset_noted: bool,
    first_uncleanable_offset: i64,
    log_end_offset: i64,
    /// The reason why the cleaner stops.
    limit: String,
    clean_bytes: u64,
    dirty_bytes: u64,
    uncleanable_bytes: u64,
    dirty_ratio: f64,
    min_dirty_ratio: f64,
    /// True if the cleaner would clean it now.
    is_due: bool,
    state: &'static str,
    records: u64,
    keys: u64,
    duplicates: u64,
    /// Records that the next run drops because later ones have their keys.
    replaced_records: u64,
    replaced_bytes: u64,
    /// The relative standard error of the four numbers above; `None` if they are exact.
    error: Option<f64>,
    tombstones: u64,
    tombstones_due: u64,
    tombstones_new: u64,
    next_delete_horizon_ms: Option<i64>,
    aborted_records: u64,
    keyless_records: u64,
    stops: u64,
}

impl Row for PartitionRow {
    const SCHEMA: Schema = schema::COMPACTED_PARTITION;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Topic", |row: &Self| text(row.topic.as_deref())).wraps(12),
        Column::right("Partition", |row: &Self| (&row.partition).into()),
        Column::left("State", |row: &Self| row.state.into()).wraps(12),
        Column::right("Log start", |row: &Self| row.log_start_offset.into()).gives_way(8),
        Column::right("First dirty", |row: &Self| row.first_dirty_offset.into()).gives_way(1),
        Column::right("Uncleanable", |row: &Self| {
            row.first_uncleanable_offset.into()
        })
        .gives_way(2),
        Column::left("Because", |row: &Self| (&row.limit).into())
            .wraps(12)
            .gives_way(6),
        Column::right("Log end", |row: &Self| row.log_end_offset.into()).gives_way(7),
        Column::right("Dirty", |row: &Self| {
            Cell::Text(format!("{:.2} of {:.2}", row.dirty_ratio, row.min_dirty_ratio).into())
        })
        .gives_way(1),
        Column::right("Records", |row: &Self| Cell::Count(row.records)).gives_way(3),
        Column::right("Keys", |row: &Self| estimated(row.keys, row.error)),
        Column::right("Replaced", |row: &Self| {
            estimated(row.replaced_records, row.error)
        }),
        Column::right("Saves", |row: &Self| Cell::Size(row.replaced_bytes)),
        Column::right("Tombstones", |row: &Self| Cell::Count(row.tombstones)).gives_way(2),
        Column::right("Removable now", |row: &Self| {
            Cell::Count(row.tombstones_due)
        })
        .gives_way(4),
        Column::left("Next removable", |row: &Self| {
            Cell::maybe(row.next_delete_horizon_ms, Cell::Time)
        })
        .gives_way(5),
    ];
}

/// A number, with its standard error if it is an estimate.
fn estimated(number: u64, error: Option<f64>) -> Cell<'static> {
    match error {
        None => Cell::Count(number),
        Some(error) => {
            let number = Cell::Count(number).show(false).into_owned();
            Cell::Text(format!("{number} ±{:.1}%", error * 100.0).into())
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct StopRow {
    path: String,
    position: u64,
    offset: Option<i64>,
    /// `damage`, `too-large` or `no-key`.
    kind: &'static str,
    what: String,
}

impl Row for StopRow {
    const SCHEMA: Schema = schema::COMPACTION_STOP;
    const TITLE: &'static str = "Obstacles to the cleaner";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("File", |row: &Self| (&row.path).into()).wraps(20),
        Column::right("Position", |row: &Self| Cell::Count(row.position)),
        Column::right("Offset", |row: &Self| (&row.offset).into()),
        Column::left("What", |row: &Self| (&row.what).into()).wraps(20),
    ];
}

impl StopRow {
    fn of(stop: &CleanerStop) -> Self {
        let (kind, what) = match &stop.kind {
            StopKind::Damage(what) => (
                "damage",
                format!("{what}: the partition becomes uncleanable"),
            ),
            StopKind::TooLarge(bytes) => (
                "too-large",
                format!("a record of {bytes} bytes, over max.decompressed.message.bytes"),
            ),
            _ => (
                "no-key",
                "a record without a key: the cleaner removes it".to_owned(),
            ),
        };
        Self {
            path: stop.path.display().to_string(),
            position: stop.position,
            offset: stop.offset.map(kseg::wire::Offset::get),
            kind,
            what,
        }
    }
}

/// Shows a partition, and adds its obstacles to the cleaner. Returns true if there are any.
pub(super) fn show(writer: &mut Writer<'_>, found: &CleanerView, stops: &mut Vec<StopRow>) -> bool {
    let (Some(ranges), Some(census)) = (&found.ranges, &found.census) else {
        return false;
    };
    let is_stop = |stop: &&CleanerStop| stop.kind != StopKind::NoKey;
    let is_stopped = census.stops.iter().any(|stop| is_stop(&stop));
    stops.extend(census.stops.iter().map(StopRow::of));
    let partition = &found.partition;
    writer.row(&PartitionRow {
        path: partition.path().display().to_string(),
        topic: partition.topic().map(str::to_owned),
        partition: partition.number(),
        log_start_offset: ranges.start.get(),
        first_dirty_offset: ranges.first_dirty.get(),
        is_dirty_offset_noted: ranges.is_noted,
        first_uncleanable_offset: ranges.first_uncleanable.get(),
        log_end_offset: ranges.end.get(),
        limit: limit(ranges.limit),
        clean_bytes: ranges.clean_bytes,
        dirty_bytes: ranges.dirty_bytes,
        uncleanable_bytes: ranges.uncleanable_bytes,
        dirty_ratio: ranges.dirty_ratio(),
        min_dirty_ratio: found.rules.dirty_ratio,
        is_due: ranges.is_due(&found.rules) && !is_stopped,
        state: state(ranges, &found.rules, is_stopped),
        records: census.records,
        keys: census.keys(),
        duplicates: census.duplicates(),
        replaced_records: census.replaced(),
        replaced_bytes: census.replaced_bytes(),
        error: census.error(),
        tombstones: census.tombstones,
        tombstones_due: census.tombstones_due,
        tombstones_new: census.tombstones_new,
        next_delete_horizon_ms: census.next_horizon_ms,
        aborted_records: census.aborted,
        keyless_records: census.keyless,
        stops: census.stops.iter().filter(is_stop).count() as u64 + census.more_stops,
    });
    is_stopped
}

/// Shows the obstacles to the cleaner in all partitions.
pub(super) fn stops(writer: &mut Writer<'_>, stops: Vec<StopRow>) {
    if writer.takes_one_kind() {
        return;
    }
    writer.table(stops);
}

fn limit(limit: Limit) -> String {
    match limit {
        Limit::ActiveSegment => "active segment".to_owned(),
        Limit::OpenTransaction(offset) => format!("open transaction from offset {offset} on"),
        Limit::MinLag => "min.compaction.lag.ms".to_owned(),
        _ => String::new(),
    }
}

fn state(ranges: &Ranges, rules: &CleanerRules, is_stopped: bool) -> &'static str {
    if is_stopped {
        "stopped"
    } else if ranges.dirty_bytes == 0 {
        "nothing to clean"
    } else if ranges.is_overdue {
        "due by max.compaction.lag.ms"
    } else if ranges.is_due(rules) {
        "due"
    } else {
        "not dirty enough"
    }
}
