//! Starting a guest that is made.

use super::configure::changed;
use super::jobs::{Job, Seat, Work};
use super::{ProxmoxTarget, Step};
use crate::adapters::proxmox::FaultClass;
use crate::adapters::proxmox::answers::GuestStatus;
use crate::adapters::proxmox::guest::{Marker, Owned};
use crate::domain::model::{ErrorKind, PortError};

impl ProxmoxTarget {
    /// Starts it, after its marker was told when.
    pub(super) fn start(
        &self,
        seat: &Seat,
        owned: &Owned,
        status: &GuestStatus,
        doing: &str,
    ) -> Result<Step, PortError> {
        let guest = owned.guest();
        let words = format!("{guest} is being started");
        // Its high availability starts it when it gets to it.
        if self.jobs.was_started(seat, guest.id) && !status.is_ha_managed() {
            let message = format!("{guest} stopped again right after it was started");
            return Err(PortError::new(ErrorKind::Invalid, doing, message));
        }
        let Some(fresh) = self.guests.prove_again(owned, doing)? else {
            return Ok(Step::Again);
        };
        let marker = Marker {
            started: Some(self.ports.clock.now()),
            workload: false,
            ..fresh.owned().marker().clone()
        };
        self.guests.mark(fresh.owned(), &marker).map_err(changed)?;
        let Some(fresh) = self.guests.prove_again(owned, doing)? else {
            return Ok(Step::Again);
        };
        match self.guests.start(fresh) {
            Ok(task) => {
                let job = Job {
                    work: Work::Start,
                    task: Some(task),
                    words: words.clone(),
                    id: guest.id,
                };
                self.jobs.put(seat, job);
                Ok(Step::Wait(words))
            }
            // A start that was cut off before.
            Err(fault) if fault.class == FaultClass::Running => Ok(Step::Again),
            Err(fault) if matches!(fault.class, FaultClass::ConfigLock(_)) => Ok(Step::Wait(fault.text)),
            Err(fault) => Err(fault.into()),
        }
    }
}
