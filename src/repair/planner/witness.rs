//! What the indexes of a segment say of a batch: a second witness for an offset, which no checksum covers.

use std::collections::BTreeSet;
use std::path::Path;

use super::diagnosis::small;
use super::survey::BatchRun;
use crate::format::batch::HEADER_BYTES;
use crate::format::name::{OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX};
use crate::format::{FileKind, OffsetIndex, RecordBatch, TimeIndex};
use crate::store::{Error, Item, LogFile, Partition};
use crate::wire::Offset;

/// The entries of a segment's indexes, as they are on the disk.
pub(super) struct Witness {
    /// Last offsets and positions.
    places: BTreeSet<(i64, u64)>,
    /// Largest timestamps and last offsets.
    times: BTreeSet<(i64, i64)>,
}

impl Witness {
    /// The indexes beside the `.log` at `path`. What cannot be read says nothing.
    pub(super) fn beside(path: &Path, base: i64) -> Self {
        let read = |suffix: &str| small(&path.with_extension(suffix.trim_start_matches('.')));
        let places = read(OFFSET_INDEX_SUFFIX).map(|bytes| {
            let index = OffsetIndex::new(&bytes, Offset(base));
            let entries = index.entries().take(index.written_len());
            let place =
                entries.map(|entry| Some((entry.offset.0, entry.position.try_into().ok()?)));
            place.flatten().collect()
        });
        let times = read(TIME_INDEX_SUFFIX).map(|bytes| {
            let entries = TimeIndex::new(&bytes, Offset(base));
            let entries = entries.entries();
            entries
                .map(|entry| (entry.timestamp.0, entry.offset.0))
                .collect()
        });
        Self {
            places: places.unwrap_or_default(),
            times: times.unwrap_or_default(),
        }
    }

    /// Returns true if an index has the batch of `run` with this last offset.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) fn has(&self, log: &LogFile, run: &BatchRun, last: i64) -> Result<bool, Error> {
        if self.places.contains(&(last, run.range.start)) {
            return Ok(true);
        }
        let mut buffer = Vec::new();
        let end = run.range.start.saturating_add(HEADER_BYTES as u64);
        let header = log.window(run.range.start..end.min(run.range.end), &mut buffer)?;
        let batch = RecordBatch::of_header(header).filter(|_| run.is_modern);
        let latest = batch.map(|batch| batch.max_timestamp().0);
        Ok(latest.is_some_and(|latest| latest >= 0 && self.times.contains(&(latest, last))))
    }
}

/// Returns the offset of the newest producer snapshot.
pub(super) fn noted_end(partition: &Partition) -> Option<i64> {
    let snapshot = |item: &Item| {
        let name = item.file_name()?;
        let is_one = name.kind == FileKind::ProducerSnapshot && name.is_canonical();
        name.offset.filter(|_| is_one).map(|offset| offset.0)
    };
    partition.items().iter().filter_map(snapshot).max()
}
