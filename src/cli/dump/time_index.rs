//! Time indexes.

use std::path::Path;

use anyhow::Result;
use kseg::format::time_index::{ENTRY_BYTES, TimeEntry, TimeIndex};
use kseg::format::{OffsetIndex, name};
use kseg::scan::seek::{Break, Landing, Seek, SeekPolicy, Sought, seek};

use super::beside::{At, PARCEL_BYTES, Pieces, base_offset, held};
use super::look::LogLookup;
use super::run::{DumpRun, absolute_form};
use crate::cli::render::dump_log_segments::index::{self, IndexStyle};
use crate::cli::render::dump_log_segments::mismatch::Mismatch;

impl DumpRun<'_> {
    /// A `.timeindex`.
    pub(super) fn time_index(&mut self, path: &Path, given: &str) -> Result<()> {
        let base = base_offset(path)?;
        let mut log = self.log_beside(path);
        let offsets = if log.is_some() {
            let suffix = name::OFFSET_INDEX_SUFFIX;
            let without = "every offset is sought from the start of the log";
            self.sibling(path, suffix, held, without)
        } else {
            None
        };
        let offsets = offsets.as_deref().unwrap_or_default();
        let offsets = OffsetIndex::new(offsets, base);
        let mut pieces = Pieces::open(path)?;
        if self.dump.index_sanity_check {
            let ends = pieces.ends(ENTRY_BYTES)?;
            self.sanity(given, TimeIndex::new(&ends, base).check());
            return Ok(());
        }
        let absolute = absolute_form(given);
        let mut at = At {
            given,
            absolute: &absolute,
            base,
            number: 0,
        };
        let mut previous = -1;
        loop {
            let piece = TimeIndex::new(pieces.next()?, base);
            if piece.is_empty()
                || !self.time_entries(piece, &mut log, offsets, &mut at, &mut previous)?
            {
                return Ok(());
            }
        }
    }

    /// Dumps a piece of a `.timeindex`; returns true if the original would continue after it.
    fn time_entries(
        &mut self,
        piece: TimeIndex<'_>,
        log: &mut Option<LogLookup>,
        offsets: OffsetIndex<'_>,
        at: &mut At<'_>,
        previous: &mut i64,
    ) -> Result<bool> {
        let style = IndexStyle::of(self.style.release);
        let entries: Vec<TimeEntry> = piece
            .entries()
            .enumerate()
            .take_while(|(nth, entry)| {
                style.first_record || (at.number == 0 && *nth == 0) || entry.offset != at.base
            })
            .map(|(_, entry)| entry)
            .collect();
        let sought = match log {
            Some(log) => Some(sought(log, &entries, offsets, style)?),
            None => None,
        };
        let mut text = Vec::new();
        let mut reported = None;
        for (nth, entry) in entries.iter().enumerate() {
            let mut matched = false;
            if let (Some(log), Some((sought, positions))) = (log.as_mut(), &sought) {
                let found = EntryTarget {
                    position: positions.get(nth).copied().unwrap_or(0),
                    landing: sought.landing(nth),
                    breaks: sought.breaks(nth).filter(|_| style.reads_to_end),
                };
                matched = self.compare_time(log, *entry, *at, found, (*previous, &mut reported))?;
            }
            if style.first_record && matched && at.is_unwritten(entry.offset) {
                let _flow = self.write(&text, &[]);
                return Ok(false);
            }
            if !self.dump.verify_index_only {
                index::push_time(&mut text, *entry);
            }
            if text.len() >= PARCEL_BYTES {
                if self.write(&text, &[]).is_break() {
                    return Ok(false);
                }
                text.clear();
            }
            *previous = entry.timestamp.get();
            at.number += 1;
        }
        let _flow = self.write(&text, &[]);
        Ok(entries.len() == piece.len())
    }

    /// Returns true if a batch ends with the entry's offset.
    fn compare_time(
        &mut self,
        log: &mut LogLookup,
        entry: TimeEntry,
        at: At<'_>,
        found: EntryTarget,
        (previous, reported): (i64, &mut Option<u64>),
    ) -> Result<bool> {
        let (time, offset) = (entry.timestamp.get(), entry.offset.get());
        let note = |run: &mut Self, what: &dyn std::fmt::Display| {
            let number = at.number;
            let what = format_args!("entry {number}: timestamp {time}, offset {offset}: {what}");
            run.note(at.given, &what);
        };
        if let Err(why) = log.within(found.position) {
            let style = IndexStyle::of(self.style.release);
            if found.position < 0 || !style.beyond_is_empty {
                note(self, &why);
                return Ok(false);
            }
        }
        let broken = match found.landing {
            Landing::Broken(broken) => Some(broken),
            _ => found.breaks,
        };
        if let Some(broken) = broken {
            self.broke = true;
            // One report is enough for all entries before the same position.
            if reported.replace(broken.position) != Some(broken.position) {
                let place = broken.position;
                note(
                    self,
                    &format_args!("the log at position {place}: {}", broken.fault),
                );
            }
        }
        match found.landing {
            Landing::Broken(_) => Ok(false),
            Landing::End => {
                let pair = (offset, -1);
                self.mismatches.push(Mismatch::NotFound, at.absolute, pair);
                Ok(false)
            }
            Landing::At { last_offset, .. } if last_offset != entry.offset => {
                let pair = (offset, last_offset.get());
                self.mismatches.push(Mismatch::NotFound, at.absolute, pair);
                Ok(false)
            }
            Landing::At { position, .. } => {
                match log.max_timestamp(position)? {
                    Ok(max) if max != time => {
                        let pair = (time, max);
                        self.mismatches.push(Mismatch::Timestamp, at.absolute, pair);
                    }
                    Ok(_) => {}
                    Err(why) => note(self, &why),
                }
                if previous >= time {
                    let pair = (time, previous);
                    self.mismatches.push(Mismatch::Order, at.absolute, pair);
                }
                Ok(true)
            }
        }
    }
}

/// The batch that an entry of a time index points to.
#[derive(Clone, Copy)]
struct EntryTarget {
    /// The position in the `.index` from which the search starts.
    position: i64,
    landing: Landing,
    /// The break of the log after it, if it matters.
    breaks: Option<Break>,
}

/// Searches the offsets of all entries, from the positions in the `.index`.
fn sought(
    log: &LogLookup,
    entries: &[TimeEntry],
    offsets: OffsetIndex<'_>,
    style: IndexStyle,
) -> Result<(Sought, Vec<i64>)> {
    let position = |entry: &TimeEntry| {
        let found = if style.cold_lookup {
            offsets.lookup_cold(entry.offset)
        } else {
            offsets.lookup(entry.offset)
        };
        found.map_or(0, |found| i64::from(found.position))
    };
    let positions: Vec<i64> = entries.iter().map(position).collect();
    let end = log.file().len_bytes();
    let seeks: Vec<Seek> = entries
        .iter()
        .zip(&positions)
        .map(|(entry, position)| Seek {
            from: u64::try_from(*position).map_or(end, |position| position.min(end)),
            target: entry.offset,
        })
        .collect();
    let policy = SeekPolicy {
        to_end: style.reads_to_end,
        small_sizes_end: style.small_sizes_end,
        messages_only: style.newest_magic < 2,
    };
    Ok((seek(log.file(), &seeks, policy)?, positions))
}
