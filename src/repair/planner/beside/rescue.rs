//! A segment that is missing in the middle of the log, and is next to it under a name that no
//! broker reads.

use std::ops::Range;

use super::pieces::each_batch;
use crate::format::name::{self, FileState, LOG_SUFFIX};
use crate::format::{FileKind, FileName};
use crate::repair::error::Error;
use crate::repair::plan::Action;
use crate::repair::planner::files::quarantine;
use crate::repair::planner::options::PlanOptions;
use crate::repair::planner::steps::{LogPiece, NewLog, NewSegment, Reason, Steps};
use crate::repair::planner::survey::{BatchRun, Stretch, survey};
use crate::repair::planner::wording::offsets;
use crate::repair::{Content, Odds};
use crate::store::{Item, LogFile, Partition, Stream};
use crate::verify::{CheckId, Finding};
use crate::wire::Offset;

/// A file that could be the missing one.
struct Candidate<'a> {
    item: &'a Item,
    run: BatchRun,
}

/// Gives such files the names of the segments that they hold, and adds them to `log`.
///
/// # Errors
/// A file cannot be read.
pub(in crate::repair::planner) fn steps(
    partition: &Partition,
    log: &mut NewLog,
    findings: &[&Finding],
    steps: &mut Steps<'_>,
    options: PlanOptions,
) -> Result<(), Error> {
    if log.segments.is_empty() {
        return empty(partition, log, steps);
    }
    let candidates = candidates(partition, options)?;
    if candidates.is_empty() {
        return Ok(());
    }
    let mut found: Vec<NewSegment> = Vec::new();
    for (end, next) in gaps(log)? {
        let fits = |one: &&Candidate<'_>| one.run.first == end && one.run.last + 1 == next;
        let Some(one) = candidates.iter().find(fits) else {
            continue;
        };
        let swaps = swaps(partition, end..next);
        let is_damaged = |item: &&Item| {
            findings.iter().any(|finding| {
                finding.check == CheckId::SwapIncomplete && *finding.path == *item.path()
            })
        };
        if swaps.iter().any(is_damaged) {
            for item in swaps {
                let why = "it was meant to replace a segment that is intact, and is damaged itself";
                quarantine(item, &[CheckId::SwapIncomplete], why, steps)?;
            }
        } else if !swaps.is_empty() {
            // A broker puts what compaction made of it in its place.
            continue;
        }
        found.extend(rescue(partition, one, steps)?);
    }
    log.segments.append(&mut found);
    log.segments.sort_by_key(|segment| segment.base);
    Ok(())
}

/// Of a partition without segments an empty one is made where its log ended, by the newest
/// snapshot: a broker would begin at the log's start again and give out offsets twice.
fn empty(partition: &Partition, log: &mut NewLog, steps: &mut Steps<'_>) -> Result<(), Error> {
    let snapshots = partition.items().iter().filter(|item| item.is_file());
    let offsets = snapshots.filter_map(|item| {
        let name = item.file_name().filter(FileName::is_canonical)?;
        (name.kind == FileKind::ProducerSnapshot).then_some(name.offset?.0)
    });
    let Some(end) = offsets.max() else {
        return Ok(());
    };
    let path = partition
        .path()
        .join(name::of_segment(Offset(end), LOG_SUFFIX));
    let Some(file) = steps.path(&path) else {
        return Ok(());
    };
    let why = format!(
        "all segments are missing; the log continues at {end}, the offset of the newest producer \
         snapshot, so that no offset is assigned twice"
    );
    let action = Action::Create {
        file,
        content: Content::new(Vec::new())?,
    };
    steps.add(
        action,
        &[],
        Reason::likely(&[CheckId::NoSegment], why, Odds::Unknown),
    )?;
    log.end = end;
    log.segments.push(NewSegment {
        base: end,
        pieces: Vec::new(),
        is_changed: true,
    });
    Ok(())
}

/// The logs under odd names that are whole.
fn candidates(partition: &Partition, options: PlanOptions) -> Result<Vec<Candidate<'_>>, Error> {
    let mut candidates = Vec::new();
    for item in partition.items().iter().filter(|item| item.is_file()) {
        let is_odd = item.file_name().is_some_and(|name| {
            // What a broker has marked as deleted was deleted on purpose: by retention, by
            // compaction, by a client.
            let is_misnamed = name.state == FileState::Current && !name.is_canonical();
            name.kind == FileKind::Log && is_misnamed
        });
        if !is_odd || item.len_bytes() == 0 {
            continue;
        }
        let file = LogFile::Windowed(Stream::open(item.path())?);
        let stretches = survey(&file, 0, &(0..i64::MAX), options.jobs)?;
        if let [Stretch::Run(run)] = &stretches[..] {
            candidates.push(Candidate {
                item,
                run: run.clone(),
            });
        }
    }
    Ok(candidates)
}

/// Returns the files that a compaction has prepared for these offsets.
fn swaps(partition: &Partition, offsets: Range<i64>) -> Vec<&Item> {
    let is_swap = |item: &&Item| {
        item.file_name().is_some_and(|name| {
            let is_inside = name.offset.is_some_and(|at| offsets.contains(&at.0));
            name.state == FileState::Swap && is_inside
        })
    };
    partition.items().iter().filter(is_swap).collect()
}

/// Returns the gaps between segments.
fn gaps(log: &NewLog) -> Result<Vec<(i64, i64)>, Error> {
    let mut gaps = Vec::new();
    let mut end: Option<i64> = None;
    for segment in &log.segments {
        if let Some(end) = end.filter(|end| *end < segment.base) {
            gaps.push((end, segment.base));
        }
        each_batch(segment, |batch, _| {
            end = Some(batch.last_offset().0.saturating_add(1));
        })?;
    }
    Ok(gaps)
}

fn rescue(
    partition: &Partition,
    one: &Candidate<'_>,
    steps: &mut Steps<'_>,
) -> Result<Option<NewSegment>, Error> {
    let base = one.run.first;
    let name = name::of_segment(Offset(base), LOG_SUFFIX);
    let to = steps.path(&partition.path().join(name));
    let (Some(file), Some(to)) = (steps.path(one.item.path()), to) else {
        return Ok(None);
    };
    let why = format!(
        "the log lacks {}, and this file has them all; a broker ignores or deletes it",
        offsets(base, one.run.last)
    );
    let reason = Reason::likely(&[CheckId::SegmentGap], why, Odds::Unknown);
    steps.add(Action::Rename { file, to }, &[], reason)?;
    Ok(Some(NewSegment {
        base,
        pieces: vec![LogPiece::Kept {
            path: one.item.path().to_owned(),
            range: 0..one.item.len_bytes(),
        }],
        is_changed: true,
    }))
}
