//! Counts as rows.

use std::collections::BTreeMap;

use kseg::report::sizes::Sizes;
use kseg::report::stats::{GroupCounts, Stats, StatsGroup};
use kseg::report::timeline::Timeline;
use serde::Serialize;

use super::grouping::Grouping;
use crate::cli::render::rows::{Cell, Column, Content, Row, size};
use crate::cli::render::table::counted;
use crate::cli::render::time::rfc3339;
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

#[derive(Debug, Serialize)]
struct StatsRow {
    /// The group of the records: `topic`, `key` …; `total` is all records, `others` the smaller
    /// groups together.
    by: &'static str,
    /// The topic, the key …; `None` for records that have none.
    group: Option<Content>,
    records: u64,
    /// `None` if the records of a batch may be in several groups.
    batches: Option<u64>,
    records_per_batch: Option<f64>,
    stored_bytes: u64,
    unpacked_bytes: u64,
    compression_ratio: Option<f64>,
    header_bytes: u64,
    null_keys: u64,
    null_values: u64,
    min_size_bytes: Option<u64>,
    mean_size_bytes: Option<u64>,
    p50_size_bytes: Option<u64>,
    p95_size_bytes: Option<u64>,
    p99_size_bytes: Option<u64>,
    max_size_bytes: Option<u64>,
    first_timestamp_ms: Option<i64>,
    last_timestamp_ms: Option<i64>,
    /// Its share of the stored bytes of all.
    share: f64,
}

impl Row for StatsRow {
    const SCHEMA: Schema = schema::STATS_GROUP;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Name", |row: &Self| match &row.group {
            Some(group) => Cell::content(group),
            None if row.by == "total" || row.by == "others" => row.by.into(),
            None => Cell::None,
        })
        .wraps(12),
        Column::right("Records", |row: &Self| Cell::Count(row.records)),
        Column::right("Stored", |row: &Self| Cell::Size(row.stored_bytes)),
        Column::left("Share", |row: &Self| bar(row.share).into()).gives_way(1),
        Column::right("Size", |row: &Self| Cell::Size(row.unpacked_bytes)),
        Column::right("Ratio", |row: &Self| decimal(row.compression_ratio)).gives_way(6),
        Column::right("Per batch", |row: &Self| decimal(row.records_per_batch)).gives_way(7),
        Column::right("Headers", |row: &Self| Cell::Size(row.header_bytes)).gives_way(8),
        Column::right("Null keys", |row: &Self| Cell::Count(row.null_keys)).gives_way(4),
        Column::right("Null values", |row: &Self| Cell::Count(row.null_values)).gives_way(5),
        Column::right("Min", |row: &Self| {
            Cell::maybe(row.min_size_bytes, Cell::Size)
        })
        .gives_way(9),
        Column::right("Mean", |row: &Self| {
            Cell::maybe(row.mean_size_bytes, Cell::Size)
        }),
        Column::right("p50", |row: &Self| {
            Cell::maybe(row.p50_size_bytes, Cell::Size)
        })
        .gives_way(3),
        Column::right("p95", |row: &Self| {
            Cell::maybe(row.p95_size_bytes, Cell::Size)
        })
        .gives_way(3),
        Column::right("p99", |row: &Self| {
            Cell::maybe(row.p99_size_bytes, Cell::Size)
        })
        .gives_way(2),
        Column::right("Max", |row: &Self| {
            Cell::maybe(row.max_size_bytes, Cell::Size)
        }),
        Column::left("Last", |row: &Self| {
            Cell::maybe(row.last_timestamp_ms, Cell::Time)
        })
        .gives_way(1),
    ];
}

fn decimal(number: Option<f64>) -> Cell<'static> {
    Cell::maybe(number, |number| Cell::Text(format!("{number:.1}").into()))
}

/// A share as a bar of up to eight characters.
fn bar(share: f64) -> &'static str {
    const BAR: &str = "########";
    let steps = (0..=BAR.len()).zip(0_u8..);
    let reached = steps.filter(|(_, eighths)| f64::from(*eighths) <= share * 8.0 + 0.5);
    let length = reached.map(|(length, _)| length).max();
    length
        .and_then(|length| BAR.get(..length))
        .unwrap_or_default()
}

