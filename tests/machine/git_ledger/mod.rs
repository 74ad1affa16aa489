//! The ledger and the lease on a git branch, against real repositories: the contracts, races between
//! clones, crashes, rewritten branches, remotes that refuse or do not answer.

mod clones;
mod contracts;
mod crashes;
mod http;
mod leases;
mod manners;
mod races;
mod rewriting;
mod transports;
mod yard;
