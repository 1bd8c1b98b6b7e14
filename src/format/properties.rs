//! `meta.properties` and `partition.metadata`: names and values by line.
//!
//! `meta.properties` is a file of Java properties, in ISO 8859-1:
//!
//! | key | version 0, or none | version 1 |
//! |---|---|---|
//! | `version` | 0 | 1 |
//! | `broker.id` | the broker | – |
//! | `node.id` | – | the node |
//! | `cluster.id` | since 2.4 | the cluster |
//! | `directory.id` | since 3.7 | since 3.7 |
//!
//! `partition.metadata` has two lines, `version: 0` and `topic_id: ` with a UUID in base64.
//!
//! Source: `java.util.Properties.load`, `MetaProperties`, `PartitionMetadataFile`; KIP-516,
//! KIP-631, KIP-858.

use super::checkpoint::split_lines;
use super::fault::{Fault, PropertiesFault};
use super::name::parse_int;
use crate::wire::{Position, Uuid};

/// The newest version of `meta.properties`.
const NEWEST_META: i32 = 1;

/// The only version of `partition.metadata`.
const PARTITION_VERSION: i32 = 0;

/// A file of Java properties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Properties {
    /// The properties in the order of the file.
    pub entries: Vec<Property>,
    /// The faults.
    pub faults: Vec<Fault>,
}

/// A property.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Property {
    /// The position of its line.
    pub position: Position,
    /// Its name.
    pub key: String,
    /// Its value; empty if there is none.
    pub value: String,
}

impl Properties {
    /// Reads the properties as Java does.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut properties = Self::default();
        let mut lines = split_lines(bytes);
        while let Some((at, line)) = lines.next() {
            let mut logical = trim_start(line).to_vec();
            if matches!(logical.first(), None | Some(b'#' | b'!')) {
                continue;
            }
            while goes_on(&logical) {
                logical.pop();
                let Some((_, next)) = lines.next() else { break };
                logical.extend_from_slice(trim_start(next));
            }
            let (key, value) = split_key(&logical);
            let mut unescaped = |raw: &[u8]| {
                let (text, is_whole) = unescape(raw);
                if !is_whole {
                    properties
                        .faults
                        .push(Fault::new(PropertiesFault::Escape, at));
                }
                text
            };
            let (key, value) = (unescaped(key), unescaped(value));
            properties.entries.push(Property {
                position: Position(at as u64),
                key,
                value,
            });
        }
        properties
    }

    /// The property of this name; the last one counts.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Property> {
        self.entries.iter().rev().find(|entry| entry.key == key)
    }
}

/// The `meta.properties` of a log dir.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaProperties {
    /// The version of the file.
    pub version: Option<i32>,
    /// The node: `broker.id` in version 0, `node.id` in version 1.
    pub node_id: Option<i32>,
    /// The cluster.
    pub cluster_id: Option<String>,
    /// The log dir.
    pub directory_id: Option<Uuid>,
    /// The faults.
    pub faults: Vec<Fault>,
}

impl MetaProperties {
    /// Returns what the properties of `meta.properties` say.
    #[must_use]
    pub fn of(properties: &Properties) -> Self {
        let mut faults = properties.faults.clone();
        let version = match properties.get("version") {
            None => Some(0),
            Some(_) => number(properties, "version", &mut faults),
        };
        let is_newer = version.is_some_and(|version| version > 0);
        let id = if is_newer { "node.id" } else { "broker.id" };
        let meta = Self {
            version,
            node_id: number(properties, id, &mut faults),
            cluster_id: properties
                .get("cluster.id")
                .map(|entry| entry.value.clone()),
            directory_id: properties.get("directory.id").and_then(|entry| {
                let id = parse_uuid(&entry.value);
                if id.is_none() {
                    faults.push(Fault::new(
                        PropertiesFault::Uuid("directory.id"),
                        place(entry),
                    ));
                }
                id
            }),
            faults: Vec::new(),
        };
        if let (Some(version), Some(entry)) = (meta.version, properties.get("version"))
            && !(0..=NEWEST_META).contains(&version)
        {
            faults.push(Fault::new(
                PropertiesFault::Version(version.into()),
                place(entry),
            ));
        }
        if is_newer {
            for name in ["node.id", "cluster.id"] {
                if properties.get(name).is_none() {
                    faults.push(Fault::new(PropertiesFault::Missing(name), 0));
                }
            }
        } else if ["version", "broker.id", "cluster.id"]
            .iter()
            .all(|name| properties.get(name).is_none())
        {
            faults.push(Fault::new(PropertiesFault::Missing("version"), 0));
        }
        faults.sort_by_key(Fault::at);
        Self { faults, ..meta }
    }
}

