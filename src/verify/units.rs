//! The driver of verification: partitions and files one after the other, and then their log dirs.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::extent::{LogDirContext, LogExtent, PartitionFacts};
use super::node::Node;
use super::node::transactions::TransactionalIds;
use super::options::Options;
use super::outcome::Outcome;
use super::{alone, partition};
use crate::format::FileKind;
use crate::scan::in_order;
use crate::store::{Error, Item, LogDir, Partition, Place};

/// Verifies log dirs of one node with everything in them. `sink` takes the result of each
/// partition, by log dir and name, and at the end that of the other files of the log dirs; `Break`
/// ends it. The order is the same for any number of threads.
pub fn log_dirs(
    dirs: &[LogDir],
    options: &Options<'_>,
    sink: &mut dyn FnMut(Verified) -> ControlFlow<()>,
) {
    let places = dirs.iter().cloned().map(Place::LogDir).collect();
    Units::of(places, |_| true).verify(options, sink);
}

/// The result of a partition, a file, or the other files of log dirs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verified {
    /// The kind.
    pub kind: UnitKind,
    /// The partition or the file; for log dirs the first one.
    pub path: Arc<Path>,
    /// The start and end of the log of a partition, if it has one.
    pub extent: Option<LogExtent>,
    /// The findings, the account of the bytes, and the files.
    pub outcome: Outcome,
}

/// The kind of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnitKind {
    /// The directory of a partition.
    Partition,
    /// A file by itself.
    File,
    /// The files of log dirs that are not in partitions: checkpoints and ids, compared between
    /// them.
    LogDirs,
}

/// The units to verify, in order.
#[derive(Debug)]
pub struct Units {
    list: Vec<Unit>,
    /// The first log dir, where all of its partitions were wanted.
    beside: Option<Arc<Path>>,
    node: Node,
}

#[derive(Debug)]
struct Unit {
    /// True if it is verified; false if only its existence counts.
    is_wanted: bool,
    subject: Subject,
}

#[derive(Debug)]
enum Subject {
    /// A partition, and the facts about it in its log dir.
    Partition(Partition, LogDirContext),
    File(Item),
    /// A path that could not be listed.
    Unlisted(PathBuf, Error),
}

impl Units {
    /// Lists the contents of `places`. In log dirs only the directories that are `wanted` are
    /// opened; unless these are all, the other files of the log dirs are not verified.
    #[must_use]
    pub fn of(places: Vec<Place>, wanted: impl Fn(&Item) -> bool) -> Self {
        let dirs = places.iter().filter_map(|place| match place {
            Place::LogDir(dir) => Some(dir),
            _ => None,
        });
        let dirs: Vec<LogDir> = dirs.cloned().collect();
        let is_all = dirs.iter().flat_map(LogDir::partitions).all(&wanted);
        let node = Node::read(&dirs);
        let mut subjects = Vec::new();
        for place in places {
            match place {
                Place::File(item) => subjects.push(Subject::File(item)),
                Place::Partition(partition) => {
                    let around = LogDirContext::of(&partition);
                    subjects.push(Subject::Partition(partition, around));
                }
                Place::LogDir(dir) => {
                    let items = dir.partitions().filter(|item| wanted(item));
                    let mut items: Vec<&Item> = items.collect();
                    items.sort_by_cached_key(|item| rank(item));
                    let items = items.into_iter();
                    subjects.extend(items.filter_map(|item| Subject::in_log_dir(item, &node)));
                }
            }
        }
        let beside = dirs.first().filter(|_| is_all);
        let units = subjects.into_iter().map(|subject| Unit {
            is_wanted: true,
            subject,
        });
        Self {
            list: units.collect(),
            beside: beside.map(|dir| Arc::from(dir.path())),
            node,
        }
    }

    /// Leaves out partitions and files that are not `wanted`; their existence still counts.
    pub fn retain(&mut self, wanted: impl Fn(&Path, &[Item]) -> bool) {
        for unit in &mut self.list {
            unit.is_wanted &= match &unit.subject {
                Subject::Partition(partition, _) => wanted(partition.path(), partition.items()),
                Subject::File(item) => wanted(item.path(), std::slice::from_ref(item)),
                Subject::Unlisted(path, _) => wanted(path, &[]),
            };
        }
    }

