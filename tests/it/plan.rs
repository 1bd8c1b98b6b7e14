//! Damaged log dirs through the whole cycle: planned, repaired into a copy, verified, planned
//! again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use kseg::verify::{CATALOG, Fix};
use serde_json::Value;

use crate::cases::{self, Case, TESTDATA};
use crate::temp::Temp;

/// What stays to be said of a case after its repair.
const LEFT: [(&str, &str); 3] = [
    // The id of a topic is nowhere else but in the metadata log, which is not part of the case.
    ("pmeta-missing", r#"manual ["D119"]; left "D119""#),
    ("pmeta-nul", r#"manual ["D119"]; left "D119""#),
    // The records are whole, and served: whether they count, only their producer knows.
    ("txn-nontxn-inside-last", r#"manual ["B305"]; left "B305""#),
];

fn kseg(args: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command.args(args).args(paths).output().expect("kseg runs")
}

/// Everything below a folder: its bytes and when they were changed.
fn state(dir: &Path) -> BTreeMap<PathBuf, (SystemTime, Option<Vec<u8>>)> {
    let mut state = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in dir.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let modified = path.symlink_metadata().unwrap().modified().unwrap();
            let bytes = path.is_file().then(|| fs::read(&path).unwrap());
            if path.is_dir() {
                dirs.push(path.clone());
            }
            state.insert(path, (modified, bytes));
        }
    }
    state
}

/// Copies a folder. What a version control system leaves out, empty folders, is made by whoever
/// knows of it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            let bytes = fs::read(&path).unwrap();
            write(&to, &bytes);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a folder of our own")]
fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

fn parse(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn codes<'a>(objects: impl Iterator<Item = &'a Value>, field: &str) -> String {
    let mut codes: Vec<String> = objects.map(|object| object[field].to_string()).collect();
    codes.sort();
    codes.dedup();
    codes.join(" ")
}

/// The codes of what `kseg verify` says of `into`, which is among `paths`.
fn left(paths: &[PathBuf], into: &Path) -> String {
    let args = ["verify", "--depth", "deep", "--format", "json"];
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let verified = kseg(&args, &paths);
    let said = cases::text(&verified.stderr);
    if verified.status.code() == Some(2) {
        // Where everything had to go, no file of Kafka's is left.
        let is_empty = said.ends_with(": neither a log dir nor a partition\n");
        return if is_empty { String::new() } else { said };
    }
    let findings: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let is_left = |finding: &&Value| {
        let path = Path::new(finding["path"].as_str().unwrap());
        finding["severity"] != "note" && path.starts_with(into)
    };
    codes(
        findings["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(is_left),
        "code",
    )
}

/// The plan at `path`, or of several the first.
fn first_of(path: &Path) -> Value {
    let mut document = parse(path);
    match document["plans"].as_array_mut() {
        Some(plans) => plans.swap_remove(0),
        None => document,
    }
}

/// Takes `files` through the cycle; `proofs` are other log dirs of the node. What came out is in
/// `into`. Tells what is not as it should be.
pub(crate) fn cycle(files: &Path, proofs: &[PathBuf], into: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let before = state(files);
    let plan = into.with_extension("plan.json");
    let plan_again = into.with_extension("again.json");
    let paths = |first: &Path| -> Vec<PathBuf> {
        let others = proofs.iter().cloned();
        [first.to_owned()].into_iter().chain(others).collect()
    };
    let planned = |first: &Path, plan: &Path| {
        let paths = paths(first);
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        let output = plan.to_str().unwrap();
        kseg(&["repair", "plan", "--force", "-o", output], &paths)
    };
    let first = planned(files, &plan);
    if first.status.code() == Some(2) {
        return vec![format!("no plan: {}", cases::text(&first.stderr))];
    }
    planned(files, &plan_again);
    if fs::read(&plan).unwrap() != fs::read(&plan_again).unwrap() {
        wrong.push("two plans differ".to_owned());
    }
    let document = first_of(&plan);
    let steps = document["steps"].as_array().unwrap();
    let is_manual = |step: &&Value| step["safety"] == "manual";
    if steps.iter().any(|step| is_manual(&step)) {
        wrong.push(format!(
            "manual {}",
            codes(steps.iter().filter(is_manual), "codes")
        ));
    }
    if steps.iter().all(|step| is_manual(&step)) {
        copy(files, into);
    } else {
        let mut args = vec!["repair", "apply", "--accept-lossy", "--copy"];
        let beside: Vec<String> = (0..proofs.len())
            .map(|nth| format!("{}.proof-{nth}", into.display()))
            .collect();
        let targets = [into.to_str().unwrap()].into_iter();
        for target in targets.chain(beside.iter().map(String::as_str)) {
            args.extend(["--into", target]);
        }
        let applied = kseg(&args, &[&plan]);
        if applied.status.code() == Some(2) {
            wrong.push(format!("not applied: {}", cases::text(&applied.stderr)));
            return wrong;
        }
    }
    for nth in 0..proofs.len() {
        let _gone = fs::remove_dir_all(format!("{}.proof-{nth}", into.display()));
    }
    let left = left(&paths(into), into);
    if !left.is_empty() {
        wrong.push(format!("left {left}"));
    }
    planned(into, &plan_again);
    let again = first_of(&plan_again);
    let again = again["steps"].as_array().unwrap();
    if again.iter().any(|step| !is_manual(&step)) {
        wrong.push(format!("planned again {}", codes(again.iter(), "codes")));
    }
    if state(files) != before {
        wrong.push("the source was changed".to_owned());
    }
    wrong
}

fn is_log_dir(dir: &Path) -> bool {
    let names = ["meta.properties", "recovery-point-offset-checkpoint"];
    names.iter().any(|name| dir.join(name).exists())
}

#[test]
fn a_repair_leaves_nothing_to_repair_and_its_source_as_it_was() {
    let temp = Temp::new();
    for case in cases::cases().into_iter().filter(Case::is_damaged) {
        let name = case.dir.file_name().unwrap().to_str().unwrap();
        let files = case.dir.join("files");
        if !case.dir.starts_with(TESTDATA) || !is_log_dir(&files) {
            continue;
        }
        let source = temp.path().join(format!("{name}-source"));
        copy(&files, &source);
        let wrong = cycle(&source, &[], &temp.path().join(name)).join("; ");
        let expected = LEFT.iter().find(|(case, _)| *case == name);
        assert_eq!(wrong, expected.map_or("", |(_, left)| left), "{name}");
    }
}

#[test]
fn nothing_is_planned_where_nothing_is_wrong() {
    let is_healthy = |case: &Case| !case.is_damaged() && !case.is_odd();
    for case in cases::cases().into_iter().filter(is_healthy) {
        let files = case.dir.join("files");
        let dirs = if is_log_dir(&files) {
            vec![files]
        } else {
            let entries = files.read_dir().into_iter().flatten();
            let dirs = entries.map(|entry| entry.unwrap().path());
            dirs.filter(|path| path.is_dir()).collect()
        };
        for dir in dirs {
            let planned = kseg(&["repair", "plan", "--format", "json"], &[&dir]);
            let plan: Value = serde_json::from_slice(&planned.stdout).unwrap_or_default();
            let steps = plan["steps"].as_array().map(Vec::as_slice);
            assert_eq!(steps, Some(&[][..]), "{}", dir.display());
        }
    }
}

/// The checks whose specimens no file here says how to repair.
const UNREPAIRED: [&str; 24] = [
    // Bits that nobody defined, and records that are served whatever is odd about them.
    "B103", "B402", "R105", "R107", "R111", "R114", "R115", "R116",
    // What a producer, a coordinator or a clock did, and the checksums prove.
    "B301", "B302", "B303", "B304", "B305", "B306", "B309", "B310", "B311", "B401", "R108",
    // What only other files know, which are not there.
    "D117", "D118", "D120",
    // The log of the metadata, which is fetched anew from its quorum.
    "M101", "M103",
];

#[test]
fn every_specimen_is_repaired_that_can_be() {
    let temp = Temp::new();
    let mut left = Vec::new();
    for specimen in Path::new(TESTDATA).join("broken").read_dir().unwrap() {
        let specimen = specimen.unwrap().path();
        // Two log dirs, of which no plan is made at once; or a file by itself, which is verified,
        // but not repaired.
        let names = specimen.read_dir().unwrap();
        let is_place =
            |path: &Path| path.is_dir() || path.extension().is_some_and(|end| end == "log");
        let places = names.filter(|entry| is_place(&entry.as_ref().unwrap().path()));
        if places.count() == 0 || specimen.join("b").is_dir() {
            continue;
        }
        let code = specimen.file_name().unwrap().to_str().unwrap();
        let source = temp.path().join(format!("{code}-source"));
        copy(&specimen, &source);
        let wrong = cycle(&source, &[], &temp.path().join(code));
        if !wrong.is_empty() {
            let is_told = wrong.iter().all(|wrong| {
                wrong.ends_with(&format!("\"{code}\"")) || wrong.ends_with(&format!("[\"{code}\"]"))
            });
            assert!(is_told, "{code}: {}", wrong.join("; "));
            left.push(code.to_owned());
        }
    }
    left.sort();
    let mut expected = UNREPAIRED;
    expected.sort_unstable();
    assert_eq!(left, expected);
    let promised = CATALOG
        .iter()
        .filter(|check| matches!(check.fix, Fix::Lossless | Fix::Lossy));
    let broken: Vec<&str> = promised
        .map(|check| check.code)
        .filter(|code| expected.contains(code))
        .collect();
    assert!(broken.is_empty(), "said to be repaired: {broken:?}");
}
