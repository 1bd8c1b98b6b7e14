//! What the catalogue says can be done about a check is what the planner does: its specimen is planned, and the grade of the
//! steps is the fix of the row, or one that the row names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use kseg::verify::{CATALOG, CheckId, Family, Fix};
use serde_json::Value;

use crate::cases::TESTDATA;

/// The places that the specimen of a check is planned in: a log dir, and the other ones of its node. None of a file by itself,
/// which is verified, but not repaired.
fn places(code: &str) -> Vec<PathBuf> {
    let specimen = Path::new(TESTDATA).join("broken").join(code);
    let (a, b) = (specimen.join("a"), specimen.join("b"));
    if b.is_dir() {
        return vec![b, a];
    }
    let entries = specimen.read_dir().into_iter().flatten();
    let is_place = |path: &Path| path.is_dir() || path.extension().is_some_and(|end| end == "log");
    let has_place = entries
        .map(|entry| entry.unwrap().path())
        .any(|path| is_place(&path));
    if has_place {
        vec![specimen]
    } else {
        Vec::new()
    }
}

fn steps(places: &[PathBuf]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    let planned = command
        .args(["repair", "plan", "--format", "json"])
        .args(places);
    let planned = planned.output().expect("kseg runs");
    let document: Value = serde_json::from_slice(&planned.stdout).expect("a plan");
    // Of several log dirs there is a plan each.
    let plans = document["plans"].as_array().cloned();
    let plans = plans.unwrap_or_else(|| vec![document]).into_iter();
    let steps = plans.map(|plan| plan["steps"].as_array().expect("steps").clone());
    steps.flatten().collect()
}

fn checks(step: &Value) -> Vec<CheckId> {
    let codes = step["codes"].as_array().unwrap().iter();
    codes
        .map(|code| CheckId::find(code.as_str().unwrap()).unwrap())
        .collect()
}

/// Whether a step that gives another check as its reason is about what `check` is about: a log is put together again as a
/// whole, and what derives from it is computed as a whole.
fn is_about(check: CheckId, step: &Value) -> bool {
    let is_log = |check: CheckId| check.family().is_of_log() || check == CheckId::SegmentOverlap;
    checks(step)
        .into_iter()
        .any(|other| other.family() == check.family() || is_log(check) && is_log(other))
}

/// What a step does, in the words of the catalogue.
fn fix(step: &Value) -> Fix {
    let safety = &step["safety"];
    let grade = safety.as_str().or_else(|| safety["grade"].as_str());
    match grade {
        Some("proven" | "likely") => Fix::Lossless,
        Some("suspect" | "lossy") => Fix::Lossy,
        Some("manual") => Fix::Manual,
        _ => panic!("{safety}"),
    }
}

#[test]
fn what_the_planner_does_to_a_specimen_has_a_class_that_the_row_of_its_check_names() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for check in CATALOG {
        let places = places(check.code);
        if places.is_empty() {
            continue;
        }
        seen += 1;
        let steps = steps(&places);
        let by_code = |step: &&Value| checks(step).contains(&check.id);
        let mut about: Vec<&Value> = steps.iter().filter(by_code).collect();
        if about.is_empty() && check.fix != Fix::None {
            about = steps
                .iter()
                .filter(|step| is_about(check.id, step))
                .collect();
        }
        let done: BTreeSet<&str> = about.iter().map(|step| fix(step).name()).collect();
        let is_right = match check.fix {
            Fix::None => done.is_empty() || about.iter().all(|step| check.may_need(fix(step))),
            _ => !done.is_empty() && about.iter().all(|step| check.may_need(fix(step))),
        };
        if !is_right {
            let (code, row) = (check.code, check.fix.name());
            wrong.push(format!(
                "{code} is {row}, and its specimen is planned {done:?}"
            ));
        }
    }
    assert!(
        seen > 80 && wrong.is_empty(),
        "{seen}\n{}",
        wrong.join("\n")
    );
}

#[test]
fn nothing_derived_from_a_log_is_lost_when_it_is_made_again() {
    for check in CATALOG {
        let is_derived = matches!(
            check.family,
            Family::OffsetIndex | Family::TimeIndex | Family::TxnIndex
        );
        let is_safe = matches!(check.fix, Fix::Lossless | Fix::None) && check.fixes.is_empty();
        assert!(!is_derived || is_safe, "{}", check.code);
    }
}
