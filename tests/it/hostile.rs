//! Directories that nobody made in good faith, and runs that died: `kseg cat`, `export`, `ls` and `verify` say what is
//! wrong and where, and go on.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use kseg::scan::Jobs;
use kseg::scan::Merge;
use kseg::store::{Error, Partition, Place};
use kseg::verify::{Options, Outcome, Units};
use serde_json::Value;

use crate::forge::{BatchSpec, Frame, Rec};
use crate::process::{Ran, command, end, kseg};
use crate::temp::Temp;

/// Text that a terminal would act on, and that would begin a line of its own.
const EVIL: &str = "a\u{1b}[31m\nerror: b";

/// A segment of one record.
fn log(offset: i64) -> Vec<u8> {
    let batch = BatchSpec::at(offset).timestamp(1_700_000_000_000);
    batch.then(Rec::new(None, Some(b"v"))).bytes()
}

fn pipe(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let status = Command::new("mkfifo").arg(path).status();
    assert!(status.expect("mkfifo runs").success());
}

/// No line of it is another's, and nothing in it is an order to a terminal.
fn assert_plain(text: &str) {
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(!text.lines().any(|line| line == "error: b"), "{text}");
}

#[test]
fn a_pipe_in_place_of_a_log_is_named_and_the_other_partitions_are_read() {
    let temp = Temp::new();
    temp.file("data/a-0/00000000000000000000.log", &log(0));
    pipe(&temp.path().join("data/b-0/00000000000000000000.log"));
    pipe(&temp.path().join("data/log-start-offset-checkpoint"));
    temp.file("data/c-0/00000000000000000000.log", &log(0));
    let why = "b-0/00000000000000000000.log: a pipe, a socket or a device, which is not opened";
    let shown = kseg(temp.path(), &["cat", "--template", "%t%o ", "data"]);
    assert_eq!((shown.status, shown.out.as_str()), (Some(2), "a0 c0 "));
    assert!(shown.err.contains(why), "{}", shown.err);
    let written = kseg(temp.path(), &["export", "-o", "out", "data"]);
    assert_eq!(written.status, Some(2));
    assert!(written.err.contains(why), "{}", written.err);
    let manifest = fs::read(temp.path().join("out/kseg.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    // What would be one file is not there at all.
    let whole = kseg(temp.path(), &["cat", "-o", "all", "data"]);
    assert_eq!(whole.status, Some(2));
    assert!(!temp.path().join("all").exists());
}

#[test]
fn a_partition_that_cannot_be_listed_is_named_and_the_others_are_read() {
    let temp = Temp::new();
    for name in ["a", "b", "c"] {
        temp.file(format!("{name}-0/00000000000000000000.log"), &log(0));
    }
    let hidden = temp.path().join("b-0");
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o000)).unwrap();
    // Nothing is hidden from root.
    let is_hidden = fs::read_dir(&hidden).is_err();
    let shown = kseg(temp.path(), &["cat", "--template", "%t%o ", "."]);
    let written = kseg(temp.path(), &["export", "-o", "out", "."]);
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o700)).unwrap();
    if is_hidden {
        assert_eq!((shown.status, shown.out.as_str()), (Some(2), "a0 c0 "));
        assert!(temp.path().join("out/c-0.ndjson").exists());
        for said in [shown.err, written.err] {
            assert!(said.contains("b-0: permission denied"), "{said}");
        }
    }
}

/// Two log dirs with a sound partition each, of topics named like them.
fn two_log_dirs() -> Temp {
    let temp = Temp::new();
    for dir in ["maple", "willow"] {
        temp.file(format!("{dir}/{dir}-0/00000000000000000000.log"), &log(0));
    }
    temp
}

