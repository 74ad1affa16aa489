//! Snapshots, which lie beside the guest's disks and go with the guest.

use super::guest;
use super::tasks::{Task, Tasks};
use crate::adapters::proxmox::guest::{Guests, Owned};
use crate::domain::model::{BackupId, ErrorKind, PortError, Slot, UnitId};
use crate::ports::{Backup, Progress};

/// What the names of greenroom's own snapshots begin with.
const PREFIX: &str = "greenroom-";

/// Makes snapshots of guests.
pub struct SnapshotBackup {
    guests: Guests,
    tasks: Tasks,
}

impl SnapshotBackup {
    /// Snapshots of these guests; touches nothing.
    pub fn new(guests: Guests) -> Self {
        Self {
            guests,
            tasks: Tasks::default(),
        }
    }

    fn has(&self, owned: &Owned, name: &str) -> Result<bool, PortError> {
        let snapshots = self.guests.snapshots(owned.guest())?;
        Ok(snapshots.iter().any(|snapshot| snapshot.name == name))
    }

    /// What the guest is busy with, where it is.
    fn lock(owned: &Owned) -> Option<String> {
        let lock = owned.config().lock()?;
        Some(format!("{} is locked ({lock})", owned.guest()))
    }
}

impl Backup for SnapshotBackup {
    fn name(&self) -> &str {
        "snapshot"
    }

    fn take(&self, unit: &UnitId, slot: Slot, label: &str) -> Result<Progress<BackupId>, PortError> {
        let name = format!("{PREFIX}{label}");
        let doing = format!("taking snapshot {name} of {unit}");
        let id: BackupId = name
            .parse()
            .map_err(|error| PortError::new(ErrorKind::Invalid, &doing, &error))?;
        let what = format!("take {unit} {slot} {name}");
        if let Task::Running = self.tasks.look(self.guests.api(), &what, &doing)? {
            return Ok(Progress::Underway(format!("{name} is being taken")));
        }
        let owned = guest(&self.guests, unit, slot, &doing)?;
        if let Some(lock) = Self::lock(&owned) {
            return Ok(Progress::Underway(lock));
        }
        if self.has(&owned, &name)? {
            return Ok(Progress::Done(id));
        }
        if !self.guests.can_snapshot(&owned)? {
            let message = format!("the storage of {} makes no snapshots", owned.guest());
            return Err(PortError::new(ErrorKind::Unsupported, doing, message)
                .fix("use `backup: full`, or a storage that does (ZFS, LVM-thin, Ceph, qcow2)"));
        }
        let task = self
            .guests
            .snapshot(&owned, &name, "Taken by greenroom before a deployment.")?;
        self.tasks.remember(&what, task);
        Ok(Progress::Underway(format!("{name} is being taken")))
    }

    fn verify(&self, unit: &UnitId, slot: Slot, backup: &BackupId) -> Result<(), PortError> {
        let doing = format!("looking for snapshot {backup} of {unit}");
        let owned = guest(&self.guests, unit, slot, &doing)?;
        if self.has(&owned, backup.as_str())? {
            return Ok(());
        }
        let what = format!("{} has no such snapshot", owned.guest());
        Err(PortError::new(ErrorKind::Missing, doing, what))
    }

    fn restore(&self, unit: &UnitId, slot: Slot, backup: &BackupId) -> Result<Progress<()>, PortError> {
        let doing = format!("going back to snapshot {backup} of {unit}");
        let what = format!("restore {unit} {slot} {backup}");
        match self.tasks.look(self.guests.api(), &what, &doing)? {
            Task::Running => return Ok(Progress::Underway(format!("{unit} goes back to {backup}"))),
            Task::Done => return Ok(Progress::Done(())),
            Task::None => {}
        }
        let owned = guest(&self.guests, unit, slot, &doing)?;
        if let Some(lock) = Self::lock(&owned) {
            return Ok(Progress::Underway(lock));
        }
        if !self.has(&owned, backup.as_str())? {
            let what = format!("{} has no such snapshot", owned.guest());
            return Err(PortError::new(ErrorKind::Missing, doing, what));
        }
        let Some(fresh) = self.guests.prove_again(&owned, &doing)? else {
            return Err(PortError::new(ErrorKind::Missing, doing, "the guest is gone"));
        };
        let task = self.guests.roll_back(fresh, backup.as_str())?;
        self.tasks.remember(&what, task);
        Ok(Progress::Underway(format!("{unit} goes back to {backup}")))
    }

    fn prune(&self, unit: &UnitId, keep: usize) -> Result<usize, PortError> {
        let doing = format!("removing old snapshots of {unit}");
        let mut found: Vec<(String, Owned)> = Vec::new();
        for slot in Slot::BOTH {
            let Some(owned) = self.guests.of(unit, slot)? else {
                continue;
            };
            if let Some(lock) = Self::lock(&owned) {
                return Err(PortError::new(ErrorKind::Transient, doing, lock));
            }
            let snapshots = self.guests.snapshots(owned.guest())?;
            let own = snapshots
                .into_iter()
                .filter(|snapshot| snapshot.name.starts_with(PREFIX));
            found.extend(own.map(|snapshot| (snapshot.name, owned.clone())));
        }
        // Their names hold the time of the deployment.
        found.sort_by(|a, b| b.0.cmp(&a.0));
        let old = found.split_off(keep.min(found.len()));
        for (name, owned) in &old {
            self.guests.delete_snapshot(owned, name)?;
        }
        Ok(old.len())
    }
}
