//! Counts of records in groups, in bounded memory.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::key_table::KeyTable;
use super::sizes::Sizes;
use super::timeline::Timeline;
use crate::format::{Batch, Codec, Record, Scratch};
use crate::scan::{Event, Merge, Output, PieceVisitor, Visitor};
use crate::wire::Offset;

/// The number of groups that are kept; if there are more, the smallest are combined.
pub const GROUPS: usize = 1 << 15;

/// Group records by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum By {
    /// Everything that is read together: a topic, a partition.
    Whole,
    /// The key.
    Key,
    /// The part of the key before the first punctuation mark, or this many bytes of it.
    KeyPrefix(Option<usize>),
    /// The name of a header, once for each that a record has.
    Header,
    /// The id of the producer.
    Producer,
    /// The codec of the batch.
    Codec,
    /// The hour of the timestamp, in hours since 1970.
    Hour,
    /// The smallest power of two that is not below the size.
    Size,
}

impl By {
    /// Returns true if all records of a batch are in one group.
    const fn is_of_batch(self) -> bool {
        matches!(self, Self::Whole | Self::Producer | Self::Codec)
    }

    /// Returns true if there may be as many groups as records, so that no histogram of sizes is
    /// kept for each.
    #[must_use]
    pub const fn is_unbounded(self) -> bool {
        matches!(self, Self::Key | Self::KeyPrefix(_) | Self::Header)
    }
}

/// The identity of a group: the bytes of a key or a name, or a number in digits.
pub type StatsGroup = Option<Vec<u8>>;

/// The counts of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupCounts {
    /// Records, control records left out.
    pub records: u64,
    /// Batches, if all records of a batch are in one group.
    pub batches: u64,
    /// Bytes of the file: for a batch with several groups the share by size.
    pub stored_bytes: u64,
    /// Bytes of keys, values and headers.
    pub unpacked_bytes: u64,
    /// Bytes of names and values of headers.
    pub header_bytes: u64,
    /// Records without a key.
    pub null_keys: u64,
    /// Records without a value.
    pub null_values: u64,
    /// The earliest timestamp.
    pub first_ms: Option<i64>,
    /// The latest timestamp.
    pub last_ms: Option<i64>,
    /// Sizes of keys, values and headers together; empty if the number of groups is unbounded.
    pub sizes: Sizes,
}

impl GroupCounts {
    /// Adds other records of the group.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.batches += other.batches;
        self.stored_bytes += other.stored_bytes;
        self.unpacked_bytes += other.unpacked_bytes;
        self.header_bytes += other.header_bytes;
        self.null_keys += other.null_keys;
        self.null_values += other.null_values;
        for ms in [other.first_ms, other.last_ms].into_iter().flatten() {
            self.time(ms);
        }
        self.sizes.merge(&other.sizes);
    }

    fn time(&mut self, ms: i64) {
        self.first_ms = Some(self.first_ms.map_or(ms, |first| first.min(ms)));
        self.last_ms = Some(self.last_ms.map_or(ms, |last| last.max(ms)));
    }
}

/// The counts of groups, in the order of their first records.
#[derive(Debug, Clone, Default)]
pub struct StatsGroups {
    keys: KeyTable,
    counts: Vec<GroupCounts>,
    /// The counts of records without a group.
    none: GroupCounts,
}

impl StatsGroups {
    /// The number of a group, and [`NONE`] for records without one.
    fn number(&mut self, group: Option<&[u8]>) -> usize {
        let Some(group) = group else {
            return NONE;
        };
        let number = self.keys.number(group);
        if number == self.counts.len() {
            self.counts.push(GroupCounts::default());
        }
        number
    }

    fn counts(&mut self, number: usize) -> &mut GroupCounts {
        self.counts.get_mut(number).unwrap_or(&mut self.none)
    }

    fn add(&mut self, group: Option<&[u8]>, counts: &GroupCounts) {
        let number = self.number(group);
        self.counts(number).add(counts);
    }

    /// The groups; that of records without one is last.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&[u8]>, &GroupCounts)> {
        let named = self.counts.iter().enumerate();
        let named = named.map(|(number, counts)| (self.keys.get(number), counts));
        let none = Some((None, &self.none));
        let none = none.filter(|(_, counts)| **counts != GroupCounts::default());
        named.chain(none)
    }
}

/// Groups and their counts.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Stats {
    /// The groups that are kept.
    pub groups: StatsGroups,
    /// The groups that were combined because there were too many.
    pub others: GroupCounts,
    /// The maximum bytes of a group in `others`, and of the missing part of one of `groups`.
    pub most_missing_bytes: u64,
    /// Everything.
    pub total: GroupCounts,
    /// All records by their timestamps.
    pub timeline: Timeline,
    /// Bytes that are not a batch, or batches that could not be read.
    pub damaged_bytes: u64,
    /// Damaged places.
    pub damaged: u64,
}

