//! The offsets of partitions in the checkpoints of a log dir.

use std::collections::BTreeMap;
use std::path::Path;

use crate::format::{FileKind, OffsetCheckpoint};
use crate::store::{Cap, Error, Item, read_small};
use crate::wire::Offset;

/// Offsets by topic and partition.
pub(super) type Offsets = BTreeMap<(String, i32), Offset>;

/// The checkpoints of a log dir, by partition.
#[derive(Debug, Clone, Default)]
pub struct Checkpoints {
    pub(super) log_starts: Offsets,
    pub(super) high_watermarks: Offsets,
    pub(super) recovery_points: Offsets,
    cleaned: Offsets,
}

impl Checkpoints {
    /// Reads those in `dir`. Missing files and invalid lines are ignored.
    ///
    /// # Errors
    /// A file exists and cannot be read.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        Ok(Self {
            log_starts: offsets(dir, FileKind::LogStarts)?,
            high_watermarks: offsets(dir, FileKind::HighWatermarks)?,
            recovery_points: offsets(dir, FileKind::RecoveryPoints)?,
            cleaned: offsets(dir, FileKind::CleanerOffsets)?,
        })
    }
}

impl Checkpoints {
    /// The first offset of a partition that is not compacted yet, from `cleaner-offset-checkpoint`.
    #[must_use]
    pub fn cleaned_to(&self, (topic, number): (&str, i32)) -> Option<Offset> {
        self.cleaned.get(&(topic.to_owned(), number)).copied()
    }
}

fn offsets(dir: &Path, kind: FileKind) -> Result<Offsets, Error> {
    let bytes = match kind.fixed_name().map(|name| Item::at(dir.join(name))) {
        Some(Ok(item)) if item.is_file() => read_small(item.path(), Cap::of(kind))?,
        Some(Err(error)) if !error.is_not_found() => return Err(error),
        _ => Vec::new().into(),
    };
    let entries = OffsetCheckpoint::parse(&bytes).entries.into_iter();
    Ok(entries
        .map(|entry| ((entry.topic.to_owned(), entry.partition), entry.offset))
        .collect())
}
