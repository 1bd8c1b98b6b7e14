//! What verification of whole log dirs finds in what brokers left, and in what was damaged on purpose: every kind of file, and
//! files against each other.

use std::ops::ControlFlow;
use std::path::Path;

use kseg::scan::{Jobs, Merge};
use kseg::store::LogDir;
use kseg::verify::{self, Finding, Options, Outcome, Severity};
use serde_json::Value;

use crate::cases::{Case, cases};

/// The cases were made before.
const NOW: i64 = 1_795_400_000_000;

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
    let options = Options {
        jobs: Jobs::new(jobs.try_into().unwrap()),
        now_ms: Some(NOW),
        ..Options::default()
    };
    let mut outcome = Outcome::default();
    verify::log_dirs(dirs, &options, &mut |verified| {
        outcome.merge(verified.outcome);
        ControlFlow::Continue(())
    });
    outcome
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
        for dirs in dirs_of(&case.dir) {
            seen += 1;
            let outcome = verify(&dirs, 2);
            assert!(outcome.coverage.is_complete(), "{}", name(case));
            for finding in outcome.findings.kept() {
                let is_allowed = case.allows(finding.check.code());
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
        let Some(codes) = case.found() else {
            continue;
        };
        seen += 1;
        let outcome = verify(&dirs_of(&case.dir)[0], 1);
        assert!(outcome.coverage.is_complete(), "{}", name(case));
        let found = outcome.findings.kept();
        let is_it = |finding: &&Finding| {
            codes.iter().any(|code| code == finding.check.code()) && concerns(finding, case)
        };
        if !found.iter().any(|finding| is_it(&finding)) {
            let lines: Vec<String> = found.iter().map(|finding| line(case, finding)).collect();
            missed.push(format!("{}: not {codes:?}, but {lines:#?}", name(case)));
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
