//! Files of a topic to an [`Image`], in the order of the log.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::Image;
use crate::format::{FileKind, Limits, Scratch};
use crate::scan::{Event, Output, Policy, ScanOptions, Visitor, follow};
use crate::store::{Error, LogFile, Partition};
use crate::wire::Offset;

/// A file of a log, and the first offset of its part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPart {
    /// The file.
    pub path: PathBuf,
    /// Batches that end before this offset are skipped: a snapshot covers them.
    pub from: Offset,
}

/// A damaged place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DamagedPlace {
    /// The file.
    pub path: PathBuf,
    /// The position of its first byte.
    pub position: u64,
    /// The fault.
    pub what: String,
}

impl LogPart {
    /// All batches of a file.
    #[must_use]
    pub const fn all_of(path: PathBuf) -> Self {
        Self {
            path,
            from: Offset(i64::MIN),
        }
    }

    /// The segments of a partition in order; for the metadata log the newest snapshot, then the
    /// segments that it does not cover.
    #[must_use]
    pub fn of(partition: &Partition) -> Vec<Self> {
        let snapshots = partition.items().iter();
        let snapshots = snapshots
            .filter(|item| item.is_file() && item.is_current(FileKind::MetadataSnapshot))
            .filter_map(|item| Some((item.file_name()?.offset?, item.path().to_owned())));
        let newest = snapshots.max();
        let from = newest.as_ref().map_or(Offset(i64::MIN), |(end, _)| *end);
        let mut parts: Vec<Self> = newest
            .into_iter()
            .map(|(_, path)| Self::all_of(path))
            .collect();
        let segments = partition.segments().into_iter();
        // What is there and is not a file is an error, not nothing.
        let segments = segments.filter(|segment| segment.file(FileKind::Log).is_some());
        parts.extend(segments.map(|segment| Self {
            path: segment.log().to_owned(),
            from,
        }));
        parts
    }
}

/// Adds the batches of the files of one log to an image; `open` opens them. Damaged places are
/// added to `damage`. Returns the errors of files that could not be read completely; the image has
/// the batches of the others.
pub fn fold<I: Image>(
    image: &mut I,
    parts: &[LogPart],
    limits: Limits,
    open: impl Fn(&Path) -> Result<LogFile, Error>,
    damage: &mut Vec<DamagedPlace>,
) -> Vec<Error> {
    let options = ScanOptions {
        limits,
        ..ScanOptions::of(Policy::Salvage)
    };
    let mut lost = Vec::new();
    for part in parts {
        let mut folding = Folding {
            image,
            part,
            damage,
        };
        let mut nobody = |_| ControlFlow::Continue(());
        let read =
            open(&part.path).and_then(|log| follow(&log, options, &mut folding, &mut nobody));
        lost.extend(read.err());
    }
    lost
}

/// Adds the log of a partition to an image. Returns its damaged places.
///
/// # Errors
/// A file cannot be read.
pub fn read<I: Image>(
    image: &mut I,
    partition: &Partition,
    limits: Limits,
    open: impl Fn(&Path) -> Result<LogFile, Error>,
) -> Result<Vec<DamagedPlace>, Error> {
    let mut damage = Vec::new();
    let unread = fold(image, &LogPart::of(partition), limits, open, &mut damage);
    unread.into_iter().next().map_or(Ok(damage), Err)
}

/// The effect of a record on an image depends on those before it, so there are no visitors of
/// pieces.
struct Folding<'a, I> {
    image: &'a mut I,
    part: &'a LogPart,
    damage: &'a mut Vec<DamagedPlace>,
}

impl<I> Folding<'_, I> {
    fn damaged(&mut self, position: u64, what: String) {
        self.damage.push(DamagedPlace {
            path: self.part.path.clone(),
            position,
            what,
        });
    }
}

impl<I: Image> Visitor for Folding<'_, I> {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match event.into_batch() {
            Ok(batch) if batch.last_offset() < self.part.from => {}
            Ok(batch) => {
                if let Err(fault) = self.image.batch(&batch, scratch) {
                    self.damaged(batch.position().0, fault.to_string());
                }
            }
            Err(gap) if gap.is_zeros() => {
                self.damaged(gap.range().start, "zeros".to_owned());
            }
            Err(gap) => self.damaged(gap.range().start, gap.to_string()),
        }
        ControlFlow::Continue(())
    }
}
