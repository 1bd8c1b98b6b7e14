//! Records and their headers.
//!
//! A record of magic 2, after its length as a varint:
//!
//! | size | name | meaning |
//! |---|---|---|
//! | 1 | attributes | unused |
//! | varlong | timestamp delta | from the batch's base timestamp; may be negative |
//! | varint | offset delta | from the batch's base offset |
//! | varint, K | key | negative length: null |
//! | varint, V | value | negative length: null |
//! | varint | headers | how many |
//! | varint, … | header key | never null |
//! | varint, … | header value | negative length: null |
//!
//! Source: `DefaultRecord`, `LegacyRecord`.

use nom::Parser;
use nom::number::complete::i8;

use super::batch::{RecordBatch, TimestampType, sequence_after};
use super::codec::Codec;
use super::legacy::{Fields, Message, split_entry};
use crate::wire::varint::{varint, varlong};
use crate::wire::{Fault, FaultKind, Offset, OffsetDelta, Parsed, Timestamp, Wrong, finish};

/// One record, borrowed from the file or, if its batch is compressed, from the scratch.
#[derive(Debug, Clone, Copy)]
pub struct Record<'buf> {
    offset: Offset,
    timestamp: Timestamp,
    sequence: i32,
    key_size: i32,
    value_size: i32,
    key: Option<&'buf [u8]>,
    value: Option<&'buf [u8]>,
    header_bytes: &'buf [u8],
    header_count: i32,
    message: Option<Message<'buf>>,
}

impl<'buf> Record<'buf> {
    /// Its place in the log.
    #[must_use]
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// Its timestamp: its own, or the append time of its batch. −1 means none.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The producer's sequence number; −1 none.
    #[must_use]
    pub fn sequence(&self) -> i32 {
        self.sequence
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Option<&'buf [u8]> {
        self.key
    }

    /// The value; a record without one is a tombstone.
    #[must_use]
    pub fn value(&self) -> Option<&'buf [u8]> {
        self.value
    }

    /// Bytes of the key as Kafka shows it: negative for null.
    #[must_use]
    pub fn key_size(&self) -> i32 {
        self.key_size
    }

    /// Bytes of the value as Kafka shows it: negative for null.
    #[must_use]
    pub fn value_size(&self) -> i32 {
        self.value_size
    }

    /// The record headers, in order.
    #[must_use]
    pub fn headers(&self) -> Headers<'buf> {
        Headers {
            rest: self.header_bytes,
            left: self.header_count,
        }
    }

    /// The message behind a record of magic 0 or 1, which has a checksum of its own.
    #[must_use]
    pub fn message(&self) -> Option<Message<'buf>> {
        self.message
    }

    fn of_message(
        message: Message<'buf>,
        fields: &Fields<'buf>,
        offset: i64,
        timestamp: Timestamp,
    ) -> Self {
        Self {
            offset: Offset(offset),
            timestamp,
            sequence: -1,
            key_size: fields.key_size,
            value_size: fields.value_size,
            key: fields.key,
            value: fields.value.unwrap_or(None),
            header_bytes: &[],
            header_count: 0,
            message: Some(message),
        }
    }
}

/// One header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'buf> {
    /// The key, which ought to be UTF-8.
    pub key: &'buf [u8],
    /// The value.
    pub value: Option<&'buf [u8]>,
}

/// The headers of a record, read as they are asked for.
#[derive(Debug, Clone)]
pub struct Headers<'buf> {
    rest: &'buf [u8],
    left: i32,
}

impl<'buf> Iterator for Headers<'buf> {
    type Item = Header<'buf>;

    fn next(&mut self) -> Option<Header<'buf>> {
        if self.left <= 0 {
            return None;
        }
        let (rest, header) = header(self.rest).ok()?;
        self.rest = rest;
        self.left = self.left.wrapping_sub(1);
        Some(header)
    }
}

