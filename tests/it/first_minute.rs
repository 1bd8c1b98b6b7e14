//! Predictions against what real brokers did in their first minute, recorded by `tests/starts/record.py`: what kept them from
//! starting, what they deleted, and what consumers got.
//!
//! `testdata/starts/RELEASE.ndjson.gz` has the files of a base in its first line, and a start of a changed copy in each other.
//! Where `KSEG_STARTS` says that more are, those are taken too, packed or not.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use kseg::predict::{
    Change, Conditions, FetchFailure, MissingPartition, PartitionVerdict, Settings, StartOutcome,
    TransactionEnd, Verdict, predict,
};
use kseg::store::Place;
use serde_json::Value;

use crate::cases::TESTDATA;
use crate::hex::unhex;
use crate::temp::Temp;

/// From when the starts were asked to the answer.
const MARGIN_MS: i64 = 60_000;

/// The topics with settings of their own; with `ZooKeeper` these are not on the disk, and a verdict says so.
const WITH_SETTINGS: [&str; 9] = [
    "start",
    "forever",
    "squeezed",
    "compacted",
    "both",
    "keyed",
    "paid",
    "tombs",
    "deduped",
];

/// The committed offsets in a base, and its transactional ids that are over.
const COMMITTED: u64 = 3;

/// A recorded start, and the log dirs as they lay before it.
pub(crate) struct Start {
    pub(crate) name: String,
    files: Temp,
    pub(crate) done: Value,
}

/// The lines of a recording, unpacked.
fn lines(path: &Path) -> Vec<Value> {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|end| end == "gz") {
        let mut reader = flate2::read::GzDecoder::new(bytes.as_slice());
        reader.read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Hexadecimal strings, and numbers of zeros between them.
fn content(parts: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts.as_array().unwrap() {
        match part {
            Value::String(hex) => bytes.extend(unhex(hex)),
            zeros => {
                let zeros = usize::try_from(zeros.as_u64().unwrap()).unwrap();
                bytes.resize(bytes.len() + zeros, 0);
            }
        }
    }
    bytes
}

/// The recordings, by their release.
pub(crate) fn recordings() -> Vec<PathBuf> {
    let mut roots = vec![Path::new(TESTDATA).join("starts")];
    roots.extend(std::env::var_os("KSEG_STARTS").map(PathBuf::from));
    let mut paths: Vec<PathBuf> = roots
        .iter()
        .flat_map(|root| std::fs::read_dir(root).into_iter().flatten())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().contains(".ndjson"))
        .collect();
    paths.sort();
    paths
}

/// Shows every recorded start of a recording.
pub(crate) fn each(path: &Path, see: &mut dyn FnMut(&Start)) {
    let mut lines = lines(path).into_iter();
    let base = lines.next().unwrap();
    let made = base["made"].as_i64().unwrap();
    for done in lines {
        let mut all: BTreeMap<&str, &Value> = BTreeMap::new();
        for files in [&base["files"], &done["changed"]] {
            let files = files.as_object().unwrap().iter();
            all.extend(files.map(|(name, parts)| (name.as_str(), parts)));
        }
        let files = Temp::new();
        for dir in ["a", "b"] {
            std::fs::create_dir_all(files.path().join(dir)).unwrap();
        }
        for (name, parts) in all.into_iter().filter(|(_, parts)| !parts.is_null()) {
            if name.ends_with('/') {
                std::fs::create_dir_all(files.path().join(name)).unwrap();
                continue;
            }
            files.file(name, &content(parts));
            if Path::new(name).extension().is_some_and(|end| end == "log") {
                let at = done["times"][name].as_i64().unwrap_or(made);
                let at = UNIX_EPOCH + Duration::from_millis(at.unsigned_abs());
                let file = std::fs::File::options()
                    .write(true)
                    .open(files.path().join(name));
                file.unwrap().set_modified(at).unwrap();
            }
        }
        see(&Start {
            name: format!(
                "{} {}",
                done["kafka"].as_str().unwrap(),
                done["name"].as_str().unwrap()
            ),
            files,
            done,
        });
    }
}

impl Start {
    pub(crate) fn dirs(&self) -> Vec<PathBuf> {
        ["a", "b"].map(|dir| self.files.path().join(dir)).to_vec()
    }

    /// The prediction, by what the broker was started with and when.
    pub(crate) fn verdict(&self) -> Verdict {
        let kafka = self.done["kafka"].as_str().unwrap();
        let mut file = String::from("node.id=1\nbroker.id=1\n");
        for pair in self.done["settings"].as_array().unwrap() {
            file.push_str(pair.as_str().unwrap());
            file.push('\n');
        }
        let dirs = self.dirs();
        let listed: Vec<_> = dirs.iter().map(|dir| dir.to_str().unwrap()).collect();
        file += "log.dirs=";
        file += &listed.join(",");
        let conditions = Conditions {
            kafka: kafka.parse().unwrap(),
            settings: Settings::of_file(file.as_bytes()).unwrap(),
            now_ms: self.done["now"].as_i64(),
            reads_all: true,
            ..Conditions::default()
        };
        let places: Vec<Place> = dirs.iter().map(|dir| Place::at(dir).unwrap()).collect();
        predict(&places, |_| true, &conditions).unwrap()
    }

