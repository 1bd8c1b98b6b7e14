//! The owner of log dirs: `meta.properties`, `.kafka_cleanshutdown` and the ids of topics, each by
//! itself and compared with each other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::format::clean_shutdown::CleanShutdown;
use crate::format::name::{self, DirState};
use crate::format::topic;
use crate::format::{FileKind, MetaProperties, Properties};
use crate::store::{Item, LogDir, Partition};
use crate::verify::catalog::CheckId;
use crate::verify::evidence::{IdConflict, MissingFile};
use crate::verify::finding::Finding;
use crate::verify::outcome::Outcome;
use crate::wire::Uuid;

/// The identities of log dirs, to be compared.
#[derive(Debug, Default)]
pub(super) struct Identities {
    clusters: Option<(String, Arc<Path>)>,
    nodes: Option<(i32, Arc<Path>)>,
    directories: BTreeMap<Uuid, Arc<Path>>,
    epochs: Option<(i64, Arc<Path>)>,
    /// The ids of topics, and the files in which they were found first.
    topics: BTreeMap<String, (Uuid, Arc<Path>)>,
    names: BTreeMap<Uuid, String>,
}

/// The node and cluster of a log dir.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Owner {
    /// The node.
    pub(super) node_id: Option<i32>,
    /// True if it runs without `ZooKeeper`.
    pub(super) is_kraft: bool,
    /// True if the log dir has an id.
    pub(super) has_directory_id: bool,
}

impl Identities {
    /// Adds a log dir. `is_modern` means that a broker of 2.8 or later wrote there.
    pub(super) fn log_dir(
        &mut self,
        dir: &LogDir,
        is_modern: bool,
        outcome: &mut Outcome,
    ) -> Owner {
        self.marker(dir, outcome);
        let Some(item) = dir.item(FileKind::MetaProperties) else {
            let is_used = |kind| dir.item(kind).is_some();
            if is_modern
                && (is_used(FileKind::CleanShutdown)
                    || is_used(FileKind::Lock)
                    || is_used(FileKind::BootstrapSnapshot))
            {
                let path: Arc<Path> = Arc::from(dir.path().join(name::META_PROPERTIES));
                let finding = Finding::new(CheckId::MetaMalformed, &path);
                outcome.findings.add(finding.saw(MissingFile::None));
            }
            return Owner::default();
        };
        let Some((path, meta)) = properties(item, outcome) else {
            return Owner::default();
        };
        let differ =
            |conflict: IdConflict| Finding::new(CheckId::MetaMismatch, &path).saw(conflict);
        if let Some(id) = &meta.cluster_id {
            match &self.clusters {
                Some((other, first)) if other != id => {
                    let other = first.display().to_string();
                    outcome.findings.add(differ(IdConflict::Cluster { other }));
                }
                Some(_) => {}
                None => self.clusters = Some((id.clone(), Arc::clone(&path))),
            }
        }
        if let Some(id) = meta.node_id {
            match &self.nodes {
                Some((other, first)) if *other != id => {
                    let other = first.display().to_string();
                    outcome.findings.add(differ(IdConflict::Node { other }));
                }
                Some(_) => {}
                None => self.nodes = Some((id, Arc::clone(&path))),
            }
        }
        self.directory_id(meta.directory_id, &path, outcome);
        Owner {
            node_id: meta.node_id,
            is_kraft: meta.version == Some(1),
            has_directory_id: meta.directory_id.is_some(),
        }
    }

    fn directory_id(&mut self, id: Option<Uuid>, path: &Arc<Path>, outcome: &mut Outcome) {
        let Some(id) = id else { return };
        if topic::is_reserved_id(id) {
            // Reserved ids are small numbers.
            let number = u64::try_from(u128::from_be_bytes(id)).unwrap_or(u64::MAX);
            let finding = Finding::new(CheckId::DirectoryId, path);
            outcome
                .findings
                .add(finding.saw(IdConflict::ReservedDirectory { number }));
        } else if let Some(first) = self.directories.insert(id, Arc::clone(path)) {
            let other = first.display().to_string();
            outcome
                .findings
                .add(Finding::new(CheckId::DirectoryId, path).saw(IdConflict::Directory { other }));
        }
    }

