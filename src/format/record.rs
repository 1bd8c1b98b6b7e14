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

use super::fault::{Parsed, RecordFault};
use super::legacy::{Message, MessageFields};
use crate::wire::varint::{varint, varlong};
use crate::wire::{Offset, OffsetDelta, Timestamp, Wrong};

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
    /// Its offset.
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

    /// The message of a record of magic 0 or 1, which has a checksum of its own.
    #[must_use]
    pub fn message(&self) -> Option<Message<'buf>> {
        self.message
    }

    /// The record stored as `row`, with its absolute offset and timestamp.
    #[inline]
    pub(super) fn of_row(
        row: &StoredRecord<'buf>,
        offset: Offset,
        timestamp: Timestamp,
        sequence: i32,
    ) -> Self {
        Self {
            offset,
            timestamp,
            sequence,
            key_size: size_of(row.key),
            value_size: size_of(row.value),
            key: row.key,
            value: row.value,
            header_bytes: row.header_bytes,
            header_count: row.header_count,
            message: None,
        }
    }

    pub(super) fn of_message(
        message: Message<'buf>,
        fields: &MessageFields<'buf>,
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
    /// The key, which should be UTF-8.
    pub key: &'buf [u8],
    /// The value.
    pub value: Option<&'buf [u8]>,
}

/// The headers of a record, read as they are requested.
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

/// The record of magic 2 at the start of `bytes`, and its size in bytes; `None` if there is none.
#[must_use]
pub fn stored_record(bytes: &[u8]) -> Option<(StoredRecord<'_>, usize)> {
    let (rest, stored) = record(bytes).ok()?;
    Some((stored, bytes.len().saturating_sub(rest.len())))
}

/// A record as stored, with numbers that count from those of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredRecord<'a> {
    /// Unused by Kafka: 0.
    pub attributes: i8,
    /// Milliseconds after the base timestamp.
    pub timestamp_delta: i64,
    /// The offset after the base offset.
    pub offset_delta: OffsetDelta,
    /// The key.
    pub key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    header_bytes: &'a [u8],
    header_count: i32,
}

fn size_of(field: Option<&[u8]>) -> i32 {
    field.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX))
}

/// Parses a record of magic 2.
#[inline]
pub(super) fn record(input: &[u8]) -> Parsed<'_, StoredRecord<'_>> {
    let (rest, length) = varint(input)?;
    let Some((body, rest)) = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
    else {
        return Err(Wrong::at(
            input,
            RecordFault::Length {
                length,
                left: rest.len(),
            },
        ));
    };
    let (body, (attributes, timestamp_delta, offset_delta, key, value, header_count)) =
        (i8, varlong, varint, nullable, nullable, varint).parse(body)?;
    let header_bytes = body;
    let (body, ()) = skip_headers(body, header_count)?;
    if !body.is_empty() {
        return Err(Wrong::at(body, RecordFault::Leftover { left: body.len() }));
    }
    let offset_delta = OffsetDelta(offset_delta);
    Ok((
        rest,
        StoredRecord {
            attributes,
            timestamp_delta,
            offset_delta,
            key,
            value,
            header_bytes,
            header_count,
        },
    ))
}

/// Skips every header, to find the end of the record.
#[inline]
fn skip_headers(input: &[u8], count: i32) -> Parsed<'_, ()> {
    if count < 0 {
        return Err(Wrong::at(input, RecordFault::HeaderCount(count)));
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
        return Err(Wrong::at(input, RecordFault::HeaderKeyLength(length)));
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
            RecordFault::FieldLength {
                length,
                left: input.len(),
            },
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::fault::{FaultKind, finish};
    use crate::wire::NumberFault;

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
                FaultKind::Record(RecordFault::Length {
                    length: 10,
                    left: 1
                }),
                0
            )
        );
        assert_eq!(
            fault_of(&[1, 0]),
            (
                FaultKind::Record(RecordFault::Length {
                    length: -1,
                    left: 1
                }),
                0
            )
        );
        assert_eq!(
            fault_of(&[14, 0, 0, 0, 1, 1, 0, 9]),
            (FaultKind::Record(RecordFault::Leftover { left: 1 }), 7)
        );
        assert_eq!(
            fault_of(&[12, 0, 0, 0, 8, 1, 0]),
            (
                FaultKind::Record(RecordFault::FieldLength { length: 4, left: 2 }),
                5
            )
        );
        assert_eq!(
            fault_of(&[12, 0, 0, 0, 1, 1, 1]),
            (FaultKind::Record(RecordFault::HeaderCount(-1)), 7)
        );
        assert_eq!(
            fault_of(&[14, 0, 0, 0, 1, 1, 2, 1]),
            (FaultKind::Record(RecordFault::HeaderKeyLength(-1)), 7)
        );
        assert_eq!(
            fault_of(&[10, 0, 0, 0, 1, 1]),
            (FaultKind::Number(NumberFault::EndOfInput), 6)
        );
    }
}
