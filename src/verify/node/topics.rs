//! Topics in the metadata log: their ids, and the nodes and log dirs of their partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

use crate::decode::cluster_metadata as id;
use crate::decode::{Decoder, Struct, Value};
use crate::format::topic::is_reserved_id;
use crate::format::{FileKind, Scratch};
use crate::scan::{Event, Output, PieceVisitor, Policy, RenderedChunk, ScanOptions, Visitor, scan};
use crate::store::{Error, Item, Partition, Segment};
use crate::verify::options::Options;
use crate::wire::Offset;
use crate::wire::Uuid;

/// The topics of a cluster.
#[derive(Debug, Default)]
pub struct Topics {
    by_id: BTreeMap<Uuid, Topic>,
    /// The ids of topics that were deleted since the snapshot.
    deleted: BTreeSet<Uuid>,
    /// The records of a transaction that is not decided (KIP-868).
    pending: Option<Vec<Vec<u8>>>,
}

#[derive(Debug, Default)]
struct Topic {
    name: String,
    partitions: BTreeMap<i32, Replicas>,
}

/// The replicas of a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replicas {
    /// The nodes.
    pub nodes: Vec<i32>,
    /// The id of the log dir on each of them, since 3.7 (KIP-858).
    pub directories: Vec<Uuid>,
}

impl Replicas {
    /// The log dir on `node`, if it is known.
    #[must_use]
    pub fn directory(&self, node: i32) -> Option<Uuid> {
        let index = self.nodes.iter().position(|other| *other == node)?;
        let id = self.directories.get(index)?;
        // Small numbers are reserved: the directory is not known yet.
        (!is_reserved_id(*id)).then_some(*id)
    }
}

/// Bytes before the value of a record in the output of [`Reader`]: offset and length.
const PREFIX_BYTES: usize = 12;

impl Topics {
    /// Reads the newest snapshot in the directory of the metadata log, and the log after it.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(partition: &Partition, options: &Options<'_>) -> Result<Self, Error> {
        let mut topics = Self::default();
        let is_snapshot = |item: &&Item| item.is_current(FileKind::MetadataSnapshot);
        let newest = partition.items().iter().rfind(is_snapshot);
        let mut from = Offset(0);
        if let Some(item) = newest {
            topics.take(item.path(), Offset(0), options)?;
            from = item
                .file_name()
                .and_then(|name| name.offset)
                .unwrap_or_default();
        }
        for segment in partition.segments() {
            if segment.file(FileKind::Log).is_some_and(Item::is_file) {
                topics.take(Segment::log(&segment), from, options)?;
            }
        }
        Ok(topics)
    }

    /// Returns true if there are no topics: the log is empty, or could not be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The name of the topic of this id.
    #[must_use]
    pub fn name(&self, id: &Uuid) -> Option<&str> {
        self.by_id.get(id).map(|topic| topic.name.as_str())
    }

    /// Returns true if the log says that the topic of this id was deleted. A snapshot no longer does.
    #[must_use]
    pub fn is_deleted(&self, id: &Uuid) -> bool {
        self.deleted.contains(id)
    }

    /// The id of the topic of this name.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<Uuid> {
        let mut topics = self.by_id.iter();
        topics.find_map(|(id, topic)| (topic.name == name).then_some(*id))
    }

    /// The replicas of a partition.
    #[must_use]
    pub fn replicas(&self, id: &Uuid, partition: i32) -> Option<&Replicas> {
        self.by_id.get(id)?.partitions.get(&partition)
    }

    /// Applies the records of a file from an offset on.
    fn take(&mut self, path: &Path, from: Offset, options: &Options<'_>) -> Result<(), Error> {
        let log = (options.open)(path)?;
        let scanned = ScanOptions {
            jobs: options.jobs,
            limits: options.limits,
            ..ScanOptions::of(Policy::Salvage)
        };
        let mut sink = |chunk: RenderedChunk| {
            let mut rest = chunk.text.as_slice();
            while let Some((prefix, after)) = rest.split_first_chunk::<PREFIX_BYTES>() {
                let offset = i64::from_be_bytes(crate::wire::be(prefix, 0));
                let length = u32::from_be_bytes(crate::wire::be(prefix, 8)) as usize;
                let Some((value, next)) = after.split_at_checked(length) else {
                    break;
                };
                if Offset(offset) >= from {
                    self.record(value);
                }
                rest = next;
            }
            ControlFlow::Continue(())
        };
        scan(&log, scanned, || Reader, &mut sink)
    }

    fn record(&mut self, value: &[u8]) {
        let entry = Decoder::ClusterMetadata.decode(None, Some(value));
        let Some(decoded) = entry.value.decoded() else {
            return;
        };
        match (decoded.message.id(), &mut self.pending) {
            (id::BEGIN_TRANSACTION, _) => self.pending = Some(Vec::new()),
            (id::ABORT_TRANSACTION, _) => self.pending = None,
            (id::END_TRANSACTION, _) => {
                for value in self.pending.take().unwrap_or_default() {
                    self.record(&value);
                }
            }
            (
                id::TOPIC | id::REMOVE_TOPIC | id::PARTITION | id::PARTITION_CHANGE,
                Some(pending),
            ) => {
                pending.push(value.to_vec());
            }
            (kind, None) => {
                // A malformed record changes nothing.
                let _applied = self.apply(kind, &decoded.body);
            }
            _ => {}
        }
    }

    fn apply(&mut self, kind: i16, body: &Struct<'_>) -> Option<()> {
        match kind {
            id::TOPIC => {
                let topic = self.by_id.entry(*body.uuid("topicId")?).or_default();
                topic.name = body.text("name")?.into_owned();
            }
            id::REMOVE_TOPIC => {
                let id = body.uuid("topicId")?;
                self.by_id.remove(id);
                self.deleted.insert(*id);
            }
            id::PARTITION | id::PARTITION_CHANGE => {
                let topic = self.by_id.get_mut(body.uuid("topicId")?)?;
                let number = body.number("partitionId")?;
                let replicas = topic.partitions.entry(number).or_default();
                let nodes: Vec<i32> = body.numbers("replicas").collect();
                if kind == id::PARTITION || !nodes.is_empty() {
                    replicas.nodes = nodes;
                }
                let directories = body.array("directories").iter().filter_map(|id| match id {
                    Value::Uuid(id) => Some(**id),
                    _ => None,
                });
                let directories: Vec<Uuid> = directories.collect();
                if kind == id::PARTITION || !directories.is_empty() {
                    replicas.directories = directories;
                }
            }
            _ => {}
        }
        Some(())
    }
}

/// Passes on the values of records.
struct Reader;

impl Visitor for Reader {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let Event::Batch(batch) = event else {
            return ControlFlow::Continue(());
        };
        if batch.is_control() {
            return ControlFlow::Continue(());
        }
        let Ok(records) = batch.records(scratch) else {
            return ControlFlow::Continue(());
        };
        for record in records.map_while(Result::ok) {
            let value = record.value().unwrap_or_default();
            let Ok(length) = u32::try_from(value.len()) else {
                continue;
            };
            let text = out.text();
            text.extend_from_slice(&record.offset().0.to_be_bytes());
            text.extend_from_slice(&length.to_be_bytes());
            text.extend_from_slice(value);
            out.poll()?;
        }
        ControlFlow::Continue(())
    }
}

impl PieceVisitor for Reader {
    type Piece = ();

    fn end(self) {}
}
