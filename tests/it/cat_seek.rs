//! Ranges found by an index are those found by looking at everything, whatever the index says.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::cases::{cases, text};
use crate::cat::{cat, objects, partitions};
use crate::forge::{BatchSpec, Codec, Forged, Rec};
use crate::temp::Temp;

/// What all records leave of a range, and what the command says.
fn compare(
    dir: &Path,
    all: &[Value],
    args: &[&str],
    wanted: impl Fn(&Value) -> bool,
) -> Option<String> {
    let (got, output) = objects(args, dir);
    let expected: Vec<&Value> = all.iter().filter(|line| wanted(line)).collect();
    if got.iter().eq(expected.iter().copied()) {
        return None;
    }
    let (got, expected) = (got.len(), expected.len());
    let said = text(&output.stderr);
    Some(format!(
        "{} {args:?}: {got} of {expected}\n{said}",
        dir.display()
    ))
}

/// Compares ranges of offsets and times at a few places of a partition.
fn differences(dir: &Path) -> Vec<String> {
    let (all, output) = objects(&[], dir);
    if output.status.code() != Some(0) || all.len() < 4 {
        return Vec::new();
    }
    let number = |line: &Value, field: &str| line[field].as_i64().unwrap();
    let mut wrong = Vec::new();
    for quarter in [1, 3] {
        let line = &all[all.len() * quarter / 4];
        let (offset, time) = (number(line, "offset"), number(line, "timestamp"));
        let end = offset + 3;
        let args = ["--offset", &format!("{offset}..{end}")];
        wrong.extend(compare(dir, &all, &args, |line| {
            (offset..end).contains(&number(line, "offset"))
        }));
        if time < 0 {
            continue;
        }
        let (since, until) = (time.to_string(), (time + 1000).to_string());
        let args = ["--since", &since, "--until", &until];
        wrong.extend(compare(dir, &all, &args, |line| {
            (time..time + 1000).contains(&number(line, "timestamp"))
        }));
        let (got, _) = objects(&["--since", &since, "--tail", "3"], dir);
        let later = all.iter().filter(|line| number(line, "timestamp") >= time);
        let later: Vec<&Value> = later.collect();
        if !got
            .iter()
            .eq(later[later.len().saturating_sub(3)..].iter().copied())
        {
            wrong.push(format!("{} the last 3 since {since}", dir.display()));
        }
    }
    wrong
}

#[track_caller]
fn assert_none(wrong: &[String]) {
    let told = wrong[..wrong.len().min(10)].join("\n");
    assert!(wrong.is_empty(), "{} differ\n{told}", wrong.len());
}

#[test]
fn ranges_of_healthy_logs_are_those_of_all_their_records() {
    let mut wrong = Vec::new();
    for (dir, truth) in partitions() {
        // What producers made up may repeat offsets.
        if !truth.failed && !dir.to_string_lossy().contains("raw-") {
            wrong.extend(differences(&dir));
        }
    }
    assert_none(&wrong);
}

#[test]
fn damaged_indexes_change_no_answer() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for case in cases().iter().filter(|case| case.is_damaged()) {
        let changed = case.changed();
        let is_index = |path: &PathBuf| {
            let end = path.extension().unwrap_or_default();
            ["index", "timeindex", "txnindex", "snapshot"]
                .iter()
                .any(|index| end == *index)
        };
        let gone = changed.iter().filter(|path| is_index(path));
        for path in gone {
            let dir = path.parent().unwrap();
            if dir.is_dir() && changed.iter().all(is_index) {
                seen += 1;
                wrong.extend(differences(dir));
            }
        }
    }
    assert!(seen > 0);
    assert_none(&wrong);
}

