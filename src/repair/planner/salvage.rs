//! What can still be read of a batch whose bytes are damaged, as a batch of its own.
//!
//! Nothing in a batch but its CRC says whether a record is whole, and that one is wrong here: every
//! record is suspect. One is readable only if its structure is, if its place and time fit
//! the header's, and if it has no rows of zeros where a page or sector of a disk would leave them.

use std::ops::Range;

use crate::format::batch::HEADER_BYTES;
use crate::format::record::{StoredRecord, stored_record};
use crate::format::{Codec, RecordBatch, Remake, Scratch, TimestampType};
use crate::wire::{LeaderEpoch, Offset, OffsetDelta, Timestamp};

/// A batch made of what could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Salvaged {
    /// The batch.
    pub(super) bytes: Vec<u8>,
    /// The start of its source in the examined bytes.
    pub(super) from: usize,
    /// Its first and last offset, those of records that are lost included.
    pub(super) offsets: (Offset, Offset),
    /// Records kept.
    pub(super) records: u64,
    /// Records lost, as far as the header tells.
    pub(super) lost: u64,
}

/// A range of bytes, and the offsets that it may have.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// Their position in the file.
    pub(super) position: u64,
    /// The offset after the last batch before, and the first offset of the next batch; open where
    /// there is none.
    pub(super) offsets: Range<i64>,
    /// The leader epoch of what is around them.
    pub(super) epoch: i32,
    /// True if nothing says where the log ends.
    pub(super) is_open: bool,
}

/// The smallest unit in which disks lose bytes.
const SECTOR_BYTES: u64 = 512;

/// Zeros in a row that look like a hole, at the edge of a sector and anywhere.
const ZEROS_AT_EDGE: usize = 8;
const ZEROS_ANYWHERE: usize = 64;

/// Milliseconds at the beginning of 1990 and of 2200: what is outside is no time of a record, but
/// damage.
const FIRST_TIME: i64 = 631_152_000_000;
const LAST_TIME: i64 = 7_258_118_400_000;

/// Makes a batch of the records that can be read in `bytes`, which begin with what was the header
/// of a batch.
///
/// Returns `None` if no record can be kept.
pub(super) fn salvage(bytes: &[u8], slot: &Slot, scratch: &mut Scratch) -> Option<Salvaged> {
    let body = bytes.get(HEADER_BYTES..)?;
    let mut header = Header::judge(bytes, slot)?;
    if !is_time(header.base_timestamp) {
        header.restore_base(body, scratch)?;
    }
    let found = if header.codec == Codec::None {
        let body_at = slot.position + HEADER_BYTES as u64;
        readable(body, body_at, &header)
    } else {
        packed(body, &header, scratch)?
    };
    if found.kept.is_empty() {
        return None;
    }
    header.batch_of(&found, body, slot)
}

/// Returns true if a number can be the time of a record, in milliseconds.
pub(super) fn is_time(ms: i64) -> bool {
    (FIRST_TIME..LAST_TIME).contains(&ms)
}

/// The largest timestamp delta of the records of a payload, if they are all there: without gaps,
/// and nothing after them.
fn latest_of_all(codec: Codec, body: &[u8], scratch: &mut Scratch) -> Option<i64> {
    let bytes = match codec {
        Codec::None => body,
        packed => match scratch.inflate(packed, 2, body) {
            (bytes, None) => bytes,
            (_, Some(_)) => return None,
        },
    };
    let (mut at, mut next, mut latest) = (0, 0, None);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let (record, size) = stored_record(rest)?;
        if record.attributes != 0 || record.offset_delta.0 != next {
            return None;
        }
        latest = latest.max(Some(record.timestamp_delta));
        next += 1;
        at += size;
    }
    latest
}

/// The readable part of the header.
struct Header {
    bytes: [u8; HEADER_BYTES],
    codec: Codec,
    base_timestamp: i64,
    max_timestamp: i64,
    /// True if the time of all records is the largest, set by the broker.
    is_appended: bool,
    last_delta: Option<i32>,
    /// Records, as far as the header can be believed.
    count: Option<u64>,
    /// True if a field is one that no broker would have written.
    is_damaged: bool,
}