/// The `partition.metadata` of a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionMetadata {
    /// The version of the file.
    pub version: Option<i32>,
    /// The id of the topic.
    pub topic_id: Option<Uuid>,
    /// The faults.
    pub faults: Vec<Fault>,
}

impl PartitionMetadata {
    /// Reads `partition.metadata`.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut metadata = Self::default();
        let mut lines = split_lines(bytes);
        let mut value = |name: &'static str| {
            let (at, line) = lines
                .next()
                .ok_or(Fault::new(PropertiesFault::Missing(name), bytes.len()))?;
            let wrong = |found| Fault::new(PropertiesFault::Words { expected: 2, found }, at);
            let line = std::str::from_utf8(line).map_err(|error| {
                Fault::new(
                    PropertiesFault::Encoding,
                    at.saturating_add(error.valid_up_to()),
                )
            })?;
            let (_, value) = line.split_once(':').ok_or(wrong(1))?;
            if !value.starts_with([' ', '\t']) {
                return Err(wrong(1));
            }
            let place = at.saturating_add(line.len().saturating_sub(value.trim_start().len()));
            Ok::<_, Fault>((place, value.trim()))
        };
        match value("version") {
            Ok((at, version)) => match parse_int(version) {
                Some(version) => {
                    metadata.version = Some(version);
                    if version != PARTITION_VERSION {
                        metadata
                            .faults
                            .push(Fault::new(PropertiesFault::Version(version.into()), at));
                    }
                }
                None => metadata
                    .faults
                    .push(Fault::new(PropertiesFault::Number("version"), at)),
            },
            Err(fault) => metadata.faults.push(fault),
        }
        match value("topic_id") {
            Ok((at, id)) => {
                metadata.topic_id = parse_uuid(id);
                if metadata.topic_id.is_none_or(|id| id == [0; 16]) {
                    metadata
                        .faults
                        .push(Fault::new(PropertiesFault::Uuid("topic_id"), at));
                }
            }
            Err(fault) => metadata.faults.push(fault),
        }
        metadata
    }
}

/// Reads a UUID as Kafka writes it: 16 bytes in base64 for URLs, without padding.
#[must_use]
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let text = text.trim_end_matches('=');
    if text.len() != 22 {
        return None;
    }
    let mut bits = 0_u128;
    let mut rest = 0_u8;
    for (index, byte) in text.bytes().enumerate() {
        let digit = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        if index < 21 {
            bits = bits << 6 | u128::from(digit);
        } else {
            rest = digit;
        }
    }
    // The last of 22 digits has two bits; Java ignores the others.
    Some((bits << 2 | u128::from(rest >> 4)).to_be_bytes())
}

/// A UUID as Kafka writes it.
#[must_use]
pub fn write_uuid(id: &Uuid) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = u128::from_be_bytes(*id);
    // 21 digits of six bits from the top, and one of the last two.
    let places = (0..21_u32).map(|place| bits >> 122_u32.saturating_sub(place.saturating_mul(6)));
    let digit = |bits: u128| {
        let index = usize::try_from(bits & 63).unwrap_or_default();
        DIGITS.get(index).copied().map_or('A', char::from)
    };
    places.chain([bits << 4]).map(digit).collect()
}

/// The bytes of a `partition.metadata` with this topic id.
#[must_use]
pub fn partition_metadata(topic_id: &Uuid) -> Vec<u8> {
    let id = write_uuid(topic_id);
    format!("version: {PARTITION_VERSION}\ntopic_id: {id}").into_bytes()
}

