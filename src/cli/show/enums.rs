//! The names of Kafka's enums; records of the metadata log have their numbers.
//!
//! # References
//! `AclPermissionType`, `AclOperation`, `ResourceType`, `PatternType`, `ScramMechanism`.

pub(super) const PERMISSIONS: [&str; 4] = ["unknown", "any", "deny", "allow"];
pub(super) const OPERATIONS: [&str; 16] = [
    "unknown",
    "any",
    "all",
    "read",
    "write",
    "create",
    "delete",
    "alter",
    "describe",
    "cluster-action",
    "describe-configs",
    "alter-configs",
    "idempotent-write",
    "create-tokens",
    "describe-tokens",
    "two-phase-commit",
];
pub(super) const RESOURCES: [&str; 8] = [
    "unknown",
    "any",
    "topic",
    "group",
    "cluster",
    "transactional-id",
    "delegation-token",
    "user",
];
pub(super) const PATTERNS: [&str; 5] = ["unknown", "any", "match", "literal", "prefixed"];
pub(super) const MECHANISMS: [&str; 3] = ["unknown", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// A number of one of Kafka's enums by its name.
pub(super) fn named(number: i8, names: &[&str]) -> String {
    let name = usize::try_from(number)
        .ok()
        .and_then(|index| names.get(index));
    name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

/// An operation as Kafka's tools write it: `DescribeConfigs`.
pub(super) fn camel(operation: i8) -> String {
    let words = named(operation, &OPERATIONS);
    let words = words.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}
