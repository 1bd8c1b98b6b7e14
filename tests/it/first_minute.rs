//! Predictions against what real brokers did in their first minute, recorded by `tests/starts/record.py`: what kept them from
//! starting, and what they deleted.
//!
//! The records are in `testdata/starts/RELEASE/CASE/`, and where `KSEG_STARTS` says that more are.

use std::path::{Path, PathBuf};

use kseg::predict::{Change, Conditions, Outcome, PartitionVerdict, Settings, Verdict, predict};
use kseg::store::Place;
use serde_json::Value;

use crate::cases::TESTDATA;

/// From when the starts were asked to the answer.
const MARGIN_MS: i64 = 60_000;

/// The topics with settings of their own; with `ZooKeeper` these are not on the disk, and a verdict says so.
const WITH_SETTINGS: [&str; 5] = ["start", "forever", "squeezed", "compacted", "both"];

/// A recorded start.
struct Start {
    name: String,
    dirs: Vec<PathBuf>,
    done: Value,
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn starts() -> Vec<Start> {
    let mut roots = vec![Path::new(TESTDATA).join("starts")];
    roots.extend(std::env::var_os("KSEG_STARTS").map(PathBuf::from));
    let mut starts = Vec::new();
    for case in roots
        .iter()
        .flat_map(|root| folders(root))
        .flat_map(|release| folders(&release))
    {
        let Ok(bytes) = std::fs::read(case.join("start.json")) else {
            continue;
        };
        let parts: Vec<_> = case.iter().rev().take(2).collect();
        starts.push(Start {
            name: format!("{} {}", parts[1].display(), parts[0].display()),
            dirs: folders(&case.join("files")),
            done: serde_json::from_slice(&bytes).unwrap(),
        });
    }
    starts
}

impl Start {
    /// The prediction, by what the broker was started with and when.
    fn verdict(&self) -> Verdict {
        let kafka = self.done["kafka"].as_str().unwrap();
        let mut file = String::from("node.id=1\nbroker.id=1\n");
        for pair in self.done["settings"].as_array().unwrap() {
            file.push_str(pair.as_str().unwrap());
            file.push('\n');
        }
        let listed: Vec<_> = self.dirs.iter().map(|dir| dir.to_str().unwrap()).collect();
        file += "log.dirs=";
        file += &listed.join(",");
        let conditions = Conditions {
            kafka: kafka.parse().unwrap(),
            settings: Settings::of_file(file.as_bytes()).unwrap(),
            now_ms: self.done["now"].as_i64(),
            ..Conditions::default()
        };
        let places: Vec<Place> = self
            .dirs
            .iter()
            .map(|dir| Place::at(dir).unwrap())
            .collect();
        predict(&places, |_| true, &conditions).unwrap()
    }

    /// How the prediction differs from what happened.
    fn differences(&self, verdict: &Verdict) -> Vec<String> {
        let theirs = self.done["outcome"].as_str().unwrap();
        let ours = match verdict.outcome() {
            Outcome::Refuses => "refuses",
            Outcome::Offline => "offline",
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
        if theirs != "loaded" {
            return Vec::new();
        }
        let ends = self.done["ends"].as_object().unwrap().iter();
        let is_told = |dir: &str| {
            let topic = dir.rsplit_once('-').unwrap().0;
            verdict.kafka.is_kraft() || !WITH_SETTINGS.contains(&topic)
        };
        let of_topics = ends.filter(|(dir, _)| !dir.starts_with("__") && is_told(dir));
        of_topics
            .filter_map(|(dir, ends)| {
                let one = verdict.partitions().find(|one| one.dir == *dir)?;
                let ours = self.bounds(one);
                let theirs = (ends[0].as_i64(), ends[1].as_i64());
                let text = || format!("{dir}: {theirs:?}, predicted {ours:?}");
                (!ours.contains(&theirs)).then(text)
            })
            .collect()
    }

    /// Where a partition may begin and end when the broker was asked: what happens between the last moment at which it
    /// had surely not run for longer and the first at which it surely had may be over or not.
    fn bounds(&self, one: &PartitionVerdict) -> Vec<(Option<i64>, Option<i64>)> {
        let of = |field: &str| self.done[field].as_i64().unwrap();
        let (least, most) = (of("waited_ms"), of("seen_after_ms") + MARGIN_MS);
        let mut bounds = vec![(one.log_start, one.log_end)];
        for event in &one.later {
            if let Change::SegmentsDeleted { log_start, .. } = event.change
                && event.after_ms <= most
            {
                if event.after_ms <= least {
                    bounds.clear();
                }
                bounds.push((one.log_start.max(Some(log_start)), one.log_end));
            }
        }
        bounds
    }
}

#[test]
fn what_brokers_refused_and_deleted_is_what_was_predicted() {
    let starts = starts();
    let mut wrong = Vec::new();
    for start in &starts {
        let verdict = start.verdict();
        let found = start.differences(&verdict).into_iter();
        wrong.extend(found.map(|text| format!("{}: {text}", start.name)));
    }
    assert!(
        wrong.is_empty(),
        "{} starts\n{}",
        starts.len(),
        wrong.join("\n")
    );
    assert!(starts.len() >= 4, "{} starts", starts.len());
}
