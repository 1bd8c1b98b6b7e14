//! Every command on a log dir with a file of which the disk does not give some bytes: none is killed,
//! each names the bytes, and shows what is before and after them, and every other file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use crate::forge::damage::flip;
use crate::forge::{BatchSpec, Forged, Rec};
use crate::process::{Ran, end};
use crate::temp::Temp;

const LOG: &str = "data/sick-0/00000000000000000000.log";

/// The bytes that cannot be read, whole sectors.
const BAD: std::ops::Range<usize> = 40_960..45_056;

/// The library that lets reads fail, built once.
static PRELOAD: LazyLock<PathBuf> = LazyLock::new(|| {
    let out =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("libsick-{}.so", std::process::id()));
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sick/preload.rs");
    let mut command = Command::new(rustc);
    command
        .args(["--edition", "2024", "-o"])
        .arg(&out)
        .arg(source);
    assert!(command.status().expect("rustc runs").success());
    out
});

/// A log of a thousand records.
fn log() -> Vec<u8> {
    let value = [b'v'; 200];
    let batch = |offset| {
        BatchSpec::at(offset)
            .epoch(5)
            .then(Rec::new(None, Some(&value)))
    };
    (0..1_000)
        .fold(Forged::default(), |log, offset| log.with(&batch(offset)))
        .bytes
}

fn log_dir(temp: &Temp) -> PathBuf {
    temp.file(
        "data/recovery-point-offset-checkpoint",
        b"0\n2\nsick 0 0\nsound 0 0\n",
    );
    for topic in ["sick-0", "sound-0"] {
        temp.file(
            format!("data/{topic}/leader-epoch-checkpoint"),
            b"0\n1\n5 0\n",
        );
        temp.file(format!("data/{topic}/00000000000000000000.log"), &log());
    }
    temp.path().join("data")
}

