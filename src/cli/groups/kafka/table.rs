//! Tables as Kafka's tools print them.

use kseg::report::group_view::{GroupOffset, GroupView};
use kseg::report::groups::{GroupKind, Member};

/// The mark of a missing value.
pub(super) const MISSING: &str = "-";

/// The minimum width of columns that grow with their widest value.
pub(super) const GROWS: Width = Width::AtLeast(15);

/// The width of a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Width {
    /// As wide as the widest value, and at least this number of characters.
    AtLeast(usize),
    /// This number of characters; a longer value shifts the rest of its line.
    Fixed(usize),
}

/// A column: its heading, its width and the value of a row.
pub(super) struct Column<'a, R> {
    heading: &'static str,
    width: Width,
    value: Box<dyn Fn(&R) -> String + 'a>,
}

impl<'a, R> Column<'a, R> {
    pub(super) fn new(
        heading: &'static str,
        width: Width,
        value: impl Fn(&R) -> String + 'a,
    ) -> Self {
        Self {
            heading,
            width,
            value: Box::new(value),
        }
    }
}

/// Writes rows below their headings: cells left-aligned, separated by a blank. Without a width the
/// last cell is not padded.
pub(super) fn table<R>(columns: &[Column<'_, R>], rows: &[R]) -> String {
    let heads = columns.iter().map(|column| column.heading.to_owned());
    let mut lines: Vec<Vec<String>> = vec![heads.collect()];
    for row in rows {
        lines.push(columns.iter().map(|column| (column.value)(row)).collect());
    }
    let widths = columns.iter().enumerate().map(|(nth, column)| {
        let cells = lines.iter().skip(1).filter_map(|line| line.get(nth));
        match column.width {
            Width::AtLeast(least) => cells.map(|cell| chars(cell)).fold(least, usize::max),
            Width::Fixed(width) => width,
        }
    });
    let widths: Vec<usize> = widths.collect();
    let mut text = String::new();
    for line in &lines {
        for (nth, (cell, width)) in line.iter().zip(&widths).enumerate() {
            if nth > 0 {
                text.push(' ');
            }
            text.push_str(cell);
            let missing = width.saturating_sub(chars(cell));
            text.extend(std::iter::repeat_n(' ', missing));
        }
        text.push('\n');
    }
    text
}

/// Characters as Java counts them: UTF-16 units.
fn chars(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A value, or the mark of a missing one.
pub(super) fn or_missing(value: Option<impl ToString>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |value| value.to_string())
}

/// The leader epoch that was committed with an offset.
pub(super) fn leader_epoch(row: &GroupOffset<'_>) -> String {
    let epoch = row.committed.map(|commit| commit.leader_epoch.get());
    or_missing(epoch.filter(|epoch| *epoch >= 0))
}

/// The epochs of a group and of its target assignment; a classic group has none.
pub(super) fn epochs(view: &GroupView<'_>) -> Option<(i32, i32)> {
    let group = view
        .group
        .filter(|group| group.kind != GroupKind::Classic)?;
    Some((group.epoch, group.target_epoch.unwrap_or_default()))
}

/// The number of members of a group.
pub(super) fn member_count(view: &GroupView<'_>) -> usize {
    view.group.map_or(0, |group| group.members.len())
}

/// The number of partitions that a member has.
pub(super) fn partition_count(member: &Member) -> usize {
    let counts = member.assigned.iter().map(|it| it.partitions.len());
    counts.sum()
}

/// The first columns of offsets, the same in each tool.
pub(super) fn place_columns<'a>(view: &'a GroupView<'a>) -> Vec<Column<'a, &'a GroupOffset<'a>>> {
    type Row<'a> = &'a GroupOffset<'a>;
    vec![
        Column::new("GROUP", GROWS, |_: &Row<'a>| view.name.to_owned()),
        Column::new("TOPIC", GROWS, |row: &Row<'a>| row.topic.to_owned()),
        Column::new("PARTITION", Width::Fixed(10), |row: &Row<'a>| {
            row.partition.to_string()
        }),
    ]
}

/// The columns of a state: `strategy` if a tool has it, and with `--verbose` the epochs of the
/// group and of its target assignment under headings and widths that differ from tool to tool.
pub(super) fn state_columns<'a>(
    strategy: Option<Column<'a, &'a GroupView<'a>>>,
    state: Width,
    verbose: Option<[(&'static str, Width); 2]>,
) -> Vec<Column<'a, &'a GroupView<'a>>> {
    type Row<'a> = &'a GroupView<'a>;
    let mut columns = vec![
        Column::new("GROUP", GROWS, |view: &Row<'a>| view.name.to_owned()),
        Column::new("COORDINATOR (ID)", Width::Fixed(25), |_: &Row<'a>| {
            MISSING.to_owned()
        }),
    ];
    columns.extend(strategy);
    columns.push(Column::new("STATE", state, |view: &Row<'a>| {
        view.state.name().to_owned()
    }));
    if let Some([(group, group_width), (target, target_width)]) = verbose {
        columns.extend([
            Column::new(group, group_width, |view: &Row<'a>| {
                or_missing(epochs(view).map(|(epoch, _)| epoch))
            }),
            Column::new(target, target_width, |view: &Row<'a>| {
                or_missing(epochs(view).map(|(_, target)| target))
            }),
        ]);
    }
    columns.push(Column::new(
        "#MEMBERS",
        Width::Fixed(0),
        |view: &Row<'a>| member_count(view).to_string(),
    ));
    columns
}
