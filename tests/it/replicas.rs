//! Replicas that heal each other.

use std::fs;
use std::path::Path;

use kseg::repair::RealDisk;
use kseg::repair::disk::Disk;
use serde_json::Value;

use crate::forge::partition::Forge;
use crate::forge::{BatchSpec, Rec};
use crate::process::{Ran, kseg};
use crate::temp::Temp;

/// Base offsets of the segments.
const BASES: [i64; 3] = [0, 40, 80];

/// Offsets of the log.
const END: i64 = 120;

/// Numbers that look random, and are the same for a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

fn log_name(base: i64) -> String {
    format!("orders-0/{base:020}.log")
}

/// A batch; `salt` makes it another at the same offset.
fn batch(offset: i64, salt: &str) -> BatchSpec {
    let value = format!("{salt}value {offset} {}", "x".repeat(80));
    BatchSpec::at(offset)
        .timestamp(1_700_000_000_000)
        .epoch(5)
        .then(Rec::new(None, Some(value.as_bytes())))
}

/// The batches of a segment, from `parted` on with other records.
fn batches(base: i64, parted: i64) -> Vec<BatchSpec> {
    let offsets = base..base + 40;
    let batches = offsets.map(|offset| {
        if offset < parted {
            batch(offset, "")
        } else {
            batch(offset, "another ")
        }
    });
    batches.collect()
}

/// A log dir of that name with one partition.
fn log_dir(temp: &Temp, name: &str, parted: i64) {
    let forged = BASES
        .iter()
        .fold(Forge::empty("orders-0/"), |forged, base| {
            forged.segment(*base, &batches(*base, parted))
        });
    let forged = forged
        .with("leader-epoch-checkpoint", b"0\n1\n5 0\n")
        .with(
            "partition.metadata",
            b"version: 0\ntopic_id: J1x2cVpNQ9uKsvPq0aTn3w\n",
        )
        .root(
            "meta.properties",
            b"version=1\nnode.id=1\ncluster.id=J1x2cVpNQ9uKsvPq0aTn5w\ndirectory.id=J1x2cVpNQ9uKsvPq0aTn6w\n",
        )
        .root(
            "recovery-point-offset-checkpoint",
            format!("0\n1\norders 0 {END}\n").as_bytes(),
        );
    for (_, file, bytes) in forged.done("") {
        temp.file(format!("{name}/{file}"), &bytes);
    }
}

fn logs(dir: &Path) -> Vec<Vec<u8>> {
    BASES
        .map(|base| fs::read(dir.join(log_name(base))).unwrap())
        .into()
}

/// The batches of the log, as bytes.
fn frames() -> Vec<Vec<Vec<u8>>> {
    use crate::forge::Frame;
    let frames = BASES.map(|base| {
        let batches = batches(base, i64::MAX);
        batches.iter().map(Frame::bytes).collect()
    });
    frames.into()
}

fn holds(log: &[u8], frame: &[u8]) -> bool {
    log.windows(frame.len()).any(|bytes| bytes == frame)
}

