//! The conditions of a start besides the files.

use super::release::Kafka;
use super::settings::{BROKER_RESOURCE, Settings, TOPIC_RESOURCE, TopicSettings};
use crate::report::MetadataImage;

/// The conditions of a start, without the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The broker that starts.
    pub kafka: Kafka,
    /// Assumes that `.kafka_cleanshutdown` is missing, as if the broker had crashed.
    pub unclean: bool,
    /// Assumes that the recovery points are missing too, so that everything is recovered.
    pub no_recovery_points: bool,
    /// Reads all batches of the logs when they are loaded, to find those that fail when they are
    /// fetched. Without it only the batches that the start reads are known.
    pub reads_all: bool,
    /// The settings of the broker and its topics, as far as they are given.
    pub settings: Settings,
    /// The cluster of the node, if it is known.
    pub cluster_id: Option<String>,
    /// The time of the start, in milliseconds since 1970. Without it nothing is reported about the
    /// hour after the start, in which retention deletes old segments.
    pub now_ms: Option<i64>,
}

impl Conditions {
    /// The settings of a topic on a node, from the metadata log and the given settings.
    #[must_use]
    pub fn topic_settings<'a>(
        &'a self,
        image: Option<&'a MetadataImage>,
        node_id: Option<i32>,
        topic: &'a str,
    ) -> TopicSettings<'a> {
        let of = |kind, name: String| image?.configs.get(&(kind, name));
        let own = node_id.and_then(|id| of(BROKER_RESOURCE, id.to_string()));
        TopicSettings {
            settings: &self.settings,
            configs: [
                of(TOPIC_RESOURCE, topic.to_owned()),
                own,
                of(BROKER_RESOURCE, String::new()),
            ],
            topic,
            kafka: self.kafka,
            was_compacted: false,
        }
    }
}