impl Header {
    /// Believes each field that could be true. None if both of its times are lost: they are nowhere
    /// else.
    fn judge(bytes: &[u8], slot: &Slot) -> Option<Self> {
        let bytes: [u8; HEADER_BYTES] = *bytes.first_chunk()?;
        let batch = RecordBatch::of_header(&bytes)?;
        let (base_timestamp, max_timestamp) = (batch.base_timestamp().0, batch.max_timestamp().0);
        let has_horizon = batch.delete_horizon().is_some();
        let is_appended = batch.timestamp_type() == TimestampType::LogAppendTime;
        if !is_time(max_timestamp) && (is_appended || !is_time(base_timestamp)) {
            return None;
        }
        let last_delta = Some(batch.last_offset_delta().0).filter(|delta| *delta >= 0);
        let count = u64::try_from(batch.records_count()).ok().filter(|n| *n > 0);
        let fits = |delta: i32| {
            let Some(last) = batch.base_offset().0.checked_add(delta.into()) else {
                return false;
            };
            slot.offsets.contains(&batch.base_offset().0) && slot.offsets.contains(&last)
        };
        let is_in_order = has_horizon || base_timestamp <= max_timestamp || max_timestamp == -1;
        let is_whole = batch.magic() == 2
            && batch.attributes() & !0x7f == 0
            && batch.codec().is_ok()
            && last_delta.is_some_and(fits)
            && count.is_some()
            && is_in_order;
        Some(Self {
            codec: batch.codec().unwrap_or(Codec::None),
            base_timestamp,
            max_timestamp: if is_time(max_timestamp) {
                max_timestamp
            } else {
                -1
            },
            is_appended,
            last_delta: last_delta.filter(|delta| fits(*delta)),
            count,
            is_damaged: !is_whole,
            bytes,
        })
    }

    /// The time that those of the records are counted from, by the latest of them; and their codec,
    /// which may be lost with it. None if not all of them are there.
    fn restore_base(&mut self, body: &[u8], scratch: &mut Scratch) -> Option<()> {
        if self.is_appended {
            return None;
        }
        let codecs = [
            self.codec,
            Codec::Gzip,
            Codec::Snappy,
            Codec::Lz4,
            Codec::Zstd,
        ];
        let latest = codecs
            .into_iter()
            .find_map(|codec| Some((codec, latest_of_all(codec, body, scratch)?)));
        let (codec, latest) = latest?;
        self.codec = codec;
        self.base_timestamp = self
            .max_timestamp
            .checked_sub(latest)
            .filter(|base| is_time(*base))?;
        self.is_damaged = true;
        Some(())
    }

    /// Returns true if no offset of the batch is without a record: compaction took none of them.
    fn is_dense(&self) -> bool {
        let offsets = self.last_delta.and_then(|delta| u64::try_from(delta).ok());
        self.count.is_some() && offsets.and_then(|delta| delta.checked_add(1)) == self.count
    }

    /// Returns true if a record could be one of this batch, after the one with `last`; `is_next`:
    /// no record is missing between them.
    fn allows(&self, record: &StoredRecord<'_>, last: i32, is_next: bool) -> bool {
        let time = self.base_timestamp.wrapping_add(record.timestamp_delta);
        let is_one_more = last.checked_add(1) == Some(record.offset_delta.0);
        record.attributes == 0
            && record.offset_delta.0 > last
            && (is_one_more || !is_next || !self.is_dense())
            && self
                .last_delta
                .is_none_or(|most| record.offset_delta.0 <= most)
            && (self.max_timestamp == -1 || time <= self.max_timestamp)
            && time >= FIRST_TIME
    }

    /// The largest timestamp of the batch: that of a record which is kept, if clients set the
    /// times.
    fn latest(&self, found: &SalvagedBody) -> Timestamp {
        let latest = found.kept.iter().map(|kept| kept.timestamp_delta).max();
        let latest = latest.map(|delta| self.base_timestamp.wrapping_add(delta));
        Timestamp(
            latest
                .filter(|_| !self.is_appended)
                .unwrap_or(self.max_timestamp),
        )
    }

