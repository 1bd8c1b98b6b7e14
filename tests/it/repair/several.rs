//! Several log dirs in one plan, and steps chosen by their numbers.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::forge::partition::Forge;
use crate::forge::{BatchSpec, Rec};
use crate::process::{Ran, kseg};
use crate::temp::Temp;

/// A log dir with a partition whose last batch is cut off.
fn torn(temp: &Temp, dir: &str, topic: &str) {
    let batch = |offset| {
        BatchSpec::at(offset)
            .epoch(5)
            .timestamp(1_700_000_000_000)
            .then(Rec::new(None, Some(b"value")))
    };
    let forged = Forge::empty(&format!("{topic}-0/"))
        .segment(0, &[batch(0), batch(1), batch(2)])
        .with("leader-epoch-checkpoint", b"0\n1\n5 0\n");
    for (_, name, mut bytes) in forged.done("") {
        if name.contains(".log") {
            bytes.truncate(bytes.len() - 5);
        }
        temp.file(format!("{dir}/{name}"), &bytes);
    }
    temp.file(format!("{dir}/recovery-point-offset-checkpoint"), b"0\n0\n");
}

fn both() -> Temp {
    let temp = Temp::new();
    torn(&temp, "disk1", "orders");
    torn(&temp, "disk2", "clicks");
    temp
}

fn run(temp: &Temp, args: &[&str]) -> Ran {
    kseg(temp.path(), &[&["repair"], args].concat())
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn each_log_dir_has_a_plan_and_the_steps_are_numbered_throughout() {
    let temp = both();
    let ran = run(&temp, &["plan", "disk1", "disk2", "-o", "plan.json"]);
    assert!(
        ran.out.contains("orders-0/") && ran.out.contains("clicks-0/"),
        "{}",
        ran.out
    );
    let document = read(&temp.path().join("plan.json"));
    assert_eq!(document["schema"], "kseg.plans/1");
    let steps = |nth: usize| document["plans"][nth]["steps"].as_array().unwrap().len();
    assert!(steps(0) > 0 && steps(1) > 0);
    let shown = run(&temp, &["show", "plan.json"]);
    let last = format!("{:>4}  clicks-0/", steps(0) + steps(1));
    let numbered = shown
        .out
        .lines()
        .any(|line| line.starts_with(&last) || line.contains(&last));
    assert!(numbered, "{last}: {}", shown.out);
    let next = shown.out.lines().last().unwrap();
    assert!(
        next.starts_with("Next: kseg repair apply plan.json --into NEW1 --into NEW2"),
        "{next}"
    );
    let one = run(
        &temp,
        &["apply", "plan.json", "--into", "a", "--accept-lossy"],
    );
    assert!(one.err.contains("give --into once for each"), "{}", one.err);
    let ran = run(
        &temp,
        &[
            "apply",
            "plan.json",
            "--into",
            "a",
            "--into",
            "b",
            "--accept-lossy",
        ],
    );
    assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.err);
    for (dir, topic) in [("a", "orders"), ("b", "clicks")] {
        assert!(temp.path().join(dir).join(format!("{topic}-0")).is_dir());
        let again = run(&temp, &["plan", dir]);
        assert!(again.out.contains("nothing to do"), "{}", again.out);
    }
    let twice = run(&temp, &["plan", "disk1", "disk1"]);
    assert!(twice.err.contains("given twice"), "{}", twice.err);
}

#[test]
fn a_plan_is_for_the_partitions_that_are_chosen_and_overwrites_nothing_unasked() {
    let temp = Temp::new();
    torn(&temp, "disk", "orders");
    torn(&temp, "disk", "clicks");
    let chosen = [
        "plan",
        "disk",
        "--topic",
        "ord*",
        "--partition",
        "0",
        "-o",
        "plan.json",
    ];
    let ran = run(&temp, &chosen);
    assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.err);
    let plan = read(&temp.path().join("plan.json"));
    assert!(
        plan.to_string().contains("orders-0") && !plan.to_string().contains("clicks-0"),
        "{plan:#}"
    );
    let again = run(&temp, &chosen);
    assert_eq!(again.status, Some(2));
    assert!(
        again.err.contains("exists; use --force to overwrite it"),
        "{}",
        again.err
    );
    assert_eq!(
        run(&temp, &[&chosen[..], &["--force"]].concat()).status,
        ran.status
    );
    let none = run(&temp, &["plan", "disk", "--topic", "nothing"]);
    assert_eq!(none.status, Some(2), "{}", none.out);
}

