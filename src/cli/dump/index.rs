//! The files beside a `.log`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::format::name;
use kseg::format::offset_index::{self, OffsetEntry, OffsetIndex};
use kseg::format::time_index::{self, TimeEntry, TimeIndex};
use kseg::format::{ProducerSnapshot, TxnIndex, txn_index};
use kseg::scan::seek::{Landing, Seek, SeekPolicy, Sought, seek};
use kseg::store::{Error, LogFile, Source, Stream};
use kseg::wire::{Fault, FaultKind, Offset};

use super::Run;
use super::look::Look;
use super::run::absolute_form;
use crate::cli::render::dump_log_segments::index::{self, IndexStyle};
use crate::cli::render::dump_log_segments::mismatch::Mismatch;
use crate::cli::render::dump_log_segments::snapshot;

/// Bytes of an index looked at together: whole entries of any kind.
const PIECE_BYTES: u64 = 408 * 7680;

const _: () = assert!(
    PIECE_BYTES.is_multiple_of(offset_index::ENTRY_BYTES as u64)
        && PIECE_BYTES.is_multiple_of(time_index::ENTRY_BYTES as u64)
        && PIECE_BYTES.is_multiple_of(txn_index::ENTRY_BYTES as u64)
);

/// The largest file that is held in memory as a whole: producer snapshots, and offset indexes to look positions up in.
const HELD_BYTES: u64 = 256 << 20;

/// Rendered bytes handed over once there are this many.
const PARCEL_BYTES: usize = 64 << 10;

/// An index file, read piece by piece.
struct Pieces {
    file: LogFile,
    at: u64,
    buffer: Vec<u8>,
}

impl Pieces {
    fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            file: LogFile::Windowed(Stream::open(path)?),
            at: 0,
            buffer: Vec::new(),
        })
    }

    /// The next piece; empty at the end.
    fn next(&mut self) -> Result<&[u8], Error> {
        let piece = self.at..self.at.saturating_add(PIECE_BYTES);
        self.at = piece.end;
        self.file.window(piece, &mut self.buffer)
    }

    /// The first entry of the file, and everything from its last on: what the sanity check looks at.
    fn ends(&mut self, entry: usize) -> Result<Vec<u8>, Error> {
        let entry = entry as u64;
        let len = self.file.len_bytes();
        let last = (len / entry).saturating_sub(1) * entry;
        let mut ends = self
            .file
            .window(0..entry.min(last), &mut self.buffer)?
            .to_vec();
        ends.extend_from_slice(self.file.window(last..len, &mut self.buffer)?);
        Ok(ends)
    }
}

/// The entry of an index at hand.
#[derive(Clone, Copy)]
struct At<'a> {
    given: &'a str,
    /// The path as blocks at the end name it.
    absolute: &'a str,
    base: Offset,
    /// Its place in the file.
    number: u64,
}

impl At<'_> {
    /// Whether the original takes the entry for the first of the zeros that nothing was written over.
    fn is_unwritten(&self, offset: Offset) -> bool {
        self.number > 0 && offset == self.base
    }
}

