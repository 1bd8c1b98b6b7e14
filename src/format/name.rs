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

/// The suffix of its offset index.
pub const OFFSET_INDEX_SUFFIX: &str = ".index";

/// The suffix of its time index.
pub const TIME_INDEX_SUFFIX: &str = ".timeindex";

/// The suffix of its index of aborted transactions.
pub const TXN_INDEX_SUFFIX: &str = ".txnindex";

/// The suffix of the state of producers at an offset.
pub const PRODUCER_SNAPSHOT_SUFFIX: &str = ".snapshot";

/// The suffix of a snapshot of `KRaft`.
pub const CHECKPOINT_SUFFIX: &str = ".checkpoint";

/// The snapshot that a `KRaft` node starts from if it has no other.
pub const BOOTSTRAP_CHECKPOINT: &str = "bootstrap.checkpoint";

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

/// The end offset and the epoch in the name of a `KRaft` snapshot: 20 characters and, one further on, 10. Nobody looks at
/// the others.
#[must_use]
pub fn checkpoint(name: &str) -> Option<(Offset, i32)> {
    let offset = parse_long(name.get(..20)?)?;
    let epoch = i32::try_from(parse_long(name.get(21..31)?)?).ok()?;
    Some((Offset(offset), epoch))
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
    fn checkpoints_are_named_by_offset_and_epoch() {
        for (name, parts) in [
            ("00000000000000000131-0000000002.checkpoint", Some((131, 2))),
            (
                "0000000000000000013150000000002x.checkpoint",
                Some((131, 2)),
            ),
            ("00000000000000000131-9999999999.checkpoint", None),
            ("00000000000000000131.checkpoint", None),
            ("bootstrap.checkpoint", None),
            ("\u{e9}0000000000000000000-0000000002.checkpoint", None),
        ] {
            let expected = parts.map(|(offset, epoch)| (Offset(offset), epoch));
            assert_eq!(checkpoint(name), expected, "{name}");
        }
    }

    #[test]
    fn only_the_last_suffix_counts() {
        assert_eq!(suffix("00000000000000000000.log.deleted"), Some(".deleted"));
        assert_eq!(suffix("leader-epoch-checkpoint"), None);
    }
}
