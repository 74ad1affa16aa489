//! The composition root: the only place that names targets, routers and probes. Its matches are
//! exhaustive.

mod command;
mod local;
mod open;
mod proxmox;

pub(super) use local::trial_target;
use open::{Ground, Parts};
pub use open::{Purpose, World};
pub(super) use open::{bare_probe, probe, stop_router, sweeper};
