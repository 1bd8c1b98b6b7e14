//! Where a prediction and a recorded start differ for a reason.

/// Where a prediction cannot know better: case, release (or any), what differs, and why.
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
    ("meta-directory-other", "", &["outcome"], OFFLINE),
    (
        "meta-directory-twice",
        "",
        &["outcome"],
        "the other log dir of this id is not in the case",
    ),
    (
        "pmeta-wrong-id",
        "",
        &["gone", "logs", "log_end", "rebuilt"],
        METADATA,
    ),
    ("root-extra-partition", "", &["gone", "logs"], METADATA),
    (
        "root-unknown-topic",
        "2.8.2",
        &["outcome"],
        "ZooKeeper did not answer",
    ),
    (
        "tmp-leftovers",
        "",
        &["gone"],
        "written over once the broker is the leader",
    ),
];

const AT_ONCE: &str = "the cleaner stopped at another log dir before it came to this one";
const COMPACTED: &str = "the log was compacted behind the start";
const OFFLINE: &str =
    "the cluster had the replicas under another id of the log dir, and took them for lost";
const METADATA: &str = "which partitions there are is in the metadata log of another log dir";

/// Where the consumer of a recorded start did not get what a prediction says, by the beginning of the case's name, and why.
const READ_OTHERWISE: [(&str, &str); 13] = [
    ("flip-baseoffset", OTHER_RECORDS),
    ("foreign-same-offset", OTHER_RECORDS),
    ("forge-offset", OTHER_RECORDS),
    ("reversed-mid", OTHER_RECORDS),
    ("flip-length", WENT_FURTHER),
    ("garbage-sector", WENT_FURTHER),
    ("garbage-tail", STUMBLED),
    ("zero-tail", STUMBLED),
    ("pmeta-wrong-id", METADATA),
    ("flip-magic-to0", WENT_FURTHER),
    ("forge-", FORGED),
    ("missing-first-batch-last", FORGED),
    ("renamed-last", "the index has offsets beyond the log end"),
];

const OTHER_RECORDS: &str =
    "it got records at these offsets, but not those that were written there";
const WENT_FURTHER: &str =
    "where fetches returned nothing it was made to seek further than need be";
const FORGED: &str = "contents that no producer writes under a right checksum: clients differ in what they make of it";
const STUMBLED: &str =
    "it stumbled over what follows the last batch, where a consumer that is started anew goes on";

/// Whether a difference has a reason.
pub(crate) fn is_explained(case: &str, release: &str, kind: &str) -> bool {
    let is_read = ["read", "served"].contains(&kind);
    if is_read
        && READ_OTHERWISE
            .iter()
            .any(|(begin, _)| case.starts_with(begin))
    {
        return true;
    }
    EXPLAINED.iter().any(|(name, of, kinds, _)| {
        *name == case && (of.is_empty() || *of == release) && kinds.contains(&kind)
    })
}
