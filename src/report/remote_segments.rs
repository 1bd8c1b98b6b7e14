//! Every segment in tiered storage and its state, from `__remote_log_metadata`.
//!
//! A record of a segment has all facts; an update changes its state; a segment whose deletion has
//! finished is removed (`RemoteLogMetadataCache`). So a segment that stays in a `STARTED` state is
//! a hanging copy or deletion.
//!
//! # References
//! `RemoteLogMetadataCache`, `RemotePartitionMetadataStore`; KIP-405.

use std::collections::BTreeMap;

use super::Image;
use crate::decode::{Decoder, Entry, EntryPart, Struct, remote_metadata};
use crate::format::{Batch, Record};
use crate::wire::{Offset, Timestamp};

/// The partition of segments: topic, partition, topic id.
pub type RemotePartition = (String, i32, [u8; 16]);

/// The segments in tiered storage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteSegments {
    /// The segments of each partition, by id.
    pub partitions: BTreeMap<RemotePartition, BTreeMap<[u8; 16], RemoteSegment>>,
    /// The partitions that are being deleted, with the number of the state.
    pub deletions: BTreeMap<RemotePartition, i64>,
    /// Records that could not be read, or that update an unknown segment.
    pub unread: u64,
}

/// A segment in tiered storage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteSegment {
    /// Its first offset.
    pub start_offset: Offset,
    /// Its last offset.
    pub end_offset: Offset,
    /// The size of its `.log`.
    pub size_bytes: i64,
    /// The number of its state; [`remote_metadata::segment_state`] has the name.
    pub state: i64,
    /// The broker that wrote last.
    pub broker_id: i32,
    /// The largest timestamp of its records.
    pub max_timestamp: Timestamp,
    /// The time of its state.
    pub event_timestamp: Timestamp,
    /// The offset of the last record about it.
    pub record_offset: Offset,
}

impl RemoteSegment {
    /// Returns true if a copy or a deletion of it is in progress.
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        remote_metadata::segment_state(self.state).is_none_or(|name| name.ends_with("_STARTED"))
    }
}

/// The number of the state in which a segment no longer exists.
const DELETE_SEGMENT_FINISHED: i64 = 3;

/// The number of the state in which a partition no longer exists.
const DELETE_PARTITION_FINISHED: i64 = 2;

/// The number of the state in which a segment is complete.
const COPY_SEGMENT_FINISHED: i64 = 1;

impl RemoteSegments {
    /// Adds the segments of another partition of the topic.
    pub fn join(&mut self, other: Self) {
        self.partitions.extend(other.partitions);
        self.deletions.extend(other.deletions);
        self.unread = self.unread.saturating_add(other.unread);
    }

    /// The offset after the last that was copied of a partition; 0 if nothing was.
    #[must_use]
    pub fn copied_to(&self, (topic, number): (&str, i32)) -> i64 {
        let of_partition = self.partitions.iter();
        let of_partition =
            of_partition.filter(|((name, other, _), _)| name == topic && *other == number);
        let segments = of_partition.flat_map(|(_, segments)| segments.values());
        let whole = segments.filter(|segment| segment.state == COPY_SEGMENT_FINISHED);
        let ends = whole.map(|segment| segment.end_offset.0.saturating_add(1));
        ends.max().unwrap_or(0)
    }
}

impl Image for RemoteSegments {
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>) {
        if batch.is_control() {
            return;
        }
        let entry = Decoder::RemoteLogMetadata.decode(record.key(), record.value());
        if self.entry(record.offset(), &entry).is_none() {
            self.unread += 1;
        }
    }
}

