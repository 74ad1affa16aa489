//! Recovery: the steps that bring the previous release back, from wherever the rollout stands.

use super::plan::{Placement, Plan};
use super::step::{Side, Step};
use crate::domain::model::{Percent, UnitId};
use std::collections::BTreeSet;

/// The most steps that one way back has.
pub(super) const MOST_STEPS: usize = 4;

/// What a rollout has done to its units so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ground {
    /// Units in which staging the candidate was begun.
    pub(super) touched: BTreeSet<UnitId>,
    /// Units that may have had traffic for the candidate.
    pub(super) shifted: BTreeSet<UnitId>,
    /// Units from which removing the previous release was begun.
    pub(super) retired: BTreeSet<UnitId>,
}

/// The way back for all that was touched, or for `only` these units.
///
/// The previous release is put back where it is gone, awaited where it was gone, given all traffic;
/// then the candidate goes. Where nothing ran before, the candidate is only removed.
pub(super) fn steps(plan: &Plan, ground: &Ground, only: Option<&BTreeSet<UnitId>>) -> Vec<Step> {
    let chosen = |unit: &UnitId| only.is_none_or(|only| only.contains(unit));
    let changed = |placement: &&Placement| {
        chosen(&placement.unit)
            && (ground.touched.contains(&placement.unit) || ground.retired.contains(&placement.unit))
    };
    let had = units(
        plan.placements
            .iter()
            .filter(changed)
            .filter(|p| p.previous.is_some()),
    );
    let candidates = units(plan.placements.iter().filter(|p| {
        ground.touched.contains(&p.unit) && chosen(&p.unit) && (!plan.in_place || p.previous.is_none())
    }));
    let gone: Vec<UnitId> = had
        .iter()
        .filter(|unit| plan.in_place || ground.retired.contains(*unit))
        .cloned()
        .collect();
    let shifted = units(
        plan.placements
            .iter()
            .filter(|p| chosen(&p.unit) && ground.shifted.contains(&p.unit)),
    );

    let mut steps = Vec::new();
    let mut push = |units: Vec<UnitId>, step: fn(Vec<UnitId>) -> Step| {
        if !units.is_empty() {
            steps.push(step(units));
        }
    };
    push(had, |units| Step::Restore { units });
    push(gone, |units| Step::AwaitReady {
        side: Side::Previous,
        units,
    });
    if plan.routed {
        push(shifted, |units| Step::Shift {
            units,
            percent: Percent::ZERO,
        });
    }
    if plan.policy.clean_up {
        push(candidates, |units| Step::Retire {
            side: Side::Candidate,
            units,
        });
    }
    steps
}

fn units<'a>(placements: impl Iterator<Item = &'a Placement>) -> Vec<UnitId> {
    placements.map(|placement| placement.unit.clone()).collect()
}