/// The records of a batch. An error is the last item, except behind a message of magic 0 or 1 that is there only in
/// part: one whose value lies outside it, or one inside a compressed set that is a compressed set itself and has one
/// offset for all of its messages. The error then follows the record, and the next record the error.
#[derive(Debug)]
pub struct Records<'buf> {
    from: From<'buf>,
    /// What went wrong while unpacking, told behind the records that could be unpacked.
    unpacking: Option<Fault>,
    /// What is wrong with the record just given.
    of_last: Option<Fault>,
}

#[derive(Debug)]
enum From<'buf> {
    Batch(Rows<'buf>),
    Message(Message<'buf>),
    Wrapper {
        wrapper: Message<'buf>,
        rest: &'buf [u8],
        base: i64,
    },
    Nothing,
}

/// The records of a magic 2 batch.
#[derive(Debug)]
struct Rows<'buf> {
    rest: &'buf [u8],
    bytes: usize,
    /// Where the bytes begin, seen from the start of the batch; 0 if they were unpacked.
    start: usize,
    count: i32,
    index: i32,
    base_offset: Offset,
    base_timestamp: i64,
    append_time: Option<Timestamp>,
    base_sequence: i32,
}

impl<'buf> Records<'buf> {
    /// The records in `bytes`, which begin `start` bytes into the batch, or at 0 if they were unpacked from it.
    pub(super) fn of_batch(
        batch: RecordBatch<'_>,
        bytes: &'buf [u8],
        start: usize,
        unpacking: Option<Fault>,
    ) -> Self {
        let count = batch.records_count();
        if count == 0 {
            // Kafka doesn't look at what an empty batch may still hold.
            return Self {
                from: From::Nothing,
                unpacking: None,
                of_last: None,
            };
        }
        let append_time =
            (batch.timestamp_type() == TimestampType::LogAppendTime).then(|| batch.max_timestamp());
        Self {
            from: From::Batch(Rows {
                rest: bytes,
                bytes: bytes.len(),
                start,
                count,
                index: 0,
                base_offset: batch.base_offset(),
                base_timestamp: batch.base_timestamp().0,
                append_time,
                base_sequence: batch.base_sequence(),
            }),
            unpacking,
            of_last: None,
        }
    }

    pub(super) fn of_message(message: Message<'buf>) -> Self {
        Self {
            from: From::Message(message),
            unpacking: None,
            of_last: None,
        }
    }

    pub(super) fn of_wrapper(
        wrapper: Message<'buf>,
        set: &'buf [u8],
        base: i64,
        unpacking: Option<Fault>,
    ) -> Self {
        Self {
            from: From::Wrapper {
                wrapper,
                rest: set,
                base,
            },
            unpacking,
            of_last: None,
        }
    }

    /// Ends the iteration.
    #[cold]
    fn fail(&mut self, fault: Fault) -> Result<Record<'buf>, Fault> {
        self.from = From::Nothing;
        Err(self.unpacking.take().unwrap_or(fault))
    }

    /// Ends the iteration, with what went wrong while unpacking if anything did.
    fn end(&mut self) -> Option<Result<Record<'buf>, Fault>> {
        self.from = From::Nothing;
        self.unpacking.take().map(Err)
    }

    fn message_record(
        &mut self,
        message: Message<'buf>,
        offset: i64,
        timestamp: Timestamp,
    ) -> Result<Record<'buf>, Fault> {
        match message.fields() {
            Ok(fields) => {
                self.of_last = fields.value.err();
                Ok(Record::of_message(message, &fields, offset, timestamp))
            }
            Err(fault) => self.fail(fault),
        }
    }
}

