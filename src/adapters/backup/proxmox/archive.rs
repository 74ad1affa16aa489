//! Archives made by vzdump, which lie on a storage and outlive the guest.

use super::guest;
use super::tasks::{Task, Tasks};
use crate::adapters::proxmox::answers::Volume;
use crate::adapters::proxmox::calls::storage;
use crate::adapters::proxmox::guest::{Guests, Owned};
use crate::adapters::proxmox::{GuestKind, calls};
use crate::domain::model::{BackupId, EnvironmentName, ErrorKind, PortError, Slot, UnitId};
use crate::ports::{Backup, Progress};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the notes beside greenroom's own archives begin with.
const PREFIX: &str = "greenroom: ";

/// Where archives go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveSettings {
    /// The node that is asked about them.
    pub node: String,
    /// The storage that they go to, with content type `backup`.
    pub storage: String,
    /// What guests are.
    pub kind: GuestKind,
    /// The storage that a guest's disks go to when it is brought back.
    pub disks: String,
    /// How long one waits for another on its node.
    pub wait: Duration,
}

/// Makes archives of guests.
pub struct ArchiveBackup {
    guests: Guests,
    settings: ArchiveSettings,
    tasks: Tasks,
}

/// What is written beside an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Notes {
    service: String,
    environment: EnvironmentName,
    unit: UnitId,
    slot: Slot,
    label: String,
}

impl Notes {
    fn of(volume: &Volume) -> Option<Self> {
        let line = volume.notes.as_deref()?.lines().next()?;
        serde_json::from_str(line.strip_prefix(PREFIX)?).ok()
    }
}

impl ArchiveBackup {
    /// Archives of these guests; touches nothing.
    pub fn new(guests: Guests, settings: ArchiveSettings) -> Self {
        Self {
            guests,
            settings,
            tasks: Tasks::default(),
        }
    }

    fn notes(&self, unit: &UnitId, slot: Slot, label: &str) -> Notes {
        let scope = self.guests.scope();
        Notes {
            service: scope.service.clone(),
            environment: scope.environment.clone(),
            unit: unit.clone(),
            slot,
            label: label.to_owned(),
        }
    }

    /// Greenroom's own archives of this environment, newest first.
    fn archives(&self) -> Result<Vec<(Notes, Volume)>, PortError> {
        let ArchiveSettings {
            node, storage: name, ..
        } = &self.settings;
        let doing = format!("listing the backups on {name}");
        let request = storage::content(node, name, Some("backup"), None);
        let volumes: Vec<Volume> = self.guests.api().ask(&doing, &request)?;
        let scope = self.guests.scope();
        let mut found: Vec<(Notes, Volume)> = volumes
            .into_iter()
            .filter_map(|volume| Some((Notes::of(&volume)?, volume)))
            .filter(|(notes, _)| notes.service == scope.service && notes.environment == scope.environment)
            .collect();
        found.sort_by(|(a, _), (b, _)| b.label.cmp(&a.label));
        Ok(found)
    }

    fn volume(&self, backup: &BackupId) -> Result<Option<Volume>, PortError> {
        let archives = self.archives()?.into_iter();
        Ok(archives
            .map(|(_, volume)| volume)
            .find(|volume| volume.volid == backup.as_str()))
    }

    /// The guest is turned off and unprotected first: nothing is written over one that runs.
    fn over(&self, owned: &Owned, backup: &BackupId, doing: &str) -> Result<Option<String>, PortError> {
        let guest = owned.guest();
        if let Some(lock) = owned.config().lock() {
            return Ok(Some(format!("{guest} is locked ({lock})")));
        }
        let gone = || PortError::new(ErrorKind::Transient, doing, "the guest went away meanwhile");
        let again = || self.guests.prove_again(owned, doing)?.ok_or_else(gone);
        let running = self
            .guests
            .status(guest)?
            .is_some_and(|status| status.is_running());
        if running {
            self.guests.stop(again()?)?;
            return Ok(Some(format!("{guest} is being stopped")));
        }
        let mut fresh = again()?;
        if owned.config().is_on("protection") {
            if !owned.marker().protected {
                let fix = format!(
                    "run `{} set {} --protection 0` to allow it",
                    guest.kind.program(),
                    guest.id
                );
                let what = format!("{guest} is protected by somebody");
                return Err(PortError::new(ErrorKind::Denied, doing, what).fix(fix));
            }
            self.guests.unprotect(&fresh)?;
            fresh = again()?;
        }
        let task = self
            .guests
            .restore_over(fresh, backup.as_str(), &self.settings.disks)?;
        self.tasks.remember(&restoring(backup), task);
        Ok(None)
    }
}

