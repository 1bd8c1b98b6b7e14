//! What the records of Kafka's internal topics mean.
//!
//! ```text
//! key, value ─▶ framing ─▶ schema, by schemas.txt ─▶ Struct ─▶ json, or typed views
//! ```
//!
//! [`Decoder::decode`] reads records of every release; [`framing`] reads them as one release would.
//! The result is a [`Struct`] of named values, which is written as the JSON that Kafka shows; the
//! modules named after topics give typed views of the records that other modules need.
//!
//! **Invariant:** any bytes give a result or an [`Unread`]: nothing here panics, and memory is
//! bounded by the size of the record. Bytes that cannot be decoded stay visible as bytes. Absent on
//! purpose: files, batches, the texts of Kafka's tools.
#![deny(clippy::arithmetic_side_effects, clippy::expect_used)]

pub mod avro;
pub mod cluster_metadata;
pub mod consumer_offsets;
pub mod control;
mod entry;
pub mod float;
pub mod framing;
pub mod json;
mod notation;
pub mod protobuf;
pub mod registry;
pub mod remote_metadata;
pub mod schema;
pub mod schema_ids;
pub mod share_state;
pub mod transaction_state;
pub mod value;

use crate::format::topic;

pub use entry::{Entry, EntryPart};
pub use framing::{Decoded, Reading, Unread};
pub use schema::{MessageSchema, SchemaFamily};
pub use value::{Struct, Value};

/// A decoder of the records of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoder {
    /// `__consumer_offsets`: committed offsets and groups.
    Offsets,
    /// `__transaction_state`: the transaction coordinator.
    Transactions,
    /// `__cluster_metadata`: the log of the `KRaft` controller, and its snapshots.
    ClusterMetadata,
    /// `__remote_log_metadata`: segments in tiered storage.
    RemoteLogMetadata,
    /// `__share_group_state`: the share coordinator.
    ShareState,
    /// A topic of `MirrorMaker` 2.
    Mirror(MirrorTopic),
}

/// The internal topics of `MirrorMaker` 2 (KIP-382).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MirrorTopic {
    /// `mm2-offset-syncs.TARGET.internal`: offsets of replicated partitions and the corresponding
    /// offsets of the source.
    OffsetSyncs,
    /// `SOURCE.checkpoints.internal`: committed offsets of groups, translated.
    Checkpoints,
    /// `heartbeats`, and `SOURCE.heartbeats` if they are replicated.
    Heartbeats,
}

impl MirrorTopic {
    /// The topic with this name, with the default separator of `MirrorMaker`.
    fn named(name: &str) -> Option<Self> {
        let internal = name.strip_suffix(".internal");
        match internal {
            Some(name) if name.starts_with("mm2-offset-syncs.") => Some(Self::OffsetSyncs),
            Some(name) if name.ends_with(".checkpoints") => Some(Self::Checkpoints),
            None if name == "heartbeats" || name.ends_with(".heartbeats") => Some(Self::Heartbeats),
            _ => None,
        }
    }

    /// The record type in [`SchemaFamily::MirrorMaker`].
    const fn id(self) -> i16 {
        match self {
            Self::OffsetSyncs => 0,
            Self::Checkpoints => 1,
            Self::Heartbeats => 2,
        }
    }

    /// Decodes a record. Bytes that don't fit are shown as bytes: any application may give its
    /// topic such a name.
    fn decode<'buf>(self, key: Option<&'buf [u8]>, value: Option<&'buf [u8]>) -> Entry<'buf> {
        let (family, id) = (SchemaFamily::MirrorMaker, self.id());
        let is_versioned = self != Self::OffsetSyncs;
        Entry {
            key: EntryPart::new(key, |bytes| framing::bare(family.key(id), false, bytes)),
            value: EntryPart::new(value, |bytes| {
                framing::bare(family.value(id), is_versioned, bytes)
            }),
        }
    }
}

