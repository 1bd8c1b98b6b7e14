//! `kseg verify` on what brokers left and on what was damaged on purpose: no false alarm, no miss.

use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Output};

use kseg::scan::Jobs;
use kseg::store::{LogFile, Source};
use kseg::verify::{CheckId, Options, Subject, verify_log};
use serde_json::Value;

use crate::cases::{Case, TESTDATA, cases, text};
use crate::forge::random::Rng;
use crate::forge::{BatchSpec, Forged, Frame, Rec, random_segment};
use crate::temp::Temp;

fn kseg(args: &[&str], path: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command.arg("verify").args(args).arg(path);
    command.output().expect("kseg runs")
}

fn document(args: &[&str], path: &Path) -> Value {
    let output = kseg(&[&["--format", "json"], args].concat(), path);
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}: {}",
        path.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("a document")
}

/// Findings of checks of `.log` files that are worse than notes.
fn bad(document: &Value) -> Vec<&Value> {
    let findings = document["findings"].as_array().unwrap().iter();
    let is_bad = |finding: &&Value| {
        let check = CheckId::find(code(finding)).expect("a check");
        finding["severity"] != "note" && check.family().is_of_log()
    };
    findings.filter(is_bad).collect()
}

fn code(finding: &Value) -> &str {
    finding["code"].as_str().unwrap()
}

fn name(case: &Case) -> &str {
    case.dir.file_name().unwrap().to_str().unwrap()
}

#[test]
fn healthy_logs_are_found_healthy() {
    let mut alarms = Vec::new();
    let mut seen = 0;
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let name = name(case);
        let document = document(&["--depth", "deep"], &case.dir.join("files"));
        assert_eq!(document["coverage"]["complete"], true, "{name}");
        seen += 1;
        for finding in bad(&document) {
            if !case.allows(code(finding)) {
                alarms.push(format!("{name}: {finding}"));
            }
        }
    }
    assert!(
        seen > 50 && alarms.is_empty(),
        "{seen} cases\n{}",
        alarms.join("\n")
    );
}

#[test]
fn damaged_logs_are_found_damaged_where_they_are() {
    let mut missed = Vec::new();
    let mut seen = 0;
    for case in cases().iter().filter(|case| case.is_damaged()) {
        let name = name(case);
        let hits = case.about["facts"]["hit_bytes"].as_array();
        let logs = hits.into_iter().flatten().filter(|hit| {
            Path::new(hit[0].as_str().unwrap())
                .extension()
                .is_some_and(|end| end == "log")
        });
        let logs: Vec<&Value> = logs.collect();
        if logs.is_empty() || case.is_unseen() {
            continue;
        }
        seen += 1;
        let document = document(&["--depth", "deep"], &case.dir.join("files"));
        let found = bad(&document);
        if !logs
            .iter()
            .all(|hit| found.iter().any(|finding| covers(finding, hit)))
        {
            missed.push(format!("{name}: {logs:?}"));
        }
        if case.about["facts"]["single_bit"] == true {
            let flipped = |finding: &&Value| finding["detail"]["flipped_position"] == logs[0][1];
            if !found.iter().any(flipped) {
                missed.push(format!("{name}: the bit is not located"));
            }
        }
    }
    assert!(
        seen > 5 && missed.is_empty(),
        "{seen} cases\n{}",
        missed.join("\n")
    );
}

/// Whether a finding is about bytes of a hit.
fn covers(finding: &Value, hit: &Value) -> bool {
    let path = finding["path"].as_str().unwrap();
    let (Some(position), Some(length)) = (finding["position"].as_u64(), finding["length"].as_u64())
    else {
        return false;
    };
    let (from, to) = (hit[1].as_u64().unwrap(), hit[2].as_u64().unwrap());
    path.ends_with(&format!("/{}", hit[0].as_str().unwrap()))
        && position <= to
        && from <= position + length
}

/// A log of ten batches.
fn log() -> Vec<u8> {
    let batch = |n: i64| BatchSpec::at(n * 2).timestamp(1_700_000_000_000).epoch(3);
    let rec = || Rec::new(Some(b"key"), Some(&[b'v'; 20]));
    let batches = (0..10).map(|n| batch(n).then(rec()).then(rec()).bytes());
    batches.collect::<Vec<_>>().concat()
}

