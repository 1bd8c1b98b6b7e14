//! The records that consumers get from a loaded log.
//!
//! A start checks the batches of the segments that it recovers; all others are served unchecked. A
//! fetch finds the first batch that reaches its offset by the index and the headers after it, and
//! sends bytes from there to the end of the segment. The consumer checks each batch, and stops at
//! the first bad one until it seeks past it.
//!
//! # References
//! `LocalLog.read`, `LogSegment.read`, `FileLogInputStream`; `ByteBufferLogInputStream`,
//! `CompletedFetch`.

use std::fmt;

use super::log::{SegmentEntry, SegmentWindow};
use super::segment::Segment;
use super::start::{Bounds, Start};
use super::thrown::Thrown;
use super::virtual_dir::log_base;
use crate::store::{Error, ItemType};

/// The number of places of a partition that are listed.
const MOST_LISTED: usize = 100;

/// The versions of batches that consumers know.
const MAGICS: std::ops::RangeInclusive<i8> = 0..=2;

/// The records that consumers get from the log start on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Served {
    /// The records that they get, those of control batches left out.
    pub records: u64,
    /// The offsets that they do not get: the maximum number of records.
    pub unreadable_offsets: u64,
    /// The ranges, in order; at most the first hundred.
    pub unreadable: Vec<UnreadableOffsets>,
    /// The offsets that a later batch has again: consumers skip these records.
    pub duplicate_offsets: u64,
    /// The ranges, in order; at most the first hundred.
    pub duplicates: Vec<DuplicateOffsets>,
}

/// Offsets that no consumer gets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct UnreadableOffsets {
    /// The file.
    pub file: String,
    /// The position at which reading fails.
    pub position: u64,
    /// The offset at which a consumer stops.
    pub first_offset: i64,
    /// The last offset that fails: after it a consumer can continue.
    pub last_offset: i64,
    /// The failure of the consumer.
    pub failure: FetchFailure,
}

/// The failure of a consumer at an unreadable range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum FetchFailure {
    /// Each poll throws, because the batch is invalid, until the consumer seeks past it.
    ConsumerThrows,
    /// Each fetch fails in the broker, until the consumer seeks past the damage.
    BrokerFails,
    /// Fetches return nothing, and no error.
    NothingReturned,
    /// The consumer continues after the damage without an error.
    SkippedSilently,
    /// The batch claims offsets beyond the log end: the consumer is out of range afterwards.
    OutOfRange,
}

impl fmt::Display for FetchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConsumerThrows => "each poll throws, until the consumer seeks past it",
            Self::BrokerFails => "each fetch fails in the broker, until the consumer seeks past it",
            Self::NothingReturned => "fetches return nothing, and no error",
            Self::SkippedSilently => "consumers skip it without an error",
            Self::OutOfRange => {
                "the batch has offsets beyond the log end; after it, consumers get OffsetOutOfRange"
            }
        })
    }
}

/// Offsets that are in a log twice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DuplicateOffsets {
    /// The file with the later batch.
    pub file: String,
    /// The start of the range.
    pub position: u64,
    /// The first offset that consumers have already had.
    pub first_offset: i64,
    /// The last one.
    pub last_offset: i64,
}

impl Served {
    fn fails(&mut self, place: UnreadableOffsets) {
        let count = place.last_offset.abs_diff(place.first_offset) + 1;
        self.unreadable_offsets = self.unreadable_offsets.saturating_add(count);
        if let Some(last) = self.unreadable.last_mut()
            && last.failure == place.failure
            && last.file == place.file
            && last.last_offset.wrapping_add(1) == place.first_offset
            && last.position == place.position
        {
            last.last_offset = place.last_offset;
        } else if self.unreadable.len() < MOST_LISTED {
            self.unreadable.push(place);
        }
    }

    fn repeats(&mut self, place: DuplicateOffsets) {
        let count = place.last_offset.abs_diff(place.first_offset) + 1;
        self.duplicate_offsets = self.duplicate_offsets.saturating_add(count);
        if self.duplicates.len() < MOST_LISTED {
            self.duplicates.push(place);
        }
    }
}

