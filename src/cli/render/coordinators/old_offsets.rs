//! Consumer offsets, up to Kafka 3.7.

use std::fmt::Write as _;

use kseg::decode::consumer_offsets::{GROUP_METADATA, assignment};
use kseg::decode::json::write_string;
use kseg::decode::{SchemaFamily, Struct};
use kseg::wire::Release;

use super::job::{Crash, Job, Shown, put};
use super::old::{self, Key, NAMED_FIELDS};
use super::scala;

/// The first release that shows groups as JSON, and that keeps the protocol type of those without
/// members.
const GROUPS_AS_JSON: Release = Release::new(1, 0, 0);

/// Appends the texts of a record.
pub(super) fn write(job: &mut Job<'_, '_>) -> Result<Shown, Crash> {
    let release = job.release;
    if job.value.is_none() && release < NAMED_FIELDS {
        return Ok(Shown::NOTHING);
    }
    let Some(key) = job.key else {
        return Err(old::kafka_exception(
            release,
            "Failed to decode message using offset topic decoder (message had a missing key)",
        ));
    };
    let complaint = |id| unknown_type(release, id);
    let key = old::read_key(
        SchemaFamily::ConsumerOffsets,
        release,
        key,
        GROUP_METADATA,
        complaint,
    )?;
    let key = match key {
        Key::Known(key) => key,
        Key::Unknown(text) => {
            job.key_text.extend_from_slice(text.as_bytes());
            return Ok(Shown::KEY);
        }
    };
    let is_group = key.message.id() == GROUP_METADATA;
    if let Some(value) = job.value {
        let body = old::read_value(key.message, release, value, |version| {
            unknown_version(release, is_group, version)
        })?;
        if is_group {
            write_group(&body, release, job.payload_text)?;
        } else {
            write_commit(&body, release, job.payload_text);
        }
    } else {
        job.payload_text.extend_from_slice(b"<DELETE>");
    }
    if is_group {
        write_group_key(&key.body, release, job.key_text);
    } else {
        write_commit_key(&key.body, release, job.key_text);
    }
    Ok(Shown::BOTH)
}

fn unknown_type(release: Release, id: i16) -> Crash {
    let what = if release < NAMED_FIELDS {
        "offset"
    } else {
        "message key"
    };
    old::unknown(
        release,
        &format!("Unknown {what} schema version {id}"),
        &format!("Unknown group metadata message version: {id}"),
    )
}

fn unknown_version(release: Release, is_group: bool, version: i16) -> Crash {
    if is_group {
        old::unknown(
            release,
            &format!("Unknown group metadata version {version}"),
            &format!("Unknown group metadata message version: {version}"),
        )
    } else {
        old::unknown(
            release,
            &format!("Unknown offset schema version {version}"),
            &format!("Unknown offset message version: {version}"),
        )
    }
}

fn write_commit_key(key: &Struct<'_>, release: Release, out: &mut Vec<u8>) {
    let group = key.text("group").unwrap_or_default();
    let topic = key.text("topic").unwrap_or_default();
    let partition = key.int("partition").unwrap_or_default();
    if release < NAMED_FIELDS {
        put(out, format_args!("offset::{group}:{topic}:{partition}"));
    } else {
        put(
            out,
            format_args!("offset_commit::group={group},partition={topic}-{partition}"),
        );
    }
}

fn write_commit(body: &Struct<'_>, release: Release, out: &mut Vec<u8>) {
    let offset = body.int("offset").unwrap_or_default();
    let metadata = body.text("metadata").unwrap_or_default();
    match (release < NAMED_FIELDS, metadata.is_empty()) {
        (true, true) => put(out, format_args!("{offset}")),
        (true, false) => put(out, format_args!("{offset}:{metadata}")),
        (false, true) => put(out, format_args!("offset={offset}")),
        (false, false) => put(out, format_args!("offset={offset},metadata={metadata}")),
    }
}

fn write_group_key(key: &Struct<'_>, release: Release, out: &mut Vec<u8>) {
    let group = key.text("group").unwrap_or_default();
    if release < GROUPS_AS_JSON {
        put(out, format_args!("metadata::{group}"));
    } else if release < NAMED_FIELDS {
        out.extend_from_slice(b"{\"metadata\":");
        write_string(group.as_bytes(), out);
        out.push(b'}');
    } else {
        put(out, format_args!("group_metadata::group={group}"));
    }
}

fn write_group(body: &Struct<'_>, release: Release, out: &mut Vec<u8>) -> Result<(), Crash> {
    let mut protocol_type = body.text("protocolType").unwrap_or_default();
    let protocol = body.text("protocol");
    let generation = body.int("generation").unwrap_or_default();
    let members = members(body, protocol_type == "consumer", release)?;
    if release < GROUPS_AS_JSON && body.array("members").is_empty() {
        protocol_type = "".into();
    }
    if release < GROUPS_AS_JSON {
        let protocol = protocol.as_deref().unwrap_or("null");
        put(
            out,
            format_args!("{protocol_type}:{protocol}:{generation}:{members}"),
        );
        return Ok(());
    }
    out.extend_from_slice(b"{\"protocolType\":");
    write_string(protocol_type.as_bytes(), out);
    out.extend_from_slice(b",\"protocol\":");
    match protocol {
        Some(protocol) => write_string(protocol.as_bytes(), out),
        None => out.extend_from_slice(b"null"),
    }
    put(
        out,
        format_args!(",\"generationId\":{generation},\"assignment\":"),
    );
    write_string(members.as_bytes(), out);
    out.push(b'}');
    Ok(())
}

/// The members of a group and their assignments.
fn members(body: &Struct<'_>, are_consumers: bool, release: Release) -> Result<String, Crash> {
    let mut members: Vec<_> = body
        .structures("members")
        .map(|member| {
            let id = member.text("memberId").unwrap_or_default();
            (id, member.bytes("assignment").unwrap_or_default())
        })
        .collect();
    scala::sort_map(&mut members, release, |(id, _)| scala::string_hash(id));
    let mut text = String::from("{");
    for (index, (id, bytes)) in members.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        let assigned = if are_consumers {
            partitions(bytes, release)?
        } else {
            hex(bytes)
        };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{id}={assigned}");
    }
    text.push('}');
    Ok(text)
}

/// Returns the assignment of a consumer: partitions and, if there are any, the assignor's own
/// bytes.
fn partitions(bytes: &[u8], release: Release) -> Result<String, Crash> {
    let body = assignment(bytes).ok_or_else(|| {
        Crash(
            "org.apache.kafka.common.protocol.types.SchemaException: Buffer underflow while \
             parsing consumer protocol's header"
                .to_owned(),
        )
    })?;
    let mut partitions = Vec::new();
    for topic in body.structures("assignedPartitions") {
        let name = topic.text("topic").unwrap_or_default();
        let ids = topic.numbers::<i32>("partitions");
        partitions.extend(ids.map(|id| format!("{name}-{id}")));
    }
    let partitions = partitions.join(", ");
    match body.bytes("userData") {
        None if release < NAMED_FIELDS => Err(old::null_pointer(
            "java.nio.ByteBuffer.remaining()",
            "buffer",
        )),
        None | Some([]) => Ok(format!("[{partitions}]")),
        Some(data) => Ok(format!("[{partitions}]:{}", hex(data))),
    }
}

/// Bytes as one hexadecimal number; `None` if there are none.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02X}");
    }
    match text.trim_start_matches('0') {
        "" if !bytes.is_empty() => "0".to_owned(),
        digits => digits.to_owned(),
    }
}
