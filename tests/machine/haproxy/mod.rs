//! `HAProxy` as the router: Debian's own, on loopback, configured as `docs/router-haproxy.md` shows.

mod balancer;
mod contract;
mod guests;
mod load;
mod routes;
