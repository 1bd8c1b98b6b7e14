//! What holds for any bytes and for any segment, tried on inputs by seed: spans tile, damage is survived, and what was
//! forged is read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kseg::format::{Record, Scratch};
use kseg::scan::{Event, Policy, Walk};

use crate::alloc::peak_of;
use crate::forge::damage::{cut, flip, overwrite, zero};
use crate::forge::random::Rng;
use crate::forge::{
    BatchSpec, Expected, Forged, Frame, Message, Rec, Wrapper, field, random_segment,
};
use crate::framings::every_codec;
use crate::fuzz_bodies::{self, INFLATED_BYTES, Piece};
use crate::fuzz_log_dir;

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

/// Segments forged and read again.
const FORGED: u64 = 150;
/// Rows of random bytes that are walked.
const NOISES: u64 = 200;
/// Inputs of which each body of the fuzzer makes what it can.
const INPUTS: u64 = 300;
/// Forged segments that are broken and walked.
const BROKEN: u64 = 60;
/// Forged segments in whose middle something is lost.
const LOST: u64 = 80;
/// Of how many bytes each captured segment has one changed, and at how many places it is cut; of small ones all.
const CHANGES: u64 = 6;
const SMALL_BYTES: usize = 160;
/// At least so many captured segments are there.
const SEGMENTS_AT_LEAST: usize = 500;
/// Bytes without a segment in them.
const DESERT_BYTES: usize = 64 << 20;

/// The most memory that reading a segment of any content takes beside what a batch may unpack to: the old buffer and the
/// new one while the buffer grows, the state of a codec, the text of a fault.
const MEMORY_BYTES: usize = 2 * INFLATED_BYTES + (1 << 20);

/// Runs `work` for each of the first `n` numbers, on as many threads as there are cores.
fn for_each(n: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed) as u64;
                    if nth >= n {
                        break;
                    }
                    work(nth);
                }
            });
        }
    });
}

/// A number below `n`, which may be large.
fn below(rng: &mut Rng, n: usize) -> usize {
    let n = u64::try_from(n).expect("a size").max(1);
    usize::try_from(rng.next() % n).expect("below n")
}

fn noise(rng: &mut Rng, bytes: usize) -> Vec<u8> {
    let words = (0..bytes.div_ceil(8)).flat_map(|_| rng.next().to_be_bytes());
    words.take(bytes).collect()
}

/// Some damage or other.
fn damaged(mut bytes: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    for _ in 0..=rng.below(4) {
        let at = below(rng, bytes.len());
        let length = below(rng, 300).min(bytes.len() - at);
        match rng.below(8) {
            0 => cut(&mut bytes, at),
            1 => zero(&mut bytes, at..at + length),
            2 => overwrite(&mut bytes, at, &noise(rng, length)),
            3 => drop(bytes.drain(at..at + length)),
            4 => bytes.extend(vec![0; below(rng, 300)]),
            5 => {
                let more = below(rng, 30);
                bytes.extend(noise(rng, more));
            }
            6 => {
                let zeros = vec![0; length];
                bytes.splice(at..at, zeros);
            }
            _ if bytes.is_empty() => {}
            _ => flip(&mut bytes, at),
        }
    }
    bytes
}

#[test]
fn spans_tile_any_bytes_whole_and_in_windows() {
    for_each(NOISES, |seed| {
        let rng = &mut Rng::new(seed);
        let mut bytes = noise(rng, usize::from(rng.clone().below(3000)));
        if seed % 2 == 0 {
            // Few values, so that headers look like headers.
            for byte in &mut bytes {
                *byte %= 3;
            }
        }
        fuzz_bodies::walk(&bytes);
    });
    for_each(100, |zeros| {
        fuzz_bodies::walk(&vec![0; usize::try_from(zeros).expect("few")]);
    });
}

#[test]
fn spans_tile_segments_that_were_broken() {
    for_each(BROKEN, |seed| {
        let rng = &mut Rng::new(!seed);
        let whole = random_segment(seed).bytes;
        fuzz_bodies::walk(&whole);
        for _ in 0..3 {
            let bytes = damaged(whole.clone(), rng);
            fuzz_bodies::walk(&bytes);
        }
    });
}