    /// The batch of what was found.
    fn batch_of(&self, found: &SalvagedBody, body: &[u8], slot: &Slot) -> Option<Salvaged> {
        let last_found = found.kept.last()?.offset_delta.0;
        let last_delta = self.last_delta.unwrap_or(last_found).max(last_found);
        let stored = RecordBatch::of_header(&self.bytes)?.base_offset().0;
        let covers = |base: i64| {
            let last = base.checked_add(last_delta.into());
            base >= slot.offsets.start && last.is_some_and(|last| last < slot.offsets.end)
        };
        // If the offset is lost, the batch filled the gap between its neighbours, or its place is
        // unknown.
        let width = slot.offsets.end.checked_sub(slot.offsets.start);
        let is_tight = width == i64::from(last_delta).checked_add(1);
        // Nothing bounds an offset at the end of the log but the batch before.
        let is_next = !slot.is_open || stored == slot.offsets.start;
        let base = if covers(stored) && is_next {
            stored
        } else if is_tight {
            slot.offsets.start
        } else {
            return None;
        };
        let mut batch = Remake::of(&self.bytes);
        batch.place(
            Offset(base),
            OffsetDelta(last_delta),
            LeaderEpoch(slot.epoch),
        );
        batch.codec(Codec::None);
        batch.times(Timestamp(self.base_timestamp), self.latest(found));
        if self.is_damaged {
            batch.anonymous();
        }
        let bytes = found.unpacked.as_deref().unwrap_or(body);
        for kept in &found.kept {
            batch.push(bytes.get(kept.range.clone())?);
        }
        let records = found.kept.len() as u64;
        let bytes = batch.finish(i32::try_from(records).ok()?)?;
        let lost = self
            .count
            .unwrap_or(0)
            .max(u64::try_from(last_delta).ok()? + 1);
        Some(Salvaged {
            bytes,
            from: 0,
            offsets: (Offset(base), Offset(base + i64::from(last_delta))),
            records,
            lost: lost.saturating_sub(records),
        })
    }
}

/// A record that can be read.
struct Kept {
    /// Its range in the body, or in the decompressed body.
    range: Range<usize>,
    offset_delta: OffsetDelta,
    timestamp_delta: i64,
}

/// The records found in the body of a batch.
struct SalvagedBody {
    kept: Vec<Kept>,
    unpacked: Option<Vec<u8>>,
}

/// The records that are whole. After one that is not, the next is sought byte by byte; it counts if
/// others follow it, or the batch ends with it.
fn readable(body: &[u8], position: u64, header: &Header) -> SalvagedBody {
    let mut kept = Vec::new();
    let mut last = -1;
    let mut at = 0;
    while at < body.len() {
        let chain = chain(body, at, last, header);
        let ends = chain.last().map_or(at, |kept| kept.range.end);
        let is_trusted = at == 0 || chain.len() > 1 || ends == body.len();
        if chain.is_empty() || !is_trusted {
            at += 1;
            continue;
        }
        for record in chain {
            last = record.offset_delta.0;
            let bytes = body.get(record.range.clone()).unwrap_or_default();
            if !has_hole(bytes, position + record.range.start as u64) {
                kept.push(record);
            }
        }
        at = ends;
    }
    SalvagedBody {
        kept,
        unpacked: None,
    }
}

/// Records that follow each other from `at` on.
fn chain(body: &[u8], mut at: usize, mut last: i32, header: &Header) -> Vec<Kept> {
    let mut chain = Vec::new();
    while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
        let Some((record, size)) = stored_record(rest) else {
            break;
        };
        // The first of them comes after what could not be read, unless it begins the batch.
        let is_next = at == 0 || !chain.is_empty();
        if !header.allows(&record, last, is_next) {
            break;
        }
        last = record.offset_delta.0;
        chain.push(Kept {
            range: at..at + size,
            offset_delta: record.offset_delta,
            timestamp_delta: record.timestamp_delta,
        });
        at += size;
    }
    chain
}

/// Returns true if zeros are in `bytes`, which begin at `position` of the file, as a lost sector or
/// page leaves them.
pub(super) fn has_hole(bytes: &[u8], position: u64) -> bool {
    let mut at = 0;
    while let Some(skip) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|b| *b == 0))
    {
        let start = at + skip;
        let zeros = bytes.get(start..).unwrap_or_default();
        let length = zeros.iter().take_while(|b| **b == 0).count();
        let is_edge = |place: usize| (position + place as u64).is_multiple_of(SECTOR_BYTES);
        let holds_edge = (start..=start + length).any(is_edge);
        if length >= ZEROS_ANYWHERE || length >= ZEROS_AT_EDGE && holds_edge {
            return true;
        }
        at = start + length;
    }
    false
}

/// The records of a payload that decompresses and is all there: then the damage is in the header.
fn packed(body: &[u8], header: &Header, scratch: &mut Scratch) -> Option<SalvagedBody> {
    let (bytes, fault) = scratch.inflate(header.codec, 2, body);
    if fault.is_some() {
        return None;
    }
    let kept = chain(bytes, 0, -1, header);
    let is_all = kept.last().map(|last| last.range.end) == Some(bytes.len());
    is_all.then(|| SalvagedBody {
        unpacked: Some(bytes.to_vec()),
        kept,
    })
}
