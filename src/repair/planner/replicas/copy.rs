//! A copy of a partition: which of its batches are trusted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::super::diagnosis::{small, topic_id};
use super::super::steps::Steps;
use super::super::survey::{self, BatchRun, Stretch};
use crate::format::batch::HEADER_BYTES;
use crate::format::frame::FrameHeader;
use crate::format::{FileKind, LeaderEpochs};
use crate::repair::PlanPath;
use crate::repair::error::Error;
use crate::scan::Jobs;
use crate::store::{LogFile, Partition, Place, Stream};

/// The latest magic.
const MAGIC: i8 = 2;

/// A copy of a partition.
pub(super) struct Copy {
    pub(super) path: PathBuf,
    pub(super) segments: Vec<CopySegment>,
    /// The leader epochs that its checkpoint has, with their start offsets.
    pub(super) epochs: Vec<(i32, i64)>,
    /// The first offset from which it is not a copy of this log, and why.
    pub(super) parted: Option<(i64, &'static str)>,
}

/// A segment of it.
pub(super) struct CopySegment {
    pub(super) path: PathBuf,
    pub(super) base: i64,
    pub(super) len_bytes: u64,
    /// Batches with right checksums whose offsets rise.
    runs: Vec<BatchRun>,
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Single {
    pub(super) segment: usize,
    pub(super) range: Range<u64>,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) epoch: i32,
    pub(super) crc: u32,
    /// True if something that is no trusted batch is before it in its file.
    pub(super) is_after_damage: bool,
}

impl Single {
    /// Returns true if both are the same batch, as far as a checksum tells: it covers neither the
    /// base offset nor the leader epoch.
    pub(super) fn has_content_of(&self, other: &Self) -> bool {
        let len = |single: &Self| single.range.end - single.range.start;
        let width = |single: &Self| single.last.wrapping_sub(single.first);
        (self.crc, len(self), width(self)) == (other.crc, len(other), width(other))
    }
}

impl Copy {
    /// The copy of `partition` at `place`, if there is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn find(
        place: &Place,
        partition: &Partition,
        jobs: Jobs,
    ) -> Result<Option<Self>, Error> {
        let found = match place {
            Place::LogDir(dir) => {
                let item = dir.partition(partition.folder().as_ref());
                item.map(|item| Partition::open(item.path())).transpose()?
            }
            // A backup may have any name; another partition has another.
            Place::Partition(other) => {
                let is_it = other.name().is_none() || other.folder() == partition.folder();
                is_it.then(|| other.clone())
            }
            Place::File(_) => None,
        };
        let Some(found) = found.filter(|found| found.path() != partition.path()) else {
            return Ok(None);
        };
        let mut copy = Self::read(&found, jobs)?;
        if let (Some(ours), Some(theirs)) = (topic_id(partition), topic_id(&found))
            && ours != theirs
        {
            copy.parted = Some((
                i64::MIN,
                "it belongs to another topic of the same name (another topic id)",
            ));
        }
        Ok(Some(copy))
    }

    /// Reads a partition.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(partition: &Partition, jobs: Jobs) -> Result<Self, Error> {
        let logs: Vec<(i64, PathBuf, u64)> = partition
            .segments()
            .iter()
            .filter_map(|segment| {
                let item = segment.file(FileKind::Log).filter(|item| item.is_file())?;
                Some((
                    segment.base_offset().0,
                    item.path().to_owned(),
                    item.len_bytes(),
                ))
            })
            .collect();
        let ends: Vec<i64> = logs
            .iter()
            .skip(1)
            .map(|log| log.0)
            .chain([i64::MAX])
            .collect();
        let mut segments = Vec::new();
        for (index, ((base, path, len_bytes), end)) in logs.into_iter().zip(ends).enumerate() {
            let log = LogFile::Windowed(Stream::open(&path)?);
            let stretches = survey::survey(&log, index, &(base..end), jobs)?;
            segments.push(CopySegment {
                runs: trusted(&log, stretches, &(base..end))?,
                path,
                base,
                len_bytes,
            });
        }
        let item = partition.item(FileKind::LeaderEpochs);
        let bytes = item.and_then(|item| small(item.path()));
        let file = LeaderEpochs::parse(bytes.as_deref().unwrap_or_default());
        let entries = file.entries.iter().filter(|_| file.faults.is_empty());
        Ok(Self {
            path: partition.path().to_owned(),
            segments,
            epochs: entries
                .map(|entry| (entry.epoch.0, entry.start_offset.0))
                .collect(),
            parted: None,
        })
    }

    /// The offset after the last trusted batch.
    pub(super) fn end(&self) -> i64 {
        let last = self
            .segments
            .iter()
            .rev()
            .find_map(|segment| segment.runs.last());
        let base = self.segments.last().map_or(0, |segment| segment.base);
        last.map_or(base, |run| run.last.saturating_add(1))
            .max(base)
    }

    /// The batches of a segment.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn singles(&self, index: usize) -> Result<Vec<Single>, Error> {
        self.of_segment(index, i64::MIN, i64::MAX)
    }

    /// The batches that have offsets from `first` on and begin before `end`.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn window(&self, first: i64, end: i64) -> Result<Vec<Single>, Error> {
        let mut singles = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let next = self
                .segments
                .get(index + 1)
                .map_or(i64::MAX, |next| next.base);
            if segment.base < end && first < next {
                singles.extend(self.of_segment(index, first, end)?);
            }
        }
        Ok(singles)
    }

    fn of_segment(&self, index: usize, first: i64, end: i64) -> Result<Vec<Single>, Error> {
        let mut singles = Vec::new();
        let Some(segment) = self.segments.get(index) else {
            return Ok(singles);
        };
        let wanted: Vec<&BatchRun> = segment
            .runs
            .iter()
            .filter(|run| run.last >= first && run.first < end)
            .collect();
        if wanted.is_empty() {
            return Ok(singles);
        }
        let log = LogFile::Windowed(Stream::open(&segment.path)?);
        for run in wanted {
            let before = segment
                .runs
                .partition_point(|other| other.range.start < run.range.start);
            let before = before
                .checked_sub(1)
                .and_then(|before| segment.runs.get(before));
            let reached = before.map_or(0, |before| before.range.end);
            let mut is_after_damage = reached < run.range.start;
            for mut single in each(&log, run, index)? {
                single.is_after_damage = is_after_damage;
                is_after_damage = false;
                if single.last >= first && single.first < end {
                    singles.push(single);
                }
            }
        }
        Ok(singles)
    }

    /// Describes a copy that can be used only up to an offset.
    pub(super) fn parting(&self) -> Option<String> {
        let (at, why) = self.parted?;
        let path = self.path.display();
        Some(if at == i64::MIN {
            format!("{path} is not used: {why}")
        } else {
            format!("{path} is used only before offset {at}: {why}")
        })
    }

    /// A path of the plan for what is reported about the whole partition.
    pub(super) fn plan_path(&self, steps: &Steps<'_>) -> Option<PlanPath> {
        self.segments
            .iter()
            .find_map(|segment| steps.path(&segment.path))
    }
}

