//! Ending a guest: shut down or turned off, then destroyed; proven anew before each of these.

use super::index::{Freshness, Located};
use super::jobs::{Job, Outcome, Seat, Work};
use super::{ProxmoxTarget, STEPS, is_locked};
use crate::adapters::proxmox::answers::GuestStatus;
use crate::adapters::proxmox::guest::{Guests, Owned};
use crate::adapters::proxmox::{Fault, FaultClass, GuestRef, Upid};
use crate::domain::model::{ErrorKind, PortError, Slot, UnitId};
use crate::ports::{Removal, Stop};
use std::time::Duration;

/// What one act towards the end came to.
pub(super) enum End {
    /// Something was done: look again.
    Again,
    /// Something goes on by itself.
    Wait,
}

/// What one act began.
pub(super) enum Act {
    Again,
    Begun(Work, Upid),
    Wait,
}

impl ProxmoxTarget {
    pub(super) fn take_away(&self, unit: &UnitId, slot: Slot, stop: Stop) -> Result<Removal, PortError> {
        let doing = format!("removing {unit} ({slot})");
        let seat = self.seat(unit, slot, &doing)?;
        if self.still(&seat.1, stop)? {
            return Ok(Removal::Stopping);
        }
        let mut freshness = Freshness::Lately;
        for _ in 0..STEPS {
            let owned = match self.locate(&seat, freshness)? {
                Located::Ours(owned) => owned,
                Located::Making(guest, lock) => {
                    self.within(&seat.1, &guest, &lock, &doing)?;
                    return Ok(Removal::Stopping);
                }
                Located::Nothing(_) if freshness == Freshness::Lately => {
                    freshness = Freshness::Now;
                    continue;
                }
                Located::Nothing(_) => {
                    self.jobs.unlocked(&seat.1);
                    self.jobs.returned(&seat.1);
                    return Ok(Removal::Gone);
                }
            };
            if let Some(lock) = owned.config().lock() {
                self.within(&seat.1, owned.guest(), lock, &doing)?;
                return Ok(Removal::Stopping);
            }
            let Some(status) = self.guests.status(owned.guest())? else {
                self.index.forget();
                continue;
            };
            match self.end(&seat.1, &owned, &status, stop)? {
                End::Again => {}
                End::Wait => return Ok(Removal::Stopping),
            }
        }
        Ok(Removal::Stopping)
    }

    /// Whether a task of this process has to end first.
    fn still(&self, seat: &Seat, stop: Stop) -> Result<bool, PortError> {
        let outcome = self.jobs.poll(&self.ports.api, seat)?;
        if !matches!(outcome, Outcome::Idle | Outcome::Running(_)) {
            self.index.forget();
        }
        match outcome {
            Outcome::Idle | Outcome::Unknown | Outcome::Done(_) => Ok(false),
            Outcome::Running(job) => match (&job.work, stop) {
                // It takes with it what it has made so far.
                (Work::Clone(_) | Work::Create, Stop::Force) => {
                    self.jobs.abort(&self.ports.api, &job)?;
                    Ok(true)
                }
                // What waits is overruled.
                (Work::Shutdown, Stop::Force) => {
                    self.jobs.drop(seat);
                    Ok(false)
                }
                _ => Ok(true),
            },
            // What was under way before is not what this is about.
            Outcome::Failed(job, fault) => match job.work {
                Work::Stop | Work::Destroy if !may_pass(&fault) => Err(fault.into()),
                _ => Ok(false),
            },
        }
    }

    /// A lock is waited for as long as an act may take; then a person has to look.
    fn within(&self, seat: &Seat, guest: &GuestRef, lock: &str, doing: &str) -> Result<(), PortError> {
        let now = self.ports.clock.monotonic();
        let since = self.jobs.locked_since(seat, now);
        if now.saturating_sub(since) < self.settings.timeout {
            return Ok(());
        }
        self.jobs.unlocked(seat);
        Err(PortError::new(ErrorKind::Conflict, doing, is_locked(guest, lock)))
    }

    /// The next act towards the end of a guest.
    pub(super) fn end(
        &self,
        seat: &Seat,
        owned: &Owned,
        status: &GuestStatus,
        stop: Stop,
    ) -> Result<End, PortError> {
        self.jobs.unlocked(seat);
        let act = next(&self.guests, (owned, status), stop, self.settings.timeout);
        self.index.forget();
        Ok(match act? {
            Act::Again => End::Again,
            Act::Wait => End::Wait,
            Act::Begun(work, task) => {
                let job = Job {
                    work,
                    task: Some(task),
                    words: format!("ending {}", owned.guest()),
                    id: owned.guest().id,
                };
                self.jobs.put(seat, job);
                End::Wait
            }
        })
    }
}

/// The next act towards the end of a guest that is not locked.
pub(super) fn next(
    guests: &Guests,
    of: (&Owned, &GuestStatus),
    stop: Stop,
    timeout: Duration,
) -> Result<Act, PortError> {
    let (owned, status) = of;
    let doing = format!("removing {}", owned.guest());
    let Some(fresh) = guests.prove_again(owned, &doing)? else {
        return Ok(Act::Again);
    };
    let guest = owned.guest().clone();
    if fresh.owned().config().is_on("protection") {
        // Half made, it has its protection from its template.
        let own = fresh.owned().marker().protected || !fresh.owned().is_made();
        if !own {
            let message = format!("{guest} is protected, and not by greenroom: somebody wants to keep it");
            let fix = format!(
                "to give it up, run `{} set {} --protection 0` on {}",
                guest.kind.program(),
                guest.id,
                guest.node
            );
            return Err(PortError::new(ErrorKind::Denied, doing, message).fix(fix));
        }
        guests.unprotect(&fresh).map_err(super::configure::changed)?;
        return Ok(Act::Again);
    }
    let (work, begun) = match (status.is_running(), stop) {
        (false, _) => (Work::Destroy, guests.destroy(fresh)),
        (true, Stop::Graceful) => (Work::Shutdown, guests.shutdown(fresh, timeout)),
        (true, Stop::Force) => (Work::Stop, guests.stop(fresh)),
    };
    match begun {
        Ok(task) => Ok(Act::Begun(work, task)),
        Err(fault) if may_pass(&fault) => Ok(Act::Wait),
        Err(fault)
            if matches!(
                fault.class,
                FaultClass::NotRunning | FaultClass::Running | FaultClass::MissingGuest
            ) =>
        {
            Ok(Act::Again)
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Whether it is only a matter of time: an act that was begun before holds the guest.
fn may_pass(fault: &Fault) -> bool {
    matches!(
        fault.class,
        FaultClass::FileLock
            | FaultClass::ConfigLock(_)
            | FaultClass::StorageLock
            | FaultClass::ShutdownTimeout
            | FaultClass::NotRunning
            | FaultClass::Running
            | FaultClass::MissingGuest
    )
}
