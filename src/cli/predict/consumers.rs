//! The records that consumers get after a start, in words.

use kseg::predict::{OpenTransaction, Served, TransactionEnd};

use super::words::{Lines, duration, offsets};
use crate::cli::render::time;

/// The number of places of a partition that are shown; the JSON document has more.
const SHOWN: usize = 5;

/// Writes the ranges that consumers do not get, and the duplicates.
pub(super) fn consumers(dir: &str, served: &Served, out: &mut Lines<'_>) {
    for place in served.unreadable.iter().take(SHOWN) {
        let text = format!(
            "{dir}: {} cannot be read: {} at byte {}; {}",
            offsets(place.first_offset, place.last_offset),
            place.file,
            place.position,
            place.failure
        );
        out.line("", &text);
    }
    for place in served.duplicates.iter().take(SHOWN) {
        let text = format!(
            "{dir}: {} are duplicated in {} at byte {}: consumers skip the later batch",
            offsets(place.first_offset, place.last_offset),
            place.file,
            place.position
        );
        out.line("", &text);
    }
    let places = served.unreadable.len().max(served.duplicates.len());
    if places > SHOWN {
        out.line(
            "",
            &format!("{dir}: and more; --format json lists them all"),
        );
    }
}

pub(super) fn transaction(dir: &str, open: &OpenTransaction, out: &mut Lines<'_>) {
    let id = match &open.transactional_id {
        Some(id) => format!("transaction {id}"),
        None => format!("the transaction of producer {}", open.producer_id),
    };
    let since = open
        .first_timestamp_ms
        .map_or_else(String::new, |at| format!(" since {}", time::rfc3339(at)));
    let end = match open.end {
        TransactionEnd::TimesOut {
            after_ms: Some(after),
        } => {
            format!(
                "the coordinator aborts it {} after the start, unless the producer ends it before",
                duration(after)
            )
        }
        other => other.to_string(),
    };
    let text = format!(
        "{dir}: read_committed consumers stop at offset {}: {id} is open{since}; {end}",
        open.first_offset
    );
    out.line("", &text);
}
