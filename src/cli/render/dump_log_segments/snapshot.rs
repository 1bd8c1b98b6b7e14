//! The lines of producer snapshots, and each release's message for an invalid one.

use kseg::format::ProducerSnapshot;
use kseg::format::producer_snapshot::{ENTRY_BYTES, HEADER_BYTES, KNOWN_VERSION, ProducerState};
use kseg::wire::Release;

use crate::cli::render::Push;

/// The line of a producer.
pub(crate) fn push_producer(line: &mut Vec<u8>, release: Release, producer: ProducerState<'_>) {
    let since = |major, minor, patch| release.since(Release::new(major, minor, patch));
    line.text("producerId: ").int(producer.producer_id().get());
    line.text(" producerEpoch: ").int(producer.producer_epoch());
    if !since(1, 0, 0) {
        line.text(" lastSequence: ").int(producer.last_sequence());
        line.text(" lastOffset: ").int(producer.last_offset().get());
        line.text(" offsetDelta: ")
            .int(producer.offset_delta().get());
        line.text(" lastTimestamp: ")
            .int(producer.timestamp().get());
    }
    line.text(" coordinatorEpoch: ")
        .int(producer.coordinator_epoch());
    line.text(" currentTxnFirstOffset: ");
    push_option(line, release, producer.txn_first_offset().get());
    if since(3, 1, 0) {
        line.text(" lastTimestamp: ")
            .int(producer.timestamp().get());
    }
    let has_batch = producer.last_offset().get() >= 0;
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
    line.text(" lastOffset: ").int(producer.last_offset().get());
    line.text(" offsetDelta: ")
        .int(producer.offset_delta().get());
    line.text(" timestamp: ").int(producer.timestamp().get());
}

/// Writes the batches like 1.0.0 and 1.0.1: the text of a Scala queue of Scala objects.
fn push_queue(line: &mut Vec<u8>, producer: ProducerState<'_>, has_batch: bool) {
    line.text("Queue(");
    if has_batch {
        let first_offset = producer
            .last_offset()
            .get()
            .wrapping_sub(i64::from(producer.offset_delta().get()));
        line.text("BatchMetadata(firstSeq=")
            .int(producer.first_sequence());
        line.text(", lastSeq=").int(producer.last_sequence());
        line.text(", firstOffset=").int(first_offset);
        line.text(", lastOffset=").int(producer.last_offset().get());
        line.text(", timestamp=").int(producer.timestamp().get());
        line.text(")");
    }
    line.text(")");
}

/// Returns the release's message for the snapshot in `bytes`, if it is invalid.
pub(crate) fn disbelief(release: Release, bytes: &[u8]) -> Option<String> {
    // From 4.0 on the readers are generated from a schema file; before, they used a schema object.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A snapshot of one producer, with or without a batch, its checksum 0.
    fn snapshot(last_offset: i64, txn_first_offset: i64) -> Vec<u8> {
        [
            &[0, 1, 0, 0, 0, 0, 0, 0, 0, 1][..],
            &7_i64.to_be_bytes(),
            &3_i16.to_be_bytes(),
            &1_i32.to_be_bytes(),
            &last_offset.to_be_bytes(),
            &4_i32.to_be_bytes(),
            &50_i64.to_be_bytes(),
            &2_i32.to_be_bytes(),
            &txn_first_offset.to_be_bytes(),
        ]
        .concat()
    }

    fn line(release: Release, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        for producer in ProducerSnapshot::parse(bytes).unwrap().entries() {
            push_producer(&mut out, release, producer);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_release_has_its_line() {
        let batch =
            "firstSequence: 2147483645 lastSequence: 1 lastOffset: 20 offsetDelta: 4 timestamp: 50";
        let head = "producerId: 7 producerEpoch: 3";
        let full = snapshot(20, 16);
        for (release, expected) in [
            (
                Release::old(11, 0, 3),
                format!(
                    "{head} lastSequence: 1 lastOffset: 20 offsetDelta: 4 lastTimestamp: 50 coordinatorEpoch: 2 currentTxnFirstOffset: Some(16)"
                ),
            ),
            (
                Release::new(1, 0, 2),
                format!("{head} coordinatorEpoch: 2 currentTxnFirstOffset: Some(16) {batch}"),
            ),
            (
                Release::new(3, 1, 0),
                format!(
                    "{head} coordinatorEpoch: 2 currentTxnFirstOffset: Some(16) lastTimestamp: 50 {batch}"
                ),
            ),
            (
                Release::new(3, 5, 0),
                format!(
                    "{head} coordinatorEpoch: 2 currentTxnFirstOffset: OptionalLong[16] lastTimestamp: 50 {batch}"
                ),
            ),
        ] {
            assert_eq!(line(release, &full), format!("{expected}\n"));
        }
        let bare = snapshot(-1, -1);
        let end = "coordinatorEpoch: 2 currentTxnFirstOffset: OptionalLong.empty lastTimestamp: 50";
        assert_eq!(
            line(Release::new(4, 2, 1), &bare),
            format!("{head} {end} \n")
        );
        assert_eq!(
            line(Release::new(4, 3, 1), &bare),
            format!("{head} {end}\n")
        );
    }

    #[test]
    fn each_release_has_its_words_for_damage() {
        let reported = |release: Release, change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = snapshot(20, 16);
            change(&mut bytes);
            disbelief(release, &bytes).unwrap()
        };
        let (old, new) = (Release::new(3, 9, 1), Release::new(4, 0, 0));
        let cut = |bytes: &mut Vec<u8>| bytes.truncate(15);
        let field = "Error reading field 'producer_entries': Error reading field 'producer_id': java.nio.BufferUnderflowException";
        assert_eq!(reported(old, &cut), format!("{INVALID}{field}"));
        assert_eq!(reported(new, &cut), format!("{INVALID}null"));
        let version = |bytes: &mut Vec<u8>| bytes[1] = 9;
        let unknown = "Snapshot contained an unknown file version 9";
        assert_eq!(reported(old, &version), unknown);
        assert_eq!(reported(new, &version), format!("{INVALID}{unknown}"));
        let crc = reported(new, &|_| ());
        assert!(crc.starts_with(
            "Snapshot is corrupt (CRC is no longer valid). Stored crc: 0. Computed crc: "
        ));
        assert_eq!(reported(old, &|_| ()), crc);
        let many = |bytes: &mut Vec<u8>| bytes[6] = 0x7f;
        let left = "Tried to allocate a collection of size 2130706433, but there are only 46 bytes remaining.";
        assert_eq!(reported(new, &many), format!("{INVALID}{left}"));
    }

    #[test]
    fn of_any_bytes_something_can_be_said() {
        for length in 0..120_u8 {
            let bytes: Vec<u8> = (0..length).map(|n| n.wrapping_mul(37)).collect();
            for release in [Release::old(11, 0, 0), Release::new(4, 3, 1)] {
                assert!(disbelief(release, &bytes).is_some());
            }
        }
    }
}
