//! The lines of producer snapshots, and what each release says of one that it cannot believe.

use kseg::format::ProducerSnapshot;
use kseg::format::producer_snapshot::{ENTRY_BYTES, HEADER_BYTES, KNOWN_VERSION, ProducerState};
use kseg::wire::Release;

use crate::cli::render::Push;

/// The line of a producer.
pub(crate) fn push_producer(line: &mut Vec<u8>, release: Release, producer: ProducerState<'_>) {
    let since = |major, minor, patch| release.since(Release::new(major, minor, patch));
    line.text("producerId: ").int(producer.producer_id().0);
    line.text(" producerEpoch: ").int(producer.producer_epoch());
    if !since(1, 0, 0) {
        line.text(" lastSequence: ").int(producer.last_sequence());
        line.text(" lastOffset: ").int(producer.last_offset().0);
        line.text(" offsetDelta: ").int(producer.offset_delta().0);
        line.text(" lastTimestamp: ").int(producer.timestamp().0);
    }
    line.text(" coordinatorEpoch: ")
        .int(producer.coordinator_epoch());
    line.text(" currentTxnFirstOffset: ");
    push_option(line, release, producer.txn_first_offset().0);
    if since(3, 1, 0) {
        line.text(" lastTimestamp: ").int(producer.timestamp().0);
    }
    let has_batch = producer.last_offset().0 >= 0;
    if since(1, 0, 2) {
        if has_batch || !since(4, 3, 0) {
            line.text(" ");
        }
        if has_batch {
            push_batch(line, producer);
        }
    } else if since(1, 0, 0) {
        line.text(" cachedMetadata: ");
        push_queue(line, producer, has_batch);
    }
    line.text("\n");
}

fn push_option(line: &mut Vec<u8>, release: Release, value: i64) {
    let java = release.since(Release::new(3, 5, 0));
    match (java, value < 0) {
        (true, true) => drop(line.text("OptionalLong.empty")),
        (true, false) => drop(line.text("OptionalLong[").int(value).text("]")),
        (false, true) => drop(line.text("None")),
        (false, false) => drop(line.text("Some(").int(value).text(")")),
    }
}

fn push_batch(line: &mut Vec<u8>, producer: ProducerState<'_>) {
    line.text("firstSequence: ").int(producer.first_sequence());
    line.text(" lastSequence: ").int(producer.last_sequence());
    line.text(" lastOffset: ").int(producer.last_offset().0);
    line.text(" offsetDelta: ").int(producer.offset_delta().0);
    line.text(" timestamp: ").int(producer.timestamp().0);
}

/// What 1.0.0 and 1.0.1 show of the batches: the text of a Scala queue of Scala objects.
fn push_queue(line: &mut Vec<u8>, producer: ProducerState<'_>, has_batch: bool) {
    line.text("Queue(");
    if has_batch {
        let first_offset = producer
            .last_offset()
            .0
            .wrapping_sub(i64::from(producer.offset_delta().0));
        line.text("BatchMetadata(firstSeq=")
            .int(producer.first_sequence());
        line.text(", lastSeq=").int(producer.last_sequence());
        line.text(", firstOffset=").int(first_offset);
        line.text(", lastOffset=").int(producer.last_offset().0);
        line.text(", timestamp=").int(producer.timestamp().0);
        line.text(")");
    }
    line.text(")");
}

/// What the release says of the snapshot in `bytes`, if it does not believe it.
pub(crate) fn disbelief(release: Release, bytes: &[u8]) -> Option<String> {
    // The readers were generated from a schema file from 4.0 on, and walked a schema object before.
    let schema = if release.since(Release::new(4, 0, 0)) {
        generated(bytes)
    } else {
        walked(bytes)
    };
    if let Some(detail) = schema {
        return Some(detail);
    }
    let snapshot = ProducerSnapshot::parse(bytes).ok()?;
    let (stored, computed) = (snapshot.stored_crc(), snapshot.actual_crc());
    (stored != computed).then(|| {
        format!(
            "Snapshot is corrupt (CRC is no longer valid). Stored crc: {stored}. Computed crc: {computed}"
        )
    })
}

const INVALID: &str = "Snapshot failed schema validation: ";

fn generated(bytes: &[u8]) -> Option<String> {
    let version = bytes
        .first_chunk()
        .map(|version| i16::from_be_bytes(*version));
    let detail = match (version, ProducerSnapshot::parse(bytes)) {
        (Some(version), _) if version != KNOWN_VERSION => {
            format!("Snapshot contained an unknown file version {version}")
        }
        (_, Err(_)) => "null".into(),
        (_, Ok(snapshot)) => {
            let (count, left) = (snapshot.declared_len(), snapshot.body_bytes());
            match usize::try_from(count) {
                Err(_) => "non-nullable field producerEntries was serialized as null".into(),
                Ok(count) if count > left => format!(
                    "Tried to allocate a collection of size {count}, but there are only {left} bytes remaining."
                ),
                Ok(count) if count > snapshot.len() => "null".into(),
                Ok(_) => return None,
            }
        }
    };
    Some(format!("{INVALID}{detail}"))
}

/// The fields of an entry with their sizes.
const FIELDS: [(&str, usize); 8] = [
    ("producer_id", 8),
    ("epoch", 2),
    ("last_sequence", 4),
    ("last_offset", 8),
    ("offset_delta", 4),
    ("timestamp", 8),
    ("coordinator_epoch", 4),
    ("current_txn_first_offset", 8),
];

fn walked(bytes: &[u8]) -> Option<String> {
    const UNDERFLOW: &str = "java.nio.BufferUnderflowException";
    let Ok(snapshot) = ProducerSnapshot::parse(bytes) else {
        let field = match bytes.len() {
            0..2 => "version",
            2..6 => "crc",
            _ => "producer_entries",
        };
        debug_assert!(bytes.len() < HEADER_BYTES);
        return Some(format!(
            "{INVALID}Error reading field '{field}': {UNDERFLOW}"
        ));
    };
    let (count, left) = (snapshot.declared_len(), snapshot.body_bytes());
    let detail = match usize::try_from(count) {
        Err(_) => format!("Array size {count} cannot be negative"),
        Ok(count) if count > left => {
            format!("Error reading array of size {count}, only {left} bytes available")
        }
        Ok(count) if count > snapshot.len() => {
            let mut cut = left % ENTRY_BYTES;
            let field = FIELDS
                .iter()
                .find(|(_, size)| match cut.checked_sub(*size) {
                    Some(rest) => {
                        cut = rest;
                        false
                    }
                    None => true,
                });
            let field = field.map_or("producer_id", |(name, _)| name);
            format!("Error reading field '{field}': {UNDERFLOW}")
        }
        Ok(_) => {
            let version = snapshot.version();
            return (version != KNOWN_VERSION)
                .then(|| format!("Snapshot contained an unknown file version {version}"));
        }
    };
    Some(format!(
        "{INVALID}Error reading field 'producer_entries': {detail}"
    ))
}
