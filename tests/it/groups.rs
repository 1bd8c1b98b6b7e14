//! `kseg groups` against what Kafka's own tool said just before the broker stopped.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::cases;
use super::process::{self, Ran};

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

/// Which broker coordinates a group, no disk knows: its column of 25 characters.
const COORDINATOR: usize = 25;

/// What `kseg groups` prints on both streams, in the order in which it does.
fn both(dir: &Path, options: &str) -> String {
    let kseg = env!("CARGO_BIN_EXE_kseg");
    let command = format!("{kseg} groups --format kafka {options} files 2>&1");
    let mut shell = Command::new("sh");
    let ran = shell.arg("-c").arg(command).current_dir(dir).output();
    let ran = ran.expect("a shell");
    assert_eq!(ran.status.code(), Some(0), "{}", dir.display());
    String::from_utf8(ran.stdout).unwrap()
}

/// What Kafka's own tool printed, without the line that says how it was called; none if it was not asked.
fn described(case: &Path, what: &str) -> Option<String> {
    let text = fs::read_to_string(case.join(format!("describe-{what}.txt"))).ok()?;
    Some(text.split_once('\n')?.1.to_owned())
}

/// The lines, in an order that is not that of a hash table of the coordinator.
fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The lines of a table of states, without coordinators.
fn without_coordinators(text: &str) -> Vec<String> {
    let mut at = 0;
    let line = |line: &str| {
        if let Some((before, _)) = line.split_once("COORDINATOR (ID)") {
            at = before.chars().count();
            return line.to_owned();
        }
        if !line.contains("  ") {
            return line.to_owned();
        }
        let letters: Vec<char> = line
            .encode_utf16()
            .map(|unit| char::from_u32(unit.into()).unwrap_or('?'))
            .collect();
        let rest = at + COORDINATOR;
        letters[..at].iter().chain(&letters[rest..]).collect()
    };
    text.lines().map(line).collect()
}

/// Compares every case below `root` that has such files; says how many there are.
fn compare(root: &Path) -> usize {
    let mut count = 0;
    for case in cases::folders(root) {
        let name = case.display();
        let Some(offsets) = described(&case, "groups-offsets") else {
            continue;
        };
        assert_eq!(both(&case, ""), offsets, "{name}");
        let states = described(&case, "groups-state").unwrap();
        let ours = both(&case, "--state");
        assert_eq!(
            without_coordinators(&ours),
            without_coordinators(&states),
            "{name}"
        );
        let members = described(&case, "groups-members").unwrap();
        let ours = both(&case, "--members");
        assert_eq!(sorted(&ours), sorted(&members), "{name}");
        count += 1;
    }
    count
}

/// Compares the share and streams groups of every case below `root`; says how many cases there are.
fn compare_others(root: &Path) -> usize {
    let mut count = 0;
    for case in cases::folders(root) {
        for (kind, columns) in [("share", ""), ("streams", "--verbose")] {
            let name = case.display();
            let Some(offsets) = described(&case, &format!("{kind}-offsets")) else {
                continue;
            };
            let kind_of = |options: &str| both(&case, &format!("--kind {kind} {options}"));
            // The groups of streams are in the order of a hash table, and with them the blocks of lines.
            assert_eq!(sorted(&kind_of(columns)), sorted(&offsets), "{name}");
            let members = described(&case, &format!("{kind}-members")).unwrap();
            assert_eq!(sorted(&kind_of("--members")), sorted(&members), "{name}");
            let states = described(&case, &format!("{kind}-state")).unwrap();
            let ours = kind_of(&format!("--state {columns}"));
            let lines = |text: &str| sorted(&without_coordinators(text).join("\n"));
            assert_eq!(lines(&ours), lines(&states), "{name}");
            count += 1;
        }
    }
    count
}

