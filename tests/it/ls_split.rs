//! `kseg ls --segments --split`: parts that together are the segment, each readable by itself; and the timestamps by which
//! engines pass over segments.

use std::path::Path;

use serde_json::Value;

use super::cat::objects;
use super::forge::partition::offset_entry;
use super::forge::{BatchSpec, Forged, Frame, Message, Rec};
use super::ls::{batch, ls, of, rows};
use super::temp::Temp;

/// The base offset of the segment.
const BASE: i64 = 100;

/// A value that takes a 32nd of the smallest part.
static VALUE: [u8; 32 << 10] = [b'v'; 32 << 10];

/// A partition of one segment of three and a half MiB, in batches of two records, and its index of every batch.
fn partition(temp: &Temp) -> (Vec<u8>, Vec<u8>) {
    let (mut log, mut index) = (Vec::new(), Vec::new());
    for nth in 0..56 {
        let spec = BatchSpec::at(BASE + 2 * nth);
        let spec = spec.record(Rec::new(None, Some(&VALUE)));
        let spec = spec.then(Rec::new(None, Some(&VALUE)));
        if nth > 0 {
            let relative = i32::try_from(spec.last_offset() - BASE).unwrap();
            index.extend(offset_entry(relative, i32::try_from(log.len()).unwrap()));
        }
        log.extend(spec.bytes());
    }
    write(temp, &log, &index);
    (log, index)
}

fn write(temp: &Temp, log: &[u8], index: &[u8]) {
    temp.file("big-0/00000000000000000100.log", log);
    temp.file("big-0/00000000000000000100.index", index);
}

fn split(dir: &Path, size: &str) -> Vec<Value> {
    let rows = rows(dir, &["--segments", "--split", size, "big-0"]);
    of(&rows, "kseg.split/1").into_iter().cloned().collect()
}

#[test]
fn parts_are_the_whole_segment_and_each_is_read_by_its_offsets() {
    let temp = Temp::new();
    let (log, _) = partition(&temp);
    let big = temp.path().join("big-0");
    let (all, _) = objects(&[], &big);
    assert_eq!(all.len(), 112);
    for (size, count) in [("1MiB", 4), ("2MiB", 2), ("4MiB", 1)] {
        let parts = split(temp.path(), size);
        assert_eq!(parts.len(), count, "{size}");
        let (mut offset, mut position, mut read) = (BASE, 0, Vec::new());
        for part in &parts {
            assert_eq!(part["base_offset"], BASE);
            assert_eq!(part["first_offset"], offset);
            assert_eq!(part["position"], position);
            let end = part["end_offset"].as_i64().unwrap();
            let range = format!("{offset}..{end}");
            read.extend(objects(&["--offset", &range], &big).0);
            offset = end;
            position += part["size_bytes"].as_u64().unwrap();
        }
        assert_eq!(position, log.len() as u64);
        assert!(read == all, "{size}: what the parts hold is not the whole");
    }
}

#[test]
fn a_segment_whose_index_cannot_be_trusted_is_one_part() {
    let temp = Temp::new();
    let (log, index) = partition(&temp);
    let beside: Vec<u8> = index
        .chunks(8)
        .flat_map(|entry| {
            let (relative, position) = entry.split_at(4);
            let position = i32::from_be_bytes(position.try_into().unwrap());
            [relative, &(position + 1).to_be_bytes()].concat()
        })
        .collect();
    for (what, index) in [
        ("empty", &[][..]),
        ("of zeros", &[0; 80]),
        ("with places inside of batches", &beside),
    ] {
        write(&temp, &log, index);
        assert_eq!(split(temp.path(), "1MiB").len(), 1, "an index {what}");
    }
    // The header of an old message does not say the first offset in it.
    let (mut old, mut places) = (Forged::default(), Vec::new());
    for nth in 0..100 {
        let place = i32::try_from(old.bytes.len()).unwrap();
        places.extend(offset_entry(i32::try_from(nth).unwrap(), place));
        old = old.with(&Message::v1(BASE + nth, 1, None, Some(&VALUE)));
    }
    write(&temp, &old.bytes, &places[8..]);
    assert_eq!(split(temp.path(), "1MiB").len(), 1);
}

#[test]
fn parts_smaller_than_a_batch_may_be_are_refused() {
    let temp = Temp::new();
    partition(&temp);
    let ran = ls(temp.path(), &["--segments", "--split", "64K", "big-0"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.contains("expected at least 1M"), "{}", ran.err);
    let ran = ls(temp.path(), &["--split", "1M", "big-0"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.contains("--segments"), "{}", ran.err);
}

#[test]
fn the_smallest_timestamp_is_known_when_all_batches_were_looked_at() {
    let temp = Temp::new();
    let stamps = [3_000, 1_000, 2_000];
    let batches = stamps.iter().zip(0..);
    let log: Vec<u8> = batches
        .flat_map(|(stamp, offset)| batch(offset, *stamp, b"x"))
        .collect();
    temp.file("late-0/00000000000000000000.log", &log);
    let segment = |args: &[&str]| {
        let rows = rows(temp.path(), &[&["--segments", "late-0"], args].concat());
        of(&rows, "kseg.segment/1")[0].clone()
    };
    let exact = segment(&["--exact"]);
    assert_eq!(exact["min_timestamp_ms"], 1_000);
    assert_eq!(exact["last_timestamp_ms"], 3_000);
    // The first batch need not have it, so nothing is pruned by it.
    assert_eq!(segment(&[])["min_timestamp_ms"], Value::Null);
}
