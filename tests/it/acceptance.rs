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

/// What stays to be said of a case after its repair.
const LEFT: [(&str, &str); 29] = [
    // Sequence numbers and producer epochs that do not go on: the records are whole, served, and proven by their checksums.
    (
        "forge-dup-sequence",
        r#"manual ["B304"]; left "B301" "B304""#,
    ),
    ("forge-pepoch-back", r#"left "B302""#),
    ("forge-sequence-gap", r#"left "B301""#),
    ("forge-txn-mid", r#"left "B301""#),
    // The log of the metadata has no holes or is fetched anew from its quorum: nothing in it is changed here.
    (
        "kraft-base-without-snapshot",
        r#"manual ["M101"] ["M103"] ["S107","M101"] ["S107"]; left "M101" "M103" "O105" "S107" "T105""#,
    ),
    ("kraft-gap-early", r#"manual ["M101"]; left "M101""#),
    ("kraft-gap-late", r#"manual ["M101"]; left "M101""#),
    ("kraft-quorum-old-epoch", r#"manual ["M102"]; left "M102""#),
    (
        "kraft-quorum-other-leader",
        r#"manual ["M102"]; left "M102""#,
    ),
    // Fields of transaction markers that nothing else has: the coordinator's epoch, the producer, the version of the value.
    ("marker-coordinator-epoch-last", r#"left "B311""#),
    ("marker-coordinator-epoch-mid", r#"left "B311""#),
    (
        "marker-no-pid-last",
        r#"manual ["B303"]; left "B303" "B310""#,
    ),
    (
        "marker-no-pid-mid",
        r#"manual ["B303"]; left "B303" "B310""#,
    ),
    ("marker-short-value-last", r#"manual ["R108"]; left "R108""#),
    ("marker-short-value-mid", r#"manual ["R108"]; left "R108""#),
    ("marker-version9-last", r#"left "R108""#),
    ("marker-version9-mid", r#"left "R108""#),
    // The metadata log beside it is of another stop of the broker.
    ("kraft-dir-missing", r#"manual ["D112"]"#),
    ("marker-other-epoch", r#"manual ["D112"]"#),
    // The log begins after its first leader epoch: nothing shows whether segments were lost or deleted.
    ("compact-missing-first", r#"manual ["D107"]; left "D107""#),
    ("missing-all-segments", r#"left "D107""#),
    ("missing-log-first", r#"manual ["D107"]; left "D107""#),
    ("missing-segment-first", r#"manual ["D107"]; left "D107""#),
    ("renamed-first+5", r#"manual ["D107"]"#),
    // A topic that the metadata log beside it does not have may be right.
    ("root-extra-partition", r#"manual ["D118"]; left "D118""#),
    (
        "root-unknown-topic",
        r#"manual ["D117"] ["D118"]; left "D117" "D118""#,
    ),
    // The node fetches the end of its metadata log again.
    ("kraft-torn-tail", r#"manual ["S101"]; left "S101""#),
    // Records outside of a transaction that is open: whether they count, only their producer knows.
    ("txn-nontxn-inside-last", r#"manual ["B305"]; left "B305""#),
    ("txn-nontxn-inside-mid", r#"manual ["B305"]; left "B305""#),
];

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
        let wrong = wrong.join("; ");
        let expected = LEFT.iter().find(|(case, _)| *case == name);
        if wrong != expected.map_or("", |(_, left)| left) {
            failed += 1;
            say(&format!("{name}: {wrong}"));
        }
    }
    say(&format!(
        "{} of {count} cases repaired as expected",
        count - failed
    ));
    assert_eq!(failed, 0, "not everything was repaired");
    // Suspect records are not served, so some are missing; none may be wrong.
    if let Some(accept) = std::env::var_os("KSEG_ACCEPT") {
        let ran = Command::new(accept)
            .args(["--show", "1000"])
            .arg(&repaired)
            .output();
        let said = String::from_utf8(ran.unwrap().stdout).unwrap();
        let counts = said.lines().last().unwrap_or_default();
        say(counts);
        assert!(counts.contains("cases accepted"), "{said}");
        let wrong = said
            .lines()
            .filter(|line| line.contains("wrong [") && !line.contains("wrong []"));
        assert_eq!(wrong.collect::<Vec<_>>(), Vec::<&str>::new());
    }
}
