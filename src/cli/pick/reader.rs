//! Reads the records of a log, from the first to the last or until no more are wanted.

use std::ops::{ControlFlow, Range};
use std::path::Path;

use anyhow::Result;
use kseg::format::Scratch;
use kseg::records::files::{self, SegmentFiles};
use kseg::scan::{
    Event, Filter, Merge, Output, Policy, RenderedChunk, ScanOptions, TransactionTracker, Visitor,
    follow, locate, scan,
};
use kseg::store::{Error, LogFile};
use kseg::wire::Offset;

use super::given::{Offsets, Survey};
use super::picker::{Picker, Scope};
use super::{LogFiles, Pick, PickedCounts, Take, UnreadBytes};
use crate::cli::args::Reading;
use crate::cli::render::records::LocatedRecord;
use crate::cli::render::table::{counted, plain};

/// The number of notes on one log; more are counted.
const NOTES: u64 = 100;

/// Bytes read first from the end for the last records; four times as many with every step back.
const STEP_BYTES: u64 = 1 << 20;

/// The sink of rendered records and notes.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// Reads logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogReader<'a> {
    pub(crate) pick: &'a Pick,
    pub(crate) reading: Reading,
}

/// The start of reading a log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Start {
    file: usize,
    position: u64,
    /// Records to skip from there on.
    pub(crate) skip: u64,
}

/// A log, and the facts that need all of it.
pub(crate) struct Opened {
    track: LogFiles,
    transactions: Option<TransactionTracker>,
    filter: Filter,
}

/// Scans a range of a file. Returns the counts, and true if no more records are needed.
type Scan<'s> = &'s mut dyn FnMut(
    &LogFile,
    Range<u64>,
    Scope<'_>,
    Option<&mut Offsets>,
    &mut dyn FnMut(RenderedChunk) -> ControlFlow<()>,
) -> Result<(PickedCounts, bool)>;

