//! A count of records that a start takes away.

use crate::format::{Batch, Codec, Scratch};

/// Records that are lost at a start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Lost {
    /// Records, without those of control batches.
    pub records: u64,
    /// Batches whose checksum is right.
    pub batches: u64,
    /// Bytes.
    pub bytes: u64,
    /// Those of them that are zeros at the end of a file: preallocated space, or pages that never
    /// reached the disk.
    pub zeros: u64,
    /// The earliest timestamp, in milliseconds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub first_timestamp_ms: Option<i64>,
    /// The latest timestamp, in milliseconds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub last_timestamp_ms: Option<i64>,
}

impl Lost {
    /// Returns true if nothing is lost, apart from zeros.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.batches == 0 && self.bytes <= self.zeros
    }

    /// Adds a batch.
    pub(super) fn add(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) {
        self.batches = self.batches.saturating_add(1);
        let (records, first, last) = match batch {
            Batch::V2(batch) => {
                let first = batch.base_timestamp().0;
                let count = u64::try_from(batch.records_count()).unwrap_or(0);
                (count, first, batch.max_timestamp().0)
            }
            Batch::Legacy(message) => {
                let at = message.timestamp().0;
                let inside = match message.codec() {
                    Ok(Codec::None) => 1,
                    _ => Batch::Legacy(*message)
                        .records(scratch)
                        .map_or(0, |records| records.flatten().count() as u64),
                };
                (inside, at, at)
            }
        };
        if batch.is_control() {
            return;
        }
        self.records = self.records.saturating_add(records);
        for at in [first, last].into_iter().filter(|&at| at >= 0) {
            let earliest = self.first_timestamp_ms.map_or(at, |before| before.min(at));
            let latest = self.last_timestamp_ms.map_or(at, |before| before.max(at));
            (self.first_timestamp_ms, self.last_timestamp_ms) = (Some(earliest), Some(latest));
        }
    }

    /// Adds another loss.
    pub(super) fn merge(&mut self, other: Self) {
        self.records = self.records.saturating_add(other.records);
        self.batches = self.batches.saturating_add(other.batches);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.zeros = self.zeros.saturating_add(other.zeros);
        let either = |a: Option<i64>, b: Option<i64>, pick: fn(i64, i64) -> i64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        };
        self.first_timestamp_ms =
            either(self.first_timestamp_ms, other.first_timestamp_ms, i64::min);
        self.last_timestamp_ms = either(self.last_timestamp_ms, other.last_timestamp_ms, i64::max);
    }
}
