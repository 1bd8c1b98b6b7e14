//! The contents of a disk: partitions with their segments, extents and sizes.
//!
//! Offsets that a broker stores outside of the log (log start, high watermark, recovery point) come
//! from the [`Checkpoints`] of the log dir, everything else from the partition's own files.

mod checkpoints;
mod usage;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use crate::format::name::DirState;
use crate::format::{FileKind, LeaderEpochs, Limits};
use crate::scan::{Extent, Jobs};
use crate::scan::{in_order, look_again};
use crate::store::{Cap, Error, Item, LogFile, Partition, Segment, Standing, Stream, read_small};
use crate::wire::{LeaderEpoch, Offset, Timestamp};

use checkpoints::Offsets;

pub use checkpoints::Checkpoints;
pub use usage::{TopicSummary, Usage};

/// The number of segments for one thread: reading the ends of a segment takes no longer than waking
/// a thread.
const SEGMENTS_AT_ONCE: usize = 64;

/// The depth of listing a partition.
#[derive(Debug, Clone, Copy)]
pub enum ListingDepth {
    /// The first and the last non-empty segment.
    Ends,
    /// Every segment, at its ends.
    Segments,
    /// Every record, decompressed within these limits.
    Records(Limits),
}

/// A segment and its extent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SegmentSummary {
    /// Its files.
    pub segment: Segment,
    /// True if records are appended to it: the last one of a partition in use.
    pub is_active: bool,
    /// The extent; `None` if it was not requested, or there is no readable file.
    pub extent: Option<Extent>,
}

impl SegmentSummary {
    /// Its `.log`, if that is a file.
    #[must_use]
    pub fn log(&self) -> Option<&Item> {
        self.segment
            .file(FileKind::Log)
            .filter(|item| item.is_file())
    }

    /// The offset of the next record.
    #[must_use]
    pub fn end_offset(&self) -> Option<Offset> {
        let next = self
            .extent?
            .last_offset
            .map(|last| Offset(last.0.saturating_add(1)));
        next.max(Some(self.segment.base_offset()))
    }
}

/// A partition, its segments, and its checkpoints.
#[derive(Debug)]
#[non_exhaustive]
pub struct PartitionSummary {
    /// Its files.
    pub partition: Partition,
    /// Its segments by base offset.
    pub segments: Vec<SegmentSummary>,
    /// The log start offset on this disk: that of the checkpoint, or the base offset of the first
    /// segment if that is larger.
    pub log_start: Option<Offset>,
    /// The log start offset in the checkpoint: that of tiered storage for a tiered topic.
    pub noted_log_start: Option<Offset>,
    /// The offset in the checkpoint of the log dir.
    pub high_watermark: Option<Offset>,
    /// The offset in the checkpoint of the log dir.
    pub recovery_point: Option<Offset>,
    /// The last epoch in `leader-epoch-checkpoint`; that of the last batch if there is none.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The errors of reading.
    pub errors: Vec<Error>,
}

