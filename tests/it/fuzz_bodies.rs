//! What must hold for any bytes. The fuzzer runs these (see `tests/fuzz/`), and so do tests, on inputs by seed.

use std::ops::Range;
use std::path::Path;

use kseg::decode::avro::Schema;

use kseg::decode::{Decoder, EntryPart, protobuf};
use kseg::format::control::{ControlType, coordinator_epoch};
use kseg::format::{
    Batch, LeaderEpochs, Limits, MetaProperties, OffsetIndex, PartitionMetadata, ProducerSnapshot,
    Properties, QuorumState, Scratch, TimeIndex, TxnIndex, checkpoint, clean_shutdown,
    remote_snapshot,
};
use kseg::scan::{Event, GapKind, Policy, Walk};
use kseg::store::{LogFile, Source};
use kseg::verify::{Options, Subject, verify_log};
use kseg::wire::Offset;

pub(crate) const POLICIES: [Policy; 4] = [
    Policy::Trust,
    Policy::Resume,
    Policy::Verify,
    Policy::Salvage,
];

/// The most bytes that a batch may unpack to here.
pub(crate) const INFLATED_BYTES: usize = 8 << 20;

/// Windows of sizes that fit nothing.
const STEPS: [usize; 4] = [1, 61, 1_021, 4_099];

/// An event without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Frame(Range<u64>),
    Gap(Vec<(Range<u64>, GapKind)>),
}

/// The events of any bytes tile them, and are the same seen whole and through windows.
pub(crate) fn walk(bytes: &[u8]) {
    for policy in POLICIES {
        let whole = pieces(bytes, policy);
        for step in STEPS {
            let windowed = pieces_through(bytes, policy, step);
            assert!(
                whole == windowed,
                "{policy:?}, windows of {step}:\n{whole:?}\n{windowed:?}"
            );
        }
    }
}

/// Whatever a `.log` holds is verified: every byte of it is accounted for, and every finding lies in it.
pub(crate) fn verify(bytes: &[u8]) {
    let log = LogFile::Whole(Source::from(bytes.to_vec()));
    let subject = Subject {
        base_offset: Some(Offset::new(0)),
        ..Subject::at(Path::new("t-0/00000000000000000000.log"))
    };
    let options = Options {
        limits: Limits::inflating(INFLATED_BYTES),
        now_ms: Some(1_800_000_000_000),
        ..Options::default()
    };
    let outcome = verify_log(&log, &subject, &options).expect("bytes in memory");
    assert_eq!(outcome.coverage.accounted_bytes(), bytes.len() as u64);
    for finding in outcome.findings.kept() {
        assert!(finding.position.is_none_or(|at| at <= bytes.len() as u64));
    }
}

/// Every file beside a log is parsed.
pub(crate) fn small_files(bytes: &[u8]) {
    let base = Offset::new(0);
    let _entry = OffsetIndex::new(bytes, base).lookup(Offset::new(7));
    let _sound = OffsetIndex::new(bytes, base).check();
    let _sound = TimeIndex::new(bytes, base).check();
    let _sound = TxnIndex::new(bytes).check(base);
    if let Ok(snapshot) = ProducerSnapshot::parse(bytes) {
        let _sound = (snapshot.check(), snapshot.check_crc());
        assert!(snapshot.entries().count() <= bytes.len());
    }
    let epochs = LeaderEpochs::parse(bytes).entries;
    assert!(epochs.len() <= bytes.len());
    let _parsed = (
        MetaProperties::of(&Properties::parse(bytes)),
        PartitionMetadata::parse(bytes),
        QuorumState::parse(bytes),
    );
    let _parsed = (
        checkpoint::OffsetCheckpoint::parse(bytes),
        checkpoint::OffsetCheckpoint::parse_without_topic(bytes),
        clean_shutdown::CleanShutdown::parse(bytes),
    );
    let _parsed = remote_snapshot::RemoteSnapshot::parse(bytes);
}

/// Keys and values are decoded as those of every topic, and as what schema registries know; what comes out is UTF-8.
pub(crate) fn decoders(bytes: &[u8]) {
    let (key, value) = bytes.split_at(bytes.len() / 3);
    let mut json = Vec::new();
    for decoder in [
        Decoder::Offsets,
        Decoder::Transactions,
        Decoder::ClusterMetadata,
        Decoder::RemoteLogMetadata,
        Decoder::ShareState,
    ] {
        let entry = decoder.decode(Some(key), Some(value));
        for part in [entry.key, entry.value] {
            if let EntryPart::Decoded(decoded) = part {
                decoded.body.write_json(&mut json);
            }
        }
    }
    let _read = protobuf::write_json(value, &mut json);
    assert!(std::str::from_utf8(&json).is_ok());
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(schema) = Schema::parse(text, &[])
    {
        let _read = schema.write_json(bytes, &mut json);
    }
}

