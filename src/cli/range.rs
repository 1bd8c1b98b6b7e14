//! Ranges of offsets, points in time and sizes on the command line.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::render::time::rfc3339;

/// Offsets from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OffsetRange {
    first: i64,
    last: i64,
    /// The number of records at the end, if the range is such; the other fields then include
    /// everything.
    tail: Option<u64>,
}

impl OffsetRange {
    /// The first offset.
    pub(crate) fn first(self) -> i64 {
        self.first
    }

    /// The last offset.
    pub(crate) fn last(self) -> i64 {
        self.last
    }

    /// Returns the number of records at the end, if the range is such.
    pub(crate) fn tail(self) -> Option<u64> {
        self.tail
    }

    pub(crate) fn contains(self, offset: i64) -> bool {
        (self.first..=self.last).contains(&offset)
    }

    pub(crate) fn overlaps(self, first: i64, last: i64) -> bool {
        first <= self.last && last >= self.first
    }

    pub(crate) fn is_everything(self) -> bool {
        (self.first, self.last) == (i64::MIN, i64::MAX)
    }
}

impl FromStr for OffsetRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| match part.parse::<i64>() {
            Ok(number) if number >= 0 => Ok(number),
            _ => Err("expected N, A.., ..B, A..B, A..=B, or -N.. for the last N".to_owned()),
        };
        let range = |first, last| Self {
            first,
            last,
            tail: None,
        };
        let Some((first, last)) = text.split_once("..") else {
            let offset = number(text)?;
            return Ok(range(offset, offset));
        };
        if let Some(tail) = first.strip_prefix('-').filter(|_| last.is_empty()) {
            return Ok(Self {
                tail: Some(number(tail)?.cast_unsigned()),
                ..range(i64::MIN, i64::MAX)
            });
        }
        let first = if first.is_empty() {
            i64::MIN
        } else {
            number(first)?
        };
        let last = match last.strip_prefix('=') {
            Some(last) => number(last)?,
            None if last.is_empty() => i64::MAX,
            None => number(last)? - 1,
        };
        if first > last || last < 0 {
            return Err("the range is empty".into());
        }
        Ok(range(first, last))
    }
}

/// A point in time: milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) struct Moment(pub(crate) i64);

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(seconds) = text.strip_prefix('@') {
            let seconds: Option<i64> = seconds.parse().ok();
            let ms = seconds.and_then(|seconds| seconds.checked_mul(1000));
            return ms.map(Self).ok_or_else(expected_time);
        }
        if let Ok(number) = text.parse::<i64>() {
            return milliseconds(text, number);
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self(time.as_millisecond()));
        }
        if let Ok(time) = text.parse::<DateTime>() {
            let time = time.to_zoned(TimeZone::UTC);
            return time
                .map(|time| Self(time.timestamp().as_millisecond()))
                .map_err(|_| expected_time());
        }
        let now = now_ms();
        let midnight = now - now.rem_euclid(DAY_MS);
        match text {
            "now" => Ok(Self(now)),
            "today" => Ok(Self(midnight)),
            "yesterday" => Ok(Self(midnight - DAY_MS)),
            _ => duration_ms(text)
                .map(|ms| Self(now.saturating_sub(ms)))
                .ok_or_else(expected_time),
        }
    }
}

fn expected_time() -> String {
    "expected 2026-11-20, \"2026-11-20 10:00\" (UTC unless a zone follows: 10:00+02:00), 2026-11-20T10:00:00Z, @1795600000 (seconds since \
     1970), 1795600000000 (milliseconds), yesterday, or 2h, 1d12h, 1w (before now)"
        .into()
}

/// Parses a bare number. A number of ten digits is refused: as seconds it is a current time, as
/// milliseconds January 1970.
fn milliseconds(text: &str, number: i64) -> Result<Moment, String> {
    if (9..=11).contains(&text.len()) && number > 0 {
        let as_milliseconds = rfc3339(number);
        let as_seconds = number.checked_mul(1000).map_or_else(String::new, rfc3339);
        return Err(format!(
            "seconds or milliseconds? Type @{number} for {as_seconds} or {as_milliseconds} for {number} milliseconds"
        ));
    }
    Ok(Moment(number))
}

