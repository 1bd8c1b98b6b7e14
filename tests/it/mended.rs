//! What a plan has to stand: many changes in a segment, large batches, files copied as text, what
//! only a snapshot knows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::cases::TESTDATA;
use crate::forge::batch::TRANSACTIONAL;
use crate::forge::control::{abort, commit, marker};
use crate::forge::damage::{flip_bit, overwrite};
use crate::forge::partition::{Forge, Known, aborted, snapshot};
use crate::forge::{BatchSpec, Forged, Rec};
use crate::process::{Ran, end, kseg};
use crate::temp::Temp;

const LOG: &str = "orders-0/00000000000000000000.log";
const EPOCHS: &str = "orders-0/leader-epoch-checkpoint";

/// Batches of one record each.
fn log(values: impl Iterator<Item = Vec<u8>>) -> Forged {
    let batches = values.zip(0..).map(|(value, offset)| {
        BatchSpec::at(offset)
            .epoch(5)
            .then(Rec::new(None, Some(&value)))
    });
    batches.fold(Forged::default(), |log, batch| log.with(&batch))
}

/// A partition with one segment, and nothing that derives from it but the leader epochs.
fn partition(temp: &Temp, log: &[u8]) -> PathBuf {
    temp.file(EPOCHS, b"0\n1\n5 0\n");
    temp.file(LOG, log);
    temp.path().join("orders-0")
}

fn plan(temp: &Temp, dir: &str) -> (Ran, Value) {
    let ran = kseg(
        temp.path(),
        &[
            "repair",
            "plan",
            dir,
            "--force",
            "-o",
            "plan.json",
            "-j",
            "2",
        ],
    );
    let bytes = fs::read(temp.path().join("plan.json")).unwrap_or_default();
    let plan = serde_json::from_slice(&bytes).unwrap_or_default();
    (ran, plan)
}

fn apply(temp: &Temp) -> Ran {
    let args = ["repair", "apply", "plan.json", "--into", "out"];
    kseg(temp.path(), &[&args[..], &["--accept-lossy"]].concat())
}

/// The actions of a plan, with the safety of each.
fn actions(plan: &Value) -> Vec<(String, String, String)> {
    let steps = plan["steps"].as_array().expect("steps");
    let action = |step: &Value| {
        let (name, fields) = step["action"].as_object().unwrap().iter().next().unwrap();
        let file = fields["file"].as_str().unwrap();
        let safety = step["safety"].as_str().unwrap();
        (name.clone(), file.to_owned(), safety.to_owned())
    };
    steps.iter().map(action).collect()
}

fn sound(ran: &Ran) {
    assert_eq!(ran.status, Some(0), "{}{}", ran.out, ran.err);
}

#[test]
fn flipped_bits_in_every_batch_are_turned_back_with_few_files_open() {
    let whole = log((0..300).map(|number| format!("value {number}").into_bytes()));
    let mut damaged = whole.bytes.clone();
    for frame in &whole.frames {
        flip_bit(&mut damaged, frame + 40, 3);
    }
    let temp = Temp::new();
    let dir = partition(&temp, &damaged);
    let script = "ulimit -n 40; exec \"$0\" repair plan -j 1 \"$1\" -o \"$2\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_kseg")])
        .args([&dir, &temp.path().join("plan.json")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    sound(&end(command.spawn().expect("a shell")));
    sound(&apply(&temp));
    let mended = fs::read(temp.path().join("out/00000000000000000000.log")).unwrap();
    assert_eq!(mended, whole.bytes);
}

#[test]
fn a_log_copied_as_text_is_undone_whatever_its_size() {
    let lines = |number: usize| b"a line\n".repeat(20_000 + number);
    let whole = log((0..40).map(|number| {
        let mut value = lines(number);
        // Few line ends, so that the plan stays small.
        value.iter_mut().skip(9_000).for_each(|byte| {
            if *byte == b'\n' {
                *byte = b' ';
            }
        });
        value
    }));
    assert!(whole.bytes.len() > 5 << 20);
    let mut copied = Vec::new();
    for byte in &whole.bytes {
        if *byte == b'\n' {
            copied.push(b'\r');
        }
        copied.push(*byte);
    }
    let temp = Temp::new();
    partition(&temp, &copied);
    let (planned, document) = plan(&temp, "orders-0");
    sound(&planned);
    let log_step = &actions(&document)[0];
    assert_eq!(
        (log_step.0.as_str(), log_step.2.as_str()),
        ("excise", "proven")
    );
    let ranges = copied.len() - whole.bytes.len();
    let thousands = format!("{},{:03}", ranges / 1000, ranges % 1000);
    let shown = format!("excise {thousands} bytes in {thousands} ranges");
    assert!(
        planned.out.contains(&shown),
        "{}",
        planned.out.lines().next().unwrap_or_default()
    );
    sound(&apply(&temp));
    let mended = fs::read(temp.path().join("out/00000000000000000000.log")).unwrap();
    assert!(mended == whole.bytes);
}

#[test]
fn of_a_large_damaged_batch_the_records_that_can_be_read_are_kept_if_asked_for() {
    let record = |letter: u8| Rec::new(None, Some(&vec![letter; 5 << 20]));
    let large = BatchSpec::at(1)
        .epoch(5)
        .timestamp(1_700_000_000_000)
        .then(record(b'a'))
        .then(record(b'b'))
        .then(Rec::new(None, Some(b"last")));
    let small = |offset| {
        BatchSpec::at(offset)
            .epoch(5)
            .then(Rec::new(None, Some(b"small")))
    };
    let whole = Forged::default()
        .with(&small(0))
        .with(&large)
        .with(&small(4));
    let mut damaged = whole.bytes.clone();
    let end = damaged.len() - 90;
    overwrite(&mut damaged, end, &[0xff; 12]);
    let temp = Temp::new();
    partition(&temp, &damaged);
    let args = ["repair", "plan", "orders-0", "--keep-suspect", "-o"];
    let planned = kseg(temp.path(), &[&args[..], &["plan.json"]].concat());
    sound(&planned);
    let bytes = fs::read(temp.path().join("plan.json")).unwrap();
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        document["steps"][0]["safety"],
        "suspect",
        "{:?}",
        actions(&document)
    );
    sound(&apply(&temp));
    let mended = fs::read(temp.path().join("out/00000000000000000000.log")).unwrap();
    assert!(mended.len() > 5 << 20, "{}", mended.len());
}

