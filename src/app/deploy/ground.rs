//! What is there before anything is touched.

use crate::app::error::AppError;
use crate::app::record::EnvironmentRecord;
use crate::app::world::World;
use crate::domain::model::{PortError, Release, RouteState, Slot, UnitId, UnitState};
use crate::domain::policy::Foreign;
use crate::parallel::each;

use crate::domain::rollout::{FoundSlot, Observed, observe};
use std::collections::{BTreeMap, BTreeSet};

/// What was found.
pub(super) struct Ground {
    pub(super) observed: Observed,
    pub(super) foreign: Vec<Foreign>,
    found: Vec<FoundSlot>,
}

/// Looks at every unit that is wanted or on record, and at the router.
pub(super) fn look(world: &World, standing: &EnvironmentRecord) -> Result<Ground, AppError> {
    let units: Vec<UnitId> = world
        .units
        .iter()
        .chain(standing.units())
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let weights = weights(world)?;
    let states: Vec<Result<UnitState, PortError>> =
        each(&units, world.lookouts, |unit| world.site.target.inspect(unit));
    let (mut found, mut foreign) = (Vec::new(), Vec::new());
    for (unit, state) in units.into_iter().zip(states) {
        let state = state?;
        foreign.extend(state.foreign.map(|what| Foreign {
            unit: unit.clone(),
            what,
        }));
        found.extend(state.slots.into_iter().map(|(slot, instance)| FoundSlot {
            weight: weights.get(&(unit.clone(), slot)).copied().unwrap_or(0),
            unit: unit.clone(),
            slot,
            release: instance.release,
            running: instance.running,
        }));
    }
    let live = standing.live.as_ref().map(|plan| &plan.candidate);
    Ok(Ground {
        observed: observe(&found, live),
        foreign,
        found,
    })
}

impl Ground {
    /// Whether every wanted unit runs this release, and nothing else serves.
    pub(super) fn runs_everywhere(&self, world: &World, release: &Release) -> bool {
        let id = release.id();
        world.units.iter().all(|unit| {
            let serving = self.observed.units.get(unit).and_then(|found| found.serving);
            self.found.iter().any(|found| {
                found.unit == *unit && Some(found.slot) == serving && found.running && found.release == id
            })
        }) && self
            .found
            .iter()
            .all(|found| found.weight == 0 || found.release == id)
            && (!world.abilities.routed || self.found.iter().any(|found| found.weight > 0))
    }
}

fn weights(world: &World) -> Result<BTreeMap<(UnitId, Slot), u16>, AppError> {
    let states: Vec<RouteState> = match &world.site.router {
        Some(router) => router.routes()?,
        None => Vec::new(),
    };
    Ok(states
        .into_iter()
        .map(|state| ((state.route.unit, state.route.slot), state.route.weight))
        .collect())
}
