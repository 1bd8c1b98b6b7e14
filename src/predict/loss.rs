//! What a start takes away: records, bytes and the time they span.

use std::ops::Range;
use std::path::PathBuf;

use super::leftovers::SWAP;
use super::paper::{self, Content};
use super::start::{Bounds, Start};
use super::verdict::Lost;
use crate::format::name::{LOG_SUFFIX, base_offset};
use crate::format::{Batch, Scratch};
use crate::scan::{Policy, Span, Walk};
use crate::store::{Error, ItemType, LogFile};

/// Counts what is in the bytes that are gone. Batches are sought behind damage too.
pub(super) fn of_gone(start: &mut Start<'_>) -> Result<Lost, Error> {
    let mut lost = Lost::default();
    for (name, leaf) in start.paper.before().clone() {
        let Content::Disk { path, len, .. } = &leaf.content else {
            continue;
        };
        let kept = start.paper.kept(path);
        // A swap file that is not swapped in was never part of the log, and what it stands for is not lost with it.
        let counts = if name.ends_with(SWAP) {
            kept.is_some() && is_log(name.trim_end_matches(SWAP))
        } else {
            is_log(&name) && !start.replaced.contains(&name)
        };
        let kept = kept.unwrap_or(0);
        if counts && leaf.kind == ItemType::File && kept < *len {
            lost.bytes = lost.bytes.saturating_add(len - kept);
            add(&mut lost, &paper::open(path)?, kept..*len, &mut start.scratch)?;
        }
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
        add(&mut lost, &paper::open(&path)?, unread, &mut start.scratch)?;
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

/// Adds the records between two places of a file.
pub(super) fn add(
    lost: &mut Lost,
    log: &LogFile,
    range: Range<u64>,
    scratch: &mut Scratch,
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
            if let Span::Frame(frame) = span
                && let Ok(batch) = Batch::parse(frame)
            {
                lost.add(&batch, scratch);
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