#[test]
fn zeros_behind_the_log_are_cut_off_as_nothing_lost() {
    let mut bytes = log((0..3).map(|_| b"value".to_vec())).bytes;
    let len = bytes.len() as u64;
    bytes.resize(bytes.len() + 9_001, 0);
    let temp = Temp::new();
    partition(&temp, &bytes);
    let (planned, document) = plan(&temp, "orders-0");
    sound(&planned);
    let first = &document["steps"][0];
    assert_eq!(first["action"]["truncate"]["to"], len);
    assert_eq!(first["safety"], "proven");
}

#[test]
fn indexes_missing_from_the_last_segment_are_made() {
    let temp = Temp::new();
    partition(&temp, &log((0..200).map(|_| vec![b'v'; 100])).bytes);
    let (planned, document) = plan(&temp, "orders-0");
    sound(&planned);
    let step = |suffix: &str| {
        let file = format!("00000000000000000000.{suffix}");
        ("rebuild".to_owned(), file, "proven".to_owned())
    };
    assert_eq!(actions(&document), [step("index"), step("timeindex")]);
    assert_eq!(document["steps"][0]["codes"][0], "O105");
    sound(&apply(&temp));
    let index = fs::read(temp.path().join("out/00000000000000000000.index")).unwrap();
    assert!(!index.is_empty() && index.len().is_multiple_of(8));
}

#[test]
fn a_transaction_that_began_before_the_log_does_is_told_by_a_snapshot() {
    let data = BatchSpec::at(10)
        .epoch(5)
        .then(Rec::new(None, Some(b"other")));
    let end = marker(11, (7, 0), abort(0)).epoch(5);
    let known = Known {
        id: 7,
        last_sequence: 0,
        last_offset: 8,
        delta: 0,
        timestamp: 1_700_000_000_000,
        coordinator: -1,
        txn: 4,
    };
    let temp = Temp::new();
    let forge = Forge::empty("orders-0/")
        .segment(10, &[data, end])
        .with("leader-epoch-checkpoint", b"0\n1\n5 10\n")
        .with("00000000000000000010.snapshot", &snapshot(1, &[known]));
    for (_, name, bytes) in forge.done("") {
        temp.file(name, &bytes);
    }
    let (planned, document) = plan(&temp, "orders-0");
    sound(&planned);
    let steps = document["steps"].as_array().unwrap();
    let made = |step: &&Value| step["action"]["create"]["file"] == "00000000000000000010.txnindex";
    let step = steps.iter().find(made).expect("a step for the index");
    let hex = step["action"]["create"]["content"]["hex"].as_str().unwrap();
    // Version, producer 7, from offset 4 to the marker at 11.
    let entry = "0000000000000000000700000000000000040000000000000 00b";
    assert!(hex.starts_with(&entry.replace(' ', "")), "{hex}");
    sound(&apply(&temp));
}

