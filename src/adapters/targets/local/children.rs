//! The children of this very process, and how they ended.

use super::locked;
use crate::domain::model::Period;
use std::collections::BTreeMap;
use std::process::{Child, ExitStatus};
use std::sync::Mutex;

struct Tracked {
    child: Child,
    ended: Option<(ExitStatus, Period)>,
}

/// Children by the token of their instance. They are reaped when somebody looks; until then they are
/// zombies, which count as dead already.
#[derive(Default)]
pub(super) struct Children {
    tracked: Mutex<BTreeMap<String, Tracked>>,
}

impl Children {
    pub(super) fn add(&self, token: &str, child: Child) {
        locked(&self.tracked).insert(token.to_owned(), Tracked { child, ended: None });
    }

    /// How a child ended, and how old it was when that was noticed first; `None` when it runs, or is
    /// not a child of this process.
    pub(super) fn ended(&self, token: &str, age: impl Fn() -> Period) -> Option<(ExitStatus, Period)> {
        let mut tracked = locked(&self.tracked);
        let tracked = tracked.get_mut(token)?;
        if tracked.ended.is_none() {
            tracked.ended = tracked
                .child
                .try_wait()
                .ok()
                .flatten()
                .map(|status| (status, age()));
        }
        tracked.ended
    }

    /// Reaps a child that has ended, and forgets it.
    pub(super) fn forget(&self, token: &str) {
        if let Some(mut tracked) = locked(&self.tracked).remove(token) {
            let _ = tracked.child.try_wait();
        }
    }
}
