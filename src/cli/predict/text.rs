//! Verdicts for people: the answer, a table a log dir with what happens to its partitions, and what
//! the answer rests on.

use std::collections::BTreeSet;

use kseg::format::name::FileState;
use kseg::format::{FileKind, FileName};
use kseg::predict::{
    Change, DirVerdict, LaterEvent, MissingPartition, Moment, PartitionVerdict, Reason,
    StartOutcome, Unknown, Verdict,
};

use super::consumers::{consumers, transaction};
use super::events::{cause, forgotten, is_shown, moment, what};
use super::words::{amount, duration, line, named};
use crate::cli::render::Push;
use crate::cli::render::rows::{Cell, Column, Row};
use crate::cli::render::table::{self, Look, counted};
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
    deleted_records: u64,
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
        Column::right("Lost size", |row: &Self| lost(row.lost_bytes, Cell::Size)).gives_way(3),
        Column::right("Deleted records", |row: &Self| {
            lost(row.deleted_records, Cell::Count)
        }),
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
    out.text(&table::plain(&answer(verdict))).push(b'\n');
    for reason in &verdict.reasons {
        line("  ", &reason.to_string(), out);
    }
    for dir in &verdict.dirs {
        out.push(b'\n');
        log_dir(dir, look, out);
    }
    let mut ending = Vec::new();
    missing(verdict, &mut ending);
    forgotten(verdict, &mut ending);
    if !ending.is_empty() {
        out.push(b'\n');
        out.append(&mut ending);
    }
    rests_on(verdict, out);
}

/// The first line: whether the broker starts, and what is gone then.
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
    let offline = verdict
        .dirs
        .iter()
        .filter(|dir| dir.outcome == StartOutcome::Offline);
    for dir in offline {
        parts.push(format!("{} goes offline", dir.path));
    }
    let lost = verdict.lost();
    if !lost.is_nothing() {
        parts.push(format!("the start loses {}", amount(&lost)));
    }
    parts.extend(returns_empty(verdict));
    parts.extend(unreadable(verdict));
    parts.extend(hanging(verdict));
    parts.extend(deletions(verdict));
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
        let so_far = match (doubts(verdict).count(), verdict.assumed().is_empty()) {
            (0, true) => "nothing is lost",
            (0, false) => "nothing is lost if the assumed settings below are right",
            _ => "nothing is lost, as far as the files given here show",
        };
        return format!("Kafka {kafka} will start{what}; {so_far}");
    }
    format!("Kafka {kafka} will start; {}", parts.join("; "))
}

/// The partitions whose directories are gone.
fn returns_empty(verdict: &Verdict) -> Option<String> {
    let gone = || verdict.missing.iter().filter(|one| one.had_records());
    let dirs: Vec<String> = gone().map(MissingPartition::dir).collect();
    let names = named(dirs.iter().map(String::as_str))?;
    let verb = if dirs.len() == 1 { "comes" } else { "come" };
    let filled = if gone().all(|one| one.has_other_replicas) {
        " and is replicated from the others"
    } else {
        ""
    };
    Some(format!("{names} {verb} back empty{filled}"))
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

/// The partitions that come back empty.
fn missing(verdict: &Verdict, out: &mut Vec<u8>) {
    for one in &verdict.missing {
        let had = match one.high_watermark {
            Some(at) if at > 0 => format!("its high watermark was {at}"),
            _ => "no checkpoint has an offset for it".to_owned(),
        };
        let others = if one.has_other_replicas {
            "it is replicated from the others"
        } else {
            "there is no other replica"
        };
        let text = format!(
            "{}: its directory is missing, so it comes back empty; {had}; {others}",
            one.dir()
        );
        line("", &text, out);
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

/// Returns the unknown facts that could change the answer.
fn doubts(verdict: &Verdict) -> impl Iterator<Item = &Unknown> {
    let inside = verdict.partitions().flat_map(|one| &one.unknown);
    verdict.unknown.iter().chain(inside)
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

fn log_dir(dir: &DirVerdict, look: Look, out: &mut Vec<u8>) {
    let stopped = if dir.clean {
        "after a clean shutdown"
    } else {
        "after an unclean shutdown"
    };
    out.text(&table::plain(&dir.path)).text(", ").text(stopped);
    if dir.is_shutdown_assumed {
        out.text(" (assumed)");
    }
    match dir.outcome {
        StartOutcome::Offline => drop(out.text(": goes offline")),
        StartOutcome::Refuses => drop(out.text(": the broker does not start")),
        _ => {}
    }
    out.push(b'\n');
    for reason in &dir.reasons {
        line("  ", &reason.to_string(), out);
    }
    if dir.partitions.is_empty() {
        return;
    }
    let rows = dir.partitions.iter();
    table::whole(rows.map(|row| PartitionRow::of(&dir.path, row)), look, out);
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
            out.push(b'\n');
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
fn details(partition: &PartitionVerdict, out: &mut Vec<u8>) {
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
        line("", &text, out);
        for reason in &partition.reasons {
            line("  reason: ", &reason.to_string(), out);
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
        line("", &text, out);
        line("  reason: ", &cause(event), out);
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
fn rests_on(verdict: &Verdict, out: &mut Vec<u8>) {
    let assumed = verdict.assumed();
    let unknown: BTreeSet<&Unknown> = doubts(verdict).collect();
    if assumed.is_empty() && unknown.is_empty() {
        return;
    }
    out.push(b'\n');
    if !assumed.is_empty() {
        let names: Vec<&str> = assumed.into_iter().collect();
        let text = format!(
            "Kafka's default of {}; give the broker's value with --config or --set",
            names.join(", ")
        );
        line("assumed: ", &text, out);
    }
    for one in unknown {
        line("unknown: ", &one.to_string(), out);
    }
}
