//! Two copies of a partition, record by record.
//!
//! Both are read in the order of their offsets, a part at a time, so memory is bounded whatever
//! their sizes. Compared are offset, timestamp, key, value and headers of a record; its batch, the
//! codec and the leader epoch are its framing.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::ops::{ControlFlow, Range};

use super::files::{segments, transactions};
use super::{RecordReader, UnreadPlace, open};
use crate::format::{Batch, Limits, Record};
use crate::scan::{Filter, Policy, ScanOptions, TransactionTracker};
use crate::store::{Error, Partition};
use crate::wire::Offset;

/// Records of each copy that are held at a time.
const AT_ONCE: usize = 1 << 16;

/// The number of different ranges that are kept; more are counted.
const RANGES: usize = 10_000;

/// The kind of difference in a range of two copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// The records are in the first copy only.
    OnlyFirst,
    /// The records are in the second copy only.
    OnlySecond,
    /// Both have records with these offsets, and they are not the same.
    Records,
    /// Both have the same records in other batches, with another codec or leader epoch.
    Framing,
}

/// A range in which two copies differ in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The kind of difference.
    pub kind: DifferenceKind,
    /// The first offset.
    pub first: Offset,
    /// The last offset.
    pub last: Offset,
    /// The number of records.
    pub records: u64,
}

/// The comparison of two copies.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Comparison {
    /// Records that are the same in both.
    pub same: u64,
    /// Records that differ, by kind.
    pub records: BTreeMap<DifferenceKind, u64>,
    /// The first ranges that differ, in the order of their offsets.
    pub ranges: Vec<Difference>,
    /// The number of further ranges.
    pub more_ranges: u64,
    /// The unreadable places of the two copies.
    pub unread: [Vec<UnreadPlace>; 2],
    /// Equal records that `read_committed` consumers get of one copy only; zero unless
    /// [transactions are compared](compare_committed).
    pub committed: CommittedChange,
    /// True if the last record compared was the same in both.
    is_ended: bool,
}

/// Counts of records that are in both copies, and that a `read_committed` consumer gets of
/// one of them only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommittedChange {
    /// Of the first only: in the second they are aborted, or their transaction is open.
    pub only_first: u64,
    /// Of the second only.
    pub only_second: u64,
}

/// A record as it is compared.
#[derive(Debug, Clone, Copy)]
struct Compared {
    offset: Offset,
    content: u64,
    framing: u64,
    /// True if a `read_committed` consumer gets it, or transactions are not compared.
    is_committed: bool,
}

/// Compares two copies of a partition, control records included. Damage is skipped.
///
/// # Errors
/// A file cannot be read.
pub fn compare(first: &Partition, second: &Partition, limits: Limits) -> Result<Comparison, Error> {
    run([(first, None), (second, None)], limits)
}

/// The same, including the records that become committed or aborted. Each log is read twice.
///
/// # Errors
/// A file cannot be read.
pub fn compare_committed(
    first: &Partition,
    second: &Partition,
    limits: Limits,
) -> Result<Comparison, Error> {
    let options = ScanOptions {
        limits,
        ..ScanOptions::of(Policy::Salvage)
    };
    let known = |partition: &Partition| transactions(segments(partition).iter(), options, open);
    let [a, b] = [known(first)?, known(second)?];
    run([(first, Some(&a)), (second, Some(&b))], limits)
}

/// A copy, and its transactions if they are compared.
type Copy<'a> = (&'a Partition, Option<&'a TransactionTracker>);

