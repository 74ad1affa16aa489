//! Greenroom is killed (SIGKILL) at every record boundary of every strategy and at random moments,
//! under load through the router, and taken up again: each rollout comes to an end, no client request
//! fails, the ledger stays whole, and no process is left over.

mod campaigns;
mod chance;
pub(crate) mod client;
mod inspect;
mod load;
pub(crate) mod processes;
pub(crate) mod project;
mod services;
mod story;
