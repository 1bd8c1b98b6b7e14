//! Verdicts for people: the answer, a table a log dir with what happens to its partitions, and what the answer rests on.

use std::collections::BTreeSet;

use kseg::format::name::FileState;
use kseg::format::{FileKind, FileName};
use kseg::predict::retention::Breach;
use kseg::predict::{
    Change, DirVerdict, Event, Lost, Moment, Origin, Outcome, PartitionVerdict, Reason, Unknown,
    Verdict,
};

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
        Column::right("Lost bytes", |row: &Self| lost(row.lost_bytes, Cell::Count)).gives_way(3),
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

/// As many partitions are named in the answer.
const NAMED: usize = 3;

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
    rests_on(verdict, out);
}

fn line(indent: &str, text: &str, out: &mut Vec<u8>) {
    out.text(indent).text(&table::plain(text)).push(b'\n');
}

/// The first line: whether the broker starts, and what is gone then.
pub(crate) fn answer(verdict: &Verdict) -> String {
    let kafka = verdict.kafka;
    if verdict.outcome() == Outcome::Refuses {
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
        .filter(|dir| dir.outcome == Outcome::Offline);
    for dir in offline {
        parts.push(format!("{} goes offline", dir.path));
    }
    let lost = verdict.lost();
    if !lost.is_nothing() {
        parts.push(format!("the start loses {}", amount(&lost)));
    }
    parts.extend(deletions(verdict));
    if parts.is_empty() {
        let of_all = verdict.partitions().count();
        let rebuilt = verdict
            .partitions()
            .filter(|one| one.outcome == Outcome::Recovers)
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
            (0, false) => "nothing is lost if the settings assumed below are right",
            _ => "nothing is lost as far as can be known from what is given",
        };
        return format!("Kafka {kafka} will start{what}; {so_far}");
    }
    format!("Kafka {kafka} will start; {}", parts.join("; "))
}

/// Why the broker does not start.
fn refusals(verdict: &Verdict) -> impl Iterator<Item = String> {
    let of_node = verdict.reasons.iter().map(Reason::to_string);
    let dirs = verdict.dirs.iter();
    let dirs = dirs.filter(|dir| dir.outcome == Outcome::Refuses);
    let of_dirs = dirs.flat_map(|dir| {
        let own = dir.reasons.iter();
        let own = own.map(|reason| format!("{}: {reason}", dir.path));
        let partitions = dir.partitions.iter();
        let worst = partitions.filter(|one| one.outcome == Outcome::Refuses);
        own.chain(worst.map(|one| match one.reasons.last() {
            Some(reason) => format!("{}/{}: {reason}", dir.path, one.dir),
            None => format!("{}/{}", dir.path, one.dir),
        }))
    });
    of_node.chain(of_dirs)
}

/// What of the unknown could make the answer another one.
fn doubts(verdict: &Verdict) -> impl Iterator<Item = &Unknown> {
    let inside = verdict.partitions().flat_map(|one| &one.unknown);
    verdict.unknown.iter().chain(inside)
}

/// What is deleted in the first hour, by when.
fn deletions(verdict: &Verdict) -> Vec<String> {
    let mut by_moment: Vec<(Moment, Vec<(&PartitionVerdict, &Event)>)> = Vec::new();
    for (partition, event) in verdict.deleted() {
        match by_moment.iter_mut().find(|(at, _)| *at == event.moment) {
            Some((_, all)) => all.push((partition, event)),
            None => by_moment.push((event.moment, vec![(partition, event)])),
        }
    }
    by_moment.sort_by_key(|(moment, _)| *moment);
    let told = by_moment.iter().map(|(at, all)| {
        if let [(partition, event)] = all.as_slice() {
            return format!("{}, {}", moment(*at), what(event, Some(&partition.dir)));
        }
        let records: u64 = all.iter().map(|(_, event)| event.records()).sum();
        let mut names: Vec<&str> = all.iter().map(|(one, _)| one.dir.as_str()).collect();
        names.dedup();
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        let names = match more {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        };
        let records = counted(records, "record");
        format!("{}, {records} of {names} are deleted", moment(*at))
    });
    told.collect()
}

fn log_dir(dir: &DirVerdict, look: Look, out: &mut Vec<u8>) {
    let stopped = if dir.clean {
        "after a clean shutdown"
    } else {
        "after an unclean shutdown"
    };
    out.text(&table::plain(&dir.path)).text(", ").text(stopped);
    match dir.outcome {
        Outcome::Offline => drop(out.text(": goes offline")),
        Outcome::Refuses => drop(out.text(": the broker does not start")),
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
        let is_telling = !partition.lost.is_nothing()
            || partition.outcome >= Outcome::Offline
            || !partition.later.is_empty();
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
            deleted_records: partition.later.iter().map(Event::records).sum(),
            why,
        }
    }
}

