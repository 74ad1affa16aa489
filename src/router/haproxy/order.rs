//! What to tell `HAProxy`, decided from what stands and what is wanted.

use super::server::{Health, Server, name};
use super::weight::scaled;
use crate::model::Route;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Longest line of orders in bytes; `HAProxy` takes as much as `tune.bufsize`, 16 KiB if not set.
const LINE: usize = 4 * 1024;
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
pub(super) fn wanted(routes: &[Route]) -> Result<Vec<Wanted<'_>>, String> {
    let places: BTreeSet<_> = routes.iter().map(|route| (&route.unit, route.slot)).collect();
    if places.len() < routes.len() {
        return Err("a unit and slot is given twice".to_owned());
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

fn address(route: &Route) -> Result<SocketAddr, String> {
    let endpoint = route.address.as_str();
    let path = endpoint
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'));
    if let Some((_, path)) = path.filter(|(_, path)| !path.is_empty()) {
        return Err(format!(
            "{endpoint}: HAProxy keeps paths as they are; leave out /{path}"
        ));
    }
    route.address.authority().parse().map_err(|_| {
        format!("{endpoint}: HAProxy is given addresses at run time, no names; use the instance's IP address")
    })
}

/// Why these routes cannot stand in this backend as it is configured, and what to configure.
pub(super) fn misfit(wanted: &[Wanted<'_>], servers: &[Server], backend: &str) -> Option<String> {
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
        if let Some(resolved) = &server.resolved {
            let resolved = resolved.escape_debug();
            return Some(format!(
                "server {name} gets its address from the name {resolved}; give it one in haproxy.cfg that is \
                 none (192.0.2.1:80), since greenroom sets it"
            ));
        }
        (tls != server.tls).then(|| {
            let (speaks, does) = if tls {
                ("does not", "add")
            } else {
                ("does", "leave out")
            };
            format!(
                "{} is wanted and HAProxy {speaks} speak TLS to server {name}; {does} `ssl` in its line of \
                 haproxy.cfg",
                wanted.route.address
            )
        })
    })
}

fn absence(absent: &[&str], servers: &[Server], backend: &str) -> String {
    let lines: Vec<String> = absent
        .iter()
        .take(SHOWN)
        .map(|name| format!("\n  server {name} 192.0.2.1:80 disabled"))
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
    format!(
        "backend {backend} has no server {}{foreign}. Add to it in haproxy.cfg, and reload:{}{more}",
        absent[0],
        lines.concat()
    )
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
