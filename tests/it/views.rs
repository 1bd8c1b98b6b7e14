//! `kseg stats`, `diff`, `fingerprint`, `compaction` and `cat --latest` against counts of their own: over the records that `kseg cat`
//! shows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::forge::random::Rng;
use crate::forge::{BatchSpec, Codec, Frame, Rec};
use crate::process;
use crate::temp::Temp;

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

fn rows(args: &[&str]) -> Vec<Value> {
    let ran = process::kseg(
        Path::new(TESTDATA),
        &[args, &["--format", "ndjson"]].concat(),
    );
    assert!(ran.status < Some(2), "{args:?}: {}", ran.err);
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn records(path: &str) -> Vec<Value> {
    let mut records = rows(&["cat", "--no-decode", "--salvage", path]);
    records.retain(|record| record["crc"] == "ok");
    records
}

fn number(row: &Value, field: &str) -> i64 {
    row[field]
        .as_i64()
        .unwrap_or_else(|| panic!("{field} of {row}"))
}

fn int(count: usize) -> i64 {
    i64::try_from(count).unwrap()
}

/// The folders of partitions below the cases of `root` that were not damaged on purpose.
fn partitions(root: &Path) -> Vec<PathBuf> {
    let inside = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).into_iter().flatten();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut paths: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
        paths.sort();
        paths
    };
    let files = inside(root).into_iter().map(|case| case.join("files"));
    let is_log = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let number = name
            .rsplit_once('-')
            .map(|(_, number)| number.parse::<u32>());
        matches!(number, Some(Ok(_)))
    };
    files
        .flat_map(|files| inside(&files))
        .filter(is_log)
        .collect()
}

/// Compares what is counted of a partition with a count of its records. Returns how many there are.
fn compare(partition: &Path) -> usize {
    let path = partition.to_str().unwrap();
    let all = records(path);
    let size = |row: &Value, field: &str| number(row, field).max(0);
    let of_record =
        |row: &Value| size(row, "serialized_key_size") + size(row, "serialized_value_size");
    let total = |by: &str| {
        let rows = rows(&["stats", "--by", by, path]);
        rows.last().unwrap().clone()
    };
    for by in ["partition", "key", "hour", "codec", "size", "producer"] {
        let counted = total(by);
        assert_eq!(counted["by"], "total");
        assert_eq!(number(&counted, "records"), int(all.len()), "{path} {by}");
        let bytes = number(&counted, "unpacked_bytes") - number(&counted, "header_bytes");
        assert_eq!(bytes, all.iter().map(of_record).sum::<i64>(), "{path}");
        let null = |field: &str| int(all.iter().filter(|row| row[field].is_null()).count());
        assert_eq!(number(&counted, "null_keys"), null("key"), "{path}");
        assert_eq!(number(&counted, "null_values"), null("value"), "{path}");
    }
    let (mut keys, mut bytes) = (BTreeMap::<String, (i64, i64)>::new(), BTreeMap::new());
    for row in &all {
        let key = keys.entry(row["key"].to_string()).or_default();
        *key = (key.0 + 1, number(row, "offset"));
        *bytes.entry(row["key"].to_string()).or_insert(0) += of_record(row);
    }
    for row in rows(&["stats", "--by", "key", "--top", "1000000", path]) {
        if row["by"] == "key" {
            let key = row["group"].to_string();
            assert_eq!(number(&row, "records"), keys[&key].0, "{path} {key}");
            let counted = number(&row, "unpacked_bytes") - number(&row, "header_bytes");
            assert_eq!(counted, bytes[&key], "{path} {key}");
        }
    }
    // The latest record of each key, tombstones out unless asked for.
    let is_latest = |row: &&Value| {
        let key = row["key"].to_string();
        !row["key"].is_null() && keys[&key].1 == number(row, "offset")
    };
    for (option, tombstones) in [("--latest", false), ("--tombstones", true)] {
        let args = ["cat", "--no-decode", "--salvage", "--latest", option, path];
        let args: Vec<&str> = if tombstones {
            args.to_vec()
        } else {
            [&args[..3], &args[4..]].concat()
        };
        let expected = all.iter().filter(is_latest);
        let expected = expected.filter(|row| tombstones || !row["value"].is_null());
        let expected: Vec<&Value> = expected.collect();
        let found = rows(&args);
        assert_eq!(
            found.iter().collect::<Vec<_>>(),
            expected,
            "{path} {option}"
        );
    }
    let compacted = rows(&["compaction", "--set=cleanup.policy=compact", path]);
    if let Some(row) = compacted
        .iter()
        .find(|row| row["schema"] == "kseg.compacted_partition/1")
        && number(row, "aborted_records") == 0
        && number(row, "stops") == 0
    {
        let named = int(all.iter().filter(|row| !row["key"].is_null()).count());
        let distinct = int(keys.keys().filter(|key| *key != "null").count());
        assert_eq!(number(row, "records"), int(all.len()), "{path}");
        // Records of aborted transactions count for nothing here, and those at the end may be open.
        if !all.iter().any(|row| row["transactional"] == true) {
            assert_eq!(number(row, "keys"), distinct, "{path}");
            assert_eq!(number(row, "duplicates"), named - distinct, "{path}");
        }
    }
    all.len()
}

