//! Target blocks.

use super::super::diagnostic::Diagnostic;
use super::super::merge::TARGETS;
use super::super::place::{Located, Span};
use super::super::raw::{RawCommandTarget, RawEnvironment, RawLocal};
use super::super::target::{CommandConfig, LocalConfig, TargetConfig};
use super::super::unsupported::{Part, Unsupported};
use super::keys::{Keys, read};
use crate::domain::model::{Period, UnitId};
use std::collections::BTreeSet;

/// The target of an environment: none, or one; more are an error.
pub(super) fn resolve(
    raw: &mut RawEnvironment,
    keys: &Keys,
    unsupported: &mut Vec<Unsupported>,
    problems: &mut Vec<Diagnostic>,
) -> Option<TargetConfig> {
    let given: Vec<(&str, Span)> = TARGETS
        .into_iter()
        .filter_map(|target| Some((target, keys.place(target)?)))
        .collect();
    if let [(_, first), (second, at), ..] = given[..] {
        problems.push(
            Diagnostic::error(at, format!("the environment has a second target: `{second}`"))
                .related(first, "the first one")
                .help("keep exactly one of them; two places are two environments"),
        );
        return None;
    }
    let name = raw.name.value.as_str().to_owned();
    let target = if let Some(local) = raw.local.take() {
        TargetConfig::Local(self::local(local, problems))
    } else if let Some(command) = raw.command.take() {
        TargetConfig::Command(self::command(command, &name, problems))
    } else if let Some(proxmox) = raw.proxmox.take() {
        TargetConfig::Proxmox(Box::new(proxmox))
    } else if let Some(kubernetes) = raw.kubernetes.take() {
        TargetConfig::Kubernetes(Box::new(kubernetes))
    } else if let Some(docker) = raw.docker.take() {
        TargetConfig::Docker(Box::new(docker))
    } else if let Some(compose) = raw.compose.take() {
        TargetConfig::Compose(Box::new(compose))
    } else {
        TargetConfig::Ecs(Box::new(raw.ecs.take()?))
    };
    if let (false, Some(place)) = (target.is_available(), keys.place(target.as_str())) {
        unsupported.push(Unsupported {
            part: Part::Target,
            what: format!("the target `{}`", target.as_str()),
            place,
        });
    }
    Some(target)
}

fn local(raw: RawLocal, problems: &mut Vec<Diagnostic>) -> LocalConfig {
    let listen = raw
        .listen
        .and_then(|address| read(address, "an address and a port like 127.0.0.1:8080", problems));
    LocalConfig {
        instances: raw.instances,
        listen: listen.map(|listen| listen.value),
        port_variable: raw.port_variable.map_or_else(|| "PORT".to_owned(), |name| name.0),
        state_directory: raw.state_directory,
        stop_timeout: raw.stop_timeout.unwrap_or(Period::from_secs(10)),
        command: raw.command.map(|command| command.0),
    }
}

fn command(raw: RawCommandTarget, environment: &str, problems: &mut Vec<Diagnostic>) -> CommandConfig {
    let units = match (&raw.units, raw.count) {
        (Some(units), count) => {
            check_units(units, count, problems);
            units.iter().map(|unit| unit.value.clone()).collect()
        }
        (None, Some(count)) => (1..=count)
            .filter_map(|number| format!("{environment}-{number}").parse().ok())
            .collect(),
        (None, None) => environment.parse().ok().into_iter().collect(),
    };
    CommandConfig {
        deploy: raw.deploy.0,
        status: raw.status.0,
        rollback: raw.rollback.map(|command| command.0),
        remove: raw.remove.map(|command| command.0),
        units,
        timeout: raw.timeout,
        parallelism: raw.parallelism,
    }
}

fn check_units(units: &Located<Vec<Located<UnitId>>>, count: Option<u32>, problems: &mut Vec<Diagnostic>) {
    if count.is_some() {
        problems.push(
            Diagnostic::error(units.place, "both `units` and `count` are given")
                .help("keep the names, or the number"),
        );
    }
    if units.is_empty() {
        problems.push(
            Diagnostic::error(units.place, "there are no units to deploy to")
                .help("name at least one, or leave `units` out"),
        );
    }
    let mut seen = BTreeSet::new();
    for unit in units.iter() {
        if !seen.insert(unit.as_str()) {
            problems.push(
                Diagnostic::error(unit.place, format!("the unit `{}` is named twice", unit.value))
                    .help("take one out"),
            );
        }
    }
}
