//! Protobuf messages without their schema: fields by their numbers.
//!
//! The type of a field can only be guessed from its bytes: text if they are text, a message if they
//! parse as one, otherwise bytes. Numbers are shown as unsigned, as `protoc --decode_raw` does; a
//! field that comes several times is an array.
//!
//! # References
//! Protocol Buffers, "Encoding"; the message indexes before the payload are Confluent's
//! (`MessageIndexes`).

use std::collections::BTreeMap;

use super::json::{write_base64, write_text};

/// The maximum size of a message that is decoded: each of its fields takes memory.
const MOST_BYTES: usize = 1 << 20;

/// Messages inside of each other.
const MOST_DEPTH: usize = 32;

/// Splits a payload into its message indexes, which lead from the outermost message of the schema
/// to that of the payload, and the message. Without indexes it is the first. Returns `None` if the
/// payload does not begin with indexes.
#[must_use]
pub fn split_indexes(payload: &[u8]) -> Option<(Vec<usize>, &[u8])> {
    let mut reader = ProtobufReader { rest: payload };
    // Zigzag, but never negative; a lone 0 is the first message.
    let count = reader.varint()? >> 1;
    let mut indexes = Vec::new();
    for _ in 0..count {
        indexes.push(usize::try_from(reader.varint()? >> 1).ok()?);
    }
    Some((indexes, reader.rest))
}

/// Appends a message as JSON, its fields named by their numbers. Returns false if it is not a
/// message; nothing is appended then.
pub fn write_json(message: &[u8], out: &mut Vec<u8>) -> bool {
    if message.len() > MOST_BYTES {
        return false;
    }
    let fields = fields(message, MOST_DEPTH);
    if let Some(fields) = &fields {
        write_fields(fields, out);
    }
    fields.is_some()
}

enum Value<'b> {
    Varint(u64),
    Four(u32),
    Eight(u64),
    Text(&'b str),
    Message(Fields<'b>),
    Bytes(&'b [u8]),
}

type Fields<'b> = BTreeMap<u64, Vec<Value<'b>>>;

#[expect(clippy::little_endian_bytes, reason = "as Protobuf has them")]
fn fields(message: &[u8], depth: usize) -> Option<Fields<'_>> {
    let depth = depth.checked_sub(1)?;
    let mut reader = ProtobufReader { rest: message };
    let mut fields = Fields::new();
    while !reader.rest.is_empty() {
        let tag = reader.varint()?;
        let number = tag >> 3;
        if !(1..1 << 29).contains(&number) {
            return None;
        }
        let value = match tag & 7 {
            0 => Value::Varint(reader.varint()?),
            1 => Value::Eight(u64::from_le_bytes(reader.take(8)?.try_into().ok()?)),
            2 => {
                let size = usize::try_from(reader.varint()?).ok()?;
                guess(reader.take(size)?, depth)
            }
            5 => Value::Four(u32::from_le_bytes(reader.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        fields.entry(number).or_default().push(value);
    }
    Some(fields)
}

/// Guesses the type of the bytes of a field.
fn guess(bytes: &[u8], depth: usize) -> Value<'_> {
    let is_shown = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t');
    if let Ok(text) = simdutf8::basic::from_utf8(bytes)
        && text.chars().all(is_shown)
    {
        return Value::Text(text);
    }
    match fields(bytes, depth) {
        Some(fields) => Value::Message(fields),
        None => Value::Bytes(bytes),
    }
}

fn write_fields(fields: &Fields<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (nth, (number, values)) in fields.iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        out.push(b'"');
        int(*number, out);
        out.extend_from_slice(b"\":");
        if let [one] = values.as_slice() {
            write(one, out);
            continue;
        }
        for (nth, value) in values.iter().enumerate() {
            out.push(if nth == 0 { b'[' } else { b',' });
            write(value, out);
        }
        out.push(b']');
    }
    out.push(b'}');
}

fn write(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Varint(number) | Value::Eight(number) => int(*number, out),
        Value::Four(number) => int((*number).into(), out),
        Value::Text(text) => write_text(text, out),
        Value::Message(fields) => write_fields(fields, out),
        Value::Bytes(bytes) => {
            out.extend_from_slice(b"{\"base64\":\"");
            write_base64(bytes, out);
            out.extend_from_slice(b"\"}");
        }
    }
}

fn int(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

struct ProtobufReader<'b> {
    rest: &'b [u8],
}

impl<'b> ProtobufReader<'b> {
    fn take(&mut self, size: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(size)?;
        self.rest = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let (mut bits, mut shift) = (0_u64, 0_u32);
        loop {
            let [byte] = *self.take(1)? else { return None };
            let low = u64::from(byte & 0x7f);
            if shift > 63 || shift == 63 && low > 1 {
                return None;
            }
            bits |= low << shift;
            if byte < 0x80 {
                return Some(bits);
            }
            shift = shift.saturating_add(7);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        write_json(bytes, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn fields_have_their_numbers() {
        let table: [(&[u8], &str); 6] = [
            (b"", "{}"),
            (b"\x08\x96\x01", r#"{"1":150}"#),
            (b"\x12\x07testing", r#"{"2":"testing"}"#),
            (b"\x1a\x03\x08\x96\x01", r#"{"3":{"1":150}}"#),
            (
                b"\x08\x01\x08\x02\x12\x01\xff",
                r#"{"1":[1,2],"2":{"base64":"/w=="}}"#,
            ),
            (b"\x0d\x01\0\0\0\x11\x02\0\0\0\0\0\0\0", r#"{"1":1,"2":2}"#),
        ];
        for (bytes, expected) in table {
            assert_eq!(shown(bytes).as_deref(), Some(expected));
        }
        for bytes in [&b"\x08"[..], b"\x00\x01", b"\x0b\x01", b"\x12\x05ab"] {
            assert_eq!(shown(bytes), None);
        }
    }

    #[test]
    fn indexes_are_taken_off() {
        let table: [(&[u8], &[usize], &[u8]); 3] = [
            (b"\x00\x08\x01", &[], b"\x08\x01"),
            (b"\x02\x00\x08", &[0], b"\x08"),
            (b"\x04\x02\x06\x08", &[1, 3], b"\x08"),
        ];
        for (payload, indexes, rest) in table {
            assert_eq!(split_indexes(payload), Some((indexes.to_vec(), rest)));
        }
        let endless = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(split_indexes(endless), None);
        assert_eq!(split_indexes(b""), None);
    }
}
