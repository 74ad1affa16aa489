//! The router's contract, and a router in memory.

use crate::domain::model::{Counters, Endpoint, ErrorKind, PortError, Route, RouteState, Slot, UnitId};
use crate::ports::{Granularity, Router};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Two addresses that accept connections and one that does not, for [`router_contract`].
#[derive(Debug, Clone)]
pub struct RouterAddresses {
    /// An instance that accepts connections.
    pub blue: Endpoint,
    /// Another one.
    pub green: Endpoint,
    /// Nothing accepts connections here.
    pub dead: Endpoint,
}

/// What every implementation of [`Router`] keeps to. The router must be fresh: without routes and
/// without clients.
///
/// # Panics
/// When the implementation breaks the contract.
pub fn router_contract(router: &dyn Router, unit: &UnitId, addresses: &RouterAddresses) {
    let route = |slot, address: &Endpoint, weight| Route {
        unit: unit.clone(),
        slot,
        address: address.clone(),
        weight,
    };
    let blue = |weight| route(Slot::Blue, &addresses.blue, weight);
    let green = |weight| route(Slot::Green, &addresses.green, weight);
    assert!(!router.name().is_empty());
    assert_eq!(router.entry(), router.entry(), "the entry does not move");
    stands(router, &[], "a fresh router has no routes");

    for attempt in ["the first", "the same again"] {
        shifts(router, &[blue(100)], attempt);
        stands(router, &[blue(100)], attempt);
    }
    shifts(router, &[blue(100), green(0)], "adding a route without weight");
    stands(router, &[blue(100), green(0)], "both stand");
    if router.granularity() == Granularity::Percent {
        shifts(router, &[blue(90), green(10)], "a split");
        stands(router, &[blue(90), green(10)], "the split stands");
    }
    shifts(router, &[green(100), blue(0)], "the flip, in another order");
    stands(router, &[blue(0), green(100)], "the flip stands");

    refuses(
        router,
        &[blue(50), blue(50)],
        ErrorKind::Invalid,
        "one place given twice",
    );
    refuses(
        router,
        &[green(0), route(Slot::Blue, &addresses.dead, 100)],
        ErrorKind::Transient,
        "traffic to an address where nothing listens",
    );
    stands(router, &[blue(0), green(100)], "a refused shift changes nothing");
    let parked = [green(100), route(Slot::Blue, &addresses.dead, 0)];
    shifts(router, &parked, "without weight it may be dead");

    shifts(router, &[green(100)], "removing a route");
    stands(router, &[green(100)], "what was not given is gone");
    for state in router.routes().unwrap_or_default() {
        assert_eq!(state.in_flight, 0, "nobody sent a request");
        assert_eq!(state.counters, Counters::default(), "nobody sent a request");
    }
    shifts(router, &[], "removing all routes");
    stands(router, &[], "none is left");
}

fn shifts(router: &dyn Router, routes: &[Route], what: &str) {
    let shifted = router.shift(routes);
    assert!(shifted.is_ok(), "{what}: {shifted:?}");
}

fn refuses(router: &dyn Router, routes: &[Route], kind: ErrorKind, what: &str) {
    let refused = router.shift(routes).map_err(|error| error.kind);
    assert_eq!(refused, Err(kind), "{what}");
}

fn stands(router: &dyn Router, wanted: &[Route], what: &str) {
    let states = router.routes();
    assert!(states.is_ok(), "{what}: {states:?}");
    let mut routes: Vec<Route> = states
        .unwrap_or_default()
        .into_iter()
        .map(|state| state.route)
        .collect();
    let mut wanted = wanted.to_vec();
    let place = |route: &Route| (route.unit.clone(), route.slot);
    routes.sort_by_key(place);
    wanted.sort_by_key(place);
    assert_eq!(routes, wanted, "{what}");
}

/// How a request to the [`MemoryRouter`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// Well.
    Well,
    /// With 5xx, cut short, or not at all.
    Failed,
}

#[derive(Debug, Default)]
struct Memory {
    routes: Vec<RouteState>,
    listening: BTreeSet<String>,
    shifts: Vec<Vec<Route>>,
    failures: Vec<PortError>,
}

/// A router in memory. Stricter than a real one: an address has to be made [listening](Self::listen)
/// before it gets traffic, and a request without a route is told so.
#[derive(Debug)]
pub struct MemoryRouter {
    granularity: Granularity,
    entry: Endpoint,
    memory: Mutex<Memory>,
}

impl MemoryRouter {
    /// A router without routes.
    pub fn new(entry: Endpoint, granularity: Granularity) -> Self {
        Self {
            granularity,
            entry,
            memory: Mutex::default(),
        }
    }

    /// From now on `address` accepts connections.
    pub fn listen(&self, address: &Endpoint) {
        self.memory().listening.insert(address.authority());
    }

    /// From now on it does not.
    pub fn hang_up(&self, address: &Endpoint) {
        self.memory().listening.remove(&address.authority());
    }

    /// The next call of `routes` or `shift` fails with this error and does nothing; several are used
    /// in the order in which they were given.
    pub fn fail_next(&self, error: PortError) {
        self.memory().failures.push(error);
    }

    /// Every shift that was made, the oldest first.
    pub fn shifts(&self) -> Vec<Vec<Route>> {
        self.memory().shifts.clone()
    }

