//! Collecting guests whose time is up: whatever service and environment they were made for, and
//! whatever became of the greenroom that made them.

use super::end::{Act, next};
use super::jobs::Work;
use super::locked;
use crate::adapters::proxmox::answers::GuestConfig;
use crate::adapters::proxmox::guest::{FoundGuest, GuestOwnership, Guests, Marker, Owned, Scope, TAG, prove};
use crate::adapters::proxmox::{Api, FaultClass, GuestRef, TaskState, Upid, calls};
use crate::domain::model::{ErrorKind, PortError, Timestamp, one_line};
use crate::ports::{Clock, Removal, Stop};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A guest that greenroom made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedGuest {
    /// Where it is.
    pub guest: GuestRef,
    /// Its name, as one line.
    pub name: String,
    /// Who made it, what for, and until when.
    pub marker: Marker,
    /// The lock that is on it.
    pub lock: Option<String>,
}

/// Finds guests that greenroom made in a range of ids, and removes those whose time is up.
pub struct GuestSweeper {
    api: Api,
    ids: RangeInclusive<u32>,
    pool: Option<String>,
    clock: Arc<dyn Clock>,
    pub(super) timeout: Duration,
    tasks: Mutex<BTreeMap<u32, (Work, Upid)>>,
}

impl GuestSweeper {
    /// Of this range and, where one is configured, this pool; `timeout` is the longest that a guest may
    /// take to shut down.
    pub fn new(
        api: Api,
        ids: RangeInclusive<u32>,
        pool: Option<String>,
        clock: Arc<dyn Clock>,
        timeout: Duration,
    ) -> Self {
        Self {
            api,
            ids,
            pool,
            clock,
            timeout,
            tasks: Mutex::default(),
        }
    }

    /// Every guest in the range that greenroom made in full, sorted by id.
    ///
    /// # Errors
    /// Those of the cluster.
    pub fn all(&self) -> Result<Vec<OwnedGuest>, PortError> {
        let mut made = self.marked(true)?;
        made.retain(|made| made.marker.identity.is_some());
        Ok(made)
    }

    /// The same with those that were never finished. Only those that are made in full have the tag; the
    /// others show in their configuration alone, so that with `tagged` fewer are read.
    pub(super) fn marked(&self, tagged: bool) -> Result<Vec<OwnedGuest>, PortError> {
        let mut made = Vec::new();
        let rows = self.api.ask::<Vec<crate::adapters::proxmox::answers::Resource>>(
            "listing the guests",
            &calls::cluster::guests(),
        )?;
        for row in rows {
            let Some(guest) = row.guest() else { continue };
            if !self.ids.contains(&guest.id) || (tagged && !row.tags().contains(TAG)) {
                continue;
            }
            let doing = format!("reading the configuration of {guest}");
            let config: Option<GuestConfig> = self.api.find(&doing, &calls::guest::config(&guest))?;
            let Some(config) = config else { continue };
            let Ok(marker) = Marker::read(config.description()) else {
                continue;
            };
            let found = FoundGuest {
                guest,
                config,
                pool: row.pool,
            };
            if let Ok(owned) = prove(found, &self.scope(&marker)) {
                made.push(shown(&owned));
            }
        }
        made.sort_by_key(|made| made.guest.id);
        Ok(made)
    }

    /// Those whose time is up.
    ///
    /// # Errors
    /// Those of the cluster.
    pub fn overdue(&self) -> Result<Vec<OwnedGuest>, PortError> {
        let now = self.clock.now();
        let all = self.all()?.into_iter();
        Ok(all.filter(|made| is_overdue(&made.marker, now)).collect())
    }

    /// Turns one off and destroys it, if its time is up and it is still the same guest; asked again
    /// while it is [stopping](Removal::Stopping).
    ///
    /// # Errors
    /// `Denied` when its time is not up or it is another guest by now, else those of the cluster.
    pub fn remove(&self, made: &OwnedGuest) -> Result<Removal, PortError> {
        let doing = format!("removing {}", made.guest);
        self.end(made, Stop::Force, &|owned| self.same(made, owned, &doing))
    }

