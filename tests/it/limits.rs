//! What data claims costs nothing, and what it unpacks to is bounded.

use kseg::format::fault::CodecFault;
use kseg::format::{FaultKind, Limits, Scratch};
use kseg::scan::{Event, Policy, Walk};

use crate::alloc::peak_of;
use crate::forge::bytes::put_varint;
use crate::forge::damage::{overwrite, reseal};
use crate::forge::{BatchSpec, Codec, Frame, Lz4, Message, Rec, Wrapper, field};
use crate::fuzz_bodies;

/// The most bytes a batch may unpack to where bombs are unpacked, and what they hold.
const LIMIT_BYTES: usize = 256 << 10;
const BOMB_BYTES: usize = 700 << 10;

/// What a bomb may take at its height: the old buffer and the new one while the buffer grows, and the codec.
const BOMB_MEMORY_BYTES: usize = 2 * LIMIT_BYTES + (256 << 10);

/// What a file of some hundred bytes may take: the first step of a buffer, and the codec.
const CLAIM_MEMORY_BYTES: usize = 512 << 10;
const CLAIM_FILE_BYTES: usize = 140;

/// The ids of the codecs.
const GZIP: i16 = 1;
const SNAPPY: i16 = 2;
const LZ4: i16 = 3;
const ZSTD: i16 = 4;

/// A batch of one record with this payload, packed as its codec says or not.
fn packed(codec: i16, payload: &[u8]) -> Vec<u8> {
    let batch = BatchSpec {
        count: Some(1),
        trailing: payload.to_vec(),
        ..BatchSpec::default()
    };
    batch.attributes(codec).bytes()
}

/// A batch of one record whose body is this, behind a length that fits or is given.
fn record(length: Option<i32>, body: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    let fits = i32::try_from(body.len()).expect("a short one");
    put_varint(&mut payload, length.unwrap_or(fits), 1);
    payload.extend_from_slice(body);
    packed(0, &payload)
}

/// Bytes followed by the largest number that a varint holds, and by some more.
fn claiming(before: &[u8], after: &[u8]) -> Vec<u8> {
    let mut out = before.to_vec();
    put_varint(&mut out, i32::MAX, 1);
    out.extend_from_slice(after);
    out
}

/// The largest number of four bytes at `at` of a message that is otherwise right.
fn message(magic: i8, at: usize) -> Vec<u8> {
    let message = Message {
        magic,
        ..Message::v1(0, 0, Some(b"key"), Some(b"value"))
    };
    let mut bytes = message.bytes();
    overwrite(&mut bytes, at, &i32::MAX.to_be_bytes());
    reseal(&mut bytes, 0);
    bytes
}

/// Payloads that claim what they do not hold.
fn packed_claims() -> Vec<(&'static str, Vec<u8>)> {
    let mut gzip = Codec::GZIP.pack(b"short");
    let trailer = gzip.len() - 4;
    overwrite(&mut gzip, trailer, &[0xff; 4]);
    let mut snappy = vec![0xff, 0xff, 0xff, 0xff, 0x0f];
    snappy.extend([0; 20]);
    let mut xerial = Codec::XERIAL.pack(b"short");
    overwrite(&mut xerial, 16, &i32::MAX.to_be_bytes());
    let mut xerial_block = Codec::XERIAL.pack(b"a block of more than a few bytes");
    overwrite(&mut xerial_block, 20, &[0xff, 0xff, 0xff, 0xff, 0x07]);
    let mut lz4 = Codec::Lz4(Lz4 {
        block: 7,
        content_size: true,
        ..Lz4::JAVA
    })
    .pack(&[12, 0, 0, 0, 1, 1, 0]);
    overwrite(&mut lz4, 6, &[0, 0, 0, 0x80, 0, 0, 0, 0]);
    let descriptor = lz4.get(4..14).expect("a descriptor");
    let [_, _, check, _] = twox_hash::XxHash32::oneshot(0, descriptor).to_be_bytes();
    overwrite(&mut lz4, 14, &[check]);
    let mut lz4_block = Codec::LZ4.pack(b"short");
    overwrite(&mut lz4_block, 7, &[0xff, 0xff, 0xff, 0x7f]);
    // A single segment with a content size of eight bytes: 2 GiB, then a raw block.
    let zstd = [
        0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0x29, 0, 0, 1, 2, 3, 4, 5,
    ];
    // A window of 2 GiB.
    let zstd_window = [0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 0x29, 0, 0, 1, 2, 3, 4, 5];
    // A row of one byte 128 KiB long, but for its end.
    let zstd_run = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, 0x02, 0, 0x10, 7];
    vec![
        ("gzip size", packed(GZIP, &gzip)),
        ("snappy size", packed(SNAPPY, &snappy)),
        ("xerial chunk", packed(SNAPPY, &xerial)),
        ("xerial block", packed(SNAPPY, &xerial_block)),
        ("lz4 content", packed(LZ4, &lz4)),
        ("lz4 block", packed(LZ4, &lz4_block)),
        ("zstd content", packed(ZSTD, &zstd)),
        ("zstd window", packed(ZSTD, &zstd_window)),
        ("zstd run", packed(ZSTD, &zstd_run)),
    ]
}

