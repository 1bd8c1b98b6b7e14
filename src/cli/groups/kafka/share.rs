//! Share groups as `kafka-share-groups.sh --describe` shows them.
//!
//! # References
//! `ShareGroupCommand` of Kafka 4.3: `printOffsets`, `printMembers`, `printStates`.

use anyhow::Result;
use kseg::report::group_view::{GroupOffset, GroupView};
use kseg::report::groups::{GroupState, Member};
use kseg::report::reach::Reaches;

use super::table::{
    Column, GROWS, Width, leader_epoch, or_missing, partition_count, place_columns, state_columns,
    table,
};
use crate::cli::Context;
use crate::cli::groups::rows::names;

/// Shows the start offsets of each group.
pub(in crate::cli::groups) fn offsets(
    views: &[GroupView<'_>],
    is_verbose: bool,
    context: &mut Context,
) -> Result<()> {
    type Row<'a> = &'a GroupOffset<'a>;
    for view in views {
        let mut rows: Vec<Row<'_>> = view.offsets.iter().collect();
        rows.retain(|row| row.committed.is_some());
        rows.sort_by_key(|row| (row.topic, row.partition));
        rows.dedup_by_key(|row| (row.topic, row.partition));
        if rows.is_empty() {
            let name = view.name;
            context.print(&format!(
                "\nShare group '{name}' has no offset information.\n"
            ))?;
            continue;
        }
        let mut columns = place_columns(view);
        if is_verbose {
            let epoch = |row: &Row<'_>| leader_epoch(row);
            columns.push(Column::new("LEADER-EPOCH", Width::Fixed(13), epoch));
        }
        columns.extend([
            Column::new("START-OFFSET", Width::Fixed(13), |row: &Row<'_>| {
                or_missing(row.committed.map(|commit| commit.offset.get()))
            }),
            Column::new("LAG", Width::Fixed(0), |row: &Row<'_>| {
                or_missing(row.lag())
            }),
        ]);
        context.print(&format!("\n{}", table(&columns, &rows)))?;
    }
    Ok(())
}

/// Shows the members of each group, as with `--verbose`.
pub(in crate::cli::groups) fn members(
    views: &[GroupView<'_>],
    reaches: &Reaches,
    context: &mut Context,
) -> Result<()> {
    type Row<'a> = (&'a String, &'a Member);
    for view in views {
        note_state(view, context);
        let members = view.group.iter().flat_map(|group| &group.members);
        let members: Vec<Row<'_>> = members.collect();
        if members.is_empty() {
            continue;
        }
        let columns = [
            Column::new("GROUP", GROWS, |_: &Row<'_>| view.name.to_owned()),
            Column::new("CONSUMER-ID", GROWS, |(id, _): &Row<'_>| (*id).clone()),
            Column::new("HOST", GROWS, |(_, it): &Row<'_>| it.client_host.clone()),
            Column::new("CLIENT-ID", GROWS, |(_, it): &Row<'_>| it.client_id.clone()),
            Column::new("#PARTITIONS", Width::Fixed(12), |(_, it): &Row<'_>| {
                partition_count(it).to_string()
            }),
            Column::new("MEMBER-EPOCH", Width::Fixed(13), |(_, it): &Row<'_>| {
                it.epoch.to_string()
            }),
            Column::new("ASSIGNMENT", Width::Fixed(0), |(_, it): &Row<'_>| {
                names(&it.assigned, reaches).join(";")
            }),
        ];
        context.print(&format!("\n{}", table(&columns, &members)))?;
    }
    Ok(())
}

/// Shows the state of each group. The coordinator is not on a disk.
pub(in crate::cli::groups) fn states(
    views: &[GroupView<'_>],
    is_verbose: bool,
    context: &mut Context,
) -> Result<()> {
    let epochs = [
        ("GROUP-EPOCH", Width::Fixed(12)),
        ("ASSIGNMENT-EPOCH", Width::Fixed(17)),
    ];
    let columns = state_columns(None, Width::Fixed(15), is_verbose.then_some(epochs));
    for view in views {
        note_state(view, context);
        context.print(&format!("\n{}", table(&columns, &[view])))?;
    }
    Ok(())
}

/// Writes the messages of the tool on standard error before a group.
fn note_state(view: &GroupView<'_>, context: &mut Context) {
    if view.state == GroupState::Empty {
        let name = view.name;
        context.say(format!("\nShare group '{name}' has no active members.\n").as_bytes());
    }
}
