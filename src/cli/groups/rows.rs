//! Groups as rows.

use std::collections::BTreeMap;

use kseg::report::group_view::{GroupOffset, GroupView, OffsetProblem};
use kseg::report::groups::{Assigned, AssignedOf, GroupKind};
use kseg::report::reach::Reaches;
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row, known, text, uuid};
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

#[derive(Debug, Serialize)]
struct OffsetRow {
    group: String,
    topic: String,
    partition: i32,
    offset: Option<i64>,
    leader_epoch: Option<i32>,
    log_start_offset: Option<i64>,
    log_end_offset: Option<i64>,
    high_watermark: Option<i64>,
    lag: Option<i64>,
    problem: Option<&'static str>,
    pending_offset: Option<i64>,
    pending_producer_id: Option<i64>,
    member_id: Option<String>,
    client_host: Option<String>,
    client_id: Option<String>,
    commit_timestamp_ms: Option<i64>,
    expire_timestamp_ms: Option<i64>,
    /// The time at which a broker may delete the offset; `None` while the group has members.
    expires_ms: Option<i64>,
    metadata: Option<String>,
}

impl Row for OffsetRow {
    const SCHEMA: Schema = schema::GROUP_OFFSET;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Group", |row: &Self| (&row.group).into()).wraps(12),
        Column::left("Topic", |row: &Self| (&row.topic).into()).wraps(12),
        Column::right("Partition", |row: &Self| row.partition.into()),
        Column::right("Current offset", |row: &Self| (&row.offset).into()),
        Column::right("Log start", |row: &Self| (&row.log_start_offset).into()).gives_way(3),
        Column::right("Log end", |row: &Self| (&row.log_end_offset).into()).gives_way(1),
        Column::right("Lag", |row: &Self| (&row.lag).into()),
        Column::left("Problem", |row: &Self| text(row.problem)),
        Column::right("Pending offset", |row: &Self| (&row.pending_offset).into()).gives_way(4),
        Column::left("Member", |row: &Self| text(row.member_id.as_deref()))
            .wraps(16)
            .gives_way(5),
        Column::left("Committed", |row: &Self| {
            Cell::maybe(row.commit_timestamp_ms, Cell::Time)
        })
        .gives_way(6),
        Column::left("Expires", |row: &Self| {
            Cell::maybe(row.expires_ms, Cell::Time)
        })
        .gives_way(7),
    ];
}

impl OffsetRow {
    fn of(view: &GroupView<'_>, row: &GroupOffset<'_>, kept_ms: i64) -> Self {
        let (commit, member) = (row.committed, row.member);
        Self {
            group: view.name.to_owned(),
            topic: row.topic.to_owned(),
            partition: row.partition,
            offset: commit.map(|commit| commit.offset.get()),
            leader_epoch: commit.and_then(|commit| known(commit.leader_epoch.get())),
            log_start_offset: row.reach.map(|reach| reach.start.get()),
            log_end_offset: row.reach.map(|reach| reach.end.get()),
            high_watermark: row
                .reach
                .and_then(|reach| Some(reach.high_watermark?.get())),
            lag: row.lag(),
            problem: row.problem().map(problem),
            pending_offset: row.pending.map(|(_, commit)| commit.offset.get()),
            pending_producer_id: row.pending.map(|(producer, _)| producer.get()),
            member_id: member.map(|(id, _)| id.to_owned()),
            client_host: member.map(|(_, member)| member.client_host.clone()),
            client_id: member.map(|(_, member)| member.client_id.clone()),
            commit_timestamp_ms: commit.and_then(|commit| known(commit.commit_timestamp.get())),
            expire_timestamp_ms: commit.and_then(|commit| known(commit.expire_timestamp.get())),
            expires_ms: commit.and_then(|commit| commit.expires_at(view.group, kept_ms)),
            metadata: commit.map(|commit| commit.metadata.clone()),
        }
    }
}

fn problem(problem: OffsetProblem) -> &'static str {
    match problem {
        OffsetProblem::NoLog => "no log here",
        OffsetProblem::BelowLogStart => "below log start",
        OffsetProblem::BeyondLogEnd => "beyond log end",
        _ => "unknown",
    }
}

#[derive(Debug, Serialize)]
struct StateRow {
    group: String,
    kind: &'static str,
    state: &'static str,
    assignor: Option<String>,
    epoch: Option<i32>,
    members: usize,
    offsets: usize,
    /// The partition of `__consumer_offsets` in which it is stored.
    home_partition: Option<i32>,
}

