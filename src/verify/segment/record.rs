//! Checks of the records of a valid batch.

use super::batch::{Info, Sink};
use crate::format::control::{ControlType, coordinator_epoch};
use crate::format::fault::{BatchFault, CodecFault, MessageFault, RecordFault, RecordsFault};
use crate::format::{Batch, Codec, Fault, FaultKind, Record, Scratch, TimestampType};
use crate::verify::catalog::{CheckId, Severity};
use crate::verify::evidence::{ControlFault, Field, FieldValue, Unparsed};
use crate::verify::finding::Finding;
use crate::wire::NumberFault;

/// Decompresses and decodes a batch whose frame and checksum are right.
pub(super) fn check(batch: &Batch<'_>, info: &Info, scratch: &mut Scratch, sink: &mut Sink<'_>) {
    let is_packed = batch.codec().is_ok_and(|codec| codec != Codec::None);
    let mut seen = Seen::default();
    match batch.records(scratch) {
        Ok(records) => {
            for record in records {
                match record {
                    Ok(record) => {
                        if !batch.is_control() {
                            sink.schema_ids.take(record.key(), record.value());
                        }
                        seen.take(batch, info, &record, is_packed);
                    }
                    Err(fault) => seen.fault(info, fault, is_packed, sink),
                }
            }
        }
        // An unknown codec and a negative count are found in the header already.
        Err(fault)
            if matches!(
                fault.kind(),
                FaultKind::Codec(CodecFault::Unknown(_))
                    | FaultKind::Batch(BatchFault::RecordCount(_))
            ) =>
        {
            return;
        }
        Err(fault) => seen.fault(info, fault, is_packed, sink),
    }
    seen.finish(batch, info, sink);
}

/// The facts about a batch.
#[derive(Default)]
struct Seen {
    records: u64,
    last_offset: Option<i64>,
    max_timestamp: Option<i64>,
    /// Records whose offsets don't rise, with the first of them.
    unordered: Count,
    /// Records outside of the batch's offsets.
    outside: Count,
    /// Messages inside whose checksum is wrong.
    inner_crc: Count,
    control: Option<(i64, ControlFault, Severity)>,
    is_faulty: bool,
}

#[derive(Default)]
struct Count {
    first: Option<i64>,
    count: u64,
}

impl Count {
    fn add(&mut self, offset: i64) {
        self.first.get_or_insert(offset);
        self.count += 1;
    }
}

impl Seen {
    fn take(&mut self, batch: &Batch<'_>, info: &Info, record: &Record<'_>, is_packed: bool) {
        let offset = record.offset().0;
        self.records += 1;
        if self.last_offset.is_some_and(|last| offset <= last) {
            self.unordered.add(offset);
        }
        self.last_offset = self.last_offset.max(Some(offset));
        let is_below = info.is_whole && offset < info.base;
        if is_below || offset > info.last.max(info.base) {
            self.outside.add(offset);
        }
        self.max_timestamp = self.max_timestamp.max(Some(record.timestamp().0));
        if is_packed
            && record
                .message()
                .is_some_and(|message| !has_right_crc(message))
        {
            self.inner_crc.add(offset);
        }
        if batch.is_control()
            && self.control.is_none()
            && let Some((what, severity)) = control_fault(batch, record)
        {
            self.control = Some((offset, what, severity));
        }
    }

    fn fault(&mut self, info: &Info, fault: Fault, is_packed: bool, sink: &mut Sink<'_>) {
        self.is_faulty = true;
        // In a compressed batch the position is one in the decompressed bytes.
        let at = fault.at() as u64;
        let finding = info.finding(check_of(fault.kind()), sink.subject);
        sink.add(finding.saw(Unparsed {
            fault,
            fault_position: (!is_packed).then(|| info.position.saturating_add(at)),
            unpacked_position: is_packed.then_some(at),
            records_before: Some(self.records),
        }));
    }

