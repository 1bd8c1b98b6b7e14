//! One file on several threads: it is cut at fixed positions, processed, and merged in order.
//!
//! A piece begins at the first entry after its cut whose CRC is right. That is a guess: the bytes
//! of a value may look like an entry. So a piece is accepted only if it begins where the one before
//! it ended; otherwise it is processed again from there. The result is that of one thread by
//! construction, and the file is read once.

use std::cell::Cell;
use std::ops::{ControlFlow, Range};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use super::jobs::{Jobs, MOST_THREADS, spawn};
use super::output::{Output, RenderedChunk};
use super::search::{Search, SearchResult};
use super::visit::{Merge, PieceVisitor, Visitor};
use super::walk::Policy;
use super::worker::{Job, PageReleaser, Watched, Worker};
use crate::format::{Limits, Scratch};
use crate::store::{Error, LogFile};

/// The options of a scan, without its file and visitor.
#[derive(Debug, Clone, Copy)]
pub struct ScanOptions {
    /// The definition of an entry.
    pub policy: Policy,
    /// The position of the first entry.
    pub start: u64,
    /// The assumed end of the file, if it is before the real one.
    pub end: u64,
    /// Threads.
    pub jobs: Jobs,
    /// The limits of decompression.
    pub limits: Limits,
}

impl ScanOptions {
    /// Options for a whole file, on one thread.
    #[must_use]
    pub fn of(policy: Policy) -> Self {
        Self {
            policy,
            start: 0,
            end: u64::MAX,
            jobs: Jobs::ONE,
            limits: Limits::default(),
        }
    }

    /// Returns the job for `log`.
    fn job(self, log: &LogFile) -> Job<'_> {
        let end = self.end.min(log.len_bytes());
        Job {
            log,
            policy: self.policy,
            start: self.start.min(end),
            end,
        }
    }
}

/// Bytes after which a visit on one thread passes its output on.
const STEP_BYTES: u64 = 512 << 10;

/// The largest entry that is searched at the start of a piece.
const LARGEST_GUESS: u64 = 16 << 20;

/// Chunks of a piece that may wait for the merge: in most cases all text of a piece, so that its
/// worker can continue.
const CHUNKS_AHEAD: usize = 8;

/// A message of a worker about a piece: its start, its output, its end. Without a message no entry
/// begins in it.
enum Message<F> {
    Begun(u64),
    Chunk(RenderedChunk),
    Ended(Result<(F, u64), Error>),
}

/// The progress of the merge. A worker that needs the memory for a large batch waits until its
/// piece is next: otherwise its output could wait for the merge, and the merge for a worker that
/// needs the same memory.
#[derive(Default)]
struct Turns {
    next: Mutex<u64>,
    moved: Condvar,
}

impl Turns {
    fn wait(&self, piece: u64) {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let _its_turn = self.moved.wait_while(next, |next| *next < piece);
    }

    fn reach(&self, piece: u64) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = piece;
        self.moved.notify_all();
    }
}

/// Wakes workers that wait for a merge that has ended.
struct Merging<'t>(&'t Turns);

impl Drop for Merging<'_> {
    fn drop(&mut self) {
        self.0.reach(u64::MAX);
    }
}

/// The pieces that no worker has taken yet.
struct Pieces<F> {
    next: u64,
    count: u64,
    /// Sends the channels of the pieces to the merge, in file order; its capacity limits how far
    /// workers run ahead.
    announce: SyncSender<Receiver<Message<F>>>,
}

impl<F> Pieces<F> {
    /// Takes the next piece, unless there is none left or the merge has ended.
    fn claim(&mut self) -> Option<(u64, SyncSender<Message<F>>)> {
        if self.next == self.count {
            return None;
        }
        let (sender, receiver) = sync_channel(CHUNKS_AHEAD);
        self.announce.send(receiver).ok()?;
        self.next += 1;
        Some((self.next - 1, sender))
    }
}

/// Shows `log` to visitors, a piece each, passes their output to `sink` in file order, and merges
/// their results.
///
/// # Errors
/// The file cannot be read.
pub fn scan<V: PieceVisitor<Piece: Merge>>(
    log: &LogFile,
    options: ScanOptions,
    visitor: impl Fn() -> V + Sync,
    sink: &mut dyn FnMut(RenderedChunk) -> ControlFlow<()>,
) -> Result<V::Piece, Error> {
    let mut total: Option<V::Piece> = None;
    scan_pieces(
        log,
        options,
        &visitor,
        sink,
        &mut |piece| match &mut total {
            Some(total) => total.merge(piece),
            None => total = Some(piece),
        },
    )?;
    Ok(total.unwrap_or_else(|| visitor().end()))
}