impl Row for StateRow {
    const SCHEMA: Schema = schema::GROUP_STATE;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Group", |row: &Self| (&row.group).into()).wraps(12),
        Column::left("Kind", |row: &Self| row.kind.into()),
        Column::left("State", |row: &Self| row.state.into()),
        Column::left("Assignor", |row: &Self| text(row.assignor.as_deref())).gives_way(1),
        Column::right("Epoch", |row: &Self| (&row.epoch).into()).gives_way(2),
        Column::right("Members", |row: &Self| Cell::Count(row.members as u64)),
        Column::right("Partitions", |row: &Self| Cell::Count(row.offsets as u64)),
        Column::right("In __consumer_offsets", |row: &Self| {
            (&row.home_partition).into()
        })
        .gives_way(3),
    ];
}

#[derive(Debug, Serialize)]
struct MemberRow {
    group: String,
    member_id: String,
    instance_id: Option<String>,
    client_id: String,
    client_host: String,
    /// Its member epoch; `None` in classic groups.
    epoch: Option<i32>,
    assigned: Vec<String>,
    target: Vec<String>,
}

impl Row for MemberRow {
    const SCHEMA: Schema = schema::GROUP_MEMBER;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Group", |row: &Self| (&row.group).into()).wraps(12),
        Column::left("Member", |row: &Self| (&row.member_id).into()).wraps(16),
        Column::left("Instance", |row: &Self| text(row.instance_id.as_deref())).gives_way(1),
        Column::left("Host", |row: &Self| (&row.client_host).into()).gives_way(2),
        Column::left("Client", |row: &Self| (&row.client_id).into()).gives_way(3),
        Column::right("Epoch", |row: &Self| (&row.epoch).into()).gives_way(5),
        Column::left("Assigned", |row: &Self| Cell::list(&row.assigned)).wraps(12),
        Column::left("Target", |row: &Self| Cell::list(&row.target))
            .wraps(12)
            .gives_way(4),
    ];
}

/// Shows a line for each partition of each group; offsets of groups without members are kept for
/// `kept_ms`.
pub(super) fn offsets(writer: &mut Writer<'_>, views: &[GroupView<'_>], kept_ms: i64) {
    let rows = views.iter().flat_map(|view| {
        let of = move |row| OffsetRow::of(view, row, kept_ms);
        view.offsets.iter().map(of)
    });
    writer.table(rows);
}

/// Shows a line for each group. `homes` are their partitions of `__consumer_offsets`.
pub(super) fn states(
    writer: &mut Writer<'_>,
    views: &[GroupView<'_>],
    homes: &BTreeMap<String, i32>,
) {
    writer.table(views.iter().map(|view| {
        StateRow {
            group: view.name.to_owned(),
            // Kafka treats a group with offsets only as a classic one without members.
            kind: view
                .group
                .map_or(GroupKind::Classic, |group| group.kind)
                .name(),
            state: view.state.name(),
            assignor: view.assignor().map(str::to_owned),
            epoch: view.group.map(|group| group.epoch),
            members: view.group.map_or(0, |group| group.members.len()),
            offsets: view.offsets.len(),
            home_partition: homes.get(view.name).copied(),
        }
    }));
}

/// Shows a line for each member of each group.
pub(super) fn members(writer: &mut Writer<'_>, views: &[GroupView<'_>], reaches: &Reaches) {
    let groups = views.iter().filter_map(|view| Some((view, view.group?)));
    let rows = groups.flat_map(|(view, group)| {
        group.members.iter().map(|(id, member)| MemberRow {
            group: view.name.to_owned(),
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            epoch: (group.kind != GroupKind::Classic).then_some(member.epoch),
            assigned: names(&member.assigned, reaches),
            target: names(&member.target, reaches),
        })
    });
    writer.table(rows);
}

/// Partitions as `topic:0,1`, as Kafka's own tool writes them.
pub(super) fn names(assigned: &[Assigned], reaches: &Reaches) -> Vec<String> {
    let name = |of: &AssignedOf| match of {
        AssignedOf::Topic(name) => name.clone(),
        AssignedOf::TopicId(id) => reaches.topics.get(id).cloned().unwrap_or_else(|| uuid(id)),
        AssignedOf::Subtopology(id) => id.clone(),
        _ => String::new(),
    };
    let mut names: Vec<String> = assigned
        .iter()
        .map(|assigned| {
            let mut numbers = assigned.partitions.clone();
            numbers.sort_unstable();
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            format!("{}:{}", name(&assigned.of), numbers.join(","))
        })
        .collect();
    names.sort();
    names
}
