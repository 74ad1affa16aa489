//! `HAProxy` as the router: Debian's own, on loopback, configured as `docs/router-haproxy.md` shows.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../router/backend.rs"]
#[expect(dead_code, reason = "the tests of the builtin router use the rest")]
mod backend;
mod balancer;
mod contract;
mod guests;
mod load;
mod routes;
#[path = "../support/wrk.rs"]
mod wrk;
