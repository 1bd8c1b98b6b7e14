//! The offset checkpoints of a log dir, by the logs as the plan leaves them.

use std::collections::BTreeMap;

use super::diagnosis::small;
use super::files::{empty_directory, set};
use super::steps::{Reason, Steps};
use crate::format::fault::CheckpointFault;
use crate::format::{Fault, FaultKind, FileKind, OffsetCheckpoint, checkpoint};
use crate::repair::error::Error;
use crate::repair::proof::Origin;
use crate::repair::{Knowledge, Loss};
use crate::store::{Item, LogDir};
use crate::verify::CheckId;
use crate::wire::Offset;

/// The start and end of a log after the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// The first segment's base offset.
    pub(super) start: i64,
    /// The last segment's.
    pub(super) active: i64,
    /// The offset after the last batch.
    pub(super) end: i64,
    /// The same before the plan.
    pub(super) found_end: i64,
    /// The start offset of the first leader epoch.
    pub(super) epochs: Option<i64>,
}

impl Reach {
    /// The first offset, by the segments and the leader epochs.
    fn first(&self) -> i64 {
        self.epochs
            .map_or(self.start, |epochs| epochs.max(self.start))
    }

    /// Returns true if a log start would hide what is there, which it does not if records were
    /// deleted.
    fn hides(&self, log_start: i64) -> bool {
        self.epochs.is_some() && self.first() < log_start
    }
}

/// The logs of a log dir, by topic and partition.
pub(super) type Reaches = BTreeMap<(String, i32), Reach>;

/// Adds the steps for the checkpoints of a log dir.
///
/// # Errors
/// A file cannot be read.
pub(super) fn steps(dir: &LogDir, reaches: &Reaches, steps: &mut Steps<'_>) -> Result<(), Error> {
    // A broker that stopped in order had written everything.
    let is_clean = dir.item(FileKind::CleanShutdown).is_some();
    let log_starts = dir.item(FileKind::LogStarts);
    let starts = Starts::read(log_starts, reaches);
    for kind in [
        FileKind::RecoveryPoints,
        FileKind::HighWatermarks,
        FileKind::LogStarts,
        FileKind::CleanerOffsets,
    ] {
        let Some(item) = dir.item(kind) else { continue };
        if item.is_dir() {
            empty_directory(item, CheckId::Unreadable, steps)?;
            continue;
        }
        let Some(bytes) = small(item.path()).filter(|_| item.is_file()) else {
            continue;
        };
        let found = OffsetCheckpoint::parse(&bytes);
        let mut work = Work {
            kind,
            is_clean,
            reaches,
            starts: &starts,
            checks: Vec::new(),
            whys: Vec::new(),
            is_start_lost: false,
            is_end_lost: false,
        };
        let entries = work.entries(&found);
        if work.checks.is_empty() {
            continue;
        }
        work.checks.sort_unstable();
        work.checks.dedup();
        work.whys.dedup();
        let Some(file) = steps.path(item.path()) else {
            continue;
        };
        let why = work.whys.join("; ");
        let reason = if work.is_start_lost {
            Reason::lossy(&work.checks, why, Loss::of(Knowledge::LogStart))
        } else if work.is_end_lost {
            Reason::lossy(&work.checks, why, Loss::of(Knowledge::EndOffset))
        } else {
            Reason::derived(&work.checks, why, Origin::Lines)
        };
        set(
            item.path(),
            file,
            &checkpoint::encode(&entries),
            reason,
            steps,
        )?;
    }
    Ok(())
}

/// The log start offsets of `log-start-offset-checkpoint`, as far as they are trusted.
struct Starts(BTreeMap<(String, i32), i64>);

impl Starts {
    fn read(item: Option<&Item>, reaches: &Reaches) -> Self {
        let bytes = item.and_then(|item| small(item.path()));
        let found = OffsetCheckpoint::parse(bytes.as_deref().unwrap_or_default());
        let mut starts = BTreeMap::new();
        for entry in &found.entries {
            let tp = (entry.topic.to_owned(), entry.partition);
            if reaches
                .get(&tp)
                .is_none_or(|reach| entry.offset.0 <= reach.end)
            {
                starts.insert(tp, entry.offset.0);
            }
        }
        Self(starts)
    }

    fn of(&self, tp: &(String, i32), reach: &Reach) -> i64 {
        self.0
            .get(tp)
            .copied()
            .unwrap_or(reach.start)
            .max(reach.start)
    }
}

/// A checkpoint in the making.
struct Work<'a> {
    kind: FileKind,
    is_clean: bool,
    reaches: &'a Reaches,
    starts: &'a Starts,
    checks: Vec<CheckId>,
    whys: Vec<String>,
    /// True if it is lost where a log begins.
    is_start_lost: bool,
    /// True if it is lost where a log ended.
    is_end_lost: bool,
}

/// Returns true if a fault is that a line which holds an entry cannot be read.
fn is_of_entry(fault: &Fault) -> bool {
    match fault.kind() {
        FaultKind::Checkpoint(CheckpointFault::Head(_) | CheckpointFault::Version(_)) => false,
        // Fewer lines than are announced: one is missing. More: all are there.
        FaultKind::Checkpoint(CheckpointFault::Entries { declared, found }) => {
            usize::try_from(declared).is_ok_and(|declared| found < declared)
        }
        _ => true,
    }
}

