//! What happens in the first hour, in words.

use kseg::predict::retention::Breach;
use kseg::predict::{Change, LaterEvent, Moment, PartitionVerdict, SettingOrigin, Verdict};

use super::words::{line, size};
use crate::cli::render::table::counted;
use crate::cli::render::time;

/// Whether something has a line of its own: that old producers are forgotten happens everywhere, and is said once.
pub(super) fn is_shown(event: &LaterEvent) -> bool {
    !matches!(event.change, Change::ProducersExpired { .. })
}

/// When something happens.
pub(super) fn moment(at: Moment) -> &'static str {
    match at {
        Moment::Start => "at the start",
        Moment::Cleaner => "when the log cleaner looks",
        Moment::FirstRetentionCheck => "at the first retention check",
        Moment::RetentionCheck => "at a later retention check",
        Moment::ProducersCheck => "when the broker looks for old producers",
        Moment::DirectoryRemoval => "when deleted directories are removed",
        Moment::OffsetsCheck => "when expired offsets are removed",
        Moment::TransactionalIdsCheck => "when expired transactional ids are removed",
        _ => "later",
    }
}

/// What happens, of a partition that is named here or elsewhere.
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
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
            format!(
                "{}{of} are compacted away ({}; {})",
                counted(event.records(), "record"),
                parts.join(", "),
                size(*bytes)
            )
        }
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

/// The setting that causes it, and how to prevent it.
pub(super) fn cause(event: &LaterEvent) -> String {
    let setting = event.setting;
    let origin = match setting.origin {
        SettingOrigin::Given => "as given",
        SettingOrigin::Topic => "the topic's",
        SettingOrigin::Cluster => "in the metadata log",
        SettingOrigin::Broker => "in the broker's file",
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
            format!("the log start offset: they end before {log_start}, and no one can read them")
        }
        Change::DirectoryRemoved { .. } => format!(
            "{setting_text}: the directory is marked for deletion; move it out of the log dir to keep it"
        ),
        Change::OffsetsExpired { .. } => format!(
            "{setting_text}: their groups have had no members, or commits, for that long; a larger value keeps them"
        ),
        _ => format!("{setting_text}; a larger value keeps them"),
    }
}

/// The producers that are forgotten.
pub(super) fn forgotten(verdict: &Verdict, out: &mut Vec<u8>) {
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
            "{} of {} have written nothing for long and are forgotten in the first hour: what they send again is not recognised",
            counted(producers, "producer"),
            counted(partitions, "partition")
        );
        line("", &text, out);
    }
}
