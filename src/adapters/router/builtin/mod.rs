//! The router that greenroom brings along: a small HTTP/1.1 reverse proxy, run as a process of its
//! own (`greenroom router`) that outlives the command which started it.
//!
//! [`run`] is that process, [`BuiltinRouter`] the port's side of it; they talk over a unix socket in
//! the router's state directory. What it promises:
//!
//! - A shift is all or nothing, is on disk before it is acknowledged, and from then on no new request
//!   goes to a route without weight; what is under way is finished.
//! - A route gets traffic only after its address has accepted a connection.
//! - Bodies stream both ways, nothing is stored; upgraded connections (WebSocket) count as in flight.
//! - A request that could not reach its backend goes to another route; one that may have reached it is
//!   repeated only when that is harmless (RFC 9110, section 9.2.2) and its connection was a reused one.
//!
//! One thread accepts and answers the control socket; one worker per core serves connections with its
//! own runtime and its own idle connections to the backends, so that requests share no lock.

mod body;
mod client;
mod control;
mod forward;
mod headers;
mod location;
mod moving;
mod pool;
mod protocol;
mod server;
mod state;
mod stray;
mod table;
mod tally;
mod tunnel;
mod worker;

pub use client::{BuiltinRouter, RouterOptions};
pub use protocol::RouterIdentity;
pub use server::{RouterError, ServerOptions, run};
