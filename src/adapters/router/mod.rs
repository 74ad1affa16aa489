//! Routers: who gets how much of the traffic.

pub mod address;
pub mod builtin;
pub mod haproxy;
