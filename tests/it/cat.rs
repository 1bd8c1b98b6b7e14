//! `kseg cat` against what real consumers got, and each of its options.
//!
//! `KSEG_CORPUS` may name a folder of the layout `GROUP/CASE/` whose cases are taken too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::cases::{TESTDATA, text};
use crate::forge::batch::TRANSACTIONAL;
use crate::forge::{BatchSpec, Forged, Rec, control, partition};
use crate::temp::Temp;
use crate::truth::{self, Record, Truth};

/// At least so many records are compared.
const RECORDS_AT_LEAST: usize = 5_000;

pub(crate) fn cat(args: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command.arg("cat").args(args).args(paths);
    command.stdin(Stdio::null()).output().expect("kseg runs")
}

/// What `--format ndjson` says, with these options.
pub(crate) fn objects(args: &[&str], path: &Path) -> (Vec<Value>, Output) {
    let args = [&["--format", "ndjson", "--no-decode"], args].concat();
    let output = cat(&args, &[path]);
    let lines = text(&output.stdout);
    let objects = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (objects.collect(), output)
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        other => truth::base64(other.get("base64")?),
    }
}

fn record(line: &Value) -> Record {
    let headers = line["headers"].as_array().unwrap();
    Record {
        offset: line["offset"].as_i64().unwrap(),
        timestamp_ms: line["timestamp"].as_i64().unwrap(),
        key: bytes(&line["key"]),
        value: bytes(&line["value"]),
        headers: headers
            .iter()
            .map(|header| {
                let key = bytes(&header["key"]).unwrap();
                let key = String::from_utf8_lossy(&key).into_owned();
                (key, bytes(&header["value"]))
            })
            .collect(),
    }
}

/// Partitions that a real consumer read.
pub(crate) fn partitions() -> Vec<(PathBuf, Truth)> {
    let mut found = Vec::new();
    for case in truth::cases() {
        for (name, truth) in truth::truths(&case.join("truth.ndjson")) {
            for dir in truth::folders_named(&name, &case.join("files")) {
                found.push((dir, truth.clone()));
            }
        }
    }
    found
}

fn tell(wrong: &[String], of: usize) {
    let told = wrong.iter().take(10).cloned().collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "{} of {of} partitions differ\n\n{}",
        wrong.len(),
        told.join("\n\n")
    );
}

#[test]
fn lines_are_the_records_that_a_real_consumer_got() {
    let (mut compared, mut wrong) = (0, Vec::new());
    let partitions = partitions();
    for (dir, truth) in &partitions {
        let (lines, output) = objects(&["-j2"], dir);
        if output.status.code() != Some(0) && !truth.failed {
            wrong.push(format!("{}: {}", dir.display(), text(&output.stderr)));
            continue;
        }
        let got = truth::consume(lines.iter().map(record).collect(), truth);
        let first_here = truth::segments(dir)
            .first()
            .map_or(0, |first| first.base_offset().get());
        let wanted: Vec<&Record> = truth
            .records
            .iter()
            .filter(|record| record.offset >= first_here)
            .collect();
        compared += wanted.len();
        let differs = got.iter().zip(&wanted).find(|(got, wanted)| got != *wanted);
        if differs.is_some() || got.len() != wanted.len() {
            let (got, wanted) = (got.len(), wanted.len());
            wrong.push(format!("{}: {got} of {wanted} {differs:?}", dir.display()));
        }
    }
    assert!(compared >= RECORDS_AT_LEAST, "only {compared} records");
    tell(&wrong, partitions.len());
}

/// Producer, first and last offset of the transactions that a broker's own index calls aborted.
fn aborted(dir: &Path) -> Vec<(i64, i64, i64)> {
    let mut aborted = Vec::new();
    for entry in dir.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "txnindex") {
            for entry in fs::read(path).unwrap().chunks_exact(34) {
                let number = |at: usize| i64::from_be_bytes(entry[at..at + 8].try_into().unwrap());
                aborted.push((number(2), number(10), number(18)));
            }
        }
    }
    aborted
}

