//! Verdicts for people: a table a log dir, and below it what is lost, in plain words.

use kseg::format::name::FileState;
use kseg::format::{FileKind, FileName};
use kseg::predict::{DirVerdict, Kafka, Lost, Outcome, PartitionVerdict, Reason, Verdict};

use crate::cli::render::Push;
use crate::cli::render::rows::{Cell, Column, Row};
use crate::cli::render::table::{self, Look};
use crate::cli::render::time;
use crate::cli::schema::{self, Schema};

/// A partition: what becomes of it.
#[derive(Debug, serde::Serialize)]
pub(super) struct PartitionRow {
    log_dir: String,
    dir: String,
    outcome: &'static str,
    log_start: Option<i64>,
    log_end: Option<i64>,
    lost_records: u64,
    lost_bytes: u64,
    why: Option<String>,
}

impl Row for PartitionRow {
    const SCHEMA: Schema = schema::PREDICTION;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Partition", |row: &Self| (&row.dir).into()),
        Column::left("Outcome", |row: &Self| row.outcome.into()),
        Column::right("Log start", |row: &Self| (&row.log_start).into()).gives_way(2),
        Column::right("Log end", |row: &Self| (&row.log_end).into()).gives_way(1),
        Column::right("Lost records", |row: &Self| {
            lost(row.lost_records, Cell::Count)
        }),
        Column::right("Lost bytes", |row: &Self| lost(row.lost_bytes, Cell::Count)).gives_way(3),
        Column::left("Why", |row: &Self| {
            Cell::maybe(row.why.as_deref(), Into::into)
        })
        .wraps(24),
    ];
}

fn lost(number: u64, show: fn(u64) -> Cell<'static>) -> Cell<'static> {
    match number {
        0 => Cell::None,
        number => show(number),
    }
}

/// Appends the verdict.
pub(super) fn render(verdict: &Verdict, look: Look, out: &mut Vec<u8>) {
    for (index, dir) in verdict.dirs.iter().enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        log_dir(dir, verdict.kafka, look, out);
    }
    out.push(b'\n');
    out.text(&summary(verdict)).push(b'\n');
}

fn log_dir(dir: &DirVerdict, kafka: Kafka, look: Look, out: &mut Vec<u8>) {
    let stopped = if dir.clean {
        "after a clean shutdown"
    } else {
        "without a clean shutdown marker"
    };
    out.text(&table::plain(&dir.path)).text(", ").text(stopped);
    match dir.outcome {
        Outcome::Offline => drop(out.text(": goes offline")),
        Outcome::Refuses => drop(out.text(": the broker does not start")),
        _ => {}
    }
    out.push(b'\n');
    for reason in &dir.reasons {
        let reason = table::plain(&reason.to_string());
        out.text("  ").text(&reason).push(b'\n');
    }
    if dir.partitions.is_empty() {
        return;
    }
    let rows = dir.partitions.iter();
    table::whole(rows.map(|row| PartitionRow::of(&dir.path, row)), look, out);
    for partition in &dir.partitions {
        if !partition.lost.is_nothing() || partition.outcome >= Outcome::Offline {
            out.push(b'\n');
            details(partition, kafka, out);
        }
    }
}

impl PartitionRow {
    pub(super) fn of(log_dir: &str, partition: &PartitionVerdict) -> Self {
        let why = match partition.reasons.as_slice() {
            [] if partition.recovered.is_empty() => None,
            [] => Some(format!(
                "{} recovered",
                count(partition.recovered.len(), "segment")
            )),
            [one] => Some(one.to_string()),
            [one, rest @ ..] => Some(format!("{one} (and {} more)", rest.len())),
        };
        Self {
            log_dir: log_dir.to_owned(),
            dir: partition.dir.clone(),
            outcome: partition.outcome.name(),
            log_start: partition.log_start,
            log_end: partition.log_end,
            lost_records: partition.lost.records,
            lost_bytes: partition.lost.bytes,
            why,
        }
    }
}

/// What a broker would do to a partition, in plain words.
fn details(partition: &PartitionVerdict, kafka: Kafka, out: &mut Vec<u8>) {
    let mut done = Vec::new();
    for cut in &partition.truncations {
        done.push(format!(
            "truncate {} at byte {} (offset {})",
            cut.file, cut.to, cut.next_offset
        ));
    }
    let segments = |name: &&String| {
        let name = FileName::parse(name);
        name.is_some_and(|name| name.kind == FileKind::Log && name.state == FileState::Current)
    };
    let deleted = partition.deleted.iter().filter(segments).count();
    if deleted > 0 {
        done.push(format!("delete {}", count(deleted, "segment")));
    }
    for renamed in &partition.renamed {
        done.push(format!("rename {} to {}", renamed.from, renamed.to));
    }
    if partition.reasons.contains(&Reason::Stray) {
        done.push("serve a new, empty partition in its place".into());
    } else if !partition.unread.is_nothing() {
        let left = amount(&partition.unread);
        done.push(format!(
            "leave unread what follows the end of the log ({left})"
        ));
    }
    match partition.outcome {
        Outcome::Offline => done.push("take the log dir offline".into()),
        Outcome::Refuses => done.push("not start".into()),
        _ => {}
    }
    let what = match done.pop() {
        None => "change nothing".into(),
        Some(last) if done.is_empty() => last,
        Some(last) => format!("{} and {last}", done.join(", ")),
    };
    let mut line = format!("{}: a broker {kafka} would {what}", partition.dir);
    if !partition.lost.is_nothing() {
        line.push_str(": ");
        line.push_str(&amount(&partition.lost));
        line.push_str(" lost");
        if let (Some(first), Some(last)) = (
            partition.lost.first_timestamp_ms,
            partition.lost.last_timestamp_ms,
        ) {
            let span = format!(", of {} to {}", time::rfc3339(first), time::rfc3339(last));
            line.push_str(&span);
        }
    }
    out.text(&table::plain(&line)).push(b'\n');
    for reason in &partition.reasons {
        let reason = table::plain(&reason.to_string());
        out.text("  because of ").text(&reason).push(b'\n');
    }
}

fn summary(verdict: &Verdict) -> String {
    let partitions: usize = verdict.dirs.iter().map(|dir| dir.partitions.len()).sum();
    let all = count(partitions, "partition");
    let lost = verdict.lost();
    let fate = match verdict.outcome() {
        Outcome::Refuses => "the broker does not start",
        Outcome::Offline => "a log dir goes offline",
        Outcome::Recovers => "all are served after changes",
        Outcome::Loads => "all load as they are",
    };
    if lost.is_nothing() {
        format!("{all}: {fate}, nothing is lost")
    } else {
        format!("{all}: {fate}, {} lost", amount(&lost))
    }
}

/// How much is lost: `82 records, 9 KiB`.
fn amount(lost: &Lost) -> String {
    let bytes = size(lost.bytes);
    match lost.records {
        0 => bytes,
        records => format!("{}, {bytes}", count(records, "record")),
    }
}

fn count(number: impl TryInto<u64>, what: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Bytes as people count them, rounded to whole units.
fn size(bytes: u64) -> String {
    let mut number = bytes;
    if number == 1 {
        return "1 byte".into();
    }
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if number < 10_000 {
            return format!("{number} {unit}");
        }
        number = number.saturating_add(512) / 1024;
    }
    format!("{number} TiB")
}
