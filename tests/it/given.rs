//! Each offset once, as a consumer is given it, whatever lies twice in the files.

use std::path::Path;

use serde_json::Value;

use crate::process::{Ran, kseg};
use crate::temp::Temp;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/kafka-4.3.1");

fn cat(dir: &str, args: &[&str]) -> Ran {
    let words = ["cat", "--format", "ndjson"];
    kseg(Path::new("/"), &[&words[..], args, &[dir]].concat())
}

fn offsets(ran: &Ran) -> Vec<i64> {
    let records = ran.out.lines().map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["offset"].as_i64().unwrap()
    });
    records.collect()
}

#[test]
fn what_lies_twice_is_given_once_unless_all_is_asked_for() {
    for case in ["dup-batch-mid", "overlap-last-two"] {
        let dir = format!("{CASES}/{case}/files");
        let once = cat(&dir, &["-j", "1"]);
        let given = offsets(&once);
        assert!(given.is_sorted_by(|a, b| a < b), "{case}: {given:?}");
        assert!(
            once.err.contains("--raw shows them"),
            "{case}: {}",
            once.err
        );
        assert_eq!(cat(&dir, &["-j", "2"]), once, "{case}");
        let all = offsets(&cat(&dir, &["--raw"]));
        assert!(all.len() > given.len(), "{case}");
        let mut unique = all.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(
            unique, given,
            "{case}: nothing but what lies twice is left out"
        );
        let temp = Temp::new();
        let exported = kseg(temp.path(), &["export", "-o", "out", &dir]);
        assert_eq!(exported.status, Some(0), "{}", exported.err);
        let manifest = std::fs::read(temp.path().join("out/kseg.manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let file = &manifest["files"][0];
        assert_eq!(file["records"], given.len(), "{case}");
        assert_eq!(file["duplicates"], all.len() - given.len(), "{case}");
    }
}

#[test]
fn records_after_a_jump_ahead_are_none_that_came_before() {
    // A flipped bit of the base offset, which no checksum covers, puts one batch far ahead.
    let dir = format!("{CASES}/forge-offset-2g-mid/files");
    let given = offsets(&cat(&dir, &["--salvage"]));
    let all = offsets(&cat(&dir, &["--salvage", "--raw"]));
    assert_eq!(given, all);
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn compressed_sets_of_magic_0_that_overlap_are_found_and_read_once() {
    let corpus = std::env::var("KSEG_CORPUS").expect("KSEG_CORPUS");
    let dir = format!("{corpus}/reports/08-overlapping-gzip-sets/files");
    let once = offsets(&cat(&dir, &[]));
    assert_eq!(once, (0..=70).collect::<Vec<_>>());
    assert_eq!(offsets(&cat(&dir, &["--raw"])).len(), 74);
    for depth in ["cross", "deep"] {
        let verified = kseg(Path::new("/"), &["verify", "--depth", depth, &dir]);
        let found = verified.out.contains("error B201 at byte 409");
        assert!(found, "{depth}: {}", verified.out);
    }
}
