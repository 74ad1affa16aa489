//! The ledger and the lease on a git branch, against real repositories: the contracts, races between
//! clones, crashes, rewritten branches, remotes that refuse or do not answer.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    reason = "what cannot be set up or read back fails the test, which polls and tells a story"
)]

mod clones;
mod contracts;
mod crashes;
#[path = "../support/git.rs"]
mod git;
mod http;
mod leases;
mod manners;
mod races;
mod rewriting;
mod transports;
mod yard;
