//! `kseg show` on every file that brokers left, and its images against what Kafka's own commands said.
//!
//! `KSEG_CORPUS` may name a folder of the layout `GROUP/CASE/` whose cases are shown too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

/// A test that finds less to look at has failed.
const FILES_AT_LEAST: usize = 1_500;
const OFFSETS_AT_LEAST: usize = 40;
const TRANSACTIONS_AT_LEAST: usize = 10;
const TOPICS_AT_LEAST: usize = 15;

/// Files that people, not brokers, put there.
const FOREIGN: [&str; 6] = [
    "notes.txt",
    "README.txt",
    "core.1234",
    "kseg-x.bak",
    "segment",
    "00000000000000000000.log.bak",
];

fn kseg(args: &[&str], files: &[PathBuf]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command.arg("show").args(args).args(files);
    command.output().expect("kseg runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A folder with a `case.json`.
struct Case {
    dir: PathBuf,
    about: Value,
}

impl Case {
    /// Whether somebody damaged it on purpose.
    fn is_damaged(&self) -> bool {
        self.about.get("damage").is_some()
    }

    /// Whether its broker was killed, or it is as odd as a broker accepts.
    fn is_odd(&self) -> bool {
        let name = self.dir.file_name().unwrap().to_str().unwrap();
        let odd = [
            "raw-",
            "torn-",
            "left-",
            "kill",
            "logdir-killed",
            "live-copy",
            "odd-",
        ];
        odd.iter().any(|start| name.starts_with(start)) || name == "value-too-long"
    }

    /// The files below one of its folders.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = below(&self.dir.join("files"));
        files.extend(below(&self.dir.join("remote")));
        files
    }

    /// The files that were changed to damage it.
    fn changed(&self) -> BTreeSet<PathBuf> {
        let changed = self.about["facts"]["changed_files"].as_array();
        let names = changed.into_iter().flatten().filter_map(Value::as_str);
        names
            .map(|name| self.dir.join("files").join(name))
            .collect()
    }

    fn segments_of(&self, topic: &str) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|file| {
            let dir = file
                .parent()
                .unwrap()
                .file_name()
                .unwrap()
                .to_str()
                .unwrap();
            let partition = dir
                .strip_prefix(topic)
                .and_then(|rest| rest.strip_prefix('-'));
            partition.is_some_and(|number| number.parse::<u32>().is_ok())
                && file
                    .extension()
                    .is_some_and(|end| end == "log" || end == "checkpoint")
        });
        files
    }
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = dir.read_dir().into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files.extend(below(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files
}

fn cases() -> Vec<Case> {
    let mut roots = vec![PathBuf::from(TESTDATA)];
    roots.extend(std::env::var_os("KSEG_CORPUS").map(PathBuf::from));
    let mut cases = Vec::new();
    for root in roots {
        for group in fs::read_dir(&root).unwrap() {
            for dir in fs::read_dir(group.unwrap().path()).into_iter().flatten() {
                let dir = dir.unwrap().path();
                if let Ok(about) = fs::read(dir.join("case.json")) {
                    let about = serde_json::from_slice(&about).unwrap();
                    cases.push(Case { dir, about });
                }
            }
        }
    }
    cases.sort_by(|a, b| a.dir.cmp(&b.dir));
    cases
}

#[test]
fn every_file_that_brokers_left_is_shown_and_damage_is_told_where_it_is() {
    let (mut shown, mut damaged) = (0, 0);
    for case in cases() {
        let files = case.files();
        if files.is_empty() {
            continue;
        }
        let out = kseg(&["--format", "json"], &files);
        let notes = text(&out.stderr);
        let place = case.dir.display();
        let document: Value = serde_json::from_slice(&out.stdout).expect("a JSON document");
        let entries = document["files"].as_array().unwrap();
        assert_eq!(entries.len(), files.len(), "{place}");
        for (entry, file) in entries.iter().zip(&files) {
            assert_eq!(entry["file"], file.to_str().unwrap());
            let name = file.file_name().unwrap().to_str().unwrap();
            let is_foreign = entry["kind"] == "no file of Kafka's";
            assert_eq!(is_foreign, FOREIGN.contains(&name), "{}", file.display());
        }
        check_notes(&case, &notes, out.status.code());
        let people = kseg(&[], &files);
        assert_eq!(people.status, out.status, "{place}");
        assert_eq!(text(&people.stderr), notes, "{place}");
        let headings = text(&people.stdout);
        for file in &files {
            assert!(
                headings.contains(&format!("{}: ", file.display())),
                "{}",
                file.display()
            );
        }
        shown += files.len();
        damaged += usize::from(out.status.code() == Some(1));
    }
    assert!(shown >= FILES_AT_LEAST, "only {shown} files");
    assert!(damaged > 20, "only {damaged} cases with damage");
}

/// Status 1 goes with a note of file and position, and only for files that were damaged or cut off by a kill.
fn check_notes(case: &Case, notes: &str, status: Option<i32>) {
    let place = case.dir.display();
    assert_eq!(
        status,
        Some(i32::from(!notes.is_empty())),
        "{place}: {notes}"
    );
    assert!(
        notes.is_empty() || case.is_damaged() || case.is_odd(),
        "{place}: {notes}"
    );
    let changed = case.changed();
    for note in notes.lines() {
        let note = note
            .strip_prefix("kseg: ")
            .unwrap_or_else(|| panic!("{place}: {note}"));
        let (file, what) = note.split_once(": ").unwrap();
        let position = what
            .strip_prefix("position ")
            .and_then(|rest| rest.split(':').next());
        let is_more = what.starts_with("and ");
        assert!(
            is_more || position.is_some_and(|at| at.parse::<u64>().is_ok()),
            "{note}"
        );
        let is_named = changed.is_empty() || changed.contains(Path::new(file));
        assert!(
            !case.is_damaged() || is_named,
            "{place} accuses {file}: {what}"
        );
    }
}

#[test]
fn streams_of_objects_say_what_documents_say() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| case.dir.starts_with(TESTDATA)) {
        let files = case.files();
        if files.is_empty() {
            continue;
        }
        let document = kseg(&["--format", "json", "-j", "1"], &files);
        let document: Value = serde_json::from_slice(&document.stdout).unwrap();
        let stream = text(&kseg(&["--format", "ndjson"], &files).stdout);
        let mut stream = stream
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        for entry in document["files"].as_array().unwrap() {
            assert_eq!(stream.next().unwrap()["schema"], entry["schema"]);
            for row in entry["rows"].as_array().unwrap() {
                let mut object = stream.next().unwrap();
                let file = object.as_object_mut().unwrap().remove("file").unwrap();
                assert_eq!((&file, &object), (&entry["file"], row));
                compared += 1;
            }
        }
        assert!(stream.next().is_none());
    }
    assert!(compared > 5_000, "only {compared} rows");
}

