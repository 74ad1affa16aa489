//! What several environments came to, and one that had nothing to do.

use crate::domain::model::{DeploymentId, EnvironmentName, Version};
use crate::domain::rollout::Plan;
use serde::Serialize;
use serde_json::Value;

/// What a command came to that reports on none or on several environments; of one alone its document stands by
/// itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.runs/1", rename_all = "camelCase")]
pub struct RunsDocument<'a> {
    /// Rollouts first, then the documents of whatever has no rollout: each with a `schema` of its own.
    pub runs: &'a [Value],
}

/// An environment in which the release is live already, so that nothing was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.unchanged/1", rename_all = "camelCase")]
pub struct UnchangedDocument<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The version that is live.
    pub version: &'a Version,
    /// The deployment that brought it.
    pub deployment: &'a DeploymentId,
}

impl<'a> UnchangedDocument<'a> {
    /// Shows that the release of `plan` is live in `environment` already.
    pub fn of(environment: &'a EnvironmentName, plan: &'a Plan) -> Self {
        Self {
            environment,
            version: &plan.candidate.version,
            deployment: &plan.deployment,
        }
    }
}
