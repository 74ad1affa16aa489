//! Traffic: the machine's table of shares becomes the router's routes.

use super::retry::{attempt_routes, look};
use super::session::Session;
use crate::domain::model::{ErrorKind, Instance, PortError, Route, RouteState, Slot, UnitId};
use crate::domain::rollout::{Share, Side, StepResult};
use crate::parallel::each;
use crate::ports::Router;
use std::collections::{BTreeMap, BTreeSet};

impl Session<'_> {
    /// Makes the machine's table of shares stand in the router, without the slots in `removed`. A
    /// candidate that is to have traffic must run, and in `units` so must the previous release.
    pub(super) fn shift(&self, units: &[UnitId], removed: &[(UnitId, Slot)]) -> StepResult {
        let Some(router) = &self.site.router else {
            return StepResult::Done;
        };
        match self
            .routes(units, removed)
            .and_then(|routes| self.make_stand(router.as_ref(), &routes))
        {
            Ok(()) => StepResult::Done,
            Err(error) => StepResult::Failed {
                reason: error.to_string(),
                units: Vec::new(),
            },
        }
    }

    fn make_stand(&self, router: &dyn Router, routes: &[Route]) -> Result<(), PortError> {
        let stands = || {
            let mut standing: Vec<Route> = router.routes()?.into_iter().map(|state| state.route).collect();
            let mut wanted = routes.to_vec();
            let order = |route: &Route| (route.unit.clone(), route.slot);
            standing.sort_by_key(order);
            wanted.sort_by_key(order);
            Ok((standing == wanted).then_some(()))
        };
        attempt_routes(self.clock(), || router.shift(routes), stands)
    }

    fn routes(&self, units: &[UnitId], removed: &[(UnitId, Slot)]) -> Result<Vec<Route>, PortError> {
        let shares = self.rollout.traffic();
        let mut instances = self.instances(&shares)?;
        let (mut routes, mut dead) = (Vec::new(), None);
        for share in shares {
            let place = (share.unit, share.slot);
            if removed.contains(&place) {
                continue;
            }
            let running = instances.remove(&place).filter(|instance| instance.running);
            let (unit, slot) = place;
            match running.and_then(|instance| instance.address) {
                Some(address) => routes.push(Route {
                    unit,
                    slot,
                    address,
                    weight: share.weight,
                }),
                // Nothing there and nothing wanted: a slot that is not staged yet, or already gone.
                None if share.weight == 0 => {}
                None => {
                    let meant = units.contains(&unit) || self.is_candidates(&unit, slot);
                    let error = PortError::new(
                        ErrorKind::Missing,
                        format!("routing traffic to {unit} ({slot})"),
                        "no instance with an address runs there",
                    );
                    if meant {
                        return Err(error);
                    }
                    dead = Some(error);
                }
            }
        }
        // An instance of the previous release that ended by itself has no traffic to lose, and must not
        // stand in the way of what replaces it; unless it was the last that could answer.
        match dead {
            Some(error) if routes.iter().all(|route| route.weight == 0) => Err(error),
            _ => Ok(routes),
        }
    }

    /// Whether only the candidate can stand in that slot.
    fn is_candidates(&self, unit: &UnitId, slot: Slot) -> bool {
        !self.rollout.plan().in_place && self.slot(Side::Candidate, unit) == Some(slot)
    }

    /// What stands in the units of these shares.
    fn instances(&self, shares: &[Share]) -> Result<BTreeMap<(UnitId, Slot), Instance>, PortError> {
        let units: Vec<&UnitId> = shares
            .iter()
            .map(|share| &share.unit)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let states = each(&units, self.parallelism(), |unit| {
            look(self.clock(), || self.site.target.inspect(unit))
        });
        let mut instances = BTreeMap::new();
        for (unit, state) in units.into_iter().zip(states) {
            let slots = state?.slots.into_iter();
            instances.extend(slots.map(|(slot, found)| ((unit.clone(), slot), found)));
        }
        Ok(instances)
    }

    /// The routes as they stand, with their counters; `None` without a router.
    pub(super) fn standing(&self) -> Result<Option<Vec<RouteState>>, PortError> {
        let Some(router) = &self.site.router else {
            return Ok(None);
        };
        look(self.clock(), || router.routes()).map(Some)
    }

    /// Requests under way in these slots; 0 without a router.
    pub(super) fn in_flight(&self, places: &[(UnitId, Slot)]) -> Result<u64, PortError> {
        let states = self.standing()?.unwrap_or_default();
        let counted = states.iter().filter(|state| {
            places
                .iter()
                .any(|(unit, slot)| *unit == state.route.unit && *slot == state.route.slot)
        });
        Ok(counted.map(|state| state.in_flight).sum())
    }
}