impl Run<'_> {
    /// Says what the original would have broken off at.
    fn note(&mut self, given: &str, what: &dyn std::fmt::Display) {
        self.broke = true;
        self.context
            .say(format!("kseg: {given}: {what}\n").as_bytes());
    }

    /// A file of the same segment; notes why it cannot be had.
    fn sibling<T>(
        &mut self,
        path: &Path,
        suffix: &str,
        open: impl FnOnce(&Path) -> Result<T, Error>,
        without: &str,
    ) -> Option<T> {
        let sibling = sibling_path(path, suffix);
        match open(&sibling) {
            Ok(file) => Some(file),
            Err(error) => {
                self.broke = true;
                self.context
                    .say(format!("kseg: {error}; {without}\n").as_bytes());
                None
            }
        }
    }

    fn log_beside(&mut self, path: &Path) -> Option<Look> {
        let reading = self.dump.reading;
        let without = format!("{} is not compared with it", path.display());
        let open = |log: &Path| reading.open(log);
        let log = self.sibling(path, name::LOG_SUFFIX, open, &without)?;
        Some(Look::new(log, self.style.zstd))
    }

    /// A `.index`.
    pub(super) fn offset_index(&mut self, path: &Path, given: &str) -> Result<()> {
        let style = IndexStyle::of(self.style.release);
        let limit = self.dump.max_message_size()?;
        let base = base_offset(path)?;
        let mut log = self.log_beside(path);
        let mut pieces = Pieces::open(path)?;
        if pieces.file.len_bytes() < offset_index::ENTRY_BYTES as u64 && style.tells_empty {
            let _flow = self.write(format!("{given} is empty.\n").as_bytes(), &[]);
            return Ok(());
        }
        if self.dump.index_sanity_check {
            let ends = pieces.ends(offset_index::ENTRY_BYTES)?;
            let check = sane_offsets(OffsetIndex::new(&ends, base), style);
            self.sanity(given, check);
            return Ok(());
        }
        let absolute = absolute_form(given);
        let mut text = Vec::new();
        let mut number = 0;
        loop {
            let piece = OffsetIndex::new(pieces.next()?, base);
            if piece.is_empty() {
                break;
            }
            for entry in piece.entries() {
                let at = At {
                    given,
                    absolute: &absolute,
                    base,
                    number,
                };
                if !style.first_record && at.is_unwritten(entry.offset) {
                    let _flow = self.write(&text, &[]);
                    return Ok(());
                }
                if let Some(log) = &mut log {
                    self.compare_offset(log, entry, at, (style, limit))?;
                }
                if style.first_record && at.is_unwritten(entry.offset) {
                    let _flow = self.write(&text, &[]);
                    return Ok(());
                }
                if !self.dump.verify_index_only {
                    index::push_offset(&mut text, entry);
                }
                if text.len() >= PARCEL_BYTES {
                    if self.write(&text, &[]).is_break() {
                        return Ok(());
                    }
                    text.clear();
                }
                number += 1;
            }
        }
        let _flow = self.write(&text, &[]);
        Ok(())
    }

    fn compare_offset(
        &mut self,
        log: &mut Look,
        entry: OffsetEntry,
        at: At<'_>,
        (style, limit): (IndexStyle, u64),
    ) -> Result<()> {
        let found = if style.first_record {
            log.first_record(entry.position, limit)?
        } else {
            log.last_offset(entry.position, limit)?
        };
        match found {
            Ok(found) if found == entry.offset => {}
            Ok(found) => {
                let pair = (entry.offset.0, found.0);
                self.mismatches.push(Mismatch::Offset, at.absolute, pair);
            }
            Err(why) => self.note(
                at.given,
                &format_args!(
                    "entry {}: offset {}, position {}: {why}",
                    at.number, entry.offset, entry.position
                ),
            ),
        }
        Ok(())
    }

    /// What `--index-sanity-check` says.
    fn sanity(&mut self, given: &str, check: Result<(), Fault>) {
        match check {
            Ok(()) => {
                let _flow = self.write(format!("{given} passed sanity check.\n").as_bytes(), &[]);
            }
            Err(fault) => self.note(given, &format_args!("corrupt index: {fault}")),
        }
    }

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
            let ends = pieces.ends(time_index::ENTRY_BYTES)?;
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

    /// Dumps a piece of a `.timeindex`; returns whether the original would go on behind it.
    fn time_entries(
        &mut self,
        piece: TimeIndex<'_>,
        log: &mut Option<Look>,
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
        let mut told = None;
        for (nth, entry) in entries.iter().enumerate() {
            let mut matched = false;
            if let (Some(log), Some((sought, positions))) = (log.as_mut(), &sought) {
                let found = Found {
                    position: positions.get(nth).copied().unwrap_or(0),
                    landing: sought.landing(nth),
                    breaks: sought.breaks(nth).filter(|_| style.reads_to_end),
                };
                matched = self.compare_time(log, *entry, *at, found, (*previous, &mut told))?;
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
            *previous = entry.timestamp.0;
            at.number += 1;
        }
        let _flow = self.write(&text, &[]);
        Ok(entries.len() == piece.len())
    }

    /// Returns whether a batch ends with the entry's offset.
    fn compare_time(
        &mut self,
        log: &mut Look,
        entry: TimeEntry,
        at: At<'_>,
        found: Found,
        (previous, told): (i64, &mut Option<u64>),
    ) -> Result<bool> {
        let (time, offset) = (entry.timestamp.0, entry.offset.0);
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
            // Once is enough for all entries before the same place.
            if told.replace(broken.position) != Some(broken.position) {
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
                let pair = (offset, last_offset.0);
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

    /// A `.txnindex`. One that does not exist is an empty one.
    pub(super) fn txn_index(&mut self, path: &Path, given: &str) -> Result<()> {
        base_offset(path)?;
        let mut pieces = match Pieces::open(path) {
            Ok(pieces) => pieces,
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let mut number = 0_u64;
        loop {
            let piece = TxnIndex::new(pieces.next()?);
            if piece.is_empty() {
                return Ok(());
            }
            let mut text = Vec::new();
            for txn in piece.entries() {
                if txn.version_byte() > 0 {
                    let version = FaultKind::FileVersion(txn.version());
                    self.note(given, &format_args!("entry {number}: {version}"));
                } else {
                    index::push_txn(&mut text, txn);
                }
                number += 1;
            }
            if self.write(&text, &[]).is_break() {
                return Ok(());
            }
        }
    }

    /// A `.snapshot`.
    pub(super) fn producers(&mut self, path: &Path) -> Result<()> {
        let source = held(path)?;
        let release = self.style.release;
        if let Some(why) = snapshot::disbelief(release, &source) {
            self.context.say(format!("{why}\n").as_bytes());
            return Ok(());
        }
        let mut text = Vec::new();
        for producer in ProducerSnapshot::parse(&source)?.entries() {
            snapshot::push_producer(&mut text, release, producer);
            if text.len() >= PARCEL_BYTES {
                if self.write(&text, &[]).is_break() {
                    return Ok(());
                }
                text.clear();
            }
        }
        let _flow = self.write(&text, &[]);
        Ok(())
    }
}

/// Where the entry of a time index leads.
#[derive(Clone, Copy)]
struct Found {
    /// The position to seek from, as the `.index` has it.
    position: i64,
    landing: Landing,
    /// Where the log breaks behind it, if that matters.
    breaks: Option<kseg::scan::seek::Break>,
}

/// Seeks the offsets of all entries, from the positions that the `.index` has for them.
fn sought(
    log: &Look,
    entries: &[TimeEntry],
    offsets: OffsetIndex<'_>,
    style: IndexStyle,
) -> Result<(Sought, Vec<i64>)> {
    let position = |entry: &TimeEntry| {
        let found = offsets.lookup(entry.offset);
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
    };
    Ok((seek(log.file(), &seeks, policy)?, positions))
}

fn sane_offsets(index: OffsetIndex<'_>, style: IndexStyle) -> Result<(), Fault> {
    let (base, last) = (index.base_offset().0, index.entries().next_back());
    match last {
        Some(last) if style.last_above_base && last.offset.0 == base => {
            let last = last.offset.0;
            Err(Fault::new(FaultKind::LastOffset { last, base }, 0))
        }
        _ => index.check(),
    }
}

fn base_offset(path: &Path) -> Result<Offset> {
    match name::base_offset(name::file_name(path)) {
        Some(base) => Ok(base),
        None => bail!(Error::Name(path.to_owned())),
    }
}

/// The file of the same segment with another suffix.
fn sibling_path(path: &Path, suffix: &str) -> PathBuf {
    let name = name::file_name(path);
    let (base, _) = name.split_once('.').unwrap_or((name, ""));
    path.with_file_name(format!("{base}{suffix}"))
}

/// A file small enough to be held in memory.
fn held(path: &Path) -> Result<Source, Error> {
    let too_large = || std::io::Error::other(format!("larger than {} MiB", HELD_BYTES >> 20));
    match Stream::open(path)?.len_bytes() {
        0..=HELD_BYTES => Source::read(path),
        _ => Err(Error::Io {
            path: path.to_owned(),
            source: too_large(),
        }),
    }
}
