//! What is absent, what is known beside the records, what is the same, and who may see it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use super::{Cycle, LOG, THEN, batch, bytes, grade, is_log, partition, starts, twelve};
use crate::forge::control::{abort, marker};
use crate::forge::damage::{flip_bit, zero};
use crate::forge::legacy::Message;
use crate::forge::partition::{Forge, Known, aborted, snapshot};
use crate::forge::{BatchSpec, Frame, Rec};
use crate::process::kseg;

/// A healthy partition of two segments.
fn healthy() -> Forge {
    let now = |batch: BatchSpec| batch.timestamp(THEN);
    let first: Vec<BatchSpec> = twelve().into_iter().map(now).collect();
    let second = now(batch(12, &["the last"]));
    Forge::empty("orders-0/")
        .segment(0, &first)
        .segment(12, &[second])
        .with("leader-epoch-checkpoint", b"0\n1\n5 0\n")
        .root("recovery-point-offset-checkpoint", b"0\n1\norders 0 12\n")
}

#[test]
fn what_was_deleted_on_purpose_does_not_come_back() {
    let compacted = bytes(&twelve()[..6]);
    let name = |suffix: &str| format!("00000000000000000000.log{suffix}");
    let leftovers = [
        healthy().with(&name(".deleted"), &compacted),
        healthy().with(&name(".cleaned"), &compacted[..100]),
        healthy().with("00000000000000000005.log.deleted", &compacted),
        healthy()
            .with("00000000000000000000.index.deleted", b"")
            .with("00000000000000000000.timeindex.deleted", b"")
            .with(&name(".deleted"), b""),
    ];
    for files in leftovers {
        let cycle = Cycle::of(files.files(), &[]);
        assert!(cycle.is_empty(), "{:#}", cycle.plan);
    }
}

#[test]
fn what_compaction_left_out_is_not_missing() {
    let mut log = twelve();
    log.retain(|batch| !(3..9).contains(&batch.base_offset));
    // A segment whose first records are gone, and one that is empty.
    let files = Forge::empty("orders-0/")
        .segment(0, &log)
        .segment(12, &[batch(14, &["later"])])
        .segment(20, &[])
        .segment(30, &[batch(30, &["the last"])])
        .with("leader-epoch-checkpoint", b"0\n1\n5 0\n")
        .root("recovery-point-offset-checkpoint", b"0\n1\norders 0 12\n");
    let cycle = Cycle::of(files.files(), &[]);
    let left: Vec<&Value> = cycle.plan["steps"].as_array().unwrap().iter().collect();
    assert!(left.iter().all(|step| !is_log(step)), "{left:#?}");
}

#[test]
fn a_transaction_that_no_index_has_is_not_committed_for_that() {
    let data = |offset: i64, sequence: i32| {
        let batch = batch(offset, &["of a transaction"]).producer(9, 0, sequence);
        batch.attributes(crate::forge::batch::TRANSACTIONAL)
    };
    let unknown = Rec::new(Some(&[0, 0, 0, 7]), Some(&[0, 0, 0, 0, 0, 1]));
    let log = [
        data(0, 0),
        marker(1, (9, 0), unknown).epoch(5).timestamp(THEN),
    ];
    let cycle = Cycle::log(bytes(&log));
    assert!(
        cycle.grades().iter().all(|grade| grade == "manual"),
        "{:?}",
        cycle.grades()
    );
    assert!(!cycle.grades().is_empty());
}

#[test]
fn lines_of_a_checkpoint_that_can_be_read_are_kept() {
    for (text, is_lossy) in [
        // One of three lines may be missing.
        ("0\n3\norders 0 5\nmail 0 3\n", true),
        ("0\n1\norders 0 5\nmail 0 3\n", false),
        ("7\n2\norders 0 5\nmail 0 3\n", false),
        ("0\n3\norders 0 5\nmail 0 3\nodd x 9\n", true),
    ] {
        let files = healthy().root("log-start-offset-checkpoint", text.as_bytes());
        let cycle = Cycle::of(files.files(), &[]);
        let steps = cycle.about("log-start-offset-checkpoint");
        assert_eq!(steps.len(), 1, "{text}");
        assert_eq!(grade(steps[0]) == "lossy", is_lossy, "{text}");
        cycle.served();
        let kept = cycle.temp.path().join("out/log-start-offset-checkpoint");
        assert_eq!(
            fs::read_to_string(kept).unwrap(),
            "0\n2\norders 0 5\nmail 0 3\n"
        );
    }
}

