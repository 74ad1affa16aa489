//! The proof, from the ledger, that an image succeeded in the environment before.

use super::error::AppError;
use super::record::EnvironmentRecord;
use super::workspace::Workspace;
use crate::config::Environment;
use crate::domain::history;
use crate::domain::history::DeploymentEntry;
use crate::domain::model::{Digest, EnvironmentName, Proof, Record, Stored, Suite, Verdict};
use crate::domain::policy::{CheckTrial, Ended, PriorDeployment, prove};
use crate::domain::rollout::{Kind, Outcome, Step, Watch};
use crate::ports::Ledger;
use std::collections::BTreeMap;

/// The proof that `environment` asks for: that `image` succeeded in `from` with every suite that was
/// planned for it there, and those that `environment` names and `from` has. `Err` holds every piece that is
/// missing.
///
/// # Errors
/// When the ledger cannot be read.
pub(super) fn proof(
    workspace: &Workspace,
    from: &EnvironmentName,
    environment: &Environment,
    image: &Digest,
) -> Result<Result<Proof, Vec<String>>, AppError> {
    let before = &workspace.environment(from)?.suites;
    let required: Vec<String> = environment
        .suites
        .iter()
        .filter(|suite| before.iter().any(|other| other.name == suite.name))
        .map(|suite| suite.name.clone())
        .collect();
    let ledger = workspace.ledger()?;
    // What is live is what is promoted as a rule: its own records are enough then, however long the
    // history is.
    let standing = EnvironmentRecord::read(ledger.as_ref(), from)?;
    let live = standing
        .live
        .as_ref()
        .and_then(|plan| plan.candidate.artifact.as_ref());
    let live = live.is_some_and(|artifact| artifact.digest == *image);
    let since = standing
        .head
        .as_ref()
        .and_then(|head| head.record.refs.get("live"))
        .filter(|_| live);
    if let Some(&since) = since {
        let found = prove(from, image, &required, &trials(ledger.as_ref(), from, since)?);
        if found.is_ok() {
            return Ok(found);
        }
    }
    Ok(prove(from, image, &required, &trials(ledger.as_ref(), from, 0)?))
}

/// The deployments of an environment from record `since` on, oldest first.
fn trials(
    ledger: &dyn Ledger,
    environment: &EnvironmentName,
    since: u64,
) -> Result<Vec<PriorDeployment>, AppError> {
    let mut stored: Vec<Stored> = Vec::new();
    let last = ledger.head(environment)?.map_or(0, |head| head.record.seq);
    for seq in since..=last {
        stored.extend(ledger.read(environment, seq)?);
    }
    let hashes: BTreeMap<u64, Digest> = stored
        .iter()
        .map(|stored| (stored.record.seq, stored.hash.clone()))
        .collect();
    let records: Vec<Record> = stored.into_iter().map(|stored| stored.record).collect();
    let timeline = history::timeline(&records);
    // A deployment that began before `since` and ended after it is another's.
    Ok(timeline
        .deployments
        .iter()
        .map(|deployment| trial(deployment, &hashes))
        .collect())
}

fn trial(deployment: &DeploymentEntry, hashes: &BTreeMap<u64, Digest>) -> PriorDeployment {
    let plan = &deployment.plan;
    let previous = plan
        .previous
        .as_ref()
        .and_then(|release| release.artifact.as_ref());
    let ended = deployment.outcome.map(|outcome| match outcome {
        Outcome::Succeeded => Ended::Succeeded,
        Outcome::RolledBack => Ended::RolledBack,
        Outcome::Halted => Ended::Halted,
    });
    let went_back = plan.kind == Kind::Rollback && ended == Some(Ended::Succeeded);
    let image = deployment.digest().cloned();
    PriorDeployment {
        left: previous
            .map(|artifact| artifact.digest.clone())
            .filter(|digest| went_back && Some(digest) != image.as_ref()),
        image,
        finished: hashes
            .get(&deployment.last)
            .filter(|_| ended.is_some())
            .map(|hash| (deployment.last, hash.clone())),
        ended,
        checks_skipped: plan.grounds.checks_skipped,
        checks: checks(deployment),
    }
}

/// Every check of every suite that was planned or judged, with its last verdict in each unit and place.
fn checks(deployment: &DeploymentEntry) -> Vec<CheckTrial> {
    let mut last: BTreeMap<(String, String), BTreeMap<String, Option<Verdict>>> = BTreeMap::new();
    let planned = deployment.plan.steps.iter().filter_map(|step| match step {
        Step::Observe(Watch::Preview { suite, .. } | Watch::Service { suite }) => Some(suite),
        _ => None,
    });
    for Suite { name, checks } in planned {
        for check in checks {
            last.entry((name.clone(), check.name.clone())).or_default();
        }
    }
    for evidence in &deployment.evidence {
        let Some(suite) = &evidence.suite else { continue };
        let place = match &evidence.unit {
            Some(unit) => unit.to_string(),
            None => String::new(),
        };
        last.entry((suite.clone(), evidence.check.clone()))
            .or_default()
            .insert(place, Some(evidence.verdict));
    }
    last.into_iter()
        .flat_map(|((suite, check), verdicts)| {
            let verdicts: Vec<Option<Verdict>> = if verdicts.is_empty() {
                vec![None]
            } else {
                verdicts.into_values().collect()
            };
            verdicts.into_iter().map(move |verdict| CheckTrial {
                suite: suite.clone(),
                check: check.clone(),
                verdict,
            })
        })
        .collect()
}
