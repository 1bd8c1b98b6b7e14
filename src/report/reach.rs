//! The start and end of the log of each partition, over all log dirs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::listing::{Checkpoints, ListingDepth, PartitionSummary};
use crate::format::name::DirState;
use crate::format::{FileKind, PartitionMetadata};
use crate::scan::Jobs;
use crate::store::{Cap, read_small};
use crate::store::{Error, Item, LogDir, LogFile, Partition, Stream};
use crate::wire::Offset;

/// The start and end of the log of a partition, in the copy with the highest log end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reach {
    /// The directory of that copy.
    pub path: PathBuf,
    /// The log start offset.
    pub start: Offset,
    /// The log end offset.
    pub end: Offset,
    /// The high watermark in the checkpoint, written up to seconds before the broker stopped.
    pub high_watermark: Option<Offset>,
}

/// The partitions in use in some log dirs.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Reaches {
    /// The start and end of each partition, by topic and number.
    pub partitions: BTreeMap<(String, i32), Reach>,
    /// The names of topics by their ids.
    pub topics: BTreeMap<[u8; 16], String>,
    /// The errors of reading.
    pub errors: Vec<Error>,
}

impl Reaches {
    /// Reads the ends of every partition in use.
    #[must_use]
    pub fn of(dirs: &[LogDir]) -> Self {
        Self::only(dirs, |_| true)
    }

    /// Reads the ends of the partitions in use of the `wanted` topics.
    #[must_use]
    pub fn only(dirs: &[LogDir], wanted: impl Fn(&str) -> bool) -> Self {
        let mut reaches = Self::default();
        for dir in dirs {
            reaches.add(dir, &wanted);
        }
        reaches
    }

    /// The partitions of a topic by number, each in the copy with the highest log end.
    ///
    /// # Errors
    /// A directory can no longer be read.
    pub fn copies_of(&self, topic: &str) -> Result<Vec<(i32, Partition)>, Error> {
        let of_topic = self.partitions.iter();
        let of_topic = of_topic.filter(|((name, _), _)| name == topic);
        of_topic
            .map(|((_, number), reach)| Ok((*number, Partition::open(&reach.path)?)))
            .collect()
    }

    fn add(&mut self, dir: &LogDir, wanted: &impl Fn(&str) -> bool) {
        let checkpoints = Checkpoints::read(dir.path()).unwrap_or_else(|error| {
            self.errors.push(error);
            Checkpoints::default()
        });
        let is_wanted = |item: &&Item| match item.partition_name() {
            Some((topic, _, _)) => wanted(topic),
            _ => false,
        };
        for item in dir.partitions().filter(is_wanted) {
            match PartitionSummary::open(item.path(), &checkpoints) {
                Ok(summary) => self.look(summary),
                Err(error) => self.errors.push(error),
            }
        }
    }

    fn look(&mut self, mut summary: PartitionSummary) {
        let partition = &summary.partition;
        let id = partition.topic().map(str::to_owned).zip(partition.number());
        let Some(id) = id.filter(|_| partition.state() == DirState::Current) else {
            return;
        };
        if let Some(item) = partition.item(FileKind::PartitionMetadata)
            && let Ok(bytes) = read_small(item.path(), Cap::at(item.path()))
            && let Some(topic) = PartitionMetadata::parse(&bytes).topic_id
        {
            self.topics.insert(topic, id.0.clone());
        }
        summary.look(ListingDepth::Ends, Jobs::ONE, |path| {
            Stream::open(path).map(LogFile::Windowed)
        });
        self.errors.append(&mut summary.errors);
        let (Some(start), Some(end)) = (summary.log_start, summary.end_offset()) else {
            return;
        };
        // Of copies with the same log end the first is used.
        let known = self.partitions.get(&id).map(|known| known.end);
        if known >= Some(end) {
            return;
        }
        let reach = Reach {
            path: summary.partition.path().to_owned(),
            start,
            end,
            high_watermark: summary.high_watermark,
        };
        self.partitions.insert(id, reach);
    }
}
