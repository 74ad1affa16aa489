//! What to tell `HAProxy`, decided from what stands and what is wanted.

use super::server::{Health, Server, name};
use super::weight::scaled;
use crate::domain::model::{Explanation, Route};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Longest line of orders in bytes; `HAProxy` takes as much as `tune.bufsize`, 16 KiB if not set.
const LINE: usize = 4 * 1024;
/// Where a server is that is nowhere: a name that nobody has.
const FREE: &str = "free.invalid:80";
/// How many lines of configuration a refusal shows.
const SHOWN: usize = 8;

/// A route as it is to stand.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The route.
    pub(super) route: &'a Route,
    /// Its server's name.
    pub(super) name: String,
    /// Where its server is to be.
    pub(super) address: SocketAddr,
    /// Its weight in `HAProxy`'s measure.
    pub(super) weight: u16,
}

impl Wanted<'_> {
    /// Its server, if there is one.
    pub(super) fn server<'s>(&self, servers: &'s [Server]) -> Option<&'s Server> {
        servers.iter().find(|server| server.name == self.name)
    }

    fn stands(&self, server: &Server) -> bool {
        !server.maintenance && server.address == Some(self.address)
    }

    /// Whether it is to have traffic and has none there now.
    fn is_newly_active(&self, server: &Server) -> bool {
        self.weight > 0 && !(server.share() > 0 && self.stands(server))
    }

    /// Whether it has to accept a connection from here before anything is done. `HAProxy`'s own check
    /// knows better, where it has one.
    pub(super) fn is_to_be_tried(&self, servers: &[Server]) -> bool {
        let known = |server: &Server| self.stands(server) && server.health == Health::Passed;
        self.server(servers)
            .is_none_or(|server| self.is_newly_active(server) && !known(server))
    }
}

/// Routes as they are to stand, or why they cannot.
pub(super) fn wanted(routes: &[Route]) -> Result<Vec<Wanted<'_>>, Explanation> {
    let places: BTreeSet<_> = routes.iter().map(|route| (&route.unit, route.slot)).collect();
    if places.len() < routes.len() {
        return Err(Explanation::new("a unit and slot is given twice"));
    }
    let weights: Vec<u16> = routes.iter().map(|route| route.weight).collect();
    let weights = scaled(&weights);
    routes
        .iter()
        .zip(weights)
        .map(|(route, weight)| {
            Ok(Wanted {
                name: name(&route.unit, route.slot),
                address: address(route)?,
                route,
                weight,
            })
        })
        .collect()
}

fn address(route: &Route) -> Result<SocketAddr, Explanation> {
    let endpoint = route.address.as_str();
    let path = endpoint
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'));
    if let Some((_, path)) = path.filter(|(_, path)| !path.is_empty()) {
        return Err(
            Explanation::new(format!("{endpoint}: HAProxy keeps paths as they are"))
                .fix(format!("leave out /{path}")),
        );
    }
    route.address.authority().parse().map_err(|_| {
        let message = format!("{endpoint}: HAProxy is given addresses at run time, no names");
        Explanation::new(message).fix("use the instance's IP address")
    })
}

