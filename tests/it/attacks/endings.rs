//! Markers that no longer say how their transaction ended, beside the log of its coordinator.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{Cycle, grade};
use crate::cases::{below, cases};
use crate::forge::damage::{flip, reseal};
use crate::temp::Temp;

/// Markers of a log dir that are tried.
const MOST: usize = 6;

/// The batches of a transaction's end in a log of the current format.
fn markers(log: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(header) = log.get(at..at + 61) {
        let length = u32::from_be_bytes(header[8..12].try_into().unwrap()) as usize;
        let end = at + 12 + length;
        let attributes = u16::from_be_bytes([header[21], header[22]]);
        let is_marker = attributes & 0x30 == 0x30 && length > 49;
        if header[16] == 2 && is_marker && end <= log.len() {
            found.push(at..end);
        }
        at = end;
    }
    found
}

/// Every marker of `dir`, by its file.
fn all(dir: &Path) -> Vec<(PathBuf, usize)> {
    let logs = below(dir).into_iter();
    let logs = logs.filter(|path| path.extension().is_some_and(|suffix| suffix == "log"));
    logs.flat_map(|path| {
        let log = fs::read(dir.join(&path)).unwrap();
        let of_file = move |marker: Range<usize>| (path.clone(), marker.start);
        markers(&log).into_iter().map(of_file)
    })
    .collect()
}

/// The log of the coordinator.
#[derive(Clone, Copy)]
enum Coordinator {
    Sound,
    Damaged,
}

/// Makes one marker of a copy of `dir` unknown, without what its transaction index knows. Returns
/// true if the repair gave it its end again.
fn is_found_again(dir: &Path, file: &Path, at: usize, coordinator: Coordinator) -> bool {
    let temp = Temp::new();
    let data = temp.path().join("data");
    crate::plan::copy(dir, &data);
    if let Coordinator::Damaged = coordinator {
        let first = data.join("__transaction_state-0/00000000000000000000.log");
        let mut log = fs::read(&first).unwrap();
        flip(&mut log, 70);
        flip(&mut log, 75);
        temp.file(first, &log);
    }
    let file = file.strip_prefix(dir).unwrap();
    let before = fs::read(data.join(file)).unwrap();
    let mut log = before.clone();
    // The last bytes are the type, the length of the value, the value and the count of headers.
    let type_at = markers(&log)
        .iter()
        .find(|marker| marker.start == at)
        .unwrap()
        .end
        - 10;
    assert_eq!(log[type_at + 2], 12, "the length of the value");
    log[type_at..type_at + 2].copy_from_slice(&[0, 7]);
    reseal(&mut log, at);
    temp.file(data.join(file), &log);
    let index = data.join(file).with_extension("txnindex");
    if index.exists() {
        temp.file(index, b"");
    }
    let cycle = Cycle::at(temp, "data", &[]);
    let steps = cycle.plan["steps"].as_array().unwrap();
    let name = file.to_str().unwrap();
    let here = steps.iter().filter(|step| super::file(step) == name);
    let of_log: Vec<String> = here.map(grade).collect();
    if of_log == ["manual"] {
        return false;
    }
    assert_eq!(of_log, ["likely"], "{} at {at}", dir.join(file).display());
    let ran = cycle.apply(&["--accept-lossy"]);
    assert!(ran.status < Some(2), "{}", ran.err);
    let after = fs::read(cycle.temp.path().join("out").join(file)).unwrap();
    assert!(
        after == before,
        "{} at {at}: another end",
        dir.join(file).display()
    );
    true
}

#[test]
fn the_log_of_the_coordinator_says_how_a_transaction_ended() {
    let (mut found, mut left) = (0, 0);
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let dir = case.dir.join("files");
        let coordinator = dir.join("__transaction_state-0");
        if !coordinator.is_dir() {
            continue;
        }
        let all = all(&dir);
        if let Some((file, at)) = all.first() {
            let is_found = is_found_again(&dir, file, *at, Coordinator::Damaged);
            assert!(!is_found, "{} at {at}", dir.join(file).display());
        }
        let every = all.len().div_ceil(MOST).max(1);
        for (file, at) in all.iter().step_by(every) {
            if is_found_again(&dir, file, *at, Coordinator::Sound) {
                found += 1;
            } else {
                left += 1;
            }
        }
    }
    println!("{found} ends found, {left} left");
    assert!(found > left, "{found} ends found, {left} left");
}

/// Destroys one marker of a copy of `dir`, and repairs it. Returns what became of the transaction
/// indexes with entries and of the producer snapshots of its partition: nothing, as a rule.
fn changed_without(dir: &Path, file: &Path, at: usize) -> Vec<String> {
    let temp = Temp::new();
    let data = temp.path().join("data");
    crate::plan::copy(dir, &data);
    let file = file.strip_prefix(dir).unwrap();
    let mut log = fs::read(data.join(file)).unwrap();
    for byte in [40, 50, 60] {
        log[at + byte] ^= 0xff;
    }
    temp.file(data.join(file), &log);
    let partition = file.parent().unwrap();
    let log_dir = Path::new("data").join(partition.parent().unwrap());
    let data = data.join(partition.parent().unwrap());
    let cycle = Cycle::at(temp, log_dir.to_str().unwrap(), &[]);
    let ran = cycle.apply(&["--accept-lossy"]);
    assert!(ran.status < Some(2), "{}", ran.err);
    let partition = Path::new(partition.file_name().unwrap());
    let known = |path: &PathBuf| {
        let kind = path.extension().and_then(|suffix| suffix.to_str());
        path.starts_with(partition) && matches!(kind, Some("txnindex" | "snapshot"))
    };
    let out = cycle.temp.path().join("out");
    let others = below(&data).into_iter().filter(known);
    let others = others.filter(|path| {
        let before = fs::read(data.join(path)).unwrap();
        !before.is_empty() && fs::read(out.join(path)).ok() != Some(before)
    });
    others
        .map(|path| format!("{} at {at}: {}", file.display(), path.display()))
        .collect()
}

#[test]
fn what_indexes_and_snapshots_know_survives_a_lost_marker() {
    let (mut tried, mut changed) = (0, Vec::new());
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let dir = case.dir.join("files");
        let all = all(&dir);
        let every = all.len().div_ceil(MOST).max(1);
        for (file, at) in all.iter().step_by(every) {
            changed.extend(changed_without(&dir, file, *at));
            tried += 1;
        }
    }
    println!("{tried} markers tried");
    assert!(tried > 5 && changed.is_empty(), "of {tried}: {changed:#?}");
}