#[test]
fn committed_is_what_brokers_indexes_and_stable_offsets_leave() {
    let (mut left_out, mut wrong, mut seen) = (0, Vec::new(), 0);
    for (dir, truth) in partitions().iter().filter(|(_, truth)| !truth.failed) {
        let aborted = aborted(dir);
        let (all, _) = objects(&[], dir);
        let end = all
            .last()
            .map_or(0, |last| last["offset"].as_i64().unwrap());
        if aborted.is_empty() && truth.last_stable > end {
            continue;
        }
        seen += 1;
        let is_out = |line: &&Value| {
            let offset = line["offset"].as_i64().unwrap();
            let id = line["producer_id"].as_i64().unwrap_or(-1);
            offset >= truth.last_stable
                || line["transactional"] == true
                    && aborted
                        .iter()
                        .any(|(of, first, last)| *of == id && (first..=last).contains(&&offset))
        };
        let wanted: Vec<&Value> = all.iter().filter(|line| !is_out(line)).collect();
        left_out += all.len() - wanted.len();
        let (got, _) = objects(&["--committed"], dir);
        if !got.iter().eq(wanted.iter().copied()) {
            let (got, wanted) = (got.len(), wanted.len());
            wrong.push(format!("{}: {got} of {wanted}", dir.display()));
        }
    }
    assert!(
        left_out > 0,
        "no transaction was aborted in {seen} partitions"
    );
    tell(&wrong, seen);
}

/// The partition that the tests of options read: text in keys and values, and headers.
fn sample() -> PathBuf {
    Path::new(TESTDATA).join("kafka-4.3.1/log-start/files/iot-readings-log-start-0")
}

fn offsets(lines: &[Value]) -> Vec<i64> {
    lines
        .iter()
        .map(|line| line["offset"].as_i64().unwrap())
        .collect()
}

/// Asserts that an option leaves what a look at all records leaves, and neither nothing nor all.
#[track_caller]
fn leaves(args: &[&str], wanted: impl Fn(&Value) -> bool) {
    let (all, _) = objects(&[], &sample());
    let (got, output) = objects(args, &sample());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expected: Vec<Value> = all.iter().filter(|line| wanted(line)).cloned().collect();
    assert!(
        !expected.is_empty() && expected.len() < all.len(),
        "{args:?}"
    );
    assert_eq!(offsets(&got), offsets(&expected), "{args:?}");
}

#[test]
fn filters_leave_what_a_look_at_all_records_leaves() {
    let (all, _) = objects(&[], &sample());
    let middle = &all[all.len() / 2];
    let offset = middle["offset"].as_i64().unwrap();
    let time = middle["timestamp"].as_i64().unwrap();
    let key = middle["key"].as_str().unwrap();
    leaves(&["--offset", &format!("{offset}..")], |line| {
        line["offset"].as_i64().unwrap() >= offset
    });
    leaves(&["--offset", &format!("..{offset}")], |line| {
        line["offset"].as_i64().unwrap() < offset
    });
    leaves(
        &["--offset", &format!("{offset}..={}", offset + 2)],
        |line| (offset..=offset + 2).contains(&line["offset"].as_i64().unwrap()),
    );
    leaves(&["--since", &time.to_string()], |line| {
        line["timestamp"].as_i64().unwrap() >= time
    });
    leaves(&["--until", &time.to_string()], |line| {
        line["timestamp"].as_i64().unwrap() < time
    });
    leaves(&["--key", key], |line| line["key"] == key);
    leaves(&["--key-regex", "7$"], |line| {
        line["key"].as_str().unwrap().ends_with('7')
    });
    leaves(&["--value-regex", "Perth|Quito"], |line| {
        let value = line["value"].as_str().unwrap_or_default();
        value.contains("Perth") || value.contains("Quito")
    });
    leaves(&["--header", "source=gen"], |line| {
        let headers = line["headers"].as_array().unwrap();
        headers
            .iter()
            .any(|h| h["key"] == "source" && h["value"] == "gen")
    });
}

