//! The log dirs of a node: their files outside of partitions, compared with each other.

pub(super) mod checkpoints;
pub(super) mod identities;
mod names;
mod schemas;
pub(super) mod transactions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::checkpoints::{Checkpoints, Inhabitants, Tp};
use self::identities::{Identities, Owner};
use self::schemas::SchemaUse;
use super::catalog::{CheckId, Depth, Severity};
use super::evidence::IdConflict;
use super::extent::{LogDirContext, PartitionFacts};
use super::finding::Finding;
use super::options::Options;
use super::outcome::Outcome;
use super::partition::metadata_log;
use super::setting::Stop;
use crate::format::name::{self, DirState};
use crate::format::{DirName, FileKind, topic};
use crate::report::{MetadataImage, fold};
use crate::store::{Item, LogDir, Partition};
use crate::wire::Uuid;

/// Log dirs that belong together. Partitions are verified separately, and [`Node::learn`] adds the
/// facts about each.
#[derive(Debug)]
pub(super) struct Node {
    dirs: Vec<Dir>,
    identities: Identities,
    held: Vec<Held>,
    metadata: Option<Partition>,
    schemas: SchemaUse,
    /// True if something shows that the node has tiered storage.
    is_tiered: bool,
    outcome: Outcome,
}

/// A log dir.
#[derive(Debug)]
struct Dir {
    path: PathBuf,
    stop: Stop,
    owner: Owner,
    checkpoints: Checkpoints,
    here: Inhabitants,
}

/// A partition with the id of its topic.
#[derive(Debug)]
struct Held {
    id: Uuid,
    path: Arc<Path>,
    tp: Tp,
    owner: Owner,
}

impl Node {
    /// Reads the files of the log dirs outside of partitions.
    #[must_use]
    pub(super) fn read(dirs: &[LogDir]) -> Self {
        let mut node = Self {
            dirs: Vec::new(),
            identities: Identities::default(),
            held: Vec::new(),
            metadata: None,
            schemas: SchemaUse::default(),
            is_tiered: dirs.iter().flat_map(LogDir::items).any(shows_tiering),
            outcome: Outcome::default(),
        };
        names::twice(dirs, &mut node.outcome);
        for dir in dirs {
            let dir = node.dir(dir);
            node.dirs.push(dir);
        }
        node
    }

    fn dir(&mut self, dir: &LogDir) -> Dir {
        let outcome = &mut self.outcome;
        names::log_dir(dir, outcome);
        let stop = stop_of(dir);
        if stop == Stop::Live {
            let path: Arc<Path> = Arc::from(dir.path());
            outcome
                .findings
                .add(Finding::new(CheckId::BrokerRunning, &path));
        }
        let checkpoints = Checkpoints::read(dir, outcome);
        let here = Inhabitants::of(dir);
        let owner = self.identities.log_dir(dir, here.is_modern, outcome);
        if let Some(item) = dir
            .item(FileKind::BootstrapSnapshot)
            .filter(|item| item.is_file())
        {
            let path: Arc<Path> = Arc::from(item.path());
            outcome.files.push(Arc::clone(&path));
            metadata_log::snapshot(&path, outcome);
        }
        Dir {
            path: dir.path().to_owned(),
            stop,
            owner,
            checkpoints,
            here,
        }
    }

    /// Returns the facts about a partition in its log dir.
    #[must_use]
    pub(super) fn around(&self, partition: &Partition) -> LogDirContext {
        let dir = self
            .dirs
            .iter()
            .find(|dir| partition.path().parent() == Some(&dir.path));
        match (dir, key(partition)) {
            (Some(dir), Some(tp)) => LogDirContext {
                may_be_tiered: self.is_tiered,
                ..dir.checkpoints.around(&tp, dir.stop)
            },
            (Some(dir), None) => LogDirContext::unknown(dir.stop),
            (None, _) => LogDirContext::unknown(Stop::Unclean),
        }
    }

    /// Adds the facts about a partition.
    pub(super) fn learn(&mut self, partition: &Partition, known: PartitionFacts) {
        let PartitionFacts {
            extent,
            topic_id,
            schema_ids,
        } = known;
        let dir = self
            .dirs
            .iter_mut()
            .find(|dir| partition.path().parent() == Some(&dir.path));
        let (Some(dir), Some(tp)) = (dir, key(partition)) else {
            return;
        };
        let is_current = partition.state() == DirState::Current;
        let is_used = extent.is_some_and(|extent| extent.end.0 > 0);
        let needs_id = dir.owner.is_kraft && is_used && is_current;
        let ids = &mut self.identities;
        ids.partition(partition, topic_id.as_ref(), needs_id, &mut self.outcome);
        if !is_current {
            return;
        }
        if let Some((id, path)) = topic_id {
            let (tp, owner) = (tp.clone(), dir.owner);
            self.held.push(Held {
                id,
                path,
                tp,
                owner,
            });
        }
        self.schemas.learn(partition, &tp.0, schema_ids);
        if tp.0 == topic::CLUSTER_METADATA {
            self.metadata = Some(partition.clone());
        }
        dir.here.current.insert(tp, extent);
    }

