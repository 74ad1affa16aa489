//! The same for many things, a bounded number at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Calls `act` for each item on at most `parallelism` threads, of which the caller's is one; the results
/// are in the items' order.
pub fn each<T: Sync, R: Send>(items: &[T], parallelism: usize, act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = parallelism.clamp(1, items.len().max(1));
    if workers == 1 {
        return items.iter().map(act).collect();
    }
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let result = act(item);
            results
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((index, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The same for what may fail: after a failure nothing more is begun.
///
/// # Errors
/// The failure of the first of the items, in their order, that was begun and failed.
pub fn try_each<T: Sync, R: Send, E: Send>(
    items: &[T],
    parallelism: usize,
    act: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let failed = AtomicBool::new(false);
    let results = each(items, parallelism, |item| {
        if failed.load(Ordering::Relaxed) {
            return None;
        }
        let result = act(item);
        failed.fetch_or(result.is_err(), Ordering::Relaxed);
        Some(result)
    });
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_no_more_than_allowed_run_at_once() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let items: Vec<usize> = (0..100).collect();
        let doubled = each(&items, 7, |item| {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
            item * 2
        });
        assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert!(most.load(Ordering::SeqCst) <= 7);
    }

    #[test]
    fn the_first_error_ends_it_and_nothing_more_is_begun() {
        let items: Vec<u32> = (0..1000).collect();
        let begun = AtomicUsize::new(0);
        let ended = try_each(&items, 4, |n| {
            begun.fetch_add(1, Ordering::SeqCst);
            if *n == 3 { Err("broken") } else { Ok(*n) }
        });
        assert_eq!(ended, Err("broken"));
        assert!(begun.load(Ordering::SeqCst) < 1000);
        let doubled = try_each(&items, 7, |n| Ok::<_, ()>(n * 2)).unwrap();
        assert_eq!(doubled, items.iter().map(|n| n * 2).collect::<Vec<_>>());
        assert!(
            try_each(&[] as &[u32], 4, |n| Ok::<_, ()>(*n))
                .unwrap()
                .is_empty()
        );
    }
}
