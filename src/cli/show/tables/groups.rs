//! Groups with their members and offsets, transactional ids, share groups.

use kseg::report::groups::GroupKind;
use kseg::report::transactions::TransactionState;
use kseg::report::{Groups, ShareGroups};
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row, known, text, uuid};
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

#[derive(Debug, Serialize)]
struct GroupRow {
    group: String,
    kind: &'static str,
    epoch: Option<i32>,
    members: Option<usize>,
    protocol_type: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
}

impl Row for GroupRow {
    const SCHEMA: Schema = schema::GROUP;
    const TITLE: &'static str = "Groups";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Group", |row: &Self| (&row.group).into()).wraps(16),
        Column::left("Kind", |row: &Self| row.kind.into()),
        Column::right("Epoch", |row: &Self| (&row.epoch).into()),
        Column::right("Members", |row: &Self| {
            Cell::maybe(row.members, |count| Cell::Count(count as u64))
        }),
        Column::left("Protocol type", |row: &Self| {
            text(row.protocol_type.as_deref())
        })
        .gives_way(2),
        Column::left("Protocol", |row: &Self| text(row.protocol.as_deref())).gives_way(1),
        Column::left("Leader", |row: &Self| text(row.leader.as_deref())).gives_way(3),
    ];
}

#[derive(Debug, Serialize)]
struct MemberRow {
    group: String,
    member_id: String,
    instance_id: Option<String>,
    client_id: String,
    client_host: String,
}

impl Row for MemberRow {
    const SCHEMA: Schema = schema::MEMBER;
    const TITLE: &'static str = "Members";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Group", |row: &Self| (&row.group).into()).wraps(16),
        Column::left("Member", |row: &Self| (&row.member_id).into()).wraps(16),
        Column::left("Instance", |row: &Self| text(row.instance_id.as_deref())).gives_way(3),
        Column::left("Client", |row: &Self| (&row.client_id).into()).gives_way(2),
        Column::left("Host", |row: &Self| (&row.client_host).into()).gives_way(1),
    ];
}

#[derive(Debug, Serialize)]
struct OffsetRow {
    group: String,
    topic: String,
    partition: i32,
    offset: i64,
    leader_epoch: Option<i32>,
    commit_timestamp_ms: Option<i64>,
    expire_timestamp_ms: Option<i64>,
    pending_producer_id: Option<i64>,
    record_offset: i64,
    metadata: String,
}

impl Row for OffsetRow {
    const SCHEMA: Schema = schema::COMMITTED_OFFSET;
    const TITLE: &'static str = "Offsets";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Group", |row: &Self| (&row.group).into()).wraps(16),
        Column::left("Topic", |row: &Self| (&row.topic).into()).wraps(16),
        Column::right("Partition", |row: &Self| row.partition.into()),
        Column::right("Offset", |row: &Self| row.offset.into()),
        Column::right("Leader epoch", |row: &Self| (&row.leader_epoch).into()).gives_way(3),
        Column::left("Committed", |row: &Self| {
            Cell::maybe(row.commit_timestamp_ms, Cell::Time)
        })
        .gives_way(2),
        Column::left("Expires", |row: &Self| {
            Cell::maybe(row.expire_timestamp_ms, Cell::Time)
        })
        .gives_way(4),
        Column::right("Pending", |row: &Self| (&row.pending_producer_id).into()),
        Column::right("Record offset", |row: &Self| row.record_offset.into()).gives_way(5),
        Column::left("Metadata", |row: &Self| (&row.metadata).into()).gives_way(6),
    ];
}

#[derive(Debug, Serialize)]
struct TransactionRow {
    transactional_id: String,
    state: Option<String>,
    producer_id: i64,
    producer_epoch: i16,
    timeout_ms: i32,
    start_timestamp_ms: Option<i64>,
    last_update_timestamp_ms: Option<i64>,
    record_offset: i64,
    partitions: Vec<String>,
}

impl Row for TransactionRow {
    const SCHEMA: Schema = schema::TRANSACTIONAL_ID;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Transactional id", |row: &Self| {
            (&row.transactional_id).into()
        })
        .wraps(16),
        Column::left("State", |row: &Self| text(row.state.as_deref())),
        Column::right("Producer", |row: &Self| row.producer_id.into()),
        Column::right("Producer epoch", |row: &Self| row.producer_epoch.into()).gives_way(1),
        Column::right("Timeout ms", |row: &Self| row.timeout_ms.into()).gives_way(5),
        Column::left("Started", |row: &Self| {
            Cell::maybe(row.start_timestamp_ms, Cell::Time)
        })
        .gives_way(4),
        Column::left("Updated", |row: &Self| {
            Cell::maybe(row.last_update_timestamp_ms, Cell::Time)
        })
        .gives_way(3),
        Column::right("Record offset", |row: &Self| row.record_offset.into()).gives_way(6),
        Column::left("Partitions", |row: &Self| Cell::list(&row.partitions)).wraps(16),
    ];
}

