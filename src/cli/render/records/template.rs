//! Templates in the syntax of kcat's `-f`.
//!
//! # References
//! `fmt_parse` and `fmt_msg_output_str` of kcat. Apart from it, a null and an empty key or value
//! differ under `--null`, and a zero byte does not end the template.

use std::str::FromStr;

use super::content::View;
use super::entry::LocatedRecord;
use super::shown::Shown;
use crate::cli::render::{Page, Push};

/// The text of a null header value.
const NULL_HEADER: &str = "NULL";

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<TemplatePiece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePiece {
    Literal(Vec<u8>),
    Topic,
    Partition,
    Offset,
    Timestamp,
    Key,
    KeySize,
    Value,
    ValueSize,
    ValueSizeBinary,
    Headers,
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['%', '\\']) {
            let (before, after) = rest.split_at_checked(at).unwrap_or_default();
            literal(&mut pieces, before.as_bytes());
            rest = if let Some(after) = after.strip_prefix('%') {
                token(&mut pieces, after)?
            } else {
                escape(&mut pieces, after.strip_prefix('\\').unwrap_or(after))?
            };
        }
        literal(&mut pieces, rest.as_bytes());
        Ok(Self { pieces })
    }
}

/// Takes the letter after a percent sign.
fn token<'t>(pieces: &mut Vec<TemplatePiece>, text: &'t str) -> Result<&'t str, String> {
    let mut letters = text.chars();
    let piece = match letters.next() {
        Some('t') => TemplatePiece::Topic,
        Some('p') => TemplatePiece::Partition,
        Some('o') => TemplatePiece::Offset,
        Some('T') => TemplatePiece::Timestamp,
        Some('k') => TemplatePiece::Key,
        Some('K') => TemplatePiece::KeySize,
        Some('s') => TemplatePiece::Value,
        Some('S') => TemplatePiece::ValueSize,
        Some('R') => TemplatePiece::ValueSizeBinary,
        Some('h') => TemplatePiece::Headers,
        Some('%') => {
            literal(pieces, b"%");
            return Ok(letters.as_str());
        }
        other => {
            let other = other.map(String::from).unwrap_or_default();
            return Err(format!(
                "%{other} is unknown; there are %t %p %o %T %k %K %s %S %R %h %%"
            ));
        }
    };
    pieces.push(piece);
    Ok(letters.as_str())
}

/// Takes the text after a backslash. Numbers have any length, as for `strtoul`, and are truncated
/// to a byte.
fn escape<'t>(pieces: &mut Vec<TemplatePiece>, text: &'t str) -> Result<&'t str, String> {
    let mut letters = text.chars();
    let byte = match letters.next() {
        // kcat keeps a backslash at the end.
        None => b'\\',
        Some('t') => b'\t',
        Some('n') => b'\n',
        Some('r') => b'\r',
        Some('x') => return number(pieces, letters.as_str(), 16),
        Some('0') if letters.as_str().starts_with(['x', 'X']) => {
            return number(pieces, text.get(2..).unwrap_or_default(), 16);
        }
        Some('0') => return number(pieces, text, 8),
        Some('1'..='9') => return number(pieces, text, 10),
        Some(other) => {
            literal(pieces, other.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(letters.as_str());
        }
    };
    literal(pieces, &[byte]);
    Ok(letters.as_str())
}

fn number<'t>(
    pieces: &mut Vec<TemplatePiece>,
    text: &'t str,
    radix: u32,
) -> Result<&'t str, String> {
    let digits = text.chars().map_while(|digit| digit.to_digit(radix));
    let (mut count, mut byte) = (0, 0_u8);
    for digit in digits {
        count += 1;
        let (radix, digit) = (radix.to_be_bytes()[3], digit.to_be_bytes()[3]);
        byte = byte.wrapping_mul(radix).wrapping_add(digit);
    }
    if count == 0 {
        return Err("digits must follow \\x".to_owned());
    }
    literal(pieces, &[byte]);
    Ok(text.get(count..).unwrap_or_default())
}

/// Adds text, joined with text before it.
fn literal(pieces: &mut Vec<TemplatePiece>, text: &[u8]) {
    if let Some(TemplatePiece::Literal(before)) = pieces.last_mut() {
        before.extend_from_slice(text);
    } else if !text.is_empty() {
        pieces.push(TemplatePiece::Literal(text.to_vec()));
    }
}

