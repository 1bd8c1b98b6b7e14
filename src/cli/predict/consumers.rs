//! What consumers get after a start, in words.

use kseg::predict::{OpenTransaction, Served, TransactionEnd};

use super::words::{duration, line, offsets};
use crate::cli::render::time;

/// As many places of a partition are shown; the document has more.
const SHOWN: usize = 5;

/// Writes the ranges that consumers do not get, and the duplicates.
pub(super) fn consumers(dir: &str, served: &Served, out: &mut Vec<u8>) {
    for place in served.unreadable.iter().take(SHOWN) {
        let text = format!(
            "{dir}: {} cannot be read: {} at byte {}; {}",
            offsets(place.first_offset, place.last_offset),
            place.file,
            place.position,
            place.failure
        );
        line("", &text, out);
    }
    for place in served.duplicates.iter().take(SHOWN) {
        let text = format!(
            "{dir}: {} are duplicated in {} at byte {}: consumers skip the later batch",
            offsets(place.first_offset, place.last_offset),
            place.file,
            place.position
        );
        line("", &text, out);
    }
    let places = served.unreadable.len().max(served.duplicates.len());
    if places > SHOWN {
        line(
            "",
            &format!("{dir}: and more; --format json lists them all"),
            out,
        );
    }
}

pub(super) fn transaction(dir: &str, open: &OpenTransaction, out: &mut Vec<u8>) {
    let id = match &open.transactional_id {
        Some(id) => format!("transaction {id}"),
        None => format!("the transaction of producer {}", open.producer_id),
    };
    let since = open
        .first_timestamp_ms
        .map_or_else(String::new, |at| format!("since {}", time::rfc3339(at)));
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
    line("", &text, out);
}
