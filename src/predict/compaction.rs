//! Compaction: which records the log cleaner drops because later ones of the same key replace them.
//!
//! The keys of the dirty part are remembered with their last offsets, as many as a broker's buffer
//! holds; records of these keys before the last offset are removed, from the start of the log on.
//! The active segment is never cleaned.
//!
//! # References
//! `LogCleanerManager.grabFilthiestCompactedLog`, `cleanableOffsets`; `Cleaner.buildOffsetMap`,
//! `shouldRetainRecord`.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::format::{Batch, Fault, Record, Scratch};

/// The number of keys that a pass of the cleaner remembers: `log.cleaner.dedupe.buffer.size` of 128
/// MiB, 24 bytes a key, up to nine tenths.
pub const MOST_KEYS: usize = 5_033_164;

/// The facts of a segment that the cleaner uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactionCandidate {
    /// Its base offset.
    pub base: i64,
    /// Bytes of its `.log`.
    pub bytes: u64,
    /// Its largest timestamp as the broker sees it.
    pub largest_timestamp_ms: i64,
}

/// The compaction rules for the segments of a partition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompactionRules {
    /// The end of the last pass (`cleaner-offset-checkpoint`), or the log start.
    pub first_dirty: i64,
    /// The last stable offset: nothing is cleaned from there on.
    pub last_stable: i64,
    /// `min.compaction.lag.ms`.
    pub min_lag_ms: i64,
    /// `max.compaction.lag.ms`.
    pub max_lag_ms: i64,
    /// `min.cleanable.dirty.ratio`.
    pub min_dirty_ratio: f64,
}

/// Returns the offset up to which the next pass may clean; `None` if there is no pass. `segments`
/// are in order.
#[must_use]
pub fn until(
    segments: &[CompactionCandidate],
    rules: &CompactionRules,
    now_ms: i64,
) -> Option<i64> {
    let active = segments.last()?.base;
    let is_young = |segment: &&CompactionCandidate| {
        segment.base >= rules.first_dirty
            && rules.min_lag_ms > 0
            && segment.largest_timestamp_ms > now_ms.saturating_sub(rules.min_lag_ms)
    };
    let young = segments.iter().find(is_young).map(|segment| segment.base);
    let until = [Some(active), Some(rules.last_stable), young]
        .into_iter()
        .flatten()
        .min()?;
    let size = |range: std::ops::Range<i64>| -> u64 {
        // A segment counts with the part that its base offset is in.
        let inside = segments
            .iter()
            .filter(|segment| range.contains(&segment.base));
        inside.map(|segment| segment.bytes).sum()
    };
    let floor = segments.partition_point(|segment| segment.base <= rules.first_dirty);
    let dirty_from = segments
        .get(floor.saturating_sub(1))
        .map_or(i64::MIN, |segment| segment.base);
    let (clean, dirty) = (size(i64::MIN..dirty_from), size(dirty_from..until));
    if dirty == 0 || until <= rules.first_dirty {
        return None;
    }
    let first = segments.iter().find(|segment| segment.base >= dirty_from);
    let is_late = first
        .is_some_and(|first| now_ms.saturating_sub(first.largest_timestamp_ms) > rules.max_lag_ms);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a ratio; brokers compute it in doubles too"
    )]
    let ratio = dirty as f64 / (clean.saturating_add(dirty)) as f64;
    (is_late || ratio > rules.min_dirty_ratio).then_some(until)
}

/// The records that a pass removes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Records that later ones of the same key replace.
    pub replaced: u64,
    /// Records without a key, which no compacted topic keeps.
    pub without_key: u64,
    /// Tombstones that are older than `delete.retention.ms`.
    pub tombstones: u64,
    /// Bytes of these records, decompressed, without batch headers.
    pub bytes: u64,
}

impl Dropped {
    /// The number of all of them.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.replaced
            .saturating_add(self.without_key)
            .saturating_add(self.tombstones)
    }
}

/// A pass of the cleaner: it gets the dirty part first, and then the log from its start on.
#[derive(Debug)]
pub struct Pass {
    hashers: [RandomState; 2],
    /// The last offset of each key, by two hashes of it.
    last: HashMap<(u64, u64), i64>,
    until: i64,
    now_ms: i64,
    dropped: Dropped,
}

