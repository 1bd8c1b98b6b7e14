//! The records of a partition, from an offset or a time on: the most common use of the library.
//!
//! ```no_run
//! use kseg::scan::Filter;
//! use kseg::store::Partition;
//! use kseg::wire::Offset;
//!
//! let partition = Partition::open("/var/lib/kafka/orders-3")?;
//! let reader = partition.records(Filter::from_offset(Offset::new(184_902)));
//! let summary = reader.for_each(|record| {
//!     let value = record.value().unwrap_or_default();
//!     println!("{} {}", record.offset(), String::from_utf8_lossy(value));
//! })?;
//! for part in &summary.unread {
//!     eprintln!("{part}");
//! }
//! # Ok::<(), kseg::store::Error>(())
//! ```
//!
//! Records come in the order of the log, decompressed, as a consumer would be given them: none
//! below the log start offset that the log dir records, and no control records.
//! [`committed`](RecordReader::committed) leaves out what a consumer with
//! `isolation.level=read_committed` does not get. Reading begins at the position in valid indexes,
//! or otherwise uses the headers of batches; the checksum of every batch that is read is compared.
//!
//! Files are read through a window of a few hundred KiB, so memory is bounded and a broker may
//! continue writing.
//!
//! **Invariant:** no record of a batch with a wrong checksum is returned, except by
//! [`damaged_batches`]; and places that could not be read are in the [`Summary`]. Absent on
//! purpose: what records mean ([`decode`](crate::decode)), and how they are shown.

mod batch;
pub mod compare;
mod damaged;
pub mod files;

use std::fmt;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

pub use batch::Selection;
pub use damaged::{DamagedBatch, Flip, damaged_batches};

use self::files::SegmentFiles;
use crate::format::{Batch, Fault, Limits, Record, Scratch};
use crate::scan::{
    Event, Filter, Gap, GapKind, Output, Policy, RenderedChunk, ScanOptions, Visitor, follow,
    locate,
};
use crate::store::{Error, LogFile, Partition, Segment, Stream};
use crate::wire::Offset;

/// The number of unreadable places in a summary; more are counted.
const LISTED: usize = 1000;

impl Partition {
    /// Reads the records that `filter` wants.
    pub fn records(&self, filter: Filter) -> RecordReader {
        RecordReader::of(files::segments(self), files::log_start(self), filter)
    }
}

impl Segment {
    /// Reads the records of this segment alone that `filter` wants, wherever the log starts.
    pub fn records(&self, filter: Filter) -> RecordReader {
        let own = SegmentFiles::of(self).unwrap_or_else(|| SegmentFiles::alone(self.log().into()));
        RecordReader::of(vec![own], None, filter)
    }
}

/// Passes records on, one after the other.
#[derive(Debug, Clone)]
#[must_use = "nothing is read before `for_each`"]
pub struct RecordReader {
    files: Vec<SegmentFiles>,
    filter: Filter,
    committed: bool,
    control: bool,
    salvage: bool,
    limits: Limits,
}

/// The totals of a read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "it says what could not be read"]
pub struct Summary {
    /// Records passed on.
    pub records: u64,
    /// The unreadable places, in log order. Unless the reader [salvages](RecordReader::salvage),
    /// reading stopped at the first.
    pub unread: Vec<UnreadPlace>,
    /// The number of further places.
    pub more_unread: u64,
    /// The last stable offset, if an open transaction held [committed](RecordReader::committed)
    /// records back: no record from there on was passed on.
    pub last_stable_offset: Option<Offset>,
}

/// Bytes that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadPlace {
    /// The file.
    pub path: PathBuf,
    /// The bytes.
    pub range: Range<u64>,
    /// Their fault; `None` if they are zeros.
    pub fault: Option<Fault>,
}

impl fmt::Display for UnreadPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.range;
        write!(f, "{}: position {start}..{end}: ", self.path.display())?;
        match &self.fault {
            Some(fault) => fault.fmt(f),
            None => f.write_str("zeros"),
        }
    }
}

impl RecordReader {
    fn of(files: Vec<SegmentFiles>, log_start: Option<Offset>, mut filter: Filter) -> Self {
        filter.first_offset = filter
            .first_offset
            .max(log_start.unwrap_or(filter.first_offset));
        Self {
            files,
            filter,
            committed: false,
            control: false,
            salvage: false,
            limits: Limits::default(),
        }
    }

    /// Leaves out aborted transactions, and everything from the last stable offset on.
    pub fn committed(self) -> Self {
        Self {
            committed: true,
            ..self
        }
    }

    /// Passes on control records too, such as transaction markers.
    pub fn with_control_records(self) -> Self {
        Self {
            control: true,
            ..self
        }
    }

    /// Continues at the next valid batch after damage, instead of stopping there.
    pub fn salvage(self) -> Self {
        Self {
            salvage: true,
            ..self
        }
    }