/// The runs that are believed: in their segment, with offsets that rise, as many batches as
/// possible.
fn trusted(
    log: &LogFile,
    stretches: Vec<Stretch>,
    home: &Range<i64>,
) -> Result<Vec<BatchRun>, Error> {
    let runs = stretches.into_iter().filter_map(|stretch| match stretch {
        Stretch::Run(run) => Some(run),
        Stretch::Gap { .. } => None,
    });
    let runs: Vec<BatchRun> = runs.collect();
    let is_home = |run: &BatchRun| {
        home.contains(&run.first) && home.contains(&run.last) && run.first <= run.last
    };
    let rises = runs
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a.last < b.first));
    if rises && runs.iter().all(is_home) {
        return Ok(runs);
    }
    let mut singles = Vec::new();
    for run in &runs {
        singles.extend(survey::singles(log, run)?);
    }
    singles.retain(is_home);
    Ok(rising(singles))
}

/// The most batches whose offsets rise in the order of the file.
fn rising(singles: Vec<BatchRun>) -> Vec<BatchRun> {
    // The end of the best chain of each length, by its last offset; longer chains end later.
    let mut front: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(singles.len());
    for (index, single) in singles.iter().enumerate() {
        let best = front
            .range(..single.first)
            .next_back()
            .map(|(_, chain)| *chain);
        let length = best.map_or(1, |(length, _)| length + 1);
        before.push(best.map(|(_, end)| end));
        while let Some((&later, &(other, _))) = front.range(single.last..).next()
            && other <= length
        {
            front.remove(&later);
        }
        let is_beaten = front
            .range(..=single.last)
            .next_back()
            .is_some_and(|(_, (other, _))| *other >= length);
        if !is_beaten {
            front.insert(single.last, (length, index));
        }
    }
    let mut chosen = vec![false; singles.len()];
    let mut next = front.values().next_back().map(|(_, end)| *end);
    while let Some(index) = next {
        if let Some(chosen) = chosen.get_mut(index) {
            *chosen = true;
        }
        next = before.get(index).copied().flatten();
    }
    let both = singles.into_iter().zip(chosen);
    both.filter_map(|(single, chosen)| chosen.then_some(single))
        .collect()
}

/// The batches of a run.
fn each(log: &LogFile, run: &BatchRun, segment: usize) -> Result<Vec<Single>, Error> {
    let mut singles = Vec::new();
    let (mut buffer, mut at) = (Vec::new(), run.range.start);
    while at < run.range.end {
        let header = log.window(at..at + HEADER_BYTES as u64, &mut buffer)?;
        let Some(single) = BatchRun::of_header(header, segment, at) else {
            break;
        };
        at = single.range.end;
        // No checksum covers the magic.
        if FrameHeader::read(header).is_none_or(|header| header.magic() > MAGIC) {
            continue;
        }
        singles.push(Single {
            segment,
            crc: single.crc,
            range: single.range,
            first: single.first,
            last: single.last,
            epoch: single.epochs.0,
            is_after_damage: false,
        });
    }
    Ok(singles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(first: i64, last: i64) -> BatchRun {
        BatchRun {
            file: 0,
            range: 0..1,
            first,
            last,
            epochs: (0, 0),
            batches: 1,
            covered: 1,
            records: 1,
            crc: 1,
            is_modern: true,
        }
    }

    #[test]
    fn a_batch_whose_offset_leaps_is_not_trusted_and_its_neighbours_are() {
        for (offsets, expected) in [
            (&[0, 1, 9_000, 3, 4][..], &[0, 1, 3, 4][..]),
            (&[5, 6, 2, 8], &[5, 6, 8]),
            (&[9_000, 1, 2], &[1, 2]),
            (&[1, 1, 2], &[1, 2]),
            (&[], &[]),
        ] {
            let runs = offsets.iter().map(|at| single(*at, *at)).collect();
            let kept: Vec<i64> = rising(runs).iter().map(|run| run.first).collect();
            assert_eq!(kept, expected);
        }
    }
}