#[test]
fn a_log_start_that_goes_is_a_loss() {
    let files = healthy().root("log-start-offset-checkpoint", b"0\n1\norders 0 500\n");
    let cycle = Cycle::of(files.files(), &[]);
    let steps = cycle.about("log-start-offset-checkpoint");
    assert_eq!(grade(steps[0]), "lossy");
    assert_eq!(steps[0]["loss"]["knowledge"][0], "log-start");
}

#[test]
fn what_snapshots_know_of_producers_whose_batches_are_lost_is_kept() {
    let of = |offset: i64, sequence: i32| batch(offset, &["idempotent"]).producer(9, 0, sequence);
    let known = |sequence: i32, offset: i64| Known {
        id: 9,
        last_sequence: sequence,
        last_offset: offset,
        delta: 0,
        timestamp: THEN + offset,
        coordinator: -1,
        txn: -1,
    };
    let first = [of(0, 0), of(1, 1), of(2, 2)];
    let files = Forge::empty("orders-0/")
        .segment(0, &first)
        .segment(3, &[batch(3, &["plain"])])
        .with(
            "00000000000000000003.snapshot",
            &snapshot(1, &[known(2, 2)]),
        )
        .with(
            "00000000000000000004.snapshot",
            &snapshot(1, &[known(2, 2)]),
        )
        .with("leader-epoch-checkpoint", b"0\n1\n5 0\n")
        .root("recovery-point-offset-checkpoint", b"0\n1\norders 0 4\n");
    let mut files = files.files().to_vec();
    let log = files.iter_mut().find(|(name, _)| name == LOG).unwrap();
    let starts = starts(&first);
    zero(&mut log.1, starts[2]..starts[3]);
    let cycle = Cycle::of(&files, &[]);
    assert!(cycle.about(".snapshot").is_empty(), "{:#}", cycle.plan);
    assert_eq!(cycle.served().len(), 3);
}

#[test]
fn an_abort_whose_marker_is_lost_stays_known() {
    let data = |offset: i64, sequence: i32| {
        let batch = batch(offset, &["of a transaction"]).producer(9, 0, sequence);
        batch.attributes(crate::forge::batch::TRANSACTIONAL)
    };
    let log = [
        data(0, 0),
        marker(1, (9, 0), abort(0)).epoch(5).timestamp(THEN),
        batch(2, &["plain"]),
    ];
    let mut damaged = bytes(&log);
    zero(&mut damaged, starts(&log)[1]..starts(&log)[2]);
    let entry = aborted(0, [9, 0, 1, 2]);
    let mut files = partition(damaged);
    files.push((LOG.replace(".log", ".txnindex"), entry.clone()));
    let cycle = Cycle::of(&files, &[]);
    cycle.served();
    let kept = cycle
        .temp
        .path()
        .join("out")
        .join(LOG.replace(".log", ".txnindex"));
    assert_eq!(fs::read(kept).unwrap(), entry);
}

#[test]
fn different_messages_at_one_offset_are_not_copies() {
    let message = |value: &str| {
        let message = Message::v1(3, THEN, Some(b"key"), Some(value.as_bytes()));
        message.bytes()
    };
    let all = [message("one of them"), message("and another")].concat();
    let cycle = Cycle::log(all);
    // Nothing says which of them was written here: both are set aside.
    assert_eq!(cycle.grades(), ["lossy", "lossy"], "{:#}", cycle.plan);
    let same = [message("one of them"), message("one of them")].concat();
    let cycle = Cycle::log(same);
    assert_eq!(cycle.grades(), ["proven"], "{:#}", cycle.plan);
}

