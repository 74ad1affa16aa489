//! One environment.

use super::super::argv::Argv;
use super::super::diagnostic::Diagnostic;
use super::super::environment::{Approvals, Environment, HookConfig, Hooks, Network, Protection};
use super::super::place::Located;
use super::super::raw::{RawDeployment, RawEnvironment, RawHook, RawHooks, RawNetwork, RawProtection};
use super::super::target::{TargetConfig, Vendor};
use super::super::typed::{closest, did_you_mean};
use super::super::unsupported::{Part, Unsupported};
use super::keys::{Keys, note, read};
use super::suite::Known;
use super::{acceptance, deployment, signature, target};
use crate::domain::model::{SignaturePolicy, Suite};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// What an environment takes from the pipeline.
pub(super) struct Scope<'a> {
    /// `None` where they could not be read: then names are not checked.
    pub(super) suites: Option<&'a Known>,
    pub(super) hooks: Option<&'a RawHooks>,
    /// Others extend it: it may be incomplete, and is then left out.
    pub(super) template: bool,
}

pub(super) fn resolve(
    mut raw: RawEnvironment,
    keys: &Keys,
    scope: &Scope<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Environment> {
    check_type(&raw, keys, scope, problems);
    check_names(&raw, problems);
    let mut unsupported = described(keys);
    let target = target::resolve(&mut raw, keys, &mut unsupported, problems);
    let network = raw.network.and_then(|network| self::network(network, problems));
    if let Some(vendor) = target.as_ref().and_then(TargetConfig::vendor) {
        let Vendor::Proxmox(proxmox) = vendor;
        super::proxmox::check(proxmox, network.as_ref(), keys.place("proxmox"), problems);
    }
    let repository = raw.image.map(|image| image.repository);
    if let Some(repository) = &repository {
        super::image::check_repository(repository, problems);
    }
    let require_tests = require_tests(&raw.protection, &raw.deployment, problems);
    let place = keys.place("protection.signatures");
    let signatures = raw.protection.signatures.take();
    let signatures = signatures.map(|signatures| signature::resolve(signatures, place, problems));
    let protection = protection(raw.protection, require_tests, signatures);
    let deployment = deployment::resolve(raw.deployment, keys, &mut unsupported, problems);
    let suites = scope
        .suites
        .map(|known| suites(&raw.suites, known, &mut unsupported, problems))
        .unwrap_or_default();
    check_replicas(raw.resources.as_ref(), keys, problems);
    let hooks = raw.hooks.as_ref().or(scope.hooks).map(hooks).unwrap_or_default();
    Some(Environment {
        kind: raw.kind?.0,
        name: raw.name,
        description: raw.description,
        url: raw.url,
        repository,
        network,
        target,
        protection,
        variables: raw
            .variables
            .into_iter()
            .map(|(name, value)| (name.0, value.value.0))
            .collect(),
        secrets: raw
            .secrets
            .into_iter()
            .map(|(name, source)| (name.0, source))
            .collect(),
        deployment,
        suites,
        acceptance: acceptance::resolve(raw.acceptance, scope.suites, problems),
        temporary: None,
        hooks,
        freeze: Vec::new(),
        infrastructure: raw.infrastructure,
        resources: raw.resources,
        security: raw.security,
        observability: raw.observability,
        features: raw.features,
        unsupported,
    })
}

/// Something that this version cannot perform.
fn check_type(raw: &RawEnvironment, keys: &Keys, scope: &Scope<'_>, problems: &mut Vec<Diagnostic>) {
    if raw.kind.is_none() && keys.place("type").is_none() && !scope.template {
        problems.push(
            Diagnostic::error(
                raw.name.place,
                format!("the environment `{}` has no type", raw.name.value),
            )
            .help("add `type: development`, `test`, `acceptance`, `staging` or `production`"),
        );
    }
}

fn check_names(raw: &RawEnvironment, problems: &mut Vec<Diagnostic>) {
    for name in raw.variables.keys().filter(|name| raw.secrets.contains_key(name)) {
        problems.push(
            Diagnostic::error(
                raw.secrets[name].place,
                format!("`{}` is a variable and a secret", name.0),
            )
            .related(raw.variables[name].place, "the variable")
            .help("keep one of the two"),
        );
    }
}

/// The blocks that only describe.
fn described(keys: &Keys) -> Vec<Unsupported> {
    // A target that makes machines uses the network.
    let network = keys.place("proxmox").is_none().then_some("network");
    let others = [
        "infrastructure",
        "resources",
        "security",
        "observability",
        "features",
    ];
    let blocks = network.into_iter().chain(others);
    blocks
        .filter_map(|block| Some(note(Part::Description, format!("`{block}`"), keys.place(block)?)))
        .collect()
}

fn network(raw: RawNetwork, problems: &mut Vec<Diagnostic>) -> Option<Network> {
    let subnet: Option<Located<IpNet>> = read(raw.subnet, "a subnet like 192.168.2.0/24", problems);
    let gateway = read(raw.gateway, "an address like 192.168.2.1", problems);
    let dns_servers = raw
        .dns_servers
        .into_iter()
        .filter_map(|server| read(server, "an address like 1.1.1.1", problems))
        .map(|server| server.value)
        .collect();
    let (subnet, gateway) = (subnet?, gateway?);
    if subnet.value != subnet.trunc() {
        problems.push(
            Diagnostic::error(
                subnet.place,
                format!("{} is an address in a subnet", subnet.value),
            )
            .help(format!("write {}", subnet.trunc())),
        );
    }
    if !subnet.contains(&gateway.value) {
        problems.push(
            Diagnostic::error(
                gateway.place,
                format!("the gateway {} lies outside of its subnet", gateway.value),
            )
            .related(subnet.place, "the subnet")
            .help(match subnet.hosts().next() {
                Some(first) => format!("use an address of {}, like {first}", subnet.trunc()),
                None => "use an address of the subnet".into(),
            }),
        );
    }
    Some(Network {
        subnet,
        gateway,
        dns_servers,
    })
}

/// `protection` and `deployment` both have the key; where both are written they must agree.
fn require_tests(
    protection: &RawProtection,
    deployment: &RawDeployment,
    problems: &mut Vec<Diagnostic>,
) -> bool {
    if let (Some(one), Some(other)) = (&protection.require_tests, &deployment.require_tests)
        && one.value != other.value
    {
        problems.push(
            Diagnostic::error(other.place, "`requireTests` is said twice, and differently")
                .related(one.place, "under `protection`")
                .help("keep the one under `protection`"),
        );
    }
    protection
        .require_tests
        .as_ref()
        .or(deployment.require_tests.as_ref())
        .is_none_or(|required| required.value)
}

fn protection(raw: RawProtection, require_tests: bool, signatures: Option<SignaturePolicy>) -> Protection {
    Protection {
        enabled: raw.enabled.unwrap_or(true),
        require_approval: raw.require_approval,
        approvals: Approvals {
            count: raw.approvals.count,
            teams: raw.approvals.teams,
            allow_self: raw.approvals.allow_self,
        },
        allow_overwrite: raw.allow_overwrite,
        require_tests,
        from: raw.from,
        signatures,
    }
}

fn suites(
    names: &[Located<String>],
    known: &Known,
    unsupported: &mut Vec<Unsupported>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Suite> {
    let mut seen = BTreeSet::new();
    let mut suites = Vec::new();
    for name in names {
        if !seen.insert(&name.value) {
            continue;
        }
        if let Some(suite) = known.suites.get(&name.value) {
            unsupported.extend(known.unsupported.get(&name.value).into_iter().flatten().cloned());
            suites.push(suite.clone());
            continue;
        }
        let problem = Diagnostic::error(name.place, format!("there is no suite `{}`", name.value));
        problems.push(
            match closest(&name.value, known.suites.keys().map(String::as_str)) {
                Some(meant) => problem.help(did_you_mean(meant)),
                None => problem.help("add it under `suites` in the pipeline file"),
            },
        );
    }
    suites
}

fn check_replicas(
    resources: Option<&super::super::description::Resources>,
    keys: &Keys,
    problems: &mut Vec<Diagnostic>,
) {
    let workers = resources.and_then(|resources| resources.workers.as_ref());
    let bounds = workers.and_then(|workers| workers.min_replicas.zip(workers.max_replicas));
    if let (Some((min, max)), Some(place)) = (bounds, keys.place("resources.workers"))
        && min > max
    {
        problems.push(
            Diagnostic::error(
                place,
                format!("`minReplicas` ({min}) is above `maxReplicas` ({max})"),
            )
            .help("swap the two"),
        );
    }
}

fn hooks(raw: &RawHooks) -> Hooks {
    let all = |hooks: &[RawHook]| hooks.iter().map(hook).collect();
    Hooks {
        before_deploy: all(&raw.before_deploy),
        after_deploy: all(&raw.after_deploy),
    }
}

fn hook(raw: &RawHook) -> HookConfig {
    let Argv(run) = raw.run.value.clone();
    HookConfig {
        name: raw.name.clone(),
        run,
        reversible: raw.reversible,
        timeout: raw.timeout,
    }
}
