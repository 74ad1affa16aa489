//! The command line as people and scripts meet it: exit status, standard output, standard error.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    reason = "a test ends at the first surprise, polls, and holds what it expects to be shown"
)]

mod acceptance;
mod action;
mod announce;
mod approvals;
#[path = "../support/bundles.rs"]
mod bundles;
mod cleaned;
mod configuration;
mod doctor;
mod elsewhere;
mod environments;
#[path = "../support/github/mod.rs"]
mod forge;
#[path = "../support/git.rs"]
mod git;
mod github;
mod guests;
mod help;
mod hostile;
mod init;
mod ledger_branch;
mod pages;
mod project;
mod refusals;
mod reviews;
mod scan;
mod secrets;
mod signatures;
mod story;
mod strategies;
