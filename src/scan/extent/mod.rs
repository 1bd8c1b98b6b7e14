//! The extent of a segment: offsets, times, and the bytes after its last batch.
//!
//! [`Extent::read`] reads few places. The first batch begins at position 0; the last ones are after
//! the last entry of the `.index`, if a valid batch is at its position, and the headers are walked
//! from there. Without a valid index all headers are walked. The largest timestamp is that of the
//! batches walked and of the last entry of the `.timeindex`, if the batch with its offset has this
//! timestamp; if not, again all headers are walked. [`Extent::scan`] reads everything.

mod counts;
mod exact;
mod sparse;

use std::ops::ControlFlow;
use std::path::Path;

use super::event::Event;
use super::jobs::Jobs;
use super::output::Output;
use super::parallel::{ScanOptions, follow, scan};
use super::visit::Visitor;
use super::walk::Policy;
use crate::format::frame::Frame;
use crate::format::{Batch, Limits, Scratch};
use crate::store::{Error, LogFile, Segment, Stream};
use crate::wire::{Offset, Position, Timestamp};

pub use self::counts::{Extent, ExtentCounts};
use self::counts::{max_timestamp, time};
use self::exact::Counter;
use self::sparse::{Header, Sparse};

/// A `.log` up to this size is walked as fast as its index is read.
const SMALL_BYTES: u64 = 64 << 10;

/// A first batch larger than this is not decompressed.
const LARGEST_FIRST: u64 = 64 << 20;

impl Extent {
    /// Returns the extent of `segment`, from its first and last batches. `open` opens a `.log` of
    /// which many headers have to be read.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(
        segment: &Segment,
        open: impl FnOnce(&Path) -> Result<LogFile, Error>,
    ) -> Result<Self, Error> {
        let log = LogFile::Windowed(Stream::open(segment.log())?);
        // Facts that neither the first header nor an index has are read from the log.
        let head = unless_unreadable(Head::read(&log))?;
        let is_small = log.len_bytes() <= SMALL_BYTES;
        let sparse = if is_small {
            None
        } else {
            unless_unreadable(Sparse::open(segment, &log))?
        };
        let mut extent = match sparse {
            Some(sparse) => {
                let mut tail = Tail::read(&log, sparse.from)?;
                tail.last_timestamp = tail.last_timestamp.max(sparse.last_timestamp);
                tail
            }
            None if is_small => Tail::read(&log, 0)?,
            None => Tail::read(&open(segment.log())?, 0)?,
        };
        if let Some(head) = head {
            extent.first_offset = Some(head.offset);
            extent.first_timestamp = time(head.timestamp);
        }
        Ok(extent)
    }

    /// Returns the extent of `log`, from all of its records. After damage the next valid batch is
    /// searched.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn scan(log: &LogFile, jobs: Jobs, limits: Limits) -> Result<Self, Error> {
        let options = ScanOptions {
            jobs,
            limits,
            ..ScanOptions::of(Policy::Salvage)
        };
        scan(log, options, Counter::default, &mut |_| {
            ControlFlow::Continue(())
        })
    }
}

/// `None` if bytes on the way cannot be read.
fn unless_unreadable<T>(found: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match found {
        Err(error) if error.is_unreadable() => Ok(None),
        found => found,
    }
}

/// The start of a segment.
struct Head {
    offset: Offset,
    timestamp: Timestamp,
}

impl Head {
    /// The first record of the first batch, from its header if possible.
    fn read(log: &LogFile) -> Result<Option<Self>, Error> {
        let mut buffer = Vec::new();
        let Some(header) = Header::at(log, 0, &mut buffer)? else {
            return Ok(None);
        };
        if header.size_bytes > LARGEST_FIRST || !header.is_packed {
            return Ok(Some(Self {
                offset: header.first_offset,
                timestamp: header.first_timestamp,
            }));
        }
        let bytes = log.window(0..header.size_bytes, &mut buffer)?;
        let batch = Frame::parse(bytes, Position(0)).and_then(Batch::parse);
        Ok(batch
            .ok()
            .map(|batch| Self::of(&batch, &mut Scratch::default())))
    }

    fn of(batch: &Batch<'_>, scratch: &mut Scratch) -> Self {
        let mut records = batch.records(scratch).ok();
        let first = records.as_mut().and_then(|records| records.next()?.ok());
        match (batch, first) {
            (Batch::V2(batch), record) => Self {
                offset: batch.base_offset(),
                timestamp: record.map_or(batch.max_timestamp(), |record| record.timestamp()),
            },
            (Batch::Legacy(_), Some(record)) => Self {
                offset: record.offset(),
                timestamp: record.timestamp(),
            },
            (Batch::Legacy(message), None) => Self {
                offset: message.offset(),
                timestamp: message.timestamp(),
            },
        }
    }
}

/// Reads headers up to the end of a segment.
#[derive(Default)]
struct Tail(Extent);

impl Tail {
    /// Reads the headers from position `start` on, where an entry begins.
    fn read(log: &LogFile, start: u64) -> Result<Extent, Error> {
        let options = ScanOptions {
            start,
            ..ScanOptions::of(Policy::Trust)
        };
        let mut tail = Self::default();
        let mut nobody = |_| ControlFlow::Continue(());
        follow(log, options, &mut tail, &mut nobody)?;
        Ok(tail.0)
    }
}

impl Visitor for Tail {
    fn event(&mut self, event: Event<'_>, _: &mut Scratch, _: &mut Output<'_>) -> ControlFlow<()> {
        match event.into_batch() {
            Ok(batch) => {
                self.0.batch(&batch);
                self.0.until(max_timestamp(&batch));
            }
            Err(gap) => self.0.gap(&gap),
        }
        ControlFlow::Continue(())
    }
}