impl Decoder {
    /// The decoder for a topic; ordinary topics have none.
    #[must_use]
    pub fn for_topic(name: &str) -> Option<Self> {
        match name {
            topic::CONSUMER_OFFSETS => Some(Self::Offsets),
            topic::TRANSACTION_STATE => Some(Self::Transactions),
            topic::CLUSTER_METADATA => Some(Self::ClusterMetadata),
            topic::REMOTE_LOG_METADATA => Some(Self::RemoteLogMetadata),
            topic::SHARE_GROUP_STATE => Some(Self::ShareState),
            _ => MirrorTopic::named(name).map(Self::Mirror),
        }
    }

    /// The messages of the topic.
    #[must_use]
    pub fn family(self) -> SchemaFamily {
        match self {
            Self::Offsets => SchemaFamily::ConsumerOffsets,
            Self::Transactions => SchemaFamily::TransactionState,
            Self::ClusterMetadata => SchemaFamily::ClusterMetadata,
            Self::RemoteLogMetadata => SchemaFamily::RemoteLogMetadata,
            Self::ShareState => SchemaFamily::ShareGroupState,
            Self::Mirror(_) => SchemaFamily::MirrorMaker,
        }
    }

    /// Returns true if the topic's records have keys; otherwise the value contains its type.
    #[must_use]
    pub fn is_keyed(self) -> bool {
        matches!(
            self,
            Self::Offsets | Self::Transactions | Self::ShareState | Self::Mirror(_)
        )
    }

    /// Decodes a record of any release.
    #[must_use]
    pub fn decode<'buf>(self, key: Option<&'buf [u8]>, value: Option<&'buf [u8]>) -> Entry<'buf> {
        let family = self.family();
        if let Self::Mirror(topic) = self {
            return topic.decode(key, value);
        }
        if !self.is_keyed() {
            return Entry {
                key: EntryPart::new(key, |_| Err(Unread::NoMeaning)),
                value: EntryPart::new(value, |bytes| framing::framed(family, Reading::Any, bytes)),
            };
        }
        let key = EntryPart::new(key, |bytes| framing::keyed_key(family, Reading::Any, bytes));
        let value = EntryPart::new(value, |bytes| {
            let id = key.id().ok_or(Unread::NoMeaning)?;
            let mut decoded = framing::keyed_value(family, Reading::Any, id, bytes)?;
            consumer_offsets::open_members(&mut decoded);
            Ok(decoded)
        });
        Entry { key, value }
    }
}

