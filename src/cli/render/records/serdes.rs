//! The types of keys and values: the formats of Kafka's own serializers, and some common ones.
//!
//! # References
//! `org.apache.kafka.common.serialization`; the wire format of Confluent's serializers; the
//! `MessagePack` specification.

use kseg::decode::float::{write_f32, write_f64};

use super::reveal::Bytes;
use super::shown::{Shown, Why};
use super::{embed, msgpack};
use crate::cli::render::Push;

/// The type of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) enum Serde {
    /// Unknown: shown according to --bytes
    Bytes,
    /// UTF-8
    #[value(alias = "string")]
    Utf8,
    /// JSON, embedded unchanged
    Json,
    /// MessagePack, as JSON
    Msgpack,
    /// Avro, by the schema id before the value or in a header; see --schemas
    Avro,
    /// Confluent's framing: {"schema_id":7,"payload":…}
    Confluent,
    /// A UUID as text
    Uuid,
    /// One byte, 0 or 1
    Boolean,
    /// Two bytes, big-endian
    Short,
    /// Four bytes, big-endian
    #[value(alias = "integer")]
    Int,
    /// Eight bytes, big-endian
    Long,
    /// Four bytes, IEEE 754
    Float,
    /// Eight bytes, IEEE 754
    Double,
}

impl Serde {
    /// Shows bytes as the given type. If they are not of that type, they are shown with the reason.
    pub(super) fn show<'s>(
        self,
        bytes: &'s [u8],
        unknown: Bytes,
        scratch: &'s mut Vec<u8>,
    ) -> Shown<'s> {
        let is_read = match self {
            // Avro needs the record and the schemas, which are not available here.
            Self::Bytes | Self::Avro => return unknown.show(bytes),
            Self::Utf8 => {
                return match simdutf8::basic::from_utf8(bytes) {
                    Ok(text) => Shown::Text(text),
                    Err(_) => self.refuse(bytes),
                };
            }
            Self::Uuid => {
                return match std::str::from_utf8(bytes) {
                    Ok(text) if is_uuid(bytes) => Shown::Text(text),
                    _ => self.refuse(bytes),
                };
            }
            Self::Json => embed::compact(bytes, scratch),
            Self::Msgpack => msgpack::write_json(bytes, scratch),
            Self::Confluent => confluent(bytes, unknown, scratch).is_some(),
            Self::Boolean | Self::Short | Self::Int | Self::Long | Self::Float | Self::Double => {
                self.number(bytes, scratch).is_some()
            }
        };
        if is_read {
            Shown::Json(scratch)
        } else {
            self.refuse(bytes)
        }
    }

    #[cold]
    fn refuse(self, bytes: &[u8]) -> Shown<'_> {
        let why = match self {
            Self::Bytes | Self::Avro | Self::Utf8 => "not UTF-8",
            Self::Json => "not JSON",
            Self::Msgpack => "not MessagePack, or not representable as JSON",
            Self::Confluent => "not framed by Confluent: 0 and a schema id",
            Self::Uuid => "not a UUID",
            Self::Boolean => "not a boolean: one byte, 0 or 1",
            Self::Short => "not a short: 2 bytes",
            Self::Int => "not an int: 4 bytes",
            Self::Long => "not a long: 8 bytes",
            Self::Float => "not a float: 4 bytes",
            Self::Double => "not a double: 8 bytes",
        };
        Shown::Unread(bytes, Why::Serde(why))
    }

    fn number(self, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Boolean => match bytes {
                [flag @ (0 | 1)] => out.bool(*flag == 1),
                _ => return None,
            },
            Self::Short => out.int(i16::from_be_bytes(bytes.try_into().ok()?)),
            Self::Int => out.int(i32::from_be_bytes(bytes.try_into().ok()?)),
            Self::Long => out.int(i64::from_be_bytes(bytes.try_into().ok()?)),
            Self::Float => {
                let n = f32::from_be_bytes(bytes.try_into().ok()?);
                write_f32(n, out);
                return Some(());
            }
            Self::Double => {
                let n = f64::from_be_bytes(bytes.try_into().ok()?);
                write_f64(n, out);
                return Some(());
            }
            _ => return None,
        };
        Some(())
    }
}

