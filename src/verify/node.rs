//! Log dirs of a node: everything in them, and against each other.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::catalog::CheckId;
use super::checkpoints::{Checkpoints, Inhabitants, Tp};
use super::directory;
use super::finding::Finding;
use super::meta::{Identities, Owner, Uuid};
use super::metadata_log;
use super::partition::{Around, Extent, PartitionCheck};
use super::segment::{Options, Subject, verify_log};
use super::setting::Stop;
use super::suite::{Outcome, Suite, subject_of};
use super::topics::Topics;
use crate::format::name::DirState;
use crate::format::{DirName, FileKind};
use crate::scan::{Merge, parallel};
use crate::store::{Item, LogDir, Partition};

/// A partition that a log dir holds, and which one that is.
type Held = (Uuid, Arc<Path>, Tp, Owner);

impl Suite<'_> {
    /// Verifies the log dirs of a node: everything in each of them, and each against the others.
    #[must_use]
    pub fn log_dirs(&self, dirs: &[LogDir]) -> Outcome {
        let mut outcome = Outcome::default();
        let mut identities = Identities::default();
        let mut held: Vec<Held> = Vec::new();
        let mut topics: Option<Topics> = None;
        directory::twice(dirs, &mut outcome);
        for dir in dirs {
            self.log_dir(dir, &mut identities, &mut held, &mut topics, &mut outcome);
        }
        if let Some(topics) = topics.filter(|topics| !topics.is_empty()) {
            for held in &held {
                unknown_topic(&topics, held, &mut outcome);
            }
        }
        outcome
    }

    fn log_dir(
        &self,
        dir: &LogDir,
        identities: &mut Identities,
        held: &mut Vec<Held>,
        topics: &mut Option<Topics>,
        outcome: &mut Outcome,
    ) {
        directory::log_dir(dir, outcome);
        let stop = stop_of(dir);
        if stop == Stop::Live {
            let path: Arc<Path> = Arc::from(dir.path());
            outcome.findings.add(Finding::new(CheckId::BrokerRunning, &path));
        }
        let checkpoints = Checkpoints::read(dir, outcome);
        let mut here = Inhabitants::default();
        let mut partitions: Vec<Partition> = Vec::new();
        for item in dir.partitions() {
            if let Some(tp) = tp_of(item) {
                here.present.insert(tp);
            }
            match Partition::open(item.path()) {
                Ok(partition) => partitions.push(partition),
                Err(error) => outcome.unreadable(&Arc::from(item.path()), &error),
            }
        }
        here.is_modern = partitions.iter().any(|p| p.item(FileKind::PartitionMetadata).is_some());
        let owner = identities.log_dir(dir, here.is_modern, outcome);
        if let Some(item) = dir.item(FileKind::BootstrapSnapshot).filter(|item| item.is_file()) {
            let path: Arc<Path> = Arc::from(item.path());
            outcome.files.push(Arc::clone(&path));
            metadata_log::snapshot(&path, outcome);
        }
        let mut extents: Vec<Option<Extent>> = Vec::new();
        let work = |partition: &Partition| {
            let around = key(partition).map_or(Around { stop, recovery_point: None, log_start: None }, |tp| {
                checkpoints.around(&tp, stop)
            });
            self.partition_in(partition, around)
        };
        parallel::in_order(self.jobs, &partitions, work, &mut |(found, extent)| {
            outcome.merge(found);
            extents.push(extent);
            ControlFlow::Continue(())
        });
        for (partition, extent) in partitions.iter().zip(extents) {
            let Some(tp) = key(partition) else { continue };
            let is_used = extent.is_some_and(|extent| extent.end.0 > 0);
            let is_current = partition.state() == DirState::Current;
            let needs_id = owner.is_kraft && is_used && is_current;
            let id = identities.partition(partition, needs_id, outcome);
            if !is_current {
                continue;
            }
            if let Some((id, path)) = id {
                held.push((id, path, tp.clone(), owner));
            }
            if tp.0 == super::METADATA_TOPIC {
                match Topics::read(partition, self) {
                    Ok(read) => *topics = Some(read),
                    Err(error) => outcome.unreadable(&Arc::from(partition.path()), &error),
                }
            }
            here.current.insert(tp, extent);
        }
        checkpoints.compare(&here, stop, &mut outcome.findings);
    }

    /// Verifies the directory of a partition, whose log dir says so of it: its `.log`s, their siblings, and what they say of
    /// each other. Tells where the log begins and ends.
    #[must_use]
    pub fn partition_in(&self, partition: &Partition, around: Around) -> (Outcome, Option<Extent>) {
        let mut check = PartitionCheck::new(partition, around);
        let mut logs = Outcome::default();
        for index in 0..check.segments().len() {
            self.segment_in(partition, index, around, &mut check, &mut logs);
        }
        let (outcome, extent) = check.finish(partition);
        logs.merge(outcome);
        (logs, extent)
    }

    /// Verifies a `.log` and shows it to the checks of the files beside it.
    fn segment_in(
        &self,
        partition: &Partition,
        index: usize,
        around: Around,
        check: &mut PartitionCheck,
        outcome: &mut Outcome,
    ) {
        let Some(segment) = check.segments().get(index).cloned() else {
            return;
        };
        let Some(item) = segment.file(FileKind::Log) else {
            return;
        };
        let is_last = index + 1 == check.segments().len();
        let subject = Subject {
            is_last,
            is_live: around.stop == Stop::Live,
            ..subject_of(item, Some(&segment), Some(partition))
        };
        outcome.files.push(Arc::clone(&subject.path));
        let options = Options {
            depth: self.depth,
            jobs: self.jobs,
            limits: self.limits,
        };
        let Some(watch) = check.begin(index) else {
            return;
        };
        let verified = (self.open)(item.path()).and_then(|log| {
            let verified = verify_log(&log, &subject, options, || watch.trace())?;
            Ok((verified, log.len_bytes()))
        });
        match verified {
            Ok((verified, len_bytes)) => {
                outcome.findings.merge(verified.findings);
                outcome.coverage.merge(verified.coverage);
                check.end(watch, verified.witness, len_bytes);
            }
            Err(error) => {
                outcome.unreadable(&subject.path, &error);
                let trace = watch.trace();
                check.end(watch, trace, 0);
            }
        }
    }
}

/// How the broker left a log dir.
#[must_use]
pub(super) fn stop_of(dir: &LogDir) -> Stop {
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
        DirName::Partition { topic, partition, .. } => Some((topic.to_owned(), partition)),
        DirName::RemoteIndexCache => None,
    }
}

fn key(partition: &Partition) -> Option<Tp> {
    Some((partition.topic()?.to_owned(), partition.number()?))
}

/// A partition whose topic the metadata log does not have, or not on this node.
fn unknown_topic(topics: &Topics, (id, path, (topic, number), owner): &Held, outcome: &mut Outcome) {
    let finding = Finding::new(CheckId::TopicIdUnknown, path);
    let says = match topics.name(id) {
        None => "the metadata log has no topic of this id".to_owned(),
        Some(name) if name != topic => format!("the metadata log has the id for topic {name}"),
        Some(_) => {
            let replicas = topics.replicas(id, *number);
            match (replicas, owner.node_id) {
                (None, _) => format!("the metadata log has no partition {number} of the topic"),
                (Some(nodes), Some(node)) if !nodes.contains(&node) => {
                    format!("the metadata log has the partition on nodes {nodes:?}, and this is {node}")
                }
                _ => return,
            }
        }
    };
    outcome.findings.add(finding.says(says));
}
