//! Streams groups as `kafka-streams-groups.sh --describe` shows them.
//!
//! # References
//! `StreamsGroupCommand` of Kafka 4.3: `printOffsets`, `printMembers`, `printStates`, `getTasksForPrinting`.

use std::fmt::Write as _;

use anyhow::Result;
use kseg::report::group_view::{GroupOffset, GroupView};
use kseg::report::groups::{Assigned, AssignedOf, GroupState, Member};

use super::table::{
    Column, GROWS, Width, epochs, leader_epoch, member_count, or_missing, place_columns,
    state_columns, table,
};
use crate::cli::Context;

/// Shows the offsets of the partitions that members read, of each group with members.
pub(in crate::cli::groups) fn offsets(
    views: &[GroupView<'_>],
    is_verbose: bool,
    context: &mut Context,
) -> Result<()> {
    type Row<'a> = &'a GroupOffset<'a>;
    for view in views.iter().filter(|view| member_count(view) > 0) {
        let mut rows: Vec<Row<'_>> = view.offsets.iter().collect();
        // Without a log there is no log end offset, and the tool shows no line.
        rows.retain(|row| row.member.is_some() && row.reach.is_some());
        in_java_order(&mut rows);
        let mut columns = place_columns(view);
        let lag = |row: &Row<'_>| or_missing(lag(row));
        if is_verbose {
            columns.extend([
                Column::new("CURRENT-OFFSET", Width::Fixed(15), |row: &Row<'_>| {
                    or_missing(row.committed.map(|commit| commit.offset.get()))
                }),
                Column::new("LEADER-EPOCH", Width::Fixed(15), |row: &Row<'_>| {
                    leader_epoch(row)
                }),
                Column::new("LOG-END-OFFSET", Width::Fixed(15), |row: &Row<'_>| {
                    or_missing(row.reach.map(|reach| reach.end.get()))
                }),
                Column::new("OFFSET-LAG", Width::Fixed(15), lag),
            ]);
        } else {
            columns.push(Column::new("OFFSET-LAG", Width::Fixed(0), lag));
        }
        context.print(&table(&columns, &rows))?;
    }
    Ok(())
}

/// The lag as this tool computes it: without a committed offset it is the whole log.
fn lag(row: &GroupOffset<'_>) -> Option<i64> {
    let reach = row.reach?;
    let from = row.committed.map_or(reach.start, |commit| commit.offset);
    Some(reach.end.get().saturating_sub(from.get()))
}

/// Orders partitions as the `HashMap` of the tool does.
fn in_java_order(rows: &mut [&GroupOffset<'_>]) {
    const LEAST_BUCKETS: usize = 16;
    let full = rows.len().saturating_mul(4).div_ceil(3);
    let buckets = full.next_power_of_two().max(LEAST_BUCKETS);
    let mask = u32::try_from(buckets.saturating_sub(1)).unwrap_or(u32::MAX);
    rows.sort_by_key(|row| {
        let units = row.topic.encode_utf16();
        let topic = units.fold(0_i32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(unit.into())
        });
        // `TopicPartition.hashCode`
        let hash = 31_i32.wrapping_add(row.partition);
        let hash = hash.wrapping_mul(31).wrapping_add(topic).cast_unsigned();
        let bucket = (hash ^ (hash >> 16)) & mask;
        (bucket, row.topic, row.partition)
    });
}

/// Shows the members of each group that has any, as with `--verbose`.
pub(in crate::cli::groups) fn members(
    views: &[GroupView<'_>],
    context: &mut Context,
) -> Result<()> {
    type Row<'a> = (&'a String, &'a Member);
    for view in views.iter().filter(|view| member_count(view) > 0) {
        let members = view.group.iter().flat_map(|group| &group.members);
        let members: Vec<Row<'_>> = members.collect();
        let topology = view.group.and_then(|group| group.topology.as_ref());
        let columns = [
            Column::new("GROUP", GROWS, |_: &Row<'_>| view.name.to_owned()),
            Column::new(
                "TARGET-ASSIGNMENT-EPOCH",
                Width::Fixed(25),
                |_: &Row<'_>| or_missing(epochs(view).map(|(_, target)| target)),
            ),
            // The tool pads to 15 characters, but leaves out the blank after them.
            Column::new("TOPOLOGY-EPOCH", Width::Fixed(14), |_: &Row<'_>| {
                or_missing(topology.map(|topology| topology.epoch))
            }),
            Column::new("MEMBER", GROWS, |(id, _): &Row<'_>| (*id).clone()),
            Column::new("MEMBER-PROTOCOL", Width::Fixed(15), |(_, it): &Row<'_>| {
                let protocol = if it.is_classic { "classic" } else { "streams" };
                protocol.to_owned()
            }),
            Column::new("MEMBER-EPOCH", Width::Fixed(15), |(_, it): &Row<'_>| {
                it.epoch.to_string()
            }),
            Column::new("PROCESS", GROWS, |(_, it): &Row<'_>| {
                it.process_id.clone().unwrap_or_default()
            }),
            Column::new("CLIENT-ID", GROWS, |(_, it): &Row<'_>| it.client_id.clone()),
            Column::new("ASSIGNMENTS", Width::Fixed(0), |(_, it): &Row<'_>| {
                tasks(it)
            }),
        ];
        context.print(&table(&columns, &members))?;
    }
    Ok(())
}

/// The tasks of a member: the current and the target assignment.
fn tasks(member: &Member) -> String {
    let mut text = String::new();
    for (heading, tasks) in [
        ("ACTIVE", &member.assigned),
        ("STANDBY", &member.replicas.standby),
        ("WARMUP", &member.replicas.warmup),
        ("TARGET-ACTIVE", &member.target),
        ("TARGET-STANDBY", &member.target_replicas.standby),
        ("TARGET-WARMUP", &member.target_replicas.warmup),
    ] {
        if tasks.is_empty() {
            continue;
        }
        let _ = write!(text, "{heading}: ");
        let mut tasks: Vec<&Assigned> = tasks.iter().collect();
        tasks.sort();
        for task in tasks {
            let mut numbers = task.partitions.clone();
            numbers.sort_unstable();
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            if let AssignedOf::Subtopology(id) = &task.of {
                let _ = write!(text, "{id}:[{}]; ", numbers.join(","));
            }
        }
    }
    text
}

/// Shows the state of each group. The coordinator is not on a disk.
pub(in crate::cli::groups) fn states(
    views: &[GroupView<'_>],
    is_verbose: bool,
    context: &mut Context,
) -> Result<()> {
    let epochs = [
        ("GROUP-EPOCH", Width::Fixed(15)),
        ("TARGET-ASSIGNMENT-EPOCH", Width::Fixed(25)),
    ];
    let columns = state_columns(None, Width::Fixed(25), is_verbose.then_some(epochs));
    for view in views {
        let mut text = String::new();
        if view.state == GroupState::Empty {
            let name = view.name;
            let _ = writeln!(
                text,
                "\nError: Streams group '{name}' has no active members."
            );
        }
        text.push_str(&table(&columns, &[view]));
        context.print(&text)?;
    }
    Ok(())
}
