//! The forge's codecs: against one pair of records in every codec as Kafka's own builder wrote it, against the header
//! bytes that clients were seen to write, and back through readers that know nothing of the forge.
#![expect(
    clippy::little_endian_bytes,
    reason = "a reader of well-formed streams only, for tests"
)]

use std::io::Read;

use crate::forge::random::Rng;
use crate::forge::{BatchSpec, Codec, Forged, Frame, Lz4, Message, Rec, Wrapper, field};
use crate::hex::{assert_hex, hex, unhex};

/// 2023-11-14T22:13:20Z.
const T: i64 = 1_700_000_000_000;

/// Unpacks a payload by the codec's id, with libraries where the framing is theirs.
pub(crate) fn inflate(codec: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match codec {
        1 => {
            let mut members = flate2::read::MultiGzDecoder::new(payload);
            members.read_to_end(&mut out).expect("gzip");
        }
        2 => out = snappy(payload),
        3 => out = lz4(payload),
        _ => out = zstd::decode_all(payload).expect("zstd"),
    }
    out
}

/// A xerial stream, or streams, or one block without a frame.
fn snappy(payload: &[u8]) -> Vec<u8> {
    let magic = b"\x82SNAPPY\0";
    let block = |bytes| {
        let mut decoder = snap::raw::Decoder::new();
        decoder.decompress_vec(bytes).expect("a snappy block")
    };
    if !payload.starts_with(magic) {
        return block(payload);
    }
    let mut out = Vec::new();
    let mut rest = payload;
    while !rest.is_empty() {
        if rest.starts_with(magic) {
            rest = &rest[16..];
            continue;
        }
        let length = u32::from_be_bytes(*rest.first_chunk().expect("a length"));
        let (chunk, after) = rest[4..].split_at(length as usize);
        out.extend(block(chunk));
        rest = after;
    }
    out
}

/// An LZ4 frame, whose checksums are looked at.
fn lz4(payload: &[u8]) -> Vec<u8> {
    let word = |at: usize| u32::from_le_bytes(*payload[at..].first_chunk().expect("a word"));
    let hash = |bytes: &[u8]| twox_hash::XxHash32::oneshot(0, bytes);
    let (flags, largest) = (payload[4], 1 << (8 + 2 * (payload[5] >> 4)));
    let mut at = if flags & 0x08 != 0 { 15 } else { 7 };
    let mut out = Vec::new();
    while word(at) != 0 {
        let (size, stored) = ((word(at) & !(1 << 31)) as usize, word(at) >> 31 == 1);
        let block = &payload[at + 4..at + 4 + size];
        at += 4 + size;
        if stored {
            out.extend_from_slice(block);
        } else {
            out.extend(lz4_flex::block::decompress(block, largest).expect("an LZ4 block"));
        }
        if flags & 0x10 != 0 {
            assert_eq!(word(at), hash(block));
            at += 4;
        }
    }
    if flags & 0x08 != 0 {
        assert_eq!(payload[6..14], (out.len() as u64).to_le_bytes());
    }
    if flags & 0x04 != 0 {
        assert_eq!(word(at + 4), hash(&out));
        at += 4;
    }
    assert_eq!(at + 4, payload.len());
    out
}

/// Every framing the forge knows.
pub(crate) fn every_codec() -> Vec<Codec> {
    let mut codecs = vec![Codec::GZIP, Codec::Gzip { members: 3 }, Codec::Snappy];
    for (chunk_bytes, little_endian, streams) in [(32 << 10, false, 1), (1 << 10, true, 3)] {
        codecs.push(Codec::Xerial {
            chunk_bytes,
            little_endian,
            streams,
        });
    }
    for bits in 0..64_u8 {
        let on = |bit: u8| bits >> bit & 1 == 1;
        codecs.push(Codec::Lz4(Lz4 {
            block: 4 + (bits & 3),
            content_size: on(2),
            block_checksums: on(3),
            content_checksum: on(4),
            broken_header: on(5),
        }));
    }
    for (frames, content_size, checksum) in [(1, false, false), (3, true, true)] {
        codecs.push(Codec::Zstd {
            frames,
            content_size,
            checksum,
        });
    }
    codecs
}

