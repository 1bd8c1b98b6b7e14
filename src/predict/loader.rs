//! Loading the segments of a partition, recovering them, and the state of producers: `LogLoader`.

use std::collections::BTreeMap;

use super::leftovers::{is_index, offset_of};
use super::producers::Producers;
use super::reason::Reason;
use super::segment::Segment;
use super::start::{Bounds, Given, Start};
use super::thrown::Thrown;
use super::txn_index;
use super::virtual_dir::Content;
use crate::format::name::LOG_SUFFIX;
use crate::format::name::stem;
use crate::wire::Offset;
use crate::wire::units::MAX_RELATIVE_OFFSET;

/// The state of the loader.
#[derive(Debug)]
pub(super) struct Loader {
    given: Given,
    pub(super) segments: BTreeMap<i64, Segment>,
    producers: Producers,
}

impl Loader {
    /// Lists the snapshots, as the first thing that is done.
    pub(super) fn new(start: &Start<'_>, given: Given) -> Result<Self, Thrown> {
        Ok(Self {
            given,
            segments: BTreeMap::new(),
            producers: Producers::listed(&start.virtual_dir)?,
        })
    }

    /// Opens every segment, and recovers those without a usable index; starts again if one was
    /// split.
    pub(super) fn open_all(&mut self, start: &mut Start<'_>) -> Result<(), Thrown> {
        loop {
            match self.open_once(start) {
                Err(Thrown::Overflow(base)) => self.split(start, base)?,
                opened => return opened,
            }
        }
    }

    fn open_once(&mut self, start: &mut Start<'_>) -> Result<(), Thrown> {
        self.segments.clear();
        for name in start.virtual_dir.names() {
            if is_index(&name) {
                let log = format!("{}{LOG_SUFFIX}", stem(Offset(offset_of(&name)?)));
                if !start.virtual_dir.exists(&log) {
                    start.virtual_dir.delete(&name);
                }
            } else if name.ends_with(LOG_SUFFIX) {
                let base = offset_of(&name)?;
                let mut segment = Segment::open(start, base)?;
                if !is_usable(start, &segment)? {
                    let file = segment.log_name();
                    start.reasons.push(Reason::NoIndex { file });
                    let mut producers = self.producers_at(start, base)?;
                    let recovered = segment.recover(start, &mut producers);
                    self.forget_before(base);
                    self.segments.insert(base, segment);
                    recovered.map_err(|thrown| thrown.escaped(&name))?;
                    producers.snapshot(&mut start.virtual_dir)?;
                }
                self.segments
                    .entry(base)
                    .or_insert(Segment::open(start, base)?);
            }
        }
        Ok(())
    }

    /// Drops the new index of the previous segment, which is not needed when a segment is
    /// recovered.
    fn forget_before(&mut self, base: i64) {
        if let Some((_, before)) = self.segments.range_mut(..base).next_back() {
            before.forget_index();
        }
    }

    /// Returns the state of the producers at the start of a segment.
    pub(super) fn producers_at(
        &mut self,
        start: &mut Start<'_>,
        base: i64,
    ) -> Result<Producers, Thrown> {
        let mut producers = Producers::default();
        self.rebuild(start, &mut producers, self.given.log_start, base)?;
        Ok(producers)
    }

    /// Updates the state of producers up to `end` (`rebuildProducerState`).
    fn rebuild(
        &mut self,
        start: &mut Start<'_>,
        producers: &mut Producers,
        log_start: i64,
        end: i64,
    ) -> Result<(), Thrown> {
        producers.reload(&mut start.virtual_dir, log_start, end)?;
        if end > producers.map_end() {
            let floor = self
                .segments
                .range(..=end)
                .next_back()
                .map(|(&base, _)| base);
            let on_the_way = self.last_two();
            for base in self.bases(producers.map_end(), end) {
                let from = base.max(producers.map_end()).max(log_start);
                producers.advance(from);
                if on_the_way.contains(&base) {
                    producers.snapshot(&mut start.virtual_dir)?;
                }
                if let Some(segment) = self.segments.get_mut(&base) {
                    let limit = (floor == Some(base)).then_some(end);
                    replay(start, segment, producers, from, limit)?;
                }
            }
        }
        producers.advance(end);
        producers.snapshot(&mut start.virtual_dir)
    }

    /// The bases of the last two segments.
    fn last_two(&self) -> Vec<i64> {
        let mut bases: Vec<i64> = self.segments.keys().rev().take(2).copied().collect();
        bases.reverse();
        bases
    }

    /// The bases of the segments from the one that holds `from` to below `end`
    /// (`LogSegments.values`).
    pub(super) fn bases(&self, from: i64, end: i64) -> Vec<i64> {
        let floor = self.segments.range(..=from).next_back();
        let first = floor.map_or(i64::MIN, |(&base, _)| base);
        let bases = self.segments.range(first..end.max(first));
        bases.map(|(&base, _)| base).collect()
    }

