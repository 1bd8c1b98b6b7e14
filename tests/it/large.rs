//! Logs larger than every piece that a file is read in: each command says the same on one thread, on many, of files mapped and
//! read, and it says what the bytes say when they are read as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use kseg::format::Scratch;
use kseg::report::{Groups, Image, MetadataImage};
use kseg::scan::{Event, Policy, Walk};
use serde_json::Value;

use crate::forge::damage::flip;
use crate::forge::partition::Forge;
use crate::forge::random::Rng;
use crate::forge::{BatchSpec, Forged, Rec};
use crate::process::{Ran, kseg};
use crate::temp::Temp;

/// More than is given to a thread, looked at, rendered or released at once: 4 MiB at most, but for what is mapped.
const LOG_BYTES: usize = 5 << 20;

/// Records of a segment, and bytes of a value.
const RECORDS: i64 = 1_400;
const VALUE_BYTES: usize = 4_000;

/// How a file may be read.
const WAYS: [&[&str]; 3] = [&["-j1"], &["-j8"], &["-j2", "--no-mmap"]];

/// What a command says, which is the same in whichever way the files are read.
#[track_caller]
fn says(dir: &Path, args: &[&str]) -> Ran {
    let ran = |way: &[&str]| kseg(dir, &[args, way].concat());
    let one = ran(WAYS[0]);
    for way in &WAYS[1..] {
        let other = ran(way);
        assert_eq!(other.status, one.status, "{args:?} {way:?}");
        assert_eq!(other.err, one.err, "{args:?} {way:?}");
        for (other, one) in other.out.lines().zip(one.out.lines()) {
            assert_eq!(other, one, "{args:?} {way:?}");
        }
        assert!(other == one, "{args:?} {way:?}");
    }
    one
}

/// The objects of a stream of this schema.
fn objects(ran: &Ran, schema: &str) -> Vec<Value> {
    let lines = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    lines.filter(|object| object["schema"] == schema).collect()
}

/// The numbers of this name.
fn numbers(objects: &[Value], name: &str) -> Vec<i64> {
    objects
        .iter()
        .map(|object| object[name].as_i64().expect("a number"))
        .collect()
}

