//! One file on several threads: cut blindly, work, and merge in order.
//!
//! A piece begins at the first entry behind its cut whose CRC is right. That is a guess: the bytes of a value may look
//! like an entry. So each piece is taken only if it begins where the one before it ended, and done again from the right
//! place if not. The result is that of one thread by construction, and the file is read once.

use std::cell::Cell;
use std::num::NonZero;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::search::{Found, Search};
use super::visit::{Job, Merge, Output, Parcel, PieceVisitor, Visitor, Wake, Watched, Worker};
use super::walk::Policy;
use crate::format::{Limits, Scratch};
use crate::store::{Error, LogFile};

/// How many threads work on a file; one more takes what they render and writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs(NonZero<usize>);

impl Jobs {
    /// One thread.
    pub const ONE: Self = Self(NonZero::<usize>::MIN);

    /// As many.
    #[must_use]
    pub const fn new(threads: NonZero<usize>) -> Self {
        Self(threads)
    }

    /// How many.
    #[must_use]
    pub const fn threads(self) -> NonZero<usize> {
        self.0
    }

    /// As many as the machine runs at once.
    #[must_use]
    pub fn available() -> Self {
        Self(thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// Divides them where each of `items` can itself be divided: how many items at once, and how many threads for each.
    #[must_use]
    pub const fn share(self, items: usize) -> (Self, Self) {
        if items < self.0.get() {
            (Self::ONE, self)
        } else {
            (self, Self::ONE)
        }
    }
}

/// Keeps work from going quicker than so many bytes a second, on all threads together.
#[derive(Debug)]
pub struct Pace {
    bytes_per_second: u64,
    begun: Instant,
    spent: AtomicU64,
}

impl Pace {
    /// So many bytes a second, from now on.
    #[must_use]
    pub fn of(bytes_per_second: u64) -> Self {
        Self {
            bytes_per_second: bytes_per_second.max(1),
            begun: Instant::now(),
            spent: AtomicU64::new(0),
        }
    }

    /// Waits until `bytes` more may have been read.
    pub fn spend(&self, bytes: u64) {
        let spent = self
            .spent
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes);
        let micros = u128::from(spent) * 1_000_000 / u128::from(self.bytes_per_second);
        let due = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        if let Some(early) = due.checked_sub(self.begun.elapsed()) {
            thread::sleep(early);
        }
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

/// Bytes after which a visit on one thread hands over what it has.
const STEP_BYTES: u64 = 512 << 10;

/// An entry larger than this is not looked for where a piece may begin.
const LARGEST_GUESS: u64 = 16 << 20;

/// More threads than this would only take memory.
const MOST_THREADS: u64 = 64;

/// Parcels of a piece that may wait for the merge: all of a piece's text in most cases, so that its worker can go on.
const PARCELS_AHEAD: usize = 8;

/// What a worker says of a piece: where it begins, what it rendered, how it ended. Silence: no entry begins in it.
enum Message<F> {
    Begun(u64),
    Parcel(Parcel),
    Ended(Result<(F, u64), Error>),
}

/// The pieces nobody works on yet.
struct Pieces<F> {
    next: u64,
    count: u64,
    /// Tells the merge, in file order, where to hear of each piece; how far the workers may run ahead of it.
    announce: SyncSender<Receiver<Message<F>>>,
}

impl<F> Pieces<F> {
    /// Takes the next piece, unless there is none left or nobody listens any more.
    fn claim(&mut self) -> Option<(u64, SyncSender<Message<F>>)> {
        if self.next == self.count {
            return None;
        }
        let (sender, receiver) = sync_channel(PARCELS_AHEAD);
        self.announce.send(receiver).ok()?;
        self.next += 1;
        Some((self.next - 1, sender))
    }
}

impl Plan {
    /// What there is to do from `start` of `log` on.
    fn job(self, log: &LogFile, start: u64) -> Job<'_> {
        let end = self.end.min(log.len_bytes());
        Job {
            log,
            policy: self.policy,
            start: start.min(end),
            end,
        }
    }
}

/// Shows the spans of `log` to visitors and hands what they render to `sink`, in file order. Returns the visits' result.
///
/// # Errors
/// The file cannot be read.
pub fn scan<V: PieceVisitor>(
    log: &LogFile,
    plan: Plan,
    visitor: impl Fn() -> V + Sync,
    sink: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Result<V::Fold, Error> {
    scan_from(log, 0, plan, visitor, sink)
}

/// The same from position `start` on, where an entry begins.
///
/// # Errors
/// The file cannot be read.
pub fn scan_from<V: PieceVisitor>(
    log: &LogFile,
    start: u64,
    plan: Plan,
    visitor: impl Fn() -> V + Sync,
    sink: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Result<V::Fold, Error> {
    let job = plan.job(log, start);
    let mut worker = Worker::new(Scratch::with_limits(plan.limits));
    let pieces = (job.end - job.start).div_ceil(V::PIECE_BYTES);
    let threads = (plan.jobs.0.get() as u64).min(pieces).min(MOST_THREADS);
    if pieces <= 1 {
        let all = job.start..job.end;
        return piece(&mut worker, job, all, visitor(), sink).map(|(fold, _)| fold);
    }
    thread::scope(|scope| {
        let (announce, announced) = sync_channel(usize::try_from(threads).unwrap_or(1).max(2));
        let pieces = Arc::new(Mutex::new(Pieces {
            next: 0,
            count: pieces,
            announce,
        }));
        for _ in 0..threads {
            let (pieces, visitor) = (Arc::clone(&pieces), &visitor);
            scope.spawn(move || work(job, &pieces, visitor, plan.limits));
        }
        // The workers alone hold the other end: when they are gone, there is nothing more to hear.
        drop(pieces);
        merge(job, &announced, &mut worker, &visitor, sink)
    })
}

/// Shows the spans of `log` from position `start` on, where an entry begins, to one visitor on this thread, until it
/// breaks off or the sink does. For what ends early, or needs to know what came before.
///
/// # Errors
/// The file cannot be read.
pub fn follow(
    log: &LogFile,
    start: u64,
    plan: Plan,
    visitor: &mut impl Visitor,
    sink: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Result<(), Error> {
    let job = plan.job(log, start);
    let mut worker = Worker::new(Scratch::with_limits(plan.limits));
    let mut out = Output::new(sink);
    let mut watched = Watched {
        visitor,
        flow: ControlFlow::Continue(()),
    };
    let (mut position, mut wake) = (job.start, Wake::starting_at(job.start));
    while position < job.end {
        let range = position..job.end.min(position.saturating_add(STEP_BYTES));
        position = worker.scan(job, range, &mut watched, &mut out)?;
        if out.flush().is_break() || watched.flow.is_break() {
            break;
        }
        wake.pass(log, position);
    }
    Ok(())
}

/// Does `work` on each item, on as many threads as wanted, and hands the results to `sink` in the items' order; `Break`
/// ends it. Threads run ahead of the sink by a few items only, so what waits is little.
pub fn in_order<T: Send, R: Send>(
    jobs: Jobs,
    items: impl IntoIterator<Item = T, IntoIter: Send>,
    work: impl Fn(T) -> R + Sync,
    sink: &mut dyn FnMut(R) -> ControlFlow<()>,
) {
    let mut items = items.into_iter();
    let threads = jobs.0.get().min(usize::try_from(MOST_THREADS).unwrap_or(1));
    if threads <= 1 {
        let _flow = items.try_for_each(|item| sink(work(item)));
        return;
    }
    let (announce, announced) = sync_channel::<Receiver<R>>(ITEMS_AHEAD * threads);
    // The place of a result in the queue is taken together with its item.
    let queue = Arc::new(Mutex::new((items, announce)));
    thread::scope(|scope| {
        for _ in 0..threads {
            let (queue, work) = (Arc::clone(&queue), &work);
            scope.spawn(move || {
                loop {
                    let (sender, receiver) = sync_channel(1);
                    let item = {
                        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                        let Some(item) = queue.0.next() else { return };
                        if queue.1.send(receiver).is_err() {
                            return;
                        }
                        item
                    };
                    // Nobody waits for it any more: the next send of a place will tell.
                    let _unheard = sender.send(work(item));
                }
            });
        }
        drop(queue);
        for lane in announced {
            let Ok(result) = lane.recv() else { continue };
            if sink(result).is_break() {
                return;
            }
        }
    });
}

/// Results that may wait for those before them, for each thread.
const ITEMS_AHEAD: usize = 4;

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
    sink: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Result<(V::Fold, u64), Error> {
    let mut out = Output::new(sink);
    let end = worker.scan(job, range, &mut visitor, &mut out)?;
    let fold = visitor.end(&mut out);
    // Nobody being left to take it is the sink's to know.
    let _flow = out.flush();
    Ok((fold, end))
}

/// A worker's life: one piece after the other.
fn work<V: PieceVisitor>(
    job: Job<'_>,
    pieces: &Mutex<Pieces<V::Fold>>,
    visitor: &(impl Fn() -> V + Sync),
    limits: Limits,
) {
    let mut worker = Worker::new(Scratch::with_limits(limits));
    // The piece behind the last one, and where its first entry begins: there is nothing to guess about it.
    let mut known: Option<(u64, u64)> = None;
    loop {
        let claimed = pieces
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .claim();
        let Some((index, lane)) = claimed else { return };
        let range = range_of::<V>(job, index);
        let start = match known {
            Some((next, start)) if next == index => Some(start),
            _ => guess(&mut worker, job, range.clone()),
        };
        let Some(start) = start.filter(|start| *start < range.end) else {
            // An entry that goes on through this piece may end in the next.
            known = known
                .filter(|(next, _)| *next == index)
                .map(|(_, start)| (index + 1, start));
            continue;
        };
        // A merge that has no use for the piece drops its end, and the work on the piece ends with the next word.
        if lane.send(Message::Begun(start)).is_err() {
            continue;
        }
        let mut sink = |parcel| match lane.send(Message::Parcel(parcel)) {
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

/// Where the first entry of a piece begins, as far as can be told from the piece alone.
fn guess(worker: &mut Worker, job: Job<'_>, range: Range<u64>) -> Option<u64> {
    if range.start == job.start {
        return Some(job.start);
    }
    let place = |at: usize| range.start.saturating_add(at as u64);
    let left = usize::try_from((job.end - range.start).min(LARGEST_GUESS)).unwrap_or(usize::MAX);
    let piece = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let mut search = Search::in_sound_file(range.start);
    // In most pieces the first entry begins near by.
    let stride = job.log.stride_bytes();
    let (mut from, mut reach) = (0, stride);
    loop {
        let window = range.start..range.start.saturating_add(reach.min(left as u64));
        let bytes = job.log.window(window, &mut worker.window).ok()?;
        match search.next_entry(bytes, range.start, from..piece, left) {
            Found::At(at) => return Some(place(at)),
            Found::Unseen { at, bytes: more } if range.contains(&place(at)) => {
                let more = at.saturating_add(more) as u64;
                if more <= reach {
                    return None;
                }
                (from, reach) = (at, more.max(reach.saturating_add(stride)));
            }
            Found::Unseen { .. } | Found::Nothing => return None,
        }
    }
}

/// Takes the pieces in file order.
fn merge<V: PieceVisitor>(
    job: Job<'_>,
    announced: &Receiver<Receiver<Message<V::Fold>>>,
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
    let mut position = job.start;
    let mut wake = Wake::starting_at(job.start);
    for (index, lane) in announced.iter().enumerate() {
        let range = range_of::<V>(job, index as u64);
        let (fold, end) = match take(&lane, position, &mut sink) {
            Some(result) => result?,
            None if position < range.end && !closed.get() => {
                drop(lane);
                piece(worker, job, position..range.end, visitor(), &mut sink)?
            }
            None => continue,
        };
        match &mut total {
            Some(total) => total.merge(fold),
            None => total = Some(fold),
        }
        position = end;
        wake.pass(job.log, position);
        if closed.get() || position >= job.end {
            break;
        }
    }
    Ok(total.unwrap_or_else(|| visitor().end(&mut Output::new(&mut sink))))
}

/// Takes one piece from its worker, if it begins at `position`.
fn take<F>(
    lane: &Receiver<Message<F>>,
    position: u64,
    sink: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Option<Result<(F, u64), Error>> {
    match lane.recv() {
        Ok(Message::Begun(start)) if start == position => {}
        _ => return None,
    }
    let mut wanted = true;
    loop {
        match lane.recv().ok()? {
            Message::Parcel(parcel) => wanted = wanted && sink(parcel).is_continue(),
            Message::Ended(result) => return Some(result),
            Message::Begun(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_and_no_more_than_wanted() {
        for threads in [1, 2, 8] {
            let jobs = Jobs::new(NonZero::new(threads).unwrap());
            let mut seen = Vec::new();
            in_order(jobs, 0..1000, |n: u32| n * n, &mut |square| {
                seen.push(square);
                ControlFlow::Continue(())
            });
            assert!(seen.iter().copied().eq((0..1000).map(|n| n * n)));
            let mut count = 0;
            in_order(jobs, 0.., |n: u32| n, &mut |_| {
                count += 1;
                if count == 10 {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            assert_eq!(count, 10);
        }
    }
}
