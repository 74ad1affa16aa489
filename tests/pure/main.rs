//! Tests that start no process and open no connection: fast to build, and fast to run.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod config;
#[expect(
    clippy::expect_used,
    clippy::too_many_lines,
    reason = "a list of cases is as long as there are cases"
)]
mod config_problems;
#[expect(
    clippy::too_many_lines,
    reason = "a document is shown with every field that it has"
)]
mod documents;
mod engine;
mod layout;
mod report;
mod rollout;
mod trigger;
