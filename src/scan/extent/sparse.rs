//! The places of a segment that its indexes point to.

use std::path::Path;

use super::counts::{first_timestamp, max_timestamp, time};
use crate::format::batch::{Batch, HEADER_BYTES, RecordBatch};
use crate::format::frame::{Frame, FrameHeader};
use crate::format::offset_index::{self, OffsetEntry};
use crate::format::time_index::{self, TimeEntry};
use crate::format::{Codec, FileKind, Message, OffsetIndex, TimeIndex};
use crate::store::{Error, LogFile, Segment, Stream};
use crate::wire::{Offset, Position, Timestamp};

/// The largest batch that is checksummed to prove an index.
const LARGEST_CHECKED: u64 = 16 << 20;

/// The number of headers that are read from the position of an entry to the batch that contains an
/// offset.
const HEADERS: usize = 10_000;

/// The header of a batch.
pub(super) struct Header {
    pub(super) size_bytes: u64,
    pub(super) first_offset: Offset,
    pub(super) last_offset: Offset,
    pub(super) first_timestamp: Timestamp,
    pub(super) max_timestamp: Timestamp,
    /// True if the first offset or its timestamp is only inside the batch.
    pub(super) is_packed: bool,
}

impl Header {
    /// The header at `position`; `None` if there is none, or the batch ends after the file.
    pub(super) fn at(
        log: &LogFile,
        position: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Self>, Error> {
        let end = position.saturating_add(HEADER_BYTES as u64);
        let bytes = log.window(position..end, buffer)?;
        Ok(Self::of(bytes, log.len_bytes().saturating_sub(position)))
    }

    fn of(bytes: &[u8], left: u64) -> Option<Self> {
        let header = FrameHeader::read(bytes)?;
        let size = header
            .frame_bytes()
            .ok()
            .filter(|size| *size as u64 <= left)?;
        if header.magic() >= 2 {
            let batch = RecordBatch::of_header(bytes).filter(|_| size >= HEADER_BYTES)?;
            return Some(Self {
                size_bytes: size as u64,
                first_offset: batch.base_offset(),
                last_offset: batch.last_offset(),
                first_timestamp: first_timestamp(&batch),
                max_timestamp: batch.max_timestamp(),
                is_packed: batch.delete_horizon().is_some(),
            });
        }
        let own = bytes.get(..size).unwrap_or(bytes);
        let message = Message::parse(own, Position(0)).ok()?;
        (header.magic() >= 0).then(|| Self {
            size_bytes: size as u64,
            first_offset: message.offset(),
            last_offset: message.offset(),
            first_timestamp: message.timestamp(),
            max_timestamp: max_timestamp(&Batch::Legacy(message)),
            is_packed: message.codec() != Ok(Codec::None),
        })
    }
}

/// The index entries of a segment that agree with the `.log`.
pub(super) struct Sparse {
    /// The position of the last batches.
    pub(super) from: u64,
    /// The largest timestamp before them.
    pub(super) last_timestamp: Option<Timestamp>,
}

impl Sparse {
    /// Opens the indexes of `segment`; returns `None` if one is missing or invalid.
    pub(super) fn open(segment: &Segment, log: &LogFile) -> Result<Option<Self>, Error> {
        let base = segment.base_offset();
        let path = |kind| segment.file(kind).filter(|item| item.is_file());
        let (Some(offsets), Some(times)) = (path(FileKind::OffsetIndex), path(FileKind::TimeIndex))
        else {
            return Ok(None);
        };
        let mut offsets = Entries::<{ offset_index::ENTRY_BYTES }>::open(offsets.path())?;
        let last = offsets.last()?;
        let last = last.and_then(|bytes| OffsetIndex::new(&bytes, base).get(0));
        let Some(last) = last.filter(|last| last.offset >= base) else {
            return Ok(None);
        };
        let Some(from) = checked(log, last)? else {
            return Ok(None);
        };
        let mut times = Entries::<{ time_index::ENTRY_BYTES }>::open(times.path())?;
        let last = times.last()?;
        let last_timestamp = match last.and_then(|bytes| TimeIndex::new(&bytes, base).get(0)) {
            Some(last) if is_true(log, last, base, &mut offsets)? => time(last.timestamp),
            _ => return Ok(None),
        };
        Ok(Some(Self {
            from,
            last_timestamp,
        }))
    }
}

/// The position of an entry, if a valid batch is there that does not begin after the entry's
/// offset.
fn checked(log: &LogFile, entry: OffsetEntry) -> Result<Option<u64>, Error> {
    let Ok(position) = u64::try_from(entry.position) else {
        return Ok(None);
    };
    let mut buffer = Vec::new();
    let header = Header::at(log, position, &mut buffer)?;
    let Some(header) = header.filter(|header| header.size_bytes <= LARGEST_CHECKED) else {
        return Ok(None);
    };
    // A wrapper's offset is that of its last message, the entry's may be that of the first.
    let is_before = header.is_packed || header.first_offset <= entry.offset;
    let end = position.saturating_add(header.size_bytes);
    let bytes = log.window(position..end, &mut buffer)?;
    let batch = Frame::parse(bytes, Position(position)).and_then(Batch::parse);
    let is_sound = is_before && batch.is_ok_and(|batch| batch.check_crc().is_ok());
    Ok(is_sound.then_some(position))
}

/// Returns true if the batch with the offset of an entry has its timestamp.
fn is_true(
    log: &LogFile,
    entry: TimeEntry,
    base: Offset,
    offsets: &mut Entries<{ offset_index::ENTRY_BYTES }>,
) -> Result<bool, Error> {
    let parse = |bytes: &[u8; offset_index::ENTRY_BYTES]| OffsetIndex::new(bytes, base).get(0);
    let below = offsets.halve(|bytes| parse(bytes).is_some_and(|at| at.offset <= entry.offset))?;
    let start = match below.checked_sub(1) {
        Some(index) => offsets.get(index)?.and_then(|bytes| parse(&bytes)),
        None => None,
    };
    let Ok(mut position) = u64::try_from(start.map_or(0, |at| at.position)) else {
        return Ok(false);
    };
    let mut buffer = Vec::new();
    for _ in 0..HEADERS {
        let Some(header) = Header::at(log, position, &mut buffer)? else {
            return Ok(false);
        };
        if header.last_offset >= entry.offset {
            return Ok(header.max_timestamp == entry.timestamp);
        }
        position = position.saturating_add(header.size_bytes);
    }
    Ok(false)
}

/// The entries of an index, read one by one: nearly all of a preallocated index are zeros.
struct Entries<const BYTES: usize> {
    file: LogFile,
    buffer: Vec<u8>,
    /// The number of entries before the zeros at the end.
    written: u64,
}

impl<const BYTES: usize> Entries<BYTES> {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = LogFile::Windowed(Stream::open(path)?);
        let mut entries = Self {
            written: file.len_bytes() / BYTES as u64,
            file,
            buffer: Vec::new(),
        };
        entries.written = entries.halve(|bytes| *bytes != [0; BYTES])?;
        Ok(entries)
    }

    fn get(&mut self, index: u64) -> Result<Option<[u8; BYTES]>, Error> {
        let start = index.saturating_mul(BYTES as u64);
        let range = start..start.saturating_add(BYTES as u64);
        let bytes = self.file.window(range, &mut self.buffer)?;
        Ok(bytes.first_chunk().copied())
    }

    fn last(&mut self) -> Result<Option<[u8; BYTES]>, Error> {
        match self.written.checked_sub(1) {
            Some(last) => self.get(last),
            None => Ok(None),
        }
    }

    /// Returns the number of leading entries that satisfy `is_before`, by binary search.
    fn halve(&mut self, is_before: impl Fn(&[u8; BYTES]) -> bool) -> Result<u64, Error> {
        let (mut low, mut high) = (0, self.written);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle)?.is_some_and(|bytes| is_before(&bytes)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}