    /// How the prediction differs from what happened.
    fn differences(&self, verdict: &Verdict) -> Vec<String> {
        let ends = self.done["ends"].as_object().into_iter().flatten();
        let is_unserved = |(_, ends): (&String, &Value)| ends[1].is_null();
        let theirs = match self.done["outcome"].as_str().unwrap() {
            "loaded" if ends.into_iter().any(is_unserved) => "not-served",
            other => other,
        };
        let ours = match verdict.outcome() {
            StartOutcome::Refuses => "refuses",
            StartOutcome::Offline => "offline",
            _ => "loaded",
        };
        let agree = match theirs {
            "broker-died" | "hung" => ours == "refuses",
            "logdir-offline" | "not-served" => ours == "offline",
            other => ours == other,
        };
        if !agree {
            let inside = verdict.partitions().flat_map(|one| &one.reasons);
            let dirs = verdict.dirs.iter().flat_map(|dir| &dir.reasons);
            let reasons: Vec<_> = verdict.reasons.iter().chain(dirs).chain(inside).collect();
            return vec![format!("{theirs}, predicted {ours} {reasons:?}")];
        }
        // Partitions without a leader are not looked at by retention, which then comes five minutes later.
        if theirs != "loaded" || self.done["name"] == "no-directory-id" {
            return Vec::new();
        }
        let mut wrong = self.ends(verdict);
        wrong.extend(self.consumers(verdict));
        wrong.extend(self.expired(verdict));
        wrong
    }

    /// Log starts, log ends and last stable offsets that differ.
    fn ends(&self, verdict: &Verdict) -> Vec<String> {
        let ends = self.done["ends"].as_object().unwrap().iter();
        let is_told = |dir: &str| {
            let topic = dir.rsplit_once('-').unwrap().0;
            verdict.kafka.is_kraft() || !WITH_SETTINGS.contains(&topic)
        };
        let of_topics = ends.filter(|(dir, _)| !dir.starts_with("__") && is_told(dir));
        of_topics
            .filter_map(|(dir, ends)| {
                let one = verdict.partitions().find(|one| one.dir == *dir);
                let is_missing = verdict
                    .missing
                    .iter()
                    .any(|one| MissingPartition::dir(one) == *dir);
                let ours = match one {
                    Some(one) => self.bounds(one),
                    None if is_missing => vec![(Some(0), Some(0), Some(0))],
                    None => return None,
                };
                let end = ends[1].as_i64();
                let theirs = (
                    ends[0].as_i64(),
                    end,
                    ends.get(2).map_or(end, Value::as_i64),
                );
                let text = || format!("{dir}: {theirs:?}, predicted {ours:?}");
                (!ours.contains(&theirs)).then(text)
            })
            .collect()
    }

    /// Where a partition may begin and end when the broker was asked: what happens between the last moment at which it
    /// had surely not run for longer and the first at which it surely had may be over or not.
    fn bounds(&self, one: &PartitionVerdict) -> Vec<(Option<i64>, Option<i64>, Option<i64>)> {
        let of = |field: &str| self.done[field].as_i64().unwrap();
        let (least, most) = (of("waited_ms"), of("seen_after_ms") + MARGIN_MS);
        let open = one.open_transactions.iter().map(|open| open.first_offset);
        let stable = open.min().or(one.log_end);
        let mut bounds = vec![(one.log_start, one.log_end, stable)];
        for event in &one.later {
            if let Change::SegmentsDeleted { log_start, .. } = event.change
                && event.after_ms <= most
            {
                if event.after_ms < least {
                    bounds.clear();
                }
                let stable = stable.max(Some(log_start));
                bounds.push((one.log_start.max(Some(log_start)), one.log_end, stable));
            }
        }
        let mut open = one.open_transactions.iter();
        let times_out = open.any(|open| {
            matches!(open.end, TransactionEnd::TimesOut { after_ms: Some(after) } if after <= most)
        });
        if times_out {
            // The marker is the last record then.
            let end = one.log_end.map(|end| end + 1);
            let starts: Vec<_> = bounds.iter().map(|bounds| bounds.0).collect();
            bounds.extend(starts.into_iter().map(|start| (start, end, end)));
        }
        bounds
    }

