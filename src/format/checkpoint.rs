//! Checkpoints: small files of numbers by line.
//!
//! | line | is |
//! |---|---|
//! | 1 | version, always 0 |
//! | 2 | number of entries |
//! | 3… | an entry: words between blanks |
//!
//! An entry of an offset checkpoint is topic, partition and offset. Four files of a log dir are
//! such: `recovery-point-offset-checkpoint`, `replication-offset-checkpoint` (high watermarks),
//! `log-start-offset-checkpoint` and `cleaner-offset-checkpoint`, whose form has been the same
//! since 0.8.1. `_rlmm_committed_offsets`, of 3.0 to 3.5, has partition and offset only. An empty
//! file is legal and has no entries; so is one with a version only.
//!
//! Source: `CheckpointFile`, `OffsetCheckpointFile`.

use super::fault::{CheckpointFault, Fault};
use super::name::{parse_int, parse_long};
use crate::wire::{Offset, Position};

/// The only version there is.
const VERSION: i32 = 0;

/// The lines of a checkpoint, parsed as far as possible.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lines<T> {
    /// The version, if there is one.
    pub version: Option<i32>,
    /// The entry count in the file.
    pub declared: Option<i32>,
    /// The entries that could be read, in the order of the file.
    pub entries: Vec<T>,
    /// The faults, in file order.
    pub faults: Vec<Fault>,
}

/// An offset checkpoint.
pub type OffsetCheckpoint<'a> = Lines<CheckpointEntry<'a>>;

/// The offset of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckpointEntry<'a> {
    /// The position of the line.
    pub position: Position,
    /// The topic; empty in `_rlmm_committed_offsets`.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: Offset,
}

impl<'a> OffsetCheckpoint<'a> {
    /// Reads an offset checkpoint. A line that cannot be read is a fault, and reading continues
    /// after it.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        read(bytes, |position, line| {
            let [topic, partition, offset] = words(line)?;
            Ok(CheckpointEntry {
                position,
                topic: topic.text,
                partition: partition.int("partition")?,
                offset: Offset(offset.long("offset")?),
            })
        })
    }

    /// Reads `_rlmm_committed_offsets`, whose entries have no topic.
    #[must_use]
    pub fn parse_without_topic(bytes: &'a [u8]) -> Self {
        read(bytes, |position, line| {
            let [partition, offset] = words(line)?;
            Ok(CheckpointEntry {
                position,
                topic: "",
                partition: partition.int("partition")?,
                offset: Offset(offset.long("offset")?),
            })
        })
    }
}

/// The bytes of an offset checkpoint with these entries, as every release reads it.
#[must_use]
pub fn encode(entries: &[CheckpointEntry<'_>]) -> Vec<u8> {
    let mut lines = vec![VERSION.to_string(), entries.len().to_string()];
    let line = |entry: &CheckpointEntry<'_>| {
        format!("{} {} {}", entry.topic, entry.partition, entry.offset)
    };
    lines.extend(entries.iter().map(line));
    lines.push(String::new());
    lines.join("\n").into_bytes()
}

/// Reads a file of this form. `entry` gets the position of its line; the positions of its faults
/// are counted from there.
pub(super) fn read<'a, T>(
    bytes: &'a [u8],
    mut entry: impl FnMut(Position, &'a str) -> Result<T, Fault>,
) -> Lines<T> {
    let mut lines = Lines {
        version: None,
        declared: None,
        entries: Vec::new(),
        faults: Vec::new(),
    };
    let mut found: usize = 0;
    for (index, (at, line)) in split_lines(bytes).enumerate() {
        let line = match std::str::from_utf8(line) {
            Ok(line) => line,
            Err(error) => {
                let at = at.saturating_add(error.valid_up_to());
                lines.faults.push(Fault::new(CheckpointFault::Encoding, at));
                found = found.saturating_add(usize::from(index > 1));
                continue;
            }
        };
        match index {
            0 => match parse_int(line.trim()) {
                Some(version) => {
                    lines.version = Some(version);
                    if version != VERSION {
                        lines
                            .faults
                            .push(Fault::new(CheckpointFault::Version(version), at));
                    }
                }
                None => lines
                    .faults
                    .push(Fault::new(CheckpointFault::Head("version"), at)),
            },
            1 => match parse_int(line.trim()) {
                Some(declared) => lines.declared = Some(declared),
                None => lines
                    .faults
                    .push(Fault::new(CheckpointFault::Head("number of entries"), at)),
            },
            _ => {
                found = found.saturating_add(1);
                match entry(Position(at as u64), line) {
                    Ok(entry) => lines.entries.push(entry),
                    Err(fault) => lines.faults.push(fault.shifted(at)),
                }
            }
        }
    }
    if let Some(declared) = lines.declared
        && i64::from(declared) != i64::try_from(found).unwrap_or(i64::MAX)
    {
        let kind = CheckpointFault::Entries { declared, found };
        lines.faults.push(Fault::new(kind, bytes.len()));
    }
    lines
}

