//! Taking up a rollout that was left: resume goes on, abort goes back.

use super::announce::Announcement;
use super::deploy::{Audience, Deployed, Hold, drive, journal};
use super::error::AppError;
use super::record::Standing;
use super::watch::Watchers;
use super::workspace::Workspace;
use super::world::{Purpose, World};
use crate::engine::DriveError;
use crate::model::{EnvironmentName, Origin};
use crate::rollout::Event;

/// Which way to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From where it stopped; a paused canary goes to its next step.
    Resume,
    /// Back to the previous release.
    Abort,
}

/// Takes up the rollout that is open in `environment`; `None` when none is.
///
/// # Errors
/// [`AppError::Busy`] while its process lives; when its way back is closed and abort was asked for;
/// when it has to be left where it is again.
pub fn take_up(
    workspace: &Workspace,
    environment: &EnvironmentName,
    direction: Direction,
    origin: Origin,
    watchers: &Watchers,
) -> Result<Option<Deployed>, AppError> {
    let configured = workspace.environment(environment)?;
    let ledger = workspace.ledger()?;
    if Standing::read(ledger.as_ref(), environment)?.open.is_none() {
        return Ok(None);
    }
    let purpose = match direction {
        Direction::Resume => "resuming a rollout",
        Direction::Abort => "aborting a rollout",
    };
    let hold = Hold::take(workspace, environment, &origin, purpose.to_owned())?;
    // Read again: before the lease was ours, another may have finished it.
    let standing = Standing::read(ledger.as_ref(), environment)?;
    let (Some(open), Some(head)) = (standing.open, standing.head) else {
        return Ok(None);
    };
    let (mut rollout, before) = open.replay(ledger.as_ref(), environment, &head)?;
    let event = match direction {
        Direction::Resume => Event::Resumed { origin },
        Direction::Abort if rollout.can_abort() => Event::Aborted { origin },
        Direction::Abort => {
            return Err(AppError::NotAllowed(format!(
                "promotion of {} had begun, so there is no way back to abort to: finish it with `greenroom \
                 resume {environment}`, then `greenroom rollback {environment}`",
                open.plan.candidate.version
            )));
        }
    };
    let world = World::open(workspace, configured, &open.plan.candidate, Purpose::Act)?;
    let (mut journal, events) = journal(workspace, &world, &open.plan, &hold, watchers)?;
    for recorded in &before {
        journal.show(recorded.seq, recorded.at, &recorded.event);
    }
    let recorded = journal.record(event).map_err(DriveError::from)?;
    rollout.apply(&recorded).map_err(DriveError::from)?;
    let audience = Audience {
        events: &events,
        watchers,
        announcement: Announcement::of(workspace, configured, &open.plan, watchers),
    };
    Ok(Some(drive(&world, rollout, journal, &hold, audience)?))
}
