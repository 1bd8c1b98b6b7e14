//! Topics that were deleted on purpose.

use std::path::{Path, PathBuf};

use kseg::repair::RealDisk;
use kseg::repair::disk::Disk;

use super::{Cycle, batch, bytes, grade, twelve};
use crate::cases::TESTDATA;
use crate::forge::partition::Forge;
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

#[test]
fn a_broker_stopped_before_it_corrected_the_leader_epochs_of_deleted_segments() {
    let files = Forge::empty("orders-0/")
        .segment(12, &[batch(12, &["the last"])])
        .with("leader-epoch-checkpoint", b"0\n1\n5 0\n")
        .root("recovery-point-offset-checkpoint", b"0\n1\norders 0 13\n")
        .root(".kafka_cleanshutdown", b"");
    let without = Cycle::of(files.files(), &[]);
    let described = |cycle: &Cycle| cycle.about("leader-epoch-checkpoint").len();
    assert_eq!(described(&without), 1, "{:#}", without.plan);
    let deleted = files.with("00000000000000000000.log.deleted", &bytes(&twelve()));
    let with = Cycle::of(deleted.files(), &[]);
    assert_eq!(described(&with), 0, "{:#}", with.plan);
}

#[test]
fn a_broker_stopped_right_after_it_created_the_directory() {
    for (line, steps) in [("orders 0 0\n", 0), ("", 0), ("orders 0 7\n", 1)] {
        let temp = Temp::new();
        let point = format!("0\n{}\n{line}", u8::from(!line.is_empty()));
        temp.file("data/recovery-point-offset-checkpoint", point.as_bytes());
        let dir = temp.file("data/orders-0/gone", b"");
        RealDisk.remove(&dir).unwrap();
        let cycle = Cycle::at(temp, "data", &[]);
        assert_eq!(
            cycle.about("orders-0").len(),
            steps,
            "{line:?}: {:#}",
            cycle.plan
        );
    }
}

#[test]
fn leader_epochs_go_on_showing_where_records_were_deleted() {
    let begin_at_7 = b"0\n1\n5 7\n";
    let log = bytes(&twelve());
    let files = |epochs: &[u8]| {
        Forge::empty("orders-0/")
            .with("00000000000000000000.log", &log)
            .with("leader-epoch-checkpoint", epochs)
            .root("recovery-point-offset-checkpoint", b"0\n1\norders 0 12\n")
            .root(".kafka_cleanshutdown", b"")
    };
    let starts = "log-start-offset-checkpoint";
    let written = |cycle: &Cycle| {
        let step = cycle.about("leader-epoch-checkpoint");
        step.first().map(std::string::ToString::to_string)
    };
    // Without the checkpoint, only they show it.
    let without = Cycle::of(files(begin_at_7).files(), &[]);
    assert_eq!(written(&without), None, "{:#}", without.plan);
    // With a wrong count they are rewritten, and begin where the checkpoint says.
    let with = files(b"0\n9\n5 7\n").root(starts, b"0\n1\norders 0 7\n");
    let with = written(&Cycle::of(with.files(), &[])).unwrap();
    assert!(with.contains("5 7"), "{with}");
    // The checkpoint shows that nothing was deleted.
    let nothing = files(begin_at_7).root(starts, b"0\n0\n");
    let nothing = written(&Cycle::of(nothing.files(), &[])).unwrap();
    assert!(nothing.contains("5 0"), "{nothing}");
}
