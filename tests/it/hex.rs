//! Bytes as the specification prints them.

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = |text: String, byte| text + &format!("{byte:02x}");
    bytes.iter().fold(String::new(), digits)
}

/// Hexadecimal digits, spaced as one likes, as bytes.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits = text.bytes().filter_map(|c| char::from(c).to_digit(16));
    let digits: Vec<u8> = digits
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    let (pairs, _) = digits.as_chunks::<2>();
    pairs.iter().map(|[high, low]| high << 4 | low).collect()
}

/// Compares bytes with hexadecimal digits, spaced as one likes.
#[track_caller]
pub(crate) fn assert_hex(bytes: &[u8], expected: &str) {
    assert_eq!(hex(bytes), expected.split_whitespace().collect::<String>());
}
