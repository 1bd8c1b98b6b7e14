//! A partition after loading, for the later steps.

use super::index::TIME_ENTRY_BYTES;
use super::lost::Lost;
use super::start::{Bounds, Start};
use super::virtual_dir::{self, Content, log_base};
use crate::format::Batch;
use crate::format::name::{LOG_SUFFIX, TIME_INDEX_SUFFIX};
use crate::store::{Error, Item};
use crate::wire::Uuid;

/// A loaded partition.
#[derive(Debug, Default)]
pub(super) struct Remains {
    /// The segments, in order.
    pub(super) segments: Vec<Remaining>,
    /// The id in `partition.metadata`.
    pub(super) topic_id: Option<Uuid>,
    /// The start and end of the log; `None` if it was not loaded.
    pub(super) bounds: Option<Bounds>,
    /// The last stable offset.
    pub(super) last_stable: i64,
    /// The timestamps of the last batches of producers without an open transaction.
    pub(super) idle_producers: Vec<i64>,
}

/// A loaded segment.
#[derive(Debug, Clone)]
pub(super) struct Remaining {
    pub(super) base: i64,
    pub(super) name: String,
    pub(super) content: Content,
    /// Its largest timestamp as retention sees it.
    pub(super) largest_timestamp_ms: i64,
}

impl Remains {
    /// Reads the state of the directory; segments only if the following hour is predicted.
    pub(super) fn of(start: &Start<'_>, bounds: Option<Bounds>) -> Result<Self, Error> {
        let mut remains = Self {
            topic_id: start.topic_id,
            bounds,
            segments: Vec::new(),
            last_stable: start.ongoing.keys().next().copied().unwrap_or(i64::MAX),
            idle_producers: start.idle_producers.clone(),
        };
        let Some(now_ms) = start.conditions.now_ms.filter(|_| bounds.is_some()) else {
            return Ok(remains);
        };
        for (name, leaf) in start.virtual_dir.after() {
            let (Some(base), true) = (log_base(name), leaf.kind == crate::store::ItemType::File)
            else {
                continue;
            };
            remains.segments.push(Remaining {
                base,
                largest_timestamp_ms: largest_timestamp(start, name, &leaf.content, now_ms)?,
                name: name.clone(),
                content: leaf.content.clone(),
            });
        }
        remains.segments.sort_by_key(|segment| segment.base);
        Ok(remains)
    }
}

/// `LogSegment.largestTimestamp`: the last entry of the time index, whatever it is; without one the
/// modification time.
fn largest_timestamp(
    start: &Start<'_>,
    log: &str,
    content: &Content,
    now_ms: i64,
) -> Result<i64, Error> {
    let stem = log.strip_suffix(LOG_SUFFIX).unwrap_or(log);
    let indexed = match start
        .virtual_dir
        .file(&format!("{stem}{TIME_INDEX_SUFFIX}"))
    {
        Some(Content::Disk { path, len, .. }) => last_entry(path, *len)?,
        Some(Content::Rebuilt) => start.largest_timestamps.get(log).copied(),
        _ => None,
    };
    if let Some(time) = indexed.filter(|&time| time >= 0) {
        return Ok(time);
    }
    let Content::Disk {
        path,
        start: 0,
        len,
    } = content
    else {
        return Ok(now_ms);
    };
    let item = Item::at(path)?;
    let is_cut = *len < item.len_bytes();
    let changed = item.modified().filter(|_| !is_cut);
    let since = changed.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(since.map_or(now_ms, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}

fn last_entry(path: &std::path::Path, len: u64) -> Result<Option<i64>, Error> {
    let Some(last) = (len / TIME_ENTRY_BYTES).checked_sub(1) else {
        return Ok(None);
    };
    let at = last.saturating_mul(TIME_ENTRY_BYTES);
    let mut buffer = Vec::new();
    let file = virtual_dir::open(path)?;
    let bytes = file.window(at..at.saturating_add(8), &mut buffer)?;
    Ok(bytes.first_chunk().map(|time| i64::from_be_bytes(*time)))
}

/// Passes on the batches of a segment up to where a reader stops.
pub(super) fn batches(segment: &Remaining, see: &mut dyn FnMut(&Batch<'_>)) -> Result<(), Error> {
    match super::cluster::batches(&segment.name, &segment.content, see) {
        Err(super::thrown::Thrown::Ours(error)) => Err(error),
        _ => Ok(()),
    }
}

/// The number of records of a segment up to where a reader stops, without those of control batches.
pub(super) fn records(segment: &Remaining) -> Result<u64, Error> {
    let mut lost = Lost::default();
    let mut scratch = crate::format::Scratch::default();
    batches(segment, &mut |batch| lost.add(batch, &mut scratch))?;
    Ok(lost.records)
}