impl<'buf> Iterator for Records<'buf> {
    type Item = Result<Record<'buf>, Fault>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let From::Batch(rows) = &mut self.from {
            return match rows.next() {
                Some(Ok(record)) => Some(Ok(record)),
                Some(Err(fault)) => Some(self.fail(fault)),
                None => self.end(),
            };
        }
        if let Some(fault) = self.of_last.take() {
            return Some(Err(fault));
        }
        match self.from {
            From::Message(message) => {
                self.from = From::Nothing;
                Some(self.message_record(message, message.offset().0, message.timestamp()))
            }
            From::Wrapper {
                wrapper,
                rest,
                base,
            } => match split_entry(rest) {
                Ok(Some((inner, rest))) => {
                    self.from = From::Wrapper {
                        wrapper,
                        rest,
                        base,
                    };
                    let timestamp = match (wrapper.timestamp_type(), inner.magic()) {
                        // A message of magic 0 has none, whatever is around it.
                        (TimestampType::LogAppendTime, 1..) => wrapper.timestamp(),
                        _ => inner.timestamp(),
                    };
                    let record =
                        self.message_record(inner, base.wrapping_add(inner.offset().0), timestamp);
                    if inner.codec() != Ok(Codec::None) {
                        self.of_last = Some(Fault::new(FaultKind::WrapperNested, 0));
                    }
                    Some(record)
                }
                Ok(None) => self.end(),
                Err(fault) => Some(self.fail(fault)),
            },
            From::Batch(_) | From::Nothing => None,
        }
    }
}

impl<'buf> Rows<'buf> {
    #[inline]
    fn next(&mut self) -> Option<Result<Record<'buf>, Fault>> {
        if self.index == self.count {
            return self.surplus().map(Err);
        }
        if self.rest.is_empty() {
            return Some(Err(self.missing()));
        }
        match record(self.rest) {
            Ok((rest, row)) => {
                self.rest = rest;
                self.index = self.index.wrapping_add(1);
                Some(Ok(self.place(&row)))
            }
            Err(_) => Some(Err(self.broken())),
        }
    }

    /// Gives a record its place: deltas become absolute.
    #[inline]
    fn place(&self, row: &Row<'buf>) -> Record<'buf> {
        Record {
            offset: self.base_offset.plus(row.offset_delta),
            timestamp: self.append_time.unwrap_or(Timestamp(
                self.base_timestamp.wrapping_add(row.timestamp_delta),
            )),
            sequence: if self.base_sequence < 0 {
                -1
            } else {
                sequence_after(self.base_sequence, row.offset_delta)
            },
            key_size: size_of(row.key),
            value_size: size_of(row.value),
            key: row.key,
            value: row.value,
            header_bytes: row.header_bytes,
            header_count: row.header_count,
            message: None,
        }
    }

    fn here(&self) -> usize {
        self.bytes
            .saturating_sub(self.rest.len())
            .saturating_add(self.start)
    }

    #[cold]
    fn surplus(&self) -> Option<Fault> {
        let left = self.rest.len();
        (left > 0).then(|| Fault::new(FaultKind::RecordsRemaining { left }, self.here()))
    }

    #[cold]
    fn missing(&self) -> Fault {
        Fault::new(
            FaultKind::RecordsMissing {
                declared: self.count,
                found: self.index,
            },
            self.here(),
        )
    }

    /// Reads the record again to tell what is wrong with it, and where.
    #[cold]
    fn broken(&self) -> Fault {
        match finish(self.rest, record(self.rest)) {
            Ok(_) => self.missing(),
            Err(fault) => fault.shifted(self.here()),
        }
    }
}

/// A record as stored.
#[derive(Debug, Clone, Copy)]
struct Row<'a> {
    timestamp_delta: i64,
    offset_delta: OffsetDelta,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    header_bytes: &'a [u8],
    header_count: i32,
}

fn size_of(field: Option<&[u8]>) -> i32 {
    field.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX))
}

#[inline]
fn record(input: &[u8]) -> Parsed<'_, Row<'_>> {
    let (rest, length) = varint(input)?;
    let Some((body, rest)) = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
    else {
        return Err(Wrong::at(
            input,
            FaultKind::RecordLength {
                length,
                left: rest.len(),
            },
        ));
    };
    let (body, (_attributes, timestamp_delta, offset_delta, key, value, header_count)) =
        (i8, varlong, varint, nullable, nullable, varint).parse(body)?;
    let header_bytes = body;
    let (body, ()) = skip_headers(body, header_count)?;
    if !body.is_empty() {
        return Err(Wrong::at(
            body,
            FaultKind::RecordLeftover { left: body.len() },
        ));
    }
    let offset_delta = OffsetDelta(offset_delta);
    Ok((
        rest,
        Row {
            timestamp_delta,
            offset_delta,
            key,
            value,
            header_bytes,
            header_count,
        },
    ))
}