    /// The marker of a clean shutdown.
    fn marker(&mut self, dir: &LogDir, outcome: &mut Outcome) {
        let Some(item) = dir
            .item(FileKind::CleanShutdown)
            .filter(|item| item.is_file())
        else {
            return;
        };
        let Some((path, marker)) = marker(item, outcome) else {
            return;
        };
        let Some(epoch) = marker.broker_epoch else {
            return;
        };
        match &self.epochs {
            Some((other, first)) if *other != epoch => {
                let conflict = IdConflict::BrokerEpoch {
                    stored: epoch,
                    actual: *other,
                    other: first.display().to_string(),
                };
                let finding = Finding::new(CheckId::MarkerEpochs, &path).saw(conflict);
                outcome.findings.add(finding);
            }
            Some(_) => {}
            None => self.epochs = Some((epoch, path)),
        }
    }

    /// Adds the id of a partition's topic; `needs_id` means that there must be one.
    pub(super) fn partition(
        &mut self,
        partition: &Partition,
        id: Option<&(Uuid, Arc<Path>)>,
        needs_id: bool,
        outcome: &mut Outcome,
    ) {
        if needs_id && partition.item(FileKind::PartitionMetadata).is_none() {
            let path: Arc<Path> = Arc::from(partition.path().join(name::PARTITION_METADATA));
            let finding = Finding::new(CheckId::PartitionMetadataMalformed, &path);
            outcome
                .findings
                .add(finding.saw(MissingFile::StrayPartition));
        }
        // A stray or deleted partition may be a copy.
        let is_current = partition.state() == DirState::Current;
        if let (Some((id, path)), Some(topic), true) = (id, partition.topic(), is_current) {
            self.topic(topic, *id, path, outcome);
        }
    }

    fn topic(&mut self, topic: &str, id: Uuid, path: &Arc<Path>, outcome: &mut Outcome) {
        let finding = || Finding::new(CheckId::TopicIdConflict, path);
        match self.topics.get(topic) {
            Some((other, first)) if *other != id => {
                outcome.findings.add(finding().saw(IdConflict::Topic {
                    other: first.display().to_string(),
                }));
            }
            Some(_) => {}
            None => {
                self.topics.insert(topic.to_owned(), (id, Arc::clone(path)));
            }
        }
        match self.names.get(&id) {
            Some(other) if other != topic => {
                outcome.findings.add(finding().saw(IdConflict::OtherTopic {
                    topic: other.clone(),
                }));
            }
            Some(_) => {}
            None => {
                self.names.insert(id, topic.to_owned());
            }
        }
    }
}

/// `meta.properties` by itself.
pub(in crate::verify) fn properties(
    item: &Item,
    outcome: &mut Outcome,
) -> Option<(Arc<Path>, MetaProperties)> {
    let (path, bytes) = outcome.read_small(item)?;
    let meta = MetaProperties::of(&Properties::parse(&bytes));
    for fault in &meta.faults {
        let finding = Finding::new(CheckId::MetaMalformed, &path);
        outcome
            .findings
            .add(finding.at(fault.at() as u64, 0).saw(*fault));
    }
    Some((path, meta))
}

/// `.kafka_cleanshutdown` by itself.
pub(in crate::verify) fn marker(
    item: &Item,
    outcome: &mut Outcome,
) -> Option<(Arc<Path>, CleanShutdown)> {
    let (path, bytes) = outcome.read_small(item)?;
    let marker = CleanShutdown::parse(&bytes);
    for fault in &marker.faults {
        let finding = Finding::new(CheckId::CleanMarkerMalformed, &path);
        outcome
            .findings
            .add(finding.at(fault.at() as u64, 0).saw(*fault));
    }
    Some((path, marker))
}
