//! The composition root: the only place that names adapters. Its matches are exhaustive.

mod local;

use super::error::AppError;
use super::facts::Facts;
use super::restricted::RestrictedRunner;
use super::workspace::Workspace;
use crate::config::environment::Environment;
use crate::config::target::{CommandTarget as CommandConfig, LocalTarget as LocalConfig, TargetConfig};
use crate::config::unsupported::Part;
use crate::engine::{PrepareHook, Redact, Site};
use crate::host::http::{Client, Settings};
use crate::host::runner::LocalRunner;
use crate::model::{Endpoint, Period, Redactor, Release, Secret, UnitId};
use crate::ports::{Backup, Command, ErrorKind, PortError, Probe, Router, Runner, Target};
use crate::probe::{Commands, ServiceProbe};
use crate::rollout::Abilities;
use crate::router::builtin::{BuiltinRouter, RouterOptions};
use crate::target::command::{CommandSettings, CommandTarget};
use crate::target::local::units;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) use local::sweeper;

/// Whether anything may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Only look: nothing is started, missing secrets are passed over.
    Look,
    /// Act.
    Act,
}

/// Everything that one environment's rollout needs.
pub struct World {
    /// The ports.
    pub site: Site,
    /// The units that are to run the service.
    pub units: Vec<UnitId>,
    /// What target and router can do.
    pub abilities: Abilities,
    /// Where clients reach the service.
    pub url: Option<Endpoint>,
    /// How many units are worked on at the same time.
    pub parallelism: u32,
    /// How many units are looked at at the same time. Where a look is a few file reads, a thread costs
    /// more than it saves.
    pub lookouts: usize,
    /// Takes secret values out of text.
    pub redactor: Redactor,
    /// The secret values that were read.
    pub secrets: BTreeMap<String, Secret>,
}

impl World {
    /// Builds the ports of `environment` for `release`.
    ///
    /// # Errors
    /// When the target is not available in this version, a secret is missing, or the router cannot be
    /// started.
    pub fn open(
        workspace: &Workspace,
        environment: &Environment,
        release: &Release,
        purpose: Purpose,
    ) -> Result<Self, AppError> {
        workspace.require(&[Part::Target, Part::Ledger], Some(environment))?;
        let secrets = match purpose {
            Purpose::Act => workspace.secrets(&environment.secrets)?,
            Purpose::Look => workspace.secrets(&environment.secrets).unwrap_or_default(),
        };
        let ground = Ground {
            workspace,
            environment,
            release,
            secrets: &secrets,
            facts: Facts::of(workspace, environment, release),
        };
        let parts = ground.parts(purpose)?;
        let redactor = workspace.redactor_for(release);
        let redact: Redact = {
            let redactor = redactor.clone();
            Arc::new(move |text: &str| redactor.redact(text).into_owned())
        };
        let runner = ground.runner();
        let abilities = Abilities {
            two_slots: parts.target.capabilities().two_slots,
            routed: parts.routed,
            split: parts.routed,
        };
        Ok(Self {
            site: Site {
                stop: parts.stop,
                backup: parts.backup,
                target: parts.target,
                router: parts.router,
                probe: ground.probe(Arc::clone(&runner))?,
                prepare: ground.prepare(parts.url.as_ref()),
                runner,
                clock: Arc::clone(&workspace.context.clock),
                redact,
            },
            units: parts.units,
            abilities,
            url: parts.url,
            parallelism: parts.parallelism,
            lookouts: parts.lookouts,
            redactor,
            secrets,
        })
    }
}

/// A probe that knows `release`, for checks outside of any rollout; `around` is put around what runs its
/// commands.
///
/// # Errors
/// When a secret is missing, or the HTTP client cannot be set up.
pub(super) fn probe(
    workspace: &Workspace,
    environment: &Environment,
    release: &Release,
    around: &dyn Fn(Arc<dyn Runner>) -> Arc<dyn Runner>,
) -> Result<Arc<dyn Probe>, AppError> {
    let secrets = workspace.secrets(&environment.secrets)?;
    let ground = Ground {
        workspace,
        environment,
        release,
        secrets: &secrets,
        facts: Facts::of(workspace, environment, release),
    };
    ground.probe(around(ground.runner()))
}