fn run([first, second]: [Copy<'_>; 2], limits: Limits) -> Result<Comparison, Error> {
    let mut comparison = Comparison::default();
    let mut from = Offset(i64::MIN);
    loop {
        let [a, b] = &mut comparison.unread;
        let left = read(first, from, limits, a)?;
        let right = read(second, from, limits, b)?;
        // Beyond the part that was read of a copy, nothing is known yet.
        let end = |part: &[Compared]| match part.last() {
            Some(last) if part.len() == AT_ONCE => last.offset,
            _ => Offset(i64::MAX),
        };
        let end = end(&left).min(end(&right));
        let within = |part: &[Compared]| part.partition_point(|record| record.offset <= end);
        let (mine, theirs) = (within(&left), within(&right));
        comparison.join(
            left.get(..mine).unwrap_or_default(),
            right.get(..theirs).unwrap_or_default(),
        );
        if end == Offset(i64::MAX) {
            return Ok(comparison);
        }
        from = Offset(end.0.saturating_add(1));
    }
}

/// The next records of a copy from an offset on.
fn read(
    (partition, transactions): Copy<'_>,
    from: Offset,
    limits: Limits,
    unread: &mut Vec<UnreadPlace>,
) -> Result<Vec<Compared>, Error> {
    let mut records = Vec::new();
    let first_open = transactions.and_then(TransactionTracker::first_open);
    let reader: RecordReader = partition.records(Filter::from_offset(from));
    let reader = reader.with_control_records().salvage().limits(limits);
    let summary = reader.try_for_each_in_batch(|batch, record| {
        records.push(Compared {
            offset: record.offset(),
            content: content(batch, record),
            framing: framing(batch),
            is_committed: !transactions.is_some_and(|all| all.is_aborted(batch))
                && first_open.is_none_or(|first| record.offset() < first),
        });
        if records.len() == AT_ONCE {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    // A place between two parts is seen twice.
    let is_known = |place: &UnreadPlace, known: &[UnreadPlace]| {
        known
            .iter()
            .any(|other| other.path == place.path && other.range == place.range)
    };
    for place in summary.unread {
        if !is_known(&place, unread) {
            unread.push(place);
        }
    }
    // After damage offsets may decrease; records out of order are compared in their order.
    records.sort_by_key(|record| record.offset);
    Ok(records)
}

fn content(batch: &Batch<'_>, record: &Record<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    each_part(batch.is_control(), record, |part| match part {
        Some(bytes) => {
            hasher.write_u64(bytes.len() as u64);
            hasher.write(bytes);
        }
        None => hasher.write_u64(u64::MAX),
    });
    hasher.finish()
}

/// Passes on the parts of a record that are compared, without its offset: control flag, timestamp,
/// key, value, and header names and values.
pub fn each_part(is_control: bool, record: &Record<'_>, mut take: impl FnMut(Option<&[u8]>)) {
    take(Some(&[u8::from(is_control)]));
    take(Some(&record.timestamp().0.to_be_bytes()));
    take(record.key());
    take(record.value());
    for header in record.headers() {
        take(Some(header.key));
        take(header.value);
    }
}

fn framing(batch: &Batch<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_i64(batch.offset().0);
    hasher.write_i64(batch.last_offset().0);
    hasher.write(batch.codec().map_or("", |codec| codec.name()).as_bytes());
    if let Batch::V2(batch) = batch {
        hasher.write_i8(batch.magic());
        hasher.write_i32(batch.leader_epoch().0);
    }
    hasher.finish()
}

impl Comparison {
    /// Returns true if both have the same records, whatever their framing.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.records
            .keys()
            .all(|kind| *kind == DifferenceKind::Framing)
    }

    /// The first offset at which both have records, and not the same ones.
    #[must_use]
    pub fn parts_at(&self) -> Option<Offset> {
        let mut ranges = self.ranges.iter();
        ranges
            .find(|range| range.kind == DifferenceKind::Records)
            .map(|range| range.first)
    }

    /// Compares two parts that end at the same offset.
    fn join(&mut self, left: &[Compared], right: &[Compared]) {
        let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
        loop {
            let (kind, offset) = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) if a.offset == b.offset => {
                    let kind = match (a.content == b.content, a.framing == b.framing) {
                        (true, true) => None,
                        (true, false) => Some(DifferenceKind::Framing),
                        _ => Some(DifferenceKind::Records),
                    };
                    let committed = &mut self.committed;
                    committed.only_first += u64::from(a.is_committed && !b.is_committed);
                    committed.only_second += u64::from(!a.is_committed && b.is_committed);
                    let offset = a.offset;
                    let _both = (left.next(), right.next());
                    (kind, offset)
                }
                (Some(a), other) if other.is_none_or(|b| a.offset < b.offset) => {
                    let offset = a.offset;
                    let _one = left.next();
                    (Some(DifferenceKind::OnlyFirst), offset)
                }
                (_, Some(b)) => {
                    let offset = b.offset;
                    let _one = right.next();
                    (Some(DifferenceKind::OnlySecond), offset)
                }
                (_, None) => return,
            };
            if let Some(kind) = kind {
                self.differs(kind, offset);
            } else {
                self.same += 1;
                self.is_ended = true;
            }
        }
    }

    fn differs(&mut self, kind: DifferenceKind, offset: Offset) {
        if kind == DifferenceKind::Framing {
            self.same += 1;
        }
        *self.records.entry(kind).or_default() += 1;
        let is_full = self.ranges.len() == RANGES;
        match self.ranges.last_mut() {
            Some(last) if last.kind == kind && !self.is_ended => {
                last.last = offset;
                last.records += 1;
            }
            _ if is_full => self.more_ranges += 1,
            _ => self.ranges.push(Difference {
                kind,
                first: offset,
                last: offset,
                records: 1,
            }),
        }
        self.is_ended = false;
    }
}

