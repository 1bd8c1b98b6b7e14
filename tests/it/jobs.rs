//! The same at any number of threads, of files whole and through windows, whatever is at the cuts.

use std::num::NonZero;
use std::ops::ControlFlow;

use kseg::format::{Limits, Scratch};
use kseg::scan::{
    Event, Jobs, Merge, Output, PieceVisitor, Policy, RenderedChunk, ScanOptions, Visitor, scan,
};
use kseg::store::{LogFile, Source, Stream};

use crate::forge::damage::{flip, overwrite, zero};
use crate::forge::random::Rng;
use crate::forge::{BatchSpec, Codec, Frame, Rec, field, random_segment};
use crate::fuzz_bodies::POLICIES;
use crate::temp::Temp;

/// Where a file is cut for its threads.
const PIECE_BYTES: usize = 1 << 20;
/// Pieces of a file, about.
const PIECES: usize = 3;

/// Tells every event and record.
#[derive(Debug, Default)]
struct Teller(Told);

/// What was told, in file order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    frames: Vec<u64>,
    gaps: Vec<(u64, u64)>,
    records: usize,
    content: u64,
}

impl Merge for Told {
    fn merge(&mut self, next: Self) {
        self.frames.extend(next.frames);
        self.gaps.extend(next.gaps);
        self.records += next.records;
        self.content = self.content.wrapping_add(next.content);
    }
}

impl Visitor for Teller {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let range = event.range();
        let batch = match event {
            Event::Batch(batch) => batch,
            Event::Malformed(frame, fault) => {
                // Kafka reads a header even of an entry that is shorter, beyond its end.
                let header = frame.window().get(..field::RECORDS).map(crc);
                let line = format!("{range:?} {header:?} {fault}\n");
                out.text().extend(line.bytes());
                self.0.frames.push(range.start);
                return ControlFlow::Continue(());
            }
            Event::Gap(gap) => {
                out.notes().extend(format!("{gap:?}\n").bytes());
                self.0.gaps.push((range.start, range.end));
                return ControlFlow::Continue(());
            }
        };
        self.0.frames.push(range.start);
        let line = format!("{range:?} {}\n", batch.offset());
        out.text().extend(line.bytes());
        let Ok(records) = batch.records(scratch) else {
            return ControlFlow::Continue(());
        };
        for record in records {
            let Ok(record) = record else { break };
            self.0.records += 1;
            let lengths = u64::from(record.value_size().cast_unsigned()) << 20;
            let offset = record.offset().get().cast_unsigned();
            self.0.content = self.0.content.wrapping_add(offset ^ lengths);
            out.text()
                .extend(format!("  {}\n", record.offset()).bytes());
            out.poll()?;
        }
        ControlFlow::Continue(())
    }
}

impl PieceVisitor for Teller {
    type Piece = Told;

    fn end(self) -> Told {
        self.0
    }
}

fn crc(bytes: &[u8]) -> u32 {
    crate::forge::bytes::crc32(bytes)
}

/// Text, notes and fold of a scan.
fn told(log: &LogFile, policy: Policy, end: u64, threads: usize) -> (Vec<u8>, Vec<u8>, Told) {
    let options = ScanOptions {
        policy,
        end,
        jobs: Jobs::new(NonZero::new(threads).expect("a thread")),
        limits: Limits::default(),
        start: 0,
    };
    let (mut text, mut notes) = (Vec::new(), Vec::new());
    let mut sink = |chunk: RenderedChunk| {
        text.extend_from_slice(&chunk.text);
        notes.extend(chunk.notes);
        ControlFlow::Continue(())
    };
    let fold = scan(log, options, Teller::default, &mut sink).expect("a readable file");
    (text, notes, fold)
}

