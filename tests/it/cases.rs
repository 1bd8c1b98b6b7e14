//! What brokers left, as `kseg show` is given it.
//!
//! `KSEG_CORPUS` may name a folder of the layout `GROUP/CASE/` whose cases are taken too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

/// The folders of the layout `GROUP/CASE/` below `root`, in order.
pub(crate) fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for group in fs::read_dir(root).unwrap() {
        let group = group.unwrap().path();
        if group.is_dir() {
            let inside = fs::read_dir(group).unwrap();
            let inside = inside.map(|case| case.unwrap().path());
            folders.extend(inside.filter(|case| case.is_dir()));
        }
    }
    folders.sort();
    folders
}

pub(crate) fn kseg(args: &[&str], files: &[PathBuf]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command.arg("show").args(args).args(files);
    command.output().expect("kseg runs")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A folder with a `case.json`.
pub(crate) struct Case {
    pub(crate) dir: PathBuf,
    pub(crate) about: Value,
    /// What is expected of it.
    expected: Expected,
}

/// What is expected of a case: in its `case.json` if it is ours, else in `testdata/corpus.json`.
#[derive(Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// Whether its broker was killed, or it is as odd as a broker accepts.
    odd: bool,
    /// Codes that a case which is healthy otherwise has.
    #[serde(default)]
    allowed: Vec<String>,
    /// One of these is found at what was changed; no codes where nothing can be known, and null where the damage is in a `.log`,
    /// and is found by its position.
    #[serde(default)]
    found: Option<Vec<String>>,
    /// Why the damage to a `.log` is not seen in the file by itself.
    #[serde(default)]
    unseen: Option<String>,
}

impl Case {
    /// Whether somebody damaged it on purpose.
    pub(crate) fn is_damaged(&self) -> bool {
        self.about.get("damage").is_some()
    }

    /// Whether its broker was killed, or it is as odd as a broker accepts.
    pub(crate) fn is_odd(&self) -> bool {
        self.expected.odd
    }

    /// The codes of what it has that is bad, if it is healthy otherwise.
    pub(crate) fn allows(&self, code: &str) -> bool {
        self.expected.allowed.iter().any(|allowed| allowed == code)
    }

    /// The codes of which one is found at what was changed, if any can be expected.
    pub(crate) fn found(&self) -> Option<&[String]> {
        let found = self.expected.found.as_deref();
        found.filter(|codes| !codes.is_empty())
    }

    /// Whether its `.log` by itself is in order.
    pub(crate) fn is_unseen(&self) -> bool {
        self.expected.unseen.is_some()
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

/// All cases. One of which nothing is expected fails.
pub(crate) fn cases() -> Vec<Case> {
    let mut roots = vec![PathBuf::from(TESTDATA)];
    roots.extend(std::env::var_os("KSEG_CORPUS").map(PathBuf::from));
    let outside = fs::read(Path::new(TESTDATA).join("corpus.json")).unwrap();
    let outside: BTreeMap<String, Expected> = serde_json::from_slice(&outside).unwrap();
    let mut cases = Vec::new();
    for root in roots {
        for group in fs::read_dir(&root).unwrap() {
            for dir in fs::read_dir(group.unwrap().path()).into_iter().flatten() {
                let dir = dir.unwrap().path();
                if let Ok(about) = fs::read(dir.join("case.json")) {
                    cases.push(case(dir, &about, &outside));
                }
            }
        }
    }
    cases.sort_by(|a, b| a.dir.cmp(&b.dir));
    cases
}

fn case(dir: PathBuf, about: &[u8], outside: &BTreeMap<String, Expected>) -> Case {
    let about: Value = serde_json::from_slice(about).unwrap();
    let name = dir.file_name().unwrap().to_str().unwrap();
    let own = about.get("expected").cloned();
    let expected = own
        .map(|own| serde_json::from_value(own).unwrap())
        .or_else(|| outside.get(name).cloned())
        // A case of the corpus that is ours too.
        .or_else(|| ours(name));
    let Some(expected) = expected else {
        panic!("{}: nothing is expected of it", dir.display());
    };
    Case {
        dir,
        about,
        expected,
    }
}

/// What is expected of the case of this name in `testdata/`.
fn ours(name: &str) -> Option<Expected> {
    let releases = fs::read_dir(TESTDATA).unwrap();
    let mut files = releases.map(|release| release.unwrap().path().join(name).join("case.json"));
    let about = files.find_map(|file| fs::read(file).ok())?;
    let about: Value = serde_json::from_slice(&about).unwrap();
    serde_json::from_value(about.get("expected")?.clone()).ok()
}
