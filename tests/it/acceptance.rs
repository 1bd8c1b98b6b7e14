//! Every damage of a corpus repaired, and what real brokers make of it.
//!
//! ```text
//! KSEG_CORPUS=CORPUS KSEG_ACCEPT=TOOLS/accept cargo test --test it acceptance -- --ignored --nocapture
//! ```
//!
//! `CORPUS/damage/CASE/files` is a log dir with one damage; `CORPUS/../oracle/accept/M` a log dir of the same node with the metadata log,
//! if there is one. `KSEG_ACCEPT` names a program that starts a broker (fetched from Maven Central) on each of the repaired log dirs, which
//! lie in the folder that it is given, and consumes everything; without it, the repaired log dirs are only verified. `KSEG_REPAIRED`
//! says where they are put, and kept.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::plan::{copy, cycle};
use crate::temp::Temp;

fn say(text: &str) {
    let _nobody = writeln!(std::io::stderr(), "{text}");
}

/// The empty folders of a case, which are lost where files are stored.
fn make_empty_folders(corpus: &Path, case: &str, files: &Path) {
    let list = fs::read_to_string(corpus.join("empty-folders.txt")).unwrap_or_default();
    let prefix = format!("damage/{case}/files/");
    for folder in list.lines().filter_map(|line| line.strip_prefix(&prefix)) {
        fs::create_dir_all(files.join(folder)).unwrap();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files of our own")]
#[ignore = "needs a corpus, and takes minutes"]
fn every_damage_is_repaired() {
    let corpus = PathBuf::from(std::env::var_os("KSEG_CORPUS").expect("KSEG_CORPUS"));
    let corpus = corpus.canonicalize().unwrap();
    let temp = Temp::new();
    let repaired = std::env::var_os("KSEG_REPAIRED");
    let repaired = repaired.map_or_else(|| temp.path().join("repaired"), PathBuf::from);
    fs::create_dir_all(&repaired).unwrap();
    let metadata = corpus.join("../oracle/accept/M");
    let metadata = metadata.canonicalize().ok();
    let cases = corpus.join("damage").read_dir().unwrap();
    let mut cases: Vec<PathBuf> = cases.map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let mut failed = 0;
    let mut count = 0;
    for case in cases.iter().filter(|case| case.join("files").is_dir()) {
        let name = case.file_name().unwrap().to_str().unwrap();
        let source = temp.path().join("source");
        let _none = fs::remove_dir_all(&source);
        copy(&case.join("files"), &source);
        make_empty_folders(&corpus, name, &source);
        // The metadata log of a case is its own.
        let own = source.join("__cluster_metadata-0").exists();
        let proofs: Vec<PathBuf> = metadata.iter().filter(|_| !own).cloned().collect();
        let into = repaired.join(name);
        let _none = fs::remove_dir_all(&into);
        let wrong = cycle(&source, &proofs, &into);
        for plan in ["plan.json", "again.json"] {
            fs::remove_file(into.with_extension(plan)).unwrap();
        }
        count += 1;
        if !wrong.is_empty() {
            failed += 1;
            say(&format!("{name}: {}", wrong.join("; ")));
        }
    }
    say(&format!(
        "{} of {count} cases repaired in full",
        count - failed
    ));
    let accepted = std::env::var_os("KSEG_ACCEPT").is_none_or(|accept| {
        let status = Command::new(accept).arg(&repaired).status();
        status.unwrap().success()
    });
    assert!(failed == 0 && accepted, "not everything was repaired");
}
