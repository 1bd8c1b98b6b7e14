//! `--format arrow`: messages as the format has them, the same for any number of threads. What is in them is compared with
//! what consumers got where there is pyarrow (`src/python/tests`).
#![expect(clippy::little_endian_bytes, reason = "so are the numbers of a stream")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::cases::{TESTDATA, text};
use crate::forge::{BatchSpec, Frame as _, Rec};
use crate::temp::Temp;

fn cat(args: &[&str], path: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command.arg("cat").args(args).arg(path);
    command.output().expect("kseg runs")
}

fn case(name: &str) -> PathBuf {
    Path::new(TESTDATA).join(name).join("files")
}

/// A flat buffer, read from its root.
#[derive(Clone, Copy)]
struct Table<'a>(&'a [u8], usize);

impl<'a> Table<'a> {
    fn root(bytes: &'a [u8]) -> Self {
        Self(bytes, int(bytes, 0))
    }

    fn field(self, nth: usize) -> Option<usize> {
        let vtable = self.1 - int(self.0, self.1);
        let at = vtable + 4 + 2 * nth;
        let place = u16::from_le_bytes([self.0[at], self.0[at + 1]]);
        (place > 0).then(|| self.1 + usize::from(place))
    }

    fn table(self, nth: usize) -> Self {
        let at = self.field(nth).unwrap();
        Self(self.0, at + int(self.0, at))
    }

    fn long(self, nth: usize) -> usize {
        let at = self.field(nth).unwrap();
        assert!(at.is_multiple_of(8));
        usize::try_from(i64::from_le_bytes(self.0[at..at + 8].try_into().unwrap())).unwrap()
    }

    /// Where the elements of a vector are, and how many.
    fn vector(self, nth: usize) -> (usize, usize) {
        let at = self.field(nth).unwrap();
        let start = at + int(self.0, at);
        (start + 4, int(self.0, start))
    }
}

fn int(bytes: &[u8], at: usize) -> usize {
    let number = i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    usize::try_from(number).unwrap()
}

/// The rows of each batch of a stream, which is looked at as a whole.
fn batches(mut stream: &[u8]) -> Vec<usize> {
    let (mut rows, mut nth) = (Vec::new(), 0);
    loop {
        assert_eq!(stream[..4], [0xff; 4]);
        let length = int(stream, 4);
        if length == 0 {
            assert_eq!(stream.len(), 8, "nothing follows the end");
            return rows;
        }
        assert!(length.is_multiple_of(8));
        let message = Table::root(&stream[8..8 + length]);
        let body = message.long(3);
        assert!(body.is_multiple_of(8));
        let kind = message.0[message.field(1).unwrap()];
        assert_eq!(kind, if nth == 0 { 1 } else { 3 }, "a schema, then batches");
        if kind == 3 {
            let batch = message.table(2);
            rows.push(batch.long(0));
            let (at, count) = batch.vector(2);
            for buffer in 0..count {
                let at = at + 16 * buffer;
                let start = i64::from_le_bytes(message.0[at..at + 8].try_into().unwrap());
                let bytes = i64::from_le_bytes(message.0[at + 8..at + 16].try_into().unwrap());
                assert!(start % 8 == 0 && usize::try_from(start + bytes).unwrap() <= body);
            }
        }
        stream = &stream[8 + length + body..];
        nth += 1;
    }
}

#[test]
fn a_stream_is_the_same_for_any_number_of_threads() {
    for name in [
        "kafka-4.3.1/segments",
        "kafka-4.3.1/payloads",
        "kafka-4.3.1/odd-batches",
    ] {
        let case = case(name);
        let lines = cat(&["--format", "ndjson"], &case).stdout;
        let lines = text(&lines).lines().count();
        for columns in ["spark", "all"] {
            let args = ["--format", "arrow", "--columns", columns];
            let one = cat(&[&args[..], &["-j1"]].concat(), &case);
            assert_eq!(one.status.code(), Some(0), "{}", text(&one.stderr));
            assert_eq!(batches(&one.stdout).iter().sum::<usize>(), lines, "{name}");
            for jobs in ["-j2", "-j7"] {
                let several = cat(&[&args[..], &[jobs]].concat(), &case);
                assert!(several.stdout == one.stdout, "{name} {jobs}");
            }
        }
    }
}

#[test]
fn a_stream_that_ends_early_is_whole() {
    let case = case("kafka-4.3.1/segments");
    for (args, rows) in [
        (&["--limit", "7"][..], 7),
        (&["--limit", "0"], 0),
        (&["--offset", "-3.."], 3),
        (&["--key", "none has it"], 0),
    ] {
        let args = [&["--format", "arrow", "--partition", "0"], args].concat();
        let out = cat(&args, &case.join(first_partition(&case)));
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        assert_eq!(batches(&out.stdout).iter().sum::<usize>(), rows, "{args:?}");
    }
}