/// Why these routes cannot stand in this backend as it is configured, and what to configure.
pub(super) fn misfit(wanted: &[Wanted<'_>], servers: &[Server], backend: &str) -> Option<Explanation> {
    let absent: Vec<&str> = wanted
        .iter()
        .filter(|wanted| wanted.server(servers).is_none())
        .map(|wanted| wanted.name.as_str())
        .collect();
    if !absent.is_empty() {
        return Some(absence(&absent, servers, backend));
    }
    wanted.iter().find_map(|wanted| {
        let (name, server) = (&wanted.name, wanted.server(servers)?);
        let tls = wanted.route.address.as_str().starts_with("https:");
        // The names of a template, which nobody can resolve (RFC 2606).
        let resolved = server
            .resolved
            .as_ref()
            .filter(|name| !name.ends_with(".invalid"));
        if let Some(resolved) = resolved {
            let resolved = resolved.escape_debug();
            let message = format!("server {name} gets its address from the name {resolved}");
            return Some(Explanation::new(message).fix(format!(
                "write {FREE} there in haproxy.cfg, since greenroom sets the address"
            )));
        }
        (tls != server.tls).then(|| {
            let (speaks, does) = if tls {
                ("does not", "add")
            } else {
                ("does", "leave out")
            };
            let message = format!(
                "{} is wanted and HAProxy {speaks} speak TLS to server {name}",
                wanted.route.address
            );
            Explanation::new(message).fix(format!("{does} `ssl` in its line of haproxy.cfg"))
        })
    })
}

fn absence(absent: &[&str], servers: &[Server], backend: &str) -> Explanation {
    let lines: Vec<String> = absent
        .iter()
        .take(SHOWN)
        .map(|name| format!("\n  server {name} {FREE} disabled init-addr last,192.0.2.1"))
        .collect();
    let more = match absent.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    let foreign = servers.iter().filter(|server| server.place.is_none()).count();
    let foreign = match foreign {
        0 => String::new(),
        1 => "; its server of another name is not greenroom's and stays as it is".to_owned(),
        count => format!("; its {count} servers of other names are not greenroom's and stay as they are"),
    };
    let message = format!("backend {backend} has no server {}{foreign}", absent[0]);
    Explanation::new(message).fix(format!(
        "add to it in haproxy.cfg, and reload:{}{more}",
        lines.concat()
    ))
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Sets a server's weight.
    Weight(String, u16),
    /// Sets where it is.
    Address(String, SocketAddr),
    /// Into service.
    Ready(String),
    /// Out of service; what is under way is finished.
    Maintain(String),
}

impl Order {
    /// As `HAProxy` reads it.
    pub(super) fn text(&self, backend: &str) -> String {
        match self {
            Self::Weight(name, weight) => format!("set server {backend}/{name} weight {weight}"),
            Self::Address(name, address) => {
                let (host, port) = (address.ip(), address.port());
                format!("set server {backend}/{name} addr {host} port {port}")
            }
            Self::Ready(name) => format!("set server {backend}/{name} state ready"),
            Self::Maintain(name) => format!("set server {backend}/{name} state maint"),
        }
    }

    /// Whether it has had its effect.
    fn holds(&self, servers: &[Server]) -> bool {
        let of = |name: &String| servers.iter().find(|server| server.name == *name);
        match self {
            Self::Weight(name, weight) => of(name).is_some_and(|server| server.weight == *weight),
            Self::Address(name, address) => of(name).is_some_and(|server| server.address == Some(*address)),
            Self::Ready(name) => of(name).is_some_and(|server| !server.maintenance && !server.draining),
            Self::Maintain(name) => of(name).is_some_and(|server| server.maintenance),
        }
    }
}

/// The first of these orders that has had no effect, where a later one does not take it back.
pub(super) fn first_broken<'a>(orders: &'a [Order], servers: &[Server]) -> Option<&'a Order> {
    orders.iter().enumerate().find_map(|(index, order)| {
        let passing = matches!(order, Order::Maintain(name)
            if orders[index..].contains(&Order::Ready(name.clone())));
        (!passing && !order.holds(servers)).then_some(order)
    })
}

/// Lines of orders, each short enough.
pub(super) fn batches(orders: &[Order], backend: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for text in orders.iter().map(|order| order.text(backend)) {
        match lines.last_mut() {
            Some(line) if line.len() + text.len() < LINE => {
                line.push(';');
                line.push_str(&text);
            }
            _ => lines.push(text),
        }
    }
    lines
}

