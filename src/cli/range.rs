//! Ranges of offsets and points in time, as they are written on the command line.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Offsets from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OffsetRange {
    first: i64,
    last: i64,
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
        let number = |text: &str| {
            text.parse::<i64>().map_err(|_| {
                format!("{text:?} is not an offset; 42, 42.., ..42, 42..50 and 42..=50 are taken")
            })
        };
        let Some((first, last)) = text.split_once("..") else {
            let offset = number(text)?;
            return Ok(Self {
                first: offset,
                last: offset,
            });
        };
        let first = if first.is_empty() {
            i64::MIN
        } else {
            number(first)?
        };
        let last = match last.strip_prefix('=') {
            Some(last) => number(last)?,
            None if last.is_empty() => i64::MAX,
            None => number(last)?.saturating_sub(1),
        };
        if first > last {
            return Err("the range is empty".into());
        }
        Ok(Self { first, last })
    }
}

/// A point in time: milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) struct Moment(pub(crate) i64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(ms) = text.parse::<i64>() {
            return Ok(Self(ms));
        }
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(time.as_millisecond()));
        }
        match duration_ms(text) {
            Some(ms) => Ok(Self(now_ms().saturating_sub(ms))),
            None => Err(
                "no point in time; 2026-11-21T14:00:00Z, 1795247247405 (ms since 1970) and 2h or 1d12h or 90s (before now) are taken"
                    .into(),
            ),
        }
    }
}

/// Milliseconds of days, hours, minutes, seconds and milliseconds: `1d12h`, `90s`, `250ms`.
fn duration_ms(text: &str) -> Option<i64> {
    let (mut rest, mut total) = (text, 0_i64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at_checked(letters)?;
        let unit_ms = match unit {
            "d" => 86_400_000,
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
    reason = "durations on the command line are counted from now, and the future is what lies behind it"
)]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
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
            ("-1..=3", -1, 3),
            ("..", i64::MIN, i64::MAX),
        ];
        for (text, first, last) in table {
            assert_eq!(text.parse(), Ok(OffsetRange { first, last }), "{text}");
        }
        for text in ["", "x", "5..3", "1..x"] {
            assert!(text.parse::<OffsetRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn points_in_time_are_read_in_three_forms() {
        let ms = |text: &str| text.parse::<Moment>().map(|moment| moment.0);
        assert_eq!(ms("1528595323503"), Ok(1_528_595_323_503));
        assert_eq!(ms("2018-06-10T01:48:43.503Z"), Ok(1_528_595_323_503));
        assert_eq!(ms("2018-06-10T03:48:43.503+02:00"), Ok(1_528_595_323_503));
        let now = now_ms();
        for (text, before) in [("2h", 7_200_000), ("1d12h", 129_600_000), ("0s", 0)] {
            let found = ms(text).unwrap();
            assert!(
                (now - before..now - before + 60_000).contains(&found),
                "{text}"
            );
        }
        for text in [
            "",
            "h",
            "2",
            "2x",
            "2h3",
            "-2h",
            "99999999999999d",
            "yesterday",
        ] {
            assert_eq!(ms(text).is_err(), text != "2", "{text}");
        }
    }
}
