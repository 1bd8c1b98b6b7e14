//! Kafka releases, for what depends on the version that wrote or reads a file.

use std::fmt;
use std::str::FromStr;

/// A Kafka release: `4.3.1`, `2.0`, `0.11.0.3`. Ordered by age; a part not given means the newest
/// there is, so `2.0` is not older than `2.0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release([u16; 4]);

/// The value of a part that was not given.
const NEWEST: u16 = u16::MAX;

impl Release {
    /// A release from 1.0 on, by its three numbers.
    #[must_use]
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self([major, minor, patch, 0])
    }

    /// A release before 1.0: `old(11, 0, 3)` is 0.11.0.3.
    #[must_use]
    pub const fn old(minor: u16, patch: u16, fix: u16) -> Self {
        Self([0, minor, patch, fix])
    }

    /// Returns true if this release is `other` or newer.
    #[must_use]
    pub fn since(self, other: Self) -> bool {
        self >= other
    }
}

/// Not a Kafka release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARelease;

impl fmt::Display for NotARelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a Kafka release: expected a form like 4.3, 2.8.2 or 0.11.0.3")
    }
}

impl std::error::Error for NotARelease {}

impl FromStr for Release {
    type Err = NotARelease;

    fn from_str(text: &str) -> Result<Self, NotARelease> {
        let mut parts = [NEWEST; 4];
        let mut count = 0;
        for piece in text.split('.') {
            let part = parts.get_mut(count).ok_or(NotARelease)?;
            if piece.is_empty() || !piece.bytes().all(|b| b.is_ascii_digit()) {
                return Err(NotARelease);
            }
            *part = piece.parse().map_err(|_| NotARelease)?;
            count = count.saturating_add(1);
        }
        let [major, _, _, fix] = &mut parts;
        // From 1.0 on a release has three numbers, before it had four.
        match (*major, count) {
            (0, 2..) => Ok(Self(parts)),
            (1.., ..=3) => {
                *fix = 0;
                Ok(Self(parts))
            }
            _ => Err(NotARelease),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, rest @ .., fix] = self.0;
        write!(f, "{major}")?;
        for part in rest.into_iter().filter(|&part| part != NEWEST) {
            write!(f, ".{part}")?;
        }
        if major == 0 && fix != NEWEST {
            write!(f, ".{fix}")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_printed_and_ordered() {
        for text in ["4.3.1", "4.3", "4", "2.0.0", "0.11.0.3", "0.9", "0.8.2.2"] {
            assert_eq!(text.parse::<Release>().unwrap().to_string(), text);
        }
        for text in [
            "", "4.", ".4", "x", "4.3.1.0", "0", "4.3-rc1", "+4", "70000.1",
        ] {
            assert_eq!(text.parse::<Release>(), Err(NotARelease), "{text}");
        }
        let release = |text: &str| text.parse::<Release>().unwrap();
        assert!(release("2.0").since(Release::new(2, 0, 1)));
        assert!(!release("2.0.0").since(Release::new(2, 0, 1)));
        assert!(release("0.11").since(Release::old(11, 0, 2)));
        assert!(Release::new(1, 0, 0).since(release("0.11.0.3")));
    }
}
