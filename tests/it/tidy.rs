//! The rules of the house, as tests over the source text: who may name whom, where other crates live, how long a file may
//! be, what stands at the top level, what is in `testdata/`.
//!
//! Unit tests at the end of a file, or in a `tests.rs` of their own, are held to none of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands directly below `src/`, and which modules of the library each may name beside itself.
const MAY_NAME: [(&str, &[&str]); 14] = [
    ("wire", &[]),
    ("format", &["wire"]),
    ("decode", &["wire", "format"]),
    ("store", &["wire", "format"]),
    ("scan", &["wire", "format", "store"]),
    (
        "verify",
        &["wire", "format", "decode", "store", "scan", "report"],
    ),
    ("predict", &["wire", "format", "store", "scan", "report"]),
    ("records", &["wire", "format", "store", "scan"]),
    ("report", &["wire", "format", "store", "scan", "decode"]),
    (
        "repair",
        &[
            "wire", "format", "store", "scan", "verify", "predict", "report", "decode",
        ],
    ),
    ("guide", &[]),
    (
        "lib",
        &[
            "wire", "format", "decode", "store", "scan", "records", "verify", "predict", "report",
            "repair",
        ],
    ),
    // The binary is a crate of its own, whose paths into the library begin with `kseg`.
    ("cli", &[]),
    ("main", &["cli"]),
];

/// Other crates, and modules of the standard library, with the places below `src/` that may name them.
const HOMES: [(&[&str], &[&str]); 6] = [
    (&["nom"], &["wire/", "format/", "decode/"]),
    (&["memmap2"], &["store/mapping.rs"]),
    (&["nix"], &["store/lock.rs", "repair/disk/"]),
    (
        &[
            "flate2",
            "libdeflater",
            "lz4_flex",
            "snap",
            "zstd",
            "twox_hash",
        ],
        &["format/codec/"],
    ),
    (
        &["std::thread"],
        &["scan/parallel.rs", "scan/jobs.rs", "format/codec/budget.rs"],
    ),
    (
        &[
            "clap",
            "clap_complete",
            "clap_complete_nushell",
            "clap_mangen",
            "comfy_table",
            "unicode_width",
            "anyhow",
            "parquet",
            "serde_json",
            "indicatif",
            "jiff",
            "regex",
            "signal_hook",
            "toml",
            "wildmatch",
        ],
        &["cli/", "main.rs"],
    ),
];

/// What the top level holds. The last two are no part of the project.
const TOP_LEVEL: [&str; 15] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE",
    "src",
    "testdata",
    "benches",
    "tests",
    ".ci",
    ".clippy.toml",
    ".cargo",
    ".gitignore",
    ".github",
    ".git",
    "target",
];

/// As in `std`, the error of a layer is its `Error`.
const EACH_LAYERS_OWN: &str = "Error";
/// Each of these names one type at most, public or not: they do not say of what.
const GENERAL: [&str; 10] = [
    "Entry", "Kind", "Log", "Look", "Outcome", "Part", "Place", "Plan", "Reader", "Run",
];
/// The structs here have the names of the kinds of evidence, which stand in documents.
const KINDS_OF_EVIDENCE: &str = "verify/evidence/";
/// A file has fewer lines than this.
const LINES: usize = 500;
/// All of `testdata/` has fewer bytes than this.
const TESTDATA_BYTES: u64 = 25_000_000;

#[test]
fn modules_name_only_those_below_them() {
    let mut broken = Vec::new();
    for file in sources("src") {
        let layer = file.layer();
        let Some((_, below)) = MAY_NAME.iter().find(|(name, _)| *name == layer) else {
            broken.push(file.at(1, &format!("{layer} is not in the table of modules")));
            continue;
        };
        for (line, path) in paths(&file.code) {
            let named = path.strip_prefix("crate::").unwrap_or_default();
            let named = named.split("::").next().unwrap_or_default();
            let is_module = MAY_NAME.iter().any(|(name, _)| *name == named);
            if is_module && named != layer && !below.contains(&named) {
                broken.push(file.at(line, &format!("{layer} may not name {named}")));
            }
        }
    }
    assert_none(broken);
}

#[test]
fn other_crates_are_named_at_home_only() {
    let mut broken = Vec::new();
    for file in sources("src") {
        for (guests, homes) in HOMES {
            if homes.iter().any(|home| file.is_below(home)) {
                continue;
            }
            for (line, path) in paths(&file.code) {
                for guest in guests.iter().filter(|guest| is_path_into(&path, guest)) {
                    let rule = format!("{guest} is for {} alone", homes.join(", "));
                    broken.push(file.at(line, &rule));
                }
            }
        }
    }
    assert_none(broken);
}

