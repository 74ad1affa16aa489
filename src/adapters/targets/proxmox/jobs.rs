//! What this process has under way: tasks that nothing but their name leads to. Everything else is read
//! anew each time, so that a process that knows nothing of all this goes on just as well.

use super::locked;
use crate::domain::model::{PortError, Slot, UnitId};

use crate::adapters::proxmox::{Api, Fault, FaultClass, TaskExit, TaskState, Upid, calls};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// A slot of a unit.
pub(super) type Seat = (UnitId, Slot);

/// What a task is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// A clone of this guest.
    Clone(u32),
    Create,
    Resize,
    Start,
    Shutdown,
    Stop,
    Destroy,
}

/// A task under way.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) work: Work,
    /// None for the moment in which it is asked for.
    pub(super) task: Option<Upid>,
    /// In words: "VM 2001 is being cloned from 9000".
    pub(super) words: String,
    /// The guest's id.
    pub(super) id: u32,
}

/// What became of a job.
pub(super) enum Outcome {
    /// There is none.
    Idle,
    /// It goes on.
    Running(Job),
    /// It did what it was for.
    Done(Job),
    /// What it did is not known: look.
    Unknown,
    /// It failed.
    Failed(Job, Fault),
}

/// A command that an agent runs.
#[derive(Debug, Clone)]
pub(super) struct Errand {
    pub(super) guest: u32,
    pub(super) pid: u64,
    pub(super) stage: Stage,
}

/// What a command in a guest is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Whether the container is there and runs.
    Look,
    /// Start the one that is there.
    Start,
    /// Make and start it.
    Run,
    /// The configured command.
    Command,
}

#[derive(Default)]
pub(super) struct Jobs {
    jobs: Mutex<BTreeMap<Seat, Job>>,
    errands: Mutex<BTreeMap<Seat, Errand>>,
    /// Guests that this process has just started, with success.
    started: Mutex<BTreeMap<Seat, u32>>,
    /// Since when a lock is in the way of an end.
    locked: Mutex<BTreeMap<Seat, Duration>>,
}

impl Jobs {
    /// Keeps a place for a clone of `source`, at most `most` at the same time; whether there was one.
    pub(super) fn reserve(&self, seat: &Seat, job: Job, most: usize) -> bool {
        let mut jobs = locked(&self.jobs);
        let under_way = jobs.values().filter(|other| other.work == job.work).count();
        let free = !matches!(job.work, Work::Clone(_)) || under_way < most.max(1);
        if free {
            jobs.insert(seat.clone(), job);
        }
        free
    }

    /// It was begun.
    pub(super) fn begun(&self, seat: &Seat, task: Upid) {
        if let Some(job) = locked(&self.jobs).get_mut(seat) {
            job.task = Some(task);
        }
    }

    pub(super) fn put(&self, seat: &Seat, job: Job) {
        locked(&self.jobs).insert(seat.clone(), job);
    }

    pub(super) fn drop(&self, seat: &Seat) {
        locked(&self.jobs).remove(seat);
    }

    /// How the task of a seat stands; one that has ended is forgotten.
    pub(super) fn poll(&self, api: &Api, seat: &Seat) -> Result<Outcome, PortError> {
        let job = locked(&self.jobs).get(seat).cloned();
        let Some(job) = job else {
            return Ok(Outcome::Idle);
        };
        let Some(task) = job.task.clone() else {
            // Asked for by a call that was cut off: what became of it shows in the cluster.
            self.drop(seat);
            return Ok(Outcome::Unknown);
        };
        let exit = match api.task(&task) {
            Ok(TaskState::Running) => return Ok(Outcome::Running(job)),
            Ok(TaskState::Ended(exit)) => exit,
            Err(fault) if fault.class == FaultClass::MissingTask => TaskExit::Unexpected,
            Err(fault) => return Err(fault.into()),
        };
        self.drop(seat);
        Ok(match exit.fault(&task, &job.words) {
            None => Outcome::Done(job),
            Some(_) if exit == TaskExit::Unexpected => Outcome::Unknown,
            Some(fault) => Outcome::Failed(job, fault),
        })
    }

    /// Ends the task of a seat.
    pub(super) fn abort(&self, api: &Api, job: &Job) -> Result<(), PortError> {
        if let Some(task) = &job.task {
            let doing = format!("ending task {} on {}", task.kind, task.node);
            match api.change(&doing, &calls::task::stop(task)) {
                Ok(_) => {}
                Err(fault) if fault.class == FaultClass::MissingTask => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(())
    }

    pub(super) fn errand(&self, seat: &Seat, guest: u32) -> Option<Errand> {
        let errand = locked(&self.errands).get(seat).cloned();
        errand.filter(|errand| errand.guest == guest)
    }

    pub(super) fn send(&self, seat: &Seat, errand: Errand) {
        locked(&self.errands).insert(seat.clone(), errand);
    }

    pub(super) fn returned(&self, seat: &Seat) {
        locked(&self.errands).remove(seat);
    }

    /// Remembers that this guest was started with success.
    pub(super) fn started(&self, seat: &Seat, guest: u32) {
        locked(&self.started).insert(seat.clone(), guest);
    }

    /// Whether it was; forgets it.
    pub(super) fn was_started(&self, seat: &Seat, guest: u32) -> bool {
        locked(&self.started).remove(seat) == Some(guest)
    }

    /// Since when a lock has been in the way.
    pub(super) fn locked_since(&self, seat: &Seat, now: Duration) -> Duration {
        *locked(&self.locked).entry(seat.clone()).or_insert(now)
    }

    pub(super) fn unlocked(&self, seat: &Seat) {
        locked(&self.locked).remove(seat);
    }
}
