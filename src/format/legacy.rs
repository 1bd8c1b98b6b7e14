//! Messages of magic 0 and 1, presented as batches of their own, and the compressed sets they may
//! wrap.
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 8 | offset | of the message; of a wrapper: of the last message inside |
//! | 8 | 4 | size | bytes that follow this field, at least 14 |
//! | 12 | 4 | crc | CRC-32 of everything from the magic on |
//! | 16 | 1 | magic | 0 or 1 |
//! | 17 | 1 | attributes | codec 0–2, timestamp type 3 (magic 1) |
//! | 18 | 8 | timestamp | ms; magic 1 only, the fields below follow 8 bytes earlier in magic 0 |
//! | 26 | 4 | key length | negative: null |
//! | 30 | K | key | |
//! | 30 + K | 4 | value length | negative: null |
//! | 34 + K | V | value | of a wrapper: a compressed row of entries like this one |
//!
//! Source: `LegacyRecord`, `AbstractLegacyRecordBatch`.

use nom::Parser;
use nom::bytes::complete::take;
use nom::number::complete::be_i32;

use super::batch::TimestampType;
use super::codec::{Codec, Scratch};
use super::fault::{BatchFault, Fault, FaultKind, MessageFault, Parsed, RecordFault, finish};
use super::frame::FrameHeader;
use super::layout::message::{self as layout, ATTRIBUTES, CRC, MAGIC, OFFSET, SIZE};
use super::record::Record;
use super::records::Records;
use crate::wire::units::LOG_OVERHEAD;
use crate::wire::{Offset, Position, Timestamp, Wrong, be, crc};

/// The position of the timestamp of magic 1 and of the key of magic 0.
const TIMESTAMP: usize = layout::BYTES;
const KEY_V0: usize = layout::BYTES;
const KEY_V1: usize = TIMESTAMP + 8;

/// A message of magic 0 or 1 with the 12 bytes before it.
#[derive(Debug, Clone, Copy)]
pub struct Message<'map> {
    position: Position,
    bytes: &'map [u8],
}

/// Key and value of a message, as far as they can be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct MessageFields<'a> {
    pub(super) key_size: i32,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value_size: i32,
    /// Kafka reads the value's length without checking that the value is there.
    pub(super) value: Result<Option<&'a [u8]>, Fault>,
}

impl<'map> Message<'map> {
    /// Parses `bytes`, a whole entry, as a message.
    ///
    /// # Errors
    /// They end before the attributes.
    pub fn parse(bytes: &'map [u8], position: Position) -> Result<Self, Fault> {
        if bytes.len() <= ATTRIBUTES {
            let (size, least) = (bytes.len(), ATTRIBUTES.saturating_add(1));
            return Err(Fault::new(BatchFault::TooSmall { size, least }, SIZE));
        }
        Ok(Self { position, bytes })
    }