/// The bytes of a `meta.properties` of version 1; without a directory.id, a broker creates a new
/// one.
#[must_use]
pub fn meta_properties(node_id: i32, cluster_id: &str, directory_id: Option<&Uuid>) -> Vec<u8> {
    let directory = directory_id.map(|id| format!("directory.id={}\n", write_uuid(id)));
    let directory = directory.unwrap_or_default();
    let cluster_id = escape(cluster_id);
    format!("node.id={node_id}\n{directory}version={NEWEST_META}\ncluster.id={cluster_id}\n")
        .into_bytes()
}

/// A value as Java writes it.
fn escape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for unit in value.encode_utf16() {
        match char::from_u32(unit.into()) {
            Some(c @ ('=' | ':' | '#' | '!' | '\\' | ' ')) => text.extend(['\\', c]),
            Some(c @ '!'..='~') => text.push(c),
            _ => text.extend(format!("\\u{unit:04X}").chars()),
        }
    }
    text
}

/// An integer; a fault if there is something else.
fn number(properties: &Properties, key: &'static str, faults: &mut Vec<Fault>) -> Option<i32> {
    let entry = properties.get(key)?;
    let number = parse_int(entry.value.trim());
    if number.is_none() {
        faults.push(Fault::new(PropertiesFault::Number(key), place(entry)));
    }
    number
}

fn place(entry: &Property) -> usize {
    usize::try_from(entry.position.0).unwrap_or(usize::MAX)
}

fn trim_start(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|byte| is_blank(**byte)).count();
    line.get(blanks..).unwrap_or_default()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0c)
}

/// Returns true if the line ends with a backslash that is not escaped itself.
fn goes_on(line: &[u8]) -> bool {
    let slashes = line.iter().rev().take_while(|&&byte| byte == b'\\').count();
    slashes & 1 == 1
}

