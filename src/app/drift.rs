//! Drift: how an environment is found, beside how its ledger says that it stands.

use super::error::AppError;
use super::record::EnvironmentRecord;
use super::release::nothing;
use super::workspace::Workspace;
use super::world::{Purpose, World};
use crate::config::Environment;
use crate::domain::history;
use crate::domain::history::{Drift, Seen};
use crate::domain::model::{EnvironmentName, UnitId};
use crate::parallel::each;
use std::collections::{BTreeMap, BTreeSet};

/// What was found.
pub struct Looked {
    /// Every difference.
    pub drift: Vec<Drift>,
    /// How many units were looked at.
    pub units: usize,
    /// Whether a rollout is open: what differs is then in motion, or was left by it.
    pub open: bool,
}

/// Looks at every unit that is wanted or on record, and at the router. Changes nothing.
///
/// # Errors
/// When the ledger cannot be read, or the target is none that this version can look at.
pub fn look(workspace: &Workspace, name: &EnvironmentName) -> Result<Looked, AppError> {
    let environment: &Environment = workspace.environment(name)?;
    let standing = EnvironmentRecord::read(workspace.ledger()?.as_ref(), name)?;
    let release = match &standing.live {
        Some(plan) => plan.candidate.clone(),
        None => nothing()?,
    };
    let world = World::open(workspace, environment, &release, Purpose::Look)?;
    let units: BTreeSet<UnitId> = world.units.iter().chain(standing.units()).cloned().collect();
    let units: Vec<UnitId> = units.into_iter().collect();
    let states = each(&units, world.lookouts, |unit| {
        world.site.target.inspect(unit).map_err(|error| error.to_string())
    });
    let routes = world.abilities.routed.then(|| match &world.site.router {
        Some(router) => match router.routes() {
            Ok(states) => Ok(states.into_iter().map(|state| state.route).collect()),
            Err(error) => Err(error.to_string()),
        },
        None => Err("it does not run".to_owned()),
    });
    let seen = Seen {
        units: units.into_iter().zip(states).collect::<BTreeMap<_, _>>(),
        routes,
    };
    Ok(Looked {
        drift: history::drift(standing.live.as_ref(), &seen),
        units: seen.units.len(),
        open: standing.open.is_some(),
    })
}
