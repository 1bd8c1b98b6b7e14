//! Records after a header that is gone.
//!
//! Where the lost bytes end inside a batch, its last records may be whole, up to the next batch.
//! Their offsets follow from that of the next batch. Their times are reported from the lost base
//! timestamp on; the time index has the largest timestamp of most batches, and that is the time of
//! the last record where times do not fall. Where the index has none, they stay lost: a record at a
//! wrong time is not what was written.

use std::path::Path;

use crate::format::record::stored_record;
use crate::format::{Codec, Placeholder, RecordBatch, Remake, Scratch, TimeIndex, TimestampType};
use crate::repair::planner::diagnosis::small;
use crate::repair::planner::salvage::{Salvaged, Slot, has_hole};
use crate::repair::planner::survey::{self, Sequence, Stretch};
use crate::store::LogFile;
use crate::wire::{LeaderEpoch, Offset, OffsetDelta, ProducerId, Timestamp};

/// Bytes before the next batch in which records are sought: as many as a batch has by default.
const REACH: usize = 1 << 20;

/// The attribute of batches whose times the broker set.
const APPEND_TIME: i16 = 8;

/// Bytes of records that are looked at in all.
const EFFORT: usize = 256 << 20;

/// Places that are tried as the beginning of a compressed payload, from after.
const MOST_STARTS: usize = 64;

/// The first bytes of compressed payloads.
const STARTS: [(Codec, &[u8]); 4] = [
    (Codec::Gzip, &[0x1f, 0x8b, 8]),
    (Codec::Snappy, b"\x82SNAPPY\0"),
    (Codec::Lz4, &[0x04, 0x22, 0x4d, 0x18]),
    (Codec::Zstd, &[0x28, 0xb5, 0x2f, 0xfd]),
];

/// The last records of a batch.
struct Tail {
    /// Their start in the bytes before the next batch, or in what contains them.
    from: usize,
    /// The records as stored, decompressed.
    bytes: Vec<u8>,
    count: i32,
    last: OffsetDelta,
    /// Milliseconds from the lost base timestamp to the last record.
    latest_delta: i64,
}

/// The header fields that follow from the batches around.
pub(super) struct Neighbours<'a> {
    pub(super) log: &'a LogFile,
    pub(super) stretches: &'a [Stretch],
    /// Batches written again before it.
    pub(super) made: &'a [(u64, Sequence)],
    pub(super) position: u64,
    /// The log's path, beside which the time index is, and its base offset.
    pub(super) path: &'a Path,
    pub(super) base: Offset,
}

impl Neighbours<'_> {
    /// The largest timestamp of the batch with this last offset.
    fn latest(&self, last: Offset) -> Option<Timestamp> {
        let bytes = small(&self.path.with_extension("timeindex"))?;
        let index = TimeIndex::new(&bytes, self.base);
        let entry = index.entries().find(|entry| entry.offset == last);
        entry.map(|entry| entry.timestamp)
    }

    /// The sequence numbers of a batch of so many records.
    fn sequence(&self, records: i32) -> Option<Sequence> {
        let runs = self.stretches.iter().filter_map(|stretch| match stretch {
            Stretch::Run(run) => Some(run),
            Stretch::Gap { .. } => None,
        });
        let missing = survey::missing_sequence(self.log, runs, self.made, self.position, records);
        missing.ok().flatten()
    }
}

/// Makes a batch of the records that end `bytes`, directly before the batch that begins with
/// `next`.
pub(super) fn headerless(
    bytes: &[u8],
    slot: &Slot,
    next: &RecordBatch<'_>,
    around: &Neighbours<'_>,
    scratch: &mut Scratch,
) -> Option<Salvaged> {
    // What the header said of producers and times is taken from the neighbour, which has to be of
    // the simplest kind.
    let is_plain = next.magic() == 2
        && !next.is_transactional()
        && next.timestamp_type() == TimestampType::CreateTime;
    if !is_plain {
        return None;
    }
    let tail = packed(bytes, scratch).or_else(|| plain(bytes, slot.position))?;
    let last = slot.offsets.end.checked_sub(1)?;
    let base = last.checked_sub(tail.last.0.into())?;
    if base < slot.offsets.start {
        return None;
    }
    let latest = around.latest(Offset(last))?;
    let sequence = around.sequence(tail.last.0.checked_add(1)?);
    let (producer_id, producer_epoch) = sequence.map_or((-1, -1), |sequence| sequence.producer);
    let base_timestamp = latest.0.checked_sub(tail.latest_delta)?;
    let header = Placeholder {
        base_offset: Offset(base),
        last_offset_delta: tail.last,
        leader_epoch: LeaderEpoch(slot.epoch),
        attributes: 0,
        base_timestamp: Timestamp(base_timestamp),
        max_timestamp: latest,
        producer_id: ProducerId(producer_id),
        producer_epoch,
        base_sequence: sequence.map_or(-1, |sequence| sequence.first),
    };
    tail.into_batch(header, (base, last))
}

