//! A `.log` as Kafka's iterator sees it: `FileLogInputStream`.
//!
//! The iterator ends without an error if 17 bytes or fewer are left or the size of an entry is
//! beyond the end, and throws if a size is below 14.

use std::ops::Range;

use super::thrown::Thrown;
use super::virtual_dir::{self, Content};
use crate::format::batch::HEADER_BYTES;
use crate::format::fault::{BatchFault, FrameFault};
use crate::format::frame::{self, FrameHeader};
use crate::format::{Batch, Codec, Fault, Frame, Message, RecordBatch, Scratch};
use crate::scan::{LARGE_BYTES, fault_of_large};
use crate::store::LogFile;
use crate::wire::{NumberFault, Position};

/// The bytes of a segment, read through a window that moves on.
#[derive(Debug)]
pub(super) struct SegmentWindow {
    name: String,
    file: Option<LogFile>,
    /// The position of the segment in the file.
    start: u64,
    len: u64,
    /// A piece of the segment, from `window_start` on.
    window: Vec<u8>,
    at: u64,
}

/// An entry of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentEntry {
    /// The position of its first byte.
    pub(super) position: u64,
    /// Its bytes.
    pub(super) size: u64,
    /// Its offset field.
    pub(super) offset: i64,
    /// Its magic.
    pub(super) magic: i8,
}

impl SegmentEntry {
    /// Returns its end.
    pub(super) fn end(self) -> u64 {
        self.position.saturating_add(self.size)
    }

    /// Returns true if it is read as a message of magic 0 or 1; so is any magic below zero.
    pub(super) fn is_legacy(self) -> bool {
        self.magic < 2
    }
}

impl SegmentWindow {
    /// Opens a segment.
    pub(super) fn open(name: &str, content: &Content) -> Result<Self, Thrown> {
        let (file, start) = match content {
            Content::Disk { path, start, .. } => (Some(virtual_dir::open(path)?), *start),
            _ => (None, 0),
        };
        let len = content.len_bytes();
        Ok(Self {
            name: name.to_owned(),
            file,
            start,
            len,
            window: Vec::new(),
            at: 0,
        })
    }

    /// The name of its file.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the segment.
    pub(super) fn len_bytes(&self) -> u64 {
        self.len
    }

    /// The bytes of `range`, and some after it; fewer at the end.
    fn bytes(&mut self, range: Range<u64>) -> Result<&[u8], Thrown> {
        let end = range.end.min(self.len);
        let held = self.at..self.at.saturating_add(self.window.len() as u64);
        if range.start < held.start || end > held.end {
            if let Some(file) = &self.file {
                let stop = end.max(range.start.saturating_add(file.stride_bytes()));
                let (from, to) = (
                    self.start.saturating_add(range.start),
                    self.start.saturating_add(stop.min(self.len)),
                );
                let mut window = std::mem::take(&mut self.window);
                file.window(from..to, &mut window)?;
                self.window = window;
            }
            self.at = range.start;
        }
        let from = usize::try_from(range.start.saturating_sub(self.at)).unwrap_or(usize::MAX);
        Ok(self.window.get(from..).unwrap_or_default())
    }

    /// The entry at `position` of a slice that ends at `end`; `None` where Kafka's iterator ends.
    pub(super) fn entry(
        &mut self,
        position: u64,
        end: u64,
    ) -> Result<Option<SegmentEntry>, Thrown> {
        let head = frame::HEADER_BYTES as u64;
        let end = end.min(self.len);
        if position >= end.saturating_sub(head) {
            return Ok(None);
        }
        let bytes = self.bytes(position..position.saturating_add(head))?;
        let Some(header) = FrameHeader::read(bytes) else {
            return Ok(None);
        };
        let size = header
            .frame_bytes()
            .map_err(|fault| Thrown::Corrupt(at(fault, position)))? as u64;
        if position.saturating_add(size) > end {
            return Ok(None);
        }
        Ok(Some(SegmentEntry {
            position,
            size,
            offset: header.offset().0,
            magic: header.magic(),
        }))
    }

