//! Who agreed to a deployment: gathered from the CI run's reviews and from the ledger.

use super::Ask;
use crate::app::error::AppError;
use crate::app::workspace::Workspace;
use crate::app::{approve, forge, record};
use crate::config::environment::Environment;
use crate::history;
use crate::model::{ApprovedBy, Approver, Subject};
use crate::policy::{Consent, Membership, Said, Voice, Way};
use crate::ports::{ErrorKind, Reviews};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What speaks for the release of `ask`, where the environment requires approval. What cannot be read is an
/// error, never nobody.
///
/// # Errors
/// When the ledger or the forge cannot be read.
pub(super) fn consent(
    workspace: &Workspace,
    environment: &Environment,
    ask: &Ask,
) -> Result<Option<Consent>, AppError> {
    let protection = &environment.protection;
    if !protection.enabled || !protection.require_approval {
        return Ok(None);
    }
    if ask.way == Way::Rollback && was_live(workspace, environment, ask)? {
        return Ok(Some(Consent::LiveBefore));
    }
    let forge = forge::connect(workspace)?;
    let forge = forge.map(|forge| forge as Arc<dyn Reviews>);
    gather(workspace, environment, ask, forge.as_deref()).map(|said| Some(Consent::Asked(said)))
}

/// Whether this very release was the version on record here, and was not taken back.
fn was_live(workspace: &Workspace, environment: &Environment, ask: &Ask) -> Result<bool, AppError> {
    let records = record::all(workspace.ledger()?.as_ref(), &environment.name.value)?;
    let id = ask.release.id();
    let timeline = history::timeline(&records);
    let mut deployments = timeline.deployments.iter();
    Ok(deployments.any(|one| one.live_since.is_some() && one.plan.candidate.id() == id))
}

fn gather(
    workspace: &Workspace,
    environment: &Environment,
    ask: &Ask,
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
    let mut approvers = reviews(workspace, name.as_str(), forge, &mut said)?;
    if let Some((seq, standing)) = approve::found(workspace, name)? {
        let ours = standing
            .into_iter()
            .filter(|approval| approval.subject == subject);
        approvers.extend(ours.map(|approval| Approver {
            name: approval.origin.actor.name,
            by: ApprovedBy::Record {
                seq,
                via: approval.origin.actor.via,
            },
        }));
    }
    said.agreed = voices(environment, forge, approvers)?;
    Ok(said)
}

/// What an approval has to name: the image, or the release where there is none (yet).
fn subject(ask: &Ask) -> Subject {
    match &ask.release.artifact {
        Some(artifact) => Subject::Image(artifact.digest.clone()),
        None => Subject::Release(ask.release.id()),
    }
}

/// Who agreed to this CI run for this environment; who rejected it goes into `said`.
fn reviews(
    workspace: &Workspace,
    environment: &str,
    forge: Option<&dyn Reviews>,
    said: &mut Said,
) -> Result<Vec<Approver>, AppError> {
    let Some(run) = workspace.context.environment.get("GITHUB_RUN_ID") else {
        return Ok(Vec::new());
    };
    let run: u64 = run
        .parse()
        .map_err(|_| AppError::Usage(format!("GITHUB_RUN_ID has to be a number and is {run:?}")))?;
    let Some(forge) = forge else {
        said.silent.push(
            "the reviews of this run were not read: GITHUB_TOKEN and GITHUB_REPOSITORY have to be set"
                .to_owned(),
        );
        return Ok(Vec::new());
    };
    let mut approvers = Vec::new();
    for review in forge.of_run(run)? {
        let mut named = review.environments.iter();
        if !named.any(|name| name.eq_ignore_ascii_case(environment)) {
            continue;
        }
        if review.approved {
            approvers.push(Approver {
                name: review.who,
                by: ApprovedBy::Review { run },
            });
        } else {
            said.rejected.push(review.who);
        }
    }
    Ok(approvers)
}

/// The approvers with what is known of their teams, each person asked for once.
fn voices(
    environment: &Environment,
    forge: Option<&dyn Reviews>,
    approvers: Vec<Approver>,
) -> Result<Vec<Voice>, AppError> {
    let teams = &environment.protection.approvals.teams;
    let name = environment.name.value.as_str();
    let trusted = match forge {
        Some(forge) if !teams.is_empty() && approvers.iter().any(is_review) => {
            let rules = forge.environment_rules(name)?.unwrap_or_default();
            // Only members of these teams could review at all.
            rules.reviewers.is_empty()
                && !rules.teams.is_empty()
                && rules
                    .teams
                    .iter()
                    .all(|team| teams.iter().any(|ours| same_team(ours, team)))
        }
        _ => false,
    };
    let mut known: BTreeMap<String, Membership> = BTreeMap::new();
    let mut voices = Vec::new();
    for approver in approvers {
        let membership = if teams.is_empty() || (trusted && is_review(&approver)) {
            Membership::Member
        } else if let Some(known) = known.get(&approver.name.to_lowercase()) {
            known.clone()
        } else {
            let found = membership(forge, teams, &approver.name)?;
            known.insert(approver.name.to_lowercase(), found.clone());
            found
        };
        voices.push(Voice { approver, membership });
    }
    Ok(voices)
}

fn is_review(approver: &Approver) -> bool {
    matches!(approver.by, ApprovedBy::Review { .. })
}

/// Whether a configured team, `slug` or `organization/slug`, is the forge's team of this slug.
fn same_team(configured: &str, slug: &str) -> bool {
    let own = configured.rsplit('/').next().unwrap_or(configured);
    own.eq_ignore_ascii_case(slug)
}

fn membership(forge: Option<&dyn Reviews>, teams: &[String], login: &str) -> Result<Membership, AppError> {
    let Some(forge) = forge else {
        return Ok(Membership::Unknown(
            "there is no forge to ask for teams: set GITHUB_REPOSITORY and GITHUB_TOKEN".to_owned(),
        ));
    };
    let mut denied = None;
    for team in teams {
        match forge.is_member(team, login) {
            Ok(true) => return Ok(Membership::Member),
            Ok(false) => {}
            Err(error) if error.kind == ErrorKind::Denied => {
                denied = Some(format!(
                    "the token may not see team {team}: use one that may read the organization's members, or let \
                     only teams review the environment"
                ));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(denied.map_or(Membership::Stranger, Membership::Unknown))
}
