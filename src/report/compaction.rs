//! The log cleaner's view of a compacted partition: clean, dirty and uncleanable parts, the records
//! it would remove, and its obstacles.
//!
//! # References
//! `LogCleanerManager.cleanableOffsets`, `calculateCleanableBytes`, `LogToClean`;
//! `Cleaner.buildOffsetMap`, `shouldRetainRecord`; `MemoryRecords.filterTo`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::key_sample::{KeySample, hash};
use super::listing::{PartitionSummary, SegmentSummary};
use crate::format::{Batch, Limits, Scratch};
use crate::scan::{Event, Output, Policy, ScanOptions, TransactionTracker, Visitor, follow};
use crate::store::{Error, Item, LogFile};
use crate::wire::Offset;

/// The number of obstacles that are kept; more are counted.
const STOPS: usize = 100;

/// The rules of the cleaner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CleanerRules {
    /// `min.cleanable.dirty.ratio`.
    pub dirty_ratio: f64,
    /// `min.compaction.lag.ms`.
    pub min_lag_ms: i64,
    /// `max.compaction.lag.ms`.
    pub max_lag_ms: i64,
    /// `max.decompressed.message.bytes`.
    pub max_record_bytes: u64,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
    /// Keys of the sample by which duplicates are counted.
    pub sample_keys: usize,
}

/// The reason why the cleaner stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The active segment begins here.
    ActiveSegment,
    /// An open transaction begins in the segment.
    OpenTransaction(Offset),
    /// The segment holds a record younger than `min.compaction.lag.ms`.
    MinLag,
}

/// The parts of a log, by offsets and by bytes of segments as the cleaner counts them.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Ranges {
    /// The first offset.
    pub start: Offset,
    /// The first offset that was not cleaned yet.
    pub first_dirty: Offset,
    /// True if it is from `cleaner-offset-checkpoint`; otherwise nothing was cleaned yet.
    pub is_noted: bool,
    /// The first offset that the next run does not clean.
    pub first_uncleanable: Offset,
    /// The reason.
    pub limit: Limit,
    /// The offset of the next record.
    pub end: Offset,
    /// Bytes before the first dirty offset.
    pub clean_bytes: u64,
    /// Bytes that the next run cleans.
    pub dirty_bytes: u64,
    /// Bytes that it does not clean.
    pub uncleanable_bytes: u64,
    /// True if something dirty is older than `max.compaction.lag.ms`.
    pub is_overdue: bool,
}

impl Ranges {
    /// The share of dirty bytes among those that can be cleaned.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "Kafka divides doubles too")]
    pub fn dirty_ratio(&self) -> f64 {
        let all = self.clean_bytes.saturating_add(self.dirty_bytes);
        if all == 0 {
            return 0.0;
        }
        self.dirty_bytes as f64 / all as f64
    }

    /// Returns true if the cleaner would clean the log now.
    #[must_use]
    pub fn is_due(&self, rules: &CleanerRules) -> bool {
        self.dirty_bytes > 0 && (self.is_overdue || self.dirty_ratio() > rules.dirty_ratio)
    }
}

/// A place at which the cleaner stops, or a record that it removes although it is not a duplicate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CleanerStop {
    /// The file.
    pub path: PathBuf,
    /// The batch.
    pub position: u64,
    /// The offset of the batch or record; `None` for bytes that are not a batch.
    pub offset: Option<Offset>,
    /// The kind.
    pub kind: StopKind,
}

/// Obstacles to the cleaner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopKind {
    /// Bytes that are not a batch, or a batch that cannot be read: the partition becomes
    /// uncleanable.
    Damage(String),
    /// A record of more bytes than `max.decompressed.message.bytes`: in the same way.
    TooLarge(u64),
    /// A record without a key, which is removed.
    NoKey,
}

