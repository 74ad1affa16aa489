//! Opens the ports of one environment. Its matches on targets are exhaustive.

use super::super::error::AppError;
use super::super::facts::Facts;
use super::super::restricted::RestrictedRunner;
use super::super::workspace::Workspace;
use super::local;
use super::proxmox;
use crate::adapters::probe::{Commands, ServiceProbe};
use crate::config::environment::Environment;
use crate::config::target::TargetConfig;
use crate::config::unsupported::Part;
use crate::domain::model::{
    Endpoint, ErrorKind, Explanation, Period, PortError, Redactor, Release, Secret, UnitId,
};
use crate::domain::rollout::Abilities;
use crate::engine::{PrepareHook, RedactText, Site};
use crate::host::http::{Client, HttpSettings};
use crate::host::runner::LocalRunner;
use crate::ports::{Backup, Command, Granularity, Probe, Router, Runner, Sweeper, Target};
use std::collections::BTreeMap;
use std::sync::Arc;

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
        let redact: RedactText = {
            let redactor = redactor.clone();
            Arc::new(move |text: &str| redactor.redact(text).into_owned())
        };
        let runner = ground.runner();
        let abilities = Abilities {
            two_slots: parts.target.capabilities().two_slots,
            routed: parts.routed.is_some(),
            split: parts.routed == Some(Granularity::Percent),
            counted: parts.counted,
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
pub(in crate::app) fn probe(
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
pub(in crate::app) fn bare_probe(
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

/// What finds the acceptance deployments that were made beside `environment`; `None` where none can be
/// made.
///
/// # Errors
/// When it cannot be set up.
pub(in crate::app) fn sweeper(
    workspace: &Workspace,
    environment: &Environment,
) -> Result<Option<Arc<dyn Sweeper>>, AppError> {
    let name = &environment.name.value;
    match &environment.target {
        Some(TargetConfig::Local(local)) => Ok(Some(Arc::new(local::sweeper(workspace, name, local)))),
        Some(TargetConfig::Proxmox(proxmox)) => {
            let guests = proxmox::sweeper(workspace, environment, proxmox)?;
            Ok(Some(Arc::new(guests)))
        }
        Some(
            TargetConfig::Command(_)
            | TargetConfig::Kubernetes(_)
            | TargetConfig::Docker(_)
            | TargetConfig::Compose(_)
            | TargetConfig::Ecs(_),
        )
        | None => Ok(None),
    }
}

/// Stops the router that greenroom runs for `environment` on this machine; returns whether one ran.
///
/// # Errors
/// When it does not stop.
pub(in crate::app) fn stop_router(
    workspace: &Workspace,
    environment: &Environment,
) -> Result<bool, AppError> {
    match &environment.target {
        Some(TargetConfig::Local(local)) => local::stop_router(workspace, &environment.name.value, local),
        Some(
            TargetConfig::Command(_)
            | TargetConfig::Proxmox(_)
            | TargetConfig::Kubernetes(_)
            | TargetConfig::Docker(_)
            | TargetConfig::Compose(_)
            | TargetConfig::Ecs(_),
        )
        | None => Ok(false),
    }
}

/// What differs from target to target.
pub(super) struct Parts {
    pub(super) target: Arc<dyn Target>,
    pub(super) router: Option<Arc<dyn Router>>,
    /// How finely its traffic can be split, where something moves it, be it that this is not running now.
    pub(super) routed: Option<Granularity>,
    /// Whether what moves the traffic counts it.
    pub(super) counted: bool,
    pub(super) units: Vec<UnitId>,
    pub(super) url: Option<Endpoint>,
    pub(super) parallelism: u32,
    pub(super) lookouts: usize,
    pub(super) stop: Option<Period>,
    pub(super) backup: Option<Arc<dyn Backup>>,
}

/// What the parts are made from.
pub(super) struct Ground<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) environment: &'a Environment,
    release: &'a Release,
    secrets: &'a BTreeMap<String, Secret>,
    /// What templates may name.
    pub(super) facts: Facts,
}

impl Ground<'_> {
    fn parts(&self, purpose: Purpose) -> Result<Parts, AppError> {
        match &self.environment.target {
            Some(TargetConfig::Local(local)) => self.local(local, purpose),
            Some(TargetConfig::Command(command)) => self.command(command),
            Some(TargetConfig::Proxmox(proxmox)) => self.proxmox(proxmox),
            Some(
                TargetConfig::Kubernetes(_)
                | TargetConfig::Docker(_)
                | TargetConfig::Compose(_)
                | TargetConfig::Ecs(_),
            ) => Err(self.absent("its target is not available in this version of greenroom".into())),
            None => Err(self.absent(
                Explanation::new("it has no target").fix("give it one, such as `local:` or `command:`"),
            )),
        }
    }

    fn absent(&self, why: Explanation) -> AppError {
        AppError::Port(PortError::new(
            ErrorKind::Unsupported,
            format!("opening environment {}", self.environment.name.value),
            why,
        ))
    }

    /// What the commands of this environment may run, and as whom.
    pub(super) fn runner(&self) -> Arc<dyn Runner> {
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
        let client = Client::new(&HttpSettings::default()).map_err(|error| {
            AppError::Port(PortError::new(
                ErrorKind::Invalid,
                "setting up the HTTP client",
                &error,
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
