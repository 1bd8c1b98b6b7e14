//! Classic and consumer groups as `kafka-consumer-groups.sh --describe` shows them.
//!
//! # References
//! `ConsumerGroupCommand` of Kafka 4.3: `printOffsets`, `printMembers`, `printStates`. Kafka 4.0 to
//! 4.4 print the same.

use anyhow::Result;
use kseg::report::group_view::{GroupOffset, GroupView};
use kseg::report::groups::{Assigned, GroupKind, GroupState, Member};
use kseg::report::reach::Reaches;

use super::table::{
    Column, GROWS, MISSING, Width, epochs, leader_epoch, or_missing, partition_count,
    place_columns, state_columns, table,
};
use crate::cli::Context;
use crate::cli::groups::rows::names;

/// Shows the offsets of each group.
pub(in crate::cli::groups) fn offsets(
    views: &[GroupView<'_>],
    is_verbose: bool,
    context: &mut Context,
) -> Result<()> {
    for view in views.iter().filter(|view| is_known(view)) {
        note_state(view, context);
        // The tool does not know offsets in open transactions.
        let rows = view.offsets.iter();
        let rows = rows.filter(|row| row.committed.is_some() || row.member.is_some());
        let rows: Vec<&GroupOffset<'_>> = rows.collect();
        if rows.is_empty() {
            continue;
        }
        let text = table(&offset_columns(view, is_verbose), &rows);
        context.print(&format!("\n{text}"))?;
    }
    Ok(())
}

fn offset_columns<'a>(
    view: &'a GroupView<'a>,
    is_verbose: bool,
) -> Vec<Column<'a, &'a GroupOffset<'a>>> {
    type Row<'a> = &'a GroupOffset<'a>;
    let of_member = |heading, width, value: fn(&Member) -> &str| {
        let cell = move |row: &Row<'a>| or_missing(row.member.map(|(_, member)| value(member)));
        Column::new(heading, width, cell)
    };
    let mut columns = place_columns(view);
    if is_verbose {
        let epoch = |row: &Row<'a>| leader_epoch(row);
        columns.push(Column::new("LEADER-EPOCH", Width::Fixed(15), epoch));
    }
    columns.extend([
        Column::new("CURRENT-OFFSET", Width::Fixed(15), |row: &Row<'a>| {
            or_missing(row.committed.map(|commit| commit.offset.get()))
        }),
        Column::new("LOG-END-OFFSET", Width::Fixed(15), |row: &Row<'a>| {
            or_missing(row.reach.map(|reach| reach.end.get()))
        }),
        Column::new("LAG", Width::Fixed(15), |row: &Row<'a>| {
            or_missing(row.lag())
        }),
        Column::new("CONSUMER-ID", GROWS, |row: &Row<'a>| {
            or_missing(row.member.map(|(id, _)| id))
        }),
        of_member("HOST", GROWS, |member| &member.client_host),
        of_member("CLIENT-ID", Width::Fixed(0), |member| &member.client_id),
    ]);
    columns
}

