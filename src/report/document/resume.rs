//! What would be done with a rollout that is taken up.

use crate::domain::model::{DeploymentId, EnvironmentName, Version};
use crate::domain::rollout::{Ahead, Outcome, Plan};
use crate::report::describe_ahead;
use serde::Serialize;

/// What `resume` or `abort` would do; where no rollout is open, nothing is said of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "schema",
    rename = "greenroom.takeup.preview/1",
    rename_all = "camelCase"
)]
pub struct ResumeDocument<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// `resume` or `abort`.
    pub command: &'a str,
    /// The deployment that is open.
    pub deployment: Option<&'a DeploymentId>,
    /// The version that it brings.
    pub version: Option<&'a Version>,
    /// Why it does not go on by itself, where that is on record.
    pub cause: Option<&'a str>,
    /// What would be done, in order.
    pub steps: Vec<AheadRow>,
    /// How it ends if nothing fails.
    pub outcome: Option<Outcome>,
    /// What is worth knowing all the same.
    pub notes: &'a [String],
}

/// A step that is ahead.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AheadRow {
    /// Its place in its part of the run: `back 1`.
    pub place: String,
    /// What it does, in words.
    pub step: String,
}

impl<'a> ResumeDocument<'a> {
    /// Says that no rollout is open in `environment`.
    pub fn nothing(environment: &'a EnvironmentName, command: &'a str) -> Self {
        Self {
            environment,
            command,
            deployment: None,
            version: None,
            cause: None,
            steps: Vec::new(),
            outcome: None,
            notes: &[],
        }
    }

    /// Shows what is ahead of the rollout of `plan` when it is taken up by `command`.
    pub fn of(command: &'a str, plan: &'a Plan, ahead: &Ahead) -> Self {
        let steps = describe_ahead(plan, ahead, &str::to_owned).into_iter();
        Self {
            deployment: Some(&plan.deployment),
            version: Some(&plan.candidate.version),
            steps: steps.map(|(place, step)| AheadRow { place, step }).collect(),
            outcome: Some(ahead.outcome),
            ..Self::nothing(&plan.environment, command)
        }
    }
}
