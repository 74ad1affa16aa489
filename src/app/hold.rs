//! The lease on an environment, for as long as somebody works on it.

use super::error::AppError;
use super::workspace::Workspace;
use crate::domain::model::{EnvironmentName, ErrorKind, Holder, Origin};
use crate::engine::LeaseKeeper;

/// The lease on an environment, kept alive until this is dropped.
pub struct Hold {
    pub(super) keeper: LeaseKeeper,
}

impl Hold {
    /// The epoch under which records are written.
    pub(crate) fn epoch(&self) -> u64 {
        self.keeper.epoch()
    }

    /// Takes the lease.
    ///
    /// # Errors
    /// [`AppError::Busy`] while another run holds it.
    pub fn take(
        workspace: &Workspace,
        environment: &EnvironmentName,
        origin: &Origin,
        purpose: String,
    ) -> Result<Self, AppError> {
        let (lease, period) = (workspace.lease()?, workspace.lease_period()?);
        let who = format!("{} ({})", origin.actor.name, origin.actor.via);
        let holder = Holder {
            who,
            run: origin.run.clone(),
            purpose,
        };
        let held = lease
            .acquire(environment, &holder, period)
            .map_err(|error| match error.kind {
                ErrorKind::Conflict => AppError::Busy {
                    environment: environment.clone(),
                    holder: error.why.message,
                },
                _ => AppError::Port(error),
            })?;
        Ok(Self {
            keeper: LeaseKeeper::keep(lease, environment.clone(), held, period),
        })
    }
}
