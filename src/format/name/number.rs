//! Numbers in names, as Java reads them.

/// Characters of a UUID in URL-safe base64 without padding.
pub(super) const UUID_CHARS: usize = 22;

/// `Long.parseLong`: an optional sign, then decimal digits.
#[must_use]
pub fn parse_long(text: &str) -> Option<i64> {
    is_number(text).then(|| text.parse().ok())?
}

/// `Integer.parseInt`, in the same way.
#[must_use]
pub fn parse_int(text: &str) -> Option<i32> {
    is_number(text).then(|| text.parse().ok())?
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}