#[test]
fn every_flipped_bit_of_a_log_is_found_where_it_is() {
    let sound = log();
    let size = sound.len() / 10;
    let temp = Temp::new();
    let (mut found, mut located, mut covered) = (0, 0, 0);
    // The third batch, one bit of each byte after the other.
    for at in 2 * size..3 * size {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        let path = temp.file("00000000000000000000.log", &bytes);
        let document = document(&["--depth", "shape"], &path);
        let findings = bad(&document);
        let is_here = |finding: &&&Value| {
            let position = finding["position"].as_u64().unwrap();
            (position..=position + finding["length"].as_u64().unwrap()).contains(&(at as u64))
        };
        let here = findings.iter().find(is_here);
        found += usize::from(here.is_some());
        let is_located = here.is_some_and(|here| here["detail"]["flipped_position"] == at as u64);
        located += usize::from(is_located);
        covered += usize::from(is_located && at - 2 * size >= 17);
        assert!(findings.len() <= 1, "byte {at}: {findings:?}");
    }
    assert_eq!(covered, size - 17, "every byte that the checksum covers");
    assert!(
        found >= size - 1 && located >= size - 3,
        "{found} found, {located} located of {size}"
    );
}

#[test]
fn the_output_is_the_same_for_any_number_of_threads() {
    let mut bytes = Vec::new();
    for n in 0..30_000_i64 {
        let rec = Rec::new(Some(b"key"), Some(&[b'v'; 60]));
        let mut batch = BatchSpec::at(n)
            .timestamp(1_700_000_000_000)
            .then(rec)
            .bytes();
        match n % 1000 {
            7 => batch[100] ^= 4,
            300 => batch[7] ^= 0x10,
            500 => batch.truncate(80),
            _ => {}
        }
        bytes.extend(batch);
    }
    let temp = Temp::new();
    let path = temp.file("00000000000000000000.log", &bytes);
    let one = kseg(&["--format", "json", "-j1"], &path);
    let many = kseg(&["--format", "json", "-j8"], &path);
    let read = kseg(&["--format", "json", "-j3", "--no-mmap"], &path);
    assert_eq!(one.status.code(), Some(1));
    assert!(one.stdout == many.stdout && one.stdout == read.stdout);
    let document: Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(document["summary"]["errors"], 90);
    assert_eq!(document["coverage"]["complete"], true);
}

#[test]
fn a_baseline_quiets_what_it_knows_and_nothing_else() {
    let temp = Temp::new();
    let mut bytes = log();
    bytes[100] ^= 1;
    let path = temp.file("00000000000000000000.log", &bytes);
    let baseline = temp.path().join("known.json");
    let baseline = baseline.to_str().unwrap();
    assert_eq!(
        kseg(&["--write-baseline", baseline], &path).status.code(),
        Some(0)
    );
    assert_eq!(
        kseg(&["--baseline", baseline], &path).status.code(),
        Some(0)
    );
    let size = bytes.len() / 10;
    bytes[5 * size + 100] ^= 1;
    temp.file("00000000000000000000.log", &bytes);
    assert_eq!(
        kseg(&["--baseline", baseline], &path).status.code(),
        Some(1)
    );
}

#[test]
fn levels_decide_what_fails() {
    let specimen = |code: &str| {
        let dir = Path::new(TESTDATA).join("broken").join(code);
        dir.join("00000000000000000000.log")
    };
    let status = |args: &[&str], code| kseg(args, &specimen(code)).status.code();
    assert_eq!(status(&[], "B107"), Some(0));
    assert_eq!(status(&["--fail-on", "note"], "B107"), Some(1));
    assert_eq!(status(&["-D", "empty-batch"], "B107"), Some(1));
    assert_eq!(status(&[], "B101"), Some(1));
    assert_eq!(status(&["-A", "B"], "B101"), Some(0));
    assert_eq!(status(&["-W", "B101"], "B101"), Some(0));
    assert_eq!(status(&["-D", "B999"], "B101"), Some(2));
    assert_eq!(status(&["--depth", "all"], "B101"), Some(2));
    assert_eq!(kseg(&[], Path::new("/no/such")).status.code(), Some(2));
    // A test case fails where the run does.
    let junit = |args: &[&str]| {
        let args = [&["--format", "junit"], args].concat();
        text(&kseg(&args, &specimen("B107")).stdout)
    };
    assert!(!junit(&[]).contains("<failure"));
    assert!(junit(&["--fail-on", "note"]).contains("<failure type=\"B107\""));
}

#[test]
fn a_header_that_is_partly_zeros_is_not_believed() {
    let log = "kafka-4.3.1/zero-page-512-mid/files/orders143-0/00000000000000000026.log";
    let output = kseg(&["--format", "json"], &Path::new(TESTDATA).join(log));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &document["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["offset"]),
        (&"S109".into(), &35.into())
    );
    let detail = &finding["detail"];
    assert_eq!(detail["records_lost_at_most"], 10);
    // The zeros begin inside the header of the batch at offset 35: its last offset and its times are gone.
    assert!(
        detail["step_over"]
            .as_str()
            .unwrap()
            .contains("--to-offset 45 ")
    );
    assert!(detail["from_ms"].as_i64().unwrap() > 1_700_000_000_000);
}