impl Stats {
    /// Keeps memory bounded: if there are more than twice as many groups as are kept, the smaller
    /// ones are combined.
    fn shrink(&mut self) {
        if self.groups.keys.len() <= 2 * GROUPS {
            return;
        }
        let all = std::mem::take(&mut self.groups);
        let mut sizes: Vec<u64> = all.counts.iter().map(|it| it.unpacked_bytes).collect();
        let (_, least, _) = sizes.select_nth_unstable_by(GROUPS, |a, b| b.cmp(a));
        let least = *least;
        for (group, counts) in all.iter() {
            if group.is_none() || counts.unpacked_bytes > least {
                self.groups.add(group, counts);
            } else {
                self.others.add(counts);
            }
        }
        self.most_missing_bytes = self.most_missing_bytes.saturating_add(least);
    }
}

impl Merge for Stats {
    fn merge(&mut self, next: Self) {
        for (group, counts) in next.groups.iter() {
            self.groups.add(group, counts);
        }
        self.others.add(&next.others);
        self.total.add(&next.total);
        self.timeline.merge(&next.timeline);
        self.most_missing_bytes = self
            .most_missing_bytes
            .saturating_add(next.most_missing_bytes);
        self.damaged_bytes += next.damaged_bytes;
        self.damaged += next.damaged;
        self.shrink();
    }
}

/// A record of the batch at hand.
#[derive(Debug)]
struct Counted {
    group: usize,
    bytes: u64,
}

/// Counts the records of a piece of a file.
#[derive(Debug)]
pub struct StatsVisitor {
    by: By,
    /// The log start offset; records before it are not served.
    log_start: Offset,
    stats: Stats,
    batch: Vec<Counted>,
}

/// The number for records without a group.
const NONE: usize = usize::MAX;

impl StatsVisitor {
    /// Counts records from `log_start` on, grouped by `by`.
    #[must_use]
    pub fn new(by: By, log_start: Offset) -> Self {
        Self {
            by,
            log_start,
            stats: Stats::default(),
            batch: Vec::new(),
        }
    }

    fn damaged(&mut self, bytes: u64) {
        self.stats.damaged += 1;
        self.stats.damaged_bytes += bytes;
    }

    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) {
        if batch.is_control() || batch.last_offset() < self.log_start {
            return;
        }
        let stored = batch.size_bytes() as u64;
        let Ok(records) = batch.records(scratch) else {
            return self.damaged(stored);
        };
        let own = self.of_batch(batch);
        let own = self.stats.groups.number(own.as_deref());
        let (mut all, mut is_empty) = (std::mem::take(&mut self.batch), true);
        all.clear();
        for record in records {
            let Ok(record) = record else {
                self.damaged(0);
                break;
            };
            if record.offset() >= self.log_start {
                is_empty = false;
                self.record(&record, own, &mut all);
            }
        }
        self.stats.total.batches += 1;
        self.stats.total.stored_bytes += stored;
        if !self.by.is_of_batch() {
            self.share(stored, &all);
        } else if !is_empty && self.by != By::Whole {
            let counts = self.stats.groups.counts(own);
            counts.batches += 1;
            counts.stored_bytes += stored;
        }
        self.batch = all;
        self.stats.shrink();
    }

    /// Counts a record of a batch of group `own`.
    fn record(&mut self, record: &Record<'_>, own: usize, all: &mut Vec<Counted>) {
        let one = One::of(record);
        one.count(&mut self.stats.total, true);
        if let Some(ms) = one.ms {
            self.stats.timeline.add(ms, 1);
        }
        let by = self.by;
        if by == By::Header {
            return self.headers(record, one, all);
        }
        // The total is that of the one group.
        if by == By::Whole {
            return;
        }
        let groups = &mut self.stats.groups;
        if by.is_of_batch() {
            return one.count(groups.counts(own), true);
        }
        let number = groups.number(of_record(by, record, one.bytes).as_deref());
        one.count(groups.counts(number), !by.is_unbounded());
        all.push(Counted {
            group: number,
            bytes: one.bytes + 1,
        });
    }

    /// Counts the headers of a record.
    fn headers(&mut self, record: &Record<'_>, one: One, all: &mut Vec<Counted>) {
        let mut is_without = true;
        for header in record.headers() {
            is_without = false;
            let group = self.stats.groups.number(Some(header.key));
            let bytes = header.key.len() as u64 + length(header.value);
            let one = One {
                bytes,
                headers: bytes,
                is_null_key: false,
                is_null_value: header.value.is_none(),
                ..one
            };
            one.count(self.stats.groups.counts(group), false);
            all.push(Counted { group, bytes });
        }
        if is_without {
            one.count(self.stats.groups.counts(NONE), false);
        }
        // The rest of the record gets its share too.
        all.push(Counted {
            group: NONE,
            bytes: one.bytes - one.headers + 1,
        });
    }

    /// Divides the bytes of a batch by the sizes of its records.
    fn share(&mut self, stored: u64, all: &[Counted]) {
        let sum: u64 = all.iter().map(|each| each.bytes).sum();
        for each in all {
            let share = u128::from(stored) * u128::from(each.bytes) / u128::from(sum.max(1));
            let counts = self.stats.groups.counts(each.group);
            counts.stored_bytes += u64::try_from(share).unwrap_or(u64::MAX);
        }
    }

    /// The group of a batch.
    fn of_batch(&self, batch: &Batch<'_>) -> Option<Vec<u8>> {
        Some(match (self.by, batch) {
            (By::Producer, Batch::V2(batch)) if batch.producer_id().0 >= 0 => {
                batch.producer_id().0.to_string().into_bytes()
            }
            (By::Codec, _) => batch.codec().unwrap_or(Codec::None).name().into(),
            _ => return None,
        })
    }
}

