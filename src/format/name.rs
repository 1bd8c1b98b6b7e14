//! Names of files and directories.
//!
//! | name | is |
//! |---|---|
//! | `00000000000000000042.log` | the segment that begins at offset 42, and its siblings with other suffixes |
//! | `orders-3` | the directory of partition 3 of the topic `orders` |
//!
//! Source: `LogFileUtils`, `UnifiedLog.parseTopicPartitionName`.

use std::path::Path;

use crate::wire::Offset;

/// The suffix of a segment's records.
pub const LOG_SUFFIX: &str = ".log";

/// The file name without its directories; empty if there is none.
#[must_use]
pub fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// The suffix Kafka goes by: from the last dot on. `None` without a dot.
#[must_use]
pub fn suffix(name: &str) -> Option<&str> {
    name.rfind('.').and_then(|dot| name.get(dot..))
}

/// The offset before the first dot of the name, as Java reads a `long`.
#[must_use]
pub fn base_offset(name: &str) -> Option<Offset> {
    let (digits, _) = name.split_once('.')?;
    parse_long(digits).map(Offset)
}

/// `Long.parseLong`: an optional sign, then decimal digits.
#[must_use]
pub fn parse_long(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_offset_is_what_java_reads_before_the_first_dot() {
        for (name, offset) in [
            ("00000000000000000042.log", Some(42)),
            ("+5.log", Some(5)),
            ("-5.log", Some(-5)),
            ("123.foo.log", Some(123)),
            ("9223372036854775807.log", Some(i64::MAX)),
            ("99999999999999999999.log", None),
            ("abc.log", None),
            (".log", None),
            ("+.log", None),
            ("+-1.log", None),
            (" 1.log", None),
            ("1", None),
        ] {
            assert_eq!(base_offset(name), offset.map(Offset), "{name}");
        }
    }

    #[test]
    fn only_the_last_suffix_counts() {
        assert_eq!(suffix("00000000000000000000.log.deleted"), Some(".deleted"));
        assert_eq!(suffix("leader-epoch-checkpoint"), None);
    }
}
