//! What is derived from the batches of damaged logs, against what brokers made of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kseg::format::{LeaderEpochs, ProducerSnapshot, Scratch};
use kseg::scan::derive::{
    Ended, Epochs, Exception, IndexSettings, LogState, Producers, SegmentIndexes, Violation,
    recover,
};
use kseg::scan::{Event, Policy, Walk};
use kseg::store::Partition;
use kseg::wire::Offset;
use serde_json::Value;

use crate::cases::TESTDATA;
use crate::derive::log_of;
use crate::hex::unhex;

/// The first violation of a log that somebody damaged.
fn violation_of(path: &str) -> Violation {
    let path = Path::new(TESTDATA).join(path);
    let partition = Partition::open(path).unwrap();
    let mut state = LogState::default();
    let mut scratch = Scratch::default();
    let mut ended = partition.segments().into_iter().filter_map(|segment| {
        let log = log_of(&segment).unwrap();
        let index_interval_bytes = 256;
        let settings = IndexSettings {
            index_interval_bytes,
            ..IndexSettings::default()
        };
        let (base, policy) = (segment.base_offset(), Policy::Trust);
        let done = recover(&log, policy, settings, base, &mut state, &mut scratch).unwrap();
        match done.ended {
            Some(Ended::Violation(violation)) => Some(violation),
            _ => None,
        }
    });
    ended.next().expect("a violation")
}

#[test]
fn what_brokers_threw_at_damaged_logs_is_told() {
    let found = [
        "marker-short-key-mid/files/orders539-0",
        "forge-offset-2g-mid/files/orders422-0",
    ]
    .map(|case| {
        let violation = violation_of(&format!("kafka-4.3.1/{case}"));
        let exception = violation.exception(IndexSettings::default().kafka);
        (exception, violation.to_string())
    });
    let expected = [
        (
            Exception::InvalidRecord,
            "a control batch cannot be read: control record without a key of at least 4 bytes",
        ),
        (
            Exception::OffsetOverflow,
            "offset 2147483689 is too far from the base offset 26",
        ),
    ];
    assert_eq!(
        found,
        expected.map(|(exception, text)| (exception, text.to_owned()))
    );
}

/// Logs that more than recovery happened to, and what.
const OTHER_WORK: &[(&str, &str)] = &[
    ("cleaner-", "the cleaner was at work when it was over"),
    ("log-is-symlink", "the target of the link is not there"),
    (
        "snapshot-is-directory",
        "it failed, and emptied the segment",
    ),
];

/// `KSEG_CORPUS` beside a folder `oracle/recovery/VERSION/` that tells what brokers made of its damaged logs: where they
/// recovered a segment, its indexes are these.
#[test]
#[ignore = "needs KSEG_CORPUS"]
fn indexes_of_recovered_logs_are_those_of_the_broker_that_recovered_them() {
    let corpus = PathBuf::from(std::env::var_os("KSEG_CORPUS").expect("KSEG_CORPUS"));
    let mut counts = BTreeMap::<String, (usize, usize)>::new();
    let mut different = Vec::new();
    for version in ["2.8.2", "3.9.1", "4.3.1"] {
        let told = corpus
            .with_file_name("oracle")
            .join("recovery")
            .join(version);
        for entry in fs::read_dir(&told).unwrap() {
            let path = entry.unwrap().path();
            let about: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap();
            if OTHER_WORK.iter().any(|(part, _)| name.starts_with(part)) {
                continue;
            }
            // The outcome may be the same as that of another version, or of another start.
            let newest = about["unclean-rp0"]["same_as"].as_str().map(|version| {
                let path = told.with_file_name(version).join(path.file_name().unwrap());
                serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap()
            });
            let about = newest.unwrap_or(about);
            let mut outcome = &about["unclean-rp0"];
            while let Some(same) = outcome.as_str() {
                outcome = &about[same];
            }
            if outcome["outcome"] != "loaded" || outcome["gone"] != Value::Array(Vec::new()) {
                continue;
            }
            let dir = corpus.join("damage").join(name).join("files");
            for (ours, theirs, file) in recovered(&dir, version, &outcome["after"]) {
                let (same, all) = counts.entry(version.to_owned()).or_default();
                *all += 1;
                *same += usize::from(ours == theirs);
                if ours != theirs {
                    different.push(format!("{version} {file} {ours:02x?} {theirs:02x?}"));
                }
            }
        }
    }
    println!("{counts:?}");
    assert!(different.is_empty(), "{different:#?}");
}

/// The indexes derived from the partitions in `dir`, those after a recovery, and the names of the files.
fn recovered(dir: &Path, version: &str, after: &Value) -> Vec<(Vec<u8>, Vec<u8>, String)> {
    let settings = IndexSettings {
        index_interval_bytes: 256,
        kafka: version.parse().unwrap(),
        ..IndexSettings::default()
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !path.is_dir() || name.starts_with("__") {
            continue;
        }
        let mut state = LogState::default();
        let mut scratch = Scratch::default();
        for segment in Partition::open(&path).unwrap().segments() {
            let Some(log) = log_of(&segment) else {
                continue;
            };
            let (policy, base) = (Policy::Verify, segment.base_offset());
            let done = recover(&log, policy, settings, base, &mut state, &mut scratch).unwrap();
            for (suffix, ours) in [
                ("index", done.indexes.offset_index()),
                ("timeindex", done.indexes.time_index()),
                ("txnindex", done.indexes.txn_index()),
            ] {
                let file = segment.log().with_extension(suffix);
                let key = format!("{name}/{}", file.file_name().unwrap().to_str().unwrap());
                let theirs = match after[&key]["hex"].as_str() {
                    Some(hex) => unhex(hex),
                    None if after[&key].is_null() => fs::read(&file).unwrap_or_default(),
                    None => continue,
                };
                files.push((ours.to_vec(), theirs, file.display().to_string()));
            }
            if done.ended.is_some() {
                break;
            }
        }
    }
    files
}

/// A log of transactions, any bit of whose headers and markers may be wrong.
#[test]
fn no_flipped_bit_is_more_than_a_violation() {
    let dir = Path::new(TESTDATA).join("kafka-4.3.1/txns-4.3.1/files/willow.ledger-0");
    let bytes = fs::read(dir.join("00000000000000000000.log")).unwrap();
    let settings = IndexSettings {
        index_interval_bytes: 0,
        max_index_bytes: 64,
        ..IndexSettings::default()
    };
    let mut violations = 0;
    for bit in 0..bytes.len().min(1500) * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let mut state = LogState::default();
        let mut indexes = SegmentIndexes::new(settings, Offset::new(0));
        let mut scratch = Scratch::default();
        for event in Walk::new(&bytes, Policy::Trust) {
            let Event::Batch(batch) = event else { continue };
            violations += usize::from(state.take(&batch, &mut indexes, &mut scratch).is_err());
        }
        let _ = indexes.close();
        assert!(indexes.offset_index().len() <= 64 && indexes.time_index().len() <= 64);
        let snapshot = state.producers.snapshot();
        let snapshot = ProducerSnapshot::parse(&snapshot).unwrap();
        assert_eq!(snapshot.check(), Ok(()));
        state.producers = Producers::load(&snapshot, None).unwrap();
        let epochs = LeaderEpochs::parse(&state.epochs.encode());
        assert_eq!(
            Epochs::load(&epochs).unwrap().encode(),
            state.epochs.encode()
        );
    }
    assert!(violations > 0);
}
