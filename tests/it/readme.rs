//! The README's transcripts, run: each `console` block is commands after `$ ` and what they print.

use std::env;
use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A transcript has at least so many commands: a test that finds none has failed.
const COMMANDS_AT_LEAST: usize = 5;

#[test]
fn the_transcripts_of_the_readme_are_true() {
    let readme = include_str!("../../README.md");
    let mut commands = 0;
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for transcript in block.split("$ ").skip(1) {
            let (command, expected) = transcript.split_once('\n').unwrap();
            assert_eq!(run(command), expected, "$ {command}");
            commands += 1;
        }
    }
    assert!(commands >= COMMANDS_AT_LEAST, "only {commands} commands");
}

/// What a command prints, on both streams; `kseg` and `cargo run` are the binary under test.
fn run(command: &str) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_kseg")).parent().unwrap();
    let path = env::join_paths(
        [bin.to_owned()]
            .into_iter()
            .chain(env::split_paths(&env::var_os("PATH").unwrap())),
    );
    let out = Command::new("sh")
        .args(["-c", &command.replace("cargo run --release --", "kseg")])
        .current_dir(ROOT)
        .env("PATH", path.unwrap())
        .output()
        .unwrap();
    String::from_utf8([out.stdout, out.stderr].concat()).unwrap()
}
