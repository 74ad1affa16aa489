//! Deployments: one for each that greenroom makes, and how it stands.

use super::GitHub;
use super::calls::deployments as calls;
use super::talk::Talk;
use crate::domain::model::{
    DeploymentDraft, DeploymentState, DeploymentUpdate, EnvironmentName, ErrorKind, PortError,
};

use serde::Deserialize;
use serde_json::Value;

/// Most deployments of a commit whose states are read in search of the job's own.
const CANDIDATES: usize = 10;
/// Most earlier deployments of an environment that are looked at.
const EARLIER: usize = 30;
/// So many inactive ones in a row, and those before them were dealt with.
const SETTLED: usize = 5;

#[derive(Deserialize)]
struct Deployment {
    id: u64,
    environment: String,
    #[serde(default)]
    payload: Value,
}

impl Deployment {
    /// Greenroom's own id in it: GitHub gives the payload back as an object or as the text of one.
    fn own(&self) -> Option<String> {
        let parsed: Value;
        let payload = match &self.payload {
            Value::String(text) => {
                parsed = serde_json::from_str(text).unwrap_or_default();
                &parsed
            }
            payload => payload,
        };
        Some(payload.pointer("/greenroom/id")?.as_str()?.to_owned())
    }

    fn is_in(&self, environment: &str) -> bool {
        self.environment.to_lowercase() == environment.to_lowercase()
    }
}

#[derive(Deserialize)]
struct Status {
    id: u64,
    state: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    environment_url: Option<String>,
    #[serde(default)]
    log_url: Option<String>,
    #[serde(default)]
    target_url: Option<String>,
}

/// See [`crate::ports::Forge::open_deployment`].
pub(super) fn open(github: &GitHub, draft: &DeploymentDraft) -> Result<u64, PortError> {
    let talk = github.talk(&format!(
        "opening the deployment of {} {} to {}",
        draft.service, draft.version, draft.environment
    ));
    talk.settle(
        || find(&talk, draft),
        || {
            let reply = talk.send(&calls::create(draft))?;
            if reply.status == 202 {
                let message = "GitHub merged the default branch into the commit's branch and made no \
                    deployment, although it was told not to: run this again for the new commit";
                return Err(talk.error(ErrorKind::Conflict, message));
            }
            Ok(talk.read::<Deployment>(reply)?.id)
        },
    )
}

/// The deployment that has the draft's id, else the one that GitHub made for the run's job.
fn find(talk: &Talk<'_>, draft: &DeploymentDraft) -> Result<Option<u64>, PortError> {
    let mut known: Vec<Deployment> = talk.ask(&calls::of_commit(&draft.commit))?;
    if let Some(commit) = draft
        .run_commit
        .as_ref()
        .filter(|commit| **commit != draft.commit)
    {
        known.extend(talk.ask::<Vec<Deployment>>(&calls::of_commit(commit))?);
    }
    known.retain(|deployment| deployment.is_in(draft.environment.as_str()));
    let own = known
        .iter()
        .find(|deployment| deployment.own().as_deref() == Some(draft.id.as_str()));
    if let Some(own) = own {
        return Ok(Some(own.id));
    }
    let Some(run) = draft.run else {
        return Ok(None);
    };
    let foreign = known.iter().filter(|deployment| deployment.own().is_none());
    for candidate in foreign.take(CANDIDATES) {
        let part = format!("/actions/runs/{run}/");
        let is_of_run = |url: &Option<String>| url.as_ref().is_some_and(|url| url.contains(&part));
        let statuses: Vec<Status> = talk.ask(&calls::statuses(candidate.id))?;
        if statuses
            .iter()
            .any(|status| is_of_run(&status.log_url) || is_of_run(&status.target_url))
        {
            return Ok(Some(candidate.id));
        }
    }
    Ok(None)
}

