//! The topics that use schema ids.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use kseg::decode::Decoder;
use kseg::decode::registry::{Registry, TOPIC};
use kseg::decode::schema_ids::SchemaIds;
use kseg::records::RecordReader;
use kseg::scan::{Filter, in_order};
use kseg::store::Error;

use crate::cli::args::Reading;
use crate::cli::input::LogSource;

/// Ids by topic and part.
#[derive(Debug, Default)]
pub(super) struct Usage {
    by_id: BTreeMap<i32, Vec<String>>,
    undefined: BTreeMap<i32, Vec<String>>,
}

impl Usage {
    /// Reads all records of all logs except those of internal topics, a log on each thread. Returns
    /// the errors too.
    pub(super) fn read(
        logs: Vec<LogSource>,
        reading: Reading,
        registry: &Registry,
    ) -> (Self, Vec<Error>) {
        let mut found: BTreeMap<String, SchemaIds> = BTreeMap::new();
        let mut errors = Vec::new();
        in_order(
            reading.jobs(),
            logs,
            |log| ids_of(log, reading),
            &mut |ids: Result<Found, Error>| {
                match ids {
                    Ok(Some((topic, ids))) => found.entry(topic).or_default().merge(ids),
                    Ok(None) => {}
                    Err(error) => errors.push(error),
                }
                ControlFlow::Continue(())
            },
        );
        let mut usage = Self::default();
        let is_known = |id: i32| !registry.with_id(id).is_empty();
        for (topic, ids) in &found {
            for (part, ids) in [("key", &ids.keys), ("value", &ids.values)] {
                for id in ids.framed(is_known) {
                    let of = if is_known(id) {
                        &mut usage.by_id
                    } else {
                        &mut usage.undefined
                    };
                    of.entry(id).or_default().push(format!("{topic}-{part}"));
                }
            }
        }
        (usage, errors)
    }

    /// The topics that use an id.
    pub(super) fn of(&self, id: i32) -> Vec<String> {
        self.by_id.get(&id).cloned().unwrap_or_default()
    }

    /// Ids that are used and not defined, with the topics.
    pub(super) fn undefined(&self) -> impl Iterator<Item = (i32, &[String])> {
        let undefined = self.undefined.iter();
        undefined.map(|(id, topics)| (*id, &**topics))
    }
}

/// The topic of a log, and the ids of its keys and values; `None` for an internal topic.
type Found = Option<(String, SchemaIds)>;

/// Reads the ids of a log.
fn ids_of(log: LogSource, reading: Reading) -> Result<Found, Error> {
    let LogSource::Partition(partition) = log else {
        return Ok(None);
    };
    let topic = partition.topic().unwrap_or_default().to_owned();
    if topic == TOPIC || Decoder::for_topic(&topic).is_some() {
        return Ok(None);
    }
    let mut ids = SchemaIds::default();
    let reader: RecordReader = partition.records(Filter::default());
    let reader = reader.salvage().limits(reading.limits());
    let _summary = reader.for_each(|record| ids.take(record.key(), record.value()))?;
    Ok(Some((topic, ids)))
}
