//! A target whose instances are real HTTP servers in this process, as guests would be.

use crate::haproxy::balancer::endpoint;
use crate::support::backend::Backend;
use greenroom::domain::model::{Instance, PortError, Release, Slot, Timestamp, UnitId, UnitState};
use greenroom::ports::{Capabilities, Progress, Removal, Stop, Target};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

struct Guest {
    release: Release,
    backend: Backend,
}

/// Guests by unit and slot.
#[derive(Default)]
pub(crate) struct Guests(Mutex<BTreeMap<(UnitId, Slot), Guest>>);

impl Guests {
    /// How many run this version.
    pub(crate) fn running(&self, version: &str) -> usize {
        let guests = self.0.lock().unwrap();
        let those = guests
            .values()
            .filter(|guest| guest.release.version.as_str() == version);
        those.count()
    }

    /// Ends all at once, as a host does that loses its power.
    pub(crate) fn crash(&self) {
        for guest in self.0.lock().unwrap().values_mut() {
            guest.backend.stop();
        }
    }

    fn instance(guest: &Guest) -> Instance {
        Instance {
            release: guest.release.id(),
            running: true,
            address: Some(endpoint(guest.backend.address)),
            started: Timestamp::from_unix_millis(0),
            note: None,
        }
    }
}

impl Target for Guests {
    fn name(&self) -> &str {
        "guests"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            two_slots: true,
            parallelism: 4,
            patience: Duration::from_secs(10),
        }
    }

    fn inspect(&self, unit: &UnitId) -> Result<UnitState, PortError> {
        let guests = self.0.lock().unwrap();
        let slots = guests.iter().filter(|((of, _), _)| of == unit);
        Ok(UnitState {
            slots: slots
                .map(|((_, slot), guest)| (*slot, Self::instance(guest)))
                .collect(),
            foreign: None,
        })
    }

    fn put(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Progress<Instance>, PortError> {
        let mut guests = self.0.lock().unwrap();
        let place = (unit.clone(), slot);
        if guests.get(&place).is_none_or(|guest| guest.release != *release) {
            let version = release.version.to_string();
            let backend = Backend::start(move |exchange| exchange.ok(&version));
            let release = release.clone();
            guests.insert(place.clone(), Guest { release, backend });
        }
        Ok(Progress::Done(Self::instance(&guests[&place])))
    }

    /// Without mercy: what is under way then is lost.
    fn remove(&self, unit: &UnitId, slot: Slot, _: Stop) -> Result<Removal, PortError> {
        self.0.lock().unwrap().remove(&(unit.clone(), slot));
        Ok(Removal::Gone)
    }

    fn logs(&self, _: &UnitId, _: Slot, _: usize) -> Result<String, PortError> {
        Ok(String::new())
    }
}
