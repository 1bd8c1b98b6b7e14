//! Text as Java makes it from bytes.

use std::borrow::Cow;

/// What stands for bytes that are not UTF-8.
const REPLACEMENT: &str = "\u{fffd}";

/// The text of `bytes` as `new String(bytes, UTF_8)` makes it. It differs from [`String::from_utf8_lossy`] for encoded
/// surrogates only: Java puts one replacement character for the two or three bytes, Rust one for each.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len());
    each_piece(bytes, |piece| out.push_str(piece));
    Cow::Owned(out)
}

/// Hands over the same text piece by piece.
pub fn each_piece(mut bytes: &[u8], mut take: impl FnMut(&str)) {
    while let Some(chunk) = bytes.utf8_chunks().next() {
        if !chunk.valid().is_empty() {
            take(chunk.valid());
        }
        let invalid = bytes.get(chunk.valid().len()..).unwrap_or_default();
        let skipped = match invalid {
            [] => return,
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf, ..] => 2,
            _ => chunk.invalid().len(),
        };
        take(REPLACEMENT);
        bytes = invalid.get(skipped..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacement_is_that_of_java() {
        let table: [(&[u8], &str); 10] = [
            (b"gr\xc3\xbc\xc3\x9fe", "grüße"),
            (b"", ""),
            (b"\xffa", "\u{fffd}a"),
            (b"\xe2\x82", "\u{fffd}"),
            (b"\xf0\x9f\x98", "\u{fffd}"),
            (b"\xc0\x80", "\u{fffd}\u{fffd}"),
            (b"\xed\xa0\x80", "\u{fffd}"),
            (b"\xed\xa0A", "\u{fffd}A"),
            (b"x\xed\xa0\x80\xed\xb0\x80y", "x\u{fffd}\u{fffd}y"),
            (b"\xed", "\u{fffd}"),
        ];
        for (bytes, expected) in table {
            assert_eq!(text(bytes), expected, "{bytes:x?}");
        }
    }
}
