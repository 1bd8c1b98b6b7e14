//! What verification of whole log dirs finds in what brokers left, and in what was damaged on purpose: every kind of file, and
//! files against each other.

use std::path::Path;

use kseg::format::Limits;
use kseg::scan::Jobs;
use kseg::store::{LogDir, LogFile, Stream};
use kseg::verify::segment::OnBytes;
use kseg::verify::{Depth, Finding, Outcome, Severity, Suite};
use serde_json::Value;

use crate::cases::{Case, cases};

/// The cases were made before.
const NOW: i64 = 1_795_400_000_000;

/// What is found at a file that was changed, by names of cases up to and from a `*`. The first that fits counts.
const FOUND: [(&str, &str); 108] = [
    ("*-is-directory", "D108 D114 S103"),
    ("epochs-count*", "E101"),
    ("*-count", "C101"),
    ("epochs-garbage", "E101"),
    ("epochs-nonnumeric", "E101"),
    ("epochs-nul", "E101"),
    ("epochs-version1", "E101"),
    ("epochs-negative*", "E101"),
    ("epochs-blank-line", "E101"),
    ("epochs-three-tokens", "E101"),
    ("epochs-inside-future", "E102"),
    ("epochs-nonmonotonic", "E102"),
    ("epochs-shifted", "E103"),
    ("epochs-beyond", "E104"),
    ("epochs-missing", "E105"),
    ("epochs-empty", "E105"),
    ("epochs-none", "E105"),
    ("epochs-last-only", "E106"),
    ("kraft-epochs-garbage", "E101"),
    ("kraft-epochs-missing", "E105"),
    ("kraft-index-garbage", "O102 O103 O104"),
    ("kraft-quorum-*", "M102"),
    ("kraft-snapshot-future", "M105"),
    ("kraft-snapshot-part", "M107"),
    ("kraft-snapshot-missing", ""),
    ("kraft-snapshots-all-missing", ""),
    ("kraft-snapshot-*", "M104"),
    ("kraft-topic-id", "M106"),
    ("kraft-gap-*", "M101"),
    ("kraft-base-without-snapshot", "M103"),
    ("pmeta-crlf", ""),
    ("pmeta-newline", ""),
    ("pmeta-of-other-topic", ""),
    ("pmeta-wrong-id", ""),
    ("pmeta-*", "D119"),
    ("marker-garbage", "D124"),
    ("meta-cluster", ""),
    ("meta-node", ""),
    ("meta-directory-bad", "D110"),
    ("meta-directory-reserved", "D111"),
    ("meta-directory-*", ""),
    ("meta-*", "D110"),
    ("rp-inside", "C110"),
    ("rp-beyond", "C104"),
    ("hw-inside", ""),
    ("hw-beyond", "C105"),
    ("ls-inside*", ""),
    ("ls-at-leo", ""),
    ("ls-empty", ""),
    ("ls-beyond", "C106"),
    ("ls-leo-plus-1", "C106"),
    ("cleaner-empty", ""),
    ("cleaner-missing", ""),
    ("cleaner-inside", "C107"),
    ("cleaner-beyond", "C107"),
    ("rp-*", "C101 C102 C103 C109 C111"),
    ("hw-*", "C101 C102 C103 C109 C111"),
    ("ls-*", "C101 C102 C103 C109 C111"),
    ("cleaner-*", "C101 C102 C103 C111"),
    ("index-missing*", "O105"),
    ("index-all-missing", "O105"),
    ("index-empty-*", "O107"),
    ("index-halved-*", "O107"),
    ("index-zero*", "O106"),
    ("index-ragged-*", "O101"),
    ("index-orphan*", "D103"),
    ("index-garbage-*", "O102"),
    ("index-reversed-*", "O102"),
    ("index-shuffled-*", "O102"),
    ("index-negative-*", "O102"),
    ("index-midbatch-*", "O104"),
    ("index-of-other-*", "O104"),
    ("index-wrong-offset-mid", "O102 O104"),
    ("index-*", "O103"),
    ("timeindex-missing-*", "T105"),
    ("timeindex-empty-*", "T107"),
    ("timeindex-halved-*", "T107"),
    ("timeindex-zero*", "T106"),
    ("timeindex-ragged-*", "T101"),
    ("timeindex-garbage-*", "T102"),
    ("timeindex-reversed-*", "T102"),
    ("timeindex-shuffled-*", "T102"),
    ("timeindex-negative-*", "T102"),
    ("timeindex-*", "T104"),
    ("txnindex-garbage-*", "A101"),
    ("txnindex-ragged-*", "A101"),
    ("txnindex-version*", "A101"),
    ("txnindex-disordered", "A102"),
    ("txnindex-extra-*", "A103"),
    ("txnindex-lowoffset-*", "A106"),
    ("txnindex-zeroed-*", "A102"),
    ("txnindex-*", "A104"),
    ("*snapshot-all-missing", "P107"),
    ("*snapshot-newest-missing", "P107"),
    ("*snapshot-future*", "P104"),
    ("*snapshot-*flip", "P101"),
    ("snapshot-bad-name", "D101"),
    ("snapshot-stray", "P105"),
    ("snapshot-version2", "P102"),
    ("snapshot-zeroed", "P102 P109"),
    ("*snapshot-stale", "P103"),
    ("snapshot-wrong-seq", "P103"),
    ("txn-snapshot-*", "P103"),
    ("snapshot-*", "P109"),
    ("swap-corrupt", "D121"),
    ("swap-torn", "D121"),
    ("swap-empty", "D121"),
    ("txn-nontxn-*", "B305"),
];

