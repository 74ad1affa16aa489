//! The routes as the data path sees them.
//!
//! A table never changes; a shift publishes a new one and then raises the generation. A worker keeps
//! the table it read last and looks at the generation only. To make "no new request after a shift"
//! exact, a worker first counts the request in, then looks at the generation again: either it sees
//! the new one and chooses anew, or whoever reads the counter after the shift sees the request.

use super::tally::Tally;
use crate::domain::model::{Endpoint, Route, RouteState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A place that requests are sent to, whatever its weight.
#[derive(Debug)]
pub(super) struct Backend {
    /// Marks this backend for as long as the process lives.
    pub(super) id: u64,
    /// Unit, slot and address; the weight in here is not used.
    identity: Route,
    /// `host:port`.
    pub(super) authority: String,
    /// What it has counted.
    pub(super) tally: Tally,
}

/// All routes at one moment.
#[derive(Debug, Default)]
pub(super) struct Table {
    routes: Vec<(Arc<Backend>, u16)>,
    /// The routes with weight, each with the sum of the weights up to and including its own.
    active: Vec<(Arc<Backend>, u64)>,
}

impl Table {
    fn new(routes: Vec<(Arc<Backend>, u16)>) -> Self {
        let mut sum = 0;
        let active = routes
            .iter()
            .filter(|(_, weight)| *weight > 0)
            .map(|(backend, weight)| {
                sum += u64::from(*weight);
                (Arc::clone(backend), sum)
            })
            .collect();
        Self { routes, active }
    }

    /// The backend for the request with this number, by weight. Consecutive numbers are spread evenly
    /// (multiples of the golden ratio, modulo one), so that a share of one in twenty gets about every
    /// twentieth request, not a run of them now and then.
    pub(super) fn pick(&self, ticket: u64) -> Option<&Arc<Backend>> {
        let total = self.active.last()?.1;
        let spread = u128::from(ticket.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let point = (spread * u128::from(total)) >> 64;
        let index = self.active.partition_point(|(_, sum)| u128::from(*sum) <= point);
        self.active.get(index).map(|(backend, _)| backend)
    }

    /// A backend with weight that is none of `tried`.
    pub(super) fn another(&self, tried: &[u64]) -> Option<&Arc<Backend>> {
        self.active
            .iter()
            .map(|(backend, _)| backend)
            .find(|backend| !tried.contains(&backend.id))
    }

    /// Whether requests may go to this backend.
    pub(super) fn is_active(&self, id: u64) -> bool {
        self.active.iter().any(|(backend, _)| backend.id == id)
    }

    /// The routes with what they have counted.
    pub(super) fn states(&self) -> Vec<RouteState> {
        self.routes
            .iter()
            .map(|(backend, weight)| RouteState {
                route: Route {
                    weight: *weight,
                    ..backend.identity.clone()
                },
                in_flight: backend.tally.in_flight(),
                counters: backend.tally.counters(),
            })
            .collect()
    }

    /// Addresses that would get traffic by `wanted` and get none now.
    pub(super) fn newly_active<'a>(&self, wanted: &'a [Route]) -> Vec<&'a Route> {
        wanted
            .iter()
            .filter(|route| {
                let stands = self.routes.iter().any(|(backend, weight)| {
                    *weight > 0 && backend.is(route) && backend.identity.address == route.address
                });
                route.weight > 0 && !stands
            })
            .collect()
    }
}

impl Backend {
    /// Whether it is the same unit and slot.
    fn is(&self, route: &Route) -> bool {
        self.identity.unit == route.unit && self.identity.slot == route.slot
    }
}

/// The table that holds now, shared by all workers.
#[derive(Debug, Default)]
pub(super) struct Routes {
    current: RwLock<Arc<Table>>,
    generation: AtomicU64,
    tickets: AtomicU64,
    backends: AtomicU64,
}

impl Routes {
    /// The table that holds now.
    pub(super) fn current(&self) -> Arc<Table> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Grows with each change.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// The number of the next request.
    pub(super) fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes exactly these routes stand. A route that stays at its address keeps its counters.
    pub(super) fn replace(&self, wanted: &[Route]) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let routes = wanted
            .iter()
            .map(|route| (self.backend(&current, route), route.weight))
            .collect();
        *current = Arc::new(Table::new(routes));
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn backend(&self, current: &Table, route: &Route) -> Arc<Backend> {
        let standing = current
            .routes
            .iter()
            .map(|(backend, _)| backend)
            .find(|backend| backend.is(route) && backend.identity.address == route.address);
        standing.map_or_else(
            || {
                Arc::new(Backend {
                    id: self.backends.fetch_add(1, Ordering::Relaxed),
                    authority: route.address.authority(),
                    identity: route.clone(),
                    tally: Tally::default(),
                })
            },
            Arc::clone,
        )
    }
}

