//! Predictions against what real brokers did when they started on damaged log dirs.
//!
//! What they did is in `starts.json` of a case, or, for the cases of `KSEG_CORPUS`, in
//! `../oracle/recovery/RELEASE/CASE.json` beside that folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use kseg::predict::{
    Conditions, DirVerdict, FetchFailure, Kafka, PartitionVerdict, Reason, Settings, StartOutcome,
    UnreadableOffsets, Verdict, predict,
};
use kseg::store::Place;
use serde_json::Value;

use crate::cases::{self, Case};
use crate::explained::is_explained;
use crate::temp::Temp;

const RELEASES: [(&str, Kafka); 3] = [
    ("2.8.2", Kafka::V2_8),
    ("3.9.1", Kafka::V3_9),
    ("4.3.1", Kafka::V4_3),
];

/// The ways to start: without the marker, and without recovery points.
const VARIANTS: [(&str, bool, bool); 3] = [
    ("clean", false, false),
    ("unclean", true, false),
    ("unclean-rp0", true, true),
];

/// The length of a file made anew, which a verdict does not tell.
const UNKNOWN: u64 = u64::MAX;

/// Files of a new partition.
const MADE_ANEW: [&str; 5] = [
    "/00000000000000000000.log",
    "/00000000000000000000.index",
    "/00000000000000000000.timeindex",
    "/leader-epoch-checkpoint",
    "/partition.metadata",
];

type Listing = BTreeMap<String, u64>;

/// What becomes of the files of a log dir.
struct Fate {
    /// The `.log`s there will be, with their lengths.
    logs: Listing,
    gone: BTreeSet<String>,
    rebuilt: BTreeSet<String>,
}

fn has_suffix(name: &str, suffix: &str) -> bool {
    name.ends_with(suffix)
}

/// The regular files of a log dir and its partitions, with their lengths.
fn listing(dir: &Path) -> Listing {
    let len = |path: &PathBuf| path.metadata().map_or(0, |file| file.len());
    let files = cases::below(dir);
    let names = files.iter().map(|path| {
        let name = path.strip_prefix(dir).unwrap();
        (name.to_str().unwrap().to_owned(), len(path))
    });
    names
        .filter(|(name, _)| name.matches('/').count() < 2)
        .collect()
}

