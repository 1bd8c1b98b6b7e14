//! What a `.log` holds, in short: runs of batches whose offsets rise, and gaps between them.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use crate::format::batch::HEADER_BYTES;
use crate::format::frame::FrameHeader;
use crate::format::{Batch, Fault, RecordBatch, Scratch};
use crate::scan::seek::last_offset;
use crate::scan::{
    Event, GapPart, Jobs, Merge, Output, PieceVisitor, Policy, ScanOptions, Visitor, scan,
};
use crate::store::{Error, LogFile};
use crate::wire::units::LOG_OVERHEAD;

/// The limit of producers of a segment whose positions are kept.
const MOST_PRODUCERS: usize = 1 << 16;

/// Offsets that may be missing between two batches of a run: a batch further away is looked at by
/// itself, because no checksum covers its offset.
pub(super) const LEAP: i64 = 1 << 12;

/// Batches that follow each other without a gap in the file, offsets rising and leader epochs not
/// falling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BatchRun {
    /// Which of the partition's segments it is in.
    pub(super) file: usize,
    /// The range.
    pub(super) range: Range<u64>,
    /// The base offset of the first batch, and the last offset of the last.
    pub(super) first: i64,
    pub(super) last: i64,
    /// The leader epochs of the first and the last batch.
    pub(super) epochs: (i32, i32),
    pub(super) batches: u64,
    /// Offsets that the batches cover.
    pub(super) covered: u64,
    /// Records, by the counts in the headers: compaction leaves fewer than offsets.
    pub(super) records: u64,
    /// The checksum, if it is one batch.
    pub(super) crc: u32,
    /// True if it is of magic 2 throughout.
    pub(super) is_modern: bool,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stretch {
    /// Batches.
    Run(BatchRun),
    /// Bytes that are not a batch, and the reason.
    Gap {
        file: usize,
        range: Range<u64>,
        fault: Option<Fault>,
        /// True if some of it cannot be read.
        is_cut: bool,
    },
}

/// Which offsets belong into a segment: from its base offset up to the next one's.
pub(super) type Home = Range<i64>;

/// Surveys the `.log` at `path`, the segment number `file`.
///
/// # Errors
/// It cannot be read.
pub(super) fn survey(
    log: &LogFile,
    file: usize,
    home: &Home,
    jobs: Jobs,
) -> Result<Vec<Stretch>, Error> {
    let options = ScanOptions {
        jobs,
        ..ScanOptions::of(Policy::Salvage)
    };
    let visitor = || Surveyor {
        file,
        row: Stretches {
            home: home.clone(),
            stretches: Vec::new(),
        },
    };
    scan(log, options, visitor, &mut |_| ControlFlow::Continue(())).map(|row| row.stretches)
}

/// The batches of a run, one by one.
///
/// # Errors
/// The file cannot be read.
pub(super) fn singles(log: &LogFile, run: &BatchRun) -> Result<Vec<BatchRun>, Error> {
    let mut singles = Vec::new();
    each_single(log, run, |single, _| {
        singles.push(single);
        ControlFlow::Continue(())
    })?;
    Ok(singles)
}

/// Shows the batches of a run one by one, with their headers.
fn each_single(
    log: &LogFile,
    run: &BatchRun,
    mut take: impl FnMut(BatchRun, &[u8]) -> ControlFlow<()>,
) -> Result<(), Error> {
    let mut buffer = Vec::new();
    let mut at = run.range.start;
    while at < run.range.end {
        let header = log.window(at..at + HEADER_BYTES as u64, &mut buffer)?;
        let Some(single) = BatchRun::of_header(header, run.file, at) else {
            break;
        };
        at = single.range.end;
        if take(single, header).is_break() {
            break;
        }
    }
    Ok(())
}