    fn finish(self, batch: &Batch<'_>, info: &Info, sink: &mut Sink<'_>) {
        if let Some((offset, what, severity)) = self.control {
            let finding = info.finding(CheckId::ControlRecord, sink.subject);
            sink.add(finding.offset(offset).saw(what).severity(severity));
        }
        // A wrong count explains both.
        let is_miscounted = matches!(batch, Batch::V2(batch)
            if i64::from(batch.records_count()) > i64::from(batch.last_offset_delta().0) + 1);
        let counts = [
            (CheckId::DeltaOrder, self.unordered),
            (CheckId::DeltaOutside, self.outside),
            (CheckId::InnerCrc, self.inner_crc),
        ];
        for (check, count) in counts {
            if let Some(first) = count.first.filter(|_| !is_miscounted) {
                sink.add(counted(
                    info.finding(check, sink.subject),
                    first,
                    count.count,
                ));
            }
        }
        let Batch::V2(batch) = batch else { return };
        let is_created = batch.timestamp_type() == TimestampType::CreateTime;
        let stored = batch.max_timestamp().0;
        if let Some(actual) = self.max_timestamp
            && is_created
            && !self.is_faulty
            && stored != actual
        {
            let finding = info.finding(CheckId::MaxTimestamp, sink.subject);
            sink.add(finding.saw(FieldValue {
                field: Field::MaxTimestamp,
                stored,
                actual,
                flip: None,
            }));
        }
    }
}

fn counted(finding: Finding, first: i64, records: u64) -> Finding {
    finding.offset(first).counted(records)
}

fn has_right_crc(message: crate::format::Message<'_>) -> bool {
    message.stored_crc() == message.actual_crc()
}

/// Returns the fault of a control record.
fn control_fault(batch: &Batch<'_>, record: &Record<'_>) -> Option<(ControlFault, Severity)> {
    let Batch::V2(batch) = batch else { return None };
    let error = |what: ControlFault| Some((what, Severity::Error));
    let kind = match ControlType::parse(record.key()) {
        Ok(kind) => kind,
        Err(fault) => {
            return error(ControlFault::Unparsed {
                fault: fault.to_string(),
            });
        }
    };
    let is_marker = matches!(kind, ControlType::Abort | ControlType::Commit);
    if batch.producer_id().0 >= 0 && !is_marker {
        return error(ControlFault::Marker {
            control_type: kind.id(),
        });
    }
    if let ControlType::Unknown(id) = kind {
        return error(ControlFault::Type { control_type: id });
    }
    if is_marker && let Err(fault) = coordinator_epoch(record.value()) {
        return error(ControlFault::Unparsed {
            fault: fault.to_string(),
        });
    }
    let version = record.key().and_then(<[u8]>::first_chunk::<2>);
    let version = version.map_or(0, |version| i16::from_be_bytes(*version));
    (version != 0).then_some((ControlFault::Version { version }, Severity::Warning))
}

/// The check that a fault inside a batch falls under.
fn check_of(kind: FaultKind) -> CheckId {
    match kind {
        FaultKind::Number(NumberFault::VarintTooLong { .. }) => CheckId::VarintTooLong,
        FaultKind::Records(RecordsFault::Remaining { .. }) => CheckId::TrailingBytes,
        FaultKind::Records(RecordsFault::Missing { .. }) => CheckId::RecordsMissing,
        FaultKind::Codec(CodecFault::Unknown(_))
        | FaultKind::Message(MessageFault::CodecForbidden { .. }) => CheckId::UnknownCodec,
        FaultKind::Codec(CodecFault::Limit { .. }) => CheckId::InflateLimit,
        FaultKind::Codec(_) => CheckId::InflateFailed,
        FaultKind::Record(RecordFault::HeaderKeyLength(_)) => CheckId::NullHeaderKey,
        FaultKind::Record(RecordFault::FieldLength { .. } | RecordFault::HeaderCount(_)) => {
            CheckId::FieldLength
        }
        FaultKind::Message(_) => CheckId::Wrapper,
        _ => CheckId::RecordLength,
    }
}