/// Shows `log` to visitors, a piece each, and passes their output to `sink` and their results to
/// `take`, both in file order and on this thread: `take` may depend on the pieces before.
///
/// # Errors
/// The file cannot be read.
pub fn scan_pieces<V: PieceVisitor>(
    log: &LogFile,
    options: ScanOptions,
    visitor: impl Fn() -> V + Sync,
    sink: &mut dyn FnMut(RenderedChunk) -> ControlFlow<()>,
    take: &mut dyn FnMut(V::Piece),
) -> Result<(), Error> {
    let job = options.job(log);
    let mut worker = Worker::new(Scratch::with_limits(options.limits));
    let pieces = (job.end - job.start).div_ceil(V::PIECE_BYTES);
    let most = options.jobs.threads().get().min(MOST_THREADS) as u64;
    let threads = usize::try_from(pieces.min(most)).unwrap_or(1);
    if pieces <= 1 {
        let (piece, _) = piece(&mut worker, job, job.start..job.end, visitor(), sink)?;
        take(piece);
        return Ok(());
    }
    thread::scope(|scope| {
        let (announce, announced) = sync_channel(threads.max(2));
        let pieces = Arc::new(Mutex::new(Pieces {
            next: 0,
            count: pieces,
            announce,
        }));
        let turns = Arc::new(Turns::default());
        let spawned = spawn(scope, threads, || {
            let (pieces, turns, visitor) = (Arc::clone(&pieces), Arc::clone(&turns), &visitor);
            move || work(job, &pieces, &turns, visitor, options.limits)
        });
        if spawned == 0 {
            let (piece, _) = piece(&mut worker, job, job.start..job.end, visitor(), sink)?;
            take(piece);
            return Ok(());
        }
        // Only the workers hold the senders: when they are gone, no message follows.
        drop(pieces);
        let merging = Merging(&turns);
        merge(job, &announced, &merging, &mut worker, &visitor, sink, take)
    })
}

/// Shows `log` to one visitor on this thread, until it or the sink returns `Break`. For visits that
/// end early, or depend on earlier events.
///
/// # Errors
/// The file cannot be read.
pub fn follow(
    log: &LogFile,
    options: ScanOptions,
    visitor: &mut impl Visitor,
    sink: &mut dyn FnMut(RenderedChunk) -> ControlFlow<()>,
) -> Result<(), Error> {
    follow_with(
        &mut Scratch::with_limits(options.limits),
        log,
        options,
        visitor,
        sink,
    )
}

/// The same with existing buffers.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn follow_with(
    scratch: &mut Scratch,
    log: &LogFile,
    options: ScanOptions,
    visitor: &mut impl Visitor,
    sink: &mut dyn FnMut(RenderedChunk) -> ControlFlow<()>,
) -> Result<(), Error> {
    let job = options.job(log);
    let mut worker = Worker::new(std::mem::take(scratch));
    let mut out = Output::new(sink);
    let mut watched = Watched {
        visitor,
        flow: ControlFlow::Continue(()),
    };
    let (mut position, mut pages) = (job.start, PageReleaser::starting_at(job.start));
    let mut result = Ok(());
    while position < job.end {
        let range = position..job.end.min(position.saturating_add(STEP_BYTES));
        let range_end = range.end;
        match worker.scan(job, range, &mut watched, &mut out) {
            Ok(reached) => position = reached,
            Err(error) => {
                result = Err(error);
                break;
            }
        }
        // A scan ends before the end of its range because of the visitor, or because the file
        // became shorter.
        if out.flush().is_break() || watched.flow.is_break() || position < range_end {
            break;
        }
        pages.pass(log, position);
    }
    watched.visitor.finish(&mut out);
    // The sink notices that its receiver is gone.
    let _flow = out.flush();
    *scratch = worker.scratch;
    result
}

/// The bytes of piece `index`.
fn range_of<V: PieceVisitor>(job: Job<'_>, index: u64) -> Range<u64> {
    let start = job.start + index * V::PIECE_BYTES;
    start..job.end.min(start.saturating_add(V::PIECE_BYTES))
}

/// Visits one piece from its true start to its end.
fn piece<V: PieceVisitor>(
    worker: &mut Worker,
    job: Job<'_>,
    range: Range<u64>,
    mut visitor: V,
    sink: &mut dyn FnMut(RenderedChunk) -> ControlFlow<()>,
) -> Result<(V::Piece, u64), Error> {
    let mut out = Output::new(sink);
    let end = worker.scan(job, range, &mut visitor, &mut out)?;
    visitor.finish(&mut out);
    // The sink notices that its receiver is gone.
    let _flow = out.flush();
    Ok((visitor.end(), end))
}

