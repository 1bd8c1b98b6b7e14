//! Partitions: a directory, its segments in order, and its other files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Error, Item, Segment, Standing};
use crate::format::name::{self, DirName, DirState, TieredDirName};
use crate::format::{FileKind, FileName};

/// The directory of a partition, as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    path: PathBuf,
    /// The absolute path; its last part is that of the link if the directory is a link, as for a
    /// broker.
    whole: PathBuf,
    items: Vec<Item>,
}

impl Partition {
    /// Lists the directory.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let items = Item::list(&path)?;
        let whole = match path.file_name() {
            Some(_) => std::path::absolute(&path),
            None => path.canonicalize(),
        };
        let whole = whole.map_err(Error::io(&path))?;
        Ok(Self { path, whole, items })
    }

    /// The same partition as if these were the items of its directory.
    #[must_use]
    pub fn with_items(mut self, items: Vec<Item>) -> Self {
        self.items = items;
        self.items.sort_by(|a, b| a.name().cmp(b.name()));
        self
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory's name.
    #[must_use]
    pub fn folder(&self) -> &OsStr {
        self.whole.file_name().unwrap_or_default()
    }

    /// The log dir that it is in.
    #[must_use]
    pub fn log_dir(&self) -> Option<&Path> {
        self.whole.parent()
    }

    /// Parses the directory's name; returns `None` if it is not that of a partition.
    #[must_use]
    pub fn name(&self) -> Option<DirName<'_>> {
        DirName::parse(name::file_name(&self.whole))
    }

    /// Parses the directory's name as in tiered storage; returns `None` if it is not that of a
    /// partition there.
    #[must_use]
    pub fn tiered_name(&self) -> Option<TieredDirName<'_>> {
        match self.name() {
            Some(_) => None,
            None => TieredDirName::parse(name::file_name(&self.whole)),
        }
    }

    /// The topic, by the directory's name.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        Some(name::topic_partition(name::file_name(&self.whole))?.0)
    }

    /// The number of the partition, by the directory's name.
    #[must_use]
    pub fn number(&self) -> Option<i32> {
        Some(name::topic_partition(name::file_name(&self.whole))?.1)
    }

    /// Returns its state, by the directory's name.
    #[must_use]
    pub fn state(&self) -> DirState {
        match self.name() {
            Some(DirName::Partition { state, .. }) => state,
            _ => DirState::Current,
        }
    }

    /// Everything in the directory, by name.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The file of `kind` in use, for kinds of which there is one file.
    #[must_use]
    pub fn item(&self, kind: FileKind) -> Option<&Item> {
        self.items.iter().find(|item| item.is_current(kind))
    }

    /// Returns true if its segments are copies in tiered storage, by the names of the directory and
    /// its files.
    ///
    /// A copy of such a folder may have any name, but no broker's log has files with such names.
    #[must_use]
    pub fn is_tiered(&self) -> bool {
        self.tiered_name().is_some()
            || self.name().is_none() && {
                let mut names = self.items.iter().filter_map(Item::file_name);
                names.any(|name| name.kind == FileKind::Log && name.is_tiered())
            }
    }

    /// Returns the standing of one of its items.
    #[must_use]
    pub fn standing(&self, item: &Item) -> Standing {
        Self::standing_in(item, self.is_tiered())
    }

    /// Returns the standing of an item in a partition, in tiered storage or not.
    #[must_use]
    pub fn standing_in(item: &Item, is_tiered: bool) -> Standing {
        item.standing(|name| match name.kind {
            FileKind::LeaderEpochs if is_tiered => name.is_tiered(),
            kind if Segment::has(kind) => is_of_segment(name, is_tiered),
            FileKind::MetadataSnapshot => name.offset.is_some() && name.epoch.is_some(),
            kind => matches!(
                kind,
                FileKind::LeaderEpochs
                    | FileKind::PartitionMetadata
                    | FileKind::QuorumState
                    | FileKind::RemoteSnapshot
                    | FileKind::RemoteCommittedOffsets
            ),
        })
    }

    /// The segments by base offset: one for each offset in the name of a `.log` or an index in use,
    /// if the name has Kafka's form.
    ///
    /// In tiered storage there is one for each copy: a segment that was uploaded twice is listed
    /// twice.
    #[must_use]
    pub fn segments(&self) -> Vec<Segment> {
        let is_tiered = self.is_tiered();
        let mut segments: Vec<Segment> = Vec::new();
        for item in &self.items {
            let name = item.file_name();
            let Some(name) = name.filter(|name| is_of_segment(name, is_tiered)) else {
                continue;
            };
            let Some(base_offset) = name.offset else {
                continue;
            };
            match segments.last_mut() {
                Some(last) if last.is(base_offset, name.remote_id) => {}
                _ => segments.push(Segment::missing(&self.path, base_offset, name.remote_id)),
            }
            if let Some(last) = segments.last_mut() {
                last.take(name.kind, item.clone());
            }
        }
        // A snapshot alone is not a segment: brokers write one at the end of the log too.
        segments.retain(|segment| {
            let files = segment.files();
            files
                .iter()
                .any(|(kind, _)| *kind != FileKind::ProducerSnapshot)
        });
        segments
    }
}

/// Returns true if a file belongs to a segment, by its name.
fn is_of_segment(name: &FileName<'_>, is_tiered: bool) -> bool {
    Segment::has(name.kind)
        && if is_tiered {
            name.is_tiered()
        } else {
            name.is_canonical()
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Offset;

    #[test]
    fn a_partition_is_its_segments_in_order() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/kafka-4.3.1");
        let partition = Partition::open(root.join("txns-4.3.1/files/willow.ledger-0")).unwrap();
        assert_eq!(partition.topic(), Some("willow.ledger"));
        assert_eq!(partition.number(), Some(0));
        assert_eq!(partition.state(), DirState::Current);
        assert!(partition.item(FileKind::LeaderEpochs).is_some());
        let segments = partition.segments();
        assert!(segments.is_sorted_by_key(Segment::base_offset));
        let first = segments.first().unwrap();
        assert_eq!(first.base_offset(), Offset(0));
        assert!(first.file(FileKind::Log).is_some());
        assert!(first.log().ends_with("00000000000000000000.log"));
    }
}
