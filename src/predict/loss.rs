//! The loss at a start: records, bytes and their time span.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;

use super::leftovers::SWAP;
use super::lost::Lost;
use super::segment::Segment;
use super::start::{Bounds, Start};
use super::thrown::Thrown;
use super::virtual_dir::{self, Content, is_log, log_base};
use crate::format::Scratch;
use crate::scan::{Event, GapKind, Output, Policy, ScanOptions, Visitor, follow_with};
use crate::store::{Error, ItemType, LogFile};

/// Counts the contents of lost bytes. Batches after damage are counted too.
pub(super) fn of_gone(start: &mut Start<'_>) -> Result<Lost, Error> {
    let mut lost = Lost::default();
    let kept_ends = start.virtual_dir.kept();
    for (name, leaf) in start.virtual_dir.before() {
        let Content::Disk { path, len, .. } = &leaf.content else {
            continue;
        };
        let kept = kept_ends.get(path.as_path()).copied();
        // A swap file that is not swapped in was never part of the log. For one that is, the
        // replaced segments count.
        let counts = if let Some(name) = name.strip_suffix(SWAP) {
            kept.is_some() && is_log(name) && start.replaced.is_empty()
        } else {
            is_log(name) && !start.replaced.contains(name)
        };
        let kept = kept.unwrap_or(0);
        if counts && leaf.kind == ItemType::File && kept < *len {
            lost.bytes = lost.bytes.saturating_add(len - kept);
            add(
                &mut lost,
                &virtual_dir::open(path)?,
                kept..*len,
                &mut start.scratch,
                i64::MIN,
            )?;
        }
    }
    lost.merge(of_replaced(start)?);
    Ok(lost)
}

/// Counts records of replaced segments that are beyond the end of the swap files. Records that
/// compaction removed are not lost.
fn of_replaced(start: &mut Start<'_>) -> Result<Lost, Error> {
    let mut lost = Lost::default();
    if start.replaced.is_empty() {
        return Ok(lost);
    }
    let names = start.virtual_dir.after().keys();
    let bases: BTreeSet<i64> = names.filter_map(|name| log_base(name)).collect();
    for name in start.replaced.clone() {
        let (Some(base), Some(leaf)) = (log_base(&name), start.virtual_dir.before().get(&name))
        else {
            continue;
        };
        let Content::Disk { path, len, .. } = leaf.content.clone() else {
            continue;
        };
        let floor = bases.range(..=base).next_back();
        let end = match floor.map(|&floor| Segment::end_of(start, floor)) {
            Some(Ok(end)) => end,
            Some(Err(Thrown::Ours(error))) => return Err(error),
            _ => i64::MIN,
        };
        add(
            &mut lost,
            &virtual_dir::open(&path)?,
            0..len,
            &mut start.scratch,
            end,
        )?;
    }
    Ok(lost)
}

/// Counts records beyond the log end: the next records are appended after them, and they are never
/// served.
pub(super) fn of_unread(start: &mut Start<'_>, bounds: Option<Bounds>) -> Result<Lost, Error> {
    let mut lost = Lost::default();
    if let Some(bounds) = bounds
        && let Some((path, unread)) = unread(start, bounds)
    {
        lost.bytes = lost.bytes.saturating_add(unread.end - unread.start);
        add(
            &mut lost,
            &virtual_dir::open(&path)?,
            unread,
            &mut start.scratch,
            i64::MIN,
        )?;
    }
    Ok(lost)
}

/// Returns the file and the bytes of the last segment that a broker does not reach.
fn unread(start: &Start<'_>, bounds: Bounds) -> Option<(PathBuf, Range<u64>)> {
    match start.virtual_dir.last_log()?.1 {
        Content::Disk { path, start, len } if bounds.reached < *len => {
            let range = start.saturating_add(bounds.reached)..start.saturating_add(*len);
            Some((path.clone(), range))
        }
        _ => None,
    }
}

/// Adds the records between two positions of a file, from the offset `first` on.
pub(super) fn add(
    lost: &mut Lost,
    log: &LogFile,
    range: Range<u64>,
    scratch: &mut Scratch,
    first: i64,
) -> Result<(), Error> {
    let options = ScanOptions {
        start: range.start,
        end: range.end,
        ..ScanOptions::of(Policy::Salvage)
    };
    let mut counter = Counter { lost, first };
    let mut nobody = |_| ControlFlow::Continue(());
    follow_with(scratch, log, options, &mut counter, &mut nobody)
}

/// Counts batches from an offset on, and zeros.
struct Counter<'a> {
    lost: &'a mut Lost,
    first: i64,
}

impl Visitor for Counter<'_> {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match event {
            Event::Batch(batch) if batch.offset().0 >= self.first => self.lost.add(&batch, scratch),
            Event::Gap(gap) => {
                let zeros = gap.parts().filter(|part| part.kind == GapKind::Zeros);
                let bytes: u64 = zeros.map(|part| part.range.end - part.range.start).sum();
                self.lost.zeros = self.lost.zeros.saturating_add(bytes);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
