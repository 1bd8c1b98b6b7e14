//! The forge against worked examples: a published segment, and batches that Kafka's own classes and a second client read
//! back as meant.

use crate::forge::batch::{CONTROL, DELETE_HORIZON, LOG_APPEND_TIME, TRANSACTIONAL};
use crate::forge::bytes::{crc32, crc32c, put_varint, put_varlong};
use crate::forge::control::{self, Voter};
use crate::forge::damage::{cut, flip, overwrite, reseal, zero};
use crate::forge::{
    BatchSpec, Codec, Forged, Frame, Inner, Message, Rec, Wrapper, field, random_segment,
};
use crate::framings::inflate;
use crate::hex::{assert_hex, hex};

/// 2023-11-14T22:13:20Z.
const T: i64 = 1_700_000_000_000;

fn rec(key: Option<&str>, value: Option<&str>) -> Rec {
    Rec::new(key.map(str::as_bytes), value.map(str::as_bytes))
}

#[test]
fn checksums_have_their_check_values() {
    assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}

#[test]
fn varints_are_those_of_kafka_or_as_long_as_asked() {
    let varint = |n, least| {
        let mut out = Vec::new();
        put_varint(&mut out, n, least);
        hex(&out)
    };
    let varlong = |n, least| {
        let mut out = Vec::new();
        put_varlong(&mut out, n, least);
        hex(&out)
    };
    for (n, short) in [
        (0, "00"),
        (-1, "01"),
        (1, "02"),
        (63, "7e"),
        (-64, "7f"),
        (64, "8001"),
        (-65, "8101"),
        (8191, "fe7f"),
        (8192, "808001"),
        (i32::MAX, "feffffff0f"),
        (i32::MIN, "ffffffff0f"),
    ] {
        assert_eq!(varint(n, 1), short);
        assert_eq!(varlong(i64::from(n), 1), short);
    }
    assert_eq!(varlong(i64::MAX, 1), "feffffffffffffffff01");
    assert_eq!(varlong(i64::MIN, 1), "ffffffffffffffffff01");
    assert_eq!(varlong(T, 1), "80a0abfef962");
    assert_eq!(varint(1, 3), "828000");
    assert_eq!(varint(-65, 9), "8181808000");
    assert_eq!(varlong(1, 10), "82808080808080808000");
}

/// Kafka 1.1.0, topic `test`.
#[test]
fn a_published_segment() {
    let one = |offset, time, value| {
        BatchSpec::at(offset)
            .timestamp(time)
            .record(rec(None, Some(value)))
    };
    let forged = Forged::default()
        .with(&one(0, 1_528_595_323_503, "Hello"))
        .with(&one(1, 1_528_595_324_799, "World"));
    assert_hex(
        &forged.bytes,
        "00 00 00 00 00 00 00 00 00 00 00 3d 00 00 00 00
         02 d0 d8 52 16 00 00 00 00 00 00 00 00 01 63 e7
         61 9a 6f 00 00 01 63 e7 61 9a 6f ff ff ff ff ff
         ff ff ff ff ff ff ff ff ff 00 00 00 01 16 00 00
         00 01 0a 48 65 6c 6c 6f 00 00 00 00 00 00 00 00
         01 00 00 00 3d 00 00 00 00 02 c9 4a 02 ad 00 00
         00 00 00 00 00 00 01 63 e7 61 9f 7f 00 00 01 63
         e7 61 9f 7f ff ff ff ff ff ff ff ff ff ff ff ff
         ff ff 00 00 00 01 16 00 00 00 01 0a 57 6f 72 6c
         64 00",
    );
    assert_eq!(forged.frames, [0, 73]);
    let world = &forged.expected[1];
    assert_eq!((world.position, world.offset), (73, 1));
    assert_eq!(world.timestamp, 1_528_595_324_799);
    assert_eq!(world.value.as_deref(), Some(&b"World"[..]));
}

#[test]
fn magic_0_messages() {
    let forged = Forged::default()
        .with(&Message::v0(5, Some(b"k"), Some(b"hello")))
        .with(&Message::v0(6, Some(b"k"), None));
    assert_hex(
        &forged.bytes,
        "00 00 00 00 00 00 00 05 00 00 00 14 a4 cd ab 3a
         00 00 00 00 00 01 6b 00 00 00 05 68 65 6c 6c 6f
         00 00 00 00 00 00 00 06 00 00 00 0f 90 82 04 f6
         00 00 00 00 00 01 6b ff ff ff ff",
    );
    assert_eq!(forged.expected[1].timestamp, -1);
}

