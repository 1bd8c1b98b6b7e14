//! `kseg verify` on directories that somebody means harm with, or has let grow: each thing that is wrong is a finding with its
//! path, and nothing makes it wait.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::forge::{BatchSpec, Frame, Rec};
use crate::temp::Temp;

/// Far more than it takes, far less than for ever.
const SOON: Duration = Duration::from_secs(60);

fn kseg(args: &[&str], path: &Path) -> Output {
    let begun = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    let output = command.arg("verify").args(args).arg(path).output();
    assert!(begun.elapsed() < SOON, "{args:?} takes too long");
    output.expect("kseg runs")
}

fn findings(path: &Path) -> Vec<(String, String)> {
    let output = kseg(&["--format", "json"], path);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = document["findings"].as_array().unwrap().iter();
    all.map(|finding| (text(&finding["code"]), text(&finding["path"])))
        .collect()
}

/// The code of what was found at the path that ends so.
fn found<'a>(findings: &'a [(String, String)], end: &str) -> Vec<&'a str> {
    let here = findings.iter().filter(|(_, path)| path.ends_with(end));
    here.map(|(code, _)| code.as_str()).collect()
}

fn log() -> Vec<u8> {
    let batch = BatchSpec::at(0).timestamp(1_700_000_000_000);
    batch.then(Rec::new(None, Some(b"v"))).bytes()
}

#[test]
fn what_is_no_file_is_a_finding_and_never_opened() {
    let temp = Temp::new();
    let dir = temp.path();
    temp.file("orders-0/00000000000000000000.log", &log());
    let partition = dir.join("orders-0");
    for name in ["pipe", "00000000000000000007.log"] {
        let status = Command::new("mkfifo").arg(partition.join(name)).status();
        assert!(status.expect("mkfifo runs").success());
    }
    let _socket = UnixListener::bind(dir.join("socket")).unwrap();
    symlink("/dev/zero", partition.join("00000000000000000008.index")).unwrap();
    symlink(
        "00000000000000000009.log",
        partition.join("00000000000000000009.log"),
    )
    .unwrap();
    symlink("nowhere", partition.join("other")).unwrap();
    let findings = findings(dir);
    for (end, code) in [
        ("orders-0/pipe", "D123"),
        ("/00000000000000000007.log", "D114"),
        ("/socket", "D123"),
        ("/00000000000000000008.index", "D114"),
        ("/00000000000000000009.log", "D114"),
        ("/other", "D123"),
    ] {
        assert!(found(&findings, end).contains(&code), "{end}: {findings:?}");
    }
}

#[test]
fn links_that_lead_in_circles_end() {
    let temp = Temp::new();
    temp.file("orders-0/00000000000000000000.log", &log());
    temp.file("meta.properties", b"version=0\nbroker.id=1\n");
    symlink(".", temp.path().join("payments-0")).unwrap();
    symlink("b-0", temp.path().join("a-0")).unwrap();
    symlink("a-0", temp.path().join("b-0")).unwrap();
    symlink("..", temp.path().join("orders-0/up")).unwrap();
    let findings = findings(temp.path());
    assert!(found(&findings, "/payments-0").contains(&"D120"));
    assert_eq!(found(&findings, "/a-0"), ["D123"]);
    assert_eq!(found(&findings, "/orders-0/up"), ["D108"]);
}

#[test]
fn names_with_newlines_are_one_line_each() {
    let temp = Temp::new();
    temp.file("orders-0/a\nb: error", b"");
    temp.file("orders-0/00000000000000000000.log", &log());
    let text = kseg(
        &["--notes", "--fail-on", "note"],
        &temp.path().join("orders-0"),
    );
    let text = String::from_utf8(text.stdout).unwrap();
    let lines = text
        .lines()
        .filter(|line| line.contains("b: error"))
        .count();
    assert!(
        lines >= 1 && !text.lines().any(|line| line.starts_with("b: error")),
        "{text}"
    );
}

#[test]
fn a_hundred_thousand_entries_are_looked_at() {
    let temp = Temp::new();
    temp.file("orders-0/00000000000000000000.log", &log());
    let dir = temp.path().join("orders-0");
    for n in 0..100_000 {
        fs::File::create_new(dir.join(format!("{n}.bak"))).unwrap();
    }
    assert!(findings(&dir).len() >= 10_000);
}

#[test]
fn what_may_not_be_read_is_a_finding() {
    let temp = Temp::new();
    let path = temp.file("orders-0/00000000000000000000.log", &log());
    fs::set_permissions(&path, fs::Permissions::from_mode(0)).unwrap();
    // Nothing is hidden from root.
    if fs::read(&path).is_err() {
        assert!(found(&findings(temp.path()), ".log").contains(&"D114"));
    }
}

#[test]
fn a_log_dir_that_a_broker_runs_on_is_said_to_be_live() {
    let temp = Temp::new();
    temp.file("orders-0/00000000000000000000.log", &log());
    let lock = temp.file(".lock", b"");
    let file = fs::OpenOptions::new().write(true).open(&lock).unwrap();
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(
        found(&findings(temp.path()), temp.path().to_str().unwrap()),
        ["D122"]
    );
}