/// A command with the library.
fn command(temp: &Temp, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command
        .args(args)
        .current_dir(temp.path())
        .env("LD_PRELOAD", &*PRELOAD)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to which the disk does not give the bad bytes.
fn sick(temp: &Temp, args: &[&str]) -> Ran {
    let file = temp.path().join(LOG).canonicalize().unwrap();
    let mut command = command(temp, args);
    command
        .env("SICK_FILE", file)
        .env("SICK_FROM", BAD.start.to_string())
        .env("SICK_TO", BAD.end.to_string());
    end(command.spawn().expect("a process"))
}

/// Runs a command that may not open the directory of one partition, by either path to it.
fn denied(temp: &Temp, args: &[&str]) -> Ran {
    let root = temp.path().canonicalize().unwrap();
    let args: Vec<String> = args
        .iter()
        .map(|arg| match arg.strip_prefix("data") {
            Some(below) => format!("{}/data{below}", root.display()),
            None => (*arg).to_owned(),
        })
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = command(temp, &args);
    command.env("SICK_DIR", root.join("data/sick-0"));
    end(command.spawn().expect("a process"))
}

/// The offsets of the batches that no bad byte cuts.
fn readable() -> Vec<i64> {
    let size = log().len() / 1_000;
    let is_whole = |offset: &usize| {
        let (start, end) = (offset * size, (offset + 1) * size);
        end <= BAD.start || BAD.end <= start
    };
    (0..1_000)
        .filter(is_whole)
        .map(|offset| i64::try_from(offset).unwrap())
        .collect()
}

fn offsets(lines: &str) -> Vec<i64> {
    let offset = |line| {
        serde_json::from_str::<Value>(line).unwrap()["offset"]
            .as_i64()
            .unwrap()
    };
    lines.lines().map(offset).collect()
}

#[test]
fn no_command_is_killed_and_each_names_the_bytes_and_shows_the_rest() {
    let temp = Temp::new();
    log_dir(&temp);
    let bad = format!("bytes {}..{} cannot be read", BAD.start, BAD.end);
    let file = LOG;
    // Those that read the whole log, and what of the sound partition is in their output.
    for (args, shows) in [
        (&["verify", "data"][..], "damaged"),
        (&["verify", "--no-mmap", "-j2", "data"], "damaged"),
        (&["check", "data"], "1 of 2 partitions"),
        (&["cat", "--format", "ndjson", "data"], "\"sound\""),
        (
            &["cat", "--salvage", "--format", "ndjson", "data"],
            "\"sound\"",
        ),
        (&["show", file], "999"),
        (&["dump", "--files", file], "baseOffset: 999"),
        (&["stats", "data"], "sound"),
        (
            &["export", "--salvage", "--output", "out", "data"],
            "2 files",
        ),
        (&["predict", "data"], "sick-0"),
        (&["txns", "data"], ""),
        (&["ls", "--exact", "data"], "sound"),
        (&["repair", "plan", "data"], "S117"),
    ] {
        let ran = sick(&temp, args);
        assert!(
            matches!(ran.status, Some(0..=2)),
            "{args:?}: {:?} {}",
            ran.status,
            ran.err
        );
        let said = format!("{}{}", ran.out, ran.err);
        assert!(said.contains(shows), "{args:?}: {said}");
        let says = [
            &bad,
            "unreadable-bytes",
            "not counted: 1 damaged place",
            "cannot be read: input/output error",
            "damaged bytes",
            "cannot be read from the disk",
        ];
        let names_them = says.iter().any(|text| said.contains(text));
        assert!(names_them, "{args:?}: {said}");
    }
    // Those that need not read it all.
    for args in [
        &["ls", "data"][..],
        &["ls", "--segments", "data"],
        &["retention", "data"],
        &["compaction", "data"],
        &["groups", "data"],
        &["schemas", "data"],
        &["diff", "data/sick-0", "data/sound-0"],
    ] {
        let ran = sick(&temp, args);
        assert!(
            matches!(ran.status, Some(0..=2)),
            "{args:?}: {:?} {}",
            ran.status,
            ran.err
        );
    }
}

#[test]
fn a_directory_that_may_not_be_opened_hides_no_other() {
    let temp = Temp::new();
    log_dir(&temp);
    let mut log = log();
    flip(&mut log, 20_000);
    temp.file("data/hurt-0/00000000000000000000.log", &log);
    let meta = b"version=1\nnode.id=1\ncluster.id=J1x2cVpNQ9uKsvPq0aTn5w\ndirectory.id=J1x2cVpNQ9uKsvPq0aTn6w\n";
    temp.file("data/meta.properties", meta);
    let id = b"version: 0\ntopic_id: J1x2cVpNQ9uKsvPq0aTn3w\n";
    temp.file("data/sound-0/partition.metadata", id);
    for (args, shows) in [
        (
            &["verify", "data"][..],
            "1 of 3 partitions is damaged, 1 cannot be read",
        ),
        (
            &["check", "data"],
            "1 of 3 partitions is damaged, 1 cannot be read",
        ),
        (&["cat", "--format", "ndjson", "data"], "\"sound\""),
        (&["stats", "data"], "sound"),
        (
            &["export", "--salvage", "--output", "out", "data"],
            "hurt-0",
        ),
        (
            &["predict", "data"],
            "the outcome of 1 unreadable partition is unknown",
        ),
        (&["txns", "data"], ""),
        (&["ls", "data"], "sound"),
        (&["ls", "--segments", "data"], "sound"),
        (&["retention", "data"], "sound-0"),
        (&["compaction", "data"], ""),
        (
            &["repair", "plan", "data"],
            "the outcome of 1 unreadable partition is unknown",
        ),
    ] {
        let ran = denied(&temp, args);
        assert!(matches!(ran.status, Some(1 | 2)), "{args:?}: {}", ran.err);
        let said = format!("{}{}", ran.out, ran.err);
        let is_named = said.contains("sick-0") && said.contains("ermission denied");
        let is_listed = said
            .lines()
            .any(|line| line.starts_with("sick-0") && line.contains("D114"));
        assert!(
            (is_named || is_listed) && said.contains(shows),
            "{args:?}: {said}"
        );
    }
    let plan = denied(&temp, &["repair", "plan", "--format", "json", "data"]);
    let plan: Value = serde_json::from_str(&plan.out).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    let of = |dir: &str| {
        let is_it = |step: &&Value| step["action"].to_string().contains(dir);
        let grades = steps.iter().filter(is_it);
        grades
            .map(|step| step["safety"].to_string())
            .collect::<Vec<_>>()
    };
    assert!(
        of("hurt-0").iter().any(|grade| grade.contains("proven")),
        "{plan:#}"
    );
    assert_eq!(of("sick-0"), ["\"manual\""]);
}

#[test]
fn a_log_that_may_not_be_opened_is_not_verified_and_that_is_an_error() {
    let temp = Temp::new();
    log_dir(&temp);
    let root = temp.path().canonicalize().unwrap();
    let data = root.join("data");
    let denied = |args: &[&str]| {
        let args = [args, &[data.to_str().unwrap()]].concat();
        let mut command = command(&temp, &args);
        command.env("SICK_DIR", root.join(LOG));
        end(command.spawn().expect("a process"))
    };
    for command in ["verify", "check", "predict"] {
        let ran = denied(&[command]);
        assert_eq!(ran.status, Some(2), "{command}: {}{}", ran.out, ran.err);
    }
    let error = "error: 1 path could not be read (D114)\n";
    for args in [&["verify"][..], &["check"], &["verify", "--format", "json"]] {
        let ran = denied(args);
        assert_eq!(ran.err, error, "{args:?}: {}", ran.out);
    }
    // What is not reported, or does not fail the run, is no error either.
    for args in [["verify", "-AD114"], ["verify", "--fail-on=none"]] {
        let ran = denied(&args);
        assert_eq!(ran.status, Some(0), "{args:?}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn every_whole_batch_is_read() {
    let temp = Temp::new();
    log_dir(&temp);
    for way in ["--no-mmap", "-j2"] {
        let ran = sick(
            &temp,
            &["cat", "--salvage", way, "--format", "ndjson", "data/sick-0"],
        );
        assert_eq!(offsets(&ran.out), readable(), "{}", ran.err);
        let ran = sick(&temp, &["cat", way, "--format", "ndjson", "data/sick-0"]);
        let before: Vec<i64> = (0..)
            .zip(readable())
            .take_while(|(n, at)| n == at)
            .map(|at| at.1)
            .collect();
        assert_eq!(offsets(&ran.out), before, "{}", ran.err);
    }
}

#[test]
fn a_repair_goes_elsewhere_and_leaves_every_readable_record_somewhere() {
    let temp = Temp::new();
    log_dir(&temp);
    let planned = sick(&temp, &["repair", "plan", "data", "-o", "plan.json"]);
    assert!(matches!(planned.status, Some(0 | 1)), "{}", planned.err);
    let refused = sick(
        &temp,
        &[
            "repair",
            "apply",
            "plan.json",
            "--in-place",
            "--accept-lossy",
        ],
    );
    assert_eq!(refused.status, Some(2), "{}", refused.out);
    assert!(refused.err.contains("failing disk"), "{}", refused.err);
    let near = sick(
        &temp,
        &[
            "repair",
            "apply",
            "plan.json",
            "--into",
            "near",
            "--accept-lossy",
        ],
    );
    assert_eq!(near.status, Some(2), "{}", near.out);
    assert!(near.err.contains("same file system"), "{}", near.err);

    // What is another file system is so by its device.
    let elsewhere = Path::new("/dev/shm");
    let device = |path: &Path| std::os::unix::fs::MetadataExt::dev(&path.metadata().unwrap());
    if !elsewhere.is_dir() || device(elsewhere) == device(temp.path()) {
        return;
    }
    let dir = elsewhere.join(format!("kseg-sick-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let fixed = dir.join("fixed");
    let into = fixed.to_str().unwrap();
    let ran = sick(
        &temp,
        &[
            "repair",
            "apply",
            "plan.json",
            "--into",
            into,
            "--accept-lossy",
        ],
    );
    assert!(matches!(ran.status, Some(0 | 1)), "{}{}", ran.out, ran.err);
    let read = crate::process::kseg(&dir, &["cat", "--format", "ndjson", "fixed/sick-0"]);
    assert_eq!(offsets(&read.out), readable(), "{}", read.err);
    let verified = crate::process::kseg(&dir, &["verify", "fixed"]);
    assert_eq!(verified.status, Some(0), "{}", verified.out);

    // What was cut is raw beside it, with zeros where nothing can be read.
    let set_aside = dir.join("fixed.lost+found");
    let manifest = fs::read(set_aside.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let entry = &manifest["entries"][0];
    let cut = |end: &str| usize::try_from(entry["bytes"][end].as_u64().unwrap()).unwrap();
    let (start, end) = (cut("start"), cut("end"));
    let mut expected = log();
    expected[BAD].fill(0);
    let raw = fs::read(set_aside.join(entry["raw"].as_str().unwrap())).unwrap();
    assert!(raw == expected[start..end]);
    assert_eq!(entry["unreadable"][0]["start"], BAD.start);
    assert_eq!(entry["unreadable"][0]["end"], BAD.end);
    fs::remove_dir_all(&dir).unwrap();
}