impl LogReader<'_> {
    /// Reads the facts that are needed before the first record: the aborted transactions.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn open(self, track: &LogFiles, sink: Sink<'_>) -> Result<Opened> {
        let mut track = track.clone();
        let mut filter = self.pick.filter;
        filter.first_offset = filter.first_offset.max(track.log_start);
        let mut transactions = None;
        if self.pick.committed {
            let known = loop {
                match self.transactions(&track) {
                    Err(error) if track.relisted(&error) => {}
                    known => break known?,
                }
            };
            if let Some(first) = known.first_open() {
                let note = format!(
                    "kseg: {}: stopped at offset {first}: the transaction that begins there is \
                     still open in these files\n",
                    plain(&track.path.to_string_lossy())
                );
                let _heard = sink(&[], note.as_bytes());
                filter.last_offset = filter
                    .last_offset
                    .min(Offset::new(first.get().saturating_sub(1)));
            }
            transactions = Some(known);
        }
        Ok(Opened {
            track,
            transactions,
            filter,
        })
    }

    /// Takes all records of a log, on any number of threads.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn read<T: Take>(
        self,
        opened: &Opened,
        take: impl Fn() -> T + Sync,
        sink: Sink<'_>,
    ) -> Result<PickedCounts> {
        let pass: Scan<'_> = &mut |log, range, scope, given, sink| {
            if given.is_some() {
                let mut picker = Picker::new(scope, take()).once(given);
                follow(log, self.options(range), &mut picker, sink)?;
                return Ok((picker.tally().0, false));
            }
            let visitor = || Picker::new(scope, take());
            let tally = scan(log, self.options(range), visitor, sink)?;
            Ok((tally, false))
        };
        self.files(opened, Start::default(), pass, sink)
    }

    /// Takes the records of a log in order from `start` on, until `take` has enough.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn follow(
        self,
        opened: &Opened,
        start: Start,
        mut take: impl Take,
        sink: Sink<'_>,
    ) -> Result<PickedCounts> {
        let pass: Scan<'_> = &mut |log, range, scope, given, sink| {
            let mut picker = Picker::new(scope, &mut take).once(given);
            follow(log, self.options(range), &mut picker, sink)?;
            Ok(picker.tally())
        };
        self.files(opened, start, pass, sink)
    }

    /// Returns the start of the last `count` records of a log. It is searched from the end, so that
    /// only a few times the size of these records is read.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn last(self, opened: &mut Opened, count: u64) -> Result<Start> {
        loop {
            match self.last_of(opened, count) {
                Err(error) if opened.track.relisted(&error) => {}
                found => return found,
            }
        }
    }

    /// The same for the listed files.
    fn last_of(self, opened: &Opened, count: u64) -> Result<Start> {
        let mut found = 0;
        let wanted = wanted_files(&opened.track.files, opened.filter);
        for (file, part) in wanted.rev() {
            let log = self.reading.unmapped().open(part.log())?;
            let bytes = part.indexes();
            let indexes = bytes.parse();
            let all = locate::locate(&log, indexes, &opened.filter)?;
            let path = part.log().display().to_string();
            let scope = self.scope(opened, opened.filter, (&log, &path), None);
            let (mut end, mut step) = (all.end, STEP_BYTES);
            while end > all.start {
                let back = end.saturating_sub(step).max(all.start);
                let place = locate::last_entry_up_to(&log, indexes.offsets, back)?;
                let position = place.max(all.start);
                let mut picker = Picker::new(scope, Everything);
                let sink = &mut |_| ControlFlow::Continue(());
                follow(&log, self.options(position..end), &mut picker, sink)?;
                found += picker.tally().0.records;
                if found >= count {
                    let skip = found - count;
                    return Ok(Start {
                        file,
                        position,
                        skip,
                    });
                }
                (end, step) = (position, step.saturating_mul(4));
            }
        }
        Ok(Start::default())
    }

    fn options(self, range: Range<u64>) -> ScanOptions {
        ScanOptions {
            policy: self.policy(),
            start: range.start,
            end: range.end,
            jobs: self.reading.jobs(),
            limits: self.reading.limits(),
        }
    }

    /// Returns the options of reading the headers first: without checksums, unless damage may have
    /// to be skipped.
    fn survey(self, range: Range<u64>) -> ScanOptions {
        ScanOptions {
            policy: if self.pick.salvage {
                Policy::Salvage
            } else {
                Policy::Trust
            },
            ..self.options(range)
        }
    }

    fn policy(self) -> Policy {
        if self.pick.salvage {
            Policy::Salvage
        } else {
            Policy::Verify
        }
    }

    fn scope<'s>(
        &'s self,
        opened: &'s Opened,
        filter: Filter,
        (log, path): (&'s LogFile, &'s str),
        quiet_end: Option<u64>,
    ) -> Scope<'s> {
        Scope {
            pick: self.pick,
            filter,
            track: &opened.track,
            log,
            path,
            quiet_end,
            transactions: opened.transactions.as_ref(),
        }
    }

    /// Scans the files that may contain wanted records, one after the other. If one has vanished
    /// since they were listed, the log is listed again, and reading continues at the next offset.
    fn files(
        self,
        opened: &Opened,
        start: Start,
        pass: Scan<'_>,
        sink: Sink<'_>,
    ) -> Result<PickedCounts> {
        let (mut total, mut notes) = (PickedCounts::default(), 0);
        let (mut track, mut filter) = (opened.track.clone(), opened.filter);
        let mut next = start.file;
        let mut given = Offsets::default();
        loop {
            let mut wanted = wanted_files(&track.files, filter);
            let Some((file, part)) = wanted.find(|(file, _)| *file >= next) else {
                break;
            };
            let part = part.clone();
            drop(wanted);
            next = file + 1;
            let is_last = next == track.files.len();
            let from = if file == start.file {
                start.position
            } else {
                0
            };
            let scanned = self.file(
                opened,
                &part,
                (from, filter, is_last),
                pass,
                (&mut notes, &mut given),
                sink,
            );
            let is_ended = match scanned {
                Ok((tally, is_ended)) => {
                    total.merge(tally);
                    is_ended
                }
                Err(error) => {
                    let base = part.base_offset();
                    if track.relisted(&error) {
                        let reached = total
                            .reached
                            .map(|last| Offset::new(last.saturating_add(1)));
                        filter.first_offset = filter
                            .first_offset
                            .max(base.max(reached).unwrap_or(filter.first_offset));
                        next = 0;
                    } else if self.pick.salvage {
                        total.lost.push(error.downcast::<Error>()?);
                    } else {
                        return Err(error);
                    }
                    false
                }
            };
            if is_ended {
                break;
            }
        }
        if let Some((first, last)) = total.duplicate_offsets {
            let path = plain(&opened.track.path.to_string_lossy());
            let note = format!(
                "kseg: {path}: {} with duplicate offsets ({first}-{last}) left out, as a consumer \
                 skips them; --raw shows them\n",
                counted(total.duplicates, "record")
            );
            let _heard = sink(&[], note.as_bytes());
        }
        if let Some(more) = notes.checked_sub(NOTES).filter(|more| *more > 0) {
            let path = plain(&opened.track.path.to_string_lossy());
            let _heard = sink(&[], format!("kseg: {path}: and {more} more\n").as_bytes());
        }
        Ok(total)
    }

    /// Scans one file from a position on. Returns the counts, and true if it is the last file to be
    /// read.
    fn file(
        self,
        opened: &Opened,
        part: &SegmentFiles,
        (from, filter, is_last): (u64, Filter, bool),
        pass: Scan<'_>,
        (notes, given): (&mut u64, &mut Offsets),
        sink: Sink<'_>,
    ) -> Result<(PickedCounts, bool)> {
        let log = self.reading.unmapped().open(part.log())?;
        let mut range = locate::locate(&log, part.indexes().parse(), &filter)?;
        range.start = range.start.max(from);
        let path = part.log().display().to_string();
        let quiet_end = is_last.then(|| log.len_bytes());
        let scope = self.scope(opened, filter, (&log, &path), quiet_end);
        let mut is_closed = false;
        let mut own = |chunk: RenderedChunk| {
            let mut flow = ControlFlow::Continue(());
            if self.pick.salvage {
                let reported = reported(&chunk.notes, notes);
                flow = sink(&chunk.text, reported);
            } else {
                if !chunk.text.is_empty() {
                    flow = sink(&chunk.text, &[]);
                }
                if !chunk.notes.is_empty() {
                    return ControlFlow::Break(());
                }
            }
            is_closed = flow.is_break();
            flow
        };
        let survey = if self.pick.raw {
            None
        } else {
            Some(Survey::of(&log, self.survey(range.clone()))?)
        };
        let is_new = survey.as_ref().is_none_or(|survey| survey.is_new_to(given));
        let before = Some(&mut *given).filter(|_| !is_new);
        let (tally, is_enough) = pass(&log, range, scope, before, &mut own)?;
        // Only now: a file that vanishes while it is read is listed again, and read from the last
        // position on.
        if let Some(survey) = survey.filter(|_| is_new) {
            survey.add_to(given);
        }
        if let Some(gap) = tally.gaps.first().filter(|_| !self.pick.salvage) {
            let words = self.explain(&log, gap)?;
            let _heard = sink(&[], words.as_bytes());
            return Ok((tally, true));
        }
        Ok((tally, is_enough || is_closed))
    }

    /// Returns the message about the damage that stopped reading, and the position at which reading
    /// could continue.
    fn explain(self, log: &LogFile, gap: &UnreadBytes) -> Result<String> {
        let from = if gap.is_batch {
            gap.range.end
        } else {
            gap.range.start
        };
        let mut next = NextBatch::default();
        let options = ScanOptions {
            policy: Policy::Salvage,
            ..self.options(from..u64::MAX)
        };
        let sink = &mut |_| ControlFlow::Continue(());
        follow(log, options, &mut next, sink)?;
        let (path, start, what) = (plain(&gap.path), gap.range.start, &gap.what);
        let end = if gap.is_batch {
            gap.range.end
        } else {
            next.found.map_or(log.len_bytes(), |(position, _)| position)
        };
        let rest = match next.found {
            Some((position, offset)) => format!(
                "the next valid batch is at position {position}, offset {offset}; --salvage \
                 continues there"
            ),
            None => "no valid batch follows in this file; --salvage continues in the next".into(),
        };
        Ok(format!(
            "kseg: {path}: position {start}..{end}: {what}\nkseg: {path}: stopped there; {rest}\n"
        ))
    }

    fn transactions(self, track: &LogFiles) -> Result<TransactionTracker> {
        // Only headers and markers are read, without checksums.
        let options = self.survey(0..u64::MAX);
        let all = track.files.iter().chain(&track.later);
        let open = |path: &Path| self.reading.unmapped().open(path);
        Ok(files::transactions(all, options, open)?)
    }
}

