//! Every port on one screen: small, object-safe, synchronous traits in plain types.
//!
//! A driver observes and acts once; it never waits, retries or decides. What it returns must be
//! true, and every act must be idempotent: the engine repeats an act after a crash. Each trait has a
//! contract suite in [`crate::testing`] that every implementation passes.

mod command;
mod forge;
mod packages;
mod registry;
mod signature;
mod temporary;

pub use command::{Captured, Command, Finished, Hear, Runner};
pub use forge::{
    CheckReport, CodeScanning, CommitStatus, Conclusion, DeploymentDraft, DeploymentState, DeploymentUpdate,
    EnvironmentRules, Forge, PullComment, PullRequests, PullState, Remark, RemarkLevel, Reviews, RunReview,
    SarifUpload,
};
pub use packages::{Package, PackageVersion, Packages};
pub use registry::{Blob, Catalog, Content, Discard, HeldImage, Registry, Reopen, in_memory};
pub use signature::{Attestations, Trust, TrustedRoots, Verifier};
pub use temporary::{Sweeper, Temporary};

use crate::model::{
    Artifact, BackupId, Check, CommitId, Draft, Endpoint, EnvironmentName, Period, Release, ReleaseId, Route,
    RouteState, Slot, Stored, Tag, Timestamp, UnitId,
};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// What went wrong behind a port, by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// May pass by itself: the engine tries again, a bounded number of times.
    Transient,
    /// No permission, or a guard refused.
    Denied,
    /// The thing that was asked for is not there.
    Missing,
    /// Someone else was first, or holds it.
    Conflict,
    /// The request makes no sense; repeating it will not help.
    Invalid,
    /// This implementation cannot do it.
    Unsupported,
    /// It may or may not have happened (a timeout after a write): inspect before doing anything.
    Ambiguous,
}

/// An error behind a port. Reads as "while {doing}: {message}".
#[derive(Debug, Clone, Error)]
#[error("{doing}: {message}")]
pub struct PortError {
    /// What can be done about it.
    pub kind: ErrorKind,
    /// What was being done, as a lowercase fragment with the object's name: "starting web-1 (green)".
    pub doing: String,
    /// What happened, and how to fix it where that is known. Never holds a secret.
    pub message: String,
}

impl PortError {
    /// An error of `kind` while `doing`, caused by `cause`.
    pub fn new(kind: ErrorKind, doing: impl Into<String>, cause: impl fmt::Display) -> Self {
        Self {
            kind,
            doing: doing.into(),
            message: cause.to_string(),
        }
    }
}

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

/// One running (or stopped) copy of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The release it was put with.
    pub release: ReleaseId,
    /// Whether it runs; what stopped it is in `note`.
    pub running: bool,
    /// Where it listens.
    pub address: Option<Endpoint>,
    /// When it was started.
    pub started: Timestamp,
    /// What else is worth saying: "exited with status 1 after 0.2 s".
    pub note: Option<String>,
}

/// What was found in one unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitState {
    /// What stands in each slot.
    pub slots: BTreeMap<Slot, Instance>,
    /// What is in the way and was not made by greenroom, in words.
    pub foreign: Option<String>,
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

/// What a builder is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRequest {
    /// Repository that the image goes to.
    pub repository: String,
    /// Tags that it gets.
    pub tags: Vec<Tag>,
    /// Labels, `org.opencontainers.image.*` among them.
    pub labels: BTreeMap<String, String>,
    /// Creation time written into the image; the commit's or the run's, so that builds repeat.
    pub created: Timestamp,
}

/// Makes images.
pub trait Builder: Send + Sync {
    /// Builds and stores the image.
    fn build(&self, request: &BuildRequest) -> Result<Artifact, PortError>;
}

/// The append-only record: one hash chain per environment.
pub trait Ledger: Send + Sync {
    /// Environments with at least one record, sorted.
    fn environments(&self) -> Result<Vec<EnvironmentName>, PortError>;
    /// The newest record. A fixed number of reads, however long the chain.
    fn head(&self, environment: &EnvironmentName) -> Result<Option<Stored>, PortError>;
    /// The record at `seq`.
    fn read(&self, environment: &EnvironmentName, seq: u64) -> Result<Option<Stored>, PortError>;
    /// Appends after `after` (`None`: as the first record). `Conflict` when another writer got that
    /// place, `Denied` when the draft's epoch is lower than that of the record before.
    fn append(
        &self,
        environment: &EnvironmentName,
        after: Option<&Stored>,
        draft: &Draft,
    ) -> Result<Stored, PortError>;
}

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Holder {
    /// A person or CI run, as shown to whoever is kept waiting.
    pub who: String,
    /// Web address of the run, where there is one.
    pub run: Option<String>,
    /// What it is held for: "deploying 1.2.3".
    pub purpose: String,
}