/// Three messages with gaps neither in their offsets nor in what a reader makes of them.
fn three() -> Vec<Message> {
    let t = 1_500_000_000_000;
    vec![
        Message::v1(10, t, Some(b"a"), Some(b"one")),
        Message::v1(11, t + 5, Some(b"b"), None),
        Message::v1(12, t + 3, None, Some(b"three")),
    ]
}

#[test]
fn a_wrapper_of_magic_1() {
    let t = 1_500_000_000_000;
    let created = Wrapper::v1(Codec::GZIP, three());
    let message = created.message();
    assert_eq!((message.offset, message.timestamp), (12, t + 5));
    assert_hex(
        &inflate(1, message.value.as_deref().unwrap()),
        "00 00 00 00 00 00 00 00 00 00 00 1a 40 80 23 cc
         01 00 00 00 01 5d 3e f7 98 00 00 00 00 01 61 00
         00 00 03 6f 6e 65 00 00 00 00 00 00 00 01 00 00
         00 17 9a 82 c3 23 01 00 00 00 01 5d 3e f7 98 05
         00 00 00 01 62 ff ff ff ff 00 00 00 00 00 00 00
         02 00 00 00 1b c6 ac d9 5c 01 00 00 00 01 5d 3e
         f7 98 03 ff ff ff ff 00 00 00 05 74 68 72 65 65",
    );
    let times = |wrapper: &Wrapper| {
        let expected = wrapper.expected(0);
        expected
            .iter()
            .map(|record| record.timestamp - t)
            .collect::<Vec<_>>()
    };
    assert_eq!(times(&created), [0, 5, 3]);
    let appended = created.append_time(t + 999);
    assert_eq!(appended.message().attributes, 0x09);
    assert_eq!(times(&appended), [999; 3]);
}

#[test]
fn a_batch_with_headers() {
    let batch = BatchSpec::at(100)
        .epoch(7)
        .timestamp(T)
        .producer(4000, 1, i32::MAX - 1)
        .then(
            rec(Some("k1"), Some("v1"))
                .header("trace", Some(&[1, 2]))
                .header("src", None),
        )
        .then(
            rec(None, Some("héllo"))
                .timestamp_delta(250)
                .header("", Some(b"")),
        )
        .then(rec(Some("k1"), None).timestamp_delta(-40));
    assert_hex(
        &batch.bytes(),
        "00 00 00 00 00 00 00 64 00 00 00 63 00 00 00 07
         02 d7 b8 62 56 00 00 00 00 00 02 00 00 01 8b cf
         e5 68 00 00 00 01 8b cf e5 68 fa 00 00 00 00 00
         00 0f a0 00 01 7f ff ff fe 00 00 00 03 30 00 00
         00 04 6b 31 04 76 31 04 0a 74 72 61 63 65 04 01
         02 06 73 72 63 01 1e 00 f4 03 02 01 0c 68 c3 a9
         6c 6c 6f 02 00 00 10 00 4f 04 04 6b 31 01 00",
    );
    let last = batch.expected(9).pop().unwrap();
    assert_eq!(
        (last.position, last.offset, last.timestamp),
        (9, 102, T - 40)
    );
}

#[test]
fn transaction_markers() {
    let at = |record| {
        control::marker(200, (4000, 1), record)
            .epoch(7)
            .timestamp(T)
    };
    assert_hex(
        &at(control::commit(3)).bytes(),
        "00 00 00 00 00 00 00 c8 00 00 00 42 00 00 00 07
         02 db 9b 9b 4c 00 30 00 00 00 00 00 00 01 8b cf
         e5 68 00 00 00 01 8b cf e5 68 00 00 00 00 00 00
         00 0f a0 00 01 ff ff ff ff 00 00 00 01 20 00 00
         00 08 00 00 00 01 0c 00 00 00 00 00 03 00",
    );
    let abort = at(control::abort(3));
    assert_hex(&abort.bytes()[field::CRC..field::ATTRIBUTES], "2f a5 4d 04");
    assert_eq!(abort.attributes, TRANSACTIONAL | CONTROL);
}

