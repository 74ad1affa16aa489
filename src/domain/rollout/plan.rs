//! Plans: everything a rollout will do, settled before anything is touched.

use super::step::{Step, Watch};
use crate::domain::model::{
    Approver, Check, DeploymentId, Endpoint, EnvironmentName, Origin, Period, Proof, Release, Signed, Slot,
    Strategy, UnitId,
};
use serde::{Deserialize, Serialize};

/// What kind of change a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A release moves forward.
    Deploy,
    /// A person asked for an earlier release.
    Rollback,
}

/// Where in one unit the two releases stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The unit.
    pub unit: UnitId,
    /// The slot of the previous release; `None` when nothing of ours ran there.
    pub previous: Option<Slot>,
    /// The slot that the candidate goes to; `None` when the unit is no longer wanted.
    pub candidate: Option<Slot>,
}

impl Plan {
    /// Whether a limit on the times of answers is among what its traffic is judged by.
    pub fn limits_times(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Observe(Watch::Traffic { thresholds, .. }) => thresholds.p95.is_some(),
            _ => false,
        })
    }
}

/// When an instance counts as ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readiness {
    /// The health check; `None` where being up is enough (a worker without an address).
    pub check: Option<Check>,
    /// Time between two samples.
    pub interval: Period,
    /// The longest wait.
    pub timeout: Period,
}

/// What happens when something fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackPolicy {
    /// Whether a failure before the point of no return is followed by the way back; otherwise the
    /// rollout halts where it is.
    pub automatic: bool,
    /// Whether a failed candidate is removed; otherwise it is left without traffic, to be looked at.
    pub clean_up: bool,
    /// How many units may fail and be left on the previous release.
    pub max_failures: u32,
}

/// On what grounds a release may go out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grounds {
    /// Whether the checks before the build were skipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub checks_skipped: bool,
    /// That its image succeeded in the environment before, where that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Who approved, where somebody had to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<Approver>,
}

impl Grounds {
    fn are_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// A settled plan: self-contained, so that a rollout resumes from its ledger alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Deploy or rollback.
    pub kind: Kind,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: EnvironmentName,
    /// Who asked, why, and from where.
    pub origin: Origin,
    /// How the candidate takes over.
    pub strategy: Strategy,
    /// What goes out.
    pub candidate: Release,
    /// What was live when the plan was made; `None` for a first deployment.
    pub previous: Option<Release>,
    /// Every unit; those that are no longer wanted come last.
    pub placements: Vec<Placement>,
    /// Where clients reach the service; `None` for a service without an address.
    pub url: Option<Endpoint>,
    /// Whether a router splits its traffic.
    pub routed: bool,
    /// Whether a unit has one slot, in which the candidate replaces the previous release.
    pub in_place: bool,
    /// When an instance counts as ready.
    pub readiness: Readiness,
    /// What happens on failure.
    pub policy: RollbackPolicy,
    /// How long a retired instance may take to finish its requests and stop.
    pub drain: Period,
    /// How many units are worked on at the same time.
    pub parallelism: u32,
    /// On what grounds the candidate may go out.
    #[serde(default, skip_serializing_if = "Grounds::are_plain")]
    pub grounds: Grounds,
    /// The signatures of the candidate's image that let it in; none where none are asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signed>,
    /// The way forward.
    pub steps: Vec<Step>,
}
