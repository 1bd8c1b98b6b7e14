//! What is asked of a log dir's `meta.properties`: `MetaPropertiesEnsemble`.

use super::conditions::{Conditions, Kafka};
use super::reason::Reason;
use super::verdict::{DirVerdict, Outcome};
use crate::format::name::META_PROPERTIES;
use crate::format::topic::is_reserved_id;
use crate::format::{FileKind, MetaProperties, Properties};
use crate::store::{Cap, read_small};
use crate::store::{Error, LogDir, Place};

/// How much of the file is read.
const CAP: Cap = Cap::of(FileKind::MetaProperties);

/// What the file says of the node.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// Whether it is a node of a `KRaft` cluster.
    pub(super) is_kraft: bool,
    /// What is wrong with the file, and what comes of it.
    pub(super) wrong: Option<(Outcome, Reason)>,
}

/// Asks the file what a `KRaft` node asks. With `ZooKeeper` it is made anew if need be.
pub(super) fn check(dir: &LogDir, conditions: &Conditions) -> Result<Checked, Error> {
    if conditions.kafka == Kafka::V2_8 {
        return Ok(Checked::default());
    }
    let found = |outcome, what: &str| {
        let file = META_PROPERTIES.to_owned();
        let what = what.to_owned();
        Ok(Checked {
            is_kraft: true,
            wrong: Some((outcome, Reason::Identity { file, what })),
        })
    };
    let Some(item) = dir.item(FileKind::MetaProperties) else {
        return found(Outcome::Refuses, "missing").map(|checked| Checked {
            is_kraft: false,
            ..checked
        });
    };
    if !item.is_file() || item.len_bytes() > CAP.bytes() {
        return found(Outcome::Offline, "cannot be read");
    }
    let properties = Properties::parse(&read_small(item.path(), CAP)?);
    let meta = MetaProperties::of(&properties);
    let unnamed = meta.node_id.is_none() || meta.cluster_id.is_none();
    match meta.version {
        Some(0) if meta.node_id.is_some() => return Ok(Checked::default()),
        Some(0) => return found(Outcome::Refuses, "it names no node"),
        Some(1) if unnamed => return found(Outcome::Offline, "it names no node or no cluster"),
        Some(1) => {}
        _ => return found(Outcome::Offline, "its version is unknown"),
    }
    match (meta.directory_id, properties.get("directory.id")) {
        (Some(id), _) if is_reserved_id(id) => {
            return found(Outcome::Refuses, "its directory.id is a reserved one");
        }
        (None, Some(_)) => return found(Outcome::Offline, "its directory.id is no UUID"),
        (None, None) => {
            return found(
                Outcome::Offline,
                "it has no directory.id, by which the cluster knows where replicas are",
            );
        }
        _ => {}
    }
    if let Some(node) = &conditions.node {
        if meta.cluster_id.as_ref() != Some(&node.cluster_id) {
            return found(Outcome::Refuses, "it is of another cluster");
        }
        if meta.node_id != Some(node.id) {
            return found(Outcome::Refuses, "it is of another node");
        }
    }
    Ok(Checked {
        is_kraft: true,
        wrong: None,
    })
}

/// Log dirs of one node: they name the same cluster and node, and no two have the same id.
pub(super) fn compare(
    places: &[Place],
    conditions: &Conditions,
    verdicts: &mut [DirVerdict],
) -> Result<(), Error> {
    if conditions.kafka == Kafka::V2_8 {
        return Ok(());
    }
    let mut seen: Vec<MetaProperties> = Vec::new();
    for place in places {
        let Place::LogDir(dir) = place else { continue };
        let item = dir.item(FileKind::MetaProperties);
        let Some(item) = item.filter(|item| item.is_file() && item.len_bytes() <= CAP.bytes())
        else {
            continue;
        };
        let meta = MetaProperties::of(&Properties::parse(&read_small(item.path(), CAP)?));
        let what = seen.iter().find_map(|other| {
            let told = |a: bool| other.version.is_some() && a;
            match () {
                () if told(other.cluster_id != meta.cluster_id) => {
                    Some("it is of another cluster than the log dirs before it")
                }
                () if told(other.node_id != meta.node_id) => {
                    Some("it is of another node than the log dirs before it")
                }
                () if meta.directory_id.is_some() && other.directory_id == meta.directory_id => {
                    Some("its directory.id is that of another log dir")
                }
                () => None,
            }
        });
        let path = dir.path().to_string_lossy();
        if let Some(what) = what
            && let Some(verdict) = verdicts.iter_mut().find(|verdict| verdict.path == path)
        {
            verdict.outcome = Outcome::Refuses;
            verdict.reasons.push(Reason::Identity {
                file: META_PROPERTIES.to_owned(),
                what: what.to_owned(),
            });
        }
        seen.push(meta);
    }
    Ok(())
}
