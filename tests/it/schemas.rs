//! Every kind of object that kseg writes: listed once, emitted by something, unchanged, and readable into types that are
//! written here a second time.
//!
//! `BLESS=1` writes the first object of each kind into `testdata/golden/schemas/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::forge::bytes::put_uvarint;
use crate::forge::{BatchSpec, Frame, Rec};
use crate::process;
use crate::temp::Temp;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Values that depend on the file system, the release or the time of a checkout.
const VARYING: [&str; 3] = ["disk_bytes", "kseg", "tool"];

/// Kinds that say what is in a document, which other tests read in every detail.
const DOCUMENTS: [&str; 5] = ["findings", "verdict", "plan", "baseline", "manifest"];

type Read = fn(Value) -> serde_json::Result<()>;

/// Rows, written a second time.
macro_rules! rows {
    ($($row:ident $id:literal { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            #[derive(serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            #[allow(
                dead_code,
                clippy::struct_field_names,
                clippy::struct_excessive_bools,
                reason = "that it can be read is what matters"
            )]
            struct $row { schema: String, file: Option<String>, $($field: $type),* }
        )*

        const ROWS: &[(&str, Read)] = &[$(
            ($id, |value| serde_json::from_value::<$row>(value).map(drop)),
        )*];
    };
}

type Int = Option<i64>;
type Text = Option<String>;
type Ints = Vec<i64>;
type Texts = Vec<String>;