/// Shows the members of each group, as with `--verbose`.
pub(in crate::cli::groups) fn members(
    views: &[GroupView<'_>],
    reaches: &Reaches,
    context: &mut Context,
) -> Result<()> {
    for view in views.iter().filter(|view| is_known(view)) {
        note_state(view, context);
        let members = view.group.iter().flat_map(|group| &group.members);
        let mut members: Vec<(&String, &Member)> = members.collect();
        members.sort_by_key(|(_, member)| member.rank);
        let text = table(&member_columns(view, &members, reaches), &members);
        context.print(&format!("\n{text}"))?;
    }
    Ok(())
}

fn member_columns<'a>(
    view: &'a GroupView<'a>,
    members: &[(&String, &Member)],
    reaches: &'a Reaches,
) -> Vec<Column<'a, (&'a String, &'a Member)>> {
    type Row<'a> = (&'a String, &'a Member);
    let assigned = |parts: &[Assigned]| match names(parts, reaches).join(";") {
        names if names.is_empty() => MISSING.to_owned(),
        names => names,
    };
    let mut columns = vec![
        Column::new("GROUP", GROWS, |_: &Row<'a>| view.name.to_owned()),
        Column::new("CONSUMER-ID", GROWS, |(id, _): &Row<'a>| (*id).clone()),
    ];
    if members.iter().any(|(_, it)| it.instance_id.is_some()) {
        let instance = |(_, it): &Row<'a>| it.instance_id.clone().unwrap_or_default();
        let width = Width::AtLeast(17);
        columns.push(Column::new("GROUP-INSTANCE-ID", width, instance));
    }
    columns.extend([
        Column::new("HOST", GROWS, |(_, it): &Row<'a>| it.client_host.clone()),
        Column::new("CLIENT-ID", GROWS, |(_, it): &Row<'a>| it.client_id.clone()),
        Column::new("#PARTITIONS", Width::Fixed(15), |(_, it): &Row<'a>| {
            partition_count(it).to_string()
        }),
        Column::new("CURRENT-EPOCH", Width::Fixed(15), |(_, it): &Row<'a>| {
            or_missing(epochs(view).map(|_| it.epoch))
        }),
        Column::new(
            "CURRENT-ASSIGNMENT",
            Width::AtLeast(20),
            move |(_, it): &Row<'a>| assigned(&it.assigned),
        ),
        Column::new("TARGET-EPOCH", Width::Fixed(15), |_: &Row<'a>| {
            or_missing(epochs(view).map(|(_, target)| target))
        }),
        Column::new(
            "TARGET-ASSIGNMENT",
            Width::AtLeast(20),
            move |(_, it): &Row<'a>| assigned(&it.target),
        ),
    ]);
    if is_upgrading(view) {
        let upgraded = |(_, it): &Row<'a>| (!it.is_classic).to_string();
        columns.push(Column::new("UPGRADED", Width::Fixed(0), upgraded));
    }
    columns
}

/// Returns true if some members of the group speak the protocol of consumer groups, and others the
/// classic one.
fn is_upgrading(view: &GroupView<'_>) -> bool {
    let group = view.group.filter(|it| it.kind == GroupKind::Consumer);
    let members = || group.iter().flat_map(|group| group.members.values());
    members().any(|it| it.is_classic) && members().any(|it| !it.is_classic)
}

/// Shows the state of each group. The coordinator is not on a disk.
pub(in crate::cli::groups) fn states(
    views: &[GroupView<'_>],
    is_verbose: bool,
    context: &mut Context,
) -> Result<()> {
    type Row<'a> = &'a GroupView<'a>;
    let strategy = |view: &Row<'_>| or_missing(view.assignor());
    let epochs = [
        ("GROUP-EPOCH", Width::Fixed(15)),
        ("TARGET-ASSIGNMENT-EPOCH", Width::Fixed(25)),
    ];
    let columns = state_columns(
        Some(Column::new(
            "ASSIGNMENT-STRATEGY",
            Width::Fixed(20),
            strategy,
        )),
        Width::Fixed(20),
        is_verbose.then_some(epochs),
    );
    for view in views.iter().filter(|view| is_known(view)) {
        note_state(view, context);
        context.print(&format!("\n{}", table(&columns, &[view])))?;
    }
    Ok(())
}

/// Returns true if `kafka-consumer-groups.sh` knows the group: those of other kinds have tools of
/// their own.
fn is_known(view: &GroupView<'_>) -> bool {
    view.group
        .is_none_or(|group| matches!(group.kind, GroupKind::Classic | GroupKind::Consumer))
}

/// Writes the messages of the tool on standard error before a group.
fn note_state(view: &GroupView<'_>, context: &mut Context) {
    let name = view.name;
    let note = match view.state {
        GroupState::Empty => format!("\nConsumer group '{name}' has no active members.\n"),
        GroupState::Assigning | GroupState::Reconciling => {
            format!("\nWarning: Consumer group '{name}' is rebalancing.\n")
        }
        _ => return,
    };
    context.say(note.as_bytes());
}