fn logs_of(before: &Listing) -> Listing {
    let logs = before.iter();
    logs.filter(|(name, _)| has_suffix(name, ".log") && name.contains('/'))
        .map(|(name, len)| (name.clone(), *len))
        .collect()
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// What a broker of a release did to a case that it was started on in some way.
fn recorded(case: &Case, release: &str, variant: &str) -> Option<Value> {
    let starts = if let Some(starts) = json(&case.dir.join("starts.json")) {
        starts.get(release)?.clone()
    } else {
        let oracle = case.dir.parent()?.parent()?.join("../oracle/recovery");
        let name = case.dir.file_name()?.to_str()?;
        json(&oracle.join(release).join(format!("{name}.json")))?
    };
    let of_other = |value: &Value| {
        let release = value.get("same_as")?.as_str()?;
        recorded(case, release, variant)
    };
    if starts.get("same_as").is_some() {
        return of_other(&starts);
    }
    match starts.get(variant)? {
        Value::String(other) if other != variant => recorded(case, release, other),
        done if done.get("same_as").is_some() => of_other(done),
        done => Some(done.clone()),
    }
}

fn expected(done: &Value, before: &Listing) -> Fate {
    let gone = done["gone"].as_array().into_iter().flatten();
    let gone: BTreeSet<String> = gone
        .filter_map(Value::as_str)
        .filter(|name| name.contains('/'))
        .map(str::to_owned)
        .collect();
    let mut logs = logs_of(before);
    logs.retain(|name, _| !gone.contains(name));
    let mut rebuilt = BTreeSet::new();
    for (name, change) in done["after"].as_object().into_iter().flatten() {
        let is_set_aside = has_suffix(name, ".deleted") || name.contains("-stray/");
        if !name.contains('/') || is_set_aside {
            continue;
        }
        if has_suffix(name, ".log") {
            let same = change.get("same_as").and_then(Value::as_str);
            let len = change.get("cut_to").or(change.get("size"));
            let len = len.and_then(Value::as_u64);
            let len = len.or_else(|| before.get(same?).copied());
            logs.insert(name.clone(), len.unwrap_or(UNKNOWN));
        } else if has_suffix(name, "index")
            && before
                .get(name)
                .is_some_and(|len| !is_trim(change, name, *len))
        {
            rebuilt.insert(name.clone());
        }
    }
    Fate {
        logs,
        gone,
        rebuilt,
    }
}

/// Whether a stop in order cut an index to whole entries.
fn is_trim(change: &Value, name: &str, before: u64) -> bool {
    let entry = if has_suffix(name, ".timeindex") {
        12
    } else {
        8
    };
    let rest = before % entry;
    change["size"].as_u64() == Some(before - rest) && rest > 0
}

fn predicted(verdict: &DirVerdict, before: &Listing) -> Fate {
    let mut fate = Fate {
        logs: logs_of(before),
        gone: BTreeSet::new(),
        rebuilt: BTreeSet::new(),
    };
    for partition in &verdict.partitions {
        let full = |name: &String| format!("{}/{name}", partition.dir);
        fate.rebuilt.extend(partition.rebuilt.iter().map(full));
        fate.gone.extend(partition.deleted.iter().map(full));
        for name in &partition.deleted {
            fate.logs.remove(&full(name));
        }
        if partition
            .renamed
            .iter()
            .any(|one| one.from == partition.dir)
        {
            set_aside(&mut fate, &partition.dir, before);
            continue;
        }
        for renamed in &partition.renamed {
            fate.gone.insert(full(&renamed.from));
            if has_suffix(&renamed.to, ".log") {
                let len = before[&full(&renamed.from)];
                fate.logs.insert(full(&renamed.to), len);
            }
        }
        for made in &partition.created {
            if has_suffix(made, ".log") {
                fate.logs.insert(full(made), UNKNOWN);
            }
        }
        for cut in &partition.truncations {
            fate.logs.insert(full(&cut.file), cut.to);
        }
    }
    fate
}

/// A stray is renamed, and a new partition takes its place.
fn set_aside(fate: &mut Fate, dir: &str, before: &Listing) {
    let inside = format!("{dir}/");
    fate.logs.retain(|name, _| !name.starts_with(&inside));
    fate.logs
        .insert(format!("{inside}00000000000000000000.log"), 0);
    let files = before.keys().filter(|name| name.starts_with(&inside));
    let gone = files.filter(|name| !MADE_ANEW.iter().any(|made| name.ends_with(made)));
    fate.gone.extend(gone.cloned());
}

type Differences = Vec<(&'static str, String)>;

/// How a prediction differs from what happened, by what it is about.
fn differences(done: &Value, all: &Verdict, before: &Listing, topic: Option<&str>) -> Differences {
    let verdict = &all.dirs[0];
    let outcome = match done["outcome"].as_str().unwrap() {
        "logdir-offline" | "not-served" => "offline",
        "broker-died" | "hung" => "refused",
        other => other,
    };
    let ours = match all.outcome() {
        StartOutcome::Loads | StartOutcome::Recovers => "loaded",
        worse => worse.name(),
    };
    if outcome != ours {
        let inside = verdict.partitions.iter().flat_map(|one| &one.reasons);
        let reasons = all.reasons.iter().chain(&verdict.reasons);
        let reasons: Vec<_> = reasons.chain(inside).collect();
        return vec![(
            "outcome",
            format!("{outcome}, predicted {ours} {reasons:?}"),
        )];
    }
    let mut found = Vec::new();
    if outcome == "loaded" {
        let dir = topic.map(|topic| format!("{topic}-0"));
        let one = verdict
            .partitions
            .iter()
            .find(|one| Some(&one.dir) == dir.as_ref());
        if let Some(one) = one {
            compare_bounds(done, one, &mut found);
            compare_lost(done, one, &mut found);
            compare_served(done, one, &mut found);
        }
        let (theirs, ours) = (expected(done, before), predicted(verdict, before));
        // A node that runs writes to its metadata log.
        compare_files(&theirs, &ours, topic.is_some(), &mut found);
    }
    found
}

fn compare_bounds(done: &Value, one: &PartitionVerdict, found: &mut Differences) {
    for (kind, key, ours) in [
        ("log_start", "logStart", one.log_start),
        ("log_end", "end", one.log_end),
    ] {
        let theirs = done["offsets"][key].as_i64();
        if theirs.is_some() && theirs != ours {
            found.push((kind, format!("{theirs:?}, predicted {ours:?}")));
        }
    }
}

/// What is lost from the disk. What damage hides in a file that stays is lost to readers, but not by the start; and swap
/// files are no segments to those who counted.
fn compare_lost(done: &Value, one: &PartitionVerdict, found: &mut Differences) {
    let bytes = done["lost_bytes"].as_u64();
    let batches = done["lost_valid_batches"].as_u64();
    let is_swap = one
        .reasons
        .iter()
        .any(|reason| matches!(reason, Reason::Swap { .. }));
    let ours = (
        one.lost.batches - one.unread.batches,
        one.lost.bytes - one.unread.bytes,
    );
    if batches.is_some_and(|lost| bytes > Some(0) && lost != ours.0) {
        found.push(("lost batches", format!("{batches:?}, predicted {}", ours.0)));
    }
    if bytes.is_some_and(|lost| !is_swap && lost != ours.1) {
        found.push(("lost bytes", format!("{bytes:?}, predicted {}", ours.1)));
    }
}

/// The offsets that consumers got, by all that they could have got.
fn compare_served(done: &Value, one: &PartitionVerdict, found: &mut Differences) {
    let range = |pair: &Value| pair[0].as_i64().unwrap()..=pair[1].as_i64().unwrap();
    let Some(theirs) = done["served"].as_array() else {
        return;
    };
    let theirs: BTreeSet<i64> = theirs.iter().flat_map(range).collect();
    let Some(served) = one.served.as_ref() else {
        return;
    };
    let is_beyond = |place: &UnreadableOffsets| place.failure == FetchFailure::OutOfRange;
    if served.unreadable.iter().any(is_beyond) {
        // Where the consumer went on then was up to it.
        return;
    }
    let unreadable = served.unreadable.iter();
    let failing: Vec<_> = unreadable
        .map(|place| place.first_offset..=place.last_offset)
        .collect();
    let is_failing = |offset: &i64| failing.iter().any(|range| range.contains(offset));
    let both: Vec<&i64> = theirs.iter().filter(|offset| is_failing(offset)).collect();
    if !both.is_empty() {
        found.push((
            "read",
            format!("{both:?}, predicted not to be: {failing:?}"),
        ));
    }
    if theirs.len() as u64 != served.records {
        let text = format!(
            "{} records, predicted {} without {failing:?}",
            theirs.len(),
            served.records
        );
        found.push(("served", text));
    }
}

fn compare_files(theirs: &Fate, ours: &Fate, with_lengths: bool, found: &mut Differences) {
    let agree = |(name, len): (&String, &u64)| {
        ours.logs
            .get(name)
            .is_some_and(|ours| !with_lengths || [UNKNOWN, *len].contains(ours))
    };
    if theirs.logs.len() != ours.logs.len() || !theirs.logs.iter().all(agree) {
        found.push((
            "logs",
            format!("{:?}, predicted {:?}", theirs.logs, ours.logs),
        ));
    }
    if theirs.gone != ours.gone {
        let missing: Vec<_> = theirs.gone.difference(&ours.gone).collect();
        let extra: Vec<_> = ours.gone.difference(&theirs.gone).collect();
        found.push(("gone", format!("{missing:?}, only predicted {extra:?}")));
    }
    // The indexes of the last segment grow and are cut again without being made anew.
    let dir = |name: &String| name.split_once('/').unwrap().0.to_owned();
    let stem = |name: &String| name.split_once('.').unwrap().0.to_owned();
    let lasts: BTreeMap<String, &String> = ours.logs.keys().map(|name| (dir(name), name)).collect();
    let is_last = |name: &String| {
        let last = lasts.get(&dir(name));
        last.is_none_or(|last| stem(last) == stem(name) || name.contains("-stray/"))
    };
    let missing: Vec<_> = theirs.rebuilt.difference(&ours.rebuilt).collect();
    let missing: Vec<_> = missing.into_iter().filter(|name| !is_last(name)).collect();
    if !missing.is_empty() {
        found.push(("rebuilt", format!("{missing:?}")));
    }
}

/// The files of a case. Links are told as files that hold where they lead.
fn files_of(case: &Case, temp: &Temp) -> PathBuf {
    let files = case.dir.join("files");
    if !case.dir.to_str().unwrap().ends_with("symlink") {
        return files;
    }
    for file in cases::below(&files) {
        let name = file.strip_prefix(&files).unwrap();
        let bytes = fs::read(&file).unwrap();
        if name.extension().is_some_and(|end| end == "log") && bytes.len() < 61 {
            let to = String::from_utf8(bytes).unwrap();
            std::os::unix::fs::symlink(to, temp.path().join(name)).unwrap();
        } else {
            temp.file(name, &bytes);
        }
    }
    temp.path().to_owned()
}

/// The cluster that the damaged log dirs are of.
const CLUSTER: &str = "MkU3OEVBNTcwNTJENDM2Qg";

/// The file that the brokers were started with, as far as it matters; the damaged topics had small indexes.
fn settings(of_topic: bool) -> Settings {
    let file: &[u8] = if of_topic {
        b"node.id=1\nlog.index.size.max.bytes=4096\nlog.index.interval.bytes=256\n"
    } else {
        b"node.id=1\n"
    };
    Settings::of_file(file).unwrap()
}

/// The log dir as 2.8 found it: its `meta.properties` was rewritten for a broker with `ZooKeeper`.
fn as_started(files: &Path, kafka: Kafka) -> Option<Temp> {
    if kafka != Kafka::V2_8 {
        return None;
    }
    let temp = Temp::new();
    for entry in fs::read_dir(files).unwrap() {
        let entry = entry.unwrap();
        let to = temp.path().join(entry.file_name());
        if entry.file_name() == "meta.properties" {
            let version0 = format!("version=0\nbroker.id=1\ncluster.id={CLUSTER}\n");
            temp.file("meta.properties", version0.as_bytes());
        } else {
            std::os::unix::fs::symlink(entry.path().canonicalize().unwrap(), to).unwrap();
        }
    }
    Some(temp)
}

#[test]
fn what_brokers_did_is_what_was_predicted() {
    let mut by_kind: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut compared = 0;
    for case in cases::cases().iter().filter(|case| case.is_damaged()) {
        let name = case.dir.file_name().unwrap().to_str().unwrap();
        let temp = Temp::new();
        let files = files_of(case, &temp);
        let before = listing(&files);
        for (release, kafka) in RELEASES {
            for (variant, unclean, no_recovery_points) in VARIANTS {
                let Some(done) = recorded(case, release, variant) else {
                    continue;
                };
                compared += 1;
                let topic = case.about["topic"].as_str();
                let conditions = Conditions {
                    kafka,
                    unclean,
                    no_recovery_points,
                    settings: settings(topic.is_some()),
                    cluster_id: topic.map(|_| CLUSTER.to_owned()),
                    now_ms: None,
                    reads_all: true,
                };
                let started = as_started(&files, kafka);
                let place = Place::at(started.as_ref().map_or(&*files, Temp::path)).unwrap();
                let verdict = predict(&[place], |_| true, &conditions).unwrap();
                for (kind, text) in differences(&done, &verdict, &before, topic) {
                    if !is_explained(name, release, kind) {
                        let line = format!("{name} {release} {variant}: {text}");
                        by_kind.entry(kind).or_default().push(line);
                    }
                }
            }
        }
    }
    assert!(compared > 200, "{compared} starts");
    let told: Vec<String> = by_kind
        .iter()
        .map(|(kind, all)| format!("{kind} ({}):\n  {}", all.len(), all.join("\n  ")))
        .collect();
    assert!(told.is_empty(), "{compared} starts\n{}", told.join("\n"));
}