#[track_caller]
fn assert_same(bytes: &[u8], policies: &[Policy], ends: &[u64]) {
    let temp = Temp::new();
    let path = temp.file("00000000000000000000.log", bytes);
    let whole = LogFile::Whole(Source::read(&path).expect("a file of ours"));
    let windowed = LogFile::Windowed(Stream::open(&path).expect("a file of ours"));
    for &policy in policies {
        for &end in ends {
            let one = told(&whole, policy, end, 1);
            let covered = one.2.frames.len() + one.2.gaps.len();
            assert!(covered > 0, "nothing to compare");
            for (how, log, threads) in [
                ("whole", &whole, 8),
                ("windowed", &windowed, 1),
                ("windowed", &windowed, 8),
                ("windowed", &windowed, 2),
            ] {
                let other = told(log, policy, end, threads);
                let what = format!("{policy:?} to {end}, {how}, {threads} threads");
                assert_eq!(
                    String::from_utf8_lossy(&other.1),
                    String::from_utf8_lossy(&one.1),
                    "{what}"
                );
                assert_eq!(other.2.gaps, one.2.gaps, "{what}");
                let (text, expected) =
                    (other.0.split(|&b| b == b'\n'), one.0.split(|&b| b == b'\n'));
                for (line, expected) in text.zip(expected) {
                    let show = String::from_utf8_lossy;
                    assert_eq!(show(line), show(expected), "{what}");
                }
                assert!(other == one, "{what}: {:?}, {:?}", other.2, one.2);
            }
        }
    }
}

/// Batches of noise one after the other, of up to `most` bytes a value.
fn batches(seed: u64, most: u16, bytes: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let (mut out, mut offset) = (Vec::new(), 0);
    while out.len() < bytes {
        let words = usize::from(rng.below(most)) / 8;
        let value: Vec<u8> = (0..words).flat_map(|_| rng.next().to_be_bytes()).collect();
        let batch = BatchSpec::at(offset).then(Rec::new(Some(b"k"), Some(&value)));
        out.extend(batch.then(Rec::new(None, None)).bytes());
        offset += 2;
    }
    out
}

#[test]
fn a_sound_log_of_every_kind_of_frame() {
    let mut bytes = Vec::new();
    for seed in 0.. {
        if bytes.len() > PIECES * PIECE_BYTES {
            break;
        }
        bytes.extend(random_segment(seed).bytes);
    }
    let middle = bytes.len() as u64 / 2;
    let cuts = [u64::MAX, middle, middle + 33, PIECE_BYTES as u64];
    assert_same(&bytes, &[Policy::Trust], &cuts);
    assert_same(&bytes, &[Policy::Salvage], &cuts[..1]);
}

#[test]
fn damage_before_behind_and_across_the_cuts() {
    let sound = batches(1, 20_000, PIECES * PIECE_BYTES);
    let frames = starts(&sound);
    for seed in 0..4 {
        let mut rng = Rng::new(seed);
        let mut bytes = sound.clone();
        for cut in 1..PIECES {
            let cut = cut * PIECE_BYTES;
            match (seed + cut as u64) % 4 {
                0 => zero(&mut bytes, cut - 700..cut + 20_000),
                1 => zero(&mut bytes, cut - 200_000..cut + 300_000),
                2 => (cut - 5..cut + 5).for_each(|at| flip(&mut bytes, at)),
                _ => {
                    let noise: Vec<u8> =
                        (0..50_000).flat_map(|_| rng.next().to_be_bytes()).collect();
                    overwrite(&mut bytes, cut - 100_000, &noise);
                }
            }
        }
        for _ in 0..3 {
            let at = rng.pick(&frames) + field::LENGTH;
            overwrite(
                &mut bytes,
                at,
                &rng.pick(&[-1, 13, 1_i32 << 30]).to_be_bytes(),
            );
        }
        assert_same(&bytes, &POLICIES, &[u64::MAX]);
        assert_same(&bytes, &[Policy::Salvage], &[(PIECE_BYTES + 77) as u64]);
    }
}

/// Where the frames begin, as far as their sizes can be trusted.
fn starts(bytes: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(size) = bytes
        .get(at + field::LENGTH..)
        .and_then(|rest| rest.first_chunk())
    {
        starts.push(at);
        at += field::LOG_OVERHEAD + usize::try_from(i32::from_be_bytes(*size)).expect("a size");
    }
    starts
}