/// 8-4-4-4-12 hexadecimal digits, as `UUID.toString` of Java writes them.
fn is_uuid(bytes: &[u8]) -> bool {
    let is_right = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    bytes.len() == 36 && bytes.iter().enumerate().all(is_right)
}

/// A zero, four bytes of schema id, and the payload.
fn confluent(bytes: &[u8], unknown: Bytes, out: &mut Vec<u8>) -> Option<()> {
    let (head, payload) = bytes.split_first_chunk::<5>()?;
    let [0, id @ ..] = *head else {
        return None;
    };
    out.text("{\"schema_id\":")
        .int(i32::from_be_bytes(id))
        .text(",\"payload\":");
    unknown.show(payload).write_json(out);
    out.push(b'}');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(serde: Serde, bytes: &[u8]) -> String {
        let (mut scratch, mut out) = (Vec::new(), Vec::new());
        serde
            .show(bytes, Bytes::Utf8, &mut scratch)
            .write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_kafka_serializes_is_read_back() {
        let uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        let quoted = format!("\"{uuid}\"");
        let table: [(Serde, &[u8], &str); 17] = [
            (Serde::Boolean, b"\x01", "true"),
            (Serde::Boolean, b"\x00", "false"),
            (Serde::Short, b"\xff\xfe", "-2"),
            (Serde::Int, b"\x80\0\0\0", "-2147483648"),
            (
                Serde::Long,
                b"\x7f\xff\xff\xff\xff\xff\xff\xff",
                "9223372036854775807",
            ),
            (Serde::Float, b"\x3d\xcc\xcc\xcd", "0.1"),
            (Serde::Float, b"\x7f\x80\0\0", "\"inf\""),
            (Serde::Double, b"\x7e\x37\xe4\x3c\x88\x00\x75\x9c", "1e300"),
            (Serde::Double, b"\xff\xf8\0\0\0\0\0\0", "\"NaN\""),
            (Serde::Uuid, uuid.as_bytes(), &quoted),
            (Serde::Utf8, b"a\"", r#""a\"""#),
            (Serde::Json, b" { \"a\" : 1 } ", r#"{"a":1}"#),
            (
                Serde::Msgpack,
                b"\x82\xa1a\x01\xa1b\xc3",
                r#"{"a":1,"b":true}"#,
            ),
            (
                Serde::Confluent,
                b"\0\0\0\0\x07hi",
                r#"{"schema_id":7,"payload":"hi"}"#,
            ),
            (
                Serde::Confluent,
                b"\0\0\0\x01\0\xff",
                r#"{"schema_id":256,"payload":{"base64":"/w=="}}"#,
            ),
            (Serde::Bytes, b"x", "\"x\""),
            (Serde::Bytes, b"\xff", r#"{"base64":"/w=="}"#),
        ];
        for (serde, bytes, expected) in table {
            assert_eq!(shown(serde, bytes), expected, "{serde:?}");
        }
    }

    #[test]
    fn what_is_something_else_is_marked_and_never_lost() {
        let table: [(Serde, &[u8]); 14] = [
            (Serde::Boolean, b"\x02"),
            (Serde::Boolean, b""),
            (Serde::Short, b"abc"),
            (Serde::Int, b"abc"),
            (Serde::Int, b""),
            (Serde::Long, b"abcdefghi"),
            (Serde::Float, b"abc"),
            (Serde::Double, b"abcd"),
            (Serde::Uuid, b"6ba7b810-9dad-11d1-80b4-00c04fd430cg"),
            (Serde::Uuid, b"\xff"),
            (Serde::Utf8, b"\xc3"),
            (Serde::Json, b"{\"a\":}"),
            (Serde::Msgpack, b"\xc1"),
            (Serde::Confluent, b"\x01\0\0\0\x07"),
        ];
        for (serde, bytes) in table {
            let value: serde_json::Value = serde_json::from_str(&shown(serde, bytes)).unwrap();
            let mut base64 = Vec::new();
            kseg::decode::json::write_base64(bytes, &mut base64);
            assert_eq!(value["base64"].as_str().unwrap().as_bytes(), base64);
            assert!(value["error"].as_str().unwrap().starts_with("not "));
        }
    }
}