#[test]
fn formats_and_decoders_do_not_know_files() {
    let mut broken = Vec::new();
    for file in sources("src") {
        if file.is_below("format/") || file.is_below("decode/") {
            for (line, path) in paths(&file.code) {
                if is_path_into(&path, "std::fs") {
                    broken.push(file.at(line, "bytes come as slices here, not from std::fs"));
                }
            }
        }
    }
    assert_none(broken);
}

#[test]
fn no_two_public_types_of_the_library_have_one_name() {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut broken = Vec::new();
    for file in sources("src") {
        if ["cli", "main"].contains(&file.layer()) || file.is_below(KINDS_OF_EVIDENCE) {
            continue;
        }
        for (index, line) in file.code.lines().enumerate() {
            let mut words = line.split(|c| !is_part_of_name(c));
            let is_type = words.next() == Some("pub")
                && ["struct", "enum", "trait", "type", "union"]
                    .contains(&words.next().unwrap_or_default());
            let Some(name) = words
                .next()
                .filter(|name| is_type && *name != EACH_LAYERS_OWN)
            else {
                continue;
            };
            if let Some(other) = known.insert(name.to_owned(), file.name.clone()) {
                broken.push(file.at(index + 1, &format!("{name} is a type of {other} too")));
            }
        }
    }
    assert_none(broken);
}

#[test]
fn a_general_name_is_that_of_one_type() {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut broken = Vec::new();
    for file in sources("src") {
        for (index, line) in file.code.lines().enumerate() {
            let mut words = line
                .split(|c| !is_part_of_name(c))
                .filter(|it| !it.is_empty());
            let is_type = |word: &str| ["struct", "enum", "trait", "union"].contains(&word);
            let name = words.any(is_type).then(|| words.next()).flatten();
            let Some(name) = name.filter(|name| GENERAL.contains(name)) else {
                continue;
            };
            if let Some(other) = known.insert(name.to_owned(), file.name.clone()) {
                broken.push(file.at(index + 1, &format!("{name} is a type of {other} too")));
            }
        }
    }
    assert!(known.len() > 3, "{known:?}");
    assert_none(broken);
}

#[test]
fn every_schema_id_stands_once() {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut broken = Vec::new();
    for file in sources("src") {
        for (index, line) in file.code.lines().enumerate() {
            // A text that is a name and a version, as "kseg.record/1".
            let texts = line.split('"').skip(1).step_by(2);
            let ids = texts.filter(|text| {
                let id = text.strip_prefix("kseg.").and_then(|id| id.split_once('/'));
                id.is_some_and(|(_, version)| version.parse::<u32>().is_ok())
            });
            for id in ids {
                if let Some(other) = known.insert(id.to_owned(), file.name.clone()) {
                    broken.push(file.at(index + 1, &format!("{id} stands in {other} too")));
                }
            }
        }
    }
    assert!(known.len() > 50, "{known:?}");
    assert_none(broken);
}

#[test]
fn files_are_short() {
    let mut broken = Vec::new();
    for file in ["src", "tests", "benches"].into_iter().flat_map(sources) {
        let lines = file.code.lines().count();
        if lines >= LINES {
            broken.push(file.at(lines, "too long a file: split it by what it is about"));
        }
    }
    assert_none(broken);
}

#[test]
fn the_top_level_holds_nothing_else() {
    let mut broken: Vec<String> = entries(&root()).iter().map(|path| name(path)).collect();
    broken.retain(|name| !TOP_LEVEL.contains(&name.as_str()));
    assert_none(broken);
}

#[test]
fn captured_folders_are_named_in_the_readme_beside_them() {
    let testdata = root().join("testdata");
    let readme = fs::read_to_string(testdata.join("README.md")).unwrap_or_default();
    let is_word = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let named: Vec<&str> = readme.split(|c| !is_word(c)).collect();
    let mut captured = entries(&testdata);
    captured.retain(|release| release.is_dir() && name(release).starts_with("kafka-"));
    captured.extend(captured.clone().iter().flat_map(|release| entries(release)));
    captured.retain(|folder| folder.is_dir() && !named.contains(&name(folder).as_str()));
    let broken: Vec<String> = captured
        .iter()
        .map(|folder| format!("{} is not in testdata/README.md", folder.display()))
        .collect();
    assert_none(broken);
}

#[test]
fn captured_files_are_few_enough_to_carry() {
    let files = files(&root().join("testdata"));
    let bytes: u64 = files
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .sum();
    assert!(
        bytes < TESTDATA_BYTES,
        "{bytes} bytes in testdata, of {TESTDATA_BYTES}"
    );
}

