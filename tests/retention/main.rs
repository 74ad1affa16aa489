//! Retention end to end: a generated repository, pruned by the command line, looked at by others.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, in its helpers too, tells one story, and makes files old"
)]

#[path = "../support/github/mod.rs"]
mod github;

mod ghcr;
mod layout;
mod network;
mod project;
mod registry;
mod repository;
mod sweeping;
