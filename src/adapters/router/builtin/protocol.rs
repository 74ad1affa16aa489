//! What is said over the control socket: one JSON value per line, an order and then its reply.

use crate::domain::model::{Route, RouteState};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Longest line in bytes, both ways; about four thousand routes.
pub(super) const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// Version of this protocol.
pub(super) const PROTOCOL: u32 = 1;

/// What the router is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Say who you are.
    Identity,
    /// Say what stands.
    Routes,
    /// Make exactly these routes stand.
    Shift(Vec<Route>),
    /// Finish what is under way, then end.
    Stop,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// To [`Order::RouterIdentity`].
    Identity(RouterIdentity),
    /// To [`Order::Routes`].
    Routes(Vec<RouteState>),
    /// It is done.
    Done,
    /// Nothing was changed.
    Refused {
        /// By what can be done about it.
        cause: Cause,
        /// What is wrong, and how to fix it.
        message: String,
    },
}

/// Why an order was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cause {
    /// The order makes no sense.
    Invalid,
    /// An address does not accept connections; it may later.
    Unreachable,
    /// The state could not be written.
    Storage,
}

/// Who a router is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterIdentity {
    /// Its process id.
    pub pid: u32,
    /// The version of greenroom that it runs.
    pub version: String,
    /// The version of the control protocol that it speaks.
    pub protocol: u32,
    /// Where it listens for clients.
    pub listen: SocketAddr,
}
