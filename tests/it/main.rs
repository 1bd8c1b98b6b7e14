//! The tests that stand outside of the library: one binary, one module a subject.
#![cfg(test)]

mod acceptance;
mod agree;
mod alloc;
mod attacks;
mod avro;
mod cases;
mod cat;
mod cat_seek;
mod check;
mod ci;
mod cli;
mod columns;
mod config;
mod cycles;
mod derive;
mod examples;
mod explained;
mod export;
mod fidelity;
mod first_minute;
mod fixes;
mod forge;
mod framings;
mod fuzz_bodies;
mod fuzz_log_dir;
mod given;
mod golden;
mod groups;
mod hex;
mod hostile;
mod images;
mod indexes;
mod jobs;
mod large;
mod limits;
mod live;
mod ls;
mod ls_ends;
mod ls_split;
mod manuals;
mod mended;
mod paths;
mod plan;
mod predict;
mod process;
mod properties;
mod readme;
mod recovered;
mod rendering;
mod rendering_any;
mod rendering_hidden;
mod repair;
mod replicas;
mod reports;
mod sarif;
mod scenario;
mod schema_inputs;
mod schemas;
mod show;
mod sick;
mod sick_commands;
mod specimens;
mod specimens_across;
mod starts;
mod temp;
mod tidy;
mod tidy_circles;
mod tiered;
mod truth;
mod txns;
mod ulimits;
mod unreadable;
mod verify;
mod verify_cases;
mod verify_dirs;
mod verify_flips;
mod views;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

/// A file that no `mod` line names is not compiled, and its tests never run.
#[test]
fn every_file_here_is_listed() {
    let listed: BTreeSet<&str> = include_str!("main.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for entry in here.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            name == "main" || listed.contains(name),
            "{} is not listed in tests/it/main.rs",
            path.display()
        );
    }
}
