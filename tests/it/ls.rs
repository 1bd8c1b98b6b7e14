//! `kseg ls`: on folders of every odd kind, and with every flag.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use super::forge::{BatchSpec, Frame, Rec};
use super::process::{self, Ran};
use super::temp::Temp;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

pub(crate) fn ls(dir: &Path, args: &[&str]) -> Ran {
    process::kseg(dir, &[&["ls"], args].concat())
}

pub(crate) fn rows(dir: &Path, args: &[&str]) -> Vec<Value> {
    let ran = ls(dir, &[&["--format", "ndjson"], args].concat());
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{args:?}");
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn of<'a>(rows: &'a [Value], schema: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["schema"] == schema).collect()
}

fn names(rows: &[Value], field: &str) -> String {
    let names = rows.iter().filter_map(|row| row[field].as_str());
    names.collect::<Vec<_>>().join(" ")
}

/// A batch of one record.
pub(crate) fn batch(offset: i64, timestamp: i64, value: &[u8]) -> Vec<u8> {
    let spec = BatchSpec::at(offset).timestamp(timestamp);
    spec.record(Rec::new(Some(b"k"), Some(value))).bytes()
}

#[test]
fn a_log_dir_is_its_partitions_and_a_partition_its_segments() {
    let dir = Path::new(ROOT).join("testdata/kafka-4.3.1/segments/files");
    let all = rows(&dir, &["."]);
    let partitions = of(&all, "kseg.partition/1");
    let total = of(&all, "kseg.log-dir/1");
    assert_eq!(total[0]["partitions"], partitions.len());
    let bytes = partitions
        .iter()
        .map(|row| row["log_bytes"].as_u64().unwrap());
    assert_eq!(total[0]["log_bytes"], bytes.sum::<u64>());
    let folder = partitions
        .iter()
        .max_by_key(|row| row["segments"].as_u64())
        .unwrap();
    let inside = rows(&dir, &[folder["name"].as_str().unwrap()]);
    let segments = of(&inside, "kseg.segment/1");
    assert_eq!(folder["segments"], segments.len());
    assert_eq!(segments.last().unwrap()["state"][0], "active");
    let file = segments[0]["path"].as_str().unwrap();
    assert_eq!(rows(&dir, &[file]), [segments[0].clone()]);
    // Where one stands is as good as a path.
    let here = rows(&dir.join(folder["name"].as_str().unwrap()), &[]);
    assert_eq!(of(&here, "kseg.segment/1").len(), segments.len());
    let document = ls(&dir, &["--format", "json", "."]).out;
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["schema"], "kseg.ls/1");
    assert_eq!(document["rows"].as_array().unwrap(), &all);
}

/// Partitions of several sizes in every state, and what does not belong there.
fn zoo() -> Temp {
    let temp = Temp::new();
    let mut small = batch(0, 1_000, b"a");
    small.extend(batch(1, 3_000, b"b"));
    temp.file("d/a-0/00000000000000000000.log", &small);
    let mut long = batch(7, 500, &[b'x'; 900]);
    long.extend([0; 300]);
    temp.file("d/b.x-1/00000000000000000007.log", &long);
    temp.file("d/b.x-1/00000000000000000007.index", &[0; 80]);
    temp.file("d/b.x-1/00000000000000000007.log.swap", b"12345");
    temp.file("d/b.x-1/what\nis\u{1b}this", b"");
    temp.file("d/c-12/00000000000000000000.log", b"");
    temp.file("d/c-12/00000000000000000009.log/x", b"");
    temp.file("d/c-12/00000000000000000011.index", b"");
    temp.file(
        "d/a-1.0123456789abcdef-delete/00000000000000000000.log",
        &small[..100],
    );
    temp.file(
        "d/a-2.0123456789abcdef-future/00000000000000000000.log",
        &small,
    );
    temp.file(
        "d/a-3.0123456789abcdef-stray/00000000000000000000.log",
        &small,
    );
    temp.file("d/lost+found/x", b"");
    temp.file("d/meta.properties.tmp", b"");
    symlink("/no/such/place", temp.path().join("d/link")).unwrap();
    temp.file(
        "d/meta.properties",
        b"version=1\nnode.id=4\ncluster.id=abc\n",
    );
    temp.file(
        "d/recovery-point-offset-checkpoint",
        b"0\n2\na 0 1\na 3 1\n",
    );
    temp.file("d/replication-offset-checkpoint", b"0\n1\na 0 2\n");
    temp.file("d/log-start-offset-checkpoint", b"0\n1\na 0 1\n");
    temp
}