fn plan(temp: &Temp, dir: &str, from: &[&str]) -> (Ran, Value) {
    let mut args = vec![
        "repair",
        "plan",
        dir,
        "-o",
        "plan.json",
        "--force",
        "-j",
        "2",
    ];
    for from in from {
        args.extend(["--from", from]);
    }
    let ran = kseg(temp.path(), &args);
    let bytes = fs::read(temp.path().join("plan.json")).unwrap_or_default();
    (ran, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Applies the plan; only what is proven, as it needs no consent.
fn apply(temp: &Temp, to: &str) -> Ran {
    kseg(temp.path(), &["repair", "apply", "plan.json", "--into", to])
}

fn grades(plan: &Value) -> Vec<&str> {
    let steps = plan["steps"].as_array().expect("steps");
    let mut grades: Vec<&str> = steps
        .iter()
        .map(|step| step["safety"].as_str().unwrap())
        .collect();
    grades.dedup();
    grades
}

/// Damages some place of a log in one of the ways in which disks do.
fn damage(log: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(log.len());
    let len = (1 + random.below(300)).min(log.len() - at);
    match random.below(5) {
        0 => log[at] ^= 1 << random.below(8),
        1 => log[at..at + len].fill(0),
        2 => {
            for byte in &mut log[at..at + len] {
                *byte = u8::try_from(random.below(256)).unwrap();
            }
        }
        3 => log[at..at + len].reverse(),
        _ => {
            log.drain(at..at + len);
        }
    }
}

#[test]
fn three_copies_that_are_each_damaged_elsewhere_heal_each_other() {
    let frames = frames();
    let (mut whole, mut parts) = (0, 0);
    for seed in 0..24 {
        let temp = Temp::new();
        let mut random = Random(seed);
        let names = ["a", "b", "c"];
        for name in names {
            log_dir(&temp, name, i64::MAX);
            for _ in 0..3 {
                let base = BASES[random.below(3)];
                let path = temp.path().join(name).join(log_name(base));
                let mut log = fs::read(&path).unwrap();
                damage(&mut log, &mut random);
                temp.file(format!("{name}/{}", log_name(base)), &log);
            }
        }
        let copies = names.map(|name| logs(&temp.path().join(name)));
        for (nth, name) in names.iter().enumerate() {
            let others: Vec<&str> = names
                .iter()
                .copied()
                .filter(|other| other != name)
                .collect();
            let context = format!("seed {seed}, copy {name}");
            let (ran, plan) = plan(&temp, name, &others);
            assert!(matches!(ran.status, Some(0 | 1)), "{context}: {}", ran.err);
            let is_there = |segment: usize, frame: &[u8]| {
                copies.iter().any(|copy| holds(&copy[segment], frame))
            };
            let all = frames.iter().enumerate();
            let is_whole = all
                .clone()
                .all(|(segment, frames)| frames.iter().all(|frame| is_there(segment, frame)));
            let to = format!("fixed-{name}");
            if is_whole {
                whole += 1;
                assert_eq!(grades(&plan), ["proven"], "{context}: {}{plan:#}", ran.out);
                let ran = apply(&temp, &to);
                assert_eq!(ran.status, Some(0), "{context}: {}{plan:#}", ran.err);
                let pristine: Vec<Vec<u8>> = frames.iter().map(|frames| frames.concat()).collect();
                assert!(logs(&temp.path().join(&to)) == pristine, "{context}");
                continue;
            }
            parts += 1;
            let ran = kseg(
                temp.path(),
                &[
                    "repair",
                    "apply",
                    "plan.json",
                    "--accept-lossy",
                    "--into",
                    &to,
                ],
            );
            assert!(matches!(ran.status, Some(0 | 1)), "{context}: {}", ran.err);
            let fixed = logs(&temp.path().join(&to));
            // Nothing is lost that this copy had.
            for (segment, frames) in all {
                for frame in frames
                    .iter()
                    .filter(|frame| holds(&copies[nth][segment], frame))
                {
                    assert!(holds(&fixed[segment], frame), "{context}");
                }
            }
        }
    }
    assert!(whole > 40, "{whole} whole, {parts} parts");
}

/// Breaks the batch with this offset.
fn break_at(temp: &Temp, dir: &str, offset: i64) {
    let base = offset / 40 * 40;
    let frames = frames();
    let nth = usize::try_from(offset - base).unwrap();
    let segment = usize::try_from(base / 40).unwrap();
    let start: usize = frames[segment][..nth].iter().map(Vec::len).sum();
    let path = temp.path().join(dir).join(log_name(base));
    let mut log = fs::read(path).unwrap();
    log[start + 61..start + 100].fill(0xaa);
    temp.file(format!("{dir}/{}", log_name(base)), &log);
}

#[test]
fn a_replica_whose_history_parts_serves_only_up_to_there() {
    let temp = Temp::new();
    log_dir(&temp, "own", i64::MAX);
    log_dir(&temp, "other", 60);
    break_at(&temp, "own", 20);
    break_at(&temp, "own", 90);
    let (ran, first) = plan(&temp, "own", &["other"]);
    assert_eq!(ran.status, Some(1), "{}{}", ran.out, ran.err);
    let text = first.to_string();
    assert!(text.contains("copies offset 20 from"), "{text}");
    assert!(
        text.contains("is used only before offset 60: it has other batches at the same offsets"),
        "{text}"
    );
    assert!(!text.contains("offset 90 is taken"), "{text}");
    // A second one that is a copy serves the rest.
    log_dir(&temp, "copy", i64::MAX);
    break_at(&temp, "copy", 20);
    let (ran, both) = plan(&temp, "own", &["other", "copy"]);
    assert_eq!(
        (ran.status, grades(&both)),
        (Some(0), vec!["proven"]),
        "{}",
        ran.out
    );
    let applied = apply(&temp, "fixed");
    assert_eq!(applied.status, Some(0), "{}", applied.err);
    let pristine: Vec<Vec<u8>> = frames().iter().map(|frames| frames.concat()).collect();
    assert!(logs(&temp.path().join("fixed")) == pristine);
}

#[test]
fn replicas_with_other_epochs_or_of_another_topic_are_refused_from_where_they_part() {
    for (file, bytes, says) in [
        (
            "leader-epoch-checkpoint",
            &b"0\n2\n4 0\n5 10\n"[..],
            "is used only before offset 0: its leader epochs differ",
        ),
        (
            "partition.metadata",
            b"version: 0\ntopic_id: J1x2cVpNQ9uKsvPq0aTn4w\n",
            "is not used: it belongs to another topic",
        ),
    ] {
        let temp = Temp::new();
        log_dir(&temp, "own", i64::MAX);
        log_dir(&temp, "other", i64::MAX);
        temp.file(format!("other/orders-0/{file}"), bytes);
        break_at(&temp, "own", 20);
        let (ran, plan) = plan(&temp, "own", &["other"]);
        assert_eq!(ran.status, Some(1), "{}{}", ran.out, ran.err);
        assert!(plan.to_string().contains(says), "{plan:#}");
        assert!(!plan.to_string().contains("copies offset"), "{plan:#}");
    }
}

#[test]
fn a_healthy_log_dir_takes_nothing_from_a_replica_that_has_more() {
    let temp = Temp::new();
    log_dir(&temp, "own", i64::MAX);
    log_dir(&temp, "other", i64::MAX);
    // Compaction left these out here, and not there.
    let kept: Vec<BatchSpec> = batches(40, i64::MAX).into_iter().step_by(3).collect();
    for (_, file, bytes) in Forge::empty("orders-0/").segment(40, &kept).done("") {
        temp.file(format!("own/{file}"), &bytes);
    }
    let (ran, whole) = plan(&temp, "own", &["other"]);
    assert_eq!(
        (ran.status, &whole["steps"]),
        (Some(0), &serde_json::json!([])),
        "{}",
        ran.out
    );
    // With damage elsewhere it is healed, and the gaps stay.
    break_at(&temp, "own", 20);
    let (ran, healed) = plan(&temp, "own", &["other"]);
    assert_eq!(
        (ran.status, grades(&healed)),
        (Some(0), vec!["proven"]),
        "{}",
        ran.out
    );
    assert_eq!(apply(&temp, "fixed").status, Some(0));
    let fixed = logs(&temp.path().join("fixed"));
    assert_eq!(fixed[0], frames()[0].concat());
    assert_eq!(
        fixed[1],
        fs::read(temp.path().join("own").join(log_name(40))).unwrap()
    );
}

#[test]
fn a_partition_that_only_a_replica_has_is_left_to_people() {
    let temp = Temp::new();
    log_dir(&temp, "own", i64::MAX);
    log_dir(&temp, "other", i64::MAX);
    let lines = format!("0\n3\norders 0 {END}\nmail 0 40\nnews 0 40\n");
    temp.file("own/recovery-point-offset-checkpoint", lines.as_bytes());
    // One that no checkpoint here has, and one that no replica has.
    for name in ["mail-0", "chat-0"] {
        crate::plan::copy(
            &temp.path().join("other/orders-0"),
            &temp.path().join("other").join(name),
        );
    }
    let (ran, plan) = plan(&temp, "own", &["other"]);
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 1, "{}", ran.out);
    assert_eq!(grades(&plan), ["manual"]);
    assert_eq!(steps[0]["action"]["describe"]["file"], "mail-0");
    assert!(ran.out.contains("other/mail-0"), "{}", ran.out);
}

#[test]
fn a_segment_of_which_only_the_index_is_left_is_taken_whole() {
    let temp = Temp::new();
    log_dir(&temp, "own", i64::MAX);
    log_dir(&temp, "other", i64::MAX);
    RealDisk
        .remove(&temp.path().join("own").join(log_name(40)))
        .unwrap();
    let (ran, healed) = plan(&temp, "own", &["other"]);
    assert_eq!(
        (ran.status, grades(&healed)),
        (Some(0), vec!["proven"]),
        "{}{healed:#}",
        ran.out
    );
    let applied = apply(&temp, "fixed");
    assert_eq!(applied.status, Some(0), "{}", applied.err);
    assert_eq!(logs(&temp.path().join("fixed"))[1], frames()[1].concat());
}

#[test]
fn a_log_that_was_cut_off_is_healed_to_the_end_that_its_recovery_point_says() {
    let temp = Temp::new();
    log_dir(&temp, "own", i64::MAX);
    log_dir(&temp, "other", i64::MAX);
    let path = temp.path().join("own").join(log_name(80));
    let log = fs::read(&path).unwrap();
    temp.file(format!("own/{}", log_name(80)), &log[..log.len() / 2 + 7]);
    let (ran, healed) = plan(&temp, "own", &["other"]);
    assert_eq!(grades(&healed), ["proven"], "{}{healed:#}", ran.out);
    let applied = apply(&temp, "fixed");
    assert_eq!(applied.status, Some(0), "{}", applied.err);
    assert_eq!(logs(&temp.path().join("fixed"))[2], log);
}

#[test]
fn what_a_replica_was_is_checked_when_the_plan_is_applied_and_only_logs_are_read() {
    let temp = Temp::new();
    log_dir(&temp, "own", i64::MAX);
    log_dir(&temp, "other", i64::MAX);
    break_at(&temp, "own", 20);
    let (_, healed) = plan(&temp, "own", &["other"]);
    let replica = temp.path().join("other").join(log_name(0));
    let mut log = fs::read(&replica).unwrap();
    log[70] ^= 1;
    temp.file(format!("other/{}", log_name(0)), &log);
    let ran = apply(&temp, "fixed");
    assert_eq!(ran.status, Some(2), "{}", ran.err);
    assert!(
        ran.err.contains("changed since the plan was made"),
        "{}",
        ran.err
    );
    let text = serde_json::to_string(&healed).unwrap();
    let hostile = text.replace(replica.to_str().unwrap(), "/etc/passwd");
    assert_ne!(text, hostile);
    temp.file("plan.json", hostile.as_bytes());
    let ran = apply(&temp, "fixed");
    assert!(
        ran.err.contains("is not the .log file of a replica"),
        "{}",
        ran.err
    );
    for from in ["own", "own/orders-0/00000000000000000000.log", "nowhere"] {
        let (ran, _) = plan(&temp, "own", &[from]);
        assert_eq!(ran.status, Some(2), "{from}: {}", ran.err);
    }
}
