//! The visible form of some bytes: the same for every format, which writes it in its own way.

use std::fmt;

use kseg::decode::Unread;
use kseg::decode::json::{write_base64, write_string, write_text, write_text_part};
use kseg::wire::text::{each_piece, push_utf8};

use super::schemas::SchemaProblem;
use crate::cli::render::{PIECE, Page, Push, end_of_piece};

/// The shown form of a key, a value, or a part of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown<'a> {
    /// Null.
    Null,
    /// Text.
    Text(&'a str),
    /// Bytes that are not text.
    Binary(&'a [u8]),
    /// Bytes to be shown in base64, text or not.
    Base64(&'a [u8]),
    /// Bytes to be shown in hexadecimal.
    Hex(&'a [u8]),
    /// Bytes to be shown as text, with U+FFFD for invalid bytes.
    Lossy(&'a [u8]),
    /// JSON, on one line.
    Json(&'a [u8]),
    /// Bytes that are not of the given type, and the reason.
    Unread(&'a [u8], Why),
    /// Nothing: it is hidden.
    Hidden,
    /// The number of bytes.
    Size(usize),
    /// Their SHA-256.
    Sha256([u8; 32]),
}

/// The reason why bytes are not of the given type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The type was given by the user.
    Serde(&'static str),
    /// The type follows from the topic.
    Meaning(Unread),
    /// The type follows from the schema, or there is no schema.
    Schema(SchemaProblem),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serde(why) => f.write_str(why),
            Self::Meaning(why) => why.fmt(f),
            Self::Schema(why) => why.fmt(f),
        }
    }
}

impl<'a> Shown<'a> {
    /// Appends it as JSON.
    #[inline]
    pub(super) fn write_json<P: Page + ?Sized>(&self, out: &mut P) {
        if self.is_large() {
            let (before, after) = self.json_around();
            out.text(before);
            self.write_pieces(Self::write_json_piece, out);
            out.text(&after);
        } else {
            self.write_small_json(out.page());
        }
    }

    /// Appends it as text; [`Self::kind`] returns its kind.
    pub(super) fn write_plain<P: Page + ?Sized>(&self, out: &mut P) {
        if self.is_large() {
            self.write_pieces(Self::write_small_plain, out);
        } else {
            self.write_small_plain(out.page());
        }
    }

    /// Returns true if it is written in pieces.
    pub(super) fn is_large(&self) -> bool {
        self.len_bytes() > PIECE
    }

    /// Its size in bytes.
    pub(super) fn len_bytes(&self) -> usize {
        self.bytes().len()
    }

    /// Returns its bytes.
    fn bytes(&self) -> &'a [u8] {
        match *self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes)
            | Self::Base64(bytes)
            | Self::Hex(bytes)
            | Self::Lossy(bytes)
            | Self::Json(bytes)
            | Self::Unread(bytes, _) => bytes,
            Self::Null | Self::Hidden | Self::Size(_) | Self::Sha256(_) => &[],
        }
    }

    /// Writes its bytes piece by piece, and turns the page after each.
    #[cold]
    fn write_pieces<P: Page + ?Sized>(&self, write: fn(&Self, &mut Vec<u8>), out: &mut P) {
        let mut rest = self.bytes();
        while !rest.is_empty() {
            let (piece, next) = rest.split_at_checked(self.cut(rest)).unwrap_or((rest, &[]));
            write(&self.with(piece), out.page());
            out.turn();
            rest = next;
        }
    }

    /// Returns the end of the first piece of `bytes`, in text between two characters.
    fn cut(&self, bytes: &[u8]) -> usize {
        if !matches!(self, Self::Text(_) | Self::Lossy(_) | Self::Json(_)) {
            return PIECE;
        }
        end_of_piece(bytes)
    }

    /// The same kind of something else.
    fn with(&self, bytes: &'a [u8]) -> Self {
        match *self {
            Self::Text(_) => Self::Text(std::str::from_utf8(bytes).unwrap_or_default()),
            Self::Binary(_) => Self::Binary(bytes),
            Self::Base64(_) => Self::Base64(bytes),
            Self::Hex(_) => Self::Hex(bytes),
            Self::Lossy(_) => Self::Lossy(bytes),
            Self::Json(_) => Self::Json(bytes),
            Self::Unread(_, why) => Self::Unread(bytes, why),
            other => other,
        }
    }

    /// Returns the text around it in JSON.
    fn json_around(&self) -> (&'static str, String) {
        match *self {
            Self::Text(_) | Self::Lossy(_) => ("\"", "\"".into()),
            Self::Binary(_) | Self::Base64(_) => ("{\"base64\":\"", "\"}".into()),
            Self::Hex(_) => ("{\"hex\":\"", "\"}".into()),
            Self::Unread(_, why) => {
                let mut after = b"\",\"error\":".to_vec();
                write_text(&why.to_string(), &mut after);
                after.push(b'}');
                (
                    "{\"base64\":\"",
                    String::from_utf8(after).unwrap_or_default(),
                )
            }
            _ => ("", String::new()),
        }
    }

    /// Appends a piece of it in JSON form.
    fn write_json_piece(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Text(text) => write_text_part(text, out),
            Self::Lossy(bytes) => each_piece(bytes, |text| write_text_part(text, out)),
            _ => self.write_small_plain(out),
        }
    }

    #[inline]
    fn write_small_json(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Text(text) => write_text(text, out),
            Self::Null => drop(out.text("null")),
            Self::Json(json) => out.extend_from_slice(json),
            Self::Lossy(bytes) => write_string(bytes, out),
            Self::Binary(bytes) | Self::Base64(bytes) => {
                out.text("{\"base64\":\"");
                write_base64(bytes, out);
                out.text("\"}");
            }
            Self::Hex(bytes) => {
                out.text("{\"hex\":\"");
                write_hex(bytes, out);
                out.text("\"}");
            }
            Self::Unread(bytes, why) => {
                out.text("{\"base64\":\"");
                write_base64(bytes, out);
                out.text("\",\"error\":");
                write_text(&why.to_string(), out);
                out.push(b'}');
            }
            Self::Hidden => drop(out.text("{\"redacted\":true}")),
            Self::Size(bytes) => drop(out.text("{\"size\":").int(bytes).text("}")),
            Self::Sha256(digest) => {
                out.text("{\"sha256\":\"");
                write_hex(&digest, out);
                out.text("\"}");
            }
        }
    }

    fn write_small_plain(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Null | Self::Hidden => {}
            Self::Text(text) => drop(out.text(text)),
            Self::Json(json) => out.extend_from_slice(json),
            Self::Lossy(bytes) => push_utf8(out, bytes),
            Self::Binary(bytes) | Self::Base64(bytes) | Self::Unread(bytes, _) => {
                write_base64(bytes, out);
            }
            Self::Hex(bytes) => write_hex(bytes, out),
            Self::Size(bytes) => drop(out.int(bytes)),
            Self::Sha256(digest) => write_hex(&digest, out),
        }
    }

    /// Appends the value of a column of bytes: the bytes themselves, JSON if they are decoded, or
    /// the text shown instead. Returns false for null and hidden values.
    pub(super) fn write_column(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Null | Self::Hidden => return false,
            Self::Size(_) | Self::Sha256(_) => self.write_small_json(out),
            _ => out.extend_from_slice(self.bytes()),
        }
        true
    }

    /// Returns the kind of the plain text.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Text(_) => "utf8",
            Self::Lossy(_) => "utf8-lossy",
            Self::Binary(_) | Self::Base64(_) => "base64",
            Self::Unread(..) => "base64-unread",
            Self::Hex(_) => "hex",
            Self::Json(_) => "json",
            Self::Hidden => "redacted",
            Self::Size(_) => "size",
            Self::Sha256(_) => "sha256",
        }
    }
}