/// Looks at every header, to find what follows them.
#[inline]
fn skip_headers(input: &[u8], count: i32) -> Parsed<'_, ()> {
    if count < 0 {
        return Err(Wrong::at(input, FaultKind::HeaderCount(count)));
    }
    let mut rest = input;
    for _ in 0..count {
        (rest, _) = header(rest)?;
    }
    Ok((rest, ()))
}

fn header(input: &[u8]) -> Parsed<'_, Header<'_>> {
    let (rest, length) = varint(input)?;
    if length < 0 {
        return Err(Wrong::at(input, FaultKind::HeaderKeyLength(length)));
    }
    let (rest, key) = field(rest, length)?;
    let (rest, value) = nullable(rest)?;
    Ok((rest, Header { key, value }))
}

/// A varint and as many bytes; any negative length is null.
#[inline]
fn nullable(input: &[u8]) -> Parsed<'_, Option<&[u8]>> {
    let (rest, length) = varint(input)?;
    if length < 0 {
        return Ok((rest, None));
    }
    let (rest, bytes) = field(rest, length)?;
    Ok((rest, Some(bytes)))
}

#[inline]
fn field(input: &[u8], length: i32) -> Parsed<'_, &[u8]> {
    match usize::try_from(length)
        .ok()
        .and_then(|length| input.split_at_checked(length))
    {
        Some((bytes, rest)) => Ok((rest, bytes)),
        None => Err(Wrong::at(
            input,
            FaultKind::FieldLength {
                length,
                left: input.len(),
            },
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(bytes: &[u8]) -> (FaultKind, usize) {
        let fault = finish(bytes, record(bytes)).unwrap_err();
        (fault.kind(), fault.at())
    }

    #[test]
    fn a_record_of_the_seed_segment_is_read() {
        let bytes = [0x16, 0, 0, 0, 1, 0x0a, b'H', b'e', b'l', b'l', b'o', 0];
        let (rest, row) = record(&bytes).unwrap();
        assert!(rest.is_empty());
        assert_eq!((row.key, row.value), (None, Some(&b"Hello"[..])));
        assert_eq!(row.header_count, 0);
    }

    #[test]
    fn headers_keep_order_duplicates_and_nulls() {
        let body = [0, 0, 0, 1, 1, 6, 2, b'a', 2, b'1', 2, b'a', 1, 0, 0];
        let bytes = [&[30_u8][..], &body].concat();
        let (_, row) = record(&bytes).unwrap();
        let headers: Vec<_> = Headers {
            rest: row.header_bytes,
            left: row.header_count,
        }
        .collect();
        let header = |key, value| Header { key, value };
        assert_eq!(
            headers,
            [
                header(b"a", Some(b"1")),
                header(b"a", None),
                header(b"", Some(b""))
            ]
        );
    }

    #[test]
    fn every_way_a_record_can_lie_is_a_fault_with_its_place() {
        assert_eq!(
            fault_of(&[20, 0]),
            (
                FaultKind::RecordLength {
                    length: 10,
                    left: 1
                },
                0
            )
        );
        assert_eq!(
            fault_of(&[1, 0]),
            (
                FaultKind::RecordLength {
                    length: -1,
                    left: 1
                },
                0
            )
        );
        assert_eq!(
            fault_of(&[14, 0, 0, 0, 1, 1, 0, 9]),
            (FaultKind::RecordLeftover { left: 1 }, 7)
        );
        assert_eq!(
            fault_of(&[12, 0, 0, 0, 8, 1, 0]),
            (FaultKind::FieldLength { length: 4, left: 2 }, 5)
        );
        assert_eq!(
            fault_of(&[12, 0, 0, 0, 1, 1, 1]),
            (FaultKind::HeaderCount(-1), 7)
        );
        assert_eq!(
            fault_of(&[14, 0, 0, 0, 1, 1, 2, 1]),
            (FaultKind::HeaderKeyLength(-1), 7)
        );
        assert_eq!(fault_of(&[10, 0, 0, 0, 1, 1]), (FaultKind::EndOfInput, 6));
    }
}
