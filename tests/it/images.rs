//! `kseg show --image` against what Kafka's own commands said just before the stop
//! (`describe-*.txt`), and what clients know that they left (`case.json`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use kseg::format::{Limits, Scratch};
use kseg::report::{Groups, Image, MetadataImage, ShareGroups, Transactions};
use kseg::scan::{Event, Policy, Walk};
use serde_json::Value;

use crate::cases::{Case, TESTDATA, cases, kseg, text};
use crate::forge::random::Rng;

/// A test that finds less to compare has failed.
const OFFSETS_AT_LEAST: usize = 40;
const TRANSACTIONS_AT_LEAST: usize = 10;
const TOPICS_AT_LEAST: usize = 15;

/// The rows of an image.
fn image(case: &Case, topic: &str) -> Option<Vec<Value>> {
    let files = case.segments_of(topic);
    if files.is_empty() {
        return None;
    }
    let out = kseg(&["--image", "--format", "json"], &files);
    assert_eq!(text(&out.stderr), "", "{}", case.dir.display());
    let document: Value = serde_json::from_slice(&out.stdout).unwrap();
    Some(document["files"][0]["rows"].as_array().unwrap().clone())
}

fn rows<'a>(rows: &'a [Value], schema: &'a str) -> impl Iterator<Item = &'a Value> {
    rows.iter().filter(move |row| row["schema"] == schema)
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The lines of what a command of Kafka said, without comments, headings and the names of groups
/// without members.
fn said(case: &Case, file: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(case.dir.join(file)).ok()?;
    let is_row = |line: &&str| {
        let words = line.split_whitespace().count();
        !["#", "GROUP", "TransactionalId"]
            .iter()
            .any(|start| line.starts_with(start))
            && words > 3
    };
    Some(text.lines().filter(is_row).map(str::to_owned).collect())
}

/// The only cases that were stopped between a prepare and its completion, after the command had
/// said `Ongoing`.
fn is_caught_in_the_middle(case: &Case) -> bool {
    let name = case.dir.file_name().unwrap().to_str().unwrap();
    name.starts_with("partial-") || name.starts_with("prepare-")
}

#[test]
fn offsets_of_groups_are_those_that_kafka_told() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let Some(said) = said(case, "describe-groups-offsets.txt") else {
            continue;
        };
        let Some(image) = image(case, "__consumer_offsets") else {
            continue;
        };
        let mut theirs = BTreeMap::new();
        for line in said.iter().filter(|line| !line.contains("Consumer group")) {
            // The group's name may hold blanks: read from the end.
            let words: Vec<&str> = line.split_whitespace().collect();
            let [group @ .., topic, partition, offset, _, _, _, _, _] = &words[..] else {
                panic!("{line}");
            };
            if let Ok(offset) = offset.parse::<i64>() {
                let partition: i64 = partition.parse().unwrap();
                theirs.insert((group.join(" "), (*topic).to_owned(), partition), offset);
            }
        }
        let ours: BTreeMap<_, _> = rows(&image, "kseg.committed_offset/1")
            .filter(|row| row["pending_producer_id"].is_null())
            .map(|row| {
                let partition = row["partition"].as_i64().unwrap();
                let key = (string(&row["group"]), string(&row["topic"]), partition);
                (key, row["offset"].as_i64().unwrap())
            })
            .collect();
        assert_eq!(ours, theirs, "{}", case.dir.display());
        compared += ours.len();
    }
    assert!(compared >= OFFSETS_AT_LEAST, "only {compared} offsets");
}

#[test]
fn states_of_transactional_ids_are_those_that_kafka_told() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let Some(said) = said(case, "describe-txns-list.txt") else {
            continue;
        };
        let Some(image) = image(case, "__transaction_state") else {
            continue;
        };
        // 2.8 had no such command, and said so.
        if !said.iter().any(|line| line.contains('\t')) || is_caught_in_the_middle(case) {
            continue;
        }
        let theirs: BTreeMap<String, (i64, String)> = said
            .iter()
            .filter(|line| line.contains('\t'))
            .map(|line| {
                let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
                let state = (fields[2].parse().unwrap(), fields[3].to_owned());
                (fields[0].to_owned(), state)
            })
            .collect();
        let ours: BTreeMap<_, _> = rows(&image, "kseg.transactional_id/1")
            .map(|row| {
                let state = (row["producer_id"].as_i64().unwrap(), string(&row["state"]));
                (string(&row["transactional_id"]), state)
            })
            .collect();
        assert_eq!(ours, theirs, "{}", case.dir.display());
        compared += ours.len();
    }
    assert!(compared >= TRANSACTIONS_AT_LEAST, "only {compared} ids");
}