    /// Returns its position in its file; for a message inside a wrapper, that of the wrapper.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The bytes of the entry.
    #[must_use]
    pub fn bytes(&self) -> &'map [u8] {
        self.bytes
    }

    /// The offset field as stored.
    #[must_use]
    pub fn offset(&self) -> Offset {
        Offset(i64::from_be_bytes(be(self.bytes, OFFSET)))
    }

    /// The magic byte as stored.
    #[must_use]
    pub fn magic(&self) -> i8 {
        i8::from_be_bytes(be(self.bytes, MAGIC))
    }

    /// The attribute bits as stored.
    #[must_use]
    pub fn attributes(&self) -> u8 {
        u8::from_be_bytes(be(self.bytes, ATTRIBUTES))
    }

    /// Returns the codec of the set inside; `None` for a message that is not a wrapper.
    ///
    /// # Errors
    /// There is no such codec.
    pub fn codec(&self) -> Result<Codec, Fault> {
        Codec::of(self.attributes()).map_err(|kind| Fault::new(kind, ATTRIBUTES))
    }

    /// Returns the type of the timestamp.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        match self.magic() {
            0 => TimestampType::None,
            _ => TimestampType::of(self.attributes()),
        }
    }

    /// The timestamp; −1 in magic 0.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        match self.magic() {
            0 => Timestamp(-1),
            _ => Timestamp(i64::from_be_bytes(be(self.bytes, TIMESTAMP))),
        }
    }

    /// The checksum as stored.
    #[must_use]
    pub fn stored_crc(&self) -> u32 {
        u32::from_be_bytes(be(self.bytes, CRC))
    }

    /// The checksum of the bytes from the magic on.
    #[must_use]
    pub fn actual_crc(&self) -> u32 {
        crc::crc32(self.bytes.get(MAGIC..).unwrap_or_default())
    }

    /// Returns true if key and value fill a message of `size` bytes, as far as the bytes at hand
    /// show, which may be fewer.
    #[must_use]
    pub fn is_filled(&self, size: usize) -> bool {
        let key_at = if self.magic() == 0 { KEY_V0 } else { KEY_V1 };
        let Some(value_at) = self
            .end_of_field(key_at)
            .filter(|&at| at.saturating_add(4) <= size)
        else {
            return false;
        };
        value_at.saturating_add(4) > self.bytes.len() || self.end_of_field(value_at) == Some(size)
    }

    /// Returns the end of the field whose length is `at`. Writers write −1 for null, and no other
    /// negative length.
    fn end_of_field(&self, at: usize) -> Option<usize> {
        match i32::from_be_bytes(be(self.bytes, at)) {
            -1 => at.checked_add(4),
            length => usize::try_from(length)
                .ok()?
                .checked_add(at)?
                .checked_add(4),
        }
    }

    /// Key and value.
    ///
    /// # Errors
    /// The key or the length of the value is outside the message.
    pub(super) fn fields(&self) -> Result<MessageFields<'map>, Fault> {
        let at = if self.magic() == 0 { KEY_V0 } else { KEY_V1 };
        let input = self.bytes.get(at..).unwrap_or_default();
        match finish(input, fields(input)) {
            Ok((_, fields)) => Ok(fields),
            Err(fault) => Err(fault.shifted(at)),
        }
    }

    /// The message itself as a record, even if it wraps others.
    ///
    /// # Errors
    /// Its key or value is outside it.
    pub fn record(&self) -> Result<Record<'map>, Fault> {
        let fields = self.fields()?;
        fields.value?;
        Ok(Record::of_message(
            *self,
            &fields,
            self.offset().0,
            self.timestamp(),
        ))
    }

    /// The message as a record of its own, or the messages of the set that it wraps.
    pub(super) fn records<'buf>(&self, scratch: &'buf mut Scratch) -> Result<Records<'buf>, Fault>
    where
        'map: 'buf,
    {
        let codec = self.codec()?;
        if codec == Codec::None {
            return Ok(Records::of_message(*self));
        }
        if codec == Codec::Zstd {
            let forbidden = FaultKind::Message(MessageFault::CodecForbidden {
                codec: codec.id(),
                magic: self.magic(),
            });
            return Err(Fault::new(forbidden, ATTRIBUTES));
        }
        let Some(packed) = self.fields()?.value? else {
            return Err(Fault::new(MessageFault::WrapperWithoutValue, ATTRIBUTES));
        };
        let (bytes, fault) = scratch.inflate(codec, self.magic(), packed);
        let base = match self.inner_base(bytes) {
            Ok(base) => base,
            Err(empty) => return Err(fault.unwrap_or(empty)),
        };
        if let Some(fault) = fault
            && self.magic() != 0
        {
            // Relative offsets are counted from the last message, which is lost.
            return Err(fault);
        }
        Ok(Records::of_wrapper(*self, bytes, base, fault))
    }

    /// Returns the number to add to the offsets inside: 0 in magic 0, where they are absolute; in
    /// magic 1 the last message has the wrapper's offset. A wrapper offset of 0 is tolerated there:
    /// old producers left it unset.
    fn inner_base(&self, set: &[u8]) -> Result<i64, Fault> {
        let mut last = None;
        let mut rest = set;
        while let Some((message, after)) = split_entry(rest)? {
            last = Some(message);
            rest = after;
        }
        let Some(last) = last else {
            return Err(Fault::new(MessageFault::WrapperEmpty, 0));
        };
        let Offset(last_inner) = last.offset();
        match (self.magic(), self.offset()) {
            (0, _) | (_, Offset(0)) => Ok(0),
            (_, Offset(offset)) if offset < last_inner => Err(Fault::new(
                MessageFault::WrapperOffset { offset, last_inner },
                OFFSET,
            )),
            (_, Offset(offset)) => Ok(offset.wrapping_sub(last_inner)),
        }
    }
}

/// The first entry of a decompressed set, and the bytes after it. A set that ends inside an entry
/// ends before it, as in Kafka.
///
/// # Errors
/// The size of the entry is impossible.
pub(super) fn split_entry(set: &[u8]) -> Result<Option<(Message<'_>, &[u8])>, Fault> {
    if set.len() < LOG_OVERHEAD {
        return Ok(None);
    }
    let Some(header) = FrameHeader::read(set) else {
        return Ok(None);
    };
    match set.split_at_checked(header.frame_bytes()?) {
        Some((bytes, rest)) => Ok(Some((Message::parse(bytes, Position(0))?, rest))),
        None => Ok(None),
    }
}

fn fields(input: &[u8]) -> Parsed<'_, MessageFields<'_>> {
    let (rest, (key_size, key)) = nullable(input)?;
    let (rest, value_size) = be_i32.parse(rest)?;
    let value = match usize::try_from(value_size) {
        Err(_) => Ok(None),
        Ok(size) => rest.get(..size).map(Some).ok_or(Fault::new(
            RecordFault::FieldLength {
                length: value_size,
                left: rest.len(),
            },
            input.len().saturating_sub(rest.len()),
        )),
    };
    Ok((
        rest,
        MessageFields {
            key_size,
            key,
            value_size,
            value,
        },
    ))
}

/// A length of 4 bytes and as many bytes; any negative length is null.
fn nullable(input: &[u8]) -> Parsed<'_, (i32, Option<&[u8]>)> {
    let (rest, length) = be_i32.parse(input)?;
    let Ok(size) = usize::try_from(length) else {
        return Ok((rest, (length, None)));
    };
    if size > rest.len() {
        return Err(Wrong::at(
            rest,
            RecordFault::FieldLength {
                length,
                left: rest.len(),
            },
        ));
    }
    let (rest, bytes) = take(size).parse(rest)?;
    Ok((rest, (length, Some(bytes))))
}