/// A string as Kafka's older messages have it.
fn string(text: &str) -> Vec<u8> {
    let length = i16::try_from(text.len()).expect("a short text");
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

/// The record of a commit.
fn commit(group: &str, offset: i64) -> Rec {
    let key = [
        &1_i16.to_be_bytes(),
        &string(group)[..],
        &string("orders"),
        &0_i32.to_be_bytes(),
    ];
    let note = "n".repeat(1_000);
    let value = [
        &3_i16.to_be_bytes()[..],
        &offset.to_be_bytes(),
        &(-1_i32).to_be_bytes(),
        &string(&note),
        &(1_700_000_000_000 + offset).to_be_bytes(),
    ];
    Rec::new(Some(&key.concat()), Some(&value.concat()))
}

/// The image of the batches of files that are read as a whole.
fn image<I: Image + Default>(files: &[&[u8]]) -> I {
    let (mut image, mut scratch) = (I::default(), Scratch::default());
    for file in files {
        for event in Walk::new(file, Policy::Salvage) {
            let Event::Batch(batch) = event else {
                panic!("{event:?}")
            };
            image.batch(&batch, &mut scratch).expect("records of ours");
        }
    }
    image
}

#[test]
fn a_group_that_committed_once_at_the_start_of_a_large_log_is_in_the_image() {
    let mut rng = Rng::new(1);
    let (mut log, mut expected) = (Forged::default(), BTreeMap::new());
    for offset in 0.. {
        if log.bytes.len() > LOG_BYTES {
            break;
        }
        // Few groups commit again and again, and every one of the others once.
        let group = match rng.below(50) {
            0 => format!("once-{offset}"),
            often => format!("often-{}", often % 3),
        };
        let group = if offset == 0 {
            "first".to_owned()
        } else {
            group
        };
        log = log.with(&BatchSpec::at(offset).then(commit(&group, offset)));
        expected.insert(group, offset);
    }
    let groups: Groups = image(&[&log.bytes]);
    assert!(expected.len() > 50 && groups.offsets.len() == expected.len());

    let temp = Temp::new();
    let name = "__consumer_offsets-0/00000000000000000000.log";
    temp.file(name, &log.bytes);
    let ran = says(
        temp.path(),
        &["show", "--image", "--format", "ndjson", name],
    );
    assert_eq!((ran.status, &*ran.err), (Some(0), ""));
    let rows = objects(&ran, "kseg.committed_offset/1");
    let shown: BTreeMap<String, i64> = rows
        .iter()
        .map(|row| {
            (
                row["group"].as_str().expect("a name").to_owned(),
                row["offset"].as_i64().expect("a number"),
            )
        })
        .collect();
    assert_eq!(shown, expected);
}

/// The record of a topic: `TopicRecord` 0.
fn topic(name: &str, id: u128) -> Rec {
    let length = u8::try_from(name.len() + 1).expect("a short name");
    let value = [
        &[1, 2, 0, length][..],
        name.as_bytes(),
        &id.to_be_bytes(),
        &[0],
    ]
    .concat();
    Rec::new(None, Some(&value))
}

#[test]
fn topics_at_the_start_of_a_large_snapshot_and_of_the_log_behind_it_are_in_the_image() {
    // Names of 100 bytes: neither file has a batch for a topic, so that the number of topics says little of it.
    let file = |base: i64, bytes: usize, names: &mut BTreeSet<String>| {
        let mut file = Forged::default();
        let mut offset = base;
        while file.bytes.len() < bytes {
            let mut batch = BatchSpec::at(offset);
            for _ in 0..20 {
                let name = format!("{offset:0>100}");
                batch = batch.then(topic(
                    &name,
                    1_000 + u128::try_from(offset).expect("an offset"),
                ));
                names.insert(name);
                offset += 1;
            }
            file = file.with(&batch);
        }
        (file.bytes, offset)
    };
    let mut names = BTreeSet::new();
    let (snapshot, next) = file(0, 3 << 20, &mut names);
    let (log, _) = file(next, 3 << 20, &mut names);
    let whole: MetadataImage = image(&[&snapshot, &log]);
    assert_eq!(whole.topics.len(), names.len());

    let temp = Temp::new();
    let files = [
        format!("__cluster_metadata-0/{next:020}-0000000001.checkpoint"),
        format!("__cluster_metadata-0/{next:020}.log"),
    ];
    temp.file(&files[0], &snapshot);
    temp.file(&files[1], &log);
    let ran = says(
        temp.path(),
        &[
            "show", "--image", "--format", "ndjson", &files[0], &files[1],
        ],
    );
    let rows = objects(&ran, "kseg.cluster_topic/1");
    let shown = rows
        .iter()
        .map(|row| row["topic"].as_str().expect("a name").to_owned());
    assert!(shown.eq(names));
}

/// A log dir of one partition with two large segments.
struct Large {
    temp: Temp,
    segments: [(i64, Forged); 2],
}

const NAMES: [&str; 2] = [
    "d/orders-0/00000000000000000000.log",
    "d/orders-0/00000000000000001400.log",
];

impl Large {
    fn new() -> Self {
        let mut rng = Rng::new(7);
        let temp = Temp::new();
        let mut forge = Forge::empty("orders-0/").with("leader-epoch-checkpoint", b"0\n1\n0 0\n");
        let segments = [0, RECORDS].map(|base| {
            let (mut offset, mut bytes) = (base, 0);
            let mut batches = Vec::new();
            let last = base + RECORDS - 1;
            while offset <= last {
                let records = rng.below(20).clamp(
                    1,
                    u16::try_from((last + 1 - offset).min(20)).expect("a few"),
                );
                let mut batch = BatchSpec::at(offset).timestamp(1_700_000_000_000 + offset);
                for _ in 0..records {
                    let value: Vec<u8> = (0..VALUE_BYTES / 8)
                        .flat_map(|_| rng.next().to_be_bytes())
                        .collect();
                    batch = batch.then(Rec::new(Some(b"key"), Some(&value)));
                }
                offset = batch.last_offset() + 1;
                bytes += batch.records.len() * VALUE_BYTES;
                batches.push(batch);
            }
            assert!(bytes > LOG_BYTES, "{bytes}");
            (base, batches)
        });
        for (base, batches) in &segments {
            forge = forge.segment(*base, batches);
        }
        let forged = segments.map(|(base, batches)| {
            let mut forged = Forged::default();
            for batch in &batches {
                forged = forged.with(batch);
            }
            (base, forged)
        });
        for (name, bytes) in forge.files() {
            temp.file(format!("d/{name}"), bytes);
        }
        Self {
            temp,
            segments: forged,
        }
    }

    /// Breaks the batches of these numbers in each segment. Returns the ranges that each loses.
    fn broken(&mut self, numbers: &[usize]) -> Vec<(usize, usize)> {
        let mut lost = Vec::new();
        for ((_, forged), name) in self.segments.iter_mut().zip(NAMES) {
            forged.frames.push(forged.bytes.len());
            for &number in numbers {
                let [start, end] = forged.frames[number..number + 2] else {
                    panic!("two")
                };
                flip(&mut forged.bytes, start + 100);
                flip(&mut forged.bytes, start + 200);
                forged.expected.retain(|record| record.position != start);
                lost.push((start, end));
            }
            forged.frames.pop();
            self.temp.file(name, &forged.bytes);
        }
        lost
    }

    fn says(&self, args: &[&str]) -> Ran {
        says(self.temp.path(), args)
    }

    fn offsets(&self) -> Vec<i64> {
        let records = self
            .segments
            .iter()
            .flat_map(|(_, forged)| &forged.expected);
        records.map(|record| record.offset).collect()
    }
}

#[test]
fn every_command_reads_all_of_a_large_log() {
    let large = Large::new();
    let dir = "d/orders-0";
    let offsets = large.offsets();

    let cat = large.says(&["cat", "--format", "ndjson", dir]);
    assert_eq!((cat.status, &*cat.err), (Some(0), ""));
    assert_eq!(numbers(&objects(&cat, "kseg.record/1"), "offset"), offsets);

    files(&large);
    let ls = large.says(&["ls", "--format", "ndjson", "--exact", dir]);
    let segments = objects(&ls, "kseg.segment/1");
    assert_eq!(
        numbers(&segments, "last_offset"),
        [RECORDS - 1, 2 * RECORDS - 1]
    );
    let counts = large.segments.iter().map(|(_, forged)| forged.frames.len());
    assert!(
        numbers(&segments, "batches")
            .into_iter()
            .eq(counts.map(|n| i64::try_from(n).expect("a few")))
    );

    let verify = large.says(&["verify", "--format", "json", "d"]);
    let report: Value = serde_json::from_str(&verify.out).expect("a document");
    let bytes: usize = large
        .segments
        .iter()
        .map(|(_, forged)| forged.bytes.len())
        .sum();
    assert_eq!(report["coverage"]["batch_bytes"], bytes);
    assert_eq!(report["summary"]["errors"], 0);

    let predict = kseg(large.temp.path(), &["predict", "--format", "json", "d"]);
    let verdict: Value = serde_json::from_str(&predict.out).expect("a document");
    assert_eq!(verdict["lost"]["bytes"], 0);
    assert_eq!(verdict["partitions"][0]["log_end"], 2 * RECORDS);

    for jobs in ["-j1", "-j8"] {
        let to = format!("out{jobs}");
        let ran = kseg(
            large.temp.path(),
            &["export", dir, "-o", &to, "--format", "ndjson", jobs],
        );
        assert_eq!(ran.status, Some(0), "{}", ran.err);
    }
    let exported = |to: &str| exported(&large.temp.path().join(to));
    assert_eq!(exported("out-j1"), offsets);
    assert_eq!(exported("out-j8"), offsets);
}

/// Shows and dumps the files.
fn files(large: &Large) {
    for ((base, forged), name) in large.segments.iter().zip(NAMES) {
        let show = large.says(&["show", "--format", "ndjson", name]);
        assert_eq!(show.status, Some(0));
        let positions: Vec<i64> = forged
            .frames
            .iter()
            .map(|at| i64::try_from(*at).expect("a place"))
            .collect();
        assert_eq!(
            numbers(&objects(&show, "kseg.batch/1"), "position"),
            positions
        );
        let records = large.says(&["show", "--records", "--format", "ndjson", name]);
        let records = records
            .out
            .lines()
            .filter(|line| line.contains("\"offset\":"))
            .count();
        assert_eq!(records, forged.expected.len());
        let dump = large.says(&["dump", "--print-data-log", "--files", name]);
        let lines = dump
            .out
            .lines()
            .filter(|line| line.starts_with("| offset: "))
            .count();
        assert_eq!(lines, forged.expected.len());
        let gaps = dump
            .err
            .lines()
            .filter(|line| line.contains("is followed by"))
            .count();
        assert_eq!(gaps, usize::from(*base > 0), "{}", dump.err);
    }
}

/// The offsets of the records in the files of an export.
fn exported(dir: &Path) -> Vec<i64> {
    let files = crate::cases::below(dir)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "ndjson"));
    let text: String = files
        .map(|path| fs::read_to_string(path).expect("a file of ours"))
        .collect();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    lines
        .map(|record| record["offset"].as_i64().expect("a number"))
        .collect()
}

