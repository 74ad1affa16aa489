//! Rollouts, crashes and faults of units that are guests of the cluster.

mod contract;
mod crashes;
mod faults;
mod guards;
mod made;
mod many;
mod random;
pub(crate) mod rollouts;
pub(crate) mod stage;