#[test]
fn counts_are_those_of_the_records() {
    let release = Path::new(TESTDATA).join("kafka-4.3.1");
    let case = ["classic-4.3.1", "txns-4.3.1"];
    let all = partitions(&release).into_iter();
    let own = all.filter(|path| {
        case.iter()
            .any(|case| path.to_str().unwrap().contains(case))
    });
    let count: usize = own.map(|path| compare(&path)).sum();
    assert!(count > 100, "{count}");
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn counts_of_the_corpus_are_those_of_the_records() {
    let corpus = std::env::var("KSEG_CORPUS").expect("the folder of a corpus");
    let mut count = 0;
    for group in ["modern", "internal"] {
        for partition in partitions(&Path::new(&corpus).join(group)) {
            count += compare(&partition);
        }
    }
    assert!(count > 10_000, "{count}");
}

/// A log of three segments whose keys come again: what of it is known, and the partition.
fn compacted(temp: &Temp, codec: Codec) -> Vec<(i64, Vec<u8>, bool)> {
    let mut rng = Rng::new(11);
    let mut all = Vec::new();
    let mut segments = [(0_i64, Vec::new()), (200, Vec::new()), (400, Vec::new())];
    for offset in (0..600).step_by(10) {
        let mut batch = BatchSpec::at(offset).codec(codec);
        for delta in 0..10 {
            let key = format!("k{}", rng.below(70)).into_bytes();
            let is_tombstone = rng.below(9) == 0;
            let value = (!is_tombstone).then_some(&b"some value"[..]);
            batch = batch.then(Rec::new(Some(&key), value));
            all.push((offset + delta, key, is_tombstone));
        }
        let at = segments
            .iter()
            .rposition(|(base, _)| *base <= offset)
            .unwrap();
        segments[at].1.extend(batch.bytes());
    }
    for (base, bytes) in segments {
        temp.file(format!("accounts-0/{base:020}.log"), &bytes);
    }
    temp.file("cleaner-offset-checkpoint", b"0\n1\naccounts 0 200\n");
    all
}

#[test]
fn compaction_drops_what_a_dirty_record_replaces() {
    for codec in [Codec::None, Codec::Gzip { members: 1 }] {
        let temp = Temp::new();
        let all = compacted(&temp, codec);
        let path = temp.path().join("accounts-0");
        let found = rows(&[
            "compaction",
            "--set=cleanup.policy=compact",
            "--set=min.cleanable.dirty.ratio=0.3",
            path.to_str().unwrap(),
        ]);
        let [row] = &found[..] else {
            panic!("{found:?}")
        };
        // What is before 400 is cleaned, and only what is from 200 on replaces anything.
        let last = |key: &[u8]| {
            let dirty = all
                .iter()
                .filter(|(offset, other, _)| (200..400).contains(offset) && other == key);
            dirty.map(|(offset, ..)| *offset).max()
        };
        let cleaned = || all.iter().filter(|(offset, ..)| *offset < 400);
        let replaced =
            cleaned().filter(|(offset, key, _)| last(key).is_some_and(|last| last > *offset));
        assert_eq!(number(row, "replaced_records"), int(replaced.count()));
        let tombstones = int(cleaned().filter(|(.., gone)| *gone).count());
        assert_eq!(number(row, "tombstones"), tombstones);
        let range = [
            "first_dirty_offset",
            "first_uncleanable_offset",
            "log_end_offset",
        ];
        assert_eq!(range.map(|field| number(row, field)), [200, 400, 600]);
        assert_eq!(row["state"], "due");
        let saved = number(row, "replaced_bytes");
        assert!(saved > 0 && saved < number(row, "clean_bytes") + number(row, "dirty_bytes"));
    }
}

#[test]
fn copies_with_the_same_records_in_other_batches_have_one_fingerprint() {
    let (plain, packed, other) = (Temp::new(), Temp::new(), Temp::new());
    let all = compacted(&plain, Codec::None);
    compacted(&packed, Codec::Gzip { members: 1 });
    compacted(&other, Codec::None);
    let path = |temp: &Temp| temp.path().join("accounts-0").display().to_string();
    let mut bytes = fs::read(other.path().join("accounts-0/00000000000000000400.log")).unwrap();
    bytes.truncate(bytes.len() / 2);
    other.file("accounts-0/00000000000000000400.log", &bytes);
    let digest = |temp: &Temp| rows(&["fingerprint", &path(temp)])[0]["digest"].clone();
    assert_eq!(digest(&plain), digest(&packed));
    assert_ne!(digest(&plain), digest(&other));
    let diff = |a: &Temp, b: &Temp, args: &[&str]| {
        let (a, b) = (path(a), path(b));
        let args = [&["diff", &a, &b, "--format", "ndjson"], args].concat();
        process::kseg(Path::new(TESTDATA), &args)
    };
    let same = diff(&plain, &packed, &[]);
    assert_eq!(
        (same.status, same.out.lines().count()),
        (Some(0), 1),
        "{}",
        same.out
    );
    let framed = diff(&plain, &packed, &["--framing"]);
    assert_eq!(framed.status, Some(1));
    let rows: Vec<Value> = framed
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&rows[0]["same_records"], &rows[1]["kind"]),
        (&all.len().into(), &"framing".into())
    );
    let cut = diff(&plain, &other, &[]);
    assert_eq!(cut.status, Some(1));
    let range: Value = serde_json::from_str(cut.out.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        (&range["kind"], &range["last_offset"]),
        (&"only-a".into(), &599.into())
    );
    assert_eq!(range["why"], "beyond the log end of B");
}