#[test]
fn every_command_finds_all_damage_of_a_large_log() {
    let mut large = Large::new();
    // The third and the fourth lie side by side.
    let lost = large.broken(&[3, 40, 81, 82, 100, 120]);
    let (dir, offsets) = ("d/orders-0", large.offsets());
    let mut gaps = lost.clone();
    gaps.dedup_by(|next, before| {
        let touch = before.1 == next.0;
        if touch {
            before.1 = next.1;
        }
        touch
    });
    assert_eq!((lost.len(), gaps.len()), (12, 10));

    let cat = large.says(&["cat", "--salvage", "--format", "ndjson", dir]);
    assert_eq!(cat.status, Some(1));
    let mut records = objects(&cat, "kseg.record/1");
    records.retain(|record| record["crc"] == "ok");
    assert_eq!(numbers(&records, "offset"), offsets);
    let told = |text: &str| text.lines().filter_map(position).collect::<Vec<_>>();
    let ranges: Vec<String> = gaps
        .iter()
        .map(|(start, end)| format!("{start}..{end}"))
        .collect();
    assert_eq!(told(&cat.err), ranges);

    let starts: Vec<String> = gaps.iter().map(|(start, _)| start.to_string()).collect();
    let mut shown = Vec::new();
    for name in NAMES {
        shown.extend(told(&large.says(&["show", name]).err));
    }
    assert_eq!(shown, starts);

    let verify = large.says(&["verify", "--format", "json", "d"]);
    let report: Value = serde_json::from_str(&verify.out).expect("a document");
    let findings = report["findings"].as_array().expect("findings");
    let damaged: Vec<_> = findings
        .iter()
        .filter(|finding| finding["code"] == "B101")
        .collect();
    let places = damaged.iter().map(|finding| {
        usize::try_from(finding["position"].as_u64().expect("a place")).expect("small")
    });
    assert!(places.eq(lost.iter().map(|(start, _)| *start)));
    let bytes: usize = lost.iter().map(|(start, end)| end - start).sum();
    assert_eq!(report["coverage"]["damage_bytes"], bytes);

    let args = [
        "predict",
        "--format",
        "json",
        "--unclean",
        "--no-recovery-points",
        "d",
    ];
    let predict = kseg(large.temp.path(), &args);
    let verdict: Value = serde_json::from_str(&predict.out).expect("a document");
    assert_eq!(verdict["partitions"][0]["truncations"][0]["to"], lost[0].0);

    let plan = large.says(&["repair", "plan", "d"]);
    for (start, end) in lost {
        let range = format!("{start}..{end}");
        assert!(
            plan.out.contains(&format!(" {range} ")),
            "{range}: {}",
            plan.out
        );
    }
}

/// The position that a note names.
fn position(note: &str) -> Option<String> {
    let (_, rest) = note.split_once(": position ")?;
    Some(rest.split_once(": ")?.0.to_owned())
}
