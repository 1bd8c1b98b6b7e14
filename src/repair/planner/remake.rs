//! Batches whose checksums are right and whose headers or records are not: written so, by a client
//! or a broken tool.

use super::frames::batch_of;
use super::wording::counted;
use crate::format::batch::HEADER_BYTES;
use crate::format::control::ControlType;
use crate::format::record::stored_record;
use crate::format::{Batch, Codec, RecordBatch, Remake, Scratch, TimestampType};
use crate::wire::{OffsetDelta, Timestamp};

/// A batch set right.
pub(super) struct Remade {
    pub(super) bytes: Vec<u8>,
    /// Records that could not be read.
    pub(super) lost: u64,
    /// True if nothing proves it.
    pub(super) is_guess: bool,
    /// The reason.
    pub(super) what: String,
}

/// The records of a payload, as far as they can be read.
struct WholeRecords {
    codec: Codec,
    /// Bytes of whole records at the start of the payload, decompressed.
    bytes: Vec<u8>,
    count: i32,
    last_delta: i32,
    /// Milliseconds from the base timestamp to the latest.
    latest_delta: Option<i64>,
    /// True if nothing is after them.
    is_all: bool,
    /// Whole records after the first whose offset does not rise, if there is nothing else.
    fallen: i32,
    /// True if each is a control record of a type that there is.
    is_control: bool,
    /// True if none can be a control record, of whatever type.
    is_data: bool,
}

/// Sets right what the header says of its records, if they can be read. `next` is the offset of the
/// batch that follows.
pub(super) fn remade(bytes: &[u8], next: Option<i64>, scratch: &mut Scratch) -> Option<Remade> {
    let Batch::V2(batch) = batch_of(bytes)? else {
        return None;
    };
    let rows = readings(&batch, scratch)?;
    // Control records of a type that is not known here are not data. What cannot be one is: the bit
    // that says so is wrong.
    let is_data = batch.is_control() && rows.is_data;
    let is_unknown = batch.is_control() && !rows.is_control && !is_data;
    if is_unknown || rows.is_as_written(&batch) {
        return None;
    }
    let stated = batch.last_offset_delta().0;
    let behind = next.and_then(|next| next.checked_sub(batch.base_offset().0));
    let reaches = |last: i32| behind.is_some_and(|behind| i64::from(last) >= behind);
    if stated < rows.last_delta && reaches(rows.last_delta) {
        // Nothing says whether the offsets are wrong or the end is.
        return None;
    }
    let is_too_far = reaches(stated);
    let last_delta = if stated < rows.last_delta || is_too_far {
        rows.last_delta
    } else {
        stated
    };
    let is_packed = batch.codec() == Ok(rows.codec) && rows.codec != Codec::None && rows.is_all;
    let codec = if is_packed { rows.codec } else { Codec::None };
    let latest = rows.latest(&batch);
    let mut wrong = wrong(&batch, &rows, codec, last_delta);
    if is_data {
        wrong.push(
            "its attributes say control batch, but none of its records can be a control record"
                .to_owned(),
        );
    }
    if wrong.is_empty() {
        return None;
    }
    let mut remake = Remake::of(bytes.first_chunk::<HEADER_BYTES>()?);
    let base = batch.base_offset();
    remake.place(base, OffsetDelta(last_delta), batch.leader_epoch());
    remake.codec(codec);
    if is_data {
        remake.data();
    }
    remake.times(batch.base_timestamp(), latest);
    remake.push(if is_packed { batch.body() } else { &rows.bytes });
    Some(Remade {
        bytes: remake.finish(rows.count)?,
        lost: rows.lost(&batch),
        is_guess: is_data,
        what: format!(
            "rewrites the batch at offset {}: {}",
            base.0,
            wrong.join("; ")
        ),
    })
}

/// Returns true if a batch claims records, and none of them can be read, in whatever way: consumers
/// fail on it.
pub(super) fn is_unreadable(bytes: &[u8], scratch: &mut Scratch) -> bool {
    let Some(Batch::V2(batch)) = batch_of(bytes) else {
        return false;
    };
    batch.records_count() > 0 && !batch.is_control() && readings(&batch, scratch).is_none()
}

