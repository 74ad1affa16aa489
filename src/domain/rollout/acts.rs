//! Step ids back to steps.

use super::event::Event;
use super::machine::{Next, Rollout};
use super::plan::Plan;
use super::step::{Step, StepId};
use std::collections::BTreeMap;

/// Every step that was begun, by its id. `events` are those that followed `Planned`; the rest of a
/// list that does not fit the plan is passed over.
pub fn acts<'a>(plan: &Plan, events: impl IntoIterator<Item = &'a Event>) -> BTreeMap<StepId, Step> {
    let mut rollout = Rollout::new(plan.clone());
    let mut acts = BTreeMap::new();
    for event in events {
        if let (Event::Began { step }, Next::Run(id, act)) = (event, rollout.next())
            && id == *step
        {
            acts.insert(id, act);
        }
        if rollout.apply(event).is_err() {
            break;
        }
    }
    acts
}
