//! Resuming a rollout that was left: resume goes on, abort goes back.

use super::announce::{Announcement, Audience};
use super::deploy::{Deployed, Listeners, drive, journal};
use super::error::AppError;
use super::hold::Hold;
use super::record::EnvironmentRecord;
use super::workspace::Workspace;
use super::world::{Purpose, World};
use crate::domain::model::{EnvironmentName, Explanation, Origin};
use crate::domain::rollout::{Ahead, Event, Plan, Rollout};
use crate::engine::DriveError;

/// Which way to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From where it stopped; a paused canary goes to its next step.
    Resume,
    /// Back to the previous release.
    Abort,
}

impl Direction {
    /// The command that goes this way.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Abort => "abort",
        }
    }
}

/// The rollout that would be taken up, with nothing touched.
pub struct ResumePreview {
    /// Its plan.
    pub plan: Plan,
    /// Why it does not go on by itself, where that is on record.
    pub cause: Option<String>,
    /// What would be done.
    pub ahead: Ahead,
    /// What is worth knowing all the same.
    pub notes: Vec<String>,
}

/// What [`resume`] would do with the rollout that is open in `environment`; `None` when none is.
///
/// # Errors
/// When its way back is closed and abort was asked for; when the record cannot be read.
pub fn preview(
    workspace: &Workspace,
    environment: &EnvironmentName,
    direction: Direction,
    origin: Origin,
) -> Result<Option<ResumePreview>, AppError> {
    workspace.environment(environment)?;
    let ledger = workspace.ledger()?;
    let standing = EnvironmentRecord::read(ledger.as_ref(), environment)?;
    let (Some(open), Some(head)) = (standing.open, standing.head) else {
        return Ok(None);
    };
    let (mut rollout, _) = open.replay(ledger.as_ref(), environment, &head)?;
    let cause = rollout.cause().map(str::to_owned);
    let event = turn(&rollout, direction, origin)?;
    rollout.apply(&event).map_err(DriveError::from)?;
    let holder = workspace.lease()?.holder(environment)?;
    let at_work = holder.map(|tenure| {
        format!(
            "{} holds {environment} ({}): nobody else can take it up before that has ended",
            tenure.holder.who, tenure.holder.purpose
        )
    });
    Ok(Some(ResumePreview {
        plan: open.plan,
        cause,
        ahead: rollout.ahead(),
        notes: at_work.into_iter().collect(),
    }))
}

/// What is recorded when the rollout is taken up in this direction.
///
/// # Errors
/// [`AppError::NotAllowed`] when its way back is closed.
fn turn(rollout: &Rollout, direction: Direction, origin: Origin) -> Result<Event, AppError> {
    match direction {
        Direction::Resume => Ok(Event::Resumed { origin }),
        Direction::Abort if rollout.can_abort() => Ok(Event::Aborted { origin }),
        Direction::Abort => {
            let plan = rollout.plan();
            let message = format!(
                "promotion of {} had begun, so there is no way back to abort to",
                plan.candidate.version
            );
            let environment = &plan.environment;
            let fix = format!(
                "finish it with `greenroom resume {environment}`, then `greenroom rollback {environment}`"
            );
            Err(AppError::not_allowed(Explanation::new(message).fix(fix)))
        }
    }
}

/// Takes up the rollout that is open in `environment`; `None` when none is.
///
/// # Errors
/// [`AppError::Busy`] while its process lives; when its way back is closed and abort was asked for;
/// when it has to be left where it is again.
pub fn resume(
    workspace: &Workspace,
    environment: &EnvironmentName,
    direction: Direction,
    origin: Origin,
    audience: &Audience,
) -> Result<Option<Deployed>, AppError> {
    let configured = workspace.environment(environment)?;
    let ledger = workspace.ledger()?;
    if EnvironmentRecord::read(ledger.as_ref(), environment)?
        .open
        .is_none()
    {
        return Ok(None);
    }
    let purpose = match direction {
        Direction::Resume => "resuming a rollout",
        Direction::Abort => "aborting a rollout",
    };
    let hold = Hold::take(workspace, environment, &origin, purpose.to_owned())?;
    // Read again: before the lease was ours, another may have finished it.
    let standing = EnvironmentRecord::read(ledger.as_ref(), environment)?;
    let (Some(open), Some(head)) = (standing.open, standing.head) else {
        return Ok(None);
    };
    let (mut rollout, before) = open.replay(ledger.as_ref(), environment, &head)?;
    let event = turn(&rollout, direction, origin)?;
    let world = World::open(workspace, configured, &open.plan.candidate, Purpose::Act)?;
    let (mut journal, events) = journal(workspace, &world, &open.plan, &hold, audience)?;
    for recorded in &before {
        journal.show(recorded.seq, recorded.at, &recorded.event);
    }
    let recorded = journal.record(event).map_err(DriveError::from)?;
    rollout.apply(&recorded).map_err(DriveError::from)?;
    let listeners = Listeners {
        events: &events,
        audience,
        announcement: Announcement::of(workspace, configured, &open.plan, audience),
    };
    let deployed = drive(&world, rollout, journal, &hold, listeners).release(hold, audience)?;
    Ok(Some(deployed))
}
