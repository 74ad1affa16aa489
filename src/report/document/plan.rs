//! What a deployment would do.

use super::FailureReason;
use crate::domain::model::{EnvironmentName, Version};
use crate::domain::rollout::Plan;
use serde::Serialize;

/// What would be done, whichever command was asked for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.plans/1", rename_all = "camelCase")]
pub struct PlansDocument<'a> {
    /// One for each environment.
    pub plans: Vec<PlanRow<'a>>,
}

/// What would be done in one environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PlanRow<'a> {
    /// It can go ahead.
    Ready {
        /// The environment.
        environment: &'a EnvironmentName,
        /// The plan.
        plan: &'a Plan,
        /// What is worth knowing all the same.
        notes: &'a [String],
    },
    /// This very release is live and runs everywhere.
    AlreadyLive {
        /// The environment.
        environment: &'a EnvironmentName,
        /// The version that is live.
        live: &'a Version,
    },
    /// It cannot go ahead.
    Failed {
        /// The environment.
        environment: &'a EnvironmentName,
        /// Why not.
        error: FailureReason,
    },
}