/// The contents of the part of the log that the next run of the cleaner reads.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Census {
    /// Records in the whole log, control records left out.
    pub records: u64,
    /// Records without a value that the next run reads.
    pub tombstones: u64,
    /// Those of them that it drops: their delete horizon has passed.
    pub tombstones_due: u64,
    /// Those of them that get a delete horizon from it.
    pub tombstones_new: u64,
    /// The next delete horizon, in milliseconds since 1970.
    pub next_horizon_ms: Option<i64>,
    /// Records of aborted transactions that the next run drops.
    pub aborted: u64,
    /// Records without a key.
    pub keyless: u64,
    /// The first obstacles to the cleaner, in the order of the log.
    pub stops: Vec<CleanerStop>,
    /// The number of further obstacles.
    pub more_stops: u64,
    keys: KeySample<KeyState>,
}

/// The state of a key.
#[derive(Debug, Clone, Copy, Default)]
struct KeyState {
    /// The number of its records that no later dirty record replaces.
    kept: u32,
    kept_bytes: u64,
    /// The number of those that one replaces.
    replaced: u32,
    replaced_bytes: u64,
    all: u32,
}

impl Census {
    /// Returns the number of keys.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.keys.count()
    }

    /// The relative standard error of the numbers of keys and of replaced records; `None` if they
    /// are exact.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        self.keys.error()
    }

    /// Records with the key of a later record, anywhere in the log.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.sum(|key| u64::from(key.all.saturating_sub(1)))
    }

    /// Records that the next run removes because a later dirty record has their key.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.sum(|key| key.replaced.into())
    }

    /// The bytes of these records: in a compressed batch their share.
    #[must_use]
    pub fn replaced_bytes(&self) -> u64 {
        self.sum(|key| key.replaced_bytes)
    }

    fn sum(&self, of: impl Fn(&KeyState) -> u64) -> u64 {
        let sum: u64 = self.keys.values().map(of).sum();
        sum.saturating_mul(self.keys.scale())
    }
}

/// The parts of a log. `summary` has been read with its segments; `noted` is the offset in
/// `cleaner-offset-checkpoint`, and `first_open` the first offset of its first open transaction.
#[must_use]
pub fn ranges(
    summary: &PartitionSummary,
    noted: Option<Offset>,
    first_open: Option<Offset>,
    rules: &CleanerRules,
) -> Option<Ranges> {
    let segments: Vec<&SegmentSummary> = summary
        .segments
        .iter()
        .filter(|each| each.log().is_some())
        .collect();
    let base = |each: &&SegmentSummary| each.segment.base_offset();
    let (start, end) = (summary.log_start?, summary.end_offset()?);
    let active = segments.last().map(base)?;
    // An offset outside the log is reset to the log start offset.
    let noted = noted.filter(|noted| (start..=end).contains(noted));
    let first_dirty = noted.unwrap_or(start);
    let (mut wanted, mut limit) = (active, Limit::ActiveSegment);
    if let Some(open) = first_open.filter(|open| *open < wanted) {
        (wanted, limit) = (open, Limit::OpenTransaction(open));
    }
    let closed = segments.iter().filter(|each| base(each) < active);
    // Segments from the one with the offset on.
    let floor = segments.iter().map(base).filter(|it| *it <= first_dirty);
    let floor = floor.max().unwrap_or(start);
    let dirty = closed.clone().filter(|each| base(each) >= floor);
    if rules.min_lag_ms > 0 {
        let young = rules.now_ms.saturating_sub(rules.min_lag_ms);
        let is_young = |each: &&&SegmentSummary| {
            let largest = each.extent.and_then(|extent| extent.last_timestamp);
            largest.is_some_and(|time| time.0 > young)
        };
        if let Some(each) = dirty.clone().find(is_young)
            && base(each) < wanted
        {
            (wanted, limit) = (base(each), Limit::MinLag);
        }
    }
    // Whole segments only: the one with the offset is not cleaned.
    let first_uncleanable = segments.iter().map(base).filter(|it| *it <= wanted).max();
    let first_uncleanable = first_uncleanable.unwrap_or(start);
    let bytes = |from: Offset, to: Offset| -> u64 {
        let within = segments
            .iter()
            .filter(|each| (from..to).contains(&base(each)));
        within
            .filter_map(|each| each.log())
            .map(Item::len_bytes)
            .sum()
    };
    let lowest = Offset(i64::MIN);
    let is_dirty = first_dirty < first_uncleanable;
    let dirty_from = if is_dirty { floor } else { first_uncleanable };
    let earliest = dirty
        .filter_map(|each| each.extent?.first_timestamp)
        .map(|time| time.0)
        .filter(|ms| *ms > 0)
        .min();
    let is_overdue = earliest.is_some_and(|ms| ms < rules.now_ms.saturating_sub(rules.max_lag_ms));
    Some(Ranges {
        start,
        first_dirty,
        is_noted: noted.is_some(),
        first_uncleanable: first_uncleanable.max(first_dirty),
        limit,
        end,
        clean_bytes: bytes(lowest, first_dirty),
        dirty_bytes: bytes(dirty_from, first_uncleanable),
        uncleanable_bytes: bytes(first_uncleanable, Offset(i64::MAX)),
        is_overdue,
    })
}

