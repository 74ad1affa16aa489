//! The guest that a backup is about.

use crate::adapters::proxmox::guest::{Guests, Owned};
use crate::domain::model::{ErrorKind, PortError, Slot, UnitId};

/// The guest that is to be saved or brought back.
pub(super) fn guest(guests: &Guests, unit: &UnitId, slot: Slot, doing: &str) -> Result<Owned, PortError> {
    guests.of(unit, slot)?.ok_or_else(|| {
        let what = format!("greenroom has no guest there ({slot})");
        PortError::new(ErrorKind::Missing, doing, what)
    })
}