    /// Recovers segments as far as necessary, and returns the start and end of the log.
    pub(super) fn finish(&mut self, start: &mut Start<'_>) -> Result<Bounds, Thrown> {
        let (end, reached) = if self.given.to_be_deleted {
            if self.segments.is_empty() {
                self.segments.insert(0, Segment::open(start, 0)?);
            }
            (0, 0)
        } else {
            let end = loop {
                match self.recover_log(start) {
                    Err(Thrown::Overflow(base)) => self.split(start, base)?,
                    recovered => break recovered?,
                }
            };
            if let Some(mut last) = self.segments.last_entry() {
                last.get_mut().make_room(start)?;
            }
            end
        };
        start.epochs.truncate(end);
        let first = self.segments.keys().next().copied().unwrap_or(0);
        let log_start = self.given.log_start.max(first);
        let bases: Vec<i64> = self.segments.keys().copied().collect();
        let mut producers = std::mem::take(&mut self.producers);
        producers.remove_strays(&mut start.virtual_dir, &bases);
        if producers.has_no_snapshot(&start.virtual_dir) && self.given.clean {
            if end > log_start {
                start.reasons.push(Reason::ProducersForgotten);
            }
            for offset in self.last_two().into_iter().chain([end]) {
                producers.advance(offset);
                producers.snapshot(&mut start.virtual_dir)?;
            }
        } else {
            self.rebuild(start, &mut producers, log_start, end)?;
        }
        if let Some(first) = producers.first_unstable() {
            self.look_up(start, first.max(log_start), end)?;
        }
        start.ongoing.clone_from(producers.ongoing());
        start.idle_producers = producers.idle();
        Ok(Bounds {
            start: log_start,
            end,
            reached,
        })
    }

