//! A Proxmox cluster that is none: it keeps guests, storages, pools and tasks, and answers the calls of
//! [`crate::adapters::proxmox::calls`] as the real one does, with its texts, locks and task phases, or goes wrong
//! where a test wants that.
//!
//! It is stricter than the real one: a call or a parameter that greenroom has no use for is refused.
//! Time is the clock's; a task takes none unless [`FakeCluster::takes`] says so.

mod agent;
mod backup;
mod check;
mod cluster;
mod create;
mod dispatch;
mod fault;
mod form;
mod guests;
mod inventory;
mod refusal;
mod rights;
pub mod server;
mod snapshot;
mod state;
mod storage;
mod table;
mod task;

pub use agent::{Exec, ExecOutcome};
pub use check::check;
pub use cluster::{ClusterSession, FakeCluster};
pub use fault::{FaultTiming, TaskFault, What};
pub use refusal::FakeRefusal;
pub use server::Server;
pub use state::{FakeGuest, FakeNode, FakeSnapshot, FakeStorage, FakeVolume, Logged, Touch, USER};
pub use table::{ApiCall, Param, calls, find};