/// A body of the fuzzer, by its name.
type Body = (&'static str, fn(&[u8]));

const BODIES: [Body; 7] = [
    ("walk", fuzz_bodies::walk),
    ("records", |bytes| {
        let _records = fuzz_bodies::records(bytes);
    }),
    ("verify", fuzz_bodies::verify),
    ("small_files", fuzz_bodies::small_files),
    ("decoders", fuzz_bodies::decoders),
    ("codecs", fuzz_bodies::codecs),
    ("log_dir", fuzz_log_dir::log_dir),
];

/// A small file of a log dir, a record of an internal topic, or a part of a segment; broken or not.
fn input(seed: u64) -> Vec<u8> {
    static SMALL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let files = below_testdata().into_iter();
        let bytes = files.filter_map(|path| std::fs::read(path).ok());
        bytes.filter(|bytes| bytes.len() < 20_000).collect()
    });
    let rng = &mut Rng::new(seed);
    let mut bytes = match rng.below(6) {
        4 | 5 => {
            let log = random_segment(seed).bytes;
            let mut files = fuzz_log_dir::packed(0, log.get(..6_000).unwrap_or(&log));
            for _ in 0..rng.below(5) {
                let number = rng.below(20).try_into().unwrap();
                files.extend(fuzz_log_dir::packed(
                    number,
                    &SMALL[below(rng, SMALL.len())],
                ));
            }
            files
        }
        0 => noise(rng, usize::from(rng.clone().below(600))),
        1 => {
            let mut segment = random_segment(seed).bytes;
            segment.truncate(below(rng, 6_000));
            segment
        }
        _ => SMALL[below(rng, SMALL.len())].clone(),
    };
    if rng.below(8) > 0 {
        bytes = damaged(bytes, rng);
    }
    bytes
}

fn below_testdata() -> Vec<PathBuf> {
    let mut files = crate::cases::below(&Path::new(crate::cases::TESTDATA).join("kafka-4.3.1"));
    files.sort();
    files
}

#[test]
fn no_bytes_trouble_what_the_fuzzer_runs() {
    for_each(INPUTS, |seed| {
        let bytes = input(seed);
        for (_, body) in BODIES {
            body(&bytes);
        }
    });
}

/// `KSEG_FUZZ=SECONDS[,SEED] cargo test --test it -- --ignored --nocapture fuzz_bodies_on_and_on`
#[test]
#[ignore = "runs for KSEG_FUZZ seconds"]
fn fuzz_bodies_on_and_on() {
    let given = std::env::var("KSEG_FUZZ").unwrap_or_else(|_| "60".into());
    let (seconds, seed) = given.split_once(',').unwrap_or((&given, "1"));
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let until = Instant::now() + Duration::from_secs(number(seconds));
    let mut counts = [0_u64; BODIES.len()];
    let mut seed = number(seed) << 32;
    while Instant::now() < until {
        let bytes = input(seed);
        for ((name, body), count) in BODIES.iter().zip(&mut counts) {
            let run = std::panic::catch_unwind(|| body(&bytes));
            assert!(run.is_ok(), "{name}, seed {seed}: {bytes:?}");
            *count += 1;
        }
        seed += 1;
    }
    for ((name, _), count) in BODIES.iter().zip(counts) {
        eprintln!("{name}: {count}");
    }
}

/// The places of the frames of a piece list, and whether there are gaps.
fn frames_of(bytes: &[u8], policy: Policy) -> (Vec<usize>, bool) {
    let pieces = fuzz_bodies::pieces(bytes, policy);
    let gaps = pieces.iter().any(|piece| matches!(piece, Piece::Gap(_)));
    let starts = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Frame(range) => usize::try_from(range.start).ok(),
        Piece::Gap(_) => None,
    });
    (starts.collect(), gaps)
}