/// The same of what lies in directories, of `.log`s that are gone, and of producers.
const FOUND_TOO: [(&str, &str); 35] = [
    ("cleaned-leftover", "D102"),
    ("deleted-leftovers", "D102"),
    ("tmp-leftovers", "D102"),
    ("swap-*", "D102"),
    ("segment-marked-deleted", "D102 D107"),
    ("unknown-files", "D101"),
    ("log-bak-name", "D101"),
    ("log-bad-name", "D101"),
    ("log-huge-name", "D101"),
    ("log-is-*", "S103"),
    ("log-*", "D109"),
    ("root-bad-*", "D108"),
    ("root-lost-found", "D108"),
    ("root-dot-snapshot", "D108"),
    ("root-delete-dir", "D115"),
    ("root-stray-dir", "D116"),
    ("root-stray-file", "D101"),
    ("root-dup-partition", "D104"),
    ("root-future-dir", "D104"),
    ("root-unknown-topic", "D117"),
    ("root-extra-partition", ""),
    ("missing-all-segments", "D120"),
    ("missing-log-*", "D103"),
    ("missing-segment-first", "D107"),
    ("missing-segment-mid", "D107"),
    ("missing-*-segment*", "P104"),
    ("missing-segment-last", "P104"),
    ("compact-missing-first", "D107"),
    ("empty-segment-last", "P104"),
    ("empty-segment-*", "D107"),
    ("overlap-head-copied", "D106"),
    ("overlap-last-two", "D106"),
    ("forge-dup-sequence", "B304"),
    ("forge-pepoch-back", "B302"),
    ("forge-sequence-gap", "B301"),
];

/// Why some can't be found in the log dir: an empty code above.
///
/// - Legal and unchanged in meaning: line ends of a text file, an empty or missing `cleaner-offset-checkpoint` or
///   `log-start-offset-checkpoint`, metadata snapshots where the log reaches back to offset 0.
/// - Right by itself, wrong only for the cluster: ids of another cluster, node, directory or topic where there is one log dir
///   and no metadata log beside it; a partition more; offsets inside of the log as high watermark or log start.
fn expected(name: &str) -> Option<&'static str> {
    let all = FOUND.iter().chain(&FOUND_TOO);
    let is_meant = |pattern: &str| match pattern.split_once('*') {
        Some((start, end)) => {
            name.starts_with(start) && name.ends_with(end.trim_start_matches('*'))
                || end.contains('*')
                    && end.split('*').all(|part| name.contains(part))
                    && name.starts_with(start)
        }
        None => name == pattern,
    };
    all.clone()
        .find_map(|(pattern, codes)| is_meant(pattern).then_some(*codes))
}

