//! Which registries have the referrers API: found out by the first who ask, for all.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many ask before it is known whether there is an API. Those who ask at once need connections of their own,
/// which cost more than the requests that a "no" spares: two are open when a copy comes to this.
const FIRST: usize = 2;

/// What is known of one registry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Nothing yet; so many are asking.
    Asking(usize),
    /// It has answered, and may have the API.
    Answered,
    /// It does not have the API.
    Absent,
}

/// What is known of the registries, by their URL.
#[derive(Default)]
pub(super) struct ReferrersApi {
    known: Mutex<BTreeMap<String, Known>>,
    changed: Condvar,
}

impl ReferrersApi {
    /// Lets the caller ask the registry at `base`: at once where it has answered before, or where few are asking
    /// it; else after its first answer to one of these. `None` where that has shown that there is no API.
    pub(super) fn enter<'a>(&'a self, base: &'a str) -> Option<Asking<'a>> {
        let mut all = self.lock();
        loop {
            let known = all.entry(base.to_owned()).or_insert(Known::Asking(0));
            match known {
                Known::Absent => return None,
                Known::Answered => break,
                Known::Asking(many) if *many < FIRST => {
                    *many += 1;
                    break;
                }
                Known::Asking(_) => {
                    all = self.changed.wait(all).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        Some(Asking { api: self, base })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, base: &str, known: Known) {
        if let Some(before) = self.lock().get_mut(base)
            && *before != Known::Absent
        {
            *before = known;
        }
        self.changed.notify_all();
    }
}

/// Asks a registry. Whoever waits for its answer goes on when this is dropped, whatever came of it.
pub(super) struct Asking<'a> {
    api: &'a ReferrersApi,
    base: &'a str,
}

impl Asking<'_> {
    /// The registry has shown that it does not know the API.
    pub(super) fn is_absent(&self) {
        self.api.learn(self.base, Known::Absent);
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.api.learn(self.base, Known::Answered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn all_but_the_first_two_wait_for_an_answer_and_a_no_holds_for_all() {
        for absent in [true, false] {
            let api = ReferrersApi::default();
            let (one, two) = (api.enter("a").unwrap(), api.enter("a").unwrap());
            let (entered, others) = channel();
            std::thread::scope(|scope| {
                for _ in 0..6 {
                    let (api, entered) = (&api, entered.clone());
                    scope.spawn(move || entered.send(api.enter("a").is_some()).unwrap());
                }
                assert!(others.recv_timeout(Duration::from_millis(50)).is_err());
                assert!(api.enter("b").is_some(), "another registry is another matter");
                if absent {
                    one.is_absent();
                }
                drop(one);
                for _ in 0..6 {
                    assert_eq!(others.recv().unwrap(), !absent);
                }
            });
            drop(two);
            assert_eq!(
                api.enter("a").is_none(),
                absent,
                "a later answer does not undo a no"
            );
        }
    }
}