/// Parses hexadecimal digits; blanks are skipped.
#[cfg(test)]
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .bytes()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(part: &EntryPart<'_>) -> String {
        let mut out = Vec::new();
        part.decoded().unwrap().body.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn records_of_each_keyed_topic_decode() {
        let g1 = "00030008636f6e73756d657200000004000572616e6765000263310000018bcfe568000000000100026331\
                  ffff000361707000092f31302e302e302e31000493e00000afc80000002a00010000000100066f7264657273\
                  ffffffff0000000100066f72646572730000000200000000000000010000001e00010000000100066f726465\
                  7273000000020000000000000001ffffffff";
        let table = [
            (
                Decoder::Offsets,
                "00010002673100066f726465727300000007",
                "0003000000000000002a0000000500000000018bcfe56800",
                r#"{"group":"g1","topic":"orders","partition":7}"#,
                r#"{"offset":42,"leaderEpoch":5,"metadata":"","commitTimestamp":1700000000000}"#,
            ),
            (
                Decoder::Offsets,
                "00000002673100066f726465727300000007",
                "0004000000000000002affffffff010000018bcfe56800010010000102030405060708090a0b0c0d0e0f",
                r#"{"group":"g1","topic":"orders","partition":7}"#,
                r#"{"offset":42,"leaderEpoch":-1,"metadata":"","commitTimestamp":1700000000000,"topicId":"AAECAwQFBgcICQoLDA0ODw"}"#,
            ),
            (
                Decoder::Offsets,
                "000200026731",
                g1,
                r#"{"group":"g1"}"#,
                r#"{"protocolType":"consumer","generation":4,"protocol":"range","leader":"c1","currentStateTimestamp":1700000000000,"members":[{"memberId":"c1","groupInstanceId":null,"clientId":"app","clientHost":"/10.0.0.1","rebalanceTimeout":300000,"sessionTimeout":45000,"subscription":{"topics":["orders"],"userData":null,"ownedPartitions":[{"topic":"orders","partitions":[0,1]}]},"assignment":{"assignedPartitions":[{"topic":"orders","partitions":[0,1]}],"userData":null}}]}"#,
            ),
            (
                Decoder::Offsets,
                "00050002673200026d31",
                "00000000046170700a2f31302e302e302e3102076f726465727301000493e00001000100",
                r#"{"groupId":"g2","memberId":"m1"}"#,
                r#"{"instanceId":null,"rackId":null,"clientId":"app","clientHost":"/10.0.0.1","subscribedTopicNames":["orders"],"subscribedTopicRegex":"","rebalanceTimeoutMs":300000,"serverAssignor":null,"classicMemberMetadata":null}"#,
            ),
            (
                Decoder::Transactions,
                "000000027478",
                "000100000000000003e800030000ea6004010000018bcfe568640000018bcfe5680002000800000000000003e802020002",
                r#"{"transactionalId":"tx"}"#,
                r#"{"producerId":1000,"previousProducerId":1000,"producerEpoch":3,"transactionTimeoutMs":60000,"transactionStatus":4,"transactionPartitions":[],"transactionLastUpdateTimestampMs":1700000000100,"transactionStartTimestampMs":1700000000000,"clientTransactionVersion":2}"#,
            ),
            (
                Decoder::ShareState,
                "000000027367523e709ff16a4d78ab1004af559458d700000000",
                "0000000000010000000000000004000000000000000a0000018bcfe568000000018bcfe5686402000000000000000a000000000000000e0200010000",
                r#"{"groupId":"sg","topicId":"Uj5wn_FqTXirEASvVZRY1w","partition":0}"#,
                r#"{"snapshotEpoch":1,"stateEpoch":0,"leaderEpoch":4,"startOffset":10,"createTimestamp":1700000000000,"writeTimestamp":1700000000100,"stateBatches":[{"firstOffset":10,"lastOffset":14,"deliveryState":2,"deliveryCount":1}]}"#,
            ),
        ];
        for (decoder, key, value, key_json, value_json) in table {
            let (key, value) = (hex(key), hex(value));
            let entry = decoder.decode(Some(&key), Some(&value));
            assert_eq!(json(&entry.key), key_json);
            assert_eq!(json(&entry.value), value_json);
            assert!(decoder.decode(Some(&key), None).value.is_null());
        }
    }

    #[test]
    fn layouts_that_older_releases_wrote_are_found_by_their_length() {
        let topic = "523e709ff16a4d78ab1004af559458d7";
        let table = [
            // An assignment of 3.7: error, partitions, metadata version and bytes.
            (
                "0007",
                format!("0000 07 02 {topic} 02 00000003 00 0009 01 00"),
                "metadataBytes",
            ),
            // The same of 3.8.
            (
                "0007",
                format!("0000 02 {topic} 02 00000003 00 00"),
                "topicPartitions",
            ),
            // The epoch of a share group of 4.0 came without a hash.
            ("000b", "0000 00000005 00".to_owned(), "epoch"),
        ];
        for (id, value, last) in table {
            let (key, value) = (hex(&format!("{id} 0001 67 0001 6d")), hex(&value));
            let entry = Decoder::Offsets.decode(Some(&key), Some(&value));
            let decoded = entry.value.decoded().unwrap();
            assert!(decoded.rest.is_empty());
            assert_eq!(decoded.body.iter().last().unwrap().0, last);
        }
    }

    #[test]
    fn records_of_mirror_maker_decode_by_the_name_of_their_topic() {
        let table = [
            (
                "mm2-offset-syncs.west.internal",
                "0008 7061796d656e7473 00000001",
                "0000000000000064 000000000000003c",
                r#"{"topic":"payments","partition":1}"#,
                r#"{"upstreamOffset":100,"offset":60}"#,
            ),
            (
                "west.checkpoints.internal",
                "0007 62696c6c696e67 0008 7061796d656e7473 00000001",
                "0000 000000000000005a 0000000000000032 0000",
                r#"{"group":"billing","topic":"payments","partition":1}"#,
                r#"{"upstreamOffset":90,"offset":50,"metadata":""}"#,
            ),
            (
                "west.heartbeats",
                "0004 77657374 0004 65617374",
                "0000 0000018bcfe56800",
                r#"{"sourceClusterAlias":"west","targetClusterAlias":"east"}"#,
                r#"{"timestamp":1700000000000}"#,
            ),
        ];
        for (topic, key, value, key_json, value_json) in table {
            let decoder = Decoder::for_topic(topic).unwrap();
            let (key, mut value) = (hex(key), hex(value));
            let entry = decoder.decode(Some(&key), Some(&value));
            assert_eq!(json(&entry.key), key_json);
            assert_eq!(json(&entry.value), value_json);
            // Another application's topic of that name.
            value.push(0);
            let entry = decoder.decode(Some(b"k"), Some(&value));
            for part in [&entry.key, &entry.value] {
                let is_foreign = matches!(
                    part,
                    EntryPart::Unread {
                        why: Unread::NoMeaning,
                        ..
                    }
                );
                assert!(is_foreign, "{topic}");
            }
        }
        for name in [
            "internal",
            "heartbeats.internal",
            "mm2-offset-syncs",
            "checkpoints.internal",
        ] {
            assert_eq!(Decoder::for_topic(name), None, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_stays_visible() {
        let value = [0, 0, 1];
        let unread = |key: Option<&[u8]>| match Decoder::Offsets.decode(key, Some(&value)).value {
            EntryPart::Unread { why, bytes } => {
                assert_eq!(bytes, value);
                why
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(unread(None), Unread::NoMeaning);
        assert_eq!(unread(Some(&[0])), Unread::NoMeaning);
        assert_eq!(unread(Some(&[0, 99, 7])), Unread::UnknownType(99));
        assert!(matches!(
            unread(Some(&[0, 2, 0, 1, b'g'])),
            Unread::Message {
                id: 2,
                version: 0,
                ..
            }
        ));
        let entry = Decoder::Offsets.decode(Some(&[0, 2, 0, 1, b'g']), Some(&[0, 9, 1]));
        let EntryPart::Unread { why, .. } = entry.value else {
            panic!("version 9 was read");
        };
        assert_eq!(why, Unread::UnknownVersion { id: 2, version: 9 });
        assert_eq!(why.to_string(), "unknown version 9 of record type 2");
    }

    #[test]
    fn records_of_framed_topics_have_no_key() {
        let value =
            hex("0105000000 0000523e709ff16a4d78ab1004af559458d70200050200000002010400000002");
        let entry = Decoder::ClusterMetadata.decode(Some(b"k"), Some(&value));
        assert!(matches!(
            entry.key,
            EntryPart::Unread {
                why: Unread::NoMeaning,
                bytes: b"k"
            }
        ));
        assert_eq!(
            entry.value.decoded().unwrap().message.name(),
            "PartitionChangeRecord"
        );
    }

    #[test]
    fn any_bytes_give_a_result() {
        let mut seed = 7_u64;
        let mut random = move || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33).to_be_bytes()[7]
        };
        for round in 0..20_000 {
            let mut key: Vec<u8> = (0..random() % 24).map(|_| random()).collect();
            let mut value: Vec<u8> = (0..random() % 96).map(|_| random()).collect();
            // Most of them get past the numbers before a message.
            if round % 4 > 0 {
                key.splice(..key.len().min(4), [0, random() % 25, 0, 0]);
                value.splice(..value.len().min(2), [0, random() % 5]);
            }
            let framed: Vec<u8> = [1, random() % 30, random() % 5]
                .into_iter()
                .chain(value.clone())
                .collect();
            for decoder in [Decoder::Offsets, Decoder::Transactions, Decoder::ShareState] {
                shows(&decoder.decode(Some(&key), Some(&value)));
            }
            for decoder in [Decoder::ClusterMetadata, Decoder::RemoteLogMetadata] {
                shows(&decoder.decode(None, Some(&framed)));
            }
        }
    }

    /// Checks that the decoded entry is valid JSON.
    fn shows(entry: &Entry<'_>) {
        for part in [&entry.key, &entry.value] {
            if part.decoded().is_some() {
                serde_json::from_str::<serde_json::Value>(&json(part)).unwrap();
            }
        }
    }
}