#[test]
fn records_of_internal_topics_are_decoded() {
    let mut decoded = 0;
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        for topic in [
            "__consumer_offsets",
            "__transaction_state",
            "__cluster_metadata",
            "__share_group_state",
            "__remote_log_metadata",
        ] {
            let files = case.segments_of(topic);
            if files.is_empty() {
                continue;
            }
            let out = kseg(&["--records", "--format", "ndjson"], &files);
            let place = case.dir.display();
            if case.is_odd() {
                continue;
            }
            assert_eq!(out.status.code(), Some(0), "{place}: {}", text(&out.stderr));
            for line in text(&out.stdout).lines() {
                let object: Value = serde_json::from_str(line).unwrap();
                if object["schema"] == "kseg.entry/1" {
                    assert!(object["unread"].is_null(), "{place}: {line}");
                    decoded += 1;
                }
            }
        }
    }
    assert!(decoded > 500, "only {decoded} records");
}

/// The rows of an image.
fn image(case: &Case, topic: &str) -> Option<Vec<Value>> {
    let files = case.segments_of(topic);
    if files.is_empty() {
        return None;
    }
    let out = kseg(&["--image", "--format", "json"], &files);
    assert_eq!(text(&out.stderr), "", "{}", case.dir.display());
    let document: Value = serde_json::from_slice(&out.stdout).unwrap();
    Some(document["files"][0]["rows"].as_array().unwrap().clone())
}

fn rows<'a>(rows: &'a [Value], schema: &'a str) -> impl Iterator<Item = &'a Value> {
    rows.iter().filter(move |row| row["schema"] == schema)
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The lines of what a command of Kafka said, without comments, headings and the names of groups without members.
fn said(case: &Case, file: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(case.dir.join(file)).ok()?;
    let is_row = |line: &&str| {
        let words = line.split_whitespace().count();
        !["#", "GROUP", "TransactionalId"]
            .iter()
            .any(|start| line.starts_with(start))
            && words > 3
    };
    Some(text.lines().filter(is_row).map(str::to_owned).collect())
}

/// The only cases that were stopped between a prepare and its completion, after the command had said `Ongoing`.
fn is_caught_in_the_middle(case: &Case) -> bool {
    let name = case.dir.file_name().unwrap().to_str().unwrap();
    name.starts_with("partial-") || name.starts_with("prepare-")
}

#[test]
fn offsets_of_groups_are_those_that_kafka_told() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let Some(said) = said(case, "describe-groups-offsets.txt") else {
            continue;
        };
        let Some(image) = image(case, "__consumer_offsets") else {
            continue;
        };
        let mut theirs = BTreeMap::new();
        for line in said.iter().filter(|line| !line.contains("Consumer group")) {
            // The group's name may hold blanks: read from the end.
            let words: Vec<&str> = line.split_whitespace().collect();
            let [group @ .., topic, partition, offset, _, _, _, _, _] = &words[..] else {
                panic!("{line}");
            };
            if let Ok(offset) = offset.parse::<i64>() {
                let partition: i64 = partition.parse().unwrap();
                theirs.insert((group.join(" "), (*topic).to_owned(), partition), offset);
            }
        }
        let ours: BTreeMap<_, _> = rows(&image, "kseg.committed_offset/1")
            .filter(|row| row["pending_producer_id"].is_null())
            .map(|row| {
                let partition = row["partition"].as_i64().unwrap();
                let key = (string(&row["group"]), string(&row["topic"]), partition);
                (key, row["offset"].as_i64().unwrap())
            })
            .collect();
        assert_eq!(ours, theirs, "{}", case.dir.display());
        compared += ours.len();
    }
    assert!(compared >= OFFSETS_AT_LEAST, "only {compared} offsets");
}