#[test]
fn what_is_packed_unpacks_again_in_every_framing() {
    let mut rng = Rng::new(1);
    let noise: Vec<u8> = (0..9_000).flat_map(|_| rng.next().to_be_bytes()).collect();
    let text = "a segment is a row of spans; ".repeat(10_000).into_bytes();
    for codec in every_codec() {
        for bytes in [&b"x"[..], &noise, &text] {
            let payload = codec.pack(bytes);
            assert!(inflate(codec.id(), &payload) == bytes, "{codec:?}");
        }
    }
    assert_eq!(Codec::None.pack(b"as is"), b"as is");
}

#[test]
fn lz4_header_checksums_are_those_of_clients() {
    for (flags, block, right, broken) in [
        (0x60, 0x40, 0x82, 0x1a),
        (0x64, 0x40, 0xa7, 0x0c),
        (0x64, 0x70, 0xb9, 0x56),
        (0x60, 0x50, 0xfb, 0x77),
        (0x60, 0x60, 0x51, 0xd6),
        (0x60, 0x70, 0x73, 0x10),
        (0x70, 0x40, 0xad, 0xec),
        (0x74, 0x40, 0xbd, 0xf6),
    ] {
        for (broken_header, check) in [(false, right), (true, broken)] {
            let codec = Codec::Lz4(Lz4 {
                block: block >> 4,
                content_size: false,
                block_checksums: flags & 0x10 != 0,
                content_checksum: flags & 0x04 != 0,
                broken_header,
            });
            let header = [4, 0x22, 0x4d, 0x18, flags, block, check];
            assert_eq!(codec.pack(b"k")[..7], header, "{codec:?}");
        }
    }
}

#[test]
fn framings_begin_as_clients_begin_them() {
    let zstd = |content_size, checksum| {
        let codec = Codec::Zstd {
            frames: 1,
            content_size,
            checksum,
        };
        hex(&codec.pack(b"k")[..5])
    };
    assert_hex(&Codec::GZIP.pack(b"k")[..10], "1f8b0800000000 00 00 ff");
    assert_hex(
        &Codec::XERIAL.pack(b"k")[..16],
        "82534e4150505900 00000001 00000001",
    );
    assert_hex(&Codec::ZSTD.pack(b"k")[..6], "28b52ffd 00 58");
    assert_eq!(zstd(true, false), "28b52ffd20");
    assert_eq!(zstd(false, true), "28b52ffd04");
}

/// Records T "k"→"Hello" and T+5 null→"World" at offsets 100 and 101, as a message set.
fn messages(magic: i8) -> Vec<Message> {
    let (hello, world) = (
        (Some(&b"k"[..]), Some(&b"Hello"[..])),
        (None, Some(&b"World"[..])),
    );
    match magic {
        0 => vec![
            Message::v0(100, hello.0, hello.1),
            Message::v0(101, world.0, world.1),
        ],
        _ => vec![
            Message::v1(100, T, hello.0, hello.1),
            Message::v1(101, T + 5, world.0, world.1),
        ],
    }
}

/// The same as a batch.
fn batch(codec: Codec) -> BatchSpec {
    BatchSpec::at(100)
        .epoch(-1)
        .timestamp(T)
        .codec(codec)
        .then(Rec::new(Some(b"k"), Some(b"Hello")))
        .then(Rec::new(None, Some(b"World")).timestamp_delta(5))
}

#[test]
fn uncompressed_records_are_those_of_kafka() {
    let set = |magic| {
        let [hello, world] = <[Message; 2]>::try_from(messages(magic)).unwrap();
        Forged::default().with(&hello).with(&world).bytes
    };
    assert_hex(
        &set(0),
        "000000000000006400000014650c843e0000000000016b0000000548656c6c6f0000000000000065000000134a01e273
         0000ffffffff00000005576f726c64",
    );
    assert_hex(
        &set(1),
        "00000000000000640000001c6bde487d01000000018bcfe56800000000016b0000000548656c6c6f0000000000000065
         0000001bc7e6fd1601000000018bcfe56805ffffffff00000005576f726c64",
    );
    assert_hex(
        &batch(Codec::None).bytes(),
        "00000000000000640000004affffffff02bdd9f1860000000000010000018bcfe568000000018bcfe56805ffffffffff
         ffffffffffffffffff0000000218000000026b0a48656c6c6f0016000a02010a576f726c6400",
    );
}

