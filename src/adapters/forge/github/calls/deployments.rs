//! Deployments and how they stand.

use super::{Call, segment, without_nulls};
use crate::domain::model::{CommitId, DeploymentDraft, DeploymentState, DeploymentUpdate, one_line};

use serde_json::{Value, json};

const NEEDS: &str = "deployments: write";
/// The longest description, in characters (REST API, "Create a deployment status").
const DESCRIPTION: usize = 140;

/// The newest deployments of a commit, in all environments: their names compare case-insensitively, and the
/// filter on them may not.
pub fn of_commit(commit: &CommitId) -> Call {
    Call::get(NEEDS, format!("deployments?sha={commit}&per_page=100"))
}

/// The newest deployments to an environment, as GitHub spells it.
pub fn of_environment(environment: &str, most: usize) -> Call {
    let environment = segment(environment);
    Call::get(
        NEEDS,
        format!("deployments?environment={environment}&per_page={most}"),
    )
}

/// One deployment.
pub fn deployment(number: u64) -> Call {
    Call::get(NEEDS, format!("deployments/{number}"))
}

/// The states that a deployment had, newest first.
pub fn statuses(number: u64) -> Call {
    Call::get(NEEDS, format!("deployments/{number}/statuses?per_page=30"))
}

/// A new deployment. GitHub's own ideas are switched off: it would merge the default branch into the commit,
/// and wait for this very job's own check.
pub fn create(draft: &DeploymentDraft) -> Call {
    let body = json!({
        "ref": draft.commit.as_str(),
        "task": draft.task,
        "auto_merge": false,
        "required_contexts": [],
        "payload": {
            "greenroom": {
                "id": draft.id.as_str(),
                "service": draft.service,
                "version": draft.version,
            },
        },
        "environment": draft.environment.as_str(),
        "description": one_line(&draft.description, DESCRIPTION),
        "transient_environment": draft.transient,
        "production_environment": draft.production,
    });
    Call::post(NEEDS, "deployments".to_owned(), body)
}

/// A new state of a deployment. What was live before is made inactive one by one, because GitHub's own way
/// leaves production and transient environments out.
pub fn show(number: u64, update: &DeploymentUpdate) -> Call {
    let body = json!({
        "state": state(update.state),
        "environment": update.environment.as_str(),
        "description": description(update),
        "environment_url": update.url,
        "log_url": update.log,
        "auto_inactive": false,
    });
    status(number, body)
}

/// Another deployment, of which nothing else is known, is not live any more.
pub fn retire(number: u64, description: &str) -> Call {
    let body = json!({
        "state": state(DeploymentState::Inactive),
        "description": one_line(description, DESCRIPTION),
        "auto_inactive": false,
    });
    status(number, body)
}

fn status(number: u64, body: Value) -> Call {
    Call::post(
        NEEDS,
        format!("deployments/{number}/statuses"),
        without_nulls(body),
    )
}

/// GitHub's word for a state.
pub fn state(state: DeploymentState) -> &'static str {
    match state {
        DeploymentState::InProgress => "in_progress",
        DeploymentState::Success => "success",
        DeploymentState::Failure => "failure",
        DeploymentState::Error => "error",
        DeploymentState::Inactive => "inactive",
    }
}

/// The description as it is sent.
pub fn description(update: &DeploymentUpdate) -> String {
    one_line(&update.description, DESCRIPTION)
}
