//! Guests of acceptance deployments: one service's, found by their markers, due or not.

use super::sweep::{GuestSweeper, OwnedGuest};
use crate::adapters::proxmox::guest::Owned;
use crate::domain::model::{ErrorKind, PortError};
use crate::ports;
use crate::ports::{ExpiringResource, Removal, Stop};
use std::time::Duration;

/// Destroying a guest that is off takes less than this.
const DESTROY: Duration = Duration::from_secs(120);

/// Finds and removes the guests of one service whose marker carries an end.
pub struct TemporaryGuests {
    sweeper: GuestSweeper,
    service: String,
}

impl TemporaryGuests {
    /// Those of `service` among the guests of `sweeper`.
    pub fn new(sweeper: GuestSweeper, service: String) -> Self {
        Self { sweeper, service }
    }
}

impl ports::Sweeper for TemporaryGuests {
    fn patience(&self) -> Duration {
        self.sweeper.timeout + DESTROY
    }

    fn list(&self) -> Result<Vec<ExpiringResource>, PortError> {
        let made = self.sweeper.marked(false)?;
        let ours = made
            .into_iter()
            .filter(|made| made.marker.service == self.service);
        Ok(ours
            .filter_map(|made| {
                Some(ExpiringResource {
                    environment: made.marker.environment.clone(),
                    what: format!("{} ({})", made.guest, made.name),
                    key: made.guest.id.to_string(),
                    expires: made.marker.expires?,
                })
            })
            .collect())
    }

    fn remove(&self, temporary: &ExpiringResource, stop: Stop) -> Result<Removal, PortError> {
        let doing = format!("removing {}", temporary.what);
        let denied = |found: &str| {
            let message = format!(
                "it is not the guest any more that was made for {} until {}: {found}; it is not touched",
                temporary.environment,
                temporary.expires.human()
            );
            Err(PortError::new(ErrorKind::Denied, &doing, message))
        };
        let Ok(id) = temporary.key.parse::<u32>() else {
            return denied("its key is no id");
        };
        if self.sweeper.is_under_way(id, stop)? {
            return Ok(Removal::Stopping);
        }
        let wanted = |made: &&OwnedGuest| made.guest.id == id;
        let listed = self.sweeper.marked(false)?;
        let Some(made) = listed.iter().find(wanted) else {
            return if self.sweeper.is_there(id)? {
                denied("greenroom has not made what stands there")
            } else {
                Ok(Removal::Gone)
            };
        };
        let is_it = |marker: &crate::adapters::proxmox::guest::Marker| {
            marker.service == self.service
                && marker.environment == temporary.environment
                && marker.expires == Some(temporary.expires)
        };
        if !is_it(&made.marker) {
            return denied("its marker says something else");
        }
        let may = |owned: &Owned| -> Result<(), PortError> {
            if is_it(owned.marker()) && owned.marker().identity == made.marker.identity {
                Ok(())
            } else {
                denied("its id was used again").map(|_: Removal| ())
            }
        };
        self.sweeper.end(made, stop, &may)
    }
}