/// See [`crate::ports::Forge::update_deployment`].
pub(super) fn update(github: &GitHub, number: u64, update: &DeploymentUpdate) -> Result<(), PortError> {
    let state = calls::state(update.state);
    let talk = github.talk(&format!("showing {} as {state}", update.environment));
    talk.settle(
        || {
            let newest = newest(&talk, number)?;
            Ok(newest.is_some_and(|newest| says(&newest, update)).then_some(()))
        },
        || talk.send(&calls::show(number, update)).map(drop),
    )?;
    if update.state == DeploymentState::Success {
        retire_earlier(&talk, number, update)?;
    }
    Ok(())
}

/// Whether that is what is shown already.
fn says(newest: &Status, update: &DeploymentUpdate) -> bool {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    newest.state == calls::state(update.state)
        && text(&newest.description) == calls::description(update)
        && (update.url.is_none() || text(&newest.environment_url) == text(&update.url))
}

/// The newest state of a deployment.
fn newest(talk: &Talk<'_>, number: u64) -> Result<Option<Status>, PortError> {
    let statuses: Vec<Status> = talk.ask(&calls::statuses(number))?;
    // They come newest first, which is written nowhere; their numbers grow.
    Ok(statuses.into_iter().max_by_key(|status| status.id))
}

/// What was live in the environment before `number` is not any more, and what was under way there is not
/// under way any more: one deployment at a time has the environment. What failed keeps saying so.
fn retire_earlier(talk: &Talk<'_>, number: u64, update: &DeploymentUpdate) -> Result<(), PortError> {
    let spelled: Deployment = talk.ask(&calls::deployment(number))?;
    let mut earlier: Vec<Deployment> = talk.ask(&calls::of_environment(&spelled.environment, EARLIER))?;
    if spelled.environment != update.environment.as_str() {
        let others =
            talk.ask::<Vec<Deployment>>(&calls::of_environment(update.environment.as_str(), EARLIER))?;
        earlier.extend(others);
    }
    earlier.retain(|deployment| deployment.id < number && deployment.is_in(update.environment.as_str()));
    earlier.sort_by_key(|deployment| std::cmp::Reverse(deployment.id));
    earlier.dedup_by_key(|deployment| deployment.id);
    let live = live(talk, &earlier)?;
    retire(talk, live, &format!("replaced by deployment {number}"))
}

/// See [`crate::ports::Forge::retire_environment`].
pub(super) fn retire_environment(
    github: &GitHub,
    environment: &EnvironmentName,
    description: &str,
) -> Result<(), PortError> {
    let talk = github.talk(&format!("showing that {environment} is gone"));
    let mut own: Vec<Deployment> = talk.ask(&calls::of_environment(environment.as_str(), EARLIER))?;
    own.retain(|deployment| deployment.own().is_some() && deployment.is_in(environment.as_str()));
    own.sort_by_key(|deployment| std::cmp::Reverse(deployment.id));
    let live = live(&talk, &own)?;
    retire(&talk, live, description)
}

/// Those that are live, and those of greenroom's own that are under way; `known` comes newest first, and so do
/// they.
fn live(talk: &Talk<'_>, known: &[Deployment]) -> Result<Vec<u64>, PortError> {
    let mut live = Vec::new();
    let mut inactive = 0;
    for deployment in known.iter().take(EARLIER) {
        let state = newest(talk, deployment.id)?.map(|status| status.state);
        match state.as_deref() {
            Some("inactive") => inactive += 1,
            Some("success") => live.push(deployment.id),
            None | Some("in_progress" | "queued" | "pending") if deployment.own().is_some() => {
                live.push(deployment.id);
            }
            _ => {}
        }
        if inactive == SETTLED {
            break;
        }
    }
    Ok(live)
}

/// Makes these inactive, the oldest first: where this breaks off, the newest still show where to go on.
fn retire(talk: &Talk<'_>, live: Vec<u64>, description: &str) -> Result<(), PortError> {
    let is_inactive = |status: &Status| status.state == "inactive";
    for number in live.into_iter().rev() {
        talk.settle(
            || {
                Ok(newest(talk, number)?
                    .as_ref()
                    .is_some_and(is_inactive)
                    .then_some(()))
            },
            || talk.send(&calls::retire(number, description)).map(drop),
        )?;
    }
    Ok(())
}
