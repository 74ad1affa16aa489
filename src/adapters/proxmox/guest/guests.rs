//! The guests of one environment: read, proven, and only then changed.

use super::marker::Marker;
use super::naming::TAG;
use super::proof::{Doubt, FoundGuest, Owned, Scope, Stranger, prove};
use super::{GuestKind, GuestRef};
use crate::domain::model::{ErrorKind, PortError, one_line};

use crate::adapters::proxmox::answers::{GuestConfig, GuestStatus, Id, Resource};
use crate::adapters::proxmox::calls::container::ContainerSettings;
use crate::adapters::proxmox::calls::vm::VmSettings;
use crate::adapters::proxmox::calls::{agent, cluster, container, guest as calls, vm};

use crate::adapters::proxmox::{Api, Fault, FaultClass, Upid};
use std::time::Duration;

/// Locks under which a guest comes into being. Its description may not be there yet.
const MAKING: &[&str] = &["clone", "create", "disk"];

/// What a look at an id found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuestOwnership {
    /// Nothing that the token may see.
    Nothing,
    /// A guest of greenroom's own.
    Ours(Box<Owned>),
    /// A guest that is being made; by whom shows when it is done. In words: `clone`.
    Making(GuestRef, String),
    /// A guest of somebody else's.
    Foreign(Box<Stranger>),
}

/// The one proof that is fresh enough for what cannot be taken back. It is used up by one act.
#[derive(Debug)]
pub struct Fresh(Owned);

impl Fresh {
    /// What was proven.
    pub fn owned(&self) -> &Owned {
        &self.0
    }

    /// What was proven, for the one act.
    pub(super) fn into_owned(self) -> Owned {
        self.0
    }
}

/// Guests of one environment behind the API. Everything that changes one takes a proof; everything that
/// cannot be taken back takes one that was made a moment ago.
#[derive(Clone)]
pub struct Guests {
    api: Api,
    scope: Scope,
}

impl Guests {
    /// Those of `scope`.
    pub fn new(api: Api, scope: Scope) -> Self {
        Self { api, scope }
    }

    /// The API behind it.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Whose guests are meant.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Every guest of the cluster that the token may see.
    ///
    /// # Errors
    /// Those of the API.
    pub fn all(&self) -> Result<Vec<Resource>, Fault> {
        self.api.ask("listing the guests", &cluster::guests())
    }

    /// Whether a guest of the list can be one of these that is made in full: its id is in the range, and it
    /// has the tag. Only a look says whose it is.
    pub fn may_be_ours(&self, row: &Resource) -> bool {
        self.scope.ids.contains(&row.vmid) && row.tags().contains(TAG)
    }