/// What the task that brings a backup back is remembered by.
fn restoring(backup: &BackupId) -> String {
    format!("restore {backup}")
}

impl Backup for ArchiveBackup {
    fn name(&self) -> &str {
        "full"
    }

    fn take(&self, unit: &UnitId, slot: Slot, label: &str) -> Result<Progress<BackupId>, PortError> {
        let doing = format!("backing up {unit}");
        let what = format!("take {unit} {slot} {label}");
        let under_way = || Ok(Progress::Underway(format!("{unit} is being backed up")));
        let ended = match self.tasks.look(self.guests.api(), &what, &doing)? {
            Task::Running => return under_way(),
            Task::Done => true,
            Task::None => false,
        };
        let owned = guest(&self.guests, unit, slot, &doing)?;
        let notes = self.notes(unit, slot, label);
        let archives = self.archives()?;
        if let Some((_, volume)) = archives.iter().find(|(found, _)| *found == notes) {
            let id = volume.volid.parse();
            return id
                .map(Progress::Done)
                .map_err(|error| PortError::new(ErrorKind::Invalid, doing, &error));
        }
        if ended {
            let what = format!(
                "Proxmox says that it is done, and there is no backup of {} on {}",
                owned.guest(),
                self.settings.storage
            );
            return Err(PortError::new(ErrorKind::Missing, doing, what));
        }
        if let Some(lock) = owned.config().lock() {
            return Ok(Progress::Underway(format!(
                "{} is locked ({lock})",
                owned.guest()
            )));
        }
        let text = serde_json::to_string(&notes)
            .map_err(|error| PortError::new(ErrorKind::Invalid, &doing, &error))?;
        let wanted = calls::backup::VzdumpOptions {
            storage: self.settings.storage.clone(),
            notes: format!("{PREFIX}{text}"),
            protected: true,
            wait: self.settings.wait,
        };
        let task = self.guests.archive(&owned, &wanted)?;
        self.tasks.remember(&what, task);
        under_way()
    }

    fn verify(&self, unit: &UnitId, _: Slot, backup: &BackupId) -> Result<(), PortError> {
        let doing = format!("looking for the backup of {unit}");
        match self.volume(backup)? {
            Some(volume) if volume.size != Some(0) => Ok(()),
            Some(_) => Err(PortError::new(
                ErrorKind::Missing,
                doing,
                format!("{backup} is empty"),
            )),
            None => Err(PortError::new(
                ErrorKind::Missing,
                doing,
                format!("{backup} is not on {}", self.settings.storage),
            )),
        }
    }

    fn restore(&self, unit: &UnitId, slot: Slot, backup: &BackupId) -> Result<Progress<()>, PortError> {
        let doing = format!("restoring {unit} from {backup}");
        let under_way = |what: Option<String>| {
            Ok(Progress::Underway(
                what.unwrap_or_else(|| format!("{unit} is being restored")),
            ))
        };
        match self.tasks.look(self.guests.api(), &restoring(backup), &doing)? {
            Task::Running => return under_way(None),
            Task::Done => return Ok(Progress::Done(())),
            Task::None => {}
        }
        let missing = |what: String| PortError::new(ErrorKind::Missing, &doing, what);
        let volume = self
            .volume(backup)?
            .ok_or_else(|| missing(format!("it is not on {}", self.settings.storage)))?;
        if let Some(owned) = self.guests.of(unit, slot)? {
            return under_way(self.over(&owned, backup, &doing)?);
        }
        let id = volume
            .vmid
            .ok_or_else(|| missing("it does not say which guest it is of".to_owned()))?;
        let ArchiveSettings {
            node, kind, disks, ..
        } = &self.settings;
        let task = self
            .guests
            .restore_anew((*kind, node, id), backup.as_str(), disks, &doing)?;
        self.tasks.remember(&restoring(backup), task);
        under_way(None)
    }

    fn prune(&self, unit: &UnitId, keep: usize) -> Result<usize, PortError> {
        let archives = self.archives()?.into_iter();
        let old: Vec<Volume> = archives
            .filter(|(notes, _)| notes.unit == *unit)
            .skip(keep)
            .map(|(_, volume)| volume)
            .collect();
        let ArchiveSettings {
            node, storage: name, ..
        } = &self.settings;
        let doing = format!("removing old backups of {unit}");
        for volume in &old {
            let volid = &volume.volid;
            if volume.protected {
                let request = storage::protect(node, name, volid, false);
                self.guests.api().change(&doing, &request)?;
            }
            self.guests
                .api()
                .change(&doing, &storage::delete(node, name, volid))?;
        }
        Ok(old.len())
    }
}