#[test]
fn every_state_is_told_and_nothing_fails() {
    let zoo = zoo();
    let all = rows(zoo.path(), &["d"]);
    let state = |name: &str| {
        let found = all.iter().find(|row| row["name"] == name).unwrap();
        names(
            found["state"]
                .as_array()
                .unwrap()
                .iter()
                .map(|text| serde_json::json!({ "s": text }))
                .collect::<Vec<_>>()
                .as_slice(),
            "s",
        )
    };
    assert_eq!(state("a-0"), "");
    assert_eq!(
        state("a-1.0123456789abcdef-delete"),
        "to be deleted 30 damaged bytes"
    );
    assert_eq!(state("a-2.0123456789abcdef-future"), "moving here");
    assert_eq!(state("a-3.0123456789abcdef-stray"), "stray");
    assert_eq!(
        state("b.x-1"),
        "300 zero bytes 1 leftover file 1 unknown file"
    );
    assert_eq!(state("c-12"), "segments without .log 1 unknown file");
    let first = &all[0];
    for (field, value) in [
        ("log_start_offset", 1),
        ("first_offset", 0),
        ("last_offset", 1),
        ("end_offset", 2),
        ("high_watermark", 2),
        ("recovery_point", 1),
        ("first_timestamp_ms", 1_000),
        ("last_timestamp_ms", 3_000),
    ] {
        assert_eq!(first[field], value, "{field}");
    }
    // A stray folder is no longer what the log dir notes offsets of.
    let stray = all.iter().find(|row| row["state"][0] == "stray").unwrap();
    assert_eq!(stray["recovery_point"], Value::Null);
    let items: Vec<Value> = of(&all, "kseg.item/1").into_iter().cloned().collect();
    assert_eq!(names(&items, "name"), "link lost+found meta.properties.tmp");
    assert_eq!(names(&items, "type"), "broken link folder file");
    let dir = of(&all, "kseg.log-dir/1")[0];
    assert_eq!(
        (&dir["node_id"], &dir["state"]),
        (&4.into(), &"unclean shutdown".into())
    );

    let inside = rows(zoo.path(), &["d/c-12"]);
    let states: Vec<String> = of(&inside, "kseg.segment/1")
        .iter()
        .map(|row| row["state"].to_string())
        .collect();
    assert_eq!(
        states,
        [
            r#"["active","no .index","empty"]"#,
            r#"["no .index","segment is a folder"]"#,
            r#"["no .log"]"#,
        ]
    );
    let text = ls(zoo.path(), &["d/b.x-1"]).out;
    assert!(text.contains("what\\nis\\u{1b}this  "), "{text}");
    assert!(text.contains("segment (finished compaction)"), "{text}");
}

#[test]
fn partitions_are_chosen_and_a_pattern_that_matches_nothing_is_an_error() {
    let zoo = zoo();
    let chosen = |args: &[&str]| names(&rows(zoo.path(), &[args, &["d"]].concat()), "name");
    assert_eq!(chosen(&["--topic", "b*"]), "b.x-1");
    assert_eq!(
        chosen(&["--partition", "0..2"]),
        "a-0 a-1.0123456789abcdef-delete b.x-1"
    );
    assert_eq!(chosen(&["--topic", "?", "--partition", "12"]), "c-12");
    for path in ["d", "d/a-0"] {
        let ran = ls(zoo.path(), &["--topic", "zzz", path]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""));
        assert!(ran.err.contains("--topic and --partition"), "{}", ran.err);
    }
}

