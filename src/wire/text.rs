//! Bytes as text, the way Java decodes UTF-8.

/// Appends `bytes` as UTF-8. What is not valid becomes U+FFFD: one for each maximal valid prefix, as in Rust, except that
/// a coded surrogate becomes one, not three (`String(bytes, UTF_8)` of the JDK).
#[inline]
pub fn push_utf8(out: &mut Vec<u8>, bytes: &[u8]) {
    if simdutf8::basic::from_utf8(bytes).is_ok() {
        out.extend_from_slice(bytes);
    } else {
        push_repaired(out, bytes);
    }
}

#[cold]
fn push_repaired(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(chunk) = rest.utf8_chunks().next() {
        out.extend_from_slice(chunk.valid().as_bytes());
        let (_, invalid) = rest
            .split_at_checked(chunk.valid().len())
            .unwrap_or_default();
        let skip = match *invalid {
            [] => return,
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf, ..] => 2,
            _ => chunk.invalid().len(),
        };
        out.extend_from_slice("\u{fffd}".as_bytes());
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
        }
    }
}