/// The transactions of a log, by its headers. `open` opens a `.log`.
///
/// # Errors
/// A file cannot be read.
pub fn transactions(
    summary: &PartitionSummary,
    open: impl Fn(&Path) -> Result<LogFile, Error>,
) -> Result<TransactionTracker, Error> {
    let mut known = TransactionTracker::default();
    for each in summary.segments.iter().filter(|each| each.log().is_some()) {
        let log = open(each.segment.log())?;
        follow(
            &log,
            ScanOptions::of(Policy::Trust),
            &mut known,
            &mut |_| ControlFlow::Continue(()),
        )?;
    }
    Ok(known)
}

/// Reads all records. `open` opens a `.log`.
///
/// # Errors
/// A file cannot be read.
pub fn census(
    summary: &PartitionSummary,
    ranges: &Ranges,
    transactions: &TransactionTracker,
    rules: &CleanerRules,
    limits: Limits,
    open: impl Fn(&Path) -> Result<LogFile, Error>,
) -> Result<Census, Error> {
    let mut census = Census {
        records: 0,
        tombstones: 0,
        tombstones_due: 0,
        tombstones_new: 0,
        next_horizon_ms: None,
        aborted: 0,
        keyless: 0,
        stops: Vec::new(),
        more_stops: 0,
        keys: KeySample::of_at_most(rules.sample_keys),
    };
    let options = ScanOptions {
        limits,
        ..ScanOptions::of(Policy::Salvage)
    };
    let logs = summary.segments.iter().filter(|each| each.log().is_some());
    for each in logs {
        let log = open(each.segment.log())?;
        let mut counting = Counting {
            census: &mut census,
            ranges,
            transactions,
            rules,
            path: each.segment.log(),
            is_cleaned: each.segment.base_offset() < ranges.first_uncleanable,
            batch: Vec::new(),
        };
        follow(&log, options, &mut counting, &mut |_| {
            ControlFlow::Continue(())
        })?;
    }
    Ok(census)
}

/// A record of the batch at hand.
struct Counted {
    hash: u128,
    offset: Offset,
    bytes: u64,
}

/// The visit of a segment. The effect of a record depends on those before it.
struct Counting<'a> {
    census: &'a mut Census,
    ranges: &'a Ranges,
    transactions: &'a TransactionTracker,
    rules: &'a CleanerRules,
    path: &'a Path,
    /// True if the next run of the cleaner reads it.
    is_cleaned: bool,
    batch: Vec<Counted>,
}

