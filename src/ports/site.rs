//! What a rollout works with: where units run, how their state is saved, who gets the traffic, and how the service is asked.

use crate::domain::model::{
    BackupId, Check, Endpoint, Instance, PortError, Release, Route, RouteState, Sample, Slot, UnitId,
    UnitState,
};
use std::time::Duration;

/// How far an act has come that may take longer than one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<T> {
    /// It is done.
    Done(T),
    /// It was begun and goes on by itself: ask again later, with the same words. What is waited for:
    /// "VM 2001 is being cloned from 9000".
    Underway(String),
}

/// What a target can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Two versions can stand side by side in one unit; otherwise a new one replaces the old.
    pub two_slots: bool,
    /// Most units that may be worked on at the same time.
    pub parallelism: usize,
    /// How long an act on one unit may stay [under way](Progress::Underway), and how long something that
    /// was ended by force may take to vanish.
    pub patience: Duration,
}

/// How to end an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ask it to finish.
    Graceful,
    /// End it now.
    Force,
}

/// Whether an instance is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Nothing is left of it.
    Gone,
    /// It was asked to stop and still runs: ask again later.
    Stopping,
}

/// A place where releases run, made of units with one or two slots each.
pub trait Target: Send + Sync {
    /// Kind of target, for messages: `local`.
    fn name(&self) -> &str;
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// What stands in `unit` now. Changes nothing.
    fn inspect(&self, unit: &UnitId) -> Result<UnitState, PortError>;
    /// Makes `slot` of `unit` run `release`; does nothing when it already does. Called again while it
    /// is under way, it does what comes next. Waits for nothing, and not for readiness either.
    fn put(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Progress<Instance>, PortError>;
    /// Ends and removes what stands in `slot` of `unit`; [`Removal::Gone`] when nothing does.
    fn remove(&self, unit: &UnitId, slot: Slot, stop: Stop) -> Result<Removal, PortError>;
    /// The last `lines` lines that the instance wrote.
    fn logs(&self, unit: &UnitId, slot: Slot, lines: usize) -> Result<String, PortError>;
}

/// Saves what stands in a slot, so that it can be brought back with everything in it.
pub trait Backup: Send + Sync {
    /// Kind of backup, for messages: `snapshot`.
    fn name(&self) -> &str;
    /// Saves what stands in `slot` of `unit` under a name made of `label`; does nothing when that backup
    /// is there.
    fn take(&self, unit: &UnitId, slot: Slot, label: &str) -> Result<Progress<BackupId>, PortError>;
    /// Looks whether the backup is really there and whole; `Missing` when it is not.
    fn verify(&self, unit: &UnitId, slot: Slot, backup: &BackupId) -> Result<(), PortError>;
    /// Brings back what was saved, into the place where it stood.
    fn restore(&self, unit: &UnitId, slot: Slot, backup: &BackupId) -> Result<Progress<()>, PortError>;
    /// Removes all but the newest `keep` backups that greenroom made of `unit`; the number removed.
    fn prune(&self, unit: &UnitId, keep: usize) -> Result<usize, PortError>;
}

/// How finely a router can split traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// Any share.
    Percent,
    /// All or nothing.
    Whole,
}

/// Decides who gets how much of the traffic.
pub trait Router: Send + Sync {
    /// Kind of router, for messages: `builtin`.
    fn name(&self) -> &str;
    /// How finely it can split.
    fn granularity(&self) -> Granularity;
    /// The base URL that clients use.
    fn entry(&self) -> Endpoint;
    /// Whether its counters hold the times of answers: without them no limit on these can be judged.
    fn times(&self) -> bool {
        true
    }
    /// The routes as they stand, with their counters.
    fn routes(&self) -> Result<Vec<RouteState>, PortError>;
    /// Makes exactly these routes stand: others are removed, requests under way are finished.
    fn shift(&self, routes: &[Route]) -> Result<(), PortError>;
}

/// Takes samples.
pub trait Probe: Send + Sync {
    /// Takes one sample of the service at `endpoint`. An error means that nothing could be measured
    /// (a command that does not exist); a service that does not answer is an observation.
    fn sample(&self, check: &Check, endpoint: &Endpoint) -> Result<Sample, PortError>;
}
