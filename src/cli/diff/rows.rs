//! Differences as rows.

use std::fmt::Write as _;

use kseg::records::compare::{Comparison, Difference, DifferenceKind};
use kseg::store::{Error, Partition};
use kseg::wire::Offset;
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row, grouped, size};
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

/// A partition by topic and number, or by its path if it has no such name.
pub(super) type Name = (String, i32);

/// A partition of one of the copies or both.
pub(super) struct Pair {
    pub(super) name: Name,
    pub(super) first: Option<Partition>,
    pub(super) second: Option<Partition>,
}

/// A pair and its comparison.
pub(super) struct Compared {
    pub(super) pair: Pair,
    pub(super) comparison: Option<Comparison>,
    pub(super) ends: [Option<(Offset, Offset)>; 2],
    pub(super) bytes: [u64; 2],
    pub(super) epochs_part_at: Option<Offset>,
    pub(super) errors: Vec<Error>,
}

#[derive(Debug, Serialize)]
struct PartitionRow {
    topic: String,
    partition: Option<i32>,
    path_a: Option<String>,
    path_b: Option<String>,
    /// `same`, `different`, `only-a` or `only-b`.
    state: &'static str,
    log_start_offset_a: Option<i64>,
    log_start_offset_b: Option<i64>,
    log_end_offset_a: Option<i64>,
    log_end_offset_b: Option<i64>,
    log_bytes_a: u64,
    log_bytes_b: u64,
    same_records: u64,
    only_a_records: u64,
    only_b_records: u64,
    different_records: u64,
    /// The same records in other batches, or with another codec or leader epoch.
    framing_records: u64,
    /// The first offset at which both have records, and not the same ones.
    parts_at_offset: Option<i64>,
    /// The first offset that has two leader epochs.
    epochs_part_at_offset: Option<i64>,
}

impl Row for PartitionRow {
    const SCHEMA: Schema = schema::DIFF_PARTITION;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Topic", |row: &Self| (&row.topic).into()),
        Column::right("Partition", |row: &Self| (&row.partition).into()),
        Column::left("State", |row: &Self| row.state.into()),
    ];
}

#[derive(Debug, Serialize)]
struct RangeRow {
    topic: String,
    partition: Option<i32>,
    /// `only-a`, `only-b`, `records` or `framing`.
    kind: &'static str,
    first_offset: i64,
    last_offset: i64,
    records: u64,
    /// The reason, seen from the other copy.
    why: Option<&'static str>,
}

impl Row for RangeRow {
    const SCHEMA: Schema = schema::DIFF_RANGE;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Difference", |row: &Self| {
            match row.kind {
                "only-a" => "only in A",
                "only-b" => "only in B",
                "records" => "other records",
                _ => "other framing",
            }
            .into()
        }),
        Column::right("First offset", |row: &Self| row.first_offset.into()),
        Column::right("Last offset", |row: &Self| row.last_offset.into()),
        Column::right("Records", |row: &Self| Cell::Count(row.records)),
        Column::left("Why", |row: &Self| Cell::maybe(row.why, Into::into)),
    ];
}

/// The number of ranges of a partition that are shown to people.
const SHOWN: usize = 20;

/// Shows a partition. Returns true if the copies differ.
pub(super) fn show(writer: &mut Writer<'_>, compared: &Compared, with_framing: bool) -> bool {
    let row = PartitionRow::of(compared, with_framing);
    let is_different = row.state != "same";
    if writer.is_text() {
        if is_different {
            writer.heading(&text(&row));
        }
    } else if !writer.takes_one_kind() {
        writer.row(&row);
    }
    let Some(comparison) = &compared.comparison else {
        return is_different;
    };
    let most = if writer.is_text() { SHOWN } else { usize::MAX };
    let ranges = comparison.ranges.iter();
    let wanted = ranges.filter(|it| with_framing || it.kind != DifferenceKind::Framing);
    let wanted: Vec<&Difference> = wanted.collect();
    writer.table(wanted.iter().take(most).map(|range| RangeRow {
        topic: row.topic.clone(),
        partition: row.partition,
        kind: kind(range.kind),
        first_offset: range.first.get(),
        last_offset: range.last.get(),
        records: range.records,
        why: why(range, compared.ends),
    }));
    let more = wanted.len().saturating_sub(most) as u64 + comparison.more_ranges;
    if more > 0 {
        writer.remark(&format!("and {} more ranges", grouped(more)));
    }
    for place in comparison.unread.iter().flatten() {
        let path = place.path.display().to_string();
        let what = place
            .fault
            .map_or_else(|| "zeros".to_owned(), |it| it.to_string());
        writer.damage_of(&path, place.range.start, &what);
    }
    is_different
}

