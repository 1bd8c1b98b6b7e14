//! Verdicts for people: the answer, a table of partitions for each log dir, and the assumptions.

use std::collections::{BTreeMap, BTreeSet};

use kseg::format::name::FileState;
use kseg::format::{FileKind, FileName};
use kseg::predict::{
    Change, DirVerdict, LaterEvent, MissingPartition, Moment, PartitionVerdict, Reason,
    StartOutcome, Unknown, Verdict,
};

use super::consumers::{consumers, transaction};
use super::events::{cause, forgotten, is_shown, moment, what};
use super::words::{Lines, amount, duration, named};
use crate::cli::render::rows::{Cell, Column, Row};
use crate::cli::render::table::{self, TableStyle, counted};
use crate::cli::render::time;
use crate::cli::schema::{self, Schema};

/// Describes the partitions that could not be read.
pub(crate) fn unread(verdict: &Verdict) -> Option<String> {
    match verdict.unread() {
        0 => None,
        1 => Some("the outcome of 1 unreadable partition is unknown".into()),
        more => Some(format!(
            "the outcomes of {more} unreadable partitions are unknown"
        )),
    }
}

/// The outcome of a partition.
#[derive(Debug, serde::Serialize)]
pub(super) struct PartitionRow {
    log_dir: String,
    dir: String,
    outcome: &'static str,
    log_start: Option<i64>,
    log_end: Option<i64>,
    lost_records: u64,
    lost_bytes: u64,
    deleted_records: u64,
    why: Option<String>,
}

