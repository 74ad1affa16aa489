//! Which guest is that of a slot.

use super::jobs::Seat;
use super::locked;
use crate::adapters::proxmox::answers::Resource;
use crate::adapters::proxmox::guest::{GuestOwnership, GuestPlace, Guests, Owned, Places, Stranger};
use crate::adapters::proxmox::{Fault, GuestRef};
use crate::ports::Clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a list of guests is good enough to look at.
const LIST: Duration = Duration::from_secs(1);
/// How long it is remembered which slot a guest away from its place belongs to.
const HINT: Duration = Duration::from_secs(600);

/// The list of guests as it was at a moment.
type Listed = (Duration, Arc<Vec<Resource>>);

/// What was found for a slot.
pub(super) enum Located {
    /// Its guest.
    Ours(Box<Owned>),
    /// One that is being made and may be its guest; the lock in words.
    Making(GuestRef, String),
    /// None; with the guests of others that stand at its places.
    Nothing(Vec<Stranger>),
}

/// How fresh a look has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Before it is said that nothing is there.
    Now,
    /// To look at, or to find what is read anew anyway.
    Lately,
}

/// The guests of the cluster by id, and those of the environment by slot.
pub(super) struct Index {
    clock: Arc<dyn Clock>,
    listed: Mutex<Option<Listed>>,
    /// The slots of guests by id, with the moment at which they were read.
    hints: Mutex<BTreeMap<u32, (Duration, Option<Seat>)>>,
}

impl Index {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            listed: Mutex::default(),
            hints: Mutex::default(),
        }
    }

    /// The guests that the token may see.
    pub(super) fn rows(&self, guests: &Guests, freshness: Freshness) -> Result<Arc<Vec<Resource>>, Fault> {
        let now = self.clock.monotonic();
        if freshness == Freshness::Lately
            && let Some((at, rows)) = locked(&self.listed).as_ref()
            && now.saturating_sub(*at) < LIST
        {
            return Ok(Arc::clone(rows));
        }
        let rows = Arc::new(guests.all()?);
        *locked(&self.listed) = Some((now, Arc::clone(&rows)));
        Ok(rows)
    }

    /// What was listed is not true any more.
    pub(super) fn forget(&self) {
        *locked(&self.listed) = None;
    }

    /// The guest of a slot: at one of its places, else wherever its marker leads.
    pub(super) fn locate(
        &self,
        guests: &Guests,
        places: &Places,
        seat: (u32, &Seat),
        freshness: Freshness,
    ) -> Result<Located, Fault> {
        let (number, seat) = seat;
        let rows = self.rows(guests, freshness)?;
        let at: Vec<GuestPlace> = places.candidates(number, seat.1).collect();
        let (mut strangers, mut making) = (Vec::new(), None);
        for place in &at {
            for row in rows.iter().filter(|row| row.vmid == place.id()) {
                match guests.look(row)? {
                    GuestOwnership::Ours(owned) if is_of(&owned, seat) => return Ok(Located::Ours(owned)),
                    GuestOwnership::Making(guest, lock) => making = making.or(Some((guest, lock))),
                    GuestOwnership::Foreign(stranger) => strangers.push(*stranger),
                    GuestOwnership::Ours(_) | GuestOwnership::Nothing => {}
                }
            }
        }
        if let Some((guest, lock)) = making {
            return Ok(Located::Making(guest, lock));
        }
        let elsewhere = rows.iter().filter(|row| {
            let known = at.iter().any(|place| place.id() == row.vmid);
            !known && guests.may_be_ours(row)
        });
        for row in elsewhere {
            if let Some(owned) = self.belongs(guests, row, seat)? {
                return Ok(Located::Ours(owned));
            }
        }
        Ok(Located::Nothing(strangers))
    }

    /// Whether a guest away from the slot's places is its guest nevertheless: the number of units was
    /// another one when it was made.
    fn belongs(&self, guests: &Guests, row: &Resource, seat: &Seat) -> Result<Option<Box<Owned>>, Fault> {
        let now = self.clock.monotonic();
        let hint = locked(&self.hints).get(&row.vmid).cloned();
        if let Some((at, known)) = hint
            && now.saturating_sub(at) < HINT
            && known.as_ref() != Some(seat)
        {
            return Ok(None);
        }
        let ours = match guests.look(row)? {
            GuestOwnership::Ours(owned) => Some(owned),
            GuestOwnership::Nothing | GuestOwnership::Making(..) | GuestOwnership::Foreign(_) => None,
        };
        let known = ours.as_ref().map(|owned| {
            let marker = owned.marker();
            (marker.unit.clone(), marker.slot)
        });
        locked(&self.hints).insert(row.vmid, (now, known));
        Ok(ours.filter(|owned| is_of(owned, seat)))
    }
}

fn is_of(owned: &Owned, seat: &Seat) -> bool {
    let marker = owned.marker();
    marker.unit == seat.0 && marker.slot == seat.1
}
