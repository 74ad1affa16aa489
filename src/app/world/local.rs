//! Processes of this machine as a target, and what of them was made for a time.

use super::super::error::AppError;
use super::super::workspace::Workspace;
use crate::config::environment::Environment;
use crate::config::target::{LocalTarget as LocalConfig, TargetConfig};
use crate::model::{EnvironmentName, Timestamp};
use crate::ports::Sweeper;
use crate::target::local::{LocalSettings, LocalSweeper, LocalTarget};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Most local processes that are started at the same time.
pub(super) const PARALLELISM: usize = 8;

/// The directory in which every environment of `local` has one of its own.
fn directory(workspace: &Workspace, local: &LocalConfig) -> PathBuf {
    match &local.state_directory {
        Some(directory) => workspace.root.join(directory),
        None => workspace.state("local"),
    }
}

/// The target of one environment.
pub(super) fn target(
    workspace: &Workspace,
    environment: &EnvironmentName,
    local: &LocalConfig,
    expires: Option<Timestamp>,
) -> LocalTarget {
    let settings = LocalSettings {
        state_directory: directory(workspace, local).join(environment.as_str()),
        service: workspace.project.service.clone(),
        environment: environment.clone(),
        port_variable: local.port_variable.clone(),
        command: local.command.clone(),
        base_variables: base_variables(workspace),
        parallelism: PARALLELISM,
        expires,
    };
    LocalTarget::new(
        settings,
        workspace.registry(),
        Arc::clone(&workspace.context.clock),
        workspace.secret_sources().clone(),
    )
}

/// A place on this machine where an image of the embedded store is tried out.
pub(super) fn trial(workspace: &Workspace, environment: &Environment, state: PathBuf) -> LocalTarget {
    let settings = LocalSettings {
        state_directory: state,
        service: workspace.project.service.clone(),
        environment: environment.name.value.clone(),
        port_variable: "PORT".to_owned(),
        command: None,
        base_variables: base_variables(workspace),
        parallelism: 1,
        expires: None,
    };
    LocalTarget::new(
        settings,
        workspace.registry(),
        Arc::clone(&workspace.context.clock),
        workspace.secret_sources().clone(),
    )
}

fn base_variables(workspace: &Workspace) -> BTreeMap<String, String> {
    let all = workspace.context.environment.variables();
    ["PATH", "HOME", "LANG", "TMPDIR"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), all.get(name)?.clone())))
        .collect()
}

/// What finds the acceptance deployments that were made where `environment` runs; `None` where it runs
/// nowhere, or where none can be made.
///
/// # Errors
/// When it cannot be set up.
pub(in crate::app) fn sweeper(
    workspace: &Workspace,
    environment: &Environment,
) -> Result<Option<Arc<dyn Sweeper>>, AppError> {
    match &environment.target {
        Some(TargetConfig::Local(local)) => {
            let own = target(workspace, &environment.name.value, local, None);
            Ok(Some(Arc::new(LocalSweeper::beside(own))))
        }
        Some(
            TargetConfig::Proxmox(_)
            | TargetConfig::Command(_)
            | TargetConfig::Kubernetes(_)
            | TargetConfig::Docker(_)
            | TargetConfig::Compose(_)
            | TargetConfig::Ecs(_),
        )
        | None => Ok(None),
    }
}