/// The same without any of the environment's secrets, for an image that is only tried out.
///
/// # Errors
/// When the HTTP client cannot be set up.
pub(super) fn bare_probe(
    workspace: &Workspace,
    environment: &Environment,
    release: &Release,
) -> Result<Arc<dyn Probe>, AppError> {
    let ground = Ground {
        workspace,
        environment,
        release,
        secrets: &BTreeMap::new(),
        facts: Facts::of(workspace, environment, release),
    };
    ground.probe(ground.runner())
}

/// A place on this machine where an image of the embedded store is tried out.
pub(super) fn trial_target(
    workspace: &Workspace,
    environment: &Environment,
    state: PathBuf,
) -> Box<dyn Target> {
    Box::new(local::trial(workspace, environment, state))
}

/// Stops the builtin router of `environment`; whether one ran.
///
/// # Errors
/// When it does not stop.
pub(super) fn stop_router(workspace: &Workspace, environment: &Environment) -> Result<bool, AppError> {
    let Some(TargetConfig::Local(LocalConfig {
        listen: Some(listen), ..
    })) = &environment.target
    else {
        return Ok(false);
    };
    match BuiltinRouter::connect(&router_options(workspace, environment, *listen)) {
        Ok(router) => {
            router.stop(workspace.context.clock.as_ref())?;
            Ok(true)
        }
        Err(error) if error.kind == ErrorKind::Missing => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn router_options(workspace: &Workspace, environment: &Environment, listen: SocketAddr) -> RouterOptions {
    RouterOptions {
        binary: workspace.context.binary.clone(),
        listen,
        state_directory: workspace.state("router").join(environment.name.value.as_str()),
    }
}

/// What differs from target to target.
struct Parts {
    target: Arc<dyn Target>,
    router: Option<Arc<dyn Router>>,
    routed: bool,
    units: Vec<UnitId>,
    url: Option<Endpoint>,
    parallelism: u32,
    lookouts: usize,
    stop: Option<Period>,
    backup: Option<Arc<dyn Backup>>,
}

/// What the parts are made from.
struct Ground<'a> {
    workspace: &'a Workspace,
    environment: &'a Environment,
    release: &'a Release,
    secrets: &'a BTreeMap<String, Secret>,
    /// What templates may name.
    facts: Facts,
}

impl Ground<'_> {
    fn parts(&self, purpose: Purpose) -> Result<Parts, AppError> {
        match &self.environment.target {
            Some(TargetConfig::Local(local)) => self.local(local, purpose),
            Some(TargetConfig::Command(command)) => self.command(command),
            Some(
                TargetConfig::Proxmox(_)
                | TargetConfig::Kubernetes(_)
                | TargetConfig::Docker(_)
                | TargetConfig::Compose(_)
                | TargetConfig::Ecs(_),
            ) => Err(self.absent("its target is not available in this version of greenroom")),
            None => Err(self.absent("it has no target: give it one, such as `local:` or `command:`")),
        }
    }

    fn absent(&self, why: &str) -> AppError {
        AppError::Port(PortError::new(
            ErrorKind::Unsupported,
            format!("opening environment {}", self.environment.name.value),
            why,
        ))
    }

    fn local(&self, local: &LocalConfig, purpose: Purpose) -> Result<Parts, AppError> {
        let temporary = self.environment.temporary.as_ref();
        let target = local::target(
            self.workspace,
            &self.environment.name.value,
            local,
            temporary.map(|temporary| temporary.expires),
        );
        let router = match local.listen {
            Some(listen) => self.router(listen, purpose)?,
            None => None,
        };
        let entry = local
            .listen
            .map(|listen| format!("http://{listen}").parse())
            .transpose()?;
        Ok(Parts {
            target: Arc::new(target),
            router,
            routed: local.listen.is_some(),
            units: units(&self.workspace.project.service, local.instances)?,
            url: self.environment.url.clone().or(entry),
            parallelism: local::PARALLELISM as u32,
            lookouts: 1,
            stop: Some(local.stop_timeout),
            backup: None,
        })
    }

    /// The builtin router: started where something is to be done, else only asked if it runs.
    fn router(&self, listen: SocketAddr, purpose: Purpose) -> Result<Option<Arc<dyn Router>>, AppError> {
        let context = &self.workspace.context;
        let options = router_options(self.workspace, self.environment, listen);
        let router = match purpose {
            Purpose::Act => BuiltinRouter::ensure(&options, context.clock.as_ref()),
            Purpose::Look => BuiltinRouter::connect(&options),
        };
        match router {
            Ok(router) => Ok(Some(Arc::new(router))),
            Err(error) if purpose == Purpose::Look && error.kind == ErrorKind::Missing => Ok(None),
            // Somebody else has the address.
            Err(error) if error.kind == ErrorKind::Conflict => Err(AppError::NotAllowed(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    fn command(&self, command: &CommandConfig) -> Result<Parts, AppError> {
        let facts = self.facts.clone();
        let secrets = self.environment.secrets.iter();
        let settings = CommandSettings {
            service: self.workspace.project.service.clone(),
            environment: self.environment.name.value.clone(),
            deploy: command.deploy.clone(),
            status: command.status.clone(),
            remove: command.remove.clone(),
            rollback: command.rollback.clone(),
            variables: BTreeMap::new(),
            secrets: secrets
                .map(|(name, source)| (name.clone(), source.value.clone()))
                .collect(),
            timeout: command.timeout,
            directory: None,
            url: self.environment.url.clone(),
            state_directory: self
                .workspace
                .state("command")
                .join(self.environment.name.value.as_str()),
            take_over: self.environment.protection.allow_overwrite,
            parallelism: command.parallelism as usize,
        };
        let target = CommandTarget::new(
            settings,
            self.runner(),
            Arc::clone(&self.workspace.context.clock),
            self.workspace.secret_sources().clone(),
            Arc::new(move |text, more| facts.render(text, more)),
        );
        Ok(Parts {
            target: Arc::new(target),
            router: None,
            routed: false,
            units: command.units.clone(),
            url: self.environment.url.clone(),
            parallelism: command.parallelism,
            lookouts: command.parallelism as usize,
            stop: None,
            backup: None,
        })
    }

    /// What the commands of this environment may run, and as whom.
    fn runner(&self) -> Arc<dyn Runner> {
        let runner: Arc<dyn Runner> = Arc::new(LocalRunner::new(
            self.workspace.context.environment.variables(),
            self.workspace.root.clone(),
        ));
        match &self.workspace.project.commands {
            Some(policy) => Arc::new(RestrictedRunner::new(runner, policy.clone())),
            None => runner,
        }
    }

    fn probe(&self, runner: Arc<dyn Runner>) -> Result<Arc<dyn Probe>, AppError> {
        let client = Client::new(&Settings::default()).map_err(|error| {
            AppError::Port(PortError::new(
                ErrorKind::Invalid,
                "setting up the HTTP client",
                error,
            ))
        })?;
        let facts = self.facts.clone();
        let commands = Commands {
            runner,
            render: Arc::new(move |text, endpoint| {
                let url = BTreeMap::from([("url".to_owned(), endpoint.to_string())]);
                facts.render(text, &url)
            }),
            directory: None,
            variables: self.variables(),
            secrets: self.secrets.clone(),
        };
        Ok(Arc::new(ServiceProbe::new(
            client,
            Arc::clone(&self.workspace.context.clock),
            commands,
        )))
    }

    fn prepare(&self, url: Option<&Endpoint>) -> PrepareHook {
        let (facts, variables, secrets) = (self.facts.clone(), self.variables(), self.secrets.clone());
        let more: BTreeMap<String, String> = url
            .map(|url| ("url".to_owned(), url.to_string()))
            .into_iter()
            .collect();
        Arc::new(move |hook, _| {
            let argv = hook
                .argv
                .iter()
                .map(|word| facts.render(word, &more))
                .collect::<Result<_, _>>()?;
            Ok(Command {
                argv,
                directory: None,
                variables: variables.clone(),
                secrets: secrets.clone(),
                timeout: hook.timeout,
            })
        })
    }

    /// What commands learn through their environment.
    fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = self.release.variables.clone();
        let name = |part: &str| format!("GREENROOM_{part}");
        variables.insert(name("SERVICE"), self.workspace.project.service.clone());
        variables.insert(name("ENVIRONMENT"), self.environment.name.value.to_string());
        variables.insert(name("VERSION"), self.release.version.to_string());
        variables.insert(name("RELEASE"), self.release.id().to_string());
        if let Some(artifact) = &self.release.artifact {
            variables.insert(name("IMAGE"), artifact.to_string());
        }
        variables
    }
}
