//! Lookups in a `.log` at a position, for comparison with entries of indexes.

use std::ops::Range;

use kseg::format::fault::{FrameFault, MessageFault, RecordFault};
use kseg::format::frame::FrameHeader;
use kseg::format::{Batch, Codec, Fault, FaultKind, Frame, Limits, Message, Scratch, batch};
use kseg::scan::seek;
use kseg::store::{Error, LogFile};
use kseg::wire::{Offset, Position};

/// The number of lookups before the memory of a mapping is released. The kernel maps 64 KiB around
/// each.
const LOOKS: u32 = 256;

/// The formats that the release can read.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadableFormats {
    /// zstd.
    pub(super) zstd: bool,
    /// Compressed sets inside compressed sets.
    pub(super) nested: bool,
    /// The newest magic; entries of later ones are read as messages.
    pub(super) newest_magic: i8,
}

/// A `.log` with lookups at any position.
#[derive(Debug)]
pub(super) struct LogLookup {
    log: LogFile,
    buffer: Vec<u8>,
    scratch: Scratch,
    reader: ReadableFormats,
    /// The range that was read since memory was last released.
    looked: Option<Range<u64>>,
    looks: u32,
    /// The last batch whose largest timestamp was read.
    known: Option<(u64, Result<i64, String>)>,
}

/// The reason why there is no batch at a position.
type Missing = String;

impl LogLookup {
    pub(super) fn new(log: LogFile, reader: ReadableFormats, limits: Limits) -> Self {
        Self {
            log,
            buffer: Vec::new(),
            scratch: Scratch::with_limits(limits),
            reader,
            looked: None,
            looks: 0,
            known: None,
        }
    }

    pub(super) fn file(&self) -> &LogFile {
        &self.log
    }

    /// Returns true if the position is in the log, or at its end.
    pub(super) fn within(&self, position: i64) -> Result<u64, Missing> {
        let len = self.log.len_bytes();
        match u64::try_from(position) {
            Ok(position) if position <= len => Ok(position),
            Ok(_) => Err(format!("the log ends at {len}")),
            Err(_) => Err("the position is negative".into()),
        }
    }

    /// The last offset of the batch at `position`; at most `limit` of its bytes are read.
    pub(super) fn last_offset(
        &mut self,
        position: i32,
        limit: u64,
    ) -> Result<Result<Offset, Missing>, Error> {
        let position = match self.within(i64::from(position)) {
            Ok(position) => position,
            Err(missing) => return Ok(Err(missing)),
        };
        if let Err(missing) = self.frame_bytes(position, limit)? {
            return Ok(Err(missing));
        }
        let bytes = self.bytes(position, batch::HEADER_BYTES as u64)?;
        Ok(seek::last_offset(bytes).map_err(|fault| fault.to_string()))
    }

    /// The offset of the first record from `position` on, in batches that are in the `limit` bytes
    /// from there.
    pub(super) fn first_record(
        &mut self,
        position: i32,
        limit: u64,
    ) -> Result<Result<Offset, Missing>, Error> {
        let mut position = match self.within(i64::from(position)) {
            Ok(position) => position,
            Err(missing) => return Ok(Err(missing)),
        };
        let mut limit = limit;
        loop {
            let size = match self.frame_bytes(position, limit)? {
                Ok(size) => size,
                Err(missing) => return Ok(Err(missing)),
            };
            let mut first = None;
            let read = self.records(position, size, true, &mut |offset, _| {
                first = first.or(Some(offset));
            })?;
            match (first, read) {
                (_, Err(fault)) => return Ok(Err(fault)),
                (Some(first), Ok(())) => return Ok(Ok(first)),
                (None, Ok(())) => {}
            }
            position = position.saturating_add(size);
            limit = limit.saturating_sub(size);
        }
    }

    /// The largest timestamp of the records in the batch at `position`; −1 if there is none.
    pub(super) fn max_timestamp(&mut self, position: u64) -> Result<Result<i64, Missing>, Error> {
        if let Some((at, known)) = &self.known
            && *at == position
        {
            return Ok(known.clone());
        }
        let max = match self.frame_bytes(position, u64::MAX)? {
            Err(missing) => Err(missing),
            Ok(size) => {
                let mut max = -1;
                let read = self.records(position, size, false, &mut |_, timestamp| {
                    max = max.max(timestamp);
                })?;
                read.map(|()| max)
            }
        };
        self.known = Some((position, max.clone()));
        Ok(max)
    }

