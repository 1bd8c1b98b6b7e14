//! `.index` against its `.log`: every entry must be that of a batch.
//!
//! Which offset is in an entry depends on the release: the first of what was appended, the last of
//! all that was appended at once, or the last of the batch at the position. All of them are above
//! the offsets of the batch before, and each is the first offset of that batch or the last offset
//! of some batch.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::entries::{self, MAX_ENTRIES, Shape};
use crate::format::offset_index::ENTRY_BYTES;
use crate::store::Error;
use crate::verify::catalog::{CheckId, Severity};
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{OffsetEntry, OffsetEntryAgainst};
use crate::verify::finding::{Finding, Findings};
use crate::verify::row::Row;
use crate::verify::setting::Setting;
use crate::verify::tally::Tally;
use crate::wire::{Offset, be};

/// The checks of the size, and of zeros at the end.
const SHAPE_CHECKS: [CheckId; 2] = [CheckId::OffsetIndexSize, CheckId::OffsetIndexUntrimmed];

/// The check of an offset index, which gets the batches of its log in order.
#[derive(Debug)]
pub(in crate::verify) struct OffsetIndexCheck {
    path: Arc<Path>,
    setting: Setting,
    base: Offset,
    shape: Shape,
    /// By position.
    entries: Vec<PositionEntry>,
    next: usize,
    /// Entries whose offset is that of a later batch.
    pending: VecDeque<PositionEntry>,
    /// Bytes of the log without an entry.
    stretch: Stretch,
    order: Tally,
    mismatch: Tally,
    inexact: Tally,
    beyond: Tally,
}

#[derive(Debug, Clone, Copy)]
struct PositionEntry {
    relative: i32,
    position: i32,
    index: u32,
}

/// Bytes between positions that have an entry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stretch {
    from: u64,
    /// The smallest number between two entries.
    pub(super) least: Option<u64>,
    /// The largest number between two entries, or between the last one and the last batch.
    pub(super) most: u64,
    /// The start of the longest one.
    pub(super) at: u64,
    /// Bytes of the largest batch.
    pub(super) largest_batch: u64,
    /// True if there is an entry.
    pub(super) has_entries: bool,
}

