//! Events of the first hour, in words.

use kseg::predict::retention::Breach;
use kseg::predict::{Change, LaterEvent, Moment, PartitionVerdict, SettingOrigin, Verdict};

use super::words::Lines;
use crate::cli::render::rows::{grouped, size};
use crate::cli::render::table::{self, counted};
use crate::cli::render::time;

/// Returns true if an event has a line of its own. Producers expire in every partition, which is
/// reported once.
pub(super) fn is_shown(event: &LaterEvent) -> bool {
    !matches!(event.change, Change::ProducersExpired { .. })
}

/// Describes the time of an event.
pub(super) fn moment(at: Moment) -> &'static str {
    match at {
        Moment::Start => "at the start",
        Moment::Cleaner => "when the log cleaner runs",
        Moment::FirstRetentionCheck => "at the first retention check",
        Moment::RetentionCheck => "at a later retention check",
        Moment::ProducersCheck => "when the broker removes expired producers",
        Moment::DirectoryRemoval => "when deleted directories are removed",
        Moment::OffsetsCheck => "when expired offsets are removed",
        Moment::TransactionalIdsCheck => "when expired transactional ids are removed",
        _ => "later",
    }
}

/// Describes an event, with the name of its partition if given.
pub(super) fn what(event: &LaterEvent, of: Option<&str>) -> String {
    let of = of.map(|name| format!(" of {name}")).unwrap_or_default();
    match &event.change {
        Change::SegmentsDeleted {
            segments,
            of_segments,
            records,
            bytes,
            ..
        } => {
            let counts = format!(
                "{} of {}, {}",
                grouped(*segments),
                counted(*of_segments, "segment"),
                size(*bytes)
            );
            let all = match records {
                records if segments == of_segments && *records > 2 => "all ",
                _ => "",
            };
            format!("{all}{} deleted ({counts})", are(*records, "record", &of))
        }
        Change::DirectoryRemoved { records, bytes } => format!(
            "{} deleted with the directory ({})",
            are(*records, "record", &of),
            size(*bytes)
        ),
        Change::Compacted {
            replaced,
            without_key,
            tombstones,
            bytes,
        } => {
            let parts = [
                (*replaced, "replaced by later ones of the same key"),
                (*without_key, "without a key"),
                (*tombstones, "old tombstones"),
            ];
            let parts = parts.iter().filter(|(count, _)| *count > 0);
            let parts: Vec<String> = parts
                .map(|(count, what)| format!("{} {what}", grouped(*count)))
                .collect();
            format!(
                "{} compacted away ({}; {})",
                are(event.records(), "record", &of),
                parts.join(", "),
                size(*bytes)
            )
        }
        Change::OffsetsExpired { groups, offsets } => format!(
            "{} deleted",
            are(
                *offsets,
                "committed offset",
                &format!(" of {}", counted(*groups, "group"))
            )
        ),
        Change::TransactionalIdsExpired { ids } => {
            format!("{} deleted", are(*ids, "transactional id", ""))
        }
        Change::ProducersExpired { producers } => format!(
            "the state of {} is removed: duplicates that they send again are not recognised",
            counted(*producers, "producer")
        ),
        _ => "another change".into(),
    }
}

/// `1 record of a-0 is`, `2 records of a-0 are`.
fn are(count: u64, what: &str, of: &str) -> String {
    format!("{}{of} {}", counted(count, what), table::are(count))
}

/// The setting that causes it, and how to prevent it.
pub(super) fn cause(event: &LaterEvent) -> String {
    let setting = event.setting;
    let origin = match setting.origin {
        SettingOrigin::Given => "from the command line",
        SettingOrigin::Topic => "set for the topic",
        SettingOrigin::Cluster => "set for the cluster",
        SettingOrigin::Broker => "from server.properties",
        _ => "assumed: Kafka's default",
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
            format!("the log start offset {log_start}: they end before it")
        }
        Change::DirectoryRemoved { .. } => format!(
            "{setting_text}: the directory is marked for deletion; move it out of the log dir to \
             keep it"
        ),
        Change::OffsetsExpired { .. } => format!(
            "{setting_text}: their groups have had no members, or commits, for that long; a \
             larger value keeps them"
        ),
        _ => format!("{setting_text}; a larger value keeps them"),
    }
}

/// Writes how many producers expire.
pub(super) fn forgotten(verdict: &Verdict, out: &mut Lines<'_>) {
    let of = |one: &PartitionVerdict| -> u64 {
        let counts = one.later.iter().map(|event| match event.change {
            Change::ProducersExpired { producers } => producers,
            _ => 0,
        });
        counts.sum()
    };
    let all = verdict.partitions().map(of).filter(|count| *count > 0);
    let (partitions, producers) = all.fold((0, 0_u64), |(partitions, sum), count| {
        (partitions + 1, sum.saturating_add(count))
    });
    if producers > 0 {
        let text = format!(
            "in the first hour, the state of {} of {} expires: duplicates that they send again \
             are not recognised",
            counted(producers, "producer"),
            counted(partitions, "partition")
        );
        out.line("", &text);
    }
}
