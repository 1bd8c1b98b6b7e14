//! The framings of messages in internal topics.
//!
//! - *Keyed* (consumer offsets, transactions, share groups): the key is an `int16` record type and
//!   a key message, the value an `int16` version and the value message of that type. A null value
//!   deletes.
//! - *Framed* (cluster and remote log metadata): no key; the value is three unsigned varints, frame
//!   version (1), record type and version, and a message.
//! - *Bare* (`MirrorMaker` 2): the name of the topic determines the type of key and value.
//!
//! # References
//! `CoordinatorRecordSerde` and `AbstractApiMessageSerde` of Kafka.

use std::fmt;

use nom::number::complete::be_i16;

use super::schema::{MessageSchema, SchemaFamily};
use super::value::Struct;
use crate::format::Fault;
use crate::format::fault::{Parsed, finish};
use crate::wire::Release;
use crate::wire::varint::unsigned_varint;

/// The first release whose tools refuse unknown versions of keyed values.
const VERSIONS_CHECKED: Release = Release::new(4, 0, 0);

/// The only frame version; 0 was that of the preview in Kafka 2.8.
const FRAME_VERSION: i16 = 1;

/// A message that was read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Decoded<'buf> {
    /// Its schema.
    pub message: &'static MessageSchema,
    /// The version stored; that of keys is always 0.
    pub version: i16,
    /// The content.
    pub body: Struct<'buf>,
    /// Bytes that follow the message. Kafka ignores them after keyed messages and refuses them
    /// after framed ones.
    pub rest: &'buf [u8],
}

impl Decoded<'_> {
    /// Returns the kind of record it belongs to: `OffsetCommit` for `OffsetCommitKey`,
    /// `TopicRecord` unchanged.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        let name = self.message.name();
        match self.message.family() {
            SchemaFamily::ClusterMetadata | SchemaFamily::RemoteLogMetadata => name,
            _ => name.strip_suffix("Key").unwrap_or(name),
        }
    }
}

/// One of the numbers before a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prefix {
    /// The version of the frame.
    FrameVersion,
    /// The record type.
    Type,
    /// The version of the message.
    Version,
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FrameVersion => "frame version",
            Self::Type => "type",
            Self::Version => "version",
        })
    }
}

/// The reason why a key or value could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// Records of this topic have no key, or the key that determines the type of this value could
    /// not be read.
    NoMeaning,
    /// A number before the message cannot be read.
    Prefix(Prefix, Fault),
    /// A number before the message is too large for its field.
    PrefixTooLarge(Prefix),
    /// The frame has an unknown version.
    FrameVersion(i16),
    /// The record type is unknown.
    UnknownType(i16),
    /// The version of the message is unknown.
    UnknownVersion {
        /// The record type.
        id: i16,
        /// The version stored.
        version: i16,
    },
    /// The message cannot be read.
    Message {
        /// The record type.
        id: i16,
        /// The version stored.
        version: i16,
        /// The fault; its position is relative to the start of the key or value.
        fault: Fault,
    },
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMeaning => write!(f, "nothing says what these bytes are"),
            Self::Prefix(prefix, fault) => write!(f, "{prefix}: {fault}"),
            Self::PrefixTooLarge(prefix) => write!(f, "{prefix}: too large"),
            Self::FrameVersion(version) => write!(f, "unknown frame version {version}"),
            Self::UnknownType(id) => write!(f, "unknown record type {id}"),
            Self::UnknownVersion { id, version } => {
                write!(f, "unknown version {version} of record type {id}")
            }
            Self::Message { id, version, fault } => {
                write!(f, "record type {id}, version {version}: {fault}")
            }
        }
    }
}

impl std::error::Error for Unread {}

/// The release as which a message is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reading {
    /// As a release reads it: types and versions that it does not know are unknown.
    As(Release),
    /// Every layout that any release wrote.
    Any,
}

impl Reading {
    fn knows(self, message: &MessageSchema) -> bool {
        match self {
            Self::As(release) => message.known_to(release),
            Self::Any => true,
        }
    }