/// The message set that a wrapper holds, and the wrapper's header, are Kafka's; `kafka` ends in its payload, at `header`.
#[track_caller]
fn assert_same_wrapper(codec: Codec, kafka: &str) {
    let kafka = unhex(kafka);
    let magic = kafka[field::MAGIC].cast_signed();
    let (wrapper, header) = match magic {
        0 => (Wrapper::v0(codec, messages(0)), 26),
        _ => (Wrapper::v1(codec, messages(1)), 34),
    };
    let ours = wrapper.bytes();
    // Offset; magic to key; the rest follows from how well the payload was packed.
    assert_eq!(ours[..field::LENGTH], kafka[..field::LENGTH]);
    assert_eq!(
        ours[field::MAGIC..header - 4],
        kafka[field::MAGIC..header - 4]
    );
    let unpacked = |bytes: &[u8]| inflate(codec.id(), &bytes[header..]);
    assert_hex(&unpacked(&ours), &hex(&unpacked(&kafka)));
}

#[test]
fn wrappers_of_magic_0_hold_what_kafkas_hold() {
    assert_same_wrapper(
        Codec::GZIP,
        "00000000000000650000004ead8f5f790001ffffffff000000401f8b08000000000000ff6360008314201649e569b103
         f318b38104ab476a4e4e3e449a21158885bd181f153330fc07029074787e514e0a00d797e9af3f000000",
    );
    assert_same_wrapper(
        Codec::XERIAL,
        "00000000000000650000005e47a24c8b0002ffffffff0000005082534e415050590000000001000000010000003c3f00
         000901246400000014650c843e00010128016b0000000548656c6c6f010f6800000065000000134a01e2730000ffffff
         ff00000005576f726c64",
    );
    assert_same_wrapper(
        Codec::LZ4_BROKEN,
        "0000000000000065000000571a55c16a0003ffffffff0000004904224d1860401a3a0000001200010091640000001465
         0c843e0f00b1016b0000000548656c6c6f1000f00b000065000000134a01e2730000ffffffff00000005576f726c6400
         000000",
    );
}

#[test]
fn wrappers_of_magic_1_hold_what_kafkas_hold() {
    assert_same_wrapper(
        Codec::GZIP,
        "00000000000000650000005c745ac5d501010000018bcfe56805ffffffff000000461f8b08000000000000ff63608003
         99ec7b1eb58c400663f7f9a7192011c66c20c1ea919a93930f550392963efeecaf185c1deb7f2000290bcf2fca490100
         376577344f000000",
    );
    assert_same_wrapper(
        Codec::XERIAL,
        "00000000000000650000006d09a30cf201020000018bcfe56805ffffffff0000005782534e4150505900000000010000
         0001000000434f00001901341c6bde487d01000000018bcfe568011828016b0000000548656c6c6f010f08000000011f
         101bc7e6fd16010905283405ffffffff00000005576f726c64",
    );
    assert_same_wrapper(
        Codec::LZ4,
        "00000000000000650000006530645ee301030000018bcfe56805ffffffff0000004f04224d1860408240000000160001
         00e01c6bde487d01000000018bcfe5681800b0016b0000000548656c6c6f0f00001b00850000001bc7e6fd162800e005
         ffffffff00000005576f726c6400000000",
    );
}

/// These are too short to be packed in more ways than one.
#[test]
fn compressed_batches_are_those_of_kafka() {
    for (codec, kafka) in [
        (
            Codec::GZIP,
            "00000000000000640000005effffffff025bffbf5a0001000000010000018bcfe568000000018bcfe56805ffffffffff
             ffffffffffffffffff000000021f8b08000000000000ff9360606060cae6f248cdc9c9671063e06262e40acf2fca4961
             0000e3a4aa4919000000",
        ),
        (
            Codec::XERIAL,
            "000000000000006400000060ffffffff02fdca23ad0002000000010000018bcfe568000000018bcfe56805ffffffffff
             ffffffffffffffffff0000000282534e415050590000000001000000010000001b196018000000026b0a48656c6c6f00
             16000a02010a576f726c6400",
        ),
        (
            Codec::LZ4,
            "000000000000006400000059ffffffff02177d12860003000000010000018bcfe568000000018bcfe56805ffffffffff
             ffffffffffffffffff0000000204224d186040821900008018000000026b0a48656c6c6f0016000a02010a576f726c64
             0000000000",
        ),
        (
            Codec::ZSTD,
            "000000000000006400000056ffffffff026bf51ec20004000000010000018bcfe568000000018bcfe56805ffffffffff
             ffffffffffffffffff0000000228b52ffd0058c8000018000000026b0a48656c6c6f0016000a02010a576f726c640001
             0000",
        ),
    ] {
        assert_hex(&batch(codec).bytes(), kafka);
    }
}