/// The log dirs of a case: one; several of a node; or those of two nodes.
fn dirs_of(case: &Path) -> Vec<Vec<LogDir>> {
    let open = |path: &Path| LogDir::open(path).unwrap();
    let dir = open(&case.join("files"));
    let inner: Vec<LogDir> = dir
        .items()
        .iter()
        .filter(|item| item.is_dir() && item.dir_name().is_none())
        .map(|item| open(item.path()))
        .collect();
    let is_row = dir.partitions().next().is_none() && !inner.is_empty();
    match (is_row, case.ends_with("two-nodes")) {
        (false, _) => vec![vec![dir]],
        (true, true) => inner.into_iter().map(|dir| vec![dir]).collect(),
        (true, false) => vec![inner],
    }
}

fn verify(dirs: &[LogDir], jobs: usize) -> Outcome {
    let suite = Suite {
        depth: Depth::Deep,
        jobs: Jobs::new(jobs.try_into().unwrap()),
        limits: Limits::default(),
        now_ms: Some(NOW),
        open: &|path| Ok(LogFile::Windowed(Stream::open(path)?)),
        on_bytes: OnBytes::default(),
    };
    suite.log_dirs(dirs)
}

fn name(case: &Case) -> &str {
    case.dir.file_name().unwrap().to_str().unwrap()
}

fn line(case: &Case, finding: &Finding) -> String {
    let path = finding.path.strip_prefix(case.dir.join("files")).unwrap();
    format!(
        "{} {} {} {:?}: {}",
        finding.severity,
        finding.check.code(),
        path.display(),
        finding.position,
        finding.message()
    )
}

#[test]
fn healthy_log_dirs_are_found_healthy() {
    let (mut alarms, mut seen) = (Vec::new(), 0);
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let allowed = case.odd_codes();
        for dirs in dirs_of(&case.dir) {
            seen += 1;
            let outcome = verify(&dirs, 2);
            assert!(outcome.coverage.is_complete(), "{}", name(case));
            for finding in outcome.findings.kept() {
                let is_allowed = allowed.contains(&finding.check.code());
                if finding.severity > Severity::Note && !is_allowed {
                    alarms.push(format!("{}: {}", name(case), line(case, finding)));
                }
            }
        }
    }
    assert!(seen > 50 && alarms.is_empty(), "{}", alarms.join("\n"));
}

#[test]
fn damage_is_found_at_what_was_changed() {
    let (mut missed, mut seen) = (Vec::new(), 0);
    for case in cases().iter().filter(|case| case.is_damaged()) {
        let Some(codes) = expected(name(case)).filter(|codes| !codes.is_empty()) else {
            continue;
        };
        seen += 1;
        let outcome = verify(&dirs_of(&case.dir)[0], 1);
        assert!(outcome.coverage.is_complete(), "{}", name(case));
        let found = outcome.findings.kept();
        let is_it =
            |finding: &&Finding| codes.contains(finding.check.code()) && concerns(finding, case);
        if !found.iter().any(|finding| is_it(&finding)) {
            let lines: Vec<String> = found.iter().map(|finding| line(case, finding)).collect();
            missed.push(format!("{}: not {codes}, but {lines:#?}", name(case)));
        }
    }
    assert!(
        seen > 5 && missed.is_empty(),
        "{seen}\n{}",
        missed.join("\n")
    );
}

/// Whether a finding is about a file that was changed, a sibling of one that is gone, or the directory that holds it.
fn concerns(finding: &Finding, case: &Case) -> bool {
    let facts = &case.about["facts"];
    let path = finding.path.strip_prefix(case.dir.join("files")).unwrap();
    let changed = facts["changed_files"].as_array().into_iter().flatten();
    let files: Vec<&Path> = changed.filter_map(Value::as_str).map(Path::new).collect();
    let is_gone = files
        .iter()
        .any(|file| !case.dir.join("files").join(file).exists());
    files.iter().any(|file| {
        let is_sibling = path.file_stem() == file.file_stem() && path.parent() == file.parent();
        path == *file
            || file.starts_with(path)
            || is_sibling
            || is_gone && path.parent() == file.parent()
    }) || matches!(
        finding.check.code(),
        "D104" | "D107" | "D108" | "D117" | "P104"
    )
}

#[test]
fn what_is_found_is_the_same_for_any_number_of_threads() {
    for case in cases().iter().filter(|case| name(case).starts_with('t')) {
        for dirs in dirs_of(&case.dir) {
            let [one, many] = [1, 8].map(|jobs| verify(&dirs, jobs));
            assert_eq!(one.findings, many.findings, "{}", name(case));
            assert_eq!(one.coverage, many.coverage, "{}", name(case));
        }
    }
}