    /// Returns true if a version is read and not refused. Releases before 4.0 refused none: they
    /// read versions above the highest that they knew like that one.
    fn takes(self, message: &MessageSchema, version: i16) -> bool {
        match self {
            Self::As(release) => {
                release < VERSIONS_CHECKED || message.versions(release).contains(&version)
            }
            Self::Any => message.ever_had(version),
        }
    }

    /// Reads a message whose bytes begin at `input`, a suffix of `whole`.
    fn read<'buf>(
        self,
        message: &'static MessageSchema,
        version: i16,
        whole: &[u8],
        input: &'buf [u8],
    ) -> Result<Decoded<'buf>, Unread> {
        match self {
            Self::As(release) => message.read(version, release, input),
            Self::Any => message.read_any(version, input),
        }
        .map(|(body, rest)| Decoded {
            message,
            version,
            body,
            rest,
        })
        .map_err(|fault| Unread::Message {
            id: message.id(),
            version,
            fault: fault.shifted(whole.len().saturating_sub(input.len())),
        })
    }
}

/// Reads the key of a keyed record.
///
/// # Errors
/// Why it cannot be read.
pub fn keyed_key(
    family: SchemaFamily,
    reading: Reading,
    key: &[u8],
) -> Result<Decoded<'_>, Unread> {
    let (input, id) = prefix(Prefix::Type, key, be_i16(key))?;
    let message = family
        .key(id)
        .filter(|message| reading.knows(message))
        .ok_or(Unread::UnknownType(id))?;
    reading.read(message, 0, key, input)
}

/// The version before the value of a keyed record, and the bytes after it.
///
/// # Errors
/// There are fewer than two bytes.
pub fn keyed_version(value: &[u8]) -> Result<(&[u8], i16), Unread> {
    prefix(Prefix::Version, value, be_i16(value))
}

/// Reads the value of a keyed record of type `id`. An unknown version is refused.
///
/// # Errors
/// Why it cannot be read.
pub fn keyed_value(
    family: SchemaFamily,
    reading: Reading,
    id: i16,
    value: &[u8],
) -> Result<Decoded<'_>, Unread> {
    let (input, version) = keyed_version(value)?;
    let message = family.value(id).ok_or(Unread::UnknownType(id))?;
    if !reading.takes(message, version) {
        return Err(Unread::UnknownVersion { id, version });
    }
    reading.read(message, version, value, input)
}

/// The version of the frame around a value.
///
/// # Errors
/// It cannot be read.
pub fn frame_version(value: &[u8]) -> Result<i16, Unread> {
    short(Prefix::FrameVersion, value, value).map(|(_, version)| version)
}

/// Reads a framed value. A version above all known ones is read like the highest, as Kafka does.
///
/// # Errors
/// Why it cannot be read.
pub fn framed(family: SchemaFamily, reading: Reading, value: &[u8]) -> Result<Decoded<'_>, Unread> {
    let (input, frame) = short(Prefix::FrameVersion, value, value)?;
    if frame != FRAME_VERSION {
        return Err(Unread::FrameVersion(frame));
    }
    let (input, id) = short(Prefix::Type, value, input)?;
    let (input, version) = short(Prefix::Version, value, input)?;
    let message = family
        .value(id)
        .filter(|message| reading.knows(message))
        .ok_or(Unread::UnknownType(id))?;
    reading.read(message, version, value, input)
}

/// Reads a message without framing, except for a version before it if it is `versioned`; nothing
/// may follow it.
///
/// # Errors
/// Why it cannot be read. [`Unread::NoMeaning`]: it is something else; the bytes alone do not show
/// what they are.
pub(super) fn bare<'buf>(
    message: Option<&'static MessageSchema>,
    versioned: bool,
    bytes: &'buf [u8],
) -> Result<Decoded<'buf>, Unread> {
    let message = message.ok_or(Unread::NoMeaning)?;
    let (input, version) = if versioned {
        keyed_version(bytes)?
    } else {
        (bytes, 0)
    };
    if !Reading::Any.takes(message, version) {
        return Err(Unread::NoMeaning);
    }
    let decoded = Reading::Any.read(message, version, bytes, input);
    let decoded = decoded.ok().filter(|decoded| decoded.rest.is_empty());
    decoded.ok_or(Unread::NoMeaning)
}

