//! Traffic: the share that each slot of each unit is to have.

use super::plan::Plan;
use crate::domain::model::{Percent, Slot, UnitId};
use std::collections::BTreeMap;

/// One slot's share of the traffic, relative to the other shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The unit.
    pub unit: UnitId,
    /// The slot.
    pub slot: Slot,
    /// Its weight; 0 means no new requests.
    pub weight: u16,
}

/// The whole table for candidate shares per unit (absent: none of it).
///
/// Where every unit has the same share and their numbers differ before and after (more or fewer
/// instances), weights are scaled so that the candidates together get exactly that share.
pub(super) fn table(plan: &Plan, shares: &BTreeMap<UnitId, Percent>) -> Vec<Share> {
    let share_of = |unit: &UnitId| shares.get(unit).copied().unwrap_or(Percent::ZERO).get();
    let olds = plan
        .placements
        .iter()
        .filter(|placement| placement.previous.is_some())
        .count();
    let news = plan
        .placements
        .iter()
        .filter(|placement| placement.candidate.is_some())
        .count();
    let first = plan
        .placements
        .first()
        .map_or(0, |placement| share_of(&placement.unit));
    let even = plan
        .placements
        .iter()
        .all(|placement| share_of(&placement.unit) == first);
    let (candidate_factor, previous_factor) = if even && olds > 0 && news > 0 {
        reduce(olds, news)
    } else {
        (1, 1)
    };
    let weight = |share: u8, factor: usize| u16::try_from(usize::from(share) * factor).unwrap_or(u16::MAX);
    let mut table = Vec::new();
    for placement in &plan.placements {
        let share = share_of(&placement.unit);
        let mut push = |slot, weight| {
            table.push(Share {
                unit: placement.unit.clone(),
                slot,
                weight,
            });
        };
        if plan.in_place {
            let kept = placement.candidate.is_some();
            push(Slot::Blue, if kept { 100 } else { u16::from(100 - share) });
            continue;
        }
        if let Some(slot) = placement.previous {
            push(slot, weight(100 - share, previous_factor));
        }
        if let Some(slot) = placement.candidate {
            push(slot, weight(share, candidate_factor));
        }
    }
    table
}

/// The two counts without their common divisor, kept small enough for a weight.
fn reduce(a: usize, b: usize) -> (usize, usize) {
    let (mut high, mut low) = (a, b);
    while low != 0 {
        (high, low) = (low, high % low);
    }
    let (a, b) = (a / high, b / high);
    let most = usize::from(u16::MAX) / 100;
    if a > most || b > most {
        ((a * most / a.max(b)).max(1), (b * most / a.max(b)).max(1))
    } else {
        (a, b)
    }
}
