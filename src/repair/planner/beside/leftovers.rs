//! What an interrupted compaction left: `.cleaned` and `.swap`.
//!
//! A broker rolls back what is incomplete and finishes the rest, without looking at a checksum.
//! What it would do rightly is left to it, and so is what it deletes by itself.

use crate::format::FileKind;
use crate::format::name::FileState;
use crate::repair::error::Error;
use crate::repair::planner::files::quarantine;
use crate::repair::planner::steps::Steps;
use crate::store::{Item, Partition};
use crate::verify::{CheckId, Finding};

/// Adds the steps for what an interrupted compaction left.
///
/// # Errors
/// A file cannot be read.
pub(in crate::repair::planner) fn steps(
    partition: &Partition,
    findings: &[&Finding],
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let of = |state: FileState| {
        let items = partition.items().iter().filter(|item| item.is_file());
        items.filter_map(move |item| {
            let name = item.file_name().filter(|name| name.state == state)?;
            Some((item, name.kind, name.offset?.0))
        })
    };
    let is_current = |kind: FileKind, offset: i64| {
        let mut items = partition.items().iter().filter(|item| item.is_file());
        items.any(|item| {
            item.is_current(kind)
                && item
                    .file_name()
                    .is_some_and(|name| name.offset.is_some_and(|at| at.0 == offset))
        })
    };
    let is_damaged = |offset: i64| {
        of(FileState::Swap).any(|(item, _, at)| at == offset && is_reported(item, findings))
    };
    for (item, _, offset) in of(FileState::Swap) {
        let has_originals = is_current(FileKind::Log, offset);
        if is_damaged(offset) && has_originals {
            let why = "a broker would replace intact segments with it, without checking it";
            quarantine(item, &[CheckId::SwapIncomplete], why, steps)?;
        }
    }
    Ok(())
}

fn is_reported(item: &Item, findings: &[&Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.check == CheckId::SwapIncomplete && *finding.path == *item.path())
}
