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
    if let Ok(text) = simdutf8::basic::from_utf8(text) {
        return write_text(text, out);
    }
    out.push(b'"');
    each_piece(text, |piece| write_escaped(piece.as_bytes(), out));
    out.push(b'"');
}

/// Appends a text as a string with the escapes of Jackson.
#[inline]
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text.as_bytes(), out);
    out.push(b'"');
}

/// What is looked at together for anything to escape.
const BLOCK: usize = 32;

/// What stands in a string for a byte: itself, or behind a backslash a letter, where `u` begins a number.
const LETTERS: [u8; 256] = {
    let mut letters = [0; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "checked by the compiler")]
        {
            letters[byte as usize] = match byte {
                0x08 => b'b',
                b'\t' => b't',
                b'\n' => b'n',
                0x0c => b'f',
                b'\r' => b'r',
                0..=0x1f => b'u',
                _ => byte,
            };
        }
        if byte == u8::MAX {
            break letters;
        }
        byte = byte.wrapping_add(1);
    }
};

/// Bitwise, so that a whole block is tested at once.
#[inline]
fn must_escape(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        let (blocks, _) = rest.as_chunks::<BLOCK>();
        let is_plain = |block: &&[u8; BLOCK]| {
            !block
                .iter()
                .fold(false, |any, byte| any | must_escape(*byte))
        };
        let plain = blocks.iter().take_while(is_plain).count();
        let (clean, after) = rest
            .split_at_checked(plain.saturating_mul(BLOCK))
            .unwrap_or_default();
        out.extend_from_slice(clean);
        let (block, after) = after.split_at_checked(BLOCK).unwrap_or((after, &[]));
        write_block(block, out);
        rest = after;
    }
}

/// Appends a few bytes of which some must be escaped: without a branch for each that must.
#[inline]
fn write_block(block: &[u8], out: &mut Vec<u8>) {
    let mut room = [0; 2 * BLOCK];
    let mut end = 0_usize;
    for &byte in block {
        let letter = LETTERS.get(usize::from(byte)).copied().unwrap_or(byte);
        if letter == b'u' && byte != b'u' {
            out.extend_from_slice(room.get(..end).unwrap_or_default());
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
            end = 0;
            continue;
        }
        if let Some(slot) = room.get_mut(end) {
            *slot = b'\\';
        }
        end = end.wrapping_add(usize::from(must_escape(byte)));
        if let Some(slot) = room.get_mut(end) {
            *slot = letter;
        }
        end = end.wrapping_add(1);
    }
    out.extend_from_slice(room.get(..end).unwrap_or_default());
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
    let letter = |sextet: u8| {
        let index = usize::from(sextet & 0x3f);
        alphabet.get(index).copied().unwrap_or_default()
    };
    let letters = |[a, b, c]: [u8; 3]| {
        [
            letter(a >> 2),
            letter(a << 4 | b >> 4),
            letter(b << 2 | c >> 6),
            letter(c),
        ]
    };
    let (groups, last) = bytes.as_chunks::<3>();
    let start = out.len();
    out.resize(start.saturating_add(groups.len().saturating_mul(4)), 0);
    let (rooms, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut();
    for (room, group) in rooms.iter_mut().zip(groups) {
        *room = letters(*group);
    }
    // One byte needs two characters, two need three.
    match *last {
        [a] => out.extend(letters([a, 0, 0]).iter().take(2)),
        [a, b] => out.extend(letters([a, b, 0]).iter().take(3)),
        _ => {}
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
    fn escapes_are_found_wherever_they_stand() {
        for byte in 0..=u8::MAX {
            for at in [0, 1, 7, 31, 32, 33, 63, 64, 90] {
                let mut text = vec![b'u'; 97];
                text[at] = byte;
                let string = String::from_utf8_lossy(&text);
                let shown = shown(|out| write_string(&text, out));
                let read: String = serde_json::from_str(&shown).unwrap();
                assert_eq!(read, string);
            }
        }
        let all: String = (0..128).map(char::from).collect();
        let shown = shown(|out| write_text(&all.repeat(3), out));
        let read: String = serde_json::from_str(&shown).unwrap();
        assert_eq!(read, all.repeat(3));
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