/// Appends bytes as hexadecimal digits.
pub(super) fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
    let digits = bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 0xf)]);
    out.extend(digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_shown_has_a_form_of_its_own() {
        let digest = [0xab; 32];
        let hex = "ab".repeat(32);
        let sha = format!("{{\"sha256\":\"{hex}\"}}");
        let table: [(Shown<'_>, &str, &str, &str); 11] = [
            (Shown::Null, "null", "null", ""),
            (Shown::Text("null"), "\"null\"", "utf8", "null"),
            (Shown::Text(""), "\"\"", "utf8", ""),
            (
                Shown::Binary(b"\xff"),
                r#"{"base64":"/w=="}"#,
                "base64",
                "/w==",
            ),
            (
                Shown::Base64(b"a"),
                r#"{"base64":"YQ=="}"#,
                "base64",
                "YQ==",
            ),
            (Shown::Hex(b"\xfe\x09"), r#"{"hex":"fe09"}"#, "hex", "fe09"),
            (
                Shown::Lossy(b"a\xff\n"),
                "\"a\u{fffd}\\n\"",
                "utf8-lossy",
                "a\u{fffd}\n",
            ),
            (Shown::Json(b"[1]"), "[1]", "json", "[1]"),
            (
                Shown::Unread(b"a", Why::Serde("not an int")),
                r#"{"base64":"YQ==","error":"not an int"}"#,
                "base64-unread",
                "YQ==",
            ),
            (Shown::Size(7), r#"{"size":7}"#, "size", "7"),
            (Shown::Sha256(digest), &sha, "sha256", &hex),
        ];
        for (shown, json, kind, plain) in table {
            let (mut as_json, mut as_plain) = (Vec::new(), Vec::new());
            shown.write_json(&mut as_json);
            shown.write_plain(&mut as_plain);
            assert_eq!(String::from_utf8(as_json).unwrap(), json);
            assert_eq!(String::from_utf8(as_plain).unwrap(), plain);
            assert_eq!(shown.kind(), kind);
        }
    }

    /// The state of a page when it was flushed.
    #[derive(Default)]
    struct Turned {
        page: Vec<u8>,
        before: Vec<u8>,
        largest: usize,
    }

    impl Page for Turned {
        fn page(&mut self) -> &mut Vec<u8> {
            &mut self.page
        }

        fn turn(&mut self) {
            self.largest = self.largest.max(self.page.len());
            self.before.append(&mut self.page);
        }
    }

    #[test]
    fn what_is_large_is_written_in_pieces_as_if_it_were_small() {
        let text = "\u{e9}\u{20ac}\u{1f600}\"\n\0x".repeat(40_000);
        let mut broken = text.clone().into_bytes();
        broken.extend(vec![0x80; 100_000]);
        for shown in [
            Shown::Text(&text),
            Shown::Binary(&broken),
            Shown::Base64(&broken),
            Shown::Hex(&broken),
            Shown::Lossy(&broken),
            Shown::Json(text.as_bytes()),
            Shown::Unread(&broken, Why::Serde("not an int")),
        ] {
            let (mut whole, mut turned) = (Vec::new(), Turned::default());
            shown.write_small_json(&mut whole);
            shown.write_json(&mut turned);
            turned.turn();
            assert!(turned.before == whole, "{}", shown.kind());
            assert!(turned.largest <= 6 * PIECE);
            let (mut whole, mut turned) = (Vec::new(), Turned::default());
            shown.write_small_plain(&mut whole);
            shown.write_plain(&mut turned);
            turned.turn();
            assert!(turned.before == whole, "{}", shown.kind());
        }
    }
}
