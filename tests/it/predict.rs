//! `kseg predict`, and the library behind it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kseg::predict::{Conditions, PartitionVerdict, Settings, StartOutcome, predict};
use kseg::store::Place;
use serde_json::Value;

use crate::cases::{self, TESTDATA};
use crate::temp::Temp;

fn testdata(path: &str) -> PathBuf {
    Path::new(TESTDATA).join("kafka-4.3.1").join(path)
}

fn run(args: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    let done = command.arg("predict").args(args).output().unwrap();
    (cases::text(&done.stdout), done.status.code().unwrap())
}

#[test]
fn a_partition_is_judged_by_the_log_dir_around_it() {
    let place = Place::at(testdata("flip-crc-low/files/orders014-0")).unwrap();
    let of = |conditions: &Conditions| {
        let verdict = predict(std::slice::from_ref(&place), |_| true, conditions).unwrap();
        verdict.dirs[0].partitions[0].clone()
    };
    let as_it_lies = of(&Conditions::default());
    assert_eq!(as_it_lies.outcome, StartOutcome::Loads);
    assert_eq!(
        (as_it_lies.log_start, as_it_lies.log_end),
        (Some(0), Some(129))
    );
    // Its recovery point is at the end: only the last segment would be recovered.
    let crashed = of(&Conditions {
        unclean: true,
        ..Conditions::default()
    });
    assert_eq!(crashed.recovered, ["00000000000000000096.log"]);
    assert!(crashed.lost.is_nothing());
}

/// A copy of a folder of test data, without a file.
fn copied(from: &str, to: &Path, without: &str) {
    let from = testdata(from);
    let files = cases::below(&from).into_iter();
    for path in files.filter(|path| !path.ends_with(without)) {
        let target = to.join(path.strip_prefix(&from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&path, target).unwrap();
    }
}

const NO_LOG_DIR: &str = "unknown: the kind of shutdown";
const NO_CLUSTER: &str = "unknown: the partitions that the cluster assigns to this broker";

#[test]
fn a_partition_alone_and_a_copy_say_what_cannot_be_known() {
    let settings = ["--set", "retention.ms=-1"];
    let of = |path: &Path| run(&[&[path.to_str().unwrap()], &settings[..]].concat());
    let copy = Temp::new();
    copied(
        "classic-4.3.1/files/heron.pay-1",
        &copy.path().join("heron.pay-1"),
        "none",
    );
    // Whether the folder is given or the one around it, nothing around it is known.
    for path in [copy.path().join("heron.pay-1"), copy.path().to_owned()] {
        let (text, _) = of(&path);
        assert!(text.contains(NO_LOG_DIR), "{text}");
        assert!(text.contains(NO_CLUSTER), "{text}");
        assert!(!text.contains("nothing is lost\n"), "{text}");
    }
    // Its broker was killed: the indexes still have the room that a clean stop trims.
    let place = Place::at(copy.path().join("heron.pay-1")).unwrap();
    let verdict = predict(&[place], |_| true, &Conditions::default()).unwrap();
    assert!(!verdict.dirs[0].clean);
    // The same beside the files of its log dir.
    let whole = testdata("classic-4.3.1/files/heron.pay-1");
    let (text, _) = of(&whole);
    assert!(!text.contains(NO_LOG_DIR), "{text}");
}

#[test]
fn a_copy_without_meta_properties_does_not_start() {
    let copy = Temp::new();
    copied("classic-4.3.1/files", copy.path(), "meta.properties");
    let (text, status) = run(&[copy.path().to_str().unwrap()]);
    assert_eq!(status, 1);
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("Kafka 4.3 will not start"), "{first}");
    assert!(first.ends_with("meta.properties: missing"), "{first}");
}

#[cfg(target_os = "linux")]
#[test]
fn beside_a_running_broker_the_verdict_is_of_a_snapshot() {
    let dir = Temp::new();
    copied("classic-4.3.1/files", dir.path(), ".lock");
    let lock = dir.file(".lock", b"");
    let of = || run(&[dir.path().to_str().unwrap(), "--set", "retention.ms=-1"]).0;
    assert!(!of().contains("running broker"), "{}", of());
    let file = fs::OpenOptions::new().write(true).open(&lock).unwrap();
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let text = of();
    assert!(
        text.contains("unknown: the files at the shutdown"),
        "{text}"
    );
}