#[test]
fn groups_and_transactions_are_in_every_detail_what_their_clients_left() {
    let (mut offsets, mut ids) = (0, 0);
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let place = case.dir.display();
        let facts = &case.about["facts"];
        if let Some(groups) = facts["groups"].as_object()
            && let Some(image) = image(case, "__consumer_offsets")
        {
            for (group, told) in groups {
                let ours: BTreeMap<String, &Value> = rows(&image, "kseg.committed_offset/1")
                    .filter(|row| row["group"] == **group && row["pending_producer_id"].is_null())
                    .map(|row| {
                        (
                            format!("{}-{}", string(&row["topic"]), row["partition"]),
                            row,
                        )
                    })
                    .collect();
                // Share groups keep their offsets elsewhere; of other partitions it says null.
                let told = told["offsets"].as_object().into_iter().flatten();
                let told: BTreeMap<_, _> = told.filter(|(_, at)| !at["offset"].is_null()).collect();
                if !told.is_empty() {
                    assert!(ours.keys().eq(told.keys().copied()), "{place}: {group}");
                }
                for (key, at) in told {
                    let row = ours[key];
                    assert_eq!(row["offset"], at["offset"], "{place}: {group}, {key}");
                    assert_eq!(row["metadata"], at["metadata"], "{place}: {group}, {key}");
                    assert_eq!(
                        row["leader_epoch"], at["leaderEpoch"],
                        "{place}: {group}, {key}"
                    );
                    offsets += 1;
                }
            }
        }
        if let Some(told) = facts["transactions"]
            .as_object()
            .filter(|_| !is_caught_in_the_middle(case))
            && let Some(image) = image(case, "__transaction_state")
        {
            for row in rows(&image, "kseg.transactional_id/1") {
                let at = &told[&string(&row["transactional_id"])];
                for (ours, theirs) in [
                    ("state", "state"),
                    ("producer_id", "producerId"),
                    ("producer_epoch", "producerEpoch"),
                    ("timeout_ms", "timeoutMs"),
                    ("start_timestamp_ms", "startMs"),
                    ("partitions", "partitions"),
                ] {
                    assert_eq!(row[ours], at[theirs], "{place}: {row}");
                }
                ids += 1;
            }
        }
    }
    assert!(offsets >= OFFSETS_AT_LEAST, "only {offsets} offsets");
    assert!(ids >= TRANSACTIONS_AT_LEAST, "only {ids} ids");
}

/// Images of broken logs are only as large as what was read.
#[test]
fn images_take_any_bytes() {
    let mut rng = Rng::new(17);
    let mut scratch = Scratch::with_limits(Limits::inflating(8 << 20));
    for case in cases().iter().filter(|case| case.dir.starts_with(TESTDATA)) {
        for topic in [
            "__consumer_offsets",
            "__transaction_state",
            "__cluster_metadata",
            "__share_group_state",
        ] {
            for file in case.segments_of(topic) {
                let bytes = fs::read(file).unwrap();
                for _ in 0..4 {
                    let mut broken = bytes.clone();
                    for _ in 0..rng.below(20) {
                        let at = usize::try_from(rng.next() >> 1).unwrap() % broken.len().max(1);
                        if let Some(byte) = broken.get_mut(at) {
                            *byte = u8::try_from(rng.below(256)).unwrap();
                        }
                    }
                    let mut images: [Box<dyn Image>; 4] = [
                        Box::new(Groups::default()),
                        Box::new(Transactions::default()),
                        Box::new(MetadataImage::default()),
                        Box::new(ShareGroups::default()),
                    ];
                    for event in Walk::new(&broken, Policy::Resume) {
                        let Event::Batch(batch) = event else { continue };
                        for image in &mut images {
                            let _fault = image.batch(&batch, &mut scratch);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn topics_of_the_metadata_image_are_those_that_kafka_told() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        // Other cases tell of the topics that they ever had.
        let is_last_word = string(&case.about["name"]).starts_with("internal/");
        let told = case.about["facts"]["topicIds"].as_object();
        let Some(told) = told.filter(|_| is_last_word) else {
            continue;
        };
        let Some(image) = image(case, "__cluster_metadata") else {
            continue;
        };
        let theirs: BTreeMap<_, _> = told
            .iter()
            .map(|(name, id)| (name.clone(), string(id)))
            .collect();
        let ours: BTreeMap<_, _> = rows(&image, "kseg.cluster_topic/1")
            .map(|row| (string(&row["topic"]), string(&row["topic_id"])))
            .collect();
        assert_eq!(ours, theirs, "{}", case.dir.display());
        compared += ours.len();
    }
    assert!(compared >= TOPICS_AT_LEAST, "only {compared} topics");
}

#[test]
fn a_snapshot_and_the_log_behind_it_are_one_image() {
    let case = cases()
        .into_iter()
        .find(|case| case.dir.ends_with("kraft-undamaged"))
        .unwrap();
    let files = case.segments_of("__cluster_metadata");
    let topics = |files: &[PathBuf]| -> BTreeSet<String> {
        let out = kseg(&["--image", "--format", "json"], files);
        let document: Value = serde_json::from_slice(&out.stdout).unwrap();
        let rows = document["files"][0]["rows"].as_array().unwrap().clone();
        self::rows(&rows, "kseg.cluster_topic/1")
            .map(|row| string(&row["topic"]))
            .collect()
    };
    let (snapshots, logs): (Vec<_>, Vec<_>) = files
        .iter()
        .cloned()
        .partition(|file| file.extension().is_some_and(|end| end == "checkpoint"));
    assert!(!snapshots.is_empty() && !logs.is_empty());
    let all = topics(&files);
    assert!(all.len() >= 5, "{all:?}");
    assert!(topics(&snapshots).is_subset(&all));
}

#[test]
fn start_offsets_of_share_groups_are_those_that_kafka_told() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let facts = &case.about["facts"];
        let Some(groups) = facts["groups"].as_object() else {
            continue;
        };
        let Some(image) = image(case, "__share_group_state") else {
            continue;
        };
        for (group, told) in groups {
            for (key, at) in told["offsets"].as_object().into_iter().flatten() {
                let (topic, partition) = key.rsplit_once('-').unwrap();
                let row = rows(&image, "kseg.share_partition/1").find(|row| {
                    row["group"] == **group
                        && row["topic_id"] == facts["topicIds"][topic]
                        && row["partition"].as_i64() == partition.parse().ok()
                });
                let row = row.unwrap_or_else(|| panic!("{}: {group}, {key}", case.dir.display()));
                assert_eq!(row["start_offset"], at["startOffset"], "{group}, {key}");
                assert_eq!(row["leader_epoch"], at["leaderEpoch"], "{group}, {key}");
                compared += 1;
            }
        }
    }
    assert!(compared > 5, "only {compared} offsets");
}
