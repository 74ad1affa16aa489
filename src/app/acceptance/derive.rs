//! The environment of an acceptance deployment, made from one that is configured.

use crate::app::error::AppError;
use crate::config::environment::{BackupMode, Environment, Hooks, Protection, Temporary};
use crate::config::proxmox::{Guest, Proxmox};
use crate::config::target::{LocalConfig, TargetConfig, Vendor};
use crate::config::unsupported::Part;
use crate::domain::model::{EnvironmentName, EnvironmentType, Explanation, Period, Strategy, Timestamp};

/// Longest name of an environment, and of a host in DNS.
const LONGEST: usize = 63;
/// Random digits at the end of a name.
const DIGITS: usize = 8;

/// What one is made from.
pub(super) struct Recipe<'a> {
    pub(super) of: &'a Environment,
    /// The environment whose configuration it has.
    pub(super) configuration: Option<&'a Environment>,
    pub(super) suite: Option<String>,
    pub(super) expires: Timestamp,
}

/// `PREFIX-ENVIRONMENT-DIGITS`, fit to be the name of a host.
///
/// # Errors
/// When the digits make no name, which they do.
pub(super) fn name(of: &Environment, digits: &str) -> Result<EnvironmentName, AppError> {
    let prefix = &of.acceptance.prefix;
    let room = LONGEST - prefix.len() - DIGITS - 2;
    let middle: String = of
        .name
        .value
        .as_str()
        .chars()
        .take(room)
        .map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => c,
            _ => '-',
        })
        .collect();
    Ok(format!("{prefix}-{}-{digits}", middle.trim_end_matches('-')).parse()?)
}

/// The environment, and what is worth knowing about it. One unit, without a router, of which nothing that
/// serves depends: nothing guards it but the signatures that its secrets ask for.
///
/// # Errors
/// When nothing can be made beside what runs there.
pub(super) fn derive(
    recipe: &Recipe<'_>,
    id: EnvironmentName,
) -> Result<(Environment, Vec<String>), AppError> {
    let of = recipe.of;
    let like = recipe.configuration.unwrap_or(of);
    let mut notes = Vec::new();
    let missing: Vec<&str> = like
        .secrets
        .keys()
        .filter(|name| !of.secrets.contains_key(*name))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        notes.push(format!(
            "secrets are those of {}, which has no {}: {} does not give its own away",
            of.name.value,
            missing.join(", "),
            like.name.value
        ));
    }
    let (before, after) = (&of.hooks.before_deploy, &of.hooks.after_deploy);
    if !before.is_empty() || !after.is_empty() {
        notes.push(format!(
            "the hooks of {} are not run: what they change would stay",
            of.name.value
        ));
    }
    let mut deployment = of.deployment.clone();
    deployment.strategy = Strategy::Direct;
    deployment.strategy_place = None;
    deployment.readiness = like.deployment.readiness.clone();
    deployment.auto_promote = false;
    deployment.backup = BackupMode::None;
    deployment.rollback.watch = Period::ZERO;
    let mut environment = Environment {
        target: Some(target(of, like)?),
        kind: EnvironmentType::Acceptance,
        description: Some(format!("acceptance test of {}", of.name.value)),
        url: None,
        protection: protection(of),
        variables: like.variables.clone(),
        resources: like.resources.clone(),
        security: like.security.clone(),
        observability: like.observability.clone(),
        features: like.features.clone(),
        deployment,
        hooks: Hooks::default(),
        freeze: Vec::new(),
        temporary: Some(Temporary {
            of: of.name.value.clone(),
            configuration: recipe.configuration.map(|found| found.name.value.clone()),
            suite: recipe.suite.clone(),
            prefix: of.acceptance.prefix.clone(),
            expires: recipe.expires,
            answers: of.has_health_check(),
        }),
        ..of.clone()
    };
    environment.name.value = id;
    environment
        .unsupported
        .retain(|unsupported| matches!(unsupported.part, Part::Target | Part::Suite));
    Ok((environment, notes))
}

fn target(of: &Environment, like: &Environment) -> Result<TargetConfig, AppError> {
    match &of.target {
        Some(TargetConfig::Local(local)) => Ok(TargetConfig::Local(LocalConfig {
            instances: 1,
            listen: None,
            ..local.clone()
        })),
        Some(TargetConfig::Proxmox(proxmox)) => {
            let like = like
                .vendor()
                .map_or(proxmox.as_ref(), |Vendor::Proxmox(like)| like);
            Ok(TargetConfig::Proxmox(Box::new(guests(proxmox, like))))
        }
        Some(
            other @ (TargetConfig::Command(_)
            | TargetConfig::Kubernetes(_)
            | TargetConfig::Docker(_)
            | TargetConfig::Compose(_)
            | TargetConfig::Ecs(_)),
        ) => Err(AppError::project(
            Explanation::new(format!(
                "{} runs on the target `{}`, beside which greenroom makes no acceptance deployment",
                of.name.value,
                other.as_str()
            ))
            .fix(
                "configure an environment of type acceptance, and use greenroom deploy and greenroom verify",
            ),
        )),
        None => Err(AppError::project(
            Explanation::new(format!("{} has no target", of.name.value))
                .fix("give it one, such as `local:` or `proxmox:`"),
        )),
    }
}

/// One guest where `proxmox` has its own, as large as those of `like`.
fn guests(proxmox: &Proxmox, like: &Proxmox) -> Proxmox {
    let guest = match (&proxmox.guest, &like.guest) {
        (Some(Guest::Vm(own)), Some(Guest::Vm(like))) => {
            let mut own = own.clone();
            own.cores = like.cores;
            own.memory = like.memory;
            own.disk.clone_from(&like.disk);
            Some(Guest::Vm(own))
        }
        (Some(Guest::Container(own)), Some(Guest::Container(like))) => {
            let mut own = own.clone();
            own.value.cores = like.cores;
            own.value.memory = like.memory;
            own.value.disk = like.disk;
            Some(Guest::Container(own))
        }
        (own, _) => own.clone(),
    };
    Proxmox {
        count: 1,
        router: None,
        guest,
        ..proxmox.clone()
    }
}

/// Nothing is overwritten and nobody is served, so that nobody has to agree; but who gets the
/// environment's secrets has to be signed as there.
fn protection(of: &Environment) -> Protection {
    let own = &of.protection;
    Protection {
        enabled: true,
        require_approval: false,
        allow_overwrite: false,
        require_tests: false,
        from: None,
        signatures: own.signatures.clone().filter(|_| own.enabled),
        approvals: own.approvals.clone(),
    }
}
