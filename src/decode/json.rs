//! Messages as JSON, byte for byte as Kafka's generated converters and Jackson write them: compact,
//! in the order of the schema, without tagged fields that have their default.
//!
//! # References
//! `JsonConverterGenerator` of Kafka; `JsonNode.toString` of Jackson.

use std::fmt::Write as _;

use super::value::{Struct, Value};
use crate::wire::Uuid;
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

/// Appends a string with the escapes of Jackson. Bytes that are not UTF-8 are replaced as Java
/// does.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    if text.len() <= SHORT_TEXT
        && let (false, has_wide) = characters(text)
        && (!has_wide || simdutf8::basic::from_utf8(text).is_ok())
    {
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
        return;
    }
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

/// Appends a text as the inside of a string.
pub fn write_text_part(text: &str, out: &mut Vec<u8>) {
    write_escaped(text.as_bytes(), out);
}

/// Texts up to this length are mostly names and words: to look at them once costs less than to check
/// that they are UTF-8 and to escape them then.
const SHORT_TEXT: usize = 64;

/// Returns whether a character must be escaped, and whether one is not ASCII.
#[inline]
fn characters(text: &[u8]) -> (bool, bool) {
    let Some(last) = text.last_chunk() else {
        let must_escape = |byte: &u8| matches!(byte, ..b' ' | b'"' | b'\\');
        return (text.iter().any(must_escape), !text.is_ascii());
    };
    // The last eight bytes, whichever of them were among others before.
    let (words, _) = text.as_chunks();
    let both = |(escapes, wide), word: &[u8; 8]| {
        let word = u64::from_be_bytes(*word);
        (escapes | escape_bits(word), wide | word)
    };
    let (escapes, wide) = words.iter().fold(both((0, 0), last), both);
    (escapes != 0, wide & (ONES * 0x80) != 0)
}

const ONES: u64 = u64::MAX / 0xff;

/// Returns a number that is not 0 if a byte is a control character, a quote or a backslash: below
/// 0x20, or 0 after an exclusive or. A subtraction borrows from the next byte only where that is so
/// already.
const fn escape_bits(word: u64) -> u64 {
    let quotes = word ^ (ONES * 0x22);
    let backslashes = word ^ (ONES * 0x5c);
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    let quotes = quotes.wrapping_sub(ONES) & !quotes;
    let backslashes = backslashes.wrapping_sub(ONES) & !backslashes;
    (controls | quotes | backslashes) & (ONES * 0x80)
}

/// The number of bytes that are checked together for characters to escape.
const BLOCK: usize = 32;

/// The escapes of bytes in strings: at most six characters, and, last, their number.
const ESCAPES: [[u8; 8]; 128] = {
    let mut escapes = [[0; 8]; 128];
    let mut byte = 0_u8;
    while byte < 128 {
        let letter = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            _ => b'u',
        };
        #[expect(clippy::indexing_slicing, reason = "checked by the compiler")]
        {
            escapes[byte as usize] = match letter {
                b'u' => {
                    let low = b"0123456789ABCDEF"[(byte & 0xf) as usize];
                    [b'\\', b'u', b'0', b'0', b'0' | (byte >> 4), low, 0, 6]
                }
                _ => [b'\\', letter, 0, 0, 0, 0, 0, 2],
            };
        }
        byte = byte.wrapping_add(1);
    }
    escapes
};

/// The short forms of bytes in strings: the byte itself, or a backslash and a letter; and their
/// length.
const SHORT: [[u8; 4]; 256] = {
    let mut short = [[0; 4]; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "checked by the compiler"
        )]
        {
            short[byte] = match byte {
                0x22 | 0x5c | ..0x20 => [b'\\', ESCAPES[byte][1], 2, 0],
                _ => [byte as u8, 0, 1, 0],
            };
        }
        byte = byte.wrapping_add(1);
    }
    short
};

/// Bytes that are escaped at once.
const PART: usize = 4096;

fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    for part in text.chunks(PART) {
        let needs_six = |byte: u8| byte < b' ' && !matches!(byte, 8 | b'\t' | b'\n' | 12 | b'\r');
        if part.iter().fold(false, |any, byte| any | needs_six(*byte)) {
            write_long(part, out);
        } else {
            write_short(part, out);
        }
    }
}

/// Appends bytes that need at most two characters each. Nearly every word of a JSON value has
/// quotes, so there is no branch on them: two characters are written for every byte, and the next
/// byte overwrites the second if it is not needed.
fn write_short(text: &[u8], out: &mut Vec<u8>) {
    let must_escape = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    let start = out.len();
    out.resize(start.saturating_add(text.len().saturating_mul(2)), 0);
    let room = out.get_mut(start..).unwrap_or_default();
    let mut end = 0_usize;
    for block in text.chunks(BLOCK) {
        let is_plain = !block
            .iter()
            .fold(false, |any, byte| any | must_escape(*byte));
        if is_plain {
            let after = end.wrapping_add(block.len());
            if let Some(place) = room.get_mut(end..after) {
                place.copy_from_slice(block);
            }
            end = after;
            continue;
        }
        for byte in block {
            let short = SHORT.get(usize::from(*byte)).copied();
            let [first, second, size, _] = short.unwrap_or_default();
            if let Some(place) = room.get_mut(end..).and_then(<[u8]>::first_chunk_mut) {
                *place = [first, second];
            }
            end = end.wrapping_add(usize::from(size));
        }
    }
    out.truncate(start.saturating_add(end));
}

/// Appends bytes one by one.
fn write_long(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'"' | b'\\' | ..b' ' => {
                let escape = ESCAPES.get(usize::from(*byte)).copied().unwrap_or_default();
                let [.., size] = escape;
                out.extend(escape.iter().take(usize::from(size)));
            }
            plain => out.push(*plain),
        }
    }
}

/// Appends a number as `Double.toString` of Java does: plain from 10⁻³ to 10⁷, else with an
/// exponent, and always with a decimal point. What is not a number is a string.
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
pub fn write_uuid(uuid: &Uuid, out: &mut Vec<u8>) {
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
            for (at, length) in [
                (0, 1),
                (0, 8),
                (7, 8),
                (8, 9),
                (14, 15),
                (3, 64),
                (63, 64),
                (0, 97),
                (1, 97),
                (31, 97),
                (32, 97),
                (33, 97),
                (64, 97),
                (90, 97),
            ] {
                for mut text in [vec![b'u'; length], "À".repeat(length / 2).into_bytes()] {
                    text.resize(length, b'u');
                    text[at] = byte;
                    let string = String::from_utf8_lossy(&text);
                    let shown = shown(|out| write_string(&text, out));
                    let read: String = serde_json::from_str(&shown).unwrap();
                    assert_eq!(read, string);
                }
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
