//! What a run asks of one environment.

use super::settle::Identified;
use super::wish::RunOptions;
use crate::app::deploy::DeployRequest;
use crate::app::image_build::Built;
use crate::app::release::release;
use crate::app::workspace::Workspace;
use crate::config::Environment;
use crate::domain::model::DeployOptions;
use crate::domain::policy::Way;
use crate::domain::trigger::manual;

/// Returns what is to be deployed to `environment`, under which terms and why: because the event says so, because
/// it was named, or because it follows another.
pub(super) fn request(
    workspace: &Workspace,
    wish: &RunOptions,
    identified: &Identified,
    environment: &Environment,
    built: Option<&Built>,
) -> DeployRequest {
    let release = release(environment, &identified.identity, built);
    let (name, decision) = (&environment.name.value, &identified.decision);
    let reason = if decision.environment.as_ref() == Some(name) {
        decision.reason.clone()
    } else if wish.environments.contains(name) {
        manual(name.clone(), None).reason
    } else {
        format!("promoted automatically; {}", decision.reason)
    };
    DeployRequest {
        origin: workspace.context.origin(reason, release.commit.clone()),
        release,
        way: Way::Deploy,
        options: DeployOptions {
            skip_tests: identified.skip_tests,
            ..wish.options.clone()
        },
    }
}
