//! Predictions against what real brokers did.
//!
//! `KSEG_CORPUS` may name a folder with `damage/CASE` in it, beside which `../oracle/recovery/KAFKA/CASE.json` says what
//! brokers did to each case.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use kseg::predict::{Conditions, DirVerdict, Kafka, Node, Outcome, Reason, log_dir};
use kseg::store::LogDir;
use serde_json::Value;

use crate::temp::Temp;

const RELEASES: [(&str, Kafka); 3] = [
    ("2.8.2", Kafka::V2_8),
    ("3.9.1", Kafka::V3_9),
    ("4.3.1", Kafka::V4_3),
];

const VARIANTS: [(&str, bool, bool); 3] = [
    ("clean", false, false),
    ("unclean", true, false),
    ("unclean-rp0", true, true),
];

/// Where a prediction cannot know better: case, release, what differs, and why.
const EXPLAINED: [(&str, &str, &[&str], &str); 14] = [
    ("cleaner-garbage", "3.9.1", &["outcome"], AT_ONCE),
    ("cleaner-nul", "3.9.1", &["outcome"], AT_ONCE),
    ("cleaner-version1", "3.9.1", &["outcome"], AT_ONCE),
    ("cleaner-beyond", "2.8.2", &["rebuilt"], COMPACTED),
    ("cleaner-empty", "2.8.2", &["rebuilt"], COMPACTED),
    ("cleaner-missing", "2.8.2", &["rebuilt"], COMPACTED),
    ("cleaner-negative", "2.8.2", &["rebuilt"], COMPACTED),
    (
        "kraft-dir-missing",
        "",
        &["outcome"],
        "a log dir need not hold the metadata log",
    ),
    (
        "meta-directory-other",
        "",
        &["outcome"],
        "which id the cluster knows is not told by the log dir",
    ),
    (
        "meta-directory-twice",
        "",
        &["outcome"],
        "the other log dir of this id is not part of the case",
    ),
    (
        "root-unknown-topic",
        "2.8.2",
        &["outcome"],
        "ZooKeeper did not answer",
    ),
    (
        "pmeta-wrong-id",
        "",
        &["gone", "logs", "log_end", "rebuilt"],
        METADATA,
    ),
    ("root-extra-partition", "", &["gone", "logs"], METADATA),
    (
        "tmp-leftovers",
        "",
        &["gone"],
        "written over when the broker becomes the leader",
    ),
];

const AT_ONCE: &str =
    "its cleaner stops at the first log dir whose checkpoint is unreadable; this one was behind";
const COMPACTED: &str = "the log was compacted after the start";
const METADATA: &str =
    "which topics and partitions there are is told by the metadata log of another log dir";

fn is_explained(case: &str, release: &str, kind: &str) -> bool {
    EXPLAINED.iter().any(|(a, b, kinds, _)| {
        *a == case && (b.is_empty() || *b == release) && kinds.contains(&kind)
    })
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// What a broker did to a case in a variant.
fn recorded(oracle: &Path, release: &str, case: &str, variant: &str) -> Option<Value> {
    let whole = json(&oracle.join(release).join(format!("{case}.json")))?;
    if let Some(other) = whole.get("same_as").and_then(Value::as_str) {
        return recorded(oracle, other, case, variant);
    }
    match whole.get(variant)? {
        Value::String(other) if other == variant => None,
        Value::String(other) => recorded(oracle, release, case, other),
        done => match done.get("same_as").and_then(Value::as_str) {
            Some(other) => recorded(oracle, other, case, variant),
            None => Some(done.clone()),
        },
    }
}

fn conditions(
    kafka: Kafka,
    unclean: bool,
    no_recovery_points: bool,
    node: Option<Node>,
) -> Conditions {
    Conditions {
        kafka,
        unclean,
        no_recovery_points,
        // As the damaged topics were set.
        index_bytes: 4096,
        index_interval_bytes: 256,
        node,
    }
}

/// The regular files below a log dir: their lengths by name.
fn listing(dir: &Path) -> BTreeMap<String, u64> {
    let mut files = BTreeMap::new();
    for entry in dir.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && path.parent() == Some(dir) {
            for (inside, len) in listing(&path) {
                files.insert(format!("{name}/{inside}"), len);
            }
        } else if path.is_file() {
            files.insert(name, path.metadata().unwrap().len());
        }
    }
    files
}

/// The length of a file made anew.
const UNKNOWN: u64 = u64::MAX;

/// What a listing is to become.
struct Expected {
    logs: BTreeMap<String, u64>,
    gone: BTreeSet<String>,
    rebuilt: BTreeSet<String>,
}

/// Files of a new partition.
const MADE_ANEW: [&str; 5] = [
    "/00000000000000000000.log",
    "/00000000000000000000.index",
    "/00000000000000000000.timeindex",
    "/leader-epoch-checkpoint",
    "/partition.metadata",
];

fn is_kept(name: &str) -> bool {
    name.contains('/') && !name.ends_with(".deleted")
}

