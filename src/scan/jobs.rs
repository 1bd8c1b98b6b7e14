//! The number of threads, the rate of reading, and work on many items with results in order.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Builder, Scope};
use std::time::{Duration, Instant};

use crate::store::Error;

/// More threads than this would only take memory.
pub(super) const MOST_THREADS: usize = 64;

/// The number of results for each thread that may wait for those before them.
const ITEMS_AHEAD: usize = 4;

/// The number of threads that work on a file; a further one writes their output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs(NonZero<usize>);

impl Jobs {
    /// One thread.
    pub const ONE: Self = Self(NonZero::<usize>::MIN);

    /// This number of threads.
    #[must_use]
    pub const fn new(threads: NonZero<usize>) -> Self {
        Self(threads)
    }

    /// Returns the number of threads.
    #[must_use]
    pub const fn threads(self) -> NonZero<usize> {
        self.0
    }

    /// As many threads as the machine runs at once.
    #[must_use]
    pub fn available() -> Self {
        Self(thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// Divides them where each of `items` can itself be divided: how many items at once, and how
    /// many threads for each.
    #[must_use]
    pub const fn share(self, items: usize) -> (Self, Self) {
        if items < self.0.get() {
            (Self::ONE, self)
        } else {
            (self, Self::ONE)
        }
    }
}

/// Limits the bytes read per second, on all threads together.
#[derive(Debug)]
pub struct Pace {
    bytes_per_second: u64,
    begun: Instant,
    spent: AtomicU64,
}

impl Pace {
    /// Allows this many bytes per second, from now on.
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

/// Starts as many threads as wanted, or as the system allows: a container may have few. Returns how
/// many.
pub(super) fn spawn<'scope, F: FnOnce() + Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    threads: usize,
    work: impl Fn() -> F,
) -> usize {
    let started = (0..threads).map_while(|_| Builder::new().spawn_scoped(scope, work()).ok());
    started.count()
}

/// Does `work` on each item, on as many threads as wanted, and hands the results to `sink` in the
/// items' order; `Break` ends it. Threads run ahead of the sink by a few items only, so few results
/// wait.
pub fn in_order<T: Send, R: Send>(
    jobs: Jobs,
    items: impl IntoIterator<Item = T, IntoIter: Send>,
    work: impl Fn(T) -> R + Sync,
    sink: &mut dyn FnMut(R) -> ControlFlow<()>,
) {
    let threads = jobs.0.get().min(MOST_THREADS);
    in_order_ahead(jobs, ITEMS_AHEAD * threads, items, work, sink);
}

/// The same, with so many items or results that may wait for the one before them.
fn in_order_ahead<T: Send, R: Send>(
    jobs: Jobs,
    ahead: usize,
    items: impl IntoIterator<Item = T, IntoIter: Send>,
    work: impl Fn(T) -> R + Sync,
    sink: &mut dyn FnMut(R) -> ControlFlow<()>,
) {
    let mut items = items.into_iter();
    let threads = jobs.0.get().min(MOST_THREADS);
    if threads <= 1 {
        let _flow = items.try_for_each(|item| sink(work(item)));
        return;
    }
    let (announce, announced) = sync_channel::<Receiver<R>>(ahead);
    // The place of a result in the queue is taken together with its item.
    let queue = Arc::new(Mutex::new((items, announce)));
    thread::scope(|scope| {
        let spawned = spawn(scope, threads, || {
            let (queue, work) = (Arc::clone(&queue), &work);
            move || {
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
                    // The receiver is gone: the next send to the queue fails too.
                    let _unheard = sender.send(work(item));
                }
            }
        });
        if spawned == 0 {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            let _flow = queue.0.try_for_each(|item| sink(work(item)));
            return;
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

/// Does `work` on each item that `feed` passes on, on further threads, while `feed` continues, and
/// hands the results to `sink` in the items' order. With one thread, all three run on this one. If
/// `sink` breaks, `feed` gets `Break` for its next items. Few items and results wait, because each
/// may be large. Returns the result of `feed`.
pub fn in_order_of<T: Send, R: Send, O>(
    jobs: Jobs,
    feed: impl FnOnce(&mut dyn FnMut(T) -> ControlFlow<()>) -> O,
    work: impl Fn(T) -> R + Sync,
    sink: &mut (dyn FnMut(R) -> ControlFlow<()> + Send),
) -> O {
    if jobs.0.get() <= 1 {
        return feed(&mut |item| sink(work(item)));
    }
    let ahead = jobs.0.get() - 1;
    let sink = Mutex::new(sink);
    let (work, sink) = (&work, &sink);
    let locked = || sink.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        let (sender, items) = sync_channel(0);
        let passed = Builder::new().spawn_scoped(scope, move || {
            in_order_ahead(jobs, ahead, items, work, &mut **locked());
        });
        if passed.is_err() {
            return feed(&mut |item| locked()(work(item)));
        }
        feed(&mut |item| match sender.send(item) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    })
}

/// The number of checks of something that seems wrong while a broker writes, and the pause between
/// them: a write, a roll or a swap of segments takes much less time.
const LOOKS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until the result is not `in_motion`, at most [`LOOKS`] times.
pub(crate) fn look_again<T>(mut look: impl FnMut() -> T, in_motion: impl Fn(&T) -> bool) -> T {
    for _ in 1..LOOKS {
        let seen = look();
        if !in_motion(&seen) {
            return seen;
        }
        thread::sleep(PAUSE);
    }
    look()
}

/// The limit of listings of a partition whose files vanish because a running broker deletes or
/// compacts them. A listing is faster than the next deletion, except on a busy machine.
const LISTINGS: u32 = 100;

/// Lists something and reads it, again if a file vanished between the two.
///
/// # Errors
/// What is listed is gone, or the read fails in another way.
pub(crate) fn list_again<T>(mut read: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 1..LISTINGS {
        match read() {
            Err(error) if error.is_gone() => {}
            read => return read,
        }
    }
    read()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fed_comes_in_order_until_the_sink_breaks() {
        for threads in [1, 2, 8] {
            let jobs = Jobs::new(NonZero::new(threads).unwrap());
            for most in [10, 1000] {
                let mut seen = Vec::new();
                let feed = |give: &mut dyn FnMut(u32) -> ControlFlow<()>| {
                    (0..100).take_while(|n| give(*n).is_continue()).count()
                };
                let given = in_order_of(jobs, feed, |n| n * n, &mut |square| {
                    seen.push(square);
                    if seen.len() == most {
                        return ControlFlow::Break(());
                    }
                    ControlFlow::Continue(())
                });
                let expected: Vec<u32> = (0..100).map(|n| n * n).take(most).collect();
                assert_eq!(seen, expected);
                assert!(given + 1 >= most.min(101));
            }
        }
    }

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
