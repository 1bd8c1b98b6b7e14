//! The start of a node: all of its log dirs together.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::cluster::{Cluster, Standing};
use super::conditions::Conditions;
use super::identity;
use super::metadata_log;
use super::properties;
use super::reason::Reason;
use super::release::Kafka;
use super::root::{self, Root};
use super::verdict::{DirVerdict, PartitionVerdict, StartOutcome, Unknown, Verdict};
use crate::format::MetaProperties;
use crate::format::name::{DirName, DirState};
use crate::format::topic::CLUSTER_METADATA;
use crate::scan::{list_again, look_again};
use crate::store::{Error, Item, LogDir, Partition, Place};

mod absent;

/// A log dir of the node, or the directory around a partition.
struct Dir {
    /// As it was given.
    path: String,
    listed: LogDir,
    root: Root,
    /// The only partition that is requested.
    only: Option<OsString>,
}

/// Predicts the outcome of all log dirs and partitions.
pub(super) fn verdict(
    places: &[Place],
    wanted: &dyn Fn(&Item) -> bool,
    conditions: &Conditions,
) -> Result<Verdict, Error> {
    let mut node = Node::new(conditions);
    for place in places {
        node.add(place)?;
    }
    node.compare();
    node.metadata_log();
    node.partitions_twice();
    node.judge(wanted)
}

/// A directory of a partition.
struct Holder<'d> {
    is_future: bool,
    dir: usize,
    item: &'d Item,
}

impl Holder<'_> {
    /// Returns the outcome of a second directory of the same partition, and the log dir that it
    /// affects.
    fn clash(&self, other: &Self, kafka: Kafka) -> Option<(usize, StartOutcome, Reason)> {
        let is_beside = self.dir == other.dir;
        let is_moved = self.is_future != other.is_future;
        if is_moved && !is_beside {
            return None;
        }
        let outcome = if is_moved && !kafka.is_kraft() {
            StartOutcome::Offline
        } else {
            StartOutcome::Refuses
        };
        let shown = |item: &Item| {
            let name = item.name().to_string_lossy().into_owned();
            let whole = || item.path().to_string_lossy().into_owned();
            if is_beside { name } else { whole() }
        };
        let dirs = vec![shown(self.item), shown(other.item)];
        Some((other.dir, outcome, Reason::PartitionTwice { dirs }))
    }
}

struct Node<'c> {
    conditions: &'c Conditions,
    dirs: Vec<Dir>,
    /// Partitions without a log dir.
    alone: Vec<Partition>,
    cluster: Cluster,
    /// The verdicts on metadata logs, by the number of their log dir.
    metadata: BTreeMap<usize, PartitionVerdict>,
    reasons: Vec<Reason>,
}

impl<'c> Node<'c> {
    fn new(conditions: &'c Conditions) -> Self {
        Self {
            conditions,
            dirs: Vec::new(),
            alone: Vec::new(),
            cluster: Cluster::default(),
            metadata: BTreeMap::new(),
            reasons: Vec::new(),
        }
    }

    fn add(&mut self, place: &Place) -> Result<(), Error> {
        let (path, dir, only) = match place {
            Place::File(_) => return Ok(()),
            Place::LogDir(dir) => (dir.path(), dir.clone(), None),
            Place::Partition(one) => {
                let Some((dir, name)) = around(one) else {
                    self.alone.push(one.clone());
                    return Ok(());
                };
                (one.path(), dir, Some(name))
            }
        };
        let root = Root::read(&dir, self.conditions)?;
        self.dirs.push(Dir {
            path: path.to_string_lossy().into_owned(),
            listed: dir,
            root,
            only,
        });
        Ok(())
    }

