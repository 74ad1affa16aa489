//! Guests of a Proxmox VE cluster: virtual machines and containers, two for each unit while a version
//! takes over from another.
//!
//! The cluster is the only memory. Every call reads what stands there and does the one thing that comes
//! next, so that a process that was killed is followed by one that knows nothing and goes on. A guest is
//! changed only after it was proven to be greenroom's own ([`crate::adapters::proxmox::guest`]); whatever else
//! stands in the range is passed over.

mod archive;
mod configure;
mod end;
mod guests;
mod image;
mod index;
mod jobs;
mod look;
mod make;
mod settings;
mod start;
mod step;
mod sweep;
mod temporary;
mod workload;

pub use guests::{Answers, GuestPorts, ProxmoxTarget, neighbours};
pub use settings::{
    ContainerPlan, ContainerSource, GuestNetwork, GuestPlan, GuestSettings, GuestWorkload, VmPlan,
};
use step::{STEPS, Step, is_locked, locked};
pub use sweep::{GuestSweeper, OwnedGuest};
pub use temporary::TemporaryGuests;