rows! {
    LogDir "log-dir/1" {
        path: String, state: String, node_id: Int, cluster_id: Text, directory_id: Text, partitions: u64, segments: u64,
        records: Int, log_bytes: u64, size_bytes: u64, disk_bytes: u64,
    }
    Partition "partition/1" {
        path: String, topic: Text, partition: Int, name: String, log_start_offset: Int, noted_log_start_offset: Int,
        first_offset: Int, last_offset: Int, end_offset: Int, records: Int, log_bytes: u64, state: Texts, size_bytes: u64,
        disk_bytes: u64, segments: u64, last_timestamp_ms: Int, first_timestamp_ms: Int, high_watermark: Int,
        recovery_point: Int, leader_epoch: Int, leftovers: u64, unknown: u64,
    }
    Segment "segment/1" {
        path: String, partition: String, base_offset: i64, first_offset: Int, last_offset: Int, end_offset: Int,
        records: Int, log_bytes: Int, state: Texts, size_bytes: u64, disk_bytes: u64, last_timestamp_ms: Int,
        first_timestamp_ms: Int, leader_epoch: Int, batches: Int, zero_bytes: Int, damaged_bytes: Int,
        fault_position: Int, fault: Text,
    }
    Topic "topic/1" {
        topic: String, partitions: u64, folders: u64, segments: u64, log_bytes: u64, size_bytes: u64, disk_bytes: u64,
        records: Int, last_timestamp_ms: Int, first_timestamp_ms: Int,
    }
    Item "item/1" {
        path: String, name: String, what: String, r#type: String, log_bytes: Int, disk_bytes: Int, last_timestamp_ms: Int,
    }
    Damage "damage/1" { position: u64, size_bytes: Int, what: String }
    File "file/1" {
        kind: String, size_bytes: Int, base_offset: Int, end_offset: Int, epoch: Int, remote_id: Text, version: Int,
        declared: Int, node_id: Int, broker_epoch: Int, topic_id: Text, leader_id: Int, leader_epoch: Int, voted_id: Int,
        voted_directory_id: Text, applied_offset: Int, voters: Option<Ints>, metadata_partition: Int, offset: Int,
        rows: Option<Vec<Value>>,
    }
    Batch "batch/1" {
        base_offset: Int, last_offset: i64, position: u64, size_bytes: Int, records: Int, magic: i8, codec: String,
        crc: String, timestamp_type: String, base_timestamp_ms: Int, max_timestamp_ms: Int, leader_epoch: Int,
        producer_id: Int, producer_epoch: Int, base_sequence: Int, delete_horizon_ms: Int, flags: Texts,
    }
    Entry "entry/1" {
        offset: i64, timestamp_ms: Int, r#type: Text, version: Int, key: Value, value: Value,
        headers: Vec<(Value, Value)>, unread: Text,
    }
    OffsetIndexEntry "offset_index_entry/1" {
        entry: u64, offset: i64, log_position: i64, offset_gap: Int, position_gap_bytes: Int,
    }
    TimeIndexEntry "time_index_entry/1" {
        entry: u64, timestamp_ms: Int, offset: i64, timestamp_gap_ms: Int, offset_gap: Int,
    }
    Aborted "aborted_transaction/1" {
        entry: u64, producer_id: i64, first_offset: i64, last_offset: i64, last_stable_offset: i64, version: i64,
    }
    Unused "unused/1" { position: u64, entries: u64 }
    Producer "producer/1" {
        producer_id: i64, producer_epoch: i64, first_sequence: Int, last_sequence: Int, last_offset: Int,
        offset_delta: i64, timestamp_ms: Int, coordinator_epoch: Int, transaction_first_offset: Int,
    }
    Checkpoint "checkpoint_entry/1" { position: u64, topic: String, partition: i64, offset: i64 }
    Epoch "leader_epoch/1" { position: u64, epoch: i64, start_offset: i64 }
    Property "property/1" { position: u64, key: String, value: String }
    Remote "remote_segment/1" { position: u64, r#type: Text, version: Int, value: Value }
    Cluster "cluster/1" {
        last_offset: Int, kraft_version: Int, next_producer_id: Int, zk_migration: Int, pending_records: Int,
    }
    Voter "voter/1" { voter_id: i64, directory_id: Text }
    Feature "feature/1" { feature: String, level: i64 }
    Node "node/1" {
        role: String, node_id: i64, epoch: Int, fenced: bool, in_controlled_shutdown: bool, rack: Text, endpoints: Texts,
        incarnation: String, log_dirs: Texts,
    }
    ClusterTopic "cluster_topic/1" { topic: String, topic_id: String, partitions: u64 }
    ClusterPartition "cluster_partition/1" {
        topic: String, partition: i64, leader: Int, leader_epoch: i64, replicas: Ints, isr: Ints, elr: Ints, adding: Ints,
        removing: Ints, partition_epoch: i64, directories: Texts,
    }
    Config "config/1" { resource_type: String, resource: String, key: String, value: String }
    Acl "acl/1" {
        id: String, principal: String, host: String, permission: String, operation: String, resource_type: String,
        pattern_type: String, resource: String,
    }
    Quota "quota/1" { entity: Texts, key: String, value: f64 }
    Scram "scram_user/1" { user: String, mechanism: String, iterations: i64 }
    Token "delegation_token/1" {
        token_id: String, owner: String, requester: String, renewers: Texts, issue_timestamp_ms: Int,
        expiration_timestamp_ms: Int, max_timestamp_ms: Int,
    }
    Group "group/1" {
        group: String, kind: String, epoch: Int, members: Int, protocol_type: Text, protocol: Text, leader: Text,
    }
    Member "member/1" {
        group: String, member_id: String, instance_id: Text, client_id: String, client_host: String,
    }
    Committed "committed_offset/1" {
        group: String, topic: String, partition: i64, offset: i64, leader_epoch: Int, commit_timestamp_ms: Int,
        expire_timestamp_ms: Int, pending_producer_id: Int, record_offset: i64, metadata: String,
    }
    Transaction "transactional_id/1" {
        transactional_id: String, state: Text, producer_id: i64, producer_epoch: i64, timeout_ms: i64,
        start_timestamp_ms: Int, last_update_timestamp_ms: Int, record_offset: i64, partitions: Texts,
    }
    Share "share_partition/1" {
        group: String, topic_id: String, partition: i64, start_offset: Int, leader_epoch: Int, state_epoch: i64,
        snapshot_epoch: i64, record_offset: i64,
    }
    Prediction "prediction/1" {
        log_dir: String, dir: String, outcome: String, log_start: Int, log_end: Int, lost_records: u64, lost_bytes: u64,
        why: Text,
    }
    PlanSummary "plan_summary/1" {
        kind: String, root: String, tool: String, steps: u64, rows: Option<Vec<Value>>,
    }
    Step "step/1" {
        id: u64, path: String, action: String, safety: String, loss: Text, codes: Texts, why: String, proof: Text,
    }
    Ls "ls/1" { rows: Vec<Value> }
    Show "show/1" { files: Vec<Value> }
    Record "record/1" {
        topic: Text, partition: Int, offset: i64, timestamp: Int, timestamp_type: Text, leader_epoch: Int, key: Value,
        value: Value, headers: Vec<Value>, serialized_key_size: Int, serialized_value_size: Int, position: u64,
        batch_base_offset: i64, codec: String, producer_id: Int, producer_epoch: Int, sequence: Int, transactional: bool,
        control: bool, crc: String, magic: i8,
    }
}

/// The ids in `src/`, each with the places where it stands in code.
fn listed() -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for file in crate::tidy::sources("src") {
        for literal in file.code.split("\"kseg.").skip(1) {
            let literal = literal.split('"').next().unwrap_or_default();
            let Some((name, version)) = literal.split_once('/') else {
                continue;
            };
            let is_name = name
                .chars()
                .all(|c| c.is_alphanumeric() || "-_".contains(c));
            if is_name && version.parse::<u32>().is_ok() {
                *ids.entry(literal.to_owned()).or_default() += 1;
            }
        }
    }
    // The first line of a file that people do not read.
    ids.remove("journal/1");
    ids
}