/// What a broker does to a partition.
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
            line("  because of ", &reason.to_string(), out);
        }
    }
    for event in &partition.later {
        let text = format!(
            "{}: {}, {} after the start, {}",
            partition.dir,
            moment(event.moment),
            duration(event.after_ms),
            what(event, None)
        );
        line("", &text, out);
        line("  because of ", &cause(event), out);
    }
}

/// What a start does to a partition, verb first.
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
            _ if partition.outcome >= Outcome::Offline => "cannot load it".into(),
            Some(true) => "serves a new, empty partition in its place".into(),
            Some(false) => "no longer serves it".into(),
            None => "serves a new, empty partition in its place, if the cluster has it here".into(),
        });
    } else if !partition.unread.is_nothing() {
        let left = amount(&partition.unread);
        done.push(format!(
            "never reads what follows the end of the log ({left})"
        ));
    }
    match partition.outcome {
        Outcome::Offline => done.push("takes the log dir offline".into()),
        Outcome::Refuses => done.push("does not start".into()),
        _ => {}
    }
    done
}

/// When something happens.
fn moment(at: Moment) -> &'static str {
    match at {
        Moment::Start => "at the start",
        Moment::Cleaner => "when the log cleaner looks",
        Moment::FirstRetentionCheck => "at the first retention check",
        Moment::RetentionCheck => "at a later retention check",
        Moment::DirectoryRemoval => "when deleted directories are removed",
        Moment::OffsetsCheck => "when expired offsets are removed",
        Moment::TransactionalIdsCheck => "when expired transactional ids are removed",
        _ => "later",
    }
}

/// What happens, of a partition that is named here or elsewhere.
fn what(event: &Event, of: Option<&str>) -> String {
    let of = of.map(|name| format!(" of {name}")).unwrap_or_default();
    match &event.change {
        Change::SegmentsDeleted {
            segments,
            of_segments,
            records,
            bytes,
            ..
        } => {
            let records = match records {
                records if segments == of_segments => {
                    format!("{records} of {}{of}", counted(*records, "record"))
                }
                records => format!("{}{of}", counted(*records, "record")),
            };
            format!(
                "{records} are deleted ({segments} of {}, {})",
                counted(*of_segments, "segment"),
                size(*bytes)
            )
        }
        Change::DirectoryRemoved { records, bytes } => format!(
            "{}{of} are deleted with their directory ({})",
            counted(*records, "record"),
            size(*bytes)
        ),
        Change::OffsetsExpired { groups, offsets } => format!(
            "{} of {} are deleted",
            counted(*offsets, "committed offset"),
            counted(*groups, "group")
        ),
        Change::TransactionalIdsExpired { ids } => {
            format!("{} are deleted", counted(*ids, "transactional id"))
        }
        Change::ProducersExpired { producers } => format!(
            "{} are forgotten: what they send again is not recognised",
            counted(*producers, "producer")
        ),
        _ => "something changes".into(),
    }
}

/// The setting behind it, and how to prevent it.
fn cause(event: &Event) -> String {
    let setting = event.setting;
    let origin = match setting.origin {
        Origin::Given => "as given",
        Origin::Topic => "the topic's",
        Origin::Cluster => "in the metadata log",
        Origin::Broker => "in the broker's file",
        _ => "Kafka's default, assumed",
    };
    let setting_text = format!("{}={} ({origin})", setting.name, setting.value);
    match &event.change {
        Change::SegmentsDeleted {
            breach: Breach::Time,
            largest_timestamp_ms,
            ..
        } => format!(
            "{setting_text}: their largest timestamp is {}; {}=-1 keeps them",
            time::rfc3339(*largest_timestamp_ms),
            setting.name
        ),
        Change::SegmentsDeleted {
            breach: Breach::Size,
            ..
        } => format!("{setting_text}; {}=-1 keeps them", setting.name),
        Change::SegmentsDeleted { log_start, .. } => {
            format!("the log start offset: they end before {log_start}, and nobody can read them")
        }
        Change::DirectoryRemoved { .. } => format!(
            "{setting_text}: the directory is marked for deletion; move it out of the log dir to keep it"
        ),
        _ => setting_text,
    }
}

/// What the answer rests on, and what it cannot know.
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
            "Kafka's default of {}; give the broker's with --config or --set",
            names.join(", ")
        );
        line("assumed: ", &text, out);
    }
    for one in unknown {
        line("not known: ", &one.to_string(), out);
    }
}

/// How much is lost: `82 records, 9 KiB`.
fn amount(lost: &Lost) -> String {
    let bytes = size(lost.bytes);
    match lost.records {
        0 => bytes,
        records => format!("{} ({bytes})", counted(records, "record")),
    }
}

/// `30 s`, `5 min 30 s`.
fn duration(ms: i64) -> String {
    let seconds = ms.saturating_add(500) / 1000;
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// Bytes as people count them, rounded to whole units.
pub(crate) fn size(bytes: u64) -> String {
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