/// Splits at the first blank, `=` or `:` that is not escaped, and removes the separator.
fn split_key(line: &[u8]) -> (&[u8], &[u8]) {
    let mut is_escaped = false;
    let end = line.iter().position(|&byte| {
        let ends = !is_escaped && (is_blank(byte) || matches!(byte, b'=' | b':'));
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    let (key, after) = line
        .split_at_checked(end.unwrap_or(line.len()))
        .unwrap_or((line, &[]));
    let after = trim_start(after);
    let value = match after.split_first() {
        Some((b'=' | b':', rest)) => trim_start(rest),
        _ => after,
    };
    (key, value)
}

/// The text with its escapes resolved, and true if every escape is complete.
fn unescape(raw: &[u8]) -> (String, bool) {
    let mut units: Vec<u16> = Vec::with_capacity(raw.len());
    let (mut rest, mut is_whole) = (raw, true);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            units.push(byte.into());
            continue;
        }
        let Some((&escaped, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        units.push(match escaped {
            b't' => 0x09,
            b'n' => 0x0a,
            b'f' => 0x0c,
            b'r' => 0x0d,
            b'u' => {
                let Some(unit) = rest.get(..4).and_then(hex) else {
                    is_whole = false;
                    continue;
                };
                rest = rest.get(4..).unwrap_or_default();
                unit
            }
            other => other.into(),
        });
    }
    (String::from_utf16_lossy(&units), is_whole)
}

/// Parses hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(digits).ok()?;
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let id = parse_uuid("xT2byik3RNuqqGURqhy1Vg").unwrap();
        assert_eq!(write_uuid(&id), "xT2byik3RNuqqGURqhy1Vg");
        assert_eq!(write_uuid(&[0xff; 16]), "_____________________w");
        let partition = PartitionMetadata::parse(&partition_metadata(&id));
        assert_eq!((partition.topic_id, partition.faults), (Some(id), vec![]));
        for cluster in ["MkU3OEVBNTcwNTJENDM2Qg", "a =:#!\\\u{e9}\u{1F980}"] {
            let meta = meta_properties(7, cluster, Some(&id));
            let meta = MetaProperties::of(&Properties::parse(&meta));
            let expected = MetaProperties {
                version: Some(1),
                node_id: Some(7),
                cluster_id: Some(cluster.to_owned()),
                directory_id: Some(id),
                faults: vec![],
            };
            assert_eq!(meta, expected);
        }
    }

    #[test]
    fn properties_are_read_as_java_reads_them() {
        let properties = Properties::parse(
            b"#\n#Sat Nov 21 08:23:41 UTC 2026\n! note\n\n a\\:b = c \\\n   d\nkey:value\nbare\nu=\\u00e9\xe9\r\ne=\\u12\n",
        );
        let entries: Vec<_> = properties
            .entries
            .iter()
            .map(|entry| (entry.position.0, &*entry.key, &*entry.value))
            .collect();
        assert_eq!(
            entries,
            [
                (40, "a:b", "c d"),
                (57, "key", "value"),
                (67, "bare", ""),
                (72, "u", "\u{e9}\u{e9}"),
                (83, "e", "12"),
            ]
        );
        assert_eq!(properties.faults, [Fault::new(PropertiesFault::Escape, 83)]);
    }

    #[test]
    fn both_versions_of_a_log_dir_s_properties_are_read() {
        let meta = |bytes: &[u8]| MetaProperties::of(&Properties::parse(bytes));
        let old = meta(b"broker.id=7\nversion=0\n");
        assert_eq!((old.version, old.node_id), (Some(0), Some(7)));
        assert_eq!(old.faults, []);
        let new =
            meta(b"version=1\nnode.id=1\ncluster.id=c\ndirectory.id=uJS30CkrRYa7XzuNkO_3qA\n");
        assert_eq!((new.version, new.node_id), (Some(1), Some(1)));
        assert_eq!(new.directory_id.unwrap()[..2], [0xb8, 0x94]);
        assert_eq!(new.faults, []);
        let table: [(&[u8], PropertiesFault, usize); 5] = [
            (b"version=x\n", PropertiesFault::Number("version"), 0),
            (
                b"node.id=1\nversion=2\ncluster.id=c",
                PropertiesFault::Version(2),
                10,
            ),
            (
                b"version=1\ncluster.id=c",
                PropertiesFault::Missing("node.id"),
                0,
            ),
            (
                b"broker.id=1\ndirectory.id=?",
                PropertiesFault::Uuid("directory.id"),
                12,
            ),
            (b"", PropertiesFault::Missing("version"), 0),
        ];
        for (bytes, kind, at) in table {
            assert_eq!(meta(bytes).faults, [Fault::new(kind, at)], "{bytes:?}");
        }
    }

    type Case = (&'static [u8], &'static [(PropertiesFault, usize)]);

    #[test]
    fn a_partition_says_the_id_of_its_topic() {
        let metadata =
            PartitionMetadata::parse(b"version: 0\r\ntopic_id: uJS30CkrRYa7XzuNkO_3qA\n");
        assert_eq!(metadata.faults, []);
        assert_eq!(metadata.version, Some(0));
        assert_eq!(metadata.topic_id.unwrap()[15], 0xa8);
        let table: [Case; 4] = [
            (
                b"version: 0\n",
                &[(PropertiesFault::Missing("topic_id"), 11)],
            ),
            (
                b"version: 1\ntopic_id: x",
                &[
                    (PropertiesFault::Version(1), 9),
                    (PropertiesFault::Uuid("topic_id"), 21),
                ],
            ),
            (
                b"\x00\x00",
                &[
                    (
                        PropertiesFault::Words {
                            expected: 2,
                            found: 1,
                        },
                        0,
                    ),
                    (PropertiesFault::Missing("topic_id"), 2),
                ],
            ),
            (
                b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
                &[(PropertiesFault::Uuid("topic_id"), 21)],
            ),
        ];
        for (bytes, faults) in table {
            let faults: Vec<_> = faults
                .iter()
                .map(|&(kind, at)| Fault::new(kind, at))
                .collect();
            assert_eq!(PartitionMetadata::parse(bytes).faults, faults, "{bytes:?}");
        }
    }
}
