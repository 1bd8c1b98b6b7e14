//! Remote log metadata: the `toString` texts of Kafka's classes.

use kseg::decode::json::write_uuid;
use kseg::decode::remote_metadata::{
    PARTITION_DELETE, SEGMENT, SEGMENT_SNAPSHOT, SEGMENT_UPDATE, delete_state, segment_state,
};
use kseg::decode::{Decoded, SchemaFamily, Struct, Value};
use kseg::wire::Release;

use super::job::{Job, Shown, put};
use super::json::framed;

/// The first release that shows if a segment has aborted transactions.
const TRANSACTION_INDEX: Release = Release::new(4, 0, 0);

/// The first release with Kafka's `Record` in another package.
const RECORD_MOVED: Release = Release::new(4, 3, 0);

/// Appends the text of a record, or the error that is printed in its place.
pub(super) fn metadata(job: &mut Job<'_, '_>) -> Shown {
    let text = match job.value {
        Some(value) => framed(SchemaFamily::RemoteLogMetadata, job.release, value)
            .and_then(|decoded| describe(&decoded, job.release)),
        None => Err(without_value(job.release)),
    };
    match text {
        Ok(text) => job.payload_text.extend_from_slice(text.as_bytes()),
        Err(text) => put(
            job.payload_text,
            format_args!("Error at offset {}, skipping. {text}", job.offset),
        ),
    }
    Shown::PAYLOAD
}

/// Returns the JVM's message for a record without a value.
fn without_value(release: Release) -> String {
    let package = if release >= RECORD_MOVED {
        "org.apache.kafka.common.record.internal"
    } else {
        "org.apache.kafka.common.record"
    };
    format!(
        "Cannot invoke \"java.nio.ByteBuffer.remaining()\" because the return value of \
         \"{package}.Record.value()\" is null"
    )
}

/// The text of a record, or the message of the exception that its class throws.
fn describe(decoded: &Decoded<'_>, release: Release) -> Result<String, String> {
    let body = &decoded.body;
    let int = |name| body.int(name).unwrap_or_default();
    let text = match decoded.message.id() {
        SEGMENT => {
            check_offsets(int("startOffset"), int("endOffset"))?;
            format!(
                "RemoteLogSegmentMetadata{{remoteLogSegmentId={}, startOffset={}, endOffset={}, \
                 brokerId={}, maxTimestampMs={}, eventTimestampMs={}, segmentLeaderEpochs={}, \
                 segmentSizeInBytes={}, customMetadata={}, state={}{}}}",
                segment_id(body),
                int("startOffset"),
                int("endOffset"),
                int("brokerId"),
                int("maxTimestampMs"),
                int("eventTimestampMs"),
                leader_epochs(body)?,
                int("segmentSizeInBytes"),
                custom_metadata(body),
                state(body)?,
                transaction_index(body, release),
            )
        }
        SEGMENT_UPDATE => format!(
            "RemoteLogSegmentMetadataUpdate{{remoteLogSegmentId={}, customMetadata={}, state={}, \
             eventTimestampMs={}, brokerId={}}}",
            segment_id(body),
            custom_metadata(body),
            state(body)?,
            int("eventTimestampMs"),
            int("brokerId"),
        ),
        PARTITION_DELETE => format!(
            "RemotePartitionDeleteMetadata{{topicPartition={}, state={}, eventTimestampMs={}, \
             brokerId={}}}",
            topic_partition(body),
            delete_state(int("remotePartitionDeleteState")).ok_or("null")?,
            int("eventTimestampMs"),
            int("brokerId"),
        ),
        SEGMENT_SNAPSHOT => {
            let state = state(body)?;
            format!(
                "RemoteLogSegmentMetadataSnapshot{{segmentId={}, startOffset={}, endOffset={}, \
                 maxTimestampMs={}, segmentLeaderEpochs={}, segmentSizeInBytes={}, \
                 customMetadata={}, state={state}{}}}",
                uuid(body, "segmentId"),
                int("startOffset"),
                int("endOffset"),
                int("maxTimestampMs"),
                leader_epochs(body)?,
                int("segmentSizeInBytes"),
                custom_metadata(body),
                transaction_index(body, release),
            )
        }
        id => return Err(format!("No serializer found for apiKey: {id}")),
    };
    Ok(text)
}

fn check_offsets(start: i64, end: i64) -> Result<(), String> {
    if start < 0 {
        return Err(format!(
            "Unexpected start offset = {start}. StartOffset for a remote segment cannot be negative"
        ));
    }
    if end < start {
        return Err(format!(
            "Unexpected end offset = {end}. EndOffset for a remote segment cannot be less than \
             startOffset = {start}"
        ));
    }
    Ok(())
}

fn segment_id(body: &Struct<'_>) -> String {
    let Some(id) = body.structure("remoteLogSegmentId") else {
        return String::new();
    };
    format!(
        "RemoteLogSegmentId{{topicIdPartition={}, id={}}}",
        topic_partition(id),
        uuid(id, "id")
    )
}

fn topic_partition(body: &Struct<'_>) -> String {
    let Some(topic) = body.structure("topicIdPartition") else {
        return String::new();
    };
    format!(
        "{}:{}-{}",
        uuid(topic, "id"),
        topic.text("name").unwrap_or_default(),
        topic.int("partition").unwrap_or_default()
    )
}

fn uuid(body: &Struct<'_>, name: &str) -> String {
    let mut text = Vec::new();
    if let Some(uuid) = body.uuid(name) {
        write_uuid(uuid, &mut text);
    }
    String::from_utf8(text).unwrap_or_default()
}

/// Sorted by epoch; of two entries for one epoch the last is used.
fn leader_epochs(body: &Struct<'_>) -> Result<String, String> {
    let epochs: std::collections::BTreeMap<i64, i64> = body
        .structures("segmentLeaderEpochs")
        .filter_map(|entry| Some((entry.int("leaderEpoch")?, entry.int("offset")?)))
        .collect();
    if epochs.is_empty() {
        return Err("segmentLeaderEpochs can not be null or empty".to_owned());
    }
    let entries: Vec<String> = epochs
        .into_iter()
        .map(|(epoch, offset)| format!("{epoch}={offset}"))
        .collect();
    Ok(format!("{{{}}}", entries.join(", ")))
}

fn custom_metadata(body: &Struct<'_>) -> String {
    body.bytes("customMetadata").map_or_else(
        || "Optional.empty".to_owned(),
        |bytes| format!("Optional[CustomMetadata{{{} bytes}}]", bytes.len()),
    )
}

fn state(body: &Struct<'_>) -> Result<&'static str, String> {
    body.int("remoteLogSegmentState")
        .and_then(segment_state)
        .ok_or_else(|| "state can not be null".to_owned())
}

fn transaction_index(body: &Struct<'_>, release: Release) -> String {
    if release < TRANSACTION_INDEX {
        return String::new();
    }
    let is_empty = body.get("txnIndexEmpty") == Some(&Value::Bool(true));
    format!(", txnIdxEmpty={is_empty}")
}