fn claims() -> Vec<(&'static str, Vec<u8>)> {
    let mut claims = packed_claims();
    let mut frame = record(None, &[0; 6]);
    overwrite(&mut frame, field::LENGTH, &i32::MAX.to_be_bytes());
    let many = |codec| {
        let records = (0..2).map(|_| Rec::new(None, None));
        let batch = BatchSpec::at(0).codec(codec);
        let mut batch = records.fold(batch, BatchSpec::then);
        batch.count = Some(i32::MAX);
        batch.bytes()
    };
    claims.extend([
        ("frame size", frame),
        ("record count", many(Codec::None)),
        ("record count, gzip", many(Codec::GZIP)),
        ("record count, zstd", many(Codec::ZSTD)),
        ("record length", record(Some(i32::MAX), &[0; 6])),
        ("key length", record(None, &claiming(&[0, 0, 0], &[0; 9]))),
        (
            "value length",
            record(None, &claiming(&[0, 0, 0, 1], &[0; 9])),
        ),
        (
            "header count",
            record(None, &claiming(&[0, 0, 0, 1, 1], &[0; 9])),
        ),
        (
            "header key length",
            record(None, &claiming(&[0, 0, 0, 1, 1, 2], &[0; 9])),
        ),
        (
            "header value length",
            record(None, &claiming(&[0, 0, 0, 1, 1, 2, 0], &[0; 9])),
        ),
        ("key of magic 0", message(0, 18)),
        ("value of magic 0", message(0, 25)),
        ("key of magic 1", message(1, 26)),
        ("value of magic 1", message(1, 33)),
    ]);
    claims
}

#[test]
fn what_a_small_file_claims_costs_nothing() {
    for (claim, bytes) in claims() {
        assert!(bytes.len() <= CLAIM_FILE_BYTES, "{claim}: {}", bytes.len());
        let (_, peak) = peak_of(|| fuzz_bodies::records(&bytes));
        assert!(peak <= CLAIM_MEMORY_BYTES, "{claim} took {peak} bytes");
        fuzz_bodies::walk(&bytes);
    }
}

/// All faults of all records of well-formed frames.
fn faults(bytes: &[u8], scratch: &mut Scratch) -> Vec<FaultKind> {
    let mut faults = Vec::new();
    for event in Walk::new(bytes, Policy::Verify) {
        let Event::Batch(batch) = event else {
            panic!("{event:?}");
        };
        match batch.records(scratch) {
            Ok(records) => faults.extend(records.filter_map(|record| Some(record.err()?.kind()))),
            Err(fault) => faults.push(fault.kind()),
        }
    }
    faults
}

#[test]
fn a_claim_is_told_for_what_it_is() {
    let scratch = &mut Scratch::default();
    for (claim, bytes) in claims() {
        // The walk is what tells a frame from a tail, and LZ4's content size is no more than a hint.
        let right = claim == "lz4 content";
        if claim == "frame size" {
            assert!(matches!(
                Walk::new(&bytes, Policy::Trust).next(),
                Some(Event::Gap(_))
            ));
            continue;
        }
        let told = !faults(&bytes, scratch).is_empty();
        assert!(told != right, "{claim}");
    }
}

#[test]
fn a_bomb_is_stopped_in_every_codec_and_magic() {
    let limits = Limits::inflating(LIMIT_BYTES);
    let zeros = vec![0; BOMB_BYTES];
    let codecs = [
        Codec::GZIP,
        Codec::Gzip { members: 3 },
        Codec::Snappy,
        Codec::XERIAL,
        Codec::LZ4,
        Codec::Lz4(Lz4 {
            block: 7,
            ..Lz4::JAVA
        }),
        Codec::ZSTD,
        Codec::Zstd {
            frames: 1,
            content_size: true,
            checksum: true,
        },
    ];
    for codec in codecs {
        let batch = BatchSpec::at(0).codec(codec);
        let mut bombs = vec![batch.then(Rec::new(None, Some(&zeros))).bytes()];
        if codec.id() < 4 {
            for magic in [0, 1] {
                let inner = Message {
                    magic,
                    ..Message::v1(0, 0, None, Some(&zeros))
                };
                bombs.push(
                    Wrapper {
                        magic,
                        ..Wrapper::v1(codec, vec![inner])
                    }
                    .bytes(),
                );
            }
        }
        for bomb in bombs {
            let (told, peak) = peak_of(|| faults(&bomb, &mut Scratch::with_limits(limits)));
            let limit = FaultKind::Codec(CodecFault::Limit { limit: LIMIT_BYTES });
            assert_eq!(told, [limit], "{codec:?}");
            assert!(peak <= BOMB_MEMORY_BYTES, "{codec:?} took {peak} bytes");
        }
    }
}

/// Streams whose size is not known are unpacked in steps, each of which must fit.
#[test]
fn what_fits_the_limit_is_unpacked() {
    let value = vec![7; LIMIT_BYTES - (64 << 10) - 100];
    let limits = Limits::inflating(LIMIT_BYTES);
    let scratch = &mut Scratch::with_limits(limits);
    for codec in [
        Codec::GZIP,
        Codec::Gzip { members: 2 },
        Codec::Snappy,
        Codec::XERIAL,
        Codec::LZ4,
        Codec::ZSTD,
    ] {
        let batch = BatchSpec::at(0).codec(codec);
        let bytes = batch.then(Rec::new(None, Some(&value))).bytes();
        assert_eq!(faults(&bytes, scratch), [], "{codec:?}");
    }
}
