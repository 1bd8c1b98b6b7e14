//! A thread that reads a file through windows and passes its events to a visitor.

use std::ops::{ControlFlow, Range};

use super::event::{Event, GapKind, unreadable_fault};
use super::large::{LARGE_BYTES, fault_of_large};
use super::output::Output;
use super::plausible::may_follow;
use super::visit::Visitor;
use super::walk::{Policy, Walk};
use crate::format::Scratch;
use crate::format::batch::HEADER_BYTES;
use crate::format::frame::{self, FrameHeader};
use crate::store::{Error, LogFile, Unreadable, Window};
use crate::wire::Offset;

/// The file and range of a scan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) log: &'a LogFile,
    pub(super) policy: Policy,
    /// The position of the first entry.
    pub(super) start: u64,
    /// The end of the file; entries after it are ignored.
    pub(super) end: u64,
}

/// Memory of a mapping is released in steps of this many bytes.
const RELEASE_BYTES: u64 = 4 << 20;

/// An access may map this many bytes at once, before and after it.
const HUGE_PAGE_BYTES: u64 = 2 << 20;

/// Releases the memory that a reader has passed, in large steps. Each begins with the huge page in
/// which the one before ended: reading its rest may have mapped all of it again.
#[derive(Debug)]
pub(super) struct PageReleaser {
    from: u64,
}

impl PageReleaser {
    /// Nothing before `position` has to be released.
    pub(super) const fn starting_at(position: u64) -> Self {
        Self { from: position }
    }

    /// Notes that nothing before `position` is read again.
    #[inline]
    pub(super) fn pass(&mut self, log: &LogFile, position: u64) {
        if position.saturating_sub(self.from) >= RELEASE_BYTES {
            log.release(self.from..position);
            self.from = position / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
        }
    }
}

/// The buffers of a thread that scans.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) scratch: Scratch,
    pub(super) window: Vec<u8>,
}

impl Worker {
    pub(super) fn new(scratch: Scratch) -> Self {
        Self {
            scratch,
            window: Vec::new(),
        }
    }