#[derive(Debug, Serialize)]
struct ShareRow {
    group: String,
    topic_id: String,
    partition: i32,
    start_offset: Option<i64>,
    leader_epoch: Option<i32>,
    state_epoch: i32,
    snapshot_epoch: i32,
    record_offset: i64,
}

impl Row for ShareRow {
    const SCHEMA: Schema = schema::SHARE_PARTITION;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Group", |row: &Self| (&row.group).into()).wraps(12),
        Column::left("Topic id", |row: &Self| (&row.topic_id).into()),
        Column::right("Partition", |row: &Self| row.partition.into()),
        Column::right("Start offset", |row: &Self| (&row.start_offset).into()),
        Column::right("Leader epoch", |row: &Self| (&row.leader_epoch).into()).gives_way(1),
        Column::right("State epoch", |row: &Self| row.state_epoch.into()).gives_way(2),
        Column::right("Snapshot epoch", |row: &Self| row.snapshot_epoch.into()).gives_way(3),
        Column::right("Record offset", |row: &Self| row.record_offset.into()).gives_way(4),
    ];
}

/// Shows groups and their offsets.
pub(in crate::cli::show) fn groups(writer: &mut Writer<'_>, image: &Groups) {
    writer.table(image.names().map(|name| {
        let group = image.groups.get(name);
        GroupRow {
            group: name.to_owned(),
            // Kafka treats a group with offsets only as a classic one without members.
            kind: group.map_or(GroupKind::Classic, |group| group.kind).name(),
            epoch: group.map(|group| group.epoch),
            members: group.map(|group| group.members.len()),
            protocol_type: group.and_then(|group| group.protocol_type.clone()),
            protocol: group.and_then(|group| group.protocol.clone()),
            leader: group.and_then(|group| group.leader.clone()),
        }
    }));
    writer.table(image.groups.iter().flat_map(|(name, group)| {
        group.members.iter().map(|(id, member)| MemberRow {
            group: name.clone(),
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
        })
    }));
    let in_force = image
        .offsets
        .iter()
        .map(|(key, commit)| (key, commit, None));
    let pending = image.pending.iter().flat_map(|(producer, offsets)| {
        let producer = Some(producer.get());
        offsets
            .iter()
            .map(move |(key, commit)| (key, commit, producer))
    });
    writer.table(
        in_force
            .chain(pending)
            .map(|((group, topic, partition), commit, producer)| OffsetRow {
                group: group.clone(),
                topic: topic.clone(),
                partition: *partition,
                offset: commit.offset.get(),
                leader_epoch: known(commit.leader_epoch.get()),
                commit_timestamp_ms: known(commit.commit_timestamp.get()),
                expire_timestamp_ms: known(commit.expire_timestamp.get()),
                pending_producer_id: producer,
                record_offset: commit.record_offset.get(),
                metadata: commit.metadata.clone(),
            }),
    );
}

/// Shows transactional ids.
pub(crate) fn transactions<'a>(
    writer: &mut Writer<'_>,
    ids: impl IntoIterator<Item = (&'a String, &'a TransactionState)>,
) {
    writer.table(ids.into_iter().map(|(id, state)| {
        let partitions = state.partitions.iter();
        TransactionRow {
            transactional_id: id.clone(),
            state: state.status.map(|status| status.to_string()),
            producer_id: state.producer_id.get(),
            producer_epoch: state.producer_epoch,
            timeout_ms: state.timeout_ms,
            start_timestamp_ms: known(state.start.get()),
            last_update_timestamp_ms: known(state.last_update.get()),
            record_offset: state.offset.get(),
            partitions: partitions
                .map(|(topic, partition)| format!("{topic}-{partition}"))
                .collect(),
        }
    }));
}

/// Shows the progress of share groups.
pub(in crate::cli::show) fn share_groups(writer: &mut Writer<'_>, image: &ShareGroups) {
    let partitions = image.partitions.iter();
    writer.table(
        partitions.map(|((group, topic, partition), state)| ShareRow {
            group: group.clone(),
            topic_id: uuid(topic),
            partition: *partition,
            start_offset: known(state.start_offset.get()),
            leader_epoch: known(state.leader_epoch.get()),
            state_epoch: state.state_epoch,
            snapshot_epoch: state.snapshot_epoch,
            record_offset: state.record_offset.get(),
        }),
    );
}