fn first_partition(case: &Path) -> String {
    let names = case.read_dir().unwrap().map(|entry| entry.unwrap());
    let folders = names.filter(|entry| entry.path().is_dir());
    let names = folders.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name.ends_with("-0")).min().unwrap()
}

#[test]
fn what_columns_cannot_hold_is_counted() {
    for (name, expected) in [
        (
            "kafka-4.3.1/timestamps",
            "out of the range of a column of microseconds",
        ),
        ("kafka-4.3.1/raw-headers", "not UTF-8, written with U+FFFD"),
    ] {
        let out = cat(&["--format", "arrow", "-j3"], &case(name));
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        batches(&out.stdout);
        assert!(
            text(&out.stderr).contains(expected),
            "{}",
            text(&out.stderr)
        );
        assert_eq!(
            cat(&["--format", "arrow", "-j1"], &case(name)).stderr,
            out.stderr
        );
    }
}

#[test]
fn a_parquet_file_is_the_same_for_any_number_of_threads_and_is_kept_on_resume() {
    let case = case("kafka-4.3.1/segments");
    let temp = Temp::new();
    let export = |folder: &str, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
        command.args(["export", "--format", "parquet", "-o"]);
        command.arg(temp.path().join(folder)).args(args).arg(&case);
        let out = command.output().expect("kseg runs");
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let manifest = fs::read(temp.path().join(folder).join("kseg.manifest.json")).unwrap();
        serde_json::from_slice::<Value>(&manifest).unwrap()
    };
    let one = export("one", &["-j1"]);
    assert_eq!(export("several", &["-j7"]), one);
    assert_eq!(export("one", &["-j2", "--resume"]), one);
    let files = one["files"].as_array().unwrap();
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(file["format"], "parquet");
        let name = file["file"].as_str().unwrap();
        let bytes = fs::read(temp.path().join("one").join(name)).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
        let footer = String::from_utf8_lossy(&bytes);
        assert!(footer.contains("kseg.damaged_places") && footer.contains("kseg.source_files"));
    }
}

#[test]
fn row_groups_are_in_order_for_any_number_of_threads() {
    let temp = Temp::new();
    let folder = temp.path().join("t-0");
    fs::create_dir(&folder).unwrap();
    // More rows than three groups have.
    let value = [b'v'; 10];
    let batch = |base: i64| {
        let spec = (0..1000).fold(BatchSpec::at(base), |spec, _| {
            spec.then(Rec::new(None, Some(&value)))
        });
        spec.bytes()
    };
    let log: Vec<u8> = (0..200).flat_map(|n| batch(n * 1000)).collect();
    temp.file("t-0/00000000000000000000.log", &log);
    let export = |jobs: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
        command.args(["export", "--format", "parquet", jobs, "-o"]);
        let out = temp.path().join(jobs);
        let ran = command.arg(&out).arg(&folder).output().expect("kseg runs");
        assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
        fs::read(out.join("t-0.parquet")).unwrap()
    };
    let one = export("-j1");
    for jobs in ["-j2", "-j8"] {
        assert!(export(jobs) == one, "{jobs}");
    }
}

#[test]
fn pages_of_another_compression_are_another_file() {
    let case = case("kafka-4.3.1/segments");
    let temp = Temp::new();
    let out = temp.path().join("out");
    let export = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
        command.args(["export", "--format", "parquet", "--resume", "-o"]);
        let ran = command.arg(&out).args(args).arg(&case).output();
        assert_eq!(ran.expect("kseg runs").status.code(), Some(0));
        let manifest = fs::read(out.join("kseg.manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let files = manifest["files"].as_array().unwrap().iter();
        // Without records there are no pages.
        let files = files.filter(|file| file["records"] != 0);
        files
            .map(|file| (file["file"].to_string(), file["sha256"].to_string()))
            .collect::<Vec<_>>()
    };
    let zstd = export(&[]);
    assert_eq!(export(&["--compress", "zstd"]), zstd);
    let snappy = export(&["--compress", "snappy"]);
    assert!(!zstd.is_empty() && snappy.len() == zstd.len());
    for ((name, sum), (other_name, other_sum)) in zstd.iter().zip(&snappy) {
        // The names are the same, so only what was asked for tells them apart.
        assert_eq!(name, other_name);
        assert_ne!(sum, other_sum, "{name}");
    }
    assert_eq!(export(&["--compress", "snappy"]), snappy);
    assert_eq!(export(&[]), zstd);
}

#[test]
fn options_of_other_formats_are_refused() {
    for (args, expected) in [
        (
            &["--columns", "all"][..],
            "--columns: only --format arrow and parquet",
        ),
        (&["--format", "arrow", "--bytes", "hex"], "--bytes: columns"),
    ] {
        let out = cat(args, &case("kafka-4.3.1/segments"));
        assert_eq!(out.status.code(), Some(2));
        assert!(
            text(&out.stderr).contains(expected),
            "{}",
            text(&out.stderr)
        );
    }
}