    /// What a consumer did not get, and what the cleaner dropped.
    fn consumers(&self, verdict: &Verdict) -> Vec<String> {
        let Some(records) = self.done["records"].as_array() else {
            return Vec::new();
        };
        let dir = records[0][0].as_str().unwrap();
        let is_of_cleaner = self.done["name"]
            .as_str()
            .unwrap()
            .starts_with("compaction");
        if is_of_cleaner && !verdict.kafka.is_kraft() {
            return Vec::new();
        }
        let got: BTreeSet<i64> = records.iter().map(|row| row[1].as_i64().unwrap()).collect();
        let one = verdict.partitions().find(|one| one.dir == dir).unwrap();
        // What retention deleted before, `ends` compares.
        let start = self.done["ends"][dir][0].as_i64();
        let all = start.or(one.log_start).unwrap()..one.log_end.unwrap();
        let lacking: BTreeSet<i64> = all.filter(|offset| !got.contains(offset)).collect();
        if is_of_cleaner {
            let compacted = one.later.iter().map(|event| match event.change {
                Change::Compacted { .. } => event.records(),
                _ => 0,
            });
            let compacted: u64 = compacted.sum();
            let same = compacted == lacking.len() as u64;
            return (!same)
                .then(|| format!("{dir}: {lacking:?} compacted, predicted {compacted}"))
                .into_iter()
                .collect();
        }
        let served = one.served.as_ref().unwrap();
        let ranges = || {
            served
                .unreadable
                .iter()
                .map(|place| place.first_offset..=place.last_offset)
        };
        let ours: BTreeSet<i64> = ranges().flatten().collect();
        let mut wrong = Vec::new();
        if ours != lacking {
            wrong.push(format!("{dir}: {lacking:?} not read, predicted {ours:?}"));
        }
        let errors = self.done["errors"].as_array();
        let failed: BTreeSet<i64> = errors
            .into_iter()
            .flatten()
            .filter(|row| row[2] != "null")
            .map(|row| row[1].as_i64().unwrap())
            .collect();
        let throws = served.unreadable.iter().filter(|place| {
            matches!(
                place.failure,
                FetchFailure::ConsumerThrows | FetchFailure::BrokerFails
            )
        });
        let throws: BTreeSet<i64> = throws.map(|place| place.first_offset).collect();
        if throws != failed {
            wrong.push(format!("{dir}: errors at {failed:?}, predicted {throws:?}"));
        }
        wrong
    }

    /// Committed offsets, transactional ids and producers.
    fn expired(&self, verdict: &Verdict) -> Vec<String> {
        let seen = self.done["seen_after_ms"].as_i64().unwrap();
        let count = |of: &dyn Fn(&Change) -> u64| -> u64 {
            let events = verdict.partitions().flat_map(|one| &one.later);
            let seen = events.filter(|event| event.after_ms <= seen);
            seen.map(|event| of(&event.change)).sum()
        };
        let mut wrong = Vec::new();
        let mut compare = |what: &str, theirs: u64, ours: u64| {
            if theirs != ours {
                wrong.push(format!("{what}: {theirs} expired, predicted {ours}"));
            }
        };
        let rows = |field: &str| self.done[field].as_array().map_or(&[][..], Vec::as_slice);
        match self.done["name"].as_str().unwrap() {
            "offsets-expire" => compare(
                "offsets",
                COMMITTED - rows("groups").len() as u64,
                count(&|change| match change {
                    Change::OffsetsExpired { offsets, .. } => *offsets,
                    _ => 0,
                }),
            ),
            "ids-expire" if !rows("ids").is_empty() => {
                let done = rows("ids").iter().filter(|row| row[0] == "done").count();
                compare(
                    "ids",
                    1 - done as u64,
                    count(&|change| match change {
                        Change::TransactionalIdsExpired { ids } => *ids,
                        _ => 0,
                    }),
                );
                let left = rows("producers")[0][1].as_u64().unwrap();
                let one = verdict
                    .partitions()
                    .find(|one| one.dir == "paid-0")
                    .unwrap();
                let forgotten = one.later.iter().filter(|event| event.after_ms <= seen).map(
                    |event| match event.change {
                        Change::ProducersExpired { producers } => producers,
                        _ => 0,
                    },
                );
                compare("producers", 2 - left, forgotten.sum());
            }
            "hanging" => compare(
                "hanging",
                1,
                verdict.hanging().count() as u64 + u64::from(!verdict.kafka.is_kraft()),
            ),
            _ => {}
        }
        wrong
    }
}

#[test]
fn what_brokers_refused_and_deleted_is_what_was_predicted() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in recordings() {
        each(&path, &mut |start| {
            count += 1;
            let found = start.differences(&start.verdict()).into_iter();
            wrong.extend(found.map(|text| format!("{}: {text}", start.name)));
        });
    }
    assert!(wrong.is_empty(), "{count} starts\n{}", wrong.join("\n"));
    assert!(count >= 60, "{count} starts");
}