/// Puts servers that have no traffic where they are to be, in service and still without traffic.
/// Through maintenance, which makes `HAProxy` check them anew and drop idle connections.
pub(super) fn stage(wanted: &[Wanted<'_>], servers: &[Server]) -> Vec<Order> {
    let mut orders = Vec::new();
    for wanted in wanted {
        let Some(server) = wanted.server(servers).filter(|server| server.share() == 0) else {
            continue;
        };
        if !wanted.stands(server) {
            orders.extend(moved(wanted));
        } else if server.draining && wanted.weight > 0 {
            orders.push(Order::Weight(wanted.name.clone(), 0));
            orders.push(Order::Ready(wanted.name.clone()));
        }
    }
    orders
}

fn moved(wanted: &Wanted<'_>) -> [Order; 4] {
    let name = || wanted.name.clone();
    [
        Order::Weight(name(), 0),
        Order::Maintain(name()),
        Order::Address(name(), wanted.address),
        Order::Ready(name()),
    ]
}

/// Moves servers that have traffic at another address: out of service and back where others take the
/// traffic meanwhile, else while they serve.
pub(super) fn relocate(wanted: &[Wanted<'_>], servers: &[Server]) -> Vec<Order> {
    let serves = |wanted: &Wanted<'_>| {
        let server = wanted.server(servers);
        wanted.weight > 0 && server.is_some_and(|server| server.share() > 0 && wanted.stands(server))
    };
    let others_serve = wanted.iter().any(serves);
    let mut orders = Vec::new();
    for wanted in wanted {
        let Some(server) = wanted.server(servers) else {
            continue;
        };
        if server.share() == 0 || wanted.stands(server) {
            continue;
        }
        if others_serve {
            orders.extend(moved(wanted));
        } else {
            orders.push(Order::Address(wanted.name.clone(), wanted.address));
        }
    }
    orders
}

/// Who is to have traffic, has none yet, and is not known to answer.
pub(super) fn unproven<'a, 'r>(
    wanted: &'a [Wanted<'r>],
    servers: &'a [Server],
) -> Option<(&'a Wanted<'r>, &'a Health)> {
    wanted.iter().find_map(|wanted| {
        let server = wanted.server(servers)?;
        let proven = matches!(server.health, Health::Passed | Health::Unchecked);
        (wanted.weight > 0 && server.share() == 0 && !proven).then_some((wanted, &server.health))
    })
}

