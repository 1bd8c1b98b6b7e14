//! One file on several threads: cut blindly, work, and merge in order.
//!
//! A piece begins at the first entry behind its cut whose CRC is right. That is a guess: the bytes of a value may look
//! like an entry. So each piece is taken only if it begins where the one before it ended, and done again from the right
//! place if not. The result is that of one thread by construction, and the file is read once.

use std::cell::Cell;
use std::num::NonZero;
use std::ops::{ControlFlow, Range};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::search::{Found, Search};
use super::visit::{Job, Merge, Output, Parcel, Visitor, Worker};
use super::walk::Policy;
use crate::format::{Limits, Scratch};
use crate::store::{Error, LogFile};

/// How many threads work on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs(NonZero<usize>);

impl Jobs {
    /// As many.
    #[must_use]
    pub const fn new(threads: NonZero<usize>) -> Self {
        Self(threads)
    }

    /// As many as the machine runs at once.
    #[must_use]
    pub fn available() -> Self {
        Self(thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }
}

/// What a scan is to do, besides its file and visitor.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What counts as an entry.
    pub policy: Policy,
    /// Where the file is taken to end, if before it does.
    pub end: u64,
    /// Threads.
    pub jobs: Jobs,
    /// Bounds of unpacking.
    pub limits: Limits,
}

/// Bytes of a piece.
const PIECE_BYTES: u64 = 1 << 20;

/// More threads than this would only take memory.
const MOST_THREADS: u64 = 64;

/// Parcels a worker may be ahead of the merge.
const PARCELS_AHEAD: usize = 4;

/// What a worker says of its piece: where it begins, what it rendered, how it ended.
enum Message<F> {
    Begun(Option<u64>),
    Parcel(Parcel),
    Ended(Result<(F, u64), Error>),
}

/// Shows the spans of `log` to visitors and hands what they render to `sink`, in file order. Returns the visits' result.
///
/// # Errors
/// The file cannot be read.
pub fn scan<V: Visitor>(
    log: &LogFile,
    plan: Plan,
    visitor: impl Fn() -> V + Sync,
    sink: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Result<V::Fold, Error> {
    let job = Job {
        log,
        policy: plan.policy,
        end: plan.end.min(log.len_bytes()),
    };
    let mut worker = Worker::new(Scratch::with_limits(plan.limits));
    let pieces = job.end.div_ceil(PIECE_BYTES);
    let threads = (plan.jobs.0.get() as u64).min(pieces).min(MOST_THREADS);
    if threads <= 1 {
        return piece(&mut worker, job, 0..job.end, visitor(), sink).map(|(fold, _)| fold);
    }
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..threads)
            .map(|first| {
                let (sender, receiver) = sync_channel(PARCELS_AHEAD);
                let mine = (first..pieces).step_by(usize::try_from(threads).unwrap_or(usize::MAX));
                let (visitor, limits) = (&visitor, plan.limits);
                scope.spawn(move || work(job, mine, visitor, limits, &sender));
                receiver
            })
            .collect();
        merge(job, pieces, &lanes, &mut worker, &visitor, sink)
    })
}

/// The bytes of piece `index`.
fn range_of(job: Job<'_>, index: u64) -> Range<u64> {
    let start = index * PIECE_BYTES;
    start..job.end.min(start.saturating_add(PIECE_BYTES))
}

/// Visits one piece from its true start to its end.
fn piece<V: Visitor>(
    worker: &mut Worker,
    job: Job<'_>,
    range: Range<u64>,
    mut visitor: V,
    sink: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Result<(V::Fold, u64), Error> {
    let mut out = Output::new(sink);
    let end = worker.scan(job, range.clone(), &mut visitor, &mut out)?;
    let fold = visitor.end(&mut out);
    // Nobody being left to take it is the sink's to know.
    let _flow = out.flush();
    job.log.release(range.start..end);
    Ok((fold, end))
}

/// A worker's life: its pieces one after the other, until nobody listens.
fn work<V: Visitor>(
    job: Job<'_>,
    pieces: impl Iterator<Item = u64>,
    visitor: &(impl Fn() -> V + Sync),
    limits: Limits,
    lane: &SyncSender<Message<V::Fold>>,
) {
    let mut worker = Worker::new(Scratch::with_limits(limits));
    for index in pieces {
        let range = range_of(job, index);
        let start = guess(&mut worker, job, range.clone());
        if lane.send(Message::Begun(start)).is_err() {
            return;
        }
        let Some(start) = start else {
            job.log.release(range);
            continue;
        };
        let result = piece(
            &mut worker,
            job,
            start..range.end,
            visitor(),
            &mut |parcel| match lane.send(Message::Parcel(parcel)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            },
        );
        if lane.send(Message::Ended(result)).is_err() {
            return;
        }
    }
}

/// Where the first entry of a piece begins, as far as can be told from the piece alone.
fn guess(worker: &mut Worker, job: Job<'_>, range: Range<u64>) -> Option<u64> {
    if range.start == 0 {
        return Some(0);
    }
    let mut reach = range.end - range.start;
    loop {
        let end = job.end.min(range.start.saturating_add(reach));
        let window = job.log.window(range.start..end, &mut worker.window).ok()?;
        let left = usize::try_from(job.end - range.start).unwrap_or(usize::MAX);
        let piece = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let window = window.get(..left).unwrap_or(window);
        match Search::starting_at(range.start).next_entry(window, range.start, 0..piece, left) {
            Found::At(at) => return Some(range.start.saturating_add(at as u64)),
            Found::Unseen { at, bytes }
                if range.contains(&range.start.saturating_add(at as u64)) =>
            {
                let more = (at as u64).saturating_add(bytes as u64);
                if more <= reach || end == job.end {
                    return None;
                }
                reach = more;
            }
            Found::Unseen { .. } | Found::Nothing => return None,
        }
    }
}

/// Takes the pieces in file order.
fn merge<V: Visitor>(
    job: Job<'_>,
    pieces: u64,
    lanes: &[Receiver<Message<V::Fold>>],
    worker: &mut Worker,
    visitor: &(impl Fn() -> V + Sync),
    sink: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Result<V::Fold, Error> {
    let closed = Cell::new(false);
    let mut sink = |parcel| {
        let flow = sink(parcel);
        closed.set(flow.is_break());
        flow
    };
    let mut total: Option<V::Fold> = None;
    let mut position = 0;
    for (index, lane) in (0..pieces).zip(lanes.iter().cycle()) {
        let range = range_of(job, index);
        let (fold, end) = match take(lane, position, &mut sink) {
            Some(result) => result?,
            None if position < range.end => {
                piece(worker, job, position..range.end, visitor(), &mut sink)?
            }
            None => continue,
        };
        match &mut total {
            Some(total) => total.merge(fold),
            None => total = Some(fold),
        }
        position = end;
        if closed.get() || position >= job.end {
            break;
        }
    }
    Ok(total.unwrap_or_else(|| visitor().end(&mut Output::new(&mut sink))))
}

/// Takes one piece from its worker, if it begins at `position`; lets it pass if not.
fn take<F>(
    lane: &Receiver<Message<F>>,
    position: u64,
    sink: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Option<Result<(F, u64), Error>> {
    let Ok(Message::Begun(Some(start))) = lane.recv() else {
        return None;
    };
    let mut wanted = start == position;
    let mine = wanted;
    loop {
        match lane.recv().ok()? {
            Message::Parcel(parcel) if wanted => wanted = sink(parcel).is_continue(),
            Message::Parcel(_) | Message::Begun(_) => {}
            Message::Ended(result) => return mine.then_some(result),
        }
    }
}