/// Everything that can be read is read: headers, checksums, records, record headers, markers. Returns how many records.
pub(crate) fn records(bytes: &[u8]) -> usize {
    let limits = Limits::inflating(INFLATED_BYTES);
    let mut scratch = Scratch::with_limits(limits);
    let mut count = 0;
    for policy in [Policy::Trust, Policy::Salvage] {
        for event in Walk::new(bytes, policy) {
            match event {
                Event::Batch(batch) => count += records_of(&batch, &mut scratch),
                Event::Malformed(_, fault) => assert!(!fault.to_string().is_empty()),
                Event::Gap(gap) => assert!(!gap.kind().to_string().is_empty()),
            }
        }
    }
    count
}

/// What any codec makes of any payload is bounded, and its records are read.
pub(crate) fn codecs(bytes: &[u8]) {
    let Some((count, payload)) = bytes.split_first() else {
        return;
    };
    let limits = Limits::inflating(INFLATED_BYTES);
    for codec in 0..8 {
        let size = i32::try_from(49 + payload.len()).expect("a small input");
        let mut batch = vec![0; 8];
        batch.extend(size.to_be_bytes());
        // Leader epoch, magic, checksum, and attributes with the codec.
        batch.extend([0, 0, 0, 0, 2, 0, 0, 0, 0, 0, codec]);
        batch.extend([0, 0, 0, *count]);
        batch.extend([0; 30]);
        batch.extend([0, 0, 0, *count]);
        batch.extend(payload);
        for event in Walk::new(&batch, Policy::Trust) {
            if let Event::Batch(batch) = event {
                records_of(&batch, &mut Scratch::with_limits(limits));
            }
        }
    }
}

fn records_of(batch: &Batch<'_>, scratch: &mut Scratch) -> usize {
    let _sound = batch.check_crc();
    let Ok(records) = batch.records(scratch) else {
        return 0;
    };
    let mut count = 0;
    for record in records {
        let Ok(record) = record else { continue };
        count += 1;
        let of_headers = record
            .headers()
            .map(|header| header.key.len() + header.value.map_or(0, <[u8]>::len));
        let held = [record.key(), record.value()]
            .into_iter()
            .flatten()
            .map(<[u8]>::len);
        let bytes: usize = of_headers.chain(held).sum();
        assert!(bytes <= INFLATED_BYTES.max(batch.size_bytes()));
        if batch.is_control() {
            let _kind = ControlType::parse(record.key());
            let _epoch = coordinator_epoch(record.value());
        }
    }
    count
}

/// The pieces of bytes seen whole.
pub(crate) fn pieces(bytes: &[u8], policy: Policy) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    for event in Walk::new(bytes, policy) {
        pieces.push(&event);
    }
    pieces.end(bytes)
}

/// The pieces of bytes seen through windows of `step` bytes, or of as many as the walk asks for.
pub(crate) fn pieces_through(bytes: &[u8], policy: Policy, step: usize) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let end = bytes.len() as u64;
    let mut walk = Walk::new(&[], policy).resume(&[], end);
    let mut wanted = 0;
    loop {
        let rest = usize::try_from(walk.reached())
            .ok()
            .and_then(|at| bytes.get(at..))
            .unwrap_or_default();
        let window = rest.get(..step.max(wanted)).unwrap_or(rest);
        let before = walk.reached();
        let mut here = walk.resume(window, end);
        for event in &mut here {
            pieces.push(&event);
        }
        let Some(more) = here.wanted() else { break };
        assert!(
            here.reached() > before || more > window.len(),
            "no step forward at {}",
            here.reached()
        );
        wanted = more;
        walk = here.resume(&[], end);
    }
    pieces.end(bytes)
}

/// Events so far, and where the last one ended.
#[derive(Default)]
struct Pieces {
    pieces: Vec<Piece>,
    reached: u64,
}

impl Pieces {
    fn push(&mut self, event: &Event<'_>) {
        let range = event.range();
        assert_eq!(range.start, self.reached, "a hole or an overlap");
        assert!(range.start < range.end, "nothing at {}", range.start);
        self.reached = range.end;
        let Event::Gap(gap) = event else {
            return self.pieces.push(Piece::Frame(range));
        };
        let is_second = matches!(self.pieces.last(), Some(Piece::Gap(_)));
        assert!(!is_second, "two gaps that touch at {}", range.start);
        let mut reached = range.start;
        for part in gap.parts() {
            assert!(part.range.start == reached && reached < part.range.end);
            reached = part.range.end;
        }
        assert_eq!(reached, range.end, "the parts tile the gap");
        let parts = gap.parts().map(|part| (part.range.clone(), part.kind));
        self.pieces.push(Piece::Gap(parts.collect()));
    }

    fn end(self, bytes: &[u8]) -> Vec<Piece> {
        assert_eq!(self.reached, bytes.len() as u64, "the end is not covered");
        self.pieces
    }
}
