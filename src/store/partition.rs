//! Partitions: a directory, its segments in order, and whatever else lies there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Error, Item, Segment, Standing};
use crate::format::name::{self, DirName, DirState};
use crate::format::{FileKind, FileName};

/// The directory of a partition, as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    path: PathBuf,
    /// The whole path, whose last part is a name: that of a link, if it is reached by one, as a broker takes it.
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

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory's name, whatever the path to it.
    #[must_use]
    pub fn folder(&self) -> &OsStr {
        self.whole.file_name().unwrap_or_default()
    }

    /// The log dir that it lies in.
    #[must_use]
    pub fn log_dir(&self) -> Option<&Path> {
        self.whole.parent()
    }

    /// What the directory's name says; none if it is not that of a partition.
    #[must_use]
    pub fn name(&self) -> Option<DirName<'_>> {
        DirName::parse(name::file_name(&self.whole))
    }

    /// The topic, by the directory's name.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        self.name()?.topic()
    }

    /// The number of the partition, by the directory's name.
    #[must_use]
    pub fn number(&self) -> Option<i32> {
        match self.name()? {
            DirName::Partition { partition, .. } => Some(partition),
            DirName::RemoteIndexCache => None,
        }
    }

    /// Where it is in its life, by the directory's name.
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

    /// The file of `kind` in use, of those of which there is one.
    #[must_use]
    pub fn item(&self, kind: FileKind) -> Option<&Item> {
        self.items.iter().find(|item| item.is_current(kind))
    }

    /// What one of its items is to it.
    #[must_use]
    pub fn standing(item: &Item) -> Standing {
        item.standing(|name| match name.kind {
            kind if Segment::has(kind) => name.is_canonical(),
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

    /// The segments by base offset: every offset that a `.log` or an index in use is named after as Kafka would name it.
    #[must_use]
    pub fn segments(&self) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        for item in &self.items {
            let Some(name) = item.file_name().filter(FileName::is_canonical) else {
                continue;
            };
            let Some(base_offset) = name.offset.filter(|_| Segment::has(name.kind)) else {
                continue;
            };
            match segments.last_mut() {
                Some(last) if last.base_offset() == base_offset => {}
                _ => segments.push(Segment::missing(&self.path, base_offset)),
            }
            if let Some(last) = segments.last_mut() {
                last.take(name.kind, item.clone());
            }
        }
        // A snapshot alone makes no segment: one is taken at the end of the log as well.
        segments.retain(|segment| {
            let files = segment.files();
            files
                .iter()
                .any(|(kind, _)| *kind != FileKind::ProducerSnapshot)
        });
        segments
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