/// Parses a duration of weeks, days, hours, minutes, seconds and milliseconds, into milliseconds:
/// `1w`, `1d12h`, `90s`, `250ms`.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let (mut rest, mut total) = (text, 0_i64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at_checked(letters)?;
        let unit_ms = match unit {
            "w" => 7 * DAY_MS,
            "d" => DAY_MS,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(unit_ms)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// The time now, in milliseconds since 1970-01-01 UTC.
#[expect(
    clippy::disallowed_methods,
    reason = "durations on the command line are counted from now, and the future is what lies after it"
)]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Parses a size; a bare number counts `unit` bytes. `50M` and `50MiB` are 50 × 2²⁰ bytes, `50MB`
/// are 50 × 10⁶.
pub(crate) fn size(unit: u64) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync {
    move |text| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let parts = text.split_at_checked(digits);
        let bytes = parts.and_then(|(number, suffix)| {
            let unit = match suffix {
                "" => unit,
                "B" => 1,
                "K" | "KiB" => 1 << 10,
                "M" | "MiB" => 1 << 20,
                "G" | "GiB" => 1 << 30,
                "T" | "TiB" => 1 << 40,
                "KB" | "kB" => 1_000,
                "MB" => 1_000_000,
                "GB" => 1_000_000_000,
                _ => return None,
            };
            number.parse::<u64>().ok()?.checked_mul(unit)
        });
        bytes
            .filter(|bytes| *bytes > 0)
            .ok_or_else(|| "expected a size: 50M, 50MiB, 1G".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_offsets_are_read() {
        let table = [
            ("42", 42, 42),
            ("42..", 42, i64::MAX),
            ("..42", i64::MIN, 41),
            ("1..=3", 1, 3),
            ("..", i64::MIN, i64::MAX),
        ];
        for (text, first, last) in table {
            let range = OffsetRange {
                first,
                last,
                tail: None,
            };
            assert_eq!(text.parse(), Ok(range), "{text}");
        }
        assert_eq!("-5..".parse::<OffsetRange>().unwrap().tail(), Some(5));
        for text in ["", "x", "5..3", "1..x", "-1..=3", "-5", "..-5", "..0"] {
            assert!(text.parse::<OffsetRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn points_in_time_are_read_as_people_write_them() {
        let ms = |text: &str| text.parse::<Moment>().map(|moment| moment.0);
        for text in [
            "1528595323503",
            "2018-06-10T01:48:43.503Z",
            "2018-06-10T03:48:43.503+02:00",
            "2018-06-10 03:48:43.503+02:00",
            "2018-06-10 01:48:43.503",
            "2018-06-10T01:48:43.503",
        ] {
            assert_eq!(ms(text), Ok(1_528_595_323_503), "{text}");
        }
        for text in ["2018-06-10", "2018-06-10 00:00", "@1528588800"] {
            assert_eq!(ms(text), Ok(1_528_588_800_000), "{text}");
        }
        assert_eq!(ms("1000"), Ok(1_000));
        let now = now_ms();
        for (text, before) in [
            ("2h", 7_200_000),
            ("1d12h", 129_600_000),
            ("1w", 604_800_000),
            ("0s", 0),
        ] {
            let found = ms(text).unwrap();
            assert!(
                (now - before..now - before + 60_000).contains(&found),
                "{text}"
            );
        }
        let yesterday = now - ms("yesterday").unwrap();
        assert!((DAY_MS..=2 * DAY_MS + 60_000).contains(&yesterday));
        for text in [
            "",
            "h",
            "2x",
            "2h3",
            "-2h",
            "99999999999999d",
            "@x",
            "2018-13-01",
            "tomorrow",
        ] {
            assert!(ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_without_a_mark_are_refused_with_both_readings() {
        let error = "1795600000".parse::<Moment>().unwrap_err();
        assert!(error.contains("@1795600000 for 2026-11-25T"), "{error}");
        assert!(error.contains("1970-01-21T18:46:40.000Z"), "{error}");
    }

    #[test]
    fn sizes_have_units() {
        let mib = size(1 << 20);
        for (text, bytes) in [
            ("50", 50 << 20),
            ("50M", 50 << 20),
            ("50MiB", 50 << 20),
            ("50MB", 50_000_000),
            ("7B", 7),
            ("1G", 1 << 30),
        ] {
            assert_eq!(mib(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "x", "-1", "0", "50 M", "50Q", "99999999999G"] {
            assert!(mib(text).is_err(), "{text}");
        }
    }
}
