//! `__consumer_offsets`: committed offsets and the state of groups.
//!
//! # References
//! `GroupCoordinatorRecordSerde`, `OffsetsMessageParser`, `ConsumerProtocol`; KIP-848, KIP-932,
//! KIP-1071.

use std::borrow::Cow;

use nom::number::complete::be_i16;

use super::entry::{Entry, EntryPart};
use super::framing::Decoded;
use super::schema::{NEWEST, SchemaFamily};
use super::value::{Struct, Value};
use crate::format::fault::finish;
use crate::wire::{LeaderEpoch, Offset, Timestamp, Uuid};

/// Record types of committed offsets: as written by 0.8.2, and later.
const OFFSET_COMMIT: std::ops::RangeInclusive<i16> = 0..=1;

/// The record type of a classic group.
pub const GROUP_METADATA: i16 = 2;

/// The protocol type of groups whose members are consumers.
const CONSUMER: &[u8] = b"consumer";

/// The message of the consumer protocol in each opaque field of a member.
const OPAQUE: [(&str, i16); 2] = [("subscription", 0), ("assignment", ASSIGNMENT)];

/// The id of an assignment in [`SchemaFamily::ConsumerProtocol`].
const ASSIGNMENT: i16 = 1;

/// An offset that a group committed for a partition, or whose commit was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OffsetCommit<'buf> {
    /// The group.
    pub group: Cow<'buf, str>,
    /// The topic.
    pub topic: Cow<'buf, str>,
    /// The partition.
    pub partition: i32,
    /// The commit; `None` if it was deleted.
    pub commit: Option<Commit<'buf>>,
}

/// A committed offset of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit<'buf> {
    /// The next offset to read.
    pub offset: Offset,
    /// The leader epoch of the last record read; −1 means unknown.
    pub leader_epoch: LeaderEpoch,
    /// The client's note.
    pub metadata: Cow<'buf, str>,
    /// The time of the commit.
    pub commit_timestamp: Timestamp,
    /// The expiry time that the client requested (version 1 only), or −1.
    pub expire_timestamp: Timestamp,
    /// The id of the topic, if it was stored.
    pub topic_id: Option<Uuid>,
}

impl<'buf> OffsetCommit<'buf> {
    /// The commit in a record; `None` if the record is something else or cannot be read.
    #[must_use]
    pub fn of(entry: &Entry<'buf>) -> Option<Self> {
        let key = entry.key.decoded()?;
        if key.message.family() != SchemaFamily::ConsumerOffsets
            || !OFFSET_COMMIT.contains(&key.message.id())
        {
            return None;
        }
        let commit = match &entry.value {
            EntryPart::Null => None,
            EntryPart::Decoded(value) => Some(Commit::of(&value.body)?),
            EntryPart::Unread { .. } => return None,
        };
        Some(Self {
            group: key.body.text("group")?,
            topic: key.body.text("topic")?,
            partition: key.body.number("partition")?,
            commit,
        })
    }
}

impl<'buf> Commit<'buf> {
    fn of(body: &Struct<'buf>) -> Option<Self> {
        let zero = [0; 16];
        Some(Self {
            offset: Offset(body.int("offset")?),
            leader_epoch: LeaderEpoch(body.number("leaderEpoch").unwrap_or(-1)),
            metadata: body.text("metadata")?,
            commit_timestamp: Timestamp(body.int("commitTimestamp")?),
            expire_timestamp: Timestamp(body.int("expireTimestamp").unwrap_or(-1)),
            topic_id: body.uuid("topicId").copied().filter(|id| *id != zero),
        })
    }
}