    /// Compares the identities of the log dirs. The same log dir may be given more than once, by
    /// its partitions.
    fn compare(&mut self) {
        let mut before: Vec<&MetaProperties> = Vec::new();
        let mut wrong = Vec::new();
        for (index, dir) in self.dirs.iter().enumerate() {
            let Some(meta) = dir.root.meta.as_ref().filter(|_| dir.only.is_none()) else {
                continue;
            };
            if let Some(reason) = properties::compare(meta, &before, self.conditions.kafka) {
                wrong.push((index, reason));
            }
            before.push(meta);
        }
        let ids = self
            .dirs
            .iter()
            .filter_map(|dir| dir.root.meta.as_ref()?.node_id);
        self.cluster.node_id = self.conditions.settings.node_id().or(ids.min());
        for (index, reason) in wrong {
            if let Some(dir) = self.dirs.get_mut(index) {
                dir.root.fail(StartOutcome::Refuses, reason);
            }
        }
    }

    /// Simulates the start of the metadata log, of which a node has one, and returns the cluster.
    fn metadata_log(&mut self) {
        let mut found = Vec::new();
        for (index, dir) in self.dirs.iter().enumerate() {
            let is_log = |item: &&Item| {
                matches!(
                    item.dir_name(),
                    Some(DirName::Partition {
                        topic: CLUSTER_METADATA,
                        state: DirState::Current,
                        ..
                    })
                )
            };
            let Some(item) = dir.listed.partitions().find(is_log) else {
                continue;
            };
            let read = Partition::open(item.path())
                .and_then(|opened| metadata_log::verdict(&opened, self.conditions));
            // One that cannot be read is unknown, as any other partition.
            let Ok((verdict, image)) = read else {
                continue;
            };
            self.cluster.image = self.cluster.image.take().or(image);
            self.metadata.insert(index, verdict);
            if !found.iter().any(|path| *path == dir.listed.path()) {
                found.push(dir.listed.path());
            }
        }
        if !self.conditions.kafka.is_kraft() {
            self.cluster.image = None;
            return;
        }
        let shown = |path: &Path| {
            path.join(format!("{CLUSTER_METADATA}-0"))
                .to_string_lossy()
                .into_owned()
        };
        if found.len() > 1 {
            let dirs = found.iter().map(|path| shown(path)).collect();
            self.reasons.push(Reason::PartitionTwice { dirs });
        } else if let ([only], Some(expected)) = (found.as_slice(), self.metadata_log_dir())
            && !is_same(only, Path::new(expected))
        {
            self.reasons.push(Reason::MetadataElsewhere {
                dir: only.to_string_lossy().into_owned(),
                expected: expected.to_owned(),
            });
        }
        self.reasons.extend(self.cluster.refusals(self.conditions));
    }

    /// Returns the directory of the metadata log according to server.properties.
    fn metadata_log_dir(&self) -> Option<&str> {
        let settings = &self.conditions.settings;
        settings
            .broker("metadata.log.dir")
            .or(settings.log_dirs().first().copied())
    }

    /// Two directories of one partition prevent the start of the broker, and so does a `-future`
    /// directory in the same log dir as the current one.
    fn partitions_twice(&mut self) {
        let kafka = self.conditions.kafka;
        let mut seen: BTreeMap<(&str, i32), Vec<Holder<'_>>> = BTreeMap::new();
        let whole = self.dirs.iter().enumerate();
        for (dir, one) in whole.filter(|(_, dir)| dir.only.is_none()) {
            for item in one.listed.partitions() {
                if let Some((topic, partition, state @ (DirState::Current | DirState::Future))) =
                    item.partition_name()
                    && (topic != CLUSTER_METADATA || !kafka.is_kraft())
                {
                    let is_future = state == DirState::Future;
                    let holder = Holder {
                        is_future,
                        dir,
                        item,
                    };
                    seen.entry((topic, partition)).or_default().push(holder);
                }
            }
        }
        let mut wrong = Vec::new();
        for ((topic, number), mut all) in seen {
            if all.len() < 2 {
                continue;
            }
            if kafka.is_kraft() && self.cluster.image.is_some() {
                let mut served = Vec::new();
                for one in all {
                    let id = identity::read_topic_id(one.item.path(), kafka);
                    let is_stray = id.is_ok_and(|id| {
                        let standing = self.cluster.standing(topic, number, id);
                        matches!(standing, Standing::Stray(..))
                    });
                    if !is_stray {
                        served.push(one);
                    }
                }
                all = served;
            }
            all.sort_by_key(|one| (one.is_future, one.dir));
            let pairs = all
                .windows(2)
                .filter_map(|pair| pair.first().zip(pair.get(1)));
            wrong.extend(pairs.filter_map(|(one, other)| one.clash(other, kafka)));
        }
        for (index, outcome, reason) in wrong {
            if let Some(dir) = self.dirs.get_mut(index) {
                dir.root.fail(outcome, reason);
            }
        }
    }

