//! The identity of a partition's directory: `partition.metadata`.

use std::path::Path;

use super::reason::Reason;
use super::release::Kafka;
use super::start::Start;
use super::thrown::Thrown;
use super::virtual_dir::Content;
use crate::format::name::parse_int;
use crate::store::{Error, Item, ItemType, read_known};

/// The file.
pub(super) const FILE: &str = "partition.metadata";

/// The longest text of 16 bytes that Kafka accepts (`Uuid.fromString`).
const LONGEST_ID: usize = 24;

/// The maximum size of the file.
const LARGEST_BYTES: u64 = 1 << 20;

/// The topic id in a partition's directory; `None` if it cannot be read.
pub(super) fn read_topic_id(dir: &Path, kafka: Kafka) -> Result<Option<[u8; 16]>, Error> {
    match Item::at(dir.join(FILE)) {
        Ok(item) if item.is_file() && item.len_bytes() <= LARGEST_BYTES => {
            Ok(parse(&read_known(item.path())?, kafka).ok())
        }
        _ => Ok(None),
    }
}

/// The fault of the file: a line, or an exception that Kafka does not handle.
enum Wrong {
    Line(&'static str),
    Unexpected(&'static str),
}

/// The id of the topic, read as the last step of loading (`PartitionMetadataFile.read`); `None` if
/// the file is missing.
pub(super) fn topic_id(start: &Start<'_>) -> Result<Option<[u8; 16]>, Thrown> {
    let kafka = start.conditions.kafka;
    let thrown = |wrong| {
        let (what, io) = match wrong {
            Wrong::Line(what) => (what, true),
            Wrong::Unexpected(what) => (what, false),
        };
        let reason = Reason::Identity {
            file: FILE.to_owned(),
            what: what.to_owned(),
        };
        if io && kafka.spares_the_broker() {
            Thrown::Io(reason)
        } else {
            Thrown::Fatal(reason)
        }
    };
    match start.virtual_dir.get(FILE) {
        None => Ok(None),
        Some(leaf) if leaf.kind == ItemType::BrokenLink => Ok(None),
        Some(leaf) if leaf.kind != ItemType::File => Err(thrown(Wrong::Line("is not a file"))),
        Some(leaf) => {
            let Content::Disk { path, len, .. } = &leaf.content else {
                return Ok(None);
            };
            if *len > LARGEST_BYTES {
                return Err(thrown(Wrong::Line("is too large")));
            }
            let bytes = read_known(path)?;
            parse(&bytes, kafka).map(Some).map_err(thrown)
        }
    }
}

fn parse(bytes: &[u8], kafka: Kafka) -> Result<[u8; 16], Wrong> {
    let text = std::str::from_utf8(bytes).map_err(|_| Wrong::Line("not UTF-8"))?;
    let mut lines = text.lines();
    let mut value = || {
        let line = lines.next().ok_or(Wrong::Unexpected("a line is missing"))?;
        value_of(line).ok_or(Wrong::Line("a line is malformed"))
    };
    let version = parse_int(value()?).ok_or(Wrong::Line("the version is not a number"))?;
    // Since 3.1 a newer version is read as if it were known.
    let known = version == 0 || version > 0 && kafka.tells_numbers_apart();
    if !known {
        return Err(Wrong::Line("the version is unknown"));
    }
    let id = value()?;
    if id.len() > LONGEST_ID {
        return Err(Wrong::Unexpected("the topic id is too long"));
    }
    match crate::format::properties::parse_uuid(id) {
        None => Err(Wrong::Unexpected("the topic id is not 16 bytes in base64")),
        Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) => {
            Err(Wrong::Line("the topic id is zero"))
        }
        Some(id) => Ok(id),
    }
}

/// The text after the colon, if there is one colon followed by blanks (`:\s+`).
fn value_of(line: &str) -> Option<&str> {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\x0b' | '\x0c' | '\r');
    let (_, rest) = line
        .split_once(':')
        .filter(|(_, rest)| rest.starts_with(is_blank))?;
    let value = rest.trim_start_matches(is_blank);
    (!value.is_empty() && !value.contains(": ")).then_some(value)
}
