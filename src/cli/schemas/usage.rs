//! Which topics use which schema ids.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use kseg::decode::Decoder;
use kseg::decode::registry::{Registry, TOPIC};
use kseg::records::RecordReader;
use kseg::scan::{Filter, in_order};
use kseg::store::Error;

use crate::cli::args::Reading;
use crate::cli::input::Log;

/// Ids that keys, or values, of a topic begin with.
#[derive(Debug, Clone, Default)]
struct Ids {
    ids: BTreeSet<i32>,
    /// Whether one of them does not begin as Confluent's framing does: then none is framed, for all that can be known.
    is_other: bool,
}

/// More ids than this are no ids: any four bytes after a zero look like one.
const MOST_IDS: usize = 10_000;

impl Ids {
    fn take(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => {}
            Some([0, a, b, c, d, ..]) if self.ids.len() < MOST_IDS => {
                self.ids.insert(i32::from_be_bytes([*a, *b, *c, *d]));
            }
            Some(_) => self.is_other = true,
        }
    }

    fn merge(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.is_other |= other.is_other;
    }
}

/// Ids by topic and part.
#[derive(Debug, Default)]
pub(super) struct Usage {
    by_id: BTreeMap<i32, Vec<String>>,
    undefined: BTreeMap<i32, Vec<String>>,
}

impl Usage {
    /// Reads all records of all logs but those of internal topics, a log a thread. Returns what could not be read, too.
    pub(super) fn read(
        logs: Vec<Log>,
        reading: Reading,
        registry: &Registry,
    ) -> (Self, Vec<Error>) {
        let mut found: BTreeMap<(String, &'static str), Ids> = BTreeMap::new();
        let mut errors = Vec::new();
        in_order(
            reading.jobs(),
            logs,
            |log| ids_of(log, reading),
            &mut |ids: Result<Found, Error>| {
                match ids {
                    Ok(Some((topic, [key, value]))) => {
                        found.entry((topic.clone(), "key")).or_default().merge(key);
                        found.entry((topic, "value")).or_default().merge(value);
                    }
                    Ok(None) => {}
                    Err(error) => errors.push(error),
                }
                ControlFlow::Continue(())
            },
        );
        let mut usage = Self::default();
        for ((topic, part), ids) in found {
            let is_known = |id: &i32| !registry.with_id(*id).is_empty();
            if ids.is_other || !ids.ids.iter().any(is_known) {
                continue;
            }
            for id in ids.ids {
                let of = if is_known(&id) {
                    &mut usage.by_id
                } else {
                    &mut usage.undefined
                };
                of.entry(id).or_default().push(format!("{topic}-{part}"));
            }
        }
        (usage, errors)
    }

    /// The topics that use an id.
    pub(super) fn of(&self, id: i32) -> Vec<String> {
        self.by_id.get(&id).cloned().unwrap_or_default()
    }

    /// Ids that are used and nowhere defined, with the topics.
    pub(super) fn undefined(&self) -> impl Iterator<Item = (i32, &[String])> {
        let undefined = self.undefined.iter();
        undefined.map(|(id, topics)| (*id, &**topics))
    }
}

/// The topic of a log, and the ids of its keys and values; none of an internal topic.
type Found = Option<(String, [Ids; 2])>;

/// Reads the ids of a log.
fn ids_of(log: Log, reading: Reading) -> Result<Found, Error> {
    let Log::Partition(partition) = log else {
        return Ok(None);
    };
    let topic = partition.topic().unwrap_or_default().to_owned();
    if topic == TOPIC || Decoder::for_topic(&topic).is_some() {
        return Ok(None);
    }
    let mut ids = <[Ids; 2]>::default();
    let [keys, values] = &mut ids;
    let reader: RecordReader = partition.records(Filter::default());
    let reader = reader.salvage().limits(reading.limits());
    let _summary = reader.for_each(|record| {
        keys.take(record.key());
        values.take(record.value());
    })?;
    Ok(Some((topic, ids)))
}
