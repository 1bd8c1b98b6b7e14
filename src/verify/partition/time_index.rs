//! `.timeindex` against its `.log`: each entry has the largest timestamp up to an offset.
//!
//! With an entry that is too low, searches by time miss records; with one that is too high, they
//! read more; and the last one decides when retention deletes the segment.

use std::path::Path;
use std::sync::Arc;

use super::entries::{self, MAX_ENTRIES, Shape};
use crate::format::layout::time_index as layout;
use crate::format::time_index::ENTRY_BYTES;
use crate::store::Error;
use crate::verify::catalog::{CheckId, Severity};
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{LastTimestamp, TimeEntry, TimeEntryAgainst};
use crate::verify::finding::{Finding, Findings};
use crate::verify::row::Row;
use crate::verify::setting::Setting;
use crate::verify::tally::Tally;
use crate::wire::{Offset, Timestamp, be};

/// The checks of the size, and of zeros at the end.
const SHAPE_CHECKS: [CheckId; 2] = [CheckId::TimeIndexSize, CheckId::TimeIndexUntrimmed];

/// The check of a time index, which gets the batches of its log in order.
#[derive(Debug)]
pub(in crate::verify) struct TimeIndexCheck {
    path: Arc<Path>,
    setting: Setting,
    base: Offset,
    shape: Shape,
    /// By offset.
    entries: Vec<TimestampEntry>,
    /// The last one in the file.
    last: Option<TimestampEntry>,
    next: usize,
    /// The largest timestamp so far.
    largest: Timestamp,
    /// True if unreadable bytes before here may have had a larger one.
    is_lossy: bool,
    /// True if the unreadable bytes are right before the next batch.
    behind_gap: bool,
    order: Tally,
    less: Tally,
    more: Tally,
    beyond: Tally,
}

#[derive(Debug, Clone, Copy)]
struct TimestampEntry {
    timestamp: Timestamp,
    relative: i32,
    index: u32,
}