/// The files that may contain wanted records, by the names of their segments, with their numbers.
fn wanted_files(
    all: &[SegmentFiles],
    filter: Filter,
) -> impl DoubleEndedIterator<Item = (usize, &SegmentFiles)> {
    let is_wanted = move |(file, _): &(usize, &SegmentFiles)| files::may_hold(all, *file, &filter);
    all.iter().enumerate().filter(is_wanted)
}

/// The notes up to the limit.
fn reported<'n>(notes: &'n [u8], count: &mut u64) -> &'n [u8] {
    let mut length = 0;
    for line in notes.split_inclusive(|&byte| byte == b'\n') {
        *count += 1;
        if *count <= NOTES {
            length += line.len();
        }
    }
    notes.get(..length).unwrap_or_default()
}

/// Takes every record and ignores it.
struct Everything;

impl Take for Everything {
    fn take(&mut self, _: LocatedRecord<'_, '_>, _: &mut Output<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Finds the first batch.
#[derive(Default)]
struct NextBatch {
    /// Its position and offset.
    found: Option<(u64, i64)>,
}

impl Visitor for NextBatch {
    fn event(&mut self, event: Event<'_>, _: &mut Scratch, _: &mut Output<'_>) -> ControlFlow<()> {
        let Event::Batch(batch) = event else {
            return ControlFlow::Continue(());
        };
        self.found = Some((batch.position().get(), batch.offset().get()));
        ControlFlow::Break(())
    }
}