    /// One act towards the end of a guest of which `may` holds, proven anew.
    pub(super) fn end(
        &self,
        made: &OwnedGuest,
        stop: Stop,
        may: &dyn Fn(&Owned) -> Result<(), PortError>,
    ) -> Result<Removal, PortError> {
        let doing = format!("removing {}", made.guest);
        if self.is_under_way(made.guest.id, stop)? {
            return Ok(Removal::Stopping);
        }
        let guests = Guests::new(self.api.clone(), self.scope(&made.marker));
        for _ in 0..super::STEPS {
            let rows = guests.all()?;
            let Some(row) = rows.iter().find(|row| row.vmid == made.guest.id) else {
                return Ok(Removal::Gone);
            };
            let owned = match guests.look(row)? {
                GuestOwnership::Nothing => return Ok(Removal::Gone),
                GuestOwnership::Making(guest, lock) => {
                    let why = super::step::being_made(&guest, &lock);
                    return Err(PortError::new(ErrorKind::Denied, doing, why));
                }
                GuestOwnership::Foreign(stranger) => {
                    return Err(PortError::new(ErrorKind::Denied, doing, stranger.to_string()));
                }
                GuestOwnership::Ours(owned) => owned,
            };
            may(&owned)?;
            if owned.config().lock().is_some() {
                return Ok(Removal::Stopping);
            }
            let Some(status) = guests.status(owned.guest())? else {
                continue;
            };
            match next(&guests, (&owned, &status), stop, self.timeout)? {
                Act::Again => {}
                Act::Wait => return Ok(Removal::Stopping),
                Act::Begun(work, task) => {
                    locked(&self.tasks).insert(made.guest.id, (work, task));
                    return Ok(Removal::Stopping);
                }
            }
        }
        Ok(Removal::Stopping)
    }

    /// Whether the token sees a guest with this id.
    pub(super) fn is_there(&self, id: u32) -> Result<bool, PortError> {
        let rows: Vec<crate::adapters::proxmox::answers::Resource> =
            self.api.ask("listing the guests", &calls::cluster::guests())?;
        Ok(rows.iter().any(|row| row.vmid == id))
    }

    /// Whether it is the guest that was listed, and its time is up.
    fn same(&self, made: &OwnedGuest, owned: &Owned, doing: &str) -> Result<(), PortError> {
        let denied = |message: String| Err(PortError::new(ErrorKind::Denied, doing, message));
        if made.marker.identity.is_none() || owned.marker().identity != made.marker.identity {
            return denied(format!("{} is another guest by now", made.guest));
        }
        match owned.marker().expires {
            Some(_) if is_overdue(owned.marker(), self.clock.now()) => Ok(()),
            Some(expires) => denied(format!("{} is kept until {}", made.guest, expires.human())),
            None => denied(format!("{} was made to stay: it has no expiry", made.guest)),
        }
    }

    /// Whether a task of this process has to end first. One that shuts a guest down is overruled by force.
    pub(super) fn is_under_way(&self, id: u32, stop: Stop) -> Result<bool, PortError> {
        let Some((work, task)) = locked(&self.tasks).get(&id).cloned() else {
            return Ok(false);
        };
        if (&work, stop) == (&Work::Shutdown, Stop::Force) {
            locked(&self.tasks).remove(&id);
            return Ok(false);
        }
        let ended = match self.api.task(&task) {
            Ok(TaskState::Running) => return Ok(true),
            Ok(TaskState::Ended(exit)) => exit.fault(&task, "removing a guest"),
            Err(fault) if fault.class == FaultClass::MissingTask => None,
            Err(fault) => return Err(fault.into()),
        };
        locked(&self.tasks).remove(&id);
        match ended {
            Some(fault) if fault.class != FaultClass::Unknown => Err(fault.into()),
            _ => Ok(false),
        }
    }

    fn scope(&self, marker: &Marker) -> Scope {
        Scope {
            ids: self.ids.clone(),
            service: marker.service.clone(),
            environment: marker.environment.clone(),
            pool: self.pool.clone(),
        }
    }
}

fn is_overdue(marker: &Marker, now: Timestamp) -> bool {
    marker.expires.is_some_and(|expires| expires <= now)
}

fn shown(owned: &Owned) -> OwnedGuest {
    OwnedGuest {
        guest: owned.guest().clone(),
        name: one_line(owned.config().name().unwrap_or_default(), 80),
        marker: owned.marker().clone(),
        lock: owned.config().lock().map(|lock| one_line(lock, 40)),
    }
}
