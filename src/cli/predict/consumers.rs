//! What consumers get after a start, in words.

use kseg::predict::{OpenTransaction, Served, TransactionEnd};

use super::words::{duration, line, offsets};
use crate::cli::render::time;

/// As many places of a partition are shown; the document has more.
const SHOWN: usize = 5;

/// What consumers do not get, and what they are given twice.
pub(super) fn consumers(dir: &str, served: &Served, out: &mut Vec<u8>) {
    for place in served.unreadable.iter().take(SHOWN) {
        let text = format!(
            "{dir}: {} cannot be read: {} at {}; {}",
            offsets(place.first_offset, place.last_offset),
            place.file,
            place.position,
            place.failure
        );
        line("", &text, out);
    }
    for place in served.duplicates.iter().take(SHOWN) {
        let text = format!(
            "{dir}: {} again in {} at {}: consumers drop the later batch",
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
            &format!("{dir}: and more such places; --format json lists them"),
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
        .map_or_else(String::new, |at| format!(", begun {}", time::rfc3339(at)));
    let end = match open.end {
        TransactionEnd::TimesOut {
            after_ms: Some(after),
        } => {
            format!(
                "it is aborted {} after the start, unless its producer ends it before",
                duration(after)
            )
        }
        other => other.to_string(),
    };
    let text = format!(
        "{dir}: consumers of what is committed stop at offset {}, where {id} is open{since}; {end}",
        open.first_offset
    );
    line("", &text, out);
}
