//! `__cluster_metadata`: the log of the `KRaft` controller, and the snapshots made from it.
//!
//! # References
//! `MetadataRecordSerde`, `MetadataJsonConverters`; KIP-631.

use super::framing::Decoded;

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