impl Template {
    /// Returns true if it shows the size of values.
    pub(super) fn asks_for_value_size(&self) -> bool {
        let is_size = |piece: &TemplatePiece| {
            matches!(
                piece,
                TemplatePiece::ValueSize | TemplatePiece::ValueSizeBinary
            )
        };
        self.pieces.iter().any(is_size)
    }

    /// Returns true if it shows the size of keys.
    pub(super) fn asks_for_key_size(&self) -> bool {
        self.pieces.contains(&TemplatePiece::KeySize)
    }

    /// Appends a record; `null` is the text of a null key or value.
    pub(super) fn record(
        &self,
        null: &[u8],
        entry: &LocatedRecord<'_, '_>,
        view: &View<'_>,
        scratch: &mut Vec<u8>,
        out: &mut impl Page,
    ) {
        for piece in &self.pieces {
            match piece {
                TemplatePiece::Literal(text) => out.page().extend_from_slice(text),
                TemplatePiece::Topic => drop(out.text(entry.topic.unwrap_or_default())),
                TemplatePiece::Partition => drop(out.int(entry.partition.unwrap_or(-1))),
                TemplatePiece::Offset => drop(out.int(entry.record.offset().get())),
                TemplatePiece::Timestamp => drop(out.int(entry.record.timestamp().get())),
                TemplatePiece::Key => write(view.key(scratch), null, out),
                TemplatePiece::Value => write(view.value(scratch), null, out),
                TemplatePiece::KeySize => drop(out.int(view.key_size().unwrap_or(-1))),
                TemplatePiece::ValueSize => drop(out.int(view.value_size().unwrap_or(-1))),
                TemplatePiece::ValueSizeBinary => {
                    let size = view.value_size().unwrap_or(-1);
                    let size = i32::try_from(size).unwrap_or(i32::MAX);
                    out.page().extend_from_slice(&size.to_be_bytes());
                }
                TemplatePiece::Headers => {
                    for (index, (name, value)) in view.headers().enumerate() {
                        out.text(if index > 0 { "," } else { "" });
                        write(name, b"", out);
                        out.text("=");
                        write(value, NULL_HEADER.as_bytes(), out);
                    }
                }
            }
        }
    }
}

/// Appends bytes unchanged; marked bytes keep their mark.
fn write(shown: Shown<'_>, null: &[u8], out: &mut impl Page) {
    match shown {
        Shown::Null => out.page().extend_from_slice(null),
        // As they are.
        Shown::Binary(bytes) => Shown::Json(bytes).write_plain(out),
        Shown::Unread(..) | Shown::Hidden => shown.write_json(out),
        _ => shown.write_plain(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<TemplatePiece> {
        text.parse::<Template>().unwrap().pieces
    }

    #[test]
    fn escapes_are_those_of_kcat() {
        let table: [(&str, &[u8]); 14] = [
            (r"a\tb\nc\rd", b"a\tb\nc\rd"),
            (r"\x41\x42", b"AB"),
            (r"\x41BC", b"\xbc"),
            (r"\x0g", b"\0g"),
            (r"\65", b"A"),
            (r"\0101", b"A"),
            (r"\0x41", b"A"),
            (r"\09", b"\x009"),
            (r"\321", b"A"),
            (r"\\", b"\\"),
            (r"\q", b"q"),
            ("end\\", b"end\\"),
            ("100%%", b"100%"),
            (r"\é", "é".as_bytes()),
        ];
        for (text, expected) in table {
            assert_eq!(
                pieces(text),
                [TemplatePiece::Literal(expected.to_vec())],
                "{text}"
            );
        }
        assert!(pieces("").is_empty());
    }

    #[test]
    fn what_kcat_does_not_know_is_refused() {
        for text in ["%", "%q", "%é", "\\x", "\\xg", "%s %"] {
            assert!(text.parse::<Template>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_letter_is_a_field() {
        use TemplatePiece::*;
        assert_eq!(
            pieces("%t%p%o%T%k%K%s%S%R%h"),
            [
                Topic,
                Partition,
                Offset,
                Timestamp,
                Key,
                KeySize,
                Value,
                ValueSize,
                ValueSizeBinary,
                Headers
            ]
        );
    }
}
