//! The library against what a real consumer got: every `truth.ndjson` beside a case's `files/`.
//!
//! `KSEG_CORPUS` may name a folder of the layout `GROUP/CASE/` whose cases are checked too.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kseg::format::fault::MessageFault;
use kseg::format::{FaultKind, Scratch};
use kseg::scan::{Event, Policy, Walk};
use kseg::store::{Partition, Segment, Source};
use serde_json::Value;

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

/// At least so many records are compared: a test that finds nothing to compare has failed.
const RECORDS_AT_LEAST: usize = 5_000;

/// How many differences are told.
const TOLD: usize = 10;

/// A record as a consumer gets it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The records of a partition's segments in the order of the disk, without control records, up to the first fault.
fn read_partition(dir: &Path) -> (Vec<Record>, Option<String>) {
    let mut records = Vec::new();
    let mut scratch = Scratch::default();
    for segment in segments(dir) {
        let log = Source::read(segment.log()).expect("a segment");
        if let Err(fault) = read_segment(&log, &mut scratch, &mut records) {
            return (
                records,
                Some(format!("{}: {fault}", segment.log().display())),
            );
        }
    }
    (records, None)
}

fn read_segment(
    bytes: &[u8],
    scratch: &mut Scratch,
    into: &mut Vec<Record>,
) -> Result<(), kseg::format::Fault> {
    for event in Walk::new(bytes, Policy::Trust) {
        let batch = match event {
            Event::Batch(batch) => batch,
            Event::Malformed(_, fault) => return Err(fault),
            Event::Gap(_) => continue,
        };
        if batch.is_control() {
            continue;
        }
        for record in batch.records(scratch)? {
            let record = match record {
                // Consumers of that time got the inner set as one opaque value.
                Err(fault) if fault.kind() == FaultKind::Message(MessageFault::WrapperNested) => {
                    continue;
                }
                record => record?,
            };
            let headers = record
                .headers()
                .map(|header| {
                    let key = String::from_utf8_lossy(header.key).into_owned();
                    (key, header.value.map(<[u8]>::to_vec))
                })
                .collect();
            into.push(Record {
                offset: record.offset().get(),
                timestamp_ms: record.timestamp().get(),
                key: record.key().map(<[u8]>::to_vec),
                value: record.value().map(<[u8]>::to_vec),
                headers,
            });
        }
    }
    Ok(())
}

/// What a real consumer said about a partition.
#[derive(Default, Clone)]
pub(crate) struct Truth {
    pub(crate) records: Vec<Record>,
    pub(crate) log_start: i64,
    /// Up to where a consumer of what is committed is given records.
    pub(crate) last_stable: i64,
    /// Where it stopped: the end of the log, or the record that it could not read.
    pub(crate) read_to: i64,
    pub(crate) failed: bool,
}

#[test]
fn records_are_those_that_a_real_consumer_got() {
    let (mut compared, mut partitions, mut wrong) = (0, 0, Vec::new());
    for case in cases() {
        for (name, truth) in truths(&case.join("truth.ndjson")) {
            let replicas = folders_named(&name, &case.join("files"));
            if replicas.is_empty() && !truth.records.is_empty() {
                wrong.push(format!("{}: no folder {name}", case.display()));
            }
            for dir in replicas {
                partitions += 1;
                compared += truth.records.len();
                if let Err(why) = check(&dir, &truth) {
                    wrong.push(format!("{}: {why}", dir.display()));
                }
            }
        }
    }
    assert!(
        compared >= RECORDS_AT_LEAST,
        "only {compared} records to compare"
    );
    let told = wrong
        .iter()
        .take(TOLD)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n\n");
    assert!(
        wrong.is_empty(),
        "{} of {partitions} partitions differ\n\n{told}",
        wrong.len()
    );
}