    /// Limits the size of a decompressed batch.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Hands every record to `take`.
    ///
    /// # Errors
    /// A file cannot be read. Damage inside the files is not an error, but in the [`Summary`].
    pub fn for_each(self, mut take: impl FnMut(&Record<'_>)) -> Result<Summary, Error> {
        self.try_for_each(|record| {
            take(record);
            ControlFlow::Continue(())
        })
    }

    /// Hands records to `take` until it returns `Break`.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn try_for_each(
        self,
        mut take: impl FnMut(&Record<'_>) -> ControlFlow<()>,
    ) -> Result<Summary, Error> {
        self.try_for_each_in_batch(|_, record| take(record))
    }

    /// Hands records to `take`, each with its batch, until it returns `Break`.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn try_for_each_in_batch(
        mut self,
        mut take: impl FnMut(&Batch<'_>, &Record<'_>) -> ControlFlow<()>,
    ) -> Result<Summary, Error> {
        let mut summary = Summary::default();
        let mut transactions = None;
        if self.committed {
            // Only headers and markers are read, without checksums.
            let known = files::transactions(self.files.iter(), self.options(Policy::Trust), open)?;
            if let Some(first) = known.first_open() {
                summary.last_stable_offset = Some(first);
                let last = Offset(first.0.saturating_sub(1));
                self.filter.last_offset = self.filter.last_offset.min(last);
            }
            transactions = Some(known);
        }
        let selection = Selection {
            filter: self.filter,
            control: self.control,
            transactions: transactions.as_ref(),
        };
        for (index, part) in self.files.iter().enumerate() {
            if !files::may_hold(&self.files, index, &self.filter) {
                continue;
            }
            let log = open(part.log())?;
            let range = locate::locate(&log, part.indexes().parse(), &self.filter)?;
            let mut visit = Visit {
                selection,
                take: &mut take,
                salvage: self.salvage,
                path: part.log(),
                zeros_end: (index + 1 == self.files.len()).then(|| log.len_bytes()),
                summary: &mut summary,
                is_ended: false,
            };
            let options = ScanOptions {
                start: range.start,
                end: range.end,
                ..self.options(Policy::Verify)
            };
            follow(&log, options, &mut visit, &mut ignore)?;
            if visit.is_ended {
                break;
            }
        }
        Ok(summary)
    }

    fn options(&self, otherwise: Policy) -> ScanOptions {
        let policy = if self.salvage {
            Policy::Salvage
        } else {
            otherwise
        };
        ScanOptions {
            limits: self.limits,
            ..ScanOptions::of(policy)
        }
    }
}

fn open(path: &Path) -> Result<LogFile, Error> {
    Stream::open(path).map(LogFile::Windowed)
}

/// Nothing is rendered here.
fn ignore(_: RenderedChunk) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The visit of a file.
struct Visit<'a, T> {
    selection: Selection<'a>,
    take: &'a mut T,
    salvage: bool,
    path: &'a Path,
    /// The end of the last file: zeros up to there are preallocated space.
    zeros_end: Option<u64>,
    summary: &'a mut Summary,
    is_ended: bool,
}

impl<T: FnMut(&Batch<'_>, &Record<'_>) -> ControlFlow<()>> Visit<'_, T> {
    #[cold]
    fn unread(&mut self, range: Range<u64>, fault: Option<Fault>) -> ControlFlow<()> {
        if self.summary.unread.len() < LISTED {
            self.summary.unread.push(UnreadPlace {
                path: self.path.to_owned(),
                range,
                fault,
            });
        } else {
            self.summary.more_unread += 1;
        }
        if self.salvage {
            return ControlFlow::Continue(());
        }
        self.end()
    }

    fn gap(&mut self, gap: &Gap) -> ControlFlow<()> {
        for part in gap.parts() {
            let range = part.range.clone();
            match part.kind {
                GapKind::Zeros if self.zeros_end == Some(range.end) => {}
                _ => self.unread(range, part.fault())?,
            }
        }
        ControlFlow::Continue(())
    }

    fn end(&mut self) -> ControlFlow<()> {
        self.is_ended = true;
        ControlFlow::Break(())
    }
}

impl<T: FnMut(&Batch<'_>, &Record<'_>) -> ControlFlow<()>> Visitor for Visit<'_, T> {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let range = event.range();
        let batch = match event.into_batch() {
            Ok(batch) => batch,
            Err(gap) => return self.gap(&gap),
        };
        let selection = self.selection;
        selection.records(&batch, scratch, |record| match record {
            Ok(record) => {
                self.summary.records += 1;
                if (self.take)(&batch, &record).is_break() {
                    return self.end();
                }
                ControlFlow::Continue(())
            }
            Err(fault) => self.unread(range.clone(), Some(fault)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> Partition {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/kafka-4.3.1");
        Partition::open(root.join("txns-4.3.1/files/willow.ledger-0")).unwrap()
    }

    fn offsets(reader: RecordReader) -> (Vec<i64>, Summary) {
        let mut offsets = Vec::new();
        let summary = reader
            .for_each(|record| offsets.push(record.offset().0))
            .unwrap();
        (offsets, summary)
    }

    #[test]
    fn records_are_those_from_the_offset_on_and_no_markers() {
        let all = |filter| offsets(partition().records(filter));
        let (everything, summary) = all(Filter::default());
        assert!(everything.is_sorted() && !everything.is_empty());
        assert_eq!(summary.records, everything.len() as u64);
        assert_eq!(summary.unread, []);
        let middle = everything[everything.len() / 2];
        let (rest, _) = all(Filter::from_offset(Offset(middle)));
        assert_eq!(rest, everything[everything.len() / 2..]);
        let (more, _) = offsets(
            partition()
                .records(Filter::default())
                .with_control_records(),
        );
        assert!(more.len() > everything.len());
    }

    #[test]
    fn what_was_aborted_is_not_committed() {
        let (everything, _) = offsets(partition().records(Filter::default()));
        let (committed, _) = offsets(partition().records(Filter::default()).committed());
        assert!(committed.len() < everything.len());
        assert!(committed.iter().all(|offset| everything.contains(offset)));
    }

    #[test]
    fn reading_ends_when_the_taker_has_enough() {
        let mut left = 3;
        let reader = partition().records(Filter::default());
        let summary = reader.try_for_each(|_| {
            left -= 1;
            match left {
                0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        assert_eq!(summary.unwrap().records, 3);
    }
}