    fn judge(mut self, wanted: &dyn Fn(&Item) -> bool) -> Result<Verdict, Error> {
        let mut unknown = self.unknown();
        let mut dirs = Vec::new();
        for (index, dir) in self.dirs.iter().enumerate() {
            let mut partitions = Vec::new();
            for item in dir.listed.partitions() {
                let chosen = match &dir.only {
                    Some(only) => item.name() == only,
                    None => wanted(item),
                };
                if !chosen {
                    continue;
                }
                let is_metadata = topic_of(item) == Some(CLUSTER_METADATA);
                let ready = is_metadata.then(|| self.metadata.remove(&index)).flatten();
                match ready.map_or_else(|| self.one(dir, item), |ready| Ok(Some(ready))) {
                    Ok(verdict) => partitions.extend(verdict),
                    // An error of one partition does not affect the prediction of the others.
                    Err(error) => unknown.push(Unknown::Partition {
                        what: error.to_string(),
                    }),
                }
            }
            let worst = partitions.iter().map(|one| one.outcome).max();
            let mut outcome = dir.root.outcome(worst);
            let mut names = dir.listed.partitions().map(topic_of);
            let holds_metadata = names.any(|topic| topic == Some(CLUSTER_METADATA));
            // The broker does not serve a partition with another topic's id, but it runs.
            let runs = |one: &PartitionVerdict| {
                let mut reasons = one.reasons.iter();
                one.outcome < StartOutcome::Offline
                    || reasons.any(|reason| matches!(reason, Reason::OtherTopic { .. }))
            };
            let runs =
                dir.root.outcome(None) < StartOutcome::Offline && partitions.iter().all(runs);
            let needs_all = holds_metadata && self.conditions.kafka.is_kraft();
            if outcome == StartOutcome::Offline && needs_all && !runs {
                // A node does not start without its metadata log.
                outcome = StartOutcome::Refuses;
            }
            for one in partitions
                .iter_mut()
                .filter(|_| outcome >= StartOutcome::Offline)
            {
                one.later.clear();
            }
            dirs.push(DirVerdict {
                path: dir.path.clone(),
                clean: dir.root.clean,
                is_shutdown_assumed: dir.root.is_unknown,
                outcome,
                reasons: dir.root.reasons.clone(),
                partitions,
            });
        }
        for one in &self.alone {
            dirs.push(self.alone(one)?);
        }
        self.without_ids(&mut dirs);
        let missing = self.missing();
        self.transactions(&mut dirs, &missing);
        let mut verdict = Verdict {
            kafka: self.conditions.kafka,
            reasons: self.reasons,
            dirs,
            missing,
            unknown,
        };
        if verdict.outcome() == StartOutcome::Refuses {
            let partitions = verdict.dirs.iter_mut().flat_map(|dir| &mut dir.partitions);
            partitions.for_each(|one| one.later.clear());
        }
        Ok(verdict)
    }

