//! Steps: what the machine asks the engine to do. Each is idempotent.

use crate::domain::model::{Percent, Period, Suite, Thresholds, UnitId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which of the two releases a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The new release.
    Candidate,
    /// The release that was live when the rollout began.
    Previous,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Candidate => "candidate",
            Self::Previous => "previous",
        })
    }
}

/// One act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Run a hook.
    Hook(Hook),
    /// Save what runs in these units, and prove that it is saved.
    Backup {
        /// The units.
        units: Vec<UnitId>,
    },
    /// Remove all but the newest backups of these units.
    PruneBackups {
        /// The units.
        units: Vec<UnitId>,
        /// How many of each stay.
        keep: u32,
    },
    /// Put the candidate into its slot of these units.
    Stage {
        /// The units.
        units: Vec<UnitId>,
    },
    /// Put the previous release back into its slot of these units, where it is not still there.
    Restore {
        /// The units.
        units: Vec<UnitId>,
    },
    /// Wait until these units answer their health check.
    AwaitReady {
        /// Which release.
        side: Side,
        /// The units.
        units: Vec<UnitId>,
    },
    /// Give the candidate this share of the traffic of these units, and the previous release the rest.
    Shift {
        /// The units.
        units: Vec<UnitId>,
        /// The candidate's share.
        percent: Percent,
    },
    /// Watch and judge.
    Observe(Watch),
    /// Wait.
    Pause {
        /// How long.
        period: Period,
    },
    /// Make the candidate the version on record, with all traffic. The point of no return.
    Promote,
    /// Drain and remove one side from these units.
    Retire {
        /// Which release.
        side: Side,
        /// The units.
        units: Vec<UnitId>,
    },
}

impl Step {
    /// The step for those of its units for which `keep` holds.
    pub(super) fn only(&self, keep: impl Fn(&UnitId) -> bool) -> Self {
        let mut step = self.clone();
        match &mut step {
            Self::Backup { units }
            | Self::PruneBackups { units, .. }
            | Self::Stage { units }
            | Self::Restore { units }
            | Self::AwaitReady { units, .. }
            | Self::Shift { units, .. }
            | Self::Retire { units, .. } => units.retain(keep),
            Self::Hook(_) | Self::Observe(_) | Self::Pause { .. } | Self::Promote => {}
        }
        step
    }
}

/// A command of the user's, run at a fixed point of the rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Shown in reports.
    pub name: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Its time limit.
    pub timeout: Period,
    /// Whether going back is still possible once it has begun (a migration often is not).
    pub reversible: bool,
}

/// What an [`Step::Observe`] watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Watch {
    /// Run every check of a suite once against each of these units' candidates, before it has traffic.
    Preview {
        /// The suite.
        suite: Suite,
        /// The units.
        units: Vec<UnitId>,
    },
    /// Run every check of a suite once against the service's public address.
    Service {
        /// The suite.
        suite: Suite,
    },
    /// Watch the traffic that reaches the candidate.
    Traffic {
        /// How long.
        period: Period,
        /// What it must look like.
        thresholds: Thresholds,
    },
    /// Keep asking the service's health check.
    Health {
        /// How long.
        period: Period,
    },
}

impl Watch {
    /// A short name: the suite's, or what is watched.
    pub fn name(&self) -> &str {
        match self {
            Self::Preview { suite, .. } | Self::Service { suite } => &suite.name,
            Self::Traffic { .. } => "traffic",
            Self::Health { .. } => "health",
        }
    }
}

/// The part of a rollout a step belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The way to the new version.
    Forward,
    /// Single failed units are put back while the rollout goes on.
    Detour,
    /// The way back to the previous version.
    Recovery,
    /// All traffic goes to the verified candidate after promotion failed.
    Completion,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Forward => "forward",
            Self::Detour => "detour",
            Self::Recovery => "recovery",
            Self::Completion => "completion",
        })
    }
}

/// Names one step of a rollout. The same step has the same id when a rollout is replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepId {
    /// The part it belongs to.
    pub phase: Phase,
    /// Its place in that part, from 0.
    pub index: u32,
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.phase, self.index)
    }
}
