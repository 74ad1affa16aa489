//! Several environments: at the same time, or one after the other.

use super::delivery::Delivery;
use super::wish::RunProgress;
use crate::app::deploy::Done;
use crate::app::error::AppError;
use crate::domain::model::EnvironmentName;
use crate::domain::rollout::Outcome;
use crate::parallel::each;
use std::collections::VecDeque;

/// Each environment in the order it was begun, and what came of it.
pub(super) type Results = Vec<(EnvironmentName, Result<Done, AppError>)>;

/// Deploys to all of them at the same time.
pub(super) fn at_once(delivery: &Delivery<'_>) -> Results {
    let names = &delivery.identified.environments;
    each(names, names.len(), |name| {
        let environment = delivery.job.workspace.environment(name);
        let done = environment.and_then(|environment| delivery.deploy(environment));
        (name.clone(), done)
    })
}

/// Deploys to one after the other, up to the first that does not succeed; then to those that follow on their own.
pub(super) fn in_sequence(delivery: &mut Delivery<'_>, tell: &mut dyn FnMut(RunProgress<'_>)) -> Results {
    let mut waiting: VecDeque<EnvironmentName> = delivery.identified.environments.iter().cloned().collect();
    let mut results = Results::new();
    while let Some(name) = waiting.pop_front() {
        let done = one(delivery, &name, tell);
        let succeeded = match &done {
            Ok(Done::Deployed(deployed)) => deployed.outcome == Outcome::Succeeded,
            Ok(Done::AlreadyLive(_)) => true,
            Err(_) => false,
        };
        results.push((name.clone(), done));
        if !succeeded {
            break;
        }
        if waiting.is_empty()
            && let Some(next) = follower(delivery, &name)
            && results.iter().all(|(done, _)| *done != next)
        {
            tell(RunProgress::Promoted(&next));
            waiting.push_back(next);
        }
    }
    results
}

fn one(
    delivery: &mut Delivery<'_>,
    name: &EnvironmentName,
    tell: &mut dyn FnMut(RunProgress<'_>),
) -> Result<Done, AppError> {
    let environment = delivery.job.workspace.environment(name)?;
    delivery.judge(environment, tell)?;
    delivery.deploy(environment)
}

/// Returns the environment that follows `name` in the order of promotion, where `name` promotes automatically.
fn follower(delivery: &Delivery<'_>, name: &EnvironmentName) -> Option<EnvironmentName> {
    let workspace = delivery.job.workspace;
    let promotes = workspace.environment(name).ok()?.deployment.auto_promote;
    let order = &workspace.project.promotion;
    let place = order.iter().position(|each| each == name)?;
    order.get(place + 1).filter(|_| promotes).cloned()
}