/// The first offset at which two lists of leader epochs differ, within offsets that both logs have:
/// there the histories diverge.
#[must_use]
pub fn epochs_part_at(
    first: &[(i32, Offset)],
    second: &[(i32, Offset)],
    common: Range<Offset>,
) -> Option<Offset> {
    let at = |epochs: &[(i32, Offset)], offset: Offset| {
        let before = epochs.iter().filter(|(_, start)| *start <= offset);
        before.map(|(epoch, _)| *epoch).next_back()
    };
    let starts = first.iter().chain(second).map(|(_, start)| *start);
    let mut starts: Vec<Offset> = starts.filter(|it| common.contains(it)).collect();
    starts.push(common.start);
    starts.sort();
    starts.into_iter().find(|offset| {
        let (a, b) = (at(first, *offset), at(second, *offset));
        common.contains(offset) && a.is_some() && b.is_some() && a != b
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(all: &[(i64, u64, u64)]) -> Vec<Compared> {
        let of = |(offset, content, framing): &(i64, u64, u64)| Compared {
            offset: Offset(*offset),
            content: *content,
            framing: *framing,
            is_committed: true,
        };
        all.iter().map(of).collect()
    }

    #[test]
    fn ranges_are_of_records_that_differ_in_one_way_without_a_same_one_between() {
        let mut found = Comparison::default();
        found.join(
            &records(&[(1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 4, 1), (5, 5, 1)]),
            &records(&[
                (2, 2, 1),
                (3, 9, 1),
                (4, 4, 7),
                (5, 5, 1),
                (8, 8, 1),
                (9, 9, 1),
            ]),
        );
        let ranges: Vec<_> = found
            .ranges
            .iter()
            .map(|it| (it.kind, it.first.0, it.last.0, it.records))
            .collect();
        assert_eq!(
            ranges,
            [
                (DifferenceKind::OnlyFirst, 1, 1, 1),
                (DifferenceKind::Records, 3, 3, 1),
                (DifferenceKind::Framing, 4, 4, 1),
                (DifferenceKind::OnlySecond, 8, 9, 2),
            ]
        );
        assert_eq!((found.same, found.parts_at()), (3, Some(Offset(3))));
        assert!(!found.is_same());
    }

    #[test]
    fn histories_part_where_an_offset_has_two_epochs() {
        let a = [(0, Offset(0)), (1, Offset(10)), (3, Offset(20))];
        let b = [(0, Offset(0)), (1, Offset(10)), (2, Offset(15))];
        let common = |end| Offset(0)..Offset(end);
        assert_eq!(epochs_part_at(&a, &b, common(30)), Some(Offset(15)));
        assert_eq!(epochs_part_at(&a, &b, common(15)), None);
        assert_eq!(epochs_part_at(&a, &a, common(30)), None);
        assert_eq!(epochs_part_at(&a, &[], common(30)), None);
    }
}