#[test]
fn states_of_transactional_ids_are_those_that_kafka_told() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let Some(said) = said(case, "describe-txns-list.txt") else {
            continue;
        };
        let Some(image) = image(case, "__transaction_state") else {
            continue;
        };
        // 2.8 had no such command, and said so.
        if !said.iter().any(|line| line.contains('\t')) || is_caught_in_the_middle(case) {
            continue;
        }
        let theirs: BTreeMap<String, (i64, String)> = said
            .iter()
            .filter(|line| line.contains('\t'))
            .map(|line| {
                let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
                let state = (fields[2].parse().unwrap(), fields[3].to_owned());
                (fields[0].to_owned(), state)
            })
            .collect();
        let ours: BTreeMap<_, _> = rows(&image, "kseg.transactional_id/1")
            .map(|row| {
                let state = (row["producer_id"].as_i64().unwrap(), string(&row["state"]));
                (string(&row["transactional_id"]), state)
            })
            .collect();
        assert_eq!(ours, theirs, "{}", case.dir.display());
        compared += ours.len();
    }
    assert!(compared >= TRANSACTIONS_AT_LEAST, "only {compared} ids");
}

#[test]
fn topics_of_the_metadata_image_are_those_that_kafka_told() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        // Other cases tell of the topics that they ever had.
        let is_last_word = string(&case.about["name"]).starts_with("internal/");
        let told = case.about["facts"]["topicIds"].as_object();
        let Some(told) = told.filter(|_| is_last_word) else {
            continue;
        };
        let Some(image) = image(case, "__cluster_metadata") else {
            continue;
        };
        let theirs: BTreeMap<_, _> = told
            .iter()
            .map(|(name, id)| (name.clone(), string(id)))
            .collect();
        let ours: BTreeMap<_, _> = rows(&image, "kseg.topic/1")
            .map(|row| (string(&row["topic"]), string(&row["topic_id"])))
            .collect();
        assert_eq!(ours, theirs, "{}", case.dir.display());
        compared += ours.len();
    }
    assert!(compared >= TOPICS_AT_LEAST, "only {compared} topics");
}

#[test]
fn a_snapshot_and_the_log_behind_it_are_one_image() {
    let case = cases()
        .into_iter()
        .find(|case| case.dir.ends_with("kraft-undamaged"))
        .unwrap();
    let files = case.segments_of("__cluster_metadata");
    let topics = |files: &[PathBuf]| -> BTreeSet<String> {
        let out = kseg(&["--image", "--format", "json"], files);
        let document: Value = serde_json::from_slice(&out.stdout).unwrap();
        let rows = document["files"][0]["rows"].as_array().unwrap().clone();
        self::rows(&rows, "kseg.topic/1")
            .map(|row| string(&row["topic"]))
            .collect()
    };
    let (snapshots, logs): (Vec<_>, Vec<_>) = files
        .iter()
        .cloned()
        .partition(|file| file.extension().is_some_and(|end| end == "checkpoint"));
    assert!(!snapshots.is_empty() && !logs.is_empty());
    let all = topics(&files);
    assert!(all.len() >= 5, "{all:?}");
    assert!(topics(&snapshots).is_subset(&all));
}

#[test]
fn rows_are_chosen_by_offset_and_number() {
    let file = PathBuf::from(TESTDATA).join("seed/00000000000000000000.log");
    let rows = |args: &[&str]| {
        let out = kseg(
            &[&["--format", "ndjson"], args].concat(),
            std::slice::from_ref(&file),
        );
        assert_eq!(out.status.code(), Some(0));
        text(&out.stdout).lines().count() - 1
    };
    assert_eq!(rows(&[]), 2);
    assert_eq!(rows(&["--limit", "1"]), 1);
    assert_eq!(rows(&["--offset", "1"]), 1);
    assert_eq!(rows(&["--offset", "2.."]), 0);
    assert_eq!(rows(&["--records", "--offset", "..=1"]), 2);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let seed = PathBuf::from(TESTDATA).join("seed/00000000000000000000.log");
    for (args, files) in [
        (&["--image"][..], vec![seed.clone()]),
        (&["--offset", "x"], vec![seed.clone()]),
        (&["--image", "--records"], vec![seed.clone()]),
        (
            &[],
            vec![PathBuf::from("/no/such/00000000000000000000.log")],
        ),
        (&[], Vec::new()),
    ] {
        let out = kseg(args, &files);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(!out.stderr.is_empty());
    }
}
