//! Places in a `.log` where offsets fall: which of the batches on both sides is the odd one.

use crate::format::Scratch;
use crate::repair::Odds;
use crate::repair::planner::mended::{Change, Mended, MendedPart};
use crate::repair::planner::remake::remade;
use crate::repair::planner::steps::Reason;
use crate::repair::planner::survey::{self, BatchRun};
use crate::store::{Error, LogFile};
use crate::verify::CheckId;

/// Takes the batches on both sides of each fall out of their runs, and lets a batch end before the
/// next where its header alone says that it reaches further.
///
/// # Errors
/// The file cannot be read.
pub(super) fn settle(mended: &mut Mended) -> Result<(), Error> {
    let mut parts: Vec<MendedPart> = Vec::with_capacity(mended.parts.len());
    for part in mended.parts.drain(..) {
        if !parts.last().is_some_and(|before| falls(before, &part)) {
            parts.push(part);
            continue;
        }
        if let Some(before) = parts.pop() {
            parts.extend(apart(&mended.log, before, |singles| {
                singles.saturating_sub(1)
            })?);
        }
        // Whether the offset of the batch after the fall is confirmed by the one after it: no
        // checksum covers it.
        let is_sure = matches!(&part, MendedPart::Batches { run, .. } if run.batches > 1);
        let mut behind = apart(&mended.log, part, |_| 1)?.into_iter();
        if let (true, Some(before), Some(next)) =
            (is_sure, parts.last_mut(), behind.as_slice().first())
        {
            shorten(&mended.log, before, next)?;
        }
        parts.extend(&mut behind);
    }
    mended.parts = parts;
    Ok(())
}

fn falls(before: &MendedPart, part: &MendedPart) -> bool {
    match (before, part) {
        (MendedPart::Batches { run: before, .. }, MendedPart::Batches { run, .. }) => {
            run.first <= before.last
        }
        _ => false,
    }
}

/// A run in two: so many batches, and the others. One with changes stays whole.
pub(super) fn apart(
    log: &LogFile,
    part: MendedPart,
    count: impl Fn(usize) -> usize,
) -> Result<Vec<MendedPart>, Error> {
    let MendedPart::Batches { run, changes } = &part else {
        return Ok(vec![part]);
    };
    if run.batches < 2 || !changes.is_empty() {
        return Ok(vec![part]);
    }
    let singles = survey::singles(log, run)?;
    let (before, behind) = singles
        .split_at_checked(count(singles.len()))
        .unwrap_or((&singles, &[]));
    let join = |singles: &[BatchRun]| BatchRun::joined(singles.iter().cloned());
    let whole = |run| MendedPart::Batches {
        run,
        changes: Vec::new(),
    };
    Ok([join(before), join(behind)]
        .into_iter()
        .flatten()
        .map(whole)
        .collect())
}

/// Lets a batch end where its records do, if it then ends before the next.
fn shorten(log: &LogFile, part: &mut MendedPart, next: &MendedPart) -> Result<(), Error> {
    let (MendedPart::Batches { run, changes }, MendedPart::Batches { run: next, .. }) =
        (part, next)
    else {
        return Ok(());
    };
    if run.batches != 1 || !changes.is_empty() || next.first <= run.first {
        return Ok(());
    }
    let mut buffer = Vec::new();
    let bytes = log.window(run.range.clone(), &mut buffer)?;
    let remade = remade(bytes, Some(next.first), &mut Scratch::default());
    let shorter = remade.filter(|remade| remade.lost == 0).and_then(|remade| {
        let run = BatchRun::of_header(&remade.bytes, run.file, run.range.start)?;
        (run.last < next.first).then_some((remade, run.last))
    });
    if let Some((remade, last)) = shorter {
        run.last = last;
        changes.push(Change {
            range: run.range.clone(),
            bytes: remade.bytes,
            // The checksum covers the last offset delta as it is.
            reason: Reason::likely(&[CheckId::OffsetOverlap], remade.what, Odds::Unknown),
        });
    }
    Ok(())
}
