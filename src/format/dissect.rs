//! The fields of the contents of a file, one by one: position, name and value.
//!
//! Names and widths of fixed fields come from [`layout`]; the bytes after a header are divided into
//! fields as far as possible, and the rest is one field. Compressed records are one field, because
//! their bytes are those of the codec.

use std::ops::Range;

use super::{Batch, Codec, FileKind, Message, RecordBatch, TimestampType, layout};
use crate::wire::NumberFault;
use crate::wire::varint::{varint, varlong};

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DissectedField {
    /// Its bytes, by their positions in the file.
    pub range: Range<u64>,
    /// Its name.
    pub name: String,
    /// Its value, as text.
    pub value: String,
    /// True if it is wrong: a checksum that differs, or bytes that belong to nothing.
    pub is_wrong: bool,
}

/// Cuts bytes into fields, from the first byte on.
struct Cutter<'a> {
    bytes: &'a [u8],
    position: u64,
    fields: Vec<DissectedField>,
}

impl<'a> Cutter<'a> {
    const fn new(bytes: &'a [u8], position: u64) -> Self {
        Self {
            bytes,
            position,
            fields: Vec::new(),
        }
    }

    /// Returns the next bytes as a field, whose value is computed from them.
    fn take(
        &mut self,
        length: usize,
        name: &str,
        value: impl FnOnce(&[u8]) -> String,
    ) -> Option<()> {
        let (field, rest) = self.bytes.split_at_checked(length)?;
        let end = self.position.saturating_add(length as u64);
        self.fields.push(DissectedField {
            range: self.position..end,
            name: name.to_owned(),
            value: value(field),
            is_wrong: false,
        });
        (self.bytes, self.position) = (rest, end);
        Some(())
    }

    /// A number of fixed width.
    fn number(&mut self, width: usize, name: &str) -> Option<()> {
        self.take(width, name, |bytes| signed(bytes).to_string())
    }

    /// A number of varying width.
    fn varint(&mut self, name: &str) -> Option<i32> {
        let (rest, number) = varint::<NumberFault>(self.bytes).ok()?;
        let width = self.bytes.len().checked_sub(rest.len())?;
        self.take(width, name, |_| number.to_string())?;
        Some(number)
    }

    /// A length, and as many bytes; −1 is null.
    fn sized(&mut self, name: &str) -> Option<()> {
        let length = self.varint(&format!("{name} length"))?;
        match usize::try_from(length) {
            Ok(length) => self.take(length, name, text),
            Err(_) => Some(()),
        }
    }

    /// Returns the remaining bytes, if there are any, as a field that should not be there.
    fn rest(mut self, name: &str, is_wrong: bool) -> Vec<DissectedField> {
        let length = self.bytes.len();
        if length > 0
            && self.take(length, name, text).is_some()
            && let Some(last) = self.fields.last_mut()
        {
            last.is_wrong = is_wrong;
        }
        self.fields
    }
}

/// The number in the bytes of a field, from the most significant on.
fn signed(bytes: &[u8]) -> i64 {
    let first = bytes.first().map_or(0, |byte| byte.cast_signed());
    let sign = i64::from(first >> 7);
    bytes
        .iter()
        .fold(sign, |number, byte| number << 8 | i64::from(*byte))
}

/// Bytes as text if they are UTF-8, otherwise their number.
fn text(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().count() <= SHOWN => format!("{text:?}"),
        Ok(text) => {
            let start: String = text.chars().take(SHOWN).collect();
            format!("{start:?}... ({} bytes)", bytes.len())
        }
        Err(_) => format!("{} bytes", bytes.len()),
    }
}

/// The fields of a batch.
#[must_use]
pub fn batch(batch: &Batch<'_>) -> Vec<DissectedField> {
    match batch {
        Batch::V2(batch) => records(batch),
        Batch::Legacy(entry) => message(entry),
    }
}

fn records(batch: &RecordBatch<'_>) -> Vec<DissectedField> {
    let mut cutter = Cutter::new(batch.header(), batch.position().0);
    for (name, width) in layout::batch::FIELDS {
        let _whole = match *name {
            "crc" => {
                let (stored, actual) = (batch.stored_crc(), batch.actual_crc());
                cutter.take(*width, name, |_| crc(stored, actual))
            }
            "attributes" => {
                let codec = batch.codec().map_or("unknown codec", Codec::name);
                cutter.take(*width, name, |_| attributes(batch, codec))
            }
            _ => cutter.number(*width, name),
        };
    }
    if batch.stored_crc() != batch.actual_crc() {
        wrong(&mut cutter.fields, "crc");
    }
    let mut body = Cutter::new(batch.body(), cutter.position);
    let mut fields = cutter.fields;
    if batch.codec() != Ok(Codec::None) {
        let codec = batch.codec().map_or("unknown codec", Codec::name);
        fields.extend(body.rest(&format!("records ({codec})"), false));
        return fields;
    }
    for _ in 0..batch.records_count() {
        if record(&mut body, batch).is_none() {
            fields.extend(body.rest("not a record", true));
            return fields;
        }
    }
    fields.extend(body.rest("after the last record", true));
    fields
}

