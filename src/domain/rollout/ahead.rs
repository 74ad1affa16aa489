//! What a rollout still has before it.

use super::event::{Event, Outcome, StepResult};
use super::machine::{Next, Rollout};
use super::step::{Step, StepId};

/// The rest of a rollout in which every step is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Ahead {
    /// The steps in their order; the first is the one that was begun and has not ended, where there is one.
    pub steps: Vec<(StepId, Step)>,
    /// How it ends then.
    pub outcome: Outcome,
}

impl Rollout {
    /// What is still to come from where it stands, if nothing fails.
    pub fn ahead(&self) -> Ahead {
        let (mut rollout, mut steps) = (self.clone(), Vec::new());
        loop {
            let (id, step) = match rollout.next() {
                Next::Finished(outcome) => return Ahead { steps, outcome },
                Next::Run(id, step) => (id, step),
            };
            steps.push((id, step));
            let result = StepResult::Done;
            let done = [Event::Began { step: id }, Event::Ended { step: id, result }];
            if done.iter().any(|event| rollout.apply(event).is_err()) {
                // A machine that names a step takes it; one that does not could do no more by itself.
                return Ahead {
                    steps,
                    outcome: Outcome::Halted,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Origin;
    use crate::testing::story::{forward, performed, plan};

    fn origin() -> Origin {
        plan("d", "1.1.0", None).origin
    }

    fn ids(ahead: &Ahead) -> Vec<String> {
        ahead.steps.iter().map(|(id, _)| id.to_string()).collect()
    }

    #[test]
    fn the_step_that_was_begun_comes_again_and_then_those_after_it() {
        let plan = plan("d-1", "1.1.0", Some("1.0.0"));
        let whole = Rollout::new(plan.clone()).ahead();
        assert_eq!(
            (whole.steps.len(), whole.outcome),
            (plan.steps.len(), Outcome::Succeeded)
        );

        let [began, ended] = performed(forward(0), StepResult::Done);
        let [second, _] = performed(forward(1), StepResult::Done);
        let resumed = Event::Resumed { origin: origin() };
        let events = [began, ended, second, resumed];
        let ahead = Rollout::replay(plan, &events).unwrap().ahead();
        assert_eq!(ids(&ahead), ids(&whole)[1..]);
        assert_eq!(ahead.outcome, Outcome::Succeeded);
    }

    #[test]
    fn after_an_abort_it_is_the_way_back() {
        let plan = plan("d-1", "1.1.0", Some("1.0.0"));
        let [began, ended] = performed(forward(0), StepResult::Done);
        let events = [began, ended, Event::Aborted { origin: origin() }];
        let rollout = Rollout::replay(plan, &events).unwrap();
        let ahead = rollout.ahead();
        assert_eq!(ahead.outcome, Outcome::RolledBack);
        assert!(!ahead.steps.is_empty(), "what was started goes");
        let back = |(id, _): &(StepId, Step)| id.phase == super::super::step::Phase::Recovery;
        assert!(ahead.steps.iter().all(back), "{ahead:?}");
        assert_eq!(rollout.ahead(), ahead, "nothing was moved by looking");
    }
}