#[test]
fn control_records_of_kraft() {
    #[track_caller]
    fn assert_value(record: &Rec, kind: &str, value: &str) {
        assert_hex(record.key.as_deref().unwrap(), &format!("0000 {kind}"));
        assert_hex(record.value.as_deref().unwrap(), value);
    }
    let directory = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    let voter = Voter {
        id: 1,
        directory,
        listener: "CONTROLLER".to_owned(),
        host: "localhost".to_owned(),
        port: 9093,
        versions: (0, 1),
    };
    assert_value(
        &control::leader_change(1, &[1, 2], &[1]),
        "0002",
        "0000 00000001 03 00000001 00 00000002 00 02 00000001 00 00",
    );
    assert_value(
        &control::snapshot_header(T),
        "0003",
        "0000 0000018bcfe56800 00",
    );
    assert_value(&control::snapshot_footer(), "0004", "0000 00");
    assert_value(&control::kraft_version(1), "0005", "0000 0001 00");
    assert_value(
        &control::voters(&[voter]),
        "0006",
        "0000 02 00000001 000102030405060708090a0b0c0d0e0f 02 0b434f4e54524f4c4c4552
         0a6c6f63616c686f7374 2385 00 0000 0001 00 00 00",
    );
}

#[test]
fn one_batch_in_three_states_of_compaction() {
    let base = || BatchSpec::at(100).epoch(7).producer(9, 0, 5);
    let original = base()
        .timestamp(T)
        .then(rec(Some("a"), Some("1")))
        .then(rec(Some("b"), None).timestamp_delta(1000))
        .then(rec(Some("c"), Some("3")).timestamp_delta(2000));
    assert_hex(
        &original.bytes(),
        "00 00 00 00 00 00 00 64 00 00 00 4d 00 00 00 07
         02 48 10 33 8f 00 00 00 00 00 02 00 00 01 8b cf
         e5 68 00 00 00 01 8b cf e5 6f d0 00 00 00 00 00
         00 00 09 00 00 00 00 00 05 00 00 00 03 10 00 00
         00 02 61 02 31 00 10 00 d0 0f 02 02 62 01 00 12
         00 a0 1f 04 02 63 02 33 00",
    );
    let mut tombstone = base()
        .attributes(DELETE_HORIZON)
        .timestamp(T + 86_410_000)
        .record(
            rec(Some("b"), None)
                .offset_delta(1)
                .timestamp_delta(-86_409_000),
        );
    tombstone.last_offset_delta = Some(2);
    assert_hex(
        &tombstone.bytes(),
        "00 00 00 00 00 00 00 64 00 00 00 3c 00 00 00 07
         02 5c c3 c7 45 00 40 00 00 00 02 00 00 01 8b d5
         0b eb 10 00 00 01 8b cf e5 6b e8 00 00 00 00 00
         00 00 09 00 00 00 00 00 05 00 00 00 01 14 00 cf
         fc b3 52 02 02 62 01 00",
    );
    assert_hex(
        &BatchSpec::empty(100, 2, T + 2000)
            .epoch(7)
            .producer(9, 0, 5)
            .bytes(),
        "00 00 00 00 00 00 00 64 00 00 00 31 00 00 00 07
         02 43 bb 64 1d 00 00 00 00 00 02 ff ff ff ff ff
         ff ff ff 00 00 01 8b cf e5 6f d0 00 00 00 00 00
         00 00 09 00 00 00 00 00 05 00 00 00 00",
    );
}

#[test]
fn offsets_inside_a_wrapper_are_stored_either_way() {
    let stored = |wrapper: Wrapper| {
        let row = inflate(3, &wrapper.message().value.unwrap());
        (row[7], row[38 + 7])
    };
    let wrapper = Wrapper::v1(Codec::LZ4, three());
    assert_eq!(stored(wrapper.clone()), (0, 1));
    assert_eq!(stored(wrapper.inner(Inner::Absolute)), (10, 11));
    assert_eq!(stored(Wrapper::v0(Codec::LZ4_BROKEN, three())), (10, 11));
}

#[test]
fn a_time_set_by_the_broker_is_that_of_every_record() {
    let mut batch = BatchSpec::at(0)
        .attributes(LOG_APPEND_TIME)
        .timestamp(T)
        .then(rec(None, None))
        .then(rec(None, None).timestamp_delta(5));
    batch.max_timestamp = Some(T + 99);
    let expected = batch.expected(0);
    assert!(expected.iter().all(|record| record.timestamp == T + 99));
}