#[test]
fn rows_are_sorted_by_what_is_asked_for() {
    let zoo = zoo();
    let sorted = |args: &[&str]| {
        let rows = rows(
            zoo.path(),
            &[
                &[
                    "--topic",
                    "?",
                    "--topic",
                    "b*",
                    "--partition",
                    "0",
                    "--partition",
                    "1",
                    "--partition",
                    "12",
                ],
                args,
                &["d"],
            ]
            .concat(),
        );
        names(&rows, "name").replace(".0123456789abcdef-delete", "d")
    };
    assert_eq!(sorted(&["--sort", "name"]), "a-0 a-1d b.x-1 c-12");
    assert_eq!(
        sorted(&["--sort", "name", "--reverse"]),
        "c-12 b.x-1 a-1d a-0"
    );
    assert_eq!(sorted(&["--sort", "size"]), "b.x-1 a-0 a-1d c-12");
    assert_eq!(sorted(&["--sort", "end"]), "b.x-1 a-0 a-1d c-12");
    assert_eq!(sorted(&["--sort", "time"]), "a-0 a-1d b.x-1 c-12");
    assert_eq!(
        sorted(&["--sort", "time", "--reverse"]),
        "b.x-1 a-1d a-0 c-12"
    );
    assert_eq!(sorted(&["--sort", "segments"]), "c-12 a-0 a-1d b.x-1");
    assert_eq!(sorted(&["--sort", "disk"]).len(), 19);
    assert!(sorted(&["--exact", "--sort", "records"]).starts_with("a-0 "));
    let topics = rows(zoo.path(), &["--topics", "--sort", "size", "d"]);
    assert_eq!(names(&topics, "topic"), "b.x a c");
    assert_eq!(
        (&topics[1]["partitions"], &topics[1]["folders"]),
        (&4.into(), &4.into())
    );
    let bases = rows(
        zoo.path(),
        &[
            "--segments",
            "--sort",
            "end",
            "--topic",
            "b*",
            "--topic",
            "a",
            "d",
        ],
    );
    assert_eq!(bases[0]["base_offset"], 7);
}