impl StatsRow {
    #[expect(
        clippy::cast_precision_loss,
        reason = "ratios are no more precise than that"
    )]
    fn of(
        by: &'static str,
        group: Option<Content>,
        counts: &GroupCounts,
        all: &GroupCounts,
    ) -> Self {
        let ratio = |a: u64, b: u64| (b > 0).then(|| a as f64 / b as f64);
        let rounded = |it: f64| (it * 1000.0).round() / 1000.0;
        let batches = (counts.batches > 0).then_some(counts.batches);
        let sizes = Some(&counts.sizes).filter(|sizes| sizes.max() > 0);
        let mean = ratio(counts.unpacked_bytes, counts.records);
        Self {
            by,
            group,
            records: counts.records,
            batches,
            records_per_batch: batches
                .and_then(|it| ratio(counts.records, it))
                .map(rounded),
            stored_bytes: counts.stored_bytes,
            unpacked_bytes: counts.unpacked_bytes,
            compression_ratio: ratio(counts.unpacked_bytes, counts.stored_bytes).map(rounded),
            header_bytes: counts.header_bytes,
            null_keys: counts.null_keys,
            null_values: counts.null_values,
            min_size_bytes: sizes.map(Sizes::min),
            mean_size_bytes: mean.map(|_| counts.unpacked_bytes / counts.records.max(1)),
            p50_size_bytes: sizes.map(|it| it.percentile(50)),
            p95_size_bytes: sizes.map(|it| it.percentile(95)),
            p99_size_bytes: sizes.map(|it| it.percentile(99)),
            max_size_bytes: sizes.map(Sizes::max),
            first_timestamp_ms: counts.first_ms,
            last_timestamp_ms: counts.last_ms,
            share: ratio(counts.stored_bytes, all.stored_bytes).map_or(0.0, rounded),
        }
    }
}

/// Shows the groups, the largest first; hours and sizes in their order. Returns true if something
/// was damaged.
pub(super) fn show(
    writer: &mut Writer<'_>,
    named: BTreeMap<String, Stats>,
    by: Grouping,
    most: usize,
) -> bool {
    let mut all = GroupCounts::default();
    let (mut rows, mut others) = (
        Vec::<(StatsGroup, GroupCounts)>::new(),
        GroupCounts::default(),
    );
    let (mut missing, mut damaged, mut damaged_bytes) = (0, 0, 0);
    let mut timeline = Timeline::default();
    for (name, stats) in named {
        all.add(&stats.total);
        timeline.merge(&stats.timeline);
        others.add(&stats.others);
        missing += stats.most_missing_bytes;
        damaged += stats.damaged;
        damaged_bytes += stats.damaged_bytes;
        match by {
            Grouping::Topic | Grouping::Partition => {
                rows.push((Some(name.into_bytes()), stats.total));
            }
            _ => {
                let groups = stats.groups.iter();
                rows.extend(
                    groups.map(|(group, counts)| (group.map(<[u8]>::to_vec), counts.clone())),
                );
            }
        }
    }
    let number = |group: &StatsGroup| {
        let text = std::str::from_utf8(group.as_deref()?).ok()?;
        text.parse::<u64>().ok()
    };
    match by {
        Grouping::Hour | Grouping::Size => rows.sort_by_key(|(group, _)| number(group)),
        _ => rows.sort_by(|(a, left), (b, right)| {
            let size = |it: &GroupCounts| (it.stored_bytes, it.unpacked_bytes, it.records);
            size(right).cmp(&size(left)).then_with(|| a.cmp(b))
        }),
    }
    let shown = rows.len().min(most);
    for (_, counts) in rows.drain(shown..) {
        others.add(&counts);
    }
    for (group, counts) in &rows {
        let group = group.as_ref().map(|bytes| content(by, bytes));
        writer.row(&StatsRow::of(by.name(), group, counts, &all));
    }
    if others != GroupCounts::default() {
        writer.row(&StatsRow::of("others", None, &others, &all));
    }
    writer.row(&StatsRow::of("total", None, &all, &all));
    if let Some((span, bars)) = sparkline(&timeline) {
        writer.remark(&span);
        writer.line(&bars);
    }
    if missing > 0 {
        writer.remark(&format!(
            "too many groups to keep them all: a line may be too low by up to {}",
            size(missing)
        ));
    }
    if damaged > 0 {
        writer.remark(&format!(
            "not counted: {}, {}; kseg verify lists what is damaged",
            counted(damaged, "damaged place"),
            size(damaged_bytes)
        ));
    }
    damaged > 0
}

/// Returns a heading with the first and the last step of time, and a bar for the records of each
/// step.
fn sparkline(timeline: &Timeline) -> Option<(String, String)> {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (start, step) = timeline.start_and_step()?;
    let most = timeline.counts().max().unwrap_or(0).max(1);
    let bars = timeline.counts().map(|count| {
        // The lowest bar is for few records, a blank for none.
        let height = u128::from(count) * BARS.len() as u128;
        let height = usize::try_from(height.div_ceil(u128::from(most))).unwrap_or(0);
        let bar = height.checked_sub(1).and_then(|at| BARS.get(at));
        bar.copied().unwrap_or(' ')
    });
    let bars: String = bars.collect();
    let steps = i64::try_from(timeline.counts().len()).unwrap_or(1);
    let last = start.saturating_add(step.saturating_mul(steps - 1));
    (steps > 1).then(|| {
        let (start, last) = (rfc3339(start), rfc3339(last));
        (format!("Records over time, {start} to {last}:"), bars)
    })
}

fn content(by: Grouping, bytes: &[u8]) -> Content {
    if by == Grouping::Hour
        && let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(hour) = text.parse::<i64>()
    {
        return Content::Bytes(rfc3339(hour.saturating_mul(3_600_000)).into_bytes());
    }
    Content::Bytes(bytes.to_vec())
}