/// Reads a loaded log as a consumer does.
pub(super) fn served(start: &mut Start<'_>, bounds: Bounds) -> Result<Served, Error> {
    let logs = start.virtual_dir.after().iter();
    let mut bases: Vec<i64> = logs
        .filter(|(_, leaf)| leaf.kind == ItemType::File)
        .filter_map(|(name, _)| log_base(name))
        .collect();
    bases.sort_unstable();
    let mut fetcher = Fetcher {
        last_base: bases.last().copied().unwrap_or(0),
        bases,
        bounds,
        at: bounds.start,
        stopped: None,
        served: Served::default(),
    };
    match fetcher.run(start) {
        Err(Thrown::Ours(error)) => Err(error),
        // A file that cannot be opened now could be opened when it was loaded.
        _ => Ok(fetcher.served),
    }
}

/// A consumer that reads a log from its start.
struct Fetcher {
    bases: Vec<i64>,
    last_base: i64,
    bounds: Bounds,
    /// The offset that it asks for next.
    at: i64,
    /// The segment and position at which the reader stopped before the end.
    stopped: Option<(String, u64)>,
    served: Served,
}

/// The result of a fetch.
enum Fetched {
    Batch(Box<(Segment, SegmentWindow)>, u64),
    /// It fails, and so do all up to this offset.
    Failure(String, u64, i64),
    Nothing,
}

impl Fetcher {
    fn run(&mut self, start: &mut Start<'_>) -> Result<(), Thrown> {
        while self.at < self.bounds.end {
            match self.find(start)? {
                Fetched::Batch(found, position) => {
                    let (mut segment, log) = *found;
                    let before = self.at;
                    self.read(start, &mut segment, log, position)?;
                    if self.at == before {
                        // The batch does not reach the offset: the consumer drops it, and fetches
                        // again forever.
                        let until = self.next_chance(start, &mut segment)?;
                        let file = segment.log_name();
                        self.fail(file, position, until, FetchFailure::NothingReturned);
                    }
                }
                Fetched::Failure(file, position, until) => {
                    self.fail(file, position, until, FetchFailure::BrokerFails);
                }
                Fetched::Nothing => match self.stopped.take() {
                    Some((file, position)) => {
                        let mut last = Segment::open(start, self.last_base)?;
                        let until = self.next_chance(start, &mut last)?;
                        self.fail(file, position, until, FetchFailure::NothingReturned);
                    }
                    None => self.at = self.bounds.end,
                },
            }
        }
        Ok(())
    }

    /// Notes that all offsets from here to below `until` fail.
    fn fail(&mut self, file: String, position: u64, until: i64, failure: FetchFailure) {
        let until = until.clamp(
            self.at.saturating_add(1),
            self.bounds.end.max(self.at.saturating_add(1)),
        );
        self.served.fails(UnreadableOffsets {
            file,
            position,
            first_offset: self.at,
            last_offset: until.saturating_sub(1),
            failure,
        });
        self.at = until;
        self.stopped = None;
    }

    /// Bytes of a segment that are served.
    fn len(&self, log: &SegmentWindow, base: i64) -> u64 {
        if base == self.last_base {
            self.bounds.reached.min(log.len_bytes())
        } else {
            log.len_bytes()
        }
    }

    /// The first batch that reaches the offset, in its segment or a later one.
    fn find(&mut self, start: &mut Start<'_>) -> Result<Fetched, Thrown> {
        let floor = self.bases.partition_point(|base| *base <= self.at);
        for slot in floor.saturating_sub(1)..self.bases.len() {
            let Some(&base) = self.bases.get(slot) else {
                break;
            };
            let mut segment = Segment::open(start, base)?;
            let mut log = segment.log(start)?;
            match segment.translate(start, &mut log, self.at) {
                Ok(Some(position)) => {
                    return Ok(Fetched::Batch(Box::new((segment, log)), position));
                }
                Ok(None) => {
                    let reached = segment.reached(start, &mut log, self.at)?;
                    if self.stopped.is_none() && reached < self.len(&log, base) {
                        self.stopped = Some((segment.log_name(), reached));
                    }
                }
                Err(Thrown::Ours(error)) => return Err(error.into()),
                Err(_) => {
                    let until = self.next_chance(start, &mut segment)?;
                    let (file, position) = match self.stopped.take() {
                        Some(place) => place,
                        None => (segment.log_name(), 0),
                    };
                    return Ok(Fetched::Failure(file, position, until));
                }
            }
        }
        Ok(Fetched::Nothing)
    }

