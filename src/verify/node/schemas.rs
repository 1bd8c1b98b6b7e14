//! The schemas that a registry keeps in a topic of these log dirs, against the schema ids in
//! records.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::decode::Decoder;
use crate::decode::registry::{Registry, TOPIC};
use crate::decode::schema_ids::{FramedIds, SchemaIds};
use crate::format::{Batch, Record};
use crate::report::{Image, fold};
use crate::store::Partition;
use crate::verify::catalog::CheckId;
use crate::verify::evidence::SchemaIdFault;
use crate::verify::finding::Finding;
use crate::verify::options::Options;
use crate::verify::outcome::Outcome;

/// Schemas, and the topics that use them.
#[derive(Debug, Default)]
pub(super) struct SchemaUse {
    registry: Option<Partition>,
    /// The ids of each partition, by topic.
    used: BTreeMap<String, Vec<(Arc<Path>, SchemaIds)>>,
}

impl SchemaUse {
    /// Adds the ids of a partition.
    pub(super) fn learn(&mut self, partition: &Partition, topic: &str, ids: SchemaIds) {
        if topic == TOPIC {
            self.registry = Some(partition.clone());
        } else if Decoder::for_topic(topic).is_none() && ids != SchemaIds::default() {
            let partitions = self.used.entry(topic.to_owned()).or_default();
            partitions.push((Arc::from(partition.path()), ids));
        }
    }

    /// Compares the ids with the schemas, if there is a registry.
    pub(super) fn check(&self, options: &Options<'_>, outcome: &mut Outcome) {
        let Some(partition) = &self.registry else {
            return;
        };
        let path: Arc<Path> = Arc::from(partition.path());
        let mut schemas = Schemas::default();
        let read = fold::read(&mut schemas, partition, options.limits, options.open);
        if let Err(error) = read {
            return outcome.unreadable(&path, &error);
        }
        let Schemas(registry) = schemas;
        for id in registry.ambiguous() {
            let places = registry.with_id(id).iter();
            let schemas = places.filter_map(|place| registry.schemas().get(*place));
            let versions = schemas.map(|it| format!("{} {}", it.subject, it.version));
            let versions = versions.collect();
            let finding = Finding::new(CheckId::SchemaIdAmbiguous, &path);
            let what = SchemaIdFault::Several { id, versions };
            outcome.findings.add(finding.saw(what));
        }
        for partitions in self.used.values() {
            undefined(partitions, &registry, outcome);
        }
    }
}

/// One of the two parts of records.
type Side = fn(&SchemaIds) -> &FramedIds;

/// The ids of a topic without a schema. All of its partitions decide if its records have ids.
fn undefined(partitions: &[(Arc<Path>, SchemaIds)], registry: &Registry, outcome: &mut Outcome) {
    let is_known = |id: i32| !registry.with_id(id).is_empty();
    let mut all = SchemaIds::default();
    for (_, ids) in partitions {
        all.merge(ids.clone());
    }
    let sides: [(&str, Side); 2] = [("keys", |ids| &ids.keys), ("values", |ids| &ids.values)];
    for (of, side) in sides {
        if side(&all).framed(is_known).next().is_none() {
            continue;
        }
        for (path, ids) in partitions {
            let unknown = side(ids).ids().filter(|id| !is_known(*id));
            let ids: Vec<i32> = unknown.collect();
            if !ids.is_empty() {
                let finding = Finding::new(CheckId::SchemaIdUndefined, path);
                outcome
                    .findings
                    .add(finding.saw(SchemaIdFault::None { of, ids }));
            }
        }
    }
}

/// All schemas in the log, also those before its log start: older records use them.
#[derive(Debug, Default)]
struct Schemas(Registry);

impl Image for Schemas {
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>) {
        if !batch.is_control() {
            self.0.take(record.key(), record.value());
        }
    }
}
