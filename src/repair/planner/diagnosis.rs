//! What was found before a plan is made: the findings of verification, where logs begin and end,
//! and what other files of the node prove.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::coordinator::Coordinators;
use crate::format::topic::{CLUSTER_METADATA, NO_ID};
use crate::format::{FileKind, MetaProperties, PartitionMetadata, Properties};
use crate::repair::proof::Origin;
use crate::report::{MetadataImage, fold};
use crate::scan::Merge;
use crate::store::{Cap, read_small};
use crate::store::{LogDir, Partition, Place, Source};
use crate::verify::{Finding, Findings, LogExtent, Options, Units};
use crate::wire::Uuid;

/// The facts about a place and the log dirs of the same node.
#[derive(Debug, Default)]
pub struct Diagnosis {
    pub(super) findings: Vec<Finding>,
    pub(super) extents: BTreeMap<PathBuf, LogExtent>,
    pub(super) proof: Proof,
    pub(super) coordinators: Coordinators,
    /// The partitions that have a directory in one of the log dirs.
    pub(super) partitions: BTreeSet<(String, i32)>,
    /// The replicas.
    pub(super) replicas: Vec<Place>,
}

/// The ids that other files prove.
#[derive(Debug, Default)]
pub(super) struct Proof {
    /// The metadata log, where one is among the log dirs.
    pub(super) cluster: Option<MetadataImage>,
    /// The cluster and the node, as the log dir with the metadata log has them.
    pub(super) owner: Option<(String, i32)>,
    /// Ids of topics by the files of their partitions; `None` where two differ.
    ids: BTreeMap<String, Option<Uuid>>,
}

impl Diagnosis {
    /// Verifies what is at `place`, and reads what it says together with `others`, log dirs of the
    /// same node. What cannot be read is a finding.
    #[must_use]
    pub fn of(place: &Place, others: &[Place], options: &Options<'_>) -> Self {
        let mut seen = Self::default();
        let dirs: Vec<LogDir> = others
            .iter()
            .chain([place])
            .filter_map(log_dir)
            .cloned()
            .collect();
        let mut places: Vec<Place> = dirs.iter().cloned().map(Place::LogDir).collect();
        places.extend(matches!(place, Place::Partition(_)).then(|| place.clone()));
        let mut units = Units::of(places, |_| true);
        units.retain(|path, _| path.starts_with(place.path()));
        let partitions: Vec<Partition> = units.partitions().cloned().collect();
        seen.coordinators = Coordinators::of(&partitions);
        let named =
            |partition: &Partition| Some((partition.topic()?.to_owned(), partition.number()?));
        seen.partitions = partitions.iter().filter_map(named).collect();
        let mut found = Findings::default();
        units.verify(options, &mut |verified| {
            found.merge(verified.outcome.findings);
            if let Some(extent) = verified.extent {
                seen.extents.insert(verified.path.to_path_buf(), extent);
            }
            ControlFlow::Continue(())
        });
        let (mut findings, _) = found.into_sorted();
        findings.retain(|finding| finding.path.starts_with(place.path()));
        seen.findings = findings;
        seen.proof = Proof::of(&dirs, &partitions, options);
        seen
    }

    /// The same, with log dirs or partitions of other brokers, or backups, from which batches may
    /// be taken that are damaged or missing here.
    #[must_use]
    pub fn with_replicas(self, replicas: Vec<Place>) -> Self {
        Self { replicas, ..self }
    }

    /// Leaves only findings that are `wanted`.
    pub fn retain(&mut self, wanted: impl Fn(&Finding) -> bool) {
        self.findings.retain(wanted);
    }

    /// The findings in a directory.
    pub(super) fn below<'a>(&'a self, dir: &'a Path) -> impl Iterator<Item = &'a Finding> {
        // They are sorted by path.
        let first = self
            .findings
            .partition_point(|finding| *finding.path < *dir);
        let rest = self.findings.iter().skip(first);
        rest.take_while(move |finding| finding.path.starts_with(dir))
    }

    /// The findings.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl Proof {
    fn of(dirs: &[LogDir], partitions: &[Partition], options: &Options<'_>) -> Self {
        let mut proof = Self::default();
        for partition in partitions {
            let Some(topic) = partition.topic() else {
                continue;
            };
            if topic == CLUSTER_METADATA {
                // One that cannot be read is a finding, and proves nothing.
                let mut image = MetadataImage::default();
                let read = fold::read(&mut image, partition, options.limits, options.open);
                if read.is_err() || image.topics.is_empty() {
                    continue;
                }
                proof.cluster = Some(image);
                let around = partition.path().parent();
                let dir = dirs.iter().find(|dir| Some(dir.path()) == around);
                proof.owner = dir.and_then(owner);
            } else if let Some(id) = topic_id(partition) {
                let known = proof.ids.entry(topic.to_owned()).or_insert(Some(id));
                *known = known.filter(|known| *known == id);
            }
        }
        proof
    }

    /// The id of a topic, and what proves it.
    pub(super) fn topic_id(&self, topic: &str) -> Option<(Uuid, Origin)> {
        let by_log = self.cluster.as_ref().and_then(|image| image.topic(topic));
        if let Some((id, _)) = by_log {
            return Some((*id, Origin::MetadataLog));
        }
        let id = self.ids.get(topic).copied().flatten()?;
        Some((id, Origin::OtherPartitions))
    }
}

fn log_dir(place: &Place) -> Option<&LogDir> {
    match place {
        Place::LogDir(dir) => Some(dir),
        _ => None,
    }
}

/// The id of the topic that a partition has noted, if that can be read.
pub(super) fn topic_id(partition: &Partition) -> Option<Uuid> {
    let item = partition.item(FileKind::PartitionMetadata)?;
    let bytes = small(item.path()).filter(|_| item.is_file())?;
    let metadata = PartitionMetadata::parse(&bytes);
    metadata
        .topic_id
        .filter(|id| metadata.faults.is_empty() && *id != NO_ID)
}

/// The cluster and the node of a log dir, if its file can be read.
fn owner(dir: &LogDir) -> Option<(String, i32)> {
    let item = dir.item(FileKind::MetaProperties)?;
    let bytes = small(item.path()).filter(|_| item.is_file())?;
    let meta = MetaProperties::of(&Properties::parse(&bytes));
    let is_sound = meta.faults.is_empty() && meta.version == Some(1);
    Some((meta.cluster_id.filter(|_| is_sound)?, meta.node_id?))
}

/// The bytes of a small file; `None` if it is not a file or cannot be read.
pub(super) fn small(path: &Path) -> Option<Source> {
    read_small(path, Cap::at(path)).ok()
}
