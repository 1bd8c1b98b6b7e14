//! `__cluster_metadata`: the log of the `KRaft` controller, and the snapshots made from it.
//!
//! # References
//! `MetadataRecordSerde`, `MetadataJsonConverters`; KIP-631.

use super::framing::Decoded;

// Record types.

/// A broker registers.
pub const REGISTER_BROKER: i16 = 0;

/// A broker is unregistered.
pub const UNREGISTER_BROKER: i16 = 1;

/// A topic is created.
pub const TOPIC: i16 = 2;

/// A partition is created.
pub const PARTITION: i16 = 3;

/// A configuration is set or removed.
pub const CONFIG: i16 = 4;

/// A partition changes.
pub const PARTITION_CHANGE: i16 = 5;

/// An ACL, before 3.2.
pub const OLD_ACL: i16 = 6;

/// A broker is fenced.
pub const FENCE_BROKER: i16 = 7;

/// A broker is unfenced.
pub const UNFENCE_BROKER: i16 = 8;

/// A topic is deleted.
pub const REMOVE_TOPIC: i16 = 9;

/// A delegation token is created or renewed.
pub const DELEGATION_TOKEN: i16 = 10;

/// A user gets a password.
pub const USER_SCRAM_CREDENTIAL: i16 = 11;

/// A feature gets a level.
pub const FEATURE_LEVEL: i16 = 12;

/// A client quota is set or removed.
pub const CLIENT_QUOTA: i16 = 14;

/// Producer ids are allocated.
pub const PRODUCER_IDS: i16 = 15;

/// A feature loses its level, before 3.3.
pub const REMOVE_FEATURE_LEVEL: i16 = 16;

/// The registration of a broker changes.
pub const BROKER_CHANGE: i16 = 17;

/// An ACL.
pub const ACL: i16 = 18;

/// An ACL is removed.
pub const REMOVE_ACL: i16 = 19;

/// Nothing.
pub const NO_OP: i16 = 20;

/// The state of a migration from `ZooKeeper`.
pub const ZK_MIGRATION: i16 = 21;

/// A user loses a password.
pub const REMOVE_USER_SCRAM_CREDENTIAL: i16 = 22;

/// The beginning of a transaction.
pub const BEGIN_TRANSACTION: i16 = 23;

/// The transaction is committed.
pub const END_TRANSACTION: i16 = 24;

/// The transaction is aborted.
pub const ABORT_TRANSACTION: i16 = 25;

/// A delegation token is deleted.
pub const REMOVE_DELEGATION_TOKEN: i16 = 26;

/// A controller registers.
pub const REGISTER_CONTROLLER: i16 = 27;

/// Eligible leader replicas of partitions are cleared.
pub const CLEAR_ELR: i16 = 28;

/// A controller is unregistered.
pub const UNREGISTER_CONTROLLER: i16 = 29;

/// The resource type of topics in configurations.
pub const TOPIC_RESOURCE: i8 = 2;

/// Appends a record as Kafka's tools show it: its type by name, its version as a number.
pub fn write_json(decoded: &Decoded<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"");
    write_type(decoded.message.name(), out);
    out.extend_from_slice(b"\",\"version\":");
    out.extend_from_slice(itoa::Buffer::new().format(decoded.version).as_bytes());
    out.extend_from_slice(b",\"data\":");
    decoded.body.write_json(out);
    out.push(b'}');
}

/// Appends the name of a record type: `NoOpRecord` is `NO_OP_RECORD`.
fn write_type(name: &str, out: &mut Vec<u8>) {
    for (index, byte) in name.bytes().enumerate() {
        if byte.is_ascii_uppercase() && index > 0 {
            out.push(b'_');
        }
        out.push(byte.to_ascii_uppercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, hex};

    #[test]
    fn records_are_shown_by_name() {
        let table = [
            (
                "01140000",
                r#"{"type":"NO_OP_RECORD","version":0,"data":{}}"#,
            ),
            (
                "010c00116d657461646174612e76657273696f6e001500",
                r#"{"type":"FEATURE_LEVEL_RECORD","version":0,"data":{"name":"metadata.version","featureLevel":21}}"#,
            ),
            (
                "01050000000000523e709ff16a4d78ab1004af559458d70200050200000002010400000002",
                r#"{"type":"PARTITION_CHANGE_RECORD","version":0,"data":{"partitionId":0,"topicId":"Uj5wn_FqTXirEASvVZRY1w","isr":[2],"leader":2}}"#,
            ),
            (
                "01040002076f72646572730d726574656e74696f6e2e6d730000",
                r#"{"type":"CONFIG_RECORD","version":0,"data":{"resourceType":2,"resourceName":"orders","name":"retention.ms","value":null}}"#,
            ),
        ];
        for (value, expected) in table {
            let value = hex(value);
            let entry = Decoder::ClusterMetadata.decode(None, Some(&value));
            let mut out = Vec::new();
            write_json(entry.value.decoded().unwrap(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