/// A partition of one segment with many small batches, whose times go up and down, and its right indexes.
fn forged() -> (Temp, Vec<u8>, Vec<u8>) {
    let temp = Temp::new();
    let mut log = Forged::default();
    let (mut index, mut times) = (Vec::new(), Vec::new());
    let mut latest = (-1, 0);
    for batch in 0..300_i64 {
        let base = batch * 3;
        let time = 1_000_000 + batch * 10 - (batch % 7) * 25;
        let codec = if batch % 2 == 0 {
            Codec::None
        } else {
            Codec::Gzip { members: 1 }
        };
        let mut spec = BatchSpec::at(base).timestamp(time).codec(codec);
        for delta in 0..3 {
            let value = format!("value {} {}", base, "x".repeat(40));
            let record = Rec::new(Some(b"key"), Some(value.as_bytes()));
            spec = spec.record(record.offset_delta(delta).timestamp_delta(delta.into()));
        }
        let position = u32::try_from(log.bytes.len()).unwrap();
        log = log.with(&spec);
        let last = u32::try_from(base + 2).unwrap();
        if time + 2 > latest.0 {
            latest = (time + 2, last);
        }
        if batch % 10 == 9 {
            index.extend([last.to_be_bytes(), position.to_be_bytes()].concat());
            times.extend([&latest.0.to_be_bytes()[..], &latest.1.to_be_bytes()].concat());
        }
    }
    temp.file("t-0/00000000000000000000.log", &log.bytes);
    (temp, index, times)
}

#[test]
fn wrong_but_plausible_indexes_change_no_answer() {
    let (temp, index, times) = forged();
    let dir = temp.path().join("t-0");
    let index_path = "t-0/00000000000000000000.index";
    let times_path = "t-0/00000000000000000000.timeindex";
    assert_none(&differences(&dir));
    temp.file(index_path, &index);
    temp.file(times_path, &times);
    assert_none(&differences(&dir));
    // Every entry says an offset too low, too high, or a position of another entry.
    for (at, by) in [(3, 200_u8), (3, 1), (2, 1), (7, 1), (6, 1)] {
        let mut bad = index.clone();
        for entry in bad.chunks_exact_mut(8) {
            entry[at] = entry[at].wrapping_add(by);
        }
        temp.file(index_path, &bad);
        assert_none(&differences(&dir));
    }
    let shifted: Vec<u8> = index
        .chunks_exact(8)
        .zip(index.chunks_exact(8).skip(5))
        .flat_map(|(offset, position)| [&offset[..4], &position[4..]].concat())
        .collect();
    temp.file(index_path, &shifted);
    assert_none(&differences(&dir));
    temp.file(index_path, &index);
    // Times too early for their offsets, or offsets too far for their times.
    for (at, by) in [(7, 100_u8), (7, 156), (6, 1), (6, 255), (11, 60), (10, 1)] {
        let mut bad = times.clone();
        for entry in bad.chunks_exact_mut(12) {
            entry[at] = entry[at].wrapping_add(by);
        }
        temp.file(times_path, &bad);
        assert_none(&differences(&dir));
    }
}

#[test]
fn damage_stops_the_reading_and_salvage_goes_on() {
    let (temp, _, _) = forged();
    let path = temp.path().join("t-0/00000000000000000000.log");
    let mut bytes = fs::read(&path).unwrap();
    let (all, _) = objects(&[], &path);
    let position = |line: &Value| usize::try_from(line["position"].as_u64().unwrap()).unwrap();
    let hit = position(&all[300]);
    let next = position(&all[303]);
    bytes[hit + 80] ^= 0xff;
    temp.file("t-0/00000000000000000000.log", &bytes);
    for jobs in ["-j1", "-j2", "-j8"] {
        let (before, output) = objects(&[jobs], &path);
        assert_eq!(before, all[..300]);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        let range = format!("position {hit}..{next}: ");
        let good = format!("the next valid batch is at position {next}, offset 303; --salvage");
        assert!(said.contains(&range) && said.contains(&good), "{said}");
        let (rest, output) = objects(&[jobs, "--salvage"], &path);
        let (bad, good): (Vec<Value>, Vec<Value>) =
            rest.into_iter().partition(|line| line["crc"] == "bad");
        assert_eq!(good, [&all[..300], &all[303..]].concat());
        assert!(
            bad.iter()
                .all(|line| (300..303).contains(&line["offset"].as_u64().unwrap()))
        );
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(&range));
    }
    let (few, output) = objects(&["--limit", "5"], &path);
    assert_eq!((few.len(), output.status.code()), (5, Some(0)));
}

