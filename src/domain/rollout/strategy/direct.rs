//! Direct: all units, then all traffic.

use super::Route;
use crate::domain::model::Percent;
use crate::domain::rollout::step::Step;

pub(in crate::domain::rollout) fn steps(route: &Route<'_>) -> Vec<Step> {
    let mut steps = route.stage(&route.units).to_vec();
    steps.extend(route.shift(&route.everyone, Percent::ALL));
    steps.extend(route.verify());
    steps
}
