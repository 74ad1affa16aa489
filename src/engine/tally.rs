//! The tally of a watch: what each side answered since it began.

use super::session::Session;
use crate::domain::model::{Counters, RouteState, Slot, UnitId};
use crate::domain::rollout::Side;
use std::collections::BTreeMap;

/// Adds up what every route counted from look to look, so that a route that is added anew, or a router
/// that was restarted, loses at most what happened between two looks.
#[derive(Default)]
pub(super) struct Tally {
    last: BTreeMap<(UnitId, Slot), Counters>,
    pub(super) candidate: Counters,
    pub(super) previous: Counters,
}

impl Tally {
    /// A tally that counts from these states on.
    pub(super) fn from(states: Vec<RouteState>) -> Self {
        Self {
            last: states.into_iter().map(entry).collect(),
            ..Self::default()
        }
    }

    /// Takes in the routes as they stand now.
    pub(super) fn add(&mut self, states: Vec<RouteState>, session: &Session<'_>) {
        let now: BTreeMap<_, _> = states.into_iter().map(entry).collect();
        for ((unit, slot), counters) in &now {
            let before = self.last.get(&(unit.clone(), *slot)).cloned().unwrap_or_default();
            let more = counters.since(&before);
            if session.slot(Side::Candidate, unit) == Some(*slot) {
                self.candidate = self.candidate.plus(&more);
            }
            if session.slot(Side::Previous, unit) == Some(*slot) {
                self.previous = self.previous.plus(&more);
            }
        }
        self.last = now;
    }
}

fn entry(state: RouteState) -> ((UnitId, Slot), Counters) {
    ((state.route.unit, state.route.slot), state.counters)
}