    /// Counts requests that this route answered, each after a time in latency bucket `bucket`.
    /// False when the route does not stand or takes no traffic.
    pub fn serve(
        &self,
        (unit, slot): (&UnitId, Slot),
        requests: u64,
        answered: Answered,
        bucket: usize,
    ) -> bool {
        let mut memory = self.memory();
        let Some(state) = memory
            .routes
            .iter_mut()
            .find(|state| state.route.unit == *unit && state.route.slot == slot && state.route.weight > 0)
        else {
            return false;
        };
        state.counters.requests += requests;
        state.counters.latency[bucket.min(Counters::BUCKETS - 1)] += requests;
        if answered == Answered::Failed {
            state.counters.errors += requests;
        }
        true
    }

    /// Sets how many requests are under way on a route. False when it does not stand.
    pub fn set_in_flight(&self, unit: &UnitId, slot: Slot, in_flight: u64) -> bool {
        let mut memory = self.memory();
        let state = memory
            .routes
            .iter_mut()
            .find(|state| state.route.unit == *unit && state.route.slot == slot);
        state.map(|state| state.in_flight = in_flight).is_some()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Result<MutexGuard<'_, Memory>, PortError> {
        let mut memory = self.memory();
        if memory.failures.is_empty() {
            Ok(memory)
        } else {
            Err(memory.failures.remove(0))
        }
    }

    fn refusal(&self, memory: &Memory, wanted: &[Route]) -> Option<(ErrorKind, String)> {
        let places: BTreeSet<_> = wanted.iter().map(|route| (&route.unit, route.slot)).collect();
        if places.len() < wanted.len() {
            return Some((ErrorKind::Invalid, "a unit and slot is given twice".to_owned()));
        }
        let active: Vec<&Route> = wanted.iter().filter(|route| route.weight > 0).collect();
        let split = active.iter().any(|route| {
            active
                .iter()
                .any(|other| other.unit == route.unit && other.slot != route.slot)
        });
        if split && self.granularity == Granularity::Whole {
            return Some((
                ErrorKind::Unsupported,
                "this router cannot split traffic".to_owned(),
            ));
        }
        let carries = |route: &Route| {
            memory.routes.iter().any(|state| {
                let known = &state.route;
                known.weight > 0
                    && (&known.unit, known.slot, &known.address) == (&route.unit, route.slot, &route.address)
            })
        };
        active
            .iter()
            .find(|route| !carries(route) && !memory.listening.contains(&route.address.authority()))
            .map(|route| {
                (
                    ErrorKind::Transient,
                    format!("nothing accepts connections at {}", route.address),
                )
            })
    }
}

impl Router for MemoryRouter {
    fn name(&self) -> &str {
        "memory"
    }

    fn granularity(&self) -> Granularity {
        self.granularity
    }

    fn entry(&self) -> Endpoint {
        self.entry.clone()
    }

    fn routes(&self) -> Result<Vec<RouteState>, PortError> {
        Ok(self.begin()?.routes.clone())
    }

    fn shift(&self, routes: &[Route]) -> Result<(), PortError> {
        let mut memory = self.begin()?;
        if let Some((kind, reason)) = self.refusal(&memory, routes) {
            return Err(PortError::new(kind, "shifting traffic in memory", reason));
        }
        let same = |state: &RouteState, route: &Route| {
            (&state.route.unit, state.route.slot, &state.route.address)
                == (&route.unit, route.slot, &route.address)
        };
        let states = routes
            .iter()
            .map(|route| {
                let standing = memory.routes.iter().find(|state| same(state, route));
                RouteState {
                    route: route.clone(),
                    in_flight: standing.map_or(0, |state| state.in_flight),
                    counters: standing.map(|state| state.counters.clone()).unwrap_or_default(),
                }
            })
            .collect();
        memory.routes = states;
        memory.shifts.push(routes.to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> RouterAddresses {
        RouterAddresses {
            blue: "http://127.0.0.1:1".parse().unwrap(),
            green: "http://127.0.0.1:2".parse().unwrap(),
            dead: "http://127.0.0.1:3".parse().unwrap(),
        }
    }

    #[test]
    fn the_memory_router_keeps_the_contract() {
        for granularity in [Granularity::Percent, Granularity::Whole] {
            let router = MemoryRouter::new("http://entry.test".parse().unwrap(), granularity);
            router.listen(&addresses().blue);
            router.listen(&addresses().green);
            router_contract(&router, &"web-1".parse().unwrap(), &addresses());
        }
    }

    #[test]
    fn requests_are_counted_only_where_traffic_goes() {
        let router = MemoryRouter::new("http://entry.test".parse().unwrap(), Granularity::Percent);
        let unit: UnitId = "web-1".parse().unwrap();
        let here = (&unit, Slot::Blue);
        assert!(!router.serve(here, 1, Answered::Well, 0));
        router.listen(&addresses().blue);
        let route = Route {
            unit: unit.clone(),
            slot: Slot::Blue,
            address: addresses().blue,
            weight: 1,
        };
        router.shift(&[route]).unwrap();
        assert!(router.serve(here, 9, Answered::Well, 3));
        assert!(router.serve(here, 1, Answered::Failed, 3));
        assert_eq!(router.routes().unwrap()[0].counters.error_rate(), Some(0.1));
        router.fail_next(PortError::new(ErrorKind::Transient, "a", "b"));
        assert!(router.shift(&[]).is_err());
        assert_eq!(router.shifts().len(), 1);
    }
}
