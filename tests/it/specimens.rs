//! One specimen a check, forged from the specification: `testdata/broken/CODE/`. `BLESS=1` writes
//! them.
//!
//! A specimen of one file is verified as a file, one of several as a partition.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kseg::verify::CATALOG;
use serde_json::Value;

use crate::cases::{TESTDATA, below};
use crate::forge::damage::{flip_bit, overwrite, reseal, zero};
use crate::forge::{BatchSpec, Codec, Frame, Message, Rec, Wrapper, control, field};
use crate::specimens_across;

/// A time that is long ago, and one that will be in the future for long.
pub(crate) const THEN: i64 = 1_700_000_000_000;
const LATER: i64 = 4_102_444_800_000;

/// The first segment of a partition.
const LOG: &str = "00000000000000000000.log";

/// The code of a check, a name, and bytes.
type Specimen = (&'static str, &'static str, Vec<u8>);

/// Checks that no file shows by itself, with where they are tested.
const WITHOUT: [(&str, &str); 7] = [
    ("S112", "takes 2 GiB: verify::segment::sequence"),
    ("S114", "takes a running broker: verify::segment::gap"),
    (
        "S116",
        "takes somebody who cuts the file meanwhile: verify::segment::sequence",
    ),
    ("S117", "takes a disk with bad sectors: unreadable"),
    ("D114", "takes a broken link: verify_dirs"),
    ("D122", "takes a running broker: verify_dirs"),
    ("D123", "takes a pipe: verify_dirs"),
];

/// A batch of three records in epoch 5.
pub(crate) fn orders(base: i64) -> BatchSpec {
    let rec = |n: u8| Rec::new(Some(&[b'k', n]), Some(&[b'v'; 30]));
    let batch = BatchSpec::at(base).epoch(5).timestamp(THEN);
    batch.then(rec(b'1')).then(rec(b'2')).then(rec(b'3'))
}

fn row(batches: &[BatchSpec]) -> Vec<u8> {
    batches.iter().flat_map(Frame::bytes).collect()
}

fn sound() -> Vec<u8> {
    row(&[orders(0), orders(3), orders(6)])
}

/// Bytes of a batch of [`orders`].
fn size() -> usize {
    orders(0).bytes().len()
}

/// Three batches, of which something was done to the second one.
fn second(change: impl Fn(&mut Vec<u8>, usize)) -> Vec<u8> {
    let mut bytes = sound();
    change(&mut bytes, size());
    bytes
}

/// Three batches, the second of which is another one with its checksum right.
fn with(batch: BatchSpec) -> Vec<u8> {
    row(&[orders(0), batch, orders(9)])
}

/// Three batches with one byte of the second one's records changed and its checksum made right.
fn resealed(at: usize, new: &[u8]) -> Vec<u8> {
    second(|bytes, batch| {
        overwrite(bytes, batch + at, new);
        reseal(bytes, batch);
    })
}

/// What a segment file may get wrong.
fn of_segments() -> Vec<Specimen> {
    let tail = |bytes: &[u8]| [&sound()[..], bytes].concat();
    let mut torn = sound();
    torn.truncate(2 * size() + 70);
    let whole = |bytes: &mut Vec<u8>, at: usize, with: u8| bytes[at..at + size()].fill(with);
    let old = [0, 1].map(|n| Message::v1(n, THEN, None, Some(b"old")).bytes());
    vec![
        ("S101", LOG, torn),
        ("S102", LOG, tail(&[0; 101])),
        ("S103", LOG, tail(&[0xee; 41])),
        ("S104", LOG, second(|bytes, at| whole(bytes, at, 0xee))),
        (
            "S105",
            LOG,
            second(|bytes, at| flip_bit(bytes, at + field::LENGTH + 3, 2)),
        ),
        (
            "S106",
            LOG,
            second(|bytes, at| flip_bit(bytes, at + field::MAGIC, 0)),
        ),
        (
            "S107",
            "00000000000000000100.log",
            row(&[orders(97), orders(100), orders(103)]),
        ),
        (
            "S108",
            LOG,
            row(&[orders(0), orders(3), orders((1 << 31) + 10)]),
        ),
        (
            "S109",
            LOG,
            second(|bytes, at| zero(bytes, at..at + size())),
        ),
        (
            "S110",
            LOG,
            row(&[orders(0), orders(500), orders(3), orders(6)]),
        ),
        ("S113", LOG, tail(&vec![0; 4096 - sound().len()])),
        ("S115", LOG, old.concat()),
    ]
}

