//! Log dirs made to mislead a repair: the plausible that is not proven, absence that is no evidence, knowledge beside the records.
//!
//! What was collected elsewhere is read where `KSEG_CORPUS` names it; each case says in `want.md` what is right.

mod collected;
mod deleted;
mod endings;
mod knowledge;
mod neighbours;
mod plausible;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::forge::{BatchSpec, Frame, Rec};
use crate::process::{Ran, kseg};
use crate::temp::Temp;

const LOG: &str = "orders-0/00000000000000000000.log";
const THEN: i64 = 1_700_000_000_000;

/// A batch of records of one offset each.
fn batch(offset: i64, values: &[&str]) -> BatchSpec {
    let first = BatchSpec::at(offset).epoch(5).timestamp(THEN + offset);
    values.iter().fold(first, |batch, value| {
        batch.then(Rec::new(Some(b"key"), Some(value.as_bytes())))
    })
}

/// Twelve batches of one record each, from offset 0 on.
fn twelve() -> Vec<BatchSpec> {
    singles(0..12)
}

/// A batch of one record at each of these offsets.
fn singles(offsets: impl IntoIterator<Item = i64>) -> Vec<BatchSpec> {
    let single = |offset| batch(offset, &[&format!("value {offset:02}")]);
    offsets.into_iter().map(single).collect()
}

fn bytes(batches: &[BatchSpec]) -> Vec<u8> {
    batches.iter().flat_map(BatchSpec::bytes).collect()
}

/// Where each batch begins.
fn starts(batches: &[BatchSpec]) -> Vec<usize> {
    let ends = batches.iter().scan(0, |at, batch| {
        *at += batch.bytes().len();
        Some(*at)
    });
    [0].into_iter().chain(ends).collect()
}

/// A plan, and what came of it where everything is agreed to.
struct Cycle {
    temp: Temp,
    plan: Value,
}

impl Cycle {
    /// Plans a log dir that holds these files.
    fn of(files: &[(String, Vec<u8>)], options: &[&str]) -> Self {
        let temp = Temp::new();
        for (name, bytes) in files {
            temp.file(Path::new("data").join(name), bytes);
        }
        Self::at(temp, "data", options)
    }

    /// Plans a folder.
    fn at(temp: Temp, path: &str, options: &[&str]) -> Self {
        let args = [&["repair", "plan", path, "-o", "plan.json"], options].concat();
        let ran = kseg(temp.path(), &args);
        assert!(ran.status < Some(2), "{}", ran.err);
        let plan = fs::read(temp.path().join("plan.json")).unwrap();
        let plan = serde_json::from_slice(&plan).unwrap();
        Self { temp, plan }
    }

    /// Plans one partition with one segment and its leader epochs.
    fn log(log: Vec<u8>) -> Self {
        Self::of(&partition(log), &[])
    }

    /// The grades of the steps that change the `.log`.
    fn grades(&self) -> Vec<String> {
        let steps = self.plan["steps"].as_array().unwrap().iter();
        let of_log = steps.filter(|step| is_log(step));
        of_log.map(grade).collect()
    }

    fn is_empty(&self) -> bool {
        self.plan["steps"] == Value::Array(Vec::new())
    }

    /// The steps about a file.
    fn about(&self, name: &str) -> Vec<&Value> {
        let steps = self.plan["steps"].as_array().unwrap().iter();
        steps.filter(|step| file(step).ends_with(name)).collect()
    }

    fn apply(&self, args: &[&str]) -> Ran {
        let apply = ["repair", "apply", "plan.json", "--into", "out", "--copy"];
        kseg(self.temp.path(), &[&apply[..], args].concat())
    }

    /// Offsets and values of what is served afterwards, everything agreed to; a second plan is empty.
    fn served(&self) -> Vec<(i64, String)> {
        let ran = self.apply(&["--accept-lossy"]);
        assert!(ran.status < Some(2), "{}", ran.err);
        let again = kseg(
            self.temp.path(),
            &["repair", "plan", "--format", "json", "out"],
        );
        let again: Value = serde_json::from_str(&again.out).unwrap();
        let steps = again["steps"].as_array().unwrap().iter();
        let left: Vec<&Value> = steps.filter(|step| grade(step) != "manual").collect();
        assert!(left.is_empty(), "{left:#?}");
        records(&kseg(self.temp.path(), &["cat", "--format", "ndjson", "out"]).out)
    }

    /// Offsets and values in `lost+found`.
    fn set_aside(&self) -> Vec<(i64, String)> {
        let dir = self.temp.path().join("out.lost+found");
        let manifest = fs::read(dir.join("manifest.json")).unwrap_or_default();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
        let entries = manifest["entries"].as_array().cloned().unwrap_or_default();
        let mut found = Vec::new();
        for entry in entries {
            assert!(dir.join(entry["raw"].as_str().unwrap()).is_file());
            if let Some(ndjson) = entry["ndjson"].as_str() {
                found.extend(records(&fs::read_to_string(dir.join(ndjson)).unwrap()));
            }
        }
        found
    }
}

fn partition(log: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    vec![
        (
            "orders-0/leader-epoch-checkpoint".into(),
            b"0\n1\n5 0\n".to_vec(),
        ),
        (LOG.into(), log),
        (
            "recovery-point-offset-checkpoint".into(),
            b"0\n1\norders 0 0\n".to_vec(),
        ),
    ]
}

fn file(step: &Value) -> String {
    let action = step["action"].as_object().unwrap().values().next().unwrap();
    action["file"].as_str().unwrap().to_owned()
}

/// Whether a step is about records.
fn is_log(step: &Value) -> bool {
    Path::new(&file(step))
        .extension()
        .is_some_and(|end| end == "log")
}

fn grade(step: &Value) -> String {
    let safety = &step["safety"];
    let grade = safety.as_str().or_else(|| safety["grade"].as_str());
    grade.unwrap_or_default().to_owned()
}

fn records(ndjson: &str) -> Vec<(i64, String)> {
    let record = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        let value = record["value"].as_str().unwrap_or_default().to_owned();
        (record["offset"].as_i64().unwrap(), value)
    };
    ndjson.lines().map(record).collect()
}

/// The records of `batches`, but for those at some offsets.
fn without(batches: &[BatchSpec], gone: &[i64]) -> Vec<(i64, String)> {
    let all = records_of(batches);
    all.into_iter()
        .filter(|(at, _)| !gone.contains(at))
        .collect()
}

fn records_of(batches: &[BatchSpec]) -> Vec<(i64, String)> {
    let mut all = Vec::new();
    for batch in batches {
        for (record, at) in batch.records.iter().zip(batch.base_offset..) {
            let value = record.value.clone().unwrap_or_default();
            all.push((at, String::from_utf8(value).unwrap()));
        }
    }
    all
}