/// A word of a line, and its position in the line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Word<'_> {
    pub(super) fn int(self, what: &'static str) -> Result<i32, Fault> {
        parse_int(self.text).ok_or(Fault::new(CheckpointFault::Number(what), self.at))
    }

    pub(super) fn long(self, what: &'static str) -> Result<i64, Fault> {
        parse_long(self.text).ok_or(Fault::new(CheckpointFault::Number(what), self.at))
    }
}

/// The words of a line. Blanks before the first one make an empty word, as Java's `split` has it;
/// blanks at the end do not count.
pub(super) fn words<const N: usize>(line: &str) -> Result<[Word<'_>; N], Fault> {
    let mut words = [Word { text: "", at: 0 }; N];
    let (mut found, mut rest, mut at) = (0_usize, line.trim_end_matches(is_blank), 0_usize);
    loop {
        let end = rest.find(is_blank).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if let Some(slot) = words.get_mut(found) {
            *slot = Word { text: word, at };
        }
        found = found.saturating_add(1);
        if after.is_empty() {
            break;
        }
        rest = after.trim_start_matches(is_blank);
        at = line
            .trim_end_matches(is_blank)
            .len()
            .saturating_sub(rest.len());
    }
    if found == N {
        Ok(words)
    } else {
        Err(Fault::new(CheckpointFault::Words { expected: N, found }, 0))
    }
}

/// Returns the characters that `\s` matches in Java.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

/// The lines of a file and their positions, without line terminators (`\n`, `\r\n` or `\r`). That
/// of the last line may be missing.
pub(super) fn split_lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at: usize = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let start = at;
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            at = bytes.len();
            return Some((start, rest));
        };
        let (line, ending) = rest.split_at_checked(end)?;
        let width = if ending.starts_with(b"\r\n") { 2 } else { 1 };
        at = start.saturating_add(end).saturating_add(width);
        Some((start, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_topic_partition_and_offset() {
        let checkpoint = OffsetCheckpoint::parse(b"0\n2\norders 3 42\nclicks  10\t-1 \n");
        assert_eq!(
            (checkpoint.version, checkpoint.declared),
            (Some(0), Some(2))
        );
        assert_eq!(checkpoint.faults, []);
        let entries: Vec<_> = checkpoint
            .entries
            .iter()
            .map(|entry| {
                (
                    entry.position.0,
                    entry.topic,
                    entry.partition,
                    entry.offset.0,
                )
            })
            .collect();
        assert_eq!(entries, [(4, "orders", 3, 42), (16, "clicks", 10, -1)]);
        let committed = OffsetCheckpoint::parse_without_topic(b"0\n1\n7 42");
        assert_eq!(committed.entries[0].partition, 7);
        assert_eq!(committed.faults, []);
    }

    #[test]
    fn a_file_is_written_as_brokers_do() {
        let bytes = b"0\n2\norders 3 42\nclicks 10 0\n";
        let checkpoint = OffsetCheckpoint::parse(bytes);
        assert_eq!(encode(&checkpoint.entries), bytes);
        assert_eq!(encode(&[]), b"0\n0\n");
    }

    #[test]
    fn an_empty_file_has_no_entries_and_no_faults() {
        for bytes in [&b""[..], b"0", b"0\n", b"0\n0\n", b"0\r\n0\r\n"] {
            let checkpoint = OffsetCheckpoint::parse(bytes);
            assert!(checkpoint.entries.is_empty() && checkpoint.faults.is_empty());
        }
    }

    #[test]
    fn what_cannot_be_read_is_a_fault_and_the_rest_is_read() {
        let table: [(&[u8], CheckpointFault, usize, usize); 8] = [
            (
                b"0\n1\n a 0 1\n",
                CheckpointFault::Words {
                    expected: 3,
                    found: 4,
                },
                4,
                0,
            ),
            (
                b"0\n2\na 0 x\nb 0 1\n",
                CheckpointFault::Number("offset"),
                8,
                1,
            ),
            (
                b"0\n1\na 0\n",
                CheckpointFault::Words {
                    expected: 3,
                    found: 2,
                },
                4,
                0,
            ),
            (b"1\n1\na 0 1\n", CheckpointFault::Version(1), 0, 1),
            (b"x\n1\na 0 1\n", CheckpointFault::Head("version"), 0, 1),
            (
                b"0\nx\na 0 1\n",
                CheckpointFault::Head("number of entries"),
                2,
                1,
            ),
            (
                b"0\n3\na 0 1\n",
                CheckpointFault::Entries {
                    declared: 3,
                    found: 1,
                },
                10,
                1,
            ),
            (
                b"0\n2\nb 0 1\na\xff 0 1\n",
                CheckpointFault::Encoding,
                11,
                1,
            ),
        ];
        for (bytes, kind, at, entries) in table {
            let checkpoint = OffsetCheckpoint::parse(bytes);
            assert_eq!(checkpoint.faults, [Fault::new(kind, at)], "{bytes:?}");
            assert_eq!(checkpoint.entries.len(), entries);
        }
    }
}