/// What batches may get wrong.
fn of_batches() -> Vec<Specimen> {
    let epochs = |epochs: [i32; 4]| {
        let bases = [0, 3, 6, 9].map(orders);
        row(&std::array::from_fn::<_, 4, _>(|n| {
            bases[n].clone().epoch(epochs[n])
        }))
    };
    let older = [
        row(&[orders(0)]),
        Message::v1(3, THEN, None, Some(b"old")).bytes(),
    ];
    let two = control::marker(3, (7, 0), control::commit(0))
        .epoch(5)
        .timestamp(THEN);
    vec![
        ("B101", LOG, second(|bytes, at| flip_bit(bytes, at + 90, 5))),
        ("B102", LOG, with(orders(3).attributes(5))),
        ("B103", LOG, with(orders(3).attributes(0x80))),
        ("B104", LOG, with(orders(3).ending_at(1))),
        ("B105", LOG, with(orders(3).ending_at(-1))),
        (
            "B106",
            LOG,
            with(BatchSpec {
                max_timestamp: Some(THEN + 5),
                ..orders(3)
            }),
        ),
        ("B107", LOG, with(BatchSpec::empty(3, 2, THEN).epoch(5))),
        ("B108", LOG, older.concat()),
        (
            "B201",
            LOG,
            row(&[orders(0), orders(3), orders(3), orders(6)]),
        ),
        ("B202", LOG, row(&[orders(0), orders(10)])),
        ("B203", LOG, epochs([5, 5, 3, 5])),
        ("B204", LOG, epochs([5, -1, 5, 5])),
        ("B205", LOG, epochs([5, 9, 5, 5])),
        ("B303", LOG, with(two.then(control::commit(0)))),
        ("B310", LOG, with(orders(3).producer(7, -1, 0))),
        ("B401", LOG, with(orders(3).timestamp(LATER))),
        ("B402", LOG, with(orders(3).timestamp(-5))),
    ]
}

/// A batch at 3 without records yet, and the same with one.
fn bare() -> BatchSpec {
    BatchSpec::at(3).epoch(5).timestamp(THEN)
}

fn rec() -> Rec {
    Rec::new(None, Some(b"v"))
}