#[test]
fn an_offset_that_no_segment_can_have_bounds_no_loss() {
    let one = |offset| BatchSpec::at(offset).then(Rec::new(None, Some(b"value")));
    let bytes = |offset| Forged::default().with(&one(offset)).bytes;
    let found = |next| {
        let temp = Temp::new();
        let log = [&bytes(0)[..], &[0x55; 40], &bytes(next)].concat();
        let file = temp.file("t-0/00000000000000000000.log", &log);
        let document = document(&[], &file);
        let findings = document["findings"].as_array().unwrap().clone();
        let lost = findings.into_iter().find(|one| code(one) == "S104");
        lost.expect("damage")["detail"].clone()
    };
    let near = found(9);
    assert_eq!(near["records_lost_at_most"], 8, "{near}");
    assert_eq!(near["next_offset_after"], 9);
    let far = found(1 << 60);
    assert_eq!(far["records_lost_at_most"], Value::Null, "{far}");
    assert_eq!(far["next_offset_after"], Value::Null);
}

#[test]
fn records_after_more_damage_than_is_told_apart_are_not_left_out_of_the_sum() {
    let one = BatchSpec::at(0).then(Rec::new(None, Some(b"value")));
    let mut batch = Forged::default().with(&one).bytes;
    *batch.last_mut().unwrap() ^= 1;
    let temp = Temp::new();
    let mut log = Vec::new();
    for offset in 0_i64..5_000 {
        log.extend(offset.to_be_bytes());
        log.extend(&batch[8..]);
    }
    temp.file("t-0/00000000000000000000.log", &log);
    let output = kseg(&[], &temp.path().join("t-0"));
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().next().unwrap();
    assert!(
        answer.ends_with("an unknown number of records unreadable"),
        "{answer}"
    );
}

#[test]
fn every_format_shows_the_finding() {
    let path = Path::new(TESTDATA).join("broken/B101/00000000000000000000.log");
    let shown =
        |format: &str| String::from_utf8(kseg(&["--format", format], &path).stdout).unwrap();
    let text = shown("text");
    let first = "1 of 1 file is damaged: 1 error; 3 records unreadable\n";
    assert!(text.starts_with(first), "{text}");
    let finding =
        "\n  error B101 at byte 178 (offset 3, 178 bytes): batch checksum mismatch: bit 5 of byte ";
    assert!(text.contains(finding), "{text}");
    let last = "1 error, 0 warnings, 0 notes; kseg explain B101 describes the worst\n";
    assert!(text.ends_with(last), "{text}");
    let junit = shown("junit");
    assert!(
        junit.contains("tests=\"1\" failures=\"1\"") && junit.contains("<failure type=\"B101\"")
    );
    assert!(shown("github").starts_with("::error file="));
    let sarif: Value = serde_json::from_str(&shown("sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(
        (&result["ruleId"], &result["level"]),
        (&"B101".into(), &"error".into())
    );
}

#[test]
fn explain_prints_manuals_and_the_list() {
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
        command
            .arg("explain")
            .args(args)
            .output()
            .expect("kseg runs")
    };
    let by_code = run(&["b101"]);
    let by_name = run(&["crc-mismatch"]);
    assert!(by_code.status.success() && by_code.stdout == by_name.stdout);
    let text = String::from_utf8(by_code.stdout).unwrap();
    assert!(
        text.starts_with("B101 crc-mismatch: batch checksum mismatch\n"),
        "{text}"
    );
    let list = String::from_utf8(run(&[]).stdout).unwrap();
    assert_eq!(list.lines().count(), kseg::verify::CATALOG.len());
    assert_eq!(run(&["Z1"]).status.code(), Some(2));
}

#[test]
fn every_byte_is_accounted_for_whatever_the_damage_and_the_threads() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let mut bytes = random_segment(seed).bytes;
        for _ in 0..rng.below(6) {
            let at = usize::from(rng.below(u16::MAX)) % bytes.len().max(1);
            match rng.below(5) {
                0 => bytes.truncate(at),
                1 => bytes.extend(vec![0; 300]),
                2 => drop(bytes.splice(at..at, [0xee; 40])),
                3 => drop(bytes.drain(at..(at + 50).min(bytes.len()))),
                _ => bytes
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte ^= 4),
            }
        }
        let log = LogFile::Whole(Source::from(bytes));
        let subject = Subject::at(Path::new("00000000000000000000.log"));
        let verified = |threads| {
            let options = Options {
                jobs: Jobs::new(NonZero::new(threads).unwrap()),
                ..Options::default()
            };
            let verified = verify_log(&log, &subject, &options).unwrap();
            assert!(verified.coverage.is_complete(), "seed {seed}");
            verified.findings.into_sorted()
        };
        assert_eq!(verified(1), verified(4), "seed {seed}");
    }
}
