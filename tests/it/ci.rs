//! The workflow in the guide: its steps, run.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::scenario::eight_damages;
use crate::temp::Temp;

const GUIDE: &str = include_str!("../../src/guide/ci.md");

/// The commands of the first workflow, by the names of their steps.
fn steps() -> Vec<(&'static str, &'static str)> {
    let workflow = GUIDE.split("```yaml\n").nth(1).unwrap();
    let workflow = workflow.split("```").next().unwrap();
    let steps = workflow.split("- name: ").skip(1);
    let steps = steps.filter_map(|step| {
        let (name, rest) = step.split_once('\n')?;
        let run = rest
            .lines()
            .find_map(|line| line.trim().strip_prefix("run: "))?;
        Some((name, run))
    });
    steps.collect()
}

fn run(temp: &Temp, command: &str) -> (Option<i32>, String) {
    let bin = Path::new(env!("CARGO_BIN_EXE_kseg")).parent().unwrap();
    let known = std::env::var_os("PATH").unwrap();
    let all = [bin.to_owned()]
        .into_iter()
        .chain(std::env::split_paths(&known));
    let ran = Command::new("sh")
        .args(["-ec", command])
        .current_dir(temp.path())
        .env("PATH", std::env::join_paths(all).unwrap())
        .env("GITHUB_STEP_SUMMARY", temp.path().join("summary.md"))
        .output()
        .unwrap();
    (
        ran.status.code(),
        String::from_utf8_lossy(&ran.stdout).into_owned(),
    )
}

#[test]
fn the_steps_of_the_workflow_do_what_the_guide_says() {
    let temp = Temp::new();
    eight_damages(&temp);
    #[expect(clippy::disallowed_methods, reason = "a folder of the test's own")]
    fs::rename(temp.path().join("disk1"), temp.path().join("fixtures")).unwrap();
    temp.file("summary.md", b"# Job\n");
    let steps = steps();
    let ours = steps.iter().filter(|(name, _)| *name != "Install kseg");
    let ours: Vec<_> = ours.collect();
    assert_eq!(ours.len(), 2, "{steps:?}");
    for (name, command) in ours {
        let (status, out) = run(&temp, command);
        assert_eq!(status, Some(1), "{name}: {out}");
        if command.contains(" verify ") {
            assert!(out.contains("::error file=fixtures/"), "{out}");
            assert!(!out.contains("::notice"), "{out}");
        }
    }
    let read = |name: &str| fs::read_to_string(temp.path().join(name)).unwrap();
    let sarif: serde_json::Value = serde_json::from_str(&read("kseg.sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert!(uri.as_str().unwrap().starts_with("fixtures/"), "{uri}");
    assert!(result["partialFingerprints"]["ksegFinding/v1"].is_string());
    assert!(read("kseg.xml").contains("<failure type=\"B101\""));
    let summary = read("summary.md");
    assert!(
        summary.starts_with("# Job\n### 3 of 8 partitions are damaged"),
        "{summary}"
    );
    assert!(summary.contains("| error |"), "{summary}");
}

#[test]
fn fail_on_none_never_fails_and_a_baseline_that_was_written_is_a_success() {
    let temp = Temp::new();
    eight_damages(&temp);
    for (command, status) in [
        ("kseg verify disk1", 1),
        ("kseg verify --fail-on none disk1", 0),
        ("kseg verify --write-baseline known.json disk1", 0),
        ("kseg verify --baseline known.json --fail-on note disk1", 0),
    ] {
        assert_eq!(run(&temp, command).0, Some(status), "{command}");
    }
}