    /// Returns true if there are no partitions or files to verify.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.list.iter().any(|unit| unit.is_wanted)
    }

    /// Bytes of logs, which determine the time.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        let wanted = self.list.iter().filter(|unit| unit.is_wanted);
        wanted.map(|unit| unit.subject.log_bytes()).sum()
    }

    /// The partitions, including those that were left out.
    pub fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.list.iter().filter_map(|unit| match &unit.subject {
            Subject::Partition(partition, _) => Some(partition),
            _ => None,
        })
    }

    /// Verifies one after the other, and at the end the other files of log dirs. `sink` takes each
    /// result; `Break` ends it.
    pub fn verify(self, options: &Options<'_>, sink: &mut dyn FnMut(Verified) -> ControlFlow<()>) {
        let mut node = self.node;
        let (across, within) = options.jobs.share(self.list.len());
        let within = Options {
            jobs: within,
            ..*options
        };
        let mut flow = ControlFlow::Continue(());
        // Few log dirs have an open transaction: the ids are read when the first one is found.
        let dirs: BTreeSet<PathBuf> = self.list.iter().filter_map(Unit::log_dir).collect();
        let ids = LazyCell::new(|| TransactionalIds::read(&dirs, &within));
        let work = |unit: Unit| {
            let verified = unit.is_wanted.then(|| unit.subject.verify(&within));
            (unit.subject, verified)
        };
        in_order(across, self.list, work, &mut |(subject, verified)| {
            let (mut outcome, known) = match verified {
                Some((outcome, known)) => (Some(outcome), known),
                None => (None, PartitionFacts::default()),
            };
            let extent = known.extent;
            if let Subject::Partition(partition, _) = &subject {
                node.learn(partition, known);
                let outcome = outcome.iter_mut();
                for outcome in outcome.filter(|it| it.findings.has_open_transactions()) {
                    ids.name(outcome, partition, options.now_ms);
                }
            }
            if let Some(outcome) = outcome {
                flow = sink(Verified {
                    kind: subject.kind(),
                    path: Arc::from(subject.path()),
                    extent,
                    outcome,
                });
            }
            flow
        });
        if let (ControlFlow::Continue(()), Some(path)) = (flow, self.beside) {
            let outcome = node.finish(options);
            let _ended = sink(Verified {
                kind: UnitKind::LogDirs,
                path,
                extent: None,
                outcome,
            });
        }
    }
}

impl Unit {
    /// Returns the directory around its partition.
    fn log_dir(&self) -> Option<PathBuf> {
        let Subject::Partition(partition, _) = &self.subject else {
            return None;
        };
        match partition.path().parent() {
            Some(dir) if dir.as_os_str().is_empty() => Some(PathBuf::from(".")),
            dir => dir.map(Path::to_owned),
        }
    }
}

impl Subject {
    /// The directory of a partition in a log dir; `None` if a running broker has removed it since.
    fn in_log_dir(item: &Item, node: &Node) -> Option<Self> {
        match Partition::open(item.path()) {
            Ok(partition) => {
                let around = node.around(&partition);
                Some(Self::Partition(partition, around))
            }
            Err(error) if error.is_not_found() && !item.path().exists() => None,
            Err(error) => Some(Self::Unlisted(item.path().to_owned(), error)),
        }
    }

    fn kind(&self) -> UnitKind {
        match self {
            Self::Partition(..) | Self::Unlisted(..) => UnitKind::Partition,
            Self::File(_) => UnitKind::File,
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Partition(partition, _) => partition.path(),
            Self::File(item) => item.path(),
            Self::Unlisted(path, _) => path,
        }
    }

    fn log_bytes(&self) -> u64 {
        match self {
            Self::Unlisted(..) => 0,
            Self::Partition(partition, _) => {
                let segments = partition.segments();
                let logs = segments
                    .iter()
                    .filter_map(|segment| segment.file(FileKind::Log));
                logs.map(Item::len_bytes).sum()
            }
            Self::File(item) => item.len_bytes(),
        }
    }

    fn verify(&self, options: &Options<'_>) -> (Outcome, PartitionFacts) {
        match self {
            Self::Partition(partition, around) => partition::verify(partition, *around, options),
            Self::File(item) => (alone::file(item, options), PartitionFacts::default()),
            Self::Unlisted(path, error) => {
                let mut outcome = Outcome::default();
                outcome.unreadable(&Arc::from(path.as_path()), error);
                (outcome, PartitionFacts::default())
            }
        }
    }
}

/// The order of partitions in a log dir: by topic, number and name.
fn rank(item: &Item) -> (Option<(String, i32)>, OsString) {
    let partition = match item.partition_name() {
        Some((topic, partition, _)) => Some((topic.to_owned(), partition)),
        _ => None,
    };
    (partition, item.name().to_owned())
}