/// Why these routes cannot stand, if they cannot.
pub(super) fn refusal(routes: &[Route]) -> Option<String> {
    for (index, route) in routes.iter().enumerate() {
        if let Some(reason) = unroutable(&route.address) {
            return Some(reason);
        }
        let twice = routes[..index]
            .iter()
            .any(|other| other.unit == route.unit && other.slot == route.slot);
        if twice {
            return Some(format!("{} ({}) is given twice", route.unit, route.slot));
        }
    }
    None
}

fn unroutable(address: &Endpoint) -> Option<String> {
    let Some(rest) = address.as_str().strip_prefix("http://") else {
        return Some(format!(
            "{address}: the builtin router speaks plain HTTP to its backends; use an http:// address"
        ));
    };
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    (!path.is_empty())
        .then(|| format!("{address}: the builtin router keeps paths as they are; leave out /{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Slot;
    use std::collections::BTreeMap;

    fn route(unit: &str, slot: Slot, port: u16, weight: u16) -> Route {
        Route {
            unit: unit.parse().unwrap(),
            slot,
            address: format!("http://127.0.0.1:{port}").parse().unwrap(),
            weight,
        }
    }

    fn shares(routes: &[Route], first: u64, requests: u64) -> BTreeMap<String, u64> {
        let table = Routes::default();
        table.replace(routes);
        let current = table.current();
        let mut shares = BTreeMap::new();
        for ticket in first..first + requests {
            *shares
                .entry(current.pick(ticket).unwrap().authority.clone())
                .or_default() += 1;
        }
        shares
    }

    #[test]
    fn every_window_of_requests_has_the_shares_that_the_weights_ask_for() {
        for (weights, total) in [([1, 99], 100), ([10, 90], 100), ([50, 50], 100), ([1, 2], 3)] {
            let routes = [
                route("a", Slot::Blue, 1, weights[0]),
                route("a", Slot::Green, 2, weights[1]),
            ];
            for window in 0..50 {
                let shares = shares(&routes, window * 997, 200);
                let wanted = 200 * u64::from(weights[0]) / total;
                let got = shares.get("127.0.0.1:1").copied().unwrap_or(0);
                assert!(
                    got.abs_diff(wanted) <= 2,
                    "{weights:?} from {}: {got} of 200",
                    window * 997
                );
            }
        }
    }

    #[test]
    fn a_small_share_never_waits_long_for_its_next_request() {
        let routes = [route("a", Slot::Blue, 1, 95), route("a", Slot::Green, 2, 5)];
        for window in 0..200 {
            assert!(
                shares(&routes, window * 13, 35).contains_key("127.0.0.1:2"),
                "{window}"
            );
        }
    }

    #[test]
    fn no_weight_means_no_requests() {
        assert_eq!(
            shares(
                &[route("a", Slot::Blue, 1, 0), route("a", Slot::Green, 2, 1)],
                0,
                100
            )
            .len(),
            1
        );
        let routes = Routes::default();
        assert!(routes.current().pick(0).is_none());
        routes.replace(&[route("a", Slot::Blue, 1, 0)]);
        assert!(routes.current().pick(7).is_none());
    }

    #[test]
    fn counters_survive_a_change_of_weight_and_start_anew_at_another_address() {
        let routes = Routes::default();
        routes.replace(&[route("a", Slot::Blue, 1, 100)]);
        routes.current().pick(0).unwrap().tally.request();
        routes.replace(&[route("a", Slot::Blue, 1, 10), route("a", Slot::Green, 2, 90)]);
        assert_eq!(routes.current().states()[0].counters.requests, 1);
        routes.replace(&[route("a", Slot::Blue, 3, 10)]);
        assert_eq!(routes.current().states()[0].counters.requests, 0);
        assert_eq!(routes.generation(), 3);
    }

    #[test]
    fn only_what_gets_traffic_for_the_first_time_is_checked() {
        let routes = Routes::default();
        routes.replace(&[route("a", Slot::Blue, 1, 100), route("a", Slot::Green, 2, 0)]);
        let wanted = [
            route("a", Slot::Blue, 1, 1),
            route("a", Slot::Green, 2, 99),
            route("b", Slot::Blue, 3, 0),
        ];
        let checked = routes.current();
        let checked = checked.newly_active(&wanted);
        assert_eq!(checked, [&wanted[1]]);
        let moved = [route("a", Slot::Blue, 9, 1)];
        assert_eq!(routes.current().newly_active(&moved).len(), 1);
    }

    #[test]
    fn routes_that_cannot_stand_are_refused_with_the_reason() {
        let at = |address: &str| Route {
            address: address.parse().unwrap(),
            ..route("a", Slot::Blue, 1, 1)
        };
        assert_eq!(refusal(&[at("http://h:1/"), route("a", Slot::Green, 1, 1)]), None);
        insta::assert_snapshot!(refusal(&[at("https://h")]).unwrap(), @"https://h: the builtin router speaks plain HTTP to its backends; use an http:// address");
        insta::assert_snapshot!(refusal(&[at("http://h/app")]).unwrap(), @"http://h/app: the builtin router keeps paths as they are; leave out /app");
        insta::assert_snapshot!(refusal(&[at("http://h"), at("http://i")]).unwrap(), @"a (blue) is given twice");
    }
}