    /// Whether a guest has this id, seen by the token or not.
    ///
    /// # Errors
    /// Those of the API.
    pub fn is_taken(&self, id: u32) -> Result<bool, Fault> {
        let doing = format!("asking whether {id} is free");
        match self.api.ask::<Id>(&doing, &cluster::next_id(Some(id))) {
            Ok(_) => Ok(false),
            Err(fault) if fault.class == FaultClass::Exists => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    /// Reads one guest of which the list of the cluster told, and says whose it is.
    ///
    /// # Errors
    /// Those of the API.
    pub fn look(&self, row: &Resource) -> Result<GuestOwnership, Fault> {
        let Some(guest) = row.guest() else {
            return Ok(GuestOwnership::Nothing);
        };
        let Some(found) = self.read(&guest, row.pool.clone())? else {
            return Ok(GuestOwnership::Nothing);
        };
        Ok(self.judge(found))
    }

    /// Whose a guest is.
    fn judge(&self, found: FoundGuest) -> GuestOwnership {
        let guest = found.guest.clone();
        let lock = found.config.lock().map(|lock| one_line(lock, 40));
        let half_made =
            Marker::read(found.config.description()).is_ok_and(|marker| marker.identity.is_none());
        match prove(found, &self.scope) {
            Ok(owned) => GuestOwnership::Ours(Box::new(owned)),
            Err(stranger) => match (lock, &stranger.doubt) {
                (Some(lock), Doubt::Marker(_) | Doubt::Pool(_)) if MAKING.contains(&lock.as_str()) => {
                    GuestOwnership::Making(guest, lock)
                }
                // A guest is put into its pool at the very end.
                (None, Doubt::Pool(_)) if half_made => GuestOwnership::Making(guest, "pool".to_owned()),
                _ => GuestOwnership::Foreign(stranger),
            },
        }
    }

    fn read(&self, guest: &GuestRef, pool: Option<String>) -> Result<Option<FoundGuest>, Fault> {
        let doing = format!("reading the configuration of {guest}");
        let config: Option<GuestConfig> = self.api.find(&doing, &calls::config(guest))?;
        Ok(config.map(|config| FoundGuest {
            guest: guest.clone(),
            config,
            pool,
        }))
    }

    /// Reads a guest and proves it once more, immediately before something that cannot be taken back.
    /// `None` when it is gone.
    ///
    /// # Errors
    /// `Denied` when it is not greenroom's own any more, else those of the API.
    pub fn prove_again(&self, owned: &Owned, doing: &str) -> Result<Option<Fresh>, PortError> {
        let guest = owned.guest();
        let pool = match &self.scope.pool {
            None => None,
            Some(_) => {
                let rows = self.all()?;
                let row = rows.into_iter().find(|row| row.guest().as_ref() == Some(guest));
                match row {
                    Some(row) => row.pool,
                    None => return Ok(None),
                }
            }
        };
        let Some(found) = self.read(guest, pool)? else {
            return Ok(None);
        };
        let denied = |what: String| PortError::new(ErrorKind::Denied, doing, what);
        let proven = prove(found, &self.scope).map_err(|stranger| denied(stranger.to_string()))?;
        // The same slot's, or it was made anew in between.
        let (then, now) = (owned.marker(), proven.marker());
        if owned.identity() != proven.identity() || (&then.unit, then.slot) != (&now.unit, now.slot) {
            let what = format!("{guest} is another guest than a moment ago: its id was used again");
            return Err(denied(what));
        }
        Ok(Some(Fresh(proven)))
    }

    /// What it does now; `None` when it is gone.
    ///
    /// # Errors
    /// Those of the API.
    pub fn status(&self, guest: &GuestRef) -> Result<Option<GuestStatus>, Fault> {
        let doing = format!("asking how {guest} is");
        self.api.find(&doing, &calls::status(guest))
    }

    /// Changes a virtual machine's configuration at once, if it is still the one that was read.
    ///
    /// # Errors
    /// Those of the API.
    pub fn configure_vm(&self, owned: &Owned, settings: VmSettings) -> Result<Option<Upid>, Fault> {
        let settings = VmSettings {
            digest: owned.config().digest().map(str::to_owned),
            ..settings
        };
        let doing = format!("configuring {}", owned.guest());
        self.api
            .change(&doing, &vm::configure_now(owned.guest(), &settings))
    }

    /// Changes a container's configuration at once, if it is still the one that was read.
    ///
    /// # Errors
    /// Those of the API.
    pub fn configure_container(
        &self,
        owned: &Owned,
        settings: ContainerSettings,
    ) -> Result<Option<Upid>, Fault> {
        let settings = ContainerSettings {
            digest: owned.config().digest().map(str::to_owned),
            ..settings
        };
        let doing = format!("configuring {}", owned.guest());
        self.api
            .change(&doing, &container::configure(owned.guest(), &settings))
    }

    /// Writes another marker into its description, beside what people wrote there.
    ///
    /// # Errors
    /// Those of the API.
    pub fn mark(&self, owned: &Owned, marker: &Marker) -> Result<(), Fault> {
        let description = Some(marker.rewrite(owned.config().description()));
        self.set(owned, description, None)
    }

    /// Switches its protection off.
    ///
    /// # Errors
    /// Those of the API.
    pub fn unprotect(&self, fresh: &Fresh) -> Result<(), Fault> {
        self.set(&fresh.0, None, Some(false))
    }

    /// Sets what both kinds of guests have.
    fn set(&self, owned: &Owned, description: Option<String>, protection: Option<bool>) -> Result<(), Fault> {
        match owned.guest().kind {
            GuestKind::Vm => self.configure_vm(
                owned,
                VmSettings {
                    description,
                    protection,
                    ..VmSettings::default()
                },
            ),
            GuestKind::Container => self.configure_container(
                owned,
                ContainerSettings {
                    description,
                    protection,
                    ..ContainerSettings::default()
                },
            ),
        }
        .map(drop)
    }

    /// Grows a disk to `gib`.
    ///
    /// # Errors
    /// Those of the API.
    pub fn resize(&self, owned: &Owned, disk: &str, gib: u64) -> Result<Option<Upid>, Fault> {
        let doing = format!("growing {disk} of {}", owned.guest());
        let digest = owned.config().digest();
        let size = format!("{gib}G");
        self.api
            .change(&doing, &calls::resize(owned.guest(), disk, &size, digest))
    }

    /// Starts it.
    ///
    /// # Errors
    /// Those of the API.
    pub fn start(&self, fresh: Fresh) -> Result<Upid, Fault> {
        let Fresh(owned) = fresh;
        let doing = format!("starting {}", owned.guest());
        self.api.begin(&doing, &calls::start(owned.guest()))
    }

    /// Asks it to shut down.
    ///
    /// # Errors
    /// Those of the API.
    pub fn shutdown(&self, fresh: Fresh, timeout: Duration) -> Result<Upid, Fault> {
        let Fresh(owned) = fresh;
        let doing = format!("shutting down {}", owned.guest());
        self.api
            .begin(&doing, &calls::shutdown(owned.guest(), timeout, false))
    }

    /// Turns it off, and ends a shutdown that is waiting.
    ///
    /// # Errors
    /// Those of the API.
    pub fn stop(&self, fresh: Fresh) -> Result<Upid, Fault> {
        let Fresh(owned) = fresh;
        let doing = format!("stopping {}", owned.guest());
        self.api.begin(&doing, &calls::stop(owned.guest(), true))
    }

    /// Destroys it with its own disks.
    ///
    /// # Errors
    /// Those of the API.
    pub fn destroy(&self, fresh: Fresh) -> Result<Upid, Fault> {
        let Fresh(owned) = fresh;
        let doing = format!("destroying {}", owned.guest());
        self.api.begin(&doing, &calls::destroy(owned.guest()))
    }

    /// Starts a command in it through its agent; the answer is its process id there. `input` goes to its
    /// standard input.
    ///
    /// # Errors
    /// Those of the API.
    pub fn exec(&self, fresh: Fresh, command: &[String], input: Option<&str>) -> Result<u64, Fault> {
        let Fresh(owned) = fresh;
        let doing = format!(
            "running {} in {}",
            command.first().map_or("", String::as_str),
            owned.guest()
        );
        let started: crate::adapters::proxmox::answers::Started = self
            .api
            .ask(&doing, &agent::exec(owned.guest(), command, input))?;
        Ok(started.pid)
    }
}
