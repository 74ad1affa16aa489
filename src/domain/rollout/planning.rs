//! Planning: what was asked for and what was found → the whole rollout, before anything is touched.

use super::abilities::Abilities;
use super::plan::{Grounds, Kind, Placement, Plan, Readiness, RollbackPolicy};
use super::plan_error::PlanError;
use super::step::{Hook, Side, Step};
use super::strategy;
use crate::domain::model::{
    DeploymentId, Endpoint, EnvironmentName, Origin, Period, Release, Slot, Strategy, Suite, UnitId,
};
use std::collections::{BTreeMap, BTreeSet};

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanRequest {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Deploy or rollback.
    pub kind: Kind,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: EnvironmentName,
    /// Who asked, why, and from where.
    pub origin: Origin,
    /// How the candidate takes over.
    pub strategy: Strategy,
    /// What goes out.
    pub candidate: Release,
    /// The units that are to run it, without repetition.
    pub units: Vec<UnitId>,
    /// Where clients reach the service.
    pub url: Option<Endpoint>,
    /// When an instance counts as ready.
    pub readiness: Readiness,
    /// What happens on failure.
    pub policy: RollbackPolicy,
    /// How long the service is watched after all traffic has moved, before the previous release goes.
    pub watch: Period,
    /// How long a retired instance may take to finish.
    pub drain: Period,
    /// How many units are worked on at the same time.
    pub parallelism: u32,
    /// How many backups of each unit are kept, where what runs is saved first.
    pub backups: Option<u32>,
    /// Suites that must pass.
    pub suites: Vec<Suite>,
    /// Hooks before the first unit is touched.
    pub before: Vec<Hook>,
    /// Hooks after promotion.
    pub after: Vec<Hook>,
    /// On what grounds the candidate may go out.
    pub grounds: Grounds,
}

/// What one unit was found to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// The slot whose release serves.
    pub serving: Option<Slot>,
    /// A slot that holds something else of ours, left by a rollout that failed.
    pub leftover: Option<Slot>,
}

/// What was found before anything was touched.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// The release on record as live.
    pub live: Option<Release>,
    /// Every unit that holds something, wanted or not.
    pub units: BTreeMap<UnitId, Occupancy>,
}

/// Settles the whole rollout.
///
/// # Errors
/// When the strategy does not fit the target, with what to use instead.
pub fn plan(request: PlanRequest, observed: &Observed, abilities: Abilities) -> Result<Plan, PlanError> {
    if request.units.is_empty() {
        return Err(PlanError::NoUnits(request.environment));
    }
    let placements = place(&request.units, observed, abilities);
    let steps = steps(&request, observed, &placements, abilities)?;
    Ok(Plan {
        deployment: request.deployment,
        kind: request.kind,
        service: request.service,
        environment: request.environment,
        origin: request.origin,
        strategy: request.strategy,
        candidate: request.candidate,
        previous: observed.live.clone(),
        placements,
        url: request.url,
        routed: abilities.routed,
        in_place: !abilities.two_slots,
        readiness: request.readiness,
        policy: request.policy,
        drain: request.drain,
        parallelism: request.parallelism.max(1),
        grounds: request.grounds,
        signatures: Vec::new(),
        steps,
    })
}

/// Gives each unit its slots: the candidate goes where the serving release is not.
fn place(wanted: &[UnitId], observed: &Observed, abilities: Abilities) -> Vec<Placement> {
    let serving = |unit: &UnitId| observed.units.get(unit).and_then(|found| found.serving);
    let candidate = |previous: Option<Slot>| match previous {
        Some(slot) if abilities.two_slots => slot.other(),
        _ => Slot::Blue,
    };
    let kept = wanted.iter().map(|unit| {
        let previous = serving(unit);
        Placement {
            unit: unit.clone(),
            previous,
            candidate: Some(candidate(previous)),
        }
    });
    let known: BTreeSet<&UnitId> = wanted.iter().collect();
    let surplus = observed
        .units
        .iter()
        .filter(|(unit, _)| !known.contains(unit))
        .filter_map(|(unit, found)| {
            let slot = found.serving.or(found.leftover)?;
            Some(Placement {
                unit: unit.clone(),
                previous: Some(slot),
                candidate: None,
            })
        });
    kept.chain(surplus).collect()
}

fn steps(
    request: &PlanRequest,
    observed: &Observed,
    placements: &[Placement],
    abilities: Abilities,
) -> Result<Vec<Step>, PlanError> {
    let route = strategy::Route {
        units: request.units.clone(),
        everyone: placements
            .iter()
            .map(|placement| placement.unit.clone())
            .collect(),
        replaced: placements
            .iter()
            .filter(|placement| {
                placement.previous.is_some() && (abilities.two_slots || placement.candidate.is_none())
            })
            .map(|placement| placement.unit.clone())
            .collect(),
        abilities,
        suites: &request.suites,
        reachable: request.url.is_some(),
        watch: request.watch,
    };
    let mut steps = Vec::new();
    let leftovers = leftovers(observed, placements, abilities);
    if !leftovers.is_empty() {
        steps.push(Step::Retire {
            side: Side::Candidate,
            units: leftovers,
        });
    }
    let saved = saved(request, placements);
    steps.extend((!saved.is_empty()).then(|| Step::Backup { units: saved.clone() }));
    steps.extend(request.before.iter().cloned().map(Step::Hook));
    steps.extend(match &request.strategy {
        Strategy::Direct => strategy::direct::steps(&route),
        Strategy::BlueGreen => strategy::blue_green::steps(&route)?,
        Strategy::Rolling(rolling) => strategy::rolling::steps(&route, rolling),
        Strategy::Canary(canary) => strategy::canary::steps(&route, canary)?,
    });
    steps.push(Step::Promote);
    steps.extend(request.after.iter().cloned().map(Step::Hook));
    let rest = unretired(&route, &steps);
    if !rest.is_empty() {
        steps.push(Step::Retire {
            side: Side::Previous,
            units: rest,
        });
    }
    if let (Some(keep), false) = (request.backups, saved.is_empty()) {
        steps.push(Step::PruneBackups { units: saved, keep });
    }
    Ok(steps)
}

/// Units in which something runs that is to be saved.
fn saved(request: &PlanRequest, placements: &[Placement]) -> Vec<UnitId> {
    placements
        .iter()
        .filter(|placement| request.backups.is_some() && placement.previous.is_some())
        .map(|placement| placement.unit.clone())
        .collect()
}

/// Units whose previous release none of these steps removes.
fn unretired(route: &strategy::Route<'_>, steps: &[Step]) -> Vec<UnitId> {
    let retired: BTreeSet<&UnitId> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Retire {
                side: Side::Previous,
                units,
            } => Some(units),
            _ => None,
        })
        .flatten()
        .collect();
    route
        .replaced
        .iter()
        .filter(|unit| !retired.contains(unit))
        .cloned()
        .collect()
}

/// Wanted units in whose candidate slot something of an earlier rollout was left.
fn leftovers(observed: &Observed, placements: &[Placement], abilities: Abilities) -> Vec<UnitId> {
    placements
        .iter()
        .filter(|placement| {
            let leftover = observed
                .units
                .get(&placement.unit)
                .and_then(|found| found.leftover);
            abilities.two_slots && leftover.is_some() && leftover == placement.candidate
        })
        .map(|placement| placement.unit.clone())
        .collect()
}
