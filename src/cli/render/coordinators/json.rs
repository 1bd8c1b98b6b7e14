//! The JSON of later releases.

use kseg::decode::transaction_state::Status;
use kseg::decode::{
    Decoded, Decoder, Reading, SchemaFamily, Struct, Unread, Value, cluster_metadata,
    consumer_offsets, framing,
};
use kseg::wire::Release;

use super::job::{Crash, Job, Shown, put, reason};

/// The first release with one parser for all coordinators.
const ONE_PARSER: Release = Release::new(4, 1, 0);

/// The first release that shows the status of a transaction by name.
const STATUS_NAMES: Release = Release::new(4, 4, 0);

/// The first release that reads the current frames, and not those of the preview of `KRaft`, whose
/// records are not decoded here.
const FRAMES_OF_TODAY: Release = Release::new(3, 0, 0);

/// Offsets, transactions and share groups.
pub(super) fn keyed(job: &mut Job<'_, '_>, decoder: Decoder) -> Result<Shown, Crash> {
    let Some(key) = job.key else {
        let which = match decoder {
            _ if job.release >= ONE_PARSER => "the specified decoder",
            Decoder::ShareState => "share group state topic decoder",
            _ => "offset topic decoder",
        };
        return Err(Crash(format!(
            "java.lang.RuntimeException: Failed to decode message at offset {} using {which} \
             (message had a missing key)",
            job.offset
        )));
    };
    let (key, value) = match read(job, decoder.family(), key) {
        Ok(read) => read,
        Err(text) => {
            job.key_text.extend_from_slice(text.as_bytes());
            return Ok(Shown::KEY);
        }
    };
    put(
        job.key_text,
        format_args!("{{\"type\":\"{}\",\"data\":", key.message.id()),
    );
    key.body.write_json(job.key_text);
    job.key_text.push(b'}');
    let Some(value) = value else {
        job.payload_text.extend_from_slice(b"<DELETE>");
        return Ok(Shown::BOTH);
    };
    // Kafka 4.0 used the wrong word for the values of share groups.
    let word = match decoder {
        Decoder::ShareState if job.release < ONE_PARSER => "type",
        _ => "version",
    };
    put(
        job.payload_text,
        format_args!("{{\"{word}\":\"{}\",\"data\":", value.version),
    );
    if decoder == Decoder::Transactions && job.release >= STATUS_NAMES {
        write_transaction(&value.body, job.payload_text);
    } else {
        value.body.write_json(job.payload_text);
    }
    job.payload_text.push(b'}');
    Ok(Shown::BOTH)
}

/// Reads key and value, or returns the text that is printed instead.
fn read<'buf>(
    job: &Job<'buf, '_>,
    family: SchemaFamily,
    key: &'buf [u8],
) -> Result<(Decoded<'buf>, Option<Decoded<'buf>>), String> {
    let reading = Reading::As(job.release);
    let offset = job.offset;
    let decoded = framing::keyed_key(family, reading, key).map_err(|why| match why {
        Unread::UnknownType(id) => {
            format!("Unknown record type {id} at offset {offset}, skipping.")
        }
        why => format!(
            "Error at offset {offset}, skipping. {}",
            detail(why, "key", key)
        ),
    })?;
    let Some(bytes) = job.value else {
        return Ok((decoded, None));
    };
    let mut value =
        framing::keyed_value(family, reading, decoded.message.id(), bytes).map_err(|why| {
            format!(
                "Error at offset {offset}, skipping. {}",
                detail(why, "value", bytes)
            )
        })?;
    consumer_offsets::open_members(&mut value);
    Ok((decoded, Some(value)))
}

/// The message of the exception for a key or value.
fn detail(why: Unread, part: &str, bytes: &[u8]) -> String {
    match why {
        Unread::UnknownVersion { id, version } => {
            format!("Found an unknown record version {version} for {id} type")
        }
        Unread::Message { id, version, fault } => {
            // The version of a key is its record type.
            let version = if part == "key" { id } else { version };
            format!(
                "Could not read record with version {version} from {part}'s buffer due to: {}.",
                reason(fault, bytes)
            )
        }
        _ => format!("Could not read version from {part}'s buffer."),
    }
}

/// A transaction with its status by name, or by number if it has no name.
fn write_transaction(body: &Struct<'_>, out: &mut Vec<u8>) {
    let id = body.int("transactionStatus").unwrap_or_default();
    let name = Status::of(id).map_or_else(|| id.to_string(), |status| status.to_string());
    let mut body = body.clone();
    if let Some(status) = body.get_mut("transactionStatus") {
        *status = Value::String(name.as_bytes());
    }
    body.write_json(out);
}

/// Cluster metadata.
pub(super) fn metadata(job: &mut Job<'_, '_>) -> Shown {
    match framed(
        SchemaFamily::ClusterMetadata,
        job.release,
        job.value.unwrap_or_default(),
    ) {
        Ok(decoded) => cluster_metadata::write_json(&decoded, job.payload_text),
        Err(text) => put(
            job.payload_text,
            format_args!("Error at {}, skipping. {text}", job.offset),
        ),
    }
    Shown::PAYLOAD
}

/// Reads a framed value, or returns the message of the exception.
pub(super) fn framed(
    family: SchemaFamily,
    release: Release,
    value: &[u8],
) -> Result<Decoded<'_>, String> {
    if release < FRAMES_OF_TODAY
        && let Ok(version) = framing::frame_version(value)
        && version != 0
    {
        return Err(format!(
            "Could not deserialize metadata record due to unknown frame version {version}\
             (only frame version 0 is supported)"
        ));
    }
    let decoded = framing::framed(family, Reading::As(release), value).map_err(|why| match why {
        Unread::PrefixTooLarge(prefix) => format!("Value for {prefix} was too large."),
        Unread::FrameVersion(0) => "Could not deserialize metadata record with frame version 0. \
            Note that upgrades from the preview release of KRaft in 2.8 to newer versions are not \
            supported."
            .to_owned(),
        Unread::FrameVersion(version) => format!(
            "Could not deserialize metadata record due to unknown frame version {version}\
             (only frame version 1 is supported)"
        ),
        Unread::UnknownType(id) => format!(
            "org.apache.kafka.common.errors.UnsupportedVersionException: Unknown metadata id {id}"
        ),
        Unread::Message { id, .. } => format!("Failed to deserialize record with type {id}"),
        Unread::Prefix(prefix, _) => format!("Error while reading {prefix}"),
        why => why.to_string(),
    })?;
    if decoded.rest.is_empty() {
        return Ok(decoded);
    }
    Err(format!(
        "Found {} byte(s) of garbage after {}",
        decoded.rest.len(),
        decoded.message.id()
    ))
}
