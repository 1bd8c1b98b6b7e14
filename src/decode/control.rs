//! The values of control records that are messages: those of `KRaft`. Transaction markers are not
//! among them.
//!
//! The version of such a message is its first field, and Kafka reads all of them as version 0.
//!
//! # References
//! `ControlRecordUtils`, KIP-595, KIP-630, KIP-853.

use super::schema::{NEWEST, SchemaFamily};
use super::value::Struct;
use crate::format::Fault;
use crate::format::fault::ControlRecordFault;

/// The version that every control record is read as.
const VERSION: i16 = 0;

/// Reads the value of a control record of type 2 (leader change), 3 (snapshot header), 4 (snapshot
/// footer), 5 (`KRaft` version) or 6 (voters). Bytes after the message are ignored.
///
/// # Errors
/// The type is another, or the bytes are not such a message.
pub fn control(kind: i16, value: &[u8]) -> Result<Struct<'_>, Fault> {
    let message = SchemaFamily::Control
        .value(kind)
        .ok_or(Fault::new(ControlRecordFault::Value, 0))?;
    message.read(VERSION, NEWEST, value).map(|(body, _)| body)
}

/// Appends the same as JSON.
///
/// # Errors
/// Those of [`control`].
pub fn control_json(kind: i16, value: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    control(kind, value).map(|body| body.write_json(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hex;

    #[test]
    fn control_records_are_shown_as_json() {
        let table = [
            (
                2,
                "0000 00000001 03 00000001 00 00000002 00 02 00000001 00 00",
                r#"{"version":0,"leaderId":1,"voters":[{"voterId":1},{"voterId":2}],"grantingVoters":[{"voterId":1}]}"#,
            ),
            (
                3,
                "0000 0000018bcfe56800 00 ff",
                r#"{"version":0,"lastContainedLogTimestamp":1700000000000}"#,
            ),
            (4, "0000 00", r#"{"version":0}"#),
            (5, "0000 0001 00", r#"{"version":0,"kRaftVersion":1}"#),
            (
                6,
                "0000 02 00000001 000102030405060708090a0b0c0d0e0f 02 0b434f4e54524f4c4c4552 \
                 0a6c6f63616c686f7374 2385 00 0000 0001 00 00 00",
                r#"{"version":0,"voters":[{"voterId":1,"voterDirectoryId":"AAECAwQFBgcICQoLDA0ODw","endpoints":[{"name":"CONTROLLER","host":"localhost","port":9093}],"kRaftVersionFeature":{"minSupportedVersion":0,"maxSupportedVersion":1}}]}"#,
            ),
        ];
        for (kind, value, expected) in table {
            let mut out = Vec::new();
            control_json(kind, &hex(value), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        assert!(control_json(2, &[0, 0], &mut Vec::new()).is_err());
        assert!(control(7, &[0, 0]).is_err());
    }
}