/// Decodes the opaque subscription and assignment of a classic group's members, as Kafka's tools
/// do. Bytes that cannot be decoded, and those of members of other kinds, stay bytes.
pub fn open_members(decoded: &mut Decoded<'_>) {
    let message = decoded.message;
    let is_group =
        message.family() == SchemaFamily::ConsumerOffsets && message.id() == GROUP_METADATA;
    if !is_group || decoded.body.get("protocolType") != Some(&Value::String(CONSUMER)) {
        return;
    }
    let Some(Value::Array(members)) = decoded.body.get_mut("members") else {
        return;
    };
    for member in members {
        let Value::Struct(member) = member else {
            continue;
        };
        for (name, id) in OPAQUE {
            if let Some(value) = member.get_mut(name)
                && let Value::Bytes(bytes) = *value
                && let Some(body) = protocol_message(id, bytes)
            {
                *value = Value::Struct(body);
            }
        }
    }
}

/// Reads the assignment of a member of a classic consumer group.
#[must_use]
pub fn assignment(bytes: &[u8]) -> Option<Struct<'_>> {
    protocol_message(ASSIGNMENT, bytes)
}

/// Reads a version and a message of the consumer protocol. Bytes after it are ignored.
fn protocol_message(id: i16, bytes: &[u8]) -> Option<Struct<'_>> {
    let (input, version) = finish(bytes, be_i16(bytes)).ok()?;
    let message = SchemaFamily::ConsumerProtocol.value(id)?;
    let (body, _) = message.read(version, NEWEST, input).ok()?;
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, hex};

    #[test]
    fn a_commit_says_who_where_and_how_far() {
        let key = hex("0001 0002 6731 0006 6f7264657273 00000007");
        let value = hex("0001 000000000000002a 0001 6d 000000000000000a 0000000000000014");
        let entry = Decoder::Offsets.decode(Some(&key), Some(&value));
        let commit = OffsetCommit::of(&entry).unwrap();
        assert_eq!(
            (&*commit.group, &*commit.topic, commit.partition),
            ("g1", "orders", 7)
        );
        let commit = commit.commit.unwrap();
        assert_eq!(commit.offset, Offset(42));
        assert_eq!(commit.leader_epoch, LeaderEpoch(-1));
        assert_eq!(commit.metadata, "m");
        assert_eq!(
            (commit.commit_timestamp.0, commit.expire_timestamp.0),
            (10, 20)
        );
        assert_eq!(commit.topic_id, None);
        let deleted = OffsetCommit::of(&Decoder::Offsets.decode(Some(&key), None));
        assert_eq!(deleted.unwrap().commit, None);
        let unread = Decoder::Offsets.decode(Some(&key), Some(&[0]));
        assert_eq!(OffsetCommit::of(&unread), None);
        let group = hex("0002 0002 6731");
        assert_eq!(
            OffsetCommit::of(&Decoder::Offsets.decode(Some(&group), None)),
            None
        );
    }

    #[test]
    fn members_that_cannot_be_opened_stay_bytes() {
        let key = hex("0002 0001 67");
        let shown = |protocol: &str, subscription: &str, assignment: &str| {
            let bytes = |hex: &str| format!("0000{:04x}{hex}", hex.len() / 2);
            let value = hex(&format!(
                "0000 {protocol} 00000001 ffff ffff 00000001 0001 6d 0000 0000 00000001 {} {}",
                bytes(subscription),
                bytes(assignment)
            ));
            let entry = Decoder::Offsets.decode(Some(&key), Some(&value));
            let body = &entry.value.decoded().unwrap().body;
            let member = body.structures("members").next().unwrap();
            (
                member.structure("subscription").is_some(),
                member.structure("assignment").is_some(),
            )
        };
        let consumer = "0008 636f6e73756d6572";
        let empty = "000000000000ffffffff";
        assert_eq!(shown(consumer, empty, empty), (true, true));
        assert_eq!(shown(consumer, "", empty), (false, true));
        assert_eq!(shown(consumer, "0000ff", "00"), (false, false));
        assert_eq!(shown("0007 636f6e6e656374", empty, empty), (false, false));
        assert!(assignment(&[0, 0]).is_none());
    }
}