#[test]
fn what_becomes_visible_is_said_after_a_repair_in_a_copy_and_in_place() {
    let plain = |offset| {
        BatchSpec::at(offset)
            .epoch(5)
            .then(Rec::new(None, Some(b"a")))
    };
    let data = BatchSpec::at(0)
        .epoch(5)
        .attributes(TRANSACTIONAL)
        .producer(7, 0, 0)
        .record(Rec::new(None, Some(b"b")));
    let end = marker(2, (7, 0), commit(0)).epoch(5);
    let batches = [data, plain(1), end, plain(3)];
    let log = batches.iter().fold(Forged::default(), Forged::with);
    let mut bytes = log.bytes.clone();
    // The end of the transaction has a wrong checksum, so it is open.
    flip_bit(&mut bytes, log.frames[3] - 2, 0);
    for target in [&["--into", "out"][..], &["--in-place"]] {
        let temp = Temp::new();
        partition(&temp, &bytes);
        sound(&plan(&temp, "orders-0").0);
        let ran = kseg(
            temp.path(),
            &[&["repair", "apply", "plan.json"], target].concat(),
        );
        sound(&ran);
        let said = "records before and after: 3 records the same, 0 removed, 1 restored, \
                    0 changed\nfor consumers with read_committed, of the same records: 3 \
                    visible only now, 0 no longer\n";
        assert!(ran.err.contains(said), "{}", ran.err);
    }
}

#[test]
fn removed_records_are_told_by_the_grade_of_their_step() {
    let batch = |offset, value: &[u8]| {
        BatchSpec::at(offset)
            .epoch(5)
            .then(Rec::new(None, Some(value)))
    };
    // Offset 1 is there twice, with different records.
    let all = [
        batch(0, b"a"),
        batch(1, b"b"),
        batch(1, b"c"),
        batch(2, b"d"),
    ];
    let log = all.iter().fold(Forged::default(), Forged::with);
    for target in [&["--into", "out"][..], &["--in-place"]] {
        let temp = Temp::new();
        partition(&temp, &log.bytes);
        sound(&plan(&temp, "orders-0").0);
        let args = ["repair", "apply", "plan.json", "--accept-lossy"];
        let ran = kseg(temp.path(), &[&args[..], target].concat());
        assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.err);
        assert!(
            ran.err
                .contains("3 records the same, 1 removed (1 lossy), 0 restored"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn a_batch_that_is_rewritten_and_renumbered_changes_in_one_step() {
    let value = |delta| Rec::new(None, Some(b"value")).offset_delta(delta);
    let first = BatchSpec::at(0).epoch(5).then(Rec::new(None, Some(b"a")));
    // Its header says that it ends at offset 3, its records that it ends at 6.
    let second = BatchSpec::at(1)
        .epoch(5)
        .ending_at(2)
        .record(value(0))
        .record(value(2))
        .record(value(5));
    let third = BatchSpec::at(7).epoch(5).then(Rec::new(None, Some(b"b")));
    let all = [first, second, third];
    let log = all.iter().fold(Forged::default(), Forged::with);
    let mut bytes = log.bytes.clone();
    // Its base offset has a flipped bit, and the one behind is cut.
    flip_bit(&mut bytes, log.frames[1] + 6, 7);
    overwrite(&mut bytes, log.frames[2] + 2, &[0x54; 9]);
    let temp = Temp::new();
    partition(&temp, &bytes);
    let (planned, _) = plan(&temp, "orders-0");
    sound(&planned);
    let ran = apply(&temp);
    assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.err);
    let read = kseg(temp.path(), &["cat", "--format", "ndjson", "out"]);
    let offsets: Vec<Value> = read
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["offset"].clone())
        .collect();
    assert_eq!(offsets, [0, 1, 3, 6], "{}", read.err);
}

#[test]
fn a_segment_is_not_given_the_name_of_another() {
    let batch = |offset| {
        BatchSpec::at(offset)
            .epoch(5)
            .then(Rec::new(None, Some(b"a")))
    };
    let temp = Temp::new();
    let dir = partition(&temp, &[0; 22]);
    let all: Vec<BatchSpec> = (0..5).map(batch).collect();
    let log = all.iter().fold(Forged::default(), Forged::with);
    temp.file(dir.join("00000000000000000005.log"), &log.bytes);
    sound(&plan(&temp, "orders-0").0);
    let ran = apply(&temp);
    assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.err);
    let read = kseg(temp.path(), &["cat", "--format", "ndjson", "out"]);
    assert_eq!(read.out.lines().count(), 5, "{}{}", read.out, read.err);
}

