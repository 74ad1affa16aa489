//! The same for many things, several at a time.

use crate::ports::PortError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Most requests that are under way to one registry for one purpose.
pub(super) const LANES: usize = 8;

/// What `act` returns for each item, in their order; the first error ends the rest.
pub(super) fn each<T: Sync, R: Send>(
    items: &[T],
    act: impl Fn(&T) -> Result<R, PortError> + Sync,
) -> Result<Vec<R>, PortError> {
    let lanes = LANES.min(items.len());
    if lanes <= 1 {
        return items.iter().map(act).collect();
    }
    let next = AtomicUsize::new(0);
    let results = Mutex::new(items.iter().map(|_| None).collect::<Vec<_>>());
    let failed = Mutex::new(None);
    let work = || {
        while let Some((at, item)) = take(&next, items) {
            if failed.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                return;
            }
            match act(item) {
                Ok(value) => results.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(value),
                Err(error) => {
                    failed
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(error);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..lanes {
            scope.spawn(work);
        }
        work();
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(results.into_iter().flatten().collect())
}

fn take<'a, T>(next: &AtomicUsize, items: &'a [T]) -> Option<(usize, &'a T)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    items.get(at).map(|item| (at, item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::ErrorKind;

    #[test]
    fn results_come_in_order_and_the_first_error_ends_it() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(each(&items, |n| Ok(n * 2)).unwrap()[..3], [0, 2, 4]);
        let error = each(&items, |n| match n {
            50 => Err(PortError::new(ErrorKind::Missing, "x", "y")),
            n => Ok(*n),
        });
        assert_eq!(error.unwrap_err().kind, ErrorKind::Missing);
        assert!(each(&[] as &[u32], |n| Ok(*n)).unwrap().is_empty());
    }
}