impl Tail {
    /// The records in a batch with this header, from the first offset of the batch to the last.
    fn into_batch(self, header: Placeholder, (base, last): (i64, i64)) -> Option<Salvaged> {
        let mut batch = Remake::of(&header.encode());
        batch.push(&self.bytes);
        let records = u64::try_from(self.count).ok()?;
        let covered = u64::try_from(self.last.0).ok()?.saturating_add(1);
        Some(Salvaged {
            bytes: batch.finish(self.count)?,
            from: self.from,
            offsets: (Offset(base), Offset(last)),
            records,
            lost: covered.saturating_sub(records),
        })
    }
}

/// Makes a batch of the records that end `bytes`, without their times.
pub(in crate::repair::planner) fn tail_of(
    bytes: &[u8],
    slot: &Slot,
    scratch: &mut Scratch,
) -> Option<Salvaged> {
    let tail = packed(bytes, scratch).or_else(|| plain(bytes, slot.position))?;
    let last = slot.offsets.end.checked_sub(1)?;
    let base = last.checked_sub(tail.last.0.into())?;
    if base < slot.offsets.start {
        return None;
    }
    let header = Placeholder {
        base_offset: Offset(base),
        last_offset_delta: tail.last,
        leader_epoch: LeaderEpoch(slot.epoch),
        // Set by the broker: so no record has a time of its own.
        attributes: APPEND_TIME,
        base_timestamp: Timestamp(-1),
        max_timestamp: Timestamp(-1),
        producer_id: ProducerId(-1),
        producer_epoch: -1,
        base_sequence: -1,
    };
    tail.into_batch(header, (base, last))
}

/// The records of a payload that is there from its beginning.
fn packed(bytes: &[u8], scratch: &mut Scratch) -> Option<Tail> {
    let from = bytes.len().saturating_sub(REACH);
    let starts = (from..bytes.len()).rev().filter_map(|at| {
        let payload = bytes.get(at..)?;
        let (codec, _) = STARTS
            .iter()
            .find(|(_, start)| payload.starts_with(start))?;
        Some((at, *codec, payload))
    });
    for (at, codec, payload) in starts.take(MOST_STARTS) {
        if let (unpacked, None) = scratch.inflate(codec, 2, payload)
            && let Some(tail) = tail(unpacked, at)
            && tail.count == tail.last.0.saturating_add(1)
        {
            return Some(tail);
        }
    }
    None
}

/// The longest row of records that ends the bytes, which begin at `position` of the file.
fn plain(bytes: &[u8], position: u64) -> Option<Tail> {
    let from = bytes.len().saturating_sub(REACH);
    let mut effort = EFFORT;
    // From which places records lead to the end, with the offset delta of the first; from after.
    let mut leads: Vec<Option<i32>> = vec![None; bytes.len() - from];
    let mut start = None;
    for at in (from..bytes.len()).rev() {
        let Some((record, size)) = bytes.get(at..).and_then(stored_record) else {
            continue;
        };
        effort = effort.checked_sub(size)?;
        let end = at + size;
        let delta = record.offset_delta.0;
        let goes_on = match leads.get(end - from) {
            None => end == bytes.len(),
            Some(next) => next.is_some_and(|next| delta.checked_add(1) == Some(next)),
        };
        let is_sound = record.attributes == 0 && delta >= 0;
        if goes_on && is_sound && !has_hole(bytes.get(at..end)?, position + at as u64) {
            *leads.get_mut(at - from)? = Some(delta);
            start = Some(at);
        }
    }
    tail(bytes.get(start?..)?, start?)
}

/// The records in `bytes`, which come `from` there, if there is nothing else in them, no offset is
/// missing between them, and times do not fall.
fn tail(bytes: &[u8], from: usize) -> Option<Tail> {
    let (mut at, mut count) = (0, 0);
    let mut before: Option<(i32, i64)> = None;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let (record, size) = stored_record(rest)?;
        let here = (record.offset_delta.0, record.timestamp_delta);
        let follows = before.is_none_or(|(delta, time)| delta + 1 == here.0 && time <= here.1);
        if !follows || record.attributes != 0 {
            return None;
        }
        before = Some(here);
        count += 1;
        at += size;
    }
    let (last, latest_delta) = before?;
    Some(Tail {
        from,
        bytes: bytes.to_vec(),
        count,
        last: OffsetDelta(last),
        latest_delta,
    })
}