#[test]
fn two_runs_with_the_same_offsets_make_a_plan() {
    let other = |at: i64| batch(at, &[&format!("other {at:02}")]);
    let runs = [
        [twelve(), (3..9).map(other).collect()].concat(),
        [twelve(), (0..12).map(other).collect()].concat(),
        [(3..9).map(other).collect(), twelve()].concat(),
    ];
    for (nth, log) in runs.into_iter().enumerate() {
        for flips in [&[][..], &[2, 14]] {
            let mut damaged = bytes(&log);
            for flip in flips {
                flip_bit(&mut damaged, starts(&log)[*flip] + 70, 1);
            }
            let cycle = Cycle::log(damaged);
            assert!(
                cycle.grades().contains(&"lossy".into()),
                "{nth}: {:?}",
                cycle.grades()
            );
            let offsets: Vec<i64> = cycle.served().iter().map(|(at, _)| *at).collect();
            assert_eq!(offsets, (0..12).collect::<Vec<i64>>(), "{nth}");
        }
    }
}

#[test]
fn nobody_else_may_enter_what_is_kept_or_set_aside() {
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    let mut damaged = bytes(&twelve());
    zero(&mut damaged, 300..320);
    let cycle = Cycle::log(damaged);
    let args = [
        "repair",
        "apply",
        "plan.json",
        "--in-place",
        "--accept-lossy",
    ];
    let ran = kseg(cycle.temp.path(), &args);
    assert!(ran.status < Some(2), "{}", ran.err);
    let kept: Vec<PathBuf> = fs::read_dir(cycle.temp.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("data."))
        .collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept.into_iter().all(|path| mode(path) == 0o700));
}

#[test]
fn an_index_that_the_next_start_makes_is_left_to_it() {
    // As a kill leaves it: the active segment has no index yet.
    let files = healthy();
    let files: Vec<(String, Vec<u8>)> = files
        .files()
        .iter()
        .filter(|(name, _)| !name.starts_with("orders-0/00000000000000000012.") || is_kept(name))
        .cloned()
        .collect();
    let cycle = Cycle::of(&files, &[]);
    assert!(cycle.is_empty(), "{:#}", cycle.plan);
}

/// Whether a file is a log.
fn is_kept(name: &str) -> bool {
    std::path::Path::new(name)
        .extension()
        .is_some_and(|end| end == "log")
}

#[test]
fn a_directory_that_is_taken_out_is_not_compared() {
    let twice: Vec<(String, Vec<u8>)> = healthy()
        .files()
        .iter()
        .flat_map(|(name, bytes)| {
            let copy = name.replace("orders-0/", "orders-00/");
            [(name.clone(), bytes.clone()), (copy, bytes.clone())]
        })
        .collect();
    let cycle = Cycle::of(&twice, &[]);
    assert_eq!(cycle.served().len(), 13);
}

#[test]
fn the_end_of_the_log_is_known_beside_it() {
    let marks = b"0\n1\norders 0 20\n";
    let clean = Forge::empty("orders-0/")
        .segment(0, &twelve())
        .with("leader-epoch-checkpoint", b"0\n1\n5 0\n")
        .root("recovery-point-offset-checkpoint", b"0\n1\norders 0 12\n")
        .root("replication-offset-checkpoint", marks)
        .root("meta.properties", b"version=0\nbroker.id=1\n")
        .root(".kafka_cleanshutdown", b"");
    let cycle = Cycle::of(clean.files(), &[]);
    let step = cycle.about("replication-offset-checkpoint");
    assert_eq!(
        step.iter().map(|step| grade(step)).collect::<Vec<_>>(),
        ["lossy"]
    );
    assert!(
        step[0]["loss"].to_string().contains("end-offset"),
        "{}",
        step[0]
    );
    let predicted = kseg(cycle.temp.path(), &["predict", "--kafka", "2.8", "data"]);
    let first = predicted.out.lines().next().unwrap();
    let said = "8 offsets of orders-0 below the high watermark are missing already";
    assert!(first.contains(said), "{first}");
    assert_eq!(predicted.status, Some(1));
}