#[test]
fn salvage_turns_a_bit_back_and_marks_what_a_wrong_checksum_leaves() {
    let (temp, _, _) = forged();
    let path = temp.path().join("t-0/00000000000000000000.log");
    let sound = fs::read(&path).unwrap();
    let (all, _) = objects(&[], &path);
    let position = |line: &Value| usize::try_from(line["position"].as_u64().unwrap()).unwrap();
    let (hit, next) = (position(&all[300]), position(&all[303]));
    // The low bit of the last byte of a value, and two bytes there.
    let value = next - 2;
    let flipped = |masks: &[u8]| {
        let mut bytes = sound.clone();
        for (byte, mask) in bytes[value..].iter_mut().zip(masks) {
            *byte ^= mask;
        }
        temp.file("t-0/00000000000000000000.log", &bytes);
    };
    flipped(&[1]);
    for jobs in ["-j1", "-j8"] {
        let (rest, output) = objects(&[jobs, "--salvage"], &path);
        assert_eq!(rest, all);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        let turned = format!("3 records read with a flipped bit corrected (bit 0 of byte {value})");
        assert!(said.contains(&turned), "{said}");
    }
    flipped(&[0x5a]);
    let (rest, output) = objects(&["--salvage"], &path);
    let offsets = |lines: &[Value]| {
        lines
            .iter()
            .map(|line| line["offset"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(offsets(&rest), offsets(&all));
    for (index, line) in rest.iter().enumerate() {
        let is_bad = (300..303).contains(&index);
        assert_eq!(line["crc"], if is_bad { "bad" } else { "ok" });
    }
    let said = text(&output.stderr);
    let range = format!("position {hit}..{next}: ");
    assert!(
        said.contains(&range) && said.contains("they may be damaged"),
        "{said}"
    );
    // Nothing there says which records may be damaged.
    for unmarked in [&["--format", "text"][..], &["--template", "%o\n"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
        let output = command
            .args(["cat", "--salvage"])
            .args(unmarked)
            .arg(&path)
            .output()
            .unwrap();
        let lines = text(&output.stdout).lines().count();
        let heading = usize::from(unmarked[1] == "text" && lines > all.len() - 3);
        assert_eq!(lines - heading, all.len() - 3);
    }
    let (rest, _) = objects(&["--latest", "--salvage"], &path);
    assert!(rest.iter().all(|line| line["crc"] == "ok"));
}

#[test]
fn files_that_kafka_has_left_are_read_by_their_names() {
    let (temp, _, _) = forged();
    let log = temp.path().join("t-0/00000000000000000000.log");
    let (all, _) = objects(&[], &log);
    let bytes = fs::read(&log).unwrap();
    for left in ["deleted", "swap", "cleaned"] {
        let left = temp.file(format!("t-0/00000000000000000000.log.{left}"), &bytes);
        let (lines, output) = objects(&[], &left);
        assert_eq!((lines.len(), output.status.code()), (all.len(), Some(0)));
        assert_eq!(lines[0]["topic"], "t");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (temp, _, _) = forged();
    let log = temp.path().join("t-0/00000000000000000000.log");
    let bytes = fs::read(&log).unwrap();
    // More than any pipe holds.
    let many = temp.file("t-1/00000000000000000000.log", &bytes.repeat(40));
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command.args(["cat", "--raw"]).arg(&many);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_file_appears_when_it_is_whole() {
    let (temp, _, _) = forged();
    let log = temp.path().join("t-0/00000000000000000000.log");
    let shown = cat(&[], &[&log]).stdout;
    let target = temp.file("out.txt", b"what was there");
    let name = target.to_str().unwrap();
    let output = cat(&["-o", name], &[&log]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert_eq!(fs::read(&target).unwrap(), shown);
    let full = cat(&["-o", "/dev/full"], &[&log]);
    assert_eq!(full.status.code(), Some(2));
    assert_eq!(
        text(&full.stderr),
        "error: /dev/full: no space left on device\n"
    );
    let own = cat(&["-o", log.to_str().unwrap()], &[&log]);
    assert_eq!(own.status.code(), Some(2));
    assert!(text(&own.stderr).contains("one of Kafka's files"));
    assert!(!fs::read(&log).unwrap().is_empty());
    let missing = cat(&["-o", "/no/such/dir/out"], &[&log]);
    assert_eq!(missing.status.code(), Some(2));
    let names: Vec<_> = fs::read_dir(temp.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
