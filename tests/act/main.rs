//! The action as a job uses it: workflows under act in host mode, with real event files, a real registry, a
//! real remote for the ledger, and a GitHub on 127.0.0.1. What a run deploys is started for real, and asked.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test ends at the first surprise, and hands PATH on to what it starts"
)]

mod act;
mod begun;
#[expect(dead_code, reason = "what other tests use")]
#[path = "../registry/daemon.rs"]
mod daemon;
mod dispatches;
mod events;
#[path = "../support/git.rs"]
mod git;
#[path = "../support/github/mod.rs"]
mod github;
mod journey;
mod labels;
#[expect(dead_code, reason = "what other tests use")]
#[path = "../cli/project.rs"]
mod project;
mod pushes;
mod release;
mod rendered;
mod stage;
#[path = "../registry/tokens.rs"]
mod tokens;
mod told;
mod upkeep;
mod workflow;
