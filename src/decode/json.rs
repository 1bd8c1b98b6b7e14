//! Messages as JSON, byte for byte as Kafka's generated converters and Jackson write them: compact, in the order of
//! the schema, without tagged fields that have their default.
//!
//! # References
//! `JsonConverterGenerator` of Kafka; `JsonNode.toString` of Jackson.

use std::fmt::Write as _;

use super::value::{Struct, Value};
use crate::wire::text::each_piece;

impl Struct<'_> {
    /// Appends the structure as a JSON object.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut separator = None;
        for (name, value) in self.shown() {
            out.extend(separator);
            separator = Some(b',');
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            value.write_json(out);
        }
        out.push(b'}');
    }
}

impl Value<'_> {
    /// Appends the value as JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Absent | Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
            Self::Float(n) => write_double(*n, out),
            Self::Uuid(uuid) => {
                out.push(b'"');
                write_uuid(uuid, out);
                out.push(b'"');
            }
            Self::String(text) => write_string(text, out),
            Self::Bytes(bytes) => {
                out.push(b'"');
                write_base64(bytes, out);
                out.push(b'"');
            }
            Self::Array(elements) => {
                out.push(b'[');
                let mut separator = None;
                for element in elements {
                    out.extend(separator);
                    separator = Some(b',');
                    element.write_json(out);
                }
                out.push(b']');
            }
            Self::Struct(body) => body.write_json(out),
        }
    }
}

/// Appends a string with the escapes of Jackson. Bytes that are not UTF-8 are replaced as Java does.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    each_piece(text, |piece| {
        let mut plain = piece.as_bytes();
        while let Some(at) = plain
            .iter()
            .position(|&byte| byte < b' ' || byte == b'"' || byte == b'\\')
        {
            let (before, after) = plain.split_at_checked(at).unwrap_or_default();
            let Some((&byte, rest)) = after.split_first() else {
                break;
            };
            out.extend_from_slice(before);
            write_escape(byte, out);
            plain = rest;
        }
        out.extend_from_slice(plain);
    });
    out.push(b'"');
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

/// The upper-case hexadecimal digit of a number below 16.
fn hex_digit(n: u8) -> u8 {
    b"0123456789ABCDEF"
        .get(usize::from(n))
        .copied()
        .unwrap_or_default()
}

/// Appends a number as `Double.toString` of Java does: plain from 10⁻³ to 10⁷, else with an exponent, and always with
/// a decimal point. What is not a number is a string.
fn write_double(n: f64, out: &mut Vec<u8>) {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = if n.is_nan() {
        write!(text, "\"NaN\"")
    } else if n.is_infinite() {
        write!(text, "\"{}Infinity\"", if n < 0.0 { "-" } else { "" })
    } else if n == 0.0 || (1e-3..1e7).contains(&n.abs()) {
        write!(text, "{n:?}")
    } else {
        write!(text, "{n:E}")
    };
    if let Some((digits, exponent)) = text.split_once('E')
        && !digits.contains('.')
    {
        text = format!("{digits}.0E{exponent}");
    }
    out.extend_from_slice(text.as_bytes());
}

/// Appends a UUID as Kafka does: URL-safe base64 without padding, 22 characters.
pub fn write_uuid(uuid: &[u8; 16], out: &mut Vec<u8>) {
    encode64(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        uuid,
        out,
    );
}

/// Appends bytes in base64 with padding.
pub fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    encode64(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        bytes,
        out,
    );
    let padding: &[u8] = match bytes.len() % 3 {
        0 => b"",
        1 => b"==",
        _ => b"=",
    };
    out.extend_from_slice(padding);
}

fn encode64(alphabet: &[u8; 64], bytes: &[u8], out: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let (a, b, c) = match *group {
            [a, b, c] => (a, b, c),
            [a, b] => (a, b, 0),
            [a] => (a, 0, 0),
            _ => return,
        };
        let sextets = [a >> 2, a << 4 | b >> 4, b << 2 | c >> 6, c];
        // One byte needs two characters, three need four.
        for sextet in sextets.into_iter().take(group.len().saturating_add(1)) {
            out.extend(alphabet.get(usize::from(sextet & 0x3f)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_escaped_as_jackson_does() {
        let table: [(&[u8], &str); 5] = [
            (b"", r#""""#),
            (b"a\"b\\c/d", r#""a\"b\\c/d""#),
            (b"\x08\t\n\x0c\r", r#""\b\t\n\f\r""#),
            (b"\x00\x1f\x7f", "\"\\u0000\\u001F\x7f\""),
            ("é\u{2028}\u{1f600}".as_bytes(), "\"é\u{2028}\u{1f600}\""),
        ];
        for (text, expected) in table {
            assert_eq!(shown(|out| write_string(text, out)), expected);
        }
        assert_eq!(
            shown(|out| write_string(b"\n\xed\xa0\x80\"", out)),
            "\"\\n\u{fffd}\\\"\""
        );
    }

    #[test]
    fn doubles_are_those_of_java() {
        let table = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1024.0, "1024.0"),
            (0.001, "0.001"),
            (9.99e-4, "9.99E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (-1.5e21, "-1.5E21"),
            (f64::NAN, "\"NaN\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
            (f64::INFINITY, "\"Infinity\""),
        ];
        for (n, expected) in table {
            assert_eq!(shown(|out| write_double(n, out)), expected);
        }
    }

    #[test]
    fn bytes_have_padding_and_uuids_have_none() {
        for (bytes, expected) in [
            (&b""[..], ""),
            (b"\xff", "/w=="),
            (b"\xfb\xef", "++8="),
            (b"abc", "YWJj"),
            (b"abcd", "YWJjZA=="),
        ] {
            assert_eq!(shown(|out| write_base64(bytes, out)), expected);
        }
        assert_eq!(
            shown(|out| write_uuid(&[0xff; 16], out)),
            "_____________________w"
        );
    }
}
