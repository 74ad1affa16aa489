//! Guests as backups see them: found by unit and slot, saved, and brought back.

use super::guests::{Fresh, GuestOwnership, Guests};
use super::proof::Owned;
use super::{GuestKind, GuestRef};
use crate::domain::model::{ErrorKind, PortError, Slot, UnitId};

use crate::adapters::proxmox::answers::{Feature, Snapshot};
use crate::adapters::proxmox::calls::{backup, guest as calls};
use crate::adapters::proxmox::{Fault, Upid};

impl Guests {
    /// The guest in a slot of a unit, as its marker says; `None` where there is none.
    ///
    /// # Errors
    /// Those of the API.
    pub fn of(&self, unit: &UnitId, slot: Slot) -> Result<Option<Owned>, Fault> {
        let ending = format!("{unit}-{slot}").to_ascii_lowercase();
        let mut rows = self.all()?;
        rows.retain(|row| self.may_be_ours(row));
        // The name only says where to look first.
        rows.sort_by_key(|row| !row.name.as_deref().is_some_and(|name| name.ends_with(&ending)));
        for row in rows {
            if let GuestOwnership::Ours(owned) = self.look(&row)?
                && (&owned.marker().unit, owned.marker().slot) == (unit, slot)
            {
                return Ok(Some(*owned));
            }
        }
        Ok(None)
    }

    /// Its snapshots, without the present.
    ///
    /// # Errors
    /// Those of the API.
    pub fn snapshots(&self, guest: &GuestRef) -> Result<Vec<Snapshot>, Fault> {
        let doing = format!("listing the snapshots of {guest}");
        let mut found: Vec<Snapshot> = self.api().ask(&doing, &calls::snapshots(guest))?;
        found.retain(|snapshot| snapshot.name != "current");
        Ok(found)
    }

    /// Whether its storage makes snapshots.
    ///
    /// # Errors
    /// Those of the API.
    pub fn can_snapshot(&self, owned: &Owned) -> Result<bool, Fault> {
        let doing = format!("asking whether {} can have snapshots", owned.guest());
        let feature: Feature = self.api().ask(&doing, &calls::can_snapshot(owned.guest()))?;
        Ok(feature.has_feature)
    }

    /// Takes a snapshot.
    ///
    /// # Errors
    /// Those of the API.
    pub fn snapshot(&self, owned: &Owned, name: &str, description: &str) -> Result<Upid, Fault> {
        let doing = format!("taking snapshot {name} of {}", owned.guest());
        self.api()
            .begin(&doing, &calls::snapshot(owned.guest(), name, description))
    }

    /// Goes back to a snapshot. The guest is stopped, and stays so.
    ///
    /// # Errors
    /// Those of the API.
    pub fn roll_back(&self, fresh: Fresh, name: &str) -> Result<Upid, Fault> {
        let owned = fresh.into_owned();
        let doing = format!("going back to snapshot {name} of {}", owned.guest());
        self.api()
            .begin(&doing, &calls::rollback(owned.guest(), name, false))
    }

    /// Removes a snapshot.
    ///
    /// # Errors
    /// Those of the API.
    pub fn delete_snapshot(&self, owned: &Owned, name: &str) -> Result<Upid, Fault> {
        let doing = format!("removing snapshot {name} of {}", owned.guest());
        self.api()
            .begin(&doing, &calls::delete_snapshot(owned.guest(), name))
    }

    /// Makes an archive of it while it runs.
    ///
    /// # Errors
    /// Those of the API; when the answer is no task, nothing was backed up.
    pub fn archive(&self, owned: &Owned, wanted: &backup::VzdumpOptions) -> Result<Upid, Fault> {
        let doing = format!("backing up {} to {}", owned.guest(), wanted.storage);
        self.api().begin(&doing, &backup::take(owned.guest(), wanted))
    }

    /// Writes an archive over the guest that it was made of, which is stopped.
    ///
    /// # Errors
    /// Those of the API.
    pub fn restore_over(&self, fresh: Fresh, archive: &str, storage: &str) -> Result<Upid, Fault> {
        let owned = fresh.into_owned();
        let doing = format!("restoring {} from {archive}", owned.guest());
        let pool = self.scope().pool.as_deref();
        let request = backup::restore(owned.guest(), archive, storage, pool, true);
        self.api().begin(&doing, &request)
    }

    /// Makes a guest anew from an archive, with the id that it had.
    ///
    /// # Errors
    /// `Denied` when that id is not in the range, or is somebody else's by now; else those of the API.
    pub fn restore_anew(
        &self,
        (kind, node, id): (GuestKind, &str, u32),
        archive: &str,
        storage: &str,
        doing: &str,
    ) -> Result<Upid, PortError> {
        let denied = |what: String| PortError::new(ErrorKind::Denied, doing, what);
        let ids = &self.scope().ids;
        if !ids.contains(&id) {
            let (first, last) = ids.clone().into_inner();
            return Err(denied(format!("its id was {id}, which is not in {first}–{last}")));
        }
        let guest = GuestRef {
            kind,
            node: node.to_owned(),
            id,
        };
        if self.is_taken(id)? {
            return Err(denied(format!(
                "another guest has its id {id} by now, and is not touched"
            )));
        }
        let pool = self.scope().pool.as_deref();
        // Without force nothing is ever written over.
        let request = backup::restore(&guest, archive, storage, pool, false);
        Ok(self.api().begin(doing, &request)?)
    }
}
