//! `kseg check`: one screen, whose every command says the same when it is typed.

use std::ffi::OsStr;

use crate::process::{Ran, command, end, kseg};
use crate::scenario::eight_damages;
use crate::temp::Temp;

/// Lines of a terminal that nobody made larger, less two for the prompt and the command.
const SCREEN: usize = 30;

fn check(temp: &Temp, columns: &str) -> Ran {
    let mut check = command(temp.path(), &["check", "disk1", "disk2"].map(OsStr::new));
    check.env("COLUMNS", columns);
    end(check.spawn().unwrap())
}

/// Runs what a shell would make of a line.
fn run(temp: &Temp, line: &str) -> Ran {
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    kseg(temp.path(), &words)
}

#[test]
fn eight_damages_fit_a_screen_and_every_command_works_as_printed() {
    let temp = Temp::new();
    eight_damages(&temp);
    for (columns, lines) in [("80", SCREEN), ("60", SCREEN + 4)] {
        let checked = check(&temp, columns);
        assert_eq!(checked.status, Some(1), "{}", checked.err);
        let shown = checked.out.lines().count();
        assert!(shown <= lines, "{shown} lines:\n{}", checked.out);
    }
    let checked = kseg(temp.path(), &["check", "disk1", "disk2"]).out;
    let lines: Vec<&str> = checked.lines().collect();
    let commands = lines.iter().enumerate();
    let commands: Vec<_> = commands
        .filter(|(_, line)| line.starts_with("  kseg "))
        .collect();
    assert_eq!(commands.len(), 4, "{checked}");
    for (at, line) in commands {
        let answer = lines[at - 1];
        let ran = run(&temp, line);
        assert!(ran.status < Some(2), "{line}: {}", ran.err);
        let said: Vec<&str> = ran.out.lines().collect();
        match line.split_whitespace().nth(1) {
            Some("verify" | "predict") => assert_eq!(said.first(), Some(&answer), "{line}"),
            Some("repair") => {
                let lost: u64 = said.iter().filter_map(|line| lost_by_plan(line)).sum();
                assert!(
                    answer.contains(&format!("loses {lost} records")),
                    "{answer} {lost}"
                );
                let next = said.last().unwrap().strip_prefix("Next: kseg ").unwrap();
                assert!(next.starts_with("repair apply plan.json"), "{next}");
            }
            _ => assert!(ran.out.contains("orders143-0"), "{line}: {}", ran.out),
        }
    }
    assert!(
        checked.contains("6 of 13 partitions are damaged: 6 errors, 4 warnings"),
        "{checked}"
    );
}

/// What a plan gives up, as `repair plan` sums it up.
fn lost_by_plan(line: &str) -> Option<u64> {
    let (_, plan) = line.split_once("This plan loses ")?;
    plan.split(' ').next()?.parse().ok()
}

#[test]
fn a_sound_log_dir_exits_with_0_and_says_so() {
    let temp = Temp::new();
    temp.file("d/meta.properties", b"version=1\nnode.id=1\ncluster.id=c\n");
    let checked = kseg(temp.path(), &["check", "d"]);
    assert!(checked.out.contains("Nothing to repair"), "{}", checked.out);
    assert!(checked.out.contains("No errors"), "{}", checked.out);
    let missing = kseg(temp.path(), &["check", "nothing-here"]);
    assert_eq!(missing.status, Some(2));
}