impl Pass {
    /// Begins a pass that ends before the offset `until`.
    #[must_use]
    pub fn new(until: i64, now_ms: i64) -> Self {
        Self {
            hashers: [RandomState::new(), RandomState::new()],
            last: HashMap::new(),
            until,
            now_ms,
            dropped: Dropped::default(),
        }
    }

    fn hash(&self, key: &[u8]) -> (u64, u64) {
        let [one, other] = &self.hashers;
        (one.hash_one(key), other.hash_one(key))
    }

    /// Remembers the keys of the next batch of the dirty part. The pass ends when the buffer is
    /// full.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn remember(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) -> Result<(), Fault> {
        if batch.is_control() || batch.offset().0 >= self.until {
            return Ok(());
        }
        for record in batch.records(scratch)? {
            let record = record?;
            let offset = record.offset().0;
            if offset >= self.until {
                break;
            }
            let Some(key) = record.key() else { continue };
            let hash = self.hash(key);
            if self.last.len() >= MOST_KEYS && !self.last.contains_key(&hash) {
                self.until = offset;
                break;
            }
            self.last.insert(hash, offset);
        }
        Ok(())
    }

    /// Counts the removed records of the next batch of the log.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn count(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) -> Result<(), Fault> {
        if batch.is_control() || batch.offset().0 >= self.until {
            return Ok(());
        }
        let horizon = match batch {
            Batch::V2(batch) => batch.delete_horizon().map(|at| at.0),
            Batch::Legacy(_) => None,
        };
        let expired = horizon.is_some_and(|horizon| horizon <= self.now_ms);
        for record in batch.records(scratch)? {
            let record = record?;
            if record.offset().0 < self.until {
                self.record(&record, expired);
            }
        }
        Ok(())
    }

    fn record(&mut self, record: &Record<'_>, expired: bool) {
        let newer = record
            .key()
            .map(|key| self.last.get(&self.hash(key)).copied());
        let dropped = &mut self.dropped;
        let count = match newer {
            None => &mut dropped.without_key,
            Some(Some(last)) if last > record.offset().0 => &mut dropped.replaced,
            _ if record.value().is_none() && expired => &mut dropped.tombstones,
            _ => return,
        };
        *count = count.saturating_add(1);
        let len = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len) as u64;
        let bytes = len(record.key()).saturating_add(len(record.value()));
        dropped.bytes = dropped.bytes.saturating_add(bytes);
    }

    /// Returns the sum of removed records.
    #[must_use]
    pub const fn dropped(&self) -> Dropped {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: CompactionRules = CompactionRules {
        first_dirty: 0,
        last_stable: 40,
        min_lag_ms: 0,
        max_lag_ms: i64::MAX,
        min_dirty_ratio: 0.5,
    };

    fn segments() -> Vec<CompactionCandidate> {
        let of = |base| CompactionCandidate {
            base,
            bytes: 100,
            largest_timestamp_ms: base,
        };
        [0, 10, 20, 30].map(of).to_vec()
    }

    #[test]
    fn the_active_segment_and_open_transactions_are_not_cleaned() {
        assert_eq!(until(&segments(), &RULES, 1_000), Some(30));
        let open = CompactionRules {
            last_stable: 15,
            ..RULES
        };
        assert_eq!(until(&segments(), &open, 1_000), Some(15));
        assert_eq!(until(&segments()[..1], &RULES, 1_000), None);
    }

    #[test]
    fn a_log_is_cleaned_when_more_than_the_ratio_of_it_is_dirty() {
        let from = |first_dirty| {
            until(
                &segments(),
                &CompactionRules {
                    first_dirty,
                    ..RULES
                },
                1_000,
            )
        };
        assert_eq!(from(10), Some(30), "200 of 300 bytes");
        assert_eq!(from(20), None, "100 of 300 bytes");
        let late = CompactionRules {
            first_dirty: 20,
            max_lag_ms: 979,
            ..RULES
        };
        assert_eq!(until(&segments(), &late, 1_000), Some(30));
        let young = CompactionRules {
            min_lag_ms: 985,
            ..RULES
        };
        assert_eq!(until(&segments(), &young, 1_000), Some(20));
    }
}
