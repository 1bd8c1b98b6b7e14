//! Bytes as text, the way Java decodes UTF-8 (`new String(bytes, UTF_8)` of the JDK).
//!
//! What is not valid becomes U+FFFD: one for each maximal valid prefix, as in [`String::from_utf8_lossy`], except that a
//! coded surrogate of two or three bytes becomes one, where Rust makes one of each byte.

use std::borrow::Cow;
use std::io;

const REPLACEMENT: &str = "\u{fffd}";

/// Returns the operating system's text for this error number, in lower case and without the number.
pub(crate) fn errno_text(errno: i32) -> String {
    error_text(&io::Error::from_raw_os_error(errno))
}

/// Returns the text of an I/O error, in lower case and without the number that Rust appends.
pub(crate) fn error_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_lowercase().chain(chars).collect())
        .unwrap_or_default()
}

/// Appends the text of `bytes`.
#[inline]
pub fn push_utf8(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.is_ascii() || simdutf8::basic::from_utf8(bytes).is_ok() {
        out.extend_from_slice(bytes);
    } else {
        each_piece(bytes, |piece| out.extend_from_slice(piece.as_bytes()));
    }
}

/// The text of `bytes`.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len());
    each_piece(bytes, |piece| out.push_str(piece));
    Cow::Owned(out)
}

/// Java's `String.hashCode`.
#[must_use]
pub fn java_hash(text: &str) -> i32 {
    let units = text.encode_utf16();
    units.fold(0, |hash: i32, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    })
}

/// Passes the text of `bytes` on, piece by piece.
#[cold]
pub fn each_piece(bytes: &[u8], mut take: impl FnMut(&str)) {
    let mut rest = bytes;
    while let Some(chunk) = rest.utf8_chunks().next() {
        if !chunk.valid().is_empty() {
            take(chunk.valid());
        }
        let invalid = rest.get(chunk.valid().len()..).unwrap_or_default();
        let skip = match *invalid {
            [] => return,
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf, ..] => 2,
            _ => chunk.invalid().len(),
        };
        take(REPLACEMENT);
        rest = invalid.get(skip..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_is_repaired_as_java_does_it() {
        let table: [(&[u8], &str); 10] = [
            (b"plain", "plain"),
            ("h\u{e9}llo".as_bytes(), "h\u{e9}llo"),
            (&[0xff, b'a'], "\u{fffd}a"),
            (&[0xe2, 0x82], "\u{fffd}"),
            (&[0xf0, 0x9f, 0x98], "\u{fffd}"),
            (&[0xc0, 0x80], "\u{fffd}\u{fffd}"),
            (&[0xed, 0xa0, 0x80], "\u{fffd}"),
            (&[0xed, 0xa0, b'A'], "\u{fffd}A"),
            (&[0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80], "\u{fffd}\u{fffd}"),
            (&[b'x', 0xed], "x\u{fffd}"),
        ];
        for (bytes, text) in table {
            let mut out = Vec::new();
            super::push_utf8(&mut out, bytes);
            assert_eq!(String::from_utf8(out).unwrap(), text, "{bytes:x?}");
            assert_eq!(super::text(bytes), text, "{bytes:x?}");
        }
    }
}