impl PartitionSummary {
    /// A partition whose segments were not read yet.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn open(path: &Path, checkpoints: &Checkpoints) -> Result<Self, Error> {
        let partition = Partition::open(path)?;
        let mut segments: Vec<SegmentSummary> = partition
            .segments()
            .into_iter()
            .map(|segment| SegmentSummary {
                segment,
                is_active: false,
                extent: None,
            })
            .collect();
        let is_used = matches!(partition.state(), DirState::Current | DirState::Future);
        let mut logs = segments.iter_mut().filter(|each| each.log().is_some());
        if let Some(active) = logs.next_back() {
            active.is_active = is_used;
        }
        let id = partition.topic().map(str::to_owned).zip(partition.number());
        let noted = |of: &Offsets| {
            id.as_ref()
                .filter(|_| is_used)
                .and_then(|id| of.get(id).copied())
        };
        let first = segments.iter().find(|each| each.log().is_some());
        let first = first.map(|first| first.segment.base_offset());
        Ok(Self {
            log_start: first.max(noted(&checkpoints.log_starts)),
            noted_log_start: noted(&checkpoints.log_starts),
            high_watermark: noted(&checkpoints.high_watermarks),
            recovery_point: noted(&checkpoints.recovery_points),
            leader_epoch: None,
            errors: Vec::new(),
            segments,
            partition,
        })
    }

    /// Reads the segments. `open` opens a `.log` of which more than a few places are read. Errors
    /// are kept in [`errors`](Self::errors). If a running broker has deleted or compacted segments
    /// since they were listed, they are listed again.
    pub fn look(
        &mut self,
        depth: ListingDepth,
        jobs: Jobs,
        open: impl Fn(&Path) -> Result<LogFile, Error> + Sync,
    ) {
        let is_whole = self.segments.len() == self.partition.segments().len();
        let look = || {
            if self.has_vanished() {
                self.relist();
            }
            self.look_once(depth, jobs, &open);
            self.has_vanished()
        };
        let _gone = look_again(look, |has_vanished| *has_vanished && is_whole);
        if self.has_vanished() && !self.partition.path().exists() {
            self.errors.clear();
        }
    }

    /// Returns true if a file vanished since it was listed.
    fn has_vanished(&self) -> bool {
        self.errors.iter().any(Error::is_gone)
    }

    /// Lists the segments again.
    fn relist(&mut self) {
        let Ok(fresh) = Self::open(self.partition.path(), &Checkpoints::default()) else {
            return;
        };
        self.log_start = fresh.log_start.max(self.noted_log_start);
        (self.partition, self.segments) = (fresh.partition, fresh.segments);
        self.errors.clear();
    }

    fn look_once(
        &mut self,
        depth: ListingDepth,
        jobs: Jobs,
        open: impl Fn(&Path) -> Result<LogFile, Error> + Sync,
    ) {
        match depth {
            ListingDepth::Ends => self.look_at_ends(open),
            ListingDepth::Segments => self.look_at_all(jobs, SEGMENTS_AT_ONCE, |segment| {
                Extent::read(segment, &open)
            }),
            ListingDepth::Records(limits) => {
                let (outer, inner) = jobs.share(self.segments.len());
                self.look_at_all(outer, 1, |segment| {
                    Extent::scan(&open(segment.log())?, inner, limits)
                });
            }
        }
        self.leader_epoch = self.find_epoch();
    }

    /// Reads the last segments up to a non-empty one, and the first ones.
    fn look_at_ends(&mut self, open: impl Fn(&Path) -> Result<LogFile, Error>) {
        let Self {
            segments, errors, ..
        } = self;
        let mut tried = BTreeSet::new();
        let mut is_filled = |each: &mut SegmentSummary| {
            if tried.insert(each.segment.base_offset()) && each.log().is_some() {
                match Extent::read(&each.segment, &open) {
                    Ok(extent) => each.extent = Some(extent),
                    Err(error) => errors.push(error),
                }
            }
            each.extent
                .is_some_and(|extent| extent.last_offset.is_some())
        };
        let _last = segments.iter_mut().rev().any(&mut is_filled);
        let _first = segments.iter_mut().any(is_filled);
    }

    /// Every segment, `at_once` by a thread.
    fn look_at_all(
        &mut self,
        jobs: Jobs,
        at_once: usize,
        look: impl Fn(&Segment) -> Result<Extent, Error> + Sync,
    ) {
        let Self {
            segments, errors, ..
        } = self;
        let work = |some: &mut [SegmentSummary]| {
            let mut errors = Vec::new();
            for each in some.iter_mut().filter(|each| each.log().is_some()) {
                match look(&each.segment) {
                    Ok(extent) => each.extent = Some(extent),
                    Err(error) => errors.push(error),
                }
            }
            errors
        };
        in_order(jobs, segments.chunks_mut(at_once), work, &mut |more| {
            errors.extend(more);
            ControlFlow::Continue(())
        });
    }

    /// The errors of `.log`s that are not files, which a listing only names.
    pub fn unopened(&self) -> impl Iterator<Item = Error> {
        let logs = self.segments.iter();
        let logs = logs.filter_map(|each| each.segment.file(FileKind::Log));
        let odd = logs.filter(|item| !item.is_file());
        odd.filter_map(|item| Stream::open(item.path()).err())
    }

    fn find_epoch(&mut self) -> Option<LeaderEpoch> {
        let file = self.partition.item(FileKind::LeaderEpochs);
        let noted = match file
            .filter(|item| item.is_file())
            .map(|item| read_small(item.path(), Cap::of(FileKind::LeaderEpochs)))
        {
            Some(Ok(bytes)) => LeaderEpochs::parse(&bytes)
                .entries
                .last()
                .map(|last| last.epoch),
            Some(Err(error)) => {
                self.errors.push(error);
                None
            }
            None => None,
        };
        noted.or_else(|| self.extents().rev().find_map(|extent| extent.leader_epoch))
    }

    fn extents(&self) -> impl DoubleEndedIterator<Item = &Extent> {
        self.segments.iter().filter_map(|each| each.extent.as_ref())
    }

    /// The first offset of the first batch.
    #[must_use]
    pub fn first_offset(&self) -> Option<Offset> {
        self.extents().find_map(|extent| extent.first_offset)
    }

    /// The last offset of the last batch.
    #[must_use]
    pub fn last_offset(&self) -> Option<Offset> {
        self.extents().rev().find_map(|extent| extent.last_offset)
    }

    /// The offset of the next record.
    #[must_use]
    pub fn end_offset(&self) -> Option<Offset> {
        let end = self
            .segments
            .iter()
            .rev()
            .find_map(SegmentSummary::end_offset);
        end.max(self.log_start.filter(|_| end.is_some()))
    }

    /// The smallest timestamp of the segments read.
    #[must_use]
    pub fn first_timestamp(&self) -> Option<Timestamp> {
        self.extents()
            .filter_map(|extent| extent.first_timestamp)
            .min()
    }

    /// The largest timestamp of the segments read.
    #[must_use]
    pub fn last_timestamp(&self) -> Option<Timestamp> {
        self.extents()
            .filter_map(|extent| extent.last_timestamp)
            .max()
    }

    /// The number of records, if all segments were scanned.
    #[must_use]
    pub fn records(&self) -> Option<u64> {
        let logs = self.segments.iter().filter(|each| each.log().is_some());
        logs.map(|each| Some(each.extent?.counts?.records)).sum()
    }

    /// The items of the directory that have this standing.
    pub fn items(&self, standing: Standing) -> impl Iterator<Item = &Item> {
        let items = self.partition.items().iter();
        items.filter(move |item| self.partition.standing(item) == standing)
    }
}