/// A log whose batches are missing, or hold other values, at random.
fn scattered(temp: &Temp, seed: u64, codec: Codec) -> String {
    let mut rng = Rng::new(seed);
    let mut bytes = Vec::new();
    for offset in (0..300).step_by(5) {
        let kind = rng.below(6);
        if kind == 0 {
            continue;
        }
        let mut batch = BatchSpec::at(offset).codec(codec);
        for delta in 0..5 {
            let value = format!("value {}", if kind == 1 { offset + delta } else { delta });
            batch = batch.then(Rec::new(Some(b"key"), Some(value.as_bytes())));
        }
        bytes.extend(batch.bytes());
    }
    temp.file("orders-0/00000000000000000000.log", &bytes);
    temp.path().join("orders-0").display().to_string()
}

#[test]
fn differences_are_those_of_the_records_that_cat_shows() {
    for seed in 0..8 {
        let (one, other) = (Temp::new(), Temp::new());
        let a = scattered(&one, seed, Codec::None);
        let b = scattered(&other, seed + 100, Codec::Gzip { members: 1 });
        let of = |path: &str| -> BTreeMap<i64, String> {
            let of_row = |row: &Value| (number(row, "offset"), row["value"].to_string());
            records(path).iter().map(of_row).collect()
        };
        let (of_a, of_b) = (of(&a), of(&b));
        let kind = |offset: i64| match (of_a.get(&offset), of_b.get(&offset)) {
            (Some(_), None) => Some("only-a"),
            (None, Some(_)) => Some("only-b"),
            (Some(a), Some(b)) if a != b => Some("records"),
            _ => None,
        };
        let expected: BTreeMap<i64, &str> = (0..300)
            .filter_map(|offset| Some((offset, kind(offset)?)))
            .collect();
        let rows = rows(&["diff", &a, &b]);
        let mut found = BTreeMap::new();
        for row in &rows[1..] {
            let range = number(row, "first_offset")..=number(row, "last_offset");
            let in_range = range.clone().filter(|it| expected.contains_key(it));
            assert_eq!(
                number(row, "records"),
                int(in_range.clone().count()),
                "{row}"
            );
            found.extend(in_range.map(|offset| (offset, row["kind"].as_str().unwrap())));
        }
        assert_eq!(found, expected, "seed {seed}");
        let count = |kind| int(expected.values().filter(|it| **it == kind).count());
        let same = of_a.keys().filter(|it| of_b.contains_key(it)).count();
        for (field, count) in [
            ("only_a_records", count("only-a")),
            ("only_b_records", count("only-b")),
            ("different_records", count("records")),
            ("same_records", int(same) - count("records")),
        ] {
            assert_eq!(number(&rows[0], field), count, "seed {seed}: {field}");
        }
    }
}

#[test]
fn what_stops_the_cleaner_is_named() {
    let temp = Temp::new();
    compacted(&temp, Codec::None);
    let file = temp.path().join("accounts-0/00000000000000000200.log");
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 4;
    temp.file("accounts-0/00000000000000000200.log", &bytes);
    let found = rows(&[
        "compaction",
        "--set=cleanup.policy=compact",
        temp.path().to_str().unwrap(),
    ]);
    assert_eq!(
        (&found[0]["state"], &found[0]["is_due"]),
        (&"stopped".into(), &false.into())
    );
    assert_eq!((&found[1]["kind"], found.len()), (&"damage".into(), 2));
    assert!(number(&found[1], "position") <= int(at));
}