impl RemoteSegments {
    fn entry(&mut self, offset: Offset, entry: &Entry<'_>) -> Option<()> {
        // Keys and tombstones come with a compacted topic (KIP-1266).
        let EntryPart::Decoded(value) = &entry.value else {
            return entry.value.is_null().then_some(());
        };
        let body = &value.body;
        match value.message.id() {
            remote_metadata::SEGMENT => {
                let (partition, id) = segment_id(body)?;
                let segment = RemoteSegment::of(offset, body)?;
                self.put(partition, id, segment);
            }
            remote_metadata::SEGMENT_UPDATE => {
                let (partition, id) = segment_id(body)?;
                let known = self.partitions.get(&partition)?.get(&id)?;
                let segment = RemoteSegment {
                    state: body.int("remoteLogSegmentState")?,
                    broker_id: body.number("brokerId")?,
                    event_timestamp: Timestamp(body.int("eventTimestampMs")?),
                    record_offset: offset,
                    ..known.clone()
                };
                self.put(partition, id, segment);
            }
            remote_metadata::PARTITION_DELETE => {
                let partition = partition(body.structure("topicIdPartition")?)?;
                match body.int("remotePartitionDeleteState")? {
                    DELETE_PARTITION_FINISHED => {
                        self.deletions.remove(&partition);
                        self.partitions.remove(&partition);
                    }
                    state => {
                        self.deletions.insert(partition, state);
                    }
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn put(&mut self, partition: RemotePartition, id: [u8; 16], segment: RemoteSegment) {
        let is_gone = segment.state == DELETE_SEGMENT_FINISHED;
        let segments = self.partitions.entry(partition).or_default();
        if is_gone {
            segments.remove(&id);
        } else {
            segments.insert(id, segment);
        }
    }
}

impl RemoteSegment {
    fn of(record_offset: Offset, body: &Struct<'_>) -> Option<Self> {
        Some(Self {
            start_offset: Offset(body.int("startOffset")?),
            end_offset: Offset(body.int("endOffset")?),
            size_bytes: body.int("segmentSizeInBytes")?,
            state: body.int("remoteLogSegmentState")?,
            broker_id: body.number("brokerId")?,
            max_timestamp: Timestamp(body.int("maxTimestampMs")?),
            event_timestamp: Timestamp(body.int("eventTimestampMs")?),
            record_offset,
        })
    }
}

fn segment_id(body: &Struct<'_>) -> Option<(RemotePartition, [u8; 16])> {
    let id = body.structure("remoteLogSegmentId")?;
    let partition = partition(id.structure("topicIdPartition")?)?;
    Some((partition, *id.uuid("id")?))
}

fn partition(body: &Struct<'_>) -> Option<RemotePartition> {
    Some((
        body.text("name")?.into_owned(),
        body.number("partition")?,
        *body.uuid("id")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: [u8; 16] = [7; 16];

    fn head(kind: u8, id: u8) -> Vec<u8> {
        // Frame version, record type, version; topic, topic id, partition and no tags, segment id
        // and no tags.
        let topic = [&[2, b't'][..], &TOPIC, &[0, 0, 0, 1, 0]].concat();
        [&[1, kind, 0][..], &topic, &[id; 16], &[0]].concat()
    }

    fn segment(id: u8, state: u8) -> Vec<u8> {
        let mut value = head(0, id);
        value.extend(10_i64.to_be_bytes());
        value.extend(19_i64.to_be_bytes());
        value.extend(1_i32.to_be_bytes());
        value.extend([0; 16]);
        // One leader epoch, and its tags.
        value.extend([2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 10, 0]);
        value.extend(500_i32.to_be_bytes());
        value.extend([0, state, 0]);
        value
    }

    fn update(id: u8, state: u8) -> Vec<u8> {
        let mut value = head(1, id);
        value.extend(2_i32.to_be_bytes());
        value.extend(99_i64.to_be_bytes());
        value.extend([0, state, 0]);
        value
    }

    #[test]
    fn a_segment_is_in_the_state_that_was_written_last_until_it_is_deleted() {
        let mut image = RemoteSegments::default();
        let mut at = 0;
        let mut take = |value: &[u8]| {
            let entry = Decoder::RemoteLogMetadata.decode(None, Some(value));
            let is_taken = image.entry(Offset(at), &entry).is_some();
            at += 1;
            let segments = image.partitions.values().flat_map(BTreeMap::values);
            let states = segments.map(|segment| (segment.state, segment.is_in_progress()));
            (is_taken, states.collect::<Vec<_>>())
        };
        assert_eq!(take(&update(1, 1)), (false, vec![]));
        assert_eq!(take(&segment(1, 0)), (true, vec![(0, true)]));
        assert_eq!(take(&update(1, 1)), (true, vec![(1, false)]));
        assert_eq!(take(&segment(2, 0)), (true, vec![(1, false), (0, true)]));
        assert_eq!(take(&update(1, 2)), (true, vec![(2, true), (0, true)]));
        assert_eq!(take(&update(1, 3)), (true, vec![(0, true)]));
        assert_eq!(take(&[1, 0]), (false, vec![(0, true)]));
        let only = image.partitions[&("t".to_owned(), 1, TOPIC)][&[2; 16]].clone();
        assert_eq!(
            (only.start_offset, only.end_offset),
            (Offset(10), Offset(19))
        );
        assert_eq!((only.size_bytes, only.record_offset), (500, Offset(3)));
    }
}