impl PartitionRow {
    fn of(compared: &Compared, with_framing: bool) -> Self {
        let pair = &compared.pair;
        let path = |partition: &Option<kseg::store::Partition>| {
            let partition = partition.as_ref();
            partition.map(|it| it.path().display().to_string())
        };
        let count = |kind| {
            let counts = compared.comparison.as_ref().map(|it| &it.records);
            counts.and_then(|it| it.get(&kind).copied()).unwrap_or(0)
        };
        let framing = count(DifferenceKind::Framing);
        let state = match (&compared.comparison, &pair.first) {
            (Some(it), _) if it.is_same() && (framing == 0 || !with_framing) => "same",
            (Some(_), _) => "different",
            (None, Some(_)) => "only-a",
            (None, None) => "only-b",
        };
        let [a, b] = compared.ends;
        let start = |ends: Option<(Offset, Offset)>| ends.map(|(start, _)| start.get());
        let end = |ends: Option<(Offset, Offset)>| ends.map(|(_, end)| end.get());
        Self {
            topic: pair.name.0.clone(),
            partition: Some(pair.name.1).filter(|number| *number >= 0),
            path_a: path(&pair.first),
            path_b: path(&pair.second),
            state,
            log_start_offset_a: start(a),
            log_start_offset_b: start(b),
            log_end_offset_a: end(a),
            log_end_offset_b: end(b),
            log_bytes_a: compared.bytes[0],
            log_bytes_b: compared.bytes[1],
            same_records: compared.comparison.as_ref().map_or(0, |it| it.same),
            only_a_records: count(DifferenceKind::OnlyFirst),
            only_b_records: count(DifferenceKind::OnlySecond),
            different_records: count(DifferenceKind::Records),
            framing_records: framing,
            parts_at_offset: compared
                .comparison
                .as_ref()
                .and_then(|it| Some(it.parts_at()?.get())),
            epochs_part_at_offset: compared.epochs_part_at.map(kseg::wire::Offset::get),
        }
    }
}

/// A partition that differs, as a line.
fn text(row: &PartitionRow) -> String {
    let number = row
        .partition
        .map_or_else(String::new, |it| format!("-{it}"));
    let name = format!("{}{number}", row.topic);
    match row.state {
        "only-a" => return format!("{name}: only in A"),
        "only-b" => return format!("{name}: only in B"),
        _ => {}
    }
    let mut text = format!("{name}: {} records are the same", grouped(row.same_records));
    for (count, what) in [
        (row.different_records, "differ"),
        (row.only_a_records, "are only in A"),
        (row.only_b_records, "are only in B"),
        (row.framing_records, "of them are framed differently"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {} {what}", grouped(count));
        }
    }
    let (a, b) = (size(row.log_bytes_a), size(row.log_bytes_b));
    let _ = write!(text, "; {a} and {b}");
    if let Some(offset) = row.epochs_part_at_offset {
        let _ = write!(text, "; the leader epochs diverge at offset {offset}");
    }
    text
}

fn kind(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::OnlyFirst => "only-a",
        DifferenceKind::OnlySecond => "only-b",
        DifferenceKind::Records => "records",
        _ => "framing",
    }
}

/// Returns the reason why a range is in one copy only.
fn why(range: &Difference, [a, b]: [Option<(Offset, Offset)>; 2]) -> Option<&'static str> {
    let (other, before, after) = match range.kind {
        DifferenceKind::OnlyFirst => (b?, "before the log start of B", "beyond the log end of B"),
        DifferenceKind::OnlySecond => (a?, "before the log start of A", "beyond the log end of A"),
        _ => return None,
    };
    if range.last < other.0 {
        Some(before)
    } else if range.first >= other.1 {
        Some(after)
    } else {
        Some("missing")
    }
}
