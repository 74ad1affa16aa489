//! Canary: a growing share, each judged before the next. By traffic where the router can split it,
//! else by whole units.

use super::Route;
use crate::domain::model::{Canary, Percent};
use crate::domain::rollout::plan_error::PlanError;
use crate::domain::rollout::step::Step;

pub(in crate::domain::rollout) fn steps(route: &Route<'_>, canary: &Canary) -> Result<Vec<Step>, PlanError> {
    if route.abilities.split && route.abilities.two_slots && !canary.by_units {
        return Ok(by_traffic(route, canary));
    }
    if route.units.len() < 2 {
        return Err(PlanError::NothingToSplit);
    }
    Ok(by_units(route, canary))
}

fn by_traffic(route: &Route<'_>, canary: &Canary) -> Vec<Step> {
    let mut steps = route.stage(&route.units).to_vec();
    steps.extend(route.preview());
    for &share in &canary.steps {
        steps.extend(route.shift(&route.everyone, share));
        steps.extend(route.watch_for(canary.every, &canary.thresholds));
    }
    steps.extend(route.shift(&route.everyone, Percent::ALL));
    steps.extend(route.verify());
    steps
}

fn by_units(route: &Route<'_>, canary: &Canary) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut done = 0;
    for &share in &canary.steps {
        // The last unit waits for the end: with every unit on the candidate nothing is left to compare.
        let upto = share.of(route.units.len()).min(route.units.len() - 1);
        if upto > done {
            let group = &route.units[done..upto];
            steps.extend(route.stage(group));
            steps.extend(route.shift(group, Percent::ALL));
            steps.extend(route.watch_for(canary.every, &canary.thresholds));
            done = upto;
        }
    }
    steps.extend(route.stage(&route.units[done..]));
    steps.extend(route.shift(&route.everyone, Percent::ALL));
    steps.extend(route.verify());
    steps
}