#[test]
fn the_document_tells_what_is_cut_and_deleted() {
    let path = testdata("flip-crc-low/files");
    let path = path.to_str().unwrap();
    let crashed = [
        "--unclean",
        "--no-recovery-points",
        "--format",
        "json",
        path,
    ];
    let (text, status) = run(&crashed);
    assert_eq!(status, 1);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["schema"], "kseg.verdict/3");
    assert_eq!(document["kafka"], "4.3");
    let one = &document["partitions"][0];
    assert_eq!(one["outcome"], "recovered");
    assert_eq!(
        (one["log_start"].as_i64(), one["log_end"].as_i64()),
        (Some(0), Some(41))
    );
    let cut = &one["truncations"][0];
    assert_eq!(cut["file"], "00000000000000000026.log");
    assert_eq!(
        (cut["to"].as_i64(), cut["next_offset"].as_i64()),
        (Some(844), Some(41))
    );
    let deleted = one["deleted"].as_array().unwrap();
    assert!(deleted.contains(&"00000000000000000096.log".into()));
    assert_eq!(one["lost"]["records"].as_i64(), Some(87));
    assert_eq!(one["lost"]["bytes"].as_i64(), Some(5111));
}

#[test]
fn what_is_lost_is_said_in_plain_words() {
    let path = testdata("flip-crc-low/files");
    let args = [
        "--set",
        "retention.ms=-1",
        "--unclean",
        "--no-recovery-points",
    ];
    let (text, status) = run(&[&args[..], &[path.to_str().unwrap()]].concat());
    assert_eq!(status, 1);
    let answer = "Kafka 4.3 will start; the start loses 87 records (5.0 KiB)\n";
    assert!(text.starts_with(answer), "{text}");
    let words = "orders014-0: the broker truncates 00000000000000000026.log at byte 844 (offset 41) \
                 and deletes 2 segments: 87 records (5.0 KiB) lost";
    assert!(text.contains(words), "{text}");
    let (text, status) = run(&["--set", "retention.ms=-1", path.to_str().unwrap()]);
    assert_eq!(status, 1);
    let answer = "Kafka 4.3 will start; 1 offset of orders014-0 cannot be read by consumers\n";
    assert!(text.starts_with(answer), "{text}");
    let words = "orders014-0: offset 41 cannot be read: 00000000000000000026.log at byte 844; each poll throws";
    assert!(text.contains(words), "{text}");
    let args = [
        "--quick",
        "--set",
        "retention.ms=-1",
        path.to_str().unwrap(),
    ];
    let (text, status) = run(&args);
    assert_eq!(status, 0);
    let answer = "Kafka 4.3 will start; nothing is lost, as far as the files given here show\n";
    assert!(text.starts_with(answer), "{text}");
    assert!(
        text.contains("unknown: whether all batches can be fetched"),
        "{text}"
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let path = testdata("flip-crc-low/files");
    let path = path.to_str().unwrap();
    for args in [
        &["--kafka", "5.0", path][..],
        &["--topic", "nothing*", path],
        &["/no/such"],
        &[&format!("{path}/meta.properties")],
    ] {
        assert_eq!(run(args).1, 2, "{args:?}");
    }
}

#[test]
fn log_dirs_of_one_node_have_ids_of_their_own() {
    let place = || Place::at(testdata("flip-crc-low/files")).unwrap();
    let verdict = predict(&[place(), place()], |_| true, &Conditions::default()).unwrap();
    assert_eq!(verdict.outcome(), StartOutcome::Refuses);
    let verdict = predict(&[place()], |_| true, &Conditions::default()).unwrap();
    assert!(verdict.is_harmless());
}

/// The first partition of a log dir, with everything recovered.
fn recovered(dir: &Path) -> PartitionVerdict {
    let conditions = Conditions {
        unclean: true,
        no_recovery_points: true,
        settings: Settings::of_file(b"log.index.interval.bytes=256").unwrap(),
        ..Conditions::default()
    };
    let place = Place::at(dir).unwrap();
    let verdict = predict(&[place], |_| true, &conditions).unwrap();
    verdict.dirs[0].partitions[0].clone()
}

/// A copy of a case in which a file of its partition is changed.
fn changed(file: &str, change: impl Fn(&mut Vec<u8>)) -> Temp {
    let temp = Temp::new();
    let files = testdata("missing-batch-mid/files");
    for path in cases::below(&files) {
        let mut bytes = std::fs::read(&path).unwrap();
        if path.ends_with(file) {
            change(&mut bytes);
        }
        temp.file(path.strip_prefix(&files).unwrap(), &bytes);
    }
    temp
}

/// Where the batches of a segment begin.
fn positions(log: &[u8]) -> Vec<usize> {
    let mut positions = vec![0];
    while let Some(size) = log.get(positions[positions.len() - 1] + 8..) {
        let Some(size) = size.first_chunk() else {
            break;
        };
        let end = positions[positions.len() - 1] + 12 + u32::from_be_bytes(*size) as usize;
        if end >= log.len() {
            break;
        }
        positions.push(end);
    }
    positions
}

#[test]
fn an_offset_ahead_before_a_bad_batch_empties_the_segment() {
    // The time index is closed with the last good batch, whose offset is below that of the entry
    // before it.
    let file = "00000000000000000000.log";
    let temp = changed(file, |log| {
        let batches = positions(log);
        let indexed = batches.iter().position(|at| *at > 256).unwrap();
        log[batches[indexed] + 6] = 1;
        *log.get_mut(batches[indexed + 2] + 70).unwrap() ^= 1;
    });
    let one = recovered(temp.path());
    let cut = &one.truncations[0];
    assert_eq!((cut.file.as_str(), cut.to, cut.next_offset), (file, 0, 0));
    assert_eq!((one.log_start, one.log_end), (Some(0), Some(0)));
}

#[test]
fn bytes_of_an_index_that_make_no_sense_are_no_harm_to_a_recovered_segment() {
    let as_it_lies = recovered(&testdata("missing-batch-mid/files"));
    let temp = changed("00000000000000000096.index", |index| index.fill(0xee));
    let one = recovered(temp.path());
    assert_eq!(one.log_end, as_it_lies.log_end);
    assert!(one.lost.is_nothing());
    assert!(
        one.rebuilt
            .contains(&"00000000000000000096.index".to_owned())
    );
}

#[test]
fn a_swap_that_is_thrown_away_is_deleted_and_one_that_is_swapped_in_is_renamed() {
    let swap = "00000000000000000026.log.swap";
    let with = |cleaned: bool| {
        let temp = changed("", |_| {});
        let dir = temp.path().join("orders152-0");
        assert!(dir.is_dir(), "{dir:?}");
        let log = std::fs::read(dir.join("00000000000000000026.log")).unwrap();
        temp.file(format!("orders152-0/{swap}"), &log);
        if cleaned {
            temp.file("orders152-0/00000000000000000000.log.cleaned", &log);
        }
        recovered(temp.path())
    };
    let thrown_away = with(true);
    assert!(thrown_away.deleted.contains(&swap.to_owned()));
    assert_eq!(thrown_away.renamed, []);
    let swapped_in = with(false);
    assert!(!swapped_in.deleted.contains(&swap.to_owned()));
    assert_eq!(swapped_in.renamed[0].from, swap);
}

/// With a step that looks at all files for each file this takes minutes.
#[test]
fn many_segments_and_foreign_files_take_time_in_proportion() {
    let temp = Temp::new();
    for base in 0..4_000_u32 {
        temp.file(format!("t-0/{base:020}.log"), &[0xee; 40]);
        temp.file(format!("t-0/{base}.txt"), b"");
        temp.file(format!("t-0/{base}.txt~"), b"");
    }
    let begun = std::time::Instant::now();
    let place = Place::at(temp.path()).unwrap();
    let verdict = predict(&[place], |_| true, &Conditions::default()).unwrap();
    assert_eq!(verdict.dirs[0].partitions[0].truncations.len(), 4_000);
    let took = begun.elapsed();
    assert!(took.as_secs() < 20, "{took:?}");
}
