//! What would be done with a rollout that is taken up.

use super::describe::{describe_step, place};
use super::{Redact, foreign};
use crate::domain::model::Version;
use crate::domain::rollout::{Ahead, Outcome, Plan};

/// The steps that are ahead as a phrase each, with its place in its part of the run: `back 1`.
pub fn describe_ahead(plan: &Plan, ahead: &Ahead, redact: Redact<'_>) -> Vec<(String, String)> {
    let steps = ahead.steps.iter();
    steps
        .map(|(id, step)| {
            let words = foreign::line(&redact(&describe_step(plan, step)));
            (place(*id), words)
        })
        .collect()
}

/// How it ends if nothing fails, as a sentence.
pub fn describe_end(plan: &Plan, outcome: Outcome) -> String {
    let name = |version: &Version| foreign::line(version.as_str());
    match (outcome, &plan.previous) {
        (Outcome::Succeeded, _) => format!("{} is live then", name(&plan.candidate.version)),
        (Outcome::RolledBack, Some(previous)) => format!("{} is live again then", name(&previous.version)),
        (Outcome::RolledBack, None) => "nothing is live then, as before".to_owned(),
        (Outcome::Halted, _) => "it halts then, and waits for a person".to_owned(),
    }
}
