//! The files of a log in order, and their indexes.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::format::name::{self, DirState};
use crate::format::{FileKind, OffsetCheckpoint, OffsetIndex, TimeIndex, TxnIndex};
use crate::scan::locate::Indexes;
use crate::scan::{Filter, ScanOptions, TransactionTracker, follow};
use crate::store::{Cap, Error, LogFile, Partition, Segment, Source, read_small};
use crate::wire::Offset;

/// A `.log` and its indexes.
#[derive(Debug, Clone)]
pub struct SegmentFiles {
    log: PathBuf,
    base: Option<Offset>,
    offsets: Option<PathBuf>,
    times: Option<PathBuf>,
    transactions: Option<PathBuf>,
}

impl SegmentFiles {
    /// The files of a segment; `None` if its `.log` is missing.
    #[must_use]
    pub fn of(segment: &Segment) -> Option<Self> {
        let path = |kind| segment.file(kind).map(|item| item.path().to_owned());
        Some(Self {
            log: path(FileKind::Log)?,
            base: Some(segment.base_offset()),
            offsets: path(FileKind::OffsetIndex),
            times: path(FileKind::TimeIndex),
            transactions: path(FileKind::TransactionIndex),
        })
    }

    /// A file of records without any index.
    #[must_use]
    pub fn alone(log: PathBuf) -> Self {
        Self {
            log,
            base: None,
            offsets: None,
            times: None,
            transactions: None,
        }
    }

    /// The same, with another path of its `.log`.
    #[must_use]
    pub fn at(self, log: PathBuf) -> Self {
        Self { log, ..self }
    }

    /// The file of the records.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The offset in its name: no record has a lower one.
    #[must_use]
    pub fn base_offset(&self) -> Option<Offset> {
        self.base
    }

    /// Reads the indexes, as far as they can be read.
    #[must_use]
    pub fn indexes(&self) -> IndexBytes {
        IndexBytes {
            base: self.base,
            offsets: small(self.offsets.as_deref()),
            times: small(self.times.as_deref()),
        }
    }

    /// Reads the index of aborted transactions, if there is one that can be read.
    #[must_use]
    pub fn transactions(&self) -> Option<Source> {
        small(self.transactions.as_deref())
    }
}

/// The bytes of the indexes of a segment.
#[derive(Debug, Default)]
pub struct IndexBytes {
    base: Option<Offset>,
    offsets: Option<Source>,
    times: Option<Source>,
}

impl IndexBytes {
    /// The indexes in these bytes.
    #[must_use]
    pub fn parse(&self) -> Indexes<'_> {
        let Some(base) = self.base else {
            return Indexes::default();
        };
        Indexes {
            offsets: self
                .offsets
                .as_deref()
                .map(|bytes| OffsetIndex::new(bytes, base)),
            times: self
                .times
                .as_deref()
                .map(|bytes| TimeIndex::new(bytes, base)),
        }
    }
}

/// The segments of a partition that have a `.log`, in the order of their offsets.
#[must_use]
pub fn segments(partition: &Partition) -> Vec<SegmentFiles> {
    let segments = partition.segments();
    segments.iter().filter_map(SegmentFiles::of).collect()
}

/// Returns true if the file at `index` may contain wanted records, by the offsets in its name and
/// the name of the next file.
#[must_use]
pub fn may_hold(files: &[SegmentFiles], index: usize, filter: &Filter) -> bool {
    let base = |index: usize| files.get(index).and_then(SegmentFiles::base_offset);
    base(index).is_none_or(|base| base <= filter.last_offset)
        && base(index + 1).is_none_or(|next| next > filter.first_offset)
}

/// The transactions of a log, by its control records, and by the indexes where these are missing.
/// `open` opens a `.log`.
///
/// # Errors
/// A file cannot be read.
pub fn transactions<'f>(
    files: impl Iterator<Item = &'f SegmentFiles> + Clone,
    options: ScanOptions,
    open: impl Fn(&Path) -> Result<LogFile, Error>,
) -> Result<TransactionTracker, Error> {
    let mut known = TransactionTracker::default();
    for part in files.clone() {
        if let Some(bytes) = part.transactions() {
            known.index(&TxnIndex::new(&bytes));
        }
    }
    for part in files {
        let nothing = &mut |_| ControlFlow::Continue(());
        follow(&open(part.log())?, options, &mut known, nothing)?;
    }
    known.finish();
    Ok(known)
}

/// The log start offset of a partition in the checkpoint of its log dir, if there is one.
#[must_use]
pub fn log_start(partition: &Partition) -> Option<Offset> {
    if partition.state() != DirState::Current {
        return None;
    }
    let (topic, number) = (partition.topic()?, partition.number()?);
    let checkpoint = partition.log_dir()?.join(name::LOG_STARTS);
    let bytes = read_small(&checkpoint, Cap::of(FileKind::LogStarts)).ok()?;
    let entries = OffsetCheckpoint::parse(&bytes).entries;
    let own = entries
        .iter()
        .find(|entry| entry.topic == topic && entry.partition == number);
    own.map(|entry| entry.offset)
}

/// The bytes of a file, if it exists, can be read, and is not too large.
fn small(path: Option<&Path>) -> Option<Source> {
    let path = path?;
    read_small(path, Cap::at(path)).ok()
}
