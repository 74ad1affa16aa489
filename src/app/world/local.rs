//! Processes on this machine behind the builtin router.

use super::{Ground, Parts, Purpose};
use crate::adapters::router::builtin::{BuiltinRouter, RouterOptions};
use crate::adapters::targets::local::{LocalSettings, LocalSweeper, LocalTarget, units};
use crate::app::error::AppError;
use crate::app::workspace::Workspace;
use crate::config::environment::Environment;
use crate::config::target::LocalConfig;
use crate::domain::model::{EnvironmentName, ErrorKind, Timestamp};
use crate::ports::{Granularity, Router, Target};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Most local processes that are started at the same time.
const LOCAL_PARALLELISM: usize = 8;

/// Where everything is that runs here for one environment: below `stateDirectory`, or the project's own
/// state where none is given. The environments that have the same lie side by side in it.
fn directory(workspace: &Workspace, environment: &EnvironmentName, local: &LocalConfig) -> PathBuf {
    let all = match &local.state_directory {
        Some(directory) => workspace.root.join(directory),
        None => workspace.state("local"),
    };
    all.join(environment.as_str())
}

/// The target of one environment.
fn target(
    workspace: &Workspace,
    environment: &EnvironmentName,
    local: &LocalConfig,
    expires: Option<Timestamp>,
) -> LocalTarget {
    let settings = LocalSettings {
        state_directory: directory(workspace, environment, local),
        service: workspace.project.service.clone(),
        environment: environment.clone(),
        port_variable: local.port_variable.clone(),
        command: local.command.clone(),
        base_variables: base_variables(workspace),
        parallelism: LOCAL_PARALLELISM,
        expires,
    };
    LocalTarget::new(
        settings,
        workspace.registry(),
        Arc::clone(&workspace.context.clock),
        workspace.secret_sources().clone(),
    )
}

/// What finds the acceptance deployments that were made beside `environment`.
pub(super) fn sweeper(
    workspace: &Workspace,
    environment: &EnvironmentName,
    local: &LocalConfig,
) -> LocalSweeper {
    LocalSweeper::beside(target(workspace, environment, local, None))
}

/// A place on this machine where an image of the embedded store is tried out.
pub(in crate::app) fn trial_target(
    workspace: &Workspace,
    environment: &Environment,
    state: PathBuf,
) -> Box<dyn Target> {
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
    Box::new(LocalTarget::new(
        settings,
        workspace.registry(),
        Arc::clone(&workspace.context.clock),
        workspace.secret_sources().clone(),
    ))
}

fn base_variables(workspace: &Workspace) -> BTreeMap<String, String> {
    let all = workspace.context.environment.variables();
    ["PATH", "HOME", "LANG", "TMPDIR"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), all.get(name)?.clone())))
        .collect()
}

/// Stops the built-in router of the environment `name`; returns whether one ran.
///
/// # Errors
/// When it does not stop.
pub(super) fn stop_router(
    workspace: &Workspace,
    name: &EnvironmentName,
    local: &LocalConfig,
) -> Result<bool, AppError> {
    let Some(listen) = local.listen else {
        return Ok(false);
    };
    if is_within(local) && target(workspace, name, local, None).is_anothers()? {
        return Ok(false);
    }
    match BuiltinRouter::connect(&router_options(workspace, name, local, listen)) {
        Ok(router) => {
            router.stop(workspace.context.clock.as_ref())?;
            Ok(true)
        }
        Err(error) if error.kind == ErrorKind::Missing => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Where the router keeps its state when no `stateDirectory` is given.
fn router_at_home(workspace: &Workspace, environment: &EnvironmentName) -> PathBuf {
    workspace.state("router").join(environment.as_str())
}

/// Whether the router keeps its state in the directory of the environment's processes: with a
/// `stateDirectory`, so that both outlive the working tree or neither does.
fn is_within(local: &LocalConfig) -> bool {
    local.state_directory.is_some()
}

/// The router of one environment.
fn router_options(
    workspace: &Workspace,
    environment: &EnvironmentName,
    local: &LocalConfig,
    listen: SocketAddr,
) -> RouterOptions {
    let options = RouterOptions {
        binary: workspace.context.binary.clone(),
        listen,
        state_directory: router_at_home(workspace, environment),
    };
    if is_within(local) {
        options.moved_to(directory(workspace, environment, local).join("router"))
    } else {
        options
    }
}

impl Ground<'_> {
    pub(super) fn local(&self, local: &LocalConfig, purpose: Purpose) -> Result<Parts, AppError> {
        let temporary = self.environment.temporary.as_ref();
        let target = target(
            self.workspace,
            &self.environment.name.value,
            local,
            temporary.map(|temporary| temporary.expires),
        );
        let router = match local.listen {
            Some(listen) => self.router(&target, local, listen, purpose)?,
            None => None,
        };
        let entry = local
            .listen
            .map(|listen| format!("http://{listen}").parse())
            .transpose()?;
        Ok(Parts {
            target: Arc::new(target),
            router,
            routed: local.listen.map(|_| Granularity::Percent),
            counted: true,
            units: units(&self.workspace.project.service, local.instances)?,
            url: self.environment.url.clone().or(entry),
            parallelism: LOCAL_PARALLELISM as u32,
            lookouts: 1,
            stop: Some(local.stop_timeout),
            backup: None,
        })
    }

    /// The builtin router: started where something is to be done, else only asked if it runs.
    fn router(
        &self,
        target: &LocalTarget,
        local: &LocalConfig,
        listen: SocketAddr,
        purpose: Purpose,
    ) -> Result<Option<Arc<dyn Router>>, AppError> {
        let name = &self.environment.name.value;
        let options = router_options(self.workspace, name, local, listen);
        let router = match purpose {
            Purpose::Look if is_within(local) && target.is_anothers()? => return Ok(None),
            Purpose::Look => BuiltinRouter::connect(&options),
            Purpose::Act => {
                if is_within(local) {
                    target.claim()?;
                    options.inherit(&router_at_home(self.workspace, name))?;
                }
                BuiltinRouter::ensure(&options, self.workspace.context.clock.as_ref())
            }
        };
        match router {
            Ok(router) => Ok(Some(Arc::new(router))),
            Err(error) if purpose == Purpose::Look && error.kind == ErrorKind::Missing => Ok(None),
            // Somebody else has the address.
            Err(error) if error.kind == ErrorKind::Conflict => Err(AppError::not_allowed(&error)),
            Err(error) => Err(error.into()),
        }
    }
}
