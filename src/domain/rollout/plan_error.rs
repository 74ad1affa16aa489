//! Why a rollout cannot be planned.

use crate::domain::model::EnvironmentName;
use thiserror::Error;

/// A rollout that cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Nothing to deploy to.
    #[error("environment {0} has no units")]
    NoUnits(EnvironmentName),
    /// Both versions would have to stand in one unit.
    #[error("blue-green needs room for two versions in each unit, and this target replaces in place")]
    BlueGreenInPlace,
    /// There is nothing to divide.
    #[error("canary needs a router that splits traffic, or at least two units")]
    NothingToSplit,
}

impl PlanError {
    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::NoUnits(_) => "give it at least one",
            Self::BlueGreenInPlace => "use direct or rolling",
            Self::NothingToSplit => "add a router or units, or use rolling",
        }
    }
}
