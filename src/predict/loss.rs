//! What a start takes away: records, bytes and the time they span.

use super::paper::{self, Content, Leaf};
use super::start::{Bounds, Start};
use super::verdict::Lost;
use crate::format::name::{LOG_SUFFIX, base_offset};
use crate::format::{Batch, Scratch};
use crate::scan::{Policy, Span, Walk};
use crate::store::{Error, LogFile};

/// Counts what is in the bytes that are gone, or that nobody reads any more. Batches are sought behind damage too.
pub(super) fn count(start: &mut Start<'_>, bounds: Option<Bounds>) -> Result<Lost, Error> {
    let mut lost = Lost::default();
    let mut last = None;
    for (name, leaf) in start.paper.before().clone() {
        if !is_log(&name, &leaf) || start.replaced.contains(&name) {
            continue;
        }
        let Content::Disk { path, len, .. } = &leaf.content else {
            continue;
        };
        let kept = start
            .paper
            .after()
            .get(&name)
            .map_or(0, |leaf| leaf.content.len_bytes());
        if start.paper.after().contains_key(&name) {
            last = Some((path.clone(), kept));
        }
        if kept < *len {
            lost.bytes = lost.bytes.saturating_add(len - kept);
            add(&mut lost, &paper::open(path)?, kept, *len, &mut start.scratch)?;
        }
    }
    // Behind the end of the log are bytes that the next records will be appended to, and never served.
    if let (Some((path, kept)), Some(bounds)) = (last, bounds)
        && bounds.reached < kept
    {
        lost.bytes = lost.bytes.saturating_add(kept - bounds.reached);
        let log = paper::open(&path)?;
        add(&mut lost, &log, bounds.reached, kept, &mut start.scratch)?;
    }
    Ok(lost)
}

fn is_log(name: &str, leaf: &Leaf) -> bool {
    leaf.kind == crate::store::ItemType::File
        && name.ends_with(LOG_SUFFIX)
        && base_offset(name).is_some()
}

/// Adds the records between two places of a file.
fn add(
    lost: &mut Lost,
    log: &LogFile,
    from: u64,
    to: u64,
    scratch: &mut Scratch,
) -> Result<(), Error> {
    let mut buffer = Vec::new();
    let mut walk = Walk::new(&[], Policy::Salvage).starting_at(from, to);
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
