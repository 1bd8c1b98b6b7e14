//! Shared parts of the texts of earlier releases: reading of keys and values, and the exceptions.

use kseg::decode::{Decoded, MessageSchema, Reading, SchemaFamily, Struct, Unread, framing};
use kseg::format::{Fault, FaultKind};
use kseg::wire::{NumberFault, Release};

use super::job::{Crash, reason};

/// The first release with the texts that name their fields.
pub(super) const NAMED_FIELDS: Release = Release::new(2, 4, 1);

/// The first release that throws the `KafkaException` of the clients.
const ONE_EXCEPTION: Release = Release::new(2, 0, 0);

/// The first release whose records are read by generated code.
const GENERATED: Release = Release::new(2, 8, 0);

/// The first release that continues after a key of unknown type.
const UNKNOWN_TYPES: Release = Release::new(3, 4, 1);

/// The exception for a buffer that ends early.
const UNDERFLOW: &str = "java.nio.BufferUnderflowException";

/// A key as earlier releases read it.
pub(super) enum Key<'buf> {
    Known(Decoded<'buf>),
    /// The text for a key of unknown type.
    Unknown(String),
}

/// Reads a key of one of the types up to `last_type`. `complaint` is about a later type.
pub(super) fn read_key(
    family: SchemaFamily,
    release: Release,
    key: &[u8],
    last_type: i16,
    complaint: impl FnOnce(i16) -> Crash,
) -> Result<Key<'_>, Crash> {
    let unknown = |id: i16| {
        if release >= UNKNOWN_TYPES {
            Ok(Key::Unknown(format!("unknown::version={id}")))
        } else {
            Err(complaint(id))
        }
    };
    match framing::keyed_key(family, Reading::As(release), key) {
        Ok(decoded) if decoded.message.id() > last_type => unknown(decoded.message.id()),
        Ok(decoded) => Ok(Key::Known(decoded)),
        Err(Unread::Message { id, .. }) if id > last_type => unknown(id),
        Err(Unread::UnknownType(id)) => unknown(id),
        Err(Unread::Message { fault, .. }) => Err(unreadable(release, fault, key)),
        Err(_) => Err(Crash(UNDERFLOW.to_owned())),
    }
}

/// Reads the value that belongs to a key. `complaint` is about an unknown version.
pub(super) fn read_value<'buf>(
    key: &MessageSchema,
    release: Release,
    value: &'buf [u8],
    complaint: impl FnOnce(i16) -> Crash,
) -> Result<Struct<'buf>, Crash> {
    let (input, version) =
        framing::keyed_version(value).map_err(|_| Crash(UNDERFLOW.to_owned()))?;
    match key.family().value(key.id()) {
        Some(message) if message.versions(release).contains(&version) => message
            .read(version, release, input)
            .map(|(body, _)| body)
            .map_err(|fault| unreadable(release, fault, input)),
        _ => Err(complaint(version)),
    }
}

/// The exception for an unknown type or version; `generated` code has another text than earlier
/// code.
pub(super) fn unknown(release: Release, by_hand: &str, generated: &str) -> Crash {
    if release >= GENERATED {
        Crash(format!("java.lang.IllegalStateException: {generated}"))
    } else {
        kafka_exception(release, by_hand)
    }
}

/// Returns the JVM's message for a null pointer.
pub(super) fn null_pointer(call: &str, name: &str) -> Crash {
    Crash(format!(
        "java.lang.NullPointerException: Cannot invoke \"{call}\" because \"{name}\" is null"
    ))
}

/// Kafka's own exception.
pub(super) fn kafka_exception(release: Release, message: &str) -> Crash {
    let package = if release >= ONE_EXCEPTION {
        "org.apache.kafka.common"
    } else {
        "kafka.common"
    };
    Crash(format!("{package}.KafkaException: {message}"))
}

/// The exception for bytes that are not such a message.
fn unreadable(release: Release, fault: Fault, bytes: &[u8]) -> Crash {
    Crash(match fault.kind() {
        _ if release < GENERATED => {
            format!("org.apache.kafka.common.protocol.types.SchemaException: {fault}")
        }
        FaultKind::Number(NumberFault::EndOfInput) => UNDERFLOW.to_owned(),
        _ => format!("java.lang.RuntimeException: {}", reason(fault, bytes)),
    })
}