    /// Bytes of the batch at `position`, if it is in the `limit` bytes from there.
    fn frame_bytes(&mut self, position: u64, limit: u64) -> Result<Result<u64, Missing>, Error> {
        let left = self.log.len_bytes().saturating_sub(position);
        let bytes = self.bytes(position, batch::HEADER_BYTES as u64)?;
        let header = FrameHeader::read(bytes);
        let (Some(header), true) = (header, left.min(limit) > TAIL_BYTES) else {
            let left = left.min(limit);
            return Ok(Err(FrameFault::Tail { left }.to_string()));
        };
        Ok(match header.frame_bytes() {
            Err(fault) => Err(fault.to_string()),
            Ok(size) if size as u64 > left => {
                let announced = size as u64;
                Err(FrameFault::BeyondEnd { announced, left }.to_string())
            }
            Ok(size) if size as u64 > limit => Err(format!(
                "batch of {size} bytes, more than --max-message-size {limit}"
            )),
            Ok(size) => Ok(size as u64),
        })
    }

    /// Passes on the records of the batch of `size` bytes at `position`, or at least the first one,
    /// and fails where Kafka does: it decompresses a compressed batch as a whole, but reads
    /// messages one by one.
    fn records(
        &mut self,
        position: u64,
        size: u64,
        first_only: bool,
        show: &mut dyn FnMut(Offset, i64),
    ) -> Result<Result<(), Missing>, Error> {
        let end = position.saturating_add(size.max(batch::HEADER_BYTES as u64));
        let bytes = self.log.window(position..end, &mut self.buffer)?;
        let frame = match Frame::parse(bytes, Position::new(position)) {
            Ok(frame) => frame,
            Err(fault) => return Ok(Err(fault.to_string())),
        };
        if frame.magic() > self.reader.newest_magic {
            return Ok(from_the_future(frame, show));
        }
        let batch = match Batch::parse(frame) {
            Ok(batch) => batch,
            Err(fault) => return Ok(Err(fault.to_string())),
        };
        if !self.reader.zstd && matches!(batch.codec(), Ok(Codec::Zstd)) {
            return Ok(Err("zstd, which this release cannot read".into()));
        }
        let records = match batch.records(&mut self.scratch) {
            Ok(records) => records,
            Err(fault) => return Ok(Err(fault.to_string())),
        };
        let reader = self.reader;
        let whole = !first_only || !matches!(batch.codec(), Ok(Codec::None));
        let mut shown = 0_u32;
        for record in records {
            match record {
                Ok(_) if shown > 0 && !whole => break,
                Ok(record) => {
                    show(record.offset(), record.timestamp().get());
                    shown = shown.saturating_add(1);
                }
                Err(fault) if Self::forgives(reader, &batch, fault, first_only && shown > 1) => {}
                Err(fault) => return Ok(Err(fault.to_string())),
            }
        }
        Ok(Ok(()))
    }

    /// Returns true if Kafka ignores the fault: an incomplete value of a message, which is not
    /// read, or a set inside a set, for old readers or if it is not reached.
    fn forgives(reader: ReadableFormats, batch: &Batch<'_>, fault: Fault, unreached: bool) -> bool {
        match fault.kind() {
            FaultKind::Record(RecordFault::FieldLength { .. }) => matches!(batch, Batch::Legacy(_)),
            FaultKind::Message(MessageFault::WrapperNested) => reader.nested || unreached,
            _ => false,
        }
    }

    /// The bytes from `position` on: at least `count`, or all that are left.
    fn bytes(&mut self, position: u64, count: u64) -> Result<&[u8], Error> {
        let end = position.saturating_add(count);
        let looked = self.looked.take().unwrap_or(position..end);
        let looked = looked.start.min(position)..looked.end.max(end);
        self.looks += 1;
        if self.looks >= LOOKS {
            self.log.release(looked);
            self.looks = 0;
        } else {
            self.looked = Some(looked);
        }
        self.log.window(position..end, &mut self.buffer)
    }
}

/// An entry of a later format than the reader knows, as a message: it has an offset and some
/// timestamp, and is not a compressed set.
fn from_the_future(frame: Frame<'_>, show: &mut dyn FnMut(Offset, i64)) -> Result<(), Missing> {
    let message = Message::parse(frame.bytes(), frame.position());
    match message.map(|message| (message.codec(), message.timestamp())) {
        Ok((Ok(Codec::None), timestamp)) => {
            show(frame.offset(), timestamp.get());
            Ok(())
        }
        _ => Err(format!(
            "magic {}, which this release cannot read",
            frame.magic()
        )),
    }
}

/// The maximum number of bytes that Kafka's reader treats as the tail of a file.
const TAIL_BYTES: u64 = kseg::format::frame::HEADER_BYTES as u64;
