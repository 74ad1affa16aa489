//! Going back to a release that was live before.

use super::announce::Audience;
use super::deploy::{DeployRequest, Done, deploy};
use super::error::AppError;
use super::record;
use super::workspace::Workspace;
use crate::domain::history;
use crate::domain::history::Selector;
use crate::domain::model::{DeployOptions, EnvironmentName, Origin, Release};
use crate::domain::policy::Way;

/// The release that `selector` means in `environment`, as it was recorded: image, variables, and where
/// its secrets come from.
///
/// # Errors
/// When there is none; lists what there is.
pub fn choose(
    workspace: &Workspace,
    environment: &EnvironmentName,
    selector: &Selector,
) -> Result<Release, AppError> {
    workspace.environment(environment)?;
    let records = record::all(workspace.ledger()?.as_ref(), environment)?;
    let timeline = history::timeline(&records);
    history::find_release(&timeline.deployments, selector).map_err(|error| AppError::usage(&error))
}

/// What a rollback asks for.
pub fn ask(release: Release, origin: Origin) -> DeployRequest {
    DeployRequest {
        release,
        way: Way::Rollback,
        origin,
        options: DeployOptions {
            allow_stale: true,
            ..DeployOptions::default()
        },
    }
}

/// Rolls `environment` back.
///
/// # Errors
/// As [`choose`] and [`deploy`].
pub fn rollback(
    workspace: &Workspace,
    environment: &EnvironmentName,
    selector: &Selector,
    origin: Origin,
    audience: &Audience,
) -> Result<Done, AppError> {
    let release = choose(workspace, environment, selector)?;
    deploy(
        workspace,
        workspace.environment(environment)?,
        &ask(release, origin),
        audience,
    )
}
