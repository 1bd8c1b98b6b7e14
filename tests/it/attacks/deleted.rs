//! Topics that were deleted on purpose.

use std::path::{Path, PathBuf};

use super::{Cycle, grade};
use crate::cases::TESTDATA;
use crate::process::kseg;
use crate::temp::Temp;

const CASE: &str = "kafka-4.3.1/classic-4.3.1/files";

/// A log dir whose broker deleted a topic.
fn log_dir() -> (Temp, PathBuf) {
    let temp = Temp::new();
    let data = temp.path().join("data");
    crate::plan::copy(&Path::new(TESTDATA).join(CASE), &data);
    (temp, data)
}

#[test]
fn a_broker_stopped_before_it_renamed_the_directory_of_a_deleted_topic() {
    let (temp, data) = log_dir();
    let deleted = "inlet.gone-0.0550b3e0edec4bb2b192d244588394c9-delete";
    let case = Path::new(TESTDATA).join(CASE);
    crate::plan::copy(&case.join(deleted), &data.join("inlet.gone-0"));
    let found = kseg(temp.path(), &["verify", "--notes", "data"]).out;
    let here: Vec<&str> = found
        .lines()
        .filter(|line| line.contains("note D118"))
        .collect();
    assert_eq!(here.len(), 1, "{found}");
    let cycle = Cycle::at(temp, "data", &[]);
    assert!(cycle.is_empty(), "{:#}", cycle.plan);
}

#[test]
fn a_topic_created_again_does_not_get_the_records_of_the_deleted_one_unasked() {
    let (temp, data) = log_dir();
    let file = data.join("willow.orders-1/partition.metadata");
    temp.file(&file, b"version: 0\ntopic_id: AAECAwQFBgcICQoLDA0ODw");
    let cycle = Cycle::at(temp, "data", &[]);
    let grades: Vec<String> = cycle
        .about("partition.metadata")
        .into_iter()
        .map(grade)
        .collect();
    assert_eq!(grades, ["likely"]);
}
