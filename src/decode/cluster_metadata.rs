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
