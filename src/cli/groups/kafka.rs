//! Groups as `kafka-consumer-groups.sh --describe` shows them, and as it takes offsets.
//!
//! # References
//! `ConsumerGroupCommand` of Kafka 4.3: `printOffsets`, `printStates`, `parseConsumerGroupsFromFile`.

use std::fmt::Write as _;

use anyhow::Result;
use kseg::report::group_view::{GroupOffset, GroupView};
use kseg::report::groups::{Assigned, GroupKind, GroupState, Member};
use kseg::report::reach::Reaches;

use super::rows::names;
use crate::cli::Context;

/// What stands where a value is missing.
const MISSING: &str = "-";

/// The least width of columns that grow with their widest value.
const LEAST_WIDTH: usize = 15;

/// Shows the offsets of each group.
pub(super) fn offsets(views: &[GroupView<'_>], context: &mut Context) -> Result<()> {
    for view in views.iter().filter(|view| is_consumer(view)) {
        note_state(view, context);
        // What a transaction commits once it ends, the tool does not know.
        let offsets = view.offsets.iter();
        let offsets = offsets.filter(|row| row.committed.is_some() || row.member.is_some());
        let rows: Vec<[String; 9]> = offsets.map(|row| cells(view, row)).collect();
        if rows.is_empty() {
            continue;
        }
        let mut text = String::from("\n");
        let head = [
            "GROUP",
            "TOPIC",
            "PARTITION",
            "CURRENT-OFFSET",
            "LOG-END-OFFSET",
            "LAG",
            "CONSUMER-ID",
            "HOST",
            "CLIENT-ID",
        ]
        .map(str::to_owned);
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| chars(cell))
                .max()
                .unwrap_or(0)
                .max(LEAST_WIDTH)
        };
        let widths = [width(0), width(1), 10, 15, 15, 15, width(6), width(7), 0];
        for row in std::iter::once(&head).chain(&rows) {
            line(&mut text, row, &widths);
        }
        context.print(&text)?;
    }
    Ok(())
}

/// The least widths of the columns of members.
const MEMBER_WIDTHS: [usize; 10] = [15, 15, 17, 15, 15, 15, 15, 20, 15, 20];

/// Shows the members of each group, as with `--verbose` (`printMembers`).
pub(super) fn members(
    views: &[GroupView<'_>],
    reaches: &Reaches,
    context: &mut Context,
) -> Result<()> {
    for view in views.iter().filter(|view| is_consumer(view)) {
        note_state(view, context);
        let mut members: Vec<_> = view.group.iter().flat_map(|group| &group.members).collect();
        members.sort_by_key(|(_, member)| member.rank);
        let has_instances = members.iter().any(|(_, it)| it.instance_id.is_some());
        let rows: Vec<[String; 10]> = members
            .into_iter()
            .map(|(id, member)| member_cells(view, (id, member), reaches))
            .collect();
        let head = [
            "GROUP",
            "CONSUMER-ID",
            "GROUP-INSTANCE-ID",
            "HOST",
            "CLIENT-ID",
            "#PARTITIONS",
            "CURRENT-EPOCH",
            "CURRENT-ASSIGNMENT",
            "TARGET-EPOCH",
            "TARGET-ASSIGNMENT",
        ]
        .map(str::to_owned);
        let width = |column: usize, least: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| chars(cell)).max().unwrap_or(0).max(least)
        };
        let is_shown = |column: &usize| *column != 2 || has_instances;
        let columns = MEMBER_WIDTHS.iter().enumerate();
        let widths: Vec<usize> = columns
            .filter(|(column, _)| is_shown(column))
            .map(|(column, least)| width(column, *least))
            .collect();
        let mut text = String::from("\n");
        for row in std::iter::once(&head).chain(&rows) {
            let cells = row.iter().enumerate();
            let cells = cells.filter(|(column, _)| is_shown(column));
            let cells: Vec<String> = cells.map(|(_, cell)| cell.clone()).collect();
            line(&mut text, &cells, &widths);
        }
        context.print(&text)?;
    }
    Ok(())
}

fn member_cells(
    view: &GroupView<'_>,
    (id, member): (&String, &Member),
    reaches: &Reaches,
) -> [String; 10] {
    let epochs = view.group.filter(|group| group.kind != GroupKind::Classic);
    let epoch = |epoch: Option<i32>| epoch.map_or(MISSING.into(), |it| it.to_string());
    let assigned = |parts: &[Assigned]| match names(parts, reaches).join(";") {
        names if names.is_empty() => MISSING.to_owned(),
        names => names,
    };
    let count = member.assigned.iter().map(|it| it.partitions.len());
    [
        view.name.to_owned(),
        id.clone(),
        member.instance_id.clone().unwrap_or_default(),
        member.client_host.clone(),
        member.client_id.clone(),
        count.sum::<usize>().to_string(),
        epoch(epochs.map(|_| member.epoch)),
        assigned(&member.assigned),
        epoch(epochs.and_then(|group| group.target_epoch)),
        assigned(&member.target),
    ]
}

