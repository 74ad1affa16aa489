//! `HAProxy` as the router, through its runtime interface (2.4 and newer); `docs/router-haproxy.md`
//! shows what its configuration must look like.
//!
//! A route is a server of one backend, named `<unit>-<slot>` (`web-1-blue`), that stands in
//! `haproxy.cfg` and is `disabled` there: an address set, made ready, given a weight, and in the end put
//! back into maintenance. Servers of other names are nobody's business here. Servers made at run time
//! (`add server`) are not used: `HAProxy` calls them experimental before 2.6, they take nothing from
//! `default-server`, and until 3.0 they cannot be deleted while an idle connection is left.
//!
//! - What stands is read, never remembered: a shift that was cut short goes on where it stopped, and one
//!   after `HAProxy` was restarted puts everything right.
//! - An order's reply has no status, so that what counts is whether it holds afterwards.
//! - Nobody loses traffic before whoever gets it has passed `HAProxy`'s own health check there.

mod order;
mod router;
mod runtime;
mod server;
mod weight;

pub use router::{HaproxyOptions, HaproxyRouter};