impl TimeIndexCheck {
    /// Reads the index at `path`, of the segment that begins at `base`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(in crate::verify) fn open(
        path: &Arc<Path>,
        base: Offset,
        setting: Setting,
    ) -> Result<Self, Error> {
        let mut list: Vec<TimestampEntry> = Vec::new();
        let shape = entries::read::<ENTRY_BYTES>(path, |bytes| {
            if list.len() < MAX_ENTRIES {
                list.push(TimestampEntry {
                    timestamp: Timestamp(i64::from_be_bytes(be(&bytes, layout::TIMESTAMP))),
                    relative: i32::from_be_bytes(be(&bytes, layout::RELATIVE_OFFSET)),
                    index: u32::try_from(list.len()).unwrap_or(u32::MAX),
                });
            }
        })?;
        let mut check = Self {
            path: Arc::clone(path),
            setting,
            base,
            shape,
            last: list.last().copied(),
            entries: list,
            next: 0,
            largest: Timestamp(-1),
            is_lossy: false,
            behind_gap: false,
            order: Tally::default(),
            less: Tally::default(),
            more: Tally::default(),
            beyond: Tally::default(),
        };
        check.check_order();
        Ok(check)
    }

    /// Checks that timestamps rise and offsets don't decrease.
    fn check_order(&mut self) {
        let mut last: Option<TimestampEntry> = None;
        for entry in &self.entries {
            let falls = last.is_some_and(|last| {
                entry.timestamp <= last.timestamp || entry.relative < last.relative
            });
            if falls || entry.relative < 0 || entry.timestamp.0 < 0 {
                let before = last;
                self.order.add(|| {
                    let against = before.map_or(TimeEntryAgainst::Negative, |last| {
                        TimeEntryAgainst::Before {
                            timestamp: last.timestamp.0,
                            offset: last.offset(self.base).0,
                        }
                    });
                    entry.finding(CheckId::TimeIndexOrder, &self.path, self.base, against)
                });
            }
            last = Some(match last {
                Some(last) if falls => TimestampEntry {
                    timestamp: last.timestamp.max(entry.timestamp),
                    relative: last.relative.max(entry.relative),
                    index: entry.index,
                },
                _ => *entry,
            });
        }
        self.entries.retain(|entry| entry.relative >= 0);
        self.entries
            .sort_by_key(|entry| (entry.relative, entry.index));
    }

    /// Takes the next batch.
    pub(super) fn batch(&mut self, row: &Row, before: Option<Offset>) {
        // The headers of messages of magic 0 and 1 have their last offset only.
        let first = match before {
            Some(before) if row.is_legacy() => Offset(before.0.saturating_add(1)),
            None if row.is_legacy() => self.base,
            _ => row.first,
        };
        while let Some(entry) = self.next_before(first) {
            if !self.behind_gap {
                self.judge(entry);
            }
        }
        self.behind_gap = false;
        self.largest = self.largest.max(row.max_timestamp);
        while let Some(entry) = self.next_before(Offset(row.last.0.saturating_add(1))) {
            self.judge(entry);
        }
    }

    /// Skips entries that can't be checked.
    pub(super) fn pass(&mut self) {
        (self.is_lossy, self.behind_gap) = (true, true);
    }

    /// Compares an entry with the largest timestamp so far.
    fn judge(&mut self, entry: TimestampEntry) {
        let largest = self.largest;
        let finding = |severity| {
            let against = TimeEntryAgainst::Largest {
                timestamp: largest.0,
            };
            entry
                .finding(CheckId::TimeIndexMismatch, &self.path, self.base, against)
                .severity(severity)
        };
        if entry.timestamp < largest {
            self.less.add(|| finding(Severity::Error));
        } else if entry.timestamp > largest && !self.is_lossy {
            self.more.add(|| finding(Severity::Warning));
        }
    }

    /// The next entry below `offset`.
    fn next_before(&mut self, offset: Offset) -> Option<TimestampEntry> {
        let entry = self.entries.get(self.next).copied()?;
        let is_before = entry.offset(self.base) < offset;
        self.next += usize::from(is_before);
        is_before.then_some(entry)
    }

    /// Ends the check of an index without its log.
    pub(in crate::verify) fn alone(self, findings: &mut Findings) -> Coverage {
        self.order.report(findings);
        self.shape
            .report(&self.path, self.setting, SHAPE_CHECKS, findings)
    }

    /// Ends the check of a log whose last good batch ends with `last`.
    pub(super) fn finish(mut self, last: Option<Offset>, findings: &mut Findings) -> Coverage {
        let mut unmet = self.entries.split_off(self.next.min(self.entries.len()));
        if self.behind_gap {
            unmet.clear();
        }
        unmet.sort_by_key(|entry| entry.index);
        for entry in unmet {
            self.beyond.add(|| {
                let against = TimeEntryAgainst::LogEnd {
                    offset: last.map_or(self.base.0, |last| last.0.saturating_add(1)),
                };
                entry.finding(CheckId::TimeIndexBeyondLog, &self.path, self.base, against)
            });
        }
        // A single entry of zeros may be real: timestamp 0 at the first offset.
        if self.shape.written == 0 && self.shape.zeros == 1 && self.largest.0 == 0 {
            (self.shape.written, self.shape.zeros) = (1, 0);
            self.last = Some(TimestampEntry {
                timestamp: Timestamp(0),
                relative: 0,
                index: 0,
            });
        }
        self.check_last(findings);
        let such = [self.less, self.more, self.beyond];
        entries::report(self.order, such, self.setting, findings);
        self.shape
            .report(&self.path, self.setting, SHAPE_CHECKS, findings)
    }

    /// Checks that a closed segment's index ends with its largest timestamp.
    fn check_last(&self, findings: &mut Findings) {
        let stored = self.last.map_or(Timestamp(-1), |last| last.timestamp);
        let is_closed = !self.setting.may_be_preallocated() && self.shape.zeros == 0;
        if !is_closed || stored >= self.largest {
            return;
        }
        let finding = Finding::new(CheckId::TimeIndexLastEntry, &self.path);
        findings.add(finding.saw(LastTimestamp {
            stored: self.last.map(|last| last.timestamp.0),
            actual: self.largest.0,
        }));
    }
}

impl TimestampEntry {
    fn offset(&self, base: Offset) -> Offset {
        Offset(base.0.wrapping_add(self.relative.into()))
    }

    fn finding(
        &self,
        check: CheckId,
        path: &Arc<Path>,
        base: Offset,
        against: TimeEntryAgainst,
    ) -> Finding {
        let at = u64::from(self.index) * ENTRY_BYTES as u64;
        let offset = self.offset(base).0;
        Finding::new(check, path)
            .at(at, ENTRY_BYTES as u64)
            .offset(offset)
            .saw(TimeEntry {
                entry: self.index,
                entry_timestamp: self.timestamp.0,
                entry_offset: offset,
                against,
            })
    }
}
