//! A log as a sequence of files.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::decode::Decoder;
use kseg::format::FileKind;
use kseg::format::name::{self, FileState, file_name};
use kseg::records::files::{self, SegmentFiles};
use kseg::store::{Error, Item, Partition};
use kseg::wire::Offset;

use crate::cli::input::{LogSource, Logs};

/// The limit of new listings of one log: a file vanishes when a broker deletes or compacts
/// segments.
const RELISTS: u32 = 100;

/// The files of a log, in the order of their offsets.
#[derive(Debug, Clone)]
pub(crate) struct LogFiles {
    /// The topic, if it is in the name of the folder.
    pub(crate) topic: Option<String>,
    /// The partition.
    pub(crate) partition: Option<i32>,
    /// The given path.
    pub(crate) path: PathBuf,
    /// The files to read.
    pub(super) files: Vec<SegmentFiles>,
    /// Later files, in which transactions of these files may end.
    pub(super) later: Vec<SegmentFiles>,
    /// The first offset that a consumer gets.
    pub(crate) log_start: Offset,
    /// True if it is the whole partition, and not one file.
    pub(crate) is_partition: bool,
    /// The number of new listings so far.
    relists: u32,
}

impl LogFiles {
    /// The files of all logs, and the errors.
    pub(crate) fn all(logs: Logs) -> (Vec<Self>, Vec<anyhow::Error>) {
        let (mut tracks, mut lost) = (Vec::new(), logs.lost);
        for log in logs.found {
            match Self::of(log) {
                Ok(track) => tracks.push(track),
                Err(error) => lost.push(error),
            }
        }
        (tracks, lost)
    }

    /// The files of a log.
    ///
    /// # Errors
    /// The file is not one with records.
    fn of(log: LogSource) -> Result<Self> {
        match log {
            LogSource::Partition(partition) => Ok(Self::of_partition(&partition)),
            LogSource::File(item) => Self::of_file(&item),
        }
    }

    /// Returns the decoder of its topic, if it is an internal one.
    pub(crate) fn decoder(&self) -> Option<Decoder> {
        Decoder::for_topic(self.topic.as_deref()?)
    }

    /// Lists the log again if `error` is a vanished file: a running broker has deleted it, or
    /// compaction has put its records into another one. A deleted partition has no files.
    pub(super) fn relisted(&mut self, error: &anyhow::Error) -> bool {
        let error = error.downcast_ref::<Error>();
        if !error.is_some_and(Error::is_gone) || !self.is_partition || self.relists >= RELISTS {
            return false;
        }
        match Partition::open(&self.path) {
            Ok(partition) => self.files = files::segments(&partition),
            Err(error) if error.is_not_found() => self.files.clear(),
            Err(_) => return false,
        }
        self.relists += 1;
        true
    }

    /// The files to read, with their indexes.
    pub(crate) fn files(&self) -> &[SegmentFiles] {
        &self.files
    }

    /// The files that are read.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(SegmentFiles::log)
    }

    fn of_partition(partition: &Partition) -> Self {
        Self {
            topic: partition.topic().map(str::to_owned),
            partition: partition.number(),
            path: partition.path().to_owned(),
            files: files::segments(partition),
            later: Vec::new(),
            log_start: files::log_start(partition).unwrap_or(Offset::new(i64::MIN)),
            is_partition: true,
            relists: 0,
        }
    }

    fn of_file(item: &Item) -> Result<Self> {
        let shown = item.path().display();
        let Some(name) = item.file_name() else {
            bail!("{shown}: not a segment: expected a name like 00000000000000000042.log");
        };
        if !matches!(
            name.kind,
            FileKind::Log | FileKind::MetadataSnapshot | FileKind::BootstrapSnapshot
        ) {
            bail!(
                "{shown}: {}, which has no records; kseg show {shown} shows it",
                name.kind.description()
            );
        }
        let dir = match item.path().parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        // The file itself may not exist: it may be compressed. If it is a link, its target has the
        // name of the partition.
        let real = item.path().canonicalize().ok();
        let real = real.as_deref().and_then(Path::parent);
        let dir = real.map(Path::to_owned).or_else(|| dir.canonicalize().ok());
        let dir = dir.as_deref();
        let named = dir.map(file_name).and_then(name::topic_partition);
        let (topic, partition) = named
            .map(|(topic, partition)| (topic.to_owned(), partition))
            .unzip();
        let is_segment = name.kind == FileKind::Log && name.state == FileState::Current;
        let mut all = match dir.filter(|_| is_segment).map(Partition::open) {
            Some(Ok(partition)) => files::segments(&partition),
            _ => Vec::new(),
        };
        let at = all
            .iter()
            .position(|part| file_name(part.log()) == file_name(item.path()));
        let (own, later) = match at {
            Some(at) => {
                let later = all.split_off(at.saturating_add(1));
                (all.pop(), later)
            }
            None => (None, Vec::new()),
        };
        let path = item.path().to_owned();
        let own = match own {
            Some(own) => own.at(path),
            None => SegmentFiles::alone(path),
        };
        Ok(Self {
            topic,
            partition,
            path: item.path().to_owned(),
            files: vec![own],
            later,
            log_start: Offset::new(i64::MIN),
            is_partition: false,
            relists: 0,
        })
    }
}