#[test]
fn an_aborted_transaction_that_begins_in_a_hole_is_indexed_rightly() {
    let other = BatchSpec::at(0).epoch(5).then(Rec::new(None, Some(b"a")));
    let bare = [marker(10, (7, 0), abort(0)).epoch(5)];
    let data = BatchSpec::at(10)
        .epoch(5)
        .attributes(TRANSACTIONAL)
        .producer(7, 0, 3)
        .record(Rec::new(None, Some(b"b")));
    let rest = [data, marker(11, (7, 0), abort(0)).epoch(5)];
    for (batches, end, code) in [(&bare[..], 10, "A103"), (&rest[..], 11, "A105")] {
        // Offsets 1 to 9 are missing, and the snapshot knows nothing of them.
        for (first, is_right) in [(5, true), (0, false)] {
            let temp = Temp::new();
            let forge = Forge::empty("orders-0/")
                .segment(0, std::slice::from_ref(&other))
                .segment(10, batches)
                .with("00000000000000000010.snapshot", &snapshot(1, &[]))
                .with(
                    "00000000000000000010.txnindex",
                    &aborted(0, [7, first, end, end + 1]),
                );
            for (_, name, bytes) in forge.done("") {
                temp.file(name, &bytes);
            }
            let found = kseg(temp.path(), &["verify", "--format", "json", "orders-0"]).out;
            assert_eq!(!found.contains(code), is_right, "{first} to {end}: {found}");
        }
    }
}

#[test]
fn epochs_of_the_cluster_that_a_log_was_taken_from_are_left_alone() {
    let batches: Vec<BatchSpec> = (0..8)
        .map(|offset| {
            let epoch = if offset < 6 { 9 } else { 5 };
            BatchSpec::at(offset)
                .epoch(epoch)
                .then(Rec::new(None, Some(b"value")))
        })
        .collect();
    let old = &batches[..6];
    let forge = Forge::empty("data/orders-0/")
        .segment(0, old)
        .with("leader-epoch-checkpoint", b"0\n1\n5 6\n");
    let temp = Temp::new();
    for (_, name, bytes) in forge.done("") {
        temp.file(name, &bytes);
    }
    temp.file("data/.kafka_cleanshutdown", b"");
    let verified = kseg(temp.path(), &["verify", "--notes", "data"]);
    let is_note = |line: &str| line.starts_with("  note E106");
    assert!(verified.out.lines().any(is_note), "{}", verified.out);
}

#[test]
fn what_consumers_cannot_read_stands_beside_what_a_broker_loses() {
    let case = |name: &str| {
        let dir = Path::new(TESTDATA).join("kafka-4.3.1").join(name);
        let ran = kseg(&dir, &["repair", "plan", "files"]);
        let told = ran
            .out
            .lines()
            .find(|line| line.starts_with("This plan loses "));
        told.unwrap_or_default().to_owned()
    };
    assert_eq!(
        case("flip-crc-low"),
        "This plan loses nothing. Without it, a broker start loses no records, but 1 damaged record cannot be read (orders014-0 at offset 41)."
    );
}

#[test]
fn where_lines_are_short_steps_are_told_one_by_one() {
    let mut bytes = log((0..30).map(|number| format!("value {number}").into_bytes())).bytes;
    let middle = bytes.len() / 2;
    overwrite(&mut bytes, middle, &[0xee; 200]);
    let temp = Temp::new();
    partition(&temp, &bytes);
    sound(&plan(&temp, "orders-0").0);
    let shown = |columns: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
        command.args(["repair", "show", "plan.json"]);
        command.current_dir(temp.path()).env("COLUMNS", columns);
        crate::cases::text(&command.output().unwrap().stdout)
    };
    let narrow = shown("60");
    let mut lines = narrow.lines().skip(1);
    assert!(lines.all(|line| line.chars().count() <= 60), "{narrow}");
    assert!(narrow.contains("\n      loses "), "{narrow}");
    assert!(shown("300").contains("Step  File"));
}

#[test]
fn an_undo_of_what_is_not_there_says_so() {
    let temp = Temp::new();
    let ran = kseg(temp.path(), &["repair", "undo", "missing"]);
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.err.contains("/missing: no repair to undo"),
        "{}",
        ran.err
    );
}

#[test]
fn a_compressed_set_of_messages_is_lost_with_all_of_its_records() {
    let temp = Temp::new();
    let case = Path::new(TESTDATA).join("kafka-0.8.2.2/m0-0822-codecs/files");
    crate::plan::copy(&case, &temp.path().join("data"));
    let log = temp.path().join("data/gzip-0/00000000000000000000.log");
    let mut bytes = fs::read(&log).unwrap();
    // Two sets of two records each change places.
    bytes[..279].rotate_left(139);
    temp.file(&log, &bytes);
    let planned = kseg(temp.path(), &["repair", "plan", "--format", "json", "data"]);
    let plan: Value = serde_json::from_str(&planned.out).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    let lost = steps
        .iter()
        .map(|step| step["loss"]["records"].as_u64().unwrap());
    assert_eq!(lost.sum::<u64>(), 2, "{plan:#}");
    // No segment of this release has a time index.
    assert!(!planned.out.contains(".timeindex"), "{plan:#}");
}
