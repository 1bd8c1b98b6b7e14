//! Connectors, their tasks and the offsets of their sources, from the three topics of Kafka
//! Connect.
//!
//! The topics have any name (`config.storage.topic`, `offset.storage.topic`,
//! `status.storage.topic`), so a record is identified by its key. Configurations hold passwords and
//! are not kept.
//!
//! # References
//! `KafkaConfigBackingStore`, `KafkaStatusBackingStore`, `OffsetStorageWriter`, of Kafka Connect
//! 4.3.

use std::collections::{BTreeMap, BTreeSet};

use super::Image;
use crate::format::json::Json;
use crate::format::{Batch, Record};
use crate::wire::Offset;

/// The state that a Connect cluster has stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connect {
    /// Connectors by name, and their tasks by number.
    pub connectors: BTreeMap<(String, Option<u32>), Connector>,
    /// Topics that each connector uses.
    pub topics: BTreeMap<String, BTreeSet<String>>,
    /// Offsets of sources by connector and source partition, which is JSON.
    pub offsets: BTreeMap<(String, String), SourceOffset>,
    /// Records that are not Connect's, or could not be read.
    pub unread: u64,
    /// Records of Connect.
    pub read: u64,
}

/// A connector, or one of its tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connector {
    /// Its class, while it is configured.
    pub class: Option<String>,
    /// Its state, as a worker wrote it last.
    pub state: Option<String>,
    /// The requested state: `STARTED`, `PAUSED`, `STOPPED`.
    pub target_state: Option<String>,
    /// The worker that runs it.
    pub worker: Option<String>,
    /// The first line of the error at which it failed.
    pub error: Option<String>,
}

/// The offset of a source partition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceOffset {
    /// The offset, as JSON.
    pub offset: String,
    /// The offset of its record in the log.
    pub record_offset: Offset,
}

impl Image for Connect {
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>) {
        if batch.is_control() {
            return;
        }
        match self.take(record) {
            Some(()) => self.read += 1,
            None => self.unread += 1,
        }
    }
}

/// Keys of records that are not about the state of a connector.
const OTHER_KEYS: [&str; 5] = [
    "session-key",
    "commit-",
    "tasks-fencing-",
    "restart-connector-",
    "logger-cluster-",
];

impl Connect {
    fn take(&mut self, record: &Record<'_>) -> Option<()> {
        let key = std::str::from_utf8(record.key()?).ok()?;
        if key.starts_with('[') {
            return self.offset(key, record);
        }
        let value = match record.value() {
            Some(bytes) => Some(Json::parse(bytes).ok()?),
            None => None,
        };
        let value = value.as_ref();
        if let Some(rest) = key.strip_prefix("status-topic-") {
            let (topic, connector) = rest.split_once(":connector-")?;
            let topics = self.topics.entry(connector.to_owned()).or_default();
            match value {
                Some(_) => topics.insert(topic.to_owned()),
                None => topics.remove(topic),
            };
        } else if let Some(name) = key.strip_prefix("status-connector-") {
            self.status((name.to_owned(), None), value);
        } else if let Some(name) = key.strip_prefix("status-task-") {
            self.status(task(name)?, value);
        } else if let Some(name) = key.strip_prefix("connector-") {
            self.configured((name.to_owned(), None), "connector.class", value);
        } else if let Some(name) = key.strip_prefix("task-") {
            self.configured(task(name)?, "task.class", value);
        } else if let Some(name) = key.strip_prefix("target-state-") {
            let state = value.and_then(|it| it.get("state.v2").or_else(|| it.get("state")));
            self.of((name.to_owned(), None)).target_state = text(state);
        } else if !OTHER_KEYS.iter().any(|prefix| key.starts_with(prefix)) {
            return None;
        }
        self.connectors.retain(|_, it| *it != Connector::default());
        Some(())
    }

    fn of(&mut self, id: (String, Option<u32>)) -> &mut Connector {
        self.connectors.entry(id).or_default()
    }

    fn configured(&mut self, id: (String, Option<u32>), class: &str, value: Option<&Json<'_>>) {
        if value.is_none() && id.1.is_none() {
            // A deleted connector leaves the configurations of its tasks in the topic.
            let own = self.connectors.iter_mut();
            for (_, task) in own.filter(|((name, _), _)| *name == id.0) {
                task.class = None;
            }
        }
        let properties = value.and_then(|it| it.get("properties"));
        self.of(id).class = text(properties.and_then(|it| it.get(class)));
    }

    fn status(&mut self, id: (String, Option<u32>), value: Option<&Json<'_>>) {
        let field = |name| text(value.and_then(|it| it.get(name)));
        let connector = self.of(id);
        connector.state = field("state");
        connector.worker = field("worker_id");
        let error = field("trace");
        connector.error = error.and_then(|trace| Some(trace.lines().next()?.to_owned()));
    }

    /// Takes the offset of a source: the key is an array of the connector's name and the source
    /// partition.
    fn offset(&mut self, key: &str, record: &Record<'_>) -> Option<()> {
        let parsed = Json::parse(key.as_bytes()).ok()?;
        let [Json::String(name), _] = parsed.elements() else {
            return None;
        };
        let partition = after_first(key)?.to_owned();
        let id = (name.clone(), partition);
        match record.value() {
            // A null offset deletes, as a tombstone does.
            None | Some(b"null") => drop(self.offsets.remove(&id)),
            Some(value) => {
                Json::parse(value).ok()?;
                let offset = SourceOffset {
                    offset: String::from_utf8_lossy(value).into_owned(),
                    record_offset: record.offset(),
                };
                self.offsets.insert(id, offset);
            }
        }
        Some(())
    }
}

/// A task's connector and number.
fn task(name: &str) -> Option<(String, Option<u32>)> {
    let (connector, number) = name.rsplit_once('-')?;
    Some((connector.to_owned(), Some(number.parse().ok()?)))
}

fn text(value: Option<&Json<'_>>) -> Option<String> {
    value.and_then(Json::string).map(str::to_owned)
}

/// The second element of an array of two whose first is a string, unchanged.
fn after_first(array: &str) -> Option<&str> {
    let mut is_escaped = false;
    let inside = array.trim().strip_prefix('[')?.strip_suffix(']')?;
    let string = inside.trim_start().strip_prefix('"')?;
    let end = string.find(|letter| {
        let is_end = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        is_end
    })?;
    let rest = string.get(end..)?.strip_prefix('"')?.trim_start();
    Some(rest.strip_prefix(',')?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_partition_is_what_follows_the_name() {
        let of = |key| after_first(key);
        assert_eq!(of(r#"["a",{"f":"x"}]"#), Some(r#"{"f":"x"}"#));
        assert_eq!(of(r#"[ "a\"],\\" , [1] ]"#), Some("[1]"));
        assert_eq!(of(r#"["a"]"#), None);
        assert_eq!(of(r#"{"a":1}"#), None);
    }

    #[test]
    fn a_task_is_named_by_its_connector_and_number() {
        assert_eq!(task("my-sink-12"), Some(("my-sink".to_owned(), Some(12))));
        assert_eq!(task("sink"), None);
    }
}