#[test]
fn paths_are_found_with_their_lines() {
    let code = "use crate::wire::{Fault, crc};\nuse std::{\n    fs,\n    thread::{self, scope},\n};\n\
                fn f() -> crate::scan::Walk { ::zstd::decode(x.snap, g::<nom::Err<()>>()) }\n";
    let found = paths(code);
    for path in [
        (1, "crate::wire::Fault"),
        (1, "crate::wire::crc"),
        (3, "std::fs"),
        (4, "std::thread::self"),
        (4, "std::thread::scope"),
        (6, "crate::scan::Walk"),
        (6, "zstd::decode"),
        (6, "nom::Err"),
    ] {
        assert!(found.contains(&(path.0, path.1.to_owned())), "{path:?}");
    }
    assert!(!found.iter().any(|(_, path)| is_path_into(path, "snap")));
}

/// A source file without its unit tests and comments; every line keeps its number.
pub(crate) struct Source {
    /// From the top level, with slashes.
    pub(crate) name: String,
    pub(crate) code: String,
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
        Self::of(&name.replace('\\', "/"), &text)
    }

    pub(crate) fn of(name: &str, text: &str) -> Self {
        let tests = ["", "pub(super) "].map(|seen| format!("\n#[cfg(test)]\n{seen}mod tests {{"));
        let end = tests.iter().filter_map(|tests| text.find(tests)).min();
        let code = end.and_then(|end| text.get(..end)).unwrap_or(text);
        let mut bare = String::new();
        for line in code.lines() {
            bare += line.split("//").next().unwrap_or_default();
            bare.push('\n');
        }
        Self {
            name: name.to_owned(),
            code: bare,
        }
    }

    /// Whether the file is `place`, or in it, seen from `src/`.
    fn is_below(&self, place: &str) -> bool {
        let name = self.name.strip_prefix("src/");
        name.is_some_and(|name| name.starts_with(place))
    }

    /// The folder or file directly below `src/`.
    fn layer(&self) -> &str {
        let mut parts = self.name.trim_end_matches(".rs").split('/');
        parts.nth(1).unwrap_or_default()
    }

    fn at(&self, line: usize, rule: &str) -> String {
        format!("{}:{line}: {rule}", self.name)
    }
}

/// The source files below a folder, if there is such a folder.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let mut files = files(&root().join(folder));
    files.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    files.retain(|path| !path.ends_with("tests.rs"));
    files.iter().map(|path| Source::read(path)).collect()
}

/// Every path that the code spells out, with its line; `a::{b, c}` is the two paths `a::b` and `a::c`.
pub(crate) fn paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // What stands before each brace that is open, and the path being read.
    let (mut outer, mut path) = (Vec::new(), String::new());
    for (index, line) in code.lines().enumerate() {
        for token in tokens(line) {
            match token {
                "::" if !path.is_empty() => path += token,
                "{" if path.ends_with("::") => outer.push(std::mem::take(&mut path)),
                _ if !is_name(token) => {
                    path.clear();
                    match token {
                        "{" => outer.push(String::new()),
                        "}" => drop(outer.pop()),
                        _ => {}
                    }
                }
                _ => {
                    if !path.ends_with("::") {
                        path = outer.last().cloned().unwrap_or_default();
                    }
                    path += token;
                    found.push((index + 1, path.clone()));
                }
            }
        }
    }
    found
}

/// Names, `::`, and every other character but spaces on its own.
fn tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match rest.find(|c| !is_part_of_name(c)).unwrap_or(rest.len()) {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            name => name,
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

fn is_name(token: &str) -> bool {
    token.starts_with(is_part_of_name)
}

fn is_part_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `path` is `guest` or leads into it. A bare name is no path: it may be a variable's.
fn is_path_into(path: &str, guest: &str) -> bool {
    let rest = path.strip_prefix(guest);
    rest.is_some_and(|rest| rest.starts_with("::") || rest.is_empty() && guest.contains("::"))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// What a folder holds, in order; nothing if it does not exist.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = folder.read_dir().into_iter().flatten();
    let mut entries: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// The files below a folder, without those of a fuzzer's or a build's making.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in entries(folder) {
        if path.is_file() {
            files.push(path);
        } else if !path.ends_with("target") {
            files.extend(self::files(&path));
        }
    }
    files
}

/// Fails with a line for each place where a rule is broken.
#[track_caller]
fn assert_none(mut broken: Vec<String>) {
    broken.dedup();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}
