//! Segments in tiered storage.

use kseg::decode::remote_metadata::{delete_state, segment_state};
use kseg::report::RemoteSegments;
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row, known, text, uuid};
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

#[derive(Debug, Serialize)]
struct SegmentRow {
    topic: String,
    partition: i32,
    topic_id: String,
    segment_id: String,
    start_offset: i64,
    end_offset: i64,
    size_bytes: i64,
    /// The name of the state, or its number if Kafka has no name for it.
    state: String,
    in_progress: bool,
    /// The state of the deletion of the partition, if it is being deleted.
    partition_state: Option<String>,
    broker_id: i32,
    max_timestamp_ms: Option<i64>,
    event_timestamp_ms: Option<i64>,
    record_offset: i64,
}

impl Row for SegmentRow {
    const SCHEMA: Schema = schema::TIERED_SEGMENT;
    const TITLE: &'static str = "Segments";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Topic", |row: &Self| (&row.topic).into()).wraps(16),
        Column::right("Partition", |row: &Self| row.partition.into()),
        Column::right("Start offset", |row: &Self| row.start_offset.into()),
        Column::right("End offset", |row: &Self| row.end_offset.into()),
        Column::right("Size", |row: &Self| {
            u64::try_from(row.size_bytes).map_or(Cell::Int(row.size_bytes), Cell::Size)
        }),
        Column::left("State", |row: &Self| (&row.state).into()),
        Column::left("Partition state", |row: &Self| {
            text(row.partition_state.as_deref())
        })
        .gives_way(3),
        Column::left("Since", |row: &Self| {
            Cell::maybe(row.event_timestamp_ms, Cell::Time)
        })
        .gives_way(1),
        Column::right("Broker", |row: &Self| row.broker_id.into()).gives_way(4),
        Column::left("Segment id", |row: &Self| (&row.segment_id).into()).gives_way(2),
    ];
}

/// Shows segments in tiered storage: for each partition first those whose copy or deletion is in
/// progress.
pub(in crate::cli::show) fn remote_segments(writer: &mut Writer<'_>, image: &RemoteSegments) {
    for (partition, segments) in &image.partitions {
        let (topic, number, topic_id) = partition;
        let deletion = image.deletions.get(partition);
        let mut segments: Vec<_> = segments.iter().collect();
        segments
            .sort_by_key(|(id, segment)| (!segment.is_in_progress(), segment.start_offset, **id));
        writer.table(segments.into_iter().map(|(id, segment)| SegmentRow {
            topic: topic.clone(),
            partition: *number,
            topic_id: uuid(topic_id),
            segment_id: uuid(id),
            start_offset: segment.start_offset.get(),
            end_offset: segment.end_offset.get(),
            size_bytes: segment.size_bytes,
            state: named(segment.state, segment_state),
            in_progress: segment.is_in_progress(),
            partition_state: deletion.map(|state| named(*state, delete_state)),
            broker_id: segment.broker_id,
            max_timestamp_ms: known(segment.max_timestamp.get()),
            event_timestamp_ms: known(segment.event_timestamp.get()),
            record_offset: segment.record_offset.get(),
        }));
    }
}

fn named(state: i64, name: impl Fn(i64) -> Option<&'static str>) -> String {
    name(state).map_or_else(|| state.to_string(), str::to_owned)
}
