//! A partition's folder in tiered storage: copies of segments with ids in their names, and no log dir around them.

use std::path::{Path, PathBuf};

use super::ls;
use super::process::{Ran, kseg};
use super::temp::Temp;

const FOLDER: &str = "heron.aged-0-Ts3bBjiCQjixDT3Ft8AJ2A";

fn remote() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/kafka-3.9.1/tiered-3.9.1/remote/kafka-tiered-storage")
}

fn done(ran: Ran) -> String {
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    ran.out
}

/// The offsets of all segments there, by their names: the first of the first and the end of the last.
fn offsets(out: &str) -> Vec<u64> {
    let offset = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["topic"], "heron.aged");
        assert_eq!(row["partition"], 0);
        row["offset"].as_u64().unwrap()
    };
    out.lines().map(offset).collect()
}

#[test]
fn its_records_are_those_of_its_segments_in_order() {
    let out = done(kseg(&remote(), &["cat", "--format", "ndjson", FOLDER]));
    let found = offsets(&out);
    assert!(found.is_sorted_by(|a, b| a + 1 == *b), "{found:?}");
    let one = "00000000000000000127-LBCn8p-ZSQGEFqsW68NyBg.log";
    let file = format!("{FOLDER}/{one}");
    let out = done(kseg(&remote(), &["cat", "--format", "ndjson", &file]));
    assert_eq!(offsets(&out).first(), Some(&127));
    assert_eq!(offsets(&out).last(), Some(&172));
    let export = Temp::new();
    let to = export.path().join("out");
    let to = to.to_str().unwrap();
    let ran = kseg(&remote(), &["export", "-o", to, FOLDER]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let exported = std::fs::read_to_string(Path::new(to).join("heron.aged-0.ndjson")).unwrap();
    assert_eq!(offsets(&exported), found);
}

#[test]
fn its_files_are_known() {
    let rows = ls::rows(&remote(), &[FOLDER]);
    let segments = ls::of(&rows, "kseg.segment/1");
    let logs = std::fs::read_dir(remote().join(FOLDER)).unwrap();
    let logs =
        logs.filter(|item| item.as_ref().unwrap().path().extension() == Some("log".as_ref()));
    assert_eq!(segments.len(), logs.count());
    assert_eq!(
        ls::of(&rows, "kseg.item/1"),
        Vec::<&serde_json::Value>::new()
    );
    assert!(done(kseg(&remote(), &["ls", FOLDER])).contains("in batches"));
}

#[test]
fn a_producer_snapshot_there_is_that_of_the_end_of_its_segment() {
    let out = done(kseg(&remote(), &["verify", FOLDER]));
    assert!(out.contains("0 errors"), "{out}");
    let snapshot = format!("{FOLDER}/00000000000000000127-LBCn8p-ZSQGEFqsW68NyBg.snapshot");
    let out = done(kseg(&remote(), &["show", &snapshot]));
    assert!(out.contains("end offset 173"), "{out}");
}
