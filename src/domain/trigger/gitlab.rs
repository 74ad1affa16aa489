//! What a pipeline of GitLab CI is about, from its predefined variables (docs.gitlab.com, "Predefined CI/CD
//! variables reference").

use super::{Inputs, PullRequest, TriggerEvent};
use crate::domain::model::CommitId;
use std::collections::BTreeMap;

/// Reads the event from the variables of a job. `inputs` are those that a person gave
/// (`GREENROOM_INPUT_*`); in a pipeline that was started by hand `ENVIRONMENT` is one, too.
///
/// A merge is a push to the target branch, as GitLab sees it. A pipeline of a merge request knows the labels
/// that the merge request has, and not which one was added last.
pub fn event(variables: &BTreeMap<String, String>, inputs: Inputs) -> TriggerEvent {
    let given = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let text = |name: &str| given(name).cloned();
    let commit = |name: &str| given(name)?.parse().ok().filter(|id: &CommitId| !id.is_zero());
    let reference = text("CI_COMMIT_TAG")
        .map(|tag| format!("refs/tags/{tag}"))
        .or_else(|| text("CI_COMMIT_BRANCH").map(|branch| format!("refs/heads/{branch}")));
    match given("CI_PIPELINE_SOURCE").map_or("", String::as_str) {
        "" => TriggerEvent::Absent,
        "push" => TriggerEvent::Push {
            reference: reference.unwrap_or_default(),
            before: commit("CI_COMMIT_BEFORE_SHA"),
            after: commit("CI_COMMIT_SHA"),
            deleted: false,
        },
        source @ ("web" | "api" | "trigger") => {
            let typed = text("ENVIRONMENT").filter(|_| source == "web");
            TriggerEvent::Dispatch {
                reference,
                commit: commit("CI_COMMIT_SHA"),
                inputs: match typed {
                    Some(environment) => inputs.or("environment", environment),
                    None => inputs,
                },
            }
        }
        "merge_request_event" => {
            let number = |name: &str| given(name)?.parse().ok();
            let labels = text("CI_MERGE_REQUEST_LABELS").unwrap_or_default();
            TriggerEvent::PullRequest(Box::new(PullRequest {
                action: "labeled".to_owned(),
                number: number("CI_MERGE_REQUEST_IID"),
                labels: labels.split(',').map(|label| label.trim().to_owned()).collect(),
                head_ref: text("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
                // In a pipeline for the merged result CI_COMMIT_SHA is a throw-away merge.
                head_sha: commit("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(|| commit("CI_COMMIT_SHA")),
                head_repository: number("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"),
                // A fork may run the pipeline itself, and is CI_PROJECT_ID then.
                repository: number("CI_MERGE_REQUEST_PROJECT_ID").or_else(|| number("CI_PROJECT_ID")),
                base_ref: text("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
                base_sha: commit("CI_MERGE_REQUEST_TARGET_BRANCH_SHA"),
                ..PullRequest::default()
            }))
        }
        other => TriggerEvent::Other {
            name: other.to_owned(),
        },
    }
}