#[test]
fn a_path_that_leads_nowhere_is_named_and_all_others_are_looked_at() {
    let temp = two_log_dirs();
    for command in [
        &["verify", "-v", "--notes"][..],
        &["ls"],
        &["cat", "--template", "%t"],
        &["stats", "--by", "topic"],
        &["fingerprint"],
        &["retention"],
        &["compaction", "--set", "cleanup.policy=compact"],
        &["predict", "--format", "json"],
        &["check", "-v"],
        &["repair", "plan"],
        &["show", "--image", "--topic", "__consumer_offsets"],
    ] {
        // What an image is of lies in the folders of partitions.
        let paths = match command {
            ["show", ..] => ["maple/maple-0", "missing", "willow/willow-0"],
            _ => ["maple", "missing", "willow"],
        };
        let ran = kseg(temp.path(), &[command, &paths[..]].concat());
        assert_eq!(ran.status, Some(2), "{command:?}: {}", ran.err);
        let named = ran.err.matches("missing: no such file or directory");
        assert_eq!(named.count(), 1, "{command:?}: {}", ran.err);
        for dir in ["maple", "willow"] {
            assert!(ran.out.contains(dir), "{command:?}: {}", ran.out);
        }
    }
    let whole = ["maple", "willow"].map(|dir| format!("{dir}/{dir}-0/00000000000000000000.log"));
    let gone = "missing/00000000000000000000.log";
    for command in [&["show"][..], &["show", "--hex"], &["dump"]] {
        let ran = kseg(
            temp.path(),
            &[command, &[&whole[0], gone, &whole[1]]].concat(),
        );
        assert!(ran.status > Some(0), "{command:?}");
        assert!(ran.err.contains(&format!("{gone}: no such")), "{}", ran.err);
        assert!(
            whole.iter().all(|path| ran.out.contains(path)),
            "{}",
            ran.out
        );
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a folder of our own")]
fn a_log_dir_of_which_no_plan_can_be_made_keeps_the_others_from_nothing() {
    let temp = two_log_dirs();
    // A plan is a document that people read, so it names no path that could mislead them.
    let odd = "ma\u{202e}ple";
    std::fs::rename(temp.path().join("maple"), temp.path().join(odd)).unwrap();
    let planned = kseg(temp.path(), &["repair", "plan", odd, "willow"]);
    assert_eq!(planned.status, Some(2));
    assert!(planned.err.contains("ma\\u{202e}ple"), "{}", planned.err);
    assert!(planned.out.contains("willow: plan made"), "{}", planned.out);
    let checked = kseg(temp.path(), &["check", odd, "willow"]);
    assert_eq!(checked.status, Some(2));
    assert!(checked.err.contains("ma\\u{202e}ple"), "{}", checked.err);
    for said in ["willow", "no plan could be made for 1 other log dir"] {
        assert!(checked.out.contains(said), "{}", checked.out);
    }
    let alone = kseg(temp.path(), &["check", odd]);
    let said = "No repair plan could be made";
    assert!(alone.out.contains(said), "{}", alone.out);
}

#[test]
fn a_segment_of_an_internal_topic_that_cannot_be_read_hides_no_other() {
    let temp = Temp::new();
    let from = Path::new(crate::cases::TESTDATA)
        .join("kafka-4.3.1/consumer-4.3.1/files/__consumer_offsets-0/00000000000000000000.log");
    let log = fs::read(from).unwrap();
    let dir = "__consumer_offsets-0";
    temp.file(format!("{dir}/00000000000000000009.log"), &log);
    temp.file(".lock", b"");
    let args = [
        &["show", "--image", "--format", "ndjson", dir][..],
        &["groups", "--format", "ndjson", "."],
    ];
    let before = args.map(|args| kseg(temp.path(), args));
    let broken = format!("{dir}/00000000000000000000.log");
    symlink("nowhere", temp.path().join(&broken)).unwrap();
    for (args, before) in args.iter().zip(before) {
        assert_eq!(before.status, Some(0), "{}", before.err);
        let ran = kseg(temp.path(), args);
        let rows = |ran: &Ran| {
            let lines = ran.out.lines().skip(1);
            let rows = lines.map(|line| {
                let mut row: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
                // The heading of an image names all of its files.
                let _heading = row.remove("file");
                row
            });
            rows.collect::<Vec<_>>()
        };
        assert!(rows(&ran) == rows(&before) && rows(&ran).len() > 1);
    }
    let ran = kseg(temp.path(), args[0]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.contains(&broken), "{}", ran.err);
}

#[test]
fn names_do_nothing_to_a_terminal() {
    let temp = Temp::new();
    let mut damaged = log(0);
    damaged.extend(b"no batch, but more than a header of one is");
    temp.file(format!("{EVIL}-0/00000000000000000000.log"), &damaged);
    for command in [
        &["cat", "."][..],
        &["cat", "--salvage", "."],
        &["export", "-o", "out", "."],
        &["ls", "."],
        &["ls", "--segments", "."],
        &["verify", "--notes", "."],
        &["verify", "--format", "github", "."],
        &["verify", "--format", "junit", "."],
        &["verify", "--format", "sarif", "."],
        &["verify", "--format", "json", "."],
        &["cat", EVIL],
        &["ls", EVIL],
        &["verify", EVIL],
        &["show", EVIL],
        &["export", "-o", "out", EVIL],
    ] {
        let ran = kseg(temp.path(), command);
        assert_plain(&ran.out);
        assert_plain(&ran.err);
    }
}

#[test]
fn foreign_bytes_have_no_offset() {
    let temp = Temp::new();
    temp.file("a-0/00000000000000000026.log", b"kseg-moved/segment");
    let json = kseg(temp.path(), &["verify", "--format", "json", "a-0"]);
    let document: Value = serde_json::from_str(&json.out).unwrap();
    let mut findings = document["findings"].as_array().unwrap().iter();
    let tail = findings.find(|finding| finding["code"] == "S103").unwrap();
    assert_eq!(
        (&tail["position"], &tail["offset"]),
        (&Value::from(0), &Value::Null)
    );
}

#[test]
fn a_log_that_cannot_be_read_says_nothing_of_what_lies_beside_it() {
    let temp = Temp::new();
    let from = Path::new(crate::cases::TESTDATA).join("kafka-4.3.1/log-start/files");
    let from = from.join("iot-readings-log-start-0");
    let mut logs = Vec::new();
    for entry in fs::read_dir(&from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        let copy = temp.file(Path::new("t-0").join(name), &fs::read(&path).unwrap());
        if copy.extension().is_some_and(|end| end == "log") {
            logs.push(copy);
        }
    }
    let partition = Partition::open(temp.path().join("t-0")).unwrap();
    for lost in &logs {
        let open = |path: &Path| {
            if path == lost {
                let why = std::io::ErrorKind::PermissionDenied.into();
                let path = path.to_owned();
                return Err(Error::Io { path, why });
            }
            kseg::store::Stream::open(path).map(kseg::store::LogFile::Windowed)
        };
        let options = Options {
            jobs: Jobs::available(),
            open: &open,
            ..Options::default()
        };
        let mut outcome = Outcome::default();
        let units = Units::of(vec![Place::Partition(partition.clone())], |_| true);
        units.verify(&options, &mut |verified| {
            outcome.merge(verified.outcome);
            ControlFlow::Continue(())
        });
        assert!(outcome.coverage.is_complete());
        let (findings, _) = outcome.findings.into_sorted();
        let worse = findings
            .iter()
            .filter(|finding| finding.severity > kseg::verify::Severity::Note);
        let worse: Vec<&str> = worse.map(|finding| finding.check.code()).collect();
        assert_eq!(worse, ["D114"], "{}: {findings:?}", lost.display());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a folder of our own")]
fn a_run_that_died_leaves_nothing_that_the_next_one_does_not_take_over() {
    let temp = Temp::new();
    temp.file("a-0/00000000000000000000.log", &log(0));
    let left = temp.file(
        "out/.a-0.ndjson.part",
        b"half a line of a run that was killed",
    );
    let manifest = temp.file("out/.kseg.manifest.json.part", b"{");
    let run = |args: &[&str]| kseg(temp.path(), &[&["export", "-o", "out", "."], args].concat());
    assert_eq!(run(&[]).status, Some(0));
    let whole = fs::read_to_string(temp.path().join("out/a-0.ndjson")).unwrap();
    assert!(whole.starts_with("{\"schema\"") && !whole.contains("killed"));
    assert!(!left.exists() && !manifest.exists());
    // What is kept is not made again, but what lies beside it goes.
    temp.file("out/.a-0.ndjson.part", b"half a line");
    assert_eq!(run(&["--resume"]).status, Some(0));
    assert!(!left.exists());
    // A run that is alive is not disturbed.
    temp.file("out/.a-0.ndjson.part", b"half a line");
    let alive = fs::File::open(&left).unwrap();
    alive.lock().unwrap();
    let refused = run(&["--resume", "--format", "ndjson", "--control"]);
    assert_eq!(refused.status, Some(2));
    assert!(
        refused.err.contains("another kseg is writing it"),
        "{}",
        refused.err
    );
    assert_eq!(fs::read(&left).unwrap(), b"half a line");
    // Nor is a file that a link leads to.
    drop(alive);
    fs::remove_file(&left).unwrap();
    let other = temp.file("other", b"not to be touched");
    symlink(&other, &left).unwrap();
    assert_eq!(run(&["--resume", "--control"]).status, Some(2));
    assert_eq!(fs::read(&other).unwrap(), b"not to be touched");
    // A first run that makes nothing leaves nothing to go on with.
    fs::create_dir(temp.path().join("none")).unwrap();
    symlink(&other, temp.path().join("none/.a-0.ndjson.part")).unwrap();
    assert_eq!(
        kseg(temp.path(), &["export", "-o", "none", "a-0"]).status,
        Some(2)
    );
    assert!(!temp.path().join("none/kseg.manifest.json").exists());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a folder of our own")]
fn an_export_that_goes_on_and_ends_early_keeps_what_was_there() {
    let temp = Temp::new();
    for name in ["a", "b", "c"] {
        temp.file(format!("{name}-0/00000000000000000000.log"), &log(0));
    }
    assert_eq!(
        kseg(temp.path(), &["export", "-o", "out", "."]).status,
        Some(0)
    );
    let manifest = temp.path().join("out/kseg.manifest.json");
    let whole = fs::read(&manifest).unwrap();
    // Of what is to be made again the first cannot be written.
    fs::remove_file(temp.path().join("out/a-0.ndjson")).unwrap();
    fs::create_dir(temp.path().join("out/a-0.ndjson")).unwrap();
    let again = kseg(
        temp.path(),
        &["export", "-j1", "--resume", "-o", "out", "."],
    );
    assert_eq!(again.status, Some(2));
    assert_eq!(fs::read(&manifest).unwrap(), whole);
}

#[test]
fn invalid_values_are_refused_with_what_is_expected() {
    let temp = Temp::new();
    for (command, flag, value, says) in [
        ("cat", "--producer-id", "x", "from 0 to 9223372036854775807"),
        (
            "cat",
            "--producer-id",
            "-1",
            "from 0 to 9223372036854775807",
        ),
        ("cat", "--epoch", "1.5", "from 0 to 2147483647"),
        ("cat", "--limit", "x", "from 0 to 18446744073709551615"),
        ("cat", "--tail", "-1", "from 0 to 18446744073709551615"),
        ("cat", "--inflate-limit", "0", "expected a size"),
        ("cat", "--inflate-limit", "x", "expected a size"),
        ("cat", "--jobs", "-1", "from 1 to"),
        ("cat", "--offset", "-3", "-N.."),
        ("verify", "--io-rate", "-1", "expected a size"),
        ("verify", "--io-rate", "0", "expected a size"),
        ("verify", "--since-modified", "-1h", "yesterday"),
        ("verify", "--jobs", "0", "from 1 to 18446744073709551615"),
        (
            "verify",
            "--write-baseline",
            "no/such/folder",
            "no such file or directory",
        ),
        ("verify", "--write-baseline", ".", "is a directory"),
    ] {
        // The path is never looked at.
        let ran = kseg(temp.path(), &[command, flag, value, "no-such-path"]);
        assert_eq!(ran.status, Some(2));
        let has = |text: &str| ran.err.contains(text);
        let names = has(flag) || flag == "--write-baseline";
        assert!(names && has(says) && !has("no-such-path:"), "{}", ran.err);
    }
}

/// A log of many batches of one record, and what cuts it in a command that has begun to read it.
struct Cut {
    temp: Temp,
    path: PathBuf,
    bytes: Vec<u8>,
    batch_bytes: usize,
}

impl Cut {
    fn new() -> Self {
        let temp = Temp::new();
        let value = vec![b'v'; 64 << 10];
        let batch = |offset| {
            let batch = BatchSpec::at(offset).timestamp(1_700_000_000_000);
            batch.then(Rec::new(None, Some(&value))).bytes()
        };
        let bytes: Vec<u8> = (0..600).flat_map(batch).collect();
        let path = temp.file("a-0/00000000000000000000.log", &bytes);
        let batch_bytes = bytes.len() / 600;
        Self {
            temp,
            path,
            bytes,
            batch_bytes,
        }
    }

    /// Cuts the file to `len` bytes once the command has shown a little of it.
    #[expect(clippy::disallowed_methods, reason = "a folder of our own")]
    fn run(&self, jobs: &str, len: usize) -> Ran {
        self.temp.file(&self.path, &self.bytes);
        let args = ["cat", "--format", "ndjson", jobs, "a-0"].map(OsStr::new);
        let mut child = command(self.temp.path(), &args).spawn().unwrap();
        let mut first = [0; 100];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut first)
            .unwrap();
        let file = fs::File::options().write(true).open(&self.path).unwrap();
        file.set_len(len as u64).unwrap();
        end(child)
    }
}

#[test]
fn a_log_that_is_cut_while_it_is_read_is_said_to_be() {
    let cut = Cut::new();
    for jobs in ["-j1", "-j2"] {
        let ran = cut.run(jobs, 1 << 20);
        assert_eq!(ran.status, Some(2), "{}", ran.err);
        let why = "a-0/00000000000000000000.log: became shorter while it was read";
        assert!(ran.err.contains(why), "{}", ran.err);
    }
}

#[test]
fn a_log_that_a_running_broker_trims_ends_where_it_does_then() {
    let cut = Cut::new();
    // As a broker holds it: this process never opens the file a second time, which would give the lock up.
    let lock = fs::File::options()
        .write(true)
        .open(cut.temp.file(".lock", b""))
        .unwrap();
    rustix::fs::fcntl_lock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    for (jobs, batches) in [("-j1", 16), ("-j2", 16), ("-j1", 2), ("-j2", 3)] {
        let ran = cut.run(jobs, batches * cut.batch_bytes);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
        assert!((batches..600).contains(&ran.out.lines().count()));
    }
}

#[test]
fn a_directory_without_logs_is_not_taken_for_a_sound_one() {
    let temp = Temp::new();
    temp.file("here/notes.txt", b"");
    let refused = kseg(temp.path(), &["verify", "here"]);
    assert_eq!((refused.status, refused.out.as_str()), (Some(2), ""));
    let why = "error: here: neither a log dir nor a partition: ";
    assert!(refused.err.starts_with(why), "{}", refused.err);
    let refused = kseg(temp.path(), &["verify", "here/notes.txt"]);
    assert_eq!((refused.status, refused.out.as_str()), (Some(2), ""));
    // Log dirs in it are what is meant, or files of Kafka's.
    temp.file("here/other/file", b"");
    temp.file("here/disk1/meta.properties", b"version=1\nnode.id=1\n");
    temp.file("here/disk2/a-0/00000000000000000000.log", &log(0));
    let both = kseg(temp.path(), &["verify", "--format", "json", "here"]).out;
    let apart = kseg(
        temp.path(),
        &["verify", "--format", "json", "here/disk1", "here/disk2"],
    );
    assert_eq!(both, apart.out);
    temp.file("loose/leader-epoch-checkpoint", b"0\n2\n0 0\n");
    let loose = kseg(temp.path(), &["verify", "loose"]);
    assert_eq!(loose.status, Some(1));
    assert!(loose.out.contains("E101"), "{}", loose.out);
}