/// The weights that grow, of servers that are where they are to be.
pub(super) fn raise(wanted: &[Wanted<'_>], servers: &[Server]) -> Vec<Order> {
    weigh(wanted, servers, |now, then| now < then)
}

/// The weights that shrink, and out of service what is not wanted any more.
pub(super) fn lower(wanted: &[Wanted<'_>], servers: &[Server]) -> Vec<Order> {
    let mut orders = weigh(wanted, servers, |now, then| now > then);
    for server in servers {
        let kept = wanted.iter().any(|wanted| wanted.name == server.name);
        if server.place.is_some() && !kept && !server.maintenance {
            // Without weight, so that whoever makes it ready by hand gives it no traffic.
            orders.push(Order::Weight(server.name.clone(), 0));
            orders.push(Order::Maintain(server.name.clone()));
        }
    }
    orders
}

fn weigh(wanted: &[Wanted<'_>], servers: &[Server], differs: impl Fn(u16, u16) -> bool) -> Vec<Order> {
    let differing = wanted.iter().filter(|wanted| {
        let server = wanted.server(servers);
        server.is_some_and(|server| wanted.stands(server) && differs(server.share(), wanted.weight))
    });
    differing
        .map(|wanted| Order::Weight(wanted.name.clone(), wanted.weight))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::server::read;
    use super::*;
    use crate::domain::model::Slot;
    use proptest::prelude::*;

    /// A server of the model: what `HAProxy` knows about it.
    #[derive(Debug, Clone)]
    struct Model {
        name: String,
        port: u16,
        maintenance: bool,
        draining: bool,
        weight: u16,
        health: u8,
    }

    impl Model {
        fn obey(&mut self, order: &Order) {
            match order {
                Order::Weight(_, weight) => self.weight = *weight,
                Order::Address(_, address) => self.port = address.port(),
                Order::Maintain(_) => self.maintenance = true,
                Order::Ready(_) => {
                    if self.maintenance {
                        self.health = 1;
                    }
                    (self.maintenance, self.draining) = (false, false);
                }
            }
        }
    }

    fn shown(models: &[Model]) -> Vec<Server> {
        let mut states =
            "1\n# be_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_check_health \
                          srv_check_state srv_fqdn srv_port\n"
                .to_owned();
        let mut counts = "# svname,check_rise,check_fall\n".to_owned();
        for model in models {
            let admin = u8::from(model.maintenance) | u8::from(model.draining) << 3;
            let Model {
                name,
                port,
                weight,
                health,
                ..
            } = model;
            states += &format!("3 {name} 10.0.0.1 2 {admin} {weight} {health} 4 - {port}\n");
            counts += &format!("{name},1,2\n");
        }
        read(&states, &counts).unwrap()
    }

    fn places() -> Vec<(String, Slot)> {
        let units = ["a-1", "a-2"].into_iter();
        units
            .flat_map(|unit| Slot::BOTH.map(|slot| (unit.to_owned(), slot)))
            .collect()
    }

    fn model() -> impl Strategy<Value = Vec<Model>> {
        let one = (1u16..4, any::<bool>(), any::<bool>(), 0u16..3, 1u8..3);
        proptest::collection::vec(one, 4).prop_map(|all| {
            let named = all.into_iter().zip(places());
            let models = named.map(
                |((port, maintenance, draining, weight, health), (unit, slot))| Model {
                    name: format!("{unit}-{slot}"),
                    port,
                    maintenance,
                    draining,
                    weight: weight * 50,
                    health,
                },
            );
            models.collect()
        })
    }

    fn routes() -> impl Strategy<Value = Vec<Route>> {
        let one = proptest::option::of((1u16..4, 0u16..3));
        proptest::collection::vec(one, 4).prop_map(|all| {
            let named = all.into_iter().zip(places());
            let routes = named.filter_map(|(route, (unit, slot))| {
                let (port, weight) = route?;
                Some(Route {
                    unit: unit.parse().unwrap(),
                    slot,
                    address: format!("http://10.0.0.1:{port}").parse().unwrap(),
                    weight: weight * 50,
                })
            });
            routes.collect()
        })
    }

    proptest! {
        /// From whatever stands, and with a crash before any order: in the end the routes stand, and as
        /// long as somebody is to have traffic, and somebody had some, somebody has.
        #[test]
        fn a_shift_gets_there_and_somebody_always_serves(
            mut models in model(), routes in routes(), crash in 0usize..40,
        ) {
            let wanted = wanted(&routes).unwrap();
            let serves = |models: &[Model]| shown(models).iter().any(|server| server.share() > 0);
            let (served, to_serve) = (serves(&models), wanted.iter().any(|wanted| wanted.weight > 0));
            let mut given = 0;
            let groups = [stage, raise, relocate, raise, lower];
            for _ in 0..8 {
                // One shift, as in `HaproxyRouter::shift`.
                for (index, group) in groups.into_iter().enumerate() {
                    let servers = shown(&models);
                    if [1, 3].contains(&index) && unproven(&wanted, &servers).is_some() {
                        break;
                    }
                    let orders = group(&wanted, &servers);
                    for order in &orders {
                        given += 1;
                        if given == crash {
                            break;
                        }
                        let (Order::Weight(name, _) | Order::Address(name, _) | Order::Ready(name)
                            | Order::Maintain(name)) = order;
                        models.iter_mut().find(|model| model.name == *name).unwrap().obey(order);
                        prop_assert!(!served || !to_serve || serves(&models), "after {order:?}: {models:?}");
                    }
                    if given >= crash && given < 1_000 {
                        given = 1_000;
                        break;
                    }
                    prop_assert!(first_broken(&orders, &shown(&models)).is_none());
                }
                // Meanwhile the checks pass.
                for model in models.iter_mut().filter(|model| !model.maintenance) {
                    model.health = 2;
                }
            }
            let mut standing: Vec<Route> = shown(&models)
                .iter()
                .filter_map(Server::route_state)
                .map(|state| state.route)
                .collect();
            standing.sort_by_key(|route| (route.unit.clone(), route.slot));
            prop_assert_eq!(&standing, &routes);
        }
    }

    #[test]
    fn orders_are_given_in_lines_that_are_short_enough() {
        let orders: Vec<Order> = (0..500)
            .map(|n| Order::Weight(format!("shop-{n}-blue"), 1))
            .collect();
        let lines = batches(&orders, "shop");
        assert!(lines.len() > 1 && lines.iter().all(|line| line.len() <= LINE));
        assert_eq!(lines.iter().flat_map(|line| line.split(';')).count(), 500);
        assert!(lines[0].starts_with("set server shop/shop-0-blue weight 1;set server"));
        assert!(batches(&[], "shop").is_empty());
        let address = Order::Address("a-blue".into(), "[fe80::1]:80".parse().unwrap());
        assert_eq!(address.text("b"), "set server b/a-blue addr fe80::1 port 80");
    }
}
