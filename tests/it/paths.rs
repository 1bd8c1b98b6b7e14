//! Paths as people give them, the same in every command.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::process::{Ran, command, end, kseg};
use crate::scenario::eight_damages;
use crate::temp::Temp;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/kafka-4.3.1");

/// Commands that take log dirs, with what else they need.
const COMMANDS: [&[&str]; 6] = [
    &["ls", "--bytes"],
    &["verify"],
    &["predict"],
    &["check"],
    &["repair", "plan"],
    &["cat", "--salvage", "--topic", "orders1*"],
];

fn run(temp: &Temp, words: &[&str], paths: &[&str]) -> Ran {
    kseg(temp.path(), &[words, paths].concat())
}

#[test]
fn a_parent_a_pattern_and_the_brokers_settings_stand_for_log_dirs() {
    let temp = Temp::new();
    eight_damages(&temp);
    let all = format!("{0}/disk1,{0}/disk2", temp.path().display());
    let settings = format!("broker.id=1\nlog.dirs={all}\nlog.retention.ms=-1\n");
    temp.file("conf/server.properties", settings.as_bytes());
    temp.file("backup/2026/notes.txt", b"");
    #[expect(clippy::disallowed_methods, reason = "a folder of the test's own")]
    for disk in ["disk1", "disk2"] {
        let to = temp.path().join("backup/2026").join(disk);
        fs::rename(temp.path().join(disk), &to).unwrap();
        std::os::unix::fs::symlink(to, temp.path().join(disk)).unwrap();
    }
    // Lines that name neither the paths nor the next command.
    let told = |ran: &Ran| {
        let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines = ran.out.lines().map(squeezed);
        let lines = lines.filter(|line| !line.contains("disk") && !line.contains("conf"));
        let lines = lines.filter(|line| !line.contains("kseg ") && !line.contains("backup"));
        lines.collect::<Vec<_>>()
    };
    for words in COMMANDS {
        let plain = run(&temp, words, &["disk1", "disk2"]);
        assert!(plain.status < Some(2), "{words:?}: {}", plain.err);
        for paths in [&["backup"][..], &["backup/*/disk?"]] {
            let other = run(&temp, words, paths);
            assert_eq!(
                other.status, plain.status,
                "{words:?} {paths:?}: {}",
                other.err
            );
            assert_eq!(told(&other), told(&plain), "{words:?} {paths:?}");
        }
        let settings = run(&temp, words, &["conf/server.properties"]);
        assert!(settings.status < Some(2), "{words:?}: {}", settings.err);
        let refused = run(&temp, words, &["conf"]);
        assert_eq!(refused.status, Some(2), "{words:?}: {}", refused.out);
        let refused = run(&temp, words, &["nowhere/*"]);
        assert_eq!(refused.status, Some(2), "{words:?}: {}", refused.out);
    }
}

#[test]
fn a_directory_that_is_given_twice_is_refused() {
    let temp = Temp::new();
    eight_damages(&temp);
    std::os::unix::fs::symlink("disk1", temp.path().join("link")).unwrap();
    for topic in ["__consumer_offsets", "__transaction_state"] {
        temp.file(format!("disk1/{topic}-0/00000000000000000000.log"), b"");
    }
    let partition = ["disk1/orders143-0", "disk1/../disk1/orders143-0"];
    let others: [&[&str]; 7] = [
        &["groups"],
        &["txns"],
        &["show"],
        &["stats"],
        &["retention"],
        &["compaction"],
        &["fingerprint"],
    ];
    for words in COMMANDS.into_iter().chain(others) {
        for paths in [["disk1", "./disk1"], ["disk1", "link"], partition] {
            let ran = run(&temp, words, &paths);
            assert_eq!(ran.status, Some(2), "{words:?} {paths:?}: {}", ran.err);
            let refusal = format!("error: {}: given twice\n", paths[1]);
            assert!(ran.err.contains(&refusal), "{words:?}: {}", ran.err);
            assert!(!ran.out.contains("D104"), "{words:?}: {}", ran.out);
        }
    }
    let diff = run(&temp, &["diff"], &["disk1", "disk1"]);
    assert!(!diff.err.contains("given twice"), "{}", diff.err);
}