/// A record of magic 2.
fn record(cutter: &mut Cutter<'_>, batch: &RecordBatch<'_>) -> Option<()> {
    let length = cutter.varint("record length")?;
    let length = usize::try_from(length).ok()?;
    let (own, rest) = cutter.bytes.split_at_checked(length)?;
    let mut inner = Cutter::new(own, cutter.position);
    inner.number(1, "record attributes")?;
    let (after, delta) = varlong::<NumberFault>(inner.bytes).ok()?;
    let width = inner.bytes.len().checked_sub(after.len())?;
    let time = batch.base_timestamp().0.wrapping_add(delta);
    inner.take(width, "timestamp delta", |_| {
        format!("{delta}: timestamp {time}")
    })?;
    let (after, delta) = varint::<NumberFault>(inner.bytes).ok()?;
    let width = inner.bytes.len().checked_sub(after.len())?;
    let offset = batch.base_offset().0.wrapping_add(delta.into());
    inner.take(width, "offset delta", |_| {
        format!("{delta}: offset {offset}")
    })?;
    inner.sized("key")?;
    inner.sized("value")?;
    for _ in 0..inner.varint("headers count")? {
        inner.sized("header name")?;
        inner.sized("header value")?;
    }
    cutter.position = cutter.position.saturating_add(length as u64);
    cutter.bytes = rest;
    cutter.fields.extend(inner.rest("after the record", true));
    Some(())
}

/// A message of magic 0 or 1.
fn message(message: &Message<'_>) -> Vec<DissectedField> {
    let mut cutter = Cutter::new(message.bytes(), message.position().0);
    for (name, width) in layout::message::FIELDS {
        let _whole = match *name {
            "crc" => {
                let (stored, actual) = (message.stored_crc(), message.actual_crc());
                cutter.take(*width, name, |_| crc(stored, actual))
            }
            _ => cutter.number(*width, name),
        };
    }
    if message.stored_crc() != message.actual_crc() {
        wrong(&mut cutter.fields, "crc");
    }
    if message.magic() == 1 {
        let _whole = cutter.number(8, "timestamp");
    }
    for name in ["key", "value"] {
        let length = cutter
            .bytes
            .first_chunk()
            .map(|bytes| i32::from_be_bytes(*bytes));
        let _whole = cutter.number(4, &format!("{name} length"));
        if let Some(Ok(length)) = length.map(usize::try_from) {
            let _whole = cutter.take(length, name, text);
        }
    }
    cutter.rest("after the value", true)
}

fn wrong(fields: &mut [DissectedField], name: &str) {
    if let Some(field) = fields.iter_mut().find(|field| field.name == name) {
        field.is_wrong = true;
    }
}

fn crc(stored: u32, actual: u32) -> String {
    if stored == actual {
        format!("{stored:#010x}, right")
    } else {
        format!("{stored:#010x}, wrong: the bytes give {actual:#010x}")
    }
}

fn attributes(batch: &RecordBatch<'_>, codec: &str) -> String {
    let mut words = vec![codec];
    words.push(match batch.timestamp_type() {
        TimestampType::LogAppendTime => "log append time",
        _ => "create time",
    });
    let flags = [
        (batch.is_transactional(), "transactional"),
        (batch.is_control(), "control"),
        (batch.delete_horizon().is_some(), "delete horizon"),
    ];
    words.extend(
        flags
            .into_iter()
            .filter_map(|(is, word)| is.then_some(word)),
    );
    format!("{:#06x}: {}", batch.attributes(), words.join(", "))
}

/// The fields of an index or of a producer snapshot: of a header, if there is one, and of entries
/// up to the end. `None` for another kind of file.
#[must_use]
pub fn small(kind: FileKind, bytes: &[u8]) -> Option<Vec<DissectedField>> {
    let (head, entry): (&[_], &[(&str, usize)]) = match kind {
        FileKind::OffsetIndex => (&[], layout::offset_index::FIELDS),
        FileKind::TimeIndex => (&[], layout::time_index::FIELDS),
        FileKind::TransactionIndex => (&[], layout::txn_index::FIELDS),
        FileKind::ProducerSnapshot => (
            layout::producer_snapshot::FIELDS,
            layout::producer_entry::FIELDS,
        ),
        _ => return None,
    };
    let mut cutter = Cutter::new(bytes, 0);
    let fields = |cutter: &mut Cutter<'_>, fields: &[(&str, usize)]| {
        let mut fields = fields.iter();
        fields.try_for_each(|(name, width)| cutter.number(*width, name))
    };
    let size: usize = entry.iter().map(|(_, width)| width).sum();
    if fields(&mut cutter, head).is_some() {
        while cutter.bytes.len() >= size && fields(&mut cutter, entry).is_some() {}
    }
    Some(cutter.rest("not an entry", true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::frame::Frame;
    use crate::wire::Position;

    #[test]
    fn numbers_have_their_sign() {
        assert_eq!(signed(&[0xff, 0xfe]), -2);
        assert_eq!(signed(&[0x7f, 0xff]), 32_767);
        assert_eq!(signed(&[]), 0);
    }

    #[test]
    fn entries_tile_a_file_and_what_is_left_is_wrong() {
        let bytes = [0, 0, 0, 5, 0, 0, 1, 0, 9];
        let fields = small(FileKind::OffsetIndex, &bytes).unwrap();
        let found: Vec<_> = fields
            .iter()
            .map(|it| (it.range.clone(), &*it.value))
            .collect();
        assert_eq!(found, [(0..4, "5"), (4..8, "256"), (8..9, "\"\\t\"")]);
        assert!(fields[2].is_wrong && !fields[1].is_wrong);
        assert_eq!(small(FileKind::Lock, &bytes), None);
    }

    #[test]
    fn the_fields_of_a_batch_tile_it() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/seed/00000000000000000000.log"
        );
        let bytes = std::fs::read(path).unwrap();
        let frame = Frame::parse(&bytes, Position(0)).unwrap();
        let found = Batch::parse(frame).unwrap();
        let fields = batch(&found);
        let mut end = 0;
        for field in &fields {
            assert_eq!(field.range.start, end, "{field:?}");
            assert!(!field.is_wrong, "{field:?}");
            end = field.range.end;
        }
        assert_eq!(end, found.size_bytes() as u64);
    }
}