/// What the commands print that between them emit every schema.
fn emitted() -> Vec<Value> {
    let root = Path::new(ROOT);
    let temp = Temp::new();
    let mut objects = Vec::new();
    let mut run = |args: &[&str]| {
        let ran = process::kseg(root, args);
        assert!(ran.status < Some(2), "{args:?}: {}", ran.err);
        for line in ran
            .out
            .lines()
            .filter(|line| line.starts_with("{\"schema\""))
        {
            objects.extend(serde_json::from_str::<Value>(line).ok());
        }
        if let Ok(document) = serde_json::from_str(&ran.out) {
            objects.push(document);
        }
    };
    let kafka = "testdata/kafka-4.3.1";
    let seed = "testdata/seed/00000000000000000000.log";
    for args in [&[][..], &["--segments"], &["--topics"]] {
        let dir = format!("{kafka}/tmp-leftovers/files");
        run(&[&["ls", "--format", "ndjson"], args, &[&dir]].concat());
    }
    run(&["ls", "--format", "json", seed]);
    run(&["show", "--format", "json", seed]);
    run(&["cat", "--format", "ndjson", seed]);
    run(&["verify", "--format", "json", seed]);
    let known = temp.path().join("known.json");
    let known = known.to_str().unwrap();
    run(&["verify", "--write-baseline", known, "testdata/broken/B101"]);
    let out = temp.path().join("out");
    run(&["export", "-o", out.to_str().unwrap(), seed]);
    let flipped = format!("{kafka}/index-missing-and-flip/files");
    for format in ["json", "ndjson"] {
        run(&["predict", "--format", format, &flipped]);
    }
    let plan = temp.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    run(&["repair", "plan", "-o", plan, "--format", "json", &flipped]);
    run(&["repair", "show", "--format", "ndjson", plan]);
    let ndjson = ["show", "--format", "ndjson"];
    for image in images(root, &temp) {
        run(&[&ndjson[..], &["--image", &image]].concat());
    }
    let mut folders = vec![temp.path().join("tiered-0").display().to_string()];
    for case in [
        "transactions-tv2",
        "tiered-3.9.1",
        "zero-page-512-mid",
        "share-4.3.1",
        "kill9-0901",
    ] {
        folders.extend(folders_of(root, case));
    }
    for folder in &folders {
        for what in [&[][..], &["--records"]] {
            run(&[&ndjson[..], what, &[folder]].concat());
        }
    }
    for file in [known, out.join("kseg.manifest.json").to_str().unwrap()] {
        objects.push(serde_json::from_slice(&fs::read(file).unwrap()).unwrap());
    }
    objects
}

/// The folders with files in a case.
fn folders_of(root: &Path, case: &str) -> Vec<String> {
    let releases = root.join("testdata").read_dir().unwrap();
    let dirs = releases.map(|release| release.unwrap().path().join(case));
    let files = dirs.flat_map(|dir| crate::cases::below(&dir.join("files")));
    let folders: BTreeSet<PathBuf> = files
        .filter(|file| {
            kseg::format::FileName::parse(file.file_name().unwrap().to_str().unwrap()).is_some()
        })
        .map(|file| file.parent().unwrap().to_owned())
        .collect();
    let relative = |folder: PathBuf| {
        let folder = folder.strip_prefix(root).unwrap();
        folder.display().to_string()
    };
    folders.into_iter().map(relative).collect()
}

/// Folders of internal topics: those of brokers, and one with metadata that no case has.
fn images(root: &Path, temp: &Temp) -> Vec<String> {
    let mut value = Vec::new();
    let mut batch = BatchSpec::at(0);
    for (kind, fields) in metadata() {
        value.clear();
        put_uvarint(&mut value, 1);
        put_uvarint(&mut value, kind);
        put_uvarint(&mut value, 0);
        value.extend(fields);
        batch = batch.then(Rec::new(None, Some(&value)));
    }
    temp.file(
        "__cluster_metadata-0/00000000000000000000.log",
        &batch.bytes(),
    );
    let mut snapshot = vec![0; 18];
    snapshot[17] = 1;
    let segment = [
        &[0, 3, 0][..],
        &[0; 16 + 8 + 8 + 4 + 8 + 8],
        &[1],
        &[0; 4],
        &[0, 2, 0],
    ]
    .concat();
    snapshot.extend(u32::try_from(segment.len()).unwrap().to_be_bytes());
    snapshot.extend(segment);
    temp.file("tiered-0/remote_log_snapshot", &snapshot);
    let mut images = vec![
        temp.path()
            .join("__cluster_metadata-0")
            .display()
            .to_string(),
    ];
    for case in [
        "logdir-dynamic-quorum",
        "classic-4.3.1",
        "txns-4.3.1",
        "share-4.3.1",
    ] {
        images.extend(folders_of(root, case).into_iter().filter(|folder| {
            let topics = ["__cluster", "__consumer", "__transaction", "__share"];
            topics
                .iter()
                .any(|topic| folder.contains(&format!("/{topic}")))
        }));
    }
    images
}

