//! What `verify` and `predict` say of the same log dirs: a start that loses, refuses or serves less has a finding that says why, so
//! that where nothing is found nothing is lost.

use std::ops::ControlFlow;

use kseg::predict::{Conditions, MissingPartition, StartOutcome, Verdict, predict};
use kseg::scan::Merge;
use kseg::store::{LogDir, Place};
use kseg::verify::{self, Findings, Options};

use crate::cases::{self, Case};
use crate::first_minute;

/// Where a start needs no finding.
const EXPLAINED: [(&str, &str); 3] = [
    ("two-nodes", "log dirs of two nodes are not those of one"),
    ("offsets-2g", COPIED),
    ("offsets-6m", COPIED),
];

const COPIED: &str = "partitions and checkpoints were copied, and meta.properties was not";

fn findings(dirs: &[LogDir]) -> usize {
    let mut findings = Findings::default();
    verify::log_dirs(dirs, &Options::default(), &mut |verified| {
        findings.merge(verified.outcome.findings);
        ControlFlow::Continue(())
    });
    findings.kept().len()
}

fn hurts(verdict: &Verdict) -> bool {
    verdict.outcome() >= StartOutcome::Offline
        || !verdict.lost().is_nothing()
        || verdict.unreadable().next().is_some()
        || verdict.missing.iter().any(MissingPartition::had_records)
}

/// How the two contradict each other, if they do.
fn contradiction(name: &str, dirs: &[LogDir], verdict: &Verdict) -> Option<String> {
    if !hurts(verdict) || findings(dirs) > 0 {
        return None;
    }
    let reasons = verdict.partitions().flat_map(|one| &one.reasons);
    let dirs = verdict.dirs.iter().flat_map(|dir| &dir.reasons);
    let all: Vec<String> = verdict
        .reasons
        .iter()
        .chain(dirs)
        .chain(reasons)
        .map(ToString::to_string)
        .collect();
    Some(format!(
        "{name}: nothing is found, but {all:?} {:?}",
        verdict.lost()
    ))
}

fn of_case(case: &Case) -> Option<String> {
    let name = case.dir.file_name().unwrap().to_str().unwrap();
    if EXPLAINED.iter().any(|(other, _)| *other == name) {
        return None;
    }
    let Ok(Place::LogDir(dir)) = Place::at(case.dir.join("files")) else {
        return None;
    };
    let conditions = Conditions {
        reads_all: true,
        ..Conditions::default()
    };
    let verdict = predict(&[Place::LogDir(dir.clone())], |_| true, &conditions).unwrap();
    contradiction(name, &[dir], &verdict)
}

#[test]
fn what_hurts_at_a_start_is_found() {
    let wrong: Vec<String> = cases::cases().iter().filter_map(of_case).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Settings and other releases are beyond what files can tell.
#[test]
fn what_kept_real_brokers_from_starting_is_found() {
    let mut wrong = Vec::new();
    for path in first_minute::recordings() {
        first_minute::each(&path, &mut |start| {
            let name = start.done["name"].as_str().unwrap();
            if ["other-node", "metadata-elsewhere"].contains(&name) {
                return;
            }
            let dirs: Vec<LogDir> = start
                .dirs()
                .iter()
                .map(|dir| LogDir::open(dir).unwrap())
                .collect();
            wrong.extend(contradiction(&start.name, &dirs, &start.verdict()));
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
