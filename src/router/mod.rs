//! Routers: who gets how much of the traffic.

pub mod builtin;
pub mod haproxy;
