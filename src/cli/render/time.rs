//! Times for people.

use std::io::Write as _;

use jiff::Timestamp;

/// A time in UTC by RFC 3339, with milliseconds; a number if it is outside of the calendar.
pub(crate) fn rfc3339(ms: i64) -> String {
    let mut text = Vec::new();
    write_rfc3339(ms, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Appends the same.
pub(crate) fn write_rfc3339(ms: i64, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _written = match Timestamp::from_millisecond(ms) {
        Ok(time) if ms >= FIRST_MS => write!(out, "{time:.3}"),
        _ => write!(out, "{ms} ms"),
    };
}

/// The year 0, before which RFC 3339 has no dates.
const FIRST_MS: i64 = -62_167_219_200_000;

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_have_milliseconds_and_what_is_none_stays_a_number() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_528_595_323_503, "2018-06-10T01:48:43.503Z"),
            (-2, "1969-12-31T23:59:59.998Z"),
            (i64::MAX, "9223372036854775807 ms"),
            (i64::MIN, "-9223372036854775808 ms"),
            (-62_167_219_200_001, "-62167219200001 ms"),
        ];
        for (ms, text) in table {
            assert_eq!(rfc3339(ms), text);
        }
    }
}
