//! The largest timestamp of a segment, as a broker sees it.

use std::ops::ControlFlow;
use std::time::UNIX_EPOCH;

use kseg::format::FileKind;
use kseg::report::listing::SegmentSummary;
use kseg::scan::Filter;
use kseg::store::{Error, Item, LogFile, Stream};
use kseg::wire::Timestamp;

/// The largest timestamp of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Largest {
    /// In milliseconds since 1970.
    pub(super) ms: i64,
    /// The first record with it; `None` if it is the modification time of the file.
    pub(super) offset: Option<i64>,
    /// True if it is that of a record.
    pub(super) is_record: bool,
}

/// Bytes of an entry of a time index.
const ENTRY_BYTES: u64 = 12;

/// The last entry of the time index of a closed segment, whatever it is, because a broker uses
/// nothing else; for the active one, whose index may be incomplete, the largest timestamp in the
/// log. Otherwise the file's modification time.
///
/// # References
/// `LogSegment.largestTimestamp`.
pub(super) fn largest(each: &SegmentSummary, now_ms: i64) -> Result<Largest, Error> {
    let in_log = each.extent.and_then(|extent| extent.last_timestamp);
    let in_log = in_log.map(kseg::wire::Timestamp::get);
    let indexed = match each.segment.file(FileKind::TimeIndex) {
        Some(item) if item.is_file() && !each.is_active => last_entry(item)?,
        _ => in_log,
    };
    if let Some(ms) = indexed.or(in_log).filter(|ms| *ms >= 0) {
        return Ok(Largest {
            ms,
            offset: first_with(each, ms)?,
            is_record: true,
        });
    }
    let changed = each.log().and_then(Item::modified);
    let since = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let ms = since.and_then(|since| i64::try_from(since.as_millis()).ok());
    Ok(Largest {
        ms: ms.unwrap_or(now_ms),
        offset: None,
        is_record: false,
    })
}

fn last_entry(item: &Item) -> Result<Option<i64>, Error> {
    let file = LogFile::Windowed(Stream::open(item.path())?);
    let Some(last) = (file.len_bytes() / ENTRY_BYTES).checked_sub(1) else {
        return Ok(None);
    };
    let at = last.saturating_mul(ENTRY_BYTES);
    let mut buffer = Vec::new();
    let bytes = file.window(at..at.saturating_add(8), &mut buffer)?;
    Ok(bytes.first_chunk().map(|time| i64::from_be_bytes(*time)))
}

/// The offset of the first record of the segment with at least this timestamp.
fn first_with(each: &SegmentSummary, ms: i64) -> Result<Option<i64>, Error> {
    let mut first = None;
    let reader = each.segment.records(Filter::from_time(Timestamp::new(ms)));
    let _what_is_damaged_before =
        reader
            .with_control_records()
            .salvage()
            .try_for_each(|record| {
                first = Some(record.offset().get());
                ControlFlow::Break(())
            })?;
    Ok(first)
}
