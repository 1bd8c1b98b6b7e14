//! Snapshots of the metadata log at a start: those that are kept, a newest one beyond the log end,
//! and errors in it or the quorum state.

use super::leftovers;
use super::log::SegmentWindow;
use super::reason::Reason;
use super::segment::Segment;
use super::start::{Bounds, Start};
use super::thrown::Thrown;
use super::virtual_dir::Content;
use crate::format::control::ControlType;
use crate::format::name::{CHECKPOINT_SUFFIX, LOG_SUFFIX, checkpoint};
use crate::format::{Batch, QuorumState, RecordBatch};
use crate::store::read_known;

const DELETED: &str = ".deleted";
const PART: &str = ".part";
const QUORUM_STATE: &str = "quorum-state";

/// The maximum size of a file.
const LARGEST_BYTES: u64 = 16 << 20;

/// The id that the topic of the metadata log always has.
const TOPIC_ID: u128 = 1;

/// The steps after loading: `KafkaMetadataLog.recoverSnapshots`, `truncateToLatestSnapshot`, and
/// the reads of the raft client.
pub(super) fn recover(start: &mut Start<'_>, bounds: &mut Bounds) -> Result<(), Thrown> {
    let id = super::identity::topic_id(start)?.map(u128::from_be_bytes);
    if id.is_some_and(|id| id != TOPIC_ID) {
        return Err(Thrown::fatal(
            super::identity::FILE,
            "another topic's id than that of the metadata log",
        ));
    }
    let mut kept = Vec::new();
    let mut dropped = Vec::new();
    for name in start.virtual_dir.names() {
        let stem = name.trim_end_matches(DELETED).trim_end_matches(PART);
        if !stem.ends_with(CHECKPOINT_SUFFIX) {
            continue;
        }
        let Some((end, epoch)) = checkpoint(stem) else {
            return Err(Thrown::fatal(&name, "the name is not that of a snapshot"));
        };
        if stem != name || end.0 < bounds.start {
            dropped.push(name);
        } else {
            kept.push((end.0, epoch, name));
        }
    }
    kept.sort_by_key(|(end, epoch, _)| (*epoch, *end));
    let newest = kept.last().cloned();
    if bounds.start > 0 && newest.as_ref().is_none_or(|newest| newest.0 < bounds.start) {
        return Err(Thrown::fatal(
            "snapshots",
            "no snapshot has the metadata before the log start",
        ));
    }
    for name in dropped {
        start.virtual_dir.delete(&name);
    }
    if let Some((end, epoch, _)) = &newest {
        let latest = start.epochs.latest().unwrap_or(0);
        if *epoch > latest || *epoch == latest && *end > bounds.end {
            restart(start, bounds, *end)?;
            for (_, _, name) in kept.iter().filter(|one| one.0 < *end) {
                start.virtual_dir.delete(name);
            }
        }
    }
    quorum_state(start)?;
    if let Some((end, _, name)) = &newest {
        read(start, name)?;
        if *end > bounds.end {
            return Err(Thrown::fatal(
                name,
                "ends beyond the log but has a lower epoch: the node never becomes active",
            ));
        }
    }
    gapless(start, newest.map_or(0, |newest| newest.0))
}

/// Checks that no offset is missing after the newest snapshot: records are replayed one after the
/// other.
fn gapless(start: &mut Start<'_>, mut next: i64) -> Result<(), Thrown> {
    let logs: Vec<String> = start.virtual_dir.names();
    for name in logs.iter().filter(|name| name.ends_with(LOG_SUFFIX)) {
        let Some(content) = start.virtual_dir.file(name).cloned() else {
            continue;
        };
        let mut log = SegmentWindow::open(name, &content)?;
        let mut position = 0;
        while let Some(entry) = log
            .entry(position, log.len_bytes())
            .map_err(|t| t.escaped(name))?
        {
            position = entry.end();
            let last = log.last_offset(entry)?;
            if last < next {
                continue;
            }
            if entry.offset > next {
                let last = entry.offset.wrapping_sub(1);
                let what = if next == last {
                    format!("offset {next} is missing")
                } else {
                    format!("offsets {next}-{last} are missing")
                };
                return Err(Thrown::fatal(name, what));
            }
            next = last.wrapping_add(1);
        }
    }
    Ok(())
}

/// Deletes every segment and starts an empty log at `end`.
fn restart(start: &mut Start<'_>, bounds: &mut Bounds, end: i64) -> Result<(), Thrown> {
    start.reasons.push(Reason::SnapshotBeyondLog { end });
    for name in start.virtual_dir.names() {
        let of_segment = leftovers::is_index(&name)
            || name.ends_with(LOG_SUFFIX)
            || name.ends_with(crate::format::name::PRODUCER_SNAPSHOT_SUFFIX);
        if of_segment {
            start.virtual_dir.delete(&name);
        }
    }
    Segment::open(start, end)?;
    start.epochs.clear();
    *bounds = Bounds {
        start: end,
        end,
        reached: 0,
    };
    Ok(())
}

/// Checks the state of the quorum, if there is one.
fn quorum_state(start: &Start<'_>) -> Result<(), Thrown> {
    let Some(Content::Disk { path, len, .. }) = start.virtual_dir.file(QUORUM_STATE) else {
        return Ok(());
    };
    if *len > LARGEST_BYTES {
        return Err(Thrown::fatal(QUORUM_STATE, "is too large"));
    }
    match QuorumState::parse(&read_known(path)?).faults.first() {
        Some(fault) => Err(Thrown::fatal(QUORUM_STATE, fault)),
        None => Ok(()),
    }
}

/// Reads the newest snapshot, as at the start of the node: every checksum is checked, and the first
/// batch has to be its header.
fn read(start: &mut Start<'_>, name: &str) -> Result<(), Thrown> {
    let Some(content) = start.virtual_dir.file(name).cloned() else {
        return Err(Thrown::fatal(name, "is not a file"));
    };
    let mut log = SegmentWindow::open(name, &content)?;
    let mut position = 0;
    while let Some(entry) = log
        .entry(position, log.len_bytes())
        .map_err(|t| t.escaped(name))?
    {
        log.check(entry).map_err(|thrown| thrown.escaped(name))?;
        if position == 0 && !is_header(&log.frame(entry)?, start) {
            return Err(Thrown::fatal(name, "does not begin with a snapshot header"));
        }
        position = entry.end();
    }
    if position < log.len_bytes() || position == 0 {
        return Err(Thrown::fatal(
            name,
            format_args!("is truncated at {position}"),
        ));
    }
    Ok(())
}

fn is_header(frame: &crate::format::Frame<'_>, start: &mut Start<'_>) -> bool {
    let Ok(batch) = RecordBatch::parse(*frame) else {
        return false;
    };
    if !batch.is_control() {
        return false;
    }
    let Ok(mut records) = Batch::V2(batch).records(&mut start.scratch) else {
        return false;
    };
    match records.next() {
        Some(Ok(record)) => ControlType::parse(record.key()) == Ok(ControlType::SnapshotHeader),
        _ => false,
    }
}