impl Row for PartitionRow {
    const SCHEMA: Schema = schema::PREDICTION;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Partition", |row: &Self| (&row.dir).into()).wraps(14),
        Column::left("Outcome", |row: &Self| row.outcome.into()),
        Column::right("Log start", |row: &Self| (&row.log_start).into()).gives_way(3),
        Column::right("Log end", |row: &Self| (&row.log_end).into()).gives_way(2),
        Column::right("Lost", |row: &Self| lost(row.lost_records, Cell::Count)),
        Column::right("Lost size", |row: &Self| lost(row.lost_bytes, Cell::Size)).gives_way(4),
        Column::right("Deleted", |row: &Self| {
            lost(row.deleted_records, Cell::Count)
        })
        .gives_way(1),
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
pub(super) fn render(verdict: &Verdict, look: TableStyle, out: &mut Vec<u8>) {
    let mut out = Lines { look, out };
    out.line("", &answer(verdict));
    for reason in &verdict.reasons {
        out.line("  ", &reason.to_string());
    }
    for dir in &verdict.dirs {
        out.blank();
        log_dir(dir, &mut out);
    }
    let end = out.out.len();
    out.blank();
    missing(verdict, &mut out);
    forgotten(verdict, &mut out);
    if out.out.len() == end + 1 {
        out.out.truncate(end);
    }
    rests_on(verdict, &mut out);
}

/// The first line: whether the broker starts, and what is lost.
pub(crate) fn answer(verdict: &Verdict) -> String {
    let kafka = verdict.kafka;
    if verdict.outcome() == StartOutcome::Refuses {
        let mut whys = refusals(verdict);
        let why = whys.next().unwrap_or_else(|| "see below".into());
        return match whys.count() {
            0 => format!("Kafka {kafka} will not start: {why}"),
            more => format!("Kafka {kafka} will not start: {why} (and {more} more)"),
        };
    }
    let mut parts = Vec::new();
    let dirs = verdict.dirs.iter();
    let offline = dirs.filter(|dir| dir.outcome == StartOutcome::Offline);
    parts.extend(offline.map(|dir| format!("{} goes offline", dir.path)));
    if !parts.is_empty() && parts.len() == verdict.dirs.len() {
        parts.push("a broker that has no other log dir stops".into());
    }
    let lost = verdict.lost();
    if !lost.is_nothing() {
        parts.push(format!("the start loses {}", amount(&lost)));
    }
    parts.extend(returns_empty(verdict));
    parts.extend(incomplete(verdict));
    parts.extend(unreadable(verdict));
    parts.extend(hanging(verdict));
    parts.extend(deletions(verdict));
    parts.extend(unread(verdict));
    if parts.is_empty() {
        let of_all = verdict.partitions().count();
        let rebuilt = verdict
            .partitions()
            .filter(|one| one.outcome == StartOutcome::Recovers)
            .count();
        let what = match rebuilt {
            0 => String::new(),
            some => format!(
                ", {some} of {} recovered",
                counted(of_all as u64, "partition")
            ),
        };
        let so_far = match (verdict.doubts().count(), verdict.assumed().is_empty()) {
            (0, true) => "nothing is lost",
            (0, false) => "nothing is lost if the assumed settings below are right",
            _ => "nothing is lost, as far as the files given here show",
        };
        return format!("Kafka {kafka} will start{what}; {so_far}");
    }
    let if_it_reads = match verdict.unread() {
        0 => "",
        _ => ", if it can read what kseg cannot",
    };
    format!(
        "Kafka {kafka} will start{if_it_reads}; {}",
        parts.join("; ")
    )
}

/// The partitions whose directories are missing.
fn returns_empty(verdict: &Verdict) -> Option<String> {
    let gone = || verdict.missing.iter().filter(|one| one.had_records());
    let dirs: Vec<String> = gone().map(MissingPartition::dir).collect();
    let names = named(dirs.iter().map(String::as_str))?;
    let verb = if dirs.len() == 1 { "comes" } else { "come" };
    let filled = if gone().all(|one| one.has_other_replicas) {
        ", to be replicated from other brokers"
    } else {
        ""
    };
    Some(format!("{names} {verb} back empty{filled}"))
}

/// Returns the offsets that are missing by the high watermarks.
pub(crate) fn incomplete(verdict: &Verdict) -> Option<String> {
    let names = named(verdict.incomplete().map(|one| one.dir.as_str()))?;
    let offsets = verdict.incomplete().map(|one| one.missing_offsets);
    let offsets = offsets.fold(0, u64::saturating_add);
    let verb = if offsets == 1 { "is" } else { "are" };
    let offsets = counted(offsets, "offset");
    Some(format!(
        "{offsets} of {names} below the high watermark {verb} missing already"
    ))
}

/// Returns the offsets that consumers do not get.
fn unreadable(verdict: &Verdict) -> Option<String> {
    let names = named(verdict.unreadable().map(|(one, _)| one.dir.as_str()))?;
    let offsets = verdict
        .unreadable()
        .map(|(_, served)| served.unreadable_offsets)
        .fold(0, u64::saturating_add);
    let offsets = counted(offsets, "offset");
    Some(format!("{offsets} of {names} cannot be read by consumers"))
}

/// The transactions that stay open.
fn hanging(verdict: &Verdict) -> Option<String> {
    let names = named(verdict.hanging().map(|(one, _)| one.dir.as_str()))?;
    Some(format!(
        "read_committed consumers of {names} stop at a hanging transaction"
    ))
}

/// Writes the partitions that come back empty.
fn missing(verdict: &Verdict, out: &mut Lines<'_>) {
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in &verdict.missing {
        let had = match one.high_watermark {
            Some(at) if at > 0 => format!("its high watermark was {at}"),
            _ => "no checkpoint has an offset for it".to_owned(),
        };
        let others = if one.has_other_replicas {
            "it is replicated from the other replicas"
        } else {
            "there is no other replica"
        };
        let text = format!("its directory is missing, so it comes back empty; {had}; {others}");
        by_text.entry(text).or_default().push(one.dir());
    }
    for (text, dirs) in by_text {
        let each = if dirs.len() == 1 { "" } else { "each: " };
        out.line("", &format!("{}: {each}{text}", dirs.join(", ")));
    }
}

/// Returns the reasons why the broker does not start.
fn refusals(verdict: &Verdict) -> impl Iterator<Item = String> {
    let of_node = verdict.reasons.iter().map(Reason::to_string);
    let dirs = verdict.dirs.iter();
    let dirs = dirs.filter(|dir| dir.outcome == StartOutcome::Refuses);
    let of_dirs = dirs.flat_map(|dir| {
        let own = dir.reasons.iter();
        let own = own.map(|reason| format!("{}: {reason}", dir.path));
        let partitions = dir.partitions.iter();
        let worst = partitions.filter(|one| one.outcome == StartOutcome::Refuses);
        own.chain(worst.map(|one| match one.reasons.last() {
            Some(reason) => format!("{}/{}: {reason}", dir.path, one.dir),
            None => format!("{}/{}", dir.path, one.dir),
        }))
    });
    of_node.chain(of_dirs)
}

/// Describes the deletions of the first hour, by time.
fn deletions(verdict: &Verdict) -> Vec<String> {
    let mut by_moment: Vec<(Moment, Vec<(&PartitionVerdict, &LaterEvent)>)> = Vec::new();
    for (partition, event) in verdict.deleted() {
        match by_moment.iter_mut().find(|(at, _)| *at == event.moment) {
            Some((_, all)) => all.push((partition, event)),
            None => by_moment.push((event.moment, vec![(partition, event)])),
        }
    }
    by_moment.sort_by_key(|(moment, _)| *moment);
    let reported = by_moment.iter().map(|(at, all)| {
        if let [(partition, event)] = all.as_slice() {
            return format!("{}, {}", moment(*at), what(event, Some(&partition.dir)));
        }
        let records: u64 = all.iter().map(|(_, event)| event.records()).sum();
        let offsets = all.iter().map(|(_, event)| match event.change {
            Change::OffsetsExpired { offsets, .. } => offsets,
            _ => 0,
        });
        let what = match (records, offsets.sum()) {
            (0, offsets) => counted(offsets, "committed offset"),
            (records, _) => counted(records, "record"),
        };
        let names = named(all.iter().map(|(one, _)| one.dir.as_str())).unwrap_or_default();
        format!("{}, {what} of {names} are deleted", moment(*at))
    });
    reported.collect()
}

fn log_dir(dir: &DirVerdict, out: &mut Lines<'_>) {
    let shutdown = if dir.clean { "clean" } else { "unclean" };
    let outcome = match dir.outcome {
        StartOutcome::Offline => "; the log dir goes offline",
        StartOutcome::Refuses => "; the broker does not start",
        _ => "",
    };
    let assumed = if dir.is_shutdown_assumed {
        " (assumed)"
    } else {
        ""
    };
    out.titled(&dir.path, &format!("{shutdown} shutdown{assumed}{outcome}"));
    for reason in &dir.reasons {
        out.line("  ", &reason.to_string());
    }
    if dir.partitions.is_empty() {
        return;
    }
    let rows = dir.partitions.iter();
    let rows = rows.map(|row| PartitionRow::of(&dir.path, row));
    table::whole(rows, out.look, out.out);
    for partition in &dir.partitions {
        let served = partition.served.as_ref();
        let is_telling = !partition.lost.is_nothing()
            || partition.outcome >= StartOutcome::Offline
            || served.is_some_and(|served| {
                !served.unreadable.is_empty() || !served.duplicates.is_empty()
            })
            || !partition.open_transactions.is_empty()
            || partition.later.iter().any(is_shown);
        if is_telling {
            out.blank();
            details(partition, out);
        }
    }
}

impl PartitionRow {
    pub(super) fn of(log_dir: &str, partition: &PartitionVerdict) -> Self {
        let why = match partition.reasons.as_slice() {
            [] if partition.recovered.is_empty() => None,
            [] => Some(format!(
                "{} recovered",
                counted(partition.recovered.len() as u64, "segment")
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
            deleted_records: partition.later.iter().map(LaterEvent::records).sum(),
            why,
        }
    }
}

/// Writes the steps of a broker start on a partition.
fn details(partition: &PartitionVerdict, out: &mut Lines<'_>) {
    let mut done = steps(partition);
    let is_quiet = done.is_empty() && partition.lost.is_nothing();
    if !is_quiet {
        let what = match done.pop() {
            None => "changes nothing".into(),
            Some(last) if done.is_empty() => last,
            Some(last) => format!("{} and {last}", done.join(", ")),
        };
        let mut text = format!("{}: the broker {what}", partition.dir);
        if !partition.lost.is_nothing() {
            text.push_str(": ");
            text.push_str(&amount(&partition.lost));
            text.push_str(" lost");
            if let (Some(first), Some(last)) = (
                partition.lost.first_timestamp_ms,
                partition.lost.last_timestamp_ms,
            ) {
                let span = format!(", {} to {}", time::rfc3339(first), time::rfc3339(last));
                text.push_str(&span);
            }
        }
        out.line("", &text);
        for reason in &partition.reasons {
            out.line("  reason: ", &reason.to_string());
        }
    }
    if let Some(served) = &partition.served {
        consumers(&partition.dir, served, out);
    }
    for open in &partition.open_transactions {
        transaction(&partition.dir, open, out);
    }
    for event in partition.later.iter().filter(|event| is_shown(event)) {
        let text = format!(
            "{}: {}, {} after the start, {}",
            partition.dir,
            moment(event.moment),
            duration(event.after_ms),
            what(event, None)
        );
        out.line("", &text);
        out.line("  reason: ", &cause(event));
    }
}

/// Returns the steps of a start on a partition, verb first.
fn steps(partition: &PartitionVerdict) -> Vec<String> {
    let mut done = Vec::new();
    for cut in &partition.truncations {
        done.push(format!(
            "truncates {} at byte {} (offset {})",
            cut.file, cut.to, cut.next_offset
        ));
    }
    let segments = |name: &&String| {
        let name = FileName::parse(name);
        name.is_some_and(|name| name.kind == FileKind::Log && name.state == FileState::Current)
    };
    let deleted = partition.deleted.iter().filter(segments).count();
    if deleted > 0 {
        done.push(format!("deletes {}", counted(deleted as u64, "segment")));
    }
    for renamed in &partition.renamed {
        done.push(format!("renames {} to {}", renamed.from, renamed.to));
    }
    let is_stray = |reason: &Reason| matches!(reason, Reason::Stray { .. });
    if partition.reasons.iter().any(is_stray) {
        done.push(match partition.replaced {
            _ if partition.outcome >= StartOutcome::Offline => "cannot load it".into(),
            Some(true) => "creates a new, empty partition in its place".into(),
            Some(false) => "no longer serves it".into(),
            None => "creates a new, empty partition in its place, if the cluster assigns it to this broker".into(),
        });
    } else if !partition.unread.is_nothing() {
        let left = amount(&partition.unread);
        done.push(format!("never reads the bytes after the log end ({left})"));
    }
    match partition.outcome {
        StartOutcome::Offline => done.push("takes the log dir offline".into()),
        StartOutcome::Refuses => done.push("does not start".into()),
        _ => {}
    }
    done
}

/// Writes the assumptions of the answer, and the unknown facts.
fn rests_on(verdict: &Verdict, out: &mut Lines<'_>) {
    let assumed = verdict.assumed();
    let unknown: BTreeSet<&Unknown> = verdict.doubts().collect();
    if assumed.is_empty() && unknown.is_empty() {
        return;
    }
    out.blank();
    if !assumed.is_empty() {
        let names: Vec<&str> = assumed.into_iter().collect();
        let text = format!(
            "Kafka's default of {}; give the broker's value with --config or --set",
            names.join(", ")
        );
        out.line("assumed: ", &text);
    }
    for one in unknown {
        out.line("unknown: ", &one.to_string());
    }
}
