//! Who agreed to a deployment: gathered from the CI run's reviews and from the ledger.

use super::DeployRequest;
use super::voices::{self, Question};
use crate::app::connections::Place;
use crate::app::error::AppError;
use crate::app::workspace::Workspace;
use crate::app::{approve, forge, record};
use crate::config::environment::Environment;
use crate::domain::history;
use crate::domain::model::{ApprovedBy, Approver, EnvironmentName, Subject};
use crate::domain::policy::{Consent, Said, Way};
use crate::ports::Reviews;
use std::sync::Arc;

/// What speaks for the release of `ask`, where the environment requires approval. What cannot be read is an
/// error, never nobody.
///
/// # Errors
/// When the ledger or the forge cannot be read.
pub(super) fn consent(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
) -> Result<Option<Consent>, AppError> {
    let protection = &environment.protection;
    if !protection.enabled || !protection.require_approval {
        return Ok(None);
    }
    if ask.way == Way::Rollback && was_live(workspace, environment, ask)? {
        return Ok(Some(Consent::LiveBefore));
    }
    let forge = forge::connect(&workspace.context)?;
    let forge = forge.map(|forge| forge as Arc<dyn Reviews>);
    gather(workspace, environment, ask, forge.as_deref()).map(|said| Some(Consent::Asked(said)))
}

/// Whether this very release was the version on record here, and was not taken back.
fn was_live(workspace: &Workspace, environment: &Environment, ask: &DeployRequest) -> Result<bool, AppError> {
    let records = record::all(workspace.ledger()?.as_ref(), &environment.name.value)?;
    let id = ask.release.id();
    let timeline = history::timeline(&records);
    let mut deployments = timeline.deployments.iter();
    Ok(deployments.any(|one| one.live_since.is_some() && one.plan.candidate.id() == id))
}

fn gather(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
    forge: Option<&dyn Reviews>,
) -> Result<Said, AppError> {
    let name = &environment.name.value;
    let subject = subject(ask);
    let variables = &workspace.context.environment;
    let mut said = Said {
        asked: [
            Some(ask.origin.actor.name.as_str()),
            variables.get("GITHUB_ACTOR"),
            variables.get("GITHUB_TRIGGERING_ACTOR"),
        ]
        .into_iter()
        .flatten()
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect(),
        command: match &subject {
            Subject::Image(digest) => format!("greenroom approve {name} --image {digest} --reason …"),
            Subject::Release(id) => format!("greenroom approve {name} --release {id} --reason …"),
        },
        ..Said::default()
    };
    let repository = Place::of(&workspace.context.environment).repository;
    let question = Question {
        environment: name.as_str(),
        teams: &environment.protection.approvals.teams,
        run: run(workspace)?,
        owner: repository.and_then(|repository| repository.split('/').next()),
    };
    let recorded = recorded(workspace, name, &subject)?;
    voices::hear(&question, forge, recorded, &mut said)?;
    Ok(said)
}

/// Number of the CI run that this is a part of.
fn run(workspace: &Workspace) -> Result<Option<u64>, AppError> {
    let run = workspace.context.environment.get("GITHUB_RUN_ID");
    let Some(run) = run.filter(|run| !run.is_empty()) else {
        return Ok(None);
    };
    run.parse()
        .map(Some)
        .map_err(|_| AppError::usage(format!("GITHUB_RUN_ID has to be a number and is {run:?}")))
}

/// Who approved `subject` in the ledger, and still stands by it.
fn recorded(
    workspace: &Workspace,
    environment: &EnvironmentName,
    subject: &Subject,
) -> Result<Vec<Approver>, AppError> {
    let Some((seq, mut standing)) = approve::found(workspace, environment)? else {
        return Ok(Vec::new());
    };
    standing.retain(|approval| approval.subject == *subject);
    let approvers = standing.into_iter().map(|approval| Approver {
        name: approval.origin.actor.name,
        by: ApprovedBy::Record {
            seq,
            via: approval.origin.actor.via,
        },
    });
    Ok(approvers.collect())
}

/// What an approval has to name: the image, or the release where there is none (yet).
fn subject(ask: &DeployRequest) -> Subject {
    match &ask.release.artifact {
        Some(artifact) => Subject::Image(artifact.digest.clone()),
        None => Subject::Release(ask.release.id()),
    }
}