/// A partition with two producers, two leader epochs, a commit, an abort and a transaction that has not ended.
fn transactions() -> (Temp, PathBuf) {
    let of = |offset, id, epoch, bits| {
        BatchSpec::at(offset)
            .producer(id, 0, 0)
            .epoch(epoch)
            .attributes(bits)
            .record(Rec::new(None, Some(b"v")))
    };
    let log = Forged::default()
        .with(&of(0, 7, 1, TRANSACTIONAL))
        .with(&of(1, 8, 1, TRANSACTIONAL))
        .with(&control::marker(2, (7, 0), control::abort(0)).epoch(1))
        .with(&of(3, 9, 2, 0))
        .with(&of(4, 7, 2, TRANSACTIONAL))
        .with(&control::marker(5, (8, 0), control::commit(0)).epoch(2))
        .with(&control::marker(6, (7, 0), control::commit(0)).epoch(2))
        .with(&of(7, 8, 2, TRANSACTIONAL))
        .with(&of(8, 9, 2, 0));
    let temp = Temp::new();
    temp.file("t-0/00000000000000000000.log", &log.bytes);
    let dir = temp.path().join("t-0");
    (temp, dir)
}

#[test]
fn producers_epochs_markers_and_transactions_are_told_apart() {
    let (temp, dir) = transactions();
    for (args, wanted) in [
        (&[][..], &[0, 1, 3, 4, 7, 8][..]),
        (&["--control"], &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (&["--producer-id", "7"], &[0, 4]),
        (&["--producer-id", "7", "--control"], &[0, 2, 4, 6]),
        (&["--epoch", "1"], &[0, 1]),
        (&["--committed"], &[1, 3, 4]),
        (&["--committed", "--control"], &[1, 2, 3, 4, 5, 6]),
        (&["--committed", "--tail", "1"], &[4]),
        (&["--committed", "--limit", "2", "-j2"], &[1, 3]),
    ] {
        let (lines, output) = objects(args, &dir);
        assert_eq!(offsets(&lines), wanted, "{args:?}");
        assert_eq!(output.status.code(), Some(0));
        let said = text(&output.stderr);
        assert_eq!(
            said.contains("stopped at offset 7"),
            args.contains(&"--committed")
        );
    }
    // Of a segment alone, a transaction that ends in the next one has ended.
    let (log, cut) = (fs::read(dir.join("00000000000000000000.log")).unwrap(), 4);
    let at = |nth: usize| {
        let (lines, _) = objects(&["--control"], &dir);
        usize::try_from(lines[nth]["position"].as_u64().unwrap()).unwrap()
    };
    let (first, rest) = log.split_at(at(cut));
    let (first, rest) = (first.to_vec(), rest.to_vec());
    temp.file("u-0/00000000000000000000.log", &first);
    temp.file("u-0/00000000000000000004.log", &rest);
    let segment = temp.path().join("u-0/00000000000000000000.log");
    let (lines, _) = objects(&["--committed"], &segment);
    assert_eq!(offsets(&lines), [1, 3]);
}

#[test]
fn an_index_shows_that_a_transaction_without_marker_has_ended() {
    let of = |offset| {
        BatchSpec::at(offset)
            .producer(7, 0, 0)
            .attributes(TRANSACTIONAL)
            .record(Rec::new(None, Some(b"v")))
    };
    // The markers at 1, 3 and 5 are lost: of a commit, of an abort, and of a commit.
    let lost = Forged::default()
        .with(&of(0))
        .with(&of(2))
        .with(&of(4))
        .with(&of(6))
        .with(&control::marker(7, (7, 0), control::abort(0)))
        .with(&of(8));
    let entries = [
        partition::aborted(0, [7, 2, 3, 4]),
        partition::aborted(0, [7, 6, 7, 8]),
    ]
    .concat();
    let temp = Temp::new();
    temp.file("t-0/00000000000000000000.log", &lost.bytes);
    temp.file("t-0/00000000000000000000.txnindex", &entries);
    let (lines, output) = objects(&["--committed"], &temp.path().join("t-0"));
    assert_eq!(offsets(&lines), [0, 4]);
    assert!(text(&output.stderr).contains("stopped at offset 8"));
}

#[test]
fn a_log_starts_where_its_log_dir_says() {
    let (temp, dir) = transactions();
    temp.file("log-start-offset-checkpoint", b"0\n1\nt 0 3\n");
    let (lines, _) = objects(&[], &dir);
    assert_eq!(offsets(&lines), [3, 4, 7, 8]);
    let (lines, _) = objects(&["--topic", "t"], temp.path());
    assert_eq!(offsets(&lines), [3, 4, 7, 8]);
    let (lines, _) = objects(&[], &dir.join("00000000000000000000.log"));
    assert_eq!(offsets(&lines), [0, 1, 3, 4, 7, 8]);
}

#[test]
fn an_array_is_one_document_however_many_logs() {
    let (temp, _) = transactions();
    let other = sample();
    for args in [&["-j1"][..], &["-j8"], &["--limit", "3"], &["--limit", "0"]] {
        let output = cat(
            &[&["--format", "json"], args].concat(),
            &[temp.path(), &other],
        );
        let all: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(all.as_array().unwrap().len() > 6, args.len() == 1);
    }
}

#[test]
fn the_first_and_the_last_records_are_those_of_all() {
    let (all, _) = objects(&[], &sample());
    for count in [1, 3, all.len() - 1, all.len() + 5] {
        let number = count.to_string();
        let (first, _) = objects(&["--limit", &number], &sample());
        assert_eq!(first, all[..count.min(all.len())], "{count}");
        let (last, _) = objects(&["--tail", &number], &sample());
        assert_eq!(last, all[all.len().saturating_sub(count)..], "{count}");
    }
    let (five, _) = objects(&["--tail", "5"], &sample());
    assert_eq!(objects(&["--offset", "-5.."], &sample()).0, five);
    let (both, _) = objects(&["--tail", "5", "--limit", "2"], &sample());
    assert_eq!(both, all[all.len() - 5..all.len() - 3]);
    let (none, output) = objects(&["--limit", "0"], &sample());
    assert_eq!((none.len(), output.status.code()), (0, Some(0)));
}

#[test]
fn wrong_values_are_refused_before_any_file_is_looked_for() {
    for args in [
        &["--offset", "x"][..],
        &["--offset", "5..3"],
        &["--since", "tomorrow"],
        &["--since", "1795600000"],
        &["--until", "2x"],
        &["--since", "5", "--until", "5"],
        &["--key-regex", "("],
        &["--value-regex", "*"],
        &["--header", "trace"],
        &["--producer-id", "-1"],
        &["--epoch", "x"],
        &["--limit", "-1"],
        &["--tail", "some"],
        &["--format", "xml"],
        &["-j", "0"],
        &["--partition", "x"],
        &["--topic", ""],
    ] {
        let output = cat(args, &[Path::new("/no/such/file.log")]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        let flag = args[args.len() - 2];
        assert!(
            said.contains(flag) && !said.contains("no such file"),
            "{said}"
        );
    }
}

#[test]
fn every_option_is_in_the_help_and_its_examples() {
    let help = text(&cat(&["--help"], &[]).stdout);
    let (options, examples) = help.split_once("Examples:").unwrap();
    for option in [
        "--offset",
        "--since",
        "--until",
        "--key",
        "--key-regex",
        "--value-regex",
        "--header",
        "--producer-id",
        "--epoch",
        "--limit",
        "--tail",
        "--committed",
        "--control",
        "--salvage",
        "--topic",
        "--partition",
        "--format",
        "-o",
    ] {
        assert!(options.contains(option), "{option}");
        assert!(examples.contains(option), "no example with {option}");
    }
}

#[test]
fn a_file_without_records_is_refused_with_a_hint() {
    let index = sample().join("leader-epoch-checkpoint");
    let output = cat(&[], &[&index]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("has no records; kseg show"), "{said}");
}
