//! The README's transcripts, run: each `console` block is commands after `$ ` and what they print.
//!
//! They run one after the other in a folder of our own, which the README calls `/rescue`, with `testdata` in it, and `disk1` and `disk2`, two log dirs with eight
//! damages. A recipe for a
//! tool that is not here is skipped, and said to be.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scenario::eight_damages;
use crate::temp::Temp;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A transcript has at least so many commands: a test that finds none has failed.
const COMMANDS_AT_LEAST: usize = 25;

/// What a recipe may hand its records to, and what may be missing.
const TOOLS: [&str; 2] = ["jq", "duckdb"];

/// What the README calls the folder that it works in.
const FOLDER: &str = "/rescue";

/// What the README calls the part of a quarantine folder's name that is made from the plan, which names the folder above.
const PLAN: &str = ".kseg-PLAN";

/// `BLESS=1` writes into the README what its commands print.
#[test]
#[expect(clippy::disallowed_methods, reason = "BLESS=1 writes the README")]
fn the_transcripts_of_the_readme_are_true() {
    let folder = Folder::new();
    let readme = include_str!("../../README.md");
    let is_blessed = std::env::var_os("BLESS").is_some();
    let (mut commands, mut blessed) = (0, readme.to_owned());
    for (command, expected) in transcripts(readme) {
        commands += 1;
        if let Some(tool) = missing(command) {
            eprintln!("skipped, as {tool} is not here: $ {command}");
            continue;
        }
        let printed = folder.run(command);
        if is_blessed {
            let (before, after) = (
                format!("$ {command}\n{expected}"),
                format!("$ {command}\n{printed}"),
            );
            blessed = blessed.replacen(&before, &after, 1);
        } else {
            assert_eq!(printed, expected, "$ {command}");
        }
    }
    assert!(commands >= COMMANDS_AT_LEAST, "only {commands} commands");
    if is_blessed {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        fs::write(path, blessed).unwrap();
    }
}

#[test]
fn the_readme_has_a_recipe_for_every_tool() {
    let commands = transcripts(include_str!("../../README.md"));
    for tool in TOOLS {
        let recipes = commands.iter().filter(|(command, _)| uses(command, tool));
        assert!(recipes.count() > 0, "no recipe for {tool}");
    }
}

/// The commands of a text and what each is said to print. A line that begins with `$ ` is a command.
fn transcripts(text: &str) -> Vec<(&str, String)> {
    let blocks = text.split("```console\n$ ").skip(1);
    let blocks = blocks.map(|block| block.split("\n```").next().unwrap());
    let transcripts = blocks.flat_map(|block| block.split("\n$ "));
    transcripts
        .map(|transcript| match transcript.split_once('\n') {
            Some((command, printed)) => (command, format!("{printed}\n")),
            None => (transcript, String::new()),
        })
        .collect()
}

/// The first tool that a command needs and that is not here.
fn missing(command: &str) -> Option<&'static str> {
    let is_here = |tool: &str| {
        env::split_paths(&env::var_os("PATH").unwrap()).any(|dir| dir.join(tool).is_file())
    };
    TOOLS
        .into_iter()
        .find(|tool| uses(command, tool) && !is_here(tool))
}

fn uses(command: &str, tool: &str) -> bool {
    command
        .split(" | ")
        .any(|part| part.split(' ').next() == Some(tool))
}

/// A folder of our own.
struct Folder {
    _temp: Temp,
    path: PathBuf,
    search: OsString,
}

impl Folder {
    fn new() -> Self {
        let temp = Temp::new();
        let path = temp.path().canonicalize().unwrap();
        eight_damages(&temp);
        std::os::unix::fs::symlink(Path::new(ROOT).join("testdata"), path.join("testdata"))
            .unwrap();
        let bin = Path::new(env!("CARGO_BIN_EXE_kseg")).parent().unwrap();
        let known = env::var_os("PATH").unwrap();
        let search = [bin.to_owned()].into_iter().chain(env::split_paths(&known));
        let search = env::join_paths(search).unwrap();
        Self {
            _temp: temp,
            path,
            search,
        }
    }

    /// What a command prints, on both streams; `kseg` and `cargo run` are the binary under test.
    fn run(&self, command: &str) -> String {
        let out = Command::new("sh")
            .args(["-c", &command.replace("cargo run --release --", "kseg")])
            .current_dir(&self.path)
            .env("PATH", &self.search)
            .env_remove("COLUMNS")
            .output()
            .unwrap();
        let printed = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
        unnamed(&printed.replace(self.path.to_str().unwrap(), FOLDER))
    }
}

/// The text without what names a plan: eight digits that depend on where the folder is.
fn unnamed(text: &str) -> String {
    let mut parts = text.split(".kseg-");
    let mut named = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        named += PLAN;
        named += part.trim_start_matches(|letter: char| letter.is_ascii_hexdigit());
    }
    named
}