/// What the fields of records may get wrong.
fn of_records() -> Vec<Specimen> {
    let mut too_long = row(&[orders(0), bare().record(rec())]);
    overwrite(&mut too_long, size() + field::RECORDS, &[0x7e]);
    reseal(&mut too_long, size());
    let mut no_key = row(&[orders(0), bare().record(rec().header("k", None))]);
    let mut pairs = no_key.windows(2);
    let key = pairs.rposition(|pair| pair == [2, b'k']).expect("a header");
    no_key[key] = 1;
    reseal(&mut no_key, size());
    let deltas = |deltas: [i32; 3]| {
        let deltas = deltas.into_iter();
        let batch = deltas.fold(bare(), |batch, delta| {
            batch.record(rec().offset_delta(delta))
        });
        with(batch.ending_at(2))
    };
    vec![
        ("R101", LOG, too_long),
        (
            "R102",
            LOG,
            resealed(field::RECORDS, &[0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ),
        ("R106", LOG, no_key),
        ("R107", LOG, deltas([0, 1, 1])),
        ("R110", LOG, resealed(field::RECORDS + 4, &[0x7e])),
        ("R112", LOG, deltas([0, 1, 5])),
    ]
}

/// What payloads as a whole may get wrong.
fn of_payloads() -> Vec<Specimen> {
    let marker = control::marker(3, (7, 0), control::record(7, &[&[0; 6]]));
    let bomb = BatchSpec {
        count: Some(1),
        max_timestamp: Some(THEN),
        trailing: zstd_bomb(),
        ..bare().attributes(4).ending_at(0)
    };
    let trailing = vec![1, 2, 3];
    let fewer = BatchSpec {
        count: Some(4),
        ..orders(3).ending_at(5)
    };
    let inner = Message {
        crc: Some(1),
        ..Message::v1(0, THEN, None, Some(b"old"))
    };
    let hollow = Message {
        attributes: 1,
        ..Message::v1(0, THEN, None, None)
    };
    vec![
        (
            "R103",
            LOG,
            with(BatchSpec {
                trailing,
                ..orders(3)
            }),
        ),
        ("R104", LOG, with(orders(3).attributes(1))),
        ("R105", LOG, with(bomb)),
        ("R108", LOG, with(marker.epoch(5).timestamp(THEN))),
        ("R109", LOG, with(fewer)),
        ("R111", LOG, hollow.bytes()),
        ("R113", LOG, with(orders(3).ending_at(5))),
        ("R114", LOG, Wrapper::v1(Codec::GZIP, vec![inner]).bytes()),
    ]
}

/// A frame of zstd that unpacks to 262.5 MiB of zeros: blocks of a repeated byte.
fn zstd_bomb() -> Vec<u8> {
    const BLOCKS: u32 = 2100;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    for block in 1..=BLOCKS {
        let is_last = u32::from(block == BLOCKS);
        let header: u32 = is_last | 1 << 1 | (128 << 10) << 3;
        let [_, high, middle, low] = header.to_be_bytes();
        frame.extend([low, middle, high, 0]);
    }
    frame
}

/// Partitions of several files.
fn of_partitions() -> Vec<Specimen> {
    let log = row(&[orders(0)]);
    let entry = [&THEN.to_be_bytes()[..], &2_i32.to_be_bytes()].concat();
    vec![
        ("S111", "orders-0/00000000000000000000.log", log),
        ("S111", "orders-0/00000000000000000000.index", Vec::new()),
        (
            "S111",
            "orders-0/00000000000000000000.timeindex",
            entry.clone(),
        ),
        ("S111", "orders-0/00000000000000000003.log", Vec::new()),
        ("S111", "orders-0/00000000000000000003.index", Vec::new()),
        (
            "S111",
            "orders-0/00000000000000000003.timeindex",
            Vec::new(),
        ),
        (
            "S111",
            "orders-0/00000000000000000006.log",
            row(&[orders(6)]),
        ),
        ("S111", "orders-0/00000000000000000006.index", Vec::new()),
        ("S111", "orders-0/00000000000000000006.timeindex", entry),
        (
            "S111",
            "orders-0/leader-epoch-checkpoint",
            b"0\n1\n5 0\n".to_vec(),
        ),
    ]
}

fn forged() -> BTreeMap<PathBuf, Vec<u8>> {
    let all = [
        of_segments(),
        of_batches(),
        of_records(),
        of_payloads(),
        of_partitions(),
    ]
    .concat();
    let path = |code: &str, name: &str| Path::new(code).join(name);
    let across = specimens_across::forged().into_iter();
    all.into_iter()
        .map(|(code, name, bytes)| (path(code, name), bytes))
        .chain(across.map(|(code, name, bytes)| (path(code, &name), bytes)))
        .collect()
}

fn broken() -> PathBuf {
    Path::new(TESTDATA).join("broken")
}

/// The findings of a specimen.
fn findings(dir: &Path) -> Vec<Value> {
    let files = below(dir);
    let entries: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    let is_row = entries
        .iter()
        .all(|path| matches!(path.file_name().unwrap().to_str(), Some("a" | "b")));
    // A file by itself; log dirs side by side; one log dir; a partition.
    let subjects = match (&files[..], &entries[..]) {
        ([file], [_]) if file.parent() == Some(dir) => vec![file.clone()],
        (_, _) if is_row => entries,
        (_, [partition]) => vec![partition.clone()],
        _ => vec![dir.to_owned()],
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command
        .args(["verify", "--depth", "deep", "--format", "json"])
        .args(subjects);
    let output = command.output().expect("kseg runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(document["coverage"]["complete"], true, "{}", dir.display());
    document["findings"].as_array().unwrap().clone()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "BLESS=1 writes testdata")]
fn specimens_are_as_they_are_forged() {
    for (name, bytes) in forged() {
        let path = broken().join(name);
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        assert!(fs::read(&path).unwrap() == bytes, "{}", path.display());
    }
}

#[test]
fn each_specimen_shows_its_check_and_nothing_else_that_is_bad() {
    let mut wrong = Vec::new();
    for dir in fs::read_dir(broken()).unwrap() {
        let dir = dir.unwrap().path();
        let code = dir.file_name().unwrap().to_str().unwrap().to_owned();
        let found = findings(&dir);
        let codes: Vec<&str> = found.iter().map(|f| f["code"].as_str().unwrap()).collect();
        let others = found
            .iter()
            .filter(|f| f["severity"] != "note" && f["code"] != code.as_str());
        if !codes.contains(&code.as_str()) || others.count() > 0 {
            wrong.push(format!("{code}: {codes:?}"));
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_check_has_a_specimen() {
    for check in CATALOG {
        let is_excused = WITHOUT.iter().any(|(code, _)| *code == check.code);
        let has_one = broken().join(check.code).is_dir();
        assert!(has_one != is_excused, "{} {}", check.code, check.name);
    }
}
