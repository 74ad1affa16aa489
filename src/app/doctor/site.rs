//! What belongs to one environment, wherever it runs: secrets, router, the service's address.

use super::check::DoctorCheck;
use super::project::program;
use crate::app::record::EnvironmentRecord;
use crate::app::workspace::Workspace;
use crate::app::world::{Purpose, World, bare_probe};
use crate::config::environment::Environment;
use crate::config::proxmox::RemoteRouter;
use crate::config::target::{CommandConfig, TargetConfig};
use crate::domain::model::{
    Check as Probing, CheckKind, Endpoint, HttpExpectation, HttpProbe, Observation, Period, PortError,
    ProbeSpec, Release,
};

use std::collections::BTreeMap;

/// The longest that an answer may take.
const PATIENCE: Period = Period::from_secs(5);

pub(super) fn examine(workspace: &Workspace, environment: &Environment) -> Vec<DoctorCheck> {
    let mut checks = vec![secrets(workspace, environment)];
    match &environment.target {
        None => checks.push(
            DoctorCheck::setup("target", "there is none").fix("give it one, such as `local:` or `proxmox:`"),
        ),
        Some(TargetConfig::Local(local)) => {
            if local.listen.is_some() {
                checks.push(builtin_router(workspace, environment));
            }
        }
        Some(TargetConfig::Command(command)) => checks.extend(commands(workspace, command)),
        Some(TargetConfig::Proxmox(proxmox)) => {
            if let Some(RemoteRouter::Haproxy(haproxy)) = &proxmox.router {
                checks.push(haproxy_router(workspace, environment, &haproxy.runtime));
            }
        }
        Some(
            other @ (TargetConfig::Kubernetes(_)
            | TargetConfig::Docker(_)
            | TargetConfig::Compose(_)
            | TargetConfig::Ecs(_)),
        ) => checks.push(DoctorCheck::skipped(
            "target",
            format!("`{}` is not part of this version", other.as_str()),
        )),
    }
    checks.push(address(workspace, environment));
    checks
}

fn secrets(workspace: &Workspace, environment: &Environment) -> DoctorCheck {
    let what = "secrets";
    if environment.secrets.is_empty() {
        return DoctorCheck::skipped(what, "the service gets none");
    }
    let sources = workspace.secret_sources();
    let missing: Vec<String> = environment
        .secrets
        .iter()
        .filter_map(|(name, source)| sources.resolve(name, &source.value).err())
        .map(|error| error.to_string())
        .collect();
    if missing.is_empty() {
        return DoctorCheck::ok(what, format!("{} are there", environment.secrets.len()));
    }
    DoctorCheck::setup(what, missing.join("; "))
        .fix("export it, or in CI hand it to the step as a secret (`env:`)")
}

fn builtin_router(workspace: &Workspace, environment: &Environment) -> DoctorCheck {
    let what = "router";
    let nothing = match nothing() {
        Ok(nothing) => nothing,
        Err(error) => return DoctorCheck::setup(what, error.to_string()),
    };
    let world = World::open(workspace, environment, &nothing, Purpose::Look);
    match world.map(|world| world.site.router) {
        Ok(None) => DoctorCheck::ok(what, "does not run; the next deployment starts it"),
        Ok(Some(router)) => match router.routes() {
            Ok(routes) => DoctorCheck::ok(what, format!("runs with {} route(s)", routes.len())),
            Err(error) => DoctorCheck::access(what, error.to_string())
                .fix(format!("greenroom environment stop {}", environment.name.value)),
        },
        Err(error) => DoctorCheck::access(what, error.to_string()).fix("give `local.listen` another address"),
    }
}