#[test]
fn topics_in_several_log_dirs_are_one_and_partitions_are_not() {
    let zoo = zoo();
    let file = zoo.path().join("d/a-0/00000000000000000000.log");
    zoo.file("e/a-0/00000000000000000000.log", &fs::read(file).unwrap());
    let topics = rows(
        zoo.path(),
        &[
            "--topics",
            "--exact",
            "--topic",
            "a",
            "--partition",
            "0",
            "d",
            "e",
        ],
    );
    assert_eq!(topics.len(), 1);
    for (field, count) in [
        ("partitions", 1),
        ("folders", 2),
        ("segments", 2),
        ("records", 4),
    ] {
        assert_eq!(topics[0][field], count, "{field}");
    }
    let both = rows(zoo.path(), &["--topic", "a", "--partition", "0", "d", "e"]);
    assert_eq!(names(&both, "name"), "a-0 a-0");
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_listed() {
    let zoo = zoo();
    let ran = ls(zoo.path(), &["nowhere", "d", "else/where"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.out.contains("b.x-1"), "{}", ran.out);
    let errors: Vec<&str> = ran.err.lines().collect();
    assert_eq!(
        errors,
        [
            "error: nowhere: no such file or directory",
            "error: else/where: no such file or directory",
        ]
    );
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_opened() {
    for (args, named) in [
        (&["--sort", "colour"][..], "[possible values: name, size"),
        (&["--sort", "records"], "--exact"),
        (&["--topics", "--sort", "end"], "--topics"),
        (&["--segments", "--sort", "segments"], "--segments"),
        (&["--topics", "--segments"], "--segments"),
        (&["--partition", "x"], "A..B"),
        (&["--topic", ""], "--topic"),
        (&["--format", "xml"], "ndjson"),
        (&["-j", "0"], "--jobs"),
    ] {
        let ran = ls(Path::new("/"), &[args, &["/no/such/place"]].concat());
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(ran.err.contains(named), "{args:?}: {}", ran.err);
        assert!(!ran.err.contains("no such file"), "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_narrow_terminal_gets_the_columns_that_matter_most() {
    let zoo = zoo();
    let mut command = process::command(
        zoo.path(),
        &[
            "ls".as_ref(),
            "--topic=a".as_ref(),
            "--partition=0".as_ref(),
            "d".as_ref(),
        ],
    );
    command.env("COLUMNS", "40");
    let ran = process::end(command.spawn().unwrap());
    let lines: Vec<&str> = ran.out.lines().collect();
    let heads = lines.iter().position(|line| line.starts_with("Partition "));
    let heads = heads.unwrap();
    assert_eq!(lines[heads], "Partition  Log start  Log end");
    assert_eq!(lines[heads + 2], "(no room for: In batches, On disk,");
}

#[test]
fn any_number_of_threads_lists_the_same() {
    let dir = Path::new(ROOT).join("testdata/kafka-4.3.1/segments/files");
    for how in [&[][..], &["--segments"], &["--exact"], &["--topics"]] {
        let list = |jobs: &[&str]| ls(&dir, &[how, jobs, &["."]].concat());
        let one = list(&["-j", "1"]);
        assert_eq!(one.status, Some(0));
        assert_eq!(one, list(&["-j", "7"]));
        assert_eq!(one, list(&["-j", "2", "--no-mmap"]));
    }
}

#[test]
fn every_flag_has_a_line_in_the_help_and_an_example() {
    let help = ls(Path::new(ROOT), &["--help"]).out;
    let (flags, examples) = help.split_once("Examples:").unwrap();
    for flag in [
        "--segments",
        "--topics",
        "--exact",
        "--sort",
        "--reverse",
        "--format",
        "--topic",
        "--partition",
    ] {
        assert!(flags.contains(flag) && examples.contains(flag), "{flag}");
    }
    assert!(examples.contains("Exit status:"));
}

#[test]
fn a_parent_folder_and_the_settings_of_a_broker_stand_for_their_log_dirs() {
    let zoo = zoo();
    let at = |name: &str| zoo.path().join(name).display().to_string();
    zoo.file("disks/one/a-0/00000000000000000000.log", &batch(0, 1, b"a"));
    zoo.file("disks/two/a-1/00000000000000000000.log", &batch(0, 1, b"a"));
    let settings = format!("log.dirs={},{}\n", at("disks/one"), at("disks/two"));
    zoo.file("server.properties", settings.as_bytes());
    for path in ["disks", "server.properties"] {
        let all = rows(zoo.path(), &[path]);
        let partitions: Vec<Value> = of(&all, "kseg.partition/1").into_iter().cloned().collect();
        assert_eq!(names(&partitions, "name"), "a-0 a-1", "{path}");
        let cat = process::kseg(zoo.path(), &["cat", path]);
        assert_eq!(
            (cat.status, cat.out.lines().count()),
            (Some(0), 2),
            "{path}"
        );
        let predicted = process::kseg(zoo.path(), &["predict", path]);
        assert!(predicted.out.contains("a-1"), "{path}: {}", predicted.err);
    }
    zoo.file("etc/hosts", b"");
    zoo.file("etc/dbus-1/session.conf", b"");
    let ran = ls(zoo.path(), &["etc"]);
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.err.contains("neither a log dir nor a partition"),
        "{}",
        ran.err
    );
}

#[test]
fn what_a_terminal_would_act_on_is_escaped_in_every_format() {
    let temp = Temp::new();
    temp.file("d/a-0/00000000000000000000.log", &batch(0, 1, b"a"));
    for name in ["gol\u{202e}exe", "c1\u{9b}2J", "esc\u{1b}[2J"] {
        temp.file(format!("d/a-0/{name}"), b"");
    }
    for command in ["ls", "show"] {
        for format in ["text", "json", "ndjson", "csv"] {
            let folder = if command == "show" {
                "d/a-0/gol\u{202e}exe"
            } else {
                "d/a-0"
            };
            let ran = process::kseg(temp.path(), &[command, "--format", format, folder]);
            let said = format!("{}{}", ran.out, ran.err);
            let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(
                !said.contains(acts),
                "{command} --format {format}: {said:?}"
            );
        }
    }
}

#[test]
fn headings_stand_out_only_where_that_is_wanted() {
    let temp = Temp::new();
    temp.file("d/a-0/00000000000000000000.log", &batch(0, 1, b"a"));
    let coloured = |args: &[&str], name: &str, value: &str| {
        let args: Vec<_> = [&["ls", "d"], args].concat();
        let args: Vec<_> = args.iter().map(std::ffi::OsStr::new).collect();
        let mut command = process::command(temp.path(), &args);
        command
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .env(name, value);
        let ran = process::end(command.spawn().unwrap());
        assert_eq!(ran.status, Some(0));
        ran.out.contains("\u{1b}[1m")
    };
    assert!(!coloured(&[], "X", "1"));
    assert!(coloured(&["--color", "always"], "NO_COLOR", "1"));
    assert!(coloured(&[], "CLICOLOR_FORCE", "1"));
    assert!(!coloured(&["--color", "never"], "CLICOLOR_FORCE", "1"));
    let quiet = ls(temp.path(), &["-q", "d"]);
    assert_eq!((quiet.status, quiet.out.as_str()), (Some(0), ""));
}
