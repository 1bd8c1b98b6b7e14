//! `MessagePack` as JSON.
//!
//! Bytes become `{"base64":…}`, extensions `{"ext":TYPE,"base64":…}`. Names in maps are text, or
//! numbers and booleans written as text; a map with other names has no JSON form.

use kseg::decode::float::{write_f32, write_f64};
use kseg::decode::json::{write_base64, write_text};

use super::shown::Shown;
use crate::cli::render::Push;

/// The maximum depth of arrays and maps.
const DEPTH: u8 = 100;

/// Appends the value in `bytes`; returns false if they are something else, with incomplete output
/// in `out`.
pub(super) fn write_json(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let mut reader = MsgpackReader { rest: bytes };
    reader.value(0, out).is_some() && reader.rest.is_empty()
}

/// Reads from front to back.
struct MsgpackReader<'a> {
    rest: &'a [u8],
}

impl<'a> MsgpackReader<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    /// A length of 1, 2 or 4 bytes, by the marker.
    fn length(&mut self, width: u8) -> Option<usize> {
        match width {
            0 => self.array::<1>().map(|[n]| usize::from(n)),
            1 => self.array().map(|n| usize::from(u16::from_be_bytes(n))),
            _ => usize::try_from(u32::from_be_bytes(self.array()?)).ok(),
        }
    }

    fn value(&mut self, depth: u8, out: &mut Vec<u8>) -> Option<()> {
        let [marker] = self.array()?;
        match marker {
            0x00..=0x7f => drop(out.int(marker)),
            0xe0..=0xff => drop(out.int(marker.cast_signed())),
            0x80..=0x8f => return self.map(usize::from(marker & 0x0f), depth, out),
            0x90..=0x9f => return self.list(usize::from(marker & 0x0f), depth, out),
            0xa0..=0xbf => return self.string(usize::from(marker & 0x1f), out),
            0xc0 => drop(out.text("null")),
            0xc1 => return None,
            0xc2 | 0xc3 => drop(out.bool(marker == 0xc3)),
            0xc4..=0xc6 => {
                let length = self.length(marker - 0xc4)?;
                Shown::Base64(self.take(length)?).write_json(out);
            }
            0xc7..=0xc9 => {
                let length = self.length(marker - 0xc7)?;
                return self.extension(length, out);
            }
            0xca => {
                let n = f32::from_be_bytes(self.array()?);
                write_f32(n, out);
            }
            0xcb => {
                let n = f64::from_be_bytes(self.array()?);
                write_f64(n, out);
            }
            0xcc => drop(out.int(u8::from_be_bytes(self.array()?))),
            0xcd => drop(out.int(u16::from_be_bytes(self.array()?))),
            0xce => drop(out.int(u32::from_be_bytes(self.array()?))),
            0xcf => drop(out.int(u64::from_be_bytes(self.array()?))),
            0xd0 => drop(out.int(i8::from_be_bytes(self.array()?))),
            0xd1 => drop(out.int(i16::from_be_bytes(self.array()?))),
            0xd2 => drop(out.int(i32::from_be_bytes(self.array()?))),
            0xd3 => drop(out.int(i64::from_be_bytes(self.array()?))),
            0xd4..=0xd8 => return self.extension(1 << (marker - 0xd4), out),
            0xd9..=0xdb => {
                let length = self.length(marker - 0xd9)?;
                return self.string(length, out);
            }
            0xdc | 0xdd => {
                let length = self.length(marker - 0xdc + 1)?;
                return self.list(length, depth, out);
            }
            0xde | 0xdf => {
                let length = self.length(marker - 0xde + 1)?;
                return self.map(length, depth, out);
            }
        }
        Some(())
    }

    /// Text; invalid UTF-8 is shown as bytes.
    fn string(&mut self, length: usize, out: &mut Vec<u8>) -> Option<()> {
        let bytes = self.take(length)?;
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => write_text(text, out),
            Err(_) => Shown::Binary(bytes).write_json(out),
        }
        Some(())
    }

    fn list(&mut self, length: usize, depth: u8, out: &mut Vec<u8>) -> Option<()> {
        if depth >= DEPTH {
            return None;
        }
        out.push(b'[');
        for index in 0..length {
            if index > 0 {
                out.push(b',');
            }
            self.value(depth + 1, out)?;
        }
        out.push(b']');
        Some(())
    }

    fn map(&mut self, length: usize, depth: u8, out: &mut Vec<u8>) -> Option<()> {
        if depth >= DEPTH {
            return None;
        }
        out.push(b'{');
        for index in 0..length {
            if index > 0 {
                out.push(b',');
            }
            self.name(depth, out)?;
            out.push(b':');
            self.value(depth + 1, out)?;
        }
        out.push(b'}');
        Some(())
    }

    /// A name in a map.
    fn name(&mut self, depth: u8, out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        self.value(depth + 1, out)?;
        match out.get(start)? {
            b'"' => {}
            b'{' | b'[' => return None,
            _ => {
                out.insert(start, b'"');
                out.push(b'"');
            }
        }
        Some(())
    }

    fn extension(&mut self, length: usize, out: &mut Vec<u8>) -> Option<()> {
        let [kind] = self.array()?;
        out.text("{\"ext\":")
            .int(kind.cast_signed())
            .text(",\"base64\":\"");
        write_base64(self.take(length)?, out);
        out.text("\"}");
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(bytes: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        write_json(bytes, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn values_of_every_kind_become_json() {
        let table: [(&[u8], &str); 28] = [
            (b"\x00", "0"),
            (b"\x7f", "127"),
            (b"\xff", "-1"),
            (b"\xe0", "-32"),
            (b"\xc0", "null"),
            (b"\xc2", "false"),
            (b"\xcc\xff", "255"),
            (b"\xcd\xff\xff", "65535"),
            (b"\xce\xff\xff\xff\xff", "4294967295"),
            (
                b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                "18446744073709551615",
            ),
            (b"\xd0\x80", "-128"),
            (b"\xd1\x80\x00", "-32768"),
            (b"\xd2\x80\x00\x00\x00", "-2147483648"),
            (
                b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
                "-9223372036854775808",
            ),
            (b"\xca\x3f\x80\x00\x00", "1.0"),
            (b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1"),
            (b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", "\"inf\""),
            (b"\xa0", "\"\""),
            (b"\xd9\x02a\"", r#""a\"""#),
            (b"\xda\x00\x01a", "\"a\""),
            (b"\xdb\x00\x00\x00\x01a", "\"a\""),
            (b"\xa1\xff", r#"{"base64":"/w=="}"#),
            (b"\xc4\x01a", r#"{"base64":"YQ=="}"#),
            (
                b"\xd6\xff\x00\x00\x00\x01",
                r#"{"ext":-1,"base64":"AAAAAQ=="}"#,
            ),
            (b"\xc7\x00\x05", r#"{"ext":5,"base64":""}"#),
            (b"\x92\x90\xdc\x00\x01\x80", "[[],[{}]]"),
            (b"\xde\x00\x01\x01\xdd\x00\x00\x00\x00", r#"{"1":[]}"#),
            (b"\xdf\x00\x00\x00\x01\xc0\xc3", r#"{"null":true}"#),
        ];
        for (bytes, expected) in table {
            assert_eq!(json(bytes).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_cut_or_hostile_is_refused() {
        let table: [&[u8]; 12] = [
            b"",
            b"\xc1",
            b"\x00\x00",
            b"\xcd\xff",
            b"\xa2a",
            b"\x92\x00",
            b"\x81\x90\x00",
            b"\x81\xc4\x00\x00",
            b"\xdd\xff\xff\xff\xff",
            b"\xdf\xff\xff\xff\xff\xa0",
            b"\xc6\xff\xff\xff\xffx",
            b"\xd4",
        ];
        for bytes in table {
            assert_eq!(json(bytes), None, "{}", bytes.escape_ascii());
        }
        assert_eq!(json(&vec![0x91; 1 << 20]), None);
        let mut deep = vec![0x91; 100];
        deep.push(0);
        assert!(json(&deep).is_some());
    }
}