    /// The next offset for which a broker starts at another position: that of an index entry or of
    /// the next segment.
    fn next_chance(&self, start: &mut Start<'_>, segment: &mut Segment) -> Result<i64, Thrown> {
        let above = self.at.max(segment.base);
        let next = self
            .bases
            .get(self.bases.partition_point(|base| *base <= above));
        let entry = segment.entry_above(start, self.at)?;
        let chances = [next.copied(), entry].into_iter().flatten();
        Ok(chances.min().unwrap_or(self.bounds.end))
    }

    /// Reads batch after batch of a segment.
    fn read(
        &mut self,
        start: &mut Start<'_>,
        segment: &mut Segment,
        mut log: SegmentWindow,
        mut position: u64,
    ) -> Result<(), Thrown> {
        let len = self.len(&log, segment.base);
        let mut is_first = true;
        loop {
            let entry = match log.entry(position, len) {
                Ok(Some(entry)) => entry,
                Ok(None) => {
                    if position < len {
                        self.stopped = Some((segment.log_name(), position));
                    }
                    return Ok(());
                }
                Err(Thrown::Ours(error)) => return Err(error.into()),
                Err(_) => {
                    // The broker does not get past it either, unless an index entry leads past it.
                    self.stopped = Some((segment.log_name(), position));
                    return Ok(());
                }
            };
            let last = log.last_offset(entry)?;
            let base = match log.base_offset(entry, &mut start.scratch) {
                Err(Thrown::Ours(error)) => return Err(error.into()),
                found => found.unwrap_or(entry.offset),
            };
            if let Some((file, at)) = self.stopped.take()
                && base > self.at
            {
                self.fail(file, at, base, FetchFailure::SkippedSilently);
            }
            if Self::checked(&mut log, entry)? {
                let (records, next, whole) = log.decode(entry, self.at, &mut start.scratch)?;
                if !is_first && base < self.at && whole {
                    self.served.repeats(DuplicateOffsets {
                        file: segment.log_name(),
                        position,
                        first_offset: base,
                        last_offset: last.min(self.at.saturating_sub(1)),
                    });
                }
                if last >= self.bounds.end {
                    // The consumer's next offset does not exist: it is reset, or fails.
                    let end = self.bounds.end;
                    self.fail(segment.log_name(), position, end, FetchFailure::OutOfRange);
                    return Ok(());
                }
                self.served.records = self.served.records.saturating_add(records);
                self.at = self.at.max(next);
                if whole {
                    self.at = self.at.max(last.saturating_add(1));
                    (position, is_first) = (entry.end(), false);
                    continue;
                }
            }
            if self.at < self.bounds.end {
                let until = self.after_bad(start, segment, &mut log, entry, len)?;
                self.fail(
                    segment.log_name(),
                    position,
                    until,
                    FetchFailure::ConsumerThrows,
                );
            }
            return Ok(());
        }
    }

    /// Returns true if a consumer accepts a batch.
    fn checked(log: &mut SegmentWindow, entry: SegmentEntry) -> Result<bool, Thrown> {
        let is_known = MAGICS.contains(&entry.magic);
        match log.check(entry) {
            Ok(()) => Ok(is_known),
            Err(Thrown::Ours(error)) => Err(error.into()),
            Err(_) => Ok(false),
        }
    }

    /// Returns the offset from which on a fetch does not begin with this bad batch.
    fn after_bad(
        &self,
        start: &mut Start<'_>,
        segment: &mut Segment,
        log: &mut SegmentWindow,
        entry: SegmentEntry,
        len: u64,
    ) -> Result<i64, Thrown> {
        let claimed = log.last_offset(entry)?.max(self.at).saturating_add(1);
        // A fetch of the first offset of a later batch finds that one.
        let next = match log.entry(entry.end(), len) {
            Ok(Some(next)) if start.conditions.kafka.seeks_by_base_offset() => {
                log.base_offset(next, &mut start.scratch).ok()
            }
            _ => None,
        };
        let above = segment.entry_above(start, self.at)?;
        let until = [next.filter(|next| *next > self.at), above];
        Ok(until.into_iter().flatten().fold(claimed, i64::min))
    }
}