#[test]
fn frames_behind_damage_are_found_again_and_only_those_that_check() {
    for_each(LOST, |seed| {
        let rng = &mut Rng::new(seed);
        let forged = random_segment(seed);
        let frames = &forged.frames;
        let ends = frames.iter().copied().skip(1).chain([forged.bytes.len()]);
        // Not one that holds others: they are found where it is lost.
        let holds_none = |&(start, end): &(usize, usize)| {
            let inside = forged.bytes.get(start + 1..end).expect("a frame");
            frames_of(inside, Policy::Salvage).0.is_empty()
        };
        let first = below(rng, frames.len());
        let from_first = frames.iter().copied().zip(ends).cycle().skip(first);
        let one = from_first.take(frames.len()).find(holds_none);
        let Some((start, end)) = one else { return };
        let mut bytes = forged.bytes.clone();
        // Beyond the offset and the leader epoch, which no checksum covers.
        let from = start + field::MAGIC + below(rng, end - start - field::MAGIC);
        let to = from + 1 + below(rng, end - from);
        for at in from..to {
            flip(&mut bytes, at);
        }
        let others: Vec<usize> = frames.iter().copied().filter(|&at| at != start).collect();
        let (found, gaps) = frames_of(&bytes, Policy::Salvage);
        assert_eq!(found, others, "seed {seed}, {from}..{to}");
        assert!(gaps, "seed {seed}");
        let before: Vec<usize> = others.iter().copied().filter(|&at| at < start).collect();
        assert_eq!(frames_of(&bytes, Policy::Verify).0, before, "seed {seed}");

        // Any size below 14 is where the reader that resumes goes on behind.
        let mut bytes = forged.bytes.clone();
        let size = rng.pick(&[13, 0, -1, i32::MIN]);
        overwrite(&mut bytes, start + field::LENGTH, &size.to_be_bytes());
        for policy in [Policy::Resume, Policy::Salvage] {
            assert_eq!(
                frames_of(&bytes, policy),
                (others.clone(), true),
                "seed {seed}, {policy:?}"
            );
        }
        assert_eq!(frames_of(&bytes, Policy::Trust).0, before, "seed {seed}");

        // Inserted bytes move the rest of the file.
        let junk = noise(rng, 1 + usize::from(rng.clone().below(500)));
        let mut bytes = forged.bytes.clone();
        bytes.splice(start..start, junk.iter().copied());
        let moved: Vec<usize> = frames
            .iter()
            .map(|&at| if at < start { at } else { at + junk.len() })
            .collect();
        assert_eq!(
            frames_of(&bytes, Policy::Salvage),
            (moved, true),
            "seed {seed}"
        );
    });
}

#[test]
fn a_search_without_end_ends() {
    let text = "{\"level\":\"info\",\"message\":\"nothing to see\"}\n";
    let rng = &mut Rng::new(1);
    let block = noise(rng, 1 << 20);
    let fillings = [block, vec![0; 1 << 20], text.as_bytes().to_vec()];
    for_each(3, |nth| {
        let filling = &fillings[usize::try_from(nth).expect("few")];
        let mut bytes: Vec<u8> = Vec::with_capacity(DESERT_BYTES + 256);
        while bytes.len() < DESERT_BYTES {
            bytes.extend_from_slice(filling);
        }
        let oasis = bytes.len();
        bytes.extend(
            BatchSpec::at(7)
                .then(Rec::new(None, Some(b"oasis")))
                .bytes(),
        );
        let (found, gaps) = frames_of(&bytes, Policy::Salvage);
        assert_eq!((found, gaps), (vec![oasis], true));
    });
}

/// A record as the library gives it, in the forge's words.
fn as_expected(position: u64, record: &Record<'_>) -> Expected {
    let headers = record.headers().map(|header| {
        let key = String::from_utf8(header.key.to_vec()).expect("the forge writes UTF-8");
        (key, header.value.map(<[u8]>::to_vec))
    });
    Expected {
        position: usize::try_from(position).expect("a small file"),
        offset: record.offset().get(),
        timestamp: record.timestamp().get(),
        key: record.key().map(<[u8]>::to_vec),
        value: record.value().map(<[u8]>::to_vec),
        headers: headers.collect(),
    }
}

