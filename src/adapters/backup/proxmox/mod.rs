//! Backups of Proxmox guests: snapshots beside the guest, or archives on a storage.
//!
//! A task does the work, and what it has done is looked up: Proxmox answers "OK" to a backup that it does
//! not make. Only greenroom's own guests are saved, and only its own backups removed.

mod archive;
mod snapshot;
mod tasks;

pub use archive::{ArchiveBackup, ArchiveSettings};
pub use snapshot::SnapshotBackup;

use crate::domain::model::{ErrorKind, PortError, Slot, UnitId};

use crate::adapters::proxmox::guest::{Guests, Owned};

/// The guest that is to be saved or brought back.
fn guest(guests: &Guests, unit: &UnitId, slot: Slot, doing: &str) -> Result<Owned, PortError> {
    guests.of(unit, slot)?.ok_or_else(|| {
        let what = format!("greenroom has no guest there ({slot})");
        PortError::new(ErrorKind::Missing, doing, what)
    })
}