#[test]
fn steps_are_confirmed_and_left_out_by_number() {
    let temp = Temp::new();
    torn(&temp, "disk", "orders");
    run(&temp, &["plan", "disk", "-o", "plan.json"]);
    let plan = read(&temp.path().join("plan.json"));
    let steps = plan["steps"].as_array().unwrap();
    let all = format!("1..={}", steps.len());
    for (args, says) in [
        (["--skip", "99"], "--skip 99: not a step"),
        (
            ["--accept", "99"],
            "--accept 99: not a step of this plan that needs consent",
        ),
        (["--accept", "x"], "expected N, A..B or A..=B"),
        (["--skip", "3..=1"], "the range is empty"),
    ] {
        let ran = run(
            &temp,
            &[&["apply", "plan.json", "--into", "new"][..], &args].concat(),
        );
        assert_eq!(ran.status, Some(2), "{args:?}");
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    let log = "orders-0/00000000000000000000.log";
    let before = fs::read(temp.path().join("disk").join(log)).unwrap();
    let ran = run(
        &temp,
        &["apply", "plan.json", "--into", "none", "--skip", &all],
    );
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    assert_eq!(
        fs::read(temp.path().join("none").join(log)).unwrap(),
        before
    );
}

#[test]
fn what_depends_on_a_skipped_step_is_skipped_too() {
    let temp = Temp::new();
    torn(&temp, "disk", "orders");
    temp.file("disk/orders-0/00000000000000000000.index", &[7; 24]);
    run(&temp, &["plan", "disk", "-o", "plan.json"]);
    let plan = read(&temp.path().join("plan.json"));
    let steps = plan["steps"].as_array().unwrap();
    let of = |ending: &str| {
        let is_of = |step: &&serde_json::Value| step.to_string().contains(ending);
        steps.iter().find(is_of).unwrap()["id"].to_string()
    };
    let (log, index) = (of(".log\""), of(".index\""));
    assert_ne!(log, index);
    let command = ["apply", "plan.json", "--into", "new", "--skip", &log];
    let refused = run(&temp, &[&command[..], &["--accept", &index]].concat());
    assert_eq!(refused.status, Some(2));
    let ran = run(&temp, &command);
    assert!(ran.status < Some(2), "{}", ran.err);
    assert!(ran.err.contains("are skipped too"), "{}", ran.err);
    for name in ["00000000000000000000.log", "00000000000000000000.index"] {
        let bytes = |dir: &str| fs::read(temp.path().join(dir).join("orders-0").join(name));
        assert_eq!(bytes("new").unwrap(), bytes("disk").unwrap(), "{name}");
    }
    // The other way round as well: the index is that of the repaired log.
    let ran = run(
        &temp,
        &["apply", "plan.json", "--into", "other", "--skip", &index],
    );
    assert!(ran.err.contains("are skipped too"), "{}", ran.err);
}

#[test]
fn what_a_plan_cannot_name_is_a_manual_step_or_an_error() {
    let temp = Temp::new();
    torn(&temp, "disk", "or\u{1}ders");
    torn(&temp, "disk", "clicks");
    let why = "kseg cannot repair a path with control characters";
    let plan = run(&temp, &["plan", "disk", "-o", "plan.json"]);
    assert_eq!(plan.status, Some(1), "{}{}", plan.out, plan.err);
    let step = plan.out.lines().find(|line| line.contains(why)).unwrap();
    assert!(
        step.contains("or\\u{1}ders-0") && step.contains("manual"),
        "{step}"
    );
    let applied = run(
        &temp,
        &["apply", "plan.json", "--into", "out", "--accept-lossy"],
    );
    assert_eq!(applied.status, Some(1), "{}", applied.err);
    let check = kseg(temp.path(), &["check", "disk"]);
    assert!(check.out.contains("1 manual"), "{}", check.out);

    torn(&temp, "a\nb", "orders");
    let refusal = format!("a\\nb: {why}");
    for words in [&["check", "a\nb"][..], &["repair", "plan", "a\nb"]] {
        let ran = kseg(temp.path(), words);
        assert_eq!(ran.status, Some(2), "{words:?}: {}", ran.out);
        assert!(ran.err.contains(&refusal), "{words:?}: {}", ran.err);
    }
}