#[test]
fn batches_larger_than_a_piece() {
    let noise: Vec<u8> = batches(2, 60_000, 2 * PIECE_BYTES + 4_321);
    let huge = |offset, codec| {
        let record = Rec::new(None, Some(&noise));
        BatchSpec::at(offset).codec(codec).then(record).bytes()
    };
    let small = batches(3, 1_000, 10_000);
    let bytes = [
        &small[..],
        &huge(500, Codec::None),
        &small,
        &huge(900, Codec::LZ4),
        &small,
    ]
    .concat();
    assert_same(
        &bytes,
        &[Policy::Trust, Policy::Verify],
        &[u64::MAX, 3 << 20],
    );
    // What it held is found once it is lost itself.
    let mut lost = bytes;
    flip(&mut lost, small.len() + field::CRC);
    assert_same(&lost, &[Policy::Salvage, Policy::Resume], &[u64::MAX]);
}

/// A piece that begins inside a value takes what it finds there for batches, and is done again.
#[test]
fn values_that_hold_batches() {
    let inside = batches(4, 3_000, 700_000);
    let mut bytes = Vec::new();
    for offset in 0..5 {
        let record = Rec::new(Some(b"backup"), Some(&inside));
        bytes.extend(BatchSpec::at(offset).then(record).bytes());
    }
    assert_same(&bytes, &POLICIES, &[u64::MAX]);
    let last = bytes.len() - 1;
    flip(&mut bytes, last);
    flip(&mut bytes, 800_000);
    assert_same(&bytes, &POLICIES, &[u64::MAX]);
}

#[test]
fn nothing_but_zeros_noise_or_a_torn_end() {
    let mut rng = Rng::new(9);
    let zeros = vec![0; 2 * PIECE_BYTES + 100];
    assert_same(&zeros, &POLICIES, &[u64::MAX, PIECE_BYTES as u64]);
    let noise: Vec<u8> = (0..PIECE_BYTES / 4)
        .flat_map(|_| rng.next().to_be_bytes())
        .collect();
    assert_same(&noise, &POLICIES, &[u64::MAX]);
    let sound = batches(5, 50_000, PIECE_BYTES);
    for tail in [&zeros[..], &noise] {
        let bytes = [&sound, tail].concat();
        assert_same(&bytes, &[Policy::Resume, Policy::Salvage], &[u64::MAX]);
    }
    let torn = &sound[..sound.len() - 1_000];
    assert_same(torn, &POLICIES, &[u64::MAX]);
}

/// A frame of the least size shows the header that follows from the bytes behind it, and `end` does not hide them.
#[test]
fn the_least_of_frames_at_the_end_of_what_counts() {
    let mut least = vec![0; 26];
    overwrite(&mut least, field::LENGTH, &14_i32.to_be_bytes());
    overwrite(&mut least, field::MAGIC, &[2]);
    let sound = batches(6, 30_000, PIECE_BYTES + 5_000);
    let bytes = [&sound[..], &least, &least, &sound].concat();
    let first = sound.len() as u64 + 26;
    assert_same(
        &bytes,
        &[Policy::Trust],
        &[first, first + 3, first + 26, u64::MAX],
    );
}

#[test]
fn a_sink_that_is_full_ends_the_scan() {
    let bytes = batches(7, 100, 2 * PIECE_BYTES);
    let temp = Temp::new();
    let path = temp.file("00000000000000000000.log", &bytes);
    let log = LogFile::Windowed(Stream::open(&path).expect("a file of ours"));
    for threads in [1, 8] {
        let options = ScanOptions {
            policy: Policy::Trust,
            end: u64::MAX,
            jobs: Jobs::new(NonZero::new(threads).expect("a thread")),
            limits: Limits::default(),
            start: 0,
        };
        let mut chunks = 0;
        let mut sink = |_: RenderedChunk| {
            chunks += 1;
            ControlFlow::Break(())
        };
        let fold = scan(&log, options, Teller::default, &mut sink).expect("a readable file");
        assert!(chunks <= 2, "{chunks}");
        assert!(
            fold.frames.len() < starts(&bytes).len(),
            "{threads} threads"
        );
    }
}
