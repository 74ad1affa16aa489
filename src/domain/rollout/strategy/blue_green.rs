//! Blue-green: the candidate stands complete and proven beside the live version before the switch.

use super::Route;
use crate::domain::model::Percent;
use crate::domain::rollout::plan_error::PlanError;
use crate::domain::rollout::step::Step;

pub(in crate::domain::rollout) fn steps(route: &Route<'_>) -> Result<Vec<Step>, PlanError> {
    if !route.abilities.two_slots {
        return Err(PlanError::BlueGreenInPlace);
    }
    let mut steps = route.stage(&route.units).to_vec();
    steps.extend(route.preview());
    steps.extend(route.shift(&route.everyone, Percent::ALL));
    steps.extend(route.verify());
    Ok(steps)
}
