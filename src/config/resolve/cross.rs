//! What only shows when environments are held against each other.

use super::super::diagnostic::Diagnostic;
use super::super::environment::Environment;
use super::super::place::{Located, Span};
use super::super::proxmox::RemoteRouter;
use super::super::raw::RawHooks;
use super::super::target::Vendor;
use super::super::typed::{closest, did_you_mean};
use crate::domain::model::EnvironmentName;
use std::collections::BTreeMap;

/// What the root file needs to know of what was written for environments.
pub(super) struct Names<'a> {
    /// As written, those of broken environments among them.
    pub(super) all: Vec<String>,
    /// Whether every file could be read: otherwise a name that is not there may be in one that could
    /// not.
    pub(super) complete: bool,
    /// Hooks of the environments' own.
    pub(super) hooks: &'a [RawHooks],
}

impl Names<'_> {
    /// Reports a name that no environment has.
    pub(super) fn check(&self, name: &Located<EnvironmentName>, problems: &mut Vec<Diagnostic>) {
        let known = self.all.iter().any(|known| known == name.as_str());
        if known || !self.complete {
            return;
        }
        let problem = Diagnostic::error(name.place, format!("there is no environment `{}`", name.value));
        problems.push(
            match closest(name.as_str(), self.all.iter().map(String::as_str)) {
                Some(meant) => problem.help(did_you_mean(meant)),
                None => problem.help("list its file under `environments`"),
            },
        );
    }
}

/// Overlapping ranges of VM ids and overlapping subnets.
pub(super) fn compare(environments: &[Environment], problems: &mut Vec<Diagnostic>) {
    let ranges = environments.iter().filter_map(|environment| {
        let Vendor::Proxmox(proxmox) = environment.vendor()?;
        let range = &proxmox.vm_id_range;
        Some(Claim {
            environment,
            place: range.place,
            first: u128::from(range.start),
            last: u128::from(range.end),
            shown: format!("{}-{}", range.start, range.end),
        })
    });
    report("range of VM ids", ranges.collect(), problems);
    let subnets = |v4: bool| {
        environments.iter().filter_map(move |environment| {
            let subnet = &environment.network.as_ref()?.subnet;
            let number = |address| match address {
                core::net::IpAddr::V4(address) => u128::from(u32::from(address)),
                core::net::IpAddr::V6(address) => u128::from(address),
            };
            (subnet.addr().is_ipv4() == v4).then(|| Claim {
                environment,
                place: subnet.place,
                first: number(subnet.network()),
                last: number(subnet.broadcast()),
                shown: subnet.value.to_string(),
            })
        })
    };
    report("subnet", subnets(true).collect(), problems);
    report("subnet", subnets(false).collect(), problems);
    backends(environments, problems);
}

/// Two environments in one backend of an `HAProxy`: their units have the same names, so that each would
/// steer the other's servers.
fn backends(environments: &[Environment], problems: &mut Vec<Diagnostic>) {
    let mut known: BTreeMap<(&str, &str), &Environment> = BTreeMap::new();
    for environment in environments {
        let Some(vendor) = environment.vendor() else {
            continue;
        };
        let Vendor::Proxmox(proxmox) = vendor;
        let Some(RemoteRouter::Haproxy(haproxy)) = &proxmox.router else {
            continue;
        };
        let Some(other) = known.insert((&haproxy.runtime, &haproxy.backend), environment) else {
            continue;
        };
        let (own, others) = (&environment.name, &other.name);
        problems.push(
            Diagnostic::error(
                own.place,
                format!(
                    "`{}` and `{}` have the same backend `{}` of one HAProxy",
                    others.value, own.value, haproxy.backend
                ),
            )
            .related(others.place, format!("`{}`", others.value))
            .help("give each environment one of its own: `router: { haproxy: { backend: … } }`"),
        );
    }
}

/// A range of numbers that an environment has for itself.
struct Claim<'a> {
    environment: &'a Environment,
    place: Span,
    first: u128,
    last: u128,
    shown: String,
}

/// Sorted by their start, a claim overlaps one before it exactly when it starts before the furthest
/// end so far.
fn report(what: &str, mut claims: Vec<Claim<'_>>, problems: &mut Vec<Diagnostic>) {
    claims.sort_by_key(|claim| (claim.first, claim.place));
    let mut furthest: Option<&Claim<'_>> = None;
    for claim in &claims {
        if let Some(other) = furthest.filter(|other| claim.first <= other.last) {
            let (later, earlier) = if claim.place < other.place {
                (other, claim)
            } else {
                (claim, other)
            };
            problems.push(
                Diagnostic::error(
                    later.place,
                    format!(
                        "the {what} of `{}` ({}) overlaps that of `{}` ({})",
                        later.environment.name.value,
                        later.shown,
                        earlier.environment.name.value,
                        earlier.shown
                    ),
                )
                .label(format!("`{}`", later.environment.name.value))
                .related(earlier.place, format!("`{}`", earlier.environment.name.value))
                .help("give each environment one of its own"),
            );
        }
        if furthest.is_none_or(|other| claim.last > other.last) {
            furthest = Some(claim);
        }
    }
}
