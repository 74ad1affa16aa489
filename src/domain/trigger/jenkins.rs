//! What a build of Jenkins is about, from the variables of a multibranch pipeline (Branch API plugin, "Environment
//! variables") and of the git plugin.

use super::{Inputs, PullRequest, TriggerEvent};
use crate::domain::model::CommitId;
use std::collections::BTreeMap;

/// Stands for the repository of the build: Jenkins has no ids of repositories.
const HERE: u64 = 0;

/// Reads the event from the variables of a build. `inputs` are those that a person gave
/// (`GREENROOM_INPUT_*`, from the build's parameters): with any of them the build was started by hand, without
/// one it is a push to its branch.
///
/// A build of a change request knows no labels, so that none deploys by itself.
pub fn event(variables: &BTreeMap<String, String>, inputs: Inputs) -> TriggerEvent {
    let given = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let text = |name: &str| given(name).cloned();
    let commit = |name: &str| given(name)?.parse().ok().filter(|id: &CommitId| !id.is_zero());
    if let Some(id) = given("CHANGE_ID") {
        return TriggerEvent::PullRequest(Box::new(PullRequest {
            action: "built".to_owned(),
            number: id.parse().ok(),
            head_ref: text("CHANGE_BRANCH"),
            head_sha: commit("GIT_COMMIT"),
            // The name of the fork, where there is one.
            head_repository: given("CHANGE_FORK").is_none().then_some(HERE),
            repository: Some(HERE),
            base_ref: text("CHANGE_TARGET"),
            ..PullRequest::default()
        }));
    }
    // Outside of a multibranch pipeline the git plugin names the branch of the remote.
    let remote = || given("GIT_BRANCH").map(|branch| branch.strip_prefix("origin/").unwrap_or(branch));
    let branch = given("BRANCH_NAME").map(String::as_str).or_else(remote);
    let reference = given("TAG_NAME")
        .map(|tag| format!("refs/tags/{tag}"))
        .or_else(|| branch.map(|branch| format!("refs/heads/{branch}")));
    match reference {
        _ if !inputs.is_empty() => TriggerEvent::Dispatch {
            reference,
            commit: commit("GIT_COMMIT"),
            inputs,
        },
        None => TriggerEvent::Absent,
        Some(reference) => TriggerEvent::Push {
            reference,
            before: commit("GIT_PREVIOUS_COMMIT"),
            after: commit("GIT_COMMIT"),
            deleted: false,
        },
    }
}