/// Describes the faults of a batch.
fn wrong(
    batch: &RecordBatch<'_>,
    rows: &WholeRecords,
    codec: Codec,
    last_delta: i32,
) -> Vec<String> {
    let mut wrong = Vec::new();
    if batch.magic() != 2 {
        let magic = batch.magic();
        wrong.push(format!(
            "its magic is {magic}, but the checksum of magic 2 is right"
        ));
    }
    if batch.codec() != Ok(codec) {
        let bits = batch.attributes() & 7;
        wrong.push(format!(
            "its records are not compressed with the codec of its attributes ({bits})"
        ));
    }
    if batch.records_count() != rows.count {
        let (says, holds) = (batch.records_count(), rows.count);
        wrong.push(format!(
            "the record count is {says}, but it has {}",
            counted(u64::try_from(holds).unwrap_or(0), "record")
        ));
    }
    if batch.last_offset_delta().0 != last_delta {
        let end = batch.base_offset().plus(OffsetDelta(last_delta));
        wrong.push(format!(
            "its last offset is {end}, not {}",
            batch.last_offset()
        ));
    }
    if batch.max_timestamp() != rows.latest(batch) {
        wrong.push("its max timestamp is not that of any record".to_owned());
    }
    if !rows.is_all {
        wrong.push("the bytes at its end are not records".to_owned());
    }
    wrong
}

impl WholeRecords {
    /// The largest timestamp that the header ought to have.
    fn latest(&self, batch: &RecordBatch<'_>) -> Timestamp {
        let is_of_records =
            batch.timestamp_type() == TimestampType::CreateTime && !batch.is_control();
        let latest = self.latest_delta.filter(|_| is_of_records);
        let latest = latest.map(|delta| batch.base_timestamp().0.wrapping_add(delta));
        // What is before 1970 is no time, but means there being none.
        let latest = latest.filter(|ms| *ms >= 0).map(Timestamp);
        latest.unwrap_or(batch.max_timestamp())
    }

    /// Returns true if the batch is just as its client made it: all records are there, though their
    /// offsets do not rise. Some clients gave every record the same one. Consumers skip those that
    /// fall after.
    fn is_as_written(&self, batch: &RecordBatch<'_>) -> bool {
        self.fallen > 0 && self.count.checked_add(self.fallen) == Some(batch.records_count())
    }

    /// Records that could not be read.
    fn lost(&self, batch: &RecordBatch<'_>) -> u64 {
        let is_complete = self.count == batch.records_count();
        if self.is_all || is_complete && self.last_delta == batch.last_offset_delta().0 {
            return 0;
        }
        let missing = batch.records_count().saturating_sub(self.count);
        u64::try_from(missing).unwrap_or(0).max(1)
    }
}

/// The payload in the way that it can be read: as its codec says, not compressed, or by another
/// codec. If in no way to its end, then in the first way in which there are records.
fn readings(batch: &RecordBatch<'_>, scratch: &mut Scratch) -> Option<WholeRecords> {
    let stated = batch.codec().ok();
    let all = [
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ];
    let mut best: Option<WholeRecords> = None;
    for codec in stated.into_iter().chain(all) {
        let bytes = if codec == Codec::None {
            batch.body().to_vec()
        } else {
            match scratch.inflate(codec, 2, batch.body()) {
                (bytes, None) => bytes.to_vec(),
                (_, Some(_)) => continue,
            }
        };
        let rows = rows(codec, bytes);
        if rows.is_all && rows.count > 0 {
            return Some(rows);
        }
        if rows.count > 0 && best.is_none() {
            best = Some(rows);
        }
    }
    best
}

fn rows(codec: Codec, mut bytes: Vec<u8>) -> WholeRecords {
    let (mut at, mut count, mut last_delta) = (0, 0, -1);
    let mut latest_delta = None;
    let (mut is_control, mut is_data) = (true, true);
    while let Some((record, size)) = bytes.get(at..).and_then(stored_record) {
        if record.offset_delta.0 <= last_delta || record.attributes != 0 {
            break;
        }
        is_control &= ControlType::parse(record.key)
            .is_ok_and(|kind| !matches!(kind, ControlType::Unknown(_)));
        is_data &= !could_be_control(record.key);
        last_delta = record.offset_delta.0;
        latest_delta = latest_delta.max(Some(record.timestamp_delta));
        count += 1;
        at += size;
    }
    let is_all = at == bytes.len();
    let fallen = whole_records(bytes.get(at..).unwrap_or_default());
    bytes.truncate(at);
    WholeRecords {
        codec,
        bytes,
        count,
        last_delta,
        latest_delta,
        is_all,
        fallen,
        is_control,
        is_data,
    }
}

/// Returns true if a key could be that of a control record, of this release or a later one:
/// versions and types are small numbers.
fn could_be_control(key: Option<&[u8]>) -> bool {
    matches!(key, Some([0, _, 0, _, ..]))
}

/// The records in `bytes`; 0 if there is anything else.
fn whole_records(bytes: &[u8]) -> i32 {
    let (mut at, mut count) = (0, 0);
    while let Some((record, size)) = bytes.get(at..).and_then(stored_record) {
        if record.attributes != 0 {
            return 0;
        }
        count += 1;
        at += size;
    }
    if at == bytes.len() { count } else { 0 }
}