    /// Passes every event that begins in `range` to `visitor`; an entry is expected at its start.
    /// Returns the end of the last one; after a fault that may be far beyond the range. It is
    /// before the end of the range if the visitor returned `Break`, or if a running broker
    /// truncated preallocated space: then the file ends there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn scan(
        &mut self,
        job: Job<'_>,
        range: Range<u64>,
        visitor: &mut impl Visitor,
        out: &mut Output<'_>,
    ) -> Result<u64, Error> {
        let mut walk = Walk::new(&[], job.policy).starting_at(range.start, job.end);
        let mut wanted = 0;
        let mut pages = PageReleaser::starting_at(range.start);
        loop {
            let position = walk.reached();
            let mut reach = position.saturating_add(job.log.stride_bytes().max(wanted as u64));
            if reach >= job.end {
                // Kafka reads a header in full, even beyond the end.
                reach = job.end.saturating_add(HEADER_BYTES as u64);
            }
            let Window { bytes, unreadable } = job.log.readable(position..reach, &mut self.window);
            let mut here = walk.resume(bytes, job.end).cut_if(unreadable.is_some());
            let mut cut_entry = None;
            loop {
                if here.reached() >= range.end && !here.is_in_gap() {
                    return Ok(here.reached());
                }
                let Some(event) = here.next() else {
                    let Some(unreadable) = unreadable.as_ref().filter(|_| here.is_cut_short())
                    else {
                        break;
                    };
                    cut_entry = here.announced().filter(|entry| is_followed(job, *entry));
                    if cut_entry.is_some() {
                        break;
                    }
                    here.give_up(unreadable.errno);
                    continue;
                };
                let flow = visitor.event(event, &mut self.scratch, out);
                self.scratch.settle();
                if flow.is_break() || out.poll().is_break() {
                    return Ok(here.reached());
                }
                pages.pass(job.log, here.reached());
            }
            let (reached, more, may_refuse) = (here.reached(), here.wanted(), here.may_refuse());
            // A gap is one event, however long it is.
            pages.pass(job.log, reached);
            let short = (bytes.len() as u64) < reach.min(job.end) - position;
            walk = here.resume(&[], job.end);
            wanted = match (more, unreadable) {
                (None, _) => return Ok(reached),
                (Some(_), Some(unreadable)) => {
                    match cut_entry {
                        Some((_, end)) => self.skip_entry(job, &mut walk, end, unreadable.errno)?,
                        None => walk.pass_over(&unreadable),
                    }
                    0
                }
                (Some(_), None) if short && reached == position => {
                    if job.log.was_trimmed() {
                        return Ok(position);
                    }
                    return Err(job.log.shorter());
                }
                (Some(bytes), None) if may_refuse && bytes as u64 > LARGE_BYTES => {
                    self.large(job, &mut walk, bytes)?
                }
                (Some(bytes), None) => bytes,
            };
        }
    }

    /// Returns how many bytes to hold of an entry at the current position: all of them if its
    /// checksum is right, none if it was skipped or begins a search.
    ///
    /// # Errors
    /// The file cannot be read.
    fn large(&mut self, job: Job<'_>, walk: &mut Walk<'_>, bytes: usize) -> Result<usize, Error> {
        let start = walk.reached();
        let range = start..start.saturating_add(bytes as u64);
        let end = range.end;
        let fault = match fault_of_large(job.log, range, &mut self.window) {
            Ok(Some(fault)) => fault,
            // The bytes around a bad sector are read as those of any other entry.
            Ok(None) | Err(Error::Unreadable { .. }) => return Ok(bytes),
            Err(error) => return Err(error),
        };
        let header = start..start.saturating_add(frame::HEADER_BYTES as u64);
        let header = FrameHeader::read(job.log.window(header, &mut self.window)?);
        let follows = |header: FrameHeader<'_>| is_followed(job, (header.offset(), end));
        walk.refuse(fault, end, end < job.end && header.is_some_and(follows));
        Ok(0)
    }

    /// Skips an entry that begins at the current position and ends at `end`, parts of which cannot
    /// be read.
    ///
    /// # Errors
    /// The file has become shorter.
    fn skip_entry(
        &mut self,
        job: Job<'_>,
        walk: &mut Walk<'_>,
        end: u64,
        errno: i32,
    ) -> Result<(), Error> {
        let cut = GapKind::Damage(unreadable_fault(errno));
        while walk.reached() < end {
            let position = walk.reached();
            let reach = end.min(position.saturating_add(job.log.stride_bytes()));
            let window = job.log.readable(position..reach, &mut self.window);
            walk.skip_part(position + window.bytes.len() as u64, cut);
            match window.unreadable {
                Some(Unreadable { range, errno }) => {
                    walk.skip_part(range.end.min(end), GapKind::Unreadable { errno });
                }
                None if window.bytes.is_empty() => return Err(job.log.shorter()),
                None => {}
            }
        }
        Ok(())
    }
}

/// Returns true if an entry with a known offset and end is followed by another, or by the end of
/// the file: then its size is right.
fn is_followed(job: Job<'_>, (offset, end): (Offset, u64)) -> bool {
    if end >= job.end {
        return end == job.end;
    }
    let mut buffer = Vec::new();
    let header = end..end.saturating_add(frame::HEADER_BYTES as u64);
    let next = job.log.window(header, &mut buffer).ok();
    let next = next.and_then(FrameHeader::read);
    next.is_some_and(|next| may_follow(offset, next))
}

/// Remembers that a visitor returned `Break`.
pub(super) struct Watched<'v, V> {
    pub(super) visitor: &'v mut V,
    pub(super) flow: ControlFlow<()>,
}

impl<V: Visitor> Visitor for Watched<'_, V> {
    #[inline]
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        self.flow = self.visitor.event(event, scratch, out);
        self.flow
    }
}