/// Returns a score of how well a single batch fits between those of its producer in the same file
/// (`runs`): one more for each side on which the sequence numbers continue, one less for each on
/// which they don't.
///
/// # Errors
/// The file cannot be read.
pub(super) fn continuity(
    log: &LogFile,
    runs: &[BatchRun],
    single: &BatchRun,
) -> Result<i32, Error> {
    let mut buffer = Vec::new();
    let header = single.range.start..single.range.start + HEADER_BYTES as u64;
    let Some(own) = Sequence::of_header(log.window(header, &mut buffer)?) else {
        return Ok(0);
    };
    let (mut before, mut after) = (None, None);
    for run in runs.iter().filter(|run| run.range != single.range) {
        each_single(log, run, |other, header| {
            let of_same = |other: &Sequence| other.producer == own.producer;
            let sequence = Sequence::of_header(header).filter(of_same);
            if other.range.start < single.range.start {
                before = sequence.or(before);
            } else if other.range.start > single.range.start {
                after = after.or(sequence);
            }
            if after.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
    }
    let fits = |one: Sequence, next: Sequence| {
        let is_next = one.last.checked_add(1).unwrap_or(0) == next.first;
        if is_next { 1 } else { -1 }
    };
    Ok(before.map_or(0, |before| fits(before, own)) + after.map_or(0, |after| fits(own, after)))
}

/// The sequence numbers that a batch of so many records at `position` must have had, by those of
/// the other batches in the file, of which these are the `runs`, and of those that were `made`
/// before it, with their positions: those of the one producer who counts just as many records more
/// from before it to after it.
///
/// # Errors
/// The file cannot be read.
pub(super) fn missing_sequence<'a>(
    log: &LogFile,
    runs: impl Iterator<Item = &'a BatchRun>,
    made: &[(u64, Sequence)],
    position: u64,
    records: i32,
) -> Result<Option<Sequence>, Error> {
    let mut before: BTreeMap<(i64, i16), (u64, i32)> = BTreeMap::new();
    let mut behind = BTreeMap::new();
    for (at, sequence) in made {
        before.insert(sequence.producer, (*at, sequence.last));
    }
    for run in runs {
        each_single(log, run, |single, header| {
            if let Some(sequence) = Sequence::of_header(header) {
                let at = single.range.start;
                if at < position {
                    let latest = before.entry(sequence.producer).or_default();
                    *latest = (*latest).max((at, sequence.last));
                } else {
                    behind.entry(sequence.producer).or_insert(sequence.first);
                }
            }
            if before.len() + behind.len() > MOST_PRODUCERS {
                before.clear();
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
    }
    let mut fitting = before.into_iter().filter_map(|(producer, (_, last))| {
        let first = last.checked_add(1)?;
        let is_next = behind.get(&producer).copied() == first.checked_add(records);
        is_next.then_some(Sequence {
            producer,
            first,
            last: last.checked_add(records)?,
        })
    });
    let only = fitting.next();
    Ok(only.filter(|_| fitting.next().is_none()))
}

/// The sequence numbers of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    /// The id and the epoch.
    pub(super) producer: (i64, i16),
    pub(super) first: i32,
    pub(super) last: i32,
}

impl Sequence {
    pub(super) fn of_header(bytes: &[u8]) -> Option<Self> {
        let header = FrameHeader::read(bytes)?;
        let batch = RecordBatch::of_header(bytes).filter(|_| header.magic() >= 2)?;
        let has_sequence = batch.producer_id().0 >= 0 && batch.base_sequence() >= 0;
        has_sequence.then(|| Self {
            producer: (batch.producer_id().0, batch.producer_epoch()),
            first: batch.base_sequence(),
            last: batch.last_sequence(),
        })
    }
}

impl BatchRun {
    /// The run of the one batch whose header `bytes` begin with, at `position` of segment number
    /// `file`.
    pub(super) fn of_header(bytes: &[u8], file: usize, position: u64) -> Option<Self> {
        let header = FrameHeader::read(bytes)?;
        let size = header.frame_bytes().ok()?;
        let last = last_offset(bytes).ok()?.0;
        let batch = RecordBatch::of_header(bytes).filter(|_| header.magic() >= 2);
        // Of a compressed set of messages the first offset is inside; its last one tells its place.
        let first = batch.map_or(last, |batch| batch.base_offset().0);
        let epoch = batch.map_or(-1, |batch| batch.leader_epoch().0);
        Some(Self {
            file,
            range: position..position + size as u64,
            first,
            last,
            epochs: (epoch, epoch),
            batches: 1,
            covered: covered(first, last),
            records: batch.map_or_else(|| covered(first, last), records),
            crc: batch.map_or_else(|| legacy_crc(bytes), |batch| batch.stored_crc()),
            is_modern: batch.is_some(),
        })
    }

    /// The run of one batch of segment number `file`.
    fn of(batch: &Batch<'_>, file: usize) -> Self {
        let position = batch.position().0;
        let last = batch.last_offset().0;
        // Of a compressed set of messages the first offset is inside; its last one tells its place.
        let first = batch.offset().0;
        let (epoch, crc, records, is_modern) = match batch {
            Batch::V2(batch) => {
                let epoch = batch.leader_epoch().0;
                (epoch, batch.stored_crc(), records(*batch), true)
            }
            Batch::Legacy(message) => (-1, message.stored_crc(), covered(first, last), false),
        };
        Self {
            file,
            range: position..position + batch.size_bytes() as u64,
            first,
            last,
            epochs: (epoch, epoch),
            batches: 1,
            covered: covered(first, last),
            records,
            crc,
            is_modern,
        }
    }

    /// Returns true if `next` continues where this one ends, both inside `home` or both outside.
    pub(super) fn goes_on_with(&self, next: &Self, home: &Home) -> bool {
        let is_home = |run: &Self| home.contains(&run.first) && home.contains(&run.last);
        self.file == next.file
            && self.range.end == next.range.start
            && self.last < next.first
            && next.first.saturating_sub(self.last) <= LEAP
            && next.first <= next.last
            && self.first <= self.last
            && (next.epochs.0 == -1 || self.epochs.1 <= next.epochs.0)
            && self.epochs.0 >= -1
            && is_home(self) == is_home(next)
    }

    /// Joins runs that follow each other into one.
    pub(super) fn joined(runs: impl IntoIterator<Item = Self>) -> Option<Self> {
        runs.into_iter().reduce(|mut all, next| {
            all.join(&next);
            all
        })
    }

    pub(super) fn join(&mut self, next: &Self) {
        self.range.end = next.range.end;
        self.last = next.last;
        self.epochs.1 = next.epochs.1;
        self.batches += next.batches;
        self.covered += next.covered;
        self.records = self.records.saturating_add(next.records);
        self.crc = 0;
        self.is_modern &= next.is_modern;
    }
}

/// The checksum of a message of magic 0 or 1.
fn legacy_crc(bytes: &[u8]) -> u32 {
    let field = bytes.get(LOG_OVERHEAD..).and_then(<[u8]>::first_chunk);
    field.copied().map_or(0, u32::from_be_bytes)
}

fn records(batch: RecordBatch<'_>) -> u64 {
    u64::try_from(batch.records_count()).unwrap_or(0)
}

/// The offsets that a batch covers. A header in which they are more than fit a batch, or less than
/// none, says nothing but that there is a record.
fn covered(first: i64, last: i64) -> u64 {
    let delta = last.saturating_sub(first);
    i32::try_from(delta).map_or(1, |delta| u64::try_from(delta).unwrap_or(0) + 1)
}

/// The stretches seen so far.
struct Stretches {
    home: Home,
    stretches: Vec<Stretch>,
}

impl Stretches {
    fn push(&mut self, next: Stretch) {
        match (self.stretches.last_mut(), next) {
            (Some(Stretch::Run(run)), Stretch::Run(next))
                if run.goes_on_with(&next, &self.home) =>
            {
                run.join(&next);
            }
            (_, next) => self.stretches.push(next),
        }
    }
}

impl Merge for Stretches {
    fn merge(&mut self, next: Self) {
        for stretch in next.stretches {
            self.push(stretch);
        }
    }
}

struct Surveyor {
    file: usize,
    row: Stretches,
}

impl Visitor for Surveyor {
    fn event(&mut self, event: Event<'_>, _: &mut Scratch, _: &mut Output<'_>) -> ControlFlow<()> {
        let file = self.file;
        match event.into_batch() {
            Ok(batch) => self.row.push(Stretch::Run(BatchRun::of(&batch, file))),
            Err(gap) => {
                // What is unreadable, with what is left of the batches around it, is a stretch of
                // its own.
                let parts: Vec<&GapPart> = gap.parts().collect();
                for parts in parts.chunk_by(|one, next| one.is_cut() == next.is_cut()) {
                    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
                        continue;
                    };
                    self.row.push(Stretch::Gap {
                        file,
                        range: first.range.start..last.range.end,
                        fault: parts.iter().find_map(|part| part.fault()),
                        is_cut: first.is_cut(),
                    });
                }
            }
        }
        ControlFlow::Continue(())
    }
}

impl PieceVisitor for Surveyor {
    type Piece = Stretches;

    fn end(self) -> Stretches {
        self.row
    }
}
