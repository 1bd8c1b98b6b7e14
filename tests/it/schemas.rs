//! Every kind of object that kseg writes: listed once, emitted by something, unchanged, and readable into types that are
//! written here a second time.
//!
//! `BLESS=1` writes the first object of each kind into `testdata/golden/schemas/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::process;
use crate::schema_inputs::{VIEWS, folders_of, images};
use crate::temp::Temp;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Values that depend on the file system, the release or the time of a checkout.
const VARYING: [&str; 3] = ["disk_bytes", "kseg", "tool"];

/// Kinds that say what is in a document, which other tests read in every detail.
const DOCUMENTS: [&str; 7] = [
    "findings",
    "verdict",
    "plan",
    "plans",
    "baseline",
    "manifest",
    "lost_found",
];

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
    Check "check/1" { rows: Vec<Value> }
    Checked "checked/1" {
        log_dir: String, partition: Text, severity: Text, code: Text, finding: Text, unreadable_records: Int,
        unreadable: Text, start: Text, start_loses_records: u64, start_loses_bytes: u64, start_deletes_records: u64,
        plan_loses_records: u64,
    }
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
        first_timestamp_ms: Int, min_timestamp_ms: Int, leader_epoch: Int, batches: Int, zero_bytes: Int, damaged_bytes: Int,
        fault_position: Int, fault: Text,
    }
    Split "split/1" {
        path: String, partition: String, base_offset: i64, first_offset: i64, end_offset: i64, position: u64,
        size_bytes: u64, last_timestamp_ms: Int,
    }
    Schemas "schemas/1" { rows: Vec<Value> }
    RegisteredSchema "registered_schema/1" {
        subject: String, version: i64, id: i64, r#type: String, deleted: bool, references: Texts, used_by: Option<Texts>,
        text: String,
    }
    SchemaProblem "schema_problem/1" { problem: String, id: i64, message: String }
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
    Field "field/1" {
        position: u64, size_bytes: u64, hex: String, field: String, value: String, is_damaged: bool,
    }
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
    Connector "connector/1" {
        connector: String, task: Int, class: Text, state: Text, target_state: Text, worker: Text, topics: Texts, error: Text,
    }
    SourceOffset "source_offset/1" { connector: String, partition: String, offset: String, record_offset: i64 }
    Share "share_partition/1" {
        group: String, topic_id: String, partition: i64, start_offset: Int, leader_epoch: Int, state_epoch: i64,
        snapshot_epoch: i64, record_offset: i64,
    }
    TieredSegment "tiered_segment/1" {
        topic: String, partition: i64, topic_id: String, segment_id: String, start_offset: i64, end_offset: i64,
        size_bytes: i64, state: String, in_progress: bool, partition_state: Text, broker_id: i64, max_timestamp_ms: Int,
        event_timestamp_ms: Int, record_offset: i64,
    }
    GroupOffset "group_offset/1" {
        group: String, topic: String, partition: i64, offset: Int, leader_epoch: Int, log_start_offset: Int,
        log_end_offset: Int, high_watermark: Int, lag: Int, problem: Text, pending_offset: Int, pending_producer_id: Int,
        member_id: Text, client_host: Text, client_id: Text, commit_timestamp_ms: Int, expire_timestamp_ms: Int, expires_ms: Int,
        metadata: Text,
    }
    GroupState "group_state/1" {
        group: String, kind: String, state: String, assignor: Text, epoch: Int, members: u64, offsets: u64,
        home_partition: Int,
    }
    GroupMember "group_member/1" {
        group: String, member_id: String, instance_id: Text, client_id: String, client_host: String, epoch: Int,
        assigned: Texts, target: Texts,
    }
    Groups "groups/1" { rows: Vec<Value> }
    OpenTransaction "open_transaction/1" {
        topic: String, partition: i64, start_offset: i64, is_last_stable_offset: bool, held_back_offsets: i64,
        state: String, producer_id: i64, producer_epoch: i64, coordinator_epoch: Int, last_offset: Int,
        last_timestamp_ms: Int, transactional_id: Text, transaction_state: Text, start_timestamp_ms: Int, timeout_ms: Int,
        abort_command: Text,
    }
    PartitionProducer "partition_producer/1" {
        topic: String, partition: i64, producer_id: i64, producer_epoch: i64, coordinator_epoch: Int, last_sequence: Int,
        last_offset: Int, last_timestamp_ms: Int, transaction_start_offset: Int,
    }
    Txns "txns/1" { rows: Vec<Value> }
    Retention "retention/1" { rows: Vec<Value> }
    RetentionSegment "retention_segment/1" {
        path: String, topic: Text, partition: Int, base_offset: i64, size_bytes: u64, is_active: bool,
        largest_timestamp_ms: i64, largest_timestamp_offset: Int, fate: String, why: String, deleted_after_ms: Int,
        kept_by_base_offset: Int, bytes_until_size: Int, retention_ms: i64, retention_bytes: i64, assumed: Texts,
    }
    Compaction "compaction/1" { rows: Vec<Value> }
    CompactedPartition "compacted_partition/1" {
        path: String, topic: Text, partition: Int, log_start_offset: i64, first_dirty_offset: i64,
        is_dirty_offset_noted: bool, first_uncleanable_offset: i64, log_end_offset: i64, limit: String, clean_bytes: u64,
        dirty_bytes: u64, uncleanable_bytes: u64, dirty_ratio: f64, min_dirty_ratio: f64, is_due: bool, state: String,
        records: u64, keys: u64, duplicates: u64, replaced_records: u64, replaced_bytes: u64, error: Option<f64>,
        tombstones: u64, tombstones_due: u64, tombstones_new: u64, next_delete_horizon_ms: Int, aborted_records: u64,
        keyless_records: u64, stops: u64,
    }
    CompactionStop "compaction_stop/1" { path: String, position: u64, offset: Int, kind: String, what: String }
    Stats "stats/1" { rows: Vec<Value> }
    StatsGroup "stats_group/1" {
        by: String, group: Value, records: u64, batches: Int, records_per_batch: Option<f64>, stored_bytes: u64,
        unpacked_bytes: u64, compression_ratio: Option<f64>, header_bytes: u64, null_keys: u64, null_values: u64,
        min_size_bytes: Int, mean_size_bytes: Int, p50_size_bytes: Int, p95_size_bytes: Int, p99_size_bytes: Int,
        max_size_bytes: Int, first_timestamp_ms: Int, last_timestamp_ms: Int, share: f64,
    }
    Diff "diff/1" { rows: Vec<Value> }
    DiffPartition "diff_partition/1" {
        topic: String, partition: Int, path_a: Text, path_b: Text, state: String, log_start_offset_a: Int,
        log_start_offset_b: Int, log_end_offset_a: Int, log_end_offset_b: Int, log_bytes_a: u64, log_bytes_b: u64,
        same_records: u64, only_a_records: u64, only_b_records: u64, different_records: u64, framing_records: u64,
        parts_at_offset: Int, epochs_part_at_offset: Int,
    }
    DiffRange "diff_range/1" {
        topic: String, partition: Int, kind: String, first_offset: i64, last_offset: i64, records: u64, why: Text,
    }
    Fingerprint "fingerprint/1" { rows: Vec<Value> }
    FingerprintPartition "fingerprint_partition/1" {
        path: String, topic: Text, partition: Int, records: u64, first_offset: Int, last_offset: Int, digest: String,
        is_whole: bool,
    }
    Prediction "prediction/2" {
        log_dir: String, dir: String, outcome: String, log_start: Int, log_end: Int, lost_records: u64, lost_bytes: u64,
        deleted_records: u64, why: Text,
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

/// The data are older than what is kept by default.
const KEPT: &str = "--set=retention.ms=-1";

/// What `ls` lists.
const LISTINGS: &[&[&str]] = &[
    &[],
    &["--segments"],
    &["--segments", "--split", "1M"],
    &["--topics"],
];

/// Records of the topic of a schema registry; an id has two texts.
const REGISTRY: &str = r#"{"key":{"keytype":"SCHEMA","subject":"orders-value","version":1},"value":{"subject":"orders-value","version":1,"id":7,"schema":"\"long\""}}
{"key":{"keytype":"SCHEMA","subject":"clicks-value","version":1},"value":{"subject":"clicks-value","version":1,"id":7,"schema":"{}","schemaType":"JSON","references":[{"name":"a","subject":"a","version":2}]}}
"#;

/// What the commands print that between them emit every schema.
#[expect(clippy::too_many_lines, reason = "a list of commands")]
fn emitted() -> Vec<Value> {
    let root = Path::new(ROOT);
    let temp = Temp::new();
    let mut objects = Vec::new();
    let mut run = |args: &[&str]| {
        let ran = process::kseg(root, args);
        assert!(ran.status < Some(2), "{args:?}: {}", ran.err);
        let lines = ran.out.lines();
        for line in lines.filter(|line| line.starts_with("{\"schema\"")) {
            objects.extend(serde_json::from_str::<Value>(line).ok());
        }
        if let Ok(document) = serde_json::from_str(&ran.out) {
            objects.push(document);
        }
    };
    let kafka = "testdata/kafka-4.3.1";
    let seed = "testdata/seed/00000000000000000000.log";
    for args in LISTINGS {
        let dir = format!("{kafka}/tmp-leftovers/files");
        run(&[&["ls", "--format", "ndjson"], *args, &[&dir]].concat());
    }
    run(&["ls", "--format", "json", seed]);
    let registry = temp.file("schemas.ndjson", REGISTRY.as_bytes());
    let registry = registry.to_str().unwrap();
    run(&["schemas", "--format", "json", registry]);
    run(&["schemas", "--format", "ndjson", registry]);
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
        run(&[
            "check",
            "--format",
            format,
            "testdata/kafka-4.3.1/ls-beyond/files",
        ]);
        run(&["predict", KEPT, "--format", format, &flipped]);
    }
    let plan = temp.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    run(&["repair", "plan", "-o", plan, "--format", "json", &flipped]);
    run(&["repair", "show", "--format", "ndjson", plan]);
    let holed = format!("{kafka}/zero-page-512-mid/files");
    run(&["repair", "plan", "--format", "json", &flipped, &holed]);
    run(&["repair", "plan", "-o", plan, "--force", &holed]);
    let fixed = temp.path().join("fixed");
    let into = ["--accept-lossy", "--into", fixed.to_str().unwrap()];
    run(&[&["repair", "apply", plan], &into[..]].concat());
    let taken = temp.path().join("fixed.lost+found/manifest.json");
    for (view, args, case) in VIEWS {
        let files = format!("{kafka}/{case}/files");
        run(&[&[*view], *args, &[&files]].concat());
    }
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
    let manifest = out.join("kseg.manifest.json");
    run(&["show", "--hex", "--format", "ndjson", seed]);
    for file in [Path::new(known), &manifest, &taken] {
        objects.push(serde_json::from_slice(&fs::read(file).unwrap()).unwrap());
    }
    objects
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