/// The group of a record.
fn of_record<'a>(by: By, record: &Record<'a>, bytes: u64) -> Option<Cow<'a, [u8]>> {
    let number = |number: String| Cow::Owned(number.into_bytes());
    Some(match by {
        By::Key => record.key()?.into(),
        By::KeyPrefix(length) => prefix(record.key()?, length).into(),
        By::Hour => {
            let ms = Some(record.timestamp().0).filter(|ms| *ms >= 0)?;
            number((ms / 3_600_000).to_string())
        }
        By::Size => number(bytes.next_power_of_two().to_string()),
        _ => return None,
    })
}

/// The beginning of a key that it shares with others.
fn prefix(key: &[u8], length: Option<usize>) -> &[u8] {
    let end = length.unwrap_or_else(|| {
        let mark = key.iter().position(u8::is_ascii_punctuation);
        mark.unwrap_or(key.len())
    });
    key.get(..end).unwrap_or(key)
}

/// The counts of one record.
#[derive(Clone, Copy)]
struct One {
    bytes: u64,
    headers: u64,
    is_null_key: bool,
    is_null_value: bool,
    ms: Option<i64>,
}

fn length(bytes: Option<&[u8]>) -> u64 {
    bytes.map_or(0, <[u8]>::len) as u64
}

impl One {
    #[inline]
    fn of(record: &Record<'_>) -> Self {
        let headers = record.headers();
        let headers = headers
            .map(|it| it.key.len() as u64 + length(it.value))
            .sum();
        Self {
            bytes: length(record.key()) + length(record.value()) + headers,
            headers,
            is_null_key: record.key().is_none(),
            is_null_value: record.value().is_none(),
            ms: Some(record.timestamp().0).filter(|ms| *ms >= 0),
        }
    }

    #[inline]
    fn count(self, counts: &mut GroupCounts, has_sizes: bool) {
        counts.records += 1;
        counts.unpacked_bytes += self.bytes;
        counts.header_bytes += self.headers;
        counts.null_keys += u64::from(self.is_null_key);
        counts.null_values += u64::from(self.is_null_value);
        if let Some(ms) = self.ms {
            counts.time(ms);
        }
        if has_sizes {
            counts.sizes.add(self.bytes);
        }
    }
}

impl Visitor for StatsVisitor {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match event.into_batch() {
            Ok(batch) => self.batch(&batch, scratch),
            Err(gap) if gap.is_zeros() => {}
            Err(gap) => self.damaged(gap.range().end - gap.range().start),
        }
        ControlFlow::Continue(())
    }
}

impl PieceVisitor for StatsVisitor {
    type Piece = Stats;

    const PIECE_BYTES: u64 = 2 << 20;

    fn end(self) -> Stats {
        self.stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_groups_the_small_ones_are_put_together_and_the_error_is_said() {
        let mut all = Stats::default();
        let groups = u32::try_from(GROUPS).unwrap();
        for part in 0..3_u32 {
            let mut stats = Stats::default();
            for key in 0..groups {
                let key = part * groups + key;
                let counts = GroupCounts {
                    records: 1,
                    unpacked_bytes: if key.is_multiple_of(1000) { 100 } else { 1 },
                    ..GroupCounts::default()
                };
                stats.groups.add(Some(&key.to_be_bytes()), &counts);
            }
            all.merge(stats);
        }
        assert!(all.groups.iter().count() <= 2 * GROUPS);
        assert_eq!(all.most_missing_bytes, 1);
        let kept: u64 = all.groups.iter().map(|(_, it)| it.records).sum();
        assert_eq!(kept + all.others.records, 3 * GROUPS as u64);
        let large = all.groups.iter();
        let large = large.filter(|(_, it)| it.unpacked_bytes == 100);
        assert_eq!(large.count(), (3 * GROUPS).div_ceil(1000));
    }

    #[test]
    fn keys_share_what_comes_before_a_mark() {
        assert_eq!(prefix(b"user:17", None), b"user");
        assert_eq!(prefix(b"user", None), b"user");
        assert_eq!(prefix(b"user:17", Some(6)), b"user:1");
        assert_eq!(prefix(b"u", Some(6)), b"u");
    }
}