/// The loop of a worker: one piece after the other.
fn work<V: PieceVisitor>(
    job: Job<'_>,
    pieces: &Mutex<Pieces<V::Piece>>,
    turns: &Arc<Turns>,
    visitor: &(impl Fn() -> V + Sync),
    limits: Limits,
) {
    let mut worker = Worker::new(Scratch::with_limits(limits));
    // The piece after the last one, and the known position of its first entry.
    let mut known: Option<(u64, u64)> = None;
    loop {
        let claimed = pieces
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .claim();
        let Some((index, lane)) = claimed else { return };
        let range = range_of::<V>(job, index);
        let own = Arc::clone(turns);
        worker.scratch.wait_with(move || own.wait(index));
        let start = match known {
            Some((next, start)) if next == index => Some(start),
            _ => guess(&mut worker, job, range.clone()),
        };
        let Some(start) = start.filter(|start| *start < range.end) else {
            // An entry that continues through this piece may end in the next.
            known = known
                .filter(|(next, _)| *next == index)
                .map(|(_, start)| (index + 1, start));
            continue;
        };
        // If the merge does not need the piece, it drops the receiver, and the next send ends the
        // work on the piece.
        if lane.send(Message::Begun(start)).is_err() {
            continue;
        }
        let mut sink = |chunk| match lane.send(Message::Chunk(chunk)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let result = piece(&mut worker, job, start..range.end, visitor(), &mut sink);
        known = result.as_ref().ok().map(|(_, end)| (index + 1, *end));
        if lane.send(Message::Ended(result)).is_err() {
            known = None;
        }
    }
}

/// Guesses the position of the first entry of a piece from the piece alone.
fn guess(worker: &mut Worker, job: Job<'_>, range: Range<u64>) -> Option<u64> {
    if range.start == job.start {
        return Some(job.start);
    }
    let place = |at: usize| range.start.saturating_add(at as u64);
    let left = usize::try_from((job.end - range.start).min(LARGEST_GUESS)).unwrap_or(usize::MAX);
    let piece = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let mut search = Search::in_sound_file(range.start);
    // In most pieces the first entry is near the start.
    let stride = job.log.stride_bytes();
    let (mut from, mut reach) = (0, stride);
    loop {
        let window = range.start..range.start.saturating_add(reach.min(left as u64));
        let bytes = job.log.window(window, &mut worker.window).ok()?;
        match search.next_entry(bytes, range.start, from..piece, left) {
            SearchResult::At(at) => return Some(place(at)),
            SearchResult::Unseen { at, bytes: more } if range.contains(&place(at)) => {
                let more = at.saturating_add(more) as u64;
                if more <= reach {
                    return None;
                }
                (from, reach) = (at, more.max(reach.saturating_add(stride)));
            }
            SearchResult::Unseen { .. } | SearchResult::Nothing => return None,
        }
    }
}

/// Takes the pieces in file order.
fn merge<V: PieceVisitor>(
    job: Job<'_>,
    announced: &Receiver<Receiver<Message<V::Piece>>>,
    merging: &Merging<'_>,
    worker: &mut Worker,
    visitor: &(impl Fn() -> V + Sync),
    sink: &mut dyn FnMut(RenderedChunk) -> ControlFlow<()>,
    take: &mut dyn FnMut(V::Piece),
) -> Result<(), Error> {
    let closed = Cell::new(false);
    let mut sink = |chunk| {
        let flow = sink(chunk);
        closed.set(flow.is_break());
        flow
    };
    let mut position = job.start;
    let mut pages = PageReleaser::starting_at(job.start);
    for (index, lane) in announced.iter().enumerate() {
        merging.0.reach(index as u64);
        let range = range_of::<V>(job, index as u64);
        let (own, end) = match receive(&lane, position, &mut sink) {
            Some(result) => result?,
            None if position < range.end && !closed.get() => {
                drop(lane);
                piece(worker, job, position..range.end, visitor(), &mut sink)?
            }
            None => continue,
        };
        take(own);
        position = end;
        pages.pass(job.log, position);
        if closed.get() || position >= job.end {
            break;
        }
    }
    Ok(())
}

/// Takes one piece from its worker, if it begins at `position`.
fn receive<F>(
    lane: &Receiver<Message<F>>,
    position: u64,
    sink: &mut dyn FnMut(RenderedChunk) -> ControlFlow<()>,
) -> Option<Result<(F, u64), Error>> {
    match lane.recv() {
        Ok(Message::Begun(start)) if start == position => {}
        _ => return None,
    }
    let mut wanted = true;
    loop {
        match lane.recv().ok()? {
            Message::Chunk(chunk) => wanted = wanted && sink(chunk).is_continue(),
            Message::Ended(result) => return Some(result),
            Message::Begun(_) => {}
        }
    }
}
