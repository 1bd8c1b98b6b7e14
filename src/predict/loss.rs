//! What a start takes away: records, bytes and the time they span.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use super::paper::{self, Content};
use super::reason::Thrown;
use super::segment::Segment;
use super::start::{Bounds, Start};
use super::verdict::Lost;
use crate::format::name::{LOG_SUFFIX, SWAP_SUFFIX, base_offset};
use crate::format::{Batch, Scratch};
use crate::scan::{Policy, Span, Walk};
use crate::store::{Error, ItemType, LogFile};

/// Counts what is in the bytes that are gone. Batches are sought behind damage too.
pub(super) fn of_gone(start: &mut Start<'_>) -> Result<Lost, Error> {
    let mut lost = Lost::default();
    let kept_ends = start.paper.kept();
    for (name, leaf) in start.paper.before() {
        let Content::Disk { path, len, .. } = &leaf.content else {
            continue;
        };
        let kept = kept_ends.get(path.as_path()).copied();
        // A swap file that is not swapped in was never part of the log. Of one that is, those it replaces tell.
        let counts = if let Some(name) = name.strip_suffix(SWAP_SUFFIX) {
            kept.is_some() && is_log(name) && start.replaced.is_empty()
        } else {
            is_log(name) && !start.replaced.contains(name)
        };
        let kept = kept.unwrap_or(0);
        if counts && leaf.kind == ItemType::File && kept < *len {
            lost.bytes = lost.bytes.saturating_add(len - kept);
            add(
                &mut lost,
                &paper::open(path)?,
                kept..*len,
                &mut start.scratch,
                i64::MIN,
            )?;
        }
    }
    lost.merge(of_replaced(start)?);
    Ok(lost)
}

/// Counts what swap files do not hold of the segments they replace: what lies behind their end. What compaction left out
/// is not lost.
fn of_replaced(start: &mut Start<'_>) -> Result<Lost, Error> {
    let mut lost = Lost::default();
    if start.replaced.is_empty() {
        return Ok(lost);
    }
    let logs = start.paper.after().keys().filter(|name| is_log(name));
    let bases: BTreeSet<i64> = logs.filter_map(|name| Some(base_offset(name)?.0)).collect();
    for name in start.replaced.clone() {
        let (Some(base), Some(leaf)) = (base_offset(&name), start.paper.before().get(&name)) else {
            continue;
        };
        let Content::Disk { path, len, .. } = leaf.content.clone() else {
            continue;
        };
        if !is_log(&name) {
            continue;
        }
        let floor = bases.range(..=base.0).next_back();
        let end = match floor.map(|&floor| Segment::end_of(start, floor)) {
            Some(Ok(end)) => end,
            Some(Err(Thrown::Ours(error))) => return Err(error),
            _ => i64::MIN,
        };
        add(
            &mut lost,
            &paper::open(&path)?,
            0..len,
            &mut start.scratch,
            end,
        )?;
    }
    Ok(lost)
}

/// Counts what lies behind the end of the log: the next records will be appended to it, and it is never served.
pub(super) fn of_unread(start: &mut Start<'_>, bounds: Option<Bounds>) -> Result<Lost, Error> {
    let mut lost = Lost::default();
    if let Some(bounds) = bounds
        && let Some((path, unread)) = unread(start, bounds)
    {
        lost.bytes = lost.bytes.saturating_add(unread.end - unread.start);
        add(
            &mut lost,
            &paper::open(&path)?,
            unread,
            &mut start.scratch,
            i64::MIN,
        )?;
    }
    Ok(lost)
}

/// What a broker does not reach of the last segment: the file, and the bytes of it.
fn unread(start: &Start<'_>, bounds: Bounds) -> Option<(PathBuf, Range<u64>)> {
    match start.paper.last_log()?.1 {
        Content::Disk { path, start, len } if bounds.reached < *len => {
            let range = start.saturating_add(bounds.reached)..start.saturating_add(*len);
            Some((path.clone(), range))
        }
        _ => None,
    }
}

/// Whether it is a `.log`, by its name.
pub(super) fn is_log(name: &str) -> bool {
    name.ends_with(LOG_SUFFIX) && base_offset(name).is_some()
}

/// Adds the records between two places of a file, from the offset `first` on.
pub(super) fn add(
    lost: &mut Lost,
    log: &LogFile,
    range: Range<u64>,
    scratch: &mut Scratch,
    first: i64,
) -> Result<(), Error> {
    let mut buffer = Vec::new();
    let to = range.end;
    let mut walk = Walk::new(&[], Policy::Salvage).starting_at(range.start, to);
    let mut wanted = 0;
    loop {
        let position = walk.reached();
        let reach = position.saturating_add(log.stride_bytes().max(wanted));
        let bytes = log.window(position..reach.min(to), &mut buffer)?;
        let mut here = walk.resume(bytes, to);
        for span in here.by_ref() {
            match span {
                Span::Frame(frame) => {
                    if let Ok(batch) = Batch::parse(frame)
                        && frame.offset().0 >= first
                    {
                        lost.add(&batch, scratch);
                    }
                }
                Span::Zeros(range) => {
                    lost.zeros = lost.zeros.saturating_add(range.end - range.start);
                }
                Span::Damage { .. } => {}
            }
        }
        let short = (bytes.len() as u64) < reach.min(to).saturating_sub(position);
        walk = here.resume(&[], to);
        match here.wanted() {
            Some(_) if short && here.reached() == position => return Ok(()),
            Some(bytes) => wanted = bytes as u64,
            None => return Ok(()),
        }
    }
}
