//! One step on the way to a guest, and the words for a guest that has to be waited for.

use crate::adapters::proxmox::{GuestRef, unlock_hint};
use crate::domain::model::{Explanation, Instance, one_line};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most steps that one call takes before it gives the word back.
pub(super) const STEPS: usize = 12;

/// What one step came to.
pub(super) enum Step {
    /// Something was done: look again.
    Again,
    /// Something goes on by itself.
    Wait(String),
    /// The release stands.
    Done(Instance),
}

/// Of a guest that is being made, by whomever.
pub(super) fn being_made(guest: &GuestRef, lock: &str) -> Explanation {
    Explanation::new(format!("{guest} is being made ({lock})")).fix(unlock_hint(guest))
}

pub(super) fn is_locked(guest: &GuestRef, lock: &str) -> Explanation {
    let lock = one_line(lock, 40);
    Explanation::new(format!("{guest} is locked ({lock})")).fix(unlock_hint(guest))
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
