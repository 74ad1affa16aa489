//! Work that brings forth more work, a bounded number of pieces at a time.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

/// How many requests are under way at the same time where nothing else is said. What fast clients use; a
/// registry that has fewer connections to give makes the others wait.
pub const CONNECTIONS: usize = 16;

/// Pieces of work that wait for a thread. They are begun in the order in which they were added.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// Threads that perform a piece.
    busy: usize,
    /// Threads in all.
    threads: usize,
    /// Nothing more is begun.
    stopped: bool,
}

impl<T> Queue<T> {
    pub(super) fn new(first: impl IntoIterator<Item = T>) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: first.into_iter().collect(),
                busy: 0,
                threads: 1,
                stopped: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Adds pieces. A piece adds as its last act: its own thread may be the one that takes them up.
    pub(super) fn add(&self, pieces: impl IntoIterator<Item = T>) {
        self.state().waiting.extend(pieces);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece, and how many more threads there is work for; `None` when all is done.
    fn take(&self, most: usize) -> Option<(T, usize)> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(piece) = state.waiting.pop_front() {
                state.busy += 1;
                let idle = state.threads - state.busy;
                let wanted = state.waiting.len().saturating_sub(idle);
                let more = wanted.min(most.saturating_sub(state.threads));
                state.threads += more;
                return Some((piece, more));
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, failed: bool) {
        let mut state = self.state();
        state.busy -= 1;
        state.stopped |= failed;
        drop(state);
        self.changed.notify_all();
    }
}

/// Performs every piece of the queue, and those that they add, on at most `most` threads, of which the
/// caller's is one.
///
/// # Errors
/// The first; what was under way then is finished, and nothing more is begun.
pub(super) fn work<T: Send, E: Send>(
    queue: &Queue<T>,
    most: usize,
    act: impl Fn(T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let crew = Crew {
        queue,
        most: most.max(1),
        act,
        failure: Mutex::new(None),
    };
    std::thread::scope(|scope| crew.toil(scope));
    let failure = crew.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(()), Err)
}

struct Crew<'a, T, E, A> {
    queue: &'a Queue<T>,
    most: usize,
    act: A,
    failure: Mutex<Option<E>>,
}

impl<T: Send, E: Send, A: Fn(T) -> Result<(), E> + Sync> Crew<'_, T, E, A> {
    /// One thread's share. Threads are begun when there is work for them, and not before.
    fn toil<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        while let Some((piece, more)) = self.queue.take(self.most) {
            for _ in 0..more {
                scope.spawn(move || self.toil(scope));
            }
            let result = (self.act)(piece);
            let failed = result.is_err();
            if let Err(error) = result {
                self.failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(error);
            }
            self.queue.done(failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn what_work_brings_forth_is_done_and_no_more_than_allowed_at_once() {
        let (running, peak, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let queue = Queue::new([8_u32]);
        let result: Result<(), ()> = work(&queue, 5, |depth| {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            peak.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            done.fetch_add(1, Ordering::SeqCst);
            running.fetch_sub(1, Ordering::SeqCst);
            if depth > 0 {
                queue.add([depth - 1, depth - 1]);
            }
            Ok(())
        });
        assert_eq!(result, Ok(()));
        assert_eq!(done.load(Ordering::SeqCst), (1 << 9) - 1);
        assert!((2..=5).contains(&peak.load(Ordering::SeqCst)), "{peak:?}");
    }

    #[test]
    fn the_first_error_ends_it_and_nothing_more_is_begun() {
        let done = AtomicUsize::new(0);
        let result = work(&Queue::new(0..1000), 4, |piece| {
            done.fetch_add(1, Ordering::SeqCst);
            if piece == 3 { Err("broken") } else { Ok(()) }
        });
        assert_eq!(result, Err("broken"));
        assert!(done.load(Ordering::SeqCst) < 1000);
    }
}
