//! The checks of a log dir's `meta.properties`: `MetaPropertiesEnsemble`.

use super::conditions::Conditions;
use super::reason::Reason;
use super::release::Kafka;
use super::verdict::StartOutcome;
use crate::format::topic::is_reserved_id;
use crate::format::{FileKind, MetaProperties, Properties};
use crate::store::{Error, LogDir, read_known};

/// The file.
const FILE: &str = "meta.properties";

/// The maximum size of the file.
const LARGEST_BYTES: u64 = 1 << 20;

/// The result of the check.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// True if it is a node of a `KRaft` cluster.
    pub(super) is_kraft: bool,
    /// The content, if it can be read.
    pub(super) meta: Option<MetaProperties>,
    /// The fault of the file, and its outcome.
    pub(super) wrong: Option<(StartOutcome, Reason)>,
}

/// Checks the file like a node. With `ZooKeeper` it is written again if necessary.
pub(super) fn check(dir: &LogDir, conditions: &Conditions) -> Result<Checked, Error> {
    let item = dir.item(FileKind::MetaProperties);
    let unread = item.is_some_and(|item| !item.is_file() || item.len_bytes() > LARGEST_BYTES);
    let properties = match item.filter(|_| !unread) {
        Some(item) => Some(Properties::parse(&read_known(item.path())?)),
        None => None,
    };
    let meta = properties.as_ref().map(MetaProperties::of);
    let kafka = conditions.kafka;
    let wrong = match (&meta, &properties) {
        (Some(meta), Some(properties)) if kafka.is_kraft() => {
            of_kraft(meta, properties, conditions)
        }
        (Some(meta), _) => of_zookeeper(meta, conditions),
        _ if unread => Some((StartOutcome::Offline, "cannot be read")),
        _ if kafka.is_kraft() => Some((StartOutcome::Refuses, "missing")),
        _ => None,
    };
    let is_old = meta.as_ref().is_some_and(|meta| meta.version == Some(0));
    let reason = |what: &str| Reason::Identity {
        file: FILE.to_owned(),
        what: what.to_owned(),
    };
    Ok(Checked {
        is_kraft: kafka.is_kraft() && item.is_some() && !is_old,
        meta,
        wrong: wrong.map(|(outcome, what)| (outcome, reason(what))),
    })
}

/// A broker with `ZooKeeper` accepts version 0 only.
fn of_zookeeper(
    meta: &MetaProperties,
    conditions: &Conditions,
) -> Option<(StartOutcome, &'static str)> {
    match meta.version {
        Some(0) => of_node(meta, conditions),
        Some(1) => Some((
            StartOutcome::Refuses,
            "it has version 1 (KRaft); a broker with ZooKeeper needs version 0",
        )),
        _ => None,
    }
}

fn of_kraft(
    meta: &MetaProperties,
    properties: &Properties,
    conditions: &Conditions,
) -> Option<(StartOutcome, &'static str)> {
    let unnamed = meta.node_id.is_none() || meta.cluster_id.is_none();
    match meta.version {
        Some(0) if !conditions.kafka.takes_old_meta() => {
            return Some((
                StartOutcome::Refuses,
                "it has version 0 (ZooKeeper); this release needs version 1",
            ));
        }
        Some(0) if meta.node_id.is_some() => return None,
        Some(0) => return Some((StartOutcome::Refuses, "it has no node.id")),
        Some(1) if unnamed => {
            return Some((StartOutcome::Offline, "it has no node.id or no cluster.id"));
        }
        Some(1) => {}
        _ => return Some((StartOutcome::Offline, "its version is unknown")),
    }
    if conditions.kafka.has_directory_ids() {
        match (meta.directory_id, properties.get("directory.id")) {
            (Some(id), _) if is_reserved_id(id) => {
                return Some((StartOutcome::Refuses, "its directory.id is a reserved one"));
            }
            (None, Some(_)) => {
                return Some((StartOutcome::Offline, "its directory.id is not a UUID"));
            }
            _ => {}
        }
    }
    of_node(meta, conditions)
}

fn of_node(meta: &MetaProperties, conditions: &Conditions) -> Option<(StartOutcome, &'static str)> {
    let differs = |wanted: &String| meta.cluster_id.as_ref().is_some_and(|id| id != wanted);
    if conditions.cluster_id.as_ref().is_some_and(differs) {
        return Some((
            StartOutcome::Refuses,
            "it has the cluster.id of another cluster",
        ));
    }
    let wanted = conditions.settings.node_id();
    let other = wanted.is_some() && meta.node_id.is_some() && meta.node_id != wanted;
    other.then_some((StartOutcome::Refuses, "it has the id of another node"))
}

/// Returns true if the log dir has no directory id, by which the cluster assigns replicas. The
/// broker creates a new one.
pub(super) fn lacks_directory_id(meta: &MetaProperties, kafka: Kafka) -> bool {
    kafka.has_directory_ids() && meta.version == Some(1) && meta.directory_id.is_none()
}

/// Returns the reason for a missing directory id.
pub(super) fn no_directory_id() -> Reason {
    Reason::Identity {
        file: FILE.to_owned(),
        what: "it has no directory.id: the broker creates a new one, and partitions assigned to \
               the old one have no leader until the broker has registered the new one"
            .to_owned(),
    }
}

/// Compares log dirs of one node: they have the same cluster and node, and different directory ids.
/// Returns the fault of the one that is compared.
pub(super) fn compare(
    meta: &MetaProperties,
    before: &[&MetaProperties],
    kafka: Kafka,
) -> Option<Reason> {
    let is_twice = |other: &MetaProperties| {
        kafka.has_directory_ids()
            && meta.directory_id.is_some()
            && other.directory_id == meta.directory_id
    };
    let what = match before.iter().find(|other| other.version.is_some()) {
        Some(other) if other.cluster_id != meta.cluster_id => {
            "its cluster.id differs from that of the other log dirs"
        }
        Some(other) if other.node_id != meta.node_id => {
            "its node id differs from that of the other log dirs"
        }
        _ if before.iter().any(|other| is_twice(other)) => {
            "another log dir has the same directory.id"
        }
        _ => return None,
    };
    Some(Reason::Identity {
        file: FILE.to_owned(),
        what: what.to_owned(),
    })
}
