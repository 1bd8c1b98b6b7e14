//! The checkpoints of log dirs, and the topics of the cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kseg::format::topic::CLUSTER_METADATA;
use kseg::format::{FileKind, MetaProperties, Properties};
use kseg::predict::{Conditions, TopicSettings};
use kseg::report::MetadataImage;
use kseg::report::listing::Checkpoints;
use kseg::report::reach::Reaches;
use kseg::store::{Cap, Error, LogDir, Partition, read_small};

use super::args::Reading;
use super::input::LogSource;
use super::internal::{Trouble, metadata};

/// The log dirs of some logs, each read once.
#[derive(Debug, Default)]
pub(crate) struct Brokers {
    dirs: BTreeMap<PathBuf, Noted>,
    /// The image of the metadata log, if it is in one of them.
    pub(crate) cluster: Option<MetadataImage>,
}

/// The checkpoints of a log dir.
#[derive(Debug, Default)]
struct Noted {
    checkpoints: Checkpoints,
    node_id: Option<i32>,
}

impl Brokers {
    /// Reads the log dirs of `logs`.
    pub(crate) fn around(logs: &[LogSource], reading: Reading, trouble: &mut Trouble) -> Self {
        let mut brokers = Self::default();
        let mut dirs = Vec::new();
        for log in logs {
            let LogSource::Partition(partition) = log else {
                continue;
            };
            let Some(path) = partition.log_dir() else {
                continue;
            };
            if brokers.dirs.contains_key(path) {
                continue;
            }
            let noted = match noted(path) {
                Ok((dir, noted)) => {
                    dirs.push(dir);
                    noted
                }
                Err(error) => {
                    trouble.add(Vec::new(), Some(error));
                    Noted::default()
                }
            };
            brokers.dirs.insert(path.to_owned(), noted);
        }
        let mut reaches = Reaches::only(&dirs, |topic| topic == CLUSTER_METADATA);
        trouble.fail(reaches.errors.drain(..));
        brokers.cluster = metadata(&reaches, reading, trouble);
        brokers
    }

    /// The checkpoints of the log dir of a partition.
    pub(crate) fn checkpoints(&self, partition: &Partition) -> Checkpoints {
        let noted = self.noted(partition);
        noted.map_or_else(Checkpoints::default, |noted| noted.checkpoints.clone())
    }

    /// The settings of the topic of a partition on its node.
    pub(crate) fn settings<'a>(
        &'a self,
        partition: &'a Partition,
        conditions: &'a Conditions,
    ) -> TopicSettings<'a> {
        let node = self.noted(partition).and_then(|noted| noted.node_id);
        let node = conditions.settings.node_id().or(node);
        let topic = partition.topic().unwrap_or_default();
        conditions.topic_settings(self.cluster.as_ref(), node, topic)
    }

    fn noted(&self, partition: &Partition) -> Option<&Noted> {
        self.dirs.get(partition.log_dir()?)
    }
}

fn noted(path: &Path) -> Result<(LogDir, Noted), Error> {
    let dir = LogDir::open(path)?;
    let noted = Noted {
        checkpoints: Checkpoints::read(path)?,
        node_id: node_id(&dir)?,
    };
    Ok((dir, noted))
}

/// The id of the node of a log dir, if its `meta.properties` has it.
pub(crate) fn node_id(dir: &LogDir) -> Result<Option<i32>, Error> {
    let item = dir.item(FileKind::MetaProperties);
    let Some(item) = item.filter(|item| item.is_file()) else {
        return Ok(None);
    };
    let bytes = read_small(item.path(), Cap::of(FileKind::MetaProperties))?;
    Ok(MetaProperties::of(&Properties::parse(&bytes)).node_id)
}