    /// The whole entry. Of a large one the checksum has to be right, whatever Kafka asks of it: what
    /// only claims to be large is not held.
    pub(super) fn frame(&mut self, entry: SegmentEntry) -> Result<Frame<'_>, Thrown> {
        if let (Some(file), true) = (&self.file, entry.size > LARGE_BYTES) {
            let start = self.start.saturating_add(entry.position);
            let range = start..start.saturating_add(entry.size);
            if let Some(fault) = fault_of_large(file, range, &mut Vec::new())? {
                return Err(Thrown::Corrupt(at(fault, entry.position)));
            }
        }
        // A header is read in full even if the entry is shorter.
        let reach = entry
            .end()
            .max(entry.position.saturating_add(HEADER_BYTES as u64));
        let bytes = self.bytes(entry.position..reach)?;
        Frame::parse(bytes, Position(entry.position))
            .map_err(|fault| Thrown::Corrupt(at(fault, entry.position)))
    }

    /// The header of a batch of magic 2 or above.
    pub(super) fn header(&mut self, entry: SegmentEntry) -> Result<RecordBatch<'_>, Thrown> {
        let reach = entry.position.saturating_add(HEADER_BYTES as u64);
        if reach > self.len {
            return Err(Thrown::fatal(
                &self.name,
                format_args!(
                    "the header at {} extends beyond the end of the file",
                    entry.position
                ),
            ));
        }
        let bytes = self.bytes(entry.position..reach)?;
        let left = bytes.len() as u64;
        // Only a file that is truncated while it is read ends here.
        RecordBatch::of_header(bytes)
            .ok_or(Thrown::Corrupt(Fault::new(FrameFault::Tail { left }, 0)))
    }

    /// The last offset of an entry.
    pub(super) fn last_offset(&mut self, entry: SegmentEntry) -> Result<i64, Thrown> {
        if entry.is_legacy() {
            return Ok(entry.offset);
        }
        Ok(self.header(entry)?.last_offset().0)
    }

    /// The first offset of an entry. That of a compressed set of messages is inside.
    pub(super) fn base_offset(
        &mut self,
        entry: SegmentEntry,
        scratch: &mut Scratch,
    ) -> Result<i64, Thrown> {
        if !entry.is_legacy() {
            return Ok(entry.offset);
        }
        // Messages are rare today, and this is needed for the last segment only.
        let name = self.name.clone();
        let wrong = |fault: Fault| Thrown::fatal(&name, at(fault, entry.position));
        let frame = self.frame(entry)?;
        let message = Message::parse(frame.bytes(), frame.position()).map_err(wrong)?;
        let codec = message.codec();
        if codec == Ok(Codec::None) {
            return Ok(entry.offset);
        }
        if entry.magic < 0 || codec == Ok(Codec::Zstd) {
            return Err(wrong(Fault::new(BatchFault::UnknownMagic(entry.magic), 0)));
        }
        let batch = Batch::Legacy(message);
        match batch.records(scratch).map_err(wrong)?.next() {
            Some(Ok(record)) => Ok(record.offset().0),
            Some(Err(fault)) => Err(wrong(fault)),
            None => Err(wrong(Fault::new(NumberFault::EndOfInput, 0))),
        }
    }

    /// Checks an entry like `ensureValid`: its size and its checksum.
    pub(super) fn check(&mut self, entry: SegmentEntry) -> Result<(), Thrown> {
        let position = entry.position;
        let frame = self.frame(entry)?;
        let checked = if entry.is_legacy() {
            Message::parse(frame.bytes(), frame.position()).and_then(|message| {
                let (stored, actual) = (message.stored_crc(), message.actual_crc());
                if stored == actual {
                    Ok(())
                } else {
                    Err(Fault::new(BatchFault::Crc { stored, actual }, 0))
                }
            })
        } else {
            Batch::parse(frame).and_then(|batch| batch.check_crc())
        };
        checked.map_err(|fault| Thrown::Corrupt(at(fault, position)))
    }

    /// Reads the records of an entry from the offset `from` on, as a consumer does. Returns the
    /// number of records that it gets, without those of control batches, and the offset after the
    /// last of them, or `None` for the offset if a record cannot be read.
    pub(super) fn decode(
        &mut self,
        entry: SegmentEntry,
        from: i64,
        scratch: &mut Scratch,
    ) -> Result<(u64, i64, bool), Thrown> {
        let position = entry.position;
        let wrong = |fault: Fault| Thrown::Corrupt(at(fault, position));
        let batch = Batch::parse(self.frame(entry)?).map_err(wrong)?;
        let is_control = batch.is_control();
        let (mut count, mut next) = (0, from);
        let Ok(records) = batch.records(scratch) else {
            return Ok((0, from, false));
        };
        for record in records {
            let Ok(record) = record else {
                return Ok((count, next, false));
            };
            if record.offset().0 >= from {
                count += u64::from(!is_control);
                next = next.max(record.offset().0.saturating_add(1));
            }
        }
        Ok((count, next, true))
    }
}

/// A fault of an entry, with its position in the file.
fn at(fault: Fault, position: u64) -> Fault {
    Fault::new(
        fault.kind(),
        usize::try_from(position).unwrap_or(usize::MAX),
    )
}