/// An unsigned varint that must fit 16 bits. Numbers beyond 31 bits are read as negative and
/// truncated, as in Kafka.
fn short<'buf>(
    which: Prefix,
    whole: &[u8],
    input: &'buf [u8],
) -> Result<(&'buf [u8], i16), Unread> {
    let skipped = whole.len().saturating_sub(input.len());
    let (rest, n) = finish(input, unsigned_varint(input))
        .map_err(|fault| Unread::Prefix(which, fault.shifted(skipped)))?;
    let n = n.cast_signed();
    if n > i16::MAX.into() {
        return Err(Unread::PrefixTooLarge(which));
    }
    #[expect(clippy::cast_possible_truncation, reason = "as Kafka does")]
    Ok((rest, n as i16))
}

fn prefix<'buf, T>(
    which: Prefix,
    input: &'buf [u8],
    parsed: Parsed<'buf, T>,
) -> Result<(&'buf [u8], T), Unread> {
    finish(input, parsed).map_err(|fault| Unread::Prefix(which, fault))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hex;
    use crate::wire::NumberFault;

    #[test]
    fn numbers_in_front_of_a_framed_message_are_checked() {
        let why = |bytes: &str| {
            framed(SchemaFamily::ClusterMetadata, Reading::Any, &hex(bytes)).unwrap_err()
        };
        let cut = |prefix, at| Unread::Prefix(prefix, Fault::new(NumberFault::EndOfInput, at));
        assert_eq!(why(""), cut(Prefix::FrameVersion, 0));
        assert_eq!(why("01"), cut(Prefix::Type, 1));
        assert_eq!(why("0102"), cut(Prefix::Version, 2));
        assert_eq!(why("00"), Unread::FrameVersion(0));
        assert_eq!(why("01 63 00"), Unread::UnknownType(99));
        assert_eq!(why("01 808002"), Unread::PrefixTooLarge(Prefix::Type));
        assert_eq!(why("ffffffff0f"), Unread::FrameVersion(-1));
        let message = Unread::Message {
            id: 9,
            version: 0,
            fault: Fault::new(NumberFault::EndOfInput, 3),
        };
        assert_eq!(why("01 09 00 1234"), message);
        assert_eq!(
            cut(Prefix::Type, 1).to_string(),
            "type: a field ends after the end of the data"
        );
    }

    #[test]
    fn a_release_knows_what_it_knew() {
        let key = hex("000a 0001 67 0001 6d");
        let read = |release| keyed_key(SchemaFamily::ConsumerOffsets, Reading::As(release), &key);
        assert_eq!(
            read(Release::new(3, 9, 1)).unwrap_err(),
            Unread::UnknownType(10)
        );
        assert_eq!(read(Release::new(4, 0, 0)).unwrap().message.id(), 10);
        let value = hex("0007 00000001 00");
        let read = |release| {
            keyed_value(
                SchemaFamily::ConsumerOffsets,
                Reading::As(release),
                3,
                &value,
            )
        };
        assert_eq!(read(Release::new(3, 9, 1)).unwrap().version, 7);
        let refused = Unread::UnknownVersion { id: 3, version: 7 };
        assert_eq!(read(Release::new(4, 0, 0)).unwrap_err(), refused);
    }

    #[test]
    fn bytes_behind_a_message_are_kept() {
        let value = hex("0000 00000001 00 abcd");
        let decoded = keyed_value(SchemaFamily::ConsumerOffsets, Reading::Any, 3, &value).unwrap();
        assert_eq!(decoded.rest, [0xab, 0xcd]);
        assert_eq!(keyed_version(&value).unwrap().1, 0);
        assert!(keyed_version(&[0]).is_err());
    }
}
