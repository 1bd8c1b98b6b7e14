//! A log as a row of files.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::decode::Decoder;
use kseg::format::name::{self, DirState, FileState, file_name};
use kseg::format::{FileKind, OffsetCheckpoint};
use kseg::store::{Cap, read_small};
use kseg::store::{Item, Partition, Segment, Source};
use kseg::wire::Offset;

use crate::cli::input::Log;

/// The files of a log, in the order of their offsets.
#[derive(Debug)]
pub(crate) struct Track {
    /// The topic, if a folder's name says it.
    pub(crate) topic: Option<String>,
    /// The partition.
    pub(crate) partition: Option<i32>,
    /// What it was named by.
    pub(crate) path: PathBuf,
    /// The files to read.
    pub(super) files: Vec<LogPart>,
    /// Files that follow, where transactions may end that begin before.
    pub(super) later: Vec<LogPart>,
    /// The first offset that a consumer is given.
    pub(crate) log_start: Offset,
    /// Whether it is all there is of the partition, and not one file.
    pub(crate) is_partition: bool,
}

/// A `.log` and the indexes beside it.
#[derive(Debug, Clone)]
pub(super) struct LogPart {
    pub(super) path: PathBuf,
    /// What its name begins with, where that is the offset of its first record.
    pub(super) base: Option<Offset>,
    index: Option<PathBuf>,
    times: Option<PathBuf>,
    transactions: Option<PathBuf>,
}

impl Track {
    /// The files of a log.
    ///
    /// # Errors
    /// A file that holds no records.
    pub(crate) fn of(log: Log) -> Result<Self> {
        match log {
            Log::Partition(partition) => Ok(Self::of_partition(&partition)),
            Log::File(item) => Self::of_file(&item),
        }
    }

    /// What the records of its topic mean, if they mean anything to Kafka.
    pub(crate) fn decoder(&self) -> Option<Decoder> {
        Decoder::for_topic(self.topic.as_deref()?)
    }

    /// The files that are read.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|part| part.path.as_path())
    }

    fn of_partition(partition: &Partition) -> Self {
        Self {
            topic: partition.topic().map(str::to_owned),
            partition: partition.number(),
            path: partition.path().to_owned(),
            files: parts(partition),
            later: Vec::new(),
            log_start: log_start(partition).unwrap_or(Offset(i64::MIN)),
            is_partition: true,
        }
    }

    fn of_file(item: &Item) -> Result<Self> {
        let shown = item.path().display();
        let Some(name) = item.file_name() else {
            bail!("{shown}: no segment by its name, which would be like 00000000000000000042.log");
        };
        if !matches!(
            name.kind,
            FileKind::Log | FileKind::MetadataSnapshot | FileKind::BootstrapSnapshot
        ) {
            bail!(
                "{shown}: {}, which holds no records; kseg show {shown} shows it",
                name.kind.description()
            );
        }
        let dir = item.path().canonicalize().ok();
        let dir = dir.as_deref().and_then(Path::parent);
        let named = dir.map(file_name).and_then(name::topic_partition);
        let (topic, partition) = named
            .map(|(topic, partition)| (topic.to_owned(), partition))
            .unzip();
        let is_segment = name.kind == FileKind::Log && name.state == FileState::Current;
        let mut all = match dir.filter(|_| is_segment).map(Partition::open) {
            Some(Ok(partition)) => parts(&partition),
            _ => Vec::new(),
        };
        let at = all
            .iter()
            .position(|part| file_name(&part.path) == file_name(item.path()));
        let (mut own, later) = match at {
            Some(at) => {
                let later = all.split_off(at.saturating_add(1));
                (all.pop(), later)
            }
            None => (None, Vec::new()),
        };
        if let Some(own) = &mut own {
            item.path().clone_into(&mut own.path);
        }
        let alone = || LogPart {
            path: item.path().to_owned(),
            base: None,
            index: None,
            times: None,
            transactions: None,
        };
        Ok(Self {
            topic,
            partition,
            path: item.path().to_owned(),
            files: vec![own.unwrap_or_else(alone)],
            later,
            log_start: Offset(i64::MIN),
            is_partition: false,
        })
    }
}

/// The segments of a partition that have a `.log`.
fn parts(partition: &Partition) -> Vec<LogPart> {
    let path = |segment: &Segment, kind| segment.file(kind).map(|item| item.path().to_owned());
    let segments = partition.segments().into_iter();
    segments
        .filter_map(|segment| {
            Some(LogPart {
                path: path(&segment, FileKind::Log)?,
                base: Some(segment.base_offset()),
                index: path(&segment, FileKind::OffsetIndex),
                times: path(&segment, FileKind::TimeIndex),
                transactions: path(&segment, FileKind::TransactionIndex),
            })
        })
        .collect()
}

/// Where the log starts by the checkpoint of its log dir.
fn log_start(partition: &Partition) -> Option<Offset> {
    if partition.state() != DirState::Current {
        return None;
    }
    let (topic, number) = (partition.topic()?, partition.number()?);
    let checkpoint = partition.path().join("..").join(name::LOG_STARTS);
    let bytes = read_small(&checkpoint, Cap::of(FileKind::LogStarts)).ok()?;
    let entries = OffsetCheckpoint::parse(&bytes).entries;
    let own = entries
        .iter()
        .find(|entry| entry.topic == topic && entry.partition == number);
    own.map(|entry| entry.offset)
}

/// The bytes of indexes, held while they are asked.
#[derive(Debug, Default)]
pub(super) struct IndexBytes {
    pub(super) offsets: Option<Source>,
    pub(super) times: Option<Source>,
}

impl LogPart {
    /// Reads the indexes, as far as they can be read.
    pub(super) fn indexes(&self) -> IndexBytes {
        IndexBytes {
            offsets: small(self.index.as_deref()),
            times: small(self.times.as_deref()),
        }
    }

    /// Reads the index of transactions.
    pub(super) fn transactions(&self) -> Option<Source> {
        small(self.transactions.as_deref())
    }
}

/// The bytes of a file that is there, can be read, and is not too large.
fn small(path: Option<&Path>) -> Option<Source> {
    let path = path?;
    read_small(path, Cap::at(path)).ok()
}
