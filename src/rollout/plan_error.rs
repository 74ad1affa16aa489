//! Why a rollout cannot be planned.

use crate::model::EnvironmentName;
use thiserror::Error;

/// A rollout that cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Nothing to deploy to.
    #[error("environment {0} has no units: give it at least one")]
    NoUnits(EnvironmentName),
    /// Both versions would have to stand in one unit.
    #[error(
        "blue-green needs room for two versions in each unit, and this target replaces in place: use direct or rolling"
    )]
    BlueGreenInPlace,
    /// There is nothing to divide.
    #[error(
        "canary needs a router that splits traffic, or at least two units: add a router or units, or use rolling"
    )]
    NothingToSplit,
}