/// A lease that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Grows with each acquisition, never goes back.
    pub epoch: u64,
    /// Marks this acquisition.
    pub nonce: String,
    /// When it ends unless it is renewed.
    pub expires: Timestamp,
}

/// A lease as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    /// Who holds it.
    pub holder: Holder,
    /// Its epoch.
    pub epoch: u64,
    /// Since when.
    pub acquired: Timestamp,
    /// Until when, unless it is renewed.
    pub expires: Timestamp,
}

/// One rollout per environment at a time.
pub trait Lease: Send + Sync {
    /// Takes the lease for `ttl`. `Conflict`, naming the holder, while another holds it; an expired
    /// lease, or one whose holder is known to be dead, is taken over with a higher epoch.
    fn acquire(&self, environment: &EnvironmentName, holder: &Holder, ttl: Period)
    -> Result<Held, PortError>;
    /// Extends it by `ttl` from now. `Conflict` when it was lost.
    fn renew(&self, environment: &EnvironmentName, held: &Held, ttl: Period) -> Result<Held, PortError>;
    /// Gives it back; does nothing when it is no longer held.
    fn release(&self, environment: &EnvironmentName, held: &Held) -> Result<(), PortError>;
    /// Who holds it now; `None` when an [acquisition](Lease::acquire) would not be kept waiting.
    fn holder(&self, environment: &EnvironmentName) -> Result<Option<Tenure>, PortError>;
}

/// What one sample saw.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// An HTTP answer.
    Answer {
        /// Status code.
        status: u16,
        /// Header names in lower case.
        headers: BTreeMap<String, String>,
        /// The first 64 KiB of the body.
        body: Vec<u8>,
    },
    /// A TCP connection was made.
    Connected,
    /// A command ended.
    Exited {
        /// Its exit code; `None` when a signal ended it.
        code: Option<i32>,
        /// The last 4 KiB it wrote, standard error after standard output.
        output: String,
    },
    /// There was no answer, and that is a finding about the service: refused, reset, timed out.
    Unanswered(String),
}

/// One sample of a running service.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When it was begun.
    pub at: Timestamp,
    /// How long it took.
    pub took: Period,
    /// What it saw.
    pub seen: Observation,
}

/// Takes samples.
pub trait Probe: Send + Sync {
    /// Takes one sample of the service at `endpoint`. An error means that nothing could be measured
    /// (a command that does not exist); a service that does not answer is an observation.
    fn sample(&self, check: &Check, endpoint: &Endpoint) -> Result<Sample, PortError>;
}

/// The wait was ended by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("interrupted by {signal}")]
pub struct Interrupted {
    /// `SIGINT` or `SIGTERM`.
    pub signal: &'static str,
}

/// Time.
pub trait Clock: Send + Sync {
    /// The time of day.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
    /// Waits; ends early when a signal comes or has come that was not yet [taken](Clock::interruption).
    fn sleep(&self, period: Duration) -> Result<(), Interrupted>;
    /// Takes the pending signal, if there is one.
    fn interruption(&self) -> Option<Interrupted>;
}

/// Looks for vulnerabilities in images.
pub trait Scanner: Send + Sync {
    /// Scans `image` and returns the scanner's report as it wrote it, which is bounded in size and not
    /// judged: that it is complete, and about this image, is for the reader to find out.
    fn scan(&self, image: &Artifact) -> Result<Vec<u8>, PortError>;
}

/// Whether one commit comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// It is the same commit or an ancestor.
    Ancestor,
    /// It is not.
    Unrelated,
    /// The clone is shallow: its history does not reach far enough to say.
    Shallow,
}

/// Facts from the project's git repository.
pub trait Repository: Send + Sync {
    /// The commit that is checked out; `None` outside a repository or before the first commit.
    fn head(&self) -> Result<Option<CommitId>, PortError>;
    /// The commit that a branch, tag or id names.
    fn resolve(&self, reference: &str) -> Result<Option<CommitId>, PortError>;
    /// Whether `older` comes before `newer`. `Missing` when a commit is not in the repository and the
    /// clone is complete.
    fn ancestry(&self, older: &CommitId, newer: &CommitId) -> Result<Ancestry, PortError>;
    /// Tags that point at `commit`, sorted.
    fn tags_at(&self, commit: &CommitId) -> Result<Vec<String>, PortError>;
    /// When `commit` was made.
    fn committed_at(&self, commit: &CommitId) -> Result<Timestamp, PortError>;
}
