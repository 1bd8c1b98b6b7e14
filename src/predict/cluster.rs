//! The cluster that results from the metadata log when the node has started.
//!
//! Further facts that other controllers have are not on the disk.

use super::conditions::Conditions;
use super::log::SegmentWindow;
use super::reason::{Reason, Stranger};
use super::settings::{SEGMENT_BYTES, TOPIC_RESOURCE, TopicSettings};
use super::start::Start;
use super::thrown::Thrown;
use super::virtual_dir::{Content, log_base};
use crate::format::Batch;
use crate::format::name::{CHECKPOINT_SUFFIX, checkpoint};
use crate::report::metadata_image::Topic;
use crate::report::{Image as _, MetadataImage};
use crate::wire::Uuid;

/// The feature that determines the records of the metadata log.
const METADATA_VERSION: &str = "metadata.version";

/// A node and its cluster, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    /// The image of the metadata log; `None` if it is not in the given log dirs.
    pub(super) image: Option<MetadataImage>,
    /// The node that starts.
    pub(super) node_id: Option<i32>,
}

/// The standing of a partition's directory in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is served, or that is unknown.
    Served,
    /// It is not assigned to the broker; true if a new one is served in its place, if that is
    /// known.
    Stray(Stranger, Option<bool>),
    /// It has the id of another topic.
    OtherTopic(String),
}

impl Cluster {
    /// Returns the standing of a partition whose directory has the topic id `id`.
    pub(super) fn standing(&self, topic: &str, number: i32, id: Option<Uuid>) -> Standing {
        let Some(image) = self.image.as_ref() else {
            return match id {
                None => Standing::Stray(Stranger::NoTopicId, None),
                Some(_) => Standing::Served,
            };
        };
        let current = || image.topic(topic);
        let is_here = |known: &Topic| self.has_replica(known, number);
        let replaced = || current().map_or(Some(false), |(_, known)| is_here(known));
        let Some(id) = id else {
            return Standing::Stray(Stranger::NoTopicId, replaced());
        };
        let Some(known) = image.topics.get(&id) else {
            let why = Stranger::UnknownId {
                id,
                current: current().map(|(id, _)| *id),
            };
            return Standing::Stray(why, replaced());
        };
        if !known.partitions.contains_key(&number) {
            return Standing::Stray(Stranger::NoPartition, replaced());
        }
        if is_here(known) == Some(false) {
            return Standing::Stray(Stranger::NotReplica, Some(false));
        }
        if known.name == topic {
            Standing::Served
        } else {
            Standing::OtherTopic(known.name.clone())
        }
    }

    /// Returns true if the node has a replica of a partition, if the node is known.
    fn has_replica(&self, topic: &Topic, number: i32) -> Option<bool> {
        let Some(partition) = topic.partitions.get(&number) else {
            return Some(false);
        };
        Some(partition.replicas.contains(&self.node_id?))
    }

    /// Returns true if the cluster knows in which log dir the node has a partition.
    pub(super) fn has_directory(&self, topic: &str, number: i32) -> bool {
        let (Some(image), Some(node)) = (&self.image, self.node_id) else {
            return false;
        };
        let known = image.topic(topic);
        let partition = known.and_then(|(_, known)| known.partitions.get(&number));
        partition.is_some_and(|partition| partition.directory(node).is_some())
    }

    /// The settings of a topic on the node.
    pub(super) fn settings<'a>(
        &'a self,
        topic: &'a str,
        conditions: &'a Conditions,
    ) -> TopicSettings<'a> {
        conditions.topic_settings(self.image.as_ref(), self.node_id, topic)
    }

    /// Returns the reasons why the release cannot run with the state of the cluster.
    pub(super) fn refusals(&self, conditions: &Conditions) -> Vec<Reason> {
        let (Some(image), Some((least, newest))) =
            (&self.image, conditions.kafka.metadata_versions())
        else {
            return Vec::new();
        };
        let mut reasons = Vec::new();
        let kraft = image.kraft_version.map(|level| ("kraft.version", level));
        let features = image.features.iter().map(|(name, level)| (&**name, *level));
        let (first, others): (Vec<_>, Vec<_>) =
            features.partition(|(name, _)| *name == METADATA_VERSION);
        for (feature, level) in first.into_iter().chain(others).chain(kraft) {
            let (least, most) = match feature {
                METADATA_VERSION => (least, newest),
                other => (0, conditions.kafka.newest_level(other)),
            };
            if !(least..=most).contains(&level) {
                reasons.push(Reason::FeatureLevel {
                    feature: feature.to_owned(),
                    level,
                    least,
                    most,
                });
            }
        }
        let least = conditions.kafka.least_segment_bytes();
        for (kind, topic) in image
            .configs
            .keys()
            .filter(|(kind, _)| *kind == TOPIC_RESOURCE)
        {
            let own = image.configs.get(&(*kind, topic.clone()));
            let bytes = own.and_then(|own| own.get(SEGMENT_BYTES)?.parse().ok());
            if let Some(value) = bytes.filter(|&bytes: &i64| bytes < least) {
                reasons.push(Reason::Setting {
                    topic: topic.clone(),
                    setting: SEGMENT_BYTES.to_owned(),
                    value,
                    least,
                });
            }
        }
        reasons
    }
}

/// Reads the newest snapshot and the log after it, as they are once the metadata log is loaded.
pub(super) fn image(start: &mut Start<'_>) -> Result<MetadataImage, Thrown> {
    let mut image = MetadataImage::default();
    let files = start.virtual_dir.after();
    let newest = files
        .keys()
        .filter(|name| name.ends_with(CHECKPOINT_SUFFIX))
        .filter_map(|name| Some((checkpoint(name)?, name.clone())))
        .max_by_key(|((end, epoch), _)| (*epoch, *end));
    let mut logs: Vec<(i64, String)> = files
        .keys()
        .filter_map(|name| Some((log_base(name)?, name.clone())))
        .collect();
    logs.sort();
    let mut from = 0;
    if let Some(((end, _), name)) = newest {
        take(start, &name, 0, &mut image)?;
        from = end.0;
    }
    for (_, name) in logs {
        take(start, &name, from, &mut image)?;
    }
    Ok(image)
}

/// Adds the batches of a file from an offset on. If one cannot be read, the rest of the file is
/// ignored.
fn take(
    start: &mut Start<'_>,
    name: &str,
    from: i64,
    image: &mut MetadataImage,
) -> Result<(), Thrown> {
    let Some(content) = start.virtual_dir.file(name).cloned() else {
        return Ok(());
    };
    batches(name, &content, &mut |batch| {
        if batch.last_offset().0 >= from {
            // An unreadable record changes nothing, and is not counted here.
            let _ = image.batch(batch, &mut start.scratch);
        }
    })
}

/// Passes on every batch of a file, up to the first that cannot be read.
pub(super) fn batches(
    name: &str,
    content: &Content,
    see: &mut dyn FnMut(&Batch<'_>),
) -> Result<(), Thrown> {
    let mut log = SegmentWindow::open(name, content)?;
    let mut position = 0;
    loop {
        match log.entry(position, log.len_bytes()) {
            Ok(Some(entry)) => {
                position = entry.end();
                match log.frame(entry).map(Batch::parse) {
                    Ok(Ok(batch)) => see(&batch),
                    Err(Thrown::Ours(error)) => return Err(error.into()),
                    _ => {}
                }
            }
            Err(Thrown::Ours(error)) => return Err(error.into()),
            _ => return Ok(()),
        }
    }
}
