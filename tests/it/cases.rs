//! What brokers left, as `kseg show` is given it.
//!
//! `KSEG_CORPUS` may name a folder of the layout `GROUP/CASE/` whose cases are taken too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

pub(crate) fn kseg(args: &[&str], files: &[PathBuf]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command.arg("show").args(args).args(files);
    command.output().expect("kseg runs")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Findings that cases which are healthy otherwise have, because of what they are about.
const ODD: [(&str, &[&str]); 15] = [
    ("raw-attributes", &["B103"]),
    ("raw-magic-0", &["B103", "R110"]),
    ("raw-magic-1", &["B103", "R110"]),
    ("raw-offsets", &["R107", "R112"]),
    ("raw-timestamps", &["B106", "B401"]),
    // Every batch was sent with all offset deltas 0: a consumer reads one record of each.
    ("sarama-1.15.none", &["B104", "R107"]),
    ("odd-batches", &["B103"]),
    ("timestamps", &["B106", "B401"]),
    ("torn-tail", &["S101"]),
    // Sets inside of sets, which consumers refuse.
    ("m0-nested", &["R111"]),
    ("odd-values-01022", &["B103", "B401", "B402"]),
    ("odd-values-0822", &["B103"]),
    ("odd-values-0901", &["B103"]),
    ("odd-values-111", &["B401"]),
    ("odd-values-282", &["B401"]),
];

/// A folder with a `case.json`.
pub(crate) struct Case {
    pub(crate) dir: PathBuf,
    pub(crate) about: Value,
}

impl Case {
    /// Whether somebody damaged it on purpose.
    pub(crate) fn is_damaged(&self) -> bool {
        self.about.get("damage").is_some()
    }

    /// Whether its broker was killed, or it is as odd as a broker accepts.
    pub(crate) fn is_odd(&self) -> bool {
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

    /// The codes of what it has that is bad, if it is healthy otherwise.
    pub(crate) fn odd_codes(&self) -> &'static [&'static str] {
        let name = self.dir.file_name().unwrap().to_str().unwrap();
        let odd = ODD.iter().find(|(odd, _)| *odd == name);
        odd.map_or(&[], |(_, codes)| codes)
    }

    /// The files below one of its folders.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = below(&self.dir.join("files"));
        files.extend(below(&self.dir.join("remote")));
        files
    }

    /// The files that were changed to damage it.
    pub(crate) fn changed(&self) -> BTreeSet<PathBuf> {
        let changed = self.about["facts"]["changed_files"].as_array();
        let names = changed.into_iter().flatten().filter_map(Value::as_str);
        names
            .map(|name| self.dir.join("files").join(name))
            .collect()
    }

    pub(crate) fn segments_of(&self, topic: &str) -> Vec<PathBuf> {
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

pub(crate) fn below(dir: &Path) -> Vec<PathBuf> {
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

pub(crate) fn cases() -> Vec<Case> {
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