impl Work<'_> {
    /// The lines that it ought to have.
    fn entries<'t>(
        &mut self,
        found: &OffsetCheckpoint<'t>,
    ) -> Vec<checkpoint::CheckpointEntry<'t>> {
        let is_damaged = !found.faults.is_empty();
        if is_damaged {
            self.say(
                CheckId::CheckpointMalformed,
                "keeps the valid lines, in the form that every broker reads",
            );
        }
        let is_line_lost = found.faults.iter().any(is_of_entry);
        if is_line_lost && self.kind == FileKind::LogStarts {
            self.lose_start("one of its lines is invalid");
        }
        let mut entries: Vec<checkpoint::CheckpointEntry<'t>> = Vec::new();
        let mut places = BTreeMap::new();
        for entry in &found.entries {
            let place = *places
                .entry((entry.topic, entry.partition))
                .or_insert(entries.len());
            let Some(first) = entries.get_mut(place) else {
                entries.push(*entry);
                continue;
            };
            if self.kind == FileKind::LogStarts && first.offset != entry.offset {
                self.lose_start(
                    "two lines have different log start offsets, and nothing shows which is right",
                );
            }
            first.offset = first.offset.min(entry.offset);
            self.say(
                CheckId::CheckpointDuplicate,
                "keeps the lower offset of two lines for one partition",
            );
        }
        entries.retain_mut(|entry| match self.offset(entry) {
            Some(offset) => {
                entry.offset = Offset(offset);
                true
            }
            None => false,
        });
        entries
    }

    /// Notes that a log start offset is lost: deleted records are served again.
    fn lose_start(&mut self, why: &str) {
        self.is_start_lost = true;
        self.say(CheckId::CheckpointMalformed, why);
    }

    /// The offset that a line ought to have; `None` if it has to go.
    fn offset(&mut self, entry: &checkpoint::CheckpointEntry<'_>) -> Option<i64> {
        let stored = entry.offset.0;
        if stored < 0 {
            self.say(
                CheckId::CheckpointNegative,
                "removes a line with a negative offset",
            );
            return None;
        }
        let tp = (entry.topic.to_owned(), entry.partition);
        let Some(reach) = self.reaches.get(&tp).copied() else {
            return Some(stored);
        };
        let end = reach.end;
        match self.kind {
            FileKind::RecoveryPoints if stored > end => {
                self.lower(CheckId::RecoveryPointBeyondLog, &tp, reach, stored);
                Some(end)
            }
            FileKind::RecoveryPoints if self.is_clean && stored < end => {
                let why = format!(
                    "the broker stopped cleanly, and the log end offset of {}-{} is {end}",
                    tp.0, tp.1
                );
                self.say(CheckId::RecoveryPointNotAtEnd, why);
                Some(end)
            }
            FileKind::HighWatermarks if stored > end => {
                self.lower(CheckId::HighWatermarkBeyondLog, &tp, reach, stored);
                Some(end)
            }
            FileKind::LogStarts => self.log_start(&tp, reach, stored),
            FileKind::CleanerOffsets
                if stored > reach.active || stored < self.starts.of(&tp, &reach) =>
            {
                // Below the start it is harmless, as long as nothing else is wrong.
                if stored > reach.active {
                    self.say(
                        CheckId::CleanerOffsetOutside,
                        format!(
                            "the cleaner starts again at the log start of {}-{}",
                            tp.0, tp.1
                        ),
                    );
                    return None;
                }
                Some(stored)
            }
            _ => Some(stored),
        }
    }

    /// Notes that an offset is beyond the log end: if the log did not end later before, nothing else
    /// may show that there were records up to it.
    fn lower(&mut self, check: CheckId, tp: &(String, i32), reach: Reach, stored: i64) {
        let (name, end) = (format!("{}-{}", tp.0, tp.1), reach.end);
        let mut why = format!("the log end offset of {name} is {end}");
        if stored > reach.found_end {
            self.is_end_lost = true;
            why = format!(
                "{why}, but it was {stored}. If the records up to there are lost, copy them from a \
                 replica or a backup first"
            );
        }
        self.say(check, why);
    }

    /// The log start that a line ought to have; `None` if the log begins with its first segment.
    fn log_start(
        &mut self,
        (topic, partition): &(String, i32),
        reach: Reach,
        stored: i64,
    ) -> Option<i64> {
        let (end, first) = (reach.end, reach.first());
        if stored > end {
            let why = format!(
                "the log end offset of {topic}-{partition} is {end}: a broker would delete the \
                 whole log; the log start becomes that of the first record"
            );
            self.is_start_lost = true;
            self.say(CheckId::LogStartBeyondLog, why);
            None
        } else if self.is_clean && reach.hides(stored) {
            let why = format!(
                "{topic}-{partition} has records from offset {first} on, and leader epochs for \
                 them, which a broker would have removed with deleted records. Don't confirm this \
                 step if the records were deleted on purpose"
            );
            self.is_start_lost = true;
            self.say(CheckId::LogStartHides, why);
            Some(first)
        } else {
            Some(stored)
        }
    }

    fn say(&mut self, check: CheckId, why: impl Into<String>) {
        self.checks.push(check);
        self.whys.push(why.into());
    }
}
