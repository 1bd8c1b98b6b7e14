//! `kseg show` on every file that brokers left.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cases::{Case, TESTDATA, cases, kseg, text};
use crate::forge::damage::{overwrite, zero};
use crate::forge::{BatchSpec, Frame, Rec};
use crate::process;
use crate::temp::Temp;

/// A test that finds less to look at has failed.
const FILES_AT_LEAST: usize = 1_500;

/// Files that people, not brokers, put there.
const FOREIGN: [&str; 6] = [
    "notes.txt",
    "README.txt",
    "core.1234",
    "kseg-x.bak",
    "segment",
    "00000000000000000000.log.bak",
];

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
            let is_foreign = entry["kind"] == "unknown file";
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

#[test]
fn a_large_broken_segment_is_shown_alike_on_any_number_of_threads() {
    let mut bytes = Vec::new();
    let value = vec![b'v'; 3_000];
    let mut starts = Vec::new();
    while bytes.len() < 4 << 20 {
        starts.push(bytes.len());
        let offset = i64::try_from(starts.len()).unwrap();
        let batch = BatchSpec::at(offset).record(Rec::new(Some(b"k"), Some(&value)));
        bytes.extend(batch.bytes());
    }
    // Damage in the middle, at the first cut, and a batch that goes back behind the third.
    let middle = starts[starts.len() / 2];
    bytes[middle + 100] ^= 1;
    zero(&mut bytes, (1 << 20) - 2_000..(1 << 20) + 2_000);
    let again = starts.iter().position(|start| *start > (3 << 20)).unwrap();
    overwrite(&mut bytes, starts[again], &7_i64.to_be_bytes());
    let temp = Temp::new();
    let file = temp.file("t-0/00000000000000000000.log", &bytes);
    for format in ["text", "json", "ndjson"] {
        for what in [&[][..], &["--records"]] {
            let show = |how: &[&str]| {
                let args = [&["--format", format], what, how].concat();
                let out = kseg(&args, std::slice::from_ref(&file));
                assert_eq!(out.status.code(), Some(1));
                (text(&out.stdout), text(&out.stderr))
            };
            let one = show(&["-j", "1"]);
            assert!(one.1.contains("offset 7 follows"), "{}", one.1);
            assert!(one == show(&["-j", "4"]), "{format} {what:?}");
            assert!(
                one == show(&["-j", "2", "--no-mmap"]),
                "{format} {what:?}, in windows"
            );
            if format == "json" {
                serde_json::from_str::<Value>(&one.0).unwrap();
            }
        }
    }
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

#[test]
fn every_byte_has_a_field_and_damage_is_marked() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seed = "testdata/seed/00000000000000000000.log";
    let args = ["show", "--hex", "--format", "ndjson", seed];
    let ran = crate::process::kseg(root, &args);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let rows: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let bytes = fs::read(root.join(seed)).unwrap();
    let mut position = 0;
    for row in rows.iter().filter(|row| row["schema"] == "kseg.field/1") {
        assert_eq!(row["position"], position, "{row}");
        let size = row["size_bytes"].as_u64().unwrap();
        let at = usize::try_from(position).unwrap();
        let own = &bytes[at..at + usize::try_from(size.min(256)).unwrap()];
        let hex: Vec<String> = own.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(row["hex"], hex.join(" "), "{row}");
        position += size;
    }
    assert_eq!(position, bytes.len() as u64);
    let temp = crate::temp::Temp::new();
    let mut flipped = bytes.clone();
    flipped[40] ^= 1;
    let file = temp.file("t-0/00000000000000000000.log", &flipped);
    let args = ["show", "--hex", "--position", "17", file.to_str().unwrap()];
    let ran = crate::process::kseg(root, &args);
    assert_eq!(ran.status, Some(1));
    assert!(ran.out.contains("wrong: the bytes give"), "{}", ran.out);
}

#[test]
fn a_cluster_is_shown_as_commands_that_make_it_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = "testdata/kafka-4.3.1/classic-4.3.1/files";
    let shown = |form: &str| {
        let ran = crate::process::kseg(root, &["show", "--image", "--as", form, dir]);
        assert_eq!((ran.status, &*ran.err), (Some(0), ""), "{form}");
        ran.out
    };
    let commands = shown("commands");
    let create = "kafka-topics.sh --bootstrap-server HOST:9092 --create --topic willow.orders --replica-assignment 1,1,1";
    assert!(
        commands.lines().any(|line| line.starts_with(create)),
        "{commands}"
    );
    assert!(
        commands.contains("# __consumer_offsets: Kafka makes it itself"),
        "{commands}"
    );
    let described = shown("kafka");
    assert!(
        described.contains("\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: "),
        "{described}"
    );
    assert!(
        described.contains("\tTopic: willow.orders\tPartition: 2\tLeader: "),
        "{described}"
    );
    let documents = shown("strimzi");
    assert!(
        documents.contains("  topicName: \"willow.orders\"\n  partitions: 3\n"),
        "{documents}"
    );
}

#[test]
fn the_topics_of_connect_are_known_by_their_records() {
    let root = Path::new(TESTDATA).join("kafka-4.3.1/connect-4.3.1/files");
    let image = |topics: &[&str]| {
        let args = [&["show", "--image", "--format", "ndjson"], topics].concat();
        let ran = process::kseg(&root, &args);
        let rows = ran
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        (ran.status, rows.collect::<Vec<Value>>(), ran.err)
    };
    let (status, rows, err) = image(&[
        "connect-configs-1-0",
        "connect-offsets-1-0",
        "connect-offsets-1-1",
        "connect-status-1-0",
    ]);
    assert_eq!(status, Some(0), "{err}");
    let of = |schema: &str| -> Vec<&Value> {
        let rows = rows.iter().filter(|row| row["schema"] == schema);
        rows.collect()
    };
    let source = of("kseg.connector/1");
    let source = source.iter().find(|row| row["connector"] == "source-1");
    let source = source.expect("source-1");
    assert_eq!(
        source["class"],
        "org.apache.kafka.connect.file.FileStreamSourceConnector"
    );
    assert_eq!(source["topics"], serde_json::json!(["connect-data-1"]));
    assert_eq!(source["worker"], "127.0.0.1:21105");
    let offsets = of("kseg.source_offset/1");
    let offset = offsets.iter().find(|row| row["connector"] == "source-1");
    let offset = offset.expect("an offset of source-1");
    assert_eq!(offset["partition"], r#"{"filename":"input.txt"}"#);
    assert_eq!(offset["offset"], r#"{"position":33}"#);
    let text: String = rows.iter().map(Value::to_string).collect();
    assert!(!text.contains("HmacSHA256"), "the session key is shown");
    let (status, _, err) = image(&["connect-data-1-0"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("not of an internal topic"), "{err}");
}
