//! What an interrupted compaction left: `.cleaned` and `.swap`.
//!
//! A broker rolls back what is incomplete and finishes the rest, without looking at a checksum. What it would do rightly
//! is left to it.

use super::files::quarantine;
use super::steps::Steps;
use crate::format::FileKind;
use crate::format::name::FileState;
use crate::repair::error::Error;
use crate::store::{Item, Partition};
use crate::verify::{CheckId, Finding};

/// Adds the steps for what an interrupted compaction left.
///
/// # Errors
/// A file cannot be read.
pub(super) fn steps(
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
    let first_cleaned = of(FileState::Cleaned).map(|(.., offset)| offset).min();
    for (item, ..) in of(FileState::Cleaned) {
        let why =
            "a compaction that was not finished; a broker deletes it, and the originals are there";
        quarantine(item, &[CheckId::Leftover], why, steps)?;
    }
    let is_current = |kind: FileKind, offset: i64| {
        let mut items = partition.items().iter().filter(|item| item.is_file());
        items.any(|item| {
            item.is_current(kind)
                && item
                    .file_name()
                    .is_some_and(|name| name.offset.is_some_and(|at| at.0 == offset))
        })
    };
    let has_log_swap = |offset: i64| {
        of(FileState::Swap).any(|(_, kind, at)| kind == FileKind::Log && at == offset)
    };
    let is_damaged = |offset: i64| {
        of(FileState::Swap).any(|(item, _, at)| at == offset && is_told(item, findings))
    };
    for (item, _, offset) in of(FileState::Swap) {
        let has_originals = is_current(FileKind::Log, offset);
        if first_cleaned.is_some_and(|first| first <= offset) && has_originals {
            let why =
                "its compaction was not finished; a broker deletes it, and the originals are there";
            quarantine(item, &[CheckId::Leftover], why, steps)?;
        } else if is_damaged(offset) && has_originals {
            let why = "a broker would put it in place of sound segments without looking";
            quarantine(item, &[CheckId::SwapIncomplete], why, steps)?;
        } else if !has_log_swap(offset) && has_originals {
            let why = "its log is in place already, and the index is computed from that";
            quarantine(item, &[CheckId::Leftover], why, steps)?;
        }
    }
    Ok(())
}

fn is_told(item: &Item, findings: &[&Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.check == CheckId::SwapIncomplete && *finding.path == *item.path())
}