#[test]
fn what_is_given_is_written_right_or_wrong() {
    let batch = BatchSpec {
        length: Some(1),
        crc: Some(2),
        last_offset_delta: Some(3),
        count: Some(4),
        trailing: b"tail".to_vec(),
        varint_bytes: 2,
        ..BatchSpec::at(0).then(rec(None, None))
    };
    assert_hex(
        &batch.bytes(),
        "0000000000000000 00000001 00000000 02 00000002 0000 00000003 0000000000000000
         0000000000000000 ffffffffffffffff ffff ffffffff 00000004
         9600 00 8000 8000 8100 8100 8000 7461696c",
    );
}

#[test]
fn fields_are_where_the_map_says() {
    let batch = BatchSpec {
        crc: Some(0x5060_7080),
        last_offset_delta: Some(6),
        max_timestamp: Some(8),
        count: Some(12),
        ..BatchSpec::at(1)
            .epoch(3)
            .attributes(CONTROL)
            .timestamp(7)
            .producer(9, 10, 11)
            .then(rec(None, None))
    };
    let bytes = batch.bytes();
    let fields: [(usize, &[u8]); 14] = [
        (field::BASE_OFFSET, &1_i64.to_be_bytes()),
        (field::LENGTH, &56_i32.to_be_bytes()),
        (field::LEADER_EPOCH, &3_i32.to_be_bytes()),
        (field::MAGIC, &[2]),
        (field::CRC, &[0x50, 0x60, 0x70, 0x80]),
        (field::ATTRIBUTES, &CONTROL.to_be_bytes()),
        (field::LAST_OFFSET_DELTA, &6_i32.to_be_bytes()),
        (field::BASE_TIMESTAMP, &7_i64.to_be_bytes()),
        (field::MAX_TIMESTAMP, &8_i64.to_be_bytes()),
        (field::PRODUCER_ID, &9_i64.to_be_bytes()),
        (field::PRODUCER_EPOCH, &10_i16.to_be_bytes()),
        (field::BASE_SEQUENCE, &11_i32.to_be_bytes()),
        (field::COUNT, &12_i32.to_be_bytes()),
        (field::RECORDS, &[12, 0, 0, 0, 1, 1, 0]),
    ];
    let mut end = 0;
    for (at, expected) in fields {
        assert_eq!(at, end);
        end = at + expected.len();
        assert_eq!(bytes[at..end], *expected, "at {at}");
    }
    assert_eq!(end, bytes.len());
}

#[test]
fn what_was_forged_can_be_broken_and_resealed() {
    let whole = Forged::default()
        .with(&Message::v0(0, None, Some(b"zero")))
        .with(&BatchSpec::at(1).then(rec(None, Some("one"))));
    let second = whole.frames[1];
    let mut bytes = whole.bytes.clone();

    let last = bytes.len() - 2;
    flip(&mut bytes, last);
    assert_eq!(bytes[last], !b'e');
    zero(&mut bytes, second..second + 8);
    assert_eq!(bytes[second + 7], 0);
    overwrite(&mut bytes, second + field::COUNT, &7_i32.to_be_bytes());
    overwrite(&mut bytes, field::LEGACY_CRC, &[0; 4]);
    reseal(&mut bytes, 0);
    assert_eq!(bytes[..second], whole.bytes[..second]);
    reseal(&mut bytes, second);
    let covered = &bytes[second + field::ATTRIBUTES..];
    assert_eq!(
        bytes[second + field::CRC..][..4],
        crc32c(covered).to_be_bytes()
    );
    cut(&mut bytes, second);
    assert_eq!(bytes, whole.bytes[..second]);
}

#[test]
fn a_seed_gives_one_segment_whose_frames_tile_it_in_order() {
    for seed in 0..100 {
        let forged = random_segment(seed);
        assert_eq!(forged, random_segment(seed));
        let mut end = 0;
        for &start in &forged.frames {
            assert_eq!(start, end, "seed {seed}");
            let length = forged.bytes[start + field::LENGTH..].first_chunk().unwrap();
            end = start + field::LOG_OVERHEAD + u32::from_be_bytes(*length) as usize;
        }
        assert_eq!(end, forged.bytes.len(), "seed {seed}");
        let offsets = forged.expected.iter().map(|record| record.offset);
        assert!(
            offsets.is_sorted_by(|before, after| before < after),
            "seed {seed}"
        );
    }
}