fn expected(done: &Value, before: &BTreeMap<String, u64>) -> Expected {
    let mut logs: BTreeMap<String, u64> = before
        .iter()
        .filter(|(name, _)| name.ends_with(".log") && name.contains('/'))
        .map(|(name, len)| (name.clone(), *len))
        .collect();
    let list = |value: &Value| -> BTreeSet<String> {
        let names = value.as_array().into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let gone: BTreeSet<String> = list(&done["gone"])
        .into_iter()
        .filter(|name| name.contains('/'))
        .collect();
    logs.retain(|name, _| !gone.contains(name));
    let mut rebuilt = BTreeSet::new();
    for (name, change) in done["after"].as_object().into_iter().flatten() {
        if !is_kept(name) || name.contains("-stray/") {
            continue;
        }
        if name.ends_with(".log") {
            let same = change.get("same_as").and_then(Value::as_str);
            let len = change
                .get("cut_to")
                .or(change.get("size"))
                .and_then(Value::as_u64)
                .or_else(|| before.get(same?).copied());
            logs.insert(name.clone(), len.unwrap_or(u64::MAX));
        } else if name.ends_with("index")
            && before.contains_key(name)
            && !is_trim(change, name, before[name])
        {
            rebuilt.insert(name.clone());
        }
    }
    Expected {
        logs,
        gone,
        rebuilt,
    }
}

/// Whether a stop in order cut an index to whole entries.
fn is_trim(change: &Value, name: &str, before: u64) -> bool {
    let entry = if name.ends_with(".timeindex") { 12 } else { 8 };
    change["size"].as_u64() == Some(before - before % entry) && before % entry > 0
}

fn predicted(verdict: &DirVerdict, before: &BTreeMap<String, u64>) -> Expected {
    let mut logs: BTreeMap<String, u64> = before
        .iter()
        .filter(|(name, _)| name.ends_with(".log") && name.contains('/'))
        .map(|(name, len)| (name.clone(), *len))
        .collect();
    let (mut gone, mut rebuilt) = (BTreeSet::new(), BTreeSet::new());
    let mut strays = BTreeSet::new();
    for partition in &verdict.partitions {
        let dir = &partition.dir;
        let full = |name: &String| format!("{dir}/{name}");
        gone.extend(partition.deleted.iter().map(full));
        rebuilt.extend(partition.rebuilt.iter().map(full));
        for renamed in &partition.renamed {
            if renamed.from == *dir {
                // Set aside as a stray, and a new partition in its place.
                strays.insert(dir.clone());
                continue;
            }
            gone.insert(full(&renamed.from));
            if renamed.to.ends_with(".log") {
                logs.insert(full(&renamed.to), before[&full(&renamed.from)]);
            }
        }
        for made in partition
            .created
            .iter()
            .filter(|name| name.ends_with(".log"))
        {
            logs.insert(full(made), UNKNOWN);
        }
        for cut in &partition.truncations {
            logs.insert(full(&cut.file), cut.to);
        }
        for name in partition.deleted.iter() {
            logs.remove(&full(name));
        }
    }
    for dir in strays {
        let inside = format!("{dir}/");
        logs.retain(|name, _| !name.starts_with(&inside));
        logs.insert(format!("{dir}/00000000000000000000.log"), 0);
        let files = before.keys().filter(|name| name.starts_with(&inside));
        gone = files
            .filter(|name| !MADE_ANEW.iter().any(|made| name.ends_with(made)))
            .cloned()
            .collect();
    }
    Expected {
        logs,
        gone,
        rebuilt,
    }
}

/// How a prediction differs from what happened, by kind.
fn differences(
    done: &Value,
    verdict: &DirVerdict,
    before: &BTreeMap<String, u64>,
    topic: Option<&str>,
) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let outcome = match done["outcome"].as_str().unwrap() {
        "loaded" => "loaded",
        "logdir-offline" | "not-served" => "offline",
        "broker-died" | "hung" => "refuses",
        other => other,
    };
    let ours = match verdict.outcome {
        Outcome::Loads | Outcome::Recovers => "loaded",
        Outcome::Offline => "offline",
        Outcome::Refuses => "refuses",
    };
    if outcome != ours {
        let reasons: Vec<String> = verdict
            .reasons
            .iter()
            .chain(verdict.partitions.iter().flat_map(|one| &one.reasons))
            .map(ToString::to_string)
            .collect();
        found.push((
            "outcome",
            format!("{outcome}, predicted {ours} {reasons:?}"),
        ));
        return found;
    }
    if outcome != "loaded" {
        return found;
    }
    let one = topic.and_then(|topic| {
        let dir = format!("{topic}-0");
        verdict.partitions.iter().find(|one| one.dir == dir)
    });
    if let Some(one) = one {
        let shrunk = done["lost_bytes"].as_u64();
        let is_swap = one
            .reasons
            .iter()
            .any(|reason| matches!(reason, Reason::Swap { .. }));
        // What damage hides in a file that stays is lost to readers, but not by the start.
        if let Some(lost) = done["lost_valid_batches"]
            .as_u64()
            .filter(|_| shrunk > Some(0))
            && lost != one.lost.batches - one.unread.batches
        {
            found.push(("lost batches", format!("{lost}, predicted {:?}", one.lost)));
        }
        if let Some(lost) = shrunk.filter(|_| !is_swap)
            && lost != one.lost.bytes - one.unread.bytes
        {
            found.push((
                "lost bytes",
                format!("{lost}, predicted {:?} {:?}", one.lost, one.reasons),
            ));
        }
        let offsets = &done["offsets"];
        for (kind, key, ours) in [
            ("log_start", "logStart", one.log_start),
            ("log_end", "end", one.log_end),
        ] {
            let theirs = offsets[key].as_i64();
            if theirs.is_some() && theirs != ours {
                found.push((kind, format!("{theirs:?}, predicted {ours:?}")));
            }
        }
    }
    let (theirs, ours) = (expected(done, before), predicted(verdict, before));
    // A running node writes to its metadata log.
    let agree = theirs.logs.keys().eq(ours.logs.keys())
        && theirs
            .logs
            .iter()
            .all(|(name, len)| [UNKNOWN, *len].contains(&ours.logs[name]));
    if topic.is_some() && !agree {
        found.push((
            "logs",
            format!("{:?}, predicted {:?}", theirs.logs, ours.logs),
        ));
    }
    if theirs.gone != ours.gone {
        let missing: Vec<_> = theirs.gone.difference(&ours.gone).collect();
        let extra: Vec<_> = ours.gone.difference(&theirs.gone).collect();
        found.push((
            "gone",
            format!("not predicted {missing:?}, only predicted {extra:?}"),
        ));
    }
    let lasts: BTreeMap<&str, &str> = ours
        .logs
        .keys()
        .map(|name| {
            (
                name.split_once('/').unwrap().0,
                name.trim_end_matches(".log"),
            )
        })
        .collect();
    let missing: Vec<_> = theirs
        .rebuilt
        .iter()
        .filter(|name| !ours.rebuilt.contains(*name))
        .filter(|name| {
            let last = lasts.get(name.split_once('/').unwrap().0);
            last.is_none_or(|last| !name.starts_with(last))
        })
        .collect();
    if !missing.is_empty() {
        found.push(("rebuilt", format!("not predicted {missing:?}")));
    }
    found
}