/// Reads everything, and minds every fault.
fn read(bytes: &[u8], scratch: &mut Scratch) -> Vec<Expected> {
    let mut records = Vec::new();
    for event in Walk::new(bytes, Policy::Verify) {
        let Event::Batch(batch) = event else {
            panic!("{event:?}");
        };
        for record in batch.records(scratch).expect("records") {
            let record = record.expect("a record");
            records.push(as_expected(batch.position().get(), &record));
        }
    }
    records
}

#[track_caller]
fn assert_read(forged: &Forged, scratch: &mut Scratch, what: &dyn std::fmt::Debug) {
    let (found, gaps) = frames_of(&forged.bytes, Policy::Verify);
    assert_eq!((&found, gaps), (&forged.frames, false), "{what:?}");
    let read = read(&forged.bytes, scratch);
    for (read, expected) in read.iter().zip(&forged.expected) {
        assert_eq!(read, expected, "{what:?}");
    }
    assert_eq!(read.len(), forged.expected.len(), "{what:?}");
}

#[test]
fn what_is_forged_is_read() {
    for_each(FORGED, |seed| {
        assert_read(&random_segment(seed), &mut Scratch::default(), &seed);
    });
}

#[test]
fn what_is_forged_in_any_framing_is_read() {
    let scratch = &mut Scratch::default();
    let text = "a segment is a row of spans; ".repeat(4_000);
    for codec in every_codec() {
        let (small, large) = (
            Rec::new(Some(b"k"), None),
            Rec::new(None, Some(text.as_bytes())),
        );
        let batch = BatchSpec::at(3).codec(codec).then(small).then(large);
        let mut messages = vec![Message::v0(8, Some(b"k"), Some(text.as_bytes()))];
        messages.push(Message::v0(9, None, None));
        // Only magic 0 forgives a wrong header checksum, and no magic below 2 has zstd.
        let broken = matches!(codec, crate::forge::Codec::Lz4(lz4) if lz4.broken_header);
        let mut forged = Forged::default();
        if !broken {
            forged = forged.with(&batch);
        }
        if codec.id() < 4 {
            forged = forged.with(&Wrapper::v0(codec, messages.clone()));
            if !broken {
                for message in &mut messages {
                    message.magic = 1;
                }
                forged = forged.with(&Wrapper::v1(codec, messages));
            }
        }
        assert_read(&forged, scratch, &codec);
    }
}

/// Every `.log` below a folder.
fn logs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of testdata/") {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            found.extend(logs(&path));
        } else if path.extension().is_some_and(|suffix| suffix == "log") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Reads bytes of any content, within bounds.
fn assert_bounded(bytes: &[u8], what: &dyn std::fmt::Debug) {
    let (_, peak) = peak_of(|| fuzz_bodies::records(bytes));
    assert!(peak <= MEMORY_BYTES, "{what:?} took {peak} bytes");
}

#[test]
fn any_byte_of_a_captured_segment_may_change_and_it_may_end_anywhere() {
    let logs = logs(Path::new(TESTDATA));
    assert!(logs.len() >= SEGMENTS_AT_LEAST, "only {}", logs.len());
    for_each(logs.len() as u64, |nth| {
        let path = &logs[usize::try_from(nth).expect("an index")];
        let rng = &mut Rng::new(nth);
        let bytes = fs::read(path).expect("a segment");
        assert_bounded(&bytes, path);
        let places: Vec<usize> = if bytes.len() <= SMALL_BYTES {
            (0..bytes.len()).collect()
        } else {
            (0..CHANGES).map(|_| below(rng, bytes.len())).collect()
        };
        for at in places {
            assert_bounded(bytes.get(..at).expect("a place in it"), &(path, at));
            let mut changed = bytes.clone();
            for value in [0, 0xff, 0x7f, rng.next().to_be_bytes()[0]] {
                changed[at] = value;
                assert_bounded(&changed, &(path, at, value));
            }
            if nth % 8 == 0 {
                fuzz_bodies::walk(&changed);
            }
        }
    });
}
