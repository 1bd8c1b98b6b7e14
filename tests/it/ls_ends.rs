//! What `kseg ls` says by a look at few places, against full scans and what consumers got.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::cases::{Case, cases};
use super::ls::{batch, of, rows};
use super::temp::Temp;

/// The fields that a scan may not change.
const OFFSETS: [&str; 6] = [
    "log_start_offset",
    "base_offset",
    "first_offset",
    "last_offset",
    "end_offset",
    "leader_epoch",
];

/// Log start and end of each partition as a consumer saw them.
fn truths(case: &Case) -> BTreeMap<String, (i64, i64)> {
    let text = fs::read_to_string(case.dir.join("truth.ndjson")).unwrap_or_default();
    let ends = text.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let name = format!("{}-{}", line["topic"].as_str()?, line["partition"]);
        let ends = (line["logStart"].as_i64()?, line["end"].as_i64()?);
        line["error"].is_null().then_some((name, ends))
    });
    ends.collect()
}

/// The log dirs of a case, or its folders of partitions.
fn log_dirs(case: &Case) -> Vec<std::path::PathBuf> {
    let files = case.dir.join("files");
    let mut dirs = vec![files.clone()];
    for entry in files.read_dir().into_iter().flatten() {
        let path = entry.unwrap().path();
        let inner = path.join("meta.properties");
        if inner.is_file() {
            dirs.push(path);
        }
    }
    dirs
}

#[test]
fn few_places_say_what_all_records_say() {
    let (mut compared, mut ends, mut wrong) = (0, 0, Vec::new());
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let truths = truths(case);
        for dir in log_dirs(case) {
            let quick = rows(&dir, &["--segments", "."]);
            let exact = rows(&dir, &["--segments", "--exact", "."]);
            let segments = of(&quick, "kseg.segment/1");
            let scanned = of(&exact, "kseg.segment/1");
            assert_eq!(segments.len(), scanned.len());
            for (quick, exact) in segments.iter().zip(&scanned) {
                compared += 1;
                let is_torn = exact["damaged_bytes"] != 0 || case.is_odd();
                let differs = OFFSETS
                    .iter()
                    .find(|field| quick[**field] != exact[**field]);
                if let Some(field) = differs.filter(|_| !is_torn) {
                    wrong.push(format!("{}: {field}: {quick} {exact}", dir.display()));
                }
                let span = (
                    quick["last_timestamp_ms"].as_i64(),
                    exact["last_timestamp_ms"].as_i64(),
                );
                // Of a batch that compaction emptied the header alone is left.
                let offsets = exact["end_offset"].as_i64().unwrap_or(0)
                    - exact["first_offset"].as_i64().unwrap_or(0);
                let is_thin = exact["records"].as_i64() < Some(offsets) && span.0 >= span.1;
                if span.0 != span.1 && !is_thin && !is_torn {
                    wrong.push(format!("{}: until {span:?}", exact["path"]));
                }
            }
            for row in of(&rows(&dir, &["."]), "kseg.partition/1") {
                let name = row["name"].as_str().unwrap();
                let Some(truth) = truths.get(name).filter(|_| !case.is_odd()) else {
                    continue;
                };
                let end = row["end_offset"].as_i64().unwrap();
                // Only a log dir knows where a log begins in the middle of a segment, or in tiered storage.
                let noted = row["noted_log_start_offset"].as_i64();
                let is_dir = dir.join("recovery-point-offset-checkpoint").is_file();
                let start = noted.or(row["log_start_offset"].as_i64());
                let own = (start.filter(|_| is_dir).unwrap_or(truth.0), end);
                ends += 1;
                if own != *truth {
                    wrong.push(format!("{}: {name}: {own:?}, not {truth:?}", dir.display()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        compared > 100 && ends > 50,
        "only {compared} segments, {ends} ends"
    );
}

#[test]
fn damaged_folders_are_listed_too() {
    let mut listed = 0;
    for case in cases().iter().filter(|case| case.is_damaged()) {
        for how in [&[][..], &["--segments"], &["--exact"]] {
            let rows = rows(&case.dir.join("files"), &[how, &["."]].concat());
            listed += of(&rows, "kseg.log-dir/1").len();
        }
    }
    assert!(listed > 100, "only {listed}");
}

/// Changes an `.index` and a `.timeindex`.
type Spoil = fn(&mut Vec<u8>, &mut Vec<u8>);

/// A segment of 1 MiB, as `ls` lists it, whose indexes were sound before `spoil`.
fn indexed(temp: &Temp, name: &str, spoil: Spoil) -> Value {
    let (mut log, mut index, mut times) = (Vec::new(), Vec::new(), Vec::new());
    let mut since = 0;
    for offset in 0..3_000_i32 {
        let timestamp = 1_000_000 + i64::from((offset * 7_919) % 3_000);
        let position = i32::try_from(log.len()).unwrap();
        log.extend(batch(offset.into(), timestamp, &[b'v'; 300]));
        since += 1;
        if since > 12 {
            since = 0;
            index.extend([offset.to_be_bytes(), position.to_be_bytes()].concat());
            // The largest so far, with its offset.
            let largest = (0..=offset).max_by_key(|at| (at * 7_919) % 3_000).unwrap();
            let time = 1_000_000 + i64::from((largest * 7_919) % 3_000);
            let entry = [&time.to_be_bytes()[..], &largest.to_be_bytes()].concat();
            if !times.ends_with(&entry) {
                times.extend(entry);
            }
        }
    }
    spoil(&mut index, &mut times);
    let base = format!("{name}/00000000000000000000");
    temp.file(format!("{base}.index"), &index);
    temp.file(format!("{base}.timeindex"), &times);
    temp.file(format!("{base}.log"), &log);
    let rows = rows(temp.path(), &[name]);
    of(&rows, "kseg.segment/1")[0].clone()
}

#[test]
fn an_index_is_trusted_only_as_far_as_the_log_bears_it_out() {
    let temp = Temp::new();
    let sound = indexed(&temp, "sound-0", |_, _| {});
    assert_eq!(
        (&sound["last_offset"], &sound["last_timestamp_ms"]),
        (&2_999.into(), &1_002_999.into())
    );
    let spoilt: [(&str, Spoil); 7] = [
        ("none", |index, times| (index.clear(), times.clear()).0),
        ("inside", |index, _| *index.last_mut().unwrap() ^= 1),
        ("beyond", |index, _| {
            let at = index.len() - 4;
            index[at] = 0x7f;
        }),
        ("negative", |index, _| {
            let at = index.len() - 4;
            index[at] = 0x80;
        }),
        ("later", |_, times| {
            let at = times.len() - 6;
            times[at] ^= 1;
        }),
        ("preallocated", |index, times| {
            index.resize(1 << 20, 0);
            times.resize(1_048_572, 0);
        }),
        ("ragged", |index, times| {
            index.push(7);
            times.push(7);
        }),
    ];
    for (name, spoil) in spoilt {
        let row = indexed(&temp, &format!("{name}-0"), spoil);
        for field in [
            "first_offset",
            "last_offset",
            "end_offset",
            "last_timestamp_ms",
            "leader_epoch",
        ] {
            assert_eq!(row[field], sound[field], "{name}: {field}");
        }
    }
}
