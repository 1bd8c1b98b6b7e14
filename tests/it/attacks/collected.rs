//! Cases that were collected elsewhere.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{Cycle, grade};
use crate::temp::Temp;

/// Copies a case of the corpus, and plans it.
fn collected(case: &str) -> Cycle {
    let corpus = PathBuf::from(std::env::var_os("KSEG_CORPUS").expect("KSEG_CORPUS"));
    let temp = Temp::new();
    let files = corpus.join("attacks").join(case).join("in");
    crate::plan::copy(&files, &temp.path().join("data"));
    Cycle::at(temp, "data", &[])
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn the_collected_renumbered_copy_goes() {
    let cycle = collected("01-renumber-copy");
    assert_eq!(cycle.grades(), ["lossy"]);
    let served = cycle.served();
    let offsets: Vec<i64> = served.iter().map(|(at, _)| *at).collect();
    assert!(
        !offsets.contains(&5) && offsets.contains(&20),
        "{offsets:?}"
    );
    let twenty = &served.iter().find(|(at, _)| *at == 20).unwrap().1;
    assert_eq!(
        served.iter().filter(|(_, value)| value == twenty).count(),
        1
    );
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn the_collected_compaction_is_healthy() {
    let corpus = PathBuf::from(std::env::var_os("KSEG_CORPUS").expect("KSEG_CORPUS"));
    let temp = Temp::new();
    let files = corpus.join("attacks/03-compacted-deleted-resurrected/in/r11");
    crate::plan::copy(&files, &temp.path().join("data"));
    // The case has neither indexes nor leader epochs; nothing else is to be done.
    let cycle = Cycle::at(temp, "data", &[]);
    let steps = cycle.plan["steps"].as_array().unwrap();
    let is_derived = |step: &Value| grade(step) == "proven" && step["action"]["rename"].is_null();
    assert!(
        cycle.grades().is_empty() && steps.iter().all(is_derived),
        "{steps:#?}"
    );
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn the_collected_log_starts_are_kept() {
    let cycle = collected("04-log-start-dropped");
    let steps = cycle.about("log-start-offset-checkpoint");
    assert_eq!(steps.len(), 1);
    let before = cycle.temp.path().join("data/log-start-offset-checkpoint");
    let lines = |path: PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.lines().skip(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = lines(before);
    let ran = cycle.apply(&["--accept-lossy"]);
    assert!(ran.status < Some(2), "{}", ran.err);
    let after = cycle.temp.path().join("out/log-start-offset-checkpoint");
    assert_eq!(lines(after), before);
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn the_collected_abort_is_left_to_people() {
    let cycle = collected("07-aborted-becomes-committed");
    assert!(
        cycle.grades().iter().all(|grade| grade == "manual"),
        "{:?}",
        cycle.grades()
    );
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn the_collected_overlap_makes_a_plan() {
    let cycle = collected("08-plan-fails-overlap");
    assert!(cycle.grades().contains(&"lossy".into()));
    cycle.served();
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn the_collected_last_epoch_stays() {
    let cycle = collected("09-last-epoch-rewritten");
    assert!(cycle.grades().is_empty(), "{:?}", cycle.grades());
    assert_eq!(cycle.about("leader-epoch-checkpoint").len(), 1);
}