    /// Searches the batch of an offset, as for the first transaction
    /// (`maybeIncrementFirstUnstableOffset`): it may be missing, but an unreadable batch before it
    /// is an error.
    fn look_up(&mut self, start: &mut Start<'_>, offset: i64, end: i64) -> Result<(), Thrown> {
        let floor = self.segments.range(..=offset).next_back();
        let floor = floor.map(|(&base, _)| base);
        let (Some(floor), true) = (floor, offset <= end) else {
            if start.conditions.kafka.forgives_lost_transactions() {
                return Ok(());
            }
            return Err(Thrown::fatal(
                "a producer snapshot",
                format_args!("a transaction begins at offset {offset}, which is not in the log"),
            ));
        };
        if offset == end {
            return Ok(());
        }
        for (_, segment) in self.segments.range_mut(floor..) {
            let mut log = segment.log(start)?;
            let found = segment
                .translate(start, &mut log, offset)
                .map_err(|thrown| thrown.escaped(log.name()))?;
            if found.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// `recoverLog`.
    fn recover_log(&mut self, start: &mut Start<'_>) -> Result<(i64, u64), Thrown> {
        if !self.given.clean {
            let mut unflushed = self.bases(self.given.recovery_point, i64::MAX).into_iter();
            while let Some(base) = unflushed.next() {
                if self.recover(start, base)? > 0 {
                    self.delete(start, unflushed.as_slice());
                    break;
                }
            }
        }
        if let Some(mut last) = self.segments.last_entry() {
            let (end, reached) = last.get_mut().next_offset(start)?;
            let log_start = self.given.log_start;
            if end >= log_start {
                return Ok((end, reached));
            }
            start.reasons.push(Reason::EndsBeforeStart {
                end,
                start: log_start,
            });
            let all: Vec<i64> = self.segments.keys().copied().collect();
            self.delete(start, &all);
            start.epochs.clear();
            self.producers.restart(&mut start.virtual_dir, log_start);
        }
        let base = self.given.log_start;
        let mut segment = Segment::open(start, base)?;
        let end = segment.next_offset(start)?;
        self.segments.insert(base, segment);
        Ok(end)
    }

    /// Recovers a segment; an error that is not handled empties it. Returns the number of truncated
    /// bytes.
    fn recover(&mut self, start: &mut Start<'_>, base: i64) -> Result<u64, Thrown> {
        let recovered = self.producers_at(start, base).and_then(|mut producers| {
            let Some(segment) = self.segments.get_mut(&base) else {
                return Ok(0);
            };
            let cut = segment.recover(start, &mut producers)?;
            producers.snapshot(&mut start.virtual_dir)?;
            Ok(cut)
        });
        self.forget_before(base);
        let Some(segment) = self.segments.get_mut(&base) else {
            return recovered;
        };
        let file = segment.log_name();
        let reason = match recovered {
            Err(Thrown::Disorder(position)) => Reason::OffsetsGoBack {
                file: file.clone(),
                position,
            },
            Err(Thrown::Io(reason)) if start.conditions.kafka.wipes_on_io_errors() => reason,
            Err(thrown) => return Err(thrown.escaped(&file)),
            Ok(cut) => return Ok(cut),
        };
        start.recovered(&file);
        start.reasons.push(reason);
        segment.truncate(start, base)
    }

    /// Deletes segments and the snapshots at their bases.
    pub(super) fn delete(&mut self, start: &mut Start<'_>, bases: &[i64]) {
        for base in bases {
            if let Some(segment) = self.segments.remove(base) {
                for name in segment.names() {
                    start.virtual_dir.delete(&name);
                }
            }
            self.producers.remove(&mut start.virtual_dir, *base);
        }
    }

    /// Splits a segment whose last offset is too far from its base (`splitOverflowedSegment`).
    fn split(&mut self, start: &mut Start<'_>, base: i64) -> Result<(), Thrown> {
        let Some(mut segment) = self.segments.remove(&base) else {
            return Ok(());
        };
        let name = segment.log_name();
        if !segment.overflows(start)? {
            return Err(Thrown::fatal(
                &name,
                "an offset is too far from the base offset of the segment to be indexed",
            ));
        }
        start.reasons.push(Reason::Split { file: name.clone() });
        let pieces = pieces(start, &segment).map_err(|thrown| thrown.escaped(&name))?;
        for old in segment.names() {
            start.virtual_dir.delete(&old);
        }
        if !pieces.iter().any(|(piece, _)| *piece == base) {
            self.producers.remove(&mut start.virtual_dir, base);
        }
        for (piece, content) in pieces {
            start
                .virtual_dir
                .put(&format!("{}{LOG_SUFFIX}", stem(Offset(piece))), content);
            let segment = Segment::open(start, piece)?;
            let [_, index, time_index, _] = segment.names();
            start.virtual_dir.put(&index, Content::Rebuilt);
            start.virtual_dir.put(&time_index, Content::Rebuilt);
            self.segments.insert(piece, segment);
        }
        Ok(())
    }
}

/// `LogSegment.sanityCheck`: there is an offset index, and the transaction index is valid.
fn is_usable(start: &mut Start<'_>, segment: &Segment) -> Result<bool, Thrown> {
    let [_, index, time_index, txn_index] = segment.names();
    if !start.virtual_dir.exists(&index) {
        return Ok(false);
    }
    if !start.virtual_dir.exists(&time_index) {
        start.virtual_dir.put(&time_index, Content::Zeros(0));
    }
    txn_index::is_sane(&start.virtual_dir, &txn_index, segment.base)
}

/// Reads a segment again from an offset on, up to the offset `limit`.
fn replay(
    start: &mut Start<'_>,
    segment: &mut Segment,
    producers: &mut Producers,
    from: i64,
    limit: Option<i64>,
) -> Result<(), Thrown> {
    let mut log = segment.log(start)?;
    let name = segment.log_name();
    let mut read = || {
        let end = match limit {
            Some(limit) => segment.translate(start, &mut log, limit)?,
            None => None,
        };
        let end = end.unwrap_or(log.len_bytes());
        let Some(position) = segment.translate(start, &mut log, from)? else {
            return Ok(());
        };
        if position > end {
            return Err(Thrown::fatal(&name, "the entries of its index go back"));
        }
        producers.replay(&mut log, position, end, &mut start.scratch)
    };
    read().map_err(|thrown: Thrown| thrown.escaped(&name))
}

/// The pieces that a segment is split into: their bases and bytes.
fn pieces(start: &mut Start<'_>, segment: &Segment) -> Result<Vec<(i64, Content)>, Thrown> {
    let mut log = segment.log(start)?;
    let name = segment.log_name();
    let Some(Content::Disk {
        path, start: at, ..
    }) = start.virtual_dir.file(&name).cloned()
    else {
        return Ok(Vec::new());
    };
    let mut pieces = Vec::new();
    let mut position = 0;
    while position < log.len_bytes() {
        let from = position;
        let Some(first) = log.entry(position, log.len_bytes())? else {
            return Err(Thrown::fatal(
                &name,
                "cannot be split: it does not end with a batch",
            ));
        };
        let base = log.base_offset(first, &mut start.scratch)?;
        while let Some(entry) = log.entry(position, log.len_bytes())? {
            if !(0..=2).contains(&entry.magic) {
                return Err(Thrown::fatal(&name, "cannot be split: unknown magic byte"));
            }
            let relative = log.last_offset(entry)?.wrapping_sub(base);
            if !(0..=MAX_RELATIVE_OFFSET).contains(&relative) {
                break;
            }
            position = entry.end();
        }
        if position == from {
            return Err(Thrown::fatal(
                &name,
                "cannot be split: a batch ends before it begins",
            ));
        }
        pieces.push((
            base,
            Content::Disk {
                path: path.clone(),
                start: at.saturating_add(from),
                len: position.saturating_sub(from),
            },
        ));
    }
    Ok(pieces)
}