#[test]
fn a_broken_link_and_a_device_are_errors_where_they_are_named() {
    let temp = Temp::new();
    std::os::unix::fs::symlink("nowhere", temp.path().join("gone")).unwrap();
    std::os::unix::fs::symlink("x.log", temp.path().join("x.log")).unwrap();
    let broken = "a broken symbolic link\n";
    let special = "a pipe, a socket or a device, which is not opened\n";
    for (path, why) in [("gone", broken), ("x.log", broken), ("/dev/null", special)] {
        for words in COMMANDS {
            let ran = run(&temp, words, &[path]);
            assert_eq!(ran.status, Some(2), "{words:?} {path}: {}", ran.out);
            let text = format!("error: {path}: {why}");
            assert_eq!(ran.err, text, "{words:?} {path}");
        }
    }
}

#[test]
fn nothing_is_written_into_a_log_dir_or_its_partitions() {
    let temp = Temp::new();
    eight_damages(&temp);
    let log_dir = temp.path().join("disk1").canonicalize().unwrap();
    std::os::unix::fs::symlink(&log_dir, temp.path().join("link")).unwrap();
    let names = || {
        let listed = log_dir.read_dir().unwrap();
        let names = listed.map(|entry| entry.unwrap().file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let before = names();
    let in_partition = "disk1/orders143-0/out";
    for to in [
        "disk1",
        "disk1/out",
        "disk1/new/out",
        "link/out",
        in_partition,
    ] {
        for (words, option) in [
            (&["export"][..], "-o"),
            (&["cat"], "-o"),
            (&["repair", "plan"], "-o"),
            (&["verify"], "--json"),
            (&["verify"], "--summary"),
            (&["verify"], "--write-baseline"),
        ] {
            if to == "disk1" && words != ["export"] {
                continue;
            }
            let ran = run(&temp, words, &[option, to, "disk2"]);
            assert_eq!(ran.status, Some(2), "{words:?} {to}: {}", ran.err);
            let end = format!(
                "not written: {} is a log dir; give a path outside of it\n",
                log_dir.display()
            );
            assert!(ran.err.ends_with(&end), "{words:?} {to}: {}", ran.err);
        }
    }
    assert_eq!(names(), before);
    // A folder of partitions, such as a copy, is not the log dir of a broker.
    #[expect(clippy::disallowed_methods, reason = "a folder of the test's own")]
    fs::remove_file(log_dir.join("meta.properties")).unwrap();
    let to = "disk1/orders143-0/out";
    let ran = run(&temp, &["cat"], &["--salvage", "-o", to, "disk2"]);
    assert!(temp.path().join(to).is_file(), "{}", ran.err);
}

#[test]
fn errors_of_the_system_are_in_one_style() {
    let temp = Temp::new();
    eight_damages(&temp);
    for (words, why) in [
        (
            &["repair", "apply", "none.json", "--into", "out"][..],
            "none.json: no such file or",
        ),
        (
            &["repair", "show", "none.json"],
            "none.json: no such file or directory",
        ),
        (
            &["repair", "plan", "disk1", "-o", "no/plan.json"],
            "no/plan.json: no such file or",
        ),
    ] {
        let ran = run(&temp, words, &[]);
        assert_eq!(ran.status, Some(2));
        assert!(ran.err.starts_with(&format!("error: {why}")), "{}", ran.err);
        assert!(!ran.err.contains("os error"), "{}", ran.err);
    }
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else {
        return;
    };
    let full = || full.try_clone().unwrap();
    for words in [
        &["predict", "disk1"][..],
        &["repair", "plan", "--format", "json", "disk1"],
        &["repair", "plan", "disk1", "--force", "-o", "/dev/full"],
        &["generate", "completions", "bash"],
        &["help", "topics"],
    ] {
        let args: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        let ran = end(command(temp.path(), &args).stdout(full()).spawn().unwrap());
        let why = ": no space left on device\n";
        assert!(
            ran.err.ends_with(why) && ran.status == Some(2),
            "{words:?}: {}",
            ran.err
        );
    }
}

#[test]
fn where_no_path_can_be_read_there_is_no_table() {
    let temp = Temp::new();
    for format in ["text", "csv"] {
        let ran = run(&temp, &["stats", "--format", format], &["nowhere", "no-0"]);
        assert_eq!((ran.status, &*ran.out), (Some(2), ""), "{}", ran.err);
    }
}

#[test]
fn a_log_dir_that_is_named_like_a_partition_is_one() {
    let temp = Temp::new();
    eight_damages(&temp);
    #[expect(clippy::disallowed_methods, reason = "a folder of the test's own")]
    for (disk, to) in [("disk1", "kafka/data-0"), ("disk2", "kafka/data-1")] {
        fs::create_dir_all(temp.path().join("kafka")).unwrap();
        fs::rename(temp.path().join(disk), temp.path().join(to)).unwrap();
    }
    let ran = kseg(temp.path(), &["verify", "kafka"]);
    assert!(!ran.out.contains("D108"), "{}", ran.out);
    assert!(
        ran.out.starts_with("6 of 13 partitions are damaged"),
        "{}",
        ran.out
    );
}

#[test]
fn a_segment_on_standard_input_or_compressed_is_read_like_the_file() {
    let name = "00000000000000000022.log";
    let segment = Path::new(CASES)
        .join("segments/files/orders-by-size-0")
        .join(name);
    let bytes = fs::read(&segment).unwrap();
    let temp = Temp::new();
    temp.file(format!("orders-by-size-0/{name}"), &bytes);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    // Two members, as two runs of gzip that were appended.
    packed.write_all(&bytes[..100]).unwrap();
    let mut packed = packed.finish().unwrap();
    let mut rest = GzEncoder::new(Vec::new(), Compression::fast());
    rest.write_all(&bytes[100..]).unwrap();
    packed.extend(rest.finish().unwrap());
    temp.file(format!("packed/orders-by-size-0/{name}.gz"), &packed);
    let zst = zstd::encode_all(&bytes[..], 1).unwrap();
    temp.file(format!("packed/orders-by-size-0/{name}.zst"), &zst);
    let plain = format!("orders-by-size-0/{name}");
    let expected = kseg(temp.path(), &["cat", "--format", "ndjson", &plain]);
    assert_eq!(expected.status, Some(0));
    for suffix in ["gz", "zst"] {
        let path = format!("packed/{plain}.{suffix}");
        let read = kseg(temp.path(), &["cat", "--format", "ndjson", &path]);
        assert_eq!(read.out, expected.out, "{suffix}: {}", read.err);
        for words in [&["verify"][..], &["show"], &["dump"]] {
            let ran = kseg(temp.path(), &[words, &[&path]].concat());
            assert_eq!(ran.status, Some(0), "{words:?}: {}{}", ran.out, ran.err);
        }
    }
    for (words, has) in [
        (&["cat", "--format", "ndjson", "-"][..], "\"offset\":22"),
        (&["verify", "-"], "No errors in 1 file"),
        (&["show", "-"], "Base offset"),
        (&["dump", "-"], "Log starting offset: 22\n"),
    ] {
        let args: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        let mut piped = command(temp.path(), &args);
        let mut child = piped.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        let ran = end(child);
        assert_eq!(ran.status, Some(0), "{words:?}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains(has), "{words:?}: {}", ran.out);
    }
    let entries = temp
        .path()
        .join("packed/orders-by-size-0")
        .read_dir()
        .unwrap();
    assert_eq!(entries.count(), 2, "nothing is left beside what was read");
}

#[test]
fn folders_marked_for_deletion_are_read_where_they_are_asked_for() {
    let temp = Temp::new();
    let segment = Path::new(CASES).join("segments/files/orders-by-size-0/00000000000000000022.log");
    let folder = "d/orders-0.0123456789abcdef0123456789abcdef-delete";
    temp.file(
        format!("{folder}/00000000000000000022.log"),
        &fs::read(segment).unwrap(),
    );
    let refused = kseg(temp.path(), &["cat", "--topic", "orders", "d"]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.err.contains("--deleted"), "{}", refused.err);
    let read = kseg(temp.path(), &["cat", "--deleted", "--topic", "orders", "d"]);
    assert_eq!(read.status, Some(0), "{}", read.err);
    let named = kseg(temp.path(), &["cat", folder]);
    assert_eq!(read.out, named.out);
    let other = kseg(temp.path(), &["cat", "--deleted", "--topic", "x", "d"]);
    assert!(other.err.contains("topics here: orders"), "{}", other.err);
}

#[test]
fn internal_topics_are_exported_if_they_are_named() {
    let dir = format!("{CASES}/txns-4.3.1/files");
    let temp = Temp::new();
    let all = kseg(temp.path(), &["export", "-o", "out", &dir]);
    assert_eq!(all.status, Some(0), "{}", all.err);
    assert!(
        all.err.contains("of internal topics not exported"),
        "{}",
        all.err
    );
    assert!(all.err.contains("out: "), "{}", all.err);
    let is_internal = |name: &str| name.starts_with("__");
    let names = |out: &str| {
        let files = temp.path().join(out).read_dir().unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.collect::<Vec<_>>()
    };
    assert!(!names("out").iter().any(|name| is_internal(name)));
    let internal = [
        "export",
        "-o",
        "own",
        "--topic",
        "__transaction_state",
        &dir,
    ];
    assert_eq!(kseg(temp.path(), &internal).status, Some(0));
    assert!(names("own").iter().any(|name| is_internal(name)));
}
