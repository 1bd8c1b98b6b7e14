//! Folders whose files make `kseg show` emit every kind of object.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::forge::bytes::put_uvarint;
use crate::forge::{BatchSpec, Frame, Rec};
use crate::temp::Temp;

/// Views over log dirs, their options and cases.
pub(crate) const VIEWS: &[(&str, &[&str], &str)] = &[
    ("groups", &["--format=json"], "consumer-4.3.1"),
    ("groups", &["--format=ndjson"], "consumer-4.3.1"),
    ("groups", &["--format=ndjson", "--state"], "consumer-4.3.1"),
    (
        "groups",
        &["--format=ndjson", "--members"],
        "consumer-4.3.1",
    ),
    ("txns", &["--format=json", "--now=2027-06-01"], "txns-4.3.1"),
    (
        "txns",
        &["--format=ndjson", "--now=2027-06-01"],
        "txns-4.3.1",
    ),
    ("txns", &["--format=ndjson", "--producers"], "txns-4.3.1"),
    (
        "retention",
        &["--format=json", "--now=2027-06-01"],
        "txns-4.3.1",
    ),
    (
        "retention",
        &["--format=ndjson", "--now=2027-06-01"],
        "txns-4.3.1",
    ),
    (
        "compaction",
        &["--format=json", "--now=2027-06-01"],
        "txns-4.3.1",
    ),
    ("compaction", COMPACTED, "zero-page-512-mid"),
    ("stats", &["--format=json"], "txns-4.3.1"),
    ("stats", &["--format=ndjson", "--by=key"], "txns-4.3.1"),
    (
        "diff",
        &["--format=json", "testdata/kafka-4.3.1/classic-4.3.1/files"],
        "txns-4.3.1",
    ),
    (
        "diff",
        &[
            "--format=ndjson",
            "testdata/kafka-4.3.1/classic-4.3.1/files",
        ],
        "txns-4.3.1",
    ),
    ("fingerprint", &["--format=json"], "txns-4.3.1"),
    ("fingerprint", &["--format=ndjson"], "txns-4.3.1"),
];

const COMPACTED: &[&str] = &[
    "--format=ndjson",
    "--set=cleanup.policy=compact",
    "--now=2027-06-01",
];

/// The folders with files in a case.
pub(crate) fn folders_of(root: &Path, case: &str) -> Vec<String> {
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
pub(crate) fn images(root: &Path, temp: &Temp) -> Vec<String> {
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
        "tieredmeta-4.3.1",
        "connect-4.3.1",
    ] {
        images.extend(folders_of(root, case).into_iter().filter(|folder| {
            let topics = [
                "__cluster",
                "__consumer",
                "__transaction",
                "__share",
                "__remote",
                "connect-configs",
                "connect-offsets",
                "connect-status",
            ];
            topics
                .iter()
                .any(|topic| folder.contains(&format!("/{topic}")))
        }));
    }
    images
}

/// An ACL, a quota, a SCRAM credential and a token: kind of record, and fields.
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