/// Links are told as files that hold where they lead.
fn with_links(files: &Path, case: &str, temp: &Temp) -> PathBuf {
    if !case.ends_with("symlink") {
        return files.to_owned();
    }
    for file in crate::cases::below(files) {
        let name = file.strip_prefix(files).unwrap();
        let bytes = fs::read(&file).unwrap();
        let copy = temp.file(name, &bytes);
        if name.extension().is_some_and(|end| end == "log") && bytes.len() < 61 {
            let link = copy.with_extension("link");
            std::os::unix::fs::symlink(String::from_utf8(bytes).unwrap(), &link).unwrap();
            replace(&link, &copy);
        }
    }
    temp.path().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "a folder of our own")]
fn replace(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}

#[test]
fn what_brokers_did_was_predicted() {
    let Some(corpus) = std::env::var_os("KSEG_CORPUS").map(PathBuf::from) else {
        return;
    };
    let oracle = corpus.join("../oracle/recovery");
    let mut by_kind: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut compared = 0;
    let mut cases: Vec<_> = corpus
        .join("damage")
        .read_dir()
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    cases.sort();
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let temp = Temp::new();
        let files = with_links(&case.join("files"), &name, &temp);
        let about = json(&case.join("case.json")).unwrap();
        let topic = about["topic"].as_str();
        let node = (!name.starts_with("kraft-")).then(|| Node {
            id: 1,
            cluster_id: "MkU3OEVBNTcwNTJENDM2Qg".into(),
        });
        for (release, kafka) in RELEASES {
            for (variant, unclean, no_points) in VARIANTS {
                let Some(done) = recorded(&oracle, release, &name, variant) else {
                    continue;
                };
                compared += 1;
                let before = listing(&files);
                let dir = LogDir::open(&files).unwrap();
                let conditions = conditions(kafka, unclean, no_points, node.clone());
                let verdict = log_dir(&dir, |_| true, &conditions).unwrap();
                for (kind, text) in differences(&done, &verdict, &before, topic) {
                    if is_explained(&name, release, kind) {
                        continue;
                    }
                    by_kind
                        .entry(kind)
                        .or_default()
                        .push(format!("{name} {release} {variant}: {text}"));
                }
            }
        }
    }
    for (kind, all) in &by_kind {
        println!("== {kind}: {}", all.len());
        for one in all {
            println!("   {one}");
        }
    }
    println!("{compared} compared");
    assert!(by_kind.is_empty());
}
