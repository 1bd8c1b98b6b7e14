//! Memory that several threads share for large decompressed batches.

use std::fmt;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};

/// The size up to which a decompressed batch is small: every thread may hold as much.
pub(super) const SMALL_BYTES: usize = 16 << 20;

/// Lets one thread at a time hold batches that are not small, so that memory does not grow with the
/// number of threads.
#[derive(Default)]
pub struct Budget {
    holder: Mutex<Option<Holder>>,
    freed: Condvar,
}

/// A thread, and the number of its large buffers.
struct Holder {
    thread: ThreadId,
    buffers: usize,
}

impl Budget {
    /// Nothing is held yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            holder: Mutex::new(None),
            freed: Condvar::new(),
        }
    }

    /// Waits until no other thread holds a large batch. A thread that has one may have another.
    pub(super) fn acquire(&'static self) -> Permit {
        let own = thread::current().id();
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &mut *holder {
                None => {
                    *holder = Some(Holder {
                        thread: own,
                        buffers: 1,
                    });
                    return Permit(self);
                }
                Some(held) if held.thread == own => {
                    held.buffers = held.buffers.saturating_add(1);
                    return Permit(self);
                }
                Some(_) => {
                    holder = self
                        .freed
                        .wait(holder)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").finish_non_exhaustive()
    }
}

/// The permission to hold a large batch, released when it is dropped.
pub(super) struct Permit(&'static Budget);

impl Drop for Permit {
    fn drop(&mut self) {
        let mut holder = self.0.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = &mut *holder {
            held.buffers = held.buffers.saturating_sub(1);
            if held.buffers == 0 {
                *holder = None;
                self.0.freed.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn one_thread_at_a_time_holds_large_batches_and_as_many_as_it_likes() {
        static BUDGET: Budget = Budget::new();
        let holders = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let first = BUDGET.acquire();
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                        let second = BUDGET.acquire();
                        drop(first);
                        assert_eq!(holders.fetch_sub(1, Ordering::SeqCst), 1);
                        drop(second);
                    }
                });
            }
        });
    }
}
