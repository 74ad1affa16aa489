//! Stopping what greenroom runs on this machine for an environment.

use super::error::AppError;
use super::hold::Hold;
use super::record::EnvironmentRecord;
use super::release::nothing;
use super::workspace::Workspace;
use super::world::{self, Purpose, World};
use crate::config::Environment;
use crate::domain::model::{PortError, Slot, UnitId};
use crate::ports::{Removal, Stop};
use std::collections::BTreeSet;
use std::time::Duration;

/// Time between two looks at what is ending.
const INTERVAL: Duration = Duration::from_millis(20);
/// How long an instance that was ended by force may take to vanish.
const AFTER_FORCE: Duration = Duration::from_secs(5);

/// What became of what ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShutDown {
    /// Instances and routers that were stopped.
    pub stopped: usize,
    /// Instances that still run.
    pub left: usize,
}

/// Stops every instance of `environment` and its router. The ledger keeps what was live; the next
/// deployment starts it again.
///
/// # Errors
/// [`AppError::Busy`] while a rollout is under way; [`AppError::NotAllowed`] for what runs on other
/// machines; when something cannot be stopped.
pub fn shut_down(workspace: &Workspace, environment: &Environment) -> Result<ShutDown, AppError> {
    let name = &environment.name.value;
    if let Some(elsewhere) = environment
        .target
        .as_ref()
        .filter(|target| !target.is_stoppable())
    {
        let kind = elsewhere.as_str();
        return Err(AppError::not_allowed(format!(
            "{name} does not run on this machine: its target is `{kind}`, and to remove what runs there is \
             nothing that `stop` does"
        )));
    }
    let origin = workspace.context.origin("asked to stop it", None);
    let _hold = Hold::take(workspace, name, &origin, "stopping it".to_owned())?;
    let standing = EnvironmentRecord::read(workspace.ledger()?.as_ref(), name)?;
    let release = standing
        .live
        .as_ref()
        .map_or_else(nothing, |plan| Ok(plan.candidate.clone()))?;
    let world = World::open(workspace, environment, &release, Purpose::Look)?;
    // Clients first: no request may meet an instance that is going.
    let mut ended = ShutDown {
        stopped: usize::from(world::stop_router(workspace, environment)?),
        left: 0,
    };
    let units: BTreeSet<UnitId> = world.units.iter().chain(standing.units()).cloned().collect();
    let mut places = Vec::new();
    for unit in units {
        let state = world.site.target.inspect(&unit)?;
        places.extend(state.slots.into_keys().map(|slot| (unit.clone(), slot)));
    }
    let count = places.len();
    let patience = world
        .site
        .stop
        .unwrap_or(environment.deployment.drain)
        .as_duration();
    let left = end(&world, places, Stop::Graceful, patience)?;
    ended.left = end(&world, left, Stop::Force, AFTER_FORCE)?.len();
    ended.stopped += count - ended.left;
    Ok(ended)
}

fn end(
    world: &World,
    mut left: Vec<(UnitId, Slot)>,
    stop: Stop,
    patience: Duration,
) -> Result<Vec<(UnitId, Slot)>, PortError> {
    let clock = world.site.clock.as_ref();
    let deadline = clock.monotonic() + patience;
    while !left.is_empty() {
        let mut still = Vec::new();
        for (unit, slot) in left {
            if world.site.target.remove(&unit, slot, stop)? == Removal::Stopping {
                still.push((unit, slot));
            }
        }
        left = still;
        // A signal does not end this: it is what a person who stops everything wants.
        if clock.monotonic() >= deadline || (!left.is_empty() && clock.sleep(INTERVAL).is_err()) {
            break;
        }
    }
    Ok(left)
}