fn haproxy_router(workspace: &Workspace, environment: &Environment, runtime: &str) -> DoctorCheck {
    let what = format!("HAProxy at {runtime}");
    let Some(address) = runtime.strip_prefix("tcp://") else {
        let path = runtime.strip_prefix("unix://").unwrap_or(runtime);
        return if std::path::Path::new(path).exists() {
            DoctorCheck::ok(what, "its socket is there")
        } else {
            DoctorCheck::access(what, "its socket is not there").fix(format!(
                "stats socket {path} mode 660 level admin   # in haproxy.cfg, section global"
            ))
        };
    };
    let probe = ProbeSpec::Tcp(Some(address.to_owned()));
    match sample(workspace, environment, probe, None) {
        Ok(Observation::Unanswered(why)) => DoctorCheck::access(what, why).fix(format!(
            "stats socket ipv4@{address} level admin   # in haproxy.cfg, section global"
        )),
        Ok(_) => DoctorCheck::ok(what, "answers"),
        Err(error) => DoctorCheck::setup(what, error.to_string()).fix("greenroom check"),
    }
}

fn commands(workspace: &Workspace, command: &CommandConfig) -> Vec<DoctorCheck> {
    let given = [
        ("deploy command", Some(&command.deploy)),
        ("status command", Some(&command.status)),
        ("rollback command", command.rollback.as_ref()),
        ("remove command", command.remove.as_ref()),
    ];
    given
        .into_iter()
        .filter_map(|(what, words)| Some((what, words?.first()?)))
        // A template is only known when there is something to deploy.
        .filter(|(_, first)| !first.contains("{{"))
        .map(|(what, first)| program(workspace, what, &[first]))
        .collect()
}

/// Whether the service answers where it is said to be, once something is live there.
fn address(workspace: &Workspace, environment: &Environment) -> DoctorCheck {
    let what = "address of the service";
    let Some(url) = environment.address() else {
        return DoctorCheck::skipped(what, "none is configured");
    };
    let name = &environment.name.value;
    let live = workspace
        .ledger()
        .and_then(|ledger| EnvironmentRecord::read(ledger.as_ref(), name))
        .is_ok_and(|standing| standing.live.is_some());
    if !live {
        return DoctorCheck::skipped(what, format!("nothing is live at {url}"));
    }
    let path = environment.deployment.readiness.path.clone();
    let probe = ProbeSpec::Http(HttpProbe {
        method: "GET".to_owned(),
        path: path.clone(),
        headers: BTreeMap::new(),
        body: None,
        expect: HttpExpectation::default(),
    });
    match sample(workspace, environment, probe, Some(&url)) {
        Ok(Observation::Answer { status, .. }) if (200..300).contains(&status) => {
            DoctorCheck::ok(what, format!("{url} answers {status} to {path}"))
        }
        Ok(Observation::Answer { status, .. }) => {
            DoctorCheck::access(what, format!("{url} answers {status} to {path}"))
                .fix(format!("greenroom verify {name}"))
        }
        Ok(Observation::Unanswered(why)) => {
            DoctorCheck::access(what, format!("{url}: {why}")).fix(format!("greenroom status {name}"))
        }
        Ok(Observation::Connected | Observation::Exited { .. }) => {
            DoctorCheck::ok(what, format!("{url} answers"))
        }
        Err(error) => DoctorCheck::setup(what, error.to_string()).fix("greenroom check"),
    }
}

fn sample(
    workspace: &Workspace,
    environment: &Environment,
    probe: ProbeSpec,
    url: Option<&Endpoint>,
) -> Result<Observation, crate::app::AppError> {
    let nowhere: Endpoint = "http://127.0.0.1".parse()?;
    let check = Probing {
        name: "doctor".to_owned(),
        kind: CheckKind::Health,
        probe,
        timeout: PATIENCE,
    };
    let probe = bare_probe(workspace, environment, &nothing()?)?;
    let sampled: Result<_, PortError> = probe.sample(&check, url.unwrap_or(&nowhere));
    Ok(sampled?.seen)
}

/// A release for looking around.
fn nothing() -> Result<Release, crate::app::AppError> {
    Ok(Release {
        version: "none".parse()?,
        artifact: None,
        commit: None,
        variables: BTreeMap::new(),
        secrets: BTreeMap::new(),
    })
}