impl OffsetIndexCheck {
    /// Reads the index at `path`, of the segment that begins at `base`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(in crate::verify) fn open(
        path: &Arc<Path>,
        base: Offset,
        setting: Setting,
    ) -> Result<Self, Error> {
        let mut list: Vec<PositionEntry> = Vec::new();
        let shape = entries::read::<ENTRY_BYTES>(path, |bytes| {
            if list.len() < MAX_ENTRIES {
                list.push(PositionEntry {
                    relative: i32::from_be_bytes(be(&bytes, 0)),
                    position: i32::from_be_bytes(be(&bytes, 4)),
                    index: u32::try_from(list.len()).unwrap_or(u32::MAX),
                });
            }
        })?;
        let mut check = Self {
            path: Arc::clone(path),
            setting,
            base,
            shape,
            entries: list,
            next: 0,
            pending: VecDeque::new(),
            stretch: Stretch::default(),
            order: Tally::default(),
            mismatch: Tally::default(),
            inexact: Tally::default(),
            beyond: Tally::default(),
        };
        check.check_order();
        Ok(check)
    }

    /// Checks that both numbers of the entries rise; position 0 has no entry.
    fn check_order(&mut self) {
        let mut last = (-1, 0);
        let mut is_sorted = true;
        for entry in &self.entries {
            if entry.relative <= last.0 || entry.position <= last.1 {
                is_sorted &= entry.position > last.1;
                let before = self.base.0.wrapping_add(last.0.into());
                let at = last.1;
                self.order.add(|| {
                    let against = OffsetEntryAgainst::Before {
                        offset: before,
                        position: at,
                    };
                    entry.finding(CheckId::OffsetIndexOrder, &self.path, self.base, against)
                });
            }
            last = (last.0.max(entry.relative), last.1.max(entry.position));
        }
        self.entries
            .retain(|entry| entry.position > 0 && entry.relative >= 0);
        if !is_sorted {
            self.entries.sort_by_key(|entry| entry.position);
        }
    }

    /// Takes the next batch, after one that ends at offset `before`.
    pub(super) fn batch(&mut self, row: &Row, before: Option<Offset>) {
        self.stretch.largest_batch = self.stretch.largest_batch.max(row.end - row.position);
        self.resolve(row);
        while let Some(entry) = self.next_before(row.end) {
            let position = u64::try_from(entry.position).unwrap_or(0);
            if position < row.position {
                continue;
            }
            let offset = entry.offset(self.base);
            let check = CheckId::OffsetIndexMismatch;
            if position > row.position {
                self.mismatch.add(|| {
                    let against = OffsetEntryAgainst::InsideBatch {
                        position: row.position,
                    };
                    entry.finding(check, &self.path, self.base, against)
                });
                continue;
            }
            self.stretch.indexed(position);
            if before.is_some_and(|before| offset <= before) {
                self.mismatch.add(|| {
                    let against = OffsetEntryAgainst::Batch {
                        first: row.first.0,
                        last: row.last.0,
                    };
                    entry.finding(check, &self.path, self.base, against)
                });
            } else if offset > row.last {
                self.pending.push_back(entry);
            } else if (row.first.0 + 1..row.last.0).contains(&offset.0) && !row.is_legacy() {
                self.is_inexact(entry, row);
            }
        }
        self.stretch.reach(row.position);
    }

    /// Takes a batch whose offsets don't fit, or bytes that are not a batch: entries there can't be
    /// checked.
    pub(super) fn pass(&mut self, end: u64) {
        while self.next_before(end).is_some() {}
    }

    /// Checks that the offset of an entry is the last one of a batch after its position.
    fn resolve(&mut self, row: &Row) {
        while let Some(entry) = self.pending.front().copied() {
            let offset = entry.offset(self.base);
            if offset > row.last {
                return;
            }
            if (row.first.0..row.last.0).contains(&offset.0) && !row.is_legacy() {
                self.is_inexact(entry, row);
            }
            self.pending.pop_front();
        }
    }

    fn is_inexact(&mut self, entry: PositionEntry, row: &Row) {
        self.inexact.add(|| {
            let against = OffsetEntryAgainst::NotLast {
                first: row.first.0,
                last: row.last.0,
            };
            entry
                .finding(CheckId::OffsetIndexMismatch, &self.path, self.base, against)
                .severity(Severity::Warning)
        });
    }

    /// The next entry before `end`.
    fn next_before(&mut self, end: u64) -> Option<PositionEntry> {
        let entry = self.entries.get(self.next).copied()?;
        let is_before = u64::try_from(entry.position).is_ok_and(|position| position < end);
        self.next += usize::from(is_before);
        is_before.then_some(entry)
    }

    /// Ends the check of an index without its log.
    pub(in crate::verify) fn alone(self, findings: &mut Findings) -> Coverage {
        self.order.report(findings);
        self.shape
            .report(&self.path, self.setting, SHAPE_CHECKS, findings)
    }

    /// Ends the check of a log of `len_bytes`, whose last good batch ends with `last`; `is_whole`
    /// if nothing of it is damaged. Returns how much of the log the entries leave out.
    pub(super) fn finish(
        mut self,
        len_bytes: u64,
        last: Option<Offset>,
        is_whole: bool,
        findings: &mut Findings,
    ) -> (Stretch, Coverage) {
        let mut unmet: Vec<PositionEntry> =
            self.entries.split_off(self.next.min(self.entries.len()));
        unmet.retain(|entry| u64::try_from(entry.position).is_ok_and(|p| p >= len_bytes));
        if is_whole {
            unmet.extend(self.pending);
        }
        unmet.sort_by_key(|entry| entry.index);
        for entry in unmet {
            self.beyond.add(|| {
                let against = OffsetEntryAgainst::LogEnd {
                    offset: last.map_or(self.base.0, |last| last.0.saturating_add(1)),
                    size_bytes: len_bytes,
                };
                entry.finding(
                    CheckId::OffsetIndexBeyondLog,
                    &self.path,
                    self.base,
                    against,
                )
            });
        }
        let such = [self.mismatch, self.inexact, self.beyond];
        entries::report(self.order, such, self.setting, findings);
        let coverage = self
            .shape
            .report(&self.path, self.setting, SHAPE_CHECKS, findings);
        (self.stretch, coverage)
    }
}

impl PositionEntry {
    fn offset(&self, base: Offset) -> Offset {
        Offset(base.0.wrapping_add(self.relative.into()))
    }

    fn finding(
        &self,
        check: CheckId,
        path: &Arc<Path>,
        base: Offset,
        against: OffsetEntryAgainst,
    ) -> Finding {
        let at = u64::from(self.index) * ENTRY_BYTES as u64;
        let offset = self.offset(base).0;
        Finding::new(check, path)
            .at(at, ENTRY_BYTES as u64)
            .offset(offset)
            .saw(OffsetEntry {
                entry: self.index,
                entry_offset: offset,
                entry_position: self.position,
                against,
            })
    }
}

impl Stretch {
    fn indexed(&mut self, position: u64) {
        if self.has_entries {
            let bytes = position.saturating_sub(self.from);
            self.least = Some(self.least.map_or(bytes, |least| least.min(bytes)));
        }
        self.reach(position);
        self.from = position;
        self.has_entries = true;
    }

    fn reach(&mut self, position: u64) {
        let bytes = position.saturating_sub(self.from);
        if bytes > self.most {
            (self.most, self.at) = (bytes, self.from);
        }
    }
}