/// A permission, a quota, a SCRAM credential and a token: kind of record, and fields.
fn metadata() -> [(u32, Vec<u8>); 4] {
    let text = |text: &str| {
        let mut bytes = Vec::new();
        put_uvarint(&mut bytes, u32::try_from(text.len()).unwrap() + 1);
        bytes.extend(text.as_bytes());
        bytes
    };
    let time = |ms: i64| ms.to_be_bytes().to_vec();
    [
        (
            18,
            [
                vec![7; 16],
                vec![2],
                text("orders"),
                vec![3],
                text("User:ann"),
                text("*"),
                vec![3, 3, 0],
            ]
            .concat(),
        ),
        (
            14,
            [
                vec![2],
                text("user"),
                text("ann"),
                vec![0],
                text("producer_byte_rate"),
                1024_f64.to_be_bytes().to_vec(),
                vec![0, 0],
            ]
            .concat(),
        ),
        (
            11,
            [
                text("ann"),
                vec![1],
                text("salt"),
                text("stored"),
                text("server"),
                4096_i32.to_be_bytes().to_vec(),
                vec![0],
            ]
            .concat(),
        ),
        (
            10,
            [
                text("User:ann"),
                text("User:ann"),
                vec![2],
                text("User:bob"),
                time(1),
                time(3),
                time(2),
                text("token"),
                vec![0],
            ]
            .concat(),
        ),
    ]
}

/// Without what differs from one machine to the next.
fn steady(mut object: Value, id: &str) -> Value {
    fn visit(value: &mut Value, temp: &str) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if VARYING.contains(&name.as_str()) {
                        *value = Value::Null;
                    }
                    visit(value, temp);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| visit(value, temp)),
            Value::String(text) => {
                if let Some((_, rest)) = text.split_once(temp) {
                    let rest = rest.split_once('/').map_or("", |(_, rest)| rest);
                    *text = format!("TEMP/{rest}");
                }
                *text = text.replace(ROOT, "ROOT");
            }
            _ => {}
        }
    }
    visit(&mut object, &format!("{}/it-", env!("CARGO_TARGET_TMPDIR")));
    if id == "item/1" {
        object["last_timestamp_ms"] = Value::Null;
    }
    object
}

#[test]
fn every_schema_is_listed_once_emitted_unchanged_and_readable() {
    let listed = listed();
    let twice: Vec<_> = listed.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "written down twice: {twice:?}");
    let types: BTreeMap<&str, Read> = ROWS.iter().copied().collect();
    let mut first: BTreeMap<String, Value> = BTreeMap::new();
    for object in emitted() {
        let id = object["schema"].as_str().unwrap();
        let id = id.strip_prefix("kseg.").unwrap().to_owned();
        assert!(
            listed.contains_key(&id),
            "{id} is not listed in src/cli/schema.rs"
        );
        if let Some(read) = types.get(id.as_str()) {
            if let Err(error) = read(object.clone()) {
                panic!("{id}: {error}\n{object}");
            }
        } else {
            let name = id.split('/').next().unwrap();
            assert!(DOCUMENTS.contains(&name), "{id} has no type here");
        }
        first
            .entry(id.clone())
            .or_insert_with(|| steady(object, &id));
    }
    let silent: Vec<_> = listed
        .keys()
        .filter(|id| !first.contains_key(*id))
        .collect();
    assert!(silent.is_empty(), "nothing emits {silent:?}");
    for (id, object) in first
        .iter()
        .filter(|(id, _)| types.contains_key(id.as_str()))
    {
        golden(
            &format!("schemas/{}.json", id.replace('/', "-")),
            &format!("{object:#}\n"),
        );
    }
}

/// Compares with a golden file, or writes it.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "BLESS=1 writes what is expected")]
pub(crate) fn golden(name: &str, found: &str) {
    let path = Path::new(ROOT).join("testdata/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == found,
        "testdata/golden/{name} differs (BLESS=1 cargo test rewrites it):\n--- expected\n{expected}\n--- found\n{found}"
    );
}
