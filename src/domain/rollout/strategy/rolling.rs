//! Rolling: batch after batch, each carrying traffic before the next one starts.

use super::Route;
use crate::domain::model::{Percent, Rolling, UnitId};
use crate::domain::rollout::step::{Side, Step};

pub(in crate::domain::rollout) fn steps(route: &Route<'_>, rolling: &Rolling) -> Vec<Step> {
    let batches: Vec<&[UnitId]> = route
        .units
        .chunks(rolling.batch.size(route.units.len()))
        .collect();
    let mut steps = Vec::new();
    for (index, batch) in batches.iter().enumerate() {
        steps.extend(route.stage(batch));
        steps.extend(route.shift(batch, Percent::ALL));
        let replaced: Vec<UnitId> = batch
            .iter()
            .filter(|unit| route.replaced.contains(unit))
            .cloned()
            .collect();
        if !replaced.is_empty() {
            steps.push(Step::Retire {
                side: Side::Previous,
                units: replaced,
            });
        }
        if index + 1 < batches.len() && !rolling.pause.is_zero() {
            steps.push(Step::Pause {
                period: rolling.pause,
            });
        }
    }
    if route.everyone.len() > route.units.len() {
        steps.extend(route.shift(&route.everyone, Percent::ALL));
    }
    steps.extend(route.verify());
    steps
}
