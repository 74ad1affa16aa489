//! Everybody who hears of a run: who watches it here, and the forge.

use super::announcer::Announcer;
use crate::app::watch::Watchers;
use crate::app::workspace::Workspace;
use std::sync::{Arc, OnceLock};

/// Everybody who hears of a run's rollouts.
pub struct Audience {
    /// Who watches on this machine.
    pub watchers: Watchers,
    announcer: OnceLock<Arc<Announcer>>,
}

impl Audience {
    /// Returns `watchers`, and the forge that the run itself names, which is only connected to when there is
    /// something to say.
    pub fn of(watchers: Watchers) -> Self {
        Self {
            watchers,
            announcer: OnceLock::new(),
        }
    }

    /// Returns `watchers`, and whom `announcer` speaks to.
    pub fn with(watchers: Watchers, announcer: Announcer) -> Self {
        Self {
            watchers,
            announcer: OnceLock::from(Arc::new(announcer)),
        }
    }

    /// Returns the same without the forge.
    #[must_use]
    pub fn silent(self) -> Self {
        Self::with(self.watchers, Announcer::silent())
    }

    /// Returns who tells the forge, one for the whole run: what could not be told is said once.
    pub(in crate::app) fn announcer(&self, workspace: &Workspace) -> Arc<Announcer> {
        Arc::clone(self.announcer.get_or_init(|| Arc::new(Announcer::of(workspace))))
    }
}