/// Shows the start offsets of each share group (`ShareGroupCommand`).
pub(super) fn share_offsets(views: &[GroupView<'_>], context: &mut Context) -> Result<()> {
    for view in views {
        let mut offsets: Vec<&GroupOffset<'_>> = view.offsets.iter().collect();
        offsets.sort_by_key(|row| (row.topic, row.partition));
        offsets.dedup_by_key(|row| (row.topic, row.partition));
        let rows: Vec<[String; 5]> = offsets
            .into_iter()
            .filter(|row| row.committed.is_some())
            .map(|row| {
                let number =
                    |number: Option<i64>| number.map_or(MISSING.to_owned(), |it| it.to_string());
                [
                    view.name.to_owned(),
                    row.topic.to_owned(),
                    row.partition.to_string(),
                    number(row.committed.map(|commit| commit.offset.get())),
                    number(row.lag()),
                ]
            })
            .collect();
        let head = ["GROUP", "TOPIC", "PARTITION", "START-OFFSET", "LAG"].map(str::to_owned);
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| chars(cell)).max();
            widest.unwrap_or(0).max(LEAST_WIDTH)
        };
        let widths = [width(0), width(1), 10, 13, 0];
        let mut text = String::from("\n");
        for row in std::iter::once(&head).chain(&rows) {
            line(&mut text, row, &widths);
        }
        context.print(&text)?;
    }
    Ok(())
}

/// Shows the state of each group. Which broker coordinates it, no disk knows.
pub(super) fn states(views: &[GroupView<'_>], context: &mut Context) -> Result<()> {
    for view in views.iter().filter(|view| is_consumer(view)) {
        note_state(view, context);
        let members = view.group.map_or(0, |group| group.members.len());
        let row = [
            view.name.to_owned(),
            MISSING.to_owned(),
            view.assignor().unwrap_or(MISSING).to_owned(),
            view.state.name().to_owned(),
            members.to_string(),
        ];
        let head = [
            "GROUP",
            "COORDINATOR (ID)",
            "ASSIGNMENT-STRATEGY",
            "STATE",
            "#MEMBERS",
        ]
        .map(str::to_owned);
        let widths = [chars(view.name).max(LEAST_WIDTH), 25, 20, 20, 0];
        let mut text = String::from("\n");
        for row in [&head, &row] {
            line(&mut text, row, &widths);
        }
        context.print(&text)?;
    }
    Ok(())
}

/// The offsets as `--reset-offsets --from-file` takes them: without the group where there is only one.
pub(super) fn csv(views: &[GroupView<'_>], context: &mut Context) -> Result<()> {
    let is_one = views.len() == 1;
    let mut text = String::new();
    for view in views {
        for row in &view.offsets {
            let Some(commit) = row.committed else {
                continue;
            };
            if !is_one {
                text.push_str(&quoted(view.name));
                text.push(',');
            }
            let topic = quoted(row.topic);
            let _ = writeln!(text, "{topic},{},{}", row.partition, commit.offset.get());
        }
    }
    context.print(&text)
}

/// Whether `kafka-consumer-groups.sh` knows the group: those of other kinds have tools of their own.
fn is_consumer(view: &GroupView<'_>) -> bool {
    view.group
        .is_none_or(|group| matches!(group.kind, GroupKind::Classic | GroupKind::Consumer))
}

/// What the tool says on standard error before a group.
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

fn cells(view: &GroupView<'_>, row: &GroupOffset<'_>) -> [String; 9] {
    let number = |number: Option<i64>| number.map_or(MISSING.to_owned(), |it| it.to_string());
    let member = row.member;
    let text = |text: Option<&str>| text.unwrap_or(MISSING).to_owned();
    [
        view.name.to_owned(),
        row.topic.to_owned(),
        row.partition.to_string(),
        number(row.committed.map(|commit| commit.offset.get())),
        number(row.reach.map(|reach| reach.end.get())),
        number(row.lag()),
        text(member.map(|(id, _)| id)),
        text(member.map(|(_, member)| &*member.client_host)),
        text(member.map(|(_, member)| &*member.client_id)),
    ]
}

/// Cells to the left of columns of these widths, each followed by a blank; the last as it is.
fn line(text: &mut String, cells: &[String], widths: &[usize]) {
    for (nth, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if nth > 0 {
            text.push(' ');
        }
        text.push_str(cell);
        let missing = width.saturating_sub(chars(cell));
        text.extend(std::iter::repeat_n(' ', missing));
    }
    text.push('\n');
}

/// Characters as Java counts them: UTF-16 units.
fn chars(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A field of a CSV file.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