    /// Compares the facts about the log dirs and their partitions.
    #[must_use]
    pub(super) fn finish(mut self, options: &Options<'_>) -> Outcome {
        for dir in &self.dirs {
            dir.checkpoints
                .compare(&dir.here, dir.stop, &mut self.outcome.findings);
        }
        if self.metadata.is_none() {
            for dir in self.dirs.iter().filter(|dir| dir.has_kraft_without_id()) {
                self.outcome
                    .findings
                    .add(dir.without_id(false).severity(Severity::Note));
            }
        }
        if let Some(partition) = &self.metadata {
            let mut image = MetadataImage::default();
            match fold::read(&mut image, partition, options.limits, options.open) {
                Ok(_) if image.topics.is_empty() => {}
                Ok(_) => {
                    for held in &self.held {
                        held.check(&image, &mut self.outcome);
                    }
                    let lacking = self
                        .dirs
                        .iter()
                        .filter(|dir| dir.lacks_id(&self.held, &image));
                    for dir in lacking {
                        self.outcome
                            .findings
                            .add(dir.without_id(true).severity(Severity::Warning));
                    }
                }
                Err(error) => self
                    .outcome
                    .unreadable(&Arc::from(partition.path()), &error),
            }
        }
        if options.depth >= Depth::Deep {
            self.schemas.check(options, &mut self.outcome);
        }
        self.outcome.findings = self.outcome.findings.at_depth(options.depth);
        self.outcome
    }
}

/// Returns true if a directory is one that only nodes with tiered storage have: the cache of its
/// indexes, or the topic of its segments.
fn shows_tiering(item: &Item) -> bool {
    match item.dir_name() {
        Some(DirName::RemoteIndexCache) => true,
        Some(name) => name.topic() == Some(topic::REMOTE_LOG_METADATA),
        None => false,
    }
}

impl Dir {
    /// Returns true if it is of a node without `ZooKeeper`, and has no directory id.
    fn has_kraft_without_id(&self) -> bool {
        self.owner.is_kraft && !self.owner.has_directory_id
    }

    fn without_id(&self, is_registered: bool) -> Finding {
        let path: Arc<Path> = Arc::from(self.path.join(name::META_PROPERTIES));
        Finding::new(CheckId::DirectoryId, &path).saw(IdConflict::NoDirectory { is_registered })
    }

    /// Returns true if it has no directory id, although the metadata log has one for its
    /// partitions: a broker treats these as lost.
    fn lacks_id(&self, held: &[Held], image: &MetadataImage) -> bool {
        let Some(node) = self.owner.node_id.filter(|_| self.has_kraft_without_id()) else {
            return false;
        };
        let mut here = held
            .iter()
            .filter(|held| held.path.parent().and_then(Path::parent) == Some(&self.path));
        here.any(|held| {
            let topic = image.topics.get(&held.id);
            let partition = topic.and_then(|topic| topic.partitions.get(&held.tp.1));
            partition.is_some_and(|partition| partition.directory(node).is_some())
        })
    }
}

impl LogDirContext {
    /// Returns the facts about a partition in its log dir, if it is in one.
    #[must_use]
    pub(super) fn of(partition: &Partition) -> Self {
        let path = partition.path().canonicalize().ok();
        let parent = path.as_deref().and_then(Path::parent);
        let (Some(Ok(dir)), Some(tp)) = (parent.map(LogDir::open), key(partition)) else {
            return Self::unknown(Stop::Unclean);
        };
        // Findings about its files do not belong to the partition.
        Checkpoints::read(&dir, &mut Outcome::default()).around(&tp, stop_of(&dir))
    }
}

impl Inhabitants {
    /// The partitions that have a directory in a log dir.
    fn of(dir: &LogDir) -> Self {
        let present = dir.partitions().filter_map(tp_of).collect();
        let is_written = |item: &Item| item.path().join(name::PARTITION_METADATA).exists();
        Self {
            present,
            is_modern: dir.partitions().any(is_written),
            is_rooted: dir.item(FileKind::MetaProperties).is_some(),
            ..Self::default()
        }
    }
}

impl Held {
    /// A partition that the metadata log does not have, or not on this node.
    fn check(&self, image: &MetadataImage, outcome: &mut Outcome) {
        let (topic, number) = &self.tp;
        let conflict = match image.topics.get(&self.id) {
            None if image.deleted.contains(&self.id) => IdConflict::DeletedTopic,
            None => IdConflict::UnknownTopic,
            Some(known) if known.name != *topic => IdConflict::NamedTopic {
                topic: known.name.clone(),
            },
            Some(known) => match (known.partitions.get(number), self.owner.node_id) {
                (None, _) => IdConflict::UnknownPartition { partition: *number },
                (Some(partition), Some(node)) if !partition.replicas.contains(&node) => {
                    IdConflict::OtherNodes {
                        nodes: partition.replicas.clone(),
                        node,
                    }
                }
                _ => return,
            },
        };
        let mut finding = Finding::new(CheckId::TopicIdUnknown, &self.path);
        if conflict == IdConflict::DeletedTopic {
            finding = finding.severity(Severity::Note);
        }
        outcome.findings.add(finding.saw(conflict));
    }
}

/// Returns the kind of shutdown of a log dir.
fn stop_of(dir: &LogDir) -> Stop {
    if dir.is_live() {
        Stop::Live
    } else if dir.item(FileKind::CleanShutdown).is_some() {
        Stop::Clean
    } else {
        Stop::Unclean
    }
}

fn tp_of(item: &Item) -> Option<Tp> {
    match item.dir_name()? {
        DirName::Partition {
            topic, partition, ..
        } => Some((topic.to_owned(), partition)),
        DirName::RemoteIndexCache => None,
    }
}

fn key(partition: &Partition) -> Option<Tp> {
    Some((partition.topic()?.to_owned(), partition.number()?))
}
