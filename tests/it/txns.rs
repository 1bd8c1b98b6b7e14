//! `kseg txns` against what Kafka's own tool said just before the broker stopped.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cases;
use crate::process::{self, Ran};

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

/// Long after all of the cases were recorded.
const LATER: &str = "2027-06-01";

fn txns(case: &Path, args: &[&str]) -> Ran {
    process::kseg(case, &[&["txns", "files", "--now", LATER], args].concat())
}

/// The rows of a table of Kafka's, without the columns that no disk knows or that depend on when it was asked.
fn table(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim_end_matches('\n').split('\t');
        cells.map(|cell| cell.trim_end().to_owned()).collect()
    };
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let head = cells(lines.next().unwrap_or_default());
    let unknown = [
        "Coordinator",
        "CoordinatorId",
        "TransactionDurationMs",
        "Duration(min)",
    ];
    let known: Vec<bool> = head
        .iter()
        .map(|name| !unknown.contains(&&**name))
        .collect();
    let mut rows: Vec<Vec<String>> = lines
        .map(|line| {
            let cells = cells(line).into_iter().zip(&known);
            cells
                .filter(|(_, known)| **known)
                .map(|(cell, _)| cell)
                .collect()
        })
        .collect();
    rows.sort();
    rows.insert(0, head);
    rows
}

/// A file with what the tool said, and the options for the same.
fn question(name: &str) -> Option<Vec<String>> {
    let what = name.strip_prefix("describe-txns-")?.strip_suffix(".txt")?;
    let options = |all: &[&str]| Some(all.iter().map(ToString::to_string).collect());
    match what {
        "list" => options(&["--ids"]),
        "find-hanging" => options(&["--max-timeout", "0s"]),
        _ => match what.strip_prefix("producers-") {
            Some(partition) => {
                let (topic, number) = partition.rsplit_once('-')?;
                options(&["--producers", "--topic", topic, "--partition", number])
            }
            None => options(&["--id", what]),
        },
    }
}

/// The only cases that were stopped between a prepare and its completion, after the tool had said `Ongoing`.
fn is_caught_in_the_middle(case: &str) -> bool {
    case.starts_with("partial-") || case.starts_with("prepare-")
}

/// Compares every case below `root`; says how many files were compared.
fn compare(root: &Path) -> usize {
    let mut count = 0;
    for case in cases::folders(root) {
        for file in fs::read_dir(&case).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let Some(options) = question(name) else {
                continue;
            };
            let told = fs::read_to_string(&path).unwrap();
            let (_, told) = told.split_once('\n').unwrap();
            let case_name = case.file_name().unwrap().to_str().unwrap();
            if told.starts_with("Failed") || is_caught_in_the_middle(case_name) {
                continue;
            }
            let mut options: Vec<&str> = options.iter().map(String::as_str).collect();
            options.extend(["--format", "kafka"]);
            let ran = txns(&case, &options);
            assert!(ran.status < Some(2), "{}: {}", path.display(), ran.err);
            assert_eq!(table(&ran.out), table(told), "{}", path.display());
            // Before 3.0 producers were in the order of a map of Scala.
            if name.contains("-producers-") && !case_name.ends_with("-2.8.2") {
                assert_eq!(ran.out, told, "{}", path.display());
            }
            count += 1;
        }
    }
    count
}

#[test]
fn transactions_are_those_that_kafka_told() {
    assert!(compare(Path::new(TESTDATA)) >= 10);
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn transactions_of_the_corpus_are_those_that_kafka_told() {
    let corpus = std::env::var("KSEG_CORPUS").expect("the folder of a corpus");
    assert!(compare(Path::new(&corpus)) >= 30);
}

fn rows(case: &str, args: &[&str]) -> Vec<Value> {
    let dir = Path::new(TESTDATA).join("kafka-4.3.1").join(case);
    let ran = txns(&dir, &[&["--format", "ndjson"], args].concat());
    assert!(ran.status < Some(2), "{}", ran.err);
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn an_open_transaction_has_an_owner_and_holds_records_back() {
    let open = rows(
        "txns-4.3.1",
        &["--topic", "willow.ledger", "--partition", "0"],
    );
    let [row] = &open[..] else { panic!("{open:?}") };
    assert_eq!(row["transactional_id"], "pearl-t-open");
    assert_eq!(
        (&row["start_offset"], &row["state"]),
        (&16.into(), &"timed out".into())
    );
    assert_eq!(row["is_last_stable_offset"], true);
    assert!(row["held_back_offsets"].as_i64() > Some(0));
    assert_eq!(row["abort_command"], Value::Null);
}

#[test]
fn without_the_coordinator_s_partitions_nothing_hangs_for_sure() {
    let case = Path::new(TESTDATA).join("kafka-4.3.1/txns-4.3.1");
    let temp = crate::temp::Temp::new();
    crate::plan::copy(&case.join("files"), &temp.path().join("files"));
    for number in 0..50 {
        let _ = fs::remove_dir_all(
            temp.path()
                .join(format!("files/__transaction_state-{number}")),
        );
    }
    let ran = txns(temp.path(), &["--format", "ndjson"]);
    let states: BTreeSet<String> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["state"].to_string())
        .collect();
    assert_eq!(states, BTreeSet::from(["\"unknown\"".to_owned()]));
    assert_eq!(ran.status, Some(0));
    let ran = txns(temp.path(), &["--ids"]);
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.err.contains("no partition of __transaction_state"),
        "{}",
        ran.err
    );
}

#[test]
fn verify_names_the_transactional_id_of_an_open_transaction_and_its_duration() {
    let dir = Path::new(TESTDATA).join("kafka-4.3.1/txns-4.3.1/files");
    let verify = |args: &[&str], path: &Path| {
        let args = [&["verify", "--notes"], args].concat();
        let args: Vec<&std::ffi::OsStr> = args.iter().map(std::ffi::OsStr::new).collect();
        let args = [&args[..], &[path.as_os_str()]].concat();
        process::end(process::command(&dir, &args).spawn().unwrap()).out
    };
    let named = "transaction pearl-t-open2 of producer 10 is open from offset 17 on, for ";
    let all = verify(&[], &dir);
    assert!(all.contains(named), "{all}");
    // The log dir around the partitions is read for ids even if its own topic is left out.
    let one = verify(&["--topic", "willow.ledger"], &dir);
    assert!(one.contains(named), "{one}");
    let partition = verify(&[], &dir.join("willow.ledger-2"));
    assert!(partition.contains(named), "{partition}");
}
