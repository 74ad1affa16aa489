//! Tests that start no process and open no connection: fast to build, and fast to run.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod config;
mod config_problems;
mod documents;
mod engine;
mod layout;
mod report;
mod rollout;
mod trigger;
