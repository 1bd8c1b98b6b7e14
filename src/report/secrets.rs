//! Secrets in metadata records, which must not be shown.

use crate::decode::cluster_metadata::{CONFIG, USER_SCRAM_CREDENTIAL};
use crate::decode::{Decoded, SchemaFamily, Struct, Value};

/// The text in place of a secret.
pub const REDACTED: &str = "<redacted>";

/// The fields of a SCRAM credential that help to guess a password.
const SCRAM: [&str; 4] = ["salt", "saltedPassword", "storedKey", "serverKey"];

/// Parts of the names of configurations of type `PASSWORD` in Kafka.
const CONFIGS: [&str; 5] = [
    "password",
    "secret",
    "sasl.jaas.config",
    "ssl.keystore.key",
    "ssl.truststore.certificates",
];

/// Returns true if the value of a configuration is one that Kafka itself would not show.
#[must_use]
pub fn is_secret(config: &str) -> bool {
    CONFIGS.iter().any(|part| config.contains(part))
}

/// Replaces secrets in a metadata record by [`REDACTED`].
pub fn redact(decoded: &mut Decoded<'_>) {
    if decoded.message.family() != SchemaFamily::ClusterMetadata {
        return;
    }
    match decoded.message.id() {
        USER_SCRAM_CREDENTIAL => {
            redact_scram(&mut decoded.body);
            if let Some(Value::Array(infos)) = decoded.body.get_mut("credentialInfos") {
                for info in infos {
                    if let Value::Struct(info) = info {
                        redact_scram(info);
                    }
                }
            }
        }
        CONFIG
            if decoded
                .body
                .text("name")
                .is_some_and(|name| is_secret(&name)) =>
        {
            if let Some(value @ Value::String(_)) = decoded.body.get_mut("value") {
                *value = Value::String(REDACTED.as_bytes());
            }
        }
        _ => {}
    }
}

fn redact_scram(body: &mut Struct<'_>) {
    for name in SCRAM {
        if let Some(value) = body.get_mut(name) {
            *value = Value::String(REDACTED.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Decoder;

    #[test]
    fn secrets_of_credentials_and_configurations_are_replaced() {
        let shown = |value: &[u8]| {
            let entry = Decoder::ClusterMetadata.decode(None, Some(value));
            let mut decoded = entry.value.decoded().unwrap().clone();
            redact(&mut decoded);
            let mut out = Vec::new();
            decoded.body.write_json(&mut out);
            String::from_utf8(out).unwrap()
        };
        let scram = shown(b"\x01\x0b\x00\x02u\x01\x02s\x02k\x02v\x00\x00\x10\x00\x00");
        assert_eq!(
            scram,
            r#"{"name":"u","mechanism":1,"salt":"<redacted>","storedKey":"<redacted>","serverKey":"<redacted>","iterations":4096}"#
        );
        let config = shown(b"\x01\x04\x00\x04\x021\x11ssl.key.password\x02p\x00");
        assert!(config.contains(REDACTED), "{config}");
        assert!(!is_secret("retention.ms"));
    }
}