impl Counting<'_> {
    fn stop(&mut self, position: u64, offset: Option<Offset>, kind: StopKind) {
        if !self.is_cleaned {
            return;
        }
        if self.census.stops.len() < STOPS {
            self.census.stops.push(CleanerStop {
                path: self.path.to_owned(),
                position,
                offset,
                kind,
            });
        } else {
            self.census.more_stops += 1;
        }
    }

    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) {
        if batch.is_control() {
            return;
        }
        let (position, is_aborted) = (batch.position().0, self.transactions.is_aborted(batch));
        let horizon = match batch {
            Batch::V2(batch) => batch.delete_horizon(),
            Batch::Legacy(_) => None,
        };
        let records = match batch.records(scratch) {
            Ok(records) => records,
            Err(fault) => {
                let kind = StopKind::Damage(fault.to_string());
                return self.stop(position, Some(batch.offset()), kind);
            }
        };
        let (mut all, mut sum) = (std::mem::take(&mut self.batch), 0_u64);
        all.clear();
        for record in records {
            let record = match record {
                Ok(record) => record,
                Err(fault) => {
                    let kind = StopKind::Damage(fault.to_string());
                    self.stop(position, Some(batch.offset()), kind);
                    break;
                }
            };
            if record.offset() < self.ranges.start {
                continue;
            }
            self.census.records += 1;
            if is_aborted {
                self.census.aborted += u64::from(self.is_cleaned);
                continue;
            }
            let length = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len) as u64;
            let headers = record.headers();
            let headers = headers
                .map(|it| it.key.len() as u64 + length(it.value))
                .sum::<u64>();
            let bytes = length(record.key()) + length(record.value()) + headers;
            if bytes > self.rules.max_record_bytes {
                self.stop(position, Some(record.offset()), StopKind::TooLarge(bytes));
            }
            let Some(key) = record.key() else {
                self.census.keyless += 1;
                self.stop(position, Some(record.offset()), StopKind::NoKey);
                continue;
            };
            if record.value().is_none() && self.is_cleaned {
                self.tombstone(horizon.map(|it| it.0));
            }
            sum += bytes + 1;
            all.push(Counted {
                hash: hash(key),
                offset: record.offset(),
                bytes: bytes + 1,
            });
        }
        let stored = batch.size_bytes() as u64;
        for each in &all {
            // Its share of the batch.
            let share = u128::from(stored) * u128::from(each.bytes) / u128::from(sum.max(1));
            self.record(each, u64::try_from(share).unwrap_or(u64::MAX));
        }
        self.batch = all;
    }

    fn tombstone(&mut self, horizon_ms: Option<i64>) {
        let census = &mut *self.census;
        census.tombstones += 1;
        match horizon_ms {
            None => census.tombstones_new += 1,
            Some(ms) if ms <= self.rules.now_ms => census.tombstones_due += 1,
            Some(ms) => {
                let next = census.next_horizon_ms.unwrap_or(ms).min(ms);
                census.next_horizon_ms = Some(next);
            }
        }
    }

    fn record(&mut self, record: &Counted, bytes: u64) {
        let Some(key) = self.census.keys.entry_of_hash(record.hash) else {
            return;
        };
        key.all = key.all.saturating_add(1);
        if !self.is_cleaned {
            return;
        }
        if record.offset >= self.ranges.first_dirty {
            key.replaced = key.replaced.saturating_add(key.kept);
            key.replaced_bytes = key.replaced_bytes.saturating_add(key.kept_bytes);
            (key.kept, key.kept_bytes) = (0, 0);
        }
        key.kept = key.kept.saturating_add(1);
        key.kept_bytes = key.kept_bytes.saturating_add(bytes);
    }
}

impl Visitor for Counting<'_> {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match event.into_batch() {
            Ok(batch) => self.batch(&batch, scratch),
            Err(gap) if gap.is_zeros() => {}
            Err(gap) => {
                let kind = StopKind::Damage(gap.kind().to_string());
                self.stop(gap.range().start, None, kind);
            }
        }
        ControlFlow::Continue(())
    }
}