fn check(dir: &Path, truth: &Truth) -> Result<(), String> {
    let (records, fault) = read_partition(dir);
    if let Some(fault) = fault.filter(|_| !truth.failed) {
        return Err(fault);
    }
    let got = consume(records, truth);
    // What tiered storage has moved elsewhere is not on this disk.
    let first_here = segments(dir)
        .first()
        .map_or(0, |first| first.base_offset().get());
    let wanted: Vec<&Record> = truth
        .records
        .iter()
        .filter(|record| record.offset >= first_here)
        .collect();
    if let Some((got, wanted)) = got.iter().zip(&wanted).find(|(got, wanted)| got != *wanted) {
        return Err(format!(
            "consumer and library differ\n    - {wanted:?}\n    + {got:?}"
        ));
    }
    if got.len() == wanted.len() {
        Ok(())
    } else {
        Err(format!(
            "{} records, a consumer got {}",
            got.len(),
            wanted.len()
        ))
    }
}

/// A consumer skips what is below the offset that it wants next, so one offset is returned once; and it stops when that
/// offset is the end, though a batch that lies about its last offset may have taken it beyond.
pub(crate) fn consume(records: Vec<Record>, truth: &Truth) -> Vec<Record> {
    let mut next = truth.log_start;
    let mut got = Vec::new();
    for record in records {
        if next >= truth.read_to {
            break;
        }
        if record.offset >= next {
            next = record.offset + 1;
            got.push(record);
        }
    }
    got
}

/// By the name of the partition's folder.
pub(crate) fn truths(path: &Path) -> BTreeMap<String, Truth> {
    let mut truths: BTreeMap<String, Truth> = BTreeMap::new();
    for line in fs::read_to_string(path).expect("truth.ndjson").lines() {
        let line: Value = serde_json::from_str(line).expect("a JSON object a line");
        let name = format!(
            "{}-{}",
            line["topic"].as_str().expect("a topic"),
            line["partition"]
        );
        let truth = truths.entry(name).or_default();
        if line.get("end").is_some() {
            truth.log_start = number(&line["logStart"]);
            truth.last_stable = line["lastStable"].as_i64().unwrap_or(i64::MAX);
            truth.read_to = number(&line["readTo"]);
            truth.failed = line.get("error").is_some();
        } else {
            let headers = line["headers"].as_array().expect("headers");
            truth.records.push(Record {
                offset: number(&line["offset"]),
                timestamp_ms: number(&line["timestamp"]),
                key: base64(&line["key"]),
                value: base64(&line["value"]),
                headers: headers
                    .iter()
                    .map(|pair| {
                        (
                            pair[0].as_str().expect("a header key").into(),
                            base64(&pair[1]),
                        )
                    })
                    .collect(),
            });
        }
    }
    truths
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

/// Base64 of the standard alphabet, padded; `null` is none.
pub(crate) fn base64(value: &Value) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = value.as_str()?;
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let six = ALPHABET
            .iter()
            .position(|&letter| letter == digit)
            .expect("a digit of base64");
        bits = bits << 6 | u32::try_from(six).expect("below 64");
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff).try_into().expect("a byte"));
        }
    }
    Some(bytes)
}

pub(crate) fn segments(dir: &Path) -> Vec<Segment> {
    Partition::open(dir).expect("a partition").segments()
}

/// All folders of that name: a log dir each for several nodes or disks is possible.
pub(crate) fn folders_named(name: &str, below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in entries(below).filter(|path| path.is_dir()) {
        if folder.file_name().is_some_and(|found| found == name) {
            found.push(folder);
        } else {
            found.extend(folders_named(name, &folder));
        }
    }
    found
}

/// The folders that hold a `truth.ndjson`: `testdata/kafka-VERSION/CASE/` and `$KSEG_CORPUS/GROUP/CASE/`.
pub(crate) fn cases() -> Vec<PathBuf> {
    let mut cases = Vec::new();
    for root in [
        Some(TESTDATA.into()),
        std::env::var_os("KSEG_CORPUS").map(PathBuf::from),
    ]
    .into_iter()
    .flatten()
    {
        let groups = entries(&root).filter(|path| path.is_dir());
        cases.extend(
            groups
                .flat_map(|group| entries(&group))
                .filter(|case| case.join("truth.ndjson").is_file()),
        );
    }
    cases.sort();
    cases
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry of a folder").path())
}
