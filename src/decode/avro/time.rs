//! Dates and times by ISO 8601.

/// The unit of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl TimeUnit {
    const fn tenths_of_nanos(self) -> i64 {
        match self {
            Self::Millis => 10_000_000,
            Self::Micros => 10_000,
            Self::Nanos => 10,
        }
    }

    const fn digits(self) -> usize {
        match self {
            Self::Millis => 3,
            Self::Micros => 6,
            Self::Nanos => 9,
        }
    }
}

const DAY_SECONDS: i64 = 86_400;

/// Days since 1970 of 0000-01-01 and of 9999-12-31.
const DAYS: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

/// Appends a date, in days since 1970. Returns false if its year does not have four digits; nothing
/// is appended then.
pub(super) fn write_date(days: i64, out: &mut Vec<u8>) -> bool {
    let Some(date) = civil(days) else {
        return false;
    };
    out.push(b'"');
    push_date(date, out);
    out.push(b'"');
    true
}

/// Appends a time of day. Returns false if the number is not one.
pub(super) fn write_time(number: i64, unit: TimeUnit, out: &mut Vec<u8>) -> bool {
    let (seconds, fraction) = parts(number, unit);
    if !(0..DAY_SECONDS).contains(&seconds) {
        return false;
    }
    out.push(b'"');
    push_clock(seconds, fraction, unit, out);
    out.push(b'"');
    true
}

/// Appends a time since 1970, with `zone` after it. Returns false if its year does not have four
/// digits.
pub(super) fn write_timestamp(number: i64, unit: TimeUnit, zone: &str, out: &mut Vec<u8>) -> bool {
    let (seconds, fraction) = parts(number, unit);
    let Some(date) = civil(seconds.div_euclid(DAY_SECONDS)) else {
        return false;
    };
    out.push(b'"');
    push_date(date, out);
    out.push(b'T');
    push_clock(seconds.rem_euclid(DAY_SECONDS), fraction, unit, out);
    out.extend_from_slice(zone.as_bytes());
    out.push(b'"');
    true
}

fn push_date((year, month, day): (i64, i64, i64), out: &mut Vec<u8>) {
    let [century, year, month, day] = [year / 100, year % 100, month, day].map(pair);
    let text = [century, year, [b'-', month[0]], [month[1], b'-'], day];
    out.extend_from_slice(text.as_flattened());
}

fn push_clock(seconds: i64, fraction: i64, unit: TimeUnit, out: &mut Vec<u8>) {
    let (hour, minute, second) = clock(seconds);
    let [hour, minute, second] = [hour, minute, second].map(pair);
    let text = [hour, [b':', minute[0]], [minute[1], b':'], second];
    out.extend_from_slice(text.as_flattened());
    out.push(b'.');
    // Ten digits; the first is in the unit.
    let fraction = fraction.saturating_mul(unit.tenths_of_nanos());
    let pairs = [
        pair(fraction / 100_000_000),
        pair(fraction / 1_000_000 % 100),
        pair(fraction / 10_000 % 100),
        pair(fraction / 100 % 100),
        pair(fraction % 100),
    ];
    let digits = pairs.as_flattened().get(..unit.digits());
    out.extend_from_slice(digits.unwrap_or_default());
}

/// The two digits of a number below 100: one at a time, or by `core::fmt`, takes several times as
/// long.
fn pair(number: i64) -> [u8; 2] {
    let number = u8::try_from(number).unwrap_or_default();
    [b'0' | (number / 10), b'0' | (number % 10)]
}

/// Seconds, and the rest in the unit. To divide by a number that the compiler knows takes a fraction
/// of the time.
fn parts(number: i64, unit: TimeUnit) -> (i64, i64) {
    match unit {
        TimeUnit::Millis => divide::<1_000>(number),
        TimeUnit::Micros => divide::<1_000_000>(number),
        TimeUnit::Nanos => divide::<1_000_000_000>(number),
    }
}

fn divide<const BY: i64>(number: i64) -> (i64, i64) {
    (number.div_euclid(BY), number.rem_euclid(BY))
}

fn clock(seconds: i64) -> (i64, i64, i64) {
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Year, month and day of a day since 1970, by Howard Hinnant's `civil_from_days`: years begin in
/// March, so that the day that may be missing is the last.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "days are within ten thousand years"
)]
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    if !DAYS.contains(&days) {
        return None;
    }
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    Some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, expected) in [
            (0, Some((1970, 1, 1))),
            (-1, Some((1969, 12, 31))),
            (11_016, Some((2000, 2, 29))),
            (11_017, Some((2000, 3, 1))),
            (-719_528, Some((0, 1, 1))),
            (2_932_896, Some((9999, 12, 31))),
            (2_932_897, None),
            (i64::MIN, None),
        ] {
            assert_eq!(civil(days), expected, "{days}");
        }
    }

    #[test]
    fn times_have_the_digits_of_their_unit() {
        let mut out = Vec::new();
        assert!(write_timestamp(-1, TimeUnit::Millis, "Z", &mut out));
        assert!(write_timestamp(1, TimeUnit::Nanos, "", &mut out));
        assert!(write_time(86_399_999_999, TimeUnit::Micros, &mut out));
        assert!(!write_time(86_400_000, TimeUnit::Millis, &mut out));
        assert!(!write_time(-1, TimeUnit::Millis, &mut out));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\"1969-12-31T23:59:59.999Z\"\"1970-01-01T00:00:00.000000001\"\"23:59:59.999999\""
        );
    }
}
