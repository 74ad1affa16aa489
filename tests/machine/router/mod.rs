//! The builtin router as a process, seen by its clients, its backends and whoever controls it.

mod bodies;
mod client;
mod control;
mod failures;
mod running;
mod traffic;