    /// Predicts the outcome of one partition; returns nothing if it no longer exists. Files of a
    /// running broker change, so they are read again before a loss is reported.
    fn one(&self, dir: &Dir, item: &Item) -> Result<Option<PartitionVerdict>, Error> {
        let look = || {
            list_again(|| {
                let opened = Partition::open(item.path())?;
                root::one(&dir.root, &opened, &self.cluster, self.conditions)
            })
        };
        let verdict = look_again(look, |seen| match seen {
            Ok(verdict) => {
                (!verdict.lost.is_nothing() || verdict.outcome >= StartOutcome::Offline)
                    && dir.listed.is_live()
            }
            Err(error) => matches!(error, Error::Shorter(_)),
        });
        match verdict {
            Err(error) if error.is_not_found() && !item.path().exists() => Ok(None),
            verdict => verdict.map(Some),
        }
    }

    /// Adds the consequence of a missing directory id. The replicas in the log dir have no leader
    /// until the broker has registered the new id, which takes up to a minute; without a metadata
    /// log the worse case is assumed.
    fn without_ids(&self, verdicts: &mut [DirVerdict]) {
        for (dir, verdict) in self.dirs.iter().zip(verdicts) {
            let meta = dir.root.meta.as_ref();
            if !meta.is_some_and(|meta| properties::lacks_directory_id(meta, self.conditions.kafka))
            {
                continue;
            }
            let mut partitions = dir.listed.partitions();
            let is_lost = |item: &Item| match item.partition_name() {
                Some((topic, partition, DirState::Current)) => {
                    self.cluster.has_directory(topic, partition)
                }
                _ => false,
            };
            if self.cluster.image.is_none() {
                verdict.outcome = verdict.outcome.max(StartOutcome::Offline);
            }
            if self.cluster.image.is_none() || partitions.any(is_lost) {
                verdict.reasons.push(properties::no_directory_id());
            }
        }
    }

    /// A partition without a log dir.
    fn alone(&self, one: &Partition) -> Result<DirVerdict, Error> {
        let root = Root::unknown(self.conditions);
        let verdict = root::one(&root, one, &self.cluster, self.conditions)?;
        Ok(DirVerdict {
            path: one.path().to_string_lossy().into_owned(),
            clean: root.is_clean(one),
            is_shutdown_assumed: root.is_unknown,
            outcome: verdict.outcome,
            reasons: Vec::new(),
            partitions: vec![verdict],
        })
    }

    /// The facts that the given files and settings do not show.
    fn unknown(&self) -> Vec<Unknown> {
        let mut unknown = Vec::new();
        if !self.alone.is_empty() || self.dirs.iter().any(|dir| dir.root.is_unknown) {
            unknown.push(Unknown::LogDir);
        }
        if !self.conditions.kafka.is_kraft() {
            unknown.push(Unknown::ZooKeeper);
        } else if self.cluster.image.is_none() && self.metadata.is_empty() {
            unknown.push(Unknown::Cluster);
        }
        unknown.extend(
            self.other_log_dirs()
                .map(|id| Unknown::OtherLogDir { id: *id }),
        );
        if self.dirs.iter().any(|dir| dir.listed.is_live()) {
            unknown.push(Unknown::Running);
        }
        if self.conditions.now_ms.is_none() {
            unknown.push(Unknown::Now);
        }
        if !self.conditions.reads_all {
            unknown.push(Unknown::Unread);
        }
        unknown
    }
}

/// The topic of a directory.
fn topic_of(item: &Item) -> Option<&str> {
    item.dir_name().and_then(|name| name.topic())
}

/// The log dir around a partition, and the name of the partition's directory there.
fn around(one: &Partition) -> Option<(LogDir, OsString)> {
    let path = one.path().canonicalize().unwrap_or(one.path().into());
    let name = path.file_name()?.to_owned();
    match Place::at(path.parent()?) {
        Ok(Place::LogDir(dir)) if dir.has_own_files() => Some((dir, name)),
        _ => None,
    }
}

/// Returns true if two paths lead to the same directory.
fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    whole(one) == whole(other)
}
