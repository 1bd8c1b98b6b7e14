//! Symbolic links and special files in a log dir: nothing is done to them, and they hide nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use kseg::repair::disk::Disk;
use kseg::repair::{Action, Grade, Plan, RealDisk};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::files::{INDEX, LOG, log_dir};
use crate::process::{Ran, kseg};
use crate::temp::Temp;

const OTHER_LOG: &str = "other-0/00000000000000000000.log";

/// A log dir in which nothing is wrong.
fn sound(temp: &Temp) -> PathBuf {
    let data = log_dir(temp);
    temp.file(
        "data/recovery-point-offset-checkpoint",
        b"0\n2\norders 0 8\nother 0 8\n",
    );
    if !plan(temp).steps().is_empty() {
        let ran = run(temp, &["apply", "plan.json", "--in-place"]);
        assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.err);
    }
    assert!(plan(temp).steps().is_empty());
    data
}

/// Flips a bit of a record.
#[expect(clippy::disallowed_methods, reason = "a file of our own")]
fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    *bytes.last_mut().unwrap() ^= 0x10;
    fs::write(file, bytes).unwrap();
}

fn pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Puts a link in the place of something, which is moved out of the log dir.
fn link(temp: &Temp, name: &str) {
    let elsewhere = temp.path().join("elsewhere");
    let here = temp.path().join("data").join(name);
    RealDisk.rename(&here, &elsewhere).unwrap();
    symlink(&elsewhere, here).unwrap();
}

fn run(temp: &Temp, args: &[&str]) -> Ran {
    kseg(temp.path(), &[&["repair"], args].concat())
}

/// The plan of the log dir, which can be made.
fn plan(temp: &Temp) -> Plan {
    let ran = run(temp, &["plan", "data", "-o", "plan.json", "--force"]);
    assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.err);
    serde_json::from_slice(&fs::read(temp.path().join("plan.json")).unwrap()).unwrap()
}

/// The files about which a person decides, with what is said of them.
fn described(plan: &Plan) -> Vec<(&str, &str)> {
    let steps = plan.steps().iter();
    let manual = steps.filter(|step| matches!(step.action, Action::Describe { .. }));
    manual
        .map(|step| (step.action.file().as_str(), step.why.as_str()))
        .collect()
}

/// The files that a plan changes.
fn changed(plan: &Plan) -> Vec<&str> {
    let steps = plan.steps().iter();
    let done = steps.filter(|step| step.safety.grade() != Grade::Manual);
    done.map(|step| step.action.file().as_str()).collect()
}

/// Returns true if the damage beside is repaired, and nothing else changed.
fn is_about_other(plan: &Plan) -> bool {
    let changed = changed(plan);
    changed.contains(&OTHER_LOG) && changed.iter().all(|file| file.starts_with("other-0/"))
}

#[test]
fn a_link_with_nothing_wrong_behind_it_needs_no_step() {
    for name in [LOG, INDEX, "orders-0", "recovery-point-offset-checkpoint"] {
        let temp = Temp::new();
        sound(&temp);
        link(&temp, name);
        let made = plan(&temp);
        assert!(made.steps().is_empty(), "{name}: {:?}", made.steps());
    }
}

#[test]
fn what_is_wrong_behind_a_link_is_left_to_people_and_everything_else_is_planned() {
    for name in [LOG, INDEX, "orders-0"] {
        let temp = Temp::new();
        let data = sound(&temp);
        damage(&data.join(LOG));
        damage(&data.join(OTHER_LOG));
        link(&temp, name);
        let elsewhere = fs::read(temp.path().join("elsewhere")).ok();
        let made = plan(&temp);
        let told = described(&made);
        assert_eq!(told.len(), 1, "{name}: {told:?}");
        assert_eq!(told[0].0, name);
        assert!(told[0].1.contains("a symbolic link"), "{told:?}");
        assert!(is_about_other(&made), "{name}");

        // In place the other partition is repaired; a copy would lead a broker to the original.
        let copied = run(&temp, &["apply", "plan.json", "--into", "copy"]);
        assert_eq!(copied.status, Some(2), "{}", copied.out);
        assert!(
            copied.err.contains("which a copy does not follow"),
            "{}",
            copied.err
        );
        assert!(!temp.path().join("copy").exists());
        let ran = run(&temp, &["apply", "plan.json", "--in-place"]);
        assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.err);
        assert!(data.join(name).symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(temp.path().join("elsewhere")).ok(), elsewhere);
        assert_eq!(changed(&plan(&temp)), [""; 0]);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a folder of our own")]
fn a_pipe_does_not_keep_the_rest_from_being_repaired() {
    for (name, told_of) in [
        ("pipe", vec!["pipe"]),
        ("orders-0/pipe", vec!["orders-0/pipe"]),
        (
            "orders-0/00000000000000000009.log",
            vec!["orders-0/00000000000000000009.log"],
        ),
        (
            "recovery-point-offset-checkpoint",
            vec!["recovery-point-offset-checkpoint"],
        ),
    ] {
        let temp = Temp::new();
        let data = sound(&temp);
        damage(&data.join(OTHER_LOG));
        let _gone = fs::remove_file(data.join(name));
        pipe(&data.join(name));
        let made = plan(&temp);
        let told: Vec<&str> = described(&made).into_iter().map(|(file, _)| file).collect();
        assert_eq!(told, told_of);
        assert!(is_about_other(&made), "{name}");

        let ran = run(&temp, &["apply", "plan.json", "--into", "copy"]);
        assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.err);
        assert!(!temp.path().join("copy").join(name).exists(), "{name}");
        let after = kseg(temp.path(), &["verify", "copy"]);
        assert_eq!(after.status, Some(0), "{}", after.out);
        let ran = run(&temp, &["apply", "plan.json", "--in-place"]);
        assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.err);
        assert_eq!(changed(&plan(&temp)), [""; 0]);
    }
}