#[test]
fn offsets_members_and_states_are_those_that_kafka_described() {
    assert!(compare(Path::new(TESTDATA)) >= 4);
    assert!(compare_others(Path::new(TESTDATA)) >= 2);
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn offsets_members_and_states_of_the_corpus_are_those_that_kafka_described() {
    let corpus = std::env::var("KSEG_CORPUS").expect("the folder of a corpus");
    assert!(compare(Path::new(&corpus)) >= 14);
    assert!(compare_others(Path::new(&corpus)) >= 2);
}

#[test]
fn the_tools_verbose_columns_are_there() {
    let dir = Path::new(TESTDATA).join("kafka-4.3.1/consumer-4.3.1");
    let head = |options: &str| {
        let text = both(&dir, options);
        let line = text.lines().find(|line| line.starts_with("GROUP"));
        let words = line.unwrap().split_whitespace();
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        head("--group elm* --verbose")[3..5],
        ["LEADER-EPOCH", "CURRENT-OFFSET"]
    );
    assert_eq!(
        head("--group elm* --state --verbose")[5..7],
        ["GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH"]
    );
    let dir = Path::new(TESTDATA).join("kafka-4.3.1/share-4.3.1");
    let text = both(&dir, "--kind share --group dusk* --verbose");
    assert_eq!(
        text.lines().nth(2),
        Some("dusk.busy       heron.tasks     0          0             14            2")
    );
}

fn groups(case: &str, args: &[&str]) -> Ran {
    let dir = Path::new(TESTDATA).join("kafka-4.3.1").join(case);
    process::kseg(&dir, &[&["groups", "files"], args].concat())
}

fn rows(case: &str, args: &[&str]) -> Vec<Value> {
    let ran = groups(case, &[&["--format", "ndjson"], args].concat());
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn what_a_transaction_has_not_committed_is_pending() {
    let rows = rows("classic-4.3.1", &["--group", "birch.*"]);
    let pending: Vec<_> = rows
        .iter()
        .filter(|row| row["pending_offset"].is_i64())
        .map(|row| (row["topic"].as_str().unwrap(), &row["offset"]))
        .collect();
    assert_eq!(
        pending,
        [
            ("heron.pay", &Value::Null),
            ("willow.orders", &Value::from(15))
        ]
    );
}

#[test]
fn offsets_are_given_as_the_tool_takes_them_back() {
    let ran = groups(
        "classic-4.3.1",
        &["--group", "dusk.simple", "--format", "csv"],
    );
    assert_eq!(
        ran.out,
        "heron.pay,1,0\nwillow.orders,0,9\nwillow.orders,2,7\n"
    );
    let ran = groups(
        "classic-4.3.1",
        &["--topic", "heron.pay", "--format", "csv"],
    );
    assert!(
        ran.out.contains("dusk.simple,heron.pay,1,0\n"),
        "{}",
        ran.out
    );
}

#[test]
fn members_have_what_they_were_assigned_and_groups_a_home() {
    let members = rows("consumer-4.3.1", &["--members", "--group", "cedar-stuck"]);
    let assigned: Vec<_> = members
        .iter()
        .map(|row| row["assigned"].to_string())
        .collect();
    assert_eq!(assigned, ["[]", r#"["willow.flow.a:0,1,2,3"]"#]);
    let states = rows("consumer-4.3.1", &["--state", "--group", "cedar-stuck"]);
    assert_eq!(states[0]["state"], "Reconciling");
    assert_eq!(states[0]["home_partition"], 0);
}

#[test]
fn what_is_not_there_is_said() {
    let ran = groups("classic-4.3.1", &["--group", "nobody"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.contains("no group matches"), "{}", ran.err);
    assert!(ran.err.contains("amber.partial"), "{}", ran.err);
    let dir = Path::new(TESTDATA).join("kafka-4.3.1/rp-nonnumeric");
    let ran = process::kseg(&dir, &["groups", "files"]);
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.err.contains("no partition of __consumer_offsets"),
        "{}",
        ran.err
    );
}

/// The partition of each row, its committed offset and its lag.
fn offsets(rows: &[Value]) -> Vec<(String, Option<i64>, Option<i64>)> {
    rows.iter()
        .map(|row| {
            let name = format!("{}-{}", row["topic"].as_str().unwrap(), row["partition"]);
            (name, row["offset"].as_i64(), row["lag"].as_i64())
        })
        .collect()
}

#[test]
fn groups_are_shown_as_they_were_at_an_offset_or_a_time() {
    let group = ["--group", "hazel.multi"];
    let of = |at: &str| rows("classic-4.3.1", &[&group[..], &["--at", at]].concat());
    // Every commit, as `cat` reads them: where it stands in the log, and when it was made.
    let cat = ["cat", "files/__consumer_offsets-0", "--format", "ndjson"];
    let dir = Path::new(TESTDATA).join("kafka-4.3.1/classic-4.3.1");
    let ran = process::kseg(&dir, &cat);
    let commits: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|record: &Value| record.to_string().contains("hazel.multi"))
        .filter(|record| record.to_string().contains("commitTimestamp"))
        .collect();
    assert!(commits.len() > 3, "{}", ran.err);
    for commit in &commits {
        let (at, time) = (
            commit["offset"].as_i64().unwrap(),
            commit["timestamp"].as_i64(),
        );
        let before = of(&at.to_string());
        let after = of(&(at + 1).to_string());
        assert_ne!(before, after, "{at}");
        let then = of(&time.unwrap().to_string());
        let committed = &commit["value"]["commitTimestamp"];
        let mut commits = then.iter().map(|row| &row["commit_timestamp_ms"]);
        assert!(commits.any(|time| time == committed), "{at}");
    }
    // Logs end then where the first later record is.
    let now = rows("classic-4.3.1", &group);
    let end = |rows: &[Value]| -> i64 {
        let ends = rows
            .iter()
            .map(|row| row["log_end_offset"].as_i64().unwrap());
        ends.sum()
    };
    let first = commits[0]["timestamp"].to_string();
    assert!(end(&of(&first)) <= end(&now));
    let much_later = of("2100-01-01");
    assert_eq!(offsets(&much_later), offsets(&now));
}

#[test]
fn the_folder_of_a_partition_is_enough() {
    let dir = Path::new(TESTDATA).join("kafka-4.3.1/classic-4.3.1/files");
    let of = |path: &str| process::kseg(&dir, &["groups", path, "--format", "ndjson"]);
    let whole = of(".");
    assert_eq!(of("__consumer_offsets-0").out, whole.out);
    // That of a topic shows who reads it.
    let one = of("heron.pay-1");
    let lines: Vec<&str> = whole
        .out
        .lines()
        .filter(|line| line.contains(r#""topic":"heron.pay","partition":1"#))
        .collect();
    assert!(!lines.is_empty());
    assert_eq!(one.out.lines().collect::<Vec<_>>(), lines);
    let elsewhere = Path::new(TESTDATA).join("kafka-4.3.1/rp-nonnumeric/files");
    let ran = process::kseg(&elsewhere, &["groups", "orders316-0"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.contains("__consumer_offsets-12"), "{}", ran.err);
}

#[test]
fn offsets_that_are_expired_are_counted() {
    let expired = |args: &[&str]| {
        let args = [&["--group", "dusk.simple", "--now", "2100-01-01"], args].concat();
        groups("classic-4.3.1", &args).out
    };
    assert!(
        expired(&[]).contains("3 offsets are expired (offsets.retention.minutes=10080, assumed)"),
        "{}",
        expired(&[])
    );
    let kept = expired(&["--set", "offsets.retention.minutes=2000000000"]);
    assert!(!kept.contains("expired"), "{kept}");
}
