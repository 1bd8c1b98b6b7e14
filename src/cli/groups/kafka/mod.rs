//! Groups as the tools of Kafka describe them: its columns, widths and words.

mod consumer;
mod csv;
mod share;
mod streams;

use anyhow::Result;
use kseg::report::group_view::{GroupOffset, GroupView};
use kseg::report::groups::GroupKind;
use kseg::report::reach::Reaches;

use super::{Kind, Subject};
use crate::cli::Context;

pub(super) use csv::csv;

/// The mark of a missing value.
const MISSING: &str = "-";

/// The least width of columns that grow with their widest value.
const GROWS: Width = Width::AtLeast(15);

/// Describes the groups of one tool: `kafka-share-groups.sh`, `kafka-streams-groups.sh`, or `kafka-consumer-groups.sh`, which
/// knows no groups of other kinds.
pub(super) fn describe(
    kind: Option<Kind>,
    subject: Subject,
    is_verbose: bool,
    (views, reaches): (&[GroupView<'_>], &Reaches),
    context: &mut Context,
) -> Result<()> {
    match (kind, subject) {
        (Some(Kind::Share), Subject::Offsets) => share::offsets(views, is_verbose, context),
        (Some(Kind::Share), Subject::State) => share::states(views, is_verbose, context),
        (Some(Kind::Share), Subject::Members) => share::members(views, reaches, context),
        (Some(Kind::Streams), Subject::Offsets) => streams::offsets(views, is_verbose, context),
        (Some(Kind::Streams), Subject::State) => streams::states(views, is_verbose, context),
        (Some(Kind::Streams), Subject::Members) => streams::members(views, context),
        (_, Subject::Offsets) => consumer::offsets(views, is_verbose, context),
        (_, Subject::State) => consumer::states(views, is_verbose, context),
        (_, Subject::Members) => consumer::members(views, reaches, context),
    }
}

/// The width of a column.
#[derive(Debug, Clone, Copy)]
enum Width {
    /// As wide as the widest value, and at least so many characters.
    AtLeast(usize),
    /// So many characters; a longer value pushes the rest of its line.
    Fixed(usize),
}

/// A column: its heading, its width and the value of a row.
struct Column<'a, R> {
    heading: &'static str,
    width: Width,
    value: Box<dyn Fn(&R) -> String + 'a>,
}

impl<'a, R> Column<'a, R> {
    fn new(heading: &'static str, width: Width, value: impl Fn(&R) -> String + 'a) -> Self {
        Self {
            heading,
            width,
            value: Box::new(value),
        }
    }
}

/// Writes rows below their headings: cells to the left, a blank between two. Without a width the last cell is not padded.
fn table<R>(columns: &[Column<'_, R>], rows: &[R]) -> String {
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
fn or_missing(value: Option<impl ToString>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |value| value.to_string())
}

/// The leader epoch that was committed with an offset.
fn leader_epoch(row: &GroupOffset<'_>) -> String {
    let epoch = row.committed.map(|commit| commit.leader_epoch.0);
    or_missing(epoch.filter(|epoch| *epoch >= 0))
}

/// The epochs of a group and of its target assignment; a classic group has none.
fn epochs(view: &GroupView<'_>) -> Option<(i32, i32)> {
    let group = view
        .group
        .filter(|group| group.kind != GroupKind::Classic)?;
    Some((group.epoch, group.target_epoch.unwrap_or_default()))
}

/// The number of members of a group.
fn member_count(view: &GroupView<'_>) -> usize {
    view.group.map_or(0, |group| group.members.len())
}
